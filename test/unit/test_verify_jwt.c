/* SPDX-License-Identifier: Apache-2.0 */
/* The decision on JWTs: in which order, and at whose word. */
#include "unit_ring.h"

#define TOKEN_INFO "/oauth/token_info"
#define VERIFY "/oauth_applications/access_tokens/verify"

#define NO_KID "{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}"

static void every_kind_is_let_in_by_its_signature(void **state)
{
    static const struct {
        const char *header;
        const char *payload;
        clerk_kind_t kind;
        const char *sub;
    } rows[] = {
        { OAUTH, A_USER, CLERK_KIND_OAUTH, "user_2" },
        { PLAIN, A_SESSION, CLERK_KIND_SESSION, "user_2" },
        { PLAIN, A_MACHINE, CLERK_KIND_M2M, "mch_2" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        unit_world_t *world = world_of(*state);
        const char *token = token_of(*state, rows[i].header, rows[i].payload);

        UNIT_CHECK(rows[i].payload, unit_verify(world, token) == CLERK_OK);
        UNIT_CHECK(rows[i].payload, world->verdict.kind == rows[i].kind);
        UNIT_CHECK(rows[i].payload,
                   world->verdict.identity->kind == rows[i].kind);
        UNIT_CHECK(rows[i].payload,
                   world->verdict.identity->facts == CLERK_FACT_SIGNED);
        UNIT_SAME(rows[i].payload,
                  clerk_claims_get(world->verdict.identity, "sub"),
                  rows[i].sub);
        UNIT_CHECK(rows[i].payload, ring.checks == 1 && world->calls == 0);
        UNIT_SAME(rows[i].payload, ring.kid, UNIT_KID);
        UNIT_CHECK(rows[i].payload, ring.realm == &world->terms.realm);
    }
}

/* Nothing is spent on what is refused anyway: no key, no call. */
static void what_is_not_accepted_is_not_looked_into(void **state)
{
    static const struct {
        const char *header;
        const char *payload;
        unsigned int accepts;
        clerk_status_t wanted;
        clerk_kind_t kind;
    } rows[] = {
        { OAUTH, A_USER, CLERK_KIND_SESSION | CLERK_KIND_M2M,
          CLERK_KIND_NOT_ACCEPTED, CLERK_KIND_OAUTH },
        { PLAIN, A_SESSION, CLERK_KIND_OAUTH | CLERK_KIND_M2M,
          CLERK_KIND_NOT_ACCEPTED, CLERK_KIND_SESSION },
        { PLAIN, A_MACHINE, CLERK_KIND_OAUTH | CLERK_KIND_SESSION,
          CLERK_KIND_NOT_ACCEPTED, CLERK_KIND_M2M },
        { OAUTH, A_USER, CLERK_KIND_API_KEY, CLERK_KIND_NOT_ACCEPTED,
          CLERK_KIND_NONE },
        { OAUTH, A_USER, 0, CLERK_KIND_NOT_ACCEPTED, CLERK_KIND_NONE },
        { PLAIN, A_USER, CLERK_KIND_ANY, CLERK_KIND_UNKNOWN, CLERK_KIND_NONE },
        { "{\"alg\":\"none\",\"typ\":\"at+jwt\"}", A_USER, CLERK_KIND_ANY,
          CLERK_ALGORITHM_REFUSED, CLERK_KIND_NONE },
        { "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", A_USER, CLERK_KIND_ANY,
          CLERK_ALGORITHM_REFUSED, CLERK_KIND_NONE },
        { "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"crit\":[\"x\"]}", A_USER,
          CLERK_KIND_ANY, CLERK_ALGORITHM_REFUSED, CLERK_KIND_NONE },
        { "[]", A_USER, CLERK_KIND_ANY, CLERK_JWT_MALFORMED, CLERK_KIND_NONE },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        unit_world_t *world = world_of(*state);
        const char *token = token_of(*state, rows[i].header, rows[i].payload);

        world->terms.policy.accepts = rows[i].accepts;
        UNIT_CHECK(token, unit_verify(world, token) == rows[i].wanted);
        UNIT_CHECK(token, world->verdict.kind == rows[i].kind);
        UNIT_CHECK(token, !ring.checks && !world->calls && !world->sets);
    }
}

/* A wrong signature says so, whatever the claims are; else the answer would
 * tell a forger what is in a token that he cannot sign. */
static void the_signature_comes_before_the_claims(void **state)
{
    static const struct {
        const char *payload;
        clerk_status_t wanted; /* with a good signature */
    } rows[] = {
        { USER("1") "}", CLERK_TOKEN_EXPIRED },
        { USER("\"x\"") "}", CLERK_JWT_MALFORMED },
        { USER("null") "}", CLERK_JWT_MALFORMED },
        { USER("1785086400") ",\"nbf\":1785086400}",
          CLERK_TOKEN_NOT_YET_VALID },
        { USER("1785086400") ",\"cnf\":{}}", CLERK_PROOF_REQUIRED },
        { USER("1785086400") ",\"aud\":7}", CLERK_AUDIENCE_MALFORMED },
        { USER("1785086400") ",\"iss\":\"https://evil\"}",
          CLERK_ISSUER_MISMATCH },
        { "{\"sub\":\"user_2\",\"exp\":1785086400}", CLERK_ISSUER_MISMATCH },
    };
    static const clerk_status_t refusals[] = {
        CLERK_SIGNATURE_INVALID, CLERK_KEY_UNKNOWN, CLERK_ALGORITHM_REFUSED,
        CLERK_UNREACHABLE,       CLERK_TIMED_OUT,   CLERK_SERVER_ERROR,
    };
    apr_size_t i;
    apr_size_t j;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        unit_world_t *world = world_of(*state);
        const char *token = token_of(*state, OAUTH, rows[i].payload);

        for (j = 0; j < UNIT_COUNT(refusals); j++) {
            ring.says = refusals[j];
            UNIT_CHECK(rows[i].payload,
                       unit_verify(world, token) == refusals[j]);
            UNIT_CHECK(rows[i].payload, world->sets == 0);
        }
        ring.says = CLERK_OK;
        UNIT_CHECK(rows[i].payload,
                   unit_verify(world, token) == rows[i].wanted);
    }
}

