/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a 200 of each endpoint means: the tables of the wire contract (D2, D4,
 * D5), and every member missing, null and of each wrong type.
 */
#include "unit_api.h"

#define OK CLERK_OK
#define DEAD CLERK_TOKEN_INACTIVE
#define REVOKED CLERK_TOKEN_REVOKED
#define EXPIRED CLERK_TOKEN_EXPIRED
#define NONSENSE CLERK_ANSWER_MALFORMED

static clerk_status_t read_body(const clerk_endpoint_t *endpoint, apr_pool_t *p,
                                const char *body, clerk_identity_t **identity)
{
    clerk_answer_t answer = { .http = 200,
                              .body = unit_text(p, body),
                              .content_type = "application/json" };
    clerk_status_t status;

    *identity = (clerk_identity_t *)0x1;
    status = unit_read_answer(endpoint, &answer, p, identity);
    UNIT_CHECK(body, (*identity != NULL) == (status == CLERK_OK));
    return status;
}

/* ------------------------------------------------------------------ */
/* token_info                                                         */

static void token_info_needs_active_to_be_true(void **state)
{
    static const struct {
        const char *body;
        clerk_status_t status;
        const char *claims;
    } rows[] = {
        { "{\"active\":true,\"client_id\":\"5d25P5uFMQsN6W2D\","
          "\"iat\":1785000000,\"scope\":\"openid profile email\","
          "\"sub\":\"user_2\"}",
          OK,
          "sub=user_2;client_id=5d25P5uFMQsN6W2D;"
          "scope=openid profile email;iat=1785000000;" },
        { "{\"active\":true,\"client_id\":\"https://c.example/m.json\","
          "\"scope\":\"user:org:read\",\"sub\":\"user_2\","
          "\"org_id\":\"org_2\"}",
          OK,
          "sub=user_2;client_id=https://c.example/m.json;"
          "scope=user:org:read;org_id=org_2;" },
        { "{\"active\":true,\"sub\":null,\"client_id\":null,\"scope\":null,"
          "\"iat\":null,\"org_id\":null}",
          OK, "" },
        { "{\"active\":true}", OK, "" },
        { "{\"active\":true,\"sub\":\"x\",\"scopes\":[\"a\",\"b\"]}", OK,
          "sub=x;scope=a b;" },
        { "{\"active\":true,\"sub\":\"x\",\"aud\":[\"a\",\"b\"]}", OK,
          "sub=x;aud=a;aud=b;" },
        { "{\"active\":false}", DEAD, NULL },
        { "{\"active\":false,\"sub\":7}", DEAD, NULL },
        { "{}", NONSENSE, NULL },
        { "{\"sub\":\"x\"}", NONSENSE, NULL },
        { "{\"Active\":true,\"sub\":\"x\"}", NONSENSE, NULL },
        { "{\"active\":\"true\",\"sub\":\"x\"}", NONSENSE, NULL },
        { "{\"active\":\"false\"}", NONSENSE, NULL },
        { "{\"active\":1,\"sub\":\"x\"}", NONSENSE, NULL },
        { "{\"active\":0}", NONSENSE, NULL },
        { "{\"active\":null}", NONSENSE, NULL },
        { "{\"active\":[true]}", NONSENSE, NULL },
        { "{\"active\":{}}", NONSENSE, NULL },
        { "{\"active\":true,\"active\":false}", DEAD, NULL },
        { "{\"data\":{\"active\":true,\"sub\":\"x\"}}", NONSENSE, NULL },
        { "{\"errors\":[{\"code\":\"x\"}]}", NONSENSE, NULL },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_identity_t *identity;

        UNIT_CHECK(rows[i].body, read_body(&clerk_api_token_info, *state,
                                           rows[i].body, &identity)
                                     == rows[i].status);
        if (rows[i].claims) {
            UNIT_SAME(rows[i].body, unit_claims(*state, identity),
                      rows[i].claims);
            UNIT_CHECK(rows[i].body, identity->kind == CLERK_KIND_OAUTH);
        }
    }
}

static void token_info_refuses_wrong_types(void **state)
{
    static const struct {
        const char *member;
        const char *values[7];
    } rows[] = {
        { "sub", { "7", "true", "[]", "{}", "[\"x\"]" } },
        { "client_id", { "7", "true", "[]", "{}", "[\"x\"]" } },
        { "scope", { "7", "true", "{}", "[7]", "[null]" } },
        { "iat", { "\"1785000000\"", "true", "[]", "{}", "-1", "1e300" } },
        { "exp", { "\"1785000000\"", "true", "[]", "{}", "-1", "1e300" } },
        { "nbf", { "\"1785000000\"", "true", "[]", "{}", "-1", "1e300" } },
    };
    apr_size_t i;
    int j;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        for (j = 0; rows[i].values[j]; j++) {
            const char *body = apr_pstrcat(
                *state, "{\"sub\":\"x\",\"active\":true,\"", rows[i].member,
                "\":", rows[i].values[j], "}", NULL);
            clerk_identity_t *identity;

            UNIT_CHECK(body,
                       read_body(&clerk_api_token_info, *state, body, &identity)
                           == NONSENSE);
        }
    }
}

