/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of what Clerk publishes about itself: fresh for four minutes, renewed
 * by one, and the last good one for as long as Clerk is away.
 */
#include "unit_metadata.h"

static void a_copy_serves_many(void **state)
{
    world_t *world = world_of(*state);
    int i;

    for (i = 0; i < 10; i++) {
        found_t found = find(world);

        SAME(found, OLD);
        assert_int_equal(found.is_news, i == 0);
        assert_int_equal(found.retry_after, 0);
    }
    shift += FRESH - SECONDS(2);
    SAME(find(world), OLD);
    assert_string_equal(world->url, "https://clerk.example.test" SERVER);
    assert_int_equal(world->fetches, 1);
    assert_int_equal(world->events, 1);
    assert_int_equal(world->event, CLERK_OK);
    assert_int_equal(world->sets, 1);
    assert_true(world->slots[0].expires > apr_time_now() + SECONDS(86000)
                && world->slots[0].expires <= apr_time_now() + SECONDS(86400));
}

static void an_old_copy_is_renewed(void **state)
{
    world_t *world = world_of(*state);
    found_t found;

    SAME(find(world), OLD);
    world->body = NEW;
    shift += FRESH;
    found = find(world);
    SAME(found, NEW);
    assert_int_equal(found.is_news, 1);
    found = find(world);
    SAME(found, NEW);
    assert_int_equal(found.is_news, 0);
    assert_int_equal(world->fetches, 2);
    assert_int_equal(world->sets, 2);
}

/* What was found is the caller's own, whatever becomes of the copy. */
static void documents_outlive_the_copy(void **state)
{
    world_t *world = world_of(*state);
    clerk_metadata_query_t query = { .realm = &world->realm,
                                     .path = SERVER,
                                     .log = &world->log };
    int i;

    SAME(find(world), OLD);
    assert_int_equal(clerk_metadata_get(world->home, &query, *state), CLERK_OK);
    world->body = NEW;
    for (i = 0; i < 10; i++) {
        shift += FRESH;
        SAME(find(world), NEW);
    }
    assert_true(clerk_slice_is(query.document, OLD));
}

/* ------------------------------------------------------------------ */
/* Many at once                                                       */

static void sixteen_threads_make_one_flight(void **state)
{
    world_t *world = world_of(*state);
    worker_t workers[THREADS];
    int news = 0;
    int i;

    world->delay = apr_time_from_msec(200);
    find_together(world, 1, workers);
    for (i = 0; i < THREADS; i++) {
        SAME(workers[i].found, OLD);
        assert_true(workers[i].took < SECONDS(2));
        news += workers[i].found.is_news;
    }
    assert_int_equal(news, 1);
    assert_int_equal(world->fetches, 1);
}

/* Whoever waits gets the same answer as who asked. */
static void a_failed_flight_is_shared_too(void **state)
{
    world_t *world = world_of(*state);
    worker_t workers[THREADS];
    int i;

    world->delay = apr_time_from_msec(200);
    world->http = 429;
    world->retry_after = 7;
    find_together(world, 1, workers);
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].found.status, CLERK_RATE_LIMITED);
        assert_int_equal(workers[i].found.retry_after, 7);
        assert_null(workers[i].found.document);
        assert_true(workers[i].took < SECONDS(2));
    }
    assert_int_equal(world->fetches, 1);
}

static void nobody_waits_longer_than_for_a_call(void **state)
{
    world_t *world = world_of(*state);
    worker_t workers[THREADS];
    int late = 0;
    int i;

    world->delay = SECONDS(1);
    world->realm.route.timeout_ms = 100;
    find_together(world, 1, workers);
    for (i = 0; i < THREADS; i++) {
        late += workers[i].found.status == CLERK_TIMED_OUT
                && workers[i].took < apr_time_from_msec(700);
    }
    assert_int_equal(late, THREADS - 1);
    assert_int_equal(world->fetches, 1);
    SAME(find(world), OLD);
}

