/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_env.h"

#include <apr_strings.h>
#include <http_request.h>
#include <util_filter.h>

#include "clerk_token.h"
#include "mod_auth_clerk_log.h"
#include "mod_auth_clerk_request.h"
#include "mod_auth_clerk_scrub.h"

#define HEADER_VALUE_MAX 8000 /* bytes; servers refuse not much more */

typedef struct variable_t variable_t;
typedef const char *value_fn(const clerk_identity_t *identity, apr_pool_t *p,
                             const variable_t *variable);

struct variable_t {
    const char *name;
    const char *header;
    value_fn *value;
    const char *claim;
    unsigned int kinds; /* of token, in which the claim is Clerk's word */
};

/* ------------------------------------------------------------------ */
/* The values                                                         */

static const char *claim_value(const clerk_identity_t *identity, apr_pool_t *p,
                               const variable_t *variable)
{
    (void)p;
    return clerk_claims_of_kinds(identity, variable->claim, variable->kinds);
}

static const char *kind_value(const clerk_identity_t *identity, apr_pool_t *p,
                              const variable_t *variable)
{
    (void)p;
    (void)variable;
    return clerk_token_kind_name(identity->kind);
}

static const char *user_value(const clerk_identity_t *identity, apr_pool_t *p,
                              const variable_t *variable)
{
    (void)p;
    (void)variable;
    return clerk_claims_user_id(identity);
}

static const char *expiry_value(const clerk_identity_t *identity, apr_pool_t *p,
                                const variable_t *variable)
{
    (void)variable;
    return identity->expires ? apr_off_t_toa(p, identity->expires) : NULL;
}

#define ANY CLERK_KIND_ANY
#define OAUTH CLERK_KIND_OAUTH
#define SESSION CLERK_KIND_SESSION
#define USER (CLERK_KIND_OAUTH | CLERK_KIND_SESSION)

/* clang-format off */
static const variable_t variables[] = {
    { "CLERK_TOKEN_TYPE", "X-Clerk-Token-Type", kind_value, NULL, ANY },
    { "CLERK_SUBJECT", "X-Clerk-Subject", claim_value, "sub", ANY },
    { "CLERK_USER_ID", "X-Clerk-User-Id", user_value, NULL, ANY },
    { "CLERK_CLIENT_ID", "X-Clerk-Client-Id", claim_value, "client_id",
      OAUTH },
    { "CLERK_SCOPES", "X-Clerk-Scopes", claim_value, "scope", ANY },
    { "CLERK_TOKEN_ID", "X-Clerk-Token-Id", claim_value, "jti", ANY },
    { "CLERK_EXPIRES", "X-Clerk-Expires", expiry_value, NULL, ANY },
    { "CLERK_SESSION_ID", "X-Clerk-Session-Id", claim_value, "sid",
      SESSION },
    { "CLERK_AUTHORIZED_PARTY", "X-Clerk-Authorized-Party", claim_value,
      "azp", USER },
    { "CLERK_ACTOR", "X-Clerk-Actor", claim_value, "act.sub", USER },
    { "CLERK_ORG_ID", "X-Clerk-Org-Id", claim_value, "org_id",
      USER | CLERK_KIND_API_KEY },
    { "CLERK_ORG_SLUG", "X-Clerk-Org-Slug", claim_value, "org_slug", USER },
    { "CLERK_ORG_ROLE", "X-Clerk-Org-Role", claim_value, "org_role",
      SESSION },
    { "CLERK_ORG_PERMISSIONS", "X-Clerk-Org-Permissions", claim_value,
      "org_permissions", SESSION },
    { "CLERK_MACHINE_ID", "X-Clerk-Machine-Id", claim_value, "sub",
      CLERK_KIND_M2M },
    { "CLERK_EMAIL", "X-Clerk-Email", claim_value, "email", USER },
    { "CLERK_EMAIL_VERIFIED", "X-Clerk-Email-Verified", claim_value,
      "email_verified", USER },
    { "CLERK_NAME", "X-Clerk-Name", claim_value, "name", USER },
    { "CLERK_GIVEN_NAME", "X-Clerk-Given-Name", claim_value, "given_name",
      USER },
    { "CLERK_FAMILY_NAME", "X-Clerk-Family-Name", claim_value,
      "family_name", USER },
    { "CLERK_USERNAME", "X-Clerk-Username", claim_value, "username", USER },
    { "CLERK_PICTURE", "X-Clerk-Picture", claim_value, "picture", USER },
};
/* clang-format on */

#define VARIABLES (sizeof(variables) / sizeof(variables[0]))

unsigned int auth_clerk_env_kinds(const char *claim)
{
    apr_size_t i;

    for (i = 0; i < VARIABLES; i++) {
        /* `sub` has two rows, the first of which is for all. */
        if (variables[i].claim && strcmp(variables[i].claim, claim) == 0) {
            return variables[i].kinds;
        }
    }
    return CLERK_KIND_ANY;
}

