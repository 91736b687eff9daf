/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_claims.h"

#include <apr_strings.h>

#include "clerk_scope.h"

clerk_identity_t *clerk_claims_make(apr_pool_t *p, clerk_kind_t kind)
{
    clerk_identity_t *identity = apr_pcalloc(p, sizeof(*identity));

    identity->kind = kind;
    identity->claims = apr_array_make(p, 8, sizeof(clerk_claim_t));
    identity->room = CLERK_CLAIMS_MAX_BYTES;
    return identity;
}

static int is_named(const clerk_claim_t *claim, const char *name)
{
    /* Most names differ in their first byte already. */
    return *claim->name == *name && strcmp(claim->name, name) == 0;
}

static const clerk_claim_t *find(const clerk_identity_t *identity,
                                 const char *name)
{
    const clerk_claim_t *claim = (const clerk_claim_t *)identity->claims->elts;
    const clerk_claim_t *end = claim + identity->claims->nelts;

    for (; claim < end; claim++) {
        if (is_named(claim, name)) {
            return claim;
        }
    }
    return NULL;
}

const char *clerk_claims_get(const clerk_identity_t *identity, const char *name)
{
    const clerk_claim_t *claim = find(identity, name);

    return claim ? claim->value : NULL;
}

const char *clerk_claims_of_kinds(const clerk_identity_t *identity,
                                  const char *name, unsigned int kinds)
{
    return ((unsigned int)identity->kind & kinds)
               ? clerk_claims_get(identity, name)
               : NULL;
}

const char *clerk_claims_only(const clerk_identity_t *identity,
                              const char *name)
{
    const clerk_claim_t *claim = (const clerk_claim_t *)identity->claims->elts;
    const char *value = NULL;
    int i;

    for (i = 0; i < identity->claims->nelts; i++) {
        if (is_named(&claim[i], name)) {
            if (value) {
                return NULL;
            }
            value = claim[i].value;
        }
    }
    return value;
}

/* OAuth and session tokens are a user's unless the subject's prefix says
 * otherwise; an API key may be anybody's, so that there the prefix must say
 * so (wire contract, section 1.7). */
const char *clerk_claims_user_id(const clerk_identity_t *identity)
{
    const char *subject = clerk_claims_get(identity, "sub");
    unsigned int users = CLERK_KIND_OAUTH | CLERK_KIND_SESSION;

    if (!subject || strncmp(subject, "user_", 5) == 0) {
        return subject;
    }
    if (!((unsigned int)identity->kind & users)
        || strncmp(subject, "mch_", 4) == 0
        || strncmp(subject, "org_", 4) == 0) {
        return NULL;
    }
    return subject;
}

const char *clerk_claims_joined(const clerk_identity_t *identity, apr_pool_t *p,
                                const char *name)
{
    const clerk_claim_t *claim = (const clerk_claim_t *)identity->claims->elts;
    apr_array_header_t *values = NULL;
    const char *first = NULL;
    int i;

    for (i = 0; i < identity->claims->nelts; i++) {
        if (!is_named(&claim[i], name)) {
            continue;
        }
        if (!first) {
            first = claim[i].value;
            continue;
        }
        if (!values) {
            values = apr_array_make(p, 8, sizeof(const char *));
            APR_ARRAY_PUSH(values, const char *) = first;
        }
        APR_ARRAY_PUSH(values, const char *) = claim[i].value;
    }
    return values ? apr_array_pstrcat(p, values, ' ') : first;
}

void clerk_claims_add(clerk_identity_t *identity, const char *name,
                      const char *value)
{
    apr_size_t name_len = strlen(name);
    apr_size_t value_len = strlen(value);
    clerk_claim_t *claim;
    char *copy;

    if (identity->claims->nelts >= CLERK_CLAIMS_MAX
        || name_len + value_len > identity->room) {
        identity->facts |= CLERK_FACT_TRUNCATED;
        return;
    }
    identity->room -= name_len + value_len;
    copy = apr_palloc(identity->claims->pool, name_len + value_len + 2);
    claim = apr_array_push(identity->claims);
    claim->name = memcpy(copy, name, name_len + 1);
    claim->value = memcpy(copy + name_len + 1, value, value_len + 1);
}

/* Is there a claim of this name among the first `count`? */
static int is_among(const clerk_identity_t *identity, int count,
                    const char *name)
{
    const clerk_claim_t *claim = (const clerk_claim_t *)identity->claims->elts;
    int i;

    for (i = 0; i < count; i++) {
        if (is_named(&claim[i], name)) {
            return 1;
        }
    }
    return 0;
}

void clerk_claims_merge(clerk_identity_t *identity,
                        const clerk_identity_t *other)
{
    const clerk_claim_t *claim = (const clerk_claim_t *)other->claims->elts;
    int known = identity->claims->nelts;
    int i;

    identity->facts |= other->facts & CLERK_FACT_TRUNCATED;
    for (i = 0; i < other->claims->nelts; i++) {
        if (!is_among(identity, known, claim[i].name)) {
            clerk_claims_add(identity, claim[i].name, claim[i].value);
        }
    }
}

