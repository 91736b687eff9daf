/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_json_text.h"

#include "clerk_utf8.h"

/* The bytes of the next character inside a string, 0 if it is none. */
static apr_size_t character_len(const char *at, apr_size_t left)
{
    unsigned char byte = (unsigned char)*at;

    if (byte >= 0x80) {
        return clerk_utf8_len(at, left);
    }
    if (byte < 0x20) {
        return 0;
    }
    if (byte != '\\') {
        return 1;
    }
    if (left < 2) {
        return 0;
    }
    /* In a name the parser would stop at this NUL: `sub\u0000x` is `sub`. */
    return left >= 6 && memcmp(at, "\\u0000", 6) == 0 ? 0 : 2;
}

/* May the byte stand outside of strings and numbers? No NaN, no comment, no
 * `'`. */
static int is_structure(char byte)
{
    static const char allowed[] = " \t\r\n{}[]:,\"truefalsn";

    return memchr(allowed, byte, sizeof(allowed) - 1) != NULL;
}

static apr_size_t digits_len(const char *at, apr_size_t left)
{
    apr_size_t len = 0;

    while (len < left && at[len] >= '0' && at[len] <= '9') {
        len++;
    }
    return len;
}

/* RFC 8259 section 6, up to the end of the number; 0 if it is none. */
static apr_size_t number_len(const char *at, apr_size_t left)
{
    apr_size_t len = *at == '-';
    apr_size_t digits = digits_len(at + len, left - len);

    if (!digits || (digits > 1 && at[len] == '0')) {
        return 0;
    }
    len += digits;
    if (len < left && at[len] == '.') {
        digits = digits_len(at + len + 1, left - len - 1);
        if (!digits) {
            return 0;
        }
        len += digits + 1;
    }
    if (len < left && (at[len] == 'e' || at[len] == 'E')) {
        len++;
        if (len < left && (at[len] == '+' || at[len] == '-')) {
            len++;
        }
        digits = digits_len(at + len, left - len);
        if (!digits) {
            return 0;
        }
        len += digits;
    }
    return len;
}

static apr_size_t outside_len(const char *at, apr_size_t left)
{
    if (*at == '-' || (*at >= '0' && *at <= '9')) {
        return number_len(at, left);
    }
    return (apr_size_t)is_structure(*at);
}

int clerk_json_text_is_plain(clerk_slice_t text)
{
    int in_string = 0;
    apr_size_t i = 0;

    while (i < text.len) {
        apr_size_t len = in_string ? character_len(text.ptr + i, text.len - i)
                                   : outside_len(text.ptr + i, text.len - i);

        if (!len) {
            return 0;
        }
        if (text.ptr[i] == '"') {
            in_string = !in_string;
        }
        i += len;
    }
    return 1;
}
