/* SPDX-License-Identifier: Apache-2.0 */
/* A key set document. */
#include "fuzz.h"

#include "clerk_jwks.h"

static void check_keys(const clerk_jwks_t *set)
{
    static const char signature[256];
    int i;

    FUZZ_MUST(set->keys->nelts <= CLERK_JWKS_KEYS_MAX);
    for (i = 0; i < set->keys->nelts; i++) {
        const clerk_jwk_t *jwk = &APR_ARRAY_IDX(set->keys, i, clerk_jwk_t);
        const clerk_rsa_t *key;

        FUZZ_MUST(jwk->kid && *jwk->kid && strlen(jwk->kid) <= 256);
        FUZZ_MUST(clerk_jwks_find(set, jwk->kid, jwk->alg, &key) == CLERK_OK);
        /* The first of its kid: there is no other. */
        FUZZ_MUST(key && key == jwk->rsa);
        FUZZ_MUST(clerk_crypto_rsa_verify(
                      key, jwk->alg, clerk_slice_str("a.b"),
                      clerk_slice_make(signature, sizeof(signature)))
                  == CLERK_SIGNATURE_INVALID);
    }
}

static void check_reasons(const clerk_jwks_t *set)
{
    int i;

    FUZZ_MUST(set->skipped->nelts <= CLERK_JWKS_KEYS_MAX + 1);
    for (i = 0; i < set->skipped->nelts; i++) {
        const char *why = APR_ARRAY_IDX(set->skipped, i, const char *);

        FUZZ_MUST(*why && strlen(why) < 400);
        FUZZ_MUST(!clerk_slice_has_control(why));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    apr_pool_t *p = fuzz_pool();
    clerk_jwks_t *set;

    switch (clerk_jwks_read(p, fuzz_slice(data, len), &set)) {
    case CLERK_OK:
        check_keys(set);
        check_reasons(set);
        break;
    case CLERK_ANSWER_MALFORMED:
        FUZZ_MUST(!set);
        break;
    default:
        FUZZ_MUST(!"a status that a document does not have");
    }
    apr_pool_destroy(p);
    return 0;
}
