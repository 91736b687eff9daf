/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_jwks.h"

#include <apr_strings.h>

#include "clerk_b64.h"
#include "clerk_json.h"
#include "clerk_jwt.h"

#define KID_MAX 256 /* bytes */

/* A document while it is read. */
typedef struct reading_t {
    apr_pool_t *p;
    clerk_jwks_t *set;
    int seen;
} reading_t;

static const clerk_jwk_t *find(const clerk_jwks_t *set, const char *kid)
{
    int i;

    for (i = 0; i < set->keys->nelts; i++) {
        const clerk_jwk_t *key = &APR_ARRAY_IDX(set->keys, i, clerk_jwk_t);

        if (strcmp(key->kid, kid) == 0) {
            return key;
        }
    }
    return NULL;
}

/* Is a member absent, or this string? */
static int may_be(const clerk_json_t *jwk, const char *name, const char *wanted)
{
    const char *text;

    switch (clerk_json_string(jwk, name, &text)) {
    case CLERK_JSON_ABSENT:
        return 1;
    case CLERK_JSON_FOUND:
        return strcmp(text, wanted) == 0;
    case CLERK_JSON_WRONG:
        break;
    }
    return 0;
}

static void note_verify(void *found, const char *operation)
{
    if (strcmp(operation, "verify") == 0) {
        *(int *)found = 1;
    }
}

/* RFC 7517 section 4.3 */
static int may_verify(const clerk_json_t *jwk)
{
    int found = 0;

    switch (clerk_json_strings(jwk, "key_ops", note_verify, &found)) {
    case CLERK_JSON_ABSENT:
        return 1;
    case CLERK_JSON_FOUND:
        return found;
    case CLERK_JSON_WRONG:
        break;
    }
    return 0;
}

/* RFC 7518 sections 6.3.2 and 6.4: a set that anybody may fetch holds none. */
static int has_secret_part(const clerk_json_t *jwk)
{
    static const char *const names[] = { "d",  "p",  "q",   "dp",
                                         "dq", "qi", "oth", "k" };
    const char *unused;
    apr_size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (clerk_json_string(jwk, names[i], &unused) != CLERK_JSON_ABSENT) {
            return 1;
        }
    }
    return 0;
}

static int read_algorithm(const clerk_json_t *jwk, clerk_jwk_t *key)
{
    const char *name;

    switch (clerk_json_string(jwk, "alg", &name)) {
    case CLERK_JSON_ABSENT:
        return 1;
    case CLERK_JSON_FOUND:
        key->has_alg = clerk_jwt_alg_by_name(name, &key->alg);
        return key->has_alg;
    case CLERK_JSON_WRONG:
        break;
    }
    return 0;
}

/* RFC 7518 section 6.3.1 */
static int read_numbers(apr_pool_t *p, const clerk_json_t *jwk,
                        clerk_jwk_t *key)
{
    const char *n_text;
    const char *e_text;
    clerk_slice_t n;
    clerk_slice_t e;

    return clerk_json_string(jwk, "n", &n_text) == CLERK_JSON_FOUND
           && clerk_json_string(jwk, "e", &e_text) == CLERK_JSON_FOUND
           && clerk_b64_decode_url(p, clerk_slice_str(n_text), &n) == CLERK_OK
           && clerk_b64_decode_url(p, clerk_slice_str(e_text), &e) == CLERK_OK
           && clerk_crypto_rsa_from_numbers(p, n, e, &key->rsa) == CLERK_OK;
}

