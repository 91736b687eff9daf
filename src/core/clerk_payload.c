/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_payload.h"

#include <apr_strings.h>

#include "clerk_permissions.h"
#include "clerk_scope.h"

#define ORG_PREFIX "org:"

/* Names that Clerk alone gives a meaning to; see clerk_claims_add_object. */
static const char *const own_names[] = {
    "sub",    "iss",      "azp",       "sid",
    "sts",    "jti",      "client_id", "aud",
    "cnf",    "scp",      "scope",     "act.sub",
    "org_id", "org_slug", "org_role",  "org_permissions",
    NULL,
};

/* The same for tokens that are no sessions, whose claims these are. */
static const char *const session_names[] = {
    "sub",    "iss",      "azp",       "sid",
    "sts",    "jti",      "client_id", "aud",
    "cnf",    "scp",      "scope",     "act.sub",
    "org_id", "org_slug", "org_role",  "org_permissions",
    "o",      "fea",      "pla",       "v",
    NULL,
};

/* A string member, unless it is empty. Other types are refused. */
static int take(clerk_identity_t *identity, const clerk_json_t *object,
                const char *member, const char *claim)
{
    const char *value;

    switch (clerk_json_string(object, member, &value)) {
    case CLERK_JSON_WRONG:
        return 0;
    case CLERK_JSON_FOUND:
        if (*value) {
            clerk_claims_add(identity, claim, value);
        }
        return 1;
    default:
        return 1;
    }
}

static int take_all(clerk_identity_t *identity, const clerk_json_t *object,
                    const char *const *names)
{
    for (; *names; names++) {
        if (!take(identity, object, *names, *names)) {
            return 0;
        }
    }
    return 1;
}

/* ------------------------------------------------------------------ */
/* Session tokens                                                     */

/* `admin` and `org:admin` are the same role; it is told with the prefix. */
static void add_role(clerk_identity_t *identity, const char *role)
{
    apr_pool_t *p = identity->claims->pool;

    while (strncmp(role, ORG_PREFIX, strlen(ORG_PREFIX)) == 0) {
        role += strlen(ORG_PREFIX);
    }
    if (*role) {
        clerk_claims_add(identity, "org_role",
                         apr_pstrcat(p, ORG_PREFIX, role, NULL));
    }
}

/* Version 2: the organization is the object `o`, packed tightly. In either
 * version, without its id there is none, and so no role in it. */
static int read_packed_organization(clerk_identity_t *identity,
                                    const clerk_json_t *payload)
{
    apr_pool_t *p = identity->claims->pool;
    const clerk_json_t *o;
    const char *role;
    const char *per;
    const char *fpm;
    const char *fea;
    const char *permissions;
    int is_cut;
    clerk_json_found_t found = clerk_json_object(payload, "o", &o);

    if (found != CLERK_JSON_FOUND) {
        return found == CLERK_JSON_ABSENT;
    }
    if (!take(identity, o, "id", "org_id")
        || !take(identity, o, "slg", "org_slug")
        || clerk_json_string(o, "rol", &role) == CLERK_JSON_WRONG
        || clerk_json_string(o, "per", &per) == CLERK_JSON_WRONG
        || clerk_json_string(o, "fpm", &fpm) == CLERK_JSON_WRONG
        || clerk_json_string(payload, "fea", &fea) == CLERK_JSON_WRONG) {
        return 0;
    }
    if (!clerk_claims_get(identity, "org_id")) {
        return 1;
    }
    if (role) {
        add_role(identity, role);
    }
    permissions = clerk_permissions_decode(p, per, fpm, fea, &is_cut);
    if (permissions) {
        clerk_claims_add(identity, "org_permissions", permissions);
    }
    if (is_cut) {
        identity->facts |= CLERK_FACT_GRANTS_CUT;
    }
    return 1;
}

static void add_permission(void *list, const char *value)
{
    /* Two in one string are none. */
    if (clerk_scope_is_token(value)) {
        clerk_scope_add(list, value);
    }
}

/* Version 1: plain claims. */
static int read_plain_organization(clerk_identity_t *identity,
                                   const clerk_json_t *payload)
{
    apr_pool_t *p = identity->claims->pool;
    apr_array_header_t *list = apr_array_make(p, 8, sizeof(const char *));
    const char *role;

    if (!take(identity, payload, "org_id", "org_id")
        || !take(identity, payload, "org_slug", "org_slug")
        || clerk_json_string(payload, "org_role", &role) == CLERK_JSON_WRONG
        || clerk_json_strings(payload, "org_permissions", add_permission, list)
               == CLERK_JSON_WRONG) {
        return 0;
    }
    if (!clerk_claims_get(identity, "org_id")) {
        return 1;
    }
    if (role) {
        add_role(identity, role);
    }
    clerk_claims_add_grants(identity, "org_permissions", list);
    return 1;
}

