/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_instance.h"

#include <apr_cstr.h>
#include <apr_strings.h>

#include "clerk_b64.h"

#define DIGITS "0123456789"
#define HEX DIGITS "ABCDEFabcdef"
#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS

#define HOST_MAX 253 /* RFC 1035 section 2.3.4, as text */
#define LABEL_MAX 63

/* What may stand behind the host: RFC 3986 pchar, the slash and `%`. */
static const char path_bytes[] = ALNUM "-._~!$&'()*+,;=:@/%";

/* RFC 1123 section 2.1: one label, at the start of `text`; 0 if there is
 * none. */
static apr_size_t label_len(const char *text)
{
    apr_size_t len = strspn(text, ALNUM "-");

    if (len > LABEL_MAX || len == 0 || text[0] == '-' || text[len - 1] == '-') {
        return 0;
    }
    return len;
}

/* The number of labels of a host name, 0 if it is none. */
static int count_labels(const char *host)
{
    int labels = 0;

    if (strlen(host) > HOST_MAX) {
        return 0;
    }
    for (;;) {
        apr_size_t len = label_len(host);

        if (!len) {
            return 0;
        }
        labels++;
        host += len;
        if (!*host) {
            return labels;
        }
        if (*host++ != '.') {
            return 0;
        }
    }
}

int clerk_instance_is_hostname(const char *host)
{
    return count_labels(host) >= 2;
}

clerk_status_t clerk_instance_host_of_key(apr_pool_t *p, const char *key,
                                          const char **host)
{
    clerk_slice_t text = clerk_slice_str(key);
    clerk_slice_t decoded;
    char *name;

    *host = NULL;
    if (!clerk_slice_starts(text, "pk_live_")
        && !clerk_slice_starts(text, "pk_test_")) {
        return CLERK_MISCONFIGURED;
    }
    text.ptr += strlen("pk_live_");
    text.len -= strlen("pk_live_");
    if (clerk_b64_decode(p, text, &decoded) != CLERK_OK || decoded.len == 0
        || decoded.ptr[decoded.len - 1] != '$') {
        return CLERK_MISCONFIGURED;
    }
    name = apr_pstrmemdup(p, decoded.ptr, decoded.len - 1);
    if (strlen(name) != decoded.len - 1 || !clerk_instance_is_hostname(name)) {
        return CLERK_MISCONFIGURED;
    }
    *host = name;
    return CLERK_OK;
}

/* One of the decimal numbers of an IPv4 address, moving on behind it. */
static int is_octet(const char **text)
{
    apr_size_t len = strspn(*text, DIGITS);
    const char *octet = *text;

    *text += len;
    if (len == 0 || len > 3 || (len > 1 && octet[0] == '0')) {
        return 0;
    }
    return len < 3 || strncmp(octet, "255", 3) <= 0;
}

/* 127.0.0.0/8, written in full: `127.1` is a name to some resolvers. */
static int is_loopback_v4(const char *host)
{
    int i;

    if (strncmp(host, "127.", 4) != 0) {
        return 0;
    }
    for (i = 0; i < 4; i++) {
        if (!is_octet(&host) || *host != (i < 3 ? '.' : '\0')) {
            return 0;
        }
        host++;
    }
    return 1;
}

static int is_loopback(const char *host)
{
    return apr_cstr_casecmp(host, "localhost") == 0
           || strcmp(host, "[::1]") == 0 || is_loopback_v4(host);
}

/* An IPv6 address in brackets; whoever connects will know it better. */
static int is_v6_literal(const char *host)
{
    apr_size_t len;

    if (*host != '[') {
        return 0;
    }
    len = strspn(host + 1, HEX ":.");
    return len >= 2 && memchr(host + 1, ':', len)
           && strcmp(host + 1 + len, "]") == 0;
}

/* Empty, or `:` and a number from 1 to 65535. */
static int is_port(const char *text)
{
    apr_int64_t number;

    if (!*text) {
        return 1;
    }
    if (text[0] != ':' || text[1] == '\0' || strlen(text + 1) > 5
        || strspn(text + 1, DIGITS) != strlen(text + 1)) {
        return 0;
    }
    number = apr_atoi64(text + 1);
    return number >= 1 && number <= 65535;
}

/* Empty, or a path of bytes that may stand in one; no query, no fragment. */
static int is_path(const char *text)
{
    const char *percent;

    if (*text && *text != '/') {
        return 0;
    }
    if (text[strspn(text, path_bytes)]) {
        return 0;
    }
    for (percent = strchr(text, '%'); percent;
         percent = strchr(percent + 1, '%')) {
        if (strspn(percent + 1, HEX) < 2) {
            return 0;
        }
    }
    return 1;
}

/* The host of an authority, which has no user info, or NULL. */
static const char *host_of(apr_pool_t *scratch, const char *authority)
{
    apr_size_t len = authority[0] == '[' ? strcspn(authority, "]") + 1
                                         : strcspn(authority, ":");
    const char *host;

    if (len > strlen(authority)) {
        return NULL;
    }
    host = apr_pstrmemdup(scratch, authority, len);
    if (!is_port(authority + len)) {
        return NULL;
    }
    return is_v6_literal(host) || count_labels(host) ? host : NULL;
}

clerk_url_check_t clerk_instance_check_url(apr_pool_t *scratch, const char *url)
{
    const char *rest = strstr(url, "://");
    const char *scheme;
    const char *host;

    if (!rest) {
        return CLERK_URL_MALFORMED;
    }
    scheme = apr_pstrmemdup(scratch, url, (apr_size_t)(rest - url));
    rest += strlen("://");
    host = host_of(scratch, apr_pstrmemdup(scratch, rest, strcspn(rest, "/")));
    if (!host || !is_path(rest + strcspn(rest, "/"))) {
        return CLERK_URL_MALFORMED;
    }
    if (apr_cstr_casecmp(scheme, "https") == 0) {
        return CLERK_URL_GOOD;
    }
    if (apr_cstr_casecmp(scheme, "http") != 0) {
        return CLERK_URL_MALFORMED;
    }
    return is_loopback(host) ? CLERK_URL_GOOD : CLERK_URL_NOT_HTTPS;
}

const char *clerk_instance_trim_url(apr_pool_t *p, const char *url)
{
    apr_size_t len = strlen(url);

    while (len && url[len - 1] == '/') {
        len--;
    }
    return apr_pstrmemdup(p, url, len);
}
