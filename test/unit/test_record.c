/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "clerk_record.h"

#define MOMENT (APR_INT64_C(1785000000123) * 1000)

/* What a cache holds most of: an opaque token's answer to introspection. */
static clerk_record_t typical(apr_pool_t *p)
{
    clerk_record_t record = { MOMENT, CLERK_OK, NULL };
    clerk_identity_t *identity = clerk_claims_make(p, CLERK_KIND_OAUTH);

    clerk_claims_add(identity, "sub", "user_2abcdefghijklmnopqrstuvwxyz");
    clerk_claims_add(identity, "client_id", "5d25P5uFMQsN6W2D");
    clerk_claims_add(identity, "scope", "openid profile email");
    identity->issued_at = 1785000000;
    record.identity = identity;
    return record;
}

/* Written into a block of its own size. */
static clerk_slice_t written(apr_pool_t *p, const clerk_record_t *record)
{
    clerk_slice_t bytes;

    assert_int_equal(clerk_record_write(p, record, &bytes), CLERK_OK);
    return unit_exact(p, bytes.ptr, bytes.len);
}

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
    clerk_slice_t bytes = written(p, record);
    clerk_slice_t again;

    assert_int_equal(clerk_record_read(p, bytes, &back), CLERK_OK);
    assert_int_equal(back.status, record->status);
    assert_true(back.verified_at
                == record->verified_at - record->verified_at % 1000);
    assert_int_equal(back.identity != NULL, record->identity != NULL);
    if (back.identity) {
        assert_same_identity(back.identity, record->identity);
    }
    again = written(p, &back);
    assert_int_equal(again.len, bytes.len);
    assert_memory_equal(again.ptr, bytes.ptr, bytes.len);
}

static void assert_miss(apr_pool_t *p, clerk_slice_t bytes)
{
    static const clerk_record_t zero;
    clerk_record_t record;

    memset(&record, 1, sizeof(record));
    assert_int_equal(clerk_record_read(p, bytes, &record), CLERK_INTERNAL);
    assert_true(record.verified_at == zero.verified_at);
    assert_int_equal(record.status, zero.status);
    assert_null(record.identity);
}

/*
 * The format itself: other processes, and other versions of this module, read
 * the same cache. Whoever changes these bytes needs another version byte.
 */
static void the_format_is_fixed(void **state)
{
    clerk_record_t record = typical(*state);
    clerk_record_t refusal = { MOMENT, CLERK_TOKEN_INACTIVE, NULL };
    clerk_slice_t bytes;

    clerk_claims_add(record.identity, "x", "y");
    bytes = written(*state, &record);
    assert_string_equal(
        unit_hex(*state, bytes.ptr, bytes.len),
        "0100019f9a4a7a7b"
        "0100"
        "0000000000"
        "0000000000"
        "006a64f040"
        "0004"
        "010020757365725f326162636465666768696a6b6c6d6e6f70717273747576"
        "7778797a00"
        "0200103564323550357546"
        "4d51734e3657324400"
        "0300146f70656e69642070726f66696c6520656d61696c00"
        "0000017800000179"
        "00");
    bytes = written(*state, &refusal);
    assert_string_equal(unit_hex(*state, bytes.ptr, bytes.len),
                        "0101019f9a4a7a7b");
}

static void a_typical_record_is_small(void **state)
{
    clerk_record_t record = typical(*state);

    assert_true(written(*state, &record).len < 150);
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
        { "type", "last of the table" },
        { "utf8", "\xc3\xa4\xe2\x82\xac" },
        { "ctl", "\x01\x7f\n" },
    };
    static const clerk_kind_t kinds[] = { CLERK_KIND_OAUTH, CLERK_KIND_SESSION,
                                          CLERK_KIND_M2M, CLERK_KIND_API_KEY };
    clerk_record_t record = typical(*state);
    apr_size_t i;

    assert_comes_back(*state, &record);
    for (i = 0; i < UNIT_COUNT(claims); i++) {
        clerk_claims_add(record.identity, claims[i][0], claims[i][1]);
    }
    record.identity->expires = 253402300799;
    record.identity->not_before = 1;
    for (i = 0; i < UNIT_COUNT(kinds); i++) {
        record.identity->kind = kinds[i];
        assert_comes_back(*state, &record);
    }
    for (i = 0; i < 32; i++) {
        record.identity->facts = (unsigned int)i;
        assert_comes_back(*state, &record);
    }
    record.identity = clerk_claims_make(*state, CLERK_KIND_M2M);
    assert_comes_back(*state, &record);
}

