/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_json.h: JSON that somebody else wrote, read with suspicion.
 *
 * Owns: the json-c library (no other file includes it), bounded parsing,
 * typed reads, and writing of small objects. Must never know: Clerk, HTTP.
 * Called by: clerk_api, clerk_claims, clerk_jwt, clerk_jwks, and whoever writes
 * an error body.
 *
 * All functions may be called by any thread; a document belongs to the thread
 * that parsed it.
 */
#ifndef CLERK_JSON_H
#define CLERK_JSON_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "clerk_slice.h"
#include "clerk_status.h"

/* An object of a parsed document; never another type, never NULL inside. */
typedef struct clerk_json_t clerk_json_t;

/* What a typed read found. JSON null counts as absent. */
typedef enum clerk_json_found_t {
    CLERK_JSON_ABSENT,
    CLERK_JSON_FOUND,
    CLERK_JSON_WRONG /* there, but of another type or range */
} clerk_json_found_t;

#define CLERK_JSON_DEPTH 16

/*
 * Parse text that must be exactly one JSON object (RFC 8259): UTF-8, nested
 * at most CLERK_JSON_DEPTH deep (a scalar is a level of its own), no `\u0000`
 * anywhere, nothing but white space behind it. NULL when it is anything else.
 * The document is freed with `p`. Of duplicate names the last one wins.
 */
clerk_json_t *clerk_json_parse(apr_pool_t *p, clerk_slice_t text);

/* Is a member of this name there, be it null? */
int clerk_json_has(const clerk_json_t *object, const char *name);

/*
 * Typed reads of a member. `out` is set only with CLERK_JSON_FOUND and
 * cleared otherwise. Strings stay valid as long as the document.
 */
clerk_json_found_t clerk_json_string(const clerk_json_t *object,
                                     const char *name, const char **out);
clerk_json_found_t clerk_json_boolean(const clerk_json_t *object,
                                      const char *name, int *out);
clerk_json_found_t clerk_json_object(const clerk_json_t *object,
                                     const char *name,
                                     const clerk_json_t **out);

/* A whole number; one too large is the largest. */
clerk_json_found_t clerk_json_integer(const clerk_json_t *object,
                                      const char *name, apr_int64_t *out);

/*
 * A moment as seconds since 1970: a number from 0 (1970) up to the year 9999
 * in seconds; anything else is CLERK_JSON_WRONG, so that no clamped or
 * wrapped number ever reads as `never expires`. With `maybe_ms`, a value of
 * 1e11 or more is milliseconds and is divided down.
 */
clerk_json_found_t clerk_json_time(const clerk_json_t *object, const char *name,
                                   int maybe_ms, apr_int64_t *out);

/*
 * A member that is one string, or an array of strings: `visit` is called for
 * each of them. An array with any other member is CLERK_JSON_WRONG (visit may
 * have been called before that was seen). An empty array is FOUND.
 */
typedef void clerk_json_visit_fn(void *baton, const char *value);
clerk_json_found_t clerk_json_strings(const clerk_json_t *object,
                                      const char *name,
                                      clerk_json_visit_fn *visit, void *baton);

/*
 * A member that is an array of objects: `visit` is called for each of them.
 * Anything else is CLERK_JSON_WRONG, and visit has not been called.
 */
typedef void clerk_json_object_fn(void *baton, const clerk_json_t *object);
clerk_json_found_t clerk_json_objects(const clerk_json_t *object,
                                      const char *name,
                                      clerk_json_object_fn *visit, void *baton);

/*
 * Visit every scalar below an object: members of nested objects are named
 * with dots (`o.rol`), members of arrays repeat the array's name. null and
 * empty containers are not visited. Booleans read `true` and `false`, numbers
 * as they would be printed. Arrays inside arrays are passed over, and so are
 * integers beyond 64 bits. `path` is valid during the call only, `value` as
 * long as the document and `scratch`.
 */
typedef void clerk_json_leaf_fn(void *baton, const char *path,
                                const char *value);
void clerk_json_leaves(const clerk_json_t *object, apr_pool_t *scratch,
                       clerk_json_leaf_fn *visit, void *baton);

/*
 * The first member of the array `array_name` when it is an object: what
 * Clerk's `errors` looks like. NULL when it is anything else.
 */
const clerk_json_t *clerk_json_first(const clerk_json_t *object,
                                     const char *array_name);

/*
 * Write a flat object of strings and arrays of strings, in the order given,
 * without white space. The text lies in `p`.
 */
typedef struct clerk_json_pair_t {
    const char *name;
    clerk_slice_t value;            /* valid UTF-8 */
    const apr_array_header_t *list; /* of const char *, valid UTF-8: an array
                                     * instead of the value; or NULL */
} clerk_json_pair_t;
const char *clerk_json_write(apr_pool_t *p, const clerk_json_pair_t *pairs,
                             int count);

#endif
