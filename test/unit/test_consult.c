/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding out together: what clerk_verify does with flights, with what is a
 * little too old, and with what is due.
 */
#include "unit_ports.h"

#include "clerk_consult.h"
#include "clerk_record.h"

#define OAT "oat_0ef5a7a33d87ed87ee7954c845d80450"
#define TOKEN_INFO "/oauth/token_info"
#define ACTIVE "{\"active\":true,\"sub\":\"user_2\",\"scope\":\"profile\"}"
#define DEAD "{\"active\":false}"

/* A flight port that says what it was told to say. */
typedef struct flight_t {
    unit_world_t *world;
    int is_told;             /* by somebody else */
    clerk_landing_t landing; /* what is told, or what was */
    clerk_seat_t seat;
    apr_interval_time_t waited;
    void (*meanwhile)(struct flight_t *flight);
    int boarded;
    int landed;
    int offers;
    int judged;
    clerk_status_t judgement;
    int timeout_ms; /* of the last call */
} flight_t;

static int board(void *self, clerk_seat_t *seat, apr_pool_t *p,
                 clerk_landing_t *landing)
{
    flight_t *flight = self;

    (void)p;
    flight->boarded++;
    flight->seat = *seat;
    seat->waited = flight->waited;
    if (flight->meanwhile) {
        flight->meanwhile(flight);
    }
    *landing = flight->landing;
    return !flight->is_told;
}

static void land(void *self, clerk_seat_t *seat, const clerk_landing_t *landing)
{
    flight_t *flight = self;

    (void)seat;
    flight->landed++;
    flight->landing = *landing;
}

static void offer(void *self, const clerk_terms_t *terms,
                  const clerk_token_t *token, const unsigned char *key)
{
    flight_t *flight = self;

    assert_ptr_equal(terms, &flight->world->terms);
    assert_true(clerk_slice_is(token->text, OAT));
    assert_memory_equal(key, flight->world->entries[0].key, CLERK_SHA256_BYTES);
    flight->offers++;
}

static void judge(void *self, const clerk_call_t *call, clerk_status_t status,
                  const clerk_answer_t *answer)
{
    flight_t *flight = ((unit_world_t *)self)->ports.flight.self;

    assert_non_null(answer);
    flight->judged++;
    flight->judgement = status;
    flight->timeout_ms = call->timeout_ms;
}

static flight_t *flight_of(apr_pool_t *p)
{
    flight_t *flight = apr_pcalloc(p, sizeof(*flight));
    unit_world_t *world = unit_world(p);

    flight->world = world;
    world->ports.flight.self = flight;
    world->ports.flight.board = board;
    world->ports.flight.land = land;
    world->ports.refresh.self = flight;
    world->ports.refresh.offer = offer;
    world->ports.fetch.judge = judge;
    world->terms.is_permanent = 1;
    world->terms.realm.route.timeout_ms = 5000;
    return flight;
}

static void at(apr_int64_t seconds)
{
    unit_clock = apr_time_from_sec(UNIT_NOW + seconds);
}

static clerk_status_t again(unit_world_t *world)
{
    clerk_token_t token = { .text = clerk_slice_str(OAT),
                            .kind = CLERK_KIND_OAUTH };

    return clerk_verify_again(&world->ports, &world->terms, &token, world->p);
}

static void who_leads_tells(void **state)
{
    flight_t *flight = flight_of(*state);
    unit_world_t *world = flight->world;
    clerk_record_t record;

    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(flight->boarded, 1);
    assert_int_equal(flight->landed, 1);
    assert_false(flight->seat.is_private);
    assert_false(flight->seat.is_background);
    assert_true(flight->seat.patience == apr_time_from_sec(5));
    assert_false(world->verdict.has_waited);
    assert_int_equal(flight->landing.status, CLERK_OK);
    assert_int_equal(clerk_record_read(*state, flight->landing.record, &record),
                     CLERK_OK);
    assert_string_equal(clerk_claims_get(record.identity, "sub"), "user_2");
    assert_int_equal(flight->judged, 1);
    assert_int_equal(flight->judgement, CLERK_OK);
    /* A hit boards nothing. */
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(flight->boarded, 1);
}

static void who_waits_is_told(void **state)
{
    flight_t *flight = flight_of(*state);
    unit_world_t *world = flight->world;

    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    world->count = 0;
    flight->is_told = 1;
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_true(world->verdict.has_waited);
    assert_string_equal(clerk_claims_get(world->verdict.identity, "sub"),
                        "user_2");
    assert_int_equal(world->calls, 1);

    memset(&flight->landing, 0, sizeof(flight->landing));
    flight->landing.status = CLERK_TOKEN_REVOKED;
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_REVOKED);
    flight->landing.status = CLERK_TIMED_OUT;
    flight->landing.retry_after = 9;
    assert_int_equal(unit_verify(world, OAT), CLERK_TIMED_OUT);
    assert_int_equal(world->verdict.retry_after, 9);
    /* Good, but nobody can say what: it is asked about after all. */
    flight->landing.status = CLERK_OK;
    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(world->calls, 2);
}

static void fill_cache(flight_t *flight)
{
    unit_world_t *world = flight->world;

    flight->meanwhile = NULL;
    world->ports.flight.board = NULL;
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    world->ports.flight.board = board;
}

/* Another process was faster: what it found is in the cache. */
static void who_leads_looks_once_more(void **state)
{
    flight_t *flight = flight_of(*state);
    unit_world_t *world = flight->world;

    flight->meanwhile = fill_cache;
    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(world->calls, 1);
    assert_int_equal(flight->landed, 1);
    assert_true(flight->landing.record.len > 0);
}

