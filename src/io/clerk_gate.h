/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_gate.h: the fetch port behind which calls to Clerk are few.
 *
 * Owns: what is let through to another fetch port: what the breaker and the
 * rate allow. Must never know: how calls are made. Called by: the glue, once
 * per child; core, through the port.
 */
#ifndef CLERK_GATE_H
#define CLERK_GATE_H

#include <apr_pools.h>

#include "clerk_breaker.h"
#include "clerk_ports.h"
#include "clerk_rate.h"

/* A breaker has opened or closed: what the failure was, or CLERK_OK. */
typedef struct clerk_gate_news_t {
    const clerk_call_t *call;
    clerk_status_t status;
    int retry_after; /* seconds until the next attempt */
} clerk_gate_news_t;

/* What the gate needs; all of it outlives the gate. */
typedef struct clerk_gate_needs_t {
    clerk_fetch_port_t fetch;
    clerk_breakers_t *breakers;
    clerk_rate_t *rate;
    void (*tell)(void *listener, const clerk_gate_news_t *news); /* or NULL */
    void *listener;
} clerk_gate_needs_t;

/* Make the port; it lives as long as `p`. Any number of threads may use it. */
void clerk_gate_create(apr_pool_t *p, const clerk_gate_needs_t *needs,
                       clerk_fetch_port_t *port);

#endif
