/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_curl.h: the fetch port over libcurl.
 *
 * Owns: the pool of handles whose connections are kept alive, and the threads
 * that make the calls. Must never know: Clerk's endpoints, httpd. Called by:
 * the glue, once per child; core, through the port.
 */
#ifndef CLERK_CURL_H
#define CLERK_CURL_H

#include <apr_pools.h>

#include "clerk_ports.h"
#include "clerk_trust.h"

/* The file of the system's trust anchors, or NULL if curl knows none. May be
 * called before fork. */
const char *clerk_curl_system_anchors(void);

/* What the port needs; what is pointed to lives as long as the port. */
typedef struct clerk_curl_needs_t {
    const char *user_agent; /* sent with each request */
    int threads;            /* by how many it is used, about */
    clerk_trusts_t *trusts;
} clerk_curl_needs_t;

/*
 * Make a fetch port for this process. Call after fork only, and before
 * threads are started: libcurl's global state is set up here. Everything is
 * undone when `p`, which must outlive all calls, is destroyed. The port may
 * be used by any number of threads.
 * CLERK_INTERNAL on failure.
 */
clerk_status_t clerk_curl_create(apr_pool_t *p, const clerk_curl_needs_t *needs,
                                 clerk_fetch_port_t *port) CLERK_MUST_USE;

#endif
