/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "clerk_json_text.h"

static void takes_what_the_grammar_has(void **state)
{
    static const char *const rows[] = {
        "",
        "{}",
        "{\"a\":[1,-1,0,-0,0.5,1e5,1E+5,1.25e-7,10]}",
        "[true]",
        "false",
        "null",
        "{\"a\\\"b\":\"\\u0001\"}",
        "\"01\"",
        "[1 , 2]",
    };
    int is_ascii;
    apr_size_t i;

    (void)state;
    for (i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK(rows[i], clerk_json_text_is_plain(clerk_slice_str(rows[i]),
                                                     &is_ascii));
    }
}

static void refuses_what_it_has_not(void **state)
{
    static const char *const rows[] = {
        "01",          "-01",    "00",       "1.",  "1.e5", ".5",       "+1",
        "-",           "1e",     "1e+",      "NaN", "'a'",  "/*x*/",    "//x",
        "\"\\u0000\"", "\"\n\"", "\"\xff\"", "-a",  "0x1",  "Infinity",
    };
    int is_ascii;
    apr_size_t i;

    (void)state;
    for (i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK(rows[i], !clerk_json_text_is_plain(clerk_slice_str(rows[i]),
                                                      &is_ascii));
    }
}

static int is_plain(apr_pool_t *p, const char *text, apr_size_t len,
                    int *is_ascii)
{
    *is_ascii = 7;
    return clerk_json_text_is_plain(unit_exact(p, text, len), is_ascii);
}

/* Every byte, beside what RFC 8259 says of it in words. */
static void knows_every_byte(void **state)
{
    int byte;

    for (byte = 0; byte < 256; byte++) {
        const char inside[] = { '"', (char)byte, '"' };
        const char outside[] = { '[', (char)byte, ']' };
        const char *name = apr_psprintf(*state, "0x%02x", (unsigned int)byte);
        /* A second `"` begins another string, a backslash takes the third. */
        int fits = byte >= 0x20 && byte < 0x80;
        int opens = byte && strchr("\"[]{}:, \t\r\ntruefalsenull", byte);
        int counts = byte >= '0' && byte <= '9';
        int is_ascii;

        UNIT_CHECK(name, is_plain(*state, inside, 3, &is_ascii) == fits);
        UNIT_CHECK(name, is_ascii == fits);
        UNIT_CHECK(name, is_plain(*state, outside, 3, &is_ascii)
                             == (opens || counts));
        UNIT_CHECK(name, is_ascii == (opens || counts));
    }
}

/* Something to look at, at each place of strings of each length. */
static void looks_at_every_place(void **state)
{
    static const struct {
        const char *trap;
        int plain;
        int ascii;
    } rows[] = {
        { "\\n", 1, 1 },
        { "\\u0001", 1, 1 },
        { "\\\\", 1, 1 },
        { "\\\"", 1, 1 },
        { "\xc3\xa4", 1, 0 },
        { "\xf0\x9f\x94\x91", 1, 0 },
        { "\\u00e4\xc3\xa4", 1, 0 },
        { "\\u0000", 0, 0 },
        { "\xc3", 0, 0 },
        { "\xff", 0, 0 },
        { "\x1f", 0, 0 },
        { "\n", 0, 0 },
        { "\\\xc3\xa4", 0, 0 },
    };
    apr_size_t i;
    apr_size_t len;
    apr_size_t at;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        for (len = 0; len <= 20; len++) {
            for (at = 0; at <= len; at++) {
                const char *text = apr_pstrcat(
                    *state, "{\"", unit_repeat(*state, 'x', at), rows[i].trap,
                    unit_repeat(*state, 'y', len - at), "\":1}", NULL);
                int is_ascii;

                UNIT_CHECK(text, is_plain(*state, text, strlen(text), &is_ascii)
                                     == rows[i].plain);
                UNIT_CHECK(text, is_ascii == rows[i].ascii);
            }
        }
    }
}

/* Wherever a text is cut off, nothing behind its end is read. */
static void reads_no_further_than_the_text(void **state)
{
    const char *text = "{\"a\\n\\u0001\xf0\x9f\x94\x91\":[-1.5e+10,true]}";
    apr_size_t len;
    int is_ascii;

    for (len = 0; len <= strlen(text); len++) {
        (void)is_plain(*state, text, len, &is_ascii);
        assert_in_range(is_ascii, 0, 1);
    }
    assert_true(is_plain(*state, text, strlen(text), &is_ascii));
}

static void white_space_is_blank(void **state)
{
    (void)state;
    assert_true(clerk_json_text_is_blank(clerk_slice_str("")));
    assert_true(clerk_json_text_is_blank(clerk_slice_str(" \t\r\n")));
    assert_false(clerk_json_text_is_blank(clerk_slice_str(" x")));
    assert_false(clerk_json_text_is_blank(clerk_slice_str("\v")));
    assert_false(clerk_json_text_is_blank(clerk_slice_make(" \0", 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(takes_what_the_grammar_has),
        UNIT_TEST(refuses_what_it_has_not),
        UNIT_TEST(knows_every_byte),
        UNIT_TEST(looks_at_every_place),
        UNIT_TEST(reads_no_further_than_the_text),
        UNIT_TEST(white_space_is_blank),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
