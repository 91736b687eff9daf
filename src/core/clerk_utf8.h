/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_utf8.h: which bytes are UTF-8 (RFC 3629).
 *
 * Owns: the table of well-formed sequences. Must never know: what a character
 * means. Called by: clerk_json_text; the directives.
 */
#ifndef CLERK_UTF8_H
#define CLERK_UTF8_H

#include <apr.h>

/*
 * How many of the `left` bytes at `at`, of which there is one at least, make
 * up one character: 1 to 4, and 0 when they are no UTF-8. Overlong forms,
 * surrogates and what is beyond U+10FFFF are none; NUL is a character like
 * any other.
 */
apr_size_t clerk_utf8_len(const char *at, apr_size_t left);

#endif
