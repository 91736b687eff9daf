/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_providers.h"

#include <ap_expr.h>
#include <apr_strings.h>
#include <http_request.h>
#include <mod_auth.h>

#include "clerk_feature.h"
#include "clerk_scope.h"
#include "mod_auth_clerk_log.h"
#include "mod_auth_clerk_request.h"
#include "mod_auth_clerk_require.h"

typedef struct provider_t provider_t;

/* A Require line, made ready at start-up. */
typedef struct line_t {
    const provider_t *provider;
    const apr_array_header_t *words;  /* of const char *; or NULL and */
    const ap_expr_info_t *expression; /* what gives them at run time */
    const ap_regex_t *regex;          /* of `clerk-claim name ~ regex` */
    int is_negated;                   /* `not`, <RequireNone> */
} line_t;

/* One line on trial. */
typedef struct trial_t {
    request_rec *r;
    const line_t *line;
    const clerk_identity_t *identity;
    const apr_array_header_t *words; /* at least one */
} trial_t;

struct provider_t {
    const char *name;
    /* Says what is wrong with an argument; NULL when it is fine. */
    const char *(*check)(const char *word);
    int (*is_met)(const trial_t *trial); /* or UNCLEAR */
    unsigned int lacking; /* facts: what it looks for may have been left out */
};

#define UNCLEAR (-1) /* whether a line is met */

#define WORD(list, i) APR_ARRAY_IDX(list, i, const char *)
#define ORG_PREFIX "org:"
#define ORG_PREFIX_LEN 4

/* ------------------------------------------------------------------ */
/* What the lines mean                                                */

