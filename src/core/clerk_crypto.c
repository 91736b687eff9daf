/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_crypto.h"

#include <limits.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "clerk_b64.h"

#define ALGORITHMS 3

/*
 * Fetched once: an implicit fetch at each use takes a lock in the library.
 * Written by clerk_crypto_init and its cleanup only, which run before there
 * are threads and after, but for `spare`, which threads exchange.
 */
static struct {
    int users;
    EVP_MD *sha2[ALGORITHMS]; /* by clerk_rsa_alg_t */
    EVP_MD_CTX *spare;        /* for SHA-256; it knows the last digest */
    EVP_KDF *hkdf;
    EVP_CIPHER *gcm;
} library;

static const char *const sha2_names[ALGORITHMS] = {
    [CLERK_RS256] = "SHA2-256",
    [CLERK_RS384] = "SHA2-384",
    [CLERK_RS512] = "SHA2-512",
};

static void release(void)
{
    int i;

    for (i = 0; i < ALGORITHMS; i++) {
        EVP_MD_free(library.sha2[i]);
    }
    EVP_MD_CTX_free(library.spare);
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

static int fetch_all(void)
{
    int i;

    for (i = 0; i < ALGORITHMS; i++) {
        library.sha2[i] = EVP_MD_fetch(NULL, sha2_names[i], NULL);
        if (!library.sha2[i]) {
            return 0;
        }
    }
    library.hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    library.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    return library.hkdf && library.gcm;
}

clerk_status_t clerk_crypto_init(apr_pool_t *p)
{
    if (library.users == 0 && !fetch_all()) {
        release();
        return CLERK_INTERNAL;
    }
    library.users++;
    apr_pool_cleanup_register(p, NULL, drop_user, apr_pool_cleanup_null);
    return CLERK_OK;
}

static int hash_parts(EVP_MD_CTX *ctx, const clerk_slice_t *parts, int count,
                      unsigned char *out)
{
    int i;

    if (!EVP_DigestInit_ex2(ctx, library.sha2[CLERK_RS256], NULL)) {
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
    EVP_MD_CTX *ctx =
        __atomic_exchange_n(&library.spare, NULL, __ATOMIC_ACQUIRE);

    if (!ctx && library.users) {
        ctx = EVP_MD_CTX_new();
    }
    if (!ctx || !hash_parts(ctx, parts, count, out)) {
        EVP_MD_CTX_free(ctx);
        memset(out, 0, CLERK_SHA256_BYTES);
        return CLERK_INTERNAL;
    }
    EVP_MD_CTX_free(__atomic_exchange_n(&library.spare, ctx, __ATOMIC_ACQ_REL));
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

/*
 * The contexts have seen the key, the padding and the digest. One is copied
 * for each verification, which is half the price of making one, and copying
 * only reads.
 */
struct clerk_rsa_t {
    EVP_PKEY *key;
    EVP_PKEY_CTX *ready[ALGORITHMS];
    apr_size_t bytes; /* of the modulus, and so of every signature */
};

static apr_status_t free_rsa(void *memory)
{
    clerk_rsa_t *rsa = memory;
    int i;

    for (i = 0; i < ALGORITHMS; i++) {
        EVP_PKEY_CTX_free(rsa->ready[i]);
    }
    EVP_PKEY_free(rsa->key);
    return APR_SUCCESS;
}

/* Big-endian, without leading zeros, and odd. */
static int is_odd_number(clerk_slice_t number)
{
    return number.len && number.ptr[0] != 0
           && (number.ptr[number.len - 1] & 1) != 0;
}

/*
 * An even modulus is the product of no two odd primes. An even exponent is
 * none, and a huge one costs as much as signing.
 */
static int is_public_key(clerk_slice_t n, clerk_slice_t e)
{
    return is_odd_number(n) && n.len >= CLERK_RSA_MIN_BITS / 8
           && n.len <= CLERK_RSA_MAX_BITS / 8
           && (n.len > CLERK_RSA_MIN_BITS / 8
               || ((unsigned char)n.ptr[0] & 0x80) != 0)
           && is_odd_number(e) && e.len <= 4 && !(e.len == 1 && *e.ptr == 1);
}

static EVP_PKEY *make_key(OSSL_PARAM *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;

    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1
        || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        key = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *key_of_numbers(clerk_slice_t n, clerk_slice_t e)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn(bytes_of(n), (int)n.len, NULL);
    BIGNUM *exponent = BN_bin2bn(bytes_of(e), (int)e.len, NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (builder && modulus && exponent
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus)
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent)) {
        params = OSSL_PARAM_BLD_to_param(builder);
    }
    if (params) {
        key = make_key(params);
    }
    OSSL_PARAM_free(params);
    BN_free(exponent);
    BN_free(modulus);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

static EVP_PKEY_CTX *make_ready(EVP_PKEY *key, const EVP_MD *digest)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

    if (ctx && EVP_PKEY_verify_init(ctx) == 1
        && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1
        && EVP_PKEY_CTX_set_signature_md(ctx, digest) == 1) {
        return ctx;
    }
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

static int fill_in(clerk_rsa_t *rsa, clerk_slice_t n, clerk_slice_t e)
{
    int i;

    rsa->key = key_of_numbers(n, e);
    rsa->bytes = n.len;
    if (!rsa->key) {
        return 0;
    }
    for (i = 0; i < ALGORITHMS; i++) {
        rsa->ready[i] = make_ready(rsa->key, library.sha2[i]);
        if (!rsa->ready[i]) {
            return 0;
        }
    }
    return 1;
}

clerk_status_t clerk_crypto_rsa_from_numbers(apr_pool_t *p, clerk_slice_t n,
                                             clerk_slice_t e, clerk_rsa_t **key)
{
    clerk_rsa_t *rsa;
    int done;

    *key = NULL;
    if (!library.users || !is_public_key(n, e)) {
        return CLERK_KEY_UNUSABLE;
    }
    rsa = apr_pcalloc(p, sizeof(*rsa));
    /* What is left in the library's error queue would be found by whoever
     * uses TLS in this thread next. */
    ERR_set_mark();
    done = fill_in(rsa, n, e);
    ERR_pop_to_mark();
    if (!done) {
        free_rsa(rsa);
        return CLERK_KEY_UNUSABLE;
    }
    apr_pool_cleanup_register(p, rsa, free_rsa, apr_pool_cleanup_null);
    *key = rsa;
    return CLERK_OK;
}

/* As they read without their blanks. */
#define PEM_BEGIN "-----BEGINPUBLICKEY-----"
#define PEM_END "-----ENDPUBLICKEY-----"

/* The base64 between the two lines, both or none of which are there. */
static clerk_slice_t strip_armour(apr_pool_t *p, const char *text)
{
    char *bare = apr_palloc(p, strlen(text) + 1);
    apr_size_t begin = strlen(PEM_BEGIN);
    apr_size_t end = strlen(PEM_END);
    apr_size_t len = 0;

    for (; *text; text++) {
        if (!strchr(" \t\r\n", *text)) {
            bare[len++] = *text;
        }
    }
    if (len < begin + end || memcmp(bare, PEM_BEGIN, begin) != 0
        || memcmp(bare + len - end, PEM_END, end) != 0) {
        return clerk_slice_make(bare, len);
    }
    return clerk_slice_make(bare + begin, len - begin - end);
}

/* A SubjectPublicKeyInfo and nothing behind it. */
static EVP_PKEY *key_of_der(clerk_slice_t der)
{
    const unsigned char *at = bytes_of(der);
    EVP_PKEY *key = d2i_PUBKEY_ex(NULL, &at, (long)der.len, NULL, NULL);

    if (key && at == bytes_of(der) + der.len && EVP_PKEY_is_a(key, "RSA")) {
        return key;
    }
    EVP_PKEY_free(key);
    return NULL;
}

static clerk_slice_t number_of(apr_pool_t *p, const EVP_PKEY *key,
                               const char *name)
{
    clerk_slice_t bytes = { NULL, 0 };
    BIGNUM *number = NULL;

    if (EVP_PKEY_get_bn_param(key, name, &number)) {
        unsigned char *out = apr_palloc(p, (apr_size_t)BN_num_bytes(number));

        bytes.len = (apr_size_t)BN_bn2bin(number, out);
        bytes.ptr = (const char *)out;
    }
    BN_free(number);
    return bytes;
}

clerk_status_t clerk_crypto_rsa_from_pem(apr_pool_t *p, const char *text,
                                         clerk_rsa_t **key)
{
    clerk_slice_t n = { NULL, 0 };
    clerk_slice_t e = { NULL, 0 };
    clerk_slice_t der;
    EVP_PKEY *parsed;

    *key = NULL;
    if (clerk_b64_decode(p, strip_armour(p, text), &der) != CLERK_OK) {
        return CLERK_KEY_UNUSABLE;
    }
    ERR_set_mark();
    parsed = key_of_der(der);
    if (parsed) {
        n = number_of(p, parsed, OSSL_PKEY_PARAM_RSA_N);
        e = number_of(p, parsed, OSSL_PKEY_PARAM_RSA_E);
        EVP_PKEY_free(parsed);
    }
    ERR_pop_to_mark();
    return clerk_crypto_rsa_from_numbers(p, n, e, key);
}

static int verify(EVP_PKEY_CTX *ctx, const EVP_MD *digest, clerk_slice_t text,
                  clerk_slice_t signature)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int len;

    if (!ctx || !EVP_Digest(text.ptr, text.len, hash, &len, digest, NULL)) {
        return -1;
    }
    return EVP_PKEY_verify(ctx, bytes_of(signature), signature.len, hash, len);
}

clerk_status_t clerk_crypto_rsa_verify(const clerk_rsa_t *key,
                                       clerk_rsa_alg_t alg,
                                       clerk_slice_t signed_text,
                                       clerk_slice_t signature)
{
    EVP_PKEY_CTX *ctx;
    int said;

    if ((unsigned int)alg >= ALGORITHMS || !library.users) {
        return CLERK_INTERNAL;
    }
    /* RFC 8017 section 8.2.2, step 1. */
    if (signature.len != key->bytes) {
        return CLERK_SIGNATURE_INVALID;
    }
    ERR_set_mark();
    ctx = EVP_PKEY_CTX_dup(key->ready[alg]);
    said = verify(ctx, library.sha2[alg], signed_text, signature);
    EVP_PKEY_CTX_free(ctx);
    ERR_pop_to_mark();
    if (said < 0) {
        return CLERK_INTERNAL;
    }
    return said == 1 ? CLERK_OK : CLERK_SIGNATURE_INVALID;
}

int clerk_crypto_equal(const void *a, const void *b, apr_size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void clerk_crypto_wipe(void *memory, apr_size_t len)
{
    OPENSSL_cleanse(memory, len);
}
