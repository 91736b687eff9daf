/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "clerk_token.h"

#define GOOD CLERK_OK
#define NONE CLERK_NO_TOKEN
#define BAD CLERK_MALFORMED_AUTHORIZATION

static void reads_the_header(void **state)
{
    static const struct {
        const char *header;
        clerk_status_t status;
        const char *token;
    } rows[] = {
        { "Bearer oat_abc", GOOD, "oat_abc" },
        { "bearer oat_abc", GOOD, "oat_abc" },
        { "BEARER oat_abc", GOOD, "oat_abc" },
        { "Bearer    oat_abc", GOOD, "oat_abc" },
        { " \tBearer oat_abc\t ", GOOD, "oat_abc" },
        { "Bearer azAZ09-._~+/==", GOOD, "azAZ09-._~+/==" },
        { "Bearer a", GOOD, "a" },
        { "Bearer Bearer", GOOD, "Bearer" },

        { "", NONE, NULL },
        { " ", NONE, NULL },
        { "\t", NONE, NULL },
        { "Basic dXNlcjpwYXNz", NONE, NULL },
        { "Digest username=\"x\"", NONE, NULL },
        { "Bearerx oat_abc", NONE, NULL },
        { "xBearer oat_abc", NONE, NULL },
        { "Bearer_ oat_abc", NONE, NULL },
        { "Beare", NONE, NULL },
        { "oat_abc", NONE, NULL },
        { "Basic x, Bearer oat_abc", NONE, NULL },
        { ", Bearer oat_abc", NONE, NULL },
        { "\"Bearer\" oat_abc", NONE, NULL },
        { "Be\xc3\xa4rer oat_abc", NONE, NULL },

        { "Bearer", BAD, NULL },
        { "Bearer ", BAD, NULL },
        { "Bearer\t", BAD, NULL },
        { "Bearer\toat_abc", BAD, NULL },
        { "Bearer \toat_abc", BAD, NULL },
        { "Bearer ;", BAD, NULL },
        { "Bearer;", BAD, NULL },
        { "Bearer=", BAD, NULL },
        { "Bearer:oat_abc", BAD, NULL },
        { "Bearer,", BAD, NULL },
        { "Bearer, Bearer oat_abc", BAD, NULL },
        { "Bearer oat_abc, Bearer oat_abc", BAD, NULL },
        { "Bearer oat_abc,", BAD, NULL },
        { "Bearer oat_abc,oat_abc", BAD, NULL },
        { "Bearer oat_abc Bearer oat_abc", BAD, NULL },
        { "Bearer oat_abc oat_abc", BAD, NULL },
        { "Bearer oat_abc\toat_abc", BAD, NULL },
        { "Bearer \"oat_abc\"", BAD, NULL },
        { "Bearer <oat_abc>", BAD, NULL },
        { "Bearer token=oat_abc", BAD, NULL },
        { "Bearer =oat_abc", BAD, NULL },
        { "Bearer =", BAD, NULL },
        { "Bearer oat_=abc", BAD, NULL },
        { "Bearer oat_%n%s%s", BAD, NULL },
        { "Bearer oat_a\xc3\xa4", BAD, NULL },
        { "Bearer oat_a\x01", BAD, NULL },
        { "Bearer oat_a\x7f", BAD, NULL },
        { "Bearer oat_a\r\nX: y", BAD, NULL },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *header = unit_string(*state, rows[i].header);
        clerk_token_t token = { { "x", 1 }, CLERK_KIND_ANY, 1 };

        UNIT_CHECK(rows[i].header,
                   clerk_token_from_authorization(header, &token)
                       == rows[i].status);
        if (rows[i].token) {
            UNIT_CHECK(rows[i].header,
                       clerk_slice_is(token.text, rows[i].token));
            UNIT_CHECK(rows[i].header,
                       token.text.ptr > header
                           && token.text.ptr < header + strlen(header));
        }
        else {
            UNIT_CHECK(rows[i].header,
                       token.text.ptr == NULL && token.text.len == 0
                           && token.kind == CLERK_KIND_NONE && !token.is_jwt);
        }
    }
}

static void no_header_is_no_token(void **state)
{
    clerk_token_t token = { { "x", 1 }, CLERK_KIND_ANY, 1 };

    (void)state;
    assert_int_equal(clerk_token_from_authorization(NULL, &token), NONE);
    assert_null(token.text.ptr);
    assert_int_equal(token.kind, CLERK_KIND_NONE);
}

static void length_is_bounded(void **state)
{
    static const struct {
        apr_size_t len;
        clerk_status_t status;
    } rows[] = {
        { CLERK_TOKEN_MAX - 1, GOOD },
        { CLERK_TOKEN_MAX, GOOD },
        { CLERK_TOKEN_MAX + 1, BAD },
        { 100000, BAD },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *text = unit_repeat(*state, 'a', rows[i].len);
        clerk_token_t token;

        assert_int_equal(
            clerk_token_from_authorization(
                apr_pstrcat(*state, "Bearer ", text, NULL), &token),
            rows[i].status);
        assert_int_equal(token.text.len,
                         rows[i].status == GOOD ? rows[i].len : 0);
    }
}

