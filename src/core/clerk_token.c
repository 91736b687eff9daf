/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_token.h"

/* What a byte may be part of. A table, since every request is read by it. */
#define SCHEME 1    /* RFC 9110 section 5.6.2: token */
#define B64TOKEN 2  /* RFC 6750 section 2.1, without the `=` at its end */
#define BASE64URL 4 /* RFC 4648 section 5 */
#define ALNUM (SCHEME | B64TOKEN | BASE64URL)

/* clang-format off */
static const unsigned char classes[256] = {
    ['0' ... '9'] = ALNUM,
    ['A' ... 'Z'] = ALNUM,
    ['a' ... 'z'] = ALNUM,
    ['-'] = ALNUM, ['_'] = ALNUM,
    ['.'] = SCHEME | B64TOKEN, ['~'] = SCHEME | B64TOKEN,
    ['+'] = SCHEME | B64TOKEN, ['/'] = B64TOKEN,
    ['!'] = SCHEME, ['#'] = SCHEME, ['$'] = SCHEME, ['%'] = SCHEME,
    ['&'] = SCHEME, ['\''] = SCHEME, ['*'] = SCHEME, ['^'] = SCHEME,
    ['`'] = SCHEME, ['|'] = SCHEME,
};
/* clang-format on */

static int is_in(char c, int class)
{
    return classes[(unsigned char)c] & class;
}

static const struct {
    const char *prefix;
    clerk_kind_t kind;
} prefixes[] = {
    { "mt_", CLERK_KIND_M2M },
    { "oat_", CLERK_KIND_OAUTH },
    { "ak_", CLERK_KIND_API_KEY },
};

static const struct {
    const char *name;
    clerk_kind_t kind;
} names[] = {
    { "oauth_token", CLERK_KIND_OAUTH },
    { "session_token", CLERK_KIND_SESSION },
    { "m2m_token", CLERK_KIND_M2M },
    { "api_key", CLERK_KIND_API_KEY },
    { "any", CLERK_KIND_ANY },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* The end of a run of bytes of a class, which NUL is in none of. */
static const char *end_of(const char *text, int class)
{
    while (is_in(*text, class)) {
        text++;
    }
    return text;
}

static const char *end_of_all(const char *text, char c)
{
    while (*text == c) {
        text++;
    }
    return text;
}

/* A prefix with nothing behind it is no token. */
static clerk_kind_t kind_of(clerk_slice_t text)
{
    apr_size_t i;

    for (i = 0; i < COUNT(prefixes); i++) {
        /* The first byte tells most of them apart. */
        if (text.len && *text.ptr == *prefixes[i].prefix
            && clerk_slice_starts(text, prefixes[i].prefix)
            && text.len > strlen(prefixes[i].prefix)) {
            return prefixes[i].kind;
        }
    }
    return CLERK_KIND_NONE;
}

/* RFC 7515 section 3.1; an empty part is no JWT that is signed. */
static int looks_like_jwt(clerk_slice_t text)
{
    apr_size_t part = 0;
    int dots = 0;
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        if (text.ptr[i] == '.' && part) {
            part = 0;
            dots++;
        }
        else if (is_in(text.ptr[i], BASE64URL)) {
            part++;
        }
        else {
            return 0;
        }
    }
    return dots == 2 && part;
}

static const char *find(const char *from, const char *end, char c)
{
    return memchr(from, c, (apr_size_t)(end - from));
}

/* The same of a b64token, whose bytes have been looked at one by one. */
static int is_jwt_of_b64token(clerk_slice_t text)
{
    const char *end = text.ptr + text.len;
    const char *first = find(text.ptr, end, '.');
    const char *second = first ? find(first + 1, end, '.') : NULL;

    return second && first > text.ptr && second > first + 1 && end > second + 1
           && !find(second + 1, end, '.') && !find(text.ptr, end, '+')
           && !find(text.ptr, end, '/') && !find(text.ptr, end, '~')
           && !find(text.ptr, end, '=');
}

/* White space around a field's value is no part of it (RFC 9110 5.5). */
static const char *end_of_blanks(const char *text)
{
    while (*text == ' ' || *text == '\t') {
        text++;
    }
    return text;
}

/*
 * Behind the scheme, if that is Bearer, in any case; else NULL. It ends where
 * its grammar ends and not at the first space, so that `Bearer, Bearer x` is a
 * Bearer header and malformed.
 */
static const char *end_of_scheme(const char *text)
{
    static const char bearer[] = "bearer";
    const char *c;

    for (c = bearer; *c; c++, text++) {
        /* The bit in which the two cases of a letter differ. */
        if ((*text | 0x20) != *c) {
            return NULL;
        }
    }
    return is_in(*text, SCHEME) ? NULL : text;
}

/* RFC 6750 section 2.1: `b64token`, up to the end of the field. */
static clerk_slice_t b64token(const char *text)
{
    const char *unpadded = end_of(text, B64TOKEN);
    const char *end = end_of_all(unpadded, '=');

    if (unpadded == text || *end_of_blanks(end)) {
        return clerk_slice_make(text, 0);
    }
    return clerk_slice_make(text, (apr_size_t)(end - text));
}

clerk_status_t clerk_token_from_authorization(const char *header,
                                              clerk_token_t *token)
{
    const char *scheme;
    const char *start;
    clerk_slice_t text;

    memset(token, 0, sizeof(*token));
    scheme = header ? end_of_scheme(end_of_blanks(header)) : NULL;
    if (!scheme) {
        return CLERK_NO_TOKEN;
    }
    start = end_of_all(scheme, ' ');
    text = b64token(start);
    if (start == scheme || !text.len || text.len > CLERK_TOKEN_MAX) {
        return CLERK_MALFORMED_AUTHORIZATION;
    }
    token->text = text;
    token->kind = kind_of(text);
    token->is_jwt = token->kind == CLERK_KIND_NONE && is_jwt_of_b64token(text);
    return CLERK_OK;
}

