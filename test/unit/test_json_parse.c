/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "clerk_json.h"

/* In a block of the text's own size: the parser gets no NUL to stop at. */
static clerk_json_t *parse(apr_pool_t *p, const char *text)
{
    return clerk_json_parse(p, unit_text(p, text));
}

static void parses_objects(void **state)
{
    static const char *const rows[] = {
        "{}",
        "{\"a\":1}",
        " \t\r\n{ \"a\" : [ ] } \t\r\n",
        "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\"}",
        "{\"a\":\"\\\\u0000\"}",
        "{\"a\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91\"}",
        "{\"a\":[1,-1,1.5,1e5,true,false,null,\"\",{},[]]}",
        "{\"a\":\"\\ud83d\\udd11\"}",
        "{\"'\":\"'/**/ NaN // {}[]:,\x7f\"}",
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK(rows[i], parse(*state, rows[i]) != NULL);
    }
}

static void refuses_what_is_no_object(void **state)
{
    static const char *const rows[] = {
        "",
        " ",
        "7",
        "null",
        "true",
        "\"a\"",
        "[]",
        "[{}]",
        "{",
        "}",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":\"b",
        "{\"a\":\"b\\",
        "{\"a\":\"\\u12\"}",
        "{\"a\":tru}",
        "{\"a\" 1}",
        "{\"a\":}",
        "{,}",
        "{\"a\":1,}",
        "{\"a\":[1,]}",
        "{a:1}",
        "{1:1}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":0x1}",
        "{\"a\":--1}",
        "{\"a\":TRUE}",
        "{\"a\":nulL}",
        "{\"a\":\"\\x\"}",
        "<html></html>",
        "active",
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK(rows[i], parse(*state, rows[i]) == NULL);
    }
}

/* What json-c accepts, even in its strict mode, and this file may not. */
static void refuses_what_the_library_lets_through(void **state)
{
    static const struct {
        const char *trap;
        const char *text;
        apr_size_t len;
    } rows[] = {
#define ROW(trap, text) { trap, text, sizeof(text) - 1 }
        ROW("text behind the object", "{} x"),
        ROW("a second object", "{}{}"),
        ROW("a second object behind a NUL", "{}\0{}"),
        ROW("a NUL behind the object", "{}\0"),
        ROW("a NUL before the object", "\0{}"),
        ROW("a NUL in a string", "{\"a\":\"b\0c\"}"),
        ROW("an escaped NUL in a value", "{\"a\":\"b\\u0000c\"}"),
        ROW("an escaped NUL in a name", "{\"sub\\u0000x\":\"y\"}"),
        ROW("an escaped NUL behind a backslash", "{\"a\":\"\\\\\\u0000\"}"),
        ROW("an escaped NUL behind a surrogate", "{\"a\":\"\\ud83d\\u0000\"}"),
        ROW("a backslash before a NUL", "{\"a\":\"\\\0\"}"),
        ROW("a backslash before a high byte", "{\"a\":\"\\\xc3\xa4\"}"),
        ROW("a backslash before a raw tab", "{\"a\":\"\\\t\"}"),
        ROW("single quotes", "{'a':1}"),
        ROW("NaN", "{\"a\":NaN}"),
        ROW("Infinity", "{\"a\":Infinity}"),
        ROW("-Infinity", "{\"a\":-Infinity}"),
        ROW("a comment", "{/* */\"a\":1}"),
        ROW("a comment to the end of the line", "{}// x"),
        ROW("a raw tab in a string", "{\"a\":\"b\tc\"}"),
        ROW("a raw line break in a string", "{\"a\":\"b\nc\"}"),
        ROW("a byte order mark", "\xef\xbb\xbf{}"),
        ROW("a vertical tab around", "\v{}"),
#undef ROW
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_slice_t text = unit_exact(*state, rows[i].text, rows[i].len);

        UNIT_CHECK(rows[i].trap, clerk_json_parse(*state, text) == NULL);
    }
}

