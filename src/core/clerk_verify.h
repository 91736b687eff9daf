/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_verify.h: the decision.
 *
 * Owns: the order in which a token is judged: kind, cache, Clerk, policy.
 * Must never know: httpd, curl, the cache's provider; it reaches them through
 * clerk_ports.h. Called by: the glue's authn, once per request.
 */
#ifndef CLERK_VERIFY_H
#define CLERK_VERIFY_H

#include <apr_pools.h>

#include "clerk_claims.h"
#include "clerk_policy.h"
#include "clerk_ports.h"
#include "clerk_realm.h"
#include "clerk_token.h"

/* How a location wants its tokens judged. Lives as long as its section. */
typedef struct clerk_terms_t {
    clerk_realm_t realm;
    clerk_policy_t policy;
    int cache_ttl;      /* seconds; 0: no cache */
    int negative_ttl;   /* seconds; 0: refusals are not cached */
    int stale_if_error; /* seconds more while Clerk cannot be asked */
    int is_permanent;   /* these terms live as long as the process works */
} clerk_terms_t;

typedef enum clerk_cache_use_t {
    CLERK_CACHE_UNUSED,
    CLERK_CACHE_NEAR, /* a hit in the near cache */
    CLERK_CACHE_HIT,  /* a hit in the one behind it */
    CLERK_CACHE_MISS,
    CLERK_CACHE_STALE, /* too old, but Clerk could not be asked */
    CLERK_CACHE_USES   /* how many there are */
} clerk_cache_use_t;

/* A verdict, and how it came about. */
typedef struct clerk_verdict_t {
    clerk_identity_t *identity; /* with CLERK_OK only, else NULL */
    clerk_kind_t kind;          /* as far as it is known */
    clerk_cache_use_t cache;
    int has_waited;  /* for somebody else who asked */
    int retry_after; /* seconds, for 503; 0: Clerk gave none */
} clerk_verdict_t;

/*
 * Judge a token. CLERK_OK, and an identity in the verdict, only when it is
 * active and meets the policy; else a status of any other class. The identity
 * lies in `p`. Blocks for at most the route's timeout per call to Clerk. Any
 * thread may call.
 */
clerk_status_t clerk_verify(const clerk_ports_t *ports,
                            const clerk_terms_t *terms,
                            const clerk_token_t *token, apr_pool_t *p,
                            clerk_verdict_t *verdict) CLERK_MUST_USE;

/*
 * Ask Clerk anew about a token that the cache has a record of, for nobody in
 * particular, unless somebody is doing so. What Clerk says is remembered; when
 * it cannot be asked all stays as it is. The status is what came of it.
 */
clerk_status_t clerk_verify_again(const clerk_ports_t *ports,
                                  const clerk_terms_t *terms,
                                  const clerk_token_t *token,
                                  apr_pool_t *p) CLERK_MUST_USE;

#endif
