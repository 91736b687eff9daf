/* SPDX-License-Identifier: Apache-2.0 */
/* How long a record is believed, and when it is asked about again. */
#include "unit.h"

#include "clerk_freshness.h"

#define THEN APR_INT64_C(1785000000)

typedef struct row_t {
    const char *label;
    int cache_ttl;
    int stale_if_error;
    unsigned int facts;
    apr_int64_t expires;     /* seconds after it was made; 0: not known */
    apr_int64_t issued;      /* seconds before it was made; 0: not known */
    apr_int64_t until;       /* seconds after it was made */
    apr_int64_t stale_until; /* 0: never */
    apr_int64_t due_ms;      /* milliseconds after it was made; 0: never */
} row_t;

static const row_t rows[] = {
    { "plain", 60, 0, 0, 0, 0, 60, 0, 45000 },
    { "a day", 86400, 0, 0, 0, 0, 86400, 0, 64800000 },
    { "4 s", 4, 0, 0, 0, 0, 4, 0, 3000 },
    { "2 s", 2, 0, 0, 0, 0, 2, 0, 1000 },
    { "1 s", 1, 0, 0, 0, 0, 1, 0, 500 },
    { "stale", 60, 100, 0, 0, 0, 60, 160, 45000 },
    { "ends later", 60, 100, 0, 200, 0, 60, 160, 45000 },
    { "ends while stale", 60, 100, 0, 100, 0, 60, 100, 45000 },
    { "ends before", 60, 100, 0, 30, 0, 30, 30, 0 },
    { "ends just then", 60, 0, 0, 60, 0, 60, 0, 0 },
    { "a day old soon", 60, 100, 0, 0, 86390, 10, 10, 0 },
    { "signed", 60, 100, CLERK_FACT_SIGNED, 0, 0, 300, 0, 0 },
    { "no cache", 0, 100, 0, 0, 0, 0, 0, 0 },
    { "no profile", 60, 0, CLERK_FACT_PROFILE_FAILED, 0, 0, 10, 0, 7500 },
};

static apr_time_t at(apr_int64_t seconds)
{
    return apr_time_from_sec(THEN + seconds);
}

static void check(apr_pool_t *p, const row_t *row)
{
    clerk_terms_t terms = { .cache_ttl = row->cache_ttl,
                            .stale_if_error = row->stale_if_error };
    clerk_record_t record = { .verified_at = at(0) };
    apr_time_t due = at(0) + apr_time_from_msec(row->due_ms);
    apr_time_t until;

    record.identity = clerk_claims_make(p, CLERK_KIND_OAUTH);
    record.identity->facts = row->facts;
    record.identity->expires = row->expires ? THEN + row->expires : 0;
    record.identity->issued_at = row->issued ? THEN - row->issued : 0;
    until = clerk_freshness_until(&terms, &record);
    UNIT_CHECK(row->label, until == at(row->until));
    UNIT_CHECK(row->label,
               clerk_freshness_stale_until(&terms, &record)
                   == (row->stale_until ? at(row->stale_until) : 0));
    if (row->due_ms) {
        UNIT_CHECK(row->label,
                   !clerk_freshness_is_due(&record, until, due - 1));
        UNIT_CHECK(row->label, clerk_freshness_is_due(&record, until, due));
    }
    else if (row->cache_ttl) {
        UNIT_CHECK(row->label,
                   !clerk_freshness_is_due(&record, until, until - 1));
    }
}

static void identities(void **state)
{
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        check(*state, &rows[i]);
    }
}

/* A refusal is never fallen back upon, nor asked about before its time. */
static void refusals(void **state)
{
    clerk_terms_t terms = { .cache_ttl = 60,
                            .negative_ttl = 10,
                            .stale_if_error = 100 };
    clerk_record_t record = { .verified_at = at(0),
                              .status = CLERK_TOKEN_INACTIVE };
    apr_time_t until = clerk_freshness_until(&terms, &record);

    (void)state;
    assert_true(until == at(10));
    assert_true(clerk_freshness_stale_until(&terms, &record) == 0);
    assert_false(clerk_freshness_is_due(&record, until, until - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(identities),
        UNIT_TEST(refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
