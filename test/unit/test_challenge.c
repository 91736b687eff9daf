/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "clerk_challenge.h"

static void parameters_come_in_their_order(void **state)
{
    static const struct {
        clerk_challenge_t given;
        const char *text;
    } rows[] = {
        { { 0 }, "Bearer" },
        { { .realm = "Clerk" }, "Bearer realm=\"Clerk\"" },
        { { .error = "invalid_token",
            .error_description = "The token has expired",
            .realm = "Clerk" },
          "Bearer error=\"invalid_token\", "
          "error_description=\"The token has expired\", realm=\"Clerk\"" },
        { { .resource_metadata = "https://a.example/.well-known/x",
            .scope = "profile email",
            .realm = "Clerk" },
          "Bearer resource_metadata=\"https://a.example/.well-known/x\", "
          "scope=\"profile email\", realm=\"Clerk\"" },
        { { .error = "insufficient_scope",
            .resource_metadata = "https://a.example/x",
            .scope = "profile",
            .error_description = "text",
            .realm = "r" },
          "Bearer error=\"insufficient_scope\", "
          "resource_metadata=\"https://a.example/x\", scope=\"profile\", "
          "error_description=\"text\", realm=\"r\"" },
        { { .error = "", .scope = "", .realm = "" }, "Bearer" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_SAME(rows[i].text, clerk_challenge_text(*state, &rows[i].given),
                  rows[i].text);
    }
}

static void quoted_strings_cannot_be_left(void **state)
{
    static const char *const rows[][2] = {
        { "a\"b", "a\\\"b" },
        { "a\\b", "a\\\\b" },
        { "\\\"", "\\\\\\\"" },
        { "a\r\nSet-Cookie: x", "aSet-Cookie: x" },
        { "a\tb\x01\x1f\x7fz", "abz" },
        { "a, Basic realm=x", "a, Basic realm=x" },
        { "caf\xc3\xa9", "caf\xc3\xa9" },
        { "%s%n", "%s%n" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_challenge_t given = { .realm = unit_string(*state, rows[i][0]) };

        UNIT_SAME(
            rows[i][0], clerk_challenge_text(*state, &given),
            apr_pstrcat(*state, "Bearer realm=\"", rows[i][1], "\"", NULL));
    }
}

/* Clients compare it: the same twice, wherever its strings lie. */
static void is_the_same_twice(void **state)
{
    clerk_challenge_t one = { .error = unit_string(*state, "e"),
                              .realm = unit_string(*state, "r\"") };
    clerk_challenge_t two = { .error = unit_string(*state, "e"),
                              .realm = unit_string(*state, "r\"") };

    assert_string_equal(clerk_challenge_text(*state, &one),
                        clerk_challenge_text(*state, &two));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(parameters_come_in_their_order),
        UNIT_TEST(quoted_strings_cannot_be_left),
        UNIT_TEST(is_the_same_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
