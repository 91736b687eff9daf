/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a JWT says of its holder, once its signature is right: the tables of
 * the wire contract, sections 2.3 to 2.6, and what is nobody's word but the
 * operator's or the sender's.
 */
#include "unit.h"
#include "unit_jwt.h"

#include "clerk_payload.h"

#define OAUTH "{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}"
#define PLAIN "{\"alg\":\"RS256\",\"typ\":\"JWT\"}"

#define USER "\"sub\":\"user_2\",\"exp\":1785000060"
#define IS_USER "sub=user_2;"
#define MACHINE "\"sub\":\"mch_2\",\"exp\":1785003600"
#define SESSION USER ",\"sid\":\"sess_2\""
#define IS_SESSION "sub=user_2;sid=sess_2;"
#define TAIL "exp=1785000060;"

static clerk_status_t read_payload(apr_pool_t *p, const char *header,
                                   const char *members,
                                   clerk_identity_t **identity)
{
    const char *payload = apr_pstrcat(p, "{", members, "}", NULL);
    clerk_status_t status;
    clerk_jwt_t jwt;

    *identity = (clerk_identity_t *)0x1;
    UNIT_CHECK(members,
               clerk_jwt_read(
                   p, unit_text(p, unit_jwt(p, header, payload, "AAAA")), &jwt)
                   == CLERK_OK);
    status = clerk_payload_read(&jwt, p, identity);
    UNIT_CHECK(members, (*identity != NULL) == (status == CLERK_OK));
    UNIT_CHECK(members, !*identity || (*identity)->kind == jwt.kind);
    UNIT_CHECK(members, !*identity || ((*identity)->facts & CLERK_FACT_SIGNED));
    return status;
}

typedef struct row_t {
    const char *members;
    const char *claims; /* NULL: malformed */
} row_t;

static void check(apr_pool_t *p, const char *header, const row_t *rows,
                  apr_size_t count)
{
    apr_size_t i;

    for (i = 0; i < count; i++) {
        clerk_identity_t *identity;
        clerk_status_t status =
            read_payload(p, header, rows[i].members, &identity);

        UNIT_CHECK(rows[i].members,
                   status == (rows[i].claims ? CLERK_OK : CLERK_JWT_MALFORMED));
        if (rows[i].claims) {
            UNIT_SAME(rows[i].members, unit_claims(p, identity),
                      rows[i].claims);
        }
    }
}

/* ------------------------------------------------------------------ */
/* What is common to all                                              */

static void it_must_end(void **state)
{
    static const char *const members[] = {
        "\"sub\":\"user_2\"",
        "\"sub\":\"user_2\",\"exp\":null",
        "\"sub\":\"user_2\",\"exp\":\"1785000060\"",
        "\"sub\":\"user_2\",\"exp\":true",
        "\"sub\":\"user_2\",\"exp\":[]",
        "\"sub\":\"user_2\",\"exp\":{}",
        "\"sub\":\"user_2\",\"exp\":-1",
        "\"sub\":\"user_2\",\"exp\":1e300",
        "\"sub\":\"user_2\",\"exp\":9223372036854775807",
        "\"sub\":\"user_2\",\"exp\":1785000060000",
    };
    clerk_identity_t *identity;
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(members); i++) {
        UNIT_CHECK(members[i],
                   read_payload(*state, OAUTH, members[i], &identity)
                       == CLERK_JWT_MALFORMED);
        UNIT_CHECK(members[i],
                   read_payload(*state, PLAIN,
                                apr_pstrcat(*state, members[i],
                                            ",\"sid\":\"sess_2\"", NULL),
                                &identity)
                       == CLERK_JWT_MALFORMED);
    }
    /* 1970 is an end. */
    assert_int_equal(
        read_payload(*state, OAUTH, "\"sub\":\"user_2\",\"exp\":0", &identity),
        CLERK_OK);
    assert_int_equal(identity->expires, 1);
}

static void times_and_facts_are_taken_over(void **state)
{
    clerk_identity_t *identity;

    assert_int_equal(read_payload(*state, OAUTH,
                                  USER
                                  ",\"nbf\":1784999990,\"iat\":1785000000,"
                                  "\"cnf\":{\"jkt\":\"x\"},\"aud\":[\"a\"]",
                                  &identity),
                     CLERK_OK);
    assert_int_equal(identity->expires, 1785000060);
    assert_int_equal(identity->not_before, 1784999990);
    assert_int_equal(identity->issued_at, 1785000000);
    assert_int_equal(identity->facts, CLERK_FACT_SIGNED | CLERK_FACT_AUDIENCE
                                          | CLERK_FACT_CONFIRMATION);

    assert_int_equal(
        read_payload(*state, PLAIN, MACHINE ",\"aud\":7", &identity), CLERK_OK);
    assert_int_equal(identity->facts, CLERK_FACT_SIGNED | CLERK_FACT_AUDIENCE
                                          | CLERK_FACT_AUDIENCE_MALFORMED);
}

