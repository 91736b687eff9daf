/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that clerk_record_write would not have written. */
#include "unit_record.h"

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

static void a_piece_of_a_record_is_a_miss(void **state)
{
    clerk_record_t record = unit_record_full(*state);
    clerk_slice_t bytes = unit_record_written(*state, &record);
    apr_size_t len;

    for (len = 0; len < bytes.len; len++) {
        assert_miss(*state, unit_exact(*state, bytes.ptr, len));
    }
    assert_miss(*state, clerk_slice_make(NULL, 0));
}

static void a_byte_too_many_is_a_miss(void **state)
{
    clerk_record_t record = unit_record_typical(*state);
    clerk_record_t refusal = { UNIT_RECORD_MOMENT, CLERK_TOKEN_INACTIVE, NULL };
    clerk_slice_t bytes = unit_record_written(*state, &record);

    assert_miss(*state,
                unit_exact(*state, apr_pstrmemdup(*state, bytes.ptr, bytes.len),
                           bytes.len + 1));
    bytes = unit_record_written(*state, &refusal);
    assert_miss(*state,
                unit_exact(*state, apr_pstrmemdup(*state, bytes.ptr, bytes.len),
                           bytes.len + 1));
}

/* Every byte given every value: a miss, or a record that writes as itself. */
static void a_changed_record_is_a_miss_or_another(void **state)
{
    clerk_record_t record = unit_record_full(*state);
    clerk_slice_t bytes = unit_record_written(*state, &record);
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
                again = unit_record_written(p, &back);
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
        { "version 0", "0001fbf4a9d2f933" },
        { "version 1 as it was, a refusal", "0101019f9a4a7a7b" },
        { "version 1 as it was, an identity",
          "0100019f9a4a7a7b0100000000000000000000000000000000000101"
          "00017800" },
        { "version 3", "0301fbf4a9d2f933" },
        { "a status that is none", "020afbf4a9d2f933" },
        { "status 255", "02fffbf4a9d2f933" },
        { "a moment that is too late", "020180808080808040" },
        { "a moment with a byte too many", "0201fbf4a9d2f9b300" },
        { "OK without an identity", "0200fbf4a9d2f933" },
        { "no kind", "0200fbf4a9d2f933000000000000" },
        { "two kinds", "0200fbf4a9d2f933030000000000" },
        { "a time that is 0", "0200fbf4a9d2f933010080c1a7a60d000000" },
        { "a time before 0", "0200fbf4a9d2f933010082c1a7a60d000000" },
        { "a time that is too late", "0200fbf4a9d2f933010081bfd8d9f23f000000" },
        { "the latest time there is",
          "0200fbf4a9d2f9330100ffffffffffffffff7f000000" },
        { "the earliest time there is",
          "0200fbf4a9d2f9330100feffffffffffffff7f000000" },
        { "more claims than there are", "0200fbf4a9d2f933010000000001" },
        { "2^32 claims", "0200fbf4a9d2f93301000000008080808010" },
        { "2^63 less one claims",
          "0200fbf4a9d2f9330100000000ffffffffffffffff7f" },
        { "fewer claims than there are", "0200fbf4a9d2f933010000000000017800" },
        { "an unknown name", "0200fbf4a9d2f9330100000000012c7800" },
        { "the last name there may be", "0200fbf4a9d2f9330100000000013f7800" },
        { "a name that has a place",
          "0200fbf4a9d2f93301000000000100737562007800" },
        { "a name without an end", "0200fbf4a9d2f933010000000001007375622e78" },
        { "a value without an end", "0200fbf4a9d2f9330100000000010178" },
        { "a number as text", "0200fbf4a9d2f93301000000000101313200" },
        { "a zero as text", "0200fbf4a9d2f933010000000001013000" },
        { "a number without an end", "0200fbf4a9d2f9330100000000014180" },
        { "a number with a byte too many",
          "0200fbf4a9d2f933010000000001418100" },
        { "a number whose ninth byte is not the last",
          "0200fbf4a9d2f93301000000000141ffff8fbbbad6adf08d" },
        { "a number of ten bytes",
          "0200fbf4a9d2f9330100000000014180808080808080808001" },
        { "a number of 19 digits",
          "0200fbf4a9d2f93301000000000141808090bbbad6adf00d" },
        { "the greatest number there is",
          "0200fbf4a9d2f93301000000000141ffffffffffffffff7f" },
        { "a form that there is not", "0200fbf4a9d2f933010000000001c1" },
        { "another of a time", "0200fbf4a9d2f933010081c60a000001c5" },
        { "a number that is a time of the identity's",
          "0200fbf4a9d2f933010081c60a00000145c08399d306" },
        { "text that is a time of the identity's",
          "0200fbf4a9d2f933010081c60a000001053137383530383634303000" },
        { "a zero that is a time of the identity's",
          "0200fbf4a9d2f9330100000000014500" },
        { "a time of the identity's that it has not",
          "0200fbf4a9d2f93301000000000181" },
        { "a time of the identity's without a name",
          "0200fbf4a9d2f933010000000001807800" },
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
}

