/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "clerk_json.h"

/* In a block of the text's own size: the parser gets no NUL to stop at. */
static clerk_json_t *parse(apr_pool_t *p, const char *text)
{
    return clerk_json_parse(p, unit_text(p, text));
}

static const clerk_json_t *must_parse(apr_pool_t *p, const char *text)
{
    const clerk_json_t *object = parse(p, text);

    UNIT_CHECK(text, object != NULL);
    return object;
}

/* Each type under a name of its own, and what each read says of it. */
static const char all_types[] =
    "{\"string\":\"x\",\"empty\":\"\",\"true\":true,\"false\":false,"
    "\"int\":7,\"zero\":0,\"double\":7.5,\"null\":null,"
    "\"object\":{\"a\":1},\"array\":[\"x\",\"y\"],\"nothing\":[],"
    "\"mixed\":[\"x\",1],\"nulls\":[null],\"quoted\":\"true\"}";

typedef struct types_row_t {
    const char *name;
    clerk_json_found_t string;
    clerk_json_found_t boolean;
    clerk_json_found_t object;
    clerk_json_found_t time;
    clerk_json_found_t strings;
} types_row_t;

#define A CLERK_JSON_ABSENT
#define F CLERK_JSON_FOUND
#define W CLERK_JSON_WRONG

static const types_row_t types[] = {
    { "string", F, W, W, W, F },  { "empty", F, W, W, W, F },
    { "true", W, F, W, W, W },    { "false", W, F, W, W, W },
    { "int", W, W, W, F, W },     { "zero", W, W, W, F, W },
    { "double", W, W, W, F, W },  { "null", A, A, A, A, A },
    { "object", W, W, F, W, W },  { "array", W, W, W, W, F },
    { "nothing", W, W, W, W, F }, { "mixed", W, W, W, W, W },
    { "nulls", W, W, W, W, W },   { "quoted", F, W, W, W, F },
    { "missing", A, A, A, A, A }, { "", A, A, A, A, A },
    { "String", A, A, A, A, A },  { "strin", A, A, A, A, A },
};

static void collect(void *baton, const char *value)
{
    apr_array_header_t *list = baton;

    APR_ARRAY_PUSH(list, const char *) = value;
}

static void reads_by_type_only(void **state)
{
    const clerk_json_t *object = must_parse(*state, all_types);
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(types); i++) {
        const types_row_t *row = &types[i];
        const char *text = "left over";
        const clerk_json_t *inner = object;
        int flag = 7;
        apr_int64_t seconds = 7777;

        UNIT_CHECK(row->name,
                   clerk_json_string(object, row->name, &text) == row->string);
        UNIT_CHECK(row->name, (text != NULL) == (row->string == F));
        UNIT_CHECK(row->name, clerk_json_boolean(object, row->name, &flag)
                                  == row->boolean);
        UNIT_CHECK(row->name, flag == (strcmp(row->name, "true") == 0));
        UNIT_CHECK(row->name,
                   clerk_json_object(object, row->name, &inner) == row->object);
        UNIT_CHECK(row->name, (inner != NULL) == (row->object == F));
        UNIT_CHECK(row->name, clerk_json_time(object, row->name, 0, &seconds)
                                  == row->time);
        UNIT_CHECK(row->name, row->time == F || seconds == 0);
    }
}

static void reads_strings_of_either_shape(void **state)
{
    const clerk_json_t *object = must_parse(*state, all_types);
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(types); i++) {
        apr_array_header_t *list =
            apr_array_make(*state, 2, sizeof(const char *));

        UNIT_CHECK(types[i].name,
                   clerk_json_strings(object, types[i].name, collect, list)
                       == types[i].strings);
        if (strcmp(types[i].name, "array") == 0) {
            assert_int_equal(list->nelts, 2);
            assert_string_equal(APR_ARRAY_IDX(list, 0, const char *), "x");
            assert_string_equal(APR_ARRAY_IDX(list, 1, const char *), "y");
        }
        if (types[i].strings == F && types[i].string == F) {
            assert_int_equal(list->nelts, 1);
        }
    }
}