/* The value, if the cookie is of this name, which is compared exactly. */
static int is_cookie(clerk_slice_t cookie, const char *name,
                     clerk_slice_t *value)
{
    apr_size_t len = strlen(name);

    if (cookie.len <= len || !clerk_slice_starts(cookie, name)
        || cookie.ptr[len] != '=') {
        return 0;
    }
    *value = clerk_slice_make(cookie.ptr + len + 1, cookie.len - len - 1);
    return 1;
}

/*
 * Two Cookie fields are one to us, joined with a comma by httpd. So a cookie
 * that is to be taken off may stand before or behind a comma, too. What others
 * have in their cookies, commas included, stays one.
 */
static apr_size_t end_of_cookie(clerk_slice_t text, const char *name)
{
    const char *end = text.ptr + text.len;
    const char *comma = text.ptr;
    clerk_slice_t unused;
    int is_named = is_cookie(text, name, &unused);

    while ((comma = memchr(comma, ',', (apr_size_t)(end - comma))) != NULL) {
        const char *next = comma + 1;

        while (next < end && (*next == ' ' || *next == '\t')) {
            next++;
        }
        if (is_named
            || is_cookie(clerk_slice_make(next, (apr_size_t)(end - next)), name,
                         &unused)) {
            return (apr_size_t)(comma - text.ptr);
        }
        comma = next;
    }
    return text.len;
}

/* One `name=value` after the other; an empty slice behind the last one. With a
 * name, those of this name are found behind commas, too. */
static clerk_slice_t next_cookie(const char **rest, const char *name)
{
    const char *start = *rest + strspn(*rest, name ? " \t;," : " \t;");
    apr_size_t len = strcspn(start, ";");

    if (name) {
        len = end_of_cookie(clerk_slice_make(start, len), name);
    }
    *rest = start + len;
    while (len && (start[len - 1] == ' ' || start[len - 1] == '\t')) {
        len--;
    }
    return clerk_slice_make(start, len);
}

clerk_status_t clerk_token_from_cookie(const char *header, const char *name,
                                       clerk_token_t *token)
{
    clerk_slice_t cookie;
    clerk_slice_t value;

    memset(token, 0, sizeof(*token));
    if (!header) {
        return CLERK_NO_TOKEN;
    }
    /* Not behind a comma: that may be part of another cookie, whose value
     * somebody else may have a say in. */
    for (cookie = next_cookie(&header, NULL); cookie.len;
         cookie = next_cookie(&header, NULL)) {
        if (!is_cookie(cookie, name, &value) || !value.len) {
            continue;
        }
        token->text = value;
        token->from_cookie = 1;
        token->kind = kind_of(value);
        token->is_jwt = token->kind == CLERK_KIND_NONE && looks_like_jwt(value);
        return token->is_jwt && value.len <= CLERK_TOKEN_MAX
                   ? CLERK_OK
                   : CLERK_KIND_UNKNOWN;
    }
    return CLERK_NO_TOKEN;
}

int clerk_token_has_cookie(const char *header, const char *name)
{
    clerk_slice_t cookie;
    clerk_slice_t value;

    for (cookie = next_cookie(&header, name); cookie.len;
         cookie = next_cookie(&header, name)) {
        if (is_cookie(cookie, name, &value)) {
            return 1;
        }
    }
    return 0;
}

const char *clerk_token_without_cookie(apr_pool_t *p, const char *header,
                                       const char *name)
{
    /* `a;b` is written as `a; b`. */
    char *kept = apr_palloc(p, 2 * strlen(header) + 1);
    apr_size_t len = 0;
    clerk_slice_t cookie;
    clerk_slice_t value;

    for (cookie = next_cookie(&header, name); cookie.len;
         cookie = next_cookie(&header, name)) {
        if (is_cookie(cookie, name, &value)) {
            continue;
        }
        if (len) {
            kept[len++] = ';';
            kept[len++] = ' ';
        }
        memcpy(kept + len, cookie.ptr, cookie.len);
        len += cookie.len;
    }
    kept[len] = '\0';
    return len ? kept : NULL;
}

const char *clerk_token_kind_name(clerk_kind_t kind)
{
    apr_size_t i;

    for (i = 0; i < COUNT(names); i++) {
        if (names[i].kind == kind) {
            return names[i].name;
        }
    }
    return "unknown";
}

clerk_kind_t clerk_token_kind_by_name(const char *name)
{
    apr_size_t i;

    for (i = 0; i < COUNT(names); i++) {
        if (strcmp(names[i].name, name) == 0) {
            return names[i].kind;
        }
    }
    return CLERK_KIND_NONE;
}

void clerk_token_fingerprint(clerk_slice_t token,
                             char out[CLERK_TOKEN_FINGERPRINT + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[CLERK_SHA256_BYTES];
    int i;

    if (clerk_crypto_sha256(&token, 1, digest) != CLERK_OK) {
        memset(out, '-', CLERK_TOKEN_FINGERPRINT);
        out[CLERK_TOKEN_FINGERPRINT] = '\0';
        return;
    }
    for (i = 0; i < CLERK_TOKEN_FINGERPRINT; i++) {
        out[i] = digits[i % 2 ? digest[i / 2] & 0xf : digest[i / 2] >> 4];
    }
    out[CLERK_TOKEN_FINGERPRINT] = '\0';
}