/* The value without control characters; itself when it has none. */
static const char *strip(apr_pool_t *p, const char *value)
{
    const char *from;
    char *clean;
    char *to;

    if (!clerk_slice_has_control(value)) {
        return value;
    }
    to = clean = apr_pstrdup(p, value);
    for (from = value; *from; from++) {
        if (!clerk_slice_is_control(*from)) {
            *to++ = *from;
        }
    }
    *to = '\0';
    return clean;
}

/* The pairs that a section tells, as they come together. */
typedef struct telling_t {
    request_rec *r; /* for the log; NULL: nothing may be left out */
    apr_pool_t *p;
    const auth_clerk_plan_t *plan;
    const clerk_identity_t *identity;
    apr_array_header_t *pairs; /* clerk_pair_t */
    int is_lacking;
} telling_t;

static void leave_out(telling_t *telling, const char *name, const char *why)
{
    telling->is_lacking = 1;
    if (telling->r) {
        auth_clerk_log_left_out(telling->r, name, why);
    }
}

static int is_same(const char *a, const char *b)
{
    return a && b && strcasecmp(a, b) == 0;
}

/* The last pair may have the name of another one: then that is replaced. */
static void replace(const telling_t *telling)
{
    clerk_pair_t *pair = (clerk_pair_t *)telling->pairs->elts;
    int last = telling->pairs->nelts - 1;
    int i;

    for (i = 0; i < last; i++) {
        if (is_same(pair[i].variable, pair[last].variable)) {
            pair[i].variable = NULL;
        }
        if (is_same(pair[i].header, pair[last].header)) {
            pair[i].header = NULL;
        }
    }
}

static void tell(telling_t *telling, const char *variable, const char *header,
                 const char *value)
{
    clerk_pair_t *pair;

    if (!value) {
        return;
    }
    value = strip(telling->p, value);
    if (!*value) {
        leave_out(telling, variable, "is empty");
        return;
    }
    if (!(telling->plan->pass & AUTH_CLERK_PASS_HEADERS)) {
        header = NULL;
    }
    else if (strlen(value) > HEADER_VALUE_MAX) {
        leave_out(telling, header, "is too long for a header");
        header = NULL;
    }
    pair = apr_array_push(telling->pairs);
    pair->variable =
        telling->plan->pass & AUTH_CLERK_PASS_ENV ? variable : NULL;
    pair->header = header;
    pair->value = value;
}

/*
 * A claim of the administrator's choice. Members of an array are told apart
 * by spaces, so that one which holds a space cannot be represented; nor can an
 * object, alone or in an array.
 */
static const char *export_value(telling_t *telling,
                                const auth_clerk_export_t *export)
{
    const clerk_identity_t *identity = telling->identity;
    const clerk_claim_t *claim = (const clerk_claim_t *)identity->claims->elts;
    apr_size_t len = strlen(export->claim);
    const char *why = NULL;
    int count = 0;
    int spaces = 0;
    int i;

    for (i = 0; i < identity->claims->nelts; i++) {
        if (!clerk_claims_is_below(claim[i].name, export->claim)) {
            continue;
        }
        if (claim[i].name[len]) {
            why = "is an object, or an array with one; give one of its members";
        }
        else {
            count++;
            spaces |= strchr(claim[i].value, ' ') != NULL;
        }
    }
    if (count > 1 && spaces) {
        why = "is an array whose members contain spaces";
    }
    if (count > 1 && (identity->facts & CLERK_FACT_TRUNCATED)) {
        why = "is an array that may have more members than are kept";
    }
    if (why) {
        leave_out(telling, export->variable, why);
        return NULL;
    }
    return clerk_claims_joined(identity, telling->p, export->claim);
}

/* A bit for what the name of a claim begins with. */
static apr_uint32_t initial(const char *claim)
{
    return 1U << (*claim & 31);
}

static apr_uint32_t initials_of(const clerk_identity_t *identity)
{
    const clerk_claim_t *claim = (const clerk_claim_t *)identity->claims->elts;
    apr_uint32_t initials = 0;
    int i;

    for (i = 0; i < identity->claims->nelts; i++) {
        initials |= initial(claim[i].name);
    }
    return initials;
}

/* What one of our variables is; each stands for one value. */
static const char *own_value(telling_t *telling, const variable_t *variable)
{
    const clerk_identity_t *identity = telling->identity;
    const char *value = variable->value(identity, telling->p, variable);

    if (value && variable->claim
        && !clerk_claims_only(identity, variable->claim)) {
        leave_out(telling, variable->name, "is an array");
        return NULL;
    }
    return value;
}

/* Most claims that we know of are not there, and need not be looked for. */
static void tell_ours(telling_t *telling)
{
    apr_uint32_t initials = initials_of(telling->identity);
    const variable_t *variable;

    for (variable = variables; variable < variables + VARIABLES; variable++) {
        if (!variable->claim || (initials & initial(variable->claim))) {
            tell(telling, variable->name, variable->header,
                 own_value(telling, variable));
        }
    }
}

