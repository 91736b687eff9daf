/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of features and plans. */
#include "unit.h"

#include "clerk_feature.h"

static void elements_are_found(void **state)
{
    static const struct {
        const char *list;
        const char *wanted;
        int is_there;
    } rows[] = {
        { "o:a", "a", 1 },
        { "u:a", "a", 1 },
        { "uo:a", "a", 1 },
        { "ou:a", "a", 1 },
        { "o:x,u:a", "a", 1 },
        { " o:x ,\tu:a ", "a", 1 },
        { "o:a", "o:a", 1 },
        { "uo:a", "o:a", 1 },
        { "ou:a", "u:a", 1 },
        { "ou:a", "uo:a", 1 },
        { "o:a,u:a", "u:a", 1 },
        { "o:a", "u:a", 0 },
        { "u:a", "o:a", 0 },
        { "o:a", "uo:a", 0 },
        { "o:a,u:a", "uo:a", 0 },
        { "o:ab", "a", 0 },
        { "o:a", "ab", 0 },
        { "o:A", "a", 0 },
        { "o: a", "a", 0 },
        { "o:a:b", "a", 0 },
        { "o:a", "", 0 },
        { "o:", "", 0 },
        { "o:", "o:", 0 },
        { "o:a", "o:", 0 },
        /* Scopes are these four and no others. */
        { "x:a", "a", 0 },
        { ":a", "a", 0 },
        { "O:a", "a", 0 },
        { "oo:a", "a", 0 },
        { "xo:a", "o:a", 0 },
        { "oo:a", "o:a", 0 },
        { " o :a", "a", 0 },
        { "x:a,o:a", "a", 1 },
        { "o:a", "x:a", 0 },
        { "o:a", ":a", 0 },
        { "x:a", "x:a", 0 },
        { ":a", ":a", 0 },
        /* Not understood in part, hence not at all. */
        { "o:a,broken", "a", 0 },
        { "broken,o:a", "a", 0 },
        { "o:a,", "a", 0 },
        { "o:a,,o:b", "a", 0 },
        { "a", "a", 0 },
        { "", "a", 0 },
        { "", "", 0 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *list = unit_string(*state, rows[i].list);
        const char *wanted = unit_string(*state, rows[i].wanted);

        UNIT_CHECK(apr_pstrcat(*state, rows[i].list, " ", wanted, NULL),
                   clerk_feature_is_listed(list, wanted) == rows[i].is_there);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(elements_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
