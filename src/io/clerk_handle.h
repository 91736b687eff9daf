/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_handle.h: a curl handle, and calls with it.
 *
 * Owns: the curl library (no other file includes it), its options, which say
 * what is sent and whom we trust, size caps, and the mapping of curl's results
 * to ours. Must never know: Clerk's endpoints, other handles. Called by:
 * clerk_curl, by one thread at a time for a handle.
 *
 * Most calls with one handle differ in nothing but their body, so that it
 * stays set up for the next.
 */
#ifndef CLERK_HANDLE_H
#define CLERK_HANDLE_H

#include <apr_pools.h>

#include "clerk_ports.h"
#include "clerk_trust.h"

typedef struct clerk_handle_t clerk_handle_t;

/* The bytes of a handle. All zeros: it is made with the first call. */
extern const apr_size_t clerk_handle_size;

/* What all have in common. */
typedef struct clerk_handle_needs_t {
    clerk_trusts_t *trusts;
    const char *user_agent;
    const char *agent_header; /* the same as a header */
} clerk_handle_needs_t;

typedef struct clerk_handle_errand_t {
    const clerk_call_t *call;
    apr_pool_t *p;      /* of the answer */
    apr_time_t started; /* its time has run since then (clerk_steady_now) */
} clerk_handle_errand_t;

/* A call, as clerk_fetch_port_t has it. All calls with one handle have the same
 * credentials and route. */
clerk_status_t clerk_handle_call(clerk_handle_t *handle,
                                 const clerk_handle_needs_t *needs,
                                 const clerk_handle_errand_t *errand,
                                 clerk_answer_t *answer) CLERK_MUST_USE;

/* Close its connections, and undo everything that was made of zeros. */
void clerk_handle_close(clerk_handle_t *handle);

/* The file of the system's trust anchors, or NULL; before the library is
 * opened, too. */
const char *clerk_handle_system_anchors(void);

/* Before the first handle, and before threads are started. False on failure. */
int clerk_handle_open_library(void);

/* After the last handle. */
void clerk_handle_close_library(void);

#endif
