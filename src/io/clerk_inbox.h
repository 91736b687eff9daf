/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_inbox.h: what has arrived of an answer so far.
 *
 * Owns: how much of it is taken. Must never know: where it comes from, what it
 * means. Called by: clerk_handle.
 */
#ifndef CLERK_INBOX_H
#define CLERK_INBOX_H

#include <apr_pools.h>

typedef struct clerk_inbox_t {
    apr_pool_t *p;
    apr_size_t most; /* bytes of body that are taken */
    char *body;
    apr_size_t len;
    apr_size_t room;
    apr_size_t headers; /* bytes seen */
    int too_large;
} clerk_inbox_t;

/* More bytes of header, or of body. False: it is too large. */
int clerk_inbox_header(clerk_inbox_t *inbox, apr_size_t len);
int clerk_inbox_body(clerk_inbox_t *inbox, const char *bytes, apr_size_t len);

#endif
