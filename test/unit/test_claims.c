/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "clerk_claims.h"

static clerk_identity_t *empty(apr_pool_t *p)
{
    return clerk_claims_make(p, CLERK_KIND_OAUTH);
}

static const clerk_json_t *object_of(apr_pool_t *p, const char *text)
{
    const clerk_json_t *object = clerk_json_parse(p, unit_text(p, text));

    UNIT_CHECK(text, object != NULL);
    return object;
}

static void get_and_joined_find_by_name(void **state)
{
    clerk_identity_t *identity = empty(*state);

    assert_null(clerk_claims_get(identity, "aud"));
    assert_null(clerk_claims_joined(identity, *state, "aud"));
    clerk_claims_add(identity, "aud", "a");
    clerk_claims_add(identity, "sub", "x");
    clerk_claims_add(identity, "aud", "b");
    clerk_claims_add(identity, "empty", "");
    assert_string_equal(clerk_claims_get(identity, "aud"), "a");
    assert_string_equal(clerk_claims_joined(identity, *state, "aud"), "a b");
    assert_string_equal(clerk_claims_joined(identity, *state, "sub"), "x");
    assert_string_equal(clerk_claims_get(identity, "empty"), "");
    assert_null(clerk_claims_get(identity, "au"));
    assert_null(clerk_claims_get(identity, "AUD"));
    assert_null(clerk_claims_get(identity, "aud.x"));
}

static void only_takes_no_choice(void **state)
{
    clerk_identity_t *identity = empty(*state);

    assert_null(clerk_claims_only(identity, "sub"));
    clerk_claims_add(identity, "sub", "x");
    clerk_claims_add(identity, "aud", "a");
    clerk_claims_add(identity, "aud", "a");
    clerk_claims_add(identity, "empty", "");
    assert_string_equal(clerk_claims_only(identity, "sub"), "x");
    assert_string_equal(clerk_claims_only(identity, "empty"), "");
    assert_null(clerk_claims_only(identity, "aud"));
    assert_null(clerk_claims_only(identity, "su"));
}

static void users_are_told_from_others(void **state)
{
    static const struct {
        const char *subject;
        int oauth;
        int session;
        int api_key;
        int m2m;
    } rows[] = {
        { "user_2", 1, 1, 1, 1 }, { "legacy-id", 1, 1, 0, 0 },
        { "USER_2", 1, 1, 0, 0 }, { "org_2", 0, 0, 0, 0 },
        { "mch_2", 0, 0, 0, 0 },  { NULL, 0, 0, 0, 0 },
    };
    apr_size_t i;
    int j;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const clerk_kind_t kinds[] = { CLERK_KIND_OAUTH, CLERK_KIND_SESSION,
                                       CLERK_KIND_API_KEY, CLERK_KIND_M2M };
        const int wanted[] = { rows[i].oauth, rows[i].session, rows[i].api_key,
                               rows[i].m2m };

        for (j = 0; j < 4; j++) {
            clerk_identity_t *identity = clerk_claims_make(*state, kinds[j]);

            if (rows[i].subject) {
                clerk_claims_add(identity, "sub", rows[i].subject);
            }
            UNIT_SAME(clerk_token_kind_name(kinds[j]),
                      clerk_claims_user_id(identity),
                      wanted[j] ? rows[i].subject : NULL);
        }
    }
}

static void add_copies_its_strings(void **state)
{
    clerk_identity_t *identity = empty(*state);
    char text[] = "value";

    clerk_claims_add(identity, text, text);
    memset(text, 'x', sizeof(text) - 1);
    assert_string_equal(unit_claims(*state, identity), "value=value;");
}

static void claims_are_bounded_in_number(void **state)
{
    clerk_identity_t *identity = empty(*state);
    int i;

    for (i = 0; i < CLERK_CLAIMS_MAX; i++) {
        clerk_claims_add(identity, "n", "v");
    }
    assert_int_equal(identity->claims->nelts, CLERK_CLAIMS_MAX);
    assert_int_equal(identity->facts, 0);
    clerk_claims_add(identity, "n", "v");
    assert_int_equal(identity->claims->nelts, CLERK_CLAIMS_MAX);
    assert_int_equal(identity->facts, CLERK_FACT_TRUNCATED);
}

static void claims_are_bounded_in_size(void **state)
{
    clerk_identity_t *identity = empty(*state);

    clerk_claims_add(identity, "ab",
                     unit_repeat(*state, 'v', CLERK_CLAIMS_MAX_BYTES - 4));
    assert_int_equal(identity->facts, 0);
    clerk_claims_add(identity, "c", "de");
    assert_int_equal(identity->facts, CLERK_FACT_TRUNCATED);
    assert_int_equal(identity->claims->nelts, 1);
    clerk_claims_add(identity, "c", "d");
    assert_int_equal(identity->claims->nelts, 2);
}

