/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_scope.h"

#include <string.h>

#include <apr_strings.h>

#include "clerk_slice.h"

/* RFC 6749 section 3.3: NQCHAR. */
static int is_scope_byte(char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '\\';
}

int clerk_scope_is_token(const char *scope)
{
    const char *c;

    for (c = scope; *c; c++) {
        if (!is_scope_byte(*c)) {
            return 0;
        }
    }
    return c > scope;
}

/* The next scope of a set, which is moved behind it; empty at the end. */
static clerk_slice_t next_scope(const char **set)
{
    const char *start = *set;
    const char *end;

    while (*start == ' ') {
        start++;
    }
    for (end = start; *end && *end != ' ';) {
        end++;
    }
    *set = end;
    return clerk_slice_make(start, (apr_size_t)(end - start));
}

int clerk_scope_has(const char *set, const char *scope)
{
    clerk_slice_t one;

    if (!set || !*scope) {
        return 0;
    }
    for (one = next_scope(&set); one.len; one = next_scope(&set)) {
        if (clerk_slice_is(one, scope)) {
            return 1;
        }
    }
    return 0;
}

int clerk_scope_has_all(const char *set, const apr_array_header_t *wanted)
{
    int i;

    for (i = 0; i < wanted->nelts; i++) {
        if (!clerk_scope_has(set, APR_ARRAY_IDX(wanted, i, const char *))) {
            return 0;
        }
    }
    return 1;
}

static int is_listed(const apr_array_header_t *list, clerk_slice_t scope)
{
    int i;

    for (i = 0; i < list->nelts; i++) {
        if (clerk_slice_is(scope, APR_ARRAY_IDX(list, i, const char *))) {
            return 1;
        }
    }
    return 0;
}

void clerk_scope_add(apr_array_header_t *list, const char *text)
{
    clerk_slice_t one;

    for (one = next_scope(&text); one.len; one = next_scope(&text)) {
        const char *copy;

        if (list->nelts >= CLERK_SCOPE_MAX) {
            return;
        }
        if (is_listed(list, one)) {
            continue;
        }
        copy = apr_pstrmemdup(list->pool, one.ptr, one.len);
        if (clerk_scope_is_token(copy)) {
            APR_ARRAY_PUSH(list, const char *) = copy;
        }
    }
}

int clerk_scope_is_full(const apr_array_header_t *list)
{
    return list->nelts >= CLERK_SCOPE_MAX;
}

const char *clerk_scope_join(apr_pool_t *p, const apr_array_header_t *list)
{
    return apr_array_pstrcat(p, list, ' ');
}
