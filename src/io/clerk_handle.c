/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_handle.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include <curl/curl.h>

#include "clerk_inbox.h"
#include "clerk_steady.h"

#define UPLOAD_BUFFER (16 * 1024) /* the least; what we send is shorter */
#define RETRY_AFTER_MAX 86400     /* seconds that we take seriously */

/* What curl itself says of a body, unless told otherwise. */
#define FORM_BODY "Content-Type: application/x-www-form-urlencoded"

/*
 * What curl needs for a call, with its open connections. Most calls of a lane
 * differ in nothing but their body, so that it stays set up for the next.
 */
struct clerk_handle_t {
    CURL *easy; /* NULL: not made yet */
    CURLU *url;
    struct curl_slist *headers;
    struct curl_slist *told; /* the URL and the headers that it is set up for,
                              * as the caller named them; NULL: it is not */
    int may_give_up;
    clerk_inbox_t inbox;         /* of the call that runs */
    const apr_uint32_t *give_up; /* the same */
    char reason[CURL_ERROR_SIZE];
};

const apr_size_t clerk_handle_size = sizeof(clerk_handle_t);

/* Every result counts: an option that did not take is no option. */
#define SET(option, value) \
    do { \
        if (rc == CURLE_OK) { \
            rc = curl_easy_setopt(easy, option, value); \
        } \
    } while (0)

/* ------------------------------------------------------------------ */
/* Handles                                                            */

/* Forget all options, credentials too; connections stay open. */
static void forget(clerk_handle_t *handle)
{
    curl_easy_reset(handle->easy);
    curl_url_cleanup(handle->url);
    curl_slist_free_all(handle->headers);
    curl_slist_free_all(handle->told);
    handle->url = NULL;
    handle->headers = NULL;
    handle->told = NULL;
}

void clerk_handle_close(clerk_handle_t *handle)
{
    if (handle->easy) {
        forget(handle);
        curl_easy_cleanup(handle->easy);
    }
}

/* Is it set up for a call like this one? What a lane is of is the same for all
 * its calls. */
static int is_set_up(const clerk_handle_t *handle, const clerk_call_t *call)
{
    const struct curl_slist *told = handle->told;
    int i;

    if (!told || !call->is_post || strcmp(told->data, call->url) != 0
        || handle->may_give_up != (call->give_up != NULL)) {
        return 0;
    }
    for (i = 0; call->headers[i]; i++) {
        told = told->next;
        if (!told || strcmp(told->data, call->headers[i]) != 0) {
            return 0;
        }
    }
    return !told->next;
}

static int append(struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = curl_slist_append(*list, text);

    if (longer) {
        *list = longer;
    }
    return longer != NULL;
}

/* ------------------------------------------------------------------ */
/* Receiving                                                          */

/* curl wants to be told how many bytes were taken. */
static size_t receive_header(char *bytes, size_t size, size_t count, void *data)
{
    (void)bytes;
    return clerk_inbox_header(data, size * count) ? size * count : 0;
}

static size_t receive_body(char *bytes, size_t size, size_t count, void *data)
{
    return clerk_inbox_body(data, bytes, size * count) ? size * count : 0;
}

/* ------------------------------------------------------------------ */
/* Setting up                                                         */

static int is_https(const char *url)
{
    return strncmp(url, "https:", 6) == 0;
}

/* What holds for every call: nobody is followed, nothing is guessed. */
static CURLcode set_manners(CURL *easy, const clerk_call_t *call)
{
    int secure = is_https(call->url);
    CURLcode rc = CURLE_OK;

    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROTOCOLS_STR, secure ? "https" : "http");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    return rc;
}

static int is_given_up(void *data, curl_off_t down_all, curl_off_t down,
                       curl_off_t up_all, curl_off_t up)
{
    const clerk_handle_t *handle = data;

    (void)down_all;
    (void)down;
    (void)up_all;
    (void)up;
    return __atomic_load_n(handle->give_up, __ATOMIC_ACQUIRE) != 0;
}

static CURLcode set_route(clerk_handle_t *handle,
                          const clerk_handle_needs_t *needs,
                          const clerk_call_t *call)
{
    const clerk_route_t *route = call->route;
    CURL *easy = handle->easy;
    CURLcode rc = CURLE_OK;

    handle->may_give_up = call->give_up != NULL;
    if (handle->may_give_up) {
        SET(CURLOPT_NOPROGRESS, 0L);
        SET(CURLOPT_XFERINFODATA, handle);
        SET(CURLOPT_XFERINFOFUNCTION, is_given_up);
    }
    if (route->proxy) {
        /* It wants to know, too. */
        SET(CURLOPT_USERAGENT, needs->user_agent);
    }
    /* Set, even if to nothing: the environment has no say. */
    SET(CURLOPT_PROXY, route->proxy ? route->proxy : "");
    SET(CURLOPT_NOPROXY, "");
    return rc;
}