/* Is the value, which may be NULL, one of the words? */
static int is_listed(const trial_t *trial, const char *value)
{
    int i;

    for (i = 0; value && i < trial->words->nelts; i++) {
        if (strcmp(WORD(trial->words, i), value) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The scopes that the question at hand lends; NULL when none is asked. */
static const apr_array_header_t *what_if(const request_rec *r)
{
    const auth_clerk_request_t *note = auth_clerk_request_peek(r);

    return note ? note->what_if : NULL;
}

/*
 * By the token's own scopes and, when auth_checker asks what would be if, by
 * those that the section names.
 */
static int has_scopes(const trial_t *trial)
{
    apr_pool_t *p = trial->r->pool;
    const char *own = clerk_claims_get(trial->identity, "scope");
    const apr_array_header_t *lent = what_if(trial->r);

    if (lent) {
        own = apr_pstrcat(p, own ? own : "", " ", clerk_scope_join(p, lent),
                          NULL);
    }
    return clerk_scope_has_all(own, trial->words);
}

static int has_permissions(const trial_t *trial)
{
    return clerk_scope_has_all(clerk_claims_of_kinds(trial->identity,
                                                     "org_permissions",
                                                     CLERK_KIND_SESSION),
                               trial->words);
}

static int is_user(const trial_t *trial)
{
    return is_listed(trial, clerk_claims_user_id(trial->identity));
}

static int is_client(const trial_t *trial)
{
    return is_listed(trial, clerk_claims_of_kinds(trial->identity, "client_id",
                                                  CLERK_KIND_OAUTH));
}

static int is_machine(const trial_t *trial)
{
    return is_listed(
        trial, clerk_claims_of_kinds(trial->identity, "sub", CLERK_KIND_M2M));
}

static int is_token_type(const trial_t *trial)
{
    return is_listed(trial, clerk_token_kind_name(trial->identity->kind));
}

static int is_in_organization(const trial_t *trial)
{
    unsigned int users = CLERK_KIND_OAUTH | CLERK_KIND_SESSION;

    return is_listed(trial, clerk_claims_of_kinds(trial->identity, "org_id",
                                                  users | CLERK_KIND_API_KEY))
           || is_listed(trial, clerk_claims_of_kinds(trial->identity,
                                                     "org_slug", users));
}

static const char *bare_role(const char *role)
{
    return strncmp(role, ORG_PREFIX, ORG_PREFIX_LEN) == 0
               ? role + ORG_PREFIX_LEN
               : role;
}

/* `admin` is `org:admin`. */
static int has_role(const trial_t *trial)
{
    const char *role =
        clerk_claims_of_kinds(trial->identity, "org_role", CLERK_KIND_SESSION);
    int i;

    for (i = 0; role && i < trial->words->nelts; i++) {
        const char *wanted = bare_role(WORD(trial->words, i));

        if (*wanted && strcmp(wanted, bare_role(role)) == 0) {
            return 1;
        }
    }
    return 0;
}

static int has_element(const trial_t *trial, const char *claim)
{
    const char *list =
        clerk_claims_of_kinds(trial->identity, claim, CLERK_KIND_SESSION);
    int is_met = 0;
    int i;

    for (i = 0; list && i < trial->words->nelts; i++) {
        clerk_feature_found_t found =
            clerk_feature_find(list, WORD(trial->words, i));

        if (found == CLERK_FEATURE_LISTED) {
            return 1;
        }
        is_met = found == CLERK_FEATURE_UNCLEAR ? UNCLEAR : is_met;
    }
    return is_met;
}

static int has_feature(const trial_t *trial)
{
    return has_element(trial, "fea");
}

static int has_plan(const trial_t *trial)
{
    return has_element(trial, "pla");
}

/* `name`, `name value...`, `name ~ regex`; the first word is the name. */
static int has_claim(const trial_t *trial)
{
    const apr_array_header_t *claims = trial->identity->claims;
    const char *name = WORD(trial->words, 0);
    int i;
    int j;

    for (i = 0; i < claims->nelts; i++) {
        const clerk_claim_t claim = APR_ARRAY_IDX(claims, i, clerk_claim_t);

        if (trial->words->nelts == 1 && !trial->line->regex
            && clerk_claims_is_below(claim.name, name)) {
            return 1;
        }
        if (strcmp(claim.name, name) != 0) {
            continue;
        }
        if (trial->line->regex
            && ap_regexec(trial->line->regex, claim.value, 0, NULL, 0) == 0) {
            return 1;
        }
        for (j = 1; j < trial->words->nelts; j++) {
            if (strcmp(WORD(trial->words, j), claim.value) == 0) {
                return 1;
            }
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ */
/* At start-up                                                        */

static const char *check_scope(const char *word)
{
    return clerk_scope_is_token(word)
               ? NULL
               : "a scope is printable ASCII without spaces, quotes and "
                 "backslashes (RFC 6749 section 3.3)";
}

static const char *check_kind(const char *word)
{
    clerk_kind_t kind = clerk_token_kind_by_name(word);

    return kind != CLERK_KIND_NONE && kind != CLERK_KIND_ANY
               ? NULL
               : "give oauth_token, session_token, m2m_token or api_key";
}

#define GRANTS_LACKING (CLERK_FACT_GRANTS_CUT | CLERK_FACT_TRUNCATED)

static const provider_t scope = { "clerk-scope", check_scope, has_scopes,
                                  GRANTS_LACKING };
static const provider_t permission = { "clerk-permission", check_scope,
                                       has_permissions, GRANTS_LACKING };
static const provider_t user = { "clerk-user", NULL, is_user, 0 };
static const provider_t client = { "clerk-client", NULL, is_client, 0 };
static const provider_t machine = { "clerk-machine", NULL, is_machine, 0 };
static const provider_t token_type = { "clerk-token-type", check_kind,
                                       is_token_type, 0 };
static const provider_t org = { "clerk-org", NULL, is_in_organization,
                                CLERK_FACT_TRUNCATED };
static const provider_t role = { "clerk-role", NULL, has_role, 0 };
static const provider_t feature = { "clerk-feature", NULL, has_feature,
                                    CLERK_FACT_TRUNCATED };
static const provider_t plan = { "clerk-plan", NULL, has_plan,
                                 CLERK_FACT_TRUNCATED };
static const provider_t claim = { "clerk-claim", NULL, has_claim,
                                  CLERK_FACT_TRUNCATED };

static apr_array_header_t *split(apr_pool_t *p, const char *text)
{
    apr_array_header_t *words = apr_array_make(p, 4, sizeof(const char *));

    while (*text) {
        const char *word = ap_getword_conf(p, &text);

        if (*word) {
            APR_ARRAY_PUSH(words, const char *) = word;
        }
    }
    return words;
}

static const char *parse_expression(cmd_parms *cmd, const char *text,
                                    line_t *line)
{
    const char *reason = NULL;

    line->expression =
        ap_expr_parse_cmd(cmd, text, AP_EXPR_FLAG_STRING_RESULT, &reason, NULL);
    if (!reason) {
        return NULL;
    }
    return apr_psprintf(cmd->pool,
                        "Require %s: the expression in '%s' cannot be "
                        "parsed: %s",
                        line->provider->name, text, reason);
}

/* `name ~ regex`: the pattern is taken as it is written. */
static const char *parse_regex(cmd_parms *cmd, apr_array_header_t *words,
                               line_t *line)
{
    if (words->nelts != 3) {
        return apr_psprintf(cmd->pool,
                            "Require %s: give a claim, '~' and one regular "
                            "expression, in quotes if it holds spaces",
                            line->provider->name);
    }
    line->regex =
        ap_pregcomp(cmd->pool, WORD(words, 2), AP_REG_EXTENDED | AP_REG_NOSUB);
    if (!line->regex) {
        return apr_psprintf(cmd->pool,
                            "Require %s: '%s' is not a regular expression",
                            line->provider->name, WORD(words, 2));
    }
    words->nelts = 1;
    line->words = words;
    return NULL;
}

static const char *check_words(cmd_parms *cmd, const line_t *line)
{
    const provider_t *provider = line->provider;
    const char *sentence;
    int i;

    if (line->words->nelts == 0) {
        return apr_psprintf(cmd->pool,
                            "Require %s: the list is empty; give one value or "
                            "more",
                            provider->name);
    }
    for (i = 0; provider->check && i < line->words->nelts; i++) {
        sentence = provider->check(WORD(line->words, i));
        if (sentence) {
            return apr_psprintf(cmd->pool,
                                "Require %s: '%s' is not accepted; %s",
                                provider->name, WORD(line->words, i), sentence);
        }
    }
    return NULL;
}

static const char *parse(cmd_parms *cmd, const char *text, const void **parsed,
                         const provider_t *provider)
{
    line_t *line = apr_pcalloc(cmd->pool, sizeof(*line));
    apr_array_header_t *words = split(cmd->pool, text);

    line->provider = provider;
    line->is_negated = auth_clerk_require_is_negated(cmd);
    *parsed = line;
    if (provider == &claim && words->nelts > 1
        && strcmp(WORD(words, 1), "~") == 0) {
        return parse_regex(cmd, words, line);
    }
    if (ap_strstr_c(text, "%{")) {
        return parse_expression(cmd, text, line);
    }
    line->words = words;
    return check_words(cmd, line);
}

/* ------------------------------------------------------------------ */
/* At request time                                                    */

/* NULL, after a line in the log, when the expression fails. */
static const apr_array_header_t *words_of(request_rec *r, const line_t *line)
{
    const char *reason = NULL;
    const char *text;

    if (line->words) {
        return line->words;
    }
    text = ap_expr_str_exec(r, line->expression, &reason);
    if (!reason) {
        return split(r->pool, text);
    }
    auth_clerk_log_expression_fault(r, reason);
    return NULL;
}

static authz_status try_line(request_rec *r, const char *text,
                             const void *parsed)
{
    trial_t trial = { .r = r, .line = parsed };
    int is_met;

    (void)text;
    if (!r->user) {
        return AUTHZ_DENIED_NO_USER;
    }
    trial.identity = auth_clerk_request_identity(r);
    if (!trial.identity) {
        /* A user of another AuthType's. */
        return AUTHZ_DENIED;
    }
    if (trial.line->provider == &scope && trial.line->expression
        && !trial.line->is_negated && what_if(r)) {
        /* Scopes that only an expression knows count as lent, too. */
        return AUTHZ_GRANTED;
    }
    trial.words = words_of(r, trial.line);
    if (!trial.words) {
        /* Not denied, which `Require not` would turn into granted. */
        return AUTHZ_GENERAL_ERROR;
    }
    if (trial.line->provider == &claim && trial.line->expression
        && trial.words->nelts < 2) {
        /* An expression that gave nothing must not ask for less. */
        return AUTHZ_DENIED;
    }
    is_met = trial.words->nelts > 0 ? trial.line->provider->is_met(&trial) : 0;
    if (!is_met && (trial.identity->facts & trial.line->provider->lacking)) {
        is_met = UNCLEAR;
    }
    /* What is not seen may be there: no line lets in for it, nor does `not`. */
    return is_met == 1 || (is_met == UNCLEAR && trial.line->is_negated)
               ? AUTHZ_GRANTED
               : AUTHZ_DENIED;
}

/* httpd gives a parser no baton, so that each provider has one of its own. */
#define PROVIDER(which) \
    static const char *parse_##which(cmd_parms *cmd, const char *text, \
                                     const void **parsed) \
    { \
        return parse(cmd, text, parsed, &which); \
    } \
    static const authz_provider which##_provider = { try_line, parse_##which };

PROVIDER(scope)
PROVIDER(permission)
PROVIDER(user)
PROVIDER(client)
PROVIDER(machine)
PROVIDER(token_type)
PROVIDER(org)
PROVIDER(role)
PROVIDER(feature)
PROVIDER(plan)
PROVIDER(claim)

void auth_clerk_providers_register(apr_pool_t *p)
{
    static const struct {
        const provider_t *line;
        const authz_provider *provider;
    } all[] = {
        { &scope, &scope_provider },     { &permission, &permission_provider },
        { &user, &user_provider },       { &client, &client_provider },
        { &machine, &machine_provider }, { &token_type, &token_type_provider },
        { &org, &org_provider },         { &role, &role_provider },
        { &feature, &feature_provider }, { &plan, &plan_provider },
        { &claim, &claim_provider },
    };
    apr_size_t i;

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        ap_register_auth_provider(p, AUTHZ_PROVIDER_GROUP, all[i].line->name,
                                  AUTHZ_PROVIDER_VERSION, all[i].provider,
                                  AP_AUTH_INTERNAL_PER_CONF);
    }
}
