/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_slice.h: text that is a pointer and a length.
 *
 * Owns: the one struct for text that need not end in NUL. Must never know:
 * what the text means. Called by: everybody in core and io.
 *
 * A slice does not own its bytes; it is valid as long as the memory it points
 * into.
 */
#ifndef CLERK_SLICE_H
#define CLERK_SLICE_H

#include <string.h>

#include <apr.h>

typedef struct clerk_slice_t {
    const char *ptr;
    apr_size_t len; /* bytes */
} clerk_slice_t;

static inline clerk_slice_t clerk_slice_make(const char *ptr, apr_size_t len)
{
    clerk_slice_t s = { ptr, len };

    return s;
}

/* `text` may be NULL, which is the empty slice. */
static inline clerk_slice_t clerk_slice_str(const char *text)
{
    return clerk_slice_make(text, text ? strlen(text) : 0);
}

/* Exact, not constant in time: never for secrets (clerk_crypto_equal). */
static inline int clerk_slice_is(clerk_slice_t s, const char *text)
{
    /* memcmp may not see the NULL of an empty slice, be the length 0. */
    return s.len == strlen(text)
           && (s.len == 0 || memcmp(s.ptr, text, s.len) == 0);
}

static inline int clerk_slice_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Without the blanks at both ends. */
static inline clerk_slice_t clerk_slice_trim(clerk_slice_t s)
{
    while (s.len && clerk_slice_is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len && clerk_slice_is_blank(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

/* A control character, which has no business in a header or a name. */
static inline int clerk_slice_is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Is there one in a text? Eight bytes are looked at in one go: of those below
 * 0x20, and of those that are 0x7f, the lowest one at least borrows a bit that
 * it has not got. */
static inline int clerk_slice_has_control(const char *text)
{
    const apr_uint64_t ones = APR_UINT64_C(0x0101010101010101);
    apr_size_t left = strlen(text);
    apr_uint64_t found = 0;
    apr_uint64_t word;

    for (; left >= sizeof(word); left -= sizeof(word), text += sizeof(word)) {
        memcpy(&word, text, sizeof(word));
        found |= ((word - ones * 0x20) | ((word ^ ones * 0x7f) - ones)) & ~word;
    }
    for (; left; left--, text++) {
        found |= clerk_slice_is_control(*text) ? ones << 7 : 0;
    }
    return (found & ones << 7) != 0;
}

static inline int clerk_slice_starts(clerk_slice_t s, const char *prefix)
{
    apr_size_t n = strlen(prefix);

    return s.len >= n && (n == 0 || memcmp(s.ptr, prefix, n) == 0);
}

#endif
