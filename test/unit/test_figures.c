/* SPDX-License-Identifier: Apache-2.0 */
/* The table of figures keeps the rules of the forms that are made of it, and
 * rows have in them what they should. */
#include "unit.h"

#include "clerk_figures.h"

#define ADD(counter, number) clerk_counters_add(&(counter), number)

static clerk_report_t *report_of(apr_pool_t *p)
{
    clerk_shared_t *shared;

    assert_int_equal(clerk_shared_create(p, &shared), CLERK_OK);
    return clerk_report_make(p, shared, clerk_steady_moment());
}

static const clerk_figure_t *find(const char *object, const char *member)
{
    const clerk_figure_t *figure;

    for (figure = clerk_figures; figure->help; figure++) {
        if (unit_same(figure->object, object)
            && unit_same(figure->member, member)) {
            return figure;
        }
    }
    fail_msg("there is no figure %s", object ? object : member);
    return NULL;
}

static int ends_with(const char *text, const char *end)
{
    apr_size_t length = strlen(text);

    return length >= strlen(end)
           && strcmp(text + length - strlen(end), end) == 0;
}

/* Prometheus's: letters, digits and `_`, a prefix, base units. */
static void check_metric(const char *metric, clerk_figure_type_t type)
{
    UNIT_CHECK(metric, strncmp(metric, "clerk_", 6) == 0);
    UNIT_CHECK(metric,
               strspn(metric, "abcdefghijklmnopqrstuvwxyz_") == strlen(metric));
    UNIT_CHECK(metric,
               ends_with(metric, "_total") == (type == CLERK_FIGURE_COUNTER));
    UNIT_CHECK(metric,
               ends_with(metric, "_seconds") || !strstr(metric, "second"));
}

static void metrics_have_names_that_prometheus_takes(void **state)
{
    const clerk_figure_t *figure;

    (void)state;
    for (figure = clerk_figures; figure->help; figure++) {
        UNIT_CHECK(figure->help, !strpbrk(figure->help, "\\\n<>&"));
        UNIT_CHECK(figure->help, !figure->metric || !figure->words);
        if (figure->metric) {
            check_metric(figure->metric, figure->type);
            UNIT_CHECK(figure->metric, figure->of != CLERK_FIGURES_OF_EACH);
        }
        if (figure->process_metric) {
            check_metric(figure->process_metric, figure->type);
            UNIT_CHECK(figure->process_metric,
                       figure->of & CLERK_FIGURES_OF_EACH);
            UNIT_CHECK(figure->process_metric,
                       strncmp(figure->process_metric, "clerk_process_", 14)
                           == 0);
        }
    }
}

static void no_two_figures_have_one_name(void **state)
{
    const clerk_figure_t *one;
    const clerk_figure_t *other;

    (void)state;
    for (one = clerk_figures; one->help; one++) {
        UNIT_CHECK(one->help, one->member || one->inner);
        UNIT_CHECK(one->help, one->inner || !one->outer);
        UNIT_CHECK(one->help, one->object || !one->inner);
        for (other = one + 1; other->help; other++) {
            UNIT_CHECK(one->help, !one->metric || !other->metric
                                      || strcmp(one->metric, other->metric));
            UNIT_CHECK(one->help,
                       !unit_same(one->object, other->object)
                           || !unit_same(one->member, other->member));
            UNIT_CHECK(one->help, strcmp(one->help, other->help) != 0);
        }
    }
}

/* Once left, an object is not written again. */
static void figures_of_one_object_stand_together(void **state)
{
    const clerk_figure_t *figure;
    const clerk_figure_t *later;

    (void)state;
    for (figure = clerk_figures; figure->help; figure++) {
        if (!figure->object || unit_same(figure->object, figure[1].object)) {
            continue;
        }
        for (later = figure + 1; later->help; later++) {
            UNIT_CHECK(figure->object,
                       !unit_same(figure->object, later->object));
        }
    }
}

static void every_name_can_stand_in_quotes(void **state)
{
    clerk_report_t *report = report_of(*state);
    const clerk_figures_view_t view = { report, &report->total, 1 };
    const clerk_figure_t *figure;
    clerk_row_t row;
    int i;

    for (figure = clerk_figures; figure->help; figure++) {
        int at = 0;

        while (clerk_figures_next(&view, figure, &at, &row)) {
            UNIT_CHECK(figure->help, !figure->outer == !row.outer);
            for (i = 0; i < row.count; i++) {
                const char *name = row.cells[i].name;

                UNIT_CHECK(figure->help, row.cells[i].value == 0);
                UNIT_CHECK(name, *name && !strpbrk(name, "\"\\\n<>& "));
            }
        }
    }
}

/* `name=value;…` of all rows, as a form would see them. */
static const char *rows_of(apr_pool_t *p, const clerk_report_t *report,
                           const clerk_figure_t *figure, int is_whole)
{
    const clerk_figures_view_t view = { report, &report->total, is_whole };
    const char *text = "";
    clerk_row_t row;
    int at = 0;
    int i;

    while (clerk_figures_next(&view, figure, &at, &row)) {
        text = apr_pstrcat(p, text, row.outer ? row.outer : "",
                           row.outer ? ":" : "", NULL);
        for (i = 0; i < row.count; i++) {
            text = apr_pstrcat(
                p, text, row.cells[i].name, "=",
                clerk_figures_text(p, figure, row.cells[i].value), ";", NULL);
        }
    }
    return text;
}

