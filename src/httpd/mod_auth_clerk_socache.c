/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_socache.h"

#include <ap_provider.h>
#include <ap_socache.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <util_mutex.h>

#include "mod_auth_clerk_log.h"

#define MUTEX_TYPE "auth-clerk"
#define CACHE_NAME "auth-clerk" /* at most 16 characters */
#define OWN_PROVIDER "shmcb"
#define OWN_SIZE 524288 /* bytes, where the administrator names no size */

/*
 * shmcb walks through a partition to find a record, and the larger it is, the
 * more records a partition has. So a large one is several, each with a mutex of
 * its own.
 */
#define SHARD_SIZE (6 * 1024 * 1024) /* bytes */
#define SHARDS_MAX 16

/*
 * And it drops what is oldest where there is no room, whoever asked for that.
 * So refusals, of which anybody can make any number, have a part of their own:
 * a sixteenth, unless that is less than shmcb accepts.
 */
#define REFUSALS_PART 16
#define SIZE_LEAST 8192 /* bytes */

/* An identifier has one of so many lengths, see id_of(). */
#define ID_LENGTHS 32
#define ID_MIN 20 /* bytes */
#define ID_MAX (ID_MIN + ID_LENGTHS - 1)
/* By these shmcb divides its memory: with 24 bytes of index for each, there is
 * room for records of up to 185 bytes. */
#define AVERAGE_RECORD 209 /* bytes */
#define AVERAGE_REFUSAL 40
#define AVERAGE_ID ((ID_MIN + ID_MAX) / 2)
#define SWEEP_INTERVAL apr_time_from_sec(60)

/* How often a mutex is tried before it is waited for. */
#define TRIES 20

typedef struct shard_t {
    const auth_clerk_socache_t *home;
    ap_socache_instance_t *instance;
    apr_global_mutex_t *mutex; /* NULL where the provider needs none */
    unsigned char *room;       /* for a record; its owner has the mutex */
} shard_t;

struct auth_clerk_socache_t {
    const ap_socache_provider_t *provider;
    const char *name; /* of the provider */
    const char *args; /* NULL: none */
    int is_own;       /* a shmcb, which nobody else reads or writes */
    server_rec *s;
    /* Of a shmcb: */
    const char *path;
    apr_int64_t size;     /* bytes in all, */
    apr_int64_t refusals; /* and for refusals alone, in the last shard; 0: they
                           * have none of their own */
    unsigned int count;   /* of the other shards */
    shard_t shards[SHARDS_MAX + 1];
};

/* ------------------------------------------------------------------ */
/* Life cycle                                                         */

apr_status_t auth_clerk_socache_register_mutex(apr_pool_t *pconf)
{
    return ap_mutex_register(pconf, MUTEX_TYPE, NULL, APR_LOCK_DEFAULT, 0);
}

const char *auth_clerk_socache_provider(const auth_clerk_socache_t *socache)
{
    return socache->name;
}

int auth_clerk_socache_is_own(const auth_clerk_socache_t *socache)
{
    return socache->is_own;
}

/*
 * Read `path(bytes)`, what a shmcb is told. The size is 0 where the provider
 * itself will say what is wrong with it.
 */
static void measure(auth_clerk_socache_t *socache, apr_pool_t *p)
{
    const char *args = socache->args ? socache->args : "";
    const char *size = ap_strrchr_c(args, '(');
    char *end;

    if (size) {
        socache->path = apr_pstrmemdup(p, args, (apr_size_t)(size - args));
        socache->size = apr_strtoi64(size + 1, &end, 10);
        if (socache->size < 0 || strcmp(end, ")") != 0) {
            socache->size = 0;
        }
    }
    else {
        socache->path = *args ? args : CACHE_NAME;
        socache->size = strchr(args, ')') ? 0 : OWN_SIZE;
    }
}

static void divide(auth_clerk_socache_t *socache)
{
    apr_int64_t count = socache->size / SHARD_SIZE + 1;

    socache->count = count > SHARDS_MAX ? SHARDS_MAX : (unsigned int)count;
    if (socache->size / REFUSALS_PART >= SIZE_LEAST) {
        socache->refusals = socache->size / REFUSALS_PART;
    }
}

