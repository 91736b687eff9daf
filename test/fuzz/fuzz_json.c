/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of somebody else's: every read keeps its promise. */
#include "fuzz.h"

#include "clerk_json.h"

#define YEAR_10000 APR_INT64_C(253402300800)
#define WRITTEN_AGAIN 16 /* leaves; more would only take time */

static void check_times(const clerk_json_t *object, const char *name)
{
    apr_int64_t seconds;
    apr_int64_t either;
    clerk_json_found_t found = clerk_json_time(object, name, 0, &seconds);

    FUZZ_MUST(found == CLERK_JSON_FOUND || seconds == 0);
    FUZZ_MUST(seconds >= 0 && seconds < YEAR_10000);
    found = clerk_json_time(object, name, 1, &either);
    FUZZ_MUST(found == CLERK_JSON_FOUND || either == 0);
    FUZZ_MUST(either >= 0 && either < YEAR_10000);
}

static void count_string(void *baton, const char *value)
{
    int *count = baton;

    FUZZ_MUST(value != NULL);
    ++*count;
}

/* Of string, boolean and object a member is one at most. */
static void check_member(const clerk_json_t *object, const char *name)
{
    const char *text = "left over";
    const clerk_json_t *inner = object;
    int flag = 7;
    int count = 0;
    int found = 0;

    found += clerk_json_string(object, name, &text) == CLERK_JSON_FOUND;
    FUZZ_MUST((text != NULL) == found);
    found += clerk_json_boolean(object, name, &flag) == CLERK_JSON_FOUND;
    FUZZ_MUST(flag == 0 || flag == 1);
    found += clerk_json_object(object, name, &inner) == CLERK_JSON_FOUND;
    FUZZ_MUST(found <= 1);
    FUZZ_MUST(!found || clerk_json_has(object, name));
    if (clerk_json_strings(object, name, count_string, &count)
        == CLERK_JSON_ABSENT) {
        FUZZ_MUST(count == 0 && found == 0);
    }
    (void)clerk_json_first(object, name);
    check_times(object, name);
}

typedef struct walk_t {
    apr_pool_t *p;
    int leaves;
} walk_t;

/* What was read is written so that it reads the same. */
static void check_leaf(void *baton, const char *path, const char *value)
{
    walk_t *walk = baton;
    clerk_json_pair_t pairs[2] = { { 0 } };
    const clerk_json_t *again;
    const char *text;

    if (walk->leaves++ >= WRITTEN_AGAIN) {
        return;
    }
    pairs[0].name = "value";
    pairs[0].value = clerk_slice_str(value);
    pairs[1].name = "path";
    pairs[1].value = clerk_slice_str(path);
    again = clerk_json_parse(
        walk->p, clerk_slice_str(clerk_json_write(walk->p, pairs, 2)));
    FUZZ_MUST(again != NULL);
    FUZZ_MUST(clerk_json_string(again, "value", &text) == CLERK_JSON_FOUND);
    FUZZ_MUST(strcmp(text, value) == 0);
    FUZZ_MUST(clerk_json_string(again, "path", &text) == CLERK_JSON_FOUND);
    FUZZ_MUST(strcmp(text, path) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const names[] = { "active", "sub",    "exp",
                                         "aud",    "scope",  "o",
                                         "a",      "errors", "" };
    apr_pool_t *p = fuzz_pool();
    const clerk_json_t *object = clerk_json_parse(p, fuzz_slice(data, len));
    walk_t walk = { p, 0 };
    size_t i;

    if (object) {
        for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            check_member(object, names[i]);
        }
        clerk_json_leaves(object, p, check_leaf, &walk);
    }
    apr_pool_destroy(p);
    return 0;
}
