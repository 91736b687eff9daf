/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"
#include "unit_jwt.h"

#include "clerk_jwks.h"

static clerk_jwks_t *read_set(apr_pool_t *p, const char *text)
{
    clerk_jwks_t *set = NULL;

    UNIT_CHECK(text, clerk_jwks_read(p, unit_text(p, text), &set) == CLERK_OK);
    assert_non_null(set);
    return set;
}

/* A set of one member, which is given. */
static clerk_jwks_t *read_one(apr_pool_t *p, const char *member)
{
    return read_set(p, apr_pstrcat(p, "{\"keys\":[", member, "]}", NULL));
}

static const char *first_skipped(const clerk_jwks_t *set)
{
    return set->skipped->nelts ? APR_ARRAY_IDX(set->skipped, 0, const char *)
                               : NULL;
}

static void the_key_verifies(void **state)
{
    clerk_jwks_t *set = read_set(*state, UNIT_JWKS);
    const char *token =
        unit_signed_jwt(*state, "{\"alg\":\"RS256\"}", "{}", "SHA256");
    const char *dot = strrchr(token, '.');
    const clerk_rsa_t *key;
    clerk_slice_t signature;

    assert_int_equal(set->keys->nelts, 1);
    assert_int_equal(set->skipped->nelts, 0);
    assert_int_equal(clerk_jwks_find(set, UNIT_KID, CLERK_RS256, &key),
                     CLERK_OK);
    assert_int_equal(
        clerk_b64_decode_url(*state, clerk_slice_str(dot + 1), &signature),
        CLERK_OK);
    assert_int_equal(clerk_crypto_rsa_verify(
                         key, CLERK_RS256,
                         clerk_slice_make(token, (apr_size_t)(dot - token)),
                         signature),
                     CLERK_OK);
}

static void accepts_what_may_be_there(void **state)
{
    static const char *const rows[] = {
        "",
        ",\"use\":\"sig\"",
        ",\"use\":null",
        ",\"alg\":\"RS256\"",
        ",\"alg\":\"RS384\"",
        ",\"alg\":\"RS512\"",
        ",\"alg\":null",
        ",\"key_ops\":[\"verify\"]",
        ",\"key_ops\":[\"sign\",\"verify\"]",
        ",\"key_ops\":null",
        ",\"d\":null,\"k\":null,\"oth\":null",
        ",\"x5c\":[\"MII\"],\"x5t\":\"AA\",\"other\":{\"d\":1}",
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_jwks_t *set =
            read_one(*state, apr_pstrcat(*state,
                                         "{\"kty\":\"RSA\",\"kid\":\"k\",\"n\":"
                                         "\"" UNIT_RSA_N "\",\"e\":\"AQAB\"",
                                         rows[i], "}", NULL));

        UNIT_SAME(rows[i], first_skipped(set), NULL);
        UNIT_CHECK(rows[i], set->keys->nelts == 1);
    }
}

typedef struct bad_t {
    const char *member;
    const char *why; /* how the reason begins */
} bad_t;

#define RSA(kid, more) UNIT_JWK(kid, more)
#define N "\"n\":\"" UNIT_RSA_N "\""