static void having_waited_moves_no_deadline(void **state)
{
    flight_t *flight = flight_of(*state);

    flight->waited = apr_time_from_msec(4200);
    unit_say(flight->world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(flight->world, OAT), CLERK_OK);
    assert_int_equal(flight->timeout_ms, 800);
    flight->waited = apr_time_from_msec(5200);
    flight->world->count = 0;
    unit_say(flight->world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(flight->world, OAT), CLERK_OK);
    assert_int_equal(flight->timeout_ms, 1);
}

static void without_a_cache_it_is_private(void **state)
{
    flight_t *flight = flight_of(*state);

    flight->world->terms.cache_ttl = flight->world->terms.negative_ttl = 0;
    unit_say(flight->world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(flight->world, OAT), CLERK_OK);
    assert_true(flight->seat.is_private);
    assert_true(flight->landing.record.len > 0);
}

/* ClerkStaleIfError. */
static void what_was_good_will_do_in_an_outage(void **state)
{
    flight_t *flight = flight_of(*state);
    unit_world_t *world = flight->world;

    world->terms.stale_if_error = 100;
    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_true(world->entries[0].expires == apr_time_from_sec(UNIT_NOW + 160));
    at(60);
    unit_say(world, TOKEN_INFO, 500, "{}");
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(world->verdict.cache, CLERK_CACHE_STALE);
    /* Nor does it matter why nobody asked. */
    flight->is_told = 1;
    memset(&flight->landing, 0, sizeof(flight->landing));
    flight->landing.status = CLERK_PENDING_EXCEEDED;
    at(159);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    at(160);
    assert_int_equal(unit_verify(world, OAT), CLERK_PENDING_EXCEEDED);
    /* That we are refused is no outage. */
    at(100);
    flight->landing.status = CLERK_CREDENTIALS_REFUSED;
    assert_int_equal(unit_verify(world, OAT), CLERK_CREDENTIALS_REFUSED);
    flight->landing.status = CLERK_TOKEN_INACTIVE;
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_INACTIVE);
}

static void never_once_it_is_dead(void **state)
{
    flight_t *flight = flight_of(*state);
    unit_world_t *world = flight->world;
    int negative_ttl;

    for (negative_ttl = 0; negative_ttl <= 10; negative_ttl += 10) {
        world->terms.stale_if_error = 1000;
        world->terms.negative_ttl = negative_ttl;
        world->count = 0;
        at(0);
        world->calls = 0;
        memset(world->script, 0, sizeof(world->script));
        unit_say(world, TOKEN_INFO, 200, ACTIVE);
        unit_say(world, TOKEN_INFO, 200, DEAD);
        unit_say(world, TOKEN_INFO, 500, "{}");
        assert_int_equal(unit_verify(world, OAT), CLERK_OK);
        at(61);
        assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_INACTIVE);
        at(75);
        assert_int_equal(unit_verify(world, OAT), CLERK_SERVER_ERROR);
    }
}

/* The policy has its say on what is stale, too. */
static void what_is_stale_is_judged(void **state)
{
    flight_t *flight = flight_of(*state);
    unit_world_t *world = flight->world;

    world->terms.stale_if_error = 1000;
    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    at(61);
    world->terms.policy.audience_mode = CLERK_AUDIENCE_REQUIRED;
    world->terms.policy.audiences =
        apr_array_make(*state, 1, sizeof(const char *));
    unit_say(world, TOKEN_INFO, 500, "{}");
    assert_int_equal(unit_verify(world, OAT), CLERK_AUDIENCE_MISMATCH);
}

static void what_is_due_is_offered(void **state)
{
    flight_t *flight = flight_of(*state);
    unit_world_t *world = flight->world;

    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    at(44);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(flight->offers, 0);
    at(45);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(flight->offers, 1);
    assert_int_equal(world->verdict.cache, CLERK_CACHE_HIT);
    /* Not where the terms may be gone by then. */
    world->terms.is_permanent = 0;
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(flight->offers, 1);
}

static void asking_again(void **state)
{
    flight_t *flight = flight_of(*state);
    unit_world_t *world = flight->world;

    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    /* It is not due: somebody else has seen to it. */
    assert_int_equal(again(world), CLERK_OK);
    assert_true(flight->seat.is_background);
    assert_int_equal(world->calls, 1);
    at(50);
    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(again(world), CLERK_OK);
    assert_int_equal(world->calls, 2);
    /* Now it has all its time again. */
    at(109);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(world->calls, 2);
    /* A failure leaves it as it is. */
    unit_say(world, TOKEN_INFO, 500, "{}");
    assert_int_equal(again(world), CLERK_SERVER_ERROR);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(world->verdict.cache, CLERK_CACHE_HIT);
    /* Somebody is at it. */
    flight->is_told = 1;
    flight->landing.status = CLERK_PENDING_EXCEEDED;
    assert_int_equal(again(world), CLERK_PENDING_EXCEEDED);
    flight->is_told = 0;
    /* It has died. */
    unit_say(world, TOKEN_INFO, 200, DEAD);
    assert_int_equal(again(world), CLERK_TOKEN_INACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_INACTIVE);
    assert_int_equal(world->verdict.cache, CLERK_CACHE_HIT);
    assert_int_equal(world->calls, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(who_leads_tells),
        UNIT_TEST(who_waits_is_told),
        UNIT_TEST(who_leads_looks_once_more),
        UNIT_TEST(having_waited_moves_no_deadline),
        UNIT_TEST(without_a_cache_it_is_private),
        UNIT_TEST(what_was_good_will_do_in_an_outage),
        UNIT_TEST(never_once_it_is_dead),
        UNIT_TEST(what_is_stale_is_judged),
        UNIT_TEST(what_is_due_is_offered),
        UNIT_TEST(asking_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
