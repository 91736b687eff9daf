/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_api.h: Clerk's endpoints as bytes.
 *
 * Owns: what is sent to each endpoint and what its answers mean. Must never
 * know: how bytes travel, what is cached, what a location demands. Called
 * by: clerk_verify.
 *
 * Every answer ends as active (CLERK_OK and an identity), inactive (class
 * REJECT) or unknown (class UPSTREAM or CONFIG). Only an unmistakable answer
 * of Clerk's is inactive.
 */
#ifndef CLERK_API_H
#define CLERK_API_H

#include <apr_pools.h>

#include "clerk_claims.h"
#include "clerk_ports.h"
#include "clerk_realm.h"

/*
 * One endpoint: how to ask about a token, and how to read the answer.
 * `write` fills in a call from the realm's URLs and credentials; it carries
 * a token that has only b64token characters. `read` gets an answer of any
 * HTTP status and sets `identity` (in `p`) with CLERK_OK only; what else it
 * needs it takes from `scratch`.
 */
typedef struct clerk_endpoint_t {
    const char *name;
    const char *fix; /* which directives to check when Clerk
                      * refuses our credentials or request */
    void (*write)(const clerk_realm_t *realm, clerk_slice_t token,
                  apr_pool_t *p, clerk_call_t *call);
    clerk_status_t (*read)(const clerk_answer_t *answer, apr_pool_t *p,
                           apr_pool_t *scratch, clerk_identity_t **identity);
} clerk_endpoint_t;

/*
 * The id by which Clerk's support finds an answer: `clerk_trace_id` of an
 * error body, else Cloudflare's ray. NULL when there is none, or when it
 * holds anything but letters, digits, `-` and `_`. In `p`, or where the ray is.
 */
const char *clerk_api_trace_id(const clerk_answer_t *answer, apr_pool_t *p,
                               apr_pool_t *scratch);

/* FAPI POST /oauth/token_info (RFC 7662), HTTP Basic. */
extern const clerk_endpoint_t clerk_api_token_info;

/* BAPI POST /oauth_applications/access_tokens/verify, secret key. */
extern const clerk_endpoint_t clerk_api_oauth_verify;

/* BAPI POST /m2m_tokens/verify, machine secret or secret key. */
extern const clerk_endpoint_t clerk_api_m2m_verify;

/* BAPI POST /api_keys/verify, secret key. */
extern const clerk_endpoint_t clerk_api_api_key_verify;

/*
 * FAPI GET /oauth/userinfo with the token itself. Its identity holds only the
 * profile: `sub` and the claims of OpenID Connect Core section 5.1.
 */
extern const clerk_endpoint_t clerk_api_userinfo;

/*
 * FAPI GET /.well-known/jwks.json, for everybody. The document of a 200 is
 * for clerk_jwks to read; other statuses are what clerk_api_read_jwks makes
 * of them, of class UPSTREAM or CONFIG.
 */
extern const char clerk_api_jwks_name[];
extern const char clerk_api_jwks_fix[];
void clerk_api_write_jwks(const clerk_realm_t *realm, apr_pool_t *p,
                          clerk_call_t *call);
clerk_status_t clerk_api_read_jwks(const clerk_answer_t *answer,
                                   apr_pool_t *p) CLERK_MUST_USE;

/*
 * FAPI GET /.well-known/oauth-authorization-server (RFC 8414) and
 * /.well-known/openid-configuration (OpenID Connect Discovery), for everybody.
 * `path` is one of the two. CLERK_OK for a document that names its issuer,
 * which is the answer's body; else of class UPSTREAM or CONFIG.
 */
#define CLERK_METADATA_MAX (1024 * 1024) /* bytes of a document */
extern const char clerk_api_metadata_name[];
extern const char clerk_api_metadata_fix[];
void clerk_api_write_metadata(const clerk_realm_t *realm, const char *path,
                              apr_pool_t *p, clerk_call_t *call);
clerk_status_t clerk_api_read_metadata(const clerk_answer_t *answer,
                                       apr_pool_t *p) CLERK_MUST_USE;

/*
 * Can a client that Clerk does not know yet sign in: by dynamic registration
 * (RFC 7591) or with a client-id metadata document?
 */
int clerk_api_metadata_lets_clients_in(clerk_slice_t document,
                                       apr_pool_t *scratch);

#endif
