/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the near cache: what is found, what has to go, and that many
 * threads at once see whole blocks of what they asked for, or nothing. */
#include "unit.h"

#include <apr_thread_proc.h>

#include "clerk_near.h"

#define ONE_SET 4096 /* bytes: four places */
#define SIZE (64 * 1024)

static int an_owner;
static int another_owner;

/* Names of one number differ by their owner only. */
static clerk_near_name_t name_of(unsigned int number, const void *owner)
{
    clerk_near_name_t name = { { 0 }, owner };
    apr_uint64_t spread = (number + 1) * APR_UINT64_C(0x9e3779b97f4a7c15);

    memcpy(name.key, &spread, sizeof(spread));
    memcpy(name.key + sizeof(spread), &number, sizeof(number));
    return name;
}

static clerk_near_t *table(apr_pool_t *p, apr_size_t size)
{
    clerk_near_t *near;

    assert_int_equal(clerk_near_create(p, size, &near), CLERK_OK);
    return near;
}

static void put(clerk_near_t *near, unsigned int number, const char *text)
{
    clerk_near_name_t name = name_of(number, &an_owner);

    clerk_near_put(near, &name, text, strlen(text) + 1);
}

static const char *get(apr_pool_t *p, clerk_near_t *near, unsigned int number)
{
    clerk_near_name_t name = name_of(number, &an_owner);

    return clerk_near_get(near, &name, p);
}

static int admits(clerk_near_t *near, unsigned int number)
{
    clerk_near_name_t name = name_of(number, &an_owner);

    return clerk_near_admits(near, &name);
}

static void what_was_put_is_found(void **state)
{
    clerk_near_t *near = table(*state, SIZE);
    char *mine = apr_pstrdup(*state, "one");

    UNIT_SAME("empty", get(*state, near, 1), NULL);
    put(near, 1, mine);
    put(near, 2, "two");
    /* It is a copy. */
    mine[0] = 'X';
    UNIT_SAME("first", get(*state, near, 1), "one");
    UNIT_SAME("second", get(*state, near, 2), "two");
    UNIT_SAME("third", get(*state, near, 3), NULL);
    put(near, 1, "longer than before");
    UNIT_SAME("again", get(*state, near, 1), "longer than before");
    put(near, 1, "");
    UNIT_SAME("shorter", get(*state, near, 1), "");
}

static void owners_do_not_share(void **state)
{
    clerk_near_t *near = table(*state, SIZE);
    clerk_near_name_t theirs = name_of(1, &another_owner);

    put(near, 1, "mine");
    assert_null(clerk_near_get(near, &theirs, *state));
    clerk_near_put(near, &theirs, "theirs", sizeof("theirs"));
    UNIT_SAME("mine", get(*state, near, 1), "mine");
    UNIT_SAME("theirs", (char *)clerk_near_get(near, &theirs, *state),
              "theirs");
}

/* The first eight bytes of a key choose the set and are looked at first. */
static void all_of_a_key_counts(void **state)
{
    clerk_near_t *near = table(*state, SIZE);
    clerk_near_name_t name = name_of(1, &an_owner);
    apr_size_t i;

    put(near, 1, "one");
    for (i = 0; i < sizeof(name.key); i++) {
        name.key[i] ^= 0x80;
        assert_null(clerk_near_get(near, &name, *state));
        name.key[i] ^= 0x80;
    }
}

static void sizes_have_their_bounds(void **state)
{
    clerk_near_t *near = table(*state, SIZE);
    clerk_near_name_t name = name_of(1, &an_owner);
    char *block = apr_pcalloc(*state, CLERK_NEAR_BLOCK + 1);
    clerk_near_t *none;

    clerk_near_put(near, &name, block, 0);
    assert_null(clerk_near_get(near, &name, *state));
    clerk_near_put(near, &name, block, CLERK_NEAR_BLOCK + 1);
    assert_null(clerk_near_get(near, &name, *state));
    memset(block, 'x', CLERK_NEAR_BLOCK);
    clerk_near_put(near, &name, block, CLERK_NEAR_BLOCK);
    assert_memory_equal(clerk_near_get(near, &name, *state), block,
                        CLERK_NEAR_BLOCK);
    assert_int_equal(clerk_near_create(*state, 100, &none), CLERK_INTERNAL);
    assert_null(none);
}

static int count_found(apr_pool_t *p, clerk_near_t *near, unsigned int from,
                       unsigned int to)
{
    int found = 0;

    for (; from < to; from++) {
        found += get(p, near, from) != NULL;
    }
    return found;
}