static void refuses_bad_utf8(void **state)
{
    static const struct {
        const char *why;
        const char *bytes;
        int good;
    } rows[] = {
        { "two bytes, first", "\xc2\x80", 1 },
        { "two bytes, last", "\xdf\xbf", 1 },
        { "three bytes, first", "\xe0\xa0\x80", 1 },
        { "before the surrogates", "\xed\x9f\xbf", 1 },
        { "behind the surrogates", "\xee\x80\x80", 1 },
        { "three bytes, last", "\xef\xbf\xbf", 1 },
        { "four bytes, first", "\xf0\x90\x80\x80", 1 },
        { "four bytes, last", "\xf4\x8f\xbf\xbf", 1 },
        { "a lone continuation", "\x80", 0 },
        { "Latin 1", "\xe4", 0 },
        { "overlong NUL", "\xc0\x80", 0 },
        { "overlong slash", "\xc1\xaf", 0 },
        { "overlong in three", "\xe0\x9f\xbf", 0 },
        { "overlong in four", "\xf0\x8f\xbf\xbf", 0 },
        { "a surrogate", "\xed\xa0\x80", 0 },
        { "beyond U+10FFFF", "\xf4\x90\x80\x80", 0 },
        { "five bytes", "\xf8\x88\x80\x80\x80", 0 },
        { "0xff", "\xff", 0 },
        { "cut after one of two", "\xc3", 0 },
        { "cut after two of three", "\xe2\x82", 0 },
        { "cut after three of four", "\xf0\x9f\x94", 0 },
        { "a wrong third byte", "\xe2\x82\x41", 0 },
        { "a wrong fourth byte", "\xf0\x9f\x94\x41", 0 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK(rows[i].why,
                   (parse(*state, apr_pstrcat(*state, "{\"a\":\"",
                                              rows[i].bytes, "\"}", NULL))
                    != NULL)
                       == rows[i].good);
        UNIT_CHECK(rows[i].why,
                   (parse(*state, apr_pstrcat(*state, "{\"", rows[i].bytes,
                                              "\":1}", NULL))
                    != NULL)
                       == rows[i].good);
        /* Not inside a string, and cut off by the end of the text. */
        UNIT_CHECK(rows[i].why,
                   parse(*state, apr_pstrcat(*state, "{}", rows[i].bytes, NULL))
                       == NULL);
        UNIT_CHECK(rows[i].why, parse(*state, apr_pstrcat(*state, "{\"a\":\"",
                                                          rows[i].bytes, NULL))
                                    == NULL);
    }
}

static const char *nested(apr_pool_t *p, const char *open, int count,
                          const char *inner, const char *close)
{
    const char *text = inner;

    while (count--) {
        text = apr_pstrcat(p, open, text, close, NULL);
    }
    return text;
}

static void is_bounded_in_depth(void **state)
{
    const char *text;

    text = nested(*state, "{\"a\":", CLERK_JSON_DEPTH - 1, "1", "}");
    assert_non_null(parse(*state, text));
    text = nested(*state, "{\"a\":", CLERK_JSON_DEPTH, "1", "}");
    assert_null(parse(*state, text));
    text = nested(*state, "[", CLERK_JSON_DEPTH, "", "]");
    assert_null(parse(*state, apr_pstrcat(*state, "{\"a\":", text, "}", NULL)));
    text = unit_repeat(*state, '[', 100000);
    assert_null(parse(*state, apr_pstrcat(*state, "{\"a\":", text, NULL)));
}

static void duplicate_names_last_wins(void **state)
{
    const clerk_json_t *object = parse(*state, "{\"a\":\"x\",\"a\":\"y\"}");
    const char *text;

    assert_int_equal(clerk_json_string(object, "a", &text), CLERK_JSON_FOUND);
    assert_string_equal(text, "y");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(parses_objects),
        UNIT_TEST(refuses_what_is_no_object),
        UNIT_TEST(refuses_what_the_library_lets_through),
        UNIT_TEST(refuses_bad_utf8),
        UNIT_TEST(is_bounded_in_depth),
        UNIT_TEST(duplicate_names_last_wins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