/* Without `kid` there is no telling with which key of a set. */
static void a_kid_is_needed_but_with_a_key_of_our_own(void **state)
{
    unit_world_t *world = world_of(*state);
    const char *token = unit_signed_jwt(*state, NO_KID, A_USER, "SHA256");

    assert_int_equal(unit_verify(world, token), CLERK_KEY_UNKNOWN);
    assert_int_equal(ring.checks, 0);

    world->terms.realm.jwt_key_text = UNIT_RSA_SPKI;
    assert_int_equal(clerk_realm_finish(&world->terms.realm, *state), CLERK_OK);
    assert_int_equal(unit_verify(world, token), CLERK_OK);
    assert_int_equal(ring.checks, 0);
    assert_int_equal(world->calls, 0);
}

static void a_key_of_our_own_needs_nobody(void **state)
{
    static const char *const headers[] = {
        OAUTH,
        "{\"alg\":\"RS256\",\"kid\":\"other\",\"typ\":\"at+jwt\"}",
    };
    unit_world_t *world = world_of(*state);
    const char *token;
    char *forged;
    char *at_nine;
    apr_size_t i;

    world->terms.realm.jwt_key_text = UNIT_RSA_SPKI;
    assert_int_equal(clerk_realm_finish(&world->terms.realm, *state), CLERK_OK);
    world->ports.keys.check = NULL;
    for (i = 0; i < UNIT_COUNT(headers); i++) {
        token = unit_signed_jwt(*state, headers[i], A_USER, "SHA256");
        assert_int_equal(unit_verify(world, token), CLERK_OK);
        forged = apr_pstrdup(*state, token);
        at_nine = &forged[strlen(forged) - 9];
        *at_nine = *at_nine == 'A' ? 'B' : 'A';
        assert_int_equal(unit_verify(world, forged), CLERK_SIGNATURE_INVALID);
        /* Signed by another algorithm than it says. */
        token = unit_signed_jwt(*state, headers[i], A_USER, "SHA512");
        assert_int_equal(unit_verify(world, token), CLERK_SIGNATURE_INVALID);
    }
    token = token_of(*state, OAUTH, A_USER);
    assert_int_equal(unit_verify(world, token), CLERK_SIGNATURE_INVALID);
    assert_int_equal(world->calls, 0);
}

/* ------------------------------------------------------------------ */
/* Who is asked                                                       */

