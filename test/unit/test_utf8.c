/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "clerk_utf8.h"

static void ascii_is_one_byte(void **state)
{
    int byte;

    for (byte = 0; byte < 0x80; byte++) {
        char text = (char)byte;

        assert_int_equal(clerk_utf8_len(unit_exact(*state, &text, 1).ptr, 1),
                         1);
    }
}

/* The character of a code point, written by the rule and not by the table. */
static apr_size_t encode(unsigned int code, char out[4])
{
    static const unsigned int leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    apr_size_t len = code < 0x80      ? 1
                     : code < 0x800   ? 2
                     : code < 0x10000 ? 3
                                      : 4;
    apr_size_t i;

    for (i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(leads[len] | code);
    return len;
}

static void every_code_point_is_known(void **state)
{
    unsigned int code;

    (void)state;
    for (code = 0; code <= 0x1fffff; code++) {
        char text[4];
        apr_size_t len = encode(code, text);
        int good = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);

        assert_int_equal(clerk_utf8_len(text, len), good ? len : 0);
        if (len > 1) {
            assert_int_equal(clerk_utf8_len(text, len - 1), 0);
        }
    }
}

static void nothing_else_is_utf8(void **state)
{
    static const char *const rows[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc3",
        "\xc3\x28",
        "\xe0\x9f\xbf",
        "\xe2\x82",
        "\xe2\x82\x41",
        "\xe2\x28\xa1",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x9f\x94",
        "\xf0\x9f\x94\x41",
        "\xf0\x9f\x41\x91",
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80",
        "\xfc\x84\x80\x80",
        "\xfe",
        "\xff",
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_slice_t text = unit_text(*state, rows[i]);

        UNIT_CHECK(rows[i], clerk_utf8_len(text.ptr, text.len) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(ascii_is_one_byte),
        UNIT_TEST(every_code_point_is_known),
        UNIT_TEST(nothing_else_is_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
