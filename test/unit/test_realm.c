/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"
#include "unit_jwt.h"

#include "clerk_realm.h"

static clerk_realm_t plain_realm(void)
{
    clerk_realm_t realm = { .verifier = CLERK_VERIFIER_AUTO,
                            .frontend_api = "https://clerk.example.test",
                            .backend_api = "https://api.clerk.com/v1",
                            .client_id = "id",
                            .client_secret = "secret",
                            .secret_key = "sk_test_x" };

    return realm;
}

static void credentials_become_headers(void **state)
{
    static const struct {
        const char *id;
        const char *secret;
        const char *basic;
    } rows[] = {
        { "id", "secret", "Authorization: Basic aWQ6c2VjcmV0" },
        /* RFC 6749 section 2.3.1: `a:b` and `p+ss /` encoded first, so that
         * it reads `a%3ab:p%2bss+%2f`. */
        { "a:b", "p+ss /", "Authorization: Basic YSUzYWI6cCUyYnNzKyUyZg==" },
        { "id", NULL, NULL },
        { NULL, "secret", NULL },
        { NULL, NULL, NULL },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_realm_t realm = plain_realm();

        realm.client_id = rows[i].id;
        realm.client_secret = rows[i].secret;
        assert_int_equal(clerk_realm_finish(&realm, *state), CLERK_OK);
        UNIT_SAME("basic", realm.basic, rows[i].basic);
        UNIT_SAME("bearer", realm.bearer, "Authorization: Bearer sk_test_x");
    }
}

static void no_key_no_header(void **state)
{
    clerk_realm_t realm = plain_realm();

    realm.secret_key = NULL;
    realm.bearer = "left over";
    assert_int_equal(clerk_realm_finish(&realm, *state), CLERK_OK);
    assert_null(realm.bearer);
}

static void somebody_verifies_opaque_tokens(void **state)
{
    static const struct {
        clerk_verifier_t verifier;
        const char *id;
        const char *secret;
        const char *key;
        clerk_verifier_t wanted;
    } rows[] = {
        { CLERK_VERIFIER_AUTO, "i", "s", "k", CLERK_VERIFIER_INTROSPECTION },
        { CLERK_VERIFIER_AUTO, "i", "s", NULL, CLERK_VERIFIER_INTROSPECTION },
        { CLERK_VERIFIER_AUTO, "i", NULL, "k", CLERK_VERIFIER_BACKEND },
        { CLERK_VERIFIER_AUTO, NULL, "s", "k", CLERK_VERIFIER_BACKEND },
        { CLERK_VERIFIER_AUTO, NULL, NULL, "k", CLERK_VERIFIER_BACKEND },
        { CLERK_VERIFIER_AUTO, "i", NULL, NULL, CLERK_VERIFIER_JWKS },
        { CLERK_VERIFIER_AUTO, NULL, NULL, NULL, CLERK_VERIFIER_JWKS },
        { CLERK_VERIFIER_BACKEND, "i", "s", "k", CLERK_VERIFIER_BACKEND },
        { CLERK_VERIFIER_INTROSPECTION, "i", "s", "k",
          CLERK_VERIFIER_INTROSPECTION },
        { CLERK_VERIFIER_JWKS, "i", "s", "k", CLERK_VERIFIER_JWKS },
    };
    apr_size_t i;

    (void)state;
    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_realm_t realm = plain_realm();

        realm.verifier = rows[i].verifier;
        realm.client_id = rows[i].id;
        realm.client_secret = rows[i].secret;
        realm.secret_key = rows[i].key;
        assert_int_equal(clerk_realm_opaque_verifier(&realm), rows[i].wanted);
    }
}

static void verifiers_have_names(void **state)
{
    (void)state;
    assert_string_equal(clerk_realm_verifier_name(CLERK_VERIFIER_AUTO), "auto");
    assert_string_equal(clerk_realm_verifier_name(CLERK_VERIFIER_INTROSPECTION),
                        "introspection");
    assert_string_equal(clerk_realm_verifier_name(CLERK_VERIFIER_BACKEND),
                        "backend");
    assert_string_equal(clerk_realm_verifier_name(CLERK_VERIFIER_JWKS), "jwks");
}

/* Realms that could get different answers about the same token. */
#define REALMS 24

static void make_realms(clerk_realm_t realms[REALMS])
{
    int i;

    for (i = 0; i < REALMS; i++) {
        realms[i] = plain_realm();
    }
    realms[1].verifier = CLERK_VERIFIER_BACKEND;
    realms[2].verifier = CLERK_VERIFIER_INTROSPECTION;
    realms[3].frontend_api = "https://clerk.example.tes";
    realms[4].backend_api = "https://api.clerk.com/v2";
    realms[5].client_id = "id2";
    realms[6].client_id = NULL;
    realms[7].client_id = "";
    realms[8].client_secret = "secret2";
    realms[9].client_secret = NULL;
    realms[10].secret_key = "sk_test_y";
    realms[11].secret_key = NULL;
    realms[12].userinfo = 1;
    realms[13].route.proxy = "http://proxy:3128";
    realms[14].route.ca_certs = "PEM";
    realms[15].route.ca_certs = "";
    /* The same bytes, cut at other places. */
    realms[16].client_id = "idsecre";
    realms[16].client_secret = "t";
    realms[17].client_id = "idsecret";
    realms[17].client_secret = "";
    realms[18].client_id = "id6:secret";
    realms[18].client_secret = NULL;
    realms[19].client_secret = NULL;
    realms[19].secret_key = "secretsk_test_x";
    realms[20].machine_secret_key = "ak_x";
    realms[21].machine_secret_key = "ak_y";
    realms[22].jwt_key_text = UNIT_RSA_SPKI;
    realms[23].verifier = CLERK_VERIFIER_JWKS;
}

