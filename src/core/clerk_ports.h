/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_ports.h: the doors through which core reaches the outside world.
 *
 * Owns: the function tables for HTTP, cache, clock and log, and the structs
 * that pass through them. Must never know: who stands behind a door. Core
 * calls them; io and the glue, and unit tests, implement them.
 *
 * Every function is called on the thread of the request and may be called by
 * many threads at once.
 */
#ifndef CLERK_PORTS_H
#define CLERK_PORTS_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "clerk_crypto.h"
#include "clerk_slice.h"
#include "clerk_status.h"

#define CLERK_ANSWER_MAX (256 * 1024) /* bytes of a body that are read */

struct clerk_realm_t;
struct clerk_jwt_t;

/* How to reach Clerk: the same for all calls of one configuration. */
typedef struct clerk_route_t {
    int timeout_ms; /* the whole call */
    int connect_timeout_ms;
    const char *proxy;    /* URL, or NULL for none */
    const char *ca_certs; /* PEM text, or NULL for the system's trust */
} clerk_route_t;

/*
 * A request to Clerk. `lane` names the set of credentials (and route) that it
 * belongs to: connections are kept alive per lane and never shared between
 * two lanes.
 */
typedef struct clerk_call_t {
    const char *url;
    int is_post;
    const char *headers[6]; /* `Name: value`, ended by NULL */
    clerk_slice_t body;
    apr_size_t answer_max;     /* bytes of the answer's body; 0: the above */
    const unsigned char *lane; /* CLERK_SHA256_BYTES */
    const clerk_route_t *route;
} clerk_call_t;

/* What came back. All text lies in the pool of the call. */
typedef struct clerk_answer_t {
    int http; /* status code */
    clerk_slice_t body;
    int retry_after;          /* seconds; 0: none given */
    const char *content_type; /* or NULL */
    const char *ray;          /* Cloudflare's `cf-ray`, or NULL */
    const char *detail;       /* why there is no answer, for the log */
    apr_interval_time_t took; /* microseconds */
} clerk_answer_t;

typedef struct clerk_fetch_port_t {
    void *self;
    /*
     * CLERK_OK: an HTTP answer arrived whole, whatever its status. Else a
     * status of class UPSTREAM or INTERNAL, with `detail` and `took` set.
     */
    clerk_status_t (*call)(void *self, const clerk_call_t *call, apr_pool_t *p,
                           clerk_answer_t *answer);
} clerk_fetch_port_t;

typedef struct clerk_cache_port_t {
    void *self;
    /* CLERK_OK and the bytes, in `p`; anything else is a miss. */
    clerk_status_t (*get)(void *self,
                          const unsigned char key[CLERK_SHA256_BYTES],
                          apr_pool_t *p, clerk_slice_t *bytes);
    /* Keep until `expires` (microseconds since 1970); failure is logged by
     * the port and otherwise of no consequence. */
    void (*set)(void *self, const unsigned char key[CLERK_SHA256_BYTES],
                clerk_slice_t bytes, apr_time_t expires, apr_pool_t *p);
} clerk_cache_port_t;

/* What a call to Clerk amounted to; see clerk_verify. */
typedef struct clerk_event_t {
    const char *endpoint; /* `token_info`, … */
    clerk_status_t status;
    const clerk_answer_t *answer;
    const char *trace_id;              /* Clerk's, else Cloudflare's, or NULL;
                                        * letters, digits, `-` and `_` */
    const apr_array_header_t *skipped; /* of const char *: keys that are none,
                                        * and why; or NULL */
    const char *fix;                   /* with class CONFIG: what to look at */
} clerk_event_t;

typedef struct clerk_log_port_t {
    void *self;
    /* A call to Clerk has ended, well or badly. */
    void (*called)(void *self, const clerk_event_t *event);
} clerk_log_port_t;

typedef struct clerk_proof_t {
    const clerk_log_port_t *log; /* whom calls are reported to */
    apr_time_t as_of; /* with CLERK_OK: when the key was last seen in the set */
} clerk_proof_t;

typedef struct clerk_keys_port_t {
    void *self;
    /*
     * Is a JWT signed with one of the realm's keys? CLERK_OK,
     * CLERK_SIGNATURE_INVALID, CLERK_KEY_UNKNOWN, CLERK_ALGORITHM_REFUSED, or
     * a status of class UPSTREAM or CONFIG when there are no keys to be had.
     */
    clerk_status_t (*check)(void *self, const struct clerk_realm_t *realm,
                            const struct clerk_jwt_t *jwt, clerk_proof_t *proof,
                            apr_pool_t *p);
} clerk_keys_port_t;

typedef struct clerk_ports_t {
    clerk_fetch_port_t fetch;
    clerk_cache_port_t cache; /* get and set NULL: no cache */
    clerk_keys_port_t keys;
    clerk_log_port_t log;
    apr_time_t (*now)(void);
} clerk_ports_t;

#endif
