/* SPDX-License-Identifier: Apache-2.0 */
/* When the near cache is believed, and what goes into it. */
#include "unit_ports.h"

#define OAT "oat_0ef5a7a33d87ed87ee7954c845d80450"
#define JWT_TEXT "aaaa.bbbb.cccc"

#define TOKEN_INFO "/oauth/token_info"

#define ACTIVE "{\"active\":true,\"sub\":\"user_2\",\"scope\":\"profile\"}"
#define NOBODY "{\"active\":true,\"sub\":\"x\",\"cnf\":{}}"
#define DEAD "{\"active\":false}"

/* A near cache that has one entry and whatever it was given. */
typedef struct near_t {
    unit_world_t *world;
    const char *token; /* NULL: it is empty */
    clerk_near_entry_t entry;
    int gets;
    int puts;
    apr_uint32_t deaths;
    int sets_at_burial;
} near_t;

static near_t near;

static int near_get(void *self, clerk_slice_t token, apr_pool_t *p,
                    clerk_near_entry_t *entry)
{
    (void)p;
    assert_ptr_equal(self, &near);
    near.gets++;
    if (!near.token || !clerk_slice_is(token, near.token)) {
        return 0;
    }
    *entry = near.entry;
    return 1;
}

static void near_put(void *self, clerk_slice_t token,
                     const clerk_near_entry_t *entry)
{
    apr_pool_t *p = near.world->p;

    assert_ptr_equal(self, &near);
    near.puts++;
    near.token = apr_pstrmemdup(p, token.ptr, token.len);
    near.entry = *entry;
    near.entry.key = apr_pmemdup(p, entry->key, CLERK_SHA256_BYTES);
}

static apr_uint32_t near_deaths(void *self, const unsigned char *key)
{
    (void)key;
    assert_ptr_equal(self, &near);
    return near.deaths;
}

static void near_bury(void *self, const unsigned char *key)
{
    (void)key;
    assert_ptr_equal(self, &near);
    near.deaths++;
    near.sets_at_burial = near.world->sets;
}

static unit_world_t *near_world(apr_pool_t *p)
{
    unit_world_t *world = unit_world(p);

    memset(&near, 0, sizeof(near));
    near.world = world;
    world->ports.near.self = &near;
    world->ports.near.get = near_get;
    world->ports.near.put = near_put;
    world->ports.near.deaths = near_deaths;
    world->ports.near.bury = near_bury;
    world->terms.is_permanent = 1;
    return world;
}

static apr_time_t at(double seconds)
{
    return apr_time_from_sec(UNIT_NOW)
           + (apr_time_t)(seconds * APR_USEC_PER_SEC);
}

static clerk_cache_use_t use_at(unit_world_t *world, double seconds)
{
    unit_clock = at(seconds);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    return world->verdict.cache;
}

static void the_third_time_it_is_near(void **state)
{
    unit_world_t *world = near_world(*state);

    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(use_at(world, 0), CLERK_CACHE_MISS);
    assert_int_equal(near.puts, 0);
    assert_int_equal(use_at(world, 0), CLERK_CACHE_HIT);
    assert_int_equal(near.puts, 1);
    assert_int_equal(world->gets, 2);
    assert_int_equal(use_at(world, 0), CLERK_CACHE_NEAR);
    assert_string_equal(clerk_claims_get(world->verdict.identity, "sub"),
                        "user_2");
    assert_int_equal(world->verdict.kind, CLERK_KIND_OAUTH);
    assert_int_equal(world->gets, 2);
    assert_int_equal(near.puts, 1);
}

static void it_is_believed_for_as_long_as_the_record(void **state)
{
    unit_world_t *world = near_world(*state);

    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    (void)use_at(world, 0);
    assert_int_equal(use_at(world, 1), CLERK_CACHE_HIT);
    assert_int_equal(use_at(world, 30), CLERK_CACHE_NEAR);
    assert_int_equal(world->gets, 2);
    /* A clock that was set back tells nothing. */
    assert_int_equal(use_at(world, -1), CLERK_CACHE_HIT);
}

static void other_machines_are_asked_once_a_second(void **state)
{
    unit_world_t *world = near_world(*state);

    world->ports.near.is_shared = 1;
    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    (void)use_at(world, 0);
    assert_int_equal(use_at(world, 1), CLERK_CACHE_HIT);
    assert_int_equal(use_at(world, 1.999), CLERK_CACHE_NEAR);
    assert_int_equal(use_at(world, 2), CLERK_CACHE_HIT);
    assert_int_equal(use_at(world, 2.5), CLERK_CACHE_NEAR);
    assert_int_equal(use_at(world, 1.9), CLERK_CACHE_HIT);
}

/* Its key may have left the set, which only the cache behind has heeded. */
static void a_signed_one_is_looked_after_once_a_second(void **state)
{
    unit_world_t *world = near_world(*state);

    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    (void)use_at(world, 0);
    (void)use_at(world, 0);
    near.entry.record.identity->facts |= CLERK_FACT_SIGNED;
    assert_int_equal(use_at(world, 0.999), CLERK_CACHE_NEAR);
    assert_int_equal(use_at(world, 1), CLERK_CACHE_HIT);
}

/* What is due to be verified again may have been, by another process. */
static void the_last_quarter_belongs_to_the_cache_behind(void **state)
{
    unit_world_t *world = near_world(*state);

    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    (void)use_at(world, 0);
    assert_int_equal(use_at(world, 44.5), CLERK_CACHE_HIT);
    assert_int_equal(use_at(world, 44.9), CLERK_CACHE_NEAR);
    assert_int_equal(use_at(world, 45.1), CLERK_CACHE_HIT);
    assert_int_equal(near.puts, 1);
    assert_int_equal(use_at(world, 59.9), CLERK_CACHE_HIT);
    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(use_at(world, 60), CLERK_CACHE_MISS);
}

