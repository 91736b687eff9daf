/* SPDX-License-Identifier: Apache-2.0 */
/* The decision: what is asked, what the answer makes of a token. */
#include "unit_ports.h"

#include "clerk_api.h"

#define OAT "oat_0ef5a7a33d87ed87ee7954c845d80450"

#define TOKEN_INFO "/oauth/token_info"
#define VERIFY "/oauth_applications/access_tokens/verify"
#define USERINFO "/oauth/userinfo"

#define ACTIVE \
    "{\"active\":true,\"sub\":\"user_2\",\"client_id\":\"c\"," \
    "\"scope\":\"profile email\",\"iat\":1785000000}"
#define NOBODY "{\"active\":true,\"client_id\":\"c\"}"
#define DEAD "{\"active\":false}"
#define PROFILE \
    "{\"sub\":\"user_2\",\"email\":\"jane@example.com\"," \
    "\"email_verified\":true,\"name\":\"Jane\"}"

static const char *claim_of(const unit_world_t *world, const char *name)
{
    return clerk_claims_get(world->verdict.identity, name);
}

static void an_active_token_is_let_in(void **state)
{
    unit_world_t *world = unit_world(*state);

    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_string_equal(claim_of(world, "sub"), "user_2");
    assert_string_equal(claim_of(world, "scope"), "profile email");
    assert_int_equal(world->verdict.identity->kind, CLERK_KIND_OAUTH);
    assert_int_equal(world->calls, 1);
    assert_int_equal(world->events, 1);
    assert_int_equal(world->event.status, CLERK_OK);
}

/* Nothing is spent on what this location does not take. */
static void kinds_are_refused_before_clerk_is_asked(void **state)
{
    static const struct {
        const char *token;
        unsigned int accepts;
        clerk_verifier_t verifier;
        clerk_status_t wanted;
    } rows[] = {
        { OAT, CLERK_KIND_SESSION, CLERK_VERIFIER_AUTO,
          CLERK_KIND_NOT_ACCEPTED },
        { OAT, 0, CLERK_VERIFIER_AUTO, CLERK_KIND_NOT_ACCEPTED },
        { OAT, CLERK_KIND_ANY, CLERK_VERIFIER_JWKS, CLERK_KIND_NOT_ACCEPTED },
        { "mt_x", CLERK_KIND_OAUTH, CLERK_VERIFIER_AUTO,
          CLERK_KIND_NOT_ACCEPTED },
        { "ak_x", CLERK_KIND_OAUTH, CLERK_VERIFIER_AUTO,
          CLERK_KIND_NOT_ACCEPTED },
        { "sk_live_x", CLERK_KIND_ANY, CLERK_VERIFIER_AUTO,
          CLERK_KIND_UNKNOWN },
        { "clk_refresh_x", CLERK_KIND_ANY, CLERK_VERIFIER_AUTO,
          CLERK_KIND_UNKNOWN },
        { "oat_", CLERK_KIND_ANY, CLERK_VERIFIER_AUTO, CLERK_KIND_UNKNOWN },
        { "a.b", CLERK_KIND_ANY, CLERK_VERIFIER_AUTO, CLERK_KIND_UNKNOWN },
        { "a.b.c", CLERK_KIND_API_KEY, CLERK_VERIFIER_AUTO,
          CLERK_KIND_NOT_ACCEPTED },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        unit_world_t *world = unit_world(*state);

        world->terms.policy.accepts = rows[i].accepts;
        world->terms.realm.verifier = rows[i].verifier;
        UNIT_CHECK(rows[i].token,
                   unit_verify(world, rows[i].token) == rows[i].wanted);
        UNIT_CHECK(rows[i].token, world->gets == 0 && world->calls == 0);
        UNIT_CHECK(rows[i].token, world->verdict.cache == CLERK_CACHE_UNUSED);
    }
}

