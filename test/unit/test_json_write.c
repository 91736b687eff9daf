/* SPDX-License-Identifier: Apache-2.0 */
/* What is written, and that it reads the same. */
#include "unit.h"

#include "clerk_json.h"

static clerk_json_t *parse(apr_pool_t *p, const char *text)
{
    return clerk_json_parse(p, unit_text(p, text));
}

static void collect(void *baton, const char *value)
{
    apr_array_header_t *list = baton;

    APR_ARRAY_PUSH(list, const char *) = value;
}

static void writes_what_it_reads(void **state)
{
    clerk_json_pair_t pairs[] = {
        { "a", unit_text(*state, "x y"), NULL },
        { "q\"\\", unit_text(*state, "\"\\/"), NULL },
        { "control", unit_exact(*state, "\x00\x1f\n", 3), NULL },
        { "none", clerk_slice_str(NULL), NULL },
        { "\xc3\xa4", unit_text(*state, "\xe2\x82\xac"), NULL },
    };
    const char *text;

    assert_string_equal(clerk_json_write(*state, pairs, 0), "{}");
    text = clerk_json_write(*state, pairs, 5);
    assert_string_equal(text,
                        "{\"a\":\"x y\",\"q\\\"\\\\\":\"\\\"\\\\/\","
                        "\"control\":\"\\u0000\\u001f\\u000a\",\"none\":\"\","
                        "\"\xc3\xa4\":\"\xe2\x82\xac\"}");

    pairs[2].value = unit_text(*state, unit_repeat(*state, '\x01', 999));
    text = clerk_json_write(*state, pairs, 5);
    assert_non_null(parse(*state, text));
}

static const apr_array_header_t *list_of(apr_pool_t *p,
                                         const char *const *texts, int count)
{
    apr_array_header_t *list = apr_array_make(p, 1, sizeof(const char *));
    int i;

    for (i = 0; i < count; i++) {
        APR_ARRAY_PUSH(list, const char *) = unit_string(p, texts[i]);
    }
    return list;
}

static void writes_lists(void **state)
{
    const char *const texts[] = { "x", "", "\"\\/", "\n\xe2\x82\xac" };
    clerk_json_pair_t pairs[] = {
        { "none", unit_text(*state, "not this"), list_of(*state, texts, 0) },
        { "one", clerk_slice_str(NULL), list_of(*state, texts, 1) },
        { "string", unit_text(*state, "x"), NULL },
        { "q\"", clerk_slice_str(NULL), list_of(*state, texts, 4) },
    };

    assert_string_equal(clerk_json_write(*state, pairs, 1), "{\"none\":[]}");
    assert_string_equal(clerk_json_write(*state, pairs, 4),
                        "{\"none\":[],\"one\":[\"x\"],\"string\":\"x\","
                        "\"q\\\"\":[\"x\",\"\",\"\\\"\\\\/\","
                        "\"\\u000a\xe2\x82\xac\"]}");
}

/* Long ones of what takes the most room, beside ones that take none. */
static void writes_long_lists(void **state)
{
    const char *control = unit_repeat(*state, '\x01', 999);
    const char *texts[100];
    clerk_json_pair_t pairs[3] = { { "a", { NULL, 0 }, NULL },
                                   { "b", { NULL, 0 }, NULL },
                                   { "c", { NULL, 0 }, NULL } };
    apr_array_header_t *got = apr_array_make(*state, 1, sizeof(const char *));
    const clerk_json_t *object;
    int i;

    for (i = 0; i < 100; i++) {
        texts[i] = i % 2 ? control : "";
    }
    pairs[0].list = list_of(*state, texts, 100);
    pairs[2].list = list_of(*state, texts, 0);
    object = parse(*state, clerk_json_write(*state, pairs, 3));
    assert_non_null(object);
    assert_int_equal(clerk_json_strings(object, "a", collect, got),
                     CLERK_JSON_FOUND);
    assert_int_equal(got->nelts, 100);
    for (i = 0; i < 100; i++) {
        assert_string_equal(APR_ARRAY_IDX(got, i, const char *), texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(writes_what_it_reads),
        UNIT_TEST(writes_lists),
        UNIT_TEST(writes_long_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
