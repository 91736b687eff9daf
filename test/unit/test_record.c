/* SPDX-License-Identifier: Apache-2.0 */
#include "unit_record.h"

static void assert_same_identity(const clerk_identity_t *a,
                                 const clerk_identity_t *b)
{
    int i;

    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->facts, b->facts);
    assert_true(a->expires == b->expires);
    assert_true(a->not_before == b->not_before);
    assert_true(a->issued_at == b->issued_at);
    assert_int_equal(a->claims->nelts, b->claims->nelts);
    for (i = 0; i < a->claims->nelts; i++) {
        clerk_claim_t *one = &APR_ARRAY_IDX(a->claims, i, clerk_claim_t);
        clerk_claim_t *other = &APR_ARRAY_IDX(b->claims, i, clerk_claim_t);

        assert_string_equal(one->name, other->name);
        assert_string_equal(one->value, other->value);
    }
}

static void assert_comes_back(apr_pool_t *p, const clerk_record_t *record)
{
    clerk_record_t back;
    clerk_slice_t bytes = unit_record_written(p, record);
    clerk_slice_t again;

    assert_int_equal(clerk_record_read(p, bytes, &back), CLERK_OK);
    assert_int_equal(back.status, record->status);
    assert_true(back.verified_at
                == record->verified_at - record->verified_at % 1000);
    assert_int_equal(back.identity != NULL, record->identity != NULL);
    if (back.identity) {
        assert_same_identity(back.identity, record->identity);
    }
    again = unit_record_written(p, &back);
    assert_int_equal(again.len, bytes.len);
    assert_memory_equal(again.ptr, bytes.ptr, bytes.len);
}

/*
 * The format itself: other processes, and other versions of this module, read
 * the same cache. Whoever changes these bytes needs another version byte.
 */
static void the_format_is_fixed(void **state)
{
    clerk_record_t record = unit_record_typical(*state);
    clerk_record_t refusal = { UNIT_RECORD_MOMENT, CLERK_TOKEN_INACTIVE, NULL };
    clerk_slice_t bytes;

    record.identity->expires = 1785086400;
    record.identity->not_before = 1784999999;
    record.identity->facts = 17;
    clerk_claims_add(record.identity, "iat", "1785000000");
    clerk_claims_add(record.identity, "exp", "1785086400");
    clerk_claims_add(record.identity, "nbf", "1784999999");
    clerk_claims_add(record.identity, "exp", "1785086401");
    clerk_claims_add(record.identity, "created_at", "1785000000123");
    clerk_claims_add(record.identity, "aud", "https://a.example/mcp");
    clerk_claims_add(record.identity, "x", "y");
    bytes = unit_record_written(*state, &record);
    assert_string_equal(
        unit_hex(*state, bytes.ptr, bytes.len),
        "0200fbf4a9d2f933"
        "0111"
        "81c60a"
        "02"
        "01"
        "0a"
        "01757365725f326162636465666768696a6b6c6d6e6f707172737475767778797a00"
        "0235643235503575464d51734e3657324400"
        "036f70656e69642070726f66696c6520656d61696c00"
        "84"
        "85"
        "86"
        "45c18399d306"
        "48fbf4a9d2f933"
        "0a68747470733a2f2f612e6578616d706c652f6d637000"
        "0078007900");
    bytes = unit_record_written(*state, &refusal);
    assert_string_equal(unit_hex(*state, bytes.ptr, bytes.len),
                        "0201fbf4a9d2f933");
}

/* Likewise: a name's place is its byte. */
static void the_places_of_names_are_fixed(void **state)
{
    /* clang-format off */
    static const char *const names[] = {
        "sub", "client_id", "scope", "iat", "exp", "nbf", "jti", "created_at",
        "updated_at", "aud", "iss", "azp", "sid", "org_id", "fva", "sts", "v",
        "email", "email_verified", "name", "given_name", "family_name",
        "username", "preferred_username", "picture",
        "org_slug", "org_name", "org_role", "org_permissions",
        "act.sub", "act.iss", "act.sid", "act.type",
        "o.id", "o.slg", "o.rol", "o.per", "o.fpm", "fea", "pla",
        "user_id", "token_type", "type",
    };
    /* clang-format on */
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(names); i++) {
        clerk_record_t record = unit_record_typical(*state);
        clerk_slice_t bytes = unit_record_written(*state, &record);
        apr_size_t end = bytes.len;

        clerk_claims_add(record.identity, names[i], ".");
        bytes = unit_record_written(*state, &record);
        UNIT_CHECK(names[i], bytes.len == end + 3);
        UNIT_CHECK(names[i], bytes.ptr[end] == (char)(i + 1));
    }
}

