/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_crypto.h"

#include <limits.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

/*
 * Fetched once: an implicit fetch at each use takes a lock in the library.
 * Written by clerk_crypto_init and its cleanup only, which run before there
 * are threads and after.
 */
static struct {
    int users;
    EVP_MD *sha256;
    EVP_KDF *hkdf;
    EVP_CIPHER *gcm;
} library;

static void release(void)
{
    EVP_MD_free(library.sha256);
    EVP_KDF_free(library.hkdf);
    EVP_CIPHER_free(library.gcm);
    memset(&library, 0, sizeof(library));
}

static apr_status_t drop_user(void *unused)
{
    (void)unused;
    if (--library.users == 0) {
        release();
    }
    return APR_SUCCESS;
}

clerk_status_t clerk_crypto_init(apr_pool_t *p)
{
    if (library.users == 0) {
        library.sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
        library.hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
        library.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
        if (!library.sha256 || !library.hkdf || !library.gcm) {
            release();
            return CLERK_INTERNAL;
        }
    }
    library.users++;
    apr_pool_cleanup_register(p, NULL, drop_user, apr_pool_cleanup_null);
    return CLERK_OK;
}

static int hash_parts(EVP_MD_CTX *ctx, const clerk_slice_t *parts, int count,
                      unsigned char *out)
{
    int i;

    if (!EVP_DigestInit_ex2(ctx, library.sha256, NULL)) {
        return 0;
    }
    for (i = 0; i < count; i++) {
        if (parts[i].len
            && !EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len)) {
            return 0;
        }
    }
    return EVP_DigestFinal_ex(ctx, out, NULL);
}

clerk_status_t clerk_crypto_sha256(const clerk_slice_t *parts, int count,
                                   unsigned char out[CLERK_SHA256_BYTES])
{
    EVP_MD_CTX *ctx = library.sha256 ? EVP_MD_CTX_new() : NULL;
    int done = ctx && hash_parts(ctx, parts, count, out);

    EVP_MD_CTX_free(ctx);
    if (!done) {
        memset(out, 0, CLERK_SHA256_BYTES);
        return CLERK_INTERNAL;
    }
    return CLERK_OK;
}

static OSSL_PARAM octets(const char *name, clerk_slice_t bytes)
{
    /* OSSL_PARAM is for both directions; for this one nothing is written. */
    union {
        const void *given;
        void *asked;
    } data = { bytes.ptr };

    return OSSL_PARAM_construct_octet_string(name, data.asked, bytes.len);
}

clerk_status_t clerk_crypto_derive(clerk_slice_t secret, const char *label,
                                   unsigned char key[CLERK_SEAL_KEY_BYTES])
{
    static char digest[] = "SHA2-256";
    OSSL_PARAM params[4];
    EVP_KDF_CTX *ctx;
    int done;

    params[0] =
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    params[1] = octets(OSSL_KDF_PARAM_KEY, secret);
    params[2] = octets(OSSL_KDF_PARAM_INFO, clerk_slice_str(label));
    params[3] = OSSL_PARAM_construct_end();

    ctx = library.hkdf ? EVP_KDF_CTX_new(library.hkdf) : NULL;
    done = ctx && secret.len
           && EVP_KDF_derive(ctx, key, CLERK_SEAL_KEY_BYTES, params) == 1;
    EVP_KDF_CTX_free(ctx);
    if (!done) {
        clerk_crypto_wipe(key, CLERK_SEAL_KEY_BYTES);
        return CLERK_INTERNAL;
    }
    return CLERK_OK;
}

static const unsigned char *bytes_of(clerk_slice_t text)
{
    return (const unsigned char *)text.ptr;
}

/* The library counts in int, and must not see an empty update. */
static int gcm_update(EVP_CIPHER_CTX *ctx, unsigned char *out, clerk_slice_t in)
{
    int written;

    return in.len == 0
           || (in.len <= INT_MAX
               && EVP_CipherUpdate(ctx, out, &written, bytes_of(in),
                                   (int)in.len));
}

/* An AES-256-GCM context that has seen key, nonce and context, or NULL. */
static EVP_CIPHER_CTX *gcm_start(const unsigned char *key,
                                 const unsigned char *nonce,
                                 clerk_slice_t context, int encrypt)
{
    EVP_CIPHER_CTX *ctx = library.gcm ? EVP_CIPHER_CTX_new() : NULL;

    if (ctx && EVP_CipherInit_ex2(ctx, library.gcm, key, nonce, encrypt, NULL)
        && gcm_update(ctx, NULL, context)) {
        return ctx;
    }
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

clerk_status_t clerk_crypto_seal(const unsigned char *key,
                                 const unsigned char *nonce,
                                 clerk_slice_t context, clerk_slice_t plain,
                                 unsigned char *out)
{
    EVP_CIPHER_CTX *ctx = gcm_start(key, nonce, context, 1);
    unsigned char *text = out + CLERK_SEAL_NONCE_BYTES;
    unsigned char *tag = text + plain.len;
    int written;
    int done;

    done = ctx && gcm_update(ctx, text, plain)
           && EVP_CipherFinal_ex(ctx, tag, &written)
           && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG,
                                  CLERK_SEAL_TAG_BYTES, tag);
    EVP_CIPHER_CTX_free(ctx);
    if (!done) {
        clerk_crypto_wipe(out, plain.len + CLERK_SEAL_OVERHEAD);
        return CLERK_INTERNAL;
    }
    memcpy(out, nonce, CLERK_SEAL_NONCE_BYTES);
    return CLERK_OK;
}

clerk_status_t clerk_crypto_open(const unsigned char *key,
                                 clerk_slice_t context, clerk_slice_t sealed,
                                 unsigned char *out)
{
    unsigned char tag[CLERK_SEAL_TAG_BYTES];
    unsigned char nothing[CLERK_SEAL_TAG_BYTES];
    clerk_slice_t text;
    EVP_CIPHER_CTX *ctx;
    int written;
    int done;

    if (sealed.len < CLERK_SEAL_OVERHEAD) {
        return CLERK_INTERNAL;
    }
    text = clerk_slice_make(sealed.ptr + CLERK_SEAL_NONCE_BYTES,
                            sealed.len - CLERK_SEAL_OVERHEAD);
    memcpy(tag, text.ptr + text.len, sizeof(tag));

    ctx = gcm_start(key, bytes_of(sealed), context, 0);
    done = ctx && gcm_update(ctx, out, text)
           && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag)
           && EVP_CipherFinal_ex(ctx, nothing, &written);
    EVP_CIPHER_CTX_free(ctx);
    if (!done) {
        clerk_crypto_wipe(out, text.len);
        return CLERK_INTERNAL;
    }
    return CLERK_OK;
}

int clerk_crypto_equal(const void *a, const void *b, apr_size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void clerk_crypto_wipe(void *memory, apr_size_t len)
{
    OPENSSL_cleanse(memory, len);
}