static void skips_what_is_no_key(void **state)
{
    static const bad_t rows[] = {
        { "{}", "kid is" },
        { "{\"kty\":\"RSA\"," N ",\"e\":\"AQAB\"}", "kid is" },
        { RSA("", ""), "kid is" },
        { "{\"kty\":\"RSA\",\"kid\":5," N ",\"e\":\"AQAB\"}", "kid is" },
        { "{\"kty\":\"RSA\",\"kid\":null," N ",\"e\":\"AQAB\"}", "kid is" },
        { "{\"kid\":\"k\"," N ",\"e\":\"AQAB\"}", "k: kty is" },
        { "{\"kid\":\"k\",\"kty\":\"rsa\"," N ",\"e\":\"AQAB\"}", "k: kty is" },
        { "{\"kid\":\"k\",\"kty\":1," N ",\"e\":\"AQAB\"}", "k: kty is" },
        { "{\"kid\":\"k\",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\"}",
          "k: kty is" },
        { "{\"kid\":\"k\",\"kty\":\"OKP\",\"crv\":\"Ed25519\"}", "k: kty is" },
        { "{\"kid\":\"k\",\"kty\":\"oct\",\"k\":\"AAAA\"}", "k: kty is" },
        { RSA("k", ",\"d\":\"AQAB\""), "k: it has private" },
        { RSA("k", ",\"p\":\"AQAB\""), "k: it has private" },
        { RSA("k", ",\"q\":\"\""), "k: it has private" },
        { RSA("k", ",\"dp\":1"), "k: it has private" },
        { RSA("k", ",\"dq\":\"AQAB\""), "k: it has private" },
        { RSA("k", ",\"qi\":\"AQAB\""), "k: it has private" },
        { RSA("k", ",\"oth\":[]"), "k: it has private" },
        { RSA("k", ",\"k\":\"AQAB\""), "k: it has private" },
        { RSA("k", ",\"use\":\"enc\""), "k: use is" },
        { RSA("k", ",\"use\":\"\""), "k: use is" },
        { RSA("k", ",\"use\":[\"sig\"]"), "k: use is" },
        { RSA("k", ",\"use\":true"), "k: use is" },
        { RSA("k", ",\"key_ops\":[]"), "k: key_ops" },
        { RSA("k", ",\"key_ops\":[\"sign\"]"), "k: key_ops" },
        { RSA("k", ",\"key_ops\":[\"verify\",1]"), "k: key_ops" },
        { RSA("k", ",\"key_ops\":{\"verify\":1}"), "k: key_ops" },
        { RSA("k", ",\"alg\":\"PS256\""), "k: alg is" },
        { RSA("k", ",\"alg\":\"RSA-OAEP\""), "k: alg is" },
        { RSA("k", ",\"alg\":\"HS256\""), "k: alg is" },
        { RSA("k", ",\"alg\":\"none\""), "k: alg is" },
        { RSA("k", ",\"alg\":\"\""), "k: alg is" },
        { RSA("k", ",\"alg\":256"), "k: alg is" },
        { "{\"kty\":\"RSA\",\"kid\":\"k\",\"e\":\"AQAB\"}", "k: n and e" },
        { "{\"kty\":\"RSA\",\"kid\":\"k\"," N "}", "k: n and e" },
        { "{\"kty\":\"RSA\",\"kid\":\"k\",\"n\":5,\"e\":\"AQAB\"}",
          "k: n and e" },
        { "{\"kty\":\"RSA\",\"kid\":\"k\"," N ",\"e\":65537}", "k: n and e" },
        { "{\"kty\":\"RSA\",\"kid\":\"k\"," N ",\"e\":\"AQ\"}", "k: n and e" },
        { "{\"kty\":\"RSA\",\"kid\":\"k\"," N ",\"e\":\"AQAB=\"}",
          "k: n and e" },
        { "{\"kty\":\"RSA\",\"kid\":\"k\",\"n\":\"" UNIT_RSA_N
          "==\",\"e\":\"AQAB\"}",
          "k: n and e" },
        { "{\"kty\":\"RSA\",\"kid\":\"k\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
          "k: n and e" },
        /* Not a kid for a log. */
        { RSA("a b", ",\"use\":\"enc\""), "use is" },
        { RSA("a\\nb", ",\"use\":\"enc\""), "use is" },
        { RSA("\xc3\xa4", ",\"use\":\"enc\""), "use is" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_jwks_t *set = read_one(*state, rows[i].member);
        const char *why = first_skipped(set);
        const clerk_rsa_t *key;

        UNIT_CHECK(rows[i].member, set->keys->nelts == 0);
        UNIT_CHECK(rows[i].member, set->skipped->nelts == 1);
        UNIT_CHECK(rows[i].member,
                   strncmp(why, rows[i].why, strlen(rows[i].why)) == 0);
        UNIT_CHECK(rows[i].member, clerk_jwks_find(set, "k", CLERK_RS256, &key)
                                       == CLERK_KEY_UNKNOWN);
    }
}

static void a_kid_has_at_most_256_bytes(void **state)
{
    int len;

    for (len = 255; len <= 257; len++) {
        const char *kid = unit_repeat(*state, 'k', (apr_size_t)len);
        clerk_jwks_t *set = read_one(
            *state, apr_pstrcat(*state, "{\"kty\":\"RSA\",\"kid\":\"", kid,
                                "\"," N ",\"e\":\"AQAB\"}", NULL));
        const clerk_rsa_t *key;

        assert_int_equal(clerk_jwks_find(set, kid, CLERK_RS256, &key),
                         len <= 256 ? CLERK_OK : CLERK_KEY_UNKNOWN);
        /* One that is too long is not for the log either. */
        UNIT_SAME("257", first_skipped(set),
                  len <= 256 ? NULL
                             : "kid is missing, or not of 1 to 256 bytes");
    }
}

static void the_others_of_a_set_count(void **state)
{
    const char *members[] = {
        "{\"kty\":\"EC\",\"kid\":\"a\",\"crv\":\"P-256\"}",
        RSA("a", ",\"alg\":\"RS384\""),
        RSA("b", ""),
        RSA("b", ",\"alg\":\"RS512\""),
        "{}",
    };
    const char *text = members[0];
    clerk_jwks_t *set;
    const clerk_rsa_t *key;
    apr_size_t i;

    for (i = 1; i < UNIT_COUNT(members); i++) {
        text = apr_pstrcat(*state, text, ",", members[i], NULL);
    }
    set = read_one(*state, text);
    assert_int_equal(set->keys->nelts, 2);
    assert_int_equal(set->skipped->nelts, 3);
    assert_string_equal(first_skipped(set), "a: kty is not RSA");
    assert_string_equal(APR_ARRAY_IDX(set->skipped, 1, const char *),
                        "b: a key of this kid came before");
    assert_int_equal(clerk_jwks_find(set, "a", CLERK_RS384, &key), CLERK_OK);
    assert_non_null(key);
    assert_int_equal(clerk_jwks_find(set, "a", CLERK_RS256, &key),
                     CLERK_ALGORITHM_REFUSED);
    assert_null(key);
    /* The first b names no algorithm. */
    assert_int_equal(clerk_jwks_find(set, "b", CLERK_RS256, &key), CLERK_OK);
    assert_int_equal(clerk_jwks_find(set, "b", CLERK_RS512, &key), CLERK_OK);
    key = (const clerk_rsa_t *)set;
    assert_int_equal(clerk_jwks_find(set, "A", CLERK_RS256, &key),
                     CLERK_KEY_UNKNOWN);
    assert_null(key);
    assert_int_equal(clerk_jwks_find(set, "", CLERK_RS256, &key),
                     CLERK_KEY_UNKNOWN);
}

static void a_set_may_be_empty(void **state)
{
    clerk_jwks_t *set = read_set(*state, "{\"keys\":[]}");

    assert_int_equal(set->keys->nelts, 0);
    assert_int_equal(set->skipped->nelts, 0);
}

static void refuses_what_is_no_set(void **state)
{
    static const char *const rows[] = {
        "",
        "<html>",
        "null",
        "[]",
        "[" UNIT_JWK("k", "") "]",
        "{}",
        "{\"keys\":null}",
        "{\"keys\":{}}",
        "{\"keys\":\"\"}",
        "{\"keys\":1}",
        "{\"keys\":[null]}",
        "{\"keys\":[\"k\"]}",
        "{\"keys\":[[]]}",
        "{\"keys\":[" UNIT_JWK("k", "") ",1]}",
        "{\"Keys\":[]}",
        "{\"errors\":[{\"code\":\"internal_clerk_error\"}]}",
        UNIT_JWKS " x",
        UNIT_JWK("k", ""),
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_jwks_t *set = *state;

        UNIT_CHECK(rows[i],
                   clerk_jwks_read(*state, unit_text(*state, rows[i]), &set)
                       == CLERK_ANSWER_MALFORMED);
        UNIT_CHECK(rows[i], set == NULL);
    }
}

static void a_document_has_an_end(void **state)
{
    char *text = unit_repeat(*state, ' ', CLERK_JWKS_MAX + 1);
    clerk_jwks_t *set;

    memcpy(text, "{\"keys\":[]}", 11);
    assert_int_equal(
        clerk_jwks_read(*state, clerk_slice_make(text, CLERK_JWKS_MAX), &set),
        CLERK_OK);
    assert_int_equal(clerk_jwks_read(*state,
                                     clerk_slice_make(text, CLERK_JWKS_MAX + 1),
                                     &set),
                     CLERK_ANSWER_MALFORMED);
    assert_null(set);
}

static void looks_at_64_members(void **state)
{
    const char *text = "{\"keys\":[{}";
    clerk_jwks_t *set;
    const clerk_rsa_t *key;
    int i;

    for (i = 1; i < CLERK_JWKS_KEYS_MAX - 1; i++) {
        text = apr_pstrcat(*state, text, ",{}", NULL);
    }
    text = apr_pstrcat(*state, text,
                       "," RSA("64", "") "," RSA("65", "") ",{}]}", NULL);
    set = read_set(*state, text);
    assert_int_equal(set->keys->nelts, 1);
    assert_int_equal(set->skipped->nelts, CLERK_JWKS_KEYS_MAX);
    assert_string_equal(
        APR_ARRAY_IDX(set->skipped, CLERK_JWKS_KEYS_MAX - 1, const char *),
        "members past the 64th are not looked at");
    assert_int_equal(clerk_jwks_find(set, "64", CLERK_RS256, &key), CLERK_OK);
    assert_int_equal(clerk_jwks_find(set, "65", CLERK_RS256, &key),
                     CLERK_KEY_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_key_verifies),
        UNIT_TEST(accepts_what_may_be_there),
        UNIT_TEST(skips_what_is_no_key),
        UNIT_TEST(a_kid_has_at_most_256_bytes),
        UNIT_TEST(the_others_of_a_set_count),
        UNIT_TEST(a_set_may_be_empty),
        UNIT_TEST(refuses_what_is_no_set),
        UNIT_TEST(a_document_has_an_end),
        UNIT_TEST(looks_at_64_members),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
