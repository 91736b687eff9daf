/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of a JWT that was proved, and what is asked of it. */
#include "unit_ring.h"

#define USERINFO "/oauth/userinfo"

static apr_time_t at(apr_int64_t seconds)
{
    return apr_time_from_sec(UNIT_NOW + seconds);
}

static void a_proof_is_believed_for_five_minutes(void **state)
{
    static const struct {
        const char *payload;
        int cache_ttl;
        apr_int64_t kept;
    } rows[] = {
        { A_USER, 60, 300 },
        { A_USER, 1, 300 },
        { A_USER, 86400, 300 },
        { USER("1785000300") "}", 60, 300 },
        { USER("1785000299") "}", 60, 299 },
        { USER("1785000001") "}", 60, 1 },
        /* Within the leeway only: proved each time. */
        { USER("1785000000") "}", 60, 0 },
        { USER("1784999996") "}", 60, 0 },
        { A_USER, 0, 0 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *token = token_of(*state, OAUTH, rows[i].payload);
        unit_world_t *world = world_of(*state);
        int is_kept = rows[i].kept > 0;

        world->terms.cache_ttl = rows[i].cache_ttl;
        UNIT_CHECK(rows[i].payload, unit_verify(world, token) == CLERK_OK);
        UNIT_CHECK(rows[i].payload, world->sets == is_kept);
        UNIT_CHECK(rows[i].payload, unit_verify(world, token) == CLERK_OK);
        UNIT_CHECK(rows[i].payload, ring.checks == 2 - is_kept);
        if (!is_kept) {
            continue;
        }
        UNIT_CHECK(rows[i].payload,
                   world->entries[0].expires == at(rows[i].kept));
        UNIT_CHECK(rows[i].payload, world->verdict.cache == CLERK_CACHE_HIT);
        UNIT_CHECK(rows[i].payload, world->verdict.kind == CLERK_KIND_OAUTH);
        UNIT_CHECK(rows[i].payload,
                   world->verdict.identity->facts == CLERK_FACT_SIGNED);

        /* A key that has left the set is not believed any longer. */
        ring.says = CLERK_KEY_UNKNOWN;
        unit_clock = at(rows[i].kept) - 1;
        UNIT_CHECK(rows[i].payload, unit_verify(world, token) == CLERK_OK);
        unit_clock = at(rows[i].kept);
        UNIT_CHECK(rows[i].payload,
                   unit_verify(world, token) == CLERK_KEY_UNKNOWN);
    }
}

static void refusals_of_jwts_are_not_remembered(void **state)
{
    static const clerk_status_t refusals[] = {
        CLERK_SIGNATURE_INVALID, CLERK_KEY_UNKNOWN,  CLERK_ALGORITHM_REFUSED,
        CLERK_UNREACHABLE,       CLERK_RATE_LIMITED, CLERK_INTERNAL,
    };
    const char *token = token_of(*state, OAUTH, A_USER);
    unit_world_t *world = world_of(*state);
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(refusals); i++) {
        ring.says = refusals[i];
        assert_int_equal(unit_verify(world, token), refusals[i]);
    }
    assert_int_equal(world->sets, 0);
    ring.says = CLERK_OK;
    assert_int_equal(unit_verify(world, token), CLERK_OK);
}

/* The policy is asked again of what another location has had proved. */
static void the_policy_is_asked_on_every_hit(void **state)
{
    const char *token =
        token_of(*state, PLAIN,
                 USER("1785086400") ",\"sid\":\"sess_2\",\"azp\":\"https://a\","
                                    "\"sts\":\"pending\",\"aud\":\"x\"}");
    unit_world_t *world = world_of(*state);
    clerk_policy_t *policy = &world->terms.policy;

    policy->allow_pending = 1;
    assert_int_equal(unit_verify(world, token), CLERK_OK);
    policy->allow_pending = 0;
    assert_int_equal(unit_verify(world, token), CLERK_SESSION_PENDING);
    policy->allow_pending = 1;
    policy->parties = apr_array_make(*state, 1, sizeof(const char *));
    assert_int_equal(unit_verify(world, token), CLERK_PARTY_MISMATCH);
    policy->parties = NULL;
    policy->audiences = apr_array_make(*state, 1, sizeof(const char *));
    policy->audience_mode = CLERK_AUDIENCE_IF_PRESENT;
    policy->audience_is_explicit = 1;
    assert_int_equal(unit_verify(world, token), CLERK_AUDIENCE_MISMATCH);
    policy->audience_mode = CLERK_AUDIENCE_ANY;
    policy->issuers = policy->audiences;
    assert_int_equal(unit_verify(world, token), CLERK_ISSUER_MISMATCH);
    policy->accepts = CLERK_KIND_OAUTH;
    assert_int_equal(unit_verify(world, token), CLERK_KIND_NOT_ACCEPTED);
    assert_int_equal(ring.checks, 1);
}

/* ------------------------------------------------------------------ */
/* userinfo                                                           */

static void profiles_are_for_users_of_oauth(void **state)
{
    unit_world_t *world = world_of(*state);

    world->terms.realm.userinfo = 1;
    assert_int_equal(unit_verify(world, token_of(*state, PLAIN, A_SESSION)),
                     CLERK_OK);
    assert_int_equal(unit_verify(world, token_of(*state, PLAIN, A_MACHINE)),
                     CLERK_OK);
    assert_int_equal(world->calls, 0);
    unit_say(world, USERINFO, 200, "{\"sub\":\"user_2\",\"email\":\"e\"}");
    assert_int_equal(unit_verify(world, token_of(*state, OAUTH, A_USER)),
                     CLERK_OK);
    assert_string_equal(clerk_claims_get(world->verdict.identity, "email"),
                        "e");
}

/* Else whoever has an old token could have Clerk called at will. */
static void no_profile_is_fetched_for_the_refused(void **state)
{
    static const char *const payloads[] = {
        USER("1") "}",
        USER("1784999995") "}",
        USER("1785086400") ",\"iss\":\"https://evil\"}",
        USER("1785086400") ",\"cnf\":{}}",
        USER("1785086400") ",\"aud\":7}",
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(payloads); i++) {
        unit_world_t *world = world_of(*state);

        world->terms.realm.userinfo = 1;
        UNIT_CHECK(payloads[i],
                   unit_verify(world, token_of(*state, OAUTH, payloads[i]))
                       != CLERK_OK);
        UNIT_CHECK(payloads[i], world->calls == 0 && ring.checks == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(a_proof_is_believed_for_five_minutes),
        UNIT_TEST(refusals_of_jwts_are_not_remembered),
        UNIT_TEST(the_policy_is_asked_on_every_hit),
        UNIT_TEST(profiles_are_for_users_of_oauth),
        UNIT_TEST(no_profile_is_fetched_for_the_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