static unsigned int count_all(const auth_clerk_socache_t *socache)
{
    return socache->count + (socache->refusals ? 1 : 0);
}

/* What a shard is told: a path, and its part of the bytes. */
static const char *args_of(const auth_clerk_socache_t *socache, apr_pool_t *p,
                           unsigned int number)
{
    apr_int64_t bytes = (socache->size - socache->refusals) / socache->count;

    if (count_all(socache) == 1) {
        return socache->args;
    }
    return apr_psprintf(p, "%s%s(%" APR_INT64_T_FMT ")", socache->path,
                        number ? apr_psprintf(p, "-%u", number) : "",
                        number < socache->count ? bytes : socache->refusals);
}

const char *auth_clerk_socache_create(apr_pool_t *pconf, apr_pool_t *ptemp,
                                      const char *value,
                                      auth_clerk_socache_t **made)
{
    auth_clerk_socache_t *socache = apr_pcalloc(pconf, sizeof(*socache));
    const char *sentence = NULL;
    unsigned int i;

    socache->name = apr_pstrmemdup(pconf, value, strcspn(value, ":"));
    socache->args =
        ap_strchr_c(value, ':') ? ap_strchr_c(value, ':') + 1 : NULL;
    socache->is_own = strcmp(socache->name, OWN_PROVIDER) == 0;
    socache->provider = ap_lookup_provider(
        AP_SOCACHE_PROVIDER_GROUP, socache->name, AP_SOCACHE_PROVIDER_VERSION);
    if (!socache->provider) {
        return apr_psprintf(pconf,
                            "there is no provider '%s'; load mod_socache_%s",
                            socache->name, socache->name);
    }
    if (socache->is_own) {
        measure(socache, pconf);
    }
    divide(socache);
    for (i = 0; i < count_all(socache) && !sentence; i++) {
        socache->shards[i].home = socache;
        sentence =
            socache->provider->create(&socache->shards[i].instance,
                                      args_of(socache, ptemp, i), ptemp, pconf);
    }
    if (sentence) {
        return apr_psprintf(pconf, "%s'%s' is not accepted by the provider: %s",
                            count_all(socache) > 1 ? "a part of " : "", value,
                            sentence);
    }
    *made = socache;
    return NULL;
}