static void the_realm_says_who_is_asked(void **state)
{
    unit_world_t *world = unit_world(*state);

    world->terms.realm.verifier = CLERK_VERIFIER_BACKEND;
    unit_say(world, VERIFY, 200, DEAD);
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_INACTIVE);
    assert_string_equal(world->event.fix, clerk_api_oauth_verify.fix);

    world = unit_world(*state);
    world->terms.realm.client_secret = NULL;
    unit_say(world, VERIFY, 200, DEAD);
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_INACTIVE);
}

/* Only an unmistakable answer is a refusal. */
static void answers_keep_their_class(void **state)
{
    static const struct {
        clerk_status_t port;
        int http;
        const char *body;
        clerk_status_t wanted;
    } rows[] = {
        { CLERK_OK, 200, DEAD, CLERK_TOKEN_INACTIVE },
        { CLERK_OK, 200, "{}", CLERK_ANSWER_MALFORMED },
        { CLERK_OK, 200, "[]", CLERK_ANSWER_MALFORMED },
        { CLERK_OK, 200, "<html>", CLERK_ANSWER_MALFORMED },
        { CLERK_OK, 200, "{\"active\":\"true\",\"sub\":\"x\"}",
          CLERK_ANSWER_MALFORMED },
        { CLERK_OK, 200, NOBODY, CLERK_SUBJECT_MISSING },
        { CLERK_OK, 200, "{\"active\":true,\"sub\":\"\"}",
          CLERK_SUBJECT_MISSING },
        { CLERK_OK, 401, "{}", CLERK_CREDENTIALS_REFUSED },
        { CLERK_OK, 422, "{}", CLERK_FEATURE_DISABLED },
        { CLERK_OK, 400, "{}", CLERK_REQUEST_REFUSED },
        { CLERK_OK, 429, "{}", CLERK_RATE_LIMITED },
        { CLERK_OK, 500, "{}", CLERK_SERVER_ERROR },
        { CLERK_OK, 302, "", CLERK_REDIRECTED },
        { CLERK_UNREACHABLE, 0, NULL, CLERK_UNREACHABLE },
        { CLERK_TIMED_OUT, 0, NULL, CLERK_TIMED_OUT },
        { CLERK_TLS_FAILED, 0, NULL, CLERK_TLS_FAILED },
        { CLERK_ANSWER_TOO_LARGE, 0, NULL, CLERK_ANSWER_TOO_LARGE },
        { CLERK_INTERNAL, 0, NULL, CLERK_INTERNAL },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *label = clerk_status_info(rows[i].wanted)->name;
        unit_world_t *world = unit_world(*state);
        clerk_class_t class = clerk_status_class(rows[i].wanted);

        unit_say(world, TOKEN_INFO, rows[i].http, rows[i].body);
        world->script[0].status = rows[i].port;
        world->script[0].retry_after = 7;
        UNIT_CHECK(label, unit_verify(world, OAT) == rows[i].wanted);
        UNIT_CHECK(label, world->events == 1);
        UNIT_CHECK(label, world->verdict.retry_after
                              == (class == CLERK_CLASS_UPSTREAM ? 7 : 0));
        /* What says nothing is not remembered as anything. */
        UNIT_CHECK(label, class == CLERK_CLASS_REJECT || world->sets == 0);
    }
}

