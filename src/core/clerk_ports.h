/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_ports.h: the doors through which core reaches the outside world.
 *
 * Owns: the function tables for HTTP, cache, clock and log, and the structs
 * that pass through them. Must never know: who stands behind a door. Core
 * calls them; io and the glue, and unit tests, implement them.
 *
 * Every function is called on the thread of a request or one of the background,
 * but for `read`, and may be called by many threads at once.
 */
#ifndef CLERK_PORTS_H
#define CLERK_PORTS_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "clerk_crypto.h"
#include "clerk_record.h"
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
    int timeout_ms;    /* of this call; 0: the route's */
    int is_background; /* nobody waits for the answer */
    /* Given up when this is no longer 0; may be NULL. */
    const apr_uint32_t *give_up;
    /*
     * Make something of an answer that has arrived whole, on the thread that
     * the port calls on, before it returns; `scratch` goes then. NULL: there
     * is nothing to do.
     */
    void (*read)(void *reader, const clerk_answer_t *answer,
                 apr_pool_t *scratch);
    void *reader;
} clerk_call_t;

/* What breaks off at the end of a process is nobody's fault. */
static inline int clerk_call_is_given_up(const clerk_call_t *call)
{
    return call->give_up && __atomic_load_n(call->give_up, __ATOMIC_ACQUIRE);
}

typedef struct clerk_fetch_port_t {
    void *self;
    /*
     * CLERK_OK: an HTTP answer arrived whole, whatever its status. Else a
     * status of class UPSTREAM or INTERNAL, with `detail` and `took` set.
     */
    clerk_status_t (*call)(void *self, const clerk_call_t *call, apr_pool_t *p,
                           clerk_answer_t *answer);
    /*
     * What the caller made of it, once for each call that was answered or
     * failed. NULL: nobody wants to know.
     */
    void (*judge)(void *self, const clerk_call_t *call, clerk_status_t status,
                  const clerk_answer_t *answer);
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
    /* The same for a refusal: anybody can bring about as many of these as he
     * likes, so that they take the room of no other record, but for one under
     * the same key, which goes. NULL where `set` is. */
    void (*set_refusal)(void *self, const unsigned char key[CLERK_SHA256_BYTES],
                        clerk_slice_t bytes, apr_time_t expires, apr_pool_t *p);
} clerk_cache_port_t;

typedef struct clerk_near_entry_t {
    clerk_record_t record;    /* with CLERK_OK */
    apr_time_t looked_at;     /* when the cache behind had it, */
    const unsigned char *key; /* under this key, CLERK_SHA256_BYTES, */
    apr_uint32_t deaths;      /* after so many deaths of it */
} clerk_near_entry_t;

/*
 * A cache in the memory of this process, of what one configuration makes of
 * the records in the cache behind it; and what all processes know of deaths.
 */
typedef struct clerk_near_port_t {
    void *self;
    int is_shared; /* the cache behind it, with other machines, whose deaths
                    * nobody counts here */
    /* True, and the entry in `p`, if there is one of this token. NULL, as is
     * `put`: there is no such cache. */
    int (*get)(void *self, clerk_slice_t token, apr_pool_t *p,
               clerk_near_entry_t *entry);
    void (*put)(void *self, clerk_slice_t token,
                const clerk_near_entry_t *entry);
    /* How many deaths there have been of this key, and of a few others that
     * are counted with it. NULL, as is `bury`: nobody counts. */
    apr_uint32_t (*deaths)(void *self,
                           const unsigned char key[CLERK_SHA256_BYTES]);
    /* Count one: before the cache behind is told, and after. */
    void (*bury)(void *self, const unsigned char key[CLERK_SHA256_BYTES]);
} clerk_near_port_t;

/* How a flight ended. */
typedef struct clerk_landing_t {
    clerk_status_t status;
    clerk_slice_t record; /* with CLERK_OK: bytes of clerk_record_write; may
                           * be empty */
    int retry_after;      /* seconds, with class UPSTREAM; 0: not known */
} clerk_landing_t;

/* A place on a flight, which the caller keeps until it has landed. */
typedef struct clerk_seat_t {
    const unsigned char *key;     /* CLERK_SHA256_BYTES: what is found out */
    apr_interval_time_t patience; /* microseconds, of the whole flight */
    int is_private;    /* what is found out does not go into the cache, so
                        * that other processes would wait in vain */
    int is_background; /* nobody waits: not counted, and not for waiting */
    apr_interval_time_t waited; /* with true: of the patience, for others */
    /* The port's own. */
    apr_time_t boarded;
    void *flight;
} clerk_seat_t;

/*
 * One who finds out, others who wait for it: among the threads of this
 * process and, through the cache, among those of all.
 */
typedef struct clerk_flight_port_t {
    void *self;
    /*
     * True: the caller finds out, after another look into the cache, and then
     * has to call `land`. False: it is over for the caller; `landing` says how
     * and lies in `p`. NULL: everybody flies alone.
     */
    int (*board)(void *self, clerk_seat_t *seat, apr_pool_t *p,
                 clerk_landing_t *landing);
    void (*land)(void *self, clerk_seat_t *seat,
                 const clerk_landing_t *landing);
} clerk_flight_port_t;

struct clerk_terms_t;
struct clerk_token_t;

typedef struct clerk_refresh_port_t {
    void *self;
    /*
     * A token that is in use was verified so long ago that it would soon be
     * asked about again: do so meanwhile, once for all processes. `terms` and
     * what they point to outlive the process's work. NULL: nobody does.
     */
    void (*offer)(void *self, const struct clerk_terms_t *terms,
                  const struct clerk_token_t *token, const unsigned char *key);
} clerk_refresh_port_t;

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
    apr_time_t as_of; /* with CLERK_OK: as of when the key is believed, which
                       * is not after it was last seen in the set */
    int retry_after;  /* seconds, with class UPSTREAM; 0: not known */
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
    clerk_near_port_t near;
    clerk_keys_port_t keys;
    clerk_log_port_t log;
    clerk_flight_port_t flight;
    clerk_refresh_port_t refresh;
    const apr_uint32_t *give_up; /* all calls, when it is no longer 0; may be
                                  * NULL */
    apr_time_t (*now)(void);
} clerk_ports_t;

#endif