static void hits_of_the_near_cache_are_hits(void **state)
{
    clerk_report_t *report = report_of(*state);
    clerk_counters_t *counters = &report->total.counters;

    ADD(counters->verdicts[CLERK_CACHE_NEAR][CLERK_OK], 100);
    ADD(counters->verdicts[CLERK_CACHE_HIT][CLERK_OK], 10);
    ADD(counters->verdicts[CLERK_CACHE_HIT][CLERK_TOKEN_INACTIVE], 1);
    ADD(counters->verdicts[CLERK_CACHE_MISS][CLERK_TOKEN_INACTIVE], 2);
    ADD(counters->verdicts[CLERK_CACHE_UNUSED][CLERK_KIND_UNKNOWN], 3);
    ADD(counters->verdicts[CLERK_CACHE_STALE][CLERK_OK], 4);
    UNIT_SAME("cache", rows_of(*state, report, find("cache", NULL), 0),
              "unused=3;hits=111;misses=2;stale=4;");
    UNIT_SAME("near", rows_of(*state, report, find("cache", "near_hits"), 0),
              "near_hits=100;");
    UNIT_SAME("outcomes",
              rows_of(*state, report, find("verifications", NULL), 0),
              "ok=114;kind_unknown=3;token_inactive=3;");
}

static void what_is_0_may_be_left_out_but_for_the_first(void **state)
{
    clerk_report_t *report = report_of(*state);
    const clerk_figure_t *outcomes = find("verifications", NULL);
    const clerk_figure_t *spans = find("call_seconds", NULL);
    const char *whole = rows_of(*state, report, outcomes, 1);
    const char *text;
    int count = 0;

    UNIT_SAME("outcomes", rows_of(*state, report, outcomes, 0), "ok=0;");
    for (; (whole = strchr(whole, ';')); whole++) {
        count++;
    }
    assert_int_equal(count, CLERK_STATUS_COUNT);
    clerk_counters_time(&report->total.counters, CLERK_COUNTERS_JWKS, 6000);
    text = rows_of(*state, report, spans, 0);
    assert_non_null(strstr(text, "token_info:0.005=0;0.01=0;"));
    assert_non_null(strstr(text, "+Inf=0;jwks:0.005=0;0.01=1;0.025=0;"));
    assert_null(strstr(text, "userinfo"));
    assert_non_null(strstr(rows_of(*state, report, spans, 1), "userinfo"));
}

static void times_of_calls_have_sums(void **state)
{
    clerk_report_t *report = report_of(*state);
    const clerk_figures_view_t view = { report, &report->total, 1 };
    clerk_row_t row;
    int at = CLERK_COUNTERS_USERINFO;

    clerk_counters_time(&report->total.counters, CLERK_COUNTERS_USERINFO, 6);
    clerk_counters_time(&report->total.counters, CLERK_COUNTERS_USERINFO, 7);
    clerk_counters_time(&report->total.counters, CLERK_COUNTERS_JWKS, 100);
    assert_true(
        clerk_figures_next(&view, find("call_seconds", NULL), &at, &row));
    UNIT_SAME("endpoint", row.outer, "userinfo");
    assert_int_equal(row.sum, 13);
    UNIT_SAME("all",
              rows_of(*state, report, find(NULL, "call_microseconds"), 0),
              "call_microseconds=113;");
}

static void ages_are_those_of_sets_that_are_there(void **state)
{
    clerk_report_t *report = report_of(*state);
    const clerk_figure_t *ages = find("key_set_age_seconds", NULL);

    UNIT_SAME("none", rows_of(*state, report, ages, 1), "");
    report->frontends[0] = "https://one.test";
    report->frontends[2] = "https://two.test";
    report->total.ages[2] = 61000007;
    UNIT_SAME("one", rows_of(*state, report, ages, 1),
              "https://two.test=61.000007;");
}

static void a_state_is_a_word(void **state)
{
    clerk_report_t *report = report_of(*state);
    const clerk_figure_t *breaker = find("breaker", "state");

    UNIT_SAME("closed", rows_of(*state, report, breaker, 0), "state=closed;");
    report->breakers_open = 3;
    UNIT_SAME("open", rows_of(*state, report, breaker, 0), "state=open;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(metrics_have_names_that_prometheus_takes),
        UNIT_TEST(no_two_figures_have_one_name),
        UNIT_TEST(figures_of_one_object_stand_together),
        UNIT_TEST(every_name_can_stand_in_quotes),
        UNIT_TEST(hits_of_the_near_cache_are_hits),
        UNIT_TEST(what_is_0_may_be_left_out_but_for_the_first),
        UNIT_TEST(times_of_calls_have_sums),
        UNIT_TEST(ages_are_those_of_sets_that_are_there),
        UNIT_TEST(a_state_is_a_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
