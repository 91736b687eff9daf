/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of a process: one flight, whatever comes; the last good set while
 * Clerk is away; the copy that the children share.
 */
#include "unit_keyring.h"

static void a_set_serves_many_tokens(void **state)
{
    world_t *world = world_of(*state);
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    clerk_jwt_t other = jwt_of(*state, HEADER("other"));
    clerk_jwt_t forged = jwt;
    int i;

    for (i = 0; i < 10; i++) {
        assert_int_equal(check(world, &jwt), CLERK_OK);
    }
    forged.signed_text = other.signed_text;
    assert_int_equal(check(world, &forged), CLERK_SIGNATURE_INVALID);
    forged = jwt;
    forged.alg = CLERK_RS512;
    assert_int_equal(check(world, &forged), CLERK_ALGORITHM_REFUSED);
    /* Just fetched: a kid that is not in it is not looked for again. */
    for (i = 0; i < 10; i++) {
        assert_int_equal(check(world, &other), CLERK_KEY_UNKNOWN);
    }
    assert_int_equal(world->fetches, 1);
    assert_int_equal(world->events, 1);
    assert_int_equal(world->event, CLERK_OK);
    assert_int_equal(world->sets, 1);
    assert_true(world->copy_expires > apr_time_now() + apr_time_from_sec(290)
                && world->copy_expires
                       <= apr_time_now() + apr_time_from_sec(300));
}

static void sixteen_threads_make_one_flight(void **state)
{
    world_t *world = world_of(*state);
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    worker_t workers[THREADS];
    int i;

    world->delay = apr_time_from_msec(100);
    check_together(world, &world->keys, 1, &jwt, workers);
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].status, CLERK_OK);
    }
    assert_int_equal(world->fetches, 1);
}

/* Whoever waits gets the same answer as who asked. */
static void a_failed_flight_is_shared_too(void **state)
{
    world_t *world = world_of(*state);
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    worker_t workers[THREADS];
    int i;

    world->delay = apr_time_from_msec(100);
    world->says = CLERK_TIMED_OUT;
    check_together(world, &world->keys, 1, &jwt, workers);
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].status, CLERK_TIMED_OUT);
    }
    assert_int_equal(world->fetches, 1);
}

/* Two children that share a segment and a cache. */
static void children_make_one_flight(void **state)
{
    world_t *world = world_of(*state);
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    clerk_keys_port_t keys[4];
    worker_t workers[THREADS];
    clerk_shared_t *shared;
    int i;

    assert_int_equal(clerk_shared_create(*state, &shared), CLERK_OK);
    for (i = 0; i < 4; i++) {
        make_ring(world, shared, &keys[i]);
    }
    world->delay = apr_time_from_msec(100);
    check_together(world, keys, 4, &jwt, workers);
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].status, CLERK_OK);
    }
    assert_int_equal(world->fetches, 1);
}

static void the_copy_of_another_child_will_do(void **state)
{
    world_t *world = world_of(*state);
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    clerk_keys_port_t second;

    assert_int_equal(check(world, &jwt), CLERK_OK);
    make_ring(world, NULL, &second);
    world->says = CLERK_UNREACHABLE;
    assert_int_equal(check_by(world, &second, &jwt), CLERK_OK);
    assert_int_equal(world->fetches, 1);
    assert_int_equal(world->events, 1);
}

static void garbage_for_a_copy_is_ignored(void **state)
{
    static const struct {
        const char *document;
        apr_int64_t age; /* seconds */
    } rows[] = {
        { "", 0 },
        { "x", 0 },
        { "[]", 0 },
        { "{}", 0 },
        { "{\"keys\":{}}", 0 },
        { UNIT_JWKS "x", 0 },
        { UNIT_JWKS, 300 },
        { UNIT_JWKS, 86400 },
        { UNIT_JWKS, -3600 },
    };
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        world_t *world = world_of(*state);

        put_copy(world, rows[i].document, apr_time_from_sec(rows[i].age));
        UNIT_CHECK(rows[i].document, check(world, &jwt) == CLERK_OK);
        UNIT_CHECK(rows[i].document, world->fetches == 1);
    }
    for (i = 1; i <= STAMP; i++) {
        world_t *world = world_of(*state);

        put_copy(world, UNIT_JWKS, 0);
        world->copy_len = i;
        assert_int_equal(check(world, &jwt), CLERK_OK);
        assert_int_equal(world->fetches, 1);
    }
}

