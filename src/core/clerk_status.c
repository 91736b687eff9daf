/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_status.h"

#include <stddef.h>

#define INVALID_TOKEN "invalid_token"
#define INVALID_REQUEST "invalid_request"
#define UNAVAILABLE "temporarily_unavailable"
#define TRY_LATER "The token could not be verified now; try again later"

#define REJECT(name, http, code, sentence) \
    { \
        name, CLERK_CLASS_REJECT, http, code, code, sentence \
    }
/* A 403 that no other scope would mend has no challenge. */
#define FORBIDDEN(name, sentence) \
    { \
        name, CLERK_CLASS_REJECT, 403, NULL, "access_denied", sentence \
    }
#define UPSTREAM(name) \
    { \
        name, CLERK_CLASS_UPSTREAM, 503, NULL, UNAVAILABLE, TRY_LATER \
    }
#define CONFIG(name) \
    { \
        name, CLERK_CLASS_CONFIG, 500, NULL, "server_error", \
            "This server cannot verify tokens as it is configured" \
    }

/* Tables are exempt from the limit on a function's length, not on sense. */
static const clerk_status_info_t rows[CLERK_STATUS_COUNT] = {
    [CLERK_OK] = { "ok", CLERK_CLASS_OK, 0, NULL, NULL, NULL },

    /* RFC 6750 section 3.1: without credentials no error code is given. */
    [CLERK_NO_TOKEN] = { "no_token", CLERK_CLASS_REJECT, 401, NULL,
                         "unauthorized", "A bearer token is required" },
    [CLERK_MALFORMED_AUTHORIZATION] =
        REJECT("malformed_authorization", 400, INVALID_REQUEST,
               "The Authorization header must hold exactly one bearer token"),
    [CLERK_KIND_NOT_ACCEPTED] =
        REJECT("kind_not_accepted", 401, INVALID_TOKEN,
               "Tokens of this kind are not accepted here"),
    [CLERK_KIND_UNKNOWN] = REJECT("kind_unknown", 401, INVALID_TOKEN,
                                  "The token is not one that Clerk issues"),

    [CLERK_JWT_MALFORMED] =
        REJECT("jwt_malformed", 401, INVALID_TOKEN, "The token is malformed"),
    [CLERK_ALGORITHM_REFUSED] =
        REJECT("algorithm_refused", 401, INVALID_TOKEN,
               "The token is signed in a way that is not accepted"),
    [CLERK_KEY_UNKNOWN] =
        REJECT("key_unknown", 401, INVALID_TOKEN,
               "The token is signed with a key that is not known"),
    [CLERK_SIGNATURE_INVALID] = REJECT("signature_invalid", 401, INVALID_TOKEN,
                                       "The signature of the token is invalid"),
    [CLERK_ISSUER_MISMATCH] = REJECT("issuer_mismatch", 401, INVALID_TOKEN,
                                     "The token was issued by somebody else"),
    [CLERK_PARTY_MISMATCH] =
        REJECT("party_mismatch", 401, INVALID_TOKEN,
               "The token was issued for another authorized party"),
    [CLERK_SESSION_PENDING] =
        REJECT("session_pending", 401, INVALID_TOKEN,
               "The session has tasks that are still pending"),

    [CLERK_TOKEN_INACTIVE] = REJECT("token_inactive", 401, INVALID_TOKEN,
                                    "The token is unknown, expired or revoked"),
    [CLERK_TOKEN_REVOKED] = REJECT("token_revoked", 401, INVALID_TOKEN,
                                   "The token has been revoked"),
    [CLERK_TOKEN_EXPIRED] =
        REJECT("token_expired", 401, INVALID_TOKEN, "The token has expired"),
    [CLERK_TOKEN_NOT_YET_VALID] =
        REJECT("token_not_yet_valid", 401, INVALID_TOKEN,
               "The token is not valid yet"),
    [CLERK_AUDIENCE_MISMATCH] =
        REJECT("audience_mismatch", 401, INVALID_TOKEN,
               "The token was not issued for this resource"),
    [CLERK_AUDIENCE_MALFORMED] =
        REJECT("audience_malformed", 401, INVALID_TOKEN,
               "The audience of the token is malformed"),
    [CLERK_SUBJECT_MISSING] =
        REJECT("subject_missing", 401, INVALID_TOKEN,
               "The token does not say whom it stands for"),
    [CLERK_PROOF_REQUIRED] = REJECT("proof_required", 401, INVALID_TOKEN,
                                    "The token needs a proof of possession, "
                                    "which cannot be checked here"),

    [CLERK_INSUFFICIENT_SCOPE] =
        REJECT("insufficient_scope", 403, "insufficient_scope",
               "The token lacks a scope that is required here"),
    [CLERK_ACCESS_DENIED] = FORBIDDEN(
        "access_denied", "The holder of this token may not enter here"),
    [CLERK_REMOTE_USER_MISSING] = FORBIDDEN(
        "remote_user_missing", "The token lacks a claim that is required here"),
    [CLERK_ORIGIN_REFUSED] =
        FORBIDDEN("origin_refused", "Scripts of this origin may not ask here"),

    [CLERK_UNREACHABLE] = UPSTREAM("clerk_unreachable"),
    [CLERK_TIMED_OUT] = UPSTREAM("clerk_timed_out"),
    [CLERK_TLS_FAILED] = UPSTREAM("clerk_tls_failed"),
    [CLERK_RATE_LIMITED] = UPSTREAM("clerk_rate_limited"),
    [CLERK_SERVER_ERROR] = UPSTREAM("clerk_server_error"),
    [CLERK_REDIRECTED] = UPSTREAM("clerk_redirected"),
    [CLERK_ANSWER_TOO_LARGE] = UPSTREAM("clerk_answer_too_large"),
    [CLERK_ANSWER_MALFORMED] = UPSTREAM("clerk_answer_malformed"),
    [CLERK_PROFILE_UNKNOWN] = UPSTREAM("clerk_profile_unknown"),

    [CLERK_CIRCUIT_OPEN] = UPSTREAM("circuit_open"),
    [CLERK_RATE_EXCEEDED] = UPSTREAM("rate_exceeded"),
    [CLERK_PENDING_EXCEEDED] = UPSTREAM("pending_exceeded"),

    [CLERK_KEY_UNUSABLE] = CONFIG("key_unusable"),
    [CLERK_CREDENTIALS_REFUSED] = CONFIG("credentials_refused"),
    [CLERK_FEATURE_DISABLED] = CONFIG("feature_disabled"),
    [CLERK_REQUEST_REFUSED] = CONFIG("request_refused"),
    [CLERK_MISCONFIGURED] = CONFIG("misconfigured"),

    [CLERK_INTERNAL] = { "internal", CLERK_CLASS_INTERNAL, 500, NULL,
                         "server_error", "An internal error occurred" },
};

const clerk_status_info_t *clerk_status_info(clerk_status_t status)
{
    if ((int)status < 0 || status >= CLERK_STATUS_COUNT) {
        return &rows[CLERK_INTERNAL];
    }
    return &rows[status];
}

clerk_class_t clerk_status_class(clerk_status_t status)
{
    return clerk_status_info(status)->status_class;
}