/* ------------------------------------------------------------------ */
/* oauth_applications/access_tokens/verify                            */

/* A whole answer, member by member, so that each can be changed. */
static const char *const whole[][2] = {
    { "object", "\"clerk_idp_oauth_access_token\"" },
    { "id", "\"oat_1\"" },
    { "client_id", "\"c\"" },
    { "subject", "\"user_2\"" },
    { "scopes", "[\"profile\",\"email\"]" },
    { "revoked", "false" },
    { "revocation_reason", "null" },
    { "expired", "false" },
    { "expiration", "1785086400000" },
    { "created_at", "1785000000000" },
    { "updated_at", "1785000000000" },
};

/* The whole answer but for one member, which is left out if `value` is NULL
 * and added if it is not there. */
static const char *changed(apr_pool_t *p, const char *member, const char *value)
{
    const char *body = "";
    int is_new = 1;
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(whole); i++) {
        int it = member && strcmp(whole[i][0], member) == 0;
        const char *now = it ? value : whole[i][1];

        is_new &= !it;
        if (now) {
            body = apr_pstrcat(p, body, *body ? "," : "{", "\"", whole[i][0],
                               "\":", now, NULL);
        }
    }
    if (member && is_new) {
        body = apr_pstrcat(p, body, ",\"", member, "\":", value, NULL);
    }
    return apr_pstrcat(p, body, "}", NULL);
}

#define CLAIMS_HEAD "sub=user_2;jti=oat_1;client_id=c;"
#define CLAIMS_TAIL "created_at=1785000000000;updated_at=1785000000000;"

typedef struct verify_row_t {
    const char *member;
    const char *value;
    clerk_status_t status;
    apr_int64_t expires;
} verify_row_t;

/* D2 and D4 */
static const verify_row_t verify_rows[] = {
    { NULL, NULL, OK, 1785086400 },
    { "active", "true", OK, 1785086400 },
    { "active", "false", DEAD, 0 },
    { "active", "null", NONSENSE, 0 },
    { "active", "\"false\"", NONSENSE, 0 },
    { "active", "0", NONSENSE, 0 },
    { "revoked", "true", REVOKED, 0 },
    { "expired", "true", EXPIRED, 0 },
    { "expiration", "null", OK, 0 },
    { "expiration", "1785086400", OK, 1785086400 },
    { "expiration", "1785086400.5", OK, 1785086400 },
    { "expiration", "1785086400999", OK, 1785086400 },
    { "expiration", "1", OK, 1 },
    { "expiration", "0", OK, 1 },
    { "expiration", "99999999999", OK, 99999999999 },
    { "expiration", "100000000000", OK, 100000000 },
    { "expiration", "253402300799000", OK, 253402300799 },
    { "expiration", "253402300800000", NONSENSE, 0 },
    { "expiration", "-1", NONSENSE, 0 },
    { "expiration", "1e300", NONSENSE, 0 },
    { "expiration", "9223372036854775807", NONSENSE, 0 },
    { "expiration", "99999999999999999999999999", NONSENSE, 0 },
    { "subject", "\"\"", OK, 1785086400 },
    { "client_id", "\"\"", OK, 1785086400 },
    { "scopes", "[]", OK, 1785086400 },
    { "scopes", "\"a b\"", OK, 1785086400 },
    { "aud", "[\"https://api.example.com/mcp\"]", OK, 1785086400 },
    { "aud", "null", OK, 1785086400 },
    { "act", "null", OK, 1785086400 },
    { "act", "{\"sub\":\"user_3\"}", OK, 1785086400 },
    { "type", "\"oauth:access_token\"", OK, 1785086400 },
    { "object", "\"api_key\"", NONSENSE, 0 },
    { "object", "\"Clerk_idp_oauth_access_token\"", NONSENSE, 0 },
};

static void verify_follows_the_table(void **state)
{
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(verify_rows); i++) {
        const verify_row_t *row = &verify_rows[i];
        const char *body = changed(*state, row->member, row->value);
        clerk_identity_t *identity;

        UNIT_CHECK(body,
                   read_body(&clerk_api_oauth_verify, *state, body, &identity)
                       == row->status);
        if (row->status == OK) {
            UNIT_CHECK(body, identity->expires == row->expires);
            UNIT_CHECK(body, identity->kind == CLERK_KIND_OAUTH);
        }
    }
}

