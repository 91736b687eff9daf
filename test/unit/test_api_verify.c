/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Backend API's three verify endpoints side by side: D2, D4, D24 and D26
 * of the wire contract, and custom claims. What only the OAuth one has is in
 * test_api_answers.c.
 */
#include "unit_api.h"

#define OAT "oat_0ef5a7a33d87ed87ee7954c845d80450"

#define OK CLERK_OK
#define NONSENSE CLERK_ANSWER_MALFORMED

/* A whole answer is `before`, subject, `between`, scopes, flags, end. */
typedef struct family_t {
    const clerk_endpoint_t *endpoint;
    clerk_kind_t kind;
    const char *object;
    const char *id;
    const char *subject;
    const char *more; /* members that only this one has */
} family_t;

static const family_t families[] = {
    { &clerk_api_oauth_verify, CLERK_KIND_OAUTH, "clerk_idp_oauth_access_token",
      "oat_1", "user_2", "\"client_id\":\"c\"," },
    { &clerk_api_m2m_verify, CLERK_KIND_M2M, "machine_to_machine_token", "mt_1",
      "mch_2", "" },
    { &clerk_api_api_key_verify, CLERK_KIND_API_KEY, "api_key", "ak_1",
      "user_2", "" },
};

/* A whole answer of a family's, with more members behind it, of which the
 * last one of a name counts. */
static const char *whole(apr_pool_t *p, const family_t *family,
                         const char *more)
{
    return apr_pstrcat(p, "{\"object\":\"", family->object, "\",\"id\":\"",
                       family->id, "\",\"subject\":\"", family->subject, "\",",
                       family->more,
                       "\"scopes\":[\"a\",\"b\"],\"revoked\":false,"
                       "\"revocation_reason\":null,\"expired\":false,"
                       "\"expiration\":1785086400000",
                       more, "}", NULL);
}

static clerk_status_t read_body(const family_t *family, apr_pool_t *p,
                                const char *body, clerk_identity_t **identity)
{
    clerk_answer_t answer = { .http = 200,
                              .body = unit_text(p, body),
                              .content_type = "application/json" };
    clerk_status_t status;

    *identity = (clerk_identity_t *)0x1;
    status = unit_read_answer(family->endpoint, &answer, p, identity);
    UNIT_CHECK(body, (*identity != NULL) == (status == OK));
    UNIT_CHECK(body, !*identity || (*identity)->kind == family->kind);
    UNIT_CHECK(body, !*identity || !((*identity)->facts & CLERK_FACT_SIGNED));
    return status;
}

/* ------------------------------------------------------------------ */

static clerk_realm_t realm_of(apr_pool_t *p, const char *machine_secret)
{
    clerk_realm_t realm = { .frontend_api = "https://clerk.example.test",
                            .backend_api = "https://api.clerk.com/v1",
                            .secret_key = "sk_test_x",
                            .machine_secret_key = machine_secret };

    assert_int_equal(clerk_realm_finish(&realm, p), CLERK_OK);
    return realm;
}

/* D24: each has its own name for the token. */
static void requests_are_what_clerk_expects(void **state)
{
    static const struct {
        const char *url;
        const char *body;
    } rows[] = {
        { "https://api.clerk.com/v1/oauth_applications/access_tokens/verify",
          "{\"access_token\":\"" OAT "\"}" },
        { "https://api.clerk.com/v1/m2m_tokens/verify",
          "{\"token\":\"" OAT "\"}" },
        { "https://api.clerk.com/v1/api_keys/verify",
          "{\"secret\":\"" OAT "\"}" },
    };
    clerk_realm_t realm = realm_of(*state, NULL);
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(families); i++) {
        const clerk_endpoint_t *endpoint = families[i].endpoint;
        clerk_call_t call = { 0 };

        endpoint->write(&realm, unit_text(*state, OAT), *state, &call);
        UNIT_SAME(endpoint->name, call.url, rows[i].url);
        UNIT_CHECK(endpoint->name, call.is_post);
        UNIT_CHECK(endpoint->name, clerk_slice_is(call.body, rows[i].body));
        UNIT_SAME(endpoint->name, call.headers[0],
                  "Authorization: Bearer sk_test_x");
        UNIT_SAME(endpoint->name, call.headers[1],
                  "Content-Type: application/json");
        UNIT_SAME(endpoint->name, call.headers[2], "Accept: application/json");
        UNIT_SAME(endpoint->name, call.headers[3],
                  "Clerk-API-Version: 2026-05-12");
        UNIT_CHECK(endpoint->name, !call.headers[4]);
        UNIT_CHECK(endpoint->name, call.lane == realm.digest);
        UNIT_CHECK(endpoint->name, strstr(endpoint->fix, "ClerkSecretKey"));
    }
}

