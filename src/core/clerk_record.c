/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_record.h"

#include <apr_strings.h>

/*
 * The format:
 *
 *   1       version
 *   1       status, as its place in `statuses`
 *   number  verified_at, milliseconds since 1970
 * and, with CLERK_OK only,
 *   1       kind
 *   1       facts
 *   number  expires, not_before, issued_at: 0 for none, else 2n + 1 for n
 *           seconds after the second of verified_at, 2n for n before it
 *   number  number of claims, each of
 *        1     name, as its place in `names`, or 0; the two highest bits are
 *              the form of the value, see form_t
 *        text  name, if it has no place
 *              value, in its form
 *
 * A number has seven bits in each byte, the lowest first; the eighth says that
 * more follow. A text is as it is, with its NUL. There is one way only to
 * write a record, so what has been read can be compared byte by byte.
 */
#define VERSION 2
#define MOMENT_MAX (APR_INT64_C(1) << 48)  /* milliseconds */
#define SECONDS_MAX (APR_INT64_C(1) << 40) /* beyond the year 36000 */
#define NUMBER_BITS 63                     /* in 9 bytes */
#define DIGITS_MAX 18                      /* so that they have room in these */
#define HEAD_MAX (4 + 5 * 9)               /* bytes before the first claim */
#define PLACE_BITS 6
#define NUMBER_END APR_INT64_C(1000000000000000000) /* has DIGITS_MAX + 1 */

/* How a value is written. Of those that fit, the last. */
typedef enum form_t {
    PLAIN,    /* a text */
    NUMBER,   /* a number, if in decimal it is the same text again */
    OWN_TIME, /* not at all: issued_at, expires or not_before say it, under
               * the name that each has as a claim */
} form_t;

#define FACTS_KNOWN \
    (CLERK_FACT_AUDIENCE | CLERK_FACT_AUDIENCE_MALFORMED \
     | CLERK_FACT_CONFIRMATION | CLERK_FACT_PROFILE_FAILED \
     | CLERK_FACT_TRUNCATED | CLERK_FACT_SIGNED | CLERK_FACT_GRANTS_CUT \
     | CLERK_FACT_JWT)

_Static_assert(FACTS_KNOWN <= 0xff, "facts are written as one byte");

/*
 * What may be remembered: nothing but what Clerk, or the token itself, said.
 * Both tables may only grow at their end, and `names` to 64; whatever else
 * changes in them needs another version.
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

/* The most frequent ones first: it is searched for each claim. */
/* clang-format off */
enum { PLACE_IAT = 4, PLACE_EXP = 5, PLACE_NBF = 6 };
static const char *const names[] = {
    NULL,
    "sub", "client_id", "scope",
    [PLACE_IAT] = "iat", [PLACE_EXP] = "exp", [PLACE_NBF] = "nbf",
    "jti", "created_at", "updated_at", "aud", "iss", "azp", "sid", "org_id",
    "fva", "sts", "v",
    "email", "email_verified", "name", "given_name", "family_name",
    "username", "preferred_username", "picture",
    "org_slug", "org_name", "org_role", "org_permissions",
    "act.sub", "act.iss", "act.sid", "act.type",
    "o.id", "o.slg", "o.rol", "o.per", "o.fpm", "fea", "pla",
    "user_id", "token_type", "type",
};
/* clang-format on */

#define STATUS_COUNT ((int)(sizeof(statuses) / sizeof(statuses[0])))
#define NAME_COUNT ((int)(sizeof(names) / sizeof(names[0])))

_Static_assert(NAME_COUNT <= 1 << PLACE_BITS, "a name's place has its bits");
_Static_assert(sizeof(apr_off_t) == sizeof(apr_int64_t),
               "apr_off_t_toa makes a text of any number");

