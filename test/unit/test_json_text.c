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
    apr_size_t i;

    (void)state;
    for (i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK(rows[i], clerk_json_text_is_plain(clerk_slice_str(rows[i])));
    }
}

static void refuses_what_it_has_not(void **state)
{
    static const char *const rows[] = {
        "01",          "-01",    "00",       "1.",  "1.e5", ".5",       "+1",
        "-",           "1e",     "1e+",      "NaN", "'a'",  "/*x*/",    "//x",
        "\"\\u0000\"", "\"\n\"", "\"\xff\"", "-a",  "0x1",  "Infinity",
    };
    apr_size_t i;

    (void)state;
    for (i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK(rows[i],
                   !clerk_json_text_is_plain(clerk_slice_str(rows[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(takes_what_the_grammar_has),
        UNIT_TEST(refuses_what_it_has_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
