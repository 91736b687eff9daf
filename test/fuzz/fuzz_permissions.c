/* SPDX-License-Identifier: Apache-2.0 */
/* `o.per`, `o.fpm` and `fea`, a line each; the last may have more lines. */
#include "fuzz.h"

#include <apr_strings.h>

#include "clerk_permissions.h"

/* The text up to the next line break; the rest stays, NULL if there is none. */
static const char *next_line(char **rest)
{
    char *line = *rest;

    if (line) {
        char *end = strchr(line, '\n');

        *rest = end ? end + 1 : NULL;
        if (end) {
            *end = '\0';
        }
    }
    return line;
}

static void check_granted(const char *granted)
{
    int count = 0;

    FUZZ_MUST(strlen(granted) < CLERK_PERMISSIONS_MAX_BYTES);
    FUZZ_MUST(!clerk_slice_has_control(granted));
    for (;;) {
        size_t len = strcspn(granted, " ");

        FUZZ_MUST(++count <= CLERK_PERMISSIONS_MAX);
        FUZZ_MUST(len >= strlen("org:f:p"));
        FUZZ_MUST(strncmp(granted, "org:", 4) == 0);
        FUZZ_MUST(memchr(granted + 5, ':', len - 5) != NULL);
        if (!granted[len]) {
            return;
        }
        granted += len + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    apr_pool_t *p = fuzz_pool();
    char *rest = fuzz_string(p, data, len);
    const char *per = next_line(&rest);
    const char *fpm = next_line(&rest);
    int is_cut;
    const char *granted = clerk_permissions_decode(p, per, fpm, rest, &is_cut);

    if (granted) {
        const char *again;

        check_granted(granted);
        /* A zero before the first mask is nothing to a number, unless there
         * was none. */
        again = clerk_permissions_decode(p, per, apr_pstrcat(p, "0", fpm, NULL),
                                         rest, &is_cut);
        FUZZ_MUST(!(*fpm >= '0' && *fpm <= '9') || strcmp(again, granted) == 0);
        FUZZ_MUST(!clerk_permissions_decode(p, NULL, fpm, rest, &is_cut));
        FUZZ_MUST(!clerk_permissions_decode(p, per, NULL, rest, &is_cut));
        FUZZ_MUST(!clerk_permissions_decode(p, per, fpm, NULL, &is_cut));
    }
    apr_pool_destroy(p);
    return 0;
}
