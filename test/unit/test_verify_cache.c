/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of a verification, for how long, and by whom. */
#include "unit_ports.h"

#include "clerk_record.h"

#define OAT "oat_0ef5a7a33d87ed87ee7954c845d80450"
#define OTHER "oat_1ef5a7a33d87ed87ee7954c845d80451"

#define TOKEN_INFO "/oauth/token_info"
#define USERINFO "/oauth/userinfo"

#define ACTIVE "{\"active\":true,\"sub\":\"user_2\",\"scope\":\"profile\"}"
#define DEAD "{\"active\":false}"

static apr_time_t at(apr_int64_t seconds)
{
    return apr_time_from_sec(UNIT_NOW + seconds);
}

static void a_hit_asks_nobody(void **state)
{
    unit_world_t *world = unit_world(*state);

    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(world->verdict.cache, CLERK_CACHE_MISS);
    assert_int_equal(world->sets, 1);

    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(world->verdict.cache, CLERK_CACHE_HIT);
    assert_string_equal(clerk_claims_get(world->verdict.identity, "sub"),
                        "user_2");
    assert_string_equal(clerk_claims_get(world->verdict.identity, "scope"),
                        "profile");
    assert_int_equal(world->calls, 1);
    assert_int_equal(world->sets, 1);
    assert_int_equal(world->events, 1);
}

static void a_refusal_is_remembered_too(void **state)
{
    unit_world_t *world = unit_world(*state);

    unit_say(world, TOKEN_INFO, 200, DEAD);
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_INACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_INACTIVE);
    assert_int_equal(world->verdict.cache, CLERK_CACHE_HIT);
    assert_int_equal(world->calls, 1);
    assert_true(world->entries[0].expires == at(10));
}

typedef struct ttl_row_t {
    const char *body;
    int cache_ttl;
    int negative_ttl;
    apr_int64_t kept; /* seconds from now on; 0: not at all */
} ttl_row_t;

#define EXP(exp) "{\"active\":true,\"sub\":\"x\",\"exp\":" exp "}"
#define IAT(iat) "{\"active\":true,\"sub\":\"x\",\"iat\":" iat "}"

static const ttl_row_t ttl_rows[] = {
    { ACTIVE, 60, 10, 60 },
    { ACTIVE, 1, 10, 1 },
    { ACTIVE, 0, 10, 0 },
    { ACTIVE, 60, 0, 60 },
    { ACTIVE, 0, 0, 0 },
    { DEAD, 60, 10, 10 },
    { DEAD, 60, 0, 0 },
    { DEAD, 0, 0, 0 },
    /* Never past the token's own end. */
    { EXP("1785000030"), 60, 10, 30 },
    { EXP("1785000060"), 60, 10, 60 },
    { EXP("1785000061"), 60, 10, 60 },
    { EXP("1785000001"), 60, 10, 1 },
    { EXP("253402300799"), 60, 10, 60 },
    /* Over, but for a leeway. */
    { EXP("1785000000"), 60, 10, 0 },
    { EXP("1784999997"), 60, 10, 0 },
    { EXP("1784999701"), 60, 10, 0 },
    /* Over with the largest leeway: a refusal like any other. */
    { EXP("1784999700"), 60, 10, 10 },
    { EXP("0"), 60, 10, 10 },
    /* Introspection does not tell the end; a day it is (D14). */
    { IAT("1785000000"), 60, 10, 60 },
    { IAT("1784913630"), 60, 10, 30 },
    { IAT("1784913601"), 60, 10, 1 },
    { IAT("1784913600"), 60, 10, 0 },
};

static void what_is_kept_has_its_time(void **state)
{
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(ttl_rows); i++) {
        const ttl_row_t *row = &ttl_rows[i];
        unit_world_t *world = unit_world(*state);

        world->terms.cache_ttl = row->cache_ttl;
        world->terms.negative_ttl = row->negative_ttl;
        unit_say(world, TOKEN_INFO, 200, row->body);
        (void)unit_verify(world, OAT);
        UNIT_CHECK(row->body, world->sets == (row->kept ? 1 : 0));
        if (!row->kept) {
            continue;
        }
        UNIT_CHECK(row->body, world->entries[0].expires == at(row->kept));

        unit_clock = at(row->kept) - 1;
        (void)unit_verify(world, OAT);
        UNIT_CHECK(row->body, world->verdict.cache == CLERK_CACHE_HIT);

        /* The cache may keep it longer than it was asked to. */
        unit_clock = at(row->kept);
        unit_say(world, TOKEN_INFO, 200, DEAD);
        UNIT_CHECK(row->body, unit_verify(world, OAT) == CLERK_TOKEN_INACTIVE);
        UNIT_CHECK(row->body, world->verdict.cache == CLERK_CACHE_MISS);
        UNIT_CHECK(row->body, world->calls == 2);
    }
}