static void verify_needs_every_member(void **state)
{
    static const char *const required[] = { "object",  "id",        "client_id",
                                            "subject", "scopes",    "revoked",
                                            "expired", "expiration" };
    static const char *const wrong[] = { "7",  "true", "\"x\"", "[]",
                                         "{}", "null", "[7]",   "{\"a\":1}" };
    apr_size_t i;
    apr_size_t j;

    for (i = 0; i < UNIT_COUNT(required); i++) {
        const char *body = changed(*state, required[i], NULL);
        clerk_identity_t *identity;

        UNIT_CHECK(body,
                   read_body(&clerk_api_oauth_verify, *state, body, &identity)
                       == NONSENSE);
        for (j = 0; j < UNIT_COUNT(wrong); j++) {
            int is_flag = strcmp(required[i], "revoked") == 0
                          || strcmp(required[i], "expired") == 0;
            int is_text = strcmp(required[i], "id") == 0
                          || strcmp(required[i], "client_id") == 0
                          || strcmp(required[i], "subject") == 0;
            int is_list = strcmp(required[i], "scopes") == 0;
            int is_time = strcmp(required[i], "expiration") == 0;

            if ((is_flag && strcmp(wrong[j], "true") == 0)
                || (is_text && strcmp(wrong[j], "\"x\"") == 0)
                || (is_list && strchr("\"[n", wrong[j][0])
                    && wrong[j][1] != '7')
                || (is_time && strchr("7n", wrong[j][0]))) {
                continue;
            }
            body = changed(*state, required[i], wrong[j]);
            UNIT_CHECK(body, read_body(&clerk_api_oauth_verify, *state, body,
                                       &identity)
                                 == NONSENSE);
        }
    }
}

/* A dead answer that is not whole says nothing either. */
static void verify_refuses_half_a_refusal(void **state)
{
    static const char *const bodies[] = {
        "{\"revoked\":true}",
        "{\"revoked\":true,\"expired\":false}",
        "{\"expired\":true,\"revoked\":false}",
        ("{\"object\":\"clerk_idp_oauth_access_token\",\"revoked\":true,"
         "\"expired\":true}"),
        "{}",
    };
    clerk_identity_t *identity;
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(bodies); i++) {
        UNIT_CHECK(bodies[i], read_body(&clerk_api_oauth_verify, *state,
                                        bodies[i], &identity)
                                  == NONSENSE);
    }
    assert_int_equal(read_body(&clerk_api_oauth_verify, *state,
                               "{\"active\":false}", &identity),
                     DEAD);
}

static void verify_makes_claims(void **state)
{
    static const struct {
        const char *member;
        const char *value;
        const char *claims;
    } rows[] = {
        { NULL, NULL,
          CLAIMS_HEAD "scope=profile email;exp=1785086400;" CLAIMS_TAIL },
        { "expiration", "null",
          CLAIMS_HEAD "scope=profile email;" CLAIMS_TAIL },
        { "scopes", "[]", CLAIMS_HEAD "exp=1785086400;" CLAIMS_TAIL },
        { "aud", "[\"a\",\"b\"]",
          CLAIMS_HEAD
          "aud=a;aud=b;scope=profile email;exp=1785086400;" CLAIMS_TAIL },
        { "act", "{\"sub\":\"user_3\"}",
          CLAIMS_HEAD "scope=profile email;exp=1785086400;" CLAIMS_TAIL
                      "act.sub=user_3;" },
        { "revocation_reason", "\"x\"",
          CLAIMS_HEAD "scope=profile email;exp=1785086400;" CLAIMS_TAIL },
        /* Nobody takes a claim's name from behind. */
        { "sub", "\"user_3\"",
          CLAIMS_HEAD "scope=profile email;exp=1785086400;" CLAIMS_TAIL },
        { "jti", "\"x\"",
          CLAIMS_HEAD "scope=profile email;exp=1785086400;" CLAIMS_TAIL },
        { "scope.x", "\"x\"",
          CLAIMS_HEAD "scope=profile email;exp=1785086400;" CLAIMS_TAIL },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *body = changed(*state, rows[i].member, rows[i].value);
        clerk_identity_t *identity;

        assert_int_equal(
            read_body(&clerk_api_oauth_verify, *state, body, &identity), OK);
        UNIT_SAME(body, unit_claims(*state, identity), rows[i].claims);
    }
}