const apr_array_header_t *auth_clerk_env_pairs(request_rec *r, apr_pool_t *p,
                                               const auth_clerk_plan_t *plan,
                                               const clerk_identity_t *identity)
{
    const apr_array_header_t *exports = plan->exports;
    telling_t telling = { r, p, plan, identity, NULL, 0 };
    int i;

    telling.pairs = apr_array_make(p, 16, sizeof(clerk_pair_t));
    if (plan->pass == AUTH_CLERK_PASS_NONE) {
        return telling.pairs;
    }
    tell_ours(&telling);
    for (i = 0; exports && i < exports->nelts; i++) {
        const auth_clerk_export_t *export =
            &APR_ARRAY_IDX(exports, i, auth_clerk_export_t);

        tell(&telling, export->variable, export->header,
             export_value(&telling, export));
        /* ClerkExportClaim may use a name of ours, and one name twice. */
        replace(&telling);
    }
    return r || !telling.is_lacking ? telling.pairs : NULL;
}

/* Does a table have a name that begins like those of the variables? */
static int has_ours(const apr_table_t *table)
{
    const apr_array_header_t *entries = apr_table_elts(table);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)entries->elts;
    int i;

    for (i = 0; i < entries->nelts; i++) {
        if ((*entry[i].key | 0x20) == 'c'
            && strncasecmp(entry[i].key, "CLERK_", 6) == 0) {
            return 1;
        }
    }
    return 0;
}

static void set_pairs(request_rec *r, const clerk_pair_t *pair, int count)
{
    /* To look for each name costs more than to see that there is none. */
    int is_first = !has_ours(r->subprocess_env);

    for (; count--; pair++) {
        if (pair->variable && is_first) {
            apr_table_addn(r->subprocess_env, pair->variable, pair->value);
        }
        else if (pair->variable) {
            apr_table_setn(r->subprocess_env, pair->variable, pair->value);
        }
        if (pair->header) {
            apr_table_setn(r->headers_in, pair->header, pair->value);
        }
    }
}

/* What was made ready for this section and identity, or made now. */
static void tell_all(request_rec *r, const auth_clerk_request_t *note,
                     const clerk_identity_t *identity)
{
    const clerk_image_t *image = note->image;
    const apr_array_header_t *pairs;

    if (image && identity == &image->identity) {
        set_pairs(r, image->pairs, image->pair_count);
        return;
    }
    pairs = auth_clerk_env_pairs(r, r->pool, note->plan, identity);
    set_pairs(r, (const clerk_pair_t *)pairs->elts, pairs->nelts);
}

const char *auth_clerk_env_variable(const auth_clerk_plan_t *plan, int index)
{
    int own = index - (int)VARIABLES;

    if (own < 0) {
        return variables[index].name;
    }
    if (!plan->exports || own >= plan->exports->nelts) {
        return NULL;
    }
    return APR_ARRAY_IDX(plan->exports, own, auth_clerk_export_t).variable;
}

/* Take back what was told under another section's plan. */
static void forget_all(request_rec *r, const auth_clerk_plan_t *plan)
{
    const char *variable;
    int i;

    for (i = 0; (variable = auth_clerk_env_variable(plan, i)) != NULL; i++) {
        apr_table_unset(r->subprocess_env, variable);
    }
}

/* ------------------------------------------------------------------ */
/* Hooks                                                              */

static int fixup(request_rec *r)
{
    const clerk_identity_t *identity;
    auth_clerk_request_t *note;

    if (!auth_clerk_request_is_ours(r)) {
        return DECLINED;
    }
    note = auth_clerk_request_note(r);
    auth_clerk_request_report(r, note);
    identity = auth_clerk_request_identity(r);
    if (identity) {
        tell_all(r, note, identity);
    }
    return DECLINED;
}

/*
 * mod_dir and mod_negotiation have a subrequest judged and then let the
 * request itself go on under the subrequest's configuration and environment,
 * but with its own headers and user (ap_internal_fast_redirect). No hook of
 * authentication runs again; this one, right before the handler, does.
 */
static void adopt_subrequest(request_rec *r)
{
    auth_clerk_request_t *note = auth_clerk_request_peek(r);
    const auth_clerk_request_t *sub;

    if (!note || note->per_dir_config == r->per_dir_config
        || !auth_clerk_request_is_ours(r)) {
        return;
    }
    sub = note->sub;
    forget_all(r, note->plan);
    note->per_dir_config = r->per_dir_config;
    note->is_ours = 1;
    note->plan = auth_clerk_plan_of(r);
    note->identity = NULL;
    note->image = NULL;
    auth_clerk_scrub(r, note);
    if (!sub || sub->per_dir_config != r->per_dir_config || !sub->identity) {
        return;
    }
    note->identity = sub->identity;
    note->image = sub->image;
    r->user = note->user = sub->user;
    r->ap_auth_type = (char *)AUTH_CLERK_AUTH_TYPE;
    tell_all(r, note, note->identity);
}

void auth_clerk_env_register_hooks(apr_pool_t *p)
{
    /* These read what is set here. */
    static const char *const readers[] = { "mod_rewrite.c", "mod_headers.c",
                                           NULL };

    (void)p;
    ap_hook_fixups(fixup, NULL, readers, APR_HOOK_FIRST);
    ap_hook_insert_filter(adopt_subrequest, NULL, NULL, APR_HOOK_REALLY_FIRST);
}
