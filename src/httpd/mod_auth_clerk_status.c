/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_status.h"

#include <http_protocol.h>
#include <http_request.h>

#include "clerk_steady.h"
#include "mod_auth_clerk_log.h"
#include "mod_auth_clerk_shared.h"

#define HANDLER "clerk-status"

/* Of this process; counts nowhere until it has a place. */
static clerk_counters_t nowhere;
static clerk_counters_t *counters = &nowhere;

clerk_pending_t *auth_clerk_status_open(clerk_shared_t *shared)
{
    static clerk_pending_t pending;
    clerk_counters_table_t *table = clerk_shared_counters(shared);
    clerk_counters_slot_t *slot = clerk_counters_open(table);

    counters = slot ? &slot->counters : &table->retired;
    return slot ? &slot->pending : &pending;
}

/* ------------------------------------------------------------------ */
/* Counting                                                           */

void auth_clerk_status_count_verdict(clerk_status_t status,
                                     const clerk_verdict_t *verdict)
{
    clerk_counters_add(&counters->verdicts[verdict->cache][status], 1);
    if (verdict->has_waited) {
        clerk_counters_add(&counters->waits, 1);
    }
}

static clerk_counters_end_t end_of(clerk_status_t status)
{
    if (status == CLERK_CIRCUIT_OPEN || status == CLERK_RATE_EXCEEDED) {
        return CLERK_COUNTERS_HELD;
    }
    return clerk_status_class(status) <= CLERK_CLASS_REJECT
               ? CLERK_COUNTERS_ANSWERED
               : CLERK_COUNTERS_FAILED;
}

void auth_clerk_status_count_call(const clerk_event_t *event)
{
    clerk_counters_endpoint_t endpoint =
        clerk_counters_endpoint(event->endpoint);

    clerk_counters_add(&counters->calls[endpoint][end_of(event->status)], 1);
    clerk_counters_add(&counters->call_us, (apr_uint64_t)event->answer->took);
}

void auth_clerk_status_count_refresh(void *unused, clerk_status_t status)
{
    clerk_counters_refresh_t outcome =
        status == CLERK_OK ? CLERK_COUNTERS_REFRESH_GOOD
        : clerk_status_class(status) == CLERK_CLASS_REJECT
            ? CLERK_COUNTERS_REFRESH_DEAD
            : CLERK_COUNTERS_REFRESH_FAILED;

    (void)unused;
    clerk_counters_add(&counters->refreshes[outcome], 1);
}

/* ------------------------------------------------------------------ */
/* Showing                                                            */

/* A JSON object being written; names are ours and need no escaping. */
typedef struct writer_t {
    request_rec *r;
    const char *comma; /* before the next member */
} writer_t;

static void begin(writer_t *w, const char *name)
{
    if (name) {
        ap_rprintf(w->r, "%s\"%s\":{", w->comma, name);
    }
    else {
        ap_rprintf(w->r, "%s{", w->comma);
    }
    w->comma = "";
}

static void end(writer_t *w)
{
    ap_rputs("}", w->r);
    w->comma = ",";
}

static void number(writer_t *w, const char *name, apr_uint64_t value)
{
    ap_rprintf(w->r, "%s\"%s\":%" APR_UINT64_T_FMT, w->comma, name, value);
    w->comma = ",";
}

static void text(writer_t *w, const char *name, const char *value)
{
    ap_rprintf(w->r, "%s\"%s\":\"%s\"", w->comma, name, value);
    w->comma = ",";
}

static void write_cache(writer_t *w, const clerk_counters_t *c)
{
    apr_uint64_t sums[CLERK_CACHE_USES] = { 0 };
    int use;
    int status;

    for (use = 0; use < CLERK_CACHE_USES; use++) {
        for (status = 0; status < CLERK_STATUS_COUNT; status++) {
            sums[use] += clerk_counters_read(&c->verdicts[use][status]);
        }
    }
    begin(w, "cache");
    number(w, "unused", sums[CLERK_CACHE_UNUSED]);
    number(w, "hits", sums[CLERK_CACHE_NEAR] + sums[CLERK_CACHE_HIT]);
    number(w, "near_hits", sums[CLERK_CACHE_NEAR]);
    number(w, "misses", sums[CLERK_CACHE_MISS]);
    number(w, "stale", sums[CLERK_CACHE_STALE]);
    end(w);
}

static void write_verdicts(writer_t *w, const clerk_counters_t *c)
{
    int use;
    int status;

    begin(w, "verifications");
    for (status = 0; status < CLERK_STATUS_COUNT; status++) {
        apr_uint64_t sum = 0;

        for (use = 0; use < CLERK_CACHE_USES; use++) {
            sum += clerk_counters_read(&c->verdicts[use][status]);
        }
        if (sum || status == CLERK_OK) {
            number(w, clerk_status_info((clerk_status_t)status)->name, sum);
        }
    }
    end(w);
}

