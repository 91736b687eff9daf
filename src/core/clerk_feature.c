/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_feature.h"

#include "clerk_slice.h"

/* Whose it is. */
#define USER 1u
#define ORGANIZATION 2u

static unsigned int owners_of(clerk_slice_t scope)
{
    static const struct {
        const char *scope;
        unsigned int owners;
    } rows[] = {
        { "o", ORGANIZATION },
        { "u", USER },
        { "uo", USER | ORGANIZATION },
        { "ou", USER | ORGANIZATION },
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (clerk_slice_is(scope, rows[i].scope)) {
            return rows[i].owners;
        }
    }
    return 0;
}

/* Cut `scope:name` in two. False: there is no colon. */
static int cut(clerk_slice_t text, clerk_slice_t *scope, clerk_slice_t *name)
{
    const char *colon = text.len ? memchr(text.ptr, ':', text.len) : NULL;

    if (!colon) {
        return 0;
    }
    *scope = clerk_slice_make(text.ptr, (apr_size_t)(colon - text.ptr));
    *name = clerk_slice_make(colon + 1, text.len - scope->len - 1);
    return 1;
}

int clerk_feature_is_listed(const char *list, const char *wanted)
{
    unsigned int all_owners = 0;
    clerk_slice_t name = clerk_slice_str(wanted);
    clerk_slice_t scope;
    apr_size_t len;
    int is_there = 0;

    if (cut(name, &scope, &name)) {
        all_owners = owners_of(scope);
        if (!all_owners) {
            return 0;
        }
    }
    for (;; list += len + 1) {
        unsigned int owners;
        clerk_slice_t its_name;

        len = strcspn(list, ",");
        if (!cut(clerk_slice_trim(clerk_slice_make(list, len)), &scope,
                 &its_name)) {
            return 0;
        }
        owners = owners_of(scope);
        is_there |= owners && (owners & all_owners) == all_owners && name.len
                    && name.len == its_name.len
                    && memcmp(name.ptr, its_name.ptr, name.len) == 0;
        if (!list[len]) {
            return is_there;
        }
    }
}