/* One renews it, the others go on with the old one. */
static void nobody_waits_for_a_renewal(void **state)
{
    world_t *world = world_of(*state);
    worker_t workers[THREADS];
    int slow = 0;
    int i;

    SAME(find(world), OLD);
    shift += FRESH;
    world->body = NEW;
    world->delay = SECONDS(1);
    find_together(world, 1, workers);
    for (i = 0; i < THREADS; i++) {
        int is_slow = workers[i].took > apr_time_from_msec(700);

        SAME(workers[i].found, is_slow ? NEW : OLD);
        slow += is_slow;
    }
    assert_int_equal(slow, 1);
    assert_int_equal(world->fetches, 2);
}

/* However the threads come in each other's way, a renewal that failed is
 * followed by 30 seconds without a call, and one that did not by 240. */
static void a_crowd_keeps_to_the_cool_down(void **state)
{
    worker_t workers[THREADS];
    int i;

    for (i = 0; i < 10; i++) {
        world_t *world = world_of(*state);

        SAME(find(world), OLD);
        shift += FRESH;
        world->says = i % 2 ? CLERK_UNREACHABLE : CLERK_OK;
        world->delay = apr_time_from_msec(1);
        find_together(world, 500, workers);
        assert_int_equal(world->fetches, 2);
    }
}

/* Who was kept waiting between a look at the clock and a look at the copy finds
 * one that was renewed, or tried, since. */
static void a_late_comer_does_not_renew_again(void **state)
{
    static const clerk_status_t says[] = { CLERK_OK, CLERK_UNREACHABLE };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(says); i++) {
        world_t *world = world_of(*state);
        worker_t late;

        SAME(find(world), OLD);
        shift += FRESH;
        world->says = says[i];
        start(world, &late, 1, apr_time_from_msec(300));
        apr_sleep(apr_time_from_msec(100));
        SAME(find(world), OLD);
        join(&late);
        SAME(late.found, OLD);
        UNIT_CHECK(clerk_status_info(says[i])->name, world->fetches == 2);
    }
}

/* ------------------------------------------------------------------ */
/* Outages                                                            */

static const struct {
    clerk_status_t says;
    int http;
    const char *body;
    clerk_status_t wanted;
} failures[] = {
    { CLERK_UNREACHABLE, 0, "", CLERK_UNREACHABLE },
    { CLERK_TIMED_OUT, 0, "", CLERK_TIMED_OUT },
    { CLERK_TLS_FAILED, 0, "", CLERK_TLS_FAILED },
    { CLERK_ANSWER_TOO_LARGE, 200, NEW, CLERK_ANSWER_TOO_LARGE },
    { CLERK_OK, 500, NEW, CLERK_SERVER_ERROR },
    { CLERK_OK, 429, NEW, CLERK_RATE_LIMITED },
    { CLERK_OK, 301, NEW, CLERK_REDIRECTED },
    { CLERK_OK, 204, "", CLERK_ANSWER_MALFORMED },
    { CLERK_OK, 206, NEW, CLERK_ANSWER_MALFORMED },
    { CLERK_OK, 403, NEW, CLERK_CREDENTIALS_REFUSED },
    { CLERK_OK, 404, NEW, CLERK_REQUEST_REFUSED },
    { CLERK_OK, 200, "", CLERK_ANSWER_MALFORMED },
    { CLERK_OK, 200, "{}", CLERK_ANSWER_MALFORMED },
    { CLERK_OK, 200, "[]", CLERK_ANSWER_MALFORMED },
    { CLERK_OK, 200, "null", CLERK_ANSWER_MALFORMED },
    { CLERK_OK, 200, "<html>", CLERK_ANSWER_MALFORMED },
    { CLERK_OK, 200, "{\"issuer\":\"https://c\"", CLERK_ANSWER_MALFORMED },
    { CLERK_OK, 200, "{\"issuer\":null}", CLERK_ANSWER_MALFORMED },
    { CLERK_OK, 200, "{\"issuer\":[\"x\"]}", CLERK_ANSWER_MALFORMED },
    { CLERK_OK, 200, "{\"errors\":[{}]}", CLERK_ANSWER_MALFORMED },
};

