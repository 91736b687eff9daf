/* SPDX-License-Identifier: Apache-2.0 */
/* One of all processes finds out, the others wait for it. */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit_threads.h"

#include "clerk_slots.h"
#include "clerk_steady.h"

#define CHILDREN 8

typedef struct land_t {
    clerk_slots_t slots;
    int ours;
    int landed;
    int late;
    int others; /* results that were not the one expected */
} land_t;

static unsigned char key[CLERK_SHA256_BYTES] =
    "a key of thirty-two bytes or so";

/* What processes share. */
static land_t *land_of(void)
{
    void *memory = mmap(NULL, sizeof(land_t), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(memory != MAP_FAILED);
    return memory;
}

static clerk_turn_t take_for(land_t *land, const unsigned char *whose,
                             clerk_turn_ticket_t *ticket,
                             clerk_turn_result_t *result)
{
    clerk_turn_wish_t wish = { .key = whose,
                               .until =
                                   clerk_steady_now() + apr_time_from_sec(3),
                               .patience = apr_time_from_sec(3) };

    return clerk_slots_take(&land->slots, &wish, ticket, result);
}

static clerk_turn_t take(land_t *land, clerk_turn_ticket_t *ticket,
                         clerk_turn_result_t *result)
{
    return take_for(land, key, ticket, result);
}

static void count(int *number)
{
    __atomic_add_fetch(number, 1, __ATOMIC_RELAXED);
}

/* Take part: whoever leads takes 100 ms, and ends in failure. */
static void take_part(land_t *land)
{
    clerk_turn_ticket_t ticket;
    clerk_turn_result_t result;

    switch (take(land, &ticket, &result)) {
    case CLERK_TURN_OURS:
        count(&land->ours);
        apr_sleep(apr_time_from_msec(100));
        result.status = CLERK_SERVER_ERROR;
        result.retry_after = 7;
        clerk_slots_land(&ticket, key, &result);
        break;
    case CLERK_TURN_LANDED:
        count(&land->landed);
        if (result.status != CLERK_SERVER_ERROR || result.retry_after != 7) {
            count(&land->others);
        }
        break;
    default:
        count(&land->late);
    }
}

static pid_t start(land_t *land, void (*work)(land_t *land))
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        work(land);
        _exit(0);
    }
    return pid;
}

static void reap(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void one_leads_and_all_share_its_failure(void **state)
{
    land_t *land = land_of();
    pid_t pids[CHILDREN];
    int i;

    (void)state;
    for (i = 0; i < CHILDREN; i++) {
        pids[i] = start(land, take_part);
    }
    for (i = 0; i < CHILDREN; i++) {
        reap(pids[i]);
    }
    assert_int_equal(land->ours, 1);
    assert_int_equal(land->landed, CHILDREN - 1);
    assert_int_equal(land->late + land->others, 0);
    munmap(land, sizeof(*land));
}

static void take_and_hang(land_t *land)
{
    clerk_turn_ticket_t ticket;
    clerk_turn_result_t result;

    (void)take(land, &ticket, &result);
    count(&land->late);
    for (;;) {
        pause();
    }
}

/* Killed in the middle of it: one of those who wait takes its place. */
static void a_leader_that_dies_is_replaced_by_one(void **state)
{
    land_t *land = land_of();
    pid_t leader = start(land, take_and_hang);
    pid_t pids[CHILDREN];
    int i;

    (void)state;
    while (!__atomic_load_n(&land->late, __ATOMIC_RELAXED)) {
        apr_sleep(1000);
    }
    for (i = 0; i < CHILDREN; i++) {
        pids[i] = start(land, take_part);
    }
    apr_sleep(apr_time_from_msec(50));
    assert_int_equal(land->ours, 0);
    assert_int_equal(kill(leader, SIGKILL), 0);
    reap(leader);
    for (i = 0; i < CHILDREN; i++) {
        reap(pids[i]);
    }
    assert_int_equal(land->ours, 1);
    assert_int_equal(land->landed, CHILDREN - 1);
    munmap(land, sizeof(*land));
}

/* It lives, but takes longer than it has said: its time is over. */
static void a_leader_that_is_stuck_is_replaced(void **state)
{
    land_t *land = land_of();
    clerk_turn_wish_t wish = { .key = key,
                               .until = clerk_steady_now(),
                               .patience = apr_time_from_msec(10) };
    clerk_turn_ticket_t first;
    clerk_turn_ticket_t second;
    clerk_turn_result_t result;
    apr_time_t began = clerk_steady_now();

    (void)state;
    assert_int_equal(clerk_slots_take(&land->slots, &wish, &first, &result),
                     CLERK_TURN_OURS);
    assert_int_equal(clerk_slots_take(&land->slots, &wish, &second, &result),
                     CLERK_TURN_LATE);
    assert_int_equal(take(land, &second, &result), CLERK_TURN_OURS);
    assert_in_range(clerk_steady_now() - began, apr_time_from_msec(50),
                    apr_time_from_msec(500));
    /* What the first one has to say is not heard any more. */
    result.status = CLERK_TIMED_OUT;
    clerk_slots_land(&first, key, &result);
    assert_int_equal(clerk_slots_take(&land->slots, &wish, &first, &result),
                     CLERK_TURN_LATE);
    result.status = CLERK_OK;
    clerk_slots_land(&second, key, &result);
    assert_int_equal(take(land, &first, &result), CLERK_TURN_OURS);
    munmap(land, sizeof(*land));
}

/* A result is never told to whom it does not concern. */
static void another_key_in_the_slot(void **state)
{
    land_t *land = land_of();
    unsigned char near_one[CLERK_SHA256_BYTES];
    unsigned char other[CLERK_SHA256_BYTES];
    clerk_turn_ticket_t ticket;
    clerk_turn_ticket_t none;
    clerk_turn_result_t result = { CLERK_TOKEN_INACTIVE, 0 };

    (void)state;
    /* The same slot and another tag; the same slot and tag. */
    memcpy(other, key, sizeof(other));
    other[15] ^= 1;
    memcpy(near_one, key, sizeof(near_one));
    near_one[31] ^= 1;
    assert_int_equal(take(land, &ticket, &result), CLERK_TURN_OURS);
    assert_int_equal(take_for(land, other, &none, &result), CLERK_TURN_ALONE);
    result.status = CLERK_OK;
    clerk_slots_land(&none, other, &result);
    assert_int_equal(take_for(land, other, &none, &result), CLERK_TURN_ALONE);
    if (fork() == 0) {
        apr_sleep(apr_time_from_msec(100));
        result.status = CLERK_TOKEN_INACTIVE;
        clerk_slots_land(&ticket, key, &result);
        _exit(0);
    }
    assert_int_equal(take_for(land, near_one, &none, &result), CLERK_TURN_OURS);
    assert_true(wait(NULL) > 0);
    munmap(land, sizeof(*land));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(one_leads_and_all_share_its_failure),
        UNIT_TEST(a_leader_that_dies_is_replaced_by_one),
        UNIT_TEST(a_leader_that_is_stuck_is_replaced),
        UNIT_TEST(another_key_in_the_slot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
