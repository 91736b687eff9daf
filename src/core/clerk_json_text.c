/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_json_text.h"

#include "clerk_utf8.h"

/* Tables, since every answer is read by them byte by byte. */

/* RFC 8259 section 7, `unescaped`, as far as it is ASCII. */
static const unsigned char unescaped[256] = {
    [0x20 ... 0x21] = 1,
    [0x23 ... 0x5b] = 1,
    [0x5d ... 0x7f] = 1,
};

/* What may stand outside of strings and numbers, of which three words consist:
 * no NaN, no comment, no `'`. */
/* clang-format off */
static const unsigned char structure[256] = {
    [' '] = 1, ['\t'] = 1, ['\r'] = 1, ['\n'] = 1,
    ['{'] = 1, ['}'] = 1, ['['] = 1, [']'] = 1, [':'] = 1, [','] = 1,
    ['t'] = 1, ['r'] = 1, ['u'] = 1, ['e'] = 1,
    ['f'] = 1, ['a'] = 1, ['l'] = 1, ['s'] = 1, ['n'] = 1,
};
/* clang-format on */

/* Where the reading of a text stands. */
typedef struct eye_t {
    const char *at;
    const char *end;
    int is_ascii;
} eye_t;

static apr_size_t left_of(const eye_t *eye)
{
    return (apr_size_t)(eye->end - eye->at);
}

static void pass(eye_t *eye, const unsigned char *table)
{
    const char *at = eye->at;

    while (at < eye->end && table[(unsigned char)*at]) {
        at++;
    }
    eye->at = at;
}

/* The bytes of any other character in a string, 0 if it is none. */
static apr_size_t character_len(const char *at, apr_size_t left)
{
    unsigned char byte = (unsigned char)*at;

    if (byte >= 0x80) {
        return clerk_utf8_len(at, left);
    }
    if (byte != '\\' || left < 2 || (unsigned char)at[1] >= 0x80) {
        return 0;
    }
    /* In a name the parser would stop at this NUL: `sub\u0000x` is `sub`. */
    return left >= 6 && memcmp(at, "\\u0000", 6) == 0 ? 0 : 2;
}

/* From behind the opening quote to behind the closing one. One that is missing
 * is missed by the parser. */
static int pass_string(eye_t *eye)
{
    for (;;) {
        apr_size_t len;

        pass(eye, unescaped);
        if (eye->at == eye->end) {
            return 1;
        }
        if (*eye->at == '"') {
            eye->at++;
            return 1;
        }
        len = character_len(eye->at, left_of(eye));
        if (!len) {
            return 0;
        }
        eye->is_ascii &= *eye->at == '\\';
        eye->at += len;
    }
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

static int pass_number(eye_t *eye)
{
    apr_size_t len = number_len(eye->at, left_of(eye));

    eye->at += len;
    return len != 0;
}

int clerk_json_text_is_plain(clerk_slice_t text, int *is_ascii)
{
    eye_t eye = { text.ptr, text.ptr + text.len, 1 };
    int is_plain = 1;

    for (pass(&eye, structure); is_plain && eye.at < eye.end;
         pass(&eye, structure)) {
        if (*eye.at == '"') {
            eye.at++;
            is_plain = pass_string(&eye);
        }
        else {
            is_plain = pass_number(&eye);
        }
    }
    *is_ascii = is_plain && eye.is_ascii;
    return is_plain;
}

int clerk_json_text_is_blank(clerk_slice_t text)
{
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        if (!memchr(" \t\r\n", text.ptr[i], 4)) {
            return 0;
        }
    }
    return 1;
}
