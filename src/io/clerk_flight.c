/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_flight.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "clerk_steady.h"

#define BUCKETS 64

typedef struct flight_t {
    unsigned char key[CLERK_SHA256_BYTES];
    apr_pool_t *p;              /* of the record; emptied with each flight */
    apr_thread_cond_t *arrival; /* those who wait sleep here */
    int users;                  /* the leader is one of them */
    int has_landed;
    int is_void; /* it brought nothing: who rode it finds out by himself */
    clerk_landing_t landing;
    apr_time_t began;
    clerk_turn_ticket_t ticket; /* the leader's alone */
    struct flight_t *next;
} flight_t;

typedef struct tower_t {
    apr_pool_t *p;
    apr_thread_mutex_t *mutex; /* guards all but the tickets, and `p` */
    flight_t *flights[BUCKETS];
    flight_t *spare;
    clerk_slots_t *slots;
    clerk_pending_t *pending;
} tower_t;

/* ------------------------------------------------------------------ */
/* With the mutex held                                                */

static flight_t **bucket_of(tower_t *tower, const unsigned char *key)
{
    return &tower->flights[key[CLERK_SHA256_BYTES - 1] % BUCKETS];
}

static flight_t *find(tower_t *tower, const unsigned char *key)
{
    flight_t *flight;

    for (flight = *bucket_of(tower, key); flight; flight = flight->next) {
        if (memcmp(flight->key, key, sizeof(flight->key)) == 0) {
            return flight;
        }
    }
    return NULL;
}

/* One with everything it needs; NULL when there is no memory. */
static flight_t *take_spare(tower_t *tower)
{
    flight_t *flight = tower->spare;

    if (flight) {
        tower->spare = flight->next;
        return flight;
    }
    flight = apr_pcalloc(tower->p, sizeof(*flight));
    if (apr_thread_cond_create(&flight->arrival, tower->p) != APR_SUCCESS
        || apr_pool_create(&flight->p, tower->p) != APR_SUCCESS) {
        return NULL;
    }
    return flight;
}

static flight_t *take_off(tower_t *tower, const unsigned char *key)
{
    flight_t **bucket = bucket_of(tower, key);
    flight_t *flight = take_spare(tower);

    if (!flight) {
        return NULL;
    }
    memcpy(flight->key, key, sizeof(flight->key));
    memset(&flight->landing, 0, sizeof(flight->landing));
    memset(&flight->ticket, 0, sizeof(flight->ticket));
    flight->users = 1;
    flight->has_landed = 0;
    flight->is_void = 0;
    flight->began = clerk_steady_now();
    flight->next = *bucket;
    *bucket = flight;
    return flight;
}

static void get_off(tower_t *tower, flight_t *flight)
{
    if (--flight->users == 0) {
        apr_pool_clear(flight->p);
        flight->next = tower->spare;
        tower->spare = flight;
    }
}

static void touch_down(tower_t *tower, flight_t *flight,
                       const clerk_landing_t *landing)
{
    flight_t **link = bucket_of(tower, flight->key);
    int riders;

    while (*link != flight) {
        link = &(*link)->next;
    }
    *link = flight->next;
    flight->landing = *landing;
    if (flight->users > 1 && landing->record.len) {
        flight->landing.record.ptr =
            apr_pmemdup(flight->p, landing->record.ptr, landing->record.len);
    }
    flight->has_landed = 1;
    /* Those who rode wait no more, though some may not run yet. */
    for (riders = flight->users - 1; riders > 0; riders--) {
        clerk_pending_leave(tower->pending);
    }
    apr_thread_cond_broadcast(flight->arrival);
    get_off(tower, flight);
}

static void refuse(clerk_landing_t *landing, clerk_status_t status)
{
    memset(landing, 0, sizeof(*landing));
    landing->status = status;
    landing->retry_after = 1;
}

/* What is held back in the background, left to another process, or given up at
 * the end of its own, need not be for those who wait. */
static int is_void(const clerk_seat_t *seat, const clerk_landing_t *landing)
{
    return seat->is_background
           && (landing->status == CLERK_RATE_EXCEEDED
               || landing->status == CLERK_PENDING_EXCEEDED
               || clerk_status_class(landing->status) == CLERK_CLASS_INTERNAL);
}

/*
 * Wait until the flight has landed, the time is up, or there are too many who
 * wait and it takes too long. CLERK_OK: it has landed.
 */
static clerk_status_t sleep_until_arrival(tower_t *tower, flight_t *flight,
                                          int is_brief, apr_time_t deadline)
{
    apr_time_t young_until = flight->began + CLERK_PENDING_MOMENT;

    while (!flight->has_landed) {
        apr_time_t now = clerk_steady_now();
        apr_time_t until =
            is_brief && young_until < deadline ? young_until : deadline;

        if (now >= deadline) {
            return CLERK_TIMED_OUT;
        }
        if (now < until) {
            (void)apr_thread_cond_timedwait(flight->arrival, tower->mutex,
                                            until - now);
        }
        else if (clerk_pending_is_crowded(tower->pending)) {
            return CLERK_PENDING_EXCEEDED;
        }
        else {
            is_brief = 0;
        }
    }
    return CLERK_OK;
}

