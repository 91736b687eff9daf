/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "clerk_scope.h"

static void tokens_are_those_of_rfc_6749(void **state)
{
    static const struct {
        const char *scope;
        int good;
    } rows[] = {
        { "profile", 1 },  { "user:org:read", 1 },
        { "a", 1 },        { "!", 1 },
        { "#[]~", 1 },     { "https://a/b?c", 1 },
        { "", 0 },         { " ", 0 },
        { "a b", 0 },      { "a ", 0 },
        { "a\"b", 0 },     { "a\\b", 0 },
        { "a\tb", 0 },     { "a\nb", 0 },
        { "a\x7f", 0 },    { "a\x01", 0 },
        { "\xc3\xa4", 0 },
    };
    apr_size_t i;

    (void)state;
    for (i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK(rows[i].scope,
                   clerk_scope_is_token(rows[i].scope) == rows[i].good);
    }
}

static void has_compares_exactly(void **state)
{
    static const struct {
        const char *set;
        const char *scope;
        int has;
    } rows[] = {
        { "profile email", "profile", 1 },
        { "profile email", "email", 1 },
        { "a b c", "b", 1 },
        { "a", "a", 1 },
        { "  a   b  ", "b", 1 },
        { "profile email", "prof", 0 },
        { "profile email", "profiles", 0 },
        { "profile email", "mail", 0 },
        { "profile email", "Profile", 0 },
        { "profile email", "profile email", 0 },
        { "profile email", " email", 0 },
        { "profile email", " ", 0 },
        { "profile email", "", 0 },
        { "", "a", 0 },
        { "", "", 0 },
        { " ", "", 0 },
        { NULL, "a", 0 },
        { NULL, "", 0 },
        { "admin1", "admin 1", 0 },
        { "admin 1", "admin1", 0 },
        /* A tab separates nothing. */
        { "a\tb", "a", 0 },
        { "a,b", "a", 0 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *set = rows[i].set ? unit_string(*state, rows[i].set) : NULL;

        UNIT_CHECK(rows[i].scope,
                   clerk_scope_has(set, rows[i].scope) == rows[i].has);
    }
}

static apr_array_header_t *list_of(apr_pool_t *p, const char *text)
{
    apr_array_header_t *list = apr_array_make(p, 4, sizeof(const char *));

    clerk_scope_add(list, unit_string(p, text));
    return list;
}

static void has_all_misses_none(void **state)
{
    static const struct {
        const char *set;
        const char *wanted;
        int has;
    } rows[] = {
        { "a b c", "a b", 1 }, { "a b c", "c a", 1 }, { "a b c", "", 1 },
        { NULL, "", 1 },       { "a b c", "a d", 0 }, { "a b c", "d", 0 },
        { "", "a", 0 },        { NULL, "a", 0 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK(
            rows[i].wanted,
            clerk_scope_has_all(rows[i].set, list_of(*state, rows[i].wanted))
                == rows[i].has);
    }
}

static void add_and_join_make_a_set(void **state)
{
    static const struct {
        const char *text;
        const char *joined;
    } rows[] = {
        { "", "" },
        { "   ", "" },
        { "a", "a" },
        { "b a", "b a" },
        { "  b   a  ", "b a" },
        { "a b a a b", "a b" },
        { "a A", "a A" },
        { "ab a b", "ab a b" },
        /* What is no scope-token is no scope. */
        { "a b\"c d\\e f\tg h\xc3\xa4 i\x01 j", "a j" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        apr_array_header_t *list = list_of(*state, rows[i].text);

        UNIT_SAME(rows[i].text, clerk_scope_join(*state, list), rows[i].joined);
    }
}

static void add_adds_to_what_is_there(void **state)
{
    apr_array_header_t *list = list_of(*state, "a b");
    char text[] = "b c";

    clerk_scope_add(list, text);
    memset(text, 'x', sizeof(text) - 1);
    assert_string_equal(clerk_scope_join(*state, list), "a b c");
}

static void a_list_is_bounded(void **state)
{
    apr_array_header_t *list = apr_array_make(*state, 1, sizeof(const char *));
    int i;

    for (i = 0; i < CLERK_SCOPE_MAX + 10; i++) {
        clerk_scope_add(list, apr_psprintf(*state, "s%d", i));
    }
    assert_int_equal(list->nelts, CLERK_SCOPE_MAX);
    assert_true(clerk_scope_is_full(list));
    list->nelts--;
    assert_false(clerk_scope_is_full(list));
    list->nelts++;
    assert_string_equal(APR_ARRAY_IDX(list, CLERK_SCOPE_MAX - 1, const char *),
                        apr_psprintf(*state, "s%d", CLERK_SCOPE_MAX - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(tokens_are_those_of_rfc_6749),
        UNIT_TEST(has_compares_exactly),
        UNIT_TEST(has_all_misses_none),
        UNIT_TEST(add_and_join_make_a_set),
        UNIT_TEST(add_adds_to_what_is_there),
        UNIT_TEST(a_list_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