/* NULL when the member is a key, else why it is none. */
static const char *read_key(const reading_t *reading, const clerk_json_t *jwk,
                            clerk_jwk_t *key)
{
    const char *kty;

    if (!key->kid || !*key->kid || strlen(key->kid) > KID_MAX) {
        return "kid is missing, or not of 1 to 256 bytes";
    }
    if (clerk_json_string(jwk, "kty", &kty) != CLERK_JSON_FOUND
        || strcmp(kty, "RSA") != 0) {
        return "kty is not RSA";
    }
    if (has_secret_part(jwk)) {
        return "it has private or symmetric members";
    }
    if (!may_be(jwk, "use", "sig")) {
        return "use is not sig";
    }
    if (!may_verify(jwk)) {
        return "key_ops does not contain verify";
    }
    if (!read_algorithm(jwk, key)) {
        return "alg is none of RS256, RS384 and RS512";
    }
    if (find(reading->set, key->kid)) {
        return "a key of this kid came before";
    }
    if (!read_numbers(reading->p, jwk, key)) {
        return "n and e are no RSA key of 2048 to 8192 bits";
    }
    return NULL;
}

static int is_printable(const char *kid)
{
    apr_size_t len = 0;

    for (; kid[len]; len++) {
        if (kid[len] <= ' ' || kid[len] > '~') {
            return 0;
        }
    }
    return len > 0 && len <= KID_MAX;
}

static void skip(const reading_t *reading, const char *kid, const char *why)
{
    APR_ARRAY_PUSH(reading->set->skipped, const char *) =
        kid && is_printable(kid) ? apr_pstrcat(reading->p, kid, ": ", why, NULL)
                                 : why;
}

static void read_member(void *baton, const clerk_json_t *jwk)
{
    reading_t *reading = baton;
    clerk_jwk_t key = { NULL, 0, CLERK_RS256, NULL };
    const char *why;

    if (++reading->seen > CLERK_JWKS_KEYS_MAX) {
        if (reading->seen == CLERK_JWKS_KEYS_MAX + 1) {
            skip(reading, NULL, "members past the 64th are not looked at");
        }
        return;
    }
    (void)clerk_json_string(jwk, "kid", &key.kid);
    why = read_key(reading, jwk, &key);
    if (why) {
        skip(reading, key.kid, why);
        return;
    }
    key.kid = apr_pstrdup(reading->p, key.kid);
    APR_ARRAY_PUSH(reading->set->keys, clerk_jwk_t) = key;
}

static clerk_jwks_t *make_set(apr_pool_t *p)
{
    clerk_jwks_t *set = apr_palloc(p, sizeof(*set));

    set->keys = apr_array_make(p, 2, sizeof(clerk_jwk_t));
    set->skipped = apr_array_make(p, 2, sizeof(const char *));
    return set;
}

/* The document goes with the scratch pool, the keys stay. */
static clerk_status_t read_document(apr_pool_t *p, apr_pool_t *scratch,
                                    clerk_slice_t text, clerk_jwks_t **set)
{
    reading_t reading = { p, NULL, 0 };
    const clerk_json_t *document = clerk_json_parse(scratch, text);

    if (!document) {
        return CLERK_ANSWER_MALFORMED;
    }
    reading.set = make_set(p);
    if (clerk_json_objects(document, "keys", read_member, &reading)
        != CLERK_JSON_FOUND) {
        return CLERK_ANSWER_MALFORMED;
    }
    *set = reading.set;
    return CLERK_OK;
}

clerk_status_t clerk_jwks_read(apr_pool_t *p, clerk_slice_t text,
                               clerk_jwks_t **set)
{
    apr_pool_t *scratch;
    clerk_status_t status;

    *set = NULL;
    if (text.len > CLERK_JWKS_MAX) {
        return CLERK_ANSWER_MALFORMED;
    }
    if (apr_pool_create(&scratch, p) != APR_SUCCESS) {
        return CLERK_INTERNAL;
    }
    status = read_document(p, scratch, text, set);
    apr_pool_destroy(scratch);
    return status;
}

clerk_status_t clerk_jwks_find(const clerk_jwks_t *set, const char *kid,
                               clerk_rsa_alg_t alg, const clerk_rsa_t **key)
{
    const clerk_jwk_t *found = find(set, kid);

    *key = NULL;
    if (!found) {
        return CLERK_KEY_UNKNOWN;
    }
    if (found->has_alg && found->alg != alg) {
        return CLERK_ALGORITHM_REFUSED;
    }
    *key = found->rsa;
    return CLERK_OK;
}
