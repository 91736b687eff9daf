/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_api_answer.h"
#include "clerk_jwks.h"

#include <apr_escape.h>
#include <apr_lib.h>
#include <apr_strings.h>

#define FORM_BODY "Content-Type: application/x-www-form-urlencoded"

/* ------------------------------------------------------------------ */
/* Statuses other than 200                                            */

/* Cloudflare stands before Clerk and speaks HTML when Clerk is unwell. */
static int is_html(const clerk_answer_t *answer)
{
    clerk_slice_t body = answer->body;

    if (answer->content_type
        && strncasecmp(answer->content_type, "text/html", 9) == 0) {
        return 1;
    }
    while (body.len && apr_isspace(*body.ptr)) {
        body.ptr++;
        body.len--;
    }
    return body.len && *body.ptr == '<';
}

/*
 * Does a 400 or 404 speak of the token? Only in Clerk's own words, {"errors":
 * [{"code", "message"}...]} (D3), or in those of RFC 6749 section 5.2. That
 * there is no such token is for the verify endpoints alone to say (`judges`);
 * elsewhere a 404 means that there is no such endpoint.
 */
static int is_about_token(const clerk_answer_t *answer, apr_pool_t *p,
                          int judges)
{
    const clerk_json_t *body = clerk_json_parse(p, answer->body);
    const clerk_json_t *error = body ? clerk_json_first(body, "errors") : NULL;
    const char *code;

    if (error && clerk_json_string(error, "code", &code) == CLERK_JSON_FOUND) {
        return answer->http == 404 ? judges : strcmp(code, "bad_request") == 0;
    }
    return answer->http == 400 && body
           && clerk_json_string(body, "error", &code) == CLERK_JSON_FOUND
           && strcmp(code, "invalid_request") == 0;
}

/*
 * What a status other than 200 means. A client's fault is never assumed; it
 * has to be proved by Clerk's own words.
 */
static clerk_status_t read_error(const clerk_answer_t *answer, apr_pool_t *p,
                                 int judges)
{
    if (answer->http == 429) {
        return CLERK_RATE_LIMITED;
    }
    if (answer->http >= 500) {
        return CLERK_SERVER_ERROR;
    }
    if (answer->http >= 300 && answer->http < 400) {
        return CLERK_REDIRECTED;
    }
    if (is_html(answer)) {
        return CLERK_ANSWER_MALFORMED;
    }
    switch (answer->http) {
    case 401:
    case 403:
        return CLERK_CREDENTIALS_REFUSED;
    case 422:
        return CLERK_FEATURE_DISABLED;
    case 400:
    case 404:
        return is_about_token(answer, p, judges) ? CLERK_TOKEN_INACTIVE
                                                 : CLERK_REQUEST_REFUSED;
    default:
        return CLERK_ANSWER_MALFORMED;
    }
}

#define TRACE_ID_MAX 64
#define TRACE_ID_BYTES \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
    "0123456789-_"

const char *clerk_api_trace_id(const clerk_answer_t *answer, apr_pool_t *p,
                               apr_pool_t *scratch)
{
    const char *id = answer->ray;
    const clerk_json_t *body;
    const char *own;
    apr_size_t len;

    if (answer->http != 200) {
        body = clerk_json_parse(scratch, answer->body);
        if (body
            && clerk_json_string(body, "clerk_trace_id", &own)
                   == CLERK_JSON_FOUND) {
            id = apr_pstrdup(p, own);
        }
    }
    len = id ? strlen(id) : 0;
    return len && len <= TRACE_ID_MAX && strspn(id, TRACE_ID_BYTES) == len
               ? id
               : NULL;
}

/* The object of a 200, or the status to end with. */
clerk_status_t clerk_api_read_body(const clerk_answer_t *answer, apr_pool_t *p,
                                   int judges, const clerk_json_t **body)
{
    *body = NULL;
    if (answer->http != 200) {
        return read_error(answer, p, judges);
    }
    *body = clerk_json_parse(p, answer->body);
    return *body ? CLERK_OK : CLERK_ANSWER_MALFORMED;
}

/* Take a string member over as a claim, unless it is empty. */
clerk_json_found_t clerk_api_take(clerk_identity_t *identity,
                                  const clerk_json_t *body, const char *member,
                                  const char *claim)
{
    const char *value;
    clerk_json_found_t found = clerk_json_string(body, member, &value);

    if (found == CLERK_JSON_FOUND && *value) {
        clerk_claims_add(identity, claim, value);
    }
    return found;
}

