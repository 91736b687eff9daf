/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_instance.h: the names by which a Clerk instance goes.
 *
 * Owns: publishable keys, host names and base URLs: what is well-formed, and
 * what may be spoken to. Must never know: directives, httpd. Called by: the
 * glue's configuration.
 */
#ifndef CLERK_INSTANCE_H
#define CLERK_INSTANCE_H

#include <apr_pools.h>

#include "clerk_status.h"

/*
 * The Frontend API host inside `pk_live_…` or `pk_test_…`: base64 of the host
 * and one `$`. The host must be a plain DNS name with a dot in it.
 * CLERK_MISCONFIGURED, and `host` NULL, when the key is anything else.
 * `host` lies in `p`.
 */
clerk_status_t clerk_instance_host_of_key(apr_pool_t *p, const char *key,
                                          const char **host) CLERK_MUST_USE;

/* Letters, digits, hyphens (inside a label only) and dots, labels of 1 to 63
 * bytes, at most 253 in all, with at least one dot; no port, no trailing
 * dot. */
int clerk_instance_is_hostname(const char *host);

typedef enum clerk_url_check_t {
    CLERK_URL_GOOD,
    CLERK_URL_MALFORMED, /* no absolute http(s) URL of a host, or with
                          * user info, query, fragment, or bytes that
                          * do not belong into a URL */
    CLERK_URL_NOT_HTTPS  /* http to something else than loopback */
} clerk_url_check_t;

/*
 * May this be a base URL of Clerk's, or a resource? https, or http where the
 * host is literally `localhost`, 127.0.0.0/8 or [::1].
 */
clerk_url_check_t clerk_instance_check_url(apr_pool_t *scratch,
                                           const char *url);

/* The URL without trailing slashes, in `p`. */
const char *clerk_instance_trim_url(apr_pool_t *p, const char *url);

#endif