static void strings_point_into_the_bytes(void **state)
{
    clerk_record_t record = typical(*state);
    clerk_slice_t bytes = written(*state, &record);
    clerk_record_t back;
    const char *subject;

    assert_int_equal(clerk_record_read(*state, bytes, &back), CLERK_OK);
    subject = clerk_claims_get(back.identity, "sub");
    assert_true(subject > bytes.ptr && subject < bytes.ptr + bytes.len);
}

/* Whatever clerk_claims lets into an identity can be written. */
static void the_largest_identity_fits(void **state)
{
    clerk_record_t record = { MOMENT, CLERK_OK, NULL };
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
        clerk_record_t record = { MOMENT, (clerk_status_t)status, NULL };
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
        clerk_record_t record = { MOMENT, statuses[i], NULL };
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
    clerk_record_t record = typical(*state);
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

    record.identity->kind = CLERK_KIND_NONE;
    refuse(*state, &record);
    record.identity->kind = CLERK_KIND_ANY;
    refuse(*state, &record);
    record.identity->kind = CLERK_KIND_OAUTH;

    record.identity->facts = 64;
    refuse(*state, &record);
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
    clerk_record_t record = typical(*state);
    clerk_claim_t claim = { "x", unit_repeat(*state, 'v', 15000) };
    int i;

    APR_ARRAY_PUSH(record.identity->claims, clerk_claim_t) = claim;
    assert_comes_back(*state, &record);
    APR_ARRAY_PUSH(record.identity->claims, clerk_claim_t) = claim;
    refuse(*state, &record);

    record = typical(*state);
    claim.value = unit_repeat(*state, 'v', 65536);
    APR_ARRAY_PUSH(record.identity->claims, clerk_claim_t) = claim;
    refuse(*state, &record);

    record = typical(*state);
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
    clerk_record_t record = typical(p);
    clerk_claim_t claim = { "x", "" };

    APR_ARRAY_PUSH(record.identity->claims, clerk_claim_t) = claim;
    claim.value = unit_repeat(p, 'v', len - written(p, &record).len);
    APR_ARRAY_IDX(record.identity->claims, 3, clerk_claim_t) = claim;
    return record;
}

static void the_limit_is_where_it_is_said_to_be(void **state)
{
    clerk_record_t record = record_of(*state, CLERK_RECORD_MAX);

    assert_int_equal(written(*state, &record).len, CLERK_RECORD_MAX);
    assert_comes_back(*state, &record);
    record = record_of(*state, CLERK_RECORD_MAX + 1);
    refuse(*state, &record);
}

static void a_piece_of_a_record_is_a_miss(void **state)
{
    clerk_record_t record = typical(*state);
    clerk_slice_t bytes = written(*state, &record);
    apr_size_t len;

    for (len = 0; len < bytes.len; len++) {
        assert_miss(*state, unit_exact(*state, bytes.ptr, len));
    }
    assert_miss(*state, clerk_slice_make(NULL, 0));
}

static void a_byte_too_many_is_a_miss(void **state)
{
    clerk_record_t record = typical(*state);
    clerk_record_t refusal = { MOMENT, CLERK_TOKEN_INACTIVE, NULL };
    clerk_slice_t bytes = written(*state, &record);

    assert_miss(*state,
                unit_exact(*state, apr_pstrmemdup(*state, bytes.ptr, bytes.len),
                           bytes.len + 1));
    bytes = written(*state, &refusal);
    assert_miss(*state,
                unit_exact(*state, apr_pstrmemdup(*state, bytes.ptr, bytes.len),
                           bytes.len + 1));
}

