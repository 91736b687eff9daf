/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_lanes.h"

#include <string.h>

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "clerk_steady.h"

#define SWEEP_PERIOD apr_time_from_sec(1)

/* A thing, which follows it. */
typedef struct link_t {
    struct link_t *next;
    apr_time_t since; /* idle */
} link_t;

typedef struct lane_t {
    unsigned char id[CLERK_SHA256_BYTES];
    link_t *idle; /* the one used last first: it is warm */
    int busy;     /* how many are in use */
    int waiting;
    int most; /* in use before one is waited for */
    apr_time_t raised;
    apr_interval_time_t pace; /* of calls, nearly the quickest of late; 0: not
                               * known */
    apr_time_t swept;
    apr_thread_cond_t *returns; /* those who wait for one sleep here */
    struct lane_t *next;
} lane_t;

struct clerk_lanes_t {
    apr_pool_t *p;
    apr_thread_mutex_t *mutex; /* guards all, and `p` */
    lane_t *first;             /* a few: one per configuration */
    link_t *spare;             /* closed */
    apr_size_t size;
    void (*close)(void *thing);
};

static void *thing_of(link_t *link)
{
    return link + 1;
}

static link_t *link_of(void *thing)
{
    return (link_t *)thing - 1;
}

/* ------------------------------------------------------------------ */
/* With the mutex held                                                */

static lane_t *find(clerk_lanes_t *lanes, const unsigned char *id)
{
    lane_t *lane;

    for (lane = lanes->first; lane; lane = lane->next) {
        if (memcmp(lane->id, id, sizeof(lane->id)) == 0) {
            return lane;
        }
    }
    lane = apr_pcalloc(lanes->p, sizeof(*lane));
    if (apr_thread_cond_create(&lane->returns, lanes->p) != APR_SUCCESS) {
        return NULL;
    }
    lane->most = CLERK_LANES_FEW;
    memcpy(lane->id, id, sizeof(lane->id));
    lane->next = lanes->first;
    lanes->first = lane;
    return lane;
}

static link_t *make(clerk_lanes_t *lanes)
{
    link_t *link = lanes->spare;

    if (link) {
        lanes->spare = link->next;
        memset(thing_of(link), 0, lanes->size);
        return link;
    }
    return apr_pcalloc(lanes->p, sizeof(*link) + lanes->size);
}

/* Calls that take longer than anybody would wait are not waited for. */
static int is_worth_waiting(const lane_t *lane)
{
    return !lane->idle && lane->busy >= lane->most
           && lane->pace <= CLERK_LANES_PACE;
}

/*
 * Whoever has waited in vain may take a new one, and so may a few others: twice
 * as many as there were, and not all at once, since it is the many new
 * connections that keep the ones in use from coming back.
 */
static void wait_for_one(const clerk_lanes_t *lanes, lane_t *lane)
{
    apr_interval_time_t patience =
        lane->pace ? CLERK_LANES_PATIENCE : CLERK_LANES_FIRST;
    apr_time_t now = clerk_steady_now();
    apr_time_t began = now;

    lane->waiting++;
    while (is_worth_waiting(lane)) {
        apr_time_t from = lane->raised > began ? lane->raised : began;

        if (now < from + patience) {
            (void)apr_thread_cond_timedwait(lane->returns, lanes->mutex,
                                            from + patience - now);
            now = clerk_steady_now();
        }
        else {
            lane->most *= 2;
            lane->raised = now;
        }
    }
    lane->waiting--;
}

/* What is slow for want of processors says little about the other side. */
static void keep_pace(lane_t *lane, apr_interval_time_t took)
{
    if (!lane->pace || took < lane->pace) {
        lane->pace = took;
    }
    else {
        lane->pace += (took - lane->pace) / 8;
    }
}

/*
 * Now and then, take out those that nobody has needed for a while. They stand
 * at the end, since the one used last is used next.
 */
static link_t *sweep(lane_t *lane, apr_time_t now)
{
    link_t **link = &lane->idle;
    link_t *old;
    int kept = lane->busy;

    if (now < lane->swept + SWEEP_PERIOD) {
        return NULL;
    }
    lane->swept = now;
    while (*link
           && (kept < CLERK_LANES_FEW
               || now - (*link)->since < CLERK_LANES_IDLE)) {
        kept++;
        link = &(*link)->next;
    }
    old = *link;
    *link = NULL;
    if (old) {
        lane->most = kept > CLERK_LANES_FEW ? kept : CLERK_LANES_FEW;
    }
    return old;
}

/* ------------------------------------------------------------------ */

void *clerk_lanes_take(clerk_lanes_t *lanes, const unsigned char *id)
{
    link_t *link = NULL;
    lane_t *lane;

    apr_thread_mutex_lock(lanes->mutex);
    lane = find(lanes, id);
    if (lane) {
        if (is_worth_waiting(lane)) {
            wait_for_one(lanes, lane);
        }
        link = lane->idle;
        if (link) {
            lane->idle = link->next;
        }
        else {
            link = make(lanes);
        }
        lane->busy++;
    }
    apr_thread_mutex_unlock(lanes->mutex);
    return link ? thing_of(link) : NULL;
}

/* Closing may talk to the other side: nobody waits for that. */
static void close_all(clerk_lanes_t *lanes, link_t *old)
{
    link_t *last;

    if (!old) {
        return;
    }
    for (last = old;; last = last->next) {
        lanes->close(thing_of(last));
        if (!last->next) {
            break;
        }
    }
    apr_thread_mutex_lock(lanes->mutex);
    last->next = lanes->spare;
    lanes->spare = old;
    apr_thread_mutex_unlock(lanes->mutex);
}

void clerk_lanes_give(clerk_lanes_t *lanes, const unsigned char *id,
                      void *thing, const clerk_lanes_use_t *use)
{
    link_t *link = link_of(thing);
    link_t *old;
    lane_t *lane;

    apr_thread_mutex_lock(lanes->mutex);
    lane = find(lanes, id);
    link->since = use->now;
    link->next = lane->idle;
    lane->idle = link;
    lane->busy--;
    if (use->took) {
        keep_pace(lane, use->took);
    }
    old = sweep(lane, use->now);
    if (lane->waiting && lane->pace > CLERK_LANES_PACE) {
        apr_thread_cond_broadcast(lane->returns);
    }
    else if (lane->waiting) {
        apr_thread_cond_signal(lane->returns);
    }
    apr_thread_mutex_unlock(lanes->mutex);
    close_all(lanes, old);
}

static apr_status_t close_idle(void *data)
{
    clerk_lanes_t *lanes = data;
    lane_t *lane;
    link_t *link;

    for (lane = lanes->first; lane; lane = lane->next) {
        for (link = lane->idle; link; link = link->next) {
            lanes->close(thing_of(link));
        }
        lane->idle = NULL;
    }
    return APR_SUCCESS;
}

clerk_lanes_t *clerk_lanes_create(apr_pool_t *p, apr_size_t size,
                                  void (*close)(void *thing))
{
    clerk_lanes_t *lanes = apr_pcalloc(p, sizeof(*lanes));

    if (apr_pool_create(&lanes->p, p) != APR_SUCCESS
        || apr_thread_mutex_create(&lanes->mutex, APR_THREAD_MUTEX_DEFAULT, p)
               != APR_SUCCESS) {
        return NULL;
    }
    lanes->size = size;
    lanes->close = close;
    /* Before the subpool goes. */
    apr_pool_pre_cleanup_register(p, lanes, close_idle);
    return lanes;
}