/* In a token; of an answer of Clerk's it means that there is none. */
static void null_is_a_value_of_what_refuses(void **state)
{
    clerk_identity_t *identity;

    assert_int_equal(
        read_payload(*state, OAUTH, USER ",\"aud\":null", &identity), CLERK_OK);
    assert_int_equal(identity->facts, CLERK_FACT_SIGNED | CLERK_FACT_AUDIENCE
                                          | CLERK_FACT_AUDIENCE_MALFORMED);
    assert_int_equal(
        read_payload(*state, OAUTH, USER ",\"cnf\":null", &identity), CLERK_OK);
    assert_int_equal(identity->facts,
                     CLERK_FACT_SIGNED | CLERK_FACT_CONFIRMATION);
}

static void wrong_types_are_refused(void **state)
{
    static const struct {
        const char *header;
        const char *base;
        const char *members[16];
    } rows[] = {
        { OAUTH,
          USER,
          { "iss", "jti", "client_id", "org_id", "scp", "scope", "scopes",
            "nbf", "iat", "act" } },
        { PLAIN,
          SESSION,
          { "iss", "jti", "azp", "sts", "nbf", "iat", "act", "v", "org_id",
            "org_slug", "org_role", "org_permissions" } },
        { PLAIN, SESSION ",\"v\":2", { "o", "sts", "azp" } },
        { PLAIN, MACHINE, { "iss", "jti", "nbf", "iat" } },
    };
    static const char *const values[] = { "true", "[7]", "[{}]", "[null]" };
    clerk_identity_t *identity;
    apr_size_t i;
    apr_size_t k;
    int j;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        for (j = 0; rows[i].members[j]; j++) {
            for (k = 0; k < UNIT_COUNT(values); k++) {
                const char *members =
                    apr_pstrcat(*state, rows[i].base, ",\"", rows[i].members[j],
                                "\":", values[k], NULL);

                UNIT_CHECK(members, read_payload(*state, rows[i].header,
                                                 members, &identity)
                                        == CLERK_JWT_MALFORMED);
            }
        }
    }
}

static void actors_are_told(void **state)
{
    static const row_t sessions[] = {
        { SESSION ",\"act\":{\"iss\":\"https://dashboard.clerk.com\","
                  "\"sid\":\"sess_9\",\"sub\":\"user_9\"}",
          "sub=user_2;act.sub=user_9;sid=sess_2;" TAIL
          "act.iss=https://dashboard.clerk.com;act.sid=sess_9;" },
        { SESSION ",\"act\":null", IS_SESSION TAIL },
        { SESSION ",\"act\":{}", IS_SESSION TAIL },
        { SESSION ",\"act\":{\"sub\":\"\"}", IS_SESSION TAIL },
        { SESSION ",\"act\":{\"sub\":7}", NULL },
        { SESSION ",\"act\":{\"sub\":[\"user_9\"]}", NULL },
        { SESSION ",\"act\":\"user_9\"", NULL },
        /* A name with a dot in it is no member of `act`. */
        { SESSION ",\"act.sub\":\"user_9\"", IS_SESSION TAIL },
        { SESSION ",\"act.sub.x\":\"user_9\"", IS_SESSION TAIL },
    };
    static const row_t oauth[] = {
        { USER ",\"act\":{\"sub\":\"user_9\"}",
          "sub=user_2;act.sub=user_9;" TAIL },
    };
    /* The sender of an M2M token may write what it likes. */
    static const row_t machines[] = {
        { MACHINE ",\"act\":{\"sub\":\"user_9\"}",
          "sub=mch_2;exp=1785003600;" },
        { MACHINE ",\"act\":\"robot\"", "sub=mch_2;exp=1785003600;act=robot;" },
    };

    check(*state, PLAIN, sessions, UNIT_COUNT(sessions));
    check(*state, OAUTH, oauth, UNIT_COUNT(oauth));
    check(*state, PLAIN, machines, UNIT_COUNT(machines));
}

/* ------------------------------------------------------------------ */
/* OAuth access tokens                                                */