static CURLcode give_trust(CURL *easy, void *ssl_ctx, void *data)
{
    (void)easy;
    return clerk_trust_give(data, ssl_ctx) ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

/* Certificates for curl itself to read, with each connection. */
static CURLcode set_certificates(CURL *easy, const char *ca_certs)
{
    struct curl_blob certs = { 0 };
    CURLcode rc = CURLE_OK;

    /* curl does not change it, but does not promise so by its type. */
    memcpy(&certs.data, &ca_certs, sizeof(certs.data));
    certs.len = strlen(ca_certs);
    certs.flags = CURL_BLOB_NOCOPY;
    SET(CURLOPT_CAINFO_BLOB, &certs);
    SET(CURLOPT_CAPATH, NULL);
    return rc;
}

/*
 * By what Clerk's certificate is checked. An https:// proxy has a certificate
 * of its own, which has nothing to do with Clerk's, so that the shared anchors
 * are not for such connections.
 */
static CURLcode set_trust(CURL *easy, const clerk_handle_needs_t *needs,
                          const clerk_call_t *call)
{
    const char *ca_certs = call->route->ca_certs;
    const clerk_trust_t *trust = NULL;
    CURLcode rc = CURLE_OK;

    if (!is_https(call->url)) {
        return CURLE_OK;
    }
    if (!call->route->proxy || !is_https(call->route->proxy)) {
        trust = clerk_trust_find(needs->trusts, ca_certs);
    }
    if (!trust) {
        return ca_certs ? set_certificates(easy, ca_certs) : CURLE_OK;
    }
    /* curl itself has nothing to read. */
    SET(CURLOPT_CAINFO, NULL);
    SET(CURLOPT_CAPATH, NULL);
    SET(CURLOPT_SSL_CTX_FUNCTION, give_trust);
    SET(CURLOPT_SSL_CTX_DATA, (void *)(apr_uintptr_t)trust);
    return rc;
}

/*
 * The headers, as curl is told them. What it says by itself it writes faster
 * than what it is told, and its own User-Agent it writes twice.
 */
static CURLcode make_headers(clerk_handle_t *handle,
                             const clerk_handle_needs_t *needs,
                             const clerk_call_t *call)
{
    int is_made = append(&handle->told, call->url);
    int i;

    for (i = 0; is_made && call->headers[i]; i++) {
        is_made =
            append(&handle->told, call->headers[i])
            && ((call->is_post && strcmp(call->headers[i], FORM_BODY) == 0)
                || append(&handle->headers, call->headers[i]));
    }
    if (!call->route->proxy) {
        is_made = is_made && append(&handle->headers, needs->agent_header);
    }
    return is_made ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

static CURLcode set_request(clerk_handle_t *handle,
                            const clerk_handle_needs_t *needs,
                            const clerk_call_t *call)
{
    CURL *easy = handle->easy;
    CURLcode rc = make_headers(handle, needs, call);

    handle->url = curl_url();
    if (rc == CURLE_OK
        && (!handle->url
            || curl_url_set(handle->url, CURLUPART_URL, call->url, 0)
                   != CURLUE_OK)) {
        rc = CURLE_URL_MALFORMAT;
    }
    /* Parsed once, and not with each call. */
    SET(CURLOPT_CURLU, handle->url);
    SET(CURLOPT_HTTPHEADER, handle->headers);
    if (call->is_post) {
        SET(CURLOPT_POST, 1L);
    }
    SET(CURLOPT_HEADERFUNCTION, receive_header);
    SET(CURLOPT_HEADERDATA, &handle->inbox);
    SET(CURLOPT_WRITEFUNCTION, receive_body);
    SET(CURLOPT_WRITEDATA, &handle->inbox);
    SET(CURLOPT_ERRORBUFFER, handle->reason);
    return rc;
}

static CURLcode set_up(clerk_handle_t *handle,
                       const clerk_handle_needs_t *needs,
                       const clerk_call_t *call)
{
    CURLcode rc;

    if (is_set_up(handle, call)) {
        return CURLE_OK;
    }
    forget(handle);
    rc = set_manners(handle->easy, call);
    if (rc == CURLE_OK) {
        rc = set_route(handle, needs, call);
    }
    if (rc == CURLE_OK) {
        rc = set_trust(handle->easy, needs, call);
    }
    if (rc == CURLE_OK) {
        rc = set_request(handle, needs, call);
    }
    return rc;
}

/*
 * Whoever gets the handle next finds the credentials of its own lane there, but
 * no token, and nothing of a call that went wrong.
 */
static void tidy_up(clerk_handle_t *handle, const clerk_call_t *call,
                    CURLcode rc)
{
    memset(&handle->inbox, 0, sizeof(handle->inbox));
    handle->give_up = NULL;
    if (!handle->easy) {
        return;
    }
    if (rc != CURLE_OK || !call->is_post
        || curl_easy_setopt(handle->easy, CURLOPT_POSTFIELDS, "") != CURLE_OK) {
        forget(handle);
    }
}

/* ------------------------------------------------------------------ */
/* Calling                                                            */

/* What is left of its time, in milliseconds. */
static long time_left(const clerk_call_t *call, apr_time_t started)
{
    int most = call->timeout_ms ? call->timeout_ms : call->route->timeout_ms;
    apr_int64_t left = most - apr_time_as_msec(clerk_steady_now() - started);

    return left > 1 ? (long)left : 1;
}

static CURLcode set_call(CURL *easy, const clerk_call_t *call,
                         apr_time_t started)
{
    CURLcode rc = CURLE_OK;

    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)call->route->connect_timeout_ms);
    SET(CURLOPT_TIMEOUT_MS, time_left(call, started));
    if (call->is_post) {
        SET(CURLOPT_POSTFIELDS, call->body.ptr);
        SET(CURLOPT_POSTFIELDSIZE, (long)call->body.len);
    }
    return rc;
}

