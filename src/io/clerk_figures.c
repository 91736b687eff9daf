/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_figures.h"

#include <apr_strings.h>

#define ALL CLERK_FIGURES_OF_ALL
#define EACH CLERK_FIGURES_OF_EACH
#define SERVER CLERK_FIGURES_OF_SERVER

_Static_assert((int)CLERK_FIGURES_ROW >= CLERK_AGES_PLACES
                   && (int)CLERK_FIGURES_ROW >= (int)CLERK_COUNTERS_ENDPOINTS
                   && (int)CLERK_FIGURES_ROW >= CLERK_COUNTERS_SPANS,
               "a row holds the longest dimension");

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* ------------------------------------------------------------------ */
/* What they are broken down by                                       */

/* Hits of the near cache are hits. */
static const struct {
    const char *name;
    clerk_cache_use_t uses[2];
} cache_uses[] = {
    { "unused", { CLERK_CACHE_UNUSED, CLERK_CACHE_USES } },
    { "hits", { CLERK_CACHE_HIT, CLERK_CACHE_NEAR } },
    { "misses", { CLERK_CACHE_MISS, CLERK_CACHE_USES } },
    { "stale", { CLERK_CACHE_STALE, CLERK_CACHE_USES } },
};

static const char *name_use(const clerk_report_t *report, int i)
{
    (void)report;
    return cache_uses[i].name;
}

static const char *name_outcome(const clerk_report_t *report, int i)
{
    (void)report;
    return clerk_status_info((clerk_status_t)i)->name;
}

static const char *name_span(const clerk_report_t *report, int i)
{
    (void)report;
    return clerk_counters_spans[i].seconds;
}

static const char *name_frontend(const clerk_report_t *report, int i)
{
    return report->frontends[i];
}

static const char *const endpoints[CLERK_COUNTERS_ENDPOINTS] = {
    [CLERK_COUNTERS_TOKEN_INFO] = "token_info",
    [CLERK_COUNTERS_OAUTH_VERIFY] = "oauth_verify",
    [CLERK_COUNTERS_M2M_VERIFY] = "m2m_verify",
    [CLERK_COUNTERS_API_KEY_VERIFY] = "api_key_verify",
    [CLERK_COUNTERS_USERINFO] = "userinfo",
    [CLERK_COUNTERS_JWKS] = "jwks",
    [CLERK_COUNTERS_OTHER] = "other",
};
static const char *const ends[CLERK_COUNTERS_ENDS] = {
    [CLERK_COUNTERS_ANSWERED] = "answered",
    [CLERK_COUNTERS_FAILED] = "failed",
    [CLERK_COUNTERS_HELD] = "held",
};
static const char *const refreshes[CLERK_COUNTERS_REFRESHES] = {
    [CLERK_COUNTERS_REFRESH_GOOD] = "good",
    [CLERK_COUNTERS_REFRESH_DEAD] = "dead",
    [CLERK_COUNTERS_REFRESH_FAILED] = "failed",
};

static const clerk_dimension_t by_use = {
    .label = "result",
    .count = COUNT(cache_uses),
    .name = name_use,
};
static const clerk_dimension_t by_outcome = {
    .label = "outcome",
    .count = CLERK_STATUS_COUNT,
    .name = name_outcome,
};
static const clerk_dimension_t by_endpoint = {
    .label = "endpoint",
    .count = CLERK_COUNTERS_ENDPOINTS,
    .names = endpoints,
};
static const clerk_dimension_t by_end = {
    .label = "result",
    .count = CLERK_COUNTERS_ENDS,
    .names = ends,
};
static const clerk_dimension_t by_span = {
    .label = "le",
    .count = CLERK_COUNTERS_SPANS,
    .name = name_span,
};
static const clerk_dimension_t by_refresh = {
    .label = "outcome",
    .count = CLERK_COUNTERS_REFRESHES,
    .names = refreshes,
};
static const clerk_dimension_t by_frontend = {
    .label = "frontend_api",
    .count = CLERK_AGES_PLACES,
    .name = name_frontend,
    .is_url = 1,
};
/* A figure of one number. */
static const clerk_dimension_t by_nothing = { .count = 1 };

/* ------------------------------------------------------------------ */
/* Where their values stand                                           */