/* The place of a name, 0 if it has none. */
static int place_of(const char *name)
{
    int i;

    for (i = 1; i < NAME_COUNT; i++) {
        if (names[i][0] == name[0] && strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return 0;
}

/* What the identity itself says of the claim at this place; -1: nothing. */
static apr_int64_t own_time(const clerk_identity_t *identity, int place)
{
    switch (place) {
    case PLACE_IAT:
        return identity->issued_at;
    case PLACE_EXP:
        return identity->expires;
    case PLACE_NBF:
        return identity->not_before;
    default:
        return -1;
    }
}

static form_t form_of(const clerk_identity_t *identity, int place,
                      apr_int64_t number)
{
    if (number < 0) {
        return PLAIN;
    }
    return number == own_time(identity, place) ? OWN_TIME : NUMBER;
}

/* The number whose text in decimal this is; -1: none. 18 digits are less than
 * 2^60. */
static apr_int64_t number_of(const char *text)
{
    apr_int64_t number = 0;
    int i;

    for (i = 0; text[i] >= '0' && text[i] <= '9' && i < DIGITS_MAX; i++) {
        number = number * 10 + (text[i] - '0');
    }
    return i == 0 || text[i] || (text[0] == '0' && i > 1) ? -1 : number;
}

/* ------------------------------------------------------------------ */
/* Writing                                                            */

/* Once something did not fit, nothing more is written. */
typedef struct pen_t {
    char *at;
    apr_size_t left;
    int failed;
} pen_t;

static void put(pen_t *pen, const char *bytes, apr_size_t len)
{
    if (pen->failed || len > pen->left) {
        pen->failed = 1;
        return;
    }
    memcpy(pen->at, bytes, len);
    pen->at += len;
    pen->left -= len;
}

static void put_byte(pen_t *pen, int byte)
{
    char c = (char)byte;

    put(pen, &c, 1);
}

static void put_text(pen_t *pen, const char *text)
{
    put(pen, text, strlen(text) + 1);
}

static void put_number(pen_t *pen, apr_int64_t number)
{
    if (number < 0) {
        pen->failed = 1;
        return;
    }
    for (; number > 0x7f; number >>= 7) {
        put_byte(pen, (int)(number & 0x7f) | 0x80);
    }
    put_byte(pen, (int)number);
}

static void put_claim(pen_t *pen, const clerk_identity_t *identity,
                      const clerk_claim_t *claim)
{
    int place = place_of(claim->name);
    apr_int64_t number = number_of(claim->value);
    form_t form = form_of(identity, place, number);

    put_byte(pen, (int)form << PLACE_BITS | place);
    if (!place) {
        put_text(pen, claim->name);
    }
    if (form == PLAIN) {
        put_text(pen, claim->value);
    }
    else if (form == NUMBER) {
        put_number(pen, number);
    }
}

static int is_one_kind(int kind)
{
    return kind == CLERK_KIND_OAUTH || kind == CLERK_KIND_SESSION
           || kind == CLERK_KIND_M2M || kind == CLERK_KIND_API_KEY;
}

/* `verified_at` in seconds. */
static void put_time(pen_t *pen, apr_int64_t verified_at, apr_int64_t seconds)
{
    apr_int64_t since = seconds - verified_at;

    if (seconds < 0 || seconds >= SECONDS_MAX) {
        pen->failed = 1;
    }
    else {
        put_number(pen, seconds == 0 ? 0
                        : since < 0  ? -2 * since
                                     : 2 * since + 1);
    }
}

static void put_identity(pen_t *pen, const clerk_identity_t *identity,
                         apr_int64_t verified_at)
{
    const apr_array_header_t *claims = identity->claims;
    int i;

    if (!is_one_kind((int)identity->kind)
        || (identity->facts & ~(unsigned int)FACTS_KNOWN)
        || claims->nelts > CLERK_CLAIMS_MAX) {
        pen->failed = 1;
        return;
    }
    put_byte(pen, (int)identity->kind);
    put_byte(pen, (int)identity->facts);
    put_time(pen, verified_at, identity->expires);
    put_time(pen, verified_at, identity->not_before);
    put_time(pen, verified_at, identity->issued_at);
    put_number(pen, claims->nelts);
    for (i = 0; i < claims->nelts; i++) {
        put_claim(pen, identity, &APR_ARRAY_IDX(claims, i, clerk_claim_t));
    }
}

static void put_status(pen_t *pen, clerk_status_t status)
{
    int i;

    for (i = 0; i < STATUS_COUNT; i++) {
        if (statuses[i] == status) {
            put_byte(pen, i);
            return;
        }
    }
    pen->failed = 1;
}

/* At most so many bytes: a number is no longer than its text. */
static apr_size_t size_of(const clerk_identity_t *identity)
{
    apr_size_t size = HEAD_MAX;
    int i;

    for (i = 0; identity && i < identity->claims->nelts; i++) {
        const clerk_claim_t *claim =
            &APR_ARRAY_IDX(identity->claims, i, clerk_claim_t);

        size += 3 + strlen(claim->name) + strlen(claim->value);
    }
    return size < CLERK_RECORD_MAX ? size : CLERK_RECORD_MAX;
}

clerk_status_t clerk_record_write(apr_pool_t *p, const clerk_record_t *record,
                                  clerk_slice_t *out)
{
    apr_size_t size = size_of(record->identity);
    char *buffer = apr_palloc(p, size);
    pen_t pen = { buffer, size, 0 };
    apr_int64_t moment = apr_time_as_msec(record->verified_at);

    *out = clerk_slice_make(NULL, 0);
    if ((record->status == CLERK_OK) != (record->identity != NULL)
        || moment >= MOMENT_MAX) {
        return CLERK_INTERNAL;
    }
    put_byte(&pen, VERSION);
    put_status(&pen, record->status);
    put_number(&pen, moment);
    if (record->identity) {
        put_identity(&pen, record->identity, moment / 1000);
    }
    if (pen.failed) {
        return CLERK_INTERNAL;
    }
    *out = clerk_slice_make(buffer, size - pen.left);
    return CLERK_OK;
}

/* ------------------------------------------------------------------ */
/* Reading                                                            */

/* Once something was wrong, what else is read means nothing. */
typedef struct eye_t {
    const char *at;
    apr_size_t left;
    int failed;
} eye_t;

static int take_byte(eye_t *eye)
{
    if (eye->left == 0) {
        eye->failed = 1;
        return 0;
    }
    eye->left--;
    return (unsigned char)*eye->at++;
}

static const char *take_text(eye_t *eye)
{
    const char *text = eye->at;
    const char *end = memchr(text, '\0', eye->left);

    if (!end) {
        eye->failed = 1;
        return "";
    }
    eye->at = end + 1;
    eye->left -= (apr_size_t)(eye->at - text);
    return text;
}

static apr_int64_t take_number(eye_t *eye)
{
    int byte = take_byte(eye);
    apr_int64_t number = byte & 0x7f;
    int bits;

    for (bits = 7; byte & 0x80 && bits < NUMBER_BITS; bits += 7) {
        byte = take_byte(eye);
        number |= (apr_int64_t)(byte & 0x7f) << bits;
    }
    /* A last byte of no bits would have been left out. */
    if (byte & 0x80 || (byte == 0 && bits > 7)) {
        eye->failed = 1;
    }
    return number;
}

static apr_int64_t take_time(eye_t *eye, apr_int64_t verified_at)
{
    apr_int64_t number = take_number(eye);
    apr_int64_t since = number % 2 ? number / 2 : -(number / 2);
    apr_int64_t seconds = verified_at + since;

    if (number == 0) {
        return 0;
    }
    if (seconds <= 0 || seconds >= SECONDS_MAX) {
        eye->failed = 1;
    }
    return seconds;
}

static const char *take_name(eye_t *eye, int place)
{
    const char *name;

    if (place) {
        return names[place];
    }
    name = take_text(eye);
    /* It would have been written as its place. */
    eye->failed |= place_of(name) != 0;
    return name;
}

/* The value, and the number that it is; -1: none. */
static const char *take_value(eye_t *eye, const clerk_identity_t *identity,
                              int place, form_t form, apr_int64_t *number)
{
    const char *text;

    if (form == PLAIN) {
        text = take_text(eye);
        *number = number_of(text);
        return text;
    }
    *number = form == NUMBER ? take_number(eye) : own_time(identity, place);
    eye->failed |= *number >= NUMBER_END;
    return apr_off_t_toa(identity->claims->pool, *number);
}

static void take_claim(eye_t *eye, clerk_identity_t *identity)
{
    clerk_claim_t *claim = apr_array_push(identity->claims);
    int byte = take_byte(eye);
    int place = byte & ((1 << PLACE_BITS) - 1);
    form_t form = (form_t)(byte >> PLACE_BITS);
    apr_int64_t number;

    if (place >= NAME_COUNT) {
        eye->failed = 1;
        return;
    }
    claim->name = take_name(eye, place);
    claim->value = take_value(eye, identity, place, form, &number);
    /* It would have been written in another. */
    eye->failed |= form != form_of(identity, place, number);
}

static clerk_identity_t *take_identity(eye_t *eye, apr_pool_t *p,
                                       apr_int64_t verified_at)
{
    clerk_identity_t *identity = apr_palloc(p, sizeof(*identity));
    int kind = take_byte(eye);
    unsigned int facts = (unsigned int)take_byte(eye);
    apr_int64_t count;

    identity->kind = (clerk_kind_t)kind;
    identity->facts = facts;
    identity->expires = take_time(eye, verified_at);
    identity->not_before = take_time(eye, verified_at);
    identity->issued_at = take_time(eye, verified_at);
    identity->room = 0;
    count = take_number(eye);
    if (eye->failed || !is_one_kind(kind)
        || (facts & ~(unsigned int)FACTS_KNOWN) || count > CLERK_CLAIMS_MAX) {
        eye->failed = 1;
        return NULL;
    }
    identity->claims = apr_array_make(p, (int)count, sizeof(clerk_claim_t));
    while (count-- && !eye->failed) {
        take_claim(eye, identity);
    }
    return identity;
}

static void take_record(eye_t *eye, apr_pool_t *p, clerk_record_t *record)
{
    int version = take_byte(eye);
    int status = take_byte(eye);
    apr_int64_t moment = take_number(eye);

    if (eye->failed || version != VERSION || status >= STATUS_COUNT
        || moment >= MOMENT_MAX) {
        eye->failed = 1;
        return;
    }
    record->status = statuses[status];
    record->verified_at = apr_time_from_msec(moment);
    record->identity = record->status == CLERK_OK
                           ? take_identity(eye, p, moment / 1000)
                           : NULL;
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
