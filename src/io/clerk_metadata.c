/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_metadata.h"

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "clerk_api.h"
#include "clerk_renewal.h"

#define FRESH apr_time_from_sec(4 * 60)
#define SHARED apr_time_from_sec(24 * 60 * 60) /* in the shared cache */
#define COOL_DOWN apr_time_from_sec(30)        /* between two renewals */
#define COLD_COOL_DOWN apr_time_from_msec(500) /* without any copy */
/* Longer documents are for this process alone; no cache is made for them. */
#define SHARED_MAX (16 * 1024) /* bytes */

/* One document of one instance. */
typedef struct copy_t {
    unsigned char lane[CLERK_SHA256_BYTES];
    const char *path;
    apr_pool_t *p; /* of the text; NULL without one */
    clerk_slice_t text;
    apr_time_t fetched_at;
    apr_time_t not_before;  /* the next renewal */
    clerk_status_t failure; /* of the last renewal, or CLERK_OK */
    int retry_after;        /* seconds, with that failure */
    int is_news;            /* and nobody has been told */
    int is_renewing;
    int is_offered; /* to the background, which is not done yet */
    struct copy_t *next;
} copy_t;

struct clerk_metadata_t {
    apr_pool_t *p;
    apr_thread_mutex_t *mutex; /* guards the copies */
    apr_thread_cond_t *renewed;
    clerk_metadata_needs_t needs;
    copy_t *copies; /* a few */
};

/* With the mutex held. */
static copy_t *find_copy(clerk_metadata_t *home,
                         const clerk_metadata_query_t *query)
{
    const unsigned char *lane = query->realm->keys_lane;
    copy_t *copy;

    for (copy = home->copies; copy; copy = copy->next) {
        if (memcmp(copy->lane, lane, sizeof(copy->lane)) == 0
            && strcmp(copy->path, query->path) == 0) {
            return copy;
        }
    }
    copy = apr_pcalloc(home->p, sizeof(*copy));
    memcpy(copy->lane, lane, sizeof(copy->lane));
    copy->path = query->path;
    copy->next = home->copies;
    home->copies = copy;
    return copy;
}

/* ------------------------------------------------------------------ */
/* The copy that the children share                                   */

static clerk_status_t shared_key(const clerk_metadata_query_t *query,
                                 unsigned char *key)
{
    const clerk_slice_t parts[] = {
        clerk_slice_str("metadata"),
        { (const char *)query->realm->keys_lane, CLERK_SHA256_BYTES },
        clerk_slice_str(query->path),
    };

    return clerk_crypto_sha256(parts, 3, key);
}

/* What is kept: when it was fetched, in decimal, a blank, the document. */
static void put_shared(const clerk_metadata_t *home,
                       const clerk_metadata_query_t *query, apr_time_t now,
                       apr_pool_t *p)
{
    const char *stamp = apr_psprintf(p, "%" APR_TIME_T_FMT " ", now);
    unsigned char key[CLERK_SHA256_BYTES];
    apr_size_t len = strlen(stamp);
    char *bytes;

    if (!home->needs.cache.set || query->document.len > SHARED_MAX
        || shared_key(query, key) != CLERK_OK) {
        return;
    }
    bytes = apr_palloc(p, len + query->document.len);
    memcpy(bytes, stamp, len);
    memcpy(bytes + len, query->document.ptr, query->document.len);
    home->needs.cache.set(home->needs.cache.self, key,
                          clerk_slice_make(bytes, len + query->document.len),
                          now + SHARED, p);
}

/* When the document was fetched; 0 without one. */
static apr_time_t get_shared(const clerk_metadata_t *home,
                             clerk_metadata_query_t *query, apr_pool_t *p)
{
    clerk_answer_t answer = { .http = 200 };
    unsigned char key[CLERK_SHA256_BYTES];
    clerk_slice_t bytes;
    const char *blank;

    if (!home->needs.cache.get || shared_key(query, key) != CLERK_OK
        || home->needs.cache.get(home->needs.cache.self, key, p, &bytes)
               != CLERK_OK
        || (blank = memchr(bytes.ptr, ' ', bytes.len)) == NULL) {
        return 0;
    }
    answer.body = clerk_slice_make(
        blank + 1, bytes.len - (apr_size_t)(blank + 1 - bytes.ptr));
    if (clerk_api_read_metadata(&answer, p) != CLERK_OK) {
        return 0;
    }
    query->document = answer.body;
    return (apr_time_t)apr_atoi64(bytes.ptr);
}

/* ------------------------------------------------------------------ */
/* Renewal                                                            */

/* In the background with a `give_up`. When the call ended is told apart, since
 * to report it takes time, too. */
