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

/* `scope:name` in two. False: there is no colon. */
static int split(clerk_slice_t text, clerk_slice_t *scope, clerk_slice_t *name)
{
    const char *colon = text.len ? memchr(text.ptr, ':', text.len) : NULL;

    if (!colon) {
        return 0;
    }
    *scope = clerk_slice_make(text.ptr, (apr_size_t)(colon - text.ptr));
    *name = clerk_slice_make(colon + 1, text.len - scope->len - 1);
    return 1;
}

static int is_same(clerk_slice_t name, clerk_slice_t other)
{
    return name.len && name.len == other.len
           && memcmp(name.ptr, other.ptr, name.len) == 0;
}

clerk_feature_found_t clerk_feature_find(const char *list, const char *wanted)
{
    clerk_feature_found_t found = CLERK_FEATURE_ABSENT;
    unsigned int owners = 0;
    clerk_slice_t name = clerk_slice_str(wanted);
    clerk_slice_t scope;
    apr_size_t len;

    if (split(name, &scope, &name) && !(owners = owners_of(scope))) {
        return CLERK_FEATURE_ABSENT;
    }
    if (!*list) {
        return CLERK_FEATURE_ABSENT;
    }
    for (;; list += len + 1) {
        clerk_slice_t its_name;

        len = strcspn(list, ",");
        if (!split(clerk_slice_trim(clerk_slice_make(list, len)), &scope,
                   &its_name)) {
            return CLERK_FEATURE_UNCLEAR;
        }
        if (found != CLERK_FEATURE_LISTED && is_same(its_name, name)) {
            unsigned int its_owners = owners_of(scope);

            if (!its_owners) {
                found = CLERK_FEATURE_UNCLEAR;
            }
            else if ((its_owners & owners) == owners) {
                found = CLERK_FEATURE_LISTED;
            }
        }
        if (!list[len]) {
            return found;
        }
    }
}