static void the_policy_judges_what_clerk_let_in(void **state)
{
    static const struct {
        const char *body;
        clerk_status_t wanted;
    } rows[] = {
        { "{\"active\":true,\"sub\":\"x\",\"aud\":\"a\"}", CLERK_OK },
        { "{\"active\":true,\"sub\":\"x\",\"aud\":\"b\"}",
          CLERK_AUDIENCE_MISMATCH },
        { "{\"active\":true,\"sub\":\"x\"}", CLERK_AUDIENCE_MISMATCH },
        { "{\"active\":true,\"sub\":\"x\",\"client_id\":\"a\"}", CLERK_OK },
        { "{\"active\":true,\"sub\":\"x\",\"aud\":7}",
          CLERK_AUDIENCE_MALFORMED },
        { "{\"active\":true,\"sub\":\"x\",\"aud\":\"a\","
          "\"cnf\":{\"jkt\":\"y\"}}",
          CLERK_PROOF_REQUIRED },
        { "{\"active\":true,\"sub\":\"x\",\"aud\":\"a\","
          "\"exp\":1784999995}",
          CLERK_TOKEN_EXPIRED },
        { "{\"active\":true,\"sub\":\"x\",\"aud\":\"a\","
          "\"exp\":1784999996}",
          CLERK_OK },
        { "{\"active\":true,\"sub\":\"x\",\"aud\":\"a\",\"exp\":0}",
          CLERK_TOKEN_EXPIRED },
        { "{\"active\":true,\"sub\":\"x\",\"aud\":\"a\","
          "\"nbf\":1785000006}",
          CLERK_TOKEN_NOT_YET_VALID },
        { "{\"active\":true,\"sub\":\"x\",\"aud\":\"a\","
          "\"iat\":1785000006}",
          CLERK_TOKEN_NOT_YET_VALID },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        unit_world_t *world = unit_world(*state);
        apr_array_header_t *list =
            apr_array_make(*state, 1, sizeof(const char *));

        APR_ARRAY_PUSH(list, const char *) = "a";
        world->terms.policy.audiences = list;
        world->terms.policy.audience_mode = CLERK_AUDIENCE_REQUIRED;
        unit_say(world, TOKEN_INFO, 200, rows[i].body);
        UNIT_CHECK(rows[i].body, unit_verify(world, OAT) == rows[i].wanted);
    }
}

/* ------------------------------------------------------------------ */
/* userinfo                                                           */

static unit_world_t *world_with_userinfo(apr_pool_t *p)
{
    unit_world_t *world = unit_world(p);

    world->terms.realm.userinfo = 1;
    assert_int_equal(clerk_realm_finish(&world->terms.realm, p), CLERK_OK);
    return world;
}

static void a_profile_is_added(void **state)
{
    unit_world_t *world = world_with_userinfo(*state);

    unit_say(world, TOKEN_INFO, 200, ACTIVE);
    unit_say(world, USERINFO, 200, PROFILE);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_string_equal(claim_of(world, "email"), "jane@example.com");
    assert_string_equal(claim_of(world, "email_verified"), "true");
    assert_int_equal(world->events, 2);
    assert_int_equal(world->verdict.identity->facts, 0);
}

static void a_profile_is_not_asked_for_in_vain(void **state)
{
    unit_world_t *world = world_with_userinfo(*state);

    unit_say(world, TOKEN_INFO, 200, DEAD);
    assert_int_equal(unit_verify(world, OAT), CLERK_TOKEN_INACTIVE);
    assert_int_equal(world->calls, 1);
}

