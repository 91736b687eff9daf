/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_near.h"

#include <apr_thread_proc.h>

#define WAYS 4        /* places of a set */
#define PATIENCE 64   /* looks at a lock before others may run */
#define CACHE_LINE 64 /* bytes */

/* The table is sets of places; a digest has its place in one set. */
typedef struct place_t {
    clerk_near_name_t name;
    unsigned char block[CLERK_NEAR_BLOCK];
} place_t;

/* What is looked at first, in one line of the processor's cache. */
typedef struct set_t {
    unsigned int lock;        /* 1: held */
    unsigned char used[WAYS]; /* asked for since the hand came by */
    apr_uint64_t marks[WAYS]; /* the first bytes of the keys */
    apr_uint64_t candidate;   /* the hash of who was turned away last */
    apr_uint16_t sizes[WAYS]; /* of the blocks; 0: the place is free */
    unsigned char hand;       /* the next place to be taken */
} __attribute__((aligned(CACHE_LINE))) set_t;

struct clerk_near_t {
    set_t *sets;
    place_t *places;
    apr_uint64_t mask; /* number of sets, a power of two, less one */
};

/* ------------------------------------------------------------------ */
/* Locks: for as long as it takes to copy a block, and never while asking
 * anybody for memory.                                                */

static int try_lock(set_t *set)
{
    return !__atomic_load_n(&set->lock, __ATOMIC_RELAXED)
           && !__atomic_exchange_n(&set->lock, 1, __ATOMIC_ACQUIRE);
}

static void lock(set_t *set)
{
    int looks = 0;

    while (!try_lock(set)) {
        if (++looks % PATIENCE == 0) {
            /* Its holder may wait for this processor. */
            apr_thread_yield();
        }
    }
}

static void unlock(set_t *set)
{
    __atomic_store_n(&set->lock, 0, __ATOMIC_RELEASE);
}

/* ------------------------------------------------------------------ */

/* A key's bytes are as good as random: any of them will do. */
static apr_uint64_t mark_of(const clerk_near_name_t *name)
{
    apr_uint64_t mark;

    memcpy(&mark, name->key, sizeof(mark));
    return mark;
}

/* By the owner, too, so that one key may have many. */
static apr_uint64_t hash_of(const clerk_near_name_t *name)
{
    return mark_of(name) ^ (apr_uint64_t)(apr_uintptr_t)name->owner >> 4;
}

static place_t *place_at(const clerk_near_t *near, const set_t *set, int way)
{
    return near->places + (set - near->sets) * WAYS + way;
}

static int is_of(const place_t *place, const clerk_near_name_t *name)
{
    return place->name.owner == name->owner
           && memcmp(place->name.key, name->key, sizeof(name->key)) == 0;
}

/* With the lock: the place of this name; -1: none. */
static int find(const clerk_near_t *near, const set_t *set,
                const clerk_near_name_t *name)
{
    apr_uint64_t mark = mark_of(name);
    int way;

    for (way = 0; way < WAYS; way++) {
        if (set->marks[way] == mark && set->sizes[way]
            && is_of(place_at(near, set, way), name)) {
            return way;
        }
    }
    return -1;
}

clerk_status_t clerk_near_create(apr_pool_t *p, apr_size_t size,
                                 clerk_near_t **near)
{
    const apr_size_t one = sizeof(set_t) + WAYS * sizeof(place_t);
    apr_size_t count = 1;
    unsigned char *memory;

    *near = NULL;
    if (size < one) {
        return CLERK_INTERNAL;
    }
    while (2 * count * one <= size) {
        count *= 2;
    }
    memory = apr_palloc(p, count * one + CACHE_LINE);
    memory += CACHE_LINE - (apr_uintptr_t)memory % CACHE_LINE;
    *near = apr_palloc(p, sizeof(**near));
    (*near)->mask = count - 1;
    (*near)->sets = (set_t *)(void *)memory;
    (*near)->places = (place_t *)(void *)(memory + count * sizeof(set_t));
    /* The places are not touched before they are used. */
    memset((*near)->sets, 0, count * sizeof(set_t));
    return CLERK_OK;
}

static set_t *set_of(const clerk_near_t *near, const clerk_near_name_t *name)
{
    return &near->sets[hash_of(name) & near->mask];
}

/* How large the block may be; looked up without the lock, so it may be
 * another one, or gone, a moment later. */
static apr_size_t size_of_candidates(const set_t *set, apr_uint64_t mark)
{
    apr_size_t size = 0;
    int way;

    for (way = 0; way < WAYS; way++) {
        if (__atomic_load_n(&set->marks[way], __ATOMIC_RELAXED) == mark) {
            apr_size_t one =
                __atomic_load_n(&set->sizes[way], __ATOMIC_RELAXED);

            size = one > size ? one : size;
        }
    }
    return size;
}

void *clerk_near_get(clerk_near_t *near, const clerk_near_name_t *name,
                     apr_pool_t *p)
{
    set_t *set = set_of(near, name);
    apr_size_t room = size_of_candidates(set, mark_of(name));
    void *copy = NULL;
    int way;

    if (!room) {
        return NULL;
    }
    /* Before the lock: this may take its time. */
    copy = apr_palloc(p, room);
    lock(set);
    way = find(near, set, name);
    if (way >= 0 && set->sizes[way] <= room) {
        memcpy(copy, place_at(near, set, way)->block, set->sizes[way]);
        set->used[way] = 1;
    }
    else {
        copy = NULL;
    }
    unlock(set);
    return copy;
}

/* With the lock: a place that has this name already or is free; -1: none. */
static int find_vacant(const clerk_near_t *near, const set_t *set,
                       const clerk_near_name_t *name)
{
    int way = find(near, set, name);

    if (way >= 0) {
        return way;
    }
    for (way = WAYS - 1; way >= 0 && set->sizes[way]; way--) {
    }
    return way;
}

/*
 * With the lock: may the newcomer have the place that the hand is at? The hand
 * goes on with every newcomer, and whoever was asked for since it came by last
 * stays once more.
 */
static int may_replace(set_t *set, apr_uint64_t newcomer)
{
    int is_second_time = set->candidate == newcomer;

    set->candidate = newcomer;
    if (is_second_time && !set->used[set->hand]) {
        return 1;
    }
    set->used[set->hand] = 0;
    set->hand = (unsigned char)((set->hand + 1) % WAYS);
    return 0;
}

int clerk_near_admits(clerk_near_t *near, const clerk_near_name_t *name)
{
    set_t *set = set_of(near, name);
    int result;

    lock(set);
    result =
        find_vacant(near, set, name) >= 0 || may_replace(set, hash_of(name));
    unlock(set);
    return result;
}

void clerk_near_put(clerk_near_t *near, const clerk_near_name_t *name,
                    const void *block, apr_size_t size)
{
    set_t *set = set_of(near, name);
    place_t *place;
    int way;

    if (!size || size > CLERK_NEAR_BLOCK) {
        return;
    }
    lock(set);
    way = find_vacant(near, set, name);
    if (way < 0) {
        way = set->hand;
        set->hand = (unsigned char)((set->hand + 1) % WAYS);
    }
    place = place_at(near, set, way);
    place->name = *name;
    memcpy(place->block, block, size);
    set->used[way] = 0;
    __atomic_store_n(&set->marks[way], mark_of(name), __ATOMIC_RELAXED);
    __atomic_store_n(&set->sizes[way], (apr_uint16_t)size, __ATOMIC_RELAXED);
    unlock(set);
}