static clerk_status_t status_of(CURLcode rc, const clerk_inbox_t *inbox)
{
    switch (rc) {
    case CURLE_OK:
        return CLERK_OK;
    case CURLE_OPERATION_TIMEDOUT:
        return CLERK_TIMED_OUT;
    case CURLE_WRITE_ERROR:
        return inbox->too_large ? CLERK_ANSWER_TOO_LARGE : CLERK_INTERNAL;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return CLERK_TLS_FAILED;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_PARTIAL_FILE:
        return CLERK_ANSWER_MALFORMED;
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_UNKNOWN_OPTION:
    case CURLE_URL_MALFORMAT:
        return CLERK_INTERNAL;
    default:
        return CLERK_UNREACHABLE;
    }
}

static const char *copy_header(CURL *easy, const char *name, apr_pool_t *p)
{
    struct curl_header *header;

    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header)
        != CURLHE_OK) {
        return NULL;
    }
    return apr_pstrdup(p, header->value);
}

/* Clerk sends seconds; what stands before it may send a date (RFC 9110 section
 * 10.2.3). A wait that makes no sense is none. */
static int read_retry_after(CURL *easy, apr_pool_t *p)
{
    const char *text = copy_header(easy, "Retry-After", p);
    apr_int64_t seconds = 0;
    char *end;

    if (text && apr_isdigit(*text)) {
        seconds = apr_strtoi64(text, &end, 10);
        seconds = *end ? 0 : seconds;
    }
    else if (text && apr_isalpha(*text)) {
        seconds = curl_getdate(text, NULL) - apr_time_sec(apr_time_now());
    }
    return seconds < 0 || seconds > RETRY_AFTER_MAX ? 0 : (int)seconds;
}

static void read_answer(CURL *easy, const clerk_inbox_t *inbox,
                        clerk_answer_t *answer)
{
    long http = 0;

    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &http);
    answer->http = (int)http;
    answer->body = clerk_slice_make(inbox->body, inbox->len);
    answer->content_type = copy_header(easy, "Content-Type", inbox->p);
    answer->ray = copy_header(easy, "cf-ray", inbox->p);
    answer->retry_after = http == 200 ? 0 : read_retry_after(easy, inbox->p);
}

/* curl quotes a proxy's URL, which may hold a password. */
static const char *reason_of(CURLcode rc, const char *reason,
                             const clerk_route_t *route)
{
    int is_safe = *reason && !(route->proxy && strchr(route->proxy, '@'));

    return is_safe ? reason : curl_easy_strerror(rc);
}

static CURLcode perform(clerk_handle_t *handle,
                        const clerk_handle_needs_t *needs,
                        const clerk_call_t *call, apr_time_t started)
{
    CURLcode rc;

    if (!handle->easy) {
        handle->easy = curl_easy_init();
    }
    if (!handle->easy) {
        return CURLE_FAILED_INIT;
    }
    rc = set_up(handle, needs, call);
    if (rc == CURLE_OK) {
        rc = set_call(handle->easy, call, started);
    }
    return rc == CURLE_OK ? curl_easy_perform(handle->easy) : rc;
}

clerk_status_t clerk_handle_call(clerk_handle_t *handle,
                                 const clerk_handle_needs_t *needs,
                                 const clerk_handle_errand_t *errand,
                                 clerk_answer_t *answer)
{
    const clerk_call_t *call = errand->call;
    clerk_inbox_t *inbox = &handle->inbox;
    clerk_status_t status;
    CURLcode rc;

    inbox->p = errand->p;
    handle->give_up = call->give_up;
    inbox->most = call->answer_max ? call->answer_max : CLERK_ANSWER_MAX;
    handle->reason[0] = '\0';
    rc = perform(handle, needs, call, errand->started);
    status = status_of(rc, inbox);
    if (status == CLERK_OK) {
        read_answer(handle->easy, inbox, answer);
    }
    else {
        answer->detail =
            apr_pstrdup(inbox->p, reason_of(rc, handle->reason, call->route));
    }
    tidy_up(handle, call, rc);
    return status;
}

const char *clerk_handle_system_anchors(void)
{
    return curl_version_info(CURLVERSION_NOW)->cainfo;
}

int clerk_handle_open_library(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

void clerk_handle_close_library(void)
{
    curl_global_cleanup();
}
