/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_curl.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include <curl/curl.h>

#include "clerk_trust.h"

#define HEADERS_MAX (64 * 1024) /* bytes of header that are read */
#define BODY_FIRST 4096         /* bytes made room for at first */
#define RETRY_AFTER_MAX 86400   /* seconds that we take seriously */

/* A handle that waits for its next call, with its open connections. */
typedef struct idle_t {
    CURL *easy;
    struct idle_t *next;
} idle_t;

/* One set of credentials; handles never move from lane to lane. */
typedef struct lane_t {
    unsigned char id[CLERK_SHA256_BYTES];
    idle_t *idle; /* the one used last first: it is warm */
    struct lane_t *next;
} lane_t;

typedef struct client_t {
    apr_pool_t *p;
    clerk_trusts_t *trusts;
    apr_thread_mutex_t *mutex; /* guards lanes, their stacks, and p */
    lane_t *lanes;             /* a few: one per configuration */
    idle_t *spare;             /* empty links */
    const char *user_agent;
} client_t;

/* One call while it runs. */
typedef struct transfer_t {
    apr_pool_t *p;
    char *body;
    apr_size_t len;
    apr_size_t room;
    apr_size_t headers; /* bytes seen */
    apr_size_t most;    /* bytes of body that are read */
    int too_large;
} transfer_t;

/* ------------------------------------------------------------------ */
/* The pool of handles                                                */

static lane_t *find_lane(client_t *client, const unsigned char *id)
{
    lane_t *lane;

    for (lane = client->lanes; lane; lane = lane->next) {
        if (memcmp(lane->id, id, sizeof(lane->id)) == 0) {
            return lane;
        }
    }
    lane = apr_pcalloc(client->p, sizeof(*lane));
    memcpy(lane->id, id, sizeof(lane->id));
    lane->next = client->lanes;
    client->lanes = lane;
    return lane;
}

/* A handle with a warm connection if there is one, else a new one. */
static CURL *take_handle(client_t *client, const unsigned char *id)
{
    CURL *easy = NULL;
    lane_t *lane;
    idle_t *link;

    apr_thread_mutex_lock(client->mutex);
    lane = find_lane(client, id);
    link = lane->idle;
    if (link) {
        easy = link->easy;
        lane->idle = link->next;
        link->next = client->spare;
        client->spare = link;
    }
    apr_thread_mutex_unlock(client->mutex);
    return easy ? easy : curl_easy_init();
}

/* As many handles wait as there were calls at a time, and no more. */
static void give_back(client_t *client, const unsigned char *id, CURL *easy)
{
    lane_t *lane;
    idle_t *link;

    apr_thread_mutex_lock(client->mutex);
    lane = find_lane(client, id);
    link = client->spare;
    if (link) {
        client->spare = link->next;
    }
    else {
        link = apr_palloc(client->p, sizeof(*link));
    }
    link->easy = easy;
    link->next = lane->idle;
    lane->idle = link;
    apr_thread_mutex_unlock(client->mutex);
}

static apr_status_t close_handles(void *data)
{
    client_t *client = data;
    lane_t *lane;
    idle_t *link;

    for (lane = client->lanes; lane; lane = lane->next) {
        for (link = lane->idle; link; link = link->next) {
            curl_easy_cleanup(link->easy);
        }
        lane->idle = NULL;
    }
    return APR_SUCCESS;
}

static apr_status_t close_library(void *data)
{
    (void)data;
    curl_global_cleanup();
    return APR_SUCCESS;
}

/* ------------------------------------------------------------------ */
/* Receiving                                                          */

static size_t receive_header(char *bytes, size_t size, size_t count, void *data)
{
    transfer_t *transfer = data;
    size_t len = size * count;

    (void)bytes;
    transfer->headers += len;
    if (transfer->headers > HEADERS_MAX) {
        transfer->too_large = 1;
        return 0;
    }
    return len;
}