static void objects_add_what_is_not_known(void **state)
{
    static const char *const except[] = { "sub", "o", NULL };
    static const struct {
        const char *text;
        const char *all;
    } rows[] = {
        { "{\"sub\":\"y\",\"name\":\"n\"}", "known=x;name=n;" },
        { "{\"known\":\"y\",\"known.x\":\"z\"}", "known=x;known.x=z;" },
        { "{\"known\":[\"y\",\"z\"]}", "known=x;" },
        { "{\"a\":[\"y\",\"z\"]}", "known=x;a=y;a=z;" },
        { "{\"o\":{\"id\":\"i\"},\"other\":1,\"sub.x\":2}",
          "known=x;other=1;" },
        { "{\"sub\":{\"x\":1},\"suba\":1,\"su\":2}", "known=x;suba=1;su=2;" },
        { "{\"\":{\"sub\":\"y\"}}", "known=x;.sub=y;" },
        { "{\"\":\"y\",\"s\":1,\"k\":2}", "known=x;=y;s=1;k=2;" },
        { "{\"o\":1,\"oo\":2,\"ob\":3,\"kn\":4}", "known=x;oo=2;ob=3;kn=4;" },
        { "{\"a\":null,\"b\":{},\"c\":[]}", "known=x;" },
        { "{}", "known=x;" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_identity_t *identity = empty(*state);

        clerk_claims_add(identity, "known", "x");
        clerk_claims_add_object(identity, object_of(*state, rows[i].text),
                                except);
        UNIT_SAME(rows[i].text, unit_claims(*state, identity), rows[i].all);
    }
}

static void merge_adds_what_is_not_known(void **state)
{
    clerk_identity_t *identity = empty(*state);
    clerk_identity_t *other = empty(*state);

    clerk_claims_add(identity, "sub", "x");
    clerk_claims_add(identity, "empty", "");
    clerk_claims_add(other, "sub", "y");
    clerk_claims_add(other, "empty", "e");
    clerk_claims_add(other, "a", "1");
    clerk_claims_add(other, "a", "2");
    clerk_claims_merge(identity, other);
    assert_string_equal(unit_claims(*state, identity), "sub=x;empty=;a=1;a=2;");
}

typedef struct common_row_t {
    const char *text;
    const char *claims;
    unsigned int facts;
} common_row_t;

#define AUD CLERK_FACT_AUDIENCE
#define BAD_AUD (CLERK_FACT_AUDIENCE | CLERK_FACT_AUDIENCE_MALFORMED)

static void common_members_are_read(void **state)
{
    static const common_row_t rows[] = {
        { "{}", "", 0 },
        { "{\"aud\":\"a\"}", "aud=a;", AUD },
        { "{\"aud\":[\"a\"]}", "aud=a;", AUD },
        { "{\"aud\":[\"a\",\"b\"]}", "aud=a;aud=b;", AUD },
        { "{\"aud\":[]}", "", AUD },
        { "{\"aud\":\"\"}", "aud=;", AUD },
        { "{\"aud\":null}", "", 0 },
        { "{\"aud\":7}", "", BAD_AUD },
        { "{\"aud\":true}", "", BAD_AUD },
        { "{\"aud\":{}}", "", BAD_AUD },
        { "{\"aud\":{\"a\":\"b\"}}", "", BAD_AUD },
        { "{\"aud\":[7]}", "", BAD_AUD },
        { "{\"aud\":[null]}", "", BAD_AUD },
        { "{\"aud\":[[\"a\"]]}", "", BAD_AUD },
        { "{\"cnf\":{\"jkt\":\"x\"}}", "", CLERK_FACT_CONFIRMATION },
        { "{\"cnf\":\"x\"}", "", CLERK_FACT_CONFIRMATION },
        { "{\"cnf\":{}}", "", CLERK_FACT_CONFIRMATION },
        { "{\"scp\":7,\"scope\":7,\"scopes\":7}", "", 0 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_identity_t *identity = empty(*state);

        UNIT_CHECK(rows[i].text, clerk_claims_read_common(
                                     identity, object_of(*state, rows[i].text))
                                     == CLERK_OK);
        UNIT_CHECK(rows[i].text, identity->facts == rows[i].facts);
        if (rows[i].facts != BAD_AUD) {
            UNIT_SAME(rows[i].text, unit_claims(*state, identity),
                      rows[i].claims);
        }
    }
}

static void granted_scopes_are_read(void **state)
{
    static const struct {
        const char *text;
        const char *claims;
    } rows[] = {
        { "{\"scope\":\"a b\"}", "scope=a b;" },
        { "{\"scope\":\"  a   b  a \"}", "scope=a b;" },
        { "{\"scope\":\"\"}", "" },
        { "{\"scope\":[\"a\",\"b\"]}", "scope=a b;" },
        { "{\"scope\":[\"a b\",\"c\"]}", "scope=a b c;" },
        { "{\"scope\":[]}", "" },
        { "{\"scope\":null}", "" },
        { "{\"scopes\":\"a b\"}", "scope=a b;" },
        { "{\"scopes\":[\"a\",\"b\"]}", "scope=a b;" },
        { "{\"scp\":\"a b\"}", "scope=a b;" },
        { "{\"scp\":[\"a\"],\"scope\":\"b\",\"scopes\":\"c\"}", "scope=a;" },
        { "{\"scope\":\"b\",\"scopes\":[\"c\"]}", "scope=b;" },
        { "{\"scp\":null,\"scope\":\"b\"}", "scope=b;" },
        /* An empty one that comes first is the answer: nothing. */
        { "{\"scp\":[],\"scope\":\"b\"}", "" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_identity_t *identity = empty(*state);

        UNIT_CHECK(rows[i].text, clerk_claims_read_scopes(
                                     identity, object_of(*state, rows[i].text))
                                     == CLERK_OK);
        UNIT_SAME(rows[i].text, unit_claims(*state, identity), rows[i].claims);
    }
}

static void wrong_types_say_nothing(void **state)
{
    static const char *const members[] = { "exp",   "nbf",    "iat",
                                           "scope", "scopes", "scp" };
    static const char *const times[] = { "\"1785000000\"",
                                         "true",
                                         "[]",
                                         "{}",
                                         "-1",
                                         "1e300",
                                         "9223372036854775807",
                                         "99999999999999999999" };
    static const char *const scopes[] = { "7",        "true",   "{}",
                                          "[7]",      "[null]", "[\"a\",7]",
                                          "[[\"a\"]]" };
    apr_size_t i;
    apr_size_t j;

    for (i = 0; i < UNIT_COUNT(members); i++) {
        const char *const *values = i < 3 ? times : scopes;
        apr_size_t count = i < 3 ? UNIT_COUNT(times) : UNIT_COUNT(scopes);

        for (j = 0; j < count; j++) {
            const char *text = apr_pstrcat(*state, "{\"", members[i],
                                           "\":", values[j], "}", NULL);

            UNIT_CHECK(text, (i < 3 ? clerk_claims_read_common
                                    : clerk_claims_read_scopes)(
                                 empty(*state), object_of(*state, text))
                                 == CLERK_ANSWER_MALFORMED);
        }
    }
}

static void times_are_told_from_none(void **state)
{
    static const struct {
        const char *text;
        apr_int64_t expires;
        apr_int64_t not_before;
        apr_int64_t issued_at;
    } rows[] = {
        { "{}", 0, 0, 0 },
        { "{\"exp\":null,\"nbf\":null,\"iat\":null}", 0, 0, 0 },
        { "{\"exp\":3,\"nbf\":1,\"iat\":2}", 3, 1, 2 },
        { "{\"exp\":1785000000.5}", 1785000000, 0, 0 },
        { "{\"exp\":253402300799}", 253402300799, 0, 0 },
        /* 1970 is long ago, and not `never`. */
        { "{\"exp\":0}", 1, 0, 0 },
        { "{\"exp\":-0.0}", 1, 0, 0 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_identity_t *identity = empty(*state);

        UNIT_CHECK(rows[i].text, clerk_claims_read_common(
                                     identity, object_of(*state, rows[i].text))
                                     == CLERK_OK);
        UNIT_CHECK(rows[i].text, identity->expires == rows[i].expires);
        UNIT_CHECK(rows[i].text, identity->not_before == rows[i].not_before);
        UNIT_CHECK(rows[i].text, identity->issued_at == rows[i].issued_at);
    }
}

/* Members that are null are as good as absent, and Clerk sends many. */
static void a_null_confirmation_is_none(void **state)
{
    clerk_identity_t *identity = empty(*state);

    assert_int_equal(
        clerk_claims_read_common(identity, object_of(*state, "{\"cnf\":null}")),
        CLERK_OK);
    assert_int_equal(identity->facts, 0);
}

/* What is cut away may only make a token weaker. */
static void a_flood_of_audiences_matches_nothing_more(void **state)
{
    clerk_identity_t *identity = empty(*state);
    const char *text = "\"aud\"";
    int i;

    for (i = 0; i < 2 * CLERK_CLAIMS_MAX; i++) {
        text = apr_psprintf(*state, "%s,\"a%d\"", text, i);
    }
    text = apr_psprintf(*state, "{\"aud\":[%s],\"scope\":\"s\"}", text);
    assert_int_equal(
        clerk_claims_read_common(identity, object_of(*state, text)), CLERK_OK);
    assert_int_equal(identity->claims->nelts, CLERK_CLAIMS_MAX);
    assert_int_equal(identity->facts, AUD | CLERK_FACT_TRUNCATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(get_and_joined_find_by_name),
        UNIT_TEST(only_takes_no_choice),
        UNIT_TEST(users_are_told_from_others),
        UNIT_TEST(add_copies_its_strings),
        UNIT_TEST(claims_are_bounded_in_number),
        UNIT_TEST(claims_are_bounded_in_size),
        UNIT_TEST(objects_add_what_is_not_known),
        UNIT_TEST(merge_adds_what_is_not_known),
        UNIT_TEST(common_members_are_read),
        UNIT_TEST(granted_scopes_are_read),
        UNIT_TEST(wrong_types_say_nothing),
        UNIT_TEST(times_are_told_from_none),
        UNIT_TEST(a_null_confirmation_is_none),
        UNIT_TEST(a_flood_of_audiences_matches_nothing_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
