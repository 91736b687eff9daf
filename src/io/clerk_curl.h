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

/*
 * Make a fetch port for this process. Call after fork only, and before
 * threads are started: libcurl's global state is set up here. Everything is
 * undone when `p`, which must outlive all calls, is destroyed. The port may
 * be used by any number of threads.
 * `user_agent` is sent with each request; it must live as long as `p`.
 * `threads` is by how many the port is used, about.
 * CLERK_INTERNAL on failure.
 */
clerk_status_t clerk_curl_create(apr_pool_t *p, const char *user_agent,
                                 int threads,
                                 clerk_fetch_port_t *port) CLERK_MUST_USE;

#endif
