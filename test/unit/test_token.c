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
        clerk_token_t token = { { "x", 1 }, CLERK_KIND_ANY, 1, 1 };

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
    clerk_token_t token = { { "x", 1 }, CLERK_KIND_ANY, 1, 1 };

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

#define JWT "a.b.c"
#define OTHER CLERK_KIND_UNKNOWN

static const struct {
    const char *header;
    clerk_status_t status;
    const char *token;
} cookies[] = {
    { "__session=" JWT, GOOD, JWT },
    { "a=b; __session=" JWT "; c=d", GOOD, JWT },
    { "a=b;__session=" JWT ";c=d", GOOD, JWT },
    { " ;; __session=" JWT " \t; ", GOOD, JWT },
    { "x__session=d.e.f; __session_x=d.e.f; __session=" JWT, GOOD, JWT },
    { "__SESSION=d.e.f; __session=" JWT, GOOD, JWT },
    { "__session; __session=" JWT, GOOD, JWT },
    { "a=__session=d.e.f; __session=" JWT, GOOD, JWT },
    /* The first of its name. */
    { "__session=" JWT "; __session=d.e.f", GOOD, JWT },
    { "__session=oat_x; __session=" JWT, OTHER, "oat_x" },
    { "__session=; __session=" JWT, GOOD, JWT },

    /* A comma is part of a cookie, be it two fields that httpd has joined: what
     * stands behind one may be somebody else's words. */
    { "a=b, __session=" JWT, NONE, NULL },
    { "a=b,__session=d.e.f; __session=" JWT, GOOD, JWT },
    { "a=\"b, __session=d.e.f\"; __session=" JWT, GOOD, JWT },
    { "__session=" JWT ", a=b", OTHER, JWT ", a=b" },
    { "a=1,2; __session=" JWT, GOOD, JWT },
    { "a=b,", NONE, NULL },
    { ",", NONE, NULL },

    { "", NONE, NULL },
    { ";", NONE, NULL },
    { " ; ;", NONE, NULL },
    { "a=b", NONE, NULL },
    { "__session", NONE, NULL },
    { "__session=", NONE, NULL },
    { "__session= ", NONE, NULL },
    { "__session =" JWT, NONE, NULL },
    { "a=\"; __session_=" JWT, NONE, NULL },

    /* A machine's token in a cookie, and what is no token at all. */
    { "__session=oat_x", OTHER, "oat_x" },
    { "__session=mt_x", OTHER, "mt_x" },
    { "__session=ak_x", OTHER, "ak_x" },
    { "__session=x", OTHER, "x" },
    { "__session=a.b", OTHER, "a.b" },
    { "__session=a.b.c.d", OTHER, "a.b.c.d" },
    { "__session=\"" JWT "\"", OTHER, "\"" JWT "\"" },
    { "__session=" JWT "=", OTHER, JWT "=" },
    { "__session=Bearer " JWT, OTHER, "Bearer " JWT },
    { "__session= " JWT, OTHER, " " JWT },
    { "__session=a.b.%n%s", OTHER, "a.b.%n%s" },
    { "__session=a.b.\xc3\xa4", OTHER, "a.b.\xc3\xa4" },
};

static void reads_the_cookie(void **state)
{
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(cookies); i++) {
        const char *header = unit_string(*state, cookies[i].header);
        clerk_token_t token = { { "x", 1 }, CLERK_KIND_ANY, 1, 1 };

        UNIT_CHECK(header, clerk_token_from_cookie(header, "__session", &token)
                               == cookies[i].status);
        UNIT_CHECK(header, token.is_jwt == (cookies[i].status == GOOD ? 1 : 0));
        if (cookies[i].token) {
            UNIT_CHECK(header, clerk_slice_is(token.text, cookies[i].token));
            UNIT_CHECK(header, token.from_cookie);
        }
        else {
            UNIT_CHECK(header, !token.text.ptr && !token.from_cookie
                                   && token.kind == CLERK_KIND_NONE);
        }
    }
}

