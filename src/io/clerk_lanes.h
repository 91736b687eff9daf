/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_lanes.h: what calls to Clerk are made with, kept for the next call.
 *
 * Owns: who gets which, how many there are, and when one is closed. Must
 * never know: what they are. Called by: clerk_curl.
 *
 * A lane is one set of credentials; nothing ever moves from lane to lane. Each
 * that is made opens a connection of its own and holds memory, so that a
 * caller waits a moment for one in use rather than make another, as long as
 * calls are short. Those that are too many are closed after a while.
 */
#ifndef CLERK_LANES_H
#define CLERK_LANES_H

#include <apr_pools.h>
#include <apr_time.h>

#include "clerk_crypto.h"

/* So many of a lane are made and kept without further thought. */
#define CLERK_LANES_FEW 4
/* Where calls take no longer than this (microseconds), one in use is soon
 * back, */
#define CLERK_LANES_PACE apr_time_from_msec(20)
/* and is waited for as long as this at most: a new connection takes longer. */
#define CLERK_LANES_PATIENCE apr_time_from_msec(50)
/* The same as long as nobody knows how long calls take. */
#define CLERK_LANES_FIRST apr_time_from_msec(100)
/* After so long without a call, one of more than a few is closed. */
#define CLERK_LANES_IDLE apr_time_from_sec(10)

typedef struct clerk_lanes_t clerk_lanes_t;

/*
 * Make it, for things of `size` bytes. `close` undoes what the caller has made
 * of one; it is called by any thread, and when `p` is destroyed, for all that
 * are idle. NULL on failure.
 */
clerk_lanes_t *clerk_lanes_create(apr_pool_t *p, apr_size_t size,
                                  void (*close)(void *thing));

/*
 * One for the caller alone, until it gives it back: the one that was used
 * last, or, if there is none, a new one of zeros. NULL: no memory.
 */
void *clerk_lanes_take(clerk_lanes_t *lanes, const unsigned char *id);

/* How a call went, as far as those who wait for a thing are concerned. */
typedef struct clerk_lanes_use_t {
    apr_interval_time_t took; /* the call, with what was there already; 0: it
                               * says nothing about the next */
    apr_time_t now;           /* clerk_steady_now */
} clerk_lanes_use_t;

/* Give back what clerk_lanes_take returned for the same lane. */
void clerk_lanes_give(clerk_lanes_t *lanes, const unsigned char *id,
                      void *thing, const clerk_lanes_use_t *use);

#endif