/* Two ends: it is over with the first. */
static void verify_takes_the_earlier_end(void **state)
{
    clerk_identity_t *identity;

    assert_int_equal(read_body(&clerk_api_oauth_verify, *state,
                               changed(*state, "exp", "1985086400"), &identity),
                     OK);
    assert_true(identity->expires == 1785086400);
}

/* ------------------------------------------------------------------ */
/* userinfo                                                           */

static void userinfo_makes_a_profile(void **state)
{
    static const struct {
        const char *body;
        const char *claims; /* NULL: nonsense */
    } rows[] = {
        { "{\"object\":\"oauth_user_info\",\"instance_id\":\"ins_2\","
          "\"user_id\":\"user_2\",\"sub\":\"user_2\","
          "\"email\":\"jane@example.com\",\"email_verified\":true,"
          "\"family_name\":\"Doe\",\"given_name\":\"Jane\","
          "\"name\":\"Jane Doe\",\"username\":\"jane\","
          "\"preferred_username\":\"jane\",\"picture\":\"https://i/x\","
          "\"public_metadata\":{},\"org_id\":null}",
          "sub=user_2;email=jane@example.com;name=Jane Doe;"
          "given_name=Jane;family_name=Doe;username=jane;picture=https://i/x;"
          "instance_id=ins_2;email_verified=true;preferred_username=jane;" },
        { "{\"sub\":\"x\",\"email\":null}", "sub=x;" },
        { "{\"sub\":\"x\",\"preferred_username\":\"p\"}",
          "sub=x;username=p;preferred_username=p;" },
        { "{\"sub\":\"x\",\"preferred_username\":\"p\",\"username\":null}",
          "sub=x;username=p;preferred_username=p;" },
        { "{\"sub\":\"x\",\"email_verified\":false}",
          "sub=x;email_verified=false;" },
        { "{\"email\":\"a@b\"}", NULL },
        { "{\"sub\":null,\"email\":\"a@b\"}", NULL },
        { "{\"sub\":7}", NULL },
        { "{\"sub\":[\"x\"]}", NULL },
        { "{\"sub\":\"x\",\"email\":7}", NULL },
        { "{\"sub\":\"x\",\"email\":[\"a@b\"]}", NULL },
        { "{\"sub\":\"x\",\"email\":{\"a\":\"b\"}}", NULL },
        { "{\"sub\":\"x\",\"name\":true}", NULL },
        { "{\"sub\":\"x\",\"picture\":7}", NULL },
        { "{\"sub\":\"x\",\"username\":7}", NULL },
        { "{\"sub\":\"x\",\"email_verified\":\"true\"}", NULL },
        { "{\"sub\":\"x\",\"email_verified\":1}", NULL },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_identity_t *identity;

        UNIT_CHECK(rows[i].body, read_body(&clerk_api_userinfo, *state,
                                           rows[i].body, &identity)
                                     == (rows[i].claims ? OK : NONSENSE));
        if (rows[i].claims) {
            UNIT_SAME(rows[i].body, unit_claims(*state, identity),
                      rows[i].claims);
        }
    }
}

/* Its identity is promised to have a subject: it is compared with. */
static void userinfo_has_a_subject_or_fails(void **state)
{
    const char *body = apr_pstrcat(
        *state, "{\"sub\":\"",
        unit_repeat(*state, 'x', CLERK_CLAIMS_MAX_BYTES + 1), "\"}", NULL);
    clerk_identity_t *identity;

    assert_int_equal(
        read_body(&clerk_api_userinfo, *state, "{\"sub\":\"\"}", &identity),
        NONSENSE);
    assert_int_equal(read_body(&clerk_api_userinfo, *state, body, &identity),
                     NONSENSE);
}

/* It tells who somebody is, not what a token may do. */
static void userinfo_gives_no_authority(void **state)
{
    clerk_identity_t *identity;

    assert_int_equal(
        read_body(&clerk_api_userinfo, *state,
                  "{\"sub\":\"x\",\"scope\":\"admin\",\"client_id\":\"c\","
                  "\"aud\":\"a\",\"azp\":\"z\",\"name\":\"n\"}",
                  &identity),
        OK);
    assert_string_equal(unit_claims(*state, identity), "sub=x;name=n;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(token_info_needs_active_to_be_true),
        UNIT_TEST(token_info_refuses_wrong_types),
        UNIT_TEST(verify_follows_the_table),
        UNIT_TEST(verify_needs_every_member),
        UNIT_TEST(verify_refuses_half_a_refusal),
        UNIT_TEST(verify_makes_claims),
        UNIT_TEST(verify_takes_the_earlier_end),
        UNIT_TEST(userinfo_makes_a_profile),
        UNIT_TEST(userinfo_has_a_subject_or_fails),
        UNIT_TEST(userinfo_gives_no_authority),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
