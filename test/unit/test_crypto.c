/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "clerk_crypto.h"
#include "unit_threads.h"

static void sha256_meets_fips_180(void **state)
{
    static const struct {
        const char *text;
        const char *digest;
    } rows[] = {
        { "abc", "ba7816bf8f01cfea414140de5dae2223"
                 "b00361a396177a9cb410ff61f20015ad" },
        { "", "e3b0c44298fc1c149afbf4c8996fb924"
              "27ae41e4649b934ca495991b7852b855" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039"
          "a33ce45964ff2167f6ecedd419db06c1" },
    };
    unsigned char out[CLERK_SHA256_BYTES];
    clerk_slice_t million;
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_slice_t text = unit_text(*state, rows[i].text);

        assert_int_equal(clerk_crypto_sha256(&text, 1, out), CLERK_OK);
        assert_string_equal(unit_hex(*state, out, sizeof(out)), rows[i].digest);
    }
    million = clerk_slice_str(unit_repeat(*state, 'a', 1000000));
    assert_int_equal(clerk_crypto_sha256(&million, 1, out), CLERK_OK);
    assert_string_equal(unit_hex(*state, out, sizeof(out)),
                        "cdc76e5c9914fb9281a1c7e284d73e67"
                        "f1809a48a497200e046d39ccc7112cd0");
}

static void sha256_joins_its_parts(void **state)
{
    clerk_slice_t parts[] = {
        unit_text(*state, "a"),
        clerk_slice_str(NULL),
        unit_text(*state, "bc"),
        unit_text(*state, ""),
    };
    unsigned char out[CLERK_SHA256_BYTES];

    assert_int_equal(clerk_crypto_sha256(parts, 4, out), CLERK_OK);
    assert_string_equal(unit_hex(*state, out, sizeof(out)),
                        "ba7816bf8f01cfea414140de5dae2223"
                        "b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(clerk_crypto_sha256(NULL, 0, out), CLERK_OK);
    assert_string_equal(unit_hex(*state, out, sizeof(out)),
                        "e3b0c44298fc1c149afbf4c8996fb924"
                        "27ae41e4649b934ca495991b7852b855");
}

#define THREADS 8
#define HASHES 500

static void hash_two_in_turn(void *wrong)
{
    static const unsigned char first[2] = { 0xba, 0xca };
    static const char *const texts[2] = { "abc", "a" };
    int i;

    for (i = 0; i < HASHES; i++) {
        clerk_slice_t text = clerk_slice_str(texts[i % 2]);
        unsigned char out[CLERK_SHA256_BYTES];

        if (clerk_crypto_sha256(&text, 1, out) != CLERK_OK
            || out[0] != first[i % 2]) {
            __atomic_add_fetch((int *)wrong, 1, __ATOMIC_SEQ_CST);
        }
    }
}

static void threads_hash_each_their_own(void **state)
{
    int wrong = 0;

    unit_together(*state, THREADS, hash_two_in_turn, &wrong);
    assert_int_equal(wrong, 0);
}

static void derives_as_rfc_5869(void **state)
{
    static const struct {
        const char *secret;
        const char *label;
        const char *key;
    } rows[] = {
        /* Appendix A.3: no salt, no info; the first 32 bytes. */
        { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "",
          "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d" },
        /* The same computed by another library, with labels. */
        { "636f727265637420686f727365206261747465727920737461706c65",
          "mod_auth_clerk cache",
          "e010234dcfc2ea06261c6e2c3896950605ec5e18bd6235d6f1ac47b2f89b8937" },
        { "636f727265637420686f727365206261747465727920737461706c65",
          "mod_auth_clerk other",
          "b436810b7215ee42c3f3d899755f7f725c690b297106aabb82603197b941b4fc" },
    };
    unsigned char key[CLERK_SEAL_KEY_BYTES];
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        assert_int_equal(clerk_crypto_derive(unit_unhex(*state, rows[i].secret),
                                             rows[i].label, key),
                         CLERK_OK);
        assert_string_equal(unit_hex(*state, key, sizeof(key)), rows[i].key);
    }
}

