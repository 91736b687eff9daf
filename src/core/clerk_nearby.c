/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_nearby.h"

#include "clerk_freshness.h"

/* How long it is believed without a look at the cache behind, where that may
 * know better. */
#define PATIENCE apr_time_from_sec(1)

apr_uint32_t clerk_nearby_deaths(const clerk_ports_t *ports,
                                 const unsigned char *key)
{
    return ports->near.deaths ? ports->near.deaths(ports->near.self, key) : 0;
}

/*
 * When it is due to be verified again, somebody may have done so already, and
 * what came of that is in the cache behind.
 */
static int is_fresh(const clerk_terms_t *terms, const clerk_record_t *record,
                    apr_time_t now)
{
    apr_time_t until = clerk_freshness_until(terms, record);

    return now >= record->verified_at && now < until
           && !clerk_freshness_is_due(record, until, now);
}

/*
 * Other machines may have told the cache behind of a death. And what is kept
 * there of a JWT goes away with its key, which the record does not tell.
 */
static int is_overdue(const clerk_near_port_t *near,
                      const clerk_near_entry_t *entry, apr_time_t now)
{
    const clerk_identity_t *identity = entry->record.identity;

    return (near->is_shared || (identity->facts & CLERK_FACT_SIGNED))
           && (now < entry->looked_at || now >= entry->looked_at + PATIENCE);
}

int clerk_nearby_recall(const clerk_ports_t *ports, const clerk_terms_t *terms,
                        clerk_slice_t token, apr_pool_t *p,
                        clerk_record_t *record)
{
    const clerk_near_port_t *near = &ports->near;
    clerk_near_entry_t entry;
    apr_time_t now;

    if (!near->get || !terms->is_permanent || !terms->cache_ttl
        || !near->get(near->self, token, p, &entry)) {
        return 0;
    }
    now = ports->now();
    if (is_overdue(near, &entry, now) || !is_fresh(terms, &entry.record, now)
        || clerk_nearby_deaths(ports, entry.key) != entry.deaths) {
        return 0;
    }
    *record = entry.record;
    return 1;
}

void clerk_nearby_keep(const clerk_ports_t *ports, const clerk_terms_t *terms,
                       clerk_slice_t token, const clerk_near_entry_t *entry)
{
    const clerk_near_port_t *near = &ports->near;

    if (near->put && terms->is_permanent
        && is_fresh(terms, &entry->record, entry->looked_at)) {
        near->put(near->self, token, entry);
    }
}

void clerk_nearby_bury(const clerk_ports_t *ports, const unsigned char *key)
{
    if (ports->near.bury) {
        ports->near.bury(ports->near.self, key);
    }
}