static void who_has_died_is_not_near(void **state)
{
    unit_world_t *world = near_world(*state);

    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    (void)use_at(world, 0);
    (void)use_at(world, 0);
    near.deaths++;
    assert_int_equal(use_at(world, 0), CLERK_CACHE_HIT);
    assert_int_equal(use_at(world, 0), CLERK_CACHE_NEAR);
}

static void a_death_is_counted_when_the_cache_knows(void **state)
{
    unit_world_t *world = near_world(*state);

    unit_say(world, TOKEN_INFO, 200, DEAD);
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_INACTIVE);
    /* Before the cache is told, and after. */
    assert_int_equal(near.deaths, 2);
    assert_int_equal(near.sets_at_burial, 1);
    /* It is remembered, not learned once more. */
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_INACTIVE);
    assert_int_equal(near.deaths, 2);
    assert_int_equal(near.puts, 0);
}

/* Others may believe it still. */
static void a_death_counts_where_refusals_are_not_kept(void **state)
{
    unit_world_t *world = near_world(*state);

    world->terms.negative_ttl = 0;
    unit_say(world, TOKEN_INFO, 200, DEAD);
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_INACTIVE);
    assert_true(near.deaths > 0);
}

static clerk_status_t fetch_while_it_dies(void *self, const clerk_call_t *call,
                                          apr_pool_t *p, clerk_answer_t *answer)
{
    near.deaths++;
    return unit_fetch(self, call, p, answer);
}

static void a_word_from_before_its_death_is_not_kept(void **state)
{
    unit_world_t *world = near_world(*state);

    world->ports.fetch.call = fetch_while_it_dies;
    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(use_at(world, 0), CLERK_CACHE_MISS);
    assert_int_equal(world->sets, 0);
    /* Of a death there is always something to keep. */
    unit_say(world, TOKEN_INFO, 200, DEAD);
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_INACTIVE);
    assert_int_equal(world->sets, 1);
}

static void nothing_is_near_without_a_ttl(void **state)
{
    unit_world_t *world = near_world(*state);
    int i;

    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    (void)use_at(world, 0);
    (void)use_at(world, 0);
    assert_int_equal(near.puts, 1);
    world->terms.cache_ttl = 0;
    near.gets = 0;
    for (i = 0; i < 2; i++) {
        unit_say(world, TOKEN_INFO, 200, ACTIVE);
        assert_int_equal(use_at(world, 0), CLERK_CACHE_MISS);
    }
    assert_int_equal(near.gets, 0);
}

static void terms_of_one_request_have_nothing_near(void **state)
{
    unit_world_t *world = near_world(*state);
    int i;

    world->terms.is_permanent = 0;
    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    (void)use_at(world, 0);
    for (i = 0; i < 3; i++) {
        assert_int_equal(use_at(world, 0), CLERK_CACHE_HIT);
    }
    assert_int_equal(near.gets, 0);
    assert_int_equal(near.puts, 0);
}

static void who_is_refused_is_not_near(void **state)
{
    unit_world_t *world = near_world(*state);
    int i;

    unit_say(world, TOKEN_INFO, 200, NOBODY);
    for (i = 0; i < 3; i++) {
        assert_int_equal(unit_verify(world, OAT), CLERK_PROOF_REQUIRED);
    }
    assert_int_equal(world->calls, 1);
    assert_int_equal(near.puts, 0);
}

/* The same terms accept fewer kinds out of a cookie. */
static void a_cookie_is_judged_by_its_own_rule(void **state)
{
    unit_world_t *world = near_world(*state);
    clerk_token_t token = { clerk_slice_str(JWT_TEXT), CLERK_KIND_NONE, 0, 1 };
    clerk_verdict_t verdict;

    world->terms.policy.accepts = CLERK_KIND_OAUTH | CLERK_KIND_SESSION;
    near.token = JWT_TEXT;
    near.entry.looked_at = unit_clock;
    near.entry.key = (const unsigned char *)"";
    near.entry.record.verified_at = unit_clock;
    near.entry.record.identity = clerk_claims_make(*state, CLERK_KIND_OAUTH);
    assert_int_equal(
        clerk_verify(&world->ports, &world->terms, &token, *state, &verdict),
        CLERK_OK);
    assert_int_equal(verdict.cache, CLERK_CACHE_NEAR);
    token.from_cookie = 1;
    assert_int_equal(
        clerk_verify(&world->ports, &world->terms, &token, *state, &verdict),
        CLERK_KIND_NOT_ACCEPTED);
    assert_null(verdict.identity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_third_time_it_is_near),
        UNIT_TEST(it_is_believed_for_as_long_as_the_record),
        UNIT_TEST(other_machines_are_asked_once_a_second),
        UNIT_TEST(a_signed_one_is_looked_after_once_a_second),
        UNIT_TEST(the_last_quarter_belongs_to_the_cache_behind),
        UNIT_TEST(who_has_died_is_not_near),
        UNIT_TEST(a_death_is_counted_when_the_cache_knows),
        UNIT_TEST(a_death_counts_where_refusals_are_not_kept),
        UNIT_TEST(a_word_from_before_its_death_is_not_kept),
        UNIT_TEST(nothing_is_near_without_a_ttl),
        UNIT_TEST(terms_of_one_request_have_nothing_near),
        UNIT_TEST(who_is_refused_is_not_near),
        UNIT_TEST(a_cookie_is_judged_by_its_own_rule),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