/* ------------------------------------------------------------------ */
/* POST /oauth/token_info                                             */

/* What a form leaves as it is. */
static const unsigned char unreserved[256] = {
    ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
    ['-'] = 1,         ['.'] = 1,         ['_'] = 1,
};

/* APR takes long to find that there is nothing to escape, as in all tokens
 * that Clerk issues. */
static const char *escape(apr_pool_t *p, clerk_slice_t token)
{
    const char *text = apr_pstrmemdup(p, token.ptr, token.len);
    const char *c = text;

    while (unreserved[(unsigned char)*c]) {
        c++;
    }
    return *c ? apr_pescape_urlencoded(p, text) : text;
}

static void write_token_info(const clerk_realm_t *realm, clerk_slice_t token,
                             apr_pool_t *p, clerk_call_t *call)
{
    call->url = apr_pstrcat(p, realm->frontend_api, "/oauth/token_info", NULL);
    call->is_post = 1;
    call->headers[0] = realm->basic;
    call->headers[1] = FORM_BODY;
    call->headers[2] = CLERK_API_ACCEPT_JSON;
    call->body = clerk_slice_str(apr_pstrcat(
        p, "token=", escape(p, token), "&token_type_hint=access_token", NULL));
    call->lane = realm->digest;
}

static clerk_status_t read_token_info(const clerk_answer_t *answer,
                                      apr_pool_t *p, apr_pool_t *scratch,
                                      clerk_identity_t **identity)
{
    /* What is read below, and what is no claim. */
    static const char *const done[] = { "active", "sub",    "client_id",
                                        "aud",    "cnf",    "scp",
                                        "scope",  "scopes", NULL };
    const clerk_json_t *body;
    clerk_identity_t *found;
    clerk_status_t status;
    int active;

    *identity = NULL;
    status = clerk_api_read_body(answer, scratch, 0, &body);
    if (status != CLERK_OK) {
        return status;
    }
    if (clerk_json_boolean(body, "active", &active) != CLERK_JSON_FOUND) {
        return CLERK_ANSWER_MALFORMED;
    }
    if (!active) {
        return CLERK_TOKEN_INACTIVE;
    }
    found = clerk_claims_make(p, CLERK_KIND_OAUTH);
    if (clerk_api_take(found, body, "sub", "sub") == CLERK_JSON_WRONG
        || clerk_api_take(found, body, "client_id", "client_id")
               == CLERK_JSON_WRONG) {
        return CLERK_ANSWER_MALFORMED;
    }
    status = clerk_claims_read_common(found, body);
    if (status == CLERK_OK) {
        status = clerk_claims_read_scopes(found, body);
    }
    if (status != CLERK_OK) {
        return status;
    }
    clerk_claims_add_object(found, body, done);
    *identity = found;
    return CLERK_OK;
}

const clerk_endpoint_t clerk_api_token_info = {
    "token_info", "ClerkClientID, ClerkClientSecret, ClerkFrontendAPI",
    write_token_info, read_token_info
};

/* ------------------------------------------------------------------ */
/* GET /oauth/userinfo                                                */

static void write_userinfo(const clerk_realm_t *realm, clerk_slice_t token,
                           apr_pool_t *p, clerk_call_t *call)
{
    call->url = apr_pstrcat(p, realm->frontend_api, "/oauth/userinfo", NULL);
    call->headers[0] = apr_psprintf(p, "Authorization: Bearer %.*s",
                                    (int)token.len, token.ptr);
    call->headers[1] = CLERK_API_ACCEPT_JSON;
    call->lane = realm->userinfo_lane;
}

/*
 * What the application may be told by name comes first, in case there is more
 * than is kept. Strings, or null (OpenID Connect Core section 5.1).
 */
static clerk_status_t read_profile(clerk_identity_t *profile,
                                   const clerk_json_t *body)
{
    static const char *const names[] = {
        "email",   "name",   "given_name", "family_name", "username",
        "picture", "org_id", "org_slug",   NULL,
    };
    const char *const *name;
    int flag;

    for (name = names; *name; name++) {
        if (clerk_api_take(profile, body, *name, *name) == CLERK_JSON_WRONG) {
            return CLERK_ANSWER_MALFORMED;
        }
    }
    if (clerk_json_boolean(body, "email_verified", &flag) == CLERK_JSON_WRONG) {
        return CLERK_ANSWER_MALFORMED;
    }
    /* `username` is what Clerk used to call it. */
    if (!clerk_claims_get(profile, "username")
        && clerk_api_take(profile, body, "preferred_username", "username")
               == CLERK_JSON_WRONG) {
        return CLERK_ANSWER_MALFORMED;
    }
    return CLERK_OK;
}