/* The same frames, filled rightly. */
static void other_records_are_read(void **state)
{
    static const char *const rows[] = {
        "0200fbf4a9d2f933010000000001017800",
        "0200fbf4a9d2f933010000000001007375622e78007800",
        "0200fbf4a9d2f9330100000000012b7800",
        "0200fbf4a9d2f933010000000001410c",
        "0200fbf4a9d2f93301000000000141ffff8fbbbad6adf00d",
        "0200fbf4a9d2f933010081c60a00000185",
        "0200fbf4a9d2f93301000000000185",
        "0200fbf4a9d2f933013ffec0a7a60dffbed8d9f23f00014601",
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_slice_t bytes = unit_unhex(*state, rows[i]);
        clerk_record_t record;
        clerk_slice_t again;

        UNIT_CHECK(rows[i],
                   clerk_record_read(*state, bytes, &record) == CLERK_OK);
        again = unit_record_written(*state, &record);
        assert_int_equal(again.len, bytes.len);
        assert_memory_equal(again.ptr, bytes.ptr, bytes.len);
    }
}

/* One claim more than there may be. */
static void too_many_claims_are_a_miss(void **state)
{
    const char *frame = "0200fbf4a9d2f9330100000000";
    const char *claims = "";
    int i;

    for (i = 0; i < CLERK_CLAIMS_MAX; i++) {
        claims = apr_pstrcat(*state, claims, "017800", NULL);
    }
    assert_int_equal(
        clerk_record_read(*state,
                          unit_unhex(*state, apr_pstrcat(*state, frame, "8002",
                                                         claims, NULL)),
                          &(clerk_record_t){ 0 }),
        CLERK_OK);
    assert_miss(*state,
                unit_unhex(*state, apr_pstrcat(*state, frame, "8102", claims,
                                               "017800", NULL)));
}

static void nothing_larger_than_the_limit_is_read(void **state)
{
    /* One claim, `sub`, of so many letters. */
    static const char head[] = "\x02\x00\xfb\xf4\xa9\xd2\xf9\x33"
                               "\x01\x00\x00\x00\x00\x01\x01";
    const apr_size_t letters = CLERK_RECORD_MAX - (sizeof(head) - 1) - 1;
    clerk_record_t record;
    apr_size_t more;

    for (more = 0; more < 2; more++) {
        char *bytes = unit_repeat(*state, 'x', CLERK_RECORD_MAX + 1);
        clerk_slice_t text = unit_exact(*state, bytes, CLERK_RECORD_MAX + more);

        memcpy((char *)(apr_uintptr_t)text.ptr, head, sizeof(head) - 1);
        memset((char *)(apr_uintptr_t)text.ptr + text.len - 1, 0, 1);
        if (more) {
            assert_miss(*state, text);
            continue;
        }
        assert_int_equal(clerk_record_read(*state, text, &record), CLERK_OK);
        assert_int_equal(strlen(clerk_claims_get(record.identity, "sub")),
                         letters);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(a_piece_of_a_record_is_a_miss),
        UNIT_TEST(a_byte_too_many_is_a_miss),
        UNIT_TEST(a_changed_record_is_a_miss_or_another),
        UNIT_TEST(hostile_records_are_misses),
        UNIT_TEST(other_records_are_read),
        UNIT_TEST(too_many_claims_are_a_miss),
        UNIT_TEST(nothing_larger_than_the_limit_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
