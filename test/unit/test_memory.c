/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of a token, and what a death meanwhile makes of it. */
#include "unit_ports.h"

#include "clerk_memory.h"

#define NOW apr_time_from_sec(UNIT_NOW)

/* Deaths are counted, and one may come while the cache is being told. */
typedef struct grave_t {
    apr_uint32_t deaths;
    int buried;
    int refusals;
    int buried_at_refusal;
    unit_world_t *world;
    void (*set)(void *self, const unsigned char *key, clerk_slice_t bytes,
                apr_time_t expires, apr_pool_t *p);
    int dies_at_set; /* 0: it does not */
} grave_t;

static grave_t grave;

static apr_uint32_t deaths(void *self, const unsigned char *key)
{
    (void)self;
    (void)key;
    return grave.deaths;
}

static void bury(void *self, const unsigned char *key)
{
    (void)self;
    (void)key;
    grave.buried++;
}

static void set(void *self, const unsigned char *key, clerk_slice_t bytes,
                apr_time_t expires, apr_pool_t *p)
{
    grave.set(self, key, bytes, expires, p);
    if (grave.dies_at_set && grave.world->sets == grave.dies_at_set) {
        grave.deaths++;
    }
}

static void set_refusal(void *self, const unsigned char *key,
                        clerk_slice_t bytes, apr_time_t expires, apr_pool_t *p)
{
    grave.refusals++;
    grave.buried_at_refusal = grave.buried;
    set(self, key, bytes, expires, p);
}

static clerk_memory_t memory_of(apr_pool_t *p)
{
    unit_world_t *world = unit_world(p);
    clerk_memory_t memory = { .ports = &world->ports,
                              .terms = &world->terms,
                              .p = p };

    memset(&grave, 0, sizeof(grave));
    grave.world = world;
    grave.set = world->ports.cache.set;
    world->ports.cache.set = set;
    world->ports.cache.set_refusal = set_refusal;
    world->ports.near.deaths = deaths;
    world->ports.near.bury = bury;
    unit_clock = NOW;
    assert_int_equal(clerk_memory_open(&memory, clerk_slice_str("oat_1")),
                     CLERK_OK);
    return memory;
}

static clerk_record_t good(apr_pool_t *p)
{
    clerk_record_t record = { .verified_at = NOW, .status = CLERK_OK };

    record.identity = clerk_claims_make(p, CLERK_KIND_OAUTH);
    clerk_claims_add(record.identity, "sub", "user_1");
    return record;
}

static const clerk_record_t dead = { .verified_at = NOW,
                                     .status = CLERK_TOKEN_INACTIVE };

static void keys_are_of_token_and_realm(void **state)
{
    clerk_memory_t memory = memory_of(*state);
    clerk_terms_t terms = *memory.terms;
    clerk_memory_t other = memory;

    assert_int_equal(clerk_memory_open(&other, clerk_slice_str("oat_1")),
                     CLERK_OK);
    assert_memory_equal(memory.key, other.key, CLERK_SHA256_BYTES);
    assert_int_equal(clerk_memory_open(&other, clerk_slice_str("oat_2")),
                     CLERK_OK);
    assert_memory_not_equal(memory.key, other.key, CLERK_SHA256_BYTES);
    terms.realm.digest[7] ^= 1;
    other.terms = &terms;
    assert_int_equal(clerk_memory_open(&other, clerk_slice_str("oat_1")),
                     CLERK_OK);
    assert_memory_not_equal(memory.key, other.key, CLERK_SHA256_BYTES);
}

static void what_is_kept_is_found(void **state)
{
    clerk_memory_t memory = memory_of(*state);
    clerk_record_t record = good(*state);
    clerk_record_t found;

    assert_false(clerk_memory_look_up(&memory, &found, NOW));
    clerk_memory_keep(&memory, &record, APR_INT64_MAX);
    assert_true(clerk_memory_look_up(&memory, &found, NOW));
    assert_true(memory.was_good);
    assert_int_equal(found.verified_at, NOW);
    assert_int_equal(grave.buried, 0);
    /* Of a clock that is far ahead of ours. */
    assert_false(
        clerk_memory_look_up(&memory, &found, NOW - apr_time_from_sec(60)));

    clerk_memory_keep(&memory, &dead, APR_INT64_MAX);
    assert_true(clerk_memory_look_up(&memory, &found, NOW));
    assert_false(memory.was_good);
    assert_int_equal(found.status, CLERK_TOKEN_INACTIVE);
    assert_int_equal(grave.buried, 2);
}

