/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_utf8.h"

/* RFC 3629 section 4: by the first byte, the range of the second one. */
static const struct {
    unsigned char first;
    unsigned char last;
    unsigned char second_first;
    unsigned char second_last;
    unsigned char len;
} rows[] = {
    /* clang-format off */
    { 0xc2, 0xdf, 0x80, 0xbf, 2 },
    { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
    { 0xe1, 0xec, 0x80, 0xbf, 3 },
    { 0xed, 0xed, 0x80, 0x9f, 3 },
    { 0xee, 0xef, 0x80, 0xbf, 3 },
    { 0xf0, 0xf0, 0x90, 0xbf, 4 },
    { 0xf1, 0xf3, 0x80, 0xbf, 4 },
    { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    /* clang-format on */
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

apr_size_t clerk_utf8_len(const char *at, apr_size_t left)
{
    const unsigned char *byte = (const unsigned char *)at;
    apr_size_t row;
    apr_size_t i;

    if (byte[0] < 0x80) {
        return 1;
    }
    for (row = 0; row < ROWS; row++) {
        if (byte[0] >= rows[row].first && byte[0] <= rows[row].last) {
            break;
        }
    }
    if (row == ROWS || left < rows[row].len || byte[1] < rows[row].second_first
        || byte[1] > rows[row].second_last) {
        return 0;
    }
    for (i = 2; i < rows[row].len; i++) {
        if ((byte[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return rows[row].len;
}