static void what_says_nothing_is_not_kept(void **state)
{
    static const struct {
        int http;
        const char *body;
    } rows[] = {
        { 500, "{}" },     { 502, "<html>" }, { 429, "{}" }, { 401, "{}" },
        { 422, "{}" },     { 400, "{}" },     { 200, "{}" }, { 200, "[]" },
        { 200, "<html>" }, { 302, "" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        unit_world_t *world = unit_world(*state);

        unit_say(world, TOKEN_INFO, rows[i].http, rows[i].body);
        (void)unit_verify(world, OAT);
        UNIT_CHECK(rows[i].body, world->sets == 0);

        /* It recovers at once. */
        unit_say(world, TOKEN_INFO, 200, ACTIVE);
        UNIT_CHECK(rows[i].body, unit_verify(world, OAT) == CLERK_OK);
    }
}

static void the_policy_is_asked_on_every_hit(void **state)
{
    unit_world_t *world = unit_world(*state);

    unit_say(world, TOKEN_INFO, 200,
             "{\"active\":true,\"sub\":\"x\",\"nbf\":1785000002,"
             "\"client_id\":\"c\"}");
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    world->terms.policy.leeway = 0;
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_NOT_YET_VALID);
    unit_clock = at(2);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);

    world->terms.policy.audience_mode = CLERK_AUDIENCE_REQUIRED;
    world->terms.policy.audiences =
        apr_array_make(*state, 1, sizeof(const char *));
    assert_int_equal(unit_verify(world, OAT), CLERK_AUDIENCE_MISMATCH);
    world->terms.policy.accepts = CLERK_KIND_M2M;
    assert_int_equal(unit_verify(world, OAT), CLERK_KIND_NOT_ACCEPTED);
    assert_int_equal(world->calls, 1);
}

/* What the policy refuses is remembered as what it is: an active token. */
static void a_refusal_of_the_policy_is_not_kept(void **state)
{
    unit_world_t *world = unit_world(*state);
    clerk_record_t record;

    world->terms.policy.audience_mode = CLERK_AUDIENCE_REQUIRED;
    world->terms.policy.audiences =
        apr_array_make(*state, 1, sizeof(const char *));
    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_AUDIENCE_MISMATCH);
    assert_int_equal(world->count, 1);
    assert_int_equal(
        clerk_record_read(*state, world->entries[0].bytes, &record), CLERK_OK);
    assert_int_equal(record.status, CLERK_OK);

    world->terms.policy.audience_mode = CLERK_AUDIENCE_ANY;
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(world->calls, 1);
}

static void tokens_do_not_share_an_entry(void **state)
{
    unit_world_t *world = unit_world(*state);

    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    unit_say(world, TOKEN_INFO, 200, DEAD);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(unit_verify(world, OTHER), CLERK_TOKEN_INACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(world->calls, 2);
    assert_int_equal(world->count, 2);
}

static void realms_do_not_share_an_entry(void **state)
{
    unit_world_t *world = unit_world(*state);

    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    world->terms.realm.client_id = "other";
    assert_int_equal(clerk_realm_finish(&world->terms.realm, *state), CLERK_OK);
    unit_say(world, TOKEN_INFO, 200, DEAD);
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_INACTIVE);
    assert_int_equal(world->calls, 2);
}

/* A location believes by its own patience what another one remembered. */
static void a_shorter_time_holds_on_a_hit(void **state)
{
    unit_world_t *world = unit_world(*state);

    world->terms.cache_ttl = 600;
    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    unit_clock = at(5);
    world->terms.cache_ttl = 6;
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(world->verdict.cache, CLERK_CACHE_HIT);
    world->terms.cache_ttl = 5;
    unit_say(world, TOKEN_INFO, 200, DEAD);
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_INACTIVE);
    assert_int_equal(world->verdict.cache, CLERK_CACHE_MISS);
}