/* There may be no cache. */
static void a_ring_needs_no_cache(void **state)
{
    world_t *world = world_of(*state);
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    clerk_shared_t *shared;

    world->cache.get = NULL;
    world->cache.set = NULL;
    world->log.called = NULL;
    assert_int_equal(clerk_shared_create(*state, &shared), CLERK_OK);
    make_ring(world, shared, &world->keys);
    assert_int_equal(check(world, &jwt), CLERK_OK);
    assert_int_equal(check(world, &jwt), CLERK_OK);
    assert_int_equal(world->fetches, 1);
}

/* ------------------------------------------------------------------ */
/* Rotation                                                           */

/* A copy was fetched when it says so: a new kid need not wait another 30
 * seconds because this child has only just read it. */
static void a_new_kid_is_looked_for(void **state)
{
    world_t *world = world_of(*state);
    clerk_jwt_t old = jwt_of(*state, HEADER(UNIT_KID));
    clerk_jwt_t new = jwt_of(*state, HEADER("new"));
    worker_t workers[THREADS];
    int i;

    put_copy(world, UNIT_JWKS, apr_time_from_sec(60));
    assert_int_equal(check(world, &old), CLERK_OK);
    assert_int_equal(world->fetches, 0);
    world->body =
        "{\"keys\":[" UNIT_JWK(UNIT_KID, "") "," UNIT_JWK("new", "") "]}";
    world->delay = apr_time_from_msec(100);
    check_together(world, &world->keys, 1, &new, workers);
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].status, CLERK_OK);
    }
    assert_int_equal(check(world, &old), CLERK_OK);
    assert_int_equal(world->fetches, 1);
}

static void junk_kids_cost_one_call(void **state)
{
    world_t *world = world_of(*state);
    clerk_jwt_t junk = jwt_of(*state, HEADER("junk"));
    worker_t workers[THREADS];
    int i;

    put_copy(world, UNIT_JWKS, apr_time_from_sec(60));
    world->delay = apr_time_from_msec(50);
    check_together(world, &world->keys, 1, &junk, workers);
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].status, CLERK_KEY_UNKNOWN);
    }
    for (i = 0; i < 100; i++) {
        assert_int_equal(check(world, &junk), CLERK_KEY_UNKNOWN);
    }
    assert_int_equal(world->fetches, 1);
}

/* What another child has fetched within the 30 seconds is the answer. */
static void junk_kids_cost_one_call_of_all_children(void **state)
{
    world_t *world = world_of(*state);
    clerk_jwt_t old = jwt_of(*state, HEADER(UNIT_KID));
    clerk_jwt_t new = jwt_of(*state, HEADER("new"));
    clerk_jwt_t junk = jwt_of(*state, HEADER("junk"));

    put_copy(world, UNIT_JWKS, apr_time_from_sec(60));
    assert_int_equal(check(world, &old), CLERK_OK);
    put_copy(world, ROTATED, 0);
    assert_int_equal(check(world, &junk), CLERK_KEY_UNKNOWN);
    assert_int_equal(check(world, &new), CLERK_OK);
    assert_int_equal(check(world, &old), CLERK_KEY_UNKNOWN);
    assert_int_equal(world->fetches, 0);
}

/* With Clerk away nobody can say that a key is not a new one; and it is
 * spared all the same. */
static void an_unknown_kid_in_an_outage_is_no_verdict(void **state)
{
    world_t *world = world_of(*state);
    clerk_jwt_t old = jwt_of(*state, HEADER(UNIT_KID));
    clerk_jwt_t new = jwt_of(*state, HEADER("new"));
    int i;

    put_copy(world, UNIT_JWKS, apr_time_from_sec(60));
    world->says = CLERK_UNREACHABLE;
    for (i = 0; i < 10; i++) {
        assert_int_equal(check(world, &new), CLERK_UNREACHABLE);
        assert_int_equal(check(world, &old), CLERK_OK);
    }
    assert_int_equal(world->fetches, 1);
}