static int read_session(clerk_identity_t *identity, const clerk_json_t *payload)
{
    static const char *const names[] = { "azp", "sid", "sts", NULL };
    apr_int64_t version;

    if (!take_all(identity, payload, names)) {
        return 0;
    }
    /* As Clerk's own client has it: 2 is 2, and all else is the first. */
    switch (clerk_json_integer(payload, "v", &version)) {
    case CLERK_JSON_WRONG:
        return 0;
    case CLERK_JSON_FOUND:
        return version == 2 ? read_packed_organization(identity, payload)
                            : read_plain_organization(identity, payload);
    default:
        return read_plain_organization(identity, payload);
    }
}

/* ------------------------------------------------------------------ */

/* RFC 8693 section 4.1: who acts for the subject. */
static int read_actor(clerk_identity_t *identity, const clerk_json_t *payload)
{
    const clerk_json_t *act;
    clerk_json_found_t found = clerk_json_object(payload, "act", &act);

    if (found != CLERK_JSON_FOUND) {
        return found == CLERK_JSON_ABSENT;
    }
    return take(identity, act, "sub", "act.sub");
}

static int read_oauth(clerk_identity_t *identity, const clerk_json_t *payload)
{
    return take(identity, payload, "client_id", "client_id")
           && take(identity, payload, "org_id", "org_id")
           && clerk_claims_read_scopes(identity, payload) == CLERK_OK;
}

/* Times are numbers or not there; null is neither. */
static int has_good_times(const clerk_json_t *payload)
{
    static const char *const names[] = { "exp", "nbf", "iat", NULL };
    const char *const *name;
    apr_int64_t seconds;

    for (name = names; *name; name++) {
        if (clerk_json_has(payload, *name)
            && clerk_json_time(payload, *name, 0, &seconds)
                   != CLERK_JSON_FOUND) {
            return 0;
        }
    }
    return 1;
}

/* In a token null is not the same as not there, though it is in answers: some
 * proof is asked for, and some audience named, which is none. */
static void read_nulls(clerk_identity_t *identity, const clerk_json_t *payload)
{
    if (clerk_json_has(payload, "cnf")) {
        identity->facts |= CLERK_FACT_CONFIRMATION;
    }
    if (clerk_json_has(payload, "aud")
        && !(identity->facts & CLERK_FACT_AUDIENCE)) {
        identity->facts |= CLERK_FACT_AUDIENCE | CLERK_FACT_AUDIENCE_MALFORMED;
    }
}

/* The scopes in an M2M token are its sender's (D12), but Clerk's own client
 * refuses them as anything but a string. */
static int read_m2m(const clerk_json_t *payload)
{
    const char *scopes;

    return clerk_json_string(payload, "scopes", &scopes) != CLERK_JSON_WRONG;
}

clerk_status_t clerk_payload_read(const clerk_jwt_t *jwt, apr_pool_t *p,
                                  clerk_identity_t **identity)
{
    static const char *const names[] = { "sub", "iss", "jti", NULL };
    clerk_identity_t *found = clerk_claims_make(p, jwt->kind);
    int good;

    *identity = NULL;
    found->facts = CLERK_FACT_SIGNED;
    good = take_all(found, jwt->payload, names) && has_good_times(jwt->payload)
           && clerk_claims_read_common(found, jwt->payload) == CLERK_OK
           && found->expires;
    read_nulls(found, jwt->payload);
    /* An M2M token's `act` is its sender's word (section 2.6). */
    if (good && jwt->kind != CLERK_KIND_M2M) {
        good = read_actor(found, jwt->payload);
    }
    if (good && jwt->kind == CLERK_KIND_M2M) {
        good = read_m2m(jwt->payload);
    }
    if (good && jwt->kind == CLERK_KIND_OAUTH) {
        good = read_oauth(found, jwt->payload);
    }
    if (good && jwt->kind == CLERK_KIND_SESSION) {
        good = read_session(found, jwt->payload);
    }
    /* What decides must be there whole. */
    if (!good || (found->facts & CLERK_FACT_TRUNCATED)) {
        return CLERK_JWT_MALFORMED;
    }
    clerk_claims_add_object(found, jwt->payload,
                            jwt->kind == CLERK_KIND_SESSION ? own_names
                                                            : session_names);
    *identity = found;
    return CLERK_OK;
}