static void oauth_tokens_have_scopes(void **state)
{
    static const row_t rows[] = {
        { USER ",\"iss\":\"https://c\",\"client_id\":\"c\","
               "\"scope\":\"profile email\",\"jti\":\"oat_1\"",
          "sub=user_2;iss=https://c;jti=oat_1;client_id=c;"
          "scope=profile email;" TAIL },
        { USER ",\"scp\":[\"mcp:read\",\"profile\"],\"org_id\":\"org_2\","
               "\"aud\":[\"a\",\"b\"]",
          "sub=user_2;aud=a;aud=b;org_id=org_2;scope=mcp:read profile;" TAIL },
        { USER ",\"scp\":\"a b\"", IS_USER "scope=a b;" TAIL },
        { USER ",\"scp\":[\"a\"],\"scope\":\"b\"", IS_USER "scope=a;" TAIL },
        { USER ",\"scp\":[],\"scope\":\"b\"", IS_USER TAIL },
        { USER ",\"scope\":\"  a   b \"", IS_USER "scope=a b;" TAIL },
        { USER ",\"client_id\":\"\",\"jti\":\"\"", IS_USER TAIL },
        { USER ",\"email\":\"jane@example.com\"",
          IS_USER TAIL "email=jane@example.com;" },
        /* Not Clerk's word in a token of this kind. */
        { USER ",\"sid\":\"sess_2\",\"azp\":\"z\",\"sts\":\"pending\"",
          IS_USER TAIL },
        { USER ",\"org_role\":\"admin\",\"org_permissions\":[\"org:a:b\"],"
               "\"org_slug\":\"acme\"",
          IS_USER TAIL },
        { USER ",\"scp.x\":\"a\",\"scope.x\":\"a\"", IS_USER TAIL },
        { USER ",\"scope\":{\"a\":\"b\"}", NULL },
    };

    check(*state, OAUTH, rows, UNIT_COUNT(rows));
}

/* ------------------------------------------------------------------ */
/* Session tokens                                                     */

#define V2 SESSION ",\"v\":2"
#define O(members) V2 ",\"o\":{" members "}"
#define IS_ORG IS_SESSION "org_id=org_2;"

static const char *name_of(const clerk_identity_t *identity, const char *name)
{
    const char *value = clerk_claims_only(identity, name);

    return value ? value : "-";
}

/* The organization of a session: id, slug, role, permissions; `-` for none. */
static const char *organization_of(apr_pool_t *p, const char *members)
{
    clerk_identity_t *identity;

    if (read_payload(p, PLAIN, members, &identity) != CLERK_OK) {
        return NULL;
    }
    return apr_pstrcat(p, name_of(identity, "org_id"), " ",
                       name_of(identity, "org_slug"), " ",
                       name_of(identity, "org_role"), " ",
                       name_of(identity, "org_permissions"), NULL);
}

static const row_t organizations[] = {
    { V2, "- - - -" },
    { V2 ",\"o\":null", "- - - -" },
    { O("\"id\":\"org_2\",\"slg\":\"acme\",\"rol\":\"admin\","
        "\"per\":\"manage,read\",\"fpm\":\"3,2\"") ",\"fea\":\"o:dashboard,"
                                                   "o:teams\"",
      "org_2 acme org:admin org:dashboard:manage org:dashboard:read "
      "org:teams:read" },
    { O("\"id\":\"org_2\""), "org_2 - - -" },
    { O("\"id\":\"org_2\",\"rol\":\"org:admin\""), "org_2 - org:admin -" },
    { O("\"id\":\"org_2\",\"rol\":\"org:org:admin\""), "org_2 - org:admin -" },
    { O("\"id\":\"org_2\",\"rol\":\"org:\""), "org_2 - - -" },
    { O("\"id\":\"org_2\",\"rol\":\"\",\"slg\":\"\""), "org_2 - - -" },
    { O("\"id\":\"org_2\",\"per\":\"read\",\"fpm\":\"1\""), "org_2 - - -" },
    /* Without an organization there is no role in one. */
    { O("\"rol\":\"admin\",\"per\":\"read\",\"fpm\":\"1\"") ",\"fea\":\"o:a\"",
      "- - - -" },
    { O("\"id\":\"\",\"rol\":\"admin\""), "- - - -" },
    { SESSION ",\"org_role\":\"admin\",\"org_permissions\":[\"org:a:b\"]",
      "- - - -" },
    /* What version 1 said is a custom claim in version 2, and the reverse. */
    { V2 ",\"org_id\":\"org_9\",\"org_slug\":\"evil\",\"org_role\":\"admin\","
         "\"org_permissions\":[\"org:a:b\"]",
      "- - - -" },
    { O("\"id\":\"org_2\"") ",\"org_role\":\"admin\",\"org_slug\":\"x\","
                            "\"org_permissions\":\"org:a:b\"",
      "org_2 - - -" },
    { SESSION ",\"o\":{\"id\":\"org_2\",\"rol\":\"admin\"}", "- - - -" },
    { SESSION ",\"v\":1,\"o\":{\"id\":\"org_2\"},\"org_id\":\"org_1\"",
      "org_1 - - -" },
    { SESSION ",\"v\":null,\"org_id\":\"org_1\"", "org_1 - - -" },
    { SESSION ",\"org_id\":\"org_2\",\"org_slug\":\"acme\","
              "\"org_role\":\"org:admin\","
              "\"org_permissions\":[\"org:a:b\",\"org:c:d\"]",
      "org_2 acme org:admin org:a:b org:c:d" },
    { SESSION ",\"org_id\":\"org_2\",\"org_role\":\"admin\"",
      "org_2 - org:admin -" },
    { SESSION ",\"org_id\":\"org_2\",\"org_permissions\":[]", "org_2 - - -" },
    /* Another type is no token of Clerk's. */
    { V2 ",\"o\":\"org_2\"", NULL },
    { V2 ",\"o\":[]", NULL },
    { O("\"id\":7"), NULL },
    { O("\"id\":\"org_2\",\"slg\":7"), NULL },
    { O("\"id\":\"org_2\",\"rol\":[\"admin\"]"), NULL },
    { O("\"id\":\"org_2\",\"per\":[\"read\"]"), NULL },
    { O("\"id\":\"org_2\",\"fpm\":3"), NULL },
    { O("\"id\":\"org_2\"") ",\"fea\":[\"o:a\"]", NULL },
    { SESSION ",\"v\":\"2\"", NULL },
    { SESSION ",\"v\":-1", "- - - -" },
    { SESSION ",\"org_permissions\":[\"org:a:b\",7]", NULL },
};

