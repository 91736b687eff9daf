/* SPDX-License-Identifier: Apache-2.0 */
/* Scopes as a text: what becomes of it is a set. */
#include "fuzz.h"

#include <apr_tables.h>

#include "clerk_scope.h"

static void check_list(const char *text, const apr_array_header_t *list,
                       const char *joined)
{
    int i;

    FUZZ_MUST(list->nelts <= CLERK_SCOPE_MAX);
    FUZZ_MUST(clerk_scope_has_all(joined, list));
    FUZZ_MUST(clerk_scope_has_all(text, list));
    for (i = 0; i < list->nelts; i++) {
        FUZZ_MUST(clerk_scope_is_token(APR_ARRAY_IDX(list, i, const char *)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    apr_pool_t *p = fuzz_pool();
    const char *text = fuzz_string(p, data, len);
    apr_array_header_t *list = apr_array_make(p, 4, sizeof(const char *));
    apr_array_header_t *again = apr_array_make(p, 4, sizeof(const char *));
    const char *joined;

    clerk_scope_add(list, text);
    joined = clerk_scope_join(p, list);
    check_list(text, list, joined);

    /* Once more it adds nothing, and the joined text makes the same list. */
    clerk_scope_add(again, joined);
    FUZZ_MUST(again->nelts == list->nelts);
    FUZZ_MUST(strcmp(clerk_scope_join(p, again), joined) == 0);
    clerk_scope_add(again, joined);
    FUZZ_MUST(again->nelts == list->nelts);

    FUZZ_MUST(!clerk_scope_has(text, ""));
    FUZZ_MUST(!clerk_scope_is_token(text) || clerk_scope_has(joined, text));
    apr_pool_destroy(p);
    return 0;
}