/* A figure's `read`, by the expression that is its value. */
#define READ(name, value) \
    static apr_int64_t name(const clerk_report_t *report, \
                            const clerk_tally_t *tally, int outer, int inner) \
    { \
        (void)report; \
        (void)tally; \
        (void)outer; \
        (void)inner; \
        return (apr_int64_t)(value); \
    }

static apr_uint64_t sum_of_use(const clerk_tally_t *tally, int use)
{
    apr_uint64_t sum = 0;
    int i;

    for (i = 0; use < CLERK_CACHE_USES && i < CLERK_STATUS_COUNT; i++) {
        sum += tally->counters.verdicts[use][i];
    }
    return sum;
}

static apr_uint64_t sum_of_status(const clerk_tally_t *tally, int status)
{
    apr_uint64_t sum = 0;
    int i;

    for (i = 0; i < CLERK_CACHE_USES; i++) {
        sum += tally->counters.verdicts[i][status];
    }
    return sum;
}

static apr_uint64_t sum_of_times(const clerk_tally_t *tally)
{
    apr_uint64_t sum = 0;
    int i;

    for (i = 0; i < CLERK_COUNTERS_ENDPOINTS; i++) {
        sum += tally->counters.call_us[i];
    }
    return sum;
}

READ(read_pending, tally->pending)
READ(read_max_pending, tally->max_pending)
READ(read_use, sum_of_use(tally, (int)cache_uses[inner].uses[0])
                   + sum_of_use(tally, (int)cache_uses[inner].uses[1]))
READ(read_near, sum_of_use(tally, CLERK_CACHE_NEAR))
READ(read_outcome, sum_of_status(tally, inner))
READ(read_waits, tally->counters.waits)
READ(read_call, tally->counters.calls[outer][inner])
READ(read_call_us, sum_of_times(tally))
READ(read_span, tally->counters.spans[outer][inner])
READ(read_refresh, tally->counters.refreshes[inner])
READ(read_age, tally->ages[inner])
READ(read_breakers, report->breakers)
READ(read_breakers_open, report->breakers_open)
READ(read_breaker_state, report->breakers_open != 0)

/* ------------------------------------------------------------------ */
/* All of them                                                        */

static const char *const breaker_states[] = { "closed", "open" };

const clerk_figure_t clerk_figures[] = {
    {
        .member = "pending",
        .metric = "clerk_pending_requests",
        .process_metric = "clerk_process_pending_requests",
        .help = "Requests that wait for Clerk now",
        .type = CLERK_FIGURE_GAUGE,
        .of = ALL | EACH,
        .read = read_pending,
    },
    {
        .member = "max_pending",
        .process_metric = "clerk_process_pending_requests_limit",
        .help = "Requests of one process that may wait for Clerk at a time",
        .type = CLERK_FIGURE_GAUGE,
        .of = EACH,
        .read = read_max_pending,
    },
    {
        .object = "cache",
        .metric = "clerk_cache_results_total",
        .help = "Verifications, by what was in the cache",
        .of = ALL | EACH,
        .inner = &by_use,
        .read = read_use,
    },
    {
        .object = "cache",
        .member = "near_hits",
        .metric = "clerk_near_cache_hits_total",
        .help = "Hits that the cache of the process itself had",
        .of = ALL | EACH,
        .read = read_near,
    },
    {
        .object = "verifications",
        .metric = "clerk_verifications_total",
        .help = "Verifications, by what came of them",
        .of = ALL | EACH,
        .is_sparse = 1,
        .inner = &by_outcome,
        .read = read_outcome,
    },
    {
        .member = "waits",
        .metric = "clerk_collapsed_waits_total",
        .help = "Verifications that waited for the result of another one",
        .of = ALL | EACH,
        .read = read_waits,
    },
    {
        .object = "calls",
        .metric = "clerk_calls_total",
        .help = "Calls to Clerk, by endpoint and how they ended",
        .of = ALL | EACH,
        .outer = &by_endpoint,
        .inner = &by_end,
        .read = read_call,
    },
    /* In the exposition it is the sum of the next one's sums. */
    {
        .member = "call_microseconds",
        .help = "Time that calls to Clerk took together, in microseconds",
        .of = ALL | EACH,
        .read = read_call_us,
    },
    {
        .object = "call_seconds",
        .metric = "clerk_call_duration_seconds",
        .help = "Calls that were made, by endpoint and how many seconds they "
                "took at most",
        .type = CLERK_FIGURE_HISTOGRAM,
        .of = ALL | EACH,
        .is_sparse = 1,
        .outer = &by_endpoint,
        .inner = &by_span,
        .read = read_span,
    },
    {
        .object = "refreshes",
        .metric = "clerk_refreshes_total",
        .help = "Tokens verified again in the background, by what came of it",
        .of = ALL | EACH,
        .inner = &by_refresh,
        .read = read_refresh,
    },
    {
        .object = "key_set_age_seconds",
        .metric = "clerk_key_set_age_seconds",
        .process_metric = "clerk_process_key_set_age_seconds",
        .help = "Age of the key set in use in seconds; in all, of the oldest",
        .type = CLERK_FIGURE_GAUGE,
        .of = ALL | EACH,
        .is_time = 1,
        .inner = &by_frontend,
        .read = read_age,
    },
    /* In the exposition it is whether the next one is 0. */
    {
        .object = "breaker",
        .member = "state",
        .help = "State of the breakers: open when any of them is",
        .type = CLERK_FIGURE_GAUGE,
        .of = SERVER,
        .words = breaker_states,
        .read = read_breaker_state,
    },
    {
        .object = "breaker",
        .member = "open",
        .metric = "clerk_breakers_open",
        .help = "Breakers that are open",
        .type = CLERK_FIGURE_GAUGE,
        .of = SERVER,
        .read = read_breakers_open,
    },
    {
        .object = "breaker",
        .member = "lanes",
        .metric = "clerk_breakers",
        .help = "Breakers, open or not",
        .type = CLERK_FIGURE_GAUGE,
        .of = SERVER,
        .read = read_breakers,
    },
    { .help = NULL },
};