static void fail_by(world_t *world, apr_size_t row)
{
    world->says = failures[row].says;
    world->http = failures[row].http;
    world->body = failures[row].body;
}

/* Nothing that comes instead takes its place, here or for the others. */
static void the_last_good_copy_is_kept(void **state)
{
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(failures); i++) {
        const char *label =
            apr_psprintf(*state, "%d %s", failures[i].http, failures[i].body);
        world_t *world = world_of(*state);
        int day;

        SAME(find(world), OLD);
        fail_by(world, i);
        for (day = 1; day <= 30; day++) {
            shift += SECONDS(86400);
            UNIT_SAME(label, find(world).document, OLD);
            UNIT_SAME(label, find(world).document, OLD);
            UNIT_CHECK(label, world->fetches == 1 + day);
            UNIT_CHECK(label, world->event == failures[i].wanted);
        }
        UNIT_CHECK(label, find(world).status == CLERK_OK);
        UNIT_CHECK(label, !find(world).is_news && world->sets == 1);
    }
}

static void a_renewal_is_tried_every_30_seconds(void **state)
{
    world_t *world = world_of(*state);

    SAME(find(world), OLD);
    world->says = CLERK_UNREACHABLE;
    shift += FRESH;
    SAME(find(world), OLD);
    shift += COOL_DOWN - SECONDS(2);
    SAME(find(world), OLD);
    assert_int_equal(world->fetches, 2);
    shift += SECONDS(3);
    SAME(find(world), OLD);
    assert_int_equal(world->fetches, 3);
    world->says = CLERK_OK;
    world->body = NEW;
    shift += COOL_DOWN;
    SAME(find(world), NEW);
    assert_int_equal(world->fetches, 4);
}

static void without_a_copy_there_is_the_failure(void **state)
{
    apr_size_t i;
    int j;

    for (i = 0; i < UNIT_COUNT(failures); i++) {
        const char *label =
            apr_psprintf(*state, "%d %s", failures[i].http, failures[i].body);
        world_t *world = world_of(*state);

        fail_by(world, i);
        for (j = 0; j < 2; j++) {
            found_t found = find(world);

            UNIT_CHECK(label, found.status == failures[i].wanted);
            UNIT_CHECK(label, !found.document && !found.is_news);
        }
        UNIT_CHECK(label, world->fetches == 1 && world->sets == 0);
        UNIT_CHECK(label,
                   world->events == 1 && world->event == failures[i].wanted);
    }
}

static void a_cold_start_recovers_within_a_second(void **state)
{
    world_t *world = world_of(*state);
    found_t found;

    world->http = 503;
    world->retry_after = 11;
    found = find(world);
    assert_int_equal(found.status, CLERK_SERVER_ERROR);
    assert_int_equal(found.retry_after, 11);
    found = find(world);
    assert_int_equal(found.status, CLERK_SERVER_ERROR);
    assert_int_equal(found.retry_after, 11);
    assert_int_equal(world->fetches, 1);
    world->http = 200;
    world->retry_after = 0;
    shift += apr_time_from_msec(600);
    found = find(world);
    SAME(found, OLD);
    assert_int_equal(found.retry_after, 0);
    assert_int_equal(world->fetches, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(a_copy_serves_many),
        UNIT_TEST(an_old_copy_is_renewed),
        UNIT_TEST(documents_outlive_the_copy),
        UNIT_TEST(sixteen_threads_make_one_flight),
        UNIT_TEST(a_failed_flight_is_shared_too),
        UNIT_TEST(nobody_waits_longer_than_for_a_call),
        UNIT_TEST(nobody_waits_for_a_renewal),
        UNIT_TEST(a_crowd_keeps_to_the_cool_down),
        UNIT_TEST(a_late_comer_does_not_renew_again),
        UNIT_TEST(the_last_good_copy_is_kept),
        UNIT_TEST(a_renewal_is_tried_every_30_seconds),
        UNIT_TEST(without_a_copy_there_is_the_failure),
        UNIT_TEST(a_cold_start_recovers_within_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
