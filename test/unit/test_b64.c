/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "clerk_b64.h"

static void meets_the_published_vectors(void **state)
{
    /* RFC 4648 section 10 */
    static const struct {
        const char *plain;
        const char *coded;
    } rows[] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_slice_t out;

        assert_int_equal(
            clerk_b64_decode(*state, unit_text(*state, rows[i].coded), &out),
            CLERK_OK);
        assert_int_equal(out.len, strlen(rows[i].plain));
        assert_string_equal(out.ptr, rows[i].plain);
        assert_string_equal(
            clerk_b64_encode(*state, unit_text(*state, rows[i].plain)),
            rows[i].coded);
    }
    assert_string_equal(clerk_b64_encode(*state, clerk_slice_str(NULL)), "");
}

static void padding_may_be_left_out(void **state)
{
    static const char *const rows[][2] = {
        { "Zg", "f" },
        { "Zm8", "fo" },
        { "Zm9vYg", "foob" },
        { "Y2xlcmsuZXhhbXBsZS5jb20k", "clerk.example.com$" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_slice_t out;

        assert_int_equal(
            clerk_b64_decode(*state, unit_text(*state, rows[i][0]), &out),
            CLERK_OK);
        assert_int_equal(out.len, strlen(rows[i][1]));
        assert_string_equal(out.ptr, rows[i][1]);
    }
}

static void refuses_what_is_no_base64(void **state)
{
    static const struct {
        const char *why;
        const char *text;
        apr_size_t len;
    } rows[] = {
        { "one byte", "Z", 1 },
        { "five bytes", "Zm9vY", 5 },
        { "a space", "Zm9 YmFy", 8 },
        { "a leading space", " Zg==", 5 },
        { "a line break", "Zm9v\n", 5 },
        { "a trailing line break", "Zg==\n", 5 },
        { "a NUL", "Zm\0v", 4 },
        { "a high byte", "Zm9\xff", 4 },
        { "base64url", "-_-_", 4 },
        { "a half padding", "Zg=", 3 },
        { "padding of nothing", "====", 4 },
        { "two pads of nothing", "==", 2 },
        { "one pad", "=", 1 },
        { "three pads", "Z===", 4 },
        { "padding of a whole group", "Zm9v=", 5 },
        { "a whole group of padding", "Zm9v====", 8 },
        { "padding inside", "Zg==Zg==", 8 },
        { "padding in the middle", "Zm=v", 4 },
        { "unused bits of one byte", "Zh==", 4 },
        { "unused bits of one byte, bare", "Zh", 2 },
        { "unused bits of two bytes", "Zm9=", 4 },
        { "unused bits of two bytes, bare", "Zm9", 3 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_slice_t text = unit_exact(*state, rows[i].text, rows[i].len);
        clerk_slice_t out = clerk_slice_make("x", 1);

        UNIT_CHECK(rows[i].why,
                   clerk_b64_decode(*state, text, &out) == CLERK_MISCONFIGURED);
        UNIT_CHECK(rows[i].why, out.ptr == NULL && out.len == 0);
    }
}

static void every_byte_and_length_comes_back(void **state)
{
    unsigned char bytes[256];
    apr_size_t len;

    for (len = 0; len < sizeof(bytes); len++) {
        bytes[len] = (unsigned char)(len * 167 + 13);
    }
    for (len = 0; len <= sizeof(bytes); len++) {
        const char *coded =
            clerk_b64_encode(*state, unit_exact(*state, bytes, len));
        clerk_slice_t out;

        assert_int_equal(
            clerk_b64_decode(*state, unit_text(*state, coded), &out), CLERK_OK);
        assert_int_equal(out.len, len);
        assert_memory_equal(out.ptr, bytes, len);
        assert_int_equal(out.ptr[len], 0);
    }
}

static void url_decodes_as_jws_writes_it(void **state)
{
    static const char *const rows[][2] = {
        { "", "" },
        { "Zg", "f" },
        { "Zm8", "fo" },
        { "Zm9v", "foo" },
        { "Zm9vYg", "foob" },
        { "-_-_", "\xfb\xff\xbf" },
        /* RFC 7515, appendix C. */
        { "A-z_4ME", "\x03\xec\xff\xe0\xc1" },
        { "eyJhbGciOiJSUzI1NiJ9", "{\"alg\":\"RS256\"}" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_slice_t out;

        assert_int_equal(
            clerk_b64_decode_url(*state, unit_text(*state, rows[i][0]), &out),
            CLERK_OK);
        assert_int_equal(out.len, strlen(rows[i][1]));
        assert_string_equal(out.ptr, rows[i][1]);
    }
}

static void url_refuses_everything_else(void **state)
{
    static const struct {
        const char *why;
        const char *text;
        apr_size_t len;
    } rows[] = {
        { "one byte", "Z", 1 },
        { "five bytes", "Zm9vY", 5 },
        { "padding", "Zg==", 4 },
        { "less padding", "Zm8=", 4 },
        { "a plus", "+_-_", 4 },
        { "a slash", "/_-_", 4 },
        { "a plus in the rest", "Zm9v+A", 6 },
        { "a space", "Zm9v Zg", 7 },
        { "a line break behind", "Zm9v\n", 5 },
        { "a line break in a group", "Zm\nv", 4 },
        { "a NUL", "Zm\0v", 4 },
        { "a NUL at the end", "Zm9vZg\0", 7 },
        { "a high byte", "Zm9\xff", 4 },
        { "a byte that is A but for its high bit",
          "\xc1"
          "AAA",
          4 },
        { "a dot", "Zm9.", 4 },
        { "unused bits of one byte", "Zh", 2 },
        { "the highest unused bit of one byte", "Zo", 2 },
        { "unused bits of two bytes", "Zm9", 3 },
        { "the other unused bit of two bytes", "Zm-", 3 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_slice_t text = unit_exact(*state, rows[i].text, rows[i].len);
        clerk_slice_t out = clerk_slice_make("x", 1);

        UNIT_CHECK(rows[i].why, clerk_b64_decode_url(*state, text, &out)
                                    == CLERK_JWT_MALFORMED);
        UNIT_CHECK(rows[i].why, out.ptr == NULL && out.len == 0);
    }
}

/* Of 256 bytes, 64 are in each alphabet, and 62 in both. */
static void the_alphabets_are_complete(void **state)
{
    static const char both[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    int byte;

    for (byte = 0; byte < 256; byte++) {
        char text[4] = { (char)byte, 'A', 'A', 'A' };
        clerk_slice_t given = unit_exact(*state, text, 4);
        int in_both = byte && strchr(both, byte) != NULL;
        clerk_slice_t out;

        assert_int_equal(clerk_b64_decode(*state, given, &out) == CLERK_OK,
                         in_both || byte == '+' || byte == '/');
        assert_int_equal(clerk_b64_decode_url(*state, given, &out) == CLERK_OK,
                         in_both || byte == '-' || byte == '_');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(meets_the_published_vectors),
        UNIT_TEST(padding_may_be_left_out),
        UNIT_TEST(refuses_what_is_no_base64),
        UNIT_TEST(every_byte_and_length_comes_back),
        UNIT_TEST(url_decodes_as_jws_writes_it),
        UNIT_TEST(url_refuses_everything_else),
        UNIT_TEST(the_alphabets_are_complete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