static void caching_off_is_off(void **state)
{
    unit_world_t *world = unit_world(*state);

    world->terms.cache_ttl = 0;
    world->terms.negative_ttl = 0;
    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    unit_say(world, TOKEN_INFO, 200, DEAD);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_INACTIVE);
    assert_int_equal(world->verdict.cache, CLERK_CACHE_UNUSED);
    assert_int_equal(world->gets, 0);
    assert_int_equal(world->sets, 0);
}

static void there_may_be_no_cache(void **state)
{
    unit_world_t *world = unit_world(*state);

    world->ports.cache.get = NULL;
    world->ports.cache.set = NULL;
    world->ports.log.called = NULL;
    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(world->verdict.cache, CLERK_CACHE_UNUSED);
    assert_int_equal(world->calls, 2);
}

/* Clocks of machines that share a cache; a bit is the clocks' own fault. */
static void a_record_of_tomorrow_is_a_miss(void **state)
{
    unit_world_t *world = unit_world(*state);

    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    unit_clock = at(-5);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_int_equal(world->verdict.cache, CLERK_CACHE_HIT);
    unit_clock = at(-86400);
    unit_say(world, TOKEN_INFO, 200, DEAD);
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_INACTIVE);
}

/* Whoever writes garbage into the cache gets a call to Clerk. */
static void garbage_in_the_cache_is_a_miss(void **state)
{
    static const char *const garbage[] = { "", "x", "\x01", "{}",
                                           "\x02\x00\x00\x00" };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(garbage); i++) {
        unit_world_t *world = unit_world(*state);

        unit_say(world, TOKEN_INFO, 200, ACTIVE);
        assert_int_equal(unit_verify(world, OAT), CLERK_OK);
        world->entries[0].bytes = unit_text(*state, garbage[i]);
        unit_say(world, TOKEN_INFO, 200, DEAD);
        assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_INACTIVE);
        assert_int_equal(world->verdict.cache, CLERK_CACHE_MISS);
    }
}

/* Long dead is dead for everybody, and need not be asked about again. */
static void the_long_expired_are_remembered_as_dead(void **state)
{
    unit_world_t *world = unit_world(*state);

    unit_say(world, TOKEN_INFO, 200, EXP("1784990000"));
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_EXPIRED);
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_EXPIRED);
    assert_int_equal(world->calls, 1);
    assert_true(world->entries[0].expires == at(10));
}

/* The profile comes with the record, and is fetched again soon if it could
 * not be had. */
static void profiles_are_remembered(void **state)
{
    unit_world_t *world = unit_world(*state);

    world->terms.realm.userinfo = 1;
    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    unit_say(world, USERINFO, 200,
             "{\"sub\":\"user_2\",\"email\":\"jane@example.com\"}");
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_true(world->entries[0].expires == at(60));
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_string_equal(clerk_claims_get(world->verdict.identity, "email"),
                        "jane@example.com");
    assert_int_equal(world->calls, 2);

    world = unit_world(*state);
    world->terms.realm.userinfo = 1;
    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    unit_say(world, USERINFO, 500, "{}");
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_true(world->entries[0].expires == at(10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(a_hit_asks_nobody),
        UNIT_TEST(a_refusal_is_remembered_too),
        UNIT_TEST(what_is_kept_has_its_time),
        UNIT_TEST(what_says_nothing_is_not_kept),
        UNIT_TEST(the_policy_is_asked_on_every_hit),
        UNIT_TEST(a_refusal_of_the_policy_is_not_kept),
        UNIT_TEST(tokens_do_not_share_an_entry),
        UNIT_TEST(realms_do_not_share_an_entry),
        UNIT_TEST(a_shorter_time_holds_on_a_hit),
        UNIT_TEST(caching_off_is_off),
        UNIT_TEST(there_may_be_no_cache),
        UNIT_TEST(a_record_of_tomorrow_is_a_miss),
        UNIT_TEST(garbage_in_the_cache_is_a_miss),
        UNIT_TEST(the_long_expired_are_remembered_as_dead),
        UNIT_TEST(profiles_are_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
