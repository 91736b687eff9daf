/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of features and plans. */
#include "unit.h"

#include "clerk_feature.h"

#define IS CLERK_FEATURE_LISTED
#define NOT CLERK_FEATURE_ABSENT
#define DARK CLERK_FEATURE_UNCLEAR

static void elements_are_found(void **state)
{
    static const struct {
        const char *list;
        const char *wanted;
        clerk_feature_found_t found;
    } rows[] = {
        { "o:a", "a", IS },
        { "u:a", "a", IS },
        { "uo:a", "a", IS },
        { "ou:a", "a", IS },
        { "o:x,u:a", "a", IS },
        { " o:x ,\tu:a ", "a", IS },
        { "o:a", "o:a", IS },
        { "uo:a", "o:a", IS },
        { "ou:a", "u:a", IS },
        { "ou:a", "uo:a", IS },
        { "o:a,u:a", "u:a", IS },
        { "o:a", "u:a", NOT },
        { "u:a", "o:a", NOT },
        { "o:a", "uo:a", NOT },
        { "o:a,u:a", "uo:a", NOT },
        { "o:ab", "a", NOT },
        { "o:a", "ab", NOT },
        { "o:A", "a", NOT },
        { "o: a", "a", NOT },
        { "o:a:b", "a", NOT },
        { "o:a", "", NOT },
        { "o:", "", NOT },
        { "o:", "o:", NOT },
        { "o:a", "o:", NOT },
        /* Scopes are these four and no others. */
        { "x:a", "a", DARK },
        { ":a", "a", DARK },
        { "O:a", "a", DARK },
        { "oo:a", "a", DARK },
        { "xo:a", "o:a", DARK },
        { "oo:a", "o:a", DARK },
        { " o :a", "a", DARK },
        { "x:a,o:a", "a", IS },
        { "o:a,x:a", "a", IS },
        { "u:a,x:a", "o:a", DARK },
        { "x:b", "a", NOT },
        { "o:a", "x:a", NOT },
        { "o:a", ":a", NOT },
        { "x:a", "x:a", NOT },
        { ":a", ":a", NOT },
        /* Not understood in part, hence not at all. */
        { "o:a,broken", "a", DARK },
        { "broken,o:a", "a", DARK },
        { "o:a,", "a", DARK },
        { "o:a,,o:b", "a", DARK },
        { "a", "a", DARK },
        { "", "a", NOT },
        { "", "", NOT },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *list = unit_string(*state, rows[i].list);
        const char *wanted = unit_string(*state, rows[i].wanted);

        UNIT_CHECK(apr_pstrcat(*state, rows[i].list, " ", wanted, NULL),
                   clerk_feature_find(list, wanted) == rows[i].found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(elements_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
