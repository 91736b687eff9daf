/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_gate.h"

#include <apr_strings.h>

#include "clerk_steady.h"

#define JSON "application/json"

static clerk_status_t refuse(clerk_answer_t *answer, clerk_status_t status,
                             apr_interval_time_t wait, const char *detail)
{
    memset(answer, 0, sizeof(*answer));
    answer->retry_after = clerk_steady_seconds_up(wait);
    answer->detail = detail;
    return status;
}

static clerk_status_t call_if_allowed(void *self, const clerk_call_t *call,
                                      apr_pool_t *p, clerk_answer_t *answer)
{
    const clerk_gate_needs_t *gate = self;
    clerk_breaker_t *breaker = clerk_breaker_find(gate->breakers, call->lane);
    apr_time_t now = clerk_steady_now();
    apr_interval_time_t wait;

    if (breaker && !clerk_breaker_admits(breaker, now, &wait)) {
        return refuse(answer, CLERK_CIRCUIT_OPEN, wait,
                      "Clerk has failed before, or said to stay away");
    }
    if (!clerk_rate_take(gate->rate, now, call->is_background, &wait)) {
        return refuse(answer, CLERK_RATE_EXCEEDED, wait,
                      "ClerkRateLimit allows no more calls now");
    }
    return gate->fetch.call(gate->fetch.self, call, p, answer);
}

/*
 * Nothing is learnt about Clerk from what the gate itself refused, nor from a
 * good answer that makes no sense: whoever has a token about which Clerk says
 * something strange could shut everybody else out.
 */
static int says_nothing(clerk_status_t status, const clerk_answer_t *answer)
{
    return status == CLERK_CIRCUIT_OPEN || status == CLERK_RATE_EXCEEDED
           || status == CLERK_ANSWER_TOO_LARGE
           || clerk_status_class(status) == CLERK_CLASS_INTERNAL
           || (status == CLERK_ANSWER_MALFORMED && answer->http == 200
               && answer->content_type
               && strncasecmp(answer->content_type, JSON, strlen(JSON)) == 0);
}

static void judge(void *self, const clerk_call_t *call, clerk_status_t status,
                  const clerk_answer_t *answer)
{
    const clerk_gate_needs_t *gate = self;
    clerk_breaker_t *breaker = clerk_breaker_find(gate->breakers, call->lane);
    clerk_gate_news_t news = { call, status, answer->retry_after };
    clerk_breaker_change_t change;
    apr_time_t now = clerk_steady_now();

    if (!breaker || says_nothing(status, answer)) {
        return;
    }
    if (clerk_status_class(status) != CLERK_CLASS_UPSTREAM) {
        /* That it refuses our credentials is no failure of Clerk's. */
        news.status = CLERK_OK;
        change = clerk_breaker_succeeded(breaker, now);
    }
    else if (status == CLERK_RATE_LIMITED && answer->retry_after > 0) {
        change = clerk_breaker_barred(
            breaker, apr_time_from_sec((apr_time_t)answer->retry_after), now);
    }
    else {
        news.retry_after = clerk_steady_seconds_up(CLERK_BREAKER_PERIOD);
        change = clerk_breaker_failed(breaker, now - answer->took, now);
    }
    if (change != CLERK_BREAKER_UNCHANGED && gate->tell) {
        gate->tell(gate->listener, &news);
    }
}

void clerk_gate_create(apr_pool_t *p, const clerk_gate_needs_t *needs,
                       clerk_fetch_port_t *port)
{
    port->self = apr_pmemdup(p, needs, sizeof(*needs));
    port->call = call_if_allowed;
    port->judge = judge;
}