static void machines_speak_for_themselves(void **state)
{
    clerk_realm_t realm = realm_of(*state, "ak_x");
    clerk_slice_t token = unit_text(*state, "mt_x");
    clerk_call_t call = { 0 };

    clerk_api_m2m_verify.write(&realm, token, *state, &call);
    assert_string_equal(call.headers[0], "Authorization: Bearer ak_x");
    assert_ptr_equal(call.lane, realm.machine_lane);
    clerk_api_api_key_verify.write(&realm, token, *state, &call);
    assert_string_equal(call.headers[0], "Authorization: Bearer sk_test_x");
    assert_ptr_equal(call.lane, realm.digest);
    realm.bearer = NULL;
    clerk_api_m2m_verify.write(&realm, token, *state, &call);
    assert_string_equal(call.headers[0], "Authorization: Bearer ak_x");
}

/* ------------------------------------------------------------------ */

typedef struct row_t {
    const char *more;
    clerk_status_t status;
    apr_int64_t expires;
} row_t;

/* D2 and D4, the same for all of them. */
static const row_t rows[] = {
    { "", OK, 1785086400 },
    { ",\"active\":true", OK, 1785086400 },
    { ",\"active\":false", CLERK_TOKEN_INACTIVE, 0 },
    { ",\"active\":\"true\"", NONSENSE, 0 },
    { ",\"active\":null", NONSENSE, 0 },
    { ",\"revoked\":true", CLERK_TOKEN_REVOKED, 0 },
    { ",\"expired\":true", CLERK_TOKEN_EXPIRED, 0 },
    { ",\"revoked\":true,\"expired\":true", CLERK_TOKEN_REVOKED, 0 },
    { ",\"revoked\":null", NONSENSE, 0 },
    { ",\"revoked\":\"false\"", NONSENSE, 0 },
    { ",\"revoked\":0", NONSENSE, 0 },
    { ",\"expired\":null", NONSENSE, 0 },
    { ",\"expired\":\"\"", NONSENSE, 0 },
    { ",\"expiration\":null", OK, 0 },
    { ",\"expiration\":1785086400", OK, 1785086400 },
    { ",\"expiration\":0", OK, 1 },
    { ",\"expiration\":1", OK, 1 },
    { ",\"expiration\":99999999999", OK, 99999999999 },
    { ",\"expiration\":100000000000", OK, 100000000 },
    { ",\"expiration\":\"1785086400\"", NONSENSE, 0 },
    { ",\"expiration\":-1", NONSENSE, 0 },
    { ",\"expiration\":1e300", NONSENSE, 0 },
    { ",\"expiration\":true", NONSENSE, 0 },
    { ",\"object\":\"session\"", NONSENSE, 0 },
    { ",\"object\":null", NONSENSE, 0 },
    { ",\"id\":null", NONSENSE, 0 },
    { ",\"id\":7", NONSENSE, 0 },
    { ",\"subject\":null", NONSENSE, 0 },
    { ",\"subject\":7", NONSENSE, 0 },
    { ",\"subject\":[\"user_2\"]", NONSENSE, 0 },
    { ",\"scopes\":7", NONSENSE, 0 },
    { ",\"scopes\":[7]", NONSENSE, 0 },
    { ",\"scopes\":{}", NONSENSE, 0 },
    { ",\"claims\":null", OK, 1785086400 },
    { ",\"claims\":7", OK, 1785086400 },
    { ",\"claims\":[]", OK, 1785086400 },
    { ",\"claims\":{}", OK, 1785086400 },
    { ",\"something_new\":{\"a\":[1]}", OK, 1785086400 },
};

static void answers_follow_the_table(void **state)
{
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows) * UNIT_COUNT(families); i++) {
        const family_t *family = &families[i % UNIT_COUNT(families)];
        const row_t *row = &rows[i / UNIT_COUNT(families)];
        const char *body = whole(*state, family, row->more);
        clerk_identity_t *identity;

        UNIT_CHECK(body,
                   read_body(family, *state, body, &identity) == row->status);
        UNIT_CHECK(body, !identity || identity->expires == row->expires);
    }
}

/* An answer about one kind says nothing of a token of another. */
static void families_are_not_mixed_up(void **state)
{
    clerk_identity_t *identity;
    apr_size_t i;
    apr_size_t j;

    for (i = 0; i < UNIT_COUNT(families); i++) {
        for (j = 0; j < UNIT_COUNT(families); j++) {
            UNIT_CHECK(
                families[i].object,
                read_body(&families[i], *state,
                          whole(*state, &families[j], ",\"client_id\":\"c\""),
                          &identity)
                    == (i == j ? OK : NONSENSE));
        }
    }
}

/* Only machines may lack scopes. */
static void scopes_are_required_of_some(void **state)
{
    clerk_identity_t *identity;
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(families); i++) {
        clerk_status_t wanted =
            families[i].kind == CLERK_KIND_M2M ? OK : NONSENSE;

        UNIT_CHECK(families[i].object,
                   read_body(&families[i], *state,
                             whole(*state, &families[i], ",\"scopes\":null"),
                             &identity)
                       == wanted);
        UNIT_CHECK(families[i].object,
                   !identity || !clerk_claims_get(identity, "scope"));
    }
}