/* Whatever becomes of it, the request is not refused for it. */
static void a_missing_profile_refuses_nobody(void **state)
{
    static const struct {
        clerk_status_t port;
        int http;
        const char *body;
        int failed;
    } rows[] = {
        { CLERK_OK, 401, "{\"errors\":[{\"code\":\"x\"}]}", 0 },
        { CLERK_OK, 403, "{\"errors\":[{\"code\":\"x\"}]}", 0 },
        { CLERK_OK, 500, "{}", 1 },
        { CLERK_OK, 429, "{}", 1 },
        { CLERK_OK, 200, "<html>", 1 },
        { CLERK_OK, 200, "{}", 1 },
        { CLERK_OK, 200, "{\"sub\":7}", 1 },
        { CLERK_OK, 200, "{\"sub\":null}", 1 },
        { CLERK_OK, 200, "{\"sub\":\"\"}", 1 },
        { CLERK_OK, 200, "{\"sub\":\"user_2\",\"email\":7}", 1 },
        { CLERK_TIMED_OUT, 0, NULL, 1 },
        { CLERK_INTERNAL, 0, NULL, 1 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *label = rows[i].body ? rows[i].body : "no answer";
        unit_world_t *world = world_with_userinfo(*state);

        unit_say(world, TOKEN_INFO, 200, ACTIVE);
        unit_say(world, USERINFO, rows[i].http, rows[i].body);
        world->script[1].status = rows[i].port;
        UNIT_CHECK(label, unit_verify(world, OAT) == CLERK_OK);
        UNIT_SAME(label, claim_of(world, "sub"), "user_2");
        UNIT_CHECK(label, claim_of(world, "email") == NULL);
        UNIT_CHECK(label,
                   world->verdict.identity->facts
                       == (rows[i].failed ? CLERK_FACT_PROFILE_FAILED : 0u));
    }
}

static void a_profile_of_somebody_else_is_discarded(void **state)
{
    static const char *const others[] = { "user_3", "user_22", "user_",
                                          "USER_2", "user_2 " };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(others); i++) {
        unit_world_t *world = world_with_userinfo(*state);

        unit_say(world, TOKEN_INFO, 200, ACTIVE);
        unit_say(world, USERINFO, 200,
                 apr_pstrcat(*state, "{\"sub\":\"", others[i],
                             "\",\"email\":\"x@y\"}", NULL));
        UNIT_CHECK(others[i], unit_verify(world, OAT) == CLERK_OK);
        UNIT_SAME(others[i], claim_of(world, "sub"), "user_2");
        UNIT_CHECK(others[i], claim_of(world, "email") == NULL);
    }
}

static void nobody_may_become_somebody_by_it(void **state)
{
    unit_world_t *world = world_with_userinfo(*state);

    unit_say(world, TOKEN_INFO, 200, NOBODY);
    unit_say(world, USERINFO, 200, PROFILE);
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_string_equal(claim_of(world, "sub"), "user_2");

    world = world_with_userinfo(*state);
    unit_say(world, TOKEN_INFO, 200, NOBODY);
    unit_say(world, USERINFO, 401, "{}");
    assert_int_equal(clerk_status_class(unit_verify(world, OAT)),
                     CLERK_CLASS_REJECT);

    world = world_with_userinfo(*state);
    unit_say(world, TOKEN_INFO, 200, NOBODY);
    unit_say(world, USERINFO, 500, "{}");
    assert_int_equal(unit_verify(world, OAT), CLERK_SERVER_ERROR);
    assert_int_equal(world->sets, 0);
}

/* The first answer counts where both say something. */
static void a_profile_changes_no_claim(void **state)
{
    unit_world_t *world = world_with_userinfo(*state);

    unit_say(world, TOKEN_INFO, 200,
             "{\"active\":true,\"sub\":\"user_2\",\"client_id\":\"c\","
             "\"scope\":\"a\",\"org_id\":\"org_1\"}");
    unit_say(world, USERINFO, 200,
             "{\"sub\":\"user_2\",\"client_id\":\"d\",\"scope\":\"b\","
             "\"org_id\":\"org_2\",\"name\":\"n\"}");
    assert_int_equal(unit_verify(world, OAT), CLERK_OK);
    assert_string_equal(
        clerk_claims_joined(world->verdict.identity, *state, "client_id"), "c");
    assert_string_equal(
        clerk_claims_joined(world->verdict.identity, *state, "scope"), "a");
    assert_string_equal(
        clerk_claims_joined(world->verdict.identity, *state, "org_id"),
        "org_1");
    assert_string_equal(claim_of(world, "name"), "n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(an_active_token_is_let_in),
        UNIT_TEST(kinds_are_refused_before_clerk_is_asked),
        UNIT_TEST(the_realm_says_who_is_asked),
        UNIT_TEST(answers_keep_their_class),
        UNIT_TEST(the_policy_judges_what_clerk_let_in),
        UNIT_TEST(a_profile_is_added),
        UNIT_TEST(a_profile_is_not_asked_for_in_vain),
        UNIT_TEST(a_missing_profile_refuses_nobody),
        UNIT_TEST(a_profile_of_somebody_else_is_discarded),
        UNIT_TEST(nobody_may_become_somebody_by_it),
        UNIT_TEST(a_profile_changes_no_claim),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
