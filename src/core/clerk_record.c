/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_record.h"

#include <apr_strings.h>

/*
 * The format, all numbers big-endian:
 *
 *   1  version
 *   1  status, as its place in `statuses`
 *   6  verified_at, milliseconds since 1970
 * and, with CLERK_OK only,
 *   1  kind
 *   1  facts
 *   5  expires, 5 not_before, 5 issued_at
 *   2  number of claims, each of
 *        1  name, as its place in `names`; 0: a text follows that is none of
 *           them
 *        2  length of the value, then the value and a NUL
 *
 * A text is written like a value. There is one way only to write a record, so
 * what has been read can be compared byte by byte.
 */
#define VERSION 1
#define STATUS_BYTES 1
#define MOMENT_BYTES 6
#define SECONDS_BYTES 5
#define COUNT_BYTES 2
#define LENGTH_BYTES 2

static const unsigned int facts_known =
    CLERK_FACT_AUDIENCE | CLERK_FACT_AUDIENCE_MALFORMED
    | CLERK_FACT_CONFIRMATION | CLERK_FACT_PROFILE_FAILED | CLERK_FACT_TRUNCATED
    | CLERK_FACT_SIGNED;

/*
 * What may be remembered: nothing but what Clerk, or the token itself, said.
 * Both tables may only grow at their end; whatever else changes in them needs
 * another version.
 */
static const clerk_status_t statuses[] = {
    CLERK_OK,
    CLERK_TOKEN_INACTIVE,
    CLERK_TOKEN_REVOKED,
    CLERK_TOKEN_EXPIRED,
    CLERK_TOKEN_NOT_YET_VALID,
    CLERK_AUDIENCE_MISMATCH,
    CLERK_AUDIENCE_MALFORMED,
    CLERK_SUBJECT_MISSING,
    CLERK_PROOF_REQUIRED,
    CLERK_KIND_NOT_ACCEPTED, /* an API key of neither user nor organization */
};

/* clang-format off */
static const char *const names[] = {
    NULL,
    "sub", "client_id", "scope", "aud", "org_id", "jti", "iss", "azp", "sid",
    "email", "email_verified", "name", "given_name", "family_name",
    "username", "preferred_username", "picture",
    "org_slug", "org_name", "org_role", "org_permissions",
    "act.sub", "act.iss", "act.sid", "act.type",
    "o.id", "o.slg", "o.rol", "o.per", "o.fpm", "fea", "pla", "fva", "sts",
    "v", "user_id", "token_type", "type",
    "exp", "nbf", "iat", "created_at", "updated_at",
};
/* clang-format on */

#define STATUS_COUNT (sizeof(statuses) / sizeof(statuses[0]))
#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

/* Writing: once something did not fit, nothing more is written. */
typedef struct pen_t {
    unsigned char *at;
    apr_size_t left;
    int failed;
} pen_t;

static unsigned char *reserve(pen_t *pen, apr_size_t len)
{
    unsigned char *at = pen->at;

    if (pen->failed || len > pen->left) {
        pen->failed = 1;
        return NULL;
    }
    pen->at += len;
    pen->left -= len;
    return at;
}

static void put_number(pen_t *pen, int bytes, apr_int64_t number)
{
    unsigned char *at = reserve(pen, (apr_size_t)bytes);

    if (number < 0 || number >> (8 * bytes)) {
        pen->failed = 1;
    }
    if (pen->failed) {
        return;
    }
    while (bytes--) {
        at[bytes] = (unsigned char)(number & 0xff);
        number >>= 8;
    }
}

static void put_text(pen_t *pen, const char *text)
{
    apr_size_t len = strlen(text);
    unsigned char *at;

    put_number(pen, LENGTH_BYTES, (apr_int64_t)len);
    at = reserve(pen, len + 1);
    if (at) {
        memcpy(at, text, len + 1);
    }
}

/* The place of a name, 0 if it has none. */
static int code_of_name(const char *name)
{
    apr_size_t i;

    for (i = 1; i < NAME_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            return (int)i;
        }
    }
    return 0;
}

static void put_claim(pen_t *pen, const clerk_claim_t *claim)
{
    int code = code_of_name(claim->name);

    put_number(pen, 1, code);
    if (!code) {
        put_text(pen, claim->name);
    }
    put_text(pen, claim->value);
}

static int is_one_kind(apr_int64_t kind)
{
    return kind == CLERK_KIND_OAUTH || kind == CLERK_KIND_SESSION
           || kind == CLERK_KIND_M2M || kind == CLERK_KIND_API_KEY;
}

static void put_identity(pen_t *pen, const clerk_identity_t *identity)
{
    const apr_array_header_t *claims = identity->claims;
    int i;

    if (!is_one_kind(identity->kind) || (identity->facts & ~facts_known)
        || claims->nelts > CLERK_CLAIMS_MAX) {
        pen->failed = 1;
        return;
    }
    put_number(pen, 1, identity->kind);
    put_number(pen, 1, identity->facts);
    put_number(pen, SECONDS_BYTES, identity->expires);
    put_number(pen, SECONDS_BYTES, identity->not_before);
    put_number(pen, SECONDS_BYTES, identity->issued_at);
    put_number(pen, COUNT_BYTES, claims->nelts);
    for (i = 0; i < claims->nelts; i++) {
        put_claim(pen, &APR_ARRAY_IDX(claims, i, clerk_claim_t));
    }
}

