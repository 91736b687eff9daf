/* SPDX-License-Identifier: Apache-2.0 */
/* The form of a JWT: parts, header members, types. */
#include "unit.h"
#include "unit_jwt.h"

#include "clerk_jwt.h"

#define HEADER "{\"alg\":\"RS256\",\"kid\":\"ins_1\",\"typ\":\"at+jwt\"}"
#define PAYLOAD "{\"sub\":\"user_1\",\"exp\":1785086400}"

static clerk_status_t read_text(apr_pool_t *p, const char *text,
                                clerk_jwt_t *jwt)
{
    clerk_status_t status;

    memset(jwt, 1, sizeof(*jwt));
    status = clerk_jwt_read(p, unit_text(p, text), jwt);
    if (status != CLERK_OK) {
        UNIT_CHECK(text, jwt->kind == CLERK_KIND_NONE && !jwt->kid
                             && !jwt->payload && !jwt->signature.ptr
                             && !jwt->signed_text.ptr);
    }
    return status;
}

static clerk_status_t read_pair(apr_pool_t *p, const char *header,
                                const char *payload)
{
    clerk_jwt_t jwt;

    return read_text(p, unit_jwt(p, header, payload, "AAAA"), &jwt);
}

static void takes_a_token_apart(void **state)
{
    const char *text = unit_jwt(*state, HEADER, PAYLOAD, "-_-_");
    clerk_slice_t token = unit_text(*state, text);
    clerk_jwt_t jwt;
    const char *sub;

    assert_int_equal(clerk_jwt_read(*state, token, &jwt), CLERK_OK);
    assert_int_equal(jwt.kind, CLERK_KIND_OAUTH);
    assert_int_equal(jwt.alg, CLERK_RS256);
    assert_string_equal(jwt.kid, "ins_1");
    assert_ptr_equal(jwt.signed_text.ptr, token.ptr);
    assert_int_equal(jwt.signed_text.len, strrchr(text, '.') - text);
    assert_int_equal(jwt.signature.len, 3);
    assert_memory_equal(jwt.signature.ptr, "\xfb\xff\xbf", 3);
    assert_int_equal(clerk_json_string(jwt.payload, "sub", &sub),
                     CLERK_JSON_FOUND);
    assert_string_equal(sub, "user_1");
}

static void what_it_gives_is_what_was_signed(void **state)
{
    static const struct {
        const char *alg;
        const char *digest;
        clerk_rsa_alg_t wanted;
    } rows[] = {
        { "RS256", "SHA256", CLERK_RS256 },
        { "RS384", "SHA384", CLERK_RS384 },
        { "RS512", "SHA512", CLERK_RS512 },
    };
    clerk_rsa_t *key;
    apr_size_t i;

    assert_int_equal(clerk_crypto_rsa_from_pem(*state, UNIT_RSA_SPKI, &key),
                     CLERK_OK);
    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *header = apr_psprintf(
            *state, "{\"alg\":\"%s\",\"typ\":\"at+jwt\"}", rows[i].alg);
        clerk_jwt_t jwt;

        assert_int_equal(
            read_text(*state,
                      unit_signed_jwt(*state, header, PAYLOAD, rows[i].digest),
                      &jwt),
            CLERK_OK);
        assert_int_equal(jwt.alg, rows[i].wanted);
        assert_null(jwt.kid);
        assert_int_equal(clerk_crypto_rsa_verify(key, jwt.alg, jwt.signed_text,
                                                 jwt.signature),
                         CLERK_OK);
    }
}

static void refuses_what_is_not_three_parts(void **state)
{
    const char *h = unit_b64url(*state, HEADER, strlen(HEADER));
    const char *b = unit_b64url(*state, PAYLOAD, strlen(PAYLOAD));
    apr_pool_t *p = *state;
    const char *texts[] = {
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        h,
        apr_pstrcat(p, h, ".", b, NULL),
        apr_pstrcat(p, h, ".", b, ".", NULL),
        apr_pstrcat(p, h, ".", b, "..", NULL),
        apr_pstrcat(p, h, ".", b, ".AAAA.", NULL),
        apr_pstrcat(p, h, ".", b, ".AAAA.AAAA", NULL),
        apr_pstrcat(p, h, ".", b, ".AAAA.AAAA.AAAA", NULL),
        apr_pstrcat(p, ".", h, ".", b, ".AAAA", NULL),
        apr_pstrcat(p, "..", b, ".AAAA", NULL),
        apr_pstrcat(p, ".", b, ".AAAA", NULL),
        apr_pstrcat(p, h, "..AAAA", NULL),
        apr_pstrcat(p, b, ".", h, NULL),
        /* Not strict base64url. */
        apr_pstrcat(p, h, ".", b, ".AA==", NULL),
        apr_pstrcat(p, h, ".", b, ".A", NULL),
        apr_pstrcat(p, h, ".", b, ".AB", NULL),
        apr_pstrcat(p, h, ".", b, ".AA+A", NULL),
        apr_pstrcat(p, h, ".", b, ".AA A", NULL),
        apr_pstrcat(p, h, ".", b, ".AAAA\n", NULL),
        apr_pstrcat(p, " ", h, ".", b, ".AAAA", NULL),
        apr_pstrcat(p, h, "=.", b, ".AAAA", NULL),
        apr_pstrcat(p, h, ".", b, "=.AAAA", NULL),
        apr_pstrcat(p, h, ". ", b, ".AAAA", NULL),
        apr_pstrcat(p, HEADER, ".", PAYLOAD, ".AAAA", NULL),
    };
    clerk_jwt_t jwt;
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        UNIT_CHECK(texts[i],
                   read_text(p, texts[i], &jwt) == CLERK_JWT_MALFORMED);
    }
    assert_int_equal(clerk_jwt_read(p, clerk_slice_str(NULL), &jwt),
                     CLERK_JWT_MALFORMED);
}

