/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_realm.h"

#include <apr_escape.h>
#include <apr_strings.h>

#include "clerk_b64.h"

#define MEMBERS_MAX 16

static const char *const verifier_names[] = {
    [CLERK_VERIFIER_AUTO] = "auto",
    [CLERK_VERIFIER_INTROSPECTION] = "introspection",
    [CLERK_VERIFIER_BACKEND] = "backend",
    [CLERK_VERIFIER_JWKS] = "jwks",
};

const char *clerk_realm_verifier_name(clerk_verifier_t verifier)
{
    return verifier_names[verifier];
}

clerk_verifier_t clerk_realm_opaque_verifier(const clerk_realm_t *realm)
{
    if (realm->verifier != CLERK_VERIFIER_AUTO) {
        return realm->verifier;
    }
    if (realm->client_id && realm->client_secret) {
        return CLERK_VERIFIER_INTROSPECTION;
    }
    return realm->secret_key ? CLERK_VERIFIER_BACKEND : CLERK_VERIFIER_JWKS;
}

/* RFC 6749 section 2.3.1: both halves are form-encoded first. */
static const char *basic_header(const clerk_realm_t *realm, apr_pool_t *p)
{
    const char *pair =
        apr_pstrcat(p, apr_pescape_urlencoded(p, realm->client_id), ":",
                    apr_pescape_urlencoded(p, realm->client_secret), NULL);

    return apr_pstrcat(p, "Authorization: Basic ",
                       clerk_b64_encode(p, clerk_slice_str(pair)), NULL);
}

/*
 * Every member that has a say in the answer, each behind its length, so that
 * no two different realms read the same.
 */
static clerk_status_t digest_members(const char *const *members, int count,
                                     apr_pool_t *p, unsigned char *out)
{
    clerk_slice_t parts[2 * MEMBERS_MAX];
    int i;

    for (i = 0; i < count; i++) {
        clerk_slice_t text = clerk_slice_str(members[i]);

        parts[2 * i] = clerk_slice_str(
            members[i] ? apr_psprintf(p, "%" APR_SIZE_T_FMT ":", text.len)
                       : "-:");
        parts[2 * i + 1] = text;
    }
    return clerk_crypto_sha256(parts, 2 * count, out);
}

static clerk_status_t digest_realm(const clerk_realm_t *realm, apr_pool_t *p,
                                   const char *purpose, unsigned char *out)
{
    const char *const members[] = {
        purpose,
        verifier_names[realm->verifier],
        realm->frontend_api,
        realm->backend_api,
        realm->client_id,
        realm->client_secret,
        realm->secret_key,
        realm->machine_secret_key,
        realm->jwt_key_text,
        realm->userinfo ? "userinfo" : "",
        realm->route.proxy,
        realm->route.ca_certs,
    };
    enum {
        COUNT = sizeof(members) / sizeof(members[0])
    };

    return digest_members(members, COUNT, p, out);
}

/* Keys are public: credentials have no say in them. */
static clerk_status_t digest_keys(const clerk_realm_t *realm, apr_pool_t *p,
                                  unsigned char *out)
{
    const char *const members[] = {
        "keys",
        realm->frontend_api,
        realm->route.proxy,
        realm->route.ca_certs,
    };
    enum {
        COUNT = sizeof(members) / sizeof(members[0])
    };

    return digest_members(members, COUNT, p, out);
}

static const char *bearer_header(const char *secret, apr_pool_t *p)
{
    return secret ? apr_pstrcat(p, "Authorization: Bearer ", secret, NULL)
                  : NULL;
}

clerk_status_t clerk_realm_finish(clerk_realm_t *realm, apr_pool_t *p)
{
    clerk_status_t status;
    clerk_rsa_t *key = NULL;

    realm->basic = realm->client_id && realm->client_secret
                       ? basic_header(realm, p)
                       : NULL;
    realm->bearer = bearer_header(realm->secret_key, p);
    realm->machine_bearer = bearer_header(realm->machine_secret_key, p);
    if (realm->jwt_key_text) {
        status = clerk_crypto_rsa_from_pem(p, realm->jwt_key_text, &key);
        if (status != CLERK_OK) {
            return status;
        }
    }
    realm->jwt_key = key;
    if ((status = digest_realm(realm, p, "realm", realm->digest)) != CLERK_OK
        || (status = digest_realm(realm, p, "userinfo", realm->userinfo_lane))
               != CLERK_OK
        || (status = digest_realm(realm, p, "machine", realm->machine_lane))
               != CLERK_OK) {
        return status;
    }
    return digest_keys(realm, p, realm->keys_lane);
}