static void no_key_comes_of_nothing(void **state)
{
    static const unsigned char zero[CLERK_SEAL_KEY_BYTES];
    unsigned char key[CLERK_SEAL_KEY_BYTES];

    (void)state;
    memset(key, 1, sizeof(key));
    assert_int_equal(clerk_crypto_derive(clerk_slice_str(""), "label", key),
                     CLERK_INTERNAL);
    assert_memory_equal(key, zero, sizeof(key));
}

/* One sealed text of the GCM specification's test cases 13 to 16. */
typedef struct vector_t {
    const char *key;
    const char *nonce;
    const char *context;
    const char *plain;
    const char *text_and_tag;
} vector_t;

#define ZERO_KEY \
    "0000000000000000000000000000000000000000000000000000000000000000"
#define KEY "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"

static const vector_t vectors[] = {
    { ZERO_KEY, "000000000000000000000000", "", "",
      "530f8afbc74536b9a963b4f1c4cb738b" },
    { ZERO_KEY, "000000000000000000000000", "",
      "00000000000000000000000000000000",
      "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" },
    { KEY, "cafebabefacedbaddecaf888", "",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
      "b094dac5d93471bdec1a502270e3cc6c" },
    { KEY, "cafebabefacedbaddecaf888",
      "feedfacedeadbeeffeedfacedeadbeefabaddad2",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
      "76fc6ece0f4e1768cddf8853bb2d551b" },
};

static const unsigned char *bytes(apr_pool_t *p, const char *hex)
{
    return (const unsigned char *)unit_unhex(p, hex).ptr;
}

static void seals_as_nist_gcm(void **state)
{
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(vectors); i++) {
        const vector_t *v = &vectors[i];
        clerk_slice_t context = unit_unhex(*state, v->context);
        clerk_slice_t plain = unit_unhex(*state, v->plain);
        apr_size_t len = plain.len + CLERK_SEAL_OVERHEAD;
        unsigned char *out = apr_palloc(*state, len);
        unsigned char *back = apr_palloc(*state, plain.len + 1);

        assert_int_equal(clerk_crypto_seal(bytes(*state, v->key),
                                           bytes(*state, v->nonce), context,
                                           plain, out),
                         CLERK_OK);
        assert_string_equal(
            unit_hex(*state, out, len),
            apr_pstrcat(*state, v->nonce, v->text_and_tag, NULL));
        assert_int_equal(clerk_crypto_open(bytes(*state, v->key), context,
                                           unit_exact(*state, out, len), back),
                         CLERK_OK);
        assert_memory_equal(back, plain.ptr, plain.len);
    }
}

/* A sealed text that one bit was changed in, or that is cut short. */
static void opens_nothing_that_was_touched(void **state)
{
    const vector_t *v = &vectors[3];
    clerk_slice_t context = unit_unhex(*state, v->context);
    clerk_slice_t sealed = unit_unhex(
        *state, apr_pstrcat(*state, v->nonce, v->text_and_tag, NULL));
    apr_size_t len = sealed.len - CLERK_SEAL_OVERHEAD;
    unsigned char *zero = apr_pcalloc(*state, sealed.len);
    unsigned char *out = apr_palloc(*state, sealed.len);
    apr_size_t i;

    for (i = 0; i < sealed.len; i++) {
        clerk_slice_t copy = unit_exact(*state, sealed.ptr, sealed.len);
        char *byte = apr_pmemdup(*state, copy.ptr, copy.len);

        byte[i] ^= 1;
        memset(out, 1, len);
        assert_int_equal(clerk_crypto_open(bytes(*state, v->key), context,
                                           clerk_slice_make(byte, copy.len),
                                           out),
                         CLERK_INTERNAL);
        assert_memory_equal(out, zero, len);
    }
    for (i = 0; i < sealed.len; i++) {
        assert_int_equal(clerk_crypto_open(bytes(*state, v->key), context,
                                           unit_exact(*state, sealed.ptr, i),
                                           out),
                         CLERK_INTERNAL);
    }
}

