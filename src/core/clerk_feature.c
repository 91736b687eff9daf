/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_feature.h"

#define USER CLERK_FEATURE_OF_USER
#define ORGANIZATION CLERK_FEATURE_OF_ORGANIZATION

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

int clerk_feature_read(clerk_slice_t element, unsigned int *owners,
                       clerk_slice_t *name)
{
    const char *colon =
        element.len ? memchr(element.ptr, ':', element.len) : NULL;
    apr_size_t len;

    if (!colon) {
        return 0;
    }
    len = (apr_size_t)(colon - element.ptr);
    *owners = owners_of(clerk_slice_make(element.ptr, len));
    *name = clerk_slice_make(colon + 1, element.len - len - 1);
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
    unsigned int all_owners = 0;
    clerk_slice_t name = clerk_slice_str(wanted);
    apr_size_t len;

    if (clerk_feature_read(name, &all_owners, &name) && !all_owners) {
        return CLERK_FEATURE_ABSENT;
    }
    if (!*list) {
        return CLERK_FEATURE_ABSENT;
    }
    for (;; list += len + 1) {
        clerk_slice_t its_name;
        unsigned int owners;

        len = strcspn(list, ",");
        if (!clerk_feature_read(clerk_slice_trim(clerk_slice_make(list, len)),
                                &owners, &its_name)) {
            return CLERK_FEATURE_UNCLEAR;
        }
        if (found != CLERK_FEATURE_LISTED && is_same(its_name, name)) {
            if (!owners) {
                found = CLERK_FEATURE_UNCLEAR;
            }
            else if ((owners & all_owners) == all_owners) {
                found = CLERK_FEATURE_LISTED;
            }
        }
        if (!list[len]) {
            return found;
        }
    }
}