#undef A
#undef F
#undef W

static void has_counts_null(void **state)
{
    const clerk_json_t *object = must_parse(*state, all_types);

    assert_true(clerk_json_has(object, "null"));
    assert_true(clerk_json_has(object, "object"));
    assert_false(clerk_json_has(object, "missing"));
    assert_false(clerk_json_has(object, "a"));
}

/* The same where members are compared and where they are hashed. */
static void finds_members_of_few_and_of_many(void **state)
{
    int count;
    int i;

    for (count = 0; count < 40; count++) {
        const char *text = "{\"null\":null";
        const clerk_json_t *object;

        for (i = 0; i < count; i++) {
            text = apr_psprintf(*state, "%s,\"n%d\":\"v%d\"", text, i, i);
        }
        object = must_parse(*state, apr_pstrcat(*state, text, "}", NULL));
        for (i = 0; i < count; i++) {
            const char *name = apr_psprintf(*state, "n%d", i);
            const char *value;

            UNIT_CHECK(name, clerk_json_has(object, name));
            UNIT_CHECK(name, clerk_json_string(object, name, &value)
                                 == CLERK_JSON_FOUND);
            UNIT_SAME(name, value, apr_psprintf(*state, "v%d", i));
        }
        assert_true(clerk_json_has(object, "null"));
        assert_false(
            clerk_json_has(object, apr_psprintf(*state, "n%d", count)));
        assert_false(clerk_json_has(object, "n"));
        assert_false(clerk_json_has(object, "n00"));
        assert_false(clerk_json_has(object, ""));
    }
}

/* -1: wrong; the second figure is with milliseconds allowed. */
static void times_stay_within_their_range(void **state)
{
    static const struct {
        const char *number;
        apr_int64_t seconds;
        apr_int64_t either;
    } rows[] = {
        { "0", 0, 0 },
        { "-0", 0, 0 },
        { "1", 1, 1 },
        { "1785000000", 1785000000, 1785000000 },
        { "1785000000.9", 1785000000, 1785000000 },
        { "1.785e9", 1785000000, 1785000000 },
        { "1785000000000", -1, 1785000000 },
        { "1785000000999", -1, 1785000000 },
        { "1.785e12", -1, 1785000000 },
        { "99999999999", 99999999999, 99999999999 },
        { "100000000000", 100000000000, 100000000 },
        { "253402300799", 253402300799, 253402300 },
        { "253402300800", -1, 253402300 },
        { "253402300799.0", 253402300799, 253402300 },
        { "253402300800.0", -1, 253402300 },
        { "253402300799000.0", -1, 253402300799 },
        { "253402300799000", -1, 253402300799 },
        { "253402300799001", -1, -1 },
        { "-1", -1, -1 },
        { "-0.5", -1, -1 },
        { "-1e300", -1, -1 },
        { "1e300", -1, -1 },
        { "1e400", -1, -1 },
        { "1e-400", 0, 0 },
        { "9223372036854775806", -1, -1 },
        { "9223372036854775807", -1, -1 },
        { "9223372036854775808", -1, -1 },
        { "18446744073709551615", -1, -1 },
        { "18446744073709551616", -1, -1 },
        { "99999999999999999999999999", -1, -1 },
        { "-9223372036854775809", -1, -1 },
        { "-99999999999999999999999999", -1, -1 },
        { "\"1785000000\"", -1, -1 },
        { "true", -1, -1 },
        { "[]", -1, -1 },
        { "[1785000000]", -1, -1 },
        { "{}", -1, -1 },
    };
    apr_size_t i;
    int maybe_ms;

    for (i = 0; i < 2 * UNIT_COUNT(rows); i++) {
        const char *number = rows[i / 2].number;
        const clerk_json_t *object = must_parse(
            *state, apr_pstrcat(*state, "{\"exp\":", number, "}", NULL));
        apr_int64_t got = 77;
        apr_int64_t wanted;

        maybe_ms = i % 2;
        wanted = maybe_ms ? rows[i / 2].either : rows[i / 2].seconds;
        UNIT_CHECK(number,
                   clerk_json_time(object, "exp", maybe_ms, &got)
                       == (wanted < 0 ? CLERK_JSON_WRONG : CLERK_JSON_FOUND));
        UNIT_CHECK(number, got == (wanted < 0 ? 0 : wanted));
    }
}

