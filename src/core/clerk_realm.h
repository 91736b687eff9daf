/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_realm.h: which Clerk is asked, how, and as whom.
 *
 * Owns: everything that decides what Clerk answers about a token, and its
 * digest, with which every cache key begins, so that results for two
 * configurations that could decide differently never meet. Must never know:
 * what a location demands of an identity (clerk_policy). Called by: the
 * glue's plan (makes it), clerk_verify, clerk_api.
 */
#ifndef CLERK_REALM_H
#define CLERK_REALM_H

#include <apr_pools.h>

#include "clerk_crypto.h"
#include "clerk_ports.h"
#include "clerk_status.h"

typedef enum clerk_verifier_t {
    CLERK_VERIFIER_AUTO,
    CLERK_VERIFIER_INTROSPECTION,
    CLERK_VERIFIER_BACKEND,
    CLERK_VERIFIER_JWKS
} clerk_verifier_t;

typedef struct clerk_realm_t {
    clerk_verifier_t verifier;      /* as configured */
    const char *frontend_api;       /* base URL, no trailing slash */
    const char *backend_api;        /* likewise */
    const char *client_id;          /* or NULL */
    const char *client_secret;      /* or NULL */
    const char *secret_key;         /* or NULL */
    const char *machine_secret_key; /* or NULL */
    const char *jwt_key_text;       /* PEM, or NULL */
    int userinfo;
    clerk_route_t route;

    /* Made by clerk_realm_finish. */
    const char *basic;  /* `Authorization: Basic …` or NULL */
    const char *bearer; /* `Authorization: Bearer sk_…` or NULL */
    unsigned char digest[CLERK_SHA256_BYTES];
    const char *machine_bearer; /* `Authorization: Bearer ak_…` or NULL */
    const clerk_rsa_t *jwt_key; /* or NULL */
    unsigned char userinfo_lane[CLERK_SHA256_BYTES];
    unsigned char machine_lane[CLERK_SHA256_BYTES];
    /* The same for all realms that have their keys from one place. */
    unsigned char keys_lane[CLERK_SHA256_BYTES];
} clerk_realm_t;

/*
 * Derive the credential headers (RFC 6749 section 2.3.1), the key and the
 * digests from the other members. All lies in `p`. CLERK_KEY_UNUSABLE when
 * jwt_key_text is no key.
 */
clerk_status_t clerk_realm_finish(clerk_realm_t *realm,
                                  apr_pool_t *p) CLERK_MUST_USE;

/*
 * Who verifies an opaque OAuth token: CLERK_VERIFIER_INTROSPECTION or
 * CLERK_VERIFIER_BACKEND, or CLERK_VERIFIER_JWKS when nobody can.
 */
clerk_verifier_t clerk_realm_opaque_verifier(const clerk_realm_t *realm);

/* `auto`, `introspection`, `backend`, `jwks`. */
const char *clerk_realm_verifier_name(clerk_verifier_t verifier);

#endif