static clerk_status_t fetch(const clerk_metadata_t *home,
                            clerk_metadata_query_t *query,
                            const apr_uint32_t *give_up, apr_pool_t *p,
                            apr_time_t *ended_at)
{
    const clerk_fetch_port_t *port = &home->needs.fetch;
    clerk_call_t call = { .is_background = give_up != NULL,
                          .give_up = give_up };
    clerk_answer_t answer = { 0 };
    clerk_event_t event = { .endpoint = clerk_api_metadata_name,
                            .answer = &answer,
                            .fix = clerk_api_metadata_fix };

    clerk_api_write_metadata(query->realm, query->path, p, &call);
    event.status = port->call(port->self, &call, p, &answer);
    *ended_at = apr_time_now();
    if (event.status != CLERK_OK && clerk_call_is_given_up(&call)) {
        return event.status;
    }
    if (event.status == CLERK_OK) {
        event.status = clerk_api_read_metadata(&answer, p);
        event.trace_id = clerk_api_trace_id(&answer, p, p);
    }
    if (port->judge) {
        port->judge(port->self, &call, event.status, &answer);
    }
    if (query->log->called) {
        query->log->called(query->log->self, &event);
    }
    if (event.status == CLERK_OK) {
        query->document = answer.body;
    }
    query->retry_after = answer.retry_after;
    return event.status;
}

/* With the mutex held: keep a document of our own. */
static void replace(copy_t *copy, clerk_slice_t document, apr_time_t fetched_at)
{
    apr_pool_t *p;

    if (apr_pool_create_unmanaged(&p) != APR_SUCCESS) {
        return;
    }
    if (copy->p) {
        apr_pool_destroy(copy->p);
    }
    copy->p = p;
    copy->text = clerk_slice_make(apr_pmemdup(p, document.ptr, document.len),
                                  document.len);
    copy->fetched_at = fetched_at;
}

static int is_fresh(const copy_t *copy, apr_time_t now)
{
    /* A clock that was set back must not freeze a copy. */
    return copy->p && now < copy->fetched_at + FRESH
           && now + COOL_DOWN >= copy->fetched_at;
}

/*
 * The copy of another child, be it old: it stands in until there is a younger
 * one, for those who wait, too. With the mutex held on entry and return.
 */
static void adopt_shared(clerk_metadata_t *home, copy_t *copy,
                         clerk_metadata_query_t *query, apr_pool_t *p)
{
    apr_time_t fetched_at;

    apr_thread_mutex_unlock(home->mutex);
    fetched_at = get_shared(home, query, p);
    apr_thread_mutex_lock(home->mutex);
    if (fetched_at > copy->fetched_at && fetched_at <= apr_time_now()) {
        replace(copy, query->document, fetched_at);
        apr_thread_cond_broadcast(home->renewed);
    }
}

/* With the mutex held on entry and return. */
static void fetch_copy(clerk_metadata_t *home, copy_t *copy,
                       clerk_metadata_query_t *query,
                       const apr_uint32_t *give_up, apr_pool_t *p)
{
    clerk_status_t status;
    apr_time_t now;

    apr_thread_mutex_unlock(home->mutex);
    status = fetch(home, query, give_up, p, &now);
    if (status == CLERK_OK) {
        put_shared(home, query, now, p);
    }
    apr_thread_mutex_lock(home->mutex);
    if (status == CLERK_OK) {
        replace(copy, query->document, now);
        copy->is_news = 1;
    }
    copy->failure = status;
    copy->retry_after = query->retry_after;
    copy->not_before = now + (copy->p ? COOL_DOWN : COLD_COOL_DOWN);
}

/* With the mutex held. */
static int is_due(const copy_t *copy, apr_time_t now)
{
    return !is_fresh(copy, now)
           && (now >= copy->not_before || now + COOL_DOWN < copy->not_before);
}

static int offer(clerk_metadata_t *home, copy_t *copy,
                 const clerk_realm_t *realm);

/*
 * In the background with a `give_up`. Else Clerk is left to that, if there is a
 * copy; should it take nothing, one waits: there might never be a new one. With
 * the mutex held on entry and return.
 */
static void renew(clerk_metadata_t *home, copy_t *copy,
                  clerk_metadata_query_t *query, const apr_uint32_t *give_up,
                  apr_pool_t *p)
{
    copy->is_renewing = 1;
    adopt_shared(home, copy, query, p);
    if (!is_fresh(copy, apr_time_now())
        && (give_up || !copy->p || !offer(home, copy, query->realm))) {
        fetch_copy(home, copy, query, give_up, p);
    }
    copy->is_renewing = 0;
    apr_thread_cond_broadcast(home->renewed);
}