static void the_verifier_says_who_judges(void **state)
{
    static const struct {
        clerk_verifier_t verifier;
        const char *oauth; /* who is asked about an OAuth JWT; NULL: nobody */
    } rows[] = {
        { CLERK_VERIFIER_AUTO, NULL },
        { CLERK_VERIFIER_JWKS, NULL },
        { CLERK_VERIFIER_INTROSPECTION, TOKEN_INFO },
        { CLERK_VERIFIER_BACKEND, VERIFY },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *label = clerk_realm_verifier_name(rows[i].verifier);
        unit_world_t *world = world_of(*state);
        int asks = rows[i].oauth != NULL;

        world->terms.realm.verifier = rows[i].verifier;
        if (asks) {
            unit_say(world, rows[i].oauth, 200, "{\"active\":false}");
        }
        UNIT_CHECK(label, unit_verify(world, token_of(*state, OAUTH, A_USER))
                              == (asks ? CLERK_TOKEN_INACTIVE : CLERK_OK));
        UNIT_CHECK(label, world->verdict.kind == CLERK_KIND_OAUTH);
        UNIT_CHECK(label, ring.checks == !asks && world->calls == asks);

        /* These go to nobody, whatever the verifier is. */
        UNIT_CHECK(label, unit_verify(world, token_of(*state, PLAIN, A_SESSION))
                              == CLERK_OK);
        UNIT_CHECK(label, unit_verify(world, token_of(*state, PLAIN, A_MACHINE))
                              == CLERK_OK);
        UNIT_CHECK(label, ring.checks == 3 - asks && world->calls == asks);
    }
}

/* What a token grants is Clerk's word alone. */
static void what_clerk_says_is_not_what_the_token_says(void **state)
{
    unit_world_t *world = world_of(*state);

    world->terms.realm.verifier = CLERK_VERIFIER_INTROSPECTION;
    unit_say(world, TOKEN_INFO, 200,
             "{\"active\":true,\"sub\":\"user_2\",\"scope\":\"a\"}");
    assert_int_equal(
        unit_verify(world,
                    token_of(*state, OAUTH,
                             USER("1785086400") ",\"scope\":\"admin\"}")),
        CLERK_OK);
    assert_string_equal(unit_claims(*state, world->verdict.identity),
                        "sub=user_2;scope=a;iss=https://clerk.example.test;");
    assert_true(world->verdict.identity->expires == 1785086400);
}

/* Another token's, it seems. */
static void clerk_and_the_token_do_not_contradict_each_other(void **state)
{
    static const char *const answers[] = {
        "\"sub\":\"user_3\"",
        "\"sub\":\"user_2\",\"iss\":\"https://clerk.example.net\"",
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(answers); i++) {
        unit_world_t *world = world_of(*state);

        world->terms.realm.verifier = CLERK_VERIFIER_INTROSPECTION;
        unit_say(world, TOKEN_INFO, 200,
                 apr_psprintf(*state, "{\"active\":true,%s}", answers[i]));
        UNIT_CHECK(
            answers[i],
            unit_verify(world, token_of(*state, OAUTH, USER("1785086400") "}"))
                == CLERK_ANSWER_MALFORMED);
    }
}

/* What it limits is the token's, too: the answer need not repeat it. */
static void the_token_limits_what_clerk_says(void **state)
{
    static const struct {
        const char *payload;
        clerk_status_t status;
    } rows[] = {
        { USER("1785086400") ",\"aud\":\"https://other\"}",
          CLERK_AUDIENCE_MISMATCH },
        { USER("1785086400") ",\"aud\":\"https://here\"}", CLERK_OK },
        { USER("1785086400") ",\"aud\":7}", CLERK_AUDIENCE_MALFORMED },
        { USER("1785086400") ",\"cnf\":{\"jkt\":\"x\"}}",
          CLERK_PROOF_REQUIRED },
        { USER("1785086400") ",\"nbf\":1785086399}",
          CLERK_TOKEN_NOT_YET_VALID },
        { USER("1") "}", CLERK_TOKEN_EXPIRED },
        { "{\"sub\":\"user_3\",\"exp\":1785086400}", CLERK_ANSWER_MALFORMED },
        { "{\"sub\":\"user_2\"}", CLERK_JWT_MALFORMED },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        unit_world_t *world = world_of(*state);
        apr_array_header_t *here =
            apr_array_make(*state, 1, sizeof(const char *));

        APR_ARRAY_PUSH(here, const char *) = "https://here";
        world->terms.realm.verifier = CLERK_VERIFIER_INTROSPECTION;
        world->terms.policy.audience_mode = CLERK_AUDIENCE_IF_PRESENT;
        world->terms.policy.audiences = here;
        unit_say(world, TOKEN_INFO, 200,
                 "{\"active\":true,\"sub\":\"user_2\"}");
        UNIT_CHECK(rows[i].payload,
                   unit_verify(world, token_of(*state, OAUTH, rows[i].payload))
                       == rows[i].status);
    }
}

