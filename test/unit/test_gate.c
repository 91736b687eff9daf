/* SPDX-License-Identifier: Apache-2.0 */
/* Which calls get through to Clerk. */
#include "unit.h"

#include "clerk_gate.h"

typedef struct world_t {
    clerk_breakers_t breakers;
    clerk_rate_t rate;
    clerk_fetch_port_t port;
    clerk_call_t call;
    clerk_answer_t answer;
    const char *content_type;
    int calls; /* that got through */
    int news;
    clerk_gate_news_t last;
} world_t;

static const unsigned char lane[CLERK_SHA256_BYTES] = "a lane";
static const unsigned char other_lane[CLERK_SHA256_BYTES] = "b lane";

static clerk_status_t answer_well(void *self, const clerk_call_t *call,
                                  apr_pool_t *p, clerk_answer_t *answer)
{
    world_t *world = self;

    (void)call;
    (void)p;
    world->calls++;
    answer->http = 200;
    answer->content_type = world->content_type;
    return CLERK_OK;
}

static void hear(void *listener, const clerk_gate_news_t *news)
{
    world_t *world = listener;

    world->news++;
    world->last = *news;
}

static world_t *world_of(apr_pool_t *p)
{
    world_t *world = apr_pcalloc(p, sizeof(*world));
    clerk_gate_needs_t needs = { .fetch = { .self = world,
                                            .call = answer_well },
                                 .breakers = &world->breakers,
                                 .rate = &world->rate,
                                 .tell = hear,
                                 .listener = world };

    clerk_gate_create(p, &needs, &world->port);
    world->call.lane = lane;
    return world;
}

/* One call, of which this is made. */
static clerk_status_t call(world_t *world, clerk_status_t judged,
                           int retry_after)
{
    clerk_status_t status;

    memset(&world->answer, 0, sizeof(world->answer));
    status =
        world->port.call(world->port.self, &world->call, NULL, &world->answer);
    if (status == CLERK_OK) {
        status = judged;
        world->answer.retry_after = retry_after;
    }
    world->port.judge(world->port.self, &world->call, status, &world->answer);
    return status;
}

static void failures_open_it(void **state)
{
    static const clerk_status_t failures[] = {
        CLERK_UNREACHABLE,     CLERK_TIMED_OUT,  CLERK_TLS_FAILED,
        CLERK_SERVER_ERROR,    CLERK_REDIRECTED, CLERK_RATE_LIMITED,
        CLERK_ANSWER_MALFORMED
    };
    apr_size_t i;
    int n;

    for (i = 0; i < UNIT_COUNT(failures); i++) {
        const char *name = clerk_status_info(failures[i])->name;
        world_t *world = world_of(*state);

        for (n = 0; n < CLERK_BREAKER_FAILURES; n++) {
            UNIT_CHECK(name, call(world, failures[i], 0) == failures[i]);
        }
        UNIT_CHECK(name, world->news == 1);
        UNIT_CHECK(name, world->last.status == failures[i]);
        UNIT_CHECK(name, call(world, CLERK_OK, 0) == CLERK_CIRCUIT_OPEN);
        UNIT_CHECK(name, world->answer.retry_after == 1);
        UNIT_CHECK(name, world->answer.detail != NULL);
        UNIT_CHECK(name, world->calls == CLERK_BREAKER_FAILURES);
        world->call.lane = other_lane;
        UNIT_CHECK(name, call(world, CLERK_OK, 0) == CLERK_OK);
    }
}

/* What Clerk says about one token may be strange; that is no outage. */
static void strange_answers_do_not(void **state)
{
    world_t *world = world_of(*state);
    int n;

    world->content_type = "application/json; charset=utf-8";
    for (n = 0; n < 2 * CLERK_BREAKER_FAILURES; n++) {
        assert_int_equal(call(world, CLERK_ANSWER_MALFORMED, 0),
                         CLERK_ANSWER_MALFORMED);
    }
    world->content_type = "text/html";
    for (n = 0; n < CLERK_BREAKER_FAILURES; n++) {
        assert_int_equal(world->news, 0);
        (void)call(world, CLERK_ANSWER_MALFORMED, 0);
    }
    assert_int_equal(world->news, 1);
}

/* Who answers is there, whatever the answer. */
static void answers_do_not(void **state)
{
    static const clerk_status_t answers[] = {
        CLERK_OK,
        CLERK_TOKEN_INACTIVE,
        CLERK_CREDENTIALS_REFUSED,
        CLERK_FEATURE_DISABLED,
        CLERK_REQUEST_REFUSED,
        CLERK_INTERNAL,
        CLERK_ANSWER_TOO_LARGE,
    };
    world_t *world = world_of(*state);
    apr_size_t i;
    int n;

    for (i = 0; i < UNIT_COUNT(answers); i++) {
        for (n = 0; n < 2 * CLERK_BREAKER_FAILURES; n++) {
            assert_int_equal(call(world, answers[i], 0), answers[i]);
        }
    }
    assert_int_equal(world->news, 0);
}

static void it_closes_with_the_first_good_answer(void **state)
{
    world_t *world = world_of(*state);
    int i;

    for (i = 0; i < CLERK_BREAKER_FAILURES; i++) {
        (void)call(world, CLERK_TIMED_OUT, 0);
    }
    apr_sleep(CLERK_BREAKER_PERIOD);
    assert_int_equal(call(world, CLERK_TIMED_OUT, 0), CLERK_TIMED_OUT);
    assert_int_equal(call(world, CLERK_OK, 0), CLERK_CIRCUIT_OPEN);
    apr_sleep(CLERK_BREAKER_PERIOD);
    assert_int_equal(call(world, CLERK_OK, 0), CLERK_OK);
    assert_int_equal(call(world, CLERK_OK, 0), CLERK_OK);
    assert_int_equal(world->news, 2);
    assert_int_equal(world->last.status, CLERK_OK);
}

static void clerk_says_how_long(void **state)
{
    world_t *world = world_of(*state);

    assert_int_equal(call(world, CLERK_RATE_LIMITED, 30), CLERK_RATE_LIMITED);
    assert_int_equal(call(world, CLERK_OK, 0), CLERK_CIRCUIT_OPEN);
    assert_int_equal(world->answer.retry_after, 30);
    assert_int_equal(world->news, 1);
    assert_int_equal(world->last.retry_after, 30);
}

static void there_are_only_so_many(void **state)
{
    world_t *world = world_of(*state);

    clerk_rate_set(&world->rate, 2, 10);
    assert_int_equal(call(world, CLERK_OK, 0), CLERK_OK);
    assert_int_equal(call(world, CLERK_OK, 0), CLERK_OK);
    assert_int_equal(call(world, CLERK_OK, 0), CLERK_RATE_EXCEEDED);
    assert_int_equal(world->answer.retry_after, 5);
    world->call.lane = other_lane;
    assert_int_equal(call(world, CLERK_OK, 0), CLERK_RATE_EXCEEDED);
    assert_int_equal(world->calls, 2);
    assert_int_equal(world->news, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(failures_open_it),
        UNIT_TEST(strange_answers_do_not),
        UNIT_TEST(answers_do_not),
        UNIT_TEST(it_closes_with_the_first_good_answer),
        UNIT_TEST(clerk_says_how_long),
        UNIT_TEST(there_are_only_so_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