static void opens_nothing_of_another_key_or_context(void **state)
{
    const vector_t *v = &vectors[3];
    clerk_slice_t context = unit_unhex(*state, v->context);
    clerk_slice_t sealed = unit_unhex(
        *state, apr_pstrcat(*state, v->nonce, v->text_and_tag, NULL));
    unsigned char *out = apr_palloc(*state, sealed.len);

    assert_int_equal(
        clerk_crypto_open(bytes(*state, ZERO_KEY), context, sealed, out),
        CLERK_INTERNAL);
    assert_int_equal(clerk_crypto_open(bytes(*state, v->key),
                                       clerk_slice_str(NULL), sealed, out),
                     CLERK_INTERNAL);
    assert_int_equal(
        clerk_crypto_open(bytes(*state, v->key),
                          clerk_slice_make(context.ptr, context.len - 1),
                          sealed, out),
        CLERK_INTERNAL);
}

static void equal_looks_at_every_byte(void **state)
{
    (void)state;
    assert_true(clerk_crypto_equal("abc", "abc", 3));
    assert_true(clerk_crypto_equal("abc", "abd", 2));
    assert_true(clerk_crypto_equal("a", "b", 0));
    assert_true(clerk_crypto_equal("a\0b", "a\0b", 3));
    assert_false(clerk_crypto_equal("a\0b", "a\0c", 3));
    assert_false(clerk_crypto_equal("xbc", "abc", 3));
}

static void wipe_leaves_zeros(void **state)
{
    char secret[] = "secret";
    static const char zero[sizeof(secret)];

    (void)state;
    clerk_crypto_wipe(secret, sizeof(secret));
    assert_memory_equal(secret, zero, sizeof(secret));
}

/* httpd reads its configuration twice, with a pool for each time. */
static void init_counts_its_pools(void **state)
{
    clerk_slice_t text = clerk_slice_str("abc");
    unsigned char out[CLERK_SHA256_BYTES];
    apr_pool_t *first;
    apr_pool_t *second;

    (void)state;
    apr_initialize();
    apr_pool_create(&first, NULL);
    apr_pool_create(&second, NULL);
    assert_int_equal(clerk_crypto_init(first), CLERK_OK);
    assert_int_equal(clerk_crypto_init(second), CLERK_OK);
    apr_pool_destroy(first);
    assert_int_equal(clerk_crypto_sha256(&text, 1, out), CLERK_OK);
    apr_pool_destroy(second);
    apr_terminate();
}

static void without_init_nothing_is_given(void **state)
{
    static const unsigned char zero[CLERK_SHA256_BYTES];
    clerk_slice_t text = clerk_slice_str("abc");
    unsigned char out[CLERK_SEAL_OVERHEAD + CLERK_SHA256_BYTES];

    (void)state;
    memset(out, 1, sizeof(out));
    assert_int_equal(clerk_crypto_sha256(&text, 1, out), CLERK_INTERNAL);
    assert_memory_equal(out, zero, CLERK_SHA256_BYTES);
    memset(out, 1, sizeof(out));
    assert_int_equal(clerk_crypto_derive(text, "label", out), CLERK_INTERNAL);
    assert_memory_equal(out, zero, CLERK_SEAL_KEY_BYTES);
    memset(out, 1, sizeof(out));
    assert_int_equal(clerk_crypto_seal(zero, zero, text, text, out),
                     CLERK_INTERNAL);
    assert_memory_equal(out, zero, CLERK_SEAL_OVERHEAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_init_nothing_is_given),
        cmocka_unit_test(init_counts_its_pools),
        UNIT_TEST(sha256_meets_fips_180),
        UNIT_TEST(sha256_joins_its_parts),
        UNIT_TEST(threads_hash_each_their_own),
        UNIT_TEST(derives_as_rfc_5869),
        UNIT_TEST(no_key_comes_of_nothing),
        UNIT_TEST(seals_as_nist_gcm),
        UNIT_TEST(opens_nothing_that_was_touched),
        UNIT_TEST(opens_nothing_of_another_key_or_context),
        UNIT_TEST(equal_looks_at_every_byte),
        UNIT_TEST(wipe_leaves_zeros),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