static void a_nul_ends_nothing(void **state)
{
    const char *text = unit_jwt(*state, HEADER, PAYLOAD, "AAAA");
    clerk_jwt_t jwt;

    assert_int_equal(clerk_jwt_read(*state,
                                    unit_exact(*state, text, strlen(text) + 1),
                                    &jwt),
                     CLERK_JWT_MALFORMED);
}

static void refuses_what_is_no_object(void **state)
{
    static const char *const rows[] = {
        "",
        " ",
        "null",
        "true",
        "1",
        "\"RS256\"",
        "[]",
        "[{\"alg\":\"RS256\"}]",
        "{",
        "{}{}",
        "{\"alg\":\"RS256\"} x",
        "{'alg':'RS256'}",
        "{\"alg\":\"RS256\",}",
        "{alg:\"RS256\"}",
        "{\"alg\":\"RS256\"}/**/",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":\"\xff\"}",
        "{\"a\":[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}",
        "\xef\xbb\xbf{\"alg\":\"RS256\"}",
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK(rows[i],
                   read_pair(*state, rows[i], PAYLOAD) == CLERK_JWT_MALFORMED);
        UNIT_CHECK(rows[i],
                   read_pair(*state, HEADER, rows[i]) == CLERK_JWT_MALFORMED);
    }
}

static void refuses_algorithms(void **state)
{
    static const char *const rows[] = {
        "\"none\"",         "\"None\"",   "\"NONE\"",     "\"\"",
        "\"HS256\"",        "\"HS384\"",  "\"HS512\"",    "\"ES256\"",
        "\"ES384\"",        "\"PS256\"",  "\"PS384\"",    "\"PS512\"",
        "\"EdDSA\"",        "\"rs256\"",  "\"Rs256\"",    "\"RS256 \"",
        "\" RS256\"",       "\"RS2560\"", "\"RS25\"",     "\"RS1\"",
        "\"RSA1_5\"",       "\"RS256,\"", "\"RS256\\n\"", "\"RS224\"",
        "\"RS\\u00a0256\"",
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *header =
            apr_psprintf(*state, "{\"alg\":%s,\"typ\":\"at+jwt\"}", rows[i]);

        UNIT_CHECK(rows[i], read_pair(*state, header, PAYLOAD)
                                == CLERK_ALGORITHM_REFUSED);
    }
    assert_int_equal(read_pair(*state, "{\"typ\":\"at+jwt\"}", PAYLOAD),
                     CLERK_ALGORITHM_REFUSED);
    assert_int_equal(read_pair(*state, "{}", PAYLOAD), CLERK_ALGORITHM_REFUSED);
    /* RFC 7515 section 4: of two members the last counts, as with Clerk. */
    assert_int_equal(
        read_pair(*state, "{\"alg\":\"RS256\",\"alg\":\"none\"}", PAYLOAD),
        CLERK_ALGORITHM_REFUSED);
}

static void refuses_what_is_critical(void **state)
{
    static const char *const rows[] = {
        "\"crit\":[\"exp\"]",
        "\"crit\":[]",
        "\"crit\":null",
        "\"crit\":\"alg\"",
        "\"crit\":[\"b64\"],\"b64\":false",
        "\"b64\":false",
        "\"b64\":true",
        "\"b64\":null",
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *header = apr_psprintf(
            *state, "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",%s}", rows[i]);

        UNIT_CHECK(rows[i], read_pair(*state, header, PAYLOAD)
                                == CLERK_ALGORITHM_REFUSED);
    }
}

/* Each member that is looked at, with each type that it must not have. */
static void refuses_members_of_the_wrong_type(void **state)
{
    static const char *const values[] = {
        "null", "true", "false", "1",           "-1",
        "1.5",  "[]",   "{}",    "[\"RS256\"]", "{\"alg\":\"RS256\"}",
    };
    static const char *const names[] = { "alg", "kid", "typ", "cat" };
    apr_size_t i;
    apr_size_t j;

    for (i = 0; i < UNIT_COUNT(values); i++) {
        for (j = 0; j < UNIT_COUNT(names); j++) {
            /* The last of two members of one name counts. */
            const char *header = apr_psprintf(
                *state, "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"%s\":%s}",
                names[j], values[i]);

            UNIT_CHECK(header, read_pair(*state, header, PAYLOAD)
                                   == CLERK_JWT_MALFORMED);
        }
        UNIT_CHECK(values[i],
                   read_pair(*state, HEADER,
                             apr_psprintf(*state, "{\"sub\":%s}", values[i]))
                       == CLERK_JWT_MALFORMED);
    }
}

static void other_members_do_not_matter(void **state)
{
    assert_int_equal(
        read_pair(*state,
                  "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"oiat\":1,"
                  "\"jku\":\"https://evil.example/\",\"jwk\":{\"kty\":\"oct\"},"
                  "\"x5u\":null,\"cty\":\"\"}",
                  "{\"sub\":\"user_1\",\"sid\":5,\"cat\":7,\"alg\":\"none\"}"),
        CLERK_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(takes_a_token_apart),
        UNIT_TEST(what_it_gives_is_what_was_signed),
        UNIT_TEST(refuses_what_is_not_three_parts),
        UNIT_TEST(a_nul_ends_nothing),
        UNIT_TEST(refuses_what_is_no_object),
        UNIT_TEST(refuses_algorithms),
        UNIT_TEST(refuses_what_is_critical),
        UNIT_TEST(refuses_members_of_the_wrong_type),
        UNIT_TEST(other_members_do_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