static void different_realms_never_meet(void **state)
{
    clerk_realm_t realms[REALMS];
    int i;
    int j;

    make_realms(realms);
    for (i = 0; i < REALMS; i++) {
        assert_int_equal(clerk_realm_finish(&realms[i], *state), CLERK_OK);
        assert_memory_not_equal(realms[i].digest, realms[i].userinfo_lane,
                                CLERK_SHA256_BYTES);
        for (j = 0; j < i; j++) {
            assert_memory_not_equal(realms[i].digest, realms[j].digest,
                                    CLERK_SHA256_BYTES);
        }
    }
}

/* Else every process, and every restart, would start with an empty cache. */
static void equal_realms_meet(void **state)
{
    clerk_realm_t one = plain_realm();
    clerk_realm_t two = plain_realm();

    two.frontend_api = unit_string(*state, one.frontend_api);
    two.client_secret = unit_string(*state, one.client_secret);
    two.route.timeout_ms = 7000;
    assert_int_equal(clerk_realm_finish(&one, *state), CLERK_OK);
    assert_int_equal(clerk_realm_finish(&two, *state), CLERK_OK);
    assert_memory_equal(one.digest, two.digest, CLERK_SHA256_BYTES);
    assert_memory_equal(one.userinfo_lane, two.userinfo_lane,
                        CLERK_SHA256_BYTES);
}

/* Keys are public: who asks does not matter, but where they come from. */
static void realms_of_one_instance_share_its_keys(void **state)
{
    clerk_realm_t realms[REALMS];
    int i;

    make_realms(realms);
    for (i = 0; i < REALMS; i++) {
        int differs = i == 3 || (i >= 13 && i <= 15);

        assert_int_equal(clerk_realm_finish(&realms[i], *state), CLERK_OK);
        assert_int_equal(
            memcmp(realms[i].keys_lane, realms[0].keys_lane, CLERK_SHA256_BYTES)
                != 0,
            differs);
        assert_memory_not_equal(realms[i].keys_lane, realms[i].digest,
                                CLERK_SHA256_BYTES);
        assert_memory_not_equal(realms[i].machine_lane, realms[i].digest,
                                CLERK_SHA256_BYTES);
        assert_memory_not_equal(realms[i].machine_lane, realms[i].userinfo_lane,
                                CLERK_SHA256_BYTES);
    }
}

static void a_machine_secret_becomes_a_header(void **state)
{
    clerk_realm_t realm = plain_realm();

    realm.machine_bearer = "left over";
    assert_int_equal(clerk_realm_finish(&realm, *state), CLERK_OK);
    assert_null(realm.machine_bearer);
    realm.machine_secret_key = "ak_x";
    assert_int_equal(clerk_realm_finish(&realm, *state), CLERK_OK);
    assert_string_equal(realm.machine_bearer, "Authorization: Bearer ak_x");
}

static void a_key_is_a_key_or_stops_the_start(void **state)
{
    static const char *const bad[] = { "", "x", "-----BEGIN PUBLIC KEY-----",
                                       "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k" };
    clerk_realm_t realm = plain_realm();
    apr_size_t i;

    assert_int_equal(clerk_realm_finish(&realm, *state), CLERK_OK);
    assert_null(realm.jwt_key);
    realm.jwt_key_text = UNIT_RSA_SPKI;
    assert_int_equal(clerk_realm_finish(&realm, *state), CLERK_OK);
    assert_non_null(realm.jwt_key);
    for (i = 0; i < UNIT_COUNT(bad); i++) {
        realm.jwt_key_text = bad[i];
        UNIT_CHECK(bad[i],
                   clerk_realm_finish(&realm, *state) == CLERK_KEY_UNUSABLE);
    }
}

static void without_a_digest_there_is_no_realm(void **state)
{
    clerk_realm_t realm = plain_realm();
    apr_pool_t *p;

    (void)state;
    apr_initialize();
    apr_pool_create(&p, NULL);
    assert_int_equal(clerk_realm_finish(&realm, p), CLERK_INTERNAL);
    apr_pool_destroy(p);
    apr_terminate();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_digest_there_is_no_realm),
        UNIT_TEST(credentials_become_headers),
        UNIT_TEST(no_key_no_header),
        UNIT_TEST(somebody_verifies_opaque_tokens),
        UNIT_TEST(verifiers_have_names),
        UNIT_TEST(different_realms_never_meet),
        UNIT_TEST(equal_realms_meet),
        UNIT_TEST(realms_of_one_instance_share_its_keys),
        UNIT_TEST(a_machine_secret_becomes_a_header),
        UNIT_TEST(a_key_is_a_key_or_stops_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