/* Whoever keeps it as good while the refusal is put down must see that it
 * died; so must who found it good just before. */
static void a_death_is_counted_before_it_is_kept_and_after(void **state)
{
    clerk_memory_t memory = memory_of(*state);

    clerk_memory_keep(&memory, &dead, APR_INT64_MAX);
    assert_int_equal(grave.refusals, 1);
    assert_int_equal(grave.buried_at_refusal, 1);
    assert_int_equal(grave.buried, 2);
}

static void refusals_are_kept_apart(void **state)
{
    clerk_memory_t memory = memory_of(*state);
    clerk_record_t record = good(*state);

    clerk_memory_keep(&memory, &record, APR_INT64_MAX);
    assert_int_equal(grave.world->sets, 1);
    assert_int_equal(grave.refusals, 0);
    clerk_memory_keep(&memory, &dead, APR_INT64_MAX);
    assert_int_equal(grave.world->sets, 2);
    assert_int_equal(grave.refusals, 1);
}

/* It must not be fallen back upon, nor come out of another child's memory. */
static void a_death_is_told_even_where_refusals_are_not_kept(void **state)
{
    clerk_memory_t memory = memory_of(*state);
    clerk_record_t record = good(*state);
    clerk_record_t found;

    grave.world->terms.negative_ttl = 0;
    clerk_memory_keep(&memory, &dead, APR_INT64_MAX);
    assert_int_equal(grave.world->sets, 0);
    assert_true(grave.buried > 0);
    clerk_memory_keep(&memory, &record, APR_INT64_MAX);
    assert_true(clerk_memory_look_up(&memory, &found, NOW));
    clerk_memory_keep(&memory, &dead, APR_INT64_MAX);
    assert_true(clerk_memory_look_up(&memory, &found, NOW));
    assert_int_equal(found.status, CLERK_TOKEN_INACTIVE);
}

static void who_died_meanwhile_is_not_kept(void **state)
{
    clerk_memory_t memory = memory_of(*state);
    clerk_record_t record = good(*state);
    clerk_record_t found;

    assert_false(clerk_memory_look_up(&memory, &found, NOW));
    grave.deaths++;
    assert_true(clerk_memory_has_died(&memory));
    clerk_memory_keep(&memory, &record, APR_INT64_MAX);
    assert_int_equal(grave.world->sets, 0);
}

/* The good record has just taken the place of the one that says so. */
static void who_dies_at_that_moment_is_not_believed(void **state)
{
    clerk_memory_t memory = memory_of(*state);
    clerk_record_t record = good(*state);
    clerk_record_t found;

    assert_false(clerk_memory_look_up(&memory, &found, NOW));
    grave.dies_at_set = 1;
    clerk_memory_keep(&memory, &record, APR_INT64_MAX);
    assert_int_equal(grave.world->sets, 2);
    assert_true(clerk_memory_look_up(&memory, &found, NOW));
    assert_int_equal(found.verified_at, 0);
    /* Somebody may have found the good one before it was taken back. */
    assert_int_equal(grave.buried, 1);
}

static void without_patience_there_is_no_memory(void **state)
{
    clerk_memory_t memory = memory_of(*state);

    assert_true(clerk_memory_is_used(&memory));
    grave.world->terms.cache_ttl = 0;
    assert_true(clerk_memory_is_used(&memory));
    grave.world->terms.negative_ttl = 0;
    assert_false(clerk_memory_is_used(&memory));
    grave.world->terms.cache_ttl = 60;
    grave.world->ports.cache.get = NULL;
    assert_false(clerk_memory_is_used(&memory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(keys_are_of_token_and_realm),
        UNIT_TEST(what_is_kept_is_found),
        UNIT_TEST(a_death_is_counted_before_it_is_kept_and_after),
        UNIT_TEST(refusals_are_kept_apart),
        UNIT_TEST(a_death_is_told_even_where_refusals_are_not_kept),
        UNIT_TEST(who_died_meanwhile_is_not_kept),
        UNIT_TEST(who_dies_at_that_moment_is_not_believed),
        UNIT_TEST(without_patience_there_is_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