static int stop(server_rec *s, apr_status_t rv, const char *sentence)
{
    auth_clerk_log_start_fault(s, rv, sentence);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static apr_status_t destroy(void *data)
{
    auth_clerk_socache_t *socache = data;
    unsigned int i;

    for (i = 0; i < count_all(socache); i++) {
        socache->provider->destroy(socache->shards[i].instance, socache->s);
    }
    return APR_SUCCESS;
}

static int open_shard(auth_clerk_socache_t *socache, apr_pool_t *pconf,
                      unsigned int number)
{
    struct ap_socache_hints hints = { AVERAGE_ID, AVERAGE_RECORD,
                                      SWEEP_INTERVAL };
    shard_t *shard = &socache->shards[number];
    apr_status_t rv;

    if (socache->provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE) {
        shard->room = apr_palloc(pconf, AUTH_CLERK_SOCACHE_MAX);
        rv = ap_global_mutex_create(&shard->mutex, NULL, MUTEX_TYPE,
                                    number ? apr_psprintf(pconf, "%u", number)
                                           : NULL,
                                    socache->s, pconf, 0);
        if (rv != APR_SUCCESS) {
            return stop(socache->s, rv,
                        "ClerkSOCache: its mutex cannot be made; see "
                        "the Mutex directive, type " MUTEX_TYPE);
        }
    }
    if (number == socache->count) {
        hints.avg_obj_size = AVERAGE_REFUSAL;
    }
    rv = socache->provider->init(
        shard->instance,
        number ? apr_psprintf(pconf, CACHE_NAME "-%u", number) : CACHE_NAME,
        &hints, socache->s, pconf);
    return rv == APR_SUCCESS ? OK
                             : stop(socache->s, rv,
                                    "ClerkSOCache: the cache cannot be opened");
}

int auth_clerk_socache_open(auth_clerk_socache_t *socache, apr_pool_t *pconf,
                            server_rec *s)
{
    int result = OK;
    unsigned int i;

    socache->s = s;
    for (i = 0; i < count_all(socache) && result == OK; i++) {
        result = open_shard(socache, pconf, i);
    }
    if (result == OK) {
        apr_pool_cleanup_register(pconf, socache, destroy,
                                  apr_pool_cleanup_null);
    }
    return result;
}

apr_status_t auth_clerk_socache_open_child(auth_clerk_socache_t *socache,
                                           apr_pool_t *p)
{
    apr_status_t rv = APR_SUCCESS;
    unsigned int i;

    for (i = 0; i < count_all(socache) && rv == APR_SUCCESS; i++) {
        apr_global_mutex_t **mutex = &socache->shards[i].mutex;

        if (*mutex) {
            rv = apr_global_mutex_child_init(
                mutex, apr_global_mutex_lockfile(*mutex), p);
        }
    }
    return rv;
}

/* Four fifths of the places of a shmcb: records are spread over its partitions
 * by chance, and one of these is full before the others are. */
int auth_clerk_socache_capacity(const auth_clerk_socache_t *socache)
{
    return (int)((socache->size - socache->refusals)
                 / (AVERAGE_ID + AVERAGE_RECORD) * 4 / 5);
}

/* ------------------------------------------------------------------ */
/* Records                                                            */

/* shmcb picks a partition by the first byte, and id_of() a length by the
 * last. */
static const shard_t *shard_of(const auth_clerk_socache_t *socache,
                               const unsigned char *key)
{
    return &socache->shards[(key[1] << 8 | key[2]) % socache->count];
}

/* If it has them apart. */
static const shard_t *refusals_of(const auth_clerk_socache_t *socache)
{
    return &socache->shards[socache->count];
}

/*
 * shmcb writes while it reads, so reading takes the lock, too. It is held for
 * a moment only, but whoever sleeps on it is woken up late, and everybody
 * behind with him: so it is tried for a while first.
 */
static int lock(const shard_t *shard)
{
    apr_status_t rv = APR_EBUSY;
    int tries;

    if (!shard->mutex) {
        return 1;
    }
    for (tries = 0; tries < TRIES && APR_STATUS_IS_EBUSY(rv); tries++) {
        if (tries) {
            apr_thread_yield();
        }
        rv = apr_global_mutex_trylock(shard->mutex);
    }
    if (rv != APR_SUCCESS) {
        rv = apr_global_mutex_lock(shard->mutex);
    }
    if (rv != APR_SUCCESS) {
        auth_clerk_log_cache_fault(shard->home->s, rv,
                                   "its mutex cannot be locked");
    }
    return rv == APR_SUCCESS;
}

static void unlock(const shard_t *shard)
{
    if (shard->mutex) {
        apr_global_mutex_unlock(shard->mutex);
    }
}

/* What a record is kept under. */
typedef struct socache_id_t {
    unsigned char bytes[2 * CLERK_SHA256_BYTES];
    unsigned int len;
} socache_id_t;

/*
 * Of the key, written twice, the first 20 to 51 bytes, as its last byte says.
 * shmcb compares the lengths first, which stand side by side, and goes to see
 * the identifiers, each in another place, only where these agree. 160 bits of
 * a digest are enough for that nobody finds a second token for a record.
 */
static socache_id_t id_of(const unsigned char *key)
{
    socache_id_t id;

    memcpy(id.bytes, key, CLERK_SHA256_BYTES);
    memcpy(id.bytes + CLERK_SHA256_BYTES, key, CLERK_SHA256_BYTES);
    id.len = ID_MIN + key[CLERK_SHA256_BYTES - 1] % ID_LENGTHS;
    return id;
}

/* Of a shard that is locked, where it has a mutex; by way of `room`, of
 * AUTH_CLERK_SOCACHE_MAX bytes. */
static apr_status_t retrieve(const shard_t *shard, const unsigned char *key,
                             unsigned char *room, apr_pool_t *p,
                             clerk_slice_t *bytes)
{
    const auth_clerk_socache_t *home = shard->home;
    socache_id_t id = id_of(key);
    unsigned int len = AUTH_CLERK_SOCACHE_MAX;
    apr_status_t rv = home->provider->retrieve(shard->instance, home->s,
                                               id.bytes, id.len, room, &len, p);

    if (rv == APR_SUCCESS && len > AUTH_CLERK_SOCACHE_MAX) {
        return APR_ENOSPC;
    }
    if (rv == APR_SUCCESS) {
        *bytes = clerk_slice_make(apr_pmemdup(p, room, len), len);
    }
    return rv;
}

static __attribute__((noinline)) apr_status_t retrieve_unlocked(
    const shard_t *shard, const unsigned char *key, apr_pool_t *p,
    clerk_slice_t *bytes)
{
    unsigned char room[AUTH_CLERK_SOCACHE_MAX];

    return retrieve(shard, key, room, p, bytes);
}

/* A room for the largest record on every thread's stack would be most of what
 * a child needs; with a lock one does for all. */
static apr_status_t look_into(const shard_t *shard, const unsigned char *key,
                              apr_pool_t *p, clerk_slice_t *bytes)
{
    apr_status_t rv;

    if (!shard->mutex) {
        return retrieve_unlocked(shard, key, p, bytes);
    }
    if (!lock(shard)) {
        return APR_EGENERAL;
    }
    rv = retrieve(shard, key, shard->room, p, bytes);
    unlock(shard);
    return rv;
}

apr_status_t auth_clerk_socache_retrieve(
    const auth_clerk_socache_t *socache,
    const unsigned char key[CLERK_SHA256_BYTES], apr_pool_t *p,
    clerk_slice_t *bytes)
{
    apr_status_t rv = look_into(shard_of(socache, key), key, p, bytes);

    if (rv != APR_SUCCESS && socache->refusals) {
        rv = look_into(refusals_of(socache), key, p, bytes);
    }
    return rv;
}

static apr_status_t put(const shard_t *shard,
                        const auth_clerk_socache_record_t *record,
                        apr_pool_t *p)
{
    const auth_clerk_socache_t *home = shard->home;
    unsigned char *bytes = apr_pmemdup(p, record->bytes.ptr, record->bytes.len);
    socache_id_t id = id_of(record->key);

    return home->provider->store(shard->instance, home->s, id.bytes, id.len,
                                 record->expires, bytes,
                                 (unsigned int)record->bytes.len, p);
}

/* True when that is done with: put into this shard, or failed at it. */
static int keep(const shard_t *shard, int is_replacement,
                const auth_clerk_socache_record_t *record, apr_pool_t *p)
{
    apr_status_t rv = APR_SUCCESS;
    clerk_slice_t old;
    int is_due;

    if (!lock(shard)) {
        return 1;
    }
    is_due =
        !is_replacement
        || retrieve(shard, record->key, shard->room, p, &old) == APR_SUCCESS;
    if (is_due) {
        rv = put(shard, record, p);
    }
    unlock(shard);
    if (rv != APR_SUCCESS) {
        auth_clerk_log_cache_fault(shard->home->s, rv,
                                   "a record cannot be stored");
    }
    return is_due;
}

/* An older refusal, lest it is found when what is kept now has gone. */
static void forget_refusal(const auth_clerk_socache_t *socache,
                           const unsigned char *key, apr_pool_t *p)
{
    const shard_t *shard = refusals_of(socache);
    socache_id_t id = id_of(key);

    if (lock(shard)) {
        (void)socache->provider->remove(shard->instance, socache->s, id.bytes,
                                        id.len, p);
        unlock(shard);
    }
}

void auth_clerk_socache_store(const auth_clerk_socache_t *socache,
                              const auth_clerk_socache_record_t *record,
                              apr_pool_t *p)
{
    int is_apart = record->is_refusal && socache->refusals;

    if (socache->refusals && !is_apart) {
        forget_refusal(socache, record->key, p);
    }
    if (!keep(shard_of(socache, record->key), is_apart, record, p)) {
        (void)keep(refusals_of(socache), 0, record, p);
    }
}
