/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_json.h"

/* Write a quoted string (RFC 8259 section 7); returns where it ends. */
static char *put_string(char *at, clerk_slice_t text)
{
    static const char digits[] = "0123456789abcdef";
    apr_size_t i;

    *at++ = '"';
    for (i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];

        if (byte < 0x20) {
            memcpy(at, "\\u00", 4);
            at[4] = digits[byte >> 4];
            at[5] = digits[byte & 0xf];
            at += 6;
            continue;
        }
        if (byte == '"' || byte == '\\') {
            *at++ = '\\';
        }
        *at++ = (char)byte;
    }
    *at++ = '"';
    return at;
}

/* The most bytes that put_string takes, with a separator. */
static apr_size_t room_for(clerk_slice_t text)
{
    return 6 * text.len + 3;
}

static char *put_list(char *at, const apr_array_header_t *list)
{
    int i;

    *at++ = '[';
    for (i = 0; i < list->nelts; i++) {
        if (i) {
            *at++ = ',';
        }
        at = put_string(at,
                        clerk_slice_str(APR_ARRAY_IDX(list, i, const char *)));
    }
    *at++ = ']';
    return at;
}

static apr_size_t room_for_list(const apr_array_header_t *list)
{
    apr_size_t room = sizeof("[]");
    int i;

    for (i = 0; i < list->nelts; i++) {
        room += room_for(clerk_slice_str(APR_ARRAY_IDX(list, i, const char *)));
    }
    return room;
}

const char *clerk_json_write(apr_pool_t *p, const clerk_json_pair_t *pairs,
                             int count)
{
    apr_size_t room = sizeof("{}");
    char *text;
    char *at;
    int i;

    for (i = 0; i < count; i++) {
        room += room_for(clerk_slice_str(pairs[i].name))
                + (pairs[i].list ? room_for_list(pairs[i].list)
                                 : room_for(pairs[i].value));
    }
    text = at = apr_palloc(p, room);
    *at++ = '{';
    for (i = 0; i < count; i++) {
        if (i) {
            *at++ = ',';
        }
        at = put_string(at, clerk_slice_str(pairs[i].name));
        *at++ = ':';
        at = pairs[i].list ? put_list(at, pairs[i].list)
                           : put_string(at, pairs[i].value);
    }
    *at++ = '}';
    *at = '\0';
    return text;
}