/* ------------------------------------------------------------------ */
/* Reading them                                                       */

static const char *name_of(const clerk_dimension_t *by,
                           const clerk_report_t *report, int i)
{
    if (by->names) {
        return by->names[i];
    }
    return by->name ? by->name(report, i) : NULL;
}

static int is_left_out(const clerk_figures_view_t *view,
                       const clerk_figure_t *figure, int i)
{
    return figure->is_sparse && !view->is_whole && i > 0;
}

/* The cells of a row; true when any of them is more than 0. */
static int fill(const clerk_figures_view_t *view, const clerk_figure_t *figure,
                int outer, clerk_row_t *row)
{
    const clerk_dimension_t *by = figure->inner ? figure->inner : &by_nothing;
    int is_any = 0;
    int i;

    row->count = 0;
    for (i = 0; i < by->count; i++) {
        clerk_cell_t *cell = &row->cells[row->count];

        cell->name =
            figure->inner ? name_of(by, view->report, i) : figure->member;
        cell->place = i;
        cell->value = figure->read(view->report, view->tally, outer, i);
        if (cell->name && cell->value >= 0
            && (cell->value || figure->outer
                || !is_left_out(view, figure, i))) {
            row->count++;
            is_any |= cell->value > 0;
        }
    }
    return is_any;
}

int clerk_figures_next(const clerk_figures_view_t *view,
                       const clerk_figure_t *figure, int *at, clerk_row_t *row)
{
    const clerk_dimension_t *by = figure->outer ? figure->outer : &by_nothing;

    while (*at < by->count) {
        int i = (*at)++;
        int is_any = fill(view, figure, i, row);

        if (row->count && (is_any || !is_left_out(view, figure, i))) {
            row->outer = name_of(by, view->report, i);
            row->sum = figure->type == CLERK_FIGURE_HISTOGRAM
                           ? (apr_int64_t)view->tally->counters.call_us[i]
                           : 0;
            return 1;
        }
    }
    return 0;
}

const char *clerk_figures_seconds(apr_pool_t *p, apr_int64_t us)
{
    return apr_psprintf(p, "%" APR_INT64_T_FMT ".%06d", us / APR_USEC_PER_SEC,
                        (int)(us % APR_USEC_PER_SEC));
}

const char *clerk_figures_text(apr_pool_t *p, const clerk_figure_t *figure,
                               apr_int64_t value)
{
    if (figure->words) {
        return figure->words[value];
    }
    return figure->is_time ? clerk_figures_seconds(p, value)
                           : apr_psprintf(p, "%" APR_INT64_T_FMT, value);
}
