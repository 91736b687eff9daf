/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_token.h: from an Authorization header to one token of one kind.
 *
 * Owns: the grammar of the header (RFC 6750 section 2.1, RFC 9110 section
 * 11.6.2), the kinds of token that Clerk issues and how they look. Must never
 * know: whether a token is good. Called by: the glue's authn, clerk_verify.
 */
#ifndef CLERK_TOKEN_H
#define CLERK_TOKEN_H

#include <apr_pools.h>

#include "clerk_crypto.h"
#include "clerk_slice.h"
#include "clerk_status.h"

/* Bits, so that a set of accepted kinds is their sum. */
typedef enum clerk_kind_t {
    CLERK_KIND_NONE = 0,
    CLERK_KIND_OAUTH = 1,   /* oauth_token: `oat_` or a JWT */
    CLERK_KIND_SESSION = 2, /* session_token: a JWT */
    CLERK_KIND_M2M = 4,     /* m2m_token: `mt_` or a JWT */
    CLERK_KIND_API_KEY = 8, /* api_key: `ak_` */
    CLERK_KIND_ANY = 15
} clerk_kind_t;

#define CLERK_TOKEN_MAX 8192      /* bytes */
#define CLERK_TOKEN_FINGERPRINT 8 /* hex digits, in the log */

typedef struct clerk_token_t {
    clerk_slice_t text; /* within the header it was found in */
    clerk_kind_t kind;  /* by prefix; CLERK_KIND_NONE: not known */
    int from_cookie;    /* session tokens only */
    int is_jwt;         /* three base64url parts (RFC 7515), and no
                         * prefix of Clerk's before them */
} clerk_token_t;

/*
 * Find the token of an Authorization header. httpd joins repeated fields with
 * a comma, which no token contains.
 *   CLERK_OK                      one bearer token; `token` is filled in
 *   CLERK_NO_TOKEN                no header, an empty one, another scheme
 *   CLERK_MALFORMED_AUTHORIZATION the scheme is Bearer (in any case), and
 *                                 what follows is not one b64token of at most
 *                                 CLERK_TOKEN_MAX bytes
 * `header` may be NULL. On failure `token` is zeroed.
 */
clerk_status_t clerk_token_from_authorization(
    const char *header, clerk_token_t *token) CLERK_MUST_USE;

/*
 * Find a token in a Cookie header (RFC 6265 section 4.2): the value of the
 * first cookie of this name that is not empty. CLERK_NO_TOKEN without one;
 * CLERK_KIND_UNKNOWN, with the token filled in, when it is no JWT or longer
 * than CLERK_TOKEN_MAX: only session tokens travel in cookies. `header` may be
 * NULL.
 */
clerk_status_t clerk_token_from_cookie(const char *header, const char *name,
                                       clerk_token_t *token) CLERK_MUST_USE;

/*
 * Is there a cookie of this name? Also behind a comma, where none is read: it
 * may be a second Cookie field, joined to the first one.
 */
int clerk_token_has_cookie(const char *header, const char *name);

/*
 * The header without all such cookies, in `p`; NULL when nothing is left of it.
 */
const char *clerk_token_without_cookie(apr_pool_t *p, const char *header,
                                       const char *name);

/* Clerk's name of a kind (`oauth_token`…); `unknown` for none. */
const char *clerk_token_kind_name(clerk_kind_t kind);

/* The kind of a name, `any` being all of them; CLERK_KIND_NONE if unknown. */
clerk_kind_t clerk_token_kind_by_name(const char *name);

/*
 * The first hex digits of the token's SHA-256, NUL-terminated: what a log may
 * say about a token.
 */
void clerk_token_fingerprint(clerk_slice_t token,
                             char out[CLERK_TOKEN_FINGERPRINT + 1]);

#endif