static void organizations_of_both_versions(void **state)
{
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(organizations); i++) {
        UNIT_SAME(organizations[i].members,
                  organization_of(*state, organizations[i].members),
                  organizations[i].claims);
    }
}

static void sessions_have_claims(void **state)
{
    static const row_t rows[] = {
        { SESSION ",\"azp\":\"https://app\",\"sts\":\"active\",\"v\":2,"
                  "\"pla\":\"o:pro\",\"fva\":[7,-1]",
          "sub=user_2;azp=https://app;sid=sess_2;sts=active;" TAIL
          "v=2;pla=o:pro;fva=7;fva=-1;" },
        { O("\"id\":\"org_2\",\"rol\":\"admin\""),
          IS_ORG "org_role=org:admin;" TAIL "v=2;o.id=org_2;o.rol=admin;" },
        { SESSION ",\"azp\":\"\",\"sts\":null", IS_SESSION TAIL },
        /* Scopes and clients are OAuth's. */
        { SESSION ",\"scope\":\"admin\",\"scp\":[\"admin\"],"
                  "\"client_id\":\"c\"",
          IS_SESSION TAIL },
        { SESSION ",\"scope\":7", IS_SESSION TAIL },
        { SESSION ",\"role\":\"boss\"", IS_SESSION TAIL "role=boss;" },
    };

    check(*state, PLAIN, rows, UNIT_COUNT(rows));
}

/* ------------------------------------------------------------------ */
/* M2M tokens                                                         */

/* D12: but for iss, sub, jti and the times it is the sender who speaks. */
static void senders_grant_themselves_nothing(void **state)
{
    static const row_t rows[] = {
        { MACHINE ",\"iss\":\"https://c\",\"jti\":\"mt_1\"",
          "sub=mch_2;iss=https://c;jti=mt_1;exp=1785003600;" },
        { MACHINE ",\"scope\":\"admin\",\"scp\":\"admin\"",
          "sub=mch_2;exp=1785003600;" },
        { MACHINE ",\"scopes\":\"mch_a mch_b\"",
          "sub=mch_2;exp=1785003600;scopes=mch_a mch_b;" },
        { MACHINE ",\"client_id\":\"c\",\"azp\":\"z\",\"sid\":\"s\","
                  "\"sts\":\"active\"",
          "sub=mch_2;exp=1785003600;" },
        { MACHINE ",\"org_id\":\"org_2\",\"org_role\":\"org:admin\","
                  "\"org_permissions\":[\"org:a:b\"],\"org_slug\":\"x\"",
          "sub=mch_2;exp=1785003600;" },
        { MACHINE ",\"v\":2,\"o\":{\"id\":\"org_2\",\"rol\":\"admin\"}",
          "sub=mch_2;exp=1785003600;" },
        { MACHINE ",\"scp\":7,\"o\":7,\"client_id\":7",
          "sub=mch_2;exp=1785003600;" },
        { MACHINE ",\"env\":\"prod\"", "sub=mch_2;exp=1785003600;env=prod;" },
    };

    check(*state, PLAIN, rows, UNIT_COUNT(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(it_must_end),
        UNIT_TEST(times_and_facts_are_taken_over),
        UNIT_TEST(null_is_a_value_of_what_refuses),
        UNIT_TEST(wrong_types_are_refused),
        UNIT_TEST(actors_are_told),
        UNIT_TEST(oauth_tokens_have_scopes),
        UNIT_TEST(organizations_of_both_versions),
        UNIT_TEST(sessions_have_claims),
        UNIT_TEST(senders_grant_themselves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
