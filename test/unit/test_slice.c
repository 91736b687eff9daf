/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

static void null_is_the_empty_slice(void **state)
{
    clerk_slice_t none = clerk_slice_str(NULL);

    (void)state;
    assert_null(none.ptr);
    assert_int_equal(none.len, 0);
    assert_true(clerk_slice_is(none, ""));
    assert_false(clerk_slice_is(none, "a"));
    assert_true(clerk_slice_starts(none, ""));
    assert_false(clerk_slice_starts(none, "a"));
}

static void compares_exactly(void **state)
{
    static const struct {
        const char *text;
        const char *with;
        int is;
        int starts;
    } rows[] = {
        { "", "", 1, 1 },       { "abc", "abc", 1, 1 }, { "abc", "ab", 0, 1 },
        { "ab", "abc", 0, 0 },  { "abc", "", 0, 1 },    { "abc", "abd", 0, 0 },
        { "ABC", "abc", 0, 0 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_slice_t text = unit_text(*state, rows[i].text);

        UNIT_CHECK(rows[i].text,
                   clerk_slice_is(text, rows[i].with) == rows[i].is);
        UNIT_CHECK(rows[i].text,
                   clerk_slice_starts(text, rows[i].with) == rows[i].starts);
    }
}

static void sees_a_nul_as_a_byte(void **state)
{
    clerk_slice_t text = unit_exact(*state, "ab\0c", 4);

    assert_false(clerk_slice_is(text, "ab"));
    assert_true(clerk_slice_starts(text, "ab"));
}

/* Every byte, at every place in a few words and what is left behind them, alone
 * and among its neighbours. */
static void finds_control_characters_anywhere(void **state)
{
    static const char around[] = { 'a', ' ', '~', '\x80', '\xff' };
    char text[20];
    apr_size_t len;
    apr_size_t at;
    apr_size_t i;
    int c;

    (void)state;
    for (i = 0; i < sizeof(around); i++) {
        for (len = 0; len < sizeof(text); len++) {
            memset(text, around[i], len);
            text[len] = '\0';
            assert_false(clerk_slice_has_control(text));
            for (at = 0; at < len; at++) {
                for (c = 1; c < 256; c++) {
                    text[at] = (char)c;
                    assert_int_equal(clerk_slice_has_control(text),
                                     c < 0x20 || c == 0x7f);
                }
                text[at] = around[i];
            }
        }
    }
}

static void reads_no_further_than_the_nul(void **state)
{
    const char *text = "nineteen characters";
    apr_size_t i;

    for (i = 0; i <= strlen(text); i++) {
        assert_false(clerk_slice_has_control(unit_string(*state, text + i)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(null_is_the_empty_slice),
        UNIT_TEST(compares_exactly),
        UNIT_TEST(sees_a_nul_as_a_byte),
        UNIT_TEST(finds_control_characters_anywhere),
        UNIT_TEST(reads_no_further_than_the_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
