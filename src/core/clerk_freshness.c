/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_freshness.h"

/* An opaque token of Clerk's lives one day (wire contract, section 5). */
#define OPAQUE_LIFETIME 86400 /* seconds */
/* How long an identity that lacks its profile is put up with. */
#define PROFILE_RETRY apr_time_from_sec(10)
/* How early an identity that is in use is asked about again: in the last
 * quarter of its time, or within this, but not in the first half. */
#define REFRESH_MARGIN apr_time_from_sec(1)

static apr_time_t earlier(apr_time_t a, apr_time_t b)
{
    return a < b ? a : b;
}

/* A JWT cannot be revoked; only its key can. */
static int seconds_believed(const clerk_terms_t *terms,
                            const clerk_identity_t *identity)
{
    return terms->cache_ttl && (identity->facts & CLERK_FACT_SIGNED)
               ? CLERK_FRESHNESS_SIGNED
               : terms->cache_ttl;
}

/* When the token itself ends, as far as that is known. */
static apr_time_t end_of(const clerk_identity_t *identity)
{
    if (identity->expires) {
        return apr_time_from_sec(identity->expires);
    }
    if (identity->issued_at) {
        /* D14: introspection does not say when a token ends. */
        return apr_time_from_sec(identity->issued_at + OPAQUE_LIFETIME);
    }
    return APR_INT64_MAX;
}

apr_time_t clerk_freshness_until(const clerk_terms_t *terms,
                                 const clerk_record_t *record)
{
    const clerk_identity_t *identity = record->identity;
    apr_time_t until;

    if (!identity) {
        return record->verified_at + apr_time_from_sec(terms->negative_ttl);
    }
    until = record->verified_at
            + apr_time_from_sec(seconds_believed(terms, identity));
    if (identity->facts & CLERK_FACT_PROFILE_FAILED) {
        until = earlier(until, record->verified_at + PROFILE_RETRY);
    }
    return earlier(until, end_of(identity));
}

apr_time_t clerk_freshness_stale_until(const clerk_terms_t *terms,
                                       const clerk_record_t *record)
{
    if (!record->identity || (record->identity->facts & CLERK_FACT_SIGNED)
        || !terms->cache_ttl || !terms->stale_if_error) {
        return 0;
    }
    return earlier(record->verified_at + apr_time_from_sec(terms->cache_ttl)
                       + apr_time_from_sec(terms->stale_if_error),
                   end_of(record->identity));
}

int clerk_freshness_is_due(const clerk_record_t *record, apr_time_t until,
                           apr_time_t now)
{
    apr_interval_time_t ttl = until - record->verified_at;
    apr_interval_time_t margin = ttl / 4;

    if (margin < REFRESH_MARGIN) {
        margin = ttl / 2 < REFRESH_MARGIN ? ttl / 2 : REFRESH_MARGIN;
    }
    return now >= until - margin && record->identity
           && !(record->identity->facts & CLERK_FACT_SIGNED)
           && until < end_of(record->identity);
}
