/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_jwt.h"

#include "clerk_b64.h"

/* Clerk's tag for a class of token (wire contract, section 2.2). */
#define CAT_SESSION "cl_B7d4PD111AAA"
#define CAT_TEMPLATE "cl_B7d4PD222AAA"
#define CAT_M2M "cl_B7d4PD333AAA"
#define CAT_IGNORE "cl_I7d4PD111III"

/* What tells the classes apart; NULL where it is absent. */
typedef struct marks_t {
    const char *typ;
    const char *cat;
    const char *sub;
    const clerk_json_t *payload;
} marks_t;

int clerk_jwt_alg_by_name(const char *name, clerk_rsa_alg_t *alg)
{
    static const char *const names[] = {
        [CLERK_RS256] = "RS256",
        [CLERK_RS384] = "RS384",
        [CLERK_RS512] = "RS512",
    };
    apr_size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *alg = (clerk_rsa_alg_t)i;
            return 1;
        }
    }
    return 0;
}

/* The text up to the next dot, which is taken off `rest` with it. */
static int take_part(clerk_slice_t *rest, clerk_slice_t *part)
{
    const char *dot = rest->len ? memchr(rest->ptr, '.', rest->len) : NULL;

    if (!dot) {
        return 0;
    }
    *part = clerk_slice_make(rest->ptr, (apr_size_t)(dot - rest->ptr));
    rest->ptr += part->len + 1;
    rest->len -= part->len + 1;
    return 1;
}

/* One part that is an object (RFC 7515 section 5.2, steps 2 to 4). */
static const clerk_json_t *read_object(apr_pool_t *p, clerk_slice_t part)
{
    clerk_slice_t text;

    if (clerk_b64_decode_url(p, part, &text) != CLERK_OK) {
        return NULL;
    }
    return clerk_json_parse(p, text);
}

/*
 * A member that is a string or not there at all. One that is null is there:
 * whoever writes `"typ":null` did not mean a token without a type.
 */
static int read_text(const clerk_json_t *object, const char *name,
                     const char **out)
{
    switch (clerk_json_string(object, name, out)) {
    case CLERK_JSON_FOUND:
        return 1;
    case CLERK_JSON_ABSENT:
        return !clerk_json_has(object, name);
    case CLERK_JSON_WRONG:
        break;
    }
    return 0;
}

static clerk_status_t read_algorithm(const clerk_json_t *header,
                                     clerk_rsa_alg_t *alg)
{
    const char *name;

    if (!read_text(header, "alg", &name)) {
        return CLERK_JWT_MALFORMED;
    }
    /* RFC 7797: with `b64` the payload may not be what it looks like. It has
     * to be named in `crit`, but a token that gets here forgot. */
    if (!name || !clerk_jwt_alg_by_name(name, alg)
        || clerk_json_has(header, "crit") || clerk_json_has(header, "b64")) {
        return CLERK_ALGORITHM_REFUSED;
    }
    return CLERK_OK;
}

static int starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int is(const char *text, const char *wanted)
{
    return text && strcmp(text, wanted) == 0;
}

static int is_oauth(const marks_t *marks)
{
    return (is(marks->typ, "at+jwt") || is(marks->typ, "application/at+jwt"))
           && !is(marks->cat, CAT_SESSION) && !is(marks->cat, CAT_TEMPLATE)
           && !is(marks->cat, CAT_M2M) && !starts(marks->sub, "mch_");
}

/* Is it a plain JWT, with this tag or one that says nothing? */
static int is_plain(const marks_t *marks, const char *cat)
{
    return (!marks->typ || is(marks->typ, "JWT"))
           && (!marks->cat || is(marks->cat, cat)
               || is(marks->cat, CAT_IGNORE));
}

static int is_m2m(const marks_t *marks)
{
    return is_plain(marks, CAT_M2M) && starts(marks->sub, "mch_");
}

/* Without `sid` it is a template token or an ID token. */
static int is_session(const marks_t *marks)
{
    const char *sid;

    return is_plain(marks, CAT_SESSION) && starts(marks->sub, "user_")
           && clerk_json_string(marks->payload, "sid", &sid) == CLERK_JSON_FOUND
           && *sid;
}

static clerk_kind_t classify(const marks_t *marks)
{
    if (!marks->sub || !*marks->sub) {
        return CLERK_KIND_NONE;
    }
    if (is_oauth(marks)) {
        return CLERK_KIND_OAUTH;
    }
    if (is_m2m(marks)) {
        return CLERK_KIND_M2M;
    }
    return is_session(marks) ? CLERK_KIND_SESSION : CLERK_KIND_NONE;
}

/* Header and payload, in this order, since most of what is refused is so for
 * its header. */
static clerk_status_t read_parts(apr_pool_t *p, clerk_slice_t header_part,
                                 clerk_slice_t payload_part, clerk_jwt_t *jwt)
{
    const clerk_json_t *header = read_object(p, header_part);
    clerk_status_t status;
    marks_t marks;

    if (!header) {
        return CLERK_JWT_MALFORMED;
    }
    status = read_algorithm(header, &jwt->alg);
    if (status != CLERK_OK) {
        return status;
    }
    jwt->payload = read_object(p, payload_part);
    if (!jwt->payload || !read_text(header, "kid", &jwt->kid)
        || !read_text(header, "typ", &marks.typ)
        || !read_text(header, "cat", &marks.cat)
        || !read_text(jwt->payload, "sub", &marks.sub)) {
        return CLERK_JWT_MALFORMED;
    }
    marks.payload = jwt->payload;
    jwt->kind = classify(&marks);
    return jwt->kind == CLERK_KIND_NONE ? CLERK_KIND_UNKNOWN : CLERK_OK;
}

static clerk_status_t read_token(apr_pool_t *p, clerk_slice_t token,
                                 clerk_jwt_t *jwt)
{
    clerk_slice_t rest = token;
    clerk_slice_t header;
    clerk_slice_t payload;

    /* A third dot stays in the signature, and is no base64url. */
    if (!take_part(&rest, &header) || !take_part(&rest, &payload)
        || rest.len == 0
        || clerk_b64_decode_url(p, rest, &jwt->signature) != CLERK_OK) {
        return CLERK_JWT_MALFORMED;
    }
    jwt->signed_text =
        clerk_slice_make(token.ptr, header.len + 1 + payload.len);
    return read_parts(p, header, payload, jwt);
}

clerk_status_t clerk_jwt_read(apr_pool_t *p, clerk_slice_t token,
                              clerk_jwt_t *jwt)
{
    clerk_status_t status;

    memset(jwt, 0, sizeof(*jwt));
    status = read_token(p, token, jwt);
    if (status != CLERK_OK) {
        memset(jwt, 0, sizeof(*jwt));
    }
    return status;
}
