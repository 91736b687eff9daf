/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_challenge.h: the text of a WWW-Authenticate field.
 *
 * Owns: the order and quoting of the Bearer challenge's parameters (RFC 6750
 * section 3, RFC 9728 section 5.1, RFC 9110 section 5.6.4). Must never know:
 * requests, and so nothing of one can stand in a challenge. Called by: the
 * glue's answer.
 */
#ifndef CLERK_CHALLENGE_H
#define CLERK_CHALLENGE_H

#include <apr_pools.h>

/* NULL or "" leaves a parameter out. */
typedef struct clerk_challenge_t {
    const char *error;
    const char *resource_metadata;
    const char *scope;
    const char *error_description;
    const char *realm;
} clerk_challenge_t;

/*
 * `Bearer error="…", resource_metadata="…", scope="…",
 * error_description="…", realm="…"`: always in this order, each at most once
 * and always quoted; quotes and backslashes are escaped, control characters
 * left out. Plain `Bearer` without parameters. The text lies in `p`.
 */
const char *clerk_challenge_text(apr_pool_t *p, const clerk_challenge_t *c);

#endif