/* ------------------------------------------------------------------ */
/* Age, and outages                                                   */

/* A ring with a set that is just past its five minutes. */
static world_t *world_with_stale_set(apr_pool_t *p, const clerk_jwt_t *jwt)
{
    world_t *world = world_of(p);

    put_copy(world, UNIT_JWKS, apr_time_from_msec(299700));
    assert_int_equal(check(world, jwt), CLERK_OK);
    assert_int_equal(world->fetches, 0);
    apr_sleep(apr_time_from_msec(400));
    return world;
}

static void a_stale_set_is_renewed(void **state)
{
    clerk_jwt_t old = jwt_of(*state, HEADER(UNIT_KID));
    clerk_jwt_t new = jwt_of(*state, HEADER("new"));
    world_t *world = world_with_stale_set(*state, &old);

    world->body = ROTATED;
    assert_int_equal(check(world, &new), CLERK_OK);
    assert_int_equal(check(world, &old), CLERK_KEY_UNKNOWN);
    assert_int_equal(world->fetches, 1);
}

/* One renews it, the others go on with the old one. */
static void nobody_waits_for_a_renewal(void **state)
{
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    world_t *world = world_with_stale_set(*state, &jwt);
    worker_t workers[THREADS];
    int slow = 0;
    int i;

    world->delay = apr_time_from_sec(1);
    check_together(world, &world->keys, 1, &jwt, workers);
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].status, CLERK_OK);
        slow += workers[i].took > apr_time_from_msec(700);
    }
    assert_int_equal(slow, 1);
    assert_int_equal(world->fetches, 1);
}

static const struct {
    clerk_status_t says;
    int http;
    const char *body;
    clerk_status_t wanted;
} failures[] = {
    { CLERK_UNREACHABLE, 0, "", CLERK_UNREACHABLE },
    { CLERK_TIMED_OUT, 0, "", CLERK_TIMED_OUT },
    { CLERK_TLS_FAILED, 0, "", CLERK_TLS_FAILED },
    { CLERK_OK, 500, "{}", CLERK_SERVER_ERROR },
    { CLERK_OK, 429, "{}", CLERK_RATE_LIMITED },
    { CLERK_OK, 301, "", CLERK_REDIRECTED },
    { CLERK_OK, 200, "", CLERK_ANSWER_MALFORMED },
    { CLERK_OK, 200, "{}", CLERK_ANSWER_MALFORMED },
    { CLERK_OK, 200, "[]", CLERK_ANSWER_MALFORMED },
    { CLERK_OK, 200, "<html>", CLERK_ANSWER_MALFORMED },
    { CLERK_OK, 200, "{\"keys\":null}", CLERK_ANSWER_MALFORMED },
};

static void the_last_good_set_is_kept(void **state)
{
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    world_t *world = world_with_stale_set(*state, &jwt);
    int i;

    world->says = CLERK_UNREACHABLE;
    for (i = 0; i < 100; i++) {
        assert_int_equal(check(world, &jwt), CLERK_OK);
    }
    assert_int_equal(world->fetches, 1);
    assert_int_equal(world->event, CLERK_UNREACHABLE);
}

static void a_cold_failure_is_no_fault_of_the_token(void **state)
{
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(failures); i++) {
        const char *label = clerk_status_info(failures[i].wanted)->name;
        world_t *world = world_of(*state);

        world->says = failures[i].says;
        world->http = failures[i].http;
        world->body = failures[i].body;
        UNIT_CHECK(label, check(world, &jwt) == failures[i].wanted);
        UNIT_CHECK(label, check(world, &jwt) == failures[i].wanted);
        UNIT_CHECK(label, world->fetches == 1 && world->sets == 0);
        UNIT_CHECK(label,
                   world->events == 1 && world->event == failures[i].wanted);
    }
}

static void a_cold_ring_recovers_within_a_second(void **state)
{
    world_t *world = world_of(*state);
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));

    world->says = CLERK_UNREACHABLE;
    assert_int_equal(check(world, &jwt), CLERK_UNREACHABLE);
    world->says = CLERK_OK;
    apr_sleep(apr_time_from_msec(900));
    assert_int_equal(check(world, &jwt), CLERK_OK);
    assert_int_equal(world->fetches, 2);
}

