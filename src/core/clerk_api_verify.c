/* SPDX-License-Identifier: Apache-2.0 */
/* The Backend API's three verify endpoints (wire contract, 1.5 to 1.7). */
#include "clerk_api_answer.h"

#include <apr_strings.h>

#define JSON_BODY "Content-Type: application/json"
/* The version of Clerk's APIs that this file was written against. */
#define API_VERSION "Clerk-API-Version: 2026-05-12"

/* In what the three differ. */
typedef struct family_t {
    const char *path;
    const char *member; /* of the request: the token (D24) */
    const char *object; /* of the answer */
    clerk_kind_t kind;
    int has_client;
    int has_scopes; /* they are required */
} family_t;

static const family_t oauth = {
    "/oauth_applications/access_tokens/verify",
    "access_token",
    "clerk_idp_oauth_access_token",
    CLERK_KIND_OAUTH,
    1,
    1,
};
static const family_t m2m = {
    "/m2m_tokens/verify", "token", "machine_to_machine_token",
    CLERK_KIND_M2M,       0,       0,
};
static const family_t api_key = {
    "/api_keys/verify", "secret", "api_key", CLERK_KIND_API_KEY, 0, 1,
};

static void write_verify(const family_t *family, const clerk_realm_t *realm,
                         clerk_slice_t token, apr_pool_t *p, clerk_call_t *call)
{
    clerk_json_pair_t body = { family->member, token, NULL };

    call->url = apr_pstrcat(p, realm->backend_api, family->path, NULL);
    call->is_post = 1;
    call->headers[0] = realm->bearer;
    call->headers[1] = JSON_BODY;
    call->headers[2] = CLERK_API_ACCEPT_JSON;
    call->headers[3] = API_VERSION;
    call->body = clerk_slice_str(clerk_json_write(p, &body, 1));
    call->lane = realm->digest;
}

/* `{"active": false}` is the other half of the union (section 1.5). */
static clerk_status_t read_active(const clerk_json_t *body)
{
    int active;

    if (!clerk_json_has(body, "active")) {
        return CLERK_OK;
    }
    if (clerk_json_boolean(body, "active", &active) != CLERK_JSON_FOUND) {
        return CLERK_ANSWER_MALFORMED;
    }
    return active ? CLERK_OK : CLERK_TOKEN_INACTIVE;
}

/* D2: `revoked` and `expired` must be there, and both be false. */
static clerk_status_t read_flags(const clerk_json_t *body)
{
    int revoked;
    int expired;

    if (clerk_json_boolean(body, "revoked", &revoked) != CLERK_JSON_FOUND
        || clerk_json_boolean(body, "expired", &expired) != CLERK_JSON_FOUND) {
        return CLERK_ANSWER_MALFORMED;
    }
    if (revoked) {
        return CLERK_TOKEN_REVOKED;
    }
    return expired ? CLERK_TOKEN_EXPIRED : CLERK_OK;
}

/*
 * D4: required, may be null; seconds or milliseconds. Should there be an
 * `exp`, too, the earlier end counts.
 */
static clerk_status_t read_expiration(clerk_identity_t *identity,
                                      const clerk_json_t *body)
{
    apr_pool_t *p = identity->claims->pool;
    apr_int64_t seconds;

    if (!clerk_json_has(body, "expiration")) {
        return CLERK_ANSWER_MALFORMED;
    }
    switch (clerk_json_time(body, "expiration", 1, &seconds)) {
    case CLERK_JSON_WRONG:
        return CLERK_ANSWER_MALFORMED;
    case CLERK_JSON_FOUND:
        if (!identity->expires || seconds < identity->expires) {
            identity->expires = seconds > 0 ? seconds : 1;
        }
        clerk_claims_add(identity, "exp",
                         apr_psprintf(p, "%" APR_INT64_T_FMT, seconds));
        return CLERK_OK;
    default:
        return CLERK_OK;
    }
}

static void pass_over(void *baton, const char *value)
{
    (void)baton;
    (void)value;
}

/* The members that this answer must have, under the names of claims. */
static clerk_status_t read_required(clerk_identity_t *identity,
                                    const clerk_json_t *body,
                                    const family_t *family)
{
    const char *object;
    clerk_json_found_t scopes =
        clerk_json_strings(body, "scopes", pass_over, NULL);

    if (clerk_json_string(body, "object", &object) != CLERK_JSON_FOUND
        || strcmp(object, family->object) != 0 || scopes == CLERK_JSON_WRONG
        || (family->has_scopes && scopes != CLERK_JSON_FOUND)
        || clerk_api_take(identity, body, "subject", "sub") != CLERK_JSON_FOUND
        || clerk_api_take(identity, body, "id", "jti") != CLERK_JSON_FOUND) {
        return CLERK_ANSWER_MALFORMED;
    }
    if (family->has_client
        && clerk_api_take(identity, body, "client_id", "client_id")
               != CLERK_JSON_FOUND) {
        return CLERK_ANSWER_MALFORMED;
    }
    return CLERK_OK;
}

/*
 * D26: `ak_` is the prefix of machine secrets, too, and a machine may own a
 * key. An organization's key stands for the organization.
 */
