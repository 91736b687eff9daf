/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit_record.h: records for tests of the cache's bytes.
 */
#ifndef UNIT_RECORD_H
#define UNIT_RECORD_H

#include "unit.h"

#include "clerk_record.h"

#define UNIT_RECORD_MOMENT (APR_INT64_C(1785000000123) * 1000)

/* What a cache holds most of: an opaque token's answer to introspection. */
static inline clerk_record_t unit_record_typical(apr_pool_t *p)
{
    clerk_record_t record = { UNIT_RECORD_MOMENT, CLERK_OK, NULL };
    clerk_identity_t *identity = clerk_claims_make(p, CLERK_KIND_OAUTH);

    clerk_claims_add(identity, "sub", "user_2abcdefghijklmnopqrstuvwxyz");
    clerk_claims_add(identity, "client_id", "5d25P5uFMQsN6W2D");
    clerk_claims_add(identity, "scope", "openid profile email");
    identity->issued_at = 1785000000;
    record.identity = identity;
    return record;
}

/* One that has something of everything. */
static inline clerk_record_t unit_record_full(apr_pool_t *p)
{
    clerk_record_t record = unit_record_typical(p);

    record.identity->expires = 1785086400;
    record.identity->not_before = 1784999999;
    clerk_claims_add(record.identity, "iat", "1785000000");
    clerk_claims_add(record.identity, "exp", "1785086400");
    clerk_claims_add(record.identity, "nbf", "1785000000");
    clerk_claims_add(record.identity, "created_at", "1785000000123");
    clerk_claims_add(record.identity, "email", "a@example.test");
    clerk_claims_add(record.identity, "custom", "");
    return record;
}

/* Written into a block of its own size. */
static inline clerk_slice_t unit_record_written(apr_pool_t *p,
                                                const clerk_record_t *record)
{
    clerk_slice_t bytes;

    assert_int_equal(clerk_record_write(p, record, &bytes), CLERK_OK);
    return unit_exact(p, bytes.ptr, bytes.len);
}

#endif
