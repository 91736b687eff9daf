/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_authz.h"

#include <ap_expr.h>
#include <apr_strings.h>
#include <http_request.h>
#include <mod_auth.h>

#include "clerk_scope.h"
#include "mod_auth_clerk_answer.h"
#include "mod_auth_clerk_log.h"
#include "mod_auth_clerk_request.h"
#include "mod_auth_clerk_require.h"

/* The arguments of a Require line, made ready at start-up. */
typedef struct line_t {
    const apr_array_header_t *words;  /* of const char *; or NULL and */
    const ap_expr_info_t *expression; /* what gives them at run time */
    int is_negated;                   /* `not`, <RequireNone> */
} line_t;

/* Says what is wrong with an argument; NULL when it is fine. */
typedef const char *check_word_fn(const char *word);

/* ------------------------------------------------------------------ */
/* At start-up                                                        */

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
                                    const char *provider, line_t *line)
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
                        provider, text, reason);
}

static const char *parse(cmd_parms *cmd, const char *text, const void **parsed,
                         const char *provider, check_word_fn *check)
{
    line_t *line = apr_pcalloc(cmd->pool, sizeof(*line));
    const char *sentence;
    int i;

    line->is_negated = auth_clerk_require_is_negated(cmd);
    *parsed = line;
    if (ap_strstr_c(text, "%{")) {
        return parse_expression(cmd, text, provider, line);
    }
    line->words = split(cmd->pool, text);
    if (line->words->nelts == 0) {
        return apr_psprintf(cmd->pool,
                            "Require %s: the list is empty; give "
                            "one value or more",
                            provider);
    }
    for (i = 0; check && i < line->words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(line->words, i, const char *);

        sentence = check(word);
        if (sentence) {
            return apr_psprintf(cmd->pool,
                                "Require %s: '%s' is not "
                                "accepted; %s",
                                provider, word, sentence);
        }
    }
    return NULL;
}

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

#define PARSER(function, name, check) \
    static const char *function(cmd_parms *cmd, const char *text, \
                                const void **parsed) \
    { \
        return parse(cmd, text, parsed, name, check); \
    }

PARSER(parse_scope, "clerk-scope", check_scope)
PARSER(parse_user, "clerk-user", NULL)
PARSER(parse_client, "clerk-client", NULL)
PARSER(parse_token_type, "clerk-token-type", check_kind)

/* ------------------------------------------------------------------ */
/* At request time                                                    */

/* The identity behind the user; NULL, and what to answer, without one. */
static const clerk_identity_t *identity_of(const request_rec *r,
                                           authz_status *otherwise)
{
    if (!r->user) {
        *otherwise = AUTHZ_DENIED_NO_USER;
        return NULL;
    }
    *otherwise = AUTHZ_DENIED;
    return auth_clerk_request_identity(r);
}

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

/* The scopes that the question at hand lends; NULL when none is asked. */
static const apr_array_header_t *what_if(const request_rec *r)
{
    const auth_clerk_request_t *note = auth_clerk_request_peek(r);

    return note ? note->what_if : NULL;
}

static authz_status grant_if_listed(request_rec *r, const void *parsed,
                                    const char *value)
{
    const apr_array_header_t *words = words_of(r, parsed);
    int i;

    if (!words) {
        /* Not denied, which `Require not` would turn into granted. */
        return AUTHZ_GENERAL_ERROR;
    }
    for (i = 0; value && i < words->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(words, i, const char *), value) == 0) {
            return AUTHZ_GRANTED;
        }
    }
    return AUTHZ_DENIED;
}

/*
 * The scopes to decide by: the token's own and, when auth_checker asks what
 * would be if, those that the section names.
 */
static const char *scopes_of(const request_rec *r,
                             const clerk_identity_t *identity)
{
    const char *own = clerk_claims_get(identity, "scope");
    const apr_array_header_t *lent = what_if(r);

    if (!lent) {
        return own;
    }
    return apr_pstrcat(r->pool, own ? own : "", " ",
                       clerk_scope_join(r->pool, lent), NULL);
}