/* False: it brought nothing. */
static int ride(tower_t *tower, flight_t *flight, const clerk_seat_t *seat,
                apr_pool_t *p, clerk_landing_t *landing)
{
    int is_brief = 0;
    int is_over = 1;
    clerk_status_t status;

    if (!clerk_pending_join(tower->pending, CLERK_PENDING_LONG)) {
        is_brief = clerk_steady_now() < flight->began + CLERK_PENDING_MOMENT
                   && clerk_pending_join(tower->pending, CLERK_PENDING_BRIEF);
        if (!is_brief) {
            refuse(landing, CLERK_PENDING_EXCEEDED);
            return 1;
        }
    }
    flight->users++;
    status = sleep_until_arrival(tower, flight, is_brief,
                                 seat->boarded + seat->patience);
    if (status == CLERK_OK) {
        is_over = !flight->is_void;
        *landing = flight->landing;
        landing->record.ptr =
            landing->record.len
                ? apr_pmemdup(p, landing->record.ptr, landing->record.len)
                : NULL;
    }
    else {
        refuse(landing, status);
    }
    if (!flight->has_landed) {
        clerk_pending_leave(tower->pending);
    }
    get_off(tower, flight);
    return is_over;
}

/* ------------------------------------------------------------------ */

static void land(void *self, clerk_seat_t *seat, const clerk_landing_t *landing)
{
    tower_t *tower = self;
    flight_t *flight = seat->flight;
    clerk_turn_result_t result = { landing->status, landing->retry_after };

    if (!flight) {
        return;
    }
    seat->flight = NULL;
    clerk_slots_land(&flight->ticket, seat->key,
                     is_void(seat, landing) ? NULL : &result);
    apr_thread_mutex_lock(tower->mutex);
    flight->is_void = is_void(seat, landing);
    if (!seat->is_background) {
        clerk_pending_leave(tower->pending);
    }
    touch_down(tower, flight, landing);
    apr_thread_mutex_unlock(tower->mutex);
}

/* Is it for us to find out, or does another process? */
static int lead(tower_t *tower, clerk_seat_t *seat, clerk_landing_t *landing)
{
    flight_t *flight = seat->flight;
    clerk_turn_wish_t wish = { .key = seat->key,
                               .until = seat->boarded,
                               .patience = seat->patience };
    clerk_turn_result_t result = { CLERK_OK, 0 };

    if (!tower->slots || seat->is_private) {
        return 1;
    }
    if (!seat->is_background) {
        wish.until += seat->patience;
    }
    switch (clerk_slots_take(tower->slots, &wish, &flight->ticket, &result)) {
    case CLERK_TURN_LATE:
        refuse(landing,
               seat->is_background ? CLERK_PENDING_EXCEEDED : CLERK_TIMED_OUT);
        break;
    case CLERK_TURN_LANDED:
        landing->status = result.status;
        landing->retry_after = result.retry_after;
        break;
    default:
        break;
    }
    seat->waited = clerk_steady_now() - seat->boarded;
    if (landing->status == CLERK_OK) {
        return 1;
    }
    land(tower, seat, landing);
    return 0;
}

/* Has somebody else found out, or failed to? With the mutex held. */
static int ride_along(tower_t *tower, const clerk_seat_t *seat, apr_pool_t *p,
                      clerk_landing_t *landing)
{
    flight_t *flight;

    while ((flight = find(tower, seat->key)) != NULL) {
        if (seat->is_background) {
            refuse(landing, CLERK_PENDING_EXCEEDED);
            return 1;
        }
        if (ride(tower, flight, seat, p, landing)) {
            return 1;
        }
    }
    return 0;
}

/* With the mutex held. */
static void set_out(tower_t *tower, clerk_seat_t *seat,
                    clerk_landing_t *landing)
{
    flight_t *flight;

    memset(landing, 0, sizeof(*landing));
    if (!seat->is_background
        && !clerk_pending_join(tower->pending, CLERK_PENDING_LONG)) {
        refuse(landing, CLERK_PENDING_EXCEEDED);
        return;
    }
    flight = take_off(tower, seat->key);
    if (flight) {
        seat->flight = flight;
        seat->waited = flight->began - seat->boarded;
        return;
    }
    refuse(landing, CLERK_INTERNAL);
    if (!seat->is_background) {
        clerk_pending_leave(tower->pending);
    }
}

static int board(void *self, clerk_seat_t *seat, apr_pool_t *p,
                 clerk_landing_t *landing)
{
    tower_t *tower = self;

    seat->flight = NULL;
    seat->boarded = clerk_steady_now();
    apr_thread_mutex_lock(tower->mutex);
    if (!ride_along(tower, seat, p, landing)) {
        set_out(tower, seat, landing);
    }
    apr_thread_mutex_unlock(tower->mutex);
    return seat->flight && lead(tower, seat, landing);
}

clerk_status_t clerk_flight_create(apr_pool_t *p, clerk_slots_t *slots,
                                   clerk_pending_t *pending,
                                   clerk_flight_port_t *port)
{
    tower_t *tower = apr_pcalloc(p, sizeof(*tower));

    memset(port, 0, sizeof(*port));
    if (apr_pool_create(&tower->p, p) != APR_SUCCESS
        || apr_thread_mutex_create(&tower->mutex, APR_THREAD_MUTEX_DEFAULT, p)
               != APR_SUCCESS) {
        return CLERK_INTERNAL;
    }
    tower->slots = slots;
    tower->pending = pending;
    port->self = tower;
    port->board = board;
    port->land = land;
    return CLERK_OK;
}
