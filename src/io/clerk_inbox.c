/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_inbox.h"

#include <string.h>

#define HEADERS_MAX (64 * 1024) /* bytes of header that are read */
#define BODY_FIRST 4096         /* bytes made room for at first */

int clerk_inbox_header(clerk_inbox_t *inbox, apr_size_t len)
{
    inbox->headers += len;
    if (inbox->headers > HEADERS_MAX) {
        inbox->too_large = 1;
        return 0;
    }
    return 1;
}

static void make_room(clerk_inbox_t *inbox, apr_size_t wanted)
{
    apr_size_t room = inbox->room ? inbox->room : BODY_FIRST;
    char *larger;

    while (room < wanted) {
        room *= 2;
    }
    larger = apr_palloc(inbox->p, room);
    if (inbox->len) {
        memcpy(larger, inbox->body, inbox->len);
    }
    inbox->body = larger;
    inbox->room = room;
}

int clerk_inbox_body(clerk_inbox_t *inbox, const char *bytes, apr_size_t len)
{
    if (len > inbox->most - inbox->len) {
        inbox->too_large = 1;
        return 0;
    }
    if (inbox->len + len > inbox->room) {
        make_room(inbox, inbox->len + len);
    }
    memcpy(inbox->body + inbox->len, bytes, len);
    inbox->len += len;
    return 1;
}