static clerk_status_t read_owner(clerk_identity_t *identity)
{
    const char *subject = clerk_claims_get(identity, "sub");

    if (identity->kind != CLERK_KIND_API_KEY || !subject
        || strncmp(subject, "user_", 5) == 0) {
        return CLERK_OK;
    }
    if (strncmp(subject, "org_", 4) == 0) {
        clerk_claims_add(identity, "org_id", subject);
        return CLERK_OK;
    }
    return CLERK_KIND_NOT_ACCEPTED;
}

/*
 * What else there is. Custom claims, which Clerk puts into a member of their
 * own, go by the same names as in a JWT, but never by those that are Clerk's.
 */
static void read_rest(clerk_identity_t *identity, const clerk_json_t *body)
{
    static const char *const done[] = {
        "active",     "object",
        "id",         "subject",
        "client_id",  "aud",
        "cnf",        "scp",
        "scope",      "scopes",
        "expiration", "exp",
        "revoked",    "revocation_reason",
        "expired",    "claims",
        NULL,
    };
    static const char *const reserved[] = {
        "sub",       "iss",    "aud",      "cnf",      "exp",
        "nbf",       "iat",    "jti",      "azp",      "sid",
        "sts",       "act",    "scp",      "scope",    "scopes",
        "client_id", "org_id", "org_slug", "org_role", "org_permissions",
        "o",         "fea",    "pla",      NULL,
    };
    const clerk_json_t *claims;

    clerk_claims_add_object(identity, body, done);
    if (clerk_json_object(body, "claims", &claims) == CLERK_JSON_FOUND) {
        clerk_claims_add_object(identity, claims, reserved);
    }
}

static clerk_status_t read_token(clerk_identity_t *found,
                                 const clerk_json_t *body,
                                 const family_t *family)
{
    clerk_status_t status = read_required(found, body, family);

    if (status == CLERK_OK) {
        status = clerk_claims_read_common(found, body);
    }
    if (status == CLERK_OK) {
        status = clerk_claims_read_scopes(found, body);
    }
    if (status == CLERK_OK) {
        status = read_expiration(found, body);
    }
    return status;
}

static clerk_status_t read_verify(const clerk_answer_t *answer, apr_pool_t *p,
                                  apr_pool_t *scratch, const family_t *family,
                                  clerk_identity_t **identity)
{
    const clerk_json_t *body;
    clerk_identity_t *found;
    clerk_status_t status;
    clerk_status_t flags;

    *identity = NULL;
    status = clerk_api_read_body(answer, scratch, 1, &body);
    if (status == CLERK_OK) {
        status = read_active(body);
    }
    if (status != CLERK_OK) {
        return status;
    }
    flags = read_flags(body);
    if (clerk_status_class(flags) == CLERK_CLASS_UPSTREAM) {
        return flags;
    }
    found = clerk_claims_make(p, family->kind);
    status = read_token(found, body, family);
    if (status == CLERK_OK) {
        status = flags;
    }
    if (status == CLERK_OK) {
        status = read_owner(found);
    }
    if (status != CLERK_OK) {
        return status;
    }
    read_rest(found, body);
    *identity = found;
    return CLERK_OK;
}

/* ------------------------------------------------------------------ */

static void write_oauth(const clerk_realm_t *realm, clerk_slice_t token,
                        apr_pool_t *p, clerk_call_t *call)
{
    write_verify(&oauth, realm, token, p, call);
}

static clerk_status_t read_oauth(const clerk_answer_t *answer, apr_pool_t *p,
                                 apr_pool_t *scratch,
                                 clerk_identity_t **identity)
{
    return read_verify(answer, p, scratch, &oauth, identity);
}

/* The machine secret, where there is one, has Clerk check that the token is
 * meant for this machine (section 1.6). */
static void write_m2m(const clerk_realm_t *realm, clerk_slice_t token,
                      apr_pool_t *p, clerk_call_t *call)
{
    write_verify(&m2m, realm, token, p, call);
    if (realm->machine_bearer) {
        call->headers[0] = realm->machine_bearer;
        call->lane = realm->machine_lane;
    }
}

static clerk_status_t read_m2m(const clerk_answer_t *answer, apr_pool_t *p,
                               apr_pool_t *scratch, clerk_identity_t **identity)
{
    return read_verify(answer, p, scratch, &m2m, identity);
}

static void write_api_key(const clerk_realm_t *realm, clerk_slice_t token,
                          apr_pool_t *p, clerk_call_t *call)
{
    write_verify(&api_key, realm, token, p, call);
}

static clerk_status_t read_api_key(const clerk_answer_t *answer, apr_pool_t *p,
                                   apr_pool_t *scratch,
                                   clerk_identity_t **identity)
{
    return read_verify(answer, p, scratch, &api_key, identity);
}

const clerk_endpoint_t clerk_api_oauth_verify = {
    "oauth_applications/access_tokens/verify",
    "ClerkSecretKey, ClerkBackendAPI", write_oauth, read_oauth
};

const clerk_endpoint_t clerk_api_m2m_verify = {
    "m2m_tokens/verify",
    "ClerkMachineSecretKey, ClerkSecretKey, ClerkBackendAPI", write_m2m,
    read_m2m
};

const clerk_endpoint_t clerk_api_api_key_verify = {
    "api_keys/verify",
    "ClerkSecretKey, ClerkBackendAPI, and whether API keys are enabled",
    write_api_key, read_api_key
};
