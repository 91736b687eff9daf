/* SPDX-License-Identifier: Apache-2.0 */
/* Errands in the background: once, by few threads, and never in the way. */
#include "unit_api.h"
#include "unit_threads.h"

#include "clerk_refresher.h"
#include "clerk_steady.h"
#include "clerk_verify.h"

#define ACTIVE "{\"active\":true,\"sub\":\"user_2\"}"

typedef struct world_t {
    clerk_claim_table_t claims;
    clerk_ports_t ports;
    clerk_terms_t terms;
    clerk_background_t *background;
    clerk_refresh_port_t port;
    clerk_status_t says;
    apr_interval_time_t takes;
    int calls;
    int at_a_time;
    int most;
    int good;
    int failed;
    int sets;
    const apr_uint32_t *give_up;
} world_t;

static int add(int *number, int by)
{
    return __atomic_add_fetch(number, by, __ATOMIC_SEQ_CST);
}

static clerk_status_t fetch(void *self, const clerk_call_t *call, apr_pool_t *p,
                            clerk_answer_t *answer)
{
    world_t *world = self;
    apr_time_t until = clerk_steady_now() + world->takes;
    int now = add(&world->at_a_time, 1);

    (void)p;
    if (now > unit_seen(&world->most)) {
        __atomic_store_n(&world->most, now, __ATOMIC_SEQ_CST);
    }
    while (clerk_steady_now() < until
           && !__atomic_load_n(call->give_up, __ATOMIC_ACQUIRE)) {
        apr_sleep(1000);
    }
    add(&world->at_a_time, -1);
    add(&world->calls, call->is_background ? 1 : 1000);
    answer->http = 200;
    answer->body = clerk_slice_str(ACTIVE);
    answer->content_type = "application/json";
    if (world->says == CLERK_OK) {
        unit_have_it_read(call, answer);
    }
    return world->says;
}

static clerk_status_t get_nothing(void *self, const unsigned char *key,
                                  apr_pool_t *p, clerk_slice_t *bytes)
{
    (void)self;
    (void)key;
    (void)p;
    (void)bytes;
    return CLERK_INTERNAL;
}

static void set(void *self, const unsigned char *key, clerk_slice_t bytes,
                apr_time_t expires, apr_pool_t *p)
{
    world_t *world = self;

    (void)key;
    (void)bytes;
    (void)expires;
    (void)p;
    add(&world->sets, 1);
}

static void hear(void *listener, clerk_status_t status)
{
    world_t *world = listener;

    add(status == CLERK_OK ? &world->good : &world->failed, 1);
}

static world_t *world_of(apr_pool_t *p)
{
    world_t *world = apr_pcalloc(p, sizeof(*world));
    clerk_refresher_needs_t needs = { .claims = &world->claims,
                                      .ports = &world->ports,
                                      .tell = hear,
                                      .listener = world };

    world->ports.fetch.self = world->ports.cache.self = world;
    world->ports.fetch.call = fetch;
    world->ports.cache.get = get_nothing;
    world->ports.cache.set = world->ports.cache.set_refusal = set;
    world->ports.now = apr_time_now;
    world->terms.realm.frontend_api = "https://clerk.example.test";
    world->terms.realm.backend_api = "https://api.clerk.com/v1";
    world->terms.realm.client_id = "id";
    world->terms.realm.client_secret = "secret";
    world->terms.realm.route.timeout_ms = 5000;
    world->terms.cache_ttl = 60;
    assert_int_equal(clerk_realm_finish(&world->terms.realm, p), CLERK_OK);
    assert_int_equal(clerk_background_create(p, &world->background), CLERK_OK);
    needs.background = world->background;
    clerk_refresher_create(p, &needs, &world->port);
    return world;
}

static void offer(world_t *world, int n)
{
    char text[] = "oat_0ef5a7a33d87ed87ee7954c845d80450";
    unsigned char key[CLERK_SHA256_BYTES] = { 0 };
    clerk_token_t token = { .text = clerk_slice_str(text),
                            .kind = CLERK_KIND_OAUTH };

    key[24] = (unsigned char)n;
    key[25] = (unsigned char)(n >> 8);
    world->port.offer(world->port.self, &world->terms, &token, key);
    /* The request that it came with is over. */
    memset(text, 'x', sizeof(text) - 1);
}

static void it_is_done_once(void **state)
{
    world_t *world = world_of(*state);
    int i;

    world->takes = apr_time_from_msec(50);
    for (i = 0; i < 100; i++) {
        offer(world, 1);
    }
    unit_await(&world->good, 1);
    assert_int_equal(unit_seen(&world->calls), 1);
    assert_int_equal(unit_seen(&world->sets), 1);
    /* Some day it is due again. */
    offer(world, 1);
    unit_await(&world->good, 2);
    clerk_background_stop(world->background);
}

static void after_a_failure_nobody_tries_at_once(void **state)
{
    world_t *world = world_of(*state);

    world->says = CLERK_UNREACHABLE;
    offer(world, 1);
    unit_await(&world->failed, 1);
    offer(world, 1);
    apr_sleep(apr_time_from_msec(20));
    assert_int_equal(unit_seen(&world->calls), 1);
    offer(world, 2);
    unit_await(&world->failed, 2);
    clerk_background_stop(world->background);
}

/* More errands than threads, and more than the queue holds. */
static void a_few_threads_do_it_all(void **state)
{
    world_t *world = world_of(*state);
    int i;

    world->takes = apr_time_from_msec(2);
    for (i = 0; i < 200; i++) {
        offer(world, i);
    }
    unit_await(&world->good, 200);
    assert_in_range(unit_seen(&world->most), 2, 8);
    world->takes = apr_time_from_sec(60);
    for (i = 0; i < 1000; i++) {
        offer(world, i);
    }
    clerk_background_stop(world->background);
    assert_true(unit_seen(&world->calls) <= 208);
}

static void the_end_is_not_waited_for(void **state)
{
    world_t *world = world_of(*state);
    apr_time_t began = clerk_steady_now();
    int i;

    world->takes = apr_time_from_sec(60);
    for (i = 0; i < 20; i++) {
        offer(world, i);
    }
    unit_await(&world->at_a_time, 8);
    clerk_background_stop(world->background);
    assert_true(clerk_steady_now() - began < apr_time_from_sec(3));
    offer(world, 30);
    apr_sleep(apr_time_from_msec(20));
    assert_int_equal(unit_seen(&world->at_a_time), 0);
    assert_int_equal(unit_seen(&world->calls), 8);
}

static void crowd(void *data)
{
    int i;

    for (i = 0; i < 200; i++) {
        offer(data, i);
    }
}

static void many_threads_offer(void **state)
{
    world_t *world = world_of(*state);
    int i;

    world->takes = apr_time_from_msec(1);
    unit_together(*state, 16, crowd, world);
    for (i = 0; i < 3000 && unit_seen(&world->good) < 100; i++) {
        apr_sleep(1000);
    }
    assert_true(unit_seen(&world->good) >= 100);
    clerk_background_stop(world->background);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(it_is_done_once),
        UNIT_TEST(after_a_failure_nobody_tries_at_once),
        UNIT_TEST(a_few_threads_do_it_all),
        UNIT_TEST(the_end_is_not_waited_for),
        UNIT_TEST(many_threads_offer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