static void a_typical_record_is_small(void **state)
{
    clerk_record_t record = unit_record_typical(*state);

    assert_true(unit_record_written(*state, &record).len < 90);
}

static void identities_come_back(void **state)
{
    static const char *const claims[][2] = {
        { "sub", "user_1" },
        { "aud", "a" },
        { "aud", "b" },
        { "act.sub", "user_2" },
        { "custom", "x" },
        { "empty", "" },
        { "", "no name" },
        { "sub.x", "y" },
        { "Sub", "z" },
        { "token_type", "t" },
        { "user_id", "u" },
        { "type", "last of the table" },
        { "types", "beyond it" },
        { "created_at", "1785000000123" },
        { "v", "2" },
        { "email", "a@example.test" },
        { "aud", "https://a.example.test/mcp" },
        { "name", "Ada Lovelace" },
        { "utf8", "\xc3\xa4\xe2\x82\xac" },
        { "ctl", "\x01\x7f\n" },
    };
    static const clerk_kind_t kinds[] = { CLERK_KIND_OAUTH, CLERK_KIND_SESSION,
                                          CLERK_KIND_M2M, CLERK_KIND_API_KEY };
    clerk_record_t record = unit_record_typical(*state);
    apr_size_t i;

    assert_comes_back(*state, &record);
    for (i = 0; i < UNIT_COUNT(claims); i++) {
        clerk_claims_add(record.identity, claims[i][0], claims[i][1]);
    }
    record.identity->expires = APR_INT64_C(253402300799);
    record.identity->not_before = 1;
    for (i = 0; i < UNIT_COUNT(kinds); i++) {
        record.identity->kind = kinds[i];
        assert_comes_back(*state, &record);
    }
    for (i = 0; i < 256; i++) {
        record.identity->facts = (unsigned int)i;
        assert_comes_back(*state, &record);
    }
    record.identity = clerk_claims_make(*state, CLERK_KIND_M2M);
    assert_comes_back(*state, &record);
}

static void texts_stay_in_the_bytes(void **state)
{
    clerk_record_t record = unit_record_typical(*state);
    clerk_record_t back;
    clerk_slice_t bytes;
    int i;

    clerk_claims_add(record.identity, "custom", "x");
    bytes = unit_record_written(*state, &record);
    assert_int_equal(clerk_record_read(*state, bytes, &back), CLERK_OK);
    assert_int_equal(back.identity->claims->nelts, 4);
    for (i = 0; i < back.identity->claims->nelts; i++) {
        const char *value =
            APR_ARRAY_IDX(back.identity->claims, i, clerk_claim_t).value;

        assert_true(value > bytes.ptr && value < bytes.ptr + bytes.len);
    }
    assert_int_equal(back.identity->room, 0);
}