static size_t receive_body(char *bytes, size_t size, size_t count, void *data)
{
    transfer_t *transfer = data;
    size_t len = size * count;

    if (len > transfer->most - transfer->len) {
        transfer->too_large = 1;
        return 0;
    }
    if (transfer->len + len > transfer->room) {
        apr_size_t room = transfer->room ? transfer->room : BODY_FIRST;
        char *larger;

        while (room < transfer->len + len) {
            room *= 2;
        }
        larger = apr_palloc(transfer->p, room);
        if (transfer->len) {
            memcpy(larger, transfer->body, transfer->len);
        }
        transfer->body = larger;
        transfer->room = room;
    }
    memcpy(transfer->body + transfer->len, bytes, len);
    transfer->len += len;
    return len;
}

/* ------------------------------------------------------------------ */
/* One call                                                           */

/* Every result counts: an option that did not take is no option. */
#define SET(option, value) \
    do { \
        if (rc == CURLE_OK) { \
            rc = curl_easy_setopt(easy, option, value); \
        } \
    } while (0)

static int is_https(const char *url)
{
    return strncmp(url, "https:", 6) == 0;
}

/* What holds for every call: nobody is followed, nothing is guessed. */
static CURLcode set_manners(CURL *easy, const client_t *client,
                            const clerk_call_t *call)
{
    int secure = is_https(call->url);
    CURLcode rc = CURLE_OK;

    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROTOCOLS_STR, secure ? "https" : "http");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_USERAGENT, client->user_agent);
    return rc;
}

static int is_given_up(void *data, curl_off_t down_all, curl_off_t down,
                       curl_off_t up_all, curl_off_t up)
{
    const clerk_call_t *call = data;

    (void)down_all;
    (void)down;
    (void)up_all;
    (void)up;
    return __atomic_load_n(call->give_up, __ATOMIC_ACQUIRE) != 0;
}

static CURLcode set_route(CURL *easy, const clerk_call_t *call)
{
    const clerk_route_t *route = call->route;
    int timeout_ms = call->timeout_ms ? call->timeout_ms : route->timeout_ms;
    CURLcode rc = CURLE_OK;

    SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    if (call->give_up) {
        SET(CURLOPT_NOPROGRESS, 0L);
        SET(CURLOPT_XFERINFODATA, (void *)(apr_uintptr_t)call);
        SET(CURLOPT_XFERINFOFUNCTION, is_given_up);
    }
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)route->connect_timeout_ms);
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
static CURLcode set_trust(CURL *easy, const client_t *client,
                          const clerk_call_t *call)
{
    const char *ca_certs = call->route->ca_certs;
    const clerk_trust_t *trust = NULL;
    CURLcode rc = CURLE_OK;

    if (!is_https(call->url)) {
        return CURLE_OK;
    }
    if (!call->route->proxy || !is_https(call->route->proxy)) {
        trust = clerk_trust_find(client->trusts, ca_certs);
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

static CURLcode set_request(CURL *easy, const clerk_call_t *call,
                            struct curl_slist *headers, transfer_t *transfer)
{
    CURLcode rc = CURLE_OK;

    SET(CURLOPT_URL, call->url);
    SET(CURLOPT_HTTPHEADER, headers);
    if (call->is_post) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDS, call->body.ptr);
        SET(CURLOPT_POSTFIELDSIZE, (long)call->body.len);
    }
    SET(CURLOPT_HEADERFUNCTION, receive_header);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_WRITEFUNCTION, receive_body);
    SET(CURLOPT_WRITEDATA, transfer);
    return rc;
}