/* Instances have keys of their own; realms of one instance share them. */
static void instances_are_kept_apart(void **state)
{
    world_t *world = world_of(*state);
    clerk_jwt_t jwt = jwt_of(*state, HEADER(UNIT_KID));

    world->cache.get = NULL;
    make_ring(world, NULL, &world->keys);
    assert_int_equal(check(world, &jwt), CLERK_OK);
    world->realm.client_id = "other";
    assert_int_equal(clerk_realm_finish(&world->realm, *state), CLERK_OK);
    assert_int_equal(check(world, &jwt), CLERK_OK);
    assert_int_equal(world->fetches, 1);
    world->realm.route.ca_certs = "PEM";
    assert_int_equal(clerk_realm_finish(&world->realm, *state), CLERK_OK);
    world->body = ROTATED;
    assert_int_equal(check(world, &jwt), CLERK_KEY_UNKNOWN);
    assert_int_equal(world->fetches, 2);
}

/* A ring that notes its ages, and whose first set is 100 seconds old. */
static world_t *aged_world_of(apr_pool_t *p)
{
    world_t *world = world_of(p);
    clerk_jwt_t jwt = jwt_of(p, HEADER(UNIT_KID));

    world->ages.places = apr_pcalloc(p, sizeof(*world->ages.places));
    world->ages.own = apr_pcalloc(p, sizeof(*world->ages.own));
    make_ring(world, NULL, &world->keys);
    put_copy(world, UNIT_JWKS, apr_time_from_sec(100));
    assert_int_equal(check(world, &jwt), CLERK_OK);
    world->copy_len = 0;
    return world;
}

static apr_time_t age_in(const world_t *world)
{
    return apr_time_sec(
        clerk_ages_read(world->ages.own, 0, clerk_steady_moment()));
}

static void the_age_of_a_set_is_noted(void **state)
{
    world_t *world = aged_world_of(*state);
    clerk_jwt_t rotated = jwt_of(*state, HEADER("new"));

    UNIT_SAME("name", clerk_ages_name(world->ages.places, 0),
              world->realm.frontend_api);
    assert_in_range(age_in(world), 100, 130);
    world->body = ROTATED;
    assert_int_equal(check(world, &rotated), CLERK_OK);
    assert_in_range(age_in(world), 0, 30);
}

static void what_brings_no_set_makes_none_younger(void **state)
{
    clerk_jwt_t rotated = jwt_of(*state, HEADER("new"));
    world_t *world = aged_world_of(*state);

    world->says = CLERK_TIMED_OUT;
    assert_int_equal(check(world, &rotated), CLERK_TIMED_OUT);
    assert_in_range(age_in(world), 100, 130);
    world = aged_world_of(*state);
    world->body = "{\"keys\":[]}";
    assert_int_equal(check(world, &rotated), CLERK_KEY_UNKNOWN);
    assert_in_range(age_in(world), 100, 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(a_set_serves_many_tokens),
        UNIT_TEST(sixteen_threads_make_one_flight),
        UNIT_TEST(a_failed_flight_is_shared_too),
        UNIT_TEST(children_make_one_flight),
        UNIT_TEST(the_copy_of_another_child_will_do),
        UNIT_TEST(garbage_for_a_copy_is_ignored),
        UNIT_TEST(a_ring_needs_no_cache),
        UNIT_TEST(a_new_kid_is_looked_for),
        UNIT_TEST(junk_kids_cost_one_call),
        UNIT_TEST(junk_kids_cost_one_call_of_all_children),
        UNIT_TEST(an_unknown_kid_in_an_outage_is_no_verdict),
        UNIT_TEST(a_stale_set_is_renewed),
        UNIT_TEST(nobody_waits_for_a_renewal),
        UNIT_TEST(the_last_good_set_is_kept),
        UNIT_TEST(a_cold_failure_is_no_fault_of_the_token),
        UNIT_TEST(a_cold_ring_recovers_within_a_second),
        UNIT_TEST(instances_are_kept_apart),
        UNIT_TEST(the_age_of_a_set_is_noted),
        UNIT_TEST(what_brings_no_set_makes_none_younger),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
