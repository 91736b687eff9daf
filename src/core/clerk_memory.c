/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_memory.h"

#include "clerk_freshness.h"
#include "clerk_nearby.h"

/* How far ahead of ours the clock of a machine that shares the cache may be. */
#define CLOCK_DRIFT apr_time_from_sec(5)
/* How long it is remembered that a good token has died, where refusals are
 * not: as long as any copy of what it was may be kept. */
#define REVOKED_TTL apr_time_from_sec(2 * 86400)

/*
 * Of all that decides the answer: the digests of token and realm, added bit by
 * bit, since one digest of both takes twice the time. Two realms' keys meet
 * only where the digests of two tokens differ by the very difference of the
 * realms', which nobody can bring about more easily than that they are equal.
 * No textual prefix: shmcb picks its partition by the first byte.
 */
clerk_status_t clerk_memory_open(clerk_memory_t *memory, clerk_slice_t token)
{
    const unsigned char *realm = memory->terms->realm.digest;
    clerk_status_t status = clerk_crypto_sha256(&token, 1, memory->key);
    int i;

    for (i = 0; i < CLERK_SHA256_BYTES; i++) {
        memory->key[i] ^= realm[i];
    }
    return status;
}

int clerk_memory_is_used(const clerk_memory_t *memory)
{
    return memory->ports->cache.get
           && (memory->terms->cache_ttl || memory->terms->negative_ttl);
}

int clerk_memory_look_up(clerk_memory_t *memory, clerk_record_t *record,
                         apr_time_t now)
{
    const clerk_cache_port_t *cache = &memory->ports->cache;
    clerk_slice_t bytes;

    memory->deaths = clerk_nearby_deaths(memory->ports, memory->key);
    if (cache->get(cache->self, memory->key, memory->p, &bytes) != CLERK_OK
        || clerk_record_read(memory->p, bytes, record) != CLERK_OK
        || record->verified_at > now + CLOCK_DRIFT) {
        return 0;
    }
    memory->was_good = record->identity != NULL;
    return 1;
}

int clerk_memory_has_died(const clerk_memory_t *memory)
{
    return clerk_nearby_deaths(memory->ports, memory->key) != memory->deaths;
}

static apr_time_t earlier(apr_time_t a, apr_time_t b)
{
    return a < b ? a : b;
}

static apr_time_t later(apr_time_t a, apr_time_t b)
{
    return a > b ? a : b;
}

static clerk_slice_t store(const clerk_memory_t *memory,
                           const clerk_record_t *record, apr_time_t until)
{
    const clerk_cache_port_t *cache = &memory->ports->cache;
    clerk_slice_t bytes;

    if (clerk_record_write(memory->p, record, &bytes) != CLERK_OK) {
        return bytes;
    }
    if (record->identity) {
        cache->set(cache->self, memory->key, bytes, until, memory->p);
    }
    else {
        cache->set_refusal(cache->self, memory->key, bytes, until, memory->p);
    }
    return bytes;
}

static void store_good(clerk_memory_t *memory, const clerk_record_t *record,
                       apr_time_t until)
{
    clerk_record_t ancient = *record;

    if (clerk_memory_has_died(memory)) {
        return;
    }
    memory->written = store(memory, record, until);
    if (clerk_memory_has_died(memory)) {
        /* It may have taken the place of the one that says so just now, or
         * stand before it. Nobody believes one as old as this, and who has
         * found the other meanwhile is told of the death, too. */
        ancient.verified_at = 0;
        (void)store(memory, &ancient, until);
        clerk_nearby_bury(memory->ports, memory->key);
    }
}

void clerk_memory_keep(clerk_memory_t *memory, const clerk_record_t *record,
                       apr_time_t until)
{
    until = later(earlier(until, clerk_freshness_until(memory->terms, record)),
                  clerk_freshness_stale_until(memory->terms, record));
    if (!record->identity && until <= record->verified_at && memory->was_good) {
        /* It must not be fallen back upon. */
        until = record->verified_at + REVOKED_TTL;
    }
    if (!record->identity) {
        /* For who is about to keep it as good, and looks at its deaths after
         * that; once more below, for who still found it good. */
        clerk_nearby_bury(memory->ports, memory->key);
    }
    if (memory->ports->cache.set && until > record->verified_at) {
        if (record->identity) {
            store_good(memory, record, until);
        }
        else {
            (void)store(memory, record, until);
        }
    }
    if (!record->identity) {
        clerk_nearby_bury(memory->ports, memory->key);
    }
}