/* D26: `ak_` is what machine secrets begin with, too. */
static void keys_belong_to_users_and_organizations(void **state)
{
    static const struct {
        const char *subject;
        clerk_status_t status;
        const char *user;
        const char *org;
    } owners[] = {
        { "user_2", OK, "user_2", NULL },
        { "org_2", OK, NULL, "org_2" },
        { "mch_2", CLERK_KIND_NOT_ACCEPTED, NULL, NULL },
        { "ins_2", CLERK_KIND_NOT_ACCEPTED, NULL, NULL },
        { "user2", CLERK_KIND_NOT_ACCEPTED, NULL, NULL },
        { "User_2", CLERK_KIND_NOT_ACCEPTED, NULL, NULL },
        { " user_2", CLERK_KIND_NOT_ACCEPTED, NULL, NULL },
        { "organization_2", CLERK_KIND_NOT_ACCEPTED, NULL, NULL },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(owners); i++) {
        const char *more = apr_pstrcat(
            *state, ",\"subject\":\"", owners[i].subject,
            "\",\"claims\":{\"org_id\":\"org_9\",\"sub\":\"user_9\"}", NULL);
        clerk_identity_t *identity;

        UNIT_CHECK(owners[i].subject,
                   read_body(&families[2], *state,
                             whole(*state, &families[2], more), &identity)
                       == owners[i].status);
        if (identity) {
            UNIT_SAME(owners[i].subject, clerk_claims_user_id(identity),
                      owners[i].user);
            UNIT_SAME(owners[i].subject, clerk_claims_get(identity, "org_id"),
                      owners[i].org);
        }
    }
}

/* What is dead is dead, whoever owned it. */
static void dead_keys_of_machines_are_dead(void **state)
{
    clerk_identity_t *identity;

    assert_int_equal(read_body(&families[2], *state,
                               whole(*state, &families[2],
                                     ",\"subject\":\"mch_2\",\"revoked\":true"),
                               &identity),
                     CLERK_TOKEN_REVOKED);
}

/* ------------------------------------------------------------------ */

static const char *const reserved[] = {
    "sub",       "iss",    "aud",      "cnf",      "exp",
    "nbf",       "iat",    "jti",      "azp",      "sid",
    "sts",       "act",    "scp",      "scope",    "scopes",
    "client_id", "org_id", "org_slug", "org_role", "org_permissions",
    "o",         "fea",    "pla",
};

/* Whoever makes the token writes its custom claims: never Clerk's own. */
static void custom_claims_never_pass_for_clerks(void **state)
{
    static const char *const values[] = { "\"evil\"", "{\"sub\":\"evil\"}",
                                          "[\"evil\"]",
                                          "{\"a\":{\"b\":\"evil\"}}" };
    apr_size_t all =
        UNIT_COUNT(reserved) * UNIT_COUNT(values) * UNIT_COUNT(families);
    apr_size_t i;

    for (i = 0; i < all; i++) {
        const family_t *family = &families[i % UNIT_COUNT(families)];
        apr_size_t rest = i / UNIT_COUNT(families);
        const char *name = reserved[rest / UNIT_COUNT(values)];
        const char *more =
            apr_pstrcat(*state, ",\"claims\":{\"", name,
                        "\":", values[rest % UNIT_COUNT(values)], ",\"", name,
                        ".x\":\"evil\",\"plan\":\"good\"}", NULL);
        clerk_identity_t *identity;

        UNIT_CHECK(more, read_body(family, *state, whole(*state, family, more),
                                   &identity)
                             == OK);
        UNIT_CHECK(more, !strstr(unit_claims(*state, identity), "evil"));
        UNIT_SAME(more, clerk_claims_only(identity, "plan"), "good");
    }
}

/* Nor do they change what Clerk says of the token under another name. */
static void custom_claims_come_last(void **state)
{
    clerk_identity_t *identity;

    assert_int_equal(
        read_body(&families[2], *state,
                  whole(*state, &families[2],
                        ",\"name\":\"CI key\",\"type\":\"api_key\","
                        "\"claims\":{\"name\":\"root\",\"type\":\"x\","
                        "\"claims\":\"y\",\"tier\":[1,2]}"),
                  &identity),
        OK);
    assert_string_equal(
        unit_claims(*state, identity),
        "sub=user_2;jti=ak_1;scope=a b;exp=1785086400;name=CI key;"
        "type=api_key;claims=y;tier=1;tier=2;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(requests_are_what_clerk_expects),
        UNIT_TEST(machines_speak_for_themselves),
        UNIT_TEST(answers_follow_the_table),
        UNIT_TEST(families_are_not_mixed_up),
        UNIT_TEST(scopes_are_required_of_some),
        UNIT_TEST(keys_belong_to_users_and_organizations),
        UNIT_TEST(dead_keys_of_machines_are_dead),
        UNIT_TEST(custom_claims_never_pass_for_clerks),
        UNIT_TEST(custom_claims_come_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