/* A text that is a number takes the bytes of the number, any other its own. */
static void values_take_few_bytes(void **state)
{
    static const struct {
        const char *value;
        apr_size_t size;
    } rows[] = {
        { "0", 1 },
        { "127", 1 },
        { "128", 2 },
        { "16383", 2 },
        { "16384", 3 },
        { "1732200000", 5 },
        { "1732200000123", 6 },
        { "72057594037927935", 8 },
        { "72057594037927936", 9 },
        { "999999999999999999", 9 },
        { "1000000000000000000", 20 },
        { "18446744073709551615", 21 },
        { "", 1 },
        { "00", 3 },
        { "007", 4 },
        { "0x10", 5 },
        { "-1", 3 },
        { "+1", 3 },
        { "1e3", 4 },
        { "1.5", 4 },
        { " 1", 3 },
        { "1 ", 3 },
        { "1732200000\n", 12 },
        { "12/", 4 },
        { "12:", 4 },
        { "\xc3\xa4", 3 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_record_t record = unit_record_typical(*state);
        apr_size_t len = unit_record_written(*state, &record).len;

        clerk_claims_add(record.identity, "v", rows[i].value);
        UNIT_CHECK(rows[i].value, unit_record_written(*state, &record).len
                                      == len + 1 + rows[i].size);
        assert_comes_back(*state, &record);
    }
}

/* A time is written relative to when it was verified. */
static void times_come_back(void **state)
{
    static const apr_int64_t verified[] = { 0, 1, 1785000000, 1785000001,
                                            APR_INT64_C(0xffffffffffff) };
    static const apr_int64_t times[] = {
        0,          1,          2,          127,
        128,        1784999999, 1785000000, 1785000001,
        1785086400, 4294967295, 4294967296, APR_INT64_C(0xffffffffff),
    };
    apr_size_t i;
    apr_size_t j;

    for (i = 0; i < UNIT_COUNT(verified); i++) {
        for (j = 0; j < UNIT_COUNT(times); j++) {
            clerk_record_t record = unit_record_typical(*state);

            record.verified_at = apr_time_from_msec(verified[i]);
            record.identity->expires = times[j];
            record.identity->issued_at = 0;
            assert_comes_back(*state, &record);
            record.verified_at = record.verified_at / 1000 * 1000;
            record.identity->not_before = times[UNIT_COUNT(times) - 1 - j];
            record.identity->issued_at = times[j];
            assert_comes_back(*state, &record);
        }
    }
}

/* Claims that say what the identity says, and others of the same name. */
static void times_that_are_claims_come_back(void **state)
{
    static const char *const names[] = { "iat", "exp", "nbf", "sub", "auth" };
    static const char *const values[] = {
        "0",          "1785000000", "1785000001",   "1785086400",
        "1784999999", "01",         "-1785000000",  "1785000000 ",
        "",           "1.785e9",    "1785000000.0",
    };
    static const apr_int64_t times[] = { 0, 1785000000, 1785086400 };
    apr_size_t i;
    apr_size_t j;
    apr_size_t k;

    for (i = 0; i < UNIT_COUNT(names); i++) {
        for (j = 0; j < UNIT_COUNT(values); j++) {
            for (k = 0; k < UNIT_COUNT(times); k++) {
                clerk_record_t record = unit_record_typical(*state);

                record.identity->issued_at = times[k];
                record.identity->expires = times[(k + 1) % 3];
                record.identity->not_before = times[(k + 2) % 3];
                clerk_claims_add(record.identity, names[i], values[j]);
                assert_comes_back(*state, &record);
            }
        }
    }
}

/* What is said twice takes its name only. */
static void a_time_that_is_a_claim_is_small(void **state)
{
    clerk_record_t record = unit_record_typical(*state);
    apr_size_t len = unit_record_written(*state, &record).len;

    clerk_claims_add(record.identity, "iat", "1785000000");
    assert_int_equal(unit_record_written(*state, &record).len, len + 1);
    clerk_claims_add(record.identity, "exp", "1785000000");
    assert_int_equal(unit_record_written(*state, &record).len, len + 1 + 6);
}

/* Whatever clerk_claims lets into an identity can be written. */
static void the_largest_identity_fits(void **state)
{
    clerk_record_t record = { UNIT_RECORD_MOMENT, CLERK_OK, NULL };
    char *value =
        unit_repeat(*state, 'v', CLERK_CLAIMS_MAX_BYTES / CLERK_CLAIMS_MAX - 4);
    int i;

    record.identity = clerk_claims_make(*state, CLERK_KIND_OAUTH);
    for (i = 0; i < CLERK_CLAIMS_MAX; i++) {
        clerk_claims_add(record.identity, apr_psprintf(*state, "n%03d", i),
                         value);
    }
    assert_int_equal(record.identity->facts, 0);
    assert_comes_back(*state, &record);

    record.identity = clerk_claims_make(*state, CLERK_KIND_OAUTH);
    clerk_claims_add(record.identity, "",
                     unit_repeat(*state, 'v', CLERK_CLAIMS_MAX_BYTES));
    assert_comes_back(*state, &record);
}

static void definite_refusals_come_back(void **state)
{
    int status;
    int kept = 0;

    for (status = 1; status < CLERK_STATUS_COUNT; status++) {
        clerk_record_t record = { UNIT_RECORD_MOMENT, (clerk_status_t)status,
                                  NULL };
        clerk_slice_t bytes;

        if (clerk_record_write(*state, &record, &bytes) != CLERK_OK) {
            assert_null(bytes.ptr);
            assert_int_equal(bytes.len, 0);
            continue;
        }
        kept++;
        assert_int_equal(clerk_status_class((clerk_status_t)status),
                         CLERK_CLASS_REJECT);
        assert_comes_back(*state, &record);
    }
    assert_true(kept >= 4);
}

static void what_says_nothing_is_not_kept(void **state)
{
    static const clerk_status_t statuses[] = {
        CLERK_NO_TOKEN,         CLERK_MALFORMED_AUTHORIZATION,
        CLERK_UNREACHABLE,      CLERK_TIMED_OUT,
        CLERK_RATE_LIMITED,     CLERK_SERVER_ERROR,
        CLERK_ANSWER_MALFORMED, CLERK_CREDENTIALS_REFUSED,
        CLERK_MISCONFIGURED,    CLERK_INTERNAL,
        CLERK_STATUS_COUNT,     (clerk_status_t)-1,
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(statuses); i++) {
        clerk_record_t record = { UNIT_RECORD_MOMENT, statuses[i], NULL };
        clerk_slice_t bytes = clerk_slice_make("x", 1);

        assert_int_equal(clerk_record_write(*state, &record, &bytes),
                         CLERK_INTERNAL);
        assert_null(bytes.ptr);
        assert_int_equal(bytes.len, 0);
    }
}

static void refuse(apr_pool_t *p, const clerk_record_t *record)
{
    clerk_slice_t bytes = clerk_slice_make("x", 1);

    assert_int_equal(clerk_record_write(p, record, &bytes), CLERK_INTERNAL);
    assert_null(bytes.ptr);
    assert_int_equal(bytes.len, 0);
}

static void what_does_not_fit_is_not_written(void **state)
{
    clerk_record_t record = unit_record_typical(*state);
    clerk_record_t other;

    other = record;
    other.identity = NULL;
    refuse(*state, &other);

    other = record;
    other.status = CLERK_TOKEN_INACTIVE;
    refuse(*state, &other);

    other = record;
    other.verified_at = -1000;
    refuse(*state, &other);

    other = record;
    other.verified_at = apr_time_from_msec(APR_INT64_C(1) << 48);
    refuse(*state, &other);

    record.identity->kind = CLERK_KIND_NONE;
    refuse(*state, &record);
    record.identity->kind = CLERK_KIND_ANY;
    refuse(*state, &record);
    record.identity->kind = CLERK_KIND_OAUTH;

    record.identity->facts = 0x100;
    refuse(*state, &record);
    record.identity->facts = 0;

    record.identity->expires = -1;
    refuse(*state, &record);
    record.identity->expires = APR_INT64_C(1) << 40;
    refuse(*state, &record);
    record.identity->expires = APR_INT64_MAX;
    refuse(*state, &record);
}

/* Claims that clerk_claims_add would not have let in. */
static void what_is_too_large_is_not_written(void **state)
{
    clerk_record_t record = unit_record_typical(*state);
    clerk_claim_t claim = { "x", unit_repeat(*state, '.', 15000) };
    int i;

    APR_ARRAY_PUSH(record.identity->claims, clerk_claim_t) = claim;
    assert_comes_back(*state, &record);
    APR_ARRAY_PUSH(record.identity->claims, clerk_claim_t) = claim;
    refuse(*state, &record);

    record = unit_record_typical(*state);
    claim.value = unit_repeat(*state, '.', 65536);
    APR_ARRAY_PUSH(record.identity->claims, clerk_claim_t) = claim;
    refuse(*state, &record);

    record = unit_record_typical(*state);
    claim.value = "v";
    for (i = record.identity->claims->nelts; i < CLERK_CLAIMS_MAX; i++) {
        APR_ARRAY_PUSH(record.identity->claims, clerk_claim_t) = claim;
    }
    assert_comes_back(*state, &record);
    APR_ARRAY_PUSH(record.identity->claims, clerk_claim_t) = claim;
    refuse(*state, &record);
}

/* With one claim more, of a value that makes the record so many bytes. */
static clerk_record_t record_of(apr_pool_t *p, apr_size_t len)
{
    clerk_record_t record = unit_record_typical(p);
    clerk_claim_t claim = { "x", "" };

    APR_ARRAY_PUSH(record.identity->claims, clerk_claim_t) = claim;
    claim.value =
        unit_repeat(p, '.', len - unit_record_written(p, &record).len);
    APR_ARRAY_IDX(record.identity->claims, 3, clerk_claim_t) = claim;
    return record;
}

static void the_limit_is_where_it_is_said_to_be(void **state)
{
    clerk_record_t record = record_of(*state, CLERK_RECORD_MAX);

    assert_int_equal(unit_record_written(*state, &record).len,
                     CLERK_RECORD_MAX);
    assert_comes_back(*state, &record);
    record = record_of(*state, CLERK_RECORD_MAX + 1);
    refuse(*state, &record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_format_is_fixed),
        UNIT_TEST(the_places_of_names_are_fixed),
        UNIT_TEST(a_typical_record_is_small),
        UNIT_TEST(identities_come_back),
        UNIT_TEST(texts_stay_in_the_bytes),
        UNIT_TEST(values_take_few_bytes),
        UNIT_TEST(times_come_back),
        UNIT_TEST(times_that_are_claims_come_back),
        UNIT_TEST(a_time_that_is_a_claim_is_small),
        UNIT_TEST(the_largest_identity_fits),
        UNIT_TEST(definite_refusals_come_back),
        UNIT_TEST(what_says_nothing_is_not_kept),
        UNIT_TEST(what_does_not_fit_is_not_written),
        UNIT_TEST(what_is_too_large_is_not_written),
        UNIT_TEST(the_limit_is_where_it_is_said_to_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
