/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_status.h: the closed list of outcomes, and what each of them means.
 *
 * Owns: clerk_status_t and the one table that gives each status its name in
 * the log, its class, its HTTP status, its RFC 6750 error code and a sentence
 * that is safe to show a client. Must never know: httpd, a request, a token.
 * Called by: everybody.
 */
#ifndef CLERK_STATUS_H
#define CLERK_STATUS_H

#define CLERK_MUST_USE __attribute__((warn_unused_result))

/* Who is at fault, and so what the answer may be. */
typedef enum clerk_class_t {
    CLERK_CLASS_OK,
    CLERK_CLASS_REJECT,   /* the client's: 400, 401 or 403 */
    CLERK_CLASS_UPSTREAM, /* Clerk's or the network's: 503 */
    CLERK_CLASS_CONFIG,   /* ours, an administrator must act: 500 */
    CLERK_CLASS_INTERNAL  /* ours, a defect or no memory: 500 */
} clerk_class_t;

typedef enum clerk_status_t {
    CLERK_OK = 0,

    /* REJECT: found before anything is asked. */
    CLERK_NO_TOKEN,
    CLERK_MALFORMED_AUTHORIZATION,
    CLERK_KIND_NOT_ACCEPTED,
    CLERK_KIND_UNKNOWN,
    CLERK_JWT_MALFORMED,
    CLERK_ALGORITHM_REFUSED,
    CLERK_KEY_UNKNOWN,
    CLERK_SIGNATURE_INVALID,
    CLERK_ISSUER_MISMATCH,
    CLERK_PARTY_MISMATCH,
    CLERK_SESSION_PENDING,

    /* REJECT: what Clerk, or the token itself, says. */
    CLERK_TOKEN_INACTIVE,
    CLERK_TOKEN_REVOKED,
    CLERK_TOKEN_EXPIRED,
    CLERK_TOKEN_NOT_YET_VALID,
    CLERK_AUDIENCE_MISMATCH,
    CLERK_AUDIENCE_MALFORMED,
    CLERK_SUBJECT_MISSING,
    CLERK_PROOF_REQUIRED,

    /* REJECT: a good token that may not enter here. */
    CLERK_INSUFFICIENT_SCOPE,
    CLERK_ACCESS_DENIED,
    CLERK_REMOTE_USER_MISSING,

    /* REJECT: a script that may not ask, with or without a token. */
    CLERK_ORIGIN_REFUSED,

    /* UPSTREAM */
    CLERK_UNREACHABLE,
    CLERK_TIMED_OUT,
    CLERK_TLS_FAILED,
    CLERK_RATE_LIMITED,
    CLERK_SERVER_ERROR,
    CLERK_REDIRECTED,
    CLERK_ANSWER_TOO_LARGE,
    CLERK_ANSWER_MALFORMED,
    CLERK_PROFILE_UNKNOWN, /* and with it who the user is */

    /* UPSTREAM: Clerk was not even asked. */
    CLERK_CIRCUIT_OPEN,
    CLERK_RATE_EXCEEDED,
    CLERK_PENDING_EXCEEDED,

    /* CONFIG */
    CLERK_KEY_UNUSABLE,
    CLERK_CREDENTIALS_REFUSED,
    CLERK_FEATURE_DISABLED,
    CLERK_REQUEST_REFUSED,
    CLERK_MISCONFIGURED,

    /* INTERNAL */
    CLERK_INTERNAL,

    CLERK_STATUS_COUNT
} clerk_status_t;

typedef struct clerk_status_info_t {
    const char *name; /* the log's `reason=`: stable, snake case */
    clerk_class_t status_class;
    int http;              /* HTTP status; 0 for CLERK_OK */
    const char *challenge; /* RFC 6750 section 3.1 error code in the
                            * challenge, NULL for none */
    const char *error;     /* `error` of the JSON body */
    const char *sentence;  /* `error_description`; printable ASCII
                            * without quotes or backslashes */
} clerk_status_info_t;

/*
 * The row of a status. Never NULL: a value out of range gives the row of
 * CLERK_INTERNAL. The result is constant data; any thread may call.
 */
const clerk_status_info_t *clerk_status_info(clerk_status_t status);

/* Shorthand for the class of the row. */
clerk_class_t clerk_status_class(clerk_status_t status);

#endif
