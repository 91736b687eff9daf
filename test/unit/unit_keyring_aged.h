/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit_keyring_aged.h: a ring of keys, a background, and a clock that a test
 * moves, by which a set grows old.
 */
#ifndef UNIT_KEYRING_AGED_H
#define UNIT_KEYRING_AGED_H

#include <sys/time.h>

#include "unit_keyring.h"

#include "clerk_steady.h"

#define SECONDS(n) apr_time_from_sec(n)
#define QUICK apr_time_from_msec(300)
#define SLOW apr_time_from_msec(600)

/* How far our clock is from everybody else's. */
static apr_time_t shift;

/* In the place of APR's, for this program alone: age is counted in minutes. */
APR_DECLARE(apr_time_t) apr_time_now(void)
{
    struct timeval now;

    gettimeofday(&now, NULL);
    return apr_time_make((apr_int64_t)now.tv_sec, (apr_int64_t)now.tv_usec)
           + __atomic_load_n(&shift, __ATOMIC_ACQUIRE);
}

static inline void later(apr_interval_time_t length)
{
    __atomic_add_fetch(&shift, length, __ATOMIC_ACQ_REL);
}

/* Also where a test fails: its pool waits for the threads. */
static inline apr_status_t stop(void *data)
{
    clerk_background_stop(data);
    return APR_SUCCESS;
}

/* With a background, and a ring that has a set of that age. */
static inline world_t *world_with(apr_pool_t *p, const clerk_jwt_t *jwt,
                                  int age)
{
    world_t *world = world_of(p);

    assert_int_equal(clerk_background_create(p, &world->background), CLERK_OK);
    apr_pool_pre_cleanup_register(p, world->background, stop);
    make_ring(world, NULL, &world->keys);
    put_copy(world, UNIT_JWKS, 0);
    assert_int_equal(check(world, jwt), CLERK_OK);
    later(SECONDS(age));
    world->body = ROTATED;
    return world;
}

static inline clerk_status_t timed(world_t *world,
                                   const clerk_keys_port_t *keys,
                                   const clerk_jwt_t *jwt,
                                   apr_interval_time_t *took)
{
    apr_time_t began = clerk_steady_now();
    clerk_status_t status = check_by(world, keys, jwt);

    *took = clerk_steady_now() - began;
    return status;
}

/* A check that waits for nobody. */
#define AT_ONCE(world, keys, jwt, wanted) \
    do { \
        apr_interval_time_t took_; \
        assert_int_equal(timed(world, keys, jwt, &took_), wanted); \
        assert_true(took_ < QUICK); \
    } while (0)

/* Ask until so many renewals have come to an end; no question waits for any. */
static inline void use_until(world_t *world, const clerk_keys_port_t *keys,
                             const clerk_jwt_t *jwt, int events)
{
    int i;

    for (i = 0; i < 3000 && unit_locked(world->mutex, &world->events) < events;
         i++) {
        AT_ONCE(world, keys, jwt, CLERK_OK);
        apr_sleep(1000);
    }
    assert_int_equal(unit_locked(world->mutex, &world->events), events);
}

/* Until the renewal has come to something. */
static inline void wait_for_key(world_t *world, const clerk_keys_port_t *keys,
                                const clerk_jwt_t *jwt, clerk_status_t wanted)
{
    int i;

    for (i = 0; i < 3000 && check_by(world, keys, jwt) != wanted; i++) {
        apr_sleep(1000);
    }
    assert_int_equal(check_by(world, keys, jwt), wanted);
}

static inline void end(world_t *world)
{
    (void)stop(world->background);
}

#endif