static void tells_the_kinds_apart(void **state)
{
    static const struct {
        const char *token;
        clerk_kind_t kind;
        int is_jwt;
    } rows[] = {
        { "oat_0ef5a7a33d87ed87ee7954c845d80450", CLERK_KIND_OAUTH, 0 },
        { "oat_x", CLERK_KIND_OAUTH, 0 },
        { "mt_f7f0ba8c3b4843ce7d85fcdd5e71853e", CLERK_KIND_M2M, 0 },
        { "ak_a/b+c==", CLERK_KIND_API_KEY, 0 },
        { "OAT_x", CLERK_KIND_NONE, 0 },
        { "oat-x", CLERK_KIND_NONE, 0 },
        { "oat", CLERK_KIND_NONE, 0 },
        { "oat_", CLERK_KIND_NONE, 0 },
        { "mt_", CLERK_KIND_NONE, 0 },
        { "ak_", CLERK_KIND_NONE, 0 },
        { "xoat_x", CLERK_KIND_NONE, 0 },
        { "clk_refresh_x", CLERK_KIND_NONE, 0 },
        { "sk_live_x", CLERK_KIND_NONE, 0 },
        { "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", CLERK_KIND_NONE, 1 },
        { "a.b.c", CLERK_KIND_NONE, 1 },
        { "a-_.b-_.c-_", CLERK_KIND_NONE, 1 },
        { "a.b", CLERK_KIND_NONE, 0 },
        { "a.b.c.d", CLERK_KIND_NONE, 0 },
        { "a.b.c.d.e", CLERK_KIND_NONE, 0 },
        { "a.b.", CLERK_KIND_NONE, 0 },
        { "a..c", CLERK_KIND_NONE, 0 },
        { ".b.c", CLERK_KIND_NONE, 0 },
        { "..", CLERK_KIND_NONE, 0 },
        { ".", CLERK_KIND_NONE, 0 },
        { "a.b.c=", CLERK_KIND_NONE, 0 },
        { "a.b.c+", CLERK_KIND_NONE, 0 },
        { "a.b.c/", CLERK_KIND_NONE, 0 },
        { "a.b.c~", CLERK_KIND_NONE, 0 },
        /* Clerk's own prefix says what it is, whatever stands behind it. */
        { "oat_a.b.c", CLERK_KIND_OAUTH, 0 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_token_t token;

        UNIT_CHECK(
            rows[i].token,
            clerk_token_from_authorization(
                apr_pstrcat(*state, "Bearer ", rows[i].token, NULL), &token)
                == CLERK_OK);
        UNIT_CHECK(rows[i].token, token.kind == rows[i].kind);
        UNIT_CHECK(rows[i].token, token.is_jwt == rows[i].is_jwt);
    }
}

static void kinds_have_clerks_names(void **state)
{
    static const struct {
        const char *name;
        clerk_kind_t kind;
    } rows[] = {
        { "oauth_token", CLERK_KIND_OAUTH },
        { "session_token", CLERK_KIND_SESSION },
        { "m2m_token", CLERK_KIND_M2M },
        { "api_key", CLERK_KIND_API_KEY },
        { "any", CLERK_KIND_ANY },
    };
    static const char *const unknown[] = {
        "", "oauth", "OAUTH_TOKEN", "api_keys", "oauth_token ", "unknown"
    };
    apr_size_t i;

    (void)state;
    for (i = 0; i < UNIT_COUNT(rows); i++) {
        assert_string_equal(clerk_token_kind_name(rows[i].kind), rows[i].name);
        assert_int_equal(clerk_token_kind_by_name(rows[i].name), rows[i].kind);
    }
    for (i = 0; i < UNIT_COUNT(unknown); i++) {
        assert_int_equal(clerk_token_kind_by_name(unknown[i]), CLERK_KIND_NONE);
    }
    assert_string_equal(clerk_token_kind_name(CLERK_KIND_NONE), "unknown");
    assert_string_equal(clerk_token_kind_name((clerk_kind_t)3), "unknown");
}

static void the_fingerprint_is_of_the_digest(void **state)
{
    char out[CLERK_TOKEN_FINGERPRINT + 1];

    clerk_token_fingerprint(unit_text(*state, "abc"), out);
    assert_string_equal(out, "ba7816bf");
    clerk_token_fingerprint(unit_text(*state, ""), out);
    assert_string_equal(out, "e3b0c442");
}

static void no_digest_no_fingerprint(void **state)
{
    char out[CLERK_TOKEN_FINGERPRINT + 1];

    (void)state;
    clerk_token_fingerprint(clerk_slice_str("abc"), out);
    assert_string_equal(out, "--------");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_digest_no_fingerprint),
        UNIT_TEST(reads_the_header),
        UNIT_TEST(no_header_is_no_token),
        UNIT_TEST(length_is_bounded),
        UNIT_TEST(tells_the_kinds_apart),
        UNIT_TEST(kinds_have_clerks_names),
        UNIT_TEST(the_fingerprint_is_of_the_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
