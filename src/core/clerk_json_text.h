/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_json_text.h: JSON before it is parsed.
 *
 * Owns: what the parser would let pass and RFC 8259 does not: bytes that are
 * no UTF-8, control characters and `\u0000` in strings, quotes of the wrong
 * kind, comments, NaN, and numbers such as `01` and `1.`. Must never know: how
 * the parts of a document belong together, which is for the parser. Called
 * by: clerk_json.
 */
#ifndef CLERK_JSON_TEXT_H
#define CLERK_JSON_TEXT_H

#include "clerk_slice.h"

/*
 * Is there nothing of the above in a text? One pass, no memory. `is_ascii`
 * says whether it is, and consists of ASCII only.
 */
int clerk_json_text_is_plain(clerk_slice_t text, int *is_ascii);

/* Is it nothing but white space, or nothing? */
int clerk_json_text_is_blank(clerk_slice_t text);

#endif