static void cookies_have_any_name_and_a_length(void **state)
{
    clerk_token_t token;
    const char *longest = apr_pstrcat(
        *state, "a.b.", unit_repeat(*state, 'c', CLERK_TOKEN_MAX - 4), NULL);

    assert_int_equal(clerk_token_from_cookie(NULL, "__session", &token), NONE);
    assert_int_equal(
        clerk_token_from_cookie("__session=d.e.f; mine=a.b.c", "mine", &token),
        GOOD);
    assert_true(clerk_slice_is(token.text, "a.b.c"));
    assert_int_equal(clerk_token_from_cookie(
                         apr_pstrcat(*state, "s=", longest, NULL), "s", &token),
                     GOOD);
    assert_int_equal(
        clerk_token_from_cookie(apr_pstrcat(*state, "s=", longest, "c", NULL),
                                "s", &token),
        OTHER);
}

static void takes_the_cookie_away(void **state)
{
    static const struct {
        const char *header;
        const char *left;
    } rows[] = {
        { "__session=" JWT, NULL },
        { "__session=", NULL },
        { "", NULL },
        { " ; ", NULL },
        { "a=b", "a=b" },
        { "a=b; __session=" JWT "; c=d", "a=b; c=d" },
        { "__session=" JWT ";a=b;__session=oat_x;c=d;__session=", "a=b; c=d" },
        { "__session_x=" JWT "; x__session=y",
          "__session_x=" JWT "; x__session=y" },
        { "a=b ;c;; d=e;", "a=b; c; d=e" },
        { ";a;b", "a; b" },
        { "a=b, __session=" JWT, "a=b" },
        { "__session=" JWT ", a=b", "a=b" },
        { "a=1,2, __session=" JWT ",b=3,4; c=5,", "a=1,2; b=3,4; c=5," },
        { "__session=" JWT ",__session=" JWT ", __session=" JWT, NULL },
        { "a=1,2;b=\"x, y\"", "a=1,2; b=\"x, y\"" },
        { "a;\v; __session=" JWT, "a; \v" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *header = unit_string(*state, rows[i].header);
        const char *left =
            clerk_token_without_cookie(*state, header, "__session");
        clerk_token_t token;

        UNIT_SAME(header, left, rows[i].left);
        UNIT_CHECK(header, clerk_token_has_cookie(header, "__session")
                               == (strstr(header, "__session=")
                                   && !strstr(header, "x__session=")));
        UNIT_CHECK(header, !left || !clerk_token_has_cookie(left, "__session"));
        UNIT_CHECK(header,
                   clerk_token_from_cookie(left, "__session", &token) == NONE);
    }
}

/* What is left may be longer than what it was made from. */
static void dense_cookies_fit(void **state)
{
    static const char *const headers[] = { "a;b;c;d;e;f;g;h;i;j;k;l;m;n;o;p",
                                           ";;;;a;;;;b", "a=b;c=d;e=f;g=h" };
    apr_size_t i;

    char *dense = unit_repeat(*state, ';', 8000);

    for (i = 0; i < 8000; i += 2) {
        dense[i] = 'a';
    }
    assert_int_equal(strlen(clerk_token_without_cookie(*state, dense, "none")),
                     11998);
    for (i = 0; i < UNIT_COUNT(headers); i++) {
        const char *left =
            clerk_token_without_cookie(*state, headers[i], "none");
        const char *at;

        assert_non_null(left);
        for (at = left; *at; at++) {
            UNIT_CHECK(headers[i], strchr("abcdefghijklmnop=; ", *at));
        }
        UNIT_SAME(headers[i], clerk_token_without_cookie(*state, left, "none"),
                  left);
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
        UNIT_TEST(reads_the_cookie),
        UNIT_TEST(cookies_have_any_name_and_a_length),
        UNIT_TEST(takes_the_cookie_away),
        UNIT_TEST(dense_cookies_fit),
        UNIT_TEST(kinds_have_clerks_names),
        UNIT_TEST(the_fingerprint_is_of_the_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