/* Opaque tokens by verifier `jwks`: nobody can tell. */
static void machines_and_keys_are_asked_about(void **state)
{
    static const struct {
        const char *token;
        const char *path;
        int has_machine_secret;
        int has_secret;
    } rows[] = {
        { "mt_x", "/m2m_tokens/verify", 1, 1 },
        { "mt_x", "/m2m_tokens/verify", 1, 0 },
        { "mt_x", "/m2m_tokens/verify", 0, 1 },
        { "mt_x", NULL, 0, 0 },
        { "ak_x", "/api_keys/verify", 0, 1 },
        { "ak_x", NULL, 1, 0 },
        { "ak_x", NULL, 0, 0 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        unit_world_t *world = world_of(*state);
        clerk_realm_t *realm = &world->terms.realm;

        realm->verifier = i % 2 ? CLERK_VERIFIER_BACKEND : CLERK_VERIFIER_AUTO;
        realm->secret_key = rows[i].has_secret ? "sk_test_x" : NULL;
        realm->machine_secret_key = rows[i].has_machine_secret ? "ak_m" : NULL;
        assert_int_equal(clerk_realm_finish(realm, *state), CLERK_OK);
        if (rows[i].path) {
            unit_say(world, rows[i].path, 200, "{\"active\":false}");
        }
        UNIT_CHECK(rows[i].token,
                   unit_verify(world, rows[i].token)
                       == (rows[i].path ? CLERK_TOKEN_INACTIVE
                                        : CLERK_KIND_NOT_ACCEPTED));
        UNIT_CHECK(rows[i].token, world->calls == (rows[i].path != NULL));
        UNIT_CHECK(rows[i].token, ring.checks == 0);
    }
}

static clerk_status_t verify_cookie(unit_world_t *world, const char *text)
{
    clerk_token_t token;

    if (clerk_token_from_cookie(apr_pstrcat(world->p, "s=", text, NULL), "s",
                                &token)
        != CLERK_OK) {
        assert_int_equal(token.is_jwt, 0);
    }
    return clerk_verify(&world->ports, &world->terms, &token, world->p,
                        &world->verdict);
}

static void cookies_are_for_sessions(void **state)
{
    unit_world_t *world = world_of(*state);

    assert_int_equal(verify_cookie(world, token_of(*state, PLAIN, A_SESSION)),
                     CLERK_OK);
    assert_int_equal(ring.checks, 1);
    assert_int_equal(verify_cookie(world, token_of(*state, OAUTH, A_USER)),
                     CLERK_KIND_NOT_ACCEPTED);
    assert_int_equal(verify_cookie(world, token_of(*state, PLAIN, A_MACHINE)),
                     CLERK_KIND_NOT_ACCEPTED);
    assert_int_equal(verify_cookie(world, "oat_x"), CLERK_KIND_NOT_ACCEPTED);
    assert_int_equal(verify_cookie(world, "ak_x"), CLERK_KIND_NOT_ACCEPTED);
    assert_int_equal(verify_cookie(world, "mt_x"), CLERK_KIND_NOT_ACCEPTED);
    assert_int_equal(verify_cookie(world, "x"), CLERK_KIND_UNKNOWN);
    assert_int_equal(ring.checks, 1);
    assert_int_equal(world->calls, 0);

    /* Nor by what the same token was remembered as out of the header. */
    assert_int_equal(unit_verify(world, token_of(*state, OAUTH, A_USER)),
                     CLERK_OK);
    assert_int_equal(verify_cookie(world, token_of(*state, OAUTH, A_USER)),
                     CLERK_KIND_NOT_ACCEPTED);
    world->terms.policy.accepts = CLERK_KIND_OAUTH;
    assert_int_equal(verify_cookie(world, token_of(*state, PLAIN, A_SESSION)),
                     CLERK_KIND_NOT_ACCEPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(every_kind_is_let_in_by_its_signature),
        UNIT_TEST(what_is_not_accepted_is_not_looked_into),
        UNIT_TEST(the_signature_comes_before_the_claims),
        UNIT_TEST(a_kid_is_needed_but_with_a_key_of_our_own),
        UNIT_TEST(a_key_of_our_own_needs_nobody),
        UNIT_TEST(the_verifier_says_who_judges),
        UNIT_TEST(what_clerk_says_is_not_what_the_token_says),
        UNIT_TEST(clerk_and_the_token_do_not_contradict_each_other),
        UNIT_TEST(the_token_limits_what_clerk_says),
        UNIT_TEST(machines_and_keys_are_asked_about),
        UNIT_TEST(cookies_are_for_sessions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
