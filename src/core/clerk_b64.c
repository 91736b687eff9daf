/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_b64.h"

#include <apr_encode.h>

/*
 * What a byte stands for: six bits of value, and the alphabets that have it.
 * A table, for a JWT has a thousand bytes and is decoded on every miss.
 */
#define STANDARD 0x40
#define URL 0x80
#define BOTH (STANDARD | URL)
#define VALUE 0x3f

static const unsigned char meanings[256] = {
    ['A'] = BOTH | 0,      ['B'] = BOTH | 1,  ['C'] = BOTH | 2,
    ['D'] = BOTH | 3,      ['E'] = BOTH | 4,  ['F'] = BOTH | 5,
    ['G'] = BOTH | 6,      ['H'] = BOTH | 7,  ['I'] = BOTH | 8,
    ['J'] = BOTH | 9,      ['K'] = BOTH | 10, ['L'] = BOTH | 11,
    ['M'] = BOTH | 12,     ['N'] = BOTH | 13, ['O'] = BOTH | 14,
    ['P'] = BOTH | 15,     ['Q'] = BOTH | 16, ['R'] = BOTH | 17,
    ['S'] = BOTH | 18,     ['T'] = BOTH | 19, ['U'] = BOTH | 20,
    ['V'] = BOTH | 21,     ['W'] = BOTH | 22, ['X'] = BOTH | 23,
    ['Y'] = BOTH | 24,     ['Z'] = BOTH | 25, ['a'] = BOTH | 26,
    ['b'] = BOTH | 27,     ['c'] = BOTH | 28, ['d'] = BOTH | 29,
    ['e'] = BOTH | 30,     ['f'] = BOTH | 31, ['g'] = BOTH | 32,
    ['h'] = BOTH | 33,     ['i'] = BOTH | 34, ['j'] = BOTH | 35,
    ['k'] = BOTH | 36,     ['l'] = BOTH | 37, ['m'] = BOTH | 38,
    ['n'] = BOTH | 39,     ['o'] = BOTH | 40, ['p'] = BOTH | 41,
    ['q'] = BOTH | 42,     ['r'] = BOTH | 43, ['s'] = BOTH | 44,
    ['t'] = BOTH | 45,     ['u'] = BOTH | 46, ['v'] = BOTH | 47,
    ['w'] = BOTH | 48,     ['x'] = BOTH | 49, ['y'] = BOTH | 50,
    ['z'] = BOTH | 51,     ['0'] = BOTH | 52, ['1'] = BOTH | 53,
    ['2'] = BOTH | 54,     ['3'] = BOTH | 55, ['4'] = BOTH | 56,
    ['5'] = BOTH | 57,     ['6'] = BOTH | 58, ['7'] = BOTH | 59,
    ['8'] = BOTH | 60,     ['9'] = BOTH | 61, ['+'] = STANDARD | 62,
    ['/'] = STANDARD | 63, ['-'] = URL | 62,  ['_'] = URL | 63,
};

/*
 * Without its padding, which is right only where it fills up a group of four.
 * What is left over of wrong padding is no byte of the alphabet.
 */
static clerk_slice_t strip_padding(clerk_slice_t text)
{
    int most;

    if (text.len % 4 != 0) {
        return text;
    }
    for (most = 2; most && text.len && text.ptr[text.len - 1] == '='; most--) {
        text.len--;
    }
    return text;
}

/*
 * The bits of up to four bytes, of which the missing ones count as zero.
 * `known` loses what one of the bytes is not in.
 */
static unsigned int read_group(const char *at, apr_size_t len,
                               unsigned int *known)
{
    unsigned int bits = 0;
    apr_size_t i;

    for (i = 0; i < len; i++) {
        unsigned int meaning = meanings[(unsigned char)at[i]];

        *known &= meaning;
        bits = bits << 6 | (meaning & VALUE);
    }
    return bits << 6 * (4 - len);
}

/* Returns 0 when the text is not of this alphabet. */
static int decode_into(clerk_slice_t text, unsigned int alphabet, char *out)
{
    apr_size_t whole = text.len / 4 * 4;
    apr_size_t rest = text.len - whole;
    unsigned int known = alphabet;
    unsigned int bits;
    apr_size_t i;

    for (i = 0; i < whole; i += 4) {
        bits = read_group(text.ptr + i, 4, &known);
        *out++ = (char)(bits >> 16 & 0xff);
        *out++ = (char)(bits >> 8 & 0xff);
        *out++ = (char)(bits & 0xff);
    }
    bits = rest ? read_group(text.ptr + whole, rest, &known) : 0;
    if (rest) {
        *out++ = (char)(bits >> 16 & 0xff);
        bits &= 0xffff;
    }
    if (rest == 3) {
        *out++ = (char)(bits >> 8 & 0xff);
        bits &= 0xff;
    }
    *out = '\0';
    /* RFC 4648 section 3.5: bits that carry nothing are zero. */
    return known == alphabet && (rest == 0 || bits == 0);
}

/* Without padding; returns 0 when the text is not of this alphabet. */
static int decode(apr_pool_t *p, clerk_slice_t text, unsigned int alphabet,
                  clerk_slice_t *out)
{
    char *bytes;

    *out = clerk_slice_make(NULL, 0);
    if (text.len % 4 == 1) {
        return 0;
    }
    bytes = apr_palloc(p, text.len / 4 * 3 + 4);
    if (!decode_into(text, alphabet, bytes)) {
        return 0;
    }
    *out = clerk_slice_make(bytes, text.len / 4 * 3 + text.len % 4 * 3 / 4);
    return 1;
}

clerk_status_t clerk_b64_decode(apr_pool_t *p, clerk_slice_t text,
                                clerk_slice_t *out)
{
    return decode(p, strip_padding(text), STANDARD, out) ? CLERK_OK
                                                         : CLERK_MISCONFIGURED;
}

clerk_status_t clerk_b64_decode_url(apr_pool_t *p, clerk_slice_t text,
                                    clerk_slice_t *out)
{
    return decode(p, text, URL, out) ? CLERK_OK : CLERK_JWT_MALFORMED;
}

const char *clerk_b64_encode(apr_pool_t *p, clerk_slice_t bytes)
{
    const void *start = bytes.len ? bytes.ptr : "";

    return apr_pencode_base64_binary(p, start, (apr_ssize_t)bytes.len,
                                     APR_ENCODE_NONE, NULL);
}
