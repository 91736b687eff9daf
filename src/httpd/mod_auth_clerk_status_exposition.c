/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers in Prometheus's text exposition format, version 0.0.4; see
 * mod_auth_clerk_status_forms.h. */
#include "mod_auth_clerk_status_forms.h"

#include <apr_strings.h>
#include <http_protocol.h>

/* Samples of one metric; no label's value needs an escape. */
typedef struct writer_t {
    request_rec *r;
    const clerk_figure_t *figure;
    const char *metric;
    const char *labels; /* that each sample has: `pid="7",`, or nothing */
} writer_t;

static void begin_family(const writer_t *w, const char *by)
{
    static const char *const types[] = {
        [CLERK_FIGURE_COUNTER] = "counter",
        [CLERK_FIGURE_GAUGE] = "gauge",
        [CLERK_FIGURE_HISTOGRAM] = "histogram",
    };

    ap_rprintf(w->r, "# HELP %s %s%s.\n# TYPE %s %s\n", w->metric,
               w->figure->help, by, w->metric, types[w->figure->type]);
}

/* A label, and a comma. */
static const char *label(const writer_t *w, const clerk_dimension_t *by,
                         const char *name)
{
    return by ? apr_psprintf(w->r->pool, "%s=\"%s\",", by->label, name) : "";
}

static const char *labels_of(const writer_t *w, const clerk_row_t *row,
                             const clerk_cell_t *cell)
{
    return apr_pstrcat(w->r->pool, label(w, w->figure->outer, row->outer),
                       label(w, w->figure->inner, cell->name), NULL);
}

static void sample(const writer_t *w, const char *suffix, const char *labels,
                   const char *value)
{
    const char *all = apr_pstrcat(w->r->pool, w->labels, labels, NULL);

    if (*all) {
        /* without the last comma */
        ap_rprintf(w->r, "%s%s{%.*s} %s\n", w->metric, suffix,
                   (int)strlen(all) - 1, all, value);
    }
    else {
        ap_rprintf(w->r, "%s%s %s\n", w->metric, suffix, value);
    }
}

/* Each bucket has what is in those below it, too. */
static void write_histogram(const writer_t *w, const clerk_row_t *row)
{
    apr_pool_t *p = w->r->pool;
    const char *outer = label(w, w->figure->outer, row->outer);
    const char *count = "0";
    apr_int64_t sum = 0;
    int i;

    for (i = 0; i < row->count; i++) {
        const clerk_cell_t *cell = &row->cells[i];

        sum += cell->value;
        count = clerk_figures_text(p, w->figure, sum);
        sample(w, "_bucket", labels_of(w, row, cell), count);
    }
    sample(w, "_sum", outer, clerk_figures_seconds(p, row->sum));
    sample(w, "_count", outer, count);
}

static void write_row(const writer_t *w, const clerk_row_t *row)
{
    int i;

    for (i = 0; i < row->count; i++) {
        const clerk_cell_t *cell = &row->cells[i];

        sample(w, "", labels_of(w, row, cell),
               clerk_figures_text(w->r->pool, w->figure, cell->value));
    }
}

static void write_samples(const writer_t *w, const clerk_report_t *report,
                          const clerk_tally_t *tally)
{
    const clerk_figures_view_t view = { report, tally, .is_whole = 1 };
    clerk_row_t row;
    int at = 0;

    while (clerk_figures_next(&view, w->figure, &at, &row)) {
        if (w->figure->type == CLERK_FIGURE_HISTOGRAM) {
            write_histogram(w, &row);
        }
        else {
            write_row(w, &row);
        }
    }
}

static void write_total(request_rec *r, const clerk_figure_t *figure,
                        const clerk_report_t *report)
{
    const writer_t w = { r, figure, figure->metric, "" };

    begin_family(&w, "");
    write_samples(&w, report, &report->total);
}

static void write_processes(request_rec *r, const clerk_figure_t *figure,
                            const clerk_report_t *report)
{
    writer_t w = { r, figure, figure->process_metric, "" };
    int i;

    begin_family(&w, ", by process");
    for (i = 0; i < report->processes->nelts; i++) {
        const clerk_tally_t *tally =
            &APR_ARRAY_IDX(report->processes, i, clerk_tally_t);

        w.labels = apr_psprintf(r->pool, "pid=\"%u\",", tally->pid);
        write_samples(&w, report, tally);
    }
}

void auth_clerk_status_exposition_write(request_rec *r,
                                        const clerk_report_t *report)
{
    const clerk_figure_t *figure;

    for (figure = clerk_figures; report && figure->help; figure++) {
        if (figure->metric) {
            write_total(r, figure, report);
        }
        if (figure->process_metric) {
            write_processes(r, figure, report);
        }
    }
}