static authz_status check_scopes(request_rec *r, const char *text,
                                 const void *parsed)
{
    const line_t *line = parsed;
    const apr_array_header_t *words;
    const clerk_identity_t *identity;
    authz_status otherwise;

    (void)text;
    identity = identity_of(r, &otherwise);
    if (!identity) {
        return otherwise;
    }
    if (line->expression && !line->is_negated && what_if(r)) {
        /* Scopes that only an expression knows count as lent, too. */
        return AUTHZ_GRANTED;
    }
    words = words_of(r, line);
    if (!words) {
        return AUTHZ_GENERAL_ERROR;
    }
    return words->nelts > 0
                   && clerk_scope_has_all(scopes_of(r, identity), words)
               ? AUTHZ_GRANTED
               : AUTHZ_DENIED;
}

static authz_status check_user(request_rec *r, const char *text,
                               const void *parsed)
{
    authz_status otherwise;
    const clerk_identity_t *identity = identity_of(r, &otherwise);

    (void)text;
    return identity ? grant_if_listed(r, parsed, clerk_claims_user_id(identity))
                    : otherwise;
}

static authz_status check_client(request_rec *r, const char *text,
                                 const void *parsed)
{
    authz_status otherwise;
    const clerk_identity_t *identity = identity_of(r, &otherwise);

    (void)text;
    return identity ? grant_if_listed(r, parsed,
                                      clerk_claims_get(identity, "client_id"))
                    : otherwise;
}

static authz_status check_token_type(request_rec *r, const char *text,
                                     const void *parsed)
{
    authz_status otherwise;
    const clerk_identity_t *identity = identity_of(r, &otherwise);

    (void)text;
    return identity ? grant_if_listed(r, parsed,
                                      clerk_token_kind_name(identity->kind))
                    : otherwise;
}

static const authz_provider scope_provider = { check_scopes, parse_scope };
static const authz_provider user_provider = { check_user, parse_user };
static const authz_provider client_provider = { check_client, parse_client };
static const authz_provider token_type_provider = { check_token_type,
                                                    parse_token_type };

/* ------------------------------------------------------------------ */
/* From a refusal to an answer                                        */

static int is_refused(int result)
{
    return result == HTTP_UNAUTHORIZED || result == HTTP_FORBIDDEN;
}

/*
 * mod_authz_core answers the refusal of an authenticated user with 401, or
 * with a 403 without challenge. So this hook asks the other hooks itself and
 * finds the answer of RFC 6750 section 3.1: insufficient_scope when a token
 * with the scopes that the section names would be let in, else a plain 403.
 */
static int auth_checker(request_rec *r)
{
    auth_clerk_request_t *note = auth_clerk_request_peek(r);
    const struct ap_logconf *log;
    clerk_status_t status = CLERK_ACCESS_DENIED;
    int result;

    if (!note || !note->identity || note->is_asking) {
        return DECLINED;
    }
    note->is_asking = 1;
    log = auth_clerk_log_hush(r);
    result = ap_run_auth_checker(r);
    if (is_refused(result)) {
        note->what_if = auth_clerk_require_scopes(r->pool, note->plan->scopes,
                                                  r->method_number);
        if (ap_run_auth_checker(r) == OK) {
            status = CLERK_INSUFFICIENT_SCOPE;
        }
        note->what_if = NULL;
    }
    auth_clerk_log_restore(r, log);
    note->is_asking = 0;
    if (!is_refused(result)) {
        return result;
    }
    auth_clerk_log_refusal(r, note, status);
    return auth_clerk_answer_refuse(r, status, 0);
}

void auth_clerk_authz_register_hooks(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const authz_provider *provider;
    } providers[] = {
        { "clerk-scope", &scope_provider },
        { "clerk-user", &user_provider },
        { "clerk-client", &client_provider },
        { "clerk-token-type", &token_type_provider },
    };
    apr_size_t i;

    for (i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
        ap_register_auth_provider(p, AUTHZ_PROVIDER_GROUP, providers[i].name,
                                  AUTHZ_PROVIDER_VERSION, providers[i].provider,
                                  AP_AUTH_INTERNAL_PER_CONF);
    }
    ap_hook_check_authz(auth_checker, NULL, NULL, APR_HOOK_REALLY_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
}
