/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes out of a cache: a record that reads writes back as it was. */
#include "fuzz.h"

#include "clerk_record.h"

static void check_good(apr_pool_t *p, clerk_slice_t bytes,
                       const clerk_record_t *record)
{
    clerk_slice_t again;
    int i;

    FUZZ_MUST((record->identity != NULL) == (record->status == CLERK_OK));
    FUZZ_MUST(clerk_status_class(record->status) <= CLERK_CLASS_REJECT);
    if (record->identity) {
        for (i = 0; i < record->identity->claims->nelts; i++) {
            clerk_claim_t *claim =
                &APR_ARRAY_IDX(record->identity->claims, i, clerk_claim_t);

            /* Names that are known and the identity's own times have no bytes
             * of their own, and numbers fewer than digits. */
            FUZZ_MUST(strlen(claim->name) + strlen(claim->value)
                      < bytes.len + 64);
        }
    }
    FUZZ_MUST(clerk_record_write(p, record, &again) == CLERK_OK);
    FUZZ_MUST(again.len == bytes.len);
    FUZZ_MUST(memcmp(again.ptr, bytes.ptr, bytes.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    apr_pool_t *p = fuzz_pool();
    clerk_slice_t bytes = fuzz_slice(data, len);
    clerk_record_t record;

    memset(&record, 1, sizeof(record));
    if (clerk_record_read(p, bytes, &record) == CLERK_OK) {
        check_good(p, bytes, &record);
    }
    else {
        FUZZ_MUST(record.verified_at == 0 && record.status == CLERK_OK
                  && !record.identity);
    }
    apr_pool_destroy(p);
    return 0;
}
