/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_b64.h"

#include <apr_encode.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The six bits that a byte stands for, or -1. */
static int value_of(char byte)
{
    const char *at = memchr(alphabet, byte, sizeof(alphabet) - 1);

    return at ? (int)(at - alphabet) : -1;
}

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

/* Returns 0 when the text is no base64. */
static int decode_into(clerk_slice_t text, char *out)
{
    unsigned int bits = 0;
    int held = 0;
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        int value = value_of(text.ptr[i]);

        if (value < 0) {
            return 0;
        }
        bits = (bits << 6 | (unsigned int)value) & 0xfff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            *out++ = (char)(bits >> held & 0xff);
        }
    }
    *out = '\0';
    /* RFC 4648 section 3.5: bits that carry nothing are zero. */
    return (bits & ((1u << held) - 1)) == 0;
}

clerk_status_t clerk_b64_decode(apr_pool_t *p, clerk_slice_t text,
                                clerk_slice_t *out)
{
    clerk_slice_t bare = strip_padding(text);
    char *bytes;

    *out = clerk_slice_make(NULL, 0);
    if (bare.len % 4 == 1) {
        return CLERK_MISCONFIGURED;
    }
    bytes = apr_palloc(p, bare.len / 4 * 3 + 4);
    if (!decode_into(bare, bytes)) {
        return CLERK_MISCONFIGURED;
    }
    *out = clerk_slice_make(bytes, bare.len * 3 / 4);
    return CLERK_OK;
}

const char *clerk_b64_encode(apr_pool_t *p, clerk_slice_t bytes)
{
    const void *start = bytes.len ? bytes.ptr : "";

    return apr_pencode_base64_binary(p, start, (apr_ssize_t)bytes.len,
                                     APR_ENCODE_NONE, NULL);
}
