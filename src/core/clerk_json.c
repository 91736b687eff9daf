/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_json.h"

#include <limits.h>

#include <apr_strings.h>

#include <json-c/json.h>

#include "clerk_json_text.h"

#define TIME_MAX APR_INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define MS_FROM APR_INT64_C(100000000000)  /* less is seconds */
#define FEW 16 /* members, which are compared faster than a name is hashed */

static apr_status_t free_document(void *document)
{
    json_object_put(document);
    return APR_SUCCESS;
}

/*
 * Parsing may succeed and end before the text does: not even STRICT sees
 * what stands behind a NUL.
 */
static json_object *parse_all(json_tokener *tokener, clerk_slice_t text)
{
    json_object *value =
        json_tokener_parse_ex(tokener, text.ptr, (int)text.len);
    apr_size_t end = json_tokener_get_parse_end(tokener);

    if (json_tokener_get_error(tokener) == json_tokener_success
        && json_object_is_type(value, json_type_object)
        && clerk_json_text_is_blank(
            clerk_slice_make(text.ptr + end, text.len - end))) {
        return value;
    }
    json_object_put(value);
    return NULL;
}

/*
 * What the parser lets through and RFC 8259 does not, or what would not
 * survive as a C string, is refused before the parser sees it.
 */
clerk_json_t *clerk_json_parse(apr_pool_t *p, clerk_slice_t text)
{
    json_tokener *tokener;
    json_object *document;
    int is_ascii;

    if (text.len == 0 || text.len > INT_MAX
        || !clerk_json_text_is_plain(text, &is_ascii)) {
        return NULL;
    }
    tokener = json_tokener_new_ex(CLERK_JSON_DEPTH);
    if (!tokener) {
        return NULL;
    }
    /* What is not UTF-8 has been refused above. The library looks again, with a
     * call for each byte, which ASCII is spared. */
    json_tokener_set_flags(
        tokener, is_ascii ? JSON_TOKENER_STRICT
                          : JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    document = parse_all(tokener, text);
    json_tokener_free(tokener);
    if (document) {
        apr_pool_cleanup_register(p, document, free_document,
                                  apr_pool_cleanup_null);
    }
    return (clerk_json_t *)document;
}

static const struct lh_entry *find(const clerk_json_t *object, const char *name)
{
    lh_table *members = json_object_get_object((const json_object *)object);
    const struct lh_entry *entry;

    if (lh_table_length(members) > FEW) {
        return lh_table_lookup_entry(members, name);
    }
    for (entry = lh_table_head(members); entry; entry = lh_entry_next(entry)) {
        const char *key = lh_entry_k(entry);

        /* Most names differ in their first byte already. */
        if (*key == *name && strcmp(key, name) == 0) {
            return entry;
        }
    }
    return NULL;
}

/* A member, or NULL where it is absent or null. */
static json_object *member(const clerk_json_t *object, const char *name)
{
    const struct lh_entry *entry = find(object, name);

    return entry ? lh_entry_v(entry) : NULL;
}

int clerk_json_has(const clerk_json_t *object, const char *name)
{
    return find(object, name) != NULL;
}

/* What a read finds of a member that must be of one type. */
static clerk_json_found_t typed(const json_object *value, json_type type)
{
    if (!value) {
        return CLERK_JSON_ABSENT;
    }
    return json_object_is_type(value, type) ? CLERK_JSON_FOUND
                                            : CLERK_JSON_WRONG;
}

/* A string by its length, which a NUL inside would cut short. */
static clerk_json_found_t read_string(json_object *value, const char **out)
{
    clerk_json_found_t found = typed(value, json_type_string);
    const char *text;

    *out = NULL;
    if (found != CLERK_JSON_FOUND) {
        return found;
    }
    text = json_object_get_string(value);
    if (strlen(text) != (apr_size_t)json_object_get_string_len(value)) {
        return CLERK_JSON_WRONG;
    }
    *out = text;
    return CLERK_JSON_FOUND;
}

clerk_json_found_t clerk_json_string(const clerk_json_t *object,
                                     const char *name, const char **out)
{
    return read_string(member(object, name), out);
}

clerk_json_found_t clerk_json_boolean(const clerk_json_t *object,
                                      const char *name, int *out)
{
    json_object *value = member(object, name);
    clerk_json_found_t found = typed(value, json_type_boolean);

    *out = found == CLERK_JSON_FOUND && json_object_get_boolean(value);
    return found;
}

clerk_json_found_t clerk_json_integer(const clerk_json_t *object,
                                      const char *name, apr_int64_t *out)
{
    json_object *value = member(object, name);
    clerk_json_found_t found = typed(value, json_type_int);

    if (json_object_is_type(value, json_type_double)
        && json_object_get_double(value)
               == (double)json_object_get_int64(value)) {
        /* `2.0` is 2. */
        found = CLERK_JSON_FOUND;
    }
    *out = found == CLERK_JSON_FOUND ? json_object_get_int64(value) : 0;
    return found;
}

clerk_json_found_t clerk_json_object(const clerk_json_t *object,
                                     const char *name, const clerk_json_t **out)
{
    json_object *value = member(object, name);
    clerk_json_found_t found = typed(value, json_type_object);

    *out = found == CLERK_JSON_FOUND ? (clerk_json_t *)value : NULL;
    return found;
}

/*
 * A number as whole seconds or milliseconds within `most`, or -1. An integer
 * that does not fit is clamped by the library, and so out of range here.
 */
static apr_int64_t number_within(const json_object *value, apr_int64_t most)
{
    if (json_object_is_type(value, json_type_int)) {
        apr_int64_t number = json_object_get_int64(value);

        return number >= 0 && number <= most ? number : -1;
    }
    if (json_object_is_type(value, json_type_double)) {
        double number = json_object_get_double(value);

        return number >= 0 && number <= (double)most ? (apr_int64_t)number : -1;
    }
    return -1;
}

clerk_json_found_t clerk_json_time(const clerk_json_t *object, const char *name,
                                   int maybe_ms, apr_int64_t *out)
{
    const json_object *value = member(object, name);
    apr_int64_t number;

    *out = 0;
    if (!value) {
        return CLERK_JSON_ABSENT;
    }
    number = number_within(value, maybe_ms ? TIME_MAX * 1000 : TIME_MAX);
    if (number < 0) {
        return CLERK_JSON_WRONG;
    }
    *out = maybe_ms && number >= MS_FROM ? number / 1000 : number;
    return CLERK_JSON_FOUND;
}

static clerk_json_found_t visit_array(const json_object *array,
                                      clerk_json_visit_fn *visit, void *baton)
{
    apr_size_t count = json_object_array_length(array);
    apr_size_t i;

    for (i = 0; i < count; i++) {
        const char *text;

        if (read_string(json_object_array_get_idx(array, i), &text)
            != CLERK_JSON_FOUND) {
            return CLERK_JSON_WRONG;
        }
        visit(baton, text);
    }
    return CLERK_JSON_FOUND;
}

clerk_json_found_t clerk_json_strings(const clerk_json_t *object,
                                      const char *name,
                                      clerk_json_visit_fn *visit, void *baton)
{
    json_object *value = member(object, name);
    clerk_json_found_t found;
    const char *text;

    if (json_object_is_type(value, json_type_array)) {
        return visit_array(value, visit, baton);
    }
    found = read_string(value, &text);
    if (found == CLERK_JSON_FOUND) {
        visit(baton, text);
    }
    return found;
}

clerk_json_found_t clerk_json_objects(const clerk_json_t *object,
                                      const char *name,
                                      clerk_json_object_fn *visit, void *baton)
{
    const json_object *array = member(object, name);
    clerk_json_found_t found = typed(array, json_type_array);
    apr_size_t count;
    apr_size_t i;

    if (found != CLERK_JSON_FOUND) {
        return found;
    }
    count = json_object_array_length(array);
    for (i = 0; i < count; i++) {
        if (!json_object_is_type(json_object_array_get_idx(array, i),
                                 json_type_object)) {
            return CLERK_JSON_WRONG;
        }
    }
    for (i = 0; i < count; i++) {
        visit(baton, (clerk_json_t *)json_object_array_get_idx(array, i));
    }
    return CLERK_JSON_FOUND;
}

/* The walk over the leaves, and the path to where it stands. */
typedef struct walk_t {
    clerk_json_leaf_fn *visit;
    void *baton;
    apr_pool_t *scratch;
    char *path;
    apr_size_t len;
    apr_size_t room;
    int depth;
} walk_t;

/*
 * One buffer for all paths, cut back after each member: a path of its own for
 * each leaf would let a small text with long names fill the memory.
 */
static void extend_path(walk_t *walk, const char *name)
{
    apr_size_t add = strlen(name);
    apr_size_t need = walk->len + add + 2;

    if (need > walk->room) {
        char *path = apr_palloc(walk->scratch, 2 * need);

        if (walk->len) {
            memcpy(path, walk->path, walk->len);
        }
        walk->path = path;
        walk->room = 2 * need;
    }
    /* By depth and not by length: `{"":{"sub":…}}` holds no `sub`. */
    if (walk->depth > 1) {
        walk->path[walk->len++] = '.';
    }
    memcpy(walk->path + walk->len, name, add + 1);
    walk->len += add;
}

/*
 * An integer beyond 64 bits is clamped by the library: as text it would be
 * another number than the one that was written.
 */
static int is_clamped(const json_object *integer)
{
    return json_object_get_uint64(integer) == UINT64_MAX
           || json_object_get_int64(integer) == INT64_MIN;
}

/* What the library says, which takes ten times as long: it prints. */
static const char *text_of_integer(apr_pool_t *p, json_object *value)
{
    apr_int64_t number = json_object_get_int64(value);

    /* All that are larger read as the largest here, too. */
    return number < INT64_MAX ? apr_off_t_toa(p, number)
                              : json_object_get_string(value);
}

/* NULL for what is not visited. */
static const char *text_of(const walk_t *walk, json_object *value)
{
    const char *text;

    switch (json_object_get_type(value)) {
    case json_type_string:
        (void)read_string(value, &text);
        return text;
    case json_type_boolean:
        return json_object_get_boolean(value) ? "true" : "false";
    case json_type_int:
        return is_clamped(value) ? NULL : text_of_integer(walk->scratch, value);
    case json_type_double:
        return json_object_get_string(value);
    default:
        return NULL;
    }
}

static void visit_members(walk_t *walk, const json_object *object);

static void visit_value(walk_t *walk, json_object *value)
{
    const char *text;

    if (json_object_is_type(value, json_type_object)) {
        visit_members(walk, value);
        return;
    }
    text = text_of(walk, value);
    if (text) {
        walk->visit(walk->baton, walk->path, text);
    }
}

static void visit_elements(walk_t *walk, const json_object *array)
{
    apr_size_t count = json_object_array_length(array);
    apr_size_t i;

    for (i = 0; i < count; i++) {
        json_object *value = json_object_array_get_idx(array, i);

        if (!json_object_is_type(value, json_type_array)) {
            visit_value(walk, value);
        }
    }
}

static void visit_members(walk_t *walk, const json_object *object)
{
    const struct lh_entry *entry;

    walk->depth++;
    for (entry = lh_table_head(json_object_get_object(object)); entry;
         entry = lh_entry_next(entry)) {
        json_object *value = lh_entry_v(entry);
        apr_size_t len = walk->len;

        extend_path(walk, lh_entry_k(entry));
        if (json_object_is_type(value, json_type_array)) {
            visit_elements(walk, value);
        }
        else {
            visit_value(walk, value);
        }
        walk->len = len;
    }
    walk->depth--;
}

void clerk_json_leaves(const clerk_json_t *object, apr_pool_t *scratch,
                       clerk_json_leaf_fn *visit, void *baton)
{
    walk_t walk = { visit, baton, scratch, NULL, 0, 0, 0 };

    visit_members(&walk, (const json_object *)object);
}

const clerk_json_t *clerk_json_first(const clerk_json_t *object,
                                     const char *array_name)
{
    json_object *array = member(object, array_name);
    json_object *first;

    if (!json_object_is_type(array, json_type_array)
        || json_object_array_length(array) == 0) {
        return NULL;
    }
    first = json_object_array_get_idx(array, 0);
    return json_object_is_type(first, json_type_object) ? (clerk_json_t *)first
                                                        : NULL;
}