static void put_status(pen_t *pen, clerk_status_t status)
{
    apr_size_t i;

    for (i = 0; i < STATUS_COUNT; i++) {
        if (statuses[i] == status) {
            put_number(pen, STATUS_BYTES, (apr_int64_t)i);
            return;
        }
    }
    pen->failed = 1;
}

/* At most so many bytes, each name being written out. */
static apr_size_t size_of(const clerk_identity_t *identity)
{
    const apr_size_t text = LENGTH_BYTES + 1;
    apr_size_t size =
        2 + STATUS_BYTES + MOMENT_BYTES + 3 * SECONDS_BYTES + COUNT_BYTES + 1;
    int i;

    for (i = 0; identity && i < identity->claims->nelts; i++) {
        const clerk_claim_t *claim =
            &APR_ARRAY_IDX(identity->claims, i, clerk_claim_t);

        size += 1 + text + strlen(claim->name) + text + strlen(claim->value);
    }
    return size < CLERK_RECORD_MAX ? size : CLERK_RECORD_MAX;
}

clerk_status_t clerk_record_write(apr_pool_t *p, const clerk_record_t *record,
                                  clerk_slice_t *out)
{
    apr_size_t size = size_of(record->identity);
    unsigned char *buffer = apr_palloc(p, size);
    pen_t pen = { buffer, size, 0 };

    *out = clerk_slice_make(NULL, 0);
    put_number(&pen, 1, VERSION);
    put_status(&pen, record->status);
    put_number(&pen, MOMENT_BYTES, apr_time_as_msec(record->verified_at));
    if ((record->status == CLERK_OK) != (record->identity != NULL)) {
        return CLERK_INTERNAL;
    }
    if (record->identity) {
        put_identity(&pen, record->identity);
    }
    if (pen.failed) {
        return CLERK_INTERNAL;
    }
    *out = clerk_slice_make((const char *)buffer, size - pen.left);
    return CLERK_OK;
}

/* Reading: once something was wrong, everything reads as 0 or "". */
typedef struct eye_t {
    const char *at;
    apr_size_t left;
    int failed;
} eye_t;

static const char *take(eye_t *eye, apr_size_t len)
{
    const char *at = eye->at;

    if (eye->failed || len > eye->left) {
        eye->failed = 1;
        return NULL;
    }
    eye->at += len;
    eye->left -= len;
    return at;
}

static apr_int64_t take_number(eye_t *eye, int bytes)
{
    const char *at = take(eye, (apr_size_t)bytes);
    apr_int64_t number = 0;
    int i;

    for (i = 0; at && i < bytes; i++) {
        number = number << 8 | (unsigned char)at[i];
    }
    return number;
}

static const char *take_text(eye_t *eye)
{
    apr_size_t len = (apr_size_t)take_number(eye, LENGTH_BYTES);
    const char *text = take(eye, len + 1);

    if (!text || memchr(text, '\0', len + 1) != text + len) {
        eye->failed = 1;
        return "";
    }
    return text;
}

static void take_claim(eye_t *eye, apr_array_header_t *claims)
{
    clerk_claim_t *claim = apr_array_push(claims);
    apr_size_t code = (apr_size_t)take_number(eye, 1);

    claim->name = "";
    if (code >= NAME_COUNT) {
        eye->failed = 1;
    }
    else if (code) {
        claim->name = names[code];
    }
    else {
        claim->name = take_text(eye);
        /* It would have been written as its code. */
        eye->failed |= code_of_name(claim->name) != 0;
    }
    claim->value = take_text(eye);
}

static clerk_identity_t *take_identity(eye_t *eye, apr_pool_t *p)
{
    clerk_identity_t *identity = apr_palloc(p, sizeof(*identity));
    apr_int64_t kind = take_number(eye, 1);
    int count;

    identity->kind = (clerk_kind_t)kind;
    identity->facts = (unsigned int)take_number(eye, 1);
    identity->expires = take_number(eye, SECONDS_BYTES);
    identity->not_before = take_number(eye, SECONDS_BYTES);
    identity->issued_at = take_number(eye, SECONDS_BYTES);
    count = (int)take_number(eye, COUNT_BYTES);
    if (eye->failed || !is_one_kind(kind) || (identity->facts & ~facts_known)
        || count > CLERK_CLAIMS_MAX) {
        eye->failed = 1;
        return NULL;
    }
    identity->claims = apr_array_make(p, count, sizeof(clerk_claim_t));
    while (count-- && !eye->failed) {
        take_claim(eye, identity->claims);
    }
    return identity;
}

static void take_record(eye_t *eye, apr_pool_t *p, clerk_record_t *record)
{
    apr_int64_t version = take_number(eye, 1);
    apr_size_t status = (apr_size_t)take_number(eye, STATUS_BYTES);
    apr_int64_t moment = take_number(eye, MOMENT_BYTES);

    if (eye->failed || version != VERSION || status >= STATUS_COUNT) {
        eye->failed = 1;
        return;
    }
    record->status = statuses[status];
    record->verified_at = apr_time_from_msec(moment);
    record->identity =
        record->status == CLERK_OK ? take_identity(eye, p) : NULL;
}

clerk_status_t clerk_record_read(apr_pool_t *p, clerk_slice_t bytes,
                                 clerk_record_t *record)
{
    eye_t eye = { bytes.ptr, bytes.len, 0 };

    if (bytes.len <= CLERK_RECORD_MAX) {
        take_record(&eye, p, record);
        if (!eye.failed && eye.left == 0) {
            return CLERK_OK;
        }
    }
    memset(record, 0, sizeof(*record));
    return CLERK_INTERNAL;
}