static clerk_status_t status_of(CURLcode rc, const transfer_t *transfer)
{
    switch (rc) {
    case CURLE_OK:
        return CLERK_OK;
    case CURLE_OPERATION_TIMEDOUT:
        return CLERK_TIMED_OUT;
    case CURLE_WRITE_ERROR:
        return transfer->too_large ? CLERK_ANSWER_TOO_LARGE : CLERK_INTERNAL;
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

static void read_answer(CURL *easy, const transfer_t *transfer,
                        clerk_answer_t *answer)
{
    long http = 0;

    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &http);
    answer->http = (int)http;
    answer->body = clerk_slice_make(transfer->body, transfer->len);
    answer->content_type = copy_header(easy, "Content-Type", transfer->p);
    answer->ray = copy_header(easy, "cf-ray", transfer->p);
    answer->retry_after = read_retry_after(easy, transfer->p);
}

static CURLcode perform(client_t *client, CURL *easy, const clerk_call_t *call,
                        transfer_t *transfer)
{
    struct curl_slist *headers = NULL;
    CURLcode rc;
    int i;

    for (i = 0; call->headers[i]; i++) {
        struct curl_slist *longer =
            curl_slist_append(headers, call->headers[i]);

        if (!longer) {
            curl_slist_free_all(headers);
            return CURLE_OUT_OF_MEMORY;
        }
        headers = longer;
    }
    rc = set_manners(easy, client, call);
    if (rc == CURLE_OK) {
        rc = set_route(easy, call);
    }
    if (rc == CURLE_OK) {
        rc = set_trust(easy, client, call);
    }
    if (rc == CURLE_OK) {
        rc = set_request(easy, call, headers, transfer);
    }
    if (rc == CURLE_OK) {
        rc = curl_easy_perform(easy);
    }
    curl_slist_free_all(headers);
    return rc;
}

/* curl quotes a proxy's URL, which may hold a password. */
static const char *reason_of(CURLcode rc, const char *reason,
                             const clerk_route_t *route)
{
    int is_safe = *reason && !(route->proxy && strchr(route->proxy, '@'));

    return is_safe ? reason : curl_easy_strerror(rc);
}

static clerk_status_t fetch(void *self, const clerk_call_t *call, apr_pool_t *p,
                            clerk_answer_t *answer)
{
    client_t *client = self;
    transfer_t transfer = { .p = p,
                            .most = call->answer_max ? call->answer_max
                                                     : CLERK_ANSWER_MAX };
    char reason[CURL_ERROR_SIZE] = "";
    apr_time_t started = apr_time_now();
    CURL *easy = take_handle(client, call->lane);
    clerk_status_t status;
    CURLcode rc;

    memset(answer, 0, sizeof(*answer));
    if (!easy) {
        answer->detail = "curl_easy_init failed";
        return CLERK_INTERNAL;
    }
    rc = curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason);
    if (rc == CURLE_OK) {
        rc = perform(client, easy, call, &transfer);
    }
    answer->took = apr_time_now() - started;
    status = status_of(rc, &transfer);
    if (status == CLERK_OK) {
        read_answer(easy, &transfer, answer);
    }
    else {
        answer->detail = apr_pstrdup(p, reason_of(rc, reason, call->route));
    }
    /* Forget all options, credentials too; connections stay open. */
    curl_easy_reset(easy);
    give_back(client, call->lane, easy);
    return status;
}

clerk_status_t clerk_curl_create(apr_pool_t *p, const char *user_agent,
                                 clerk_fetch_port_t *port)
{
    client_t *client = apr_pcalloc(p, sizeof(*client));

    memset(port, 0, sizeof(*port));
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return CLERK_INTERNAL;
    }
    /* Cleanups run last in, first out: the handles go before the library,
     * and before the subpool and the mutex they need. */
    apr_pool_cleanup_register(p, client, close_library, apr_pool_cleanup_null);
    client->trusts =
        clerk_trust_create(p, curl_version_info(CURLVERSION_NOW)->cainfo);
    if (!client->trusts || apr_pool_create(&client->p, p) != APR_SUCCESS
        || apr_thread_mutex_create(&client->mutex, APR_THREAD_MUTEX_DEFAULT, p)
               != APR_SUCCESS) {
        return CLERK_INTERNAL;
    }
    client->user_agent = user_agent;
    apr_pool_pre_cleanup_register(p, client, close_handles);
    port->self = client;
    port->call = fetch;
    return CLERK_OK;
}
