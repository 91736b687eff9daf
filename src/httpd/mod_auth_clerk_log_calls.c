/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of calls to Clerk; see mod_auth_clerk_log.h. */
#include "mod_auth_clerk_log.h"

#include "clerk_api.h"
#include "mod_auth_clerk_shared.h"
#include "mod_auth_clerk_status.h"

#define INACTIVE_TO_HINT 20

APLOG_USE_MODULE(auth_clerk);

/* On whose behalf a call was made: a request's, or nobody's. */
typedef struct place_t {
    request_rec *r; /* or NULL */
    server_rec *s;
} place_t;

#define SAY(place, level, ...) \
    do { \
        if ((place)->r) { \
            ap_log_rerror(APLOG_MARK, level, 0, (place)->r, __VA_ARGS__); \
        } \
        else { \
            ap_log_error(APLOG_MARK, level, 0, (place)->s, __VA_ARGS__); \
        } \
    } while (0)

/* Clerk was asked, and did not do its part. */
static void log_failure(const place_t *place, const clerk_event_t *event)
{
    const clerk_answer_t *answer = event->answer;
    const char *name = clerk_status_info(event->status)->name;
    const char *trace = event->trace_id ? event->trace_id : "-";
    int ms = (int)apr_time_as_msec(answer->took);

    if (clerk_status_class(event->status) == CLERK_CLASS_CONFIG) {
        SAY(place, APLOG_ERR,
            "Clerk's %s refused this server with HTTP status %d (reason=%s, "
            "trace=%s); check %s",
            event->endpoint, answer->http, name, trace, event->fix);
    }
    else if (answer->detail) {
        SAY(place, APLOG_ERR,
            "Clerk's %s gave no answer after %d ms (reason=%s): %s",
            event->endpoint, ms, name, answer->detail);
    }
    else {
        SAY(place, APLOG_ERR,
            "Clerk's %s gave an answer of HTTP status %d after %d ms that "
            "says nothing about the token (reason=%s, trace=%s)",
            event->endpoint, answer->http, ms, name, trace);
    }
}

/*
 * Clerk's introspection may know the tokens of one OAuth application alone
 * (D15 of the wire contract), and says no more of others than of junk.
 */
static void hint_at_other_clients(const place_t *place,
                                  const clerk_event_t *event)
{
    clerk_shared_t *shared = auth_clerk_shared_memory();
    int is_active = event->status == CLERK_OK;

    if (event->endpoint == clerk_api_token_info.name && shared
        && (is_active || event->status == CLERK_TOKEN_INACTIVE)
        && clerk_shared_count_introspection(shared, is_active)
               == INACTIVE_TO_HINT) {
        SAY(place, APLOG_NOTICE,
            "Clerk's token_info called each of the first %d tokens inactive; "
            "should they be good ones of other OAuth applications than "
            "ClerkClientID, use ClerkVerifier backend",
            INACTIVE_TO_HINT);
    }
}

static void log_skipped_keys(const place_t *place, const clerk_event_t *event)
{
    int i;

    for (i = 0; event->skipped && i < event->skipped->nelts; i++) {
        SAY(place, APLOG_DEBUG, "key set: %s",
            APR_ARRAY_IDX(event->skipped, i, const char *));
    }
}

static int was_asked(clerk_status_t status)
{
    return status != CLERK_CIRCUIT_OPEN && status != CLERK_RATE_EXCEEDED;
}

/*
 * This server did not ask. That the breaker is open has been said when it
 * opened.
 */
static void log_held(const place_t *place, const clerk_event_t *event)
{
    const char *name = clerk_status_info(event->status)->name;

    SAY(place, APLOG_DEBUG, "did not ask Clerk's %s: reason=%s",
        event->endpoint, name);
    if (event->status == CLERK_RATE_EXCEEDED
        && auth_clerk_log_is_due(event->status)) {
        SAY(place, APLOG_NOTICE,
            "Clerk's %s is not asked (reason=%s): %s; requests with tokens "
            "that are not in the cache get 503",
            event->endpoint, name, event->answer->detail);
    }
}

static void log_call(const place_t *place, const clerk_event_t *event)
{
    const clerk_answer_t *answer = event->answer;

    auth_clerk_status_count_call(event);
    if (!was_asked(event->status)) {
        log_held(place, event);
        return;
    }
    SAY(place, APLOG_DEBUG, "asked Clerk's %s: %s, HTTP status %d, %d ms",
        event->endpoint, clerk_status_info(event->status)->name, answer->http,
        (int)apr_time_as_msec(answer->took));
    log_skipped_keys(place, event);
    hint_at_other_clients(place, event);
    /* A Clerk that is down says so once a second, not once a request. */
    if (clerk_status_class(event->status) > CLERK_CLASS_REJECT
        && auth_clerk_log_is_due(event->status)) {
        log_failure(place, event);
    }
}

static void log_call_of_request(void *self, const clerk_event_t *event)
{
    request_rec *r = self;
    const place_t place = { r, r->server };

    log_call(&place, event);
}

static void log_call_of_nobody(void *self, const clerk_event_t *event)
{
    const place_t place = { NULL, self };

    log_call(&place, event);
}

clerk_log_port_t auth_clerk_log_port(request_rec *r)
{
    clerk_log_port_t port = { r, log_call_of_request };

    return port;
}

clerk_log_port_t auth_clerk_log_server_port(server_rec *s)
{
    clerk_log_port_t port = { s, log_call_of_nobody };

    return port;
}

void auth_clerk_log_breaker(void *s, const clerk_gate_news_t *news)
{
    const char *url = news->call->url;
    int host = (int)(strcspn(url + strcspn(url, ":") + 3, "/")
                     + strcspn(url, ":") + 3);

    if (news->status == CLERK_OK) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, (server_rec *)s,
                     "Clerk at %.*s is back", host, url);
        return;
    }
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, (server_rec *)s,
                 "Clerk at %.*s is not asked for a while (reason=%s); the "
                 "next attempt is made in %d s",
                 host, url, clerk_status_info(news->status)->name,
                 news->retry_after);
}