/* Four places, and somebody is in each of them. */
static void what_comes_once_drives_out_nobody(void **state)
{
    clerk_near_t *near = table(*state, ONE_SET);
    unsigned int i;

    for (i = 0; i < 4; i++) {
        assert_true(admits(near, i));
        put(near, i, "regular");
    }
    for (i = 100; i < 1000; i++) {
        assert_false(admits(near, i));
        assert_int_equal(count_found(*state, near, 0, 4), 4);
    }
}

static void who_comes_again_gets_an_idle_place(void **state)
{
    clerk_near_t *near = table(*state, ONE_SET);
    unsigned int i;
    int visits;

    for (i = 0; i < 4; i++) {
        put(near, i, "regular");
    }
    assert_int_equal(count_found(*state, near, 0, 4), 4);
    for (visits = 1; !admits(near, 9); visits++) {
        /* The others are in use, but for the last one. */
        assert_int_equal(count_found(*state, near, 0, 3), 3);
        assert_true(visits < 20);
    }
    assert_true(visits >= 2);
    put(near, 9, "newcomer");
    UNIT_SAME("newcomer", get(*state, near, 9), "newcomer");
    UNIT_SAME("idle", get(*state, near, 3), NULL);
    assert_int_equal(count_found(*state, near, 0, 3), 3);
    /* Who is in has no need to come twice. */
    assert_true(admits(near, 9));
}

/* ------------------------------------------------------------------ */
/* Many threads, few places                                           */

#define THREADS 8
#define ROUNDS 20000
#define NAMES 24

typedef struct worker_t {
    clerk_near_t *near;
    unsigned int seed;
    int found;
    int wrong;
} worker_t;

/* Every byte of a block says whose it is; its length, too. */
static void fill(char *block, unsigned int number, unsigned int round,
                 apr_size_t *size)
{
    *size = 100 + number + round % 800;
    memset(block, (int)('A' + number), *size);
    block[1] = (char)(*size & 0xff);
    block[2] = (char)(*size >> 8);
}

static int is_whole(const char *block, unsigned int number)
{
    apr_size_t size =
        (apr_size_t)(unsigned char)block[1] | (apr_size_t)block[2] << 8;
    apr_size_t i;

    if (size < 100 || size > CLERK_NEAR_BLOCK
        || block[0] != (char)('A' + number)) {
        return 0;
    }
    for (i = 3; i < size; i++) {
        if (block[i] != (char)('A' + number)) {
            return 0;
        }
    }
    return 1;
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    apr_pool_t *p;
    unsigned int i;

    (void)thread;
    if (apr_pool_create_unmanaged(&p) != APR_SUCCESS) {
        worker->wrong++;
        return NULL;
    }
    for (i = 0; i < ROUNDS; i++) {
        unsigned int number = (i * 7 + worker->seed) % NAMES;
        clerk_near_name_t name = name_of(number, &an_owner);
        const char *found = clerk_near_get(worker->near, &name, p);
        char block[CLERK_NEAR_BLOCK];
        apr_size_t size;

        if (found) {
            worker->found++;
            worker->wrong += !is_whole(found, number);
        }
        if (i % 3 == worker->seed % 3
            && clerk_near_admits(worker->near, &name)) {
            fill(block, number, i, &size);
            clerk_near_put(worker->near, &name, block, size);
        }
        apr_pool_clear(p);
    }
    apr_pool_destroy(p);
    return NULL;
}

static void threads_see_whole_blocks(void **state)
{
    clerk_near_t *near = table(*state, 4 * ONE_SET);
    worker_t workers[THREADS] = { { 0 } };
    apr_thread_t *threads[THREADS];
    apr_status_t rv;
    int i;

    for (i = 0; i < THREADS; i++) {
        workers[i].near = near;
        workers[i].seed = (unsigned int)i;
        assert_int_equal(
            apr_thread_create(&threads[i], NULL, work, &workers[i], *state),
            APR_SUCCESS);
    }
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(apr_thread_join(&rv, threads[i]), APR_SUCCESS);
    }
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].wrong, 0);
        assert_true(workers[i].found > ROUNDS / 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(what_was_put_is_found),
        UNIT_TEST(owners_do_not_share),
        UNIT_TEST(all_of_a_key_counts),
        UNIT_TEST(sizes_have_their_bounds),
        UNIT_TEST(what_comes_once_drives_out_nobody),
        UNIT_TEST(who_comes_again_gets_an_idle_place),
        UNIT_TEST(threads_see_whole_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