/* Every byte given every value: a miss, or a record that writes as itself. */
static void a_changed_record_is_a_miss_or_another(void **state)
{
    clerk_record_t record = typical(*state);
    clerk_slice_t bytes = written(*state, &record);
    apr_pool_t *p;
    apr_size_t i;
    int value;

    apr_pool_create(&p, *state);
    for (i = 0; i < bytes.len; i++) {
        for (value = 0; value < 256; value++) {
            char *copy = apr_pmemdup(p, bytes.ptr, bytes.len);
            clerk_slice_t changed;
            clerk_slice_t again;
            clerk_record_t back;

            copy[i] = (char)value;
            changed = unit_exact(p, copy, bytes.len);
            if (clerk_record_read(p, changed, &back) == CLERK_OK) {
                again = written(p, &back);
                assert_int_equal(again.len, changed.len);
                assert_memory_equal(again.ptr, changed.ptr, changed.len);
            }
            else {
                assert_miss(p, changed);
            }
        }
        apr_pool_clear(p);
    }
}

static void hostile_records_are_misses(void **state)
{
    static const struct {
        const char *why;
        const char *hex;
    } rows[] = {
        { "version 0", "0001019f9a4a7a7b" },
        { "version 2", "0201019f9a4a7a7b" },
        { "a status that is none", "010a019f9a4a7a7b" },
        { "status 255", "01ff019f9a4a7a7b" },
        { "OK without an identity", "0100019f9a4a7a7b" },
        { "no kind", "0100019f9a4a7a7b"
                     "00000000000000000000000000000000000000" },
        { "two kinds", "0100019f9a4a7a7b"
                       "03000000000000000000000000000000000000" },
        { "an unknown fact", "0100019f9a4a7a7b"
                             "01400000000000000000000000000000000000" },
        { "more claims than there are", "0100019f9a4a7a7b"
                                        "0100000000000000000000000000000000"
                                        "0001" },
        { "65535 claims", "0100019f9a4a7a7b"
                          "0100000000000000000000000000000000ffff" },
        { "an unknown name", "0100019f9a4a7a7b"
                             "01000000000000000000000000000000000001"
                             "ff000000" },
        { "a name that has a code", "0100019f9a4a7a7b"
                                    "01000000000000000000000000000000000001"
                                    "0000037375620000017800" },
        { "a length beyond the end", "0100019f9a4a7a7b"
                                     "01000000000000000000000000000000000001"
                                     "01ffff7800" },
        { "no NUL behind a value", "0100019f9a4a7a7b"
                                   "01000000000000000000000000000000000001"
                                   "0100017878" },
        { "a NUL inside a value", "0100019f9a4a7a7b"
                                  "01000000000000000000000000000000000001"
                                  "010003780078"
                                  "00" },
        { "a NUL inside a name", "0100019f9a4a7a7b"
                                 "01000000000000000000000000000000000001"
                                 "0000037800780000017800" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_record_t record;

        UNIT_CHECK(
            rows[i].why,
            clerk_record_read(*state, unit_unhex(*state, rows[i].hex), &record)
                == CLERK_INTERNAL);
        assert_miss(*state, unit_unhex(*state, rows[i].hex));
    }
    /* The same frame, filled rightly, is read. */
    assert_int_equal(
        clerk_record_read(*state,
                          unit_unhex(*state,
                                     "0100019f9a4a7a7b"
                                     "01000000000000000000000000000000000001"
                                     "0100017800"),
                          &(clerk_record_t){ 0 }),
        CLERK_OK);
}

static void nothing_larger_than_the_limit_is_read(void **state)
{
    char *bytes = unit_repeat(*state, '\x01', CLERK_RECORD_MAX + 1);

    assert_miss(*state, unit_exact(*state, bytes, CLERK_RECORD_MAX + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_format_is_fixed),
        UNIT_TEST(a_typical_record_is_small),
        UNIT_TEST(identities_come_back),
        UNIT_TEST(strings_point_into_the_bytes),
        UNIT_TEST(the_largest_identity_fits),
        UNIT_TEST(definite_refusals_come_back),
        UNIT_TEST(what_says_nothing_is_not_kept),
        UNIT_TEST(what_does_not_fit_is_not_written),
        UNIT_TEST(what_is_too_large_is_not_written),
        UNIT_TEST(the_limit_is_where_it_is_said_to_be),
        UNIT_TEST(a_piece_of_a_record_is_a_miss),
        UNIT_TEST(a_byte_too_many_is_a_miss),
        UNIT_TEST(a_changed_record_is_a_miss_or_another),
        UNIT_TEST(hostile_records_are_misses),
        UNIT_TEST(nothing_larger_than_the_limit_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