static clerk_status_t read_userinfo(const clerk_answer_t *answer, apr_pool_t *p,
                                    apr_pool_t *scratch,
                                    clerk_identity_t **identity)
{
    /* Read below, no claim, or for a token alone to say. */
    static const char *const done[] = {
        "sub",    "username",  "object", "user_id", "active", "scope", "scp",
        "scopes", "client_id", "aud",    "azp",     "act",    "cnf",   "iss",
        "sid",    "jti",       "exp",    "nbf",     "iat",    NULL,
    };
    const clerk_json_t *body;
    clerk_identity_t *found;
    clerk_status_t status;

    *identity = NULL;
    status = clerk_api_read_body(answer, scratch, 0, &body);
    if (status == CLERK_CREDENTIALS_REFUSED) {
        /* The credentials of this call are the token itself. */
        return CLERK_TOKEN_INACTIVE;
    }
    if (status != CLERK_OK) {
        return status;
    }
    found = clerk_claims_make(p, CLERK_KIND_OAUTH);
    (void)clerk_api_take(found, body, "sub", "sub");
    if (!clerk_claims_get(found, "sub")) {
        return CLERK_ANSWER_MALFORMED;
    }
    status = read_profile(found, body);
    if (status != CLERK_OK) {
        return status;
    }
    clerk_claims_add_object(found, body, done);
    *identity = found;
    return CLERK_OK;
}

const clerk_endpoint_t clerk_api_userinfo = { "userinfo",
                                              "ClerkUserInfo, ClerkFrontendAPI",
                                              write_userinfo, read_userinfo };

/* ------------------------------------------------------------------ */
/* GET /.well-known/jwks.json                                         */

const char clerk_api_jwks_name[] = "jwks";
const char clerk_api_jwks_fix[] =
    "ClerkPublishableKey, ClerkDomain, ClerkFrontendAPI";

void clerk_api_write_jwks(const clerk_realm_t *realm, apr_pool_t *p,
                          clerk_call_t *call)
{
    call->url =
        apr_pstrcat(p, realm->frontend_api, "/.well-known/jwks.json", NULL);
    call->headers[0] = CLERK_API_ACCEPT_JSON;
    call->answer_max = CLERK_JWKS_MAX;
    call->lane = realm->keys_lane;
    call->route = &realm->route;
}

clerk_status_t clerk_api_read_jwks(const clerk_answer_t *answer, apr_pool_t *p)
{
    return answer->http == 200 ? CLERK_OK : read_error(answer, p, 0);
}

/* ------------------------------------------------------------------ */
/* GET /.well-known/oauth-authorization-server, openid-configuration  */

const char clerk_api_metadata_name[] = "metadata";
const char clerk_api_metadata_fix[] =
    "ClerkPublishableKey, ClerkDomain, ClerkFrontendAPI";

void clerk_api_write_metadata(const clerk_realm_t *realm, const char *path,
                              apr_pool_t *p, clerk_call_t *call)
{
    call->url = apr_pstrcat(p, realm->frontend_api, path, NULL);
    call->headers[0] = CLERK_API_ACCEPT_JSON;
    call->answer_max = CLERK_METADATA_MAX;
    call->lane = realm->keys_lane;
    call->route = &realm->route;
}

clerk_status_t clerk_api_read_metadata(const clerk_answer_t *answer,
                                       apr_pool_t *p)
{
    const clerk_json_t *body;
    const char *issuer;
    clerk_status_t status = clerk_api_read_body(answer, p, 0, &body);

    if (status != CLERK_OK) {
        return status;
    }
    return clerk_json_string(body, "issuer", &issuer) == CLERK_JSON_FOUND
                   && *issuer
               ? CLERK_OK
               : CLERK_ANSWER_MALFORMED;
}

int clerk_api_metadata_lets_clients_in(clerk_slice_t document,
                                       apr_pool_t *scratch)
{
    const clerk_json_t *body = clerk_json_parse(scratch, document);
    const char *endpoint;
    int by_document;

    if (!body) {
        return 0;
    }
    clerk_json_boolean(body, "client_id_metadata_document_supported",
                       &by_document);
    clerk_json_string(body, "registration_endpoint", &endpoint);
    return by_document || (endpoint && *endpoint);
}
