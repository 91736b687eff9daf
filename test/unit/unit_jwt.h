/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit_jwt.h: a key of the tests' own, and tokens signed with it or with
 * nothing. The key was made for these tests and is nobody's.
 */
#ifndef UNIT_JWT_H
#define UNIT_JWT_H

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "unit.h"

#include "clerk_b64.h"

#define UNIT_KID "ins_2abcdefghijklmnopqrstuvwxyz"
#define UNIT_RSA_E "AQAB"

/* Modulus in base64url, modulus and private exponent in hex, and the public
 * key as SubjectPublicKeyInfo. */
#define UNIT_RSA_N \
    "yOB2chcFS2EsL0tZgCNfbfxwEfzTMhUrFvpyoqG8-WsuVb57SC3bfCWIWsBZAmIoKA" \
    "8uxQoNO2l-Vk8BiuYHNeDqMxOSucpzkKH-rn6z2dUF5XKuugj0ouNLOtO7JTm6hhQu" \
    "M_7mUJQ8JEwwrE5sld1aJPNp_A7j8VXxkkjzTPWgE0LlyVe6_X--MVDlZyO2-Ie7_j" \
    "jlr9_f3_rrSSNhNvP_8rq3zOuquz7YlwSYbGogQmDGlrLxxxVfBkfGPFhhFhZvLIWM" \
    "Y4tfH2XeaioJy4ClYBxLDFvxKNBr-vZNI5_4yV2Rebcj_L_D0BhF45rP1ohUyq6-j-" \
    "OI40OR0p4XWQ"
#define UNIT_RSA_N_HEX \
    "c8e0767217054b612c2f4b5980235f6dfc7011fcd332152b16fa72a2a1bcf96b2e" \
    "55be7b482ddb7c25885ac059026228280f2ec50a0d3b697e564f018ae60735e0ea" \
    "331392b9ca7390a1feae7eb3d9d505e572aeba08f4a2e34b3ad3bb2539ba86142e" \
    "33fee650943c244c30ac4e6c95dd5a24f369fc0ee3f155f19248f34cf5a01342e5" \
    "c957bafd7fbe3150e56723b6f887bbfe38e5afdfdfdffaeb49236136f3fff2bab7" \
    "ccebaabb3ed89704986c6a204260c696b2f1c7155f0647c63c586116166f2c858c" \
    "638b5f1f65de6a2a09cb80a5601c4b0c5bf128d06bfaf64d239ff8c95d9179b723" \
    "fcbfc3d01845e39acfd68854caaebe8fe388e34391d29e1759"
#define UNIT_RSA_D_HEX \
    "061021006bb99fc49352eb1d375cf9f55079a92553d2396981f44b0fa5be4085fa" \
    "66f6a1f31eafe1aa4d58608c09e2760ffd78a87f02416690a70b69426cbe7a2316" \
    "2be152f15379be50bc113ebc4573cf4d8008638f95235c7a69bb0dca94c33b3c47" \
    "dd0f117061afae05c9b0a3090128a649a2ba32742d9a46c137973196c343cad3d3" \
    "89a04a3b35095947d2be11c024a72a53bca67b39848123d00f221f9c0b845f3363" \
    "84d076114f2180ce5d6ecfc9d8c3fa0fa1e752ed980138c21a8233ee3f5f8b804f" \
    "437a168535aa3bd5d6ae8c38d95cf7701b1ba88a4672033842734bdb0d0af16653" \
    "d157d73613ea1c33c4ea9a3b6368958ac32ef281d6c99cec0d"
#define UNIT_RSA_SPKI \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAyOB2chcFS2EsL0tZgCNfbf" \
    "xwEfzTMhUrFvpyoqG8+WsuVb57SC3bfCWIWsBZAmIoKA8uxQoNO2l+Vk8BiuYHNeDq" \
    "MxOSucpzkKH+rn6z2dUF5XKuugj0ouNLOtO7JTm6hhQuM/7mUJQ8JEwwrE5sld1aJP" \
    "Np/A7j8VXxkkjzTPWgE0LlyVe6/X++MVDlZyO2+Ie7/jjlr9/f3/rrSSNhNvP/8rq3" \
    "zOuquz7YlwSYbGogQmDGlrLxxxVfBkfGPFhhFhZvLIWMY4tfH2XeaioJy4ClYBxLDF" \
    "vxKNBr+vZNI5/4yV2Rebcj/L/D0BhF45rP1ohUyq6+j+OI40OR0p4XWQIDAQAB"

/* A member of a key set. */
#define UNIT_JWK(kid, more) \
    "{\"kty\":\"RSA\",\"kid\":\"" kid "\",\"n\":\"" UNIT_RSA_N \
    "\",\"e\":\"" UNIT_RSA_E "\"" more "}"
#define UNIT_JWKS "{\"keys\":[" UNIT_JWK(UNIT_KID, ",\"alg\":\"RS256\"") "]}"

static inline const char *unit_b64url(apr_pool_t *p, const void *bytes,
                                      apr_size_t len)
{
    char *text =
        apr_pstrdup(p, clerk_b64_encode(p, clerk_slice_make(bytes, len)));
    char *at;

    for (at = text; *at; at++) {
        if (*at == '+') {
            *at = '-';
        }
        else if (*at == '/') {
            *at = '_';
        }
    }
    text[strcspn(text, "=")] = '\0';
    return text;
}

/* Header and payload as JSON, and a third part as it is given. */
static inline const char *unit_jwt(apr_pool_t *p, const char *header,
                                   const char *payload, const char *signature)
{
    return apr_pstrcat(p, unit_b64url(p, header, strlen(header)), ".",
                       unit_b64url(p, payload, strlen(payload)), ".", signature,
                       NULL);
}

static inline EVP_PKEY *unit_private_key(void)
{
    static const char *const names[] = { OSSL_PKEY_PARAM_RSA_N,
                                         OSSL_PKEY_PARAM_RSA_E,
                                         OSSL_PKEY_PARAM_RSA_D };
    static const char *const values[] = { UNIT_RSA_N_HEX, "010001",
                                          UNIT_RSA_D_HEX };
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *numbers[3] = { NULL, NULL, NULL };
    OSSL_PARAM *params;
    EVP_PKEY *key = NULL;
    int i;

    for (i = 0; i < 3; i++) {
        assert_int_not_equal(BN_hex2bn(&numbers[i], values[i]), 0);
        assert_int_equal(OSSL_PARAM_BLD_push_BN(builder, names[i], numbers[i]),
                         1);
    }
    params = OSSL_PARAM_BLD_to_param(builder);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params), 1);
    for (i = 0; i < 3; i++) {
        BN_free(numbers[i]);
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* Header and payload as JSON, signed with the key above; `digest` is SHA256,
 * SHA384 or SHA512. */
static inline const char *unit_signed_jwt(apr_pool_t *p, const char *header,
                                          const char *payload,
                                          const char *digest)
{
    const char *text = unit_jwt(p, header, payload, "");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY *key = unit_private_key();
    unsigned char signature[256];
    size_t len = sizeof(signature);

    assert_int_equal(
        EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, key, NULL), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &len,
                                    (const unsigned char *)text,
                                    strlen(text) - 1),
                     1);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return apr_pstrcat(p, text, unit_b64url(p, signature, len), NULL);
}

#endif