typedef struct leaves_t {
    apr_pool_t *p;
    const char *text;
} leaves_t;

static void note_leaf(void *baton, const char *path, const char *value)
{
    leaves_t *leaves = baton;

    leaves->text =
        apr_pstrcat(leaves->p, leaves->text, path, "=", value, ";", NULL);
}

static void leaves_are_named_by_their_path(void **state)
{
    static const struct {
        const char *text;
        const char *leaves;
    } rows[] = {
        { "{}", "" },
        { "{\"a\":\"x\"}", "a=x;" },
        { "{\"a\":\"\"}", "a=;" },
        { "{\"a\":true,\"b\":false,\"c\":null}", "a=true;b=false;" },
        { "{\"a\":7,\"b\":-7,\"c\":1.50,\"d\":1e5}", "a=7;b=-7;c=1.50;d=1e5;" },
        { "{\"o\":{\"id\":\"org_1\",\"rol\":\"admin\"},\"v\":2}",
          "o.id=org_1;o.rol=admin;v=2;" },
        { "{\"a\":{\"b\":{\"c\":1},\"d\":2},\"e\":3}", "a.b.c=1;a.d=2;e=3;" },
        { "{\"a\":[\"x\",7,null,true]}", "a=x;a=7;a=true;" },
        { "{\"a\":[{\"b\":1},{\"b\":2}]}", "a.b=1;a.b=2;" },
        { "{\"a\":[[1],2]}", "a=2;" },
        { "{\"a\":{},\"b\":[],\"c\":[{}]}", "" },
        /* A name of no letters hides nothing: this is no `sub`. */
        { "{\"\":{\"sub\":\"x\"}}", ".sub=x;" },
        { "{\"\":{\"\":{\"sub\":\"x\"}}}", "..sub=x;" },
        { "{\"\":\"x\"}", "=x;" },
        /* Clamped numbers would be other numbers. */
        { "{\"a\":9223372036854775807,\"b\":18446744073709551614}",
          "a=9223372036854775807;b=18446744073709551614;" },
        { "{\"a\":18446744073709551616,\"b\":-9223372036854775809}", "" },
        { "{\"a\":99999999999999999999999}", "" },
        { "{\"a\":0,\"b\":-0,\"c\":-1,\"d\":10,\"e\":-10}",
          "a=0;b=0;c=-1;d=10;e=-10;" },
        { "{\"a\":9007199254740993,\"b\":-9007199254740993}",
          "a=9007199254740993;b=-9007199254740993;" },
        { "{\"a\":9223372036854775806,\"b\":9223372036854775808}",
          "a=9223372036854775806;b=9223372036854775808;" },
        { "{\"a\":-9223372036854775807}", "a=-9223372036854775807;" },
        /* It cannot be told from one that is clamped. */
        { "{\"a\":-9223372036854775808,\"b\":18446744073709551615}", "" },
        { "{\"a\":-0.0,\"b\":2.0,\"c\":1E+5}", "a=-0.0;b=2.0;c=1E+5;" },
        { "{\"%n\":\"%s%n\"}", "%n=%s%n;" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        leaves_t leaves = { *state, "" };

        clerk_json_leaves(must_parse(*state, rows[i].text), *state, note_leaf,
                          &leaves);
        UNIT_SAME(rows[i].text, leaves.text, rows[i].leaves);
    }
}

static void long_paths_are_whole(void **state)
{
    char *name = unit_repeat(*state, 'n', 5000);
    const char *text = apr_pstrcat(*state, "{\"a\":{\"", name, "\":{\"", name,
                                   "\":1}},\"b\":2}", NULL);
    const char *wanted =
        apr_pstrcat(*state, "a.", name, ".", name, "=1;b=2;", NULL);
    leaves_t leaves = { *state, "" };

    clerk_json_leaves(must_parse(*state, text), *state, note_leaf, &leaves);
    assert_string_equal(leaves.text, wanted);
}

static void first_is_an_object_of_an_array(void **state)
{
    static const struct {
        const char *text;
        const char *code;
    } rows[] = {
        { "{\"errors\":[{\"code\":\"x\"},{\"code\":\"y\"}]}", "x" },
        { "{\"errors\":[]}", NULL },
        { "{\"errors\":[null]}", NULL },
        { "{\"errors\":[\"code\"]}", NULL },
        { "{\"errors\":[7]}", NULL },
        { "{\"errors\":[[{\"code\":\"x\"}]]}", NULL },
        { "{\"errors\":{\"code\":\"x\"}}", NULL },
        { "{\"errors\":\"x\"}", NULL },
        { "{\"errors\":null}", NULL },
        { "{}", NULL },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const clerk_json_t *first =
            clerk_json_first(must_parse(*state, rows[i].text), "errors");
        const char *code = NULL;

        UNIT_CHECK(rows[i].text, (first != NULL) == (rows[i].code != NULL));
        if (first) {
            UNIT_CHECK(rows[i].text, clerk_json_string(first, "code", &code)
                                         == CLERK_JSON_FOUND);
            UNIT_SAME(rows[i].text, code, rows[i].code);
        }
    }
}

typedef struct names_t {
    apr_pool_t *p;
    const char *text;
} names_t;

static void note_name(void *baton, const clerk_json_t *object)
{
    names_t *names = baton;
    const char *name;

    assert_int_equal(clerk_json_string(object, "n", &name), CLERK_JSON_FOUND);
    names->text = apr_pstrcat(names->p, names->text, name, ";", NULL);
}

static void objects_of_an_array(void **state)
{
    static const struct {
        const char *text;
        clerk_json_found_t found;
        const char *names;
    } rows[] = {
        { "{\"a\":[{\"n\":\"x\"},{\"n\":\"y\"}]}", CLERK_JSON_FOUND, "x;y;" },
        { "{\"a\":[]}", CLERK_JSON_FOUND, "" },
        { "{}", CLERK_JSON_ABSENT, "" },
        { "{\"a\":null}", CLERK_JSON_ABSENT, "" },
        { "{\"a\":{\"n\":\"x\"}}", CLERK_JSON_WRONG, "" },
        { "{\"a\":\"x\"}", CLERK_JSON_WRONG, "" },
        { "{\"a\":1}", CLERK_JSON_WRONG, "" },
        { "{\"a\":[{\"n\":\"x\"},1]}", CLERK_JSON_WRONG, "" },
        { "{\"a\":[{\"n\":\"x\"},null]}", CLERK_JSON_WRONG, "" },
        { "{\"a\":[[{\"n\":\"x\"}]]}", CLERK_JSON_WRONG, "" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const clerk_json_t *object =
            clerk_json_parse(*state, unit_text(*state, rows[i].text));
        names_t names = { *state, "" };

        assert_non_null(object);
        UNIT_CHECK(rows[i].text,
                   clerk_json_objects(object, "a", note_name, &names)
                       == rows[i].found);
        UNIT_SAME(rows[i].text, names.text, rows[i].names);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(reads_by_type_only),
        UNIT_TEST(reads_strings_of_either_shape),
        UNIT_TEST(has_counts_null),
        UNIT_TEST(finds_members_of_few_and_of_many),
        UNIT_TEST(times_stay_within_their_range),
        UNIT_TEST(leaves_are_named_by_their_path),
        UNIT_TEST(long_paths_are_whole),
        UNIT_TEST(first_is_an_object_of_an_array),
        UNIT_TEST(objects_of_an_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