static void run_renewal(const clerk_renewal_t *renewal,
                        const clerk_realm_t *realm, apr_pool_t *p)
{
    clerk_metadata_t *home = renewal->home;
    copy_t *copy = renewal->item;
    clerk_metadata_query_t query = { .realm = realm,
                                     .path = copy->path,
                                     .log = &home->needs.log };

    apr_thread_mutex_lock(home->mutex);
    if (!copy->is_renewing && is_due(copy, apr_time_now())) {
        renew(home, copy, &query,
              clerk_background_give_up(home->needs.background), p);
    }
    copy->is_offered = 0;
    apr_thread_mutex_unlock(home->mutex);
}

static void drop_renewal(const clerk_renewal_t *renewal)
{
    clerk_metadata_t *home = renewal->home;
    copy_t *copy = renewal->item;

    apr_thread_mutex_lock(home->mutex);
    copy->is_offered = 0;
    apr_thread_mutex_unlock(home->mutex);
}

/* Is it for the background? With the mutex held. */
static int offer(clerk_metadata_t *home, copy_t *copy,
                 const clerk_realm_t *realm)
{
    const clerk_renewal_t renewal = { home, copy, run_renewal, drop_renewal };

    copy->is_offered =
        clerk_renewal_offer(home->needs.background, &renewal, realm);
    return copy->is_offered;
}

/* With the mutex held: whoever has no copy waits for the one who gets it. */
static void await(clerk_metadata_t *home, const copy_t *copy,
                  const clerk_metadata_query_t *query)
{
    apr_time_t until =
        apr_time_now() + apr_time_from_msec(query->realm->route.timeout_ms);
    apr_interval_time_t left;

    while (!copy->p && copy->is_renewing
           && (left = until - apr_time_now()) > 0) {
        apr_thread_cond_timedwait(home->renewed, home->mutex, left);
    }
}

/* With the mutex held: see to it that there is a copy, and no old one. False
 * when too many wait for Clerk already. */
static int look_after(clerk_metadata_t *home, copy_t *copy,
                      clerk_metadata_query_t *query, apr_pool_t *p)
{
    clerk_pending_t *pending = home->needs.pending;

    if (copy->is_offered
        || (copy->is_renewing ? copy->p != NULL
                              : !is_due(copy, apr_time_now()))) {
        return 1;
    }
    if (pending && !clerk_pending_join(pending, CLERK_PENDING_LONG)) {
        return 0;
    }
    if (copy->is_renewing) {
        await(home, copy, query);
    }
    else {
        renew(home, copy, query, NULL, p);
    }
    if (pending) {
        clerk_pending_leave(pending);
    }
    return 1;
}

/* With the mutex held: why there is no copy. */
static clerk_status_t failure_of(const copy_t *copy,
                                 clerk_metadata_query_t *query, int has_waited)
{
    if (!has_waited) {
        query->retry_after = 1;
        return CLERK_PENDING_EXCEEDED;
    }
    query->retry_after = copy->retry_after;
    return copy->is_renewing || copy->failure == CLERK_OK ? CLERK_TIMED_OUT
                                                          : copy->failure;
}

clerk_status_t clerk_metadata_get(clerk_metadata_t *home,
                                  clerk_metadata_query_t *query, apr_pool_t *p)
{
    clerk_status_t status = CLERK_OK;
    int has_waited;
    copy_t *copy;

    memset(&query->document, 0, sizeof(query->document));
    query->is_news = query->retry_after = 0;
    apr_thread_mutex_lock(home->mutex);
    copy = find_copy(home, query);
    has_waited = look_after(home, copy, query, p);
    if (copy->p) {
        query->document = clerk_slice_make(
            apr_pmemdup(p, copy->text.ptr, copy->text.len), copy->text.len);
        query->retry_after = 0;
        query->is_news = copy->is_news;
        copy->is_news = 0;
    }
    else {
        status = failure_of(copy, query, has_waited);
    }
    apr_thread_mutex_unlock(home->mutex);
    return status;
}

static apr_status_t drop_copies(void *data)
{
    clerk_metadata_t *home = data;
    copy_t *copy;

    for (copy = home->copies; copy; copy = copy->next) {
        if (copy->p) {
            apr_pool_destroy(copy->p);
            copy->p = NULL;
        }
    }
    return APR_SUCCESS;
}

clerk_status_t clerk_metadata_create(apr_pool_t *p,
                                     const clerk_metadata_needs_t *needs,
                                     clerk_metadata_t **home)
{
    clerk_metadata_t *made = apr_pcalloc(p, sizeof(*made));

    *home = NULL;
    /* A pool of its own: others may use theirs while we hold our mutex. */
    if (apr_pool_create(&made->p, p) != APR_SUCCESS
        || apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, p)
               != APR_SUCCESS
        || apr_thread_cond_create(&made->renewed, p) != APR_SUCCESS) {
        return CLERK_INTERNAL;
    }
    made->needs = *needs;
    apr_pool_pre_cleanup_register(p, made, drop_copies);
    *home = made;
    return CLERK_OK;
}