void clerk_claims_limit(clerk_identity_t *identity,
                        const clerk_identity_t *other)
{
    const clerk_claim_t *claim = (const clerk_claim_t *)other->claims->elts;
    int has_audience = identity->facts & CLERK_FACT_AUDIENCE;
    const char *issuer = clerk_claims_get(other, "iss");
    int i;

    if (issuer && !find(identity, "iss")) {
        clerk_claims_add(identity, "iss", issuer);
    }
    if (other->issued_at > identity->issued_at) {
        identity->issued_at = other->issued_at;
    }
    if (other->expires
        && (!identity->expires || other->expires < identity->expires)) {
        identity->expires = other->expires;
    }
    if (other->not_before > identity->not_before) {
        identity->not_before = other->not_before;
    }
    identity->facts |= other->facts
                       & (CLERK_FACT_AUDIENCE | CLERK_FACT_AUDIENCE_MALFORMED
                          | CLERK_FACT_CONFIRMATION);
    for (i = 0; !has_audience && i < other->claims->nelts; i++) {
        if (is_named(&claim[i], "aud")) {
            clerk_claims_add(identity, "aud", claim[i].value);
        }
    }
}

typedef struct leaves_baton_t {
    clerk_identity_t *identity;
    int known; /* claims before the object's own */
    const char *const *except;
} leaves_baton_t;

int clerk_claims_is_below(const char *path, const char *name)
{
    apr_size_t len;

    /* No name is empty; and see is_named. */
    if (*path != *name) {
        return 0;
    }
    len = strlen(name);
    return strncmp(path, name, len) == 0
           && (path[len] == '\0' || path[len] == '.');
}

static int is_taken(const leaves_baton_t *baton, const char *path)
{
    const char *const *name;

    for (name = baton->except; name && *name; name++) {
        if (clerk_claims_is_below(path, *name)) {
            return 1;
        }
    }
    return is_among(baton->identity, baton->known, path);
}

static void add_leaf(void *data, const char *path, const char *value)
{
    leaves_baton_t *baton = data;

    if (!is_taken(baton, path)) {
        clerk_claims_add(baton->identity, path, value);
    }
}

void clerk_claims_add_object(clerk_identity_t *identity,
                             const clerk_json_t *object,
                             const char *const *except)
{
    leaves_baton_t baton = { identity, identity->claims->nelts, except };

    clerk_json_leaves(object, identity->claims->pool, add_leaf, &baton);
}

static void add_audience(void *identity, const char *value)
{
    clerk_claims_add(identity, "aud", value);
}

/*
 * RFC 7519 section 4.1.3: a string or an array of strings. Anything else
 * makes the token invalid, which is for the policy to say.
 */
static void read_audience(clerk_identity_t *identity,
                          const clerk_json_t *object)
{
    switch (clerk_json_strings(object, "aud", add_audience, identity)) {
    case CLERK_JSON_ABSENT:
        break;
    case CLERK_JSON_FOUND:
        identity->facts |= CLERK_FACT_AUDIENCE;
        break;
    case CLERK_JSON_WRONG:
        identity->facts |= CLERK_FACT_AUDIENCE | CLERK_FACT_AUDIENCE_MALFORMED;
        break;
    }
}

void clerk_claims_add_grants(clerk_identity_t *identity, const char *name,
                             const apr_array_header_t *list)
{
    if (list->nelts) {
        clerk_claims_add(identity, name,
                         clerk_scope_join(identity->claims->pool, list));
    }
    if (clerk_scope_is_full(list)) {
        identity->facts |= CLERK_FACT_GRANTS_CUT;
    }
}

static void add_scopes(void *list, const char *value)
{
    clerk_scope_add(list, value);
}

/*
 * Clerk writes scopes as a string or an array, under one of three names
 * (D5 of the wire contract). The first that is there counts.
 */
clerk_status_t clerk_claims_read_scopes(clerk_identity_t *identity,
                                        const clerk_json_t *object)
{
    static const char *const names[] = { "scp", "scope", "scopes", NULL };
    apr_pool_t *p = identity->claims->pool;
    apr_array_header_t *list = apr_array_make(p, 8, sizeof(const char *));
    const char *const *name;

    for (name = names; *name; name++) {
        switch (clerk_json_strings(object, *name, add_scopes, list)) {
        case CLERK_JSON_ABSENT:
            continue;
        case CLERK_JSON_WRONG:
            return CLERK_ANSWER_MALFORMED;
        case CLERK_JSON_FOUND:
            clerk_claims_add_grants(identity, "scope", list);
            return CLERK_OK;
        }
    }
    return CLERK_OK;
}

clerk_status_t clerk_claims_read_common(clerk_identity_t *identity,
                                        const clerk_json_t *object)
{
    struct {
        const char *name;
        apr_int64_t *out;
    } times[] = {
        { "exp", &identity->expires },
        { "nbf", &identity->not_before },
        { "iat", &identity->issued_at },
    };
    const clerk_json_t *confirmation;
    apr_size_t i;

    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        apr_int64_t seconds;

        switch (clerk_json_time(object, times[i].name, 0, &seconds)) {
        case CLERK_JSON_WRONG:
            return CLERK_ANSWER_MALFORMED;
        case CLERK_JSON_ABSENT:
            break;
        case CLERK_JSON_FOUND:
            /* 1970 itself must not read as `not known`. */
            *times[i].out = seconds > 0 ? seconds : 1;
            break;
        }
    }
    if (clerk_json_object(object, "cnf", &confirmation) != CLERK_JSON_ABSENT) {
        identity->facts |= CLERK_FACT_CONFIRMATION;
    }
    read_audience(identity, object);
    return CLERK_OK;
}
