/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_claims.h: who the holder of a verified token is.
 *
 * Owns: the identity, a flat list of claims under the names that JWTs use
 * (RFC 7519, RFC 9068), whatever Clerk called them in the answer at hand.
 * Must never know: how it was verified, or what is done with it. Called by:
 * clerk_api (fills it), clerk_policy, clerk_record, the glue.
 *
 * An identity is immutable once it has been handed out.
 */
#ifndef CLERK_CLAIMS_H
#define CLERK_CLAIMS_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "clerk_json.h"
#include "clerk_token.h"

/* Past these a claim is left out: a cached record has to stay small. */
#define CLERK_CLAIMS_MAX 256         /* entries */
#define CLERK_CLAIMS_MAX_BYTES 16384 /* names and values together */

typedef struct clerk_claim_t {
    const char *name;
    const char *value;
} clerk_claim_t;

/* Facts about a token that are no claim of one name and value. */
enum {
    CLERK_FACT_AUDIENCE = 1,           /* there is an `aud` */
    CLERK_FACT_AUDIENCE_MALFORMED = 2, /* not a string or array of them */
    CLERK_FACT_CONFIRMATION = 4,       /* `cnf`, RFC 7800 */
    CLERK_FACT_PROFILE_FAILED = 8,     /* userinfo was asked in vain */
    CLERK_FACT_TRUNCATED = 16,         /* claims were left out, see above */
    CLERK_FACT_SIGNED = 32,            /* a JWT, proved by its signature */
    CLERK_FACT_GRANTS_CUT = 64,        /* scopes or permissions were left out:
                                        * too many, or not understood */
    CLERK_FACT_JWT = 128               /* a JWT that Clerk has vouched for */
};

typedef struct clerk_identity_t {
    clerk_kind_t kind;
    unsigned int facts;
    apr_int64_t expires;        /* seconds since 1970; 0: not known */
    apr_int64_t not_before;     /* likewise */
    apr_int64_t issued_at;      /* likewise */
    apr_array_header_t *claims; /* of clerk_claim_t; a name repeats for each
                                 * member of an array */
    apr_size_t room;            /* bytes of names and values that may be added;
                                 * none to what was remembered */
} clerk_identity_t;

/* An identity without claims, in `p`. */
clerk_identity_t *clerk_claims_make(apr_pool_t *p, clerk_kind_t kind);

/* The first value of a claim, or NULL. */
const char *clerk_claims_get(const clerk_identity_t *identity,
                             const char *name);

/* The first value of a claim, if the identity is of one of these kinds (a set
 * of clerk_kind_t), else NULL: what a claim of Clerk's is in one kind of token
 * anybody may have written into another. */
const char *clerk_claims_of_kinds(const clerk_identity_t *identity,
                                  const char *name, unsigned int kinds);

/* The value of a claim that has exactly one, else NULL. */
const char *clerk_claims_only(const clerk_identity_t *identity,
                              const char *name);

/* The subject where it is a user, else NULL. */
const char *clerk_claims_user_id(const clerk_identity_t *identity);

/* All values of a claim, separated by spaces, in `p`; NULL if there is
 * none. */
const char *clerk_claims_joined(const clerk_identity_t *identity, apr_pool_t *p,
                                const char *name);

/* Is `path` the claim of this name, or a member of it, which is an object or
 * an array? */
int clerk_claims_is_below(const char *path, const char *name);

/*
 * Add a claim; strings are copied into the identity's pool. Silently does
 * nothing but set CLERK_FACT_TRUNCATED beyond the limits above.
 */
void clerk_claims_add(clerk_identity_t *identity, const char *name,
                      const char *value);

/*
 * A claim of a list of scopes or permissions (const char *, of clerk_scope);
 * none of an empty one. Sets CLERK_FACT_GRANTS_CUT of one that is full.
 */
void clerk_claims_add_grants(clerk_identity_t *identity, const char *name,
                             const apr_array_header_t *list);

/*
 * Add the scalars of a JSON object as claims, but for the names listed in
 * `except` (NULL-terminated), compared with the first part of a dotted name,
 * and for names that the identity has already.
 */
void clerk_claims_add_object(clerk_identity_t *identity,
                             const clerk_json_t *object,
                             const char *const *except);

/* Add the claims of `other` whose names `identity` does not have. */
void clerk_claims_merge(clerk_identity_t *identity,
                        const clerk_identity_t *other);

/*
 * Limit an identity by what another description of the same token says: the
 * earlier end, the later beginning, the issuer, the audience if it has none, a
 * proof of possession.
 */
void clerk_claims_limit(clerk_identity_t *identity,
                        const clerk_identity_t *other);

/*
 * Read what decides about a token from the object that describes it: `aud`,
 * `cnf`, `exp`, `nbf` and `iat`. CLERK_ANSWER_MALFORMED when a time is of the
 * wrong type.
 */
clerk_status_t clerk_claims_read_common(
    clerk_identity_t *identity, const clerk_json_t *object) CLERK_MUST_USE;

/*
 * Read the scopes that Clerk granted, under the names `scp`, `scope` and
 * `scopes`, in this order of precedence, each a string or an array of strings,
 * made into the one claim `scope`. Not for claims that somebody else wrote
 * (D12). CLERK_ANSWER_MALFORMED when they are of the wrong type.
 */
clerk_status_t clerk_claims_read_scopes(
    clerk_identity_t *identity, const clerk_json_t *object) CLERK_MUST_USE;

#endif
