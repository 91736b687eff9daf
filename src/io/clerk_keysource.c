/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_keysource.h"

#include "clerk_api.h"
#include "clerk_keycopy.h"

static clerk_keycopy_t copy_of(const clerk_keysource_t *source)
{
    clerk_keycopy_t copy = { &source->needs->cache, source->realm->keys_lane,
                             source->p };

    return copy;
}

/* ------------------------------------------------------------------ */
/* Clerk                                                              */

/* What is left of the time, for a call. */
static int time_left(const clerk_keysource_t *source)
{
    apr_interval_time_t left = source->until - clerk_steady_now();
    int ms = (int)apr_time_as_msec(left);

    return ms < 1 ? 1 : ms;
}

/* For the others, good or bad. */
static void leave_word(const clerk_keysource_t *source, clerk_slice_t document,
                       const clerk_keyset_t *held)
{
    clerk_keycopy_t copy = copy_of(source);
    apr_time_t now = apr_time_now();

    if (!held) {
        clerk_keycopy_put_failure(&copy, now + CLERK_KEYSET_FRESH, now);
    }
    else if (held->set->keys->nelts) {
        clerk_keycopy_put(&copy, document,
                          held->fetched_at.day + CLERK_KEYSET_FRESH,
                          held->fetched_at.day);
    }
}

/*
 * Clerk has not been asked: the process ends, or ClerkRateLimit holds it back,
 * which is no reason to believe an old set for longer. Who can do without tries
 * again soon.
 */
static int is_unasked(const clerk_keysource_t *source, const clerk_call_t *call,
                      clerk_status_t status)
{
    return status != CLERK_OK
           && (clerk_call_is_given_up(call)
               || (status == CLERK_RATE_EXCEEDED
                   && source->hurry != CLERK_KEYS_NEEDED));
}

static void tell(const clerk_keysource_t *source, const clerk_call_t *call,
                 const clerk_event_t *event)
{
    const clerk_fetch_port_t *port = &source->needs->fetch;

    if (port->judge) {
        port->judge(port->self, call, event->status, event->answer);
    }
    if (source->log->called) {
        source->log->called(source->log->self, event);
    }
}

/*
 * It is not called a call of the background, of which ClerkRateLimit allows
 * fewer: it is one in minutes, and all JWTs depend upon it.
 */
static clerk_status_t fetch(clerk_keysource_t *source, clerk_keyset_t **held)
{
    const clerk_fetch_port_t *port = &source->needs->fetch;
    clerk_call_t call = { .timeout_ms = time_left(source) };
    clerk_answer_t answer = { 0 };
    clerk_event_t event = { .endpoint = clerk_api_jwks_name,
                            .answer = &answer,
                            .fix = clerk_api_jwks_fix };

    if (source->hurry == CLERK_KEYS_EARLY) {
        call.give_up = clerk_background_give_up(source->needs->background);
    }
    clerk_api_write_jwks(source->realm, source->p, &call);
    event.status = port->call(port->self, &call, source->p, &answer);
    if (is_unasked(source, &call, event.status)) {
        source->is_left = 1;
        return CLERK_OK;
    }
    if (event.status == CLERK_OK) {
        event.status = clerk_api_read_jwks(&answer, source->p);
        event.trace_id = clerk_api_trace_id(&answer, source->p, source->p);
    }
    if (event.status == CLERK_OK) {
        event.status = clerk_keyset_make(answer.body, apr_time_now(), held);
    }
    if (*held) {
        event.skipped = (*held)->set->skipped;
    }
    tell(source, &call, &event);
    leave_word(source, answer.body, *held);
    source->retry_after = answer.retry_after;
    return event.status;
}

/* ------------------------------------------------------------------ */
/* The other processes                                                */

/* Is the copy of another child an answer, be it that there is nothing new? */
static int load_copy(const clerk_keysource_t *source, clerk_keyset_t **held)
{
    clerk_keycopy_t copy = copy_of(source);
    apr_time_t now = apr_time_now();
    clerk_slice_t document;
    apr_time_t fetched_at;

    if (!clerk_keycopy_get(&copy, &document, &fetched_at)
        || fetched_at > now + CLERK_KEYS_COOL_DOWN
        || now >= fetched_at + CLERK_KEYSET_FRESH) {
        return 0;
    }
    if (fetched_at > source->than) {
        return clerk_keyset_make(document, fetched_at, held) == CLERK_OK;
    }
    return now < fetched_at + CLERK_KEYS_COOL_DOWN;
}

/* Has any process asked for it in vain of late? Who has an old set goes on with
 * it then; the background lets Clerk rest. */
static int has_failed(const clerk_keysource_t *source)
{
    clerk_keycopy_t copy = copy_of(source);
    apr_time_t now = apr_time_now();
    apr_interval_time_t lately = source->hurry == CLERK_KEYS_EARLY
                                     ? CLERK_KEYS_COOL_DOWN
                                     : CLERK_KEYSET_FRESH;
    apr_time_t failed_at;

    return source->hurry != CLERK_KEYS_NEEDED
           && clerk_keycopy_get_failure(&copy, &failed_at) && failed_at <= now
           && now < failed_at + lately;
}

/* Our turn to fetch it. */
static clerk_status_t take_turn(clerk_keysource_t *source,
                                const unsigned char *key,
                                clerk_turn_ticket_t *ticket,
                                clerk_keyset_t **held)
{
    clerk_turn_result_t result = { CLERK_OK, 0 };

    /* The copy may just have come. */
    if (!load_copy(source, held)) {
        result.status = fetch(source, held);
        result.retry_after = source->retry_after;
    }
    /* What was given up one of those who wait takes over. */
    clerk_slots_land(ticket, key, source->is_left ? NULL : &result);
    return result.status;
}

/* Fetch it ourselves, or hear what became of it from who is at it. */
static clerk_status_t fetch_once(clerk_keysource_t *source,
                                 clerk_keyset_t **held)
{
    unsigned char key[CLERK_SHA256_BYTES];
    apr_time_t now = clerk_steady_now();
    clerk_turn_wish_t wish = { .key = key,
                               .until = source->hurry == CLERK_KEYS_EARLY
                                            ? now
                                            : source->until,
                               .patience = source->until - now };
    clerk_turn_ticket_t ticket;
    clerk_turn_result_t result = { CLERK_OK, 0 };
    clerk_turn_t turn;

    if (!source->needs->slots || !source->needs->cache.get
        || clerk_keycopy_key(source->realm->keys_lane, key) != CLERK_OK) {
        return fetch(source, held);
    }
    turn = clerk_slots_take(source->needs->slots, &wish, &ticket, &result);
    if (turn == CLERK_TURN_LATE) {
        source->is_left = source->hurry == CLERK_KEYS_EARLY;
        return source->is_left ? CLERK_OK : CLERK_TIMED_OUT;
    }
    if (result.status != CLERK_OK) {
        source->retry_after = result.retry_after;
        return result.status;
    }
    return take_turn(source, key, &ticket, held);
}

clerk_status_t clerk_keysource_load(clerk_keysource_t *source,
                                    clerk_keyset_t **held)
{
    *held = NULL;
    source->is_left = 0;
    source->retry_after = 0;
    if (load_copy(source, held)) {
        return CLERK_OK;
    }
    if (has_failed(source)) {
        source->is_left = 1;
        return CLERK_OK;
    }
    return fetch_once(source, held);
}
