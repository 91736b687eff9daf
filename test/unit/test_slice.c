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

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(null_is_the_empty_slice),
        UNIT_TEST(compares_exactly),
        UNIT_TEST(sees_a_nul_as_a_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