static void write_calls(writer_t *w, const clerk_counters_t *c)
{
    static const char *const endpoints[CLERK_COUNTERS_ENDPOINTS] = {
        [CLERK_COUNTERS_TOKEN_INFO] = "token_info",
        [CLERK_COUNTERS_OAUTH_VERIFY] = "oauth_verify",
        [CLERK_COUNTERS_M2M_VERIFY] = "m2m_verify",
        [CLERK_COUNTERS_API_KEY_VERIFY] = "api_key_verify",
        [CLERK_COUNTERS_USERINFO] = "userinfo",
        [CLERK_COUNTERS_JWKS] = "jwks",
        [CLERK_COUNTERS_OTHER] = "other",
    };
    int i;

    begin(w, "calls");
    for (i = 0; i < CLERK_COUNTERS_ENDPOINTS; i++) {
        const apr_uint64_t *calls = c->calls[i];

        begin(w, endpoints[i]);
        number(w, "answered",
               clerk_counters_read(&calls[CLERK_COUNTERS_ANSWERED]));
        number(w, "failed", clerk_counters_read(&calls[CLERK_COUNTERS_FAILED]));
        number(w, "held", clerk_counters_read(&calls[CLERK_COUNTERS_HELD]));
        end(w);
    }
    end(w);
    number(w, "call_microseconds", clerk_counters_read(&c->call_us));
}

static void write_counters(writer_t *w, const clerk_counters_t *c)
{
    const apr_uint64_t *refreshes = c->refreshes;

    write_cache(w, c);
    write_verdicts(w, c);
    number(w, "waits", clerk_counters_read(&c->waits));
    write_calls(w, c);
    begin(w, "refreshes");
    number(w, "good",
           clerk_counters_read(&refreshes[CLERK_COUNTERS_REFRESH_GOOD]));
    number(w, "dead",
           clerk_counters_read(&refreshes[CLERK_COUNTERS_REFRESH_DEAD]));
    number(w, "failed",
           clerk_counters_read(&refreshes[CLERK_COUNTERS_REFRESH_FAILED]));
    end(w);
}

static void write_breaker(writer_t *w, clerk_shared_t *shared)
{
    int lanes;
    int open = clerk_breaker_count_open(clerk_shared_breakers(shared),
                                        clerk_steady_now(), &lanes);

    begin(w, "breaker");
    text(w, "state", open ? "open" : "closed");
    number(w, "open", (apr_uint64_t)open);
    number(w, "lanes", (apr_uint64_t)lanes);
    end(w);
}

static void write_processes(writer_t *w, const clerk_counters_table_t *table)
{
    int i;

    ap_rprintf(w->r, "%s\"processes\":[", w->comma);
    w->comma = "";
    for (i = 0; i < CLERK_COUNTERS_PROCESSES; i++) {
        const clerk_counters_slot_t *slot = &table->slots[i];

        if (clerk_counters_is_running(slot)) {
            begin(w, NULL);
            number(w, "pid", slot->pid);
            number(w, "pending", slot->pending.count);
            number(w, "max_pending", slot->pending.limit);
            write_counters(w, &slot->counters);
            end(w);
        }
    }
    ap_rputs("]", w->r);
    w->comma = ",";
}

static void write_total(writer_t *w, const clerk_counters_table_t *table)
{
    clerk_counters_t *total = apr_pcalloc(w->r->pool, sizeof(*total));
    apr_uint64_t pending = 0;
    int i;

    clerk_counters_sum(total, &table->retired);
    for (i = 0; i < CLERK_COUNTERS_PROCESSES; i++) {
        clerk_counters_sum(total, &table->slots[i].counters);
        if (clerk_counters_is_running(&table->slots[i])) {
            pending += table->slots[i].pending.count;
        }
    }
    begin(w, "total");
    number(w, "pending", pending);
    write_counters(w, total);
    end(w);
}

static int show(request_rec *r)
{
    clerk_shared_t *shared = auth_clerk_shared_memory();
    writer_t w = { r, "" };

    if (!r->handler || strcmp(r->handler, HANDLER) != 0) {
        return DECLINED;
    }
    ap_allow_methods(r, REPLACE_ALLOW, "GET", "HEAD", NULL);
    if (r->method_number != M_GET) {
        return HTTP_METHOD_NOT_ALLOWED;
    }
    ap_set_content_type(r, "application/json");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    if (r->header_only) {
        return OK;
    }
    begin(&w, NULL);
    if (shared) {
        write_total(&w, clerk_shared_counters(shared));
        write_processes(&w, clerk_shared_counters(shared));
        write_breaker(&w, shared);
    }
    ap_rputs("}\n", r);
    return OK;
}

void auth_clerk_status_register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_handler(show, NULL, NULL, APR_HOOK_MIDDLE);
}
