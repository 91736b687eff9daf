/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit_ring.h: for clerk_verify, a ring of keys that says what it was told to
 * say, and JWTs of all kinds.
 */
#ifndef UNIT_RING_H
#define UNIT_RING_H

#include "unit_jwt.h"
#include "unit_ports.h"

#include "clerk_jwt.h"

#define ISSUER "https://clerk.example.test"
#define OAUTH "{\"alg\":\"RS256\",\"kid\":\"" UNIT_KID "\",\"typ\":\"at+jwt\"}"
#define PLAIN "{\"alg\":\"RS256\",\"kid\":\"" UNIT_KID "\",\"typ\":\"JWT\"}"

#define USER(exp) "{\"iss\":\"" ISSUER "\",\"sub\":\"user_2\",\"exp\":" exp
#define A_USER USER("1785086400") "}"
#define A_SESSION USER("1785086400") ",\"sid\":\"sess_2\"}"
#define A_MACHINE \
    "{\"iss\":\"" ISSUER "\",\"sub\":\"mch_2\",\"exp\":1785086400}"

/* A ring of keys that says what it was told to say. */
typedef struct ring_t {
    clerk_status_t says;
    int checks;
    const char *kid;
    const clerk_realm_t *realm;
    apr_time_t as_of; /* of the keys; 0: of now */
} ring_t;

static ring_t ring;

static inline clerk_status_t check(void *self, const clerk_realm_t *realm,
                                   const clerk_jwt_t *jwt, clerk_proof_t *proof,
                                   apr_pool_t *p)
{
    assert_ptr_equal(self, &ring);
    assert_non_null(proof->log);
    proof->as_of = ring.as_of ? ring.as_of : unit_now();
    assert_non_null(p);
    assert_true(jwt->signed_text.len && jwt->signature.len);
    ring.checks++;
    ring.kid = jwt->kid;
    ring.realm = realm;
    return ring.says;
}

/* `auto`, with all credentials, all kinds, and the issuer. */
static inline unit_world_t *world_of(apr_pool_t *p)
{
    unit_world_t *world = unit_world(p);
    apr_array_header_t *issuers = apr_array_make(p, 1, sizeof(const char *));

    APR_ARRAY_PUSH(issuers, const char *) = ISSUER;
    memset(&ring, 0, sizeof(ring));
    world->ports.keys.self = &ring;
    world->ports.keys.check = check;
    world->terms.policy.issuers = issuers;
    world->terms.policy.accepts = CLERK_KIND_ANY;
    return world;
}

static inline const char *token_of(apr_pool_t *p, const char *header,
                                   const char *payload)
{
    return unit_jwt(p, header, payload, "AAAA");
}

#endif
