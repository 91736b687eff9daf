/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers as JSON; see mod_auth_clerk_status_forms.h. */
#include "mod_auth_clerk_status_forms.h"

#include <apr_strings.h>
#include <http_protocol.h>

/* An object being written; no name in it needs an escape. */
typedef struct writer_t {
    request_rec *r;
    const clerk_report_t *report;
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

/* A number, or a word in quotes. */
static void member(writer_t *w, const char *name, const char *value,
                   const char *quote)
{
    ap_rprintf(w->r, "%s\"%s\":%s%s%s", w->comma, name, quote, value, quote);
    w->comma = ",";
}

static void write_row(writer_t *w, const clerk_figure_t *figure,
                      const clerk_row_t *row)
{
    apr_pool_t *p = w->r->pool;
    int i;

    if (row->outer) {
        begin(w, row->outer);
    }
    for (i = 0; i < row->count; i++) {
        const clerk_cell_t *cell = &row->cells[i];

        member(w, cell->name, clerk_figures_text(p, figure, cell->value),
               figure->words ? "\"" : "");
    }
    if (figure->type == CLERK_FIGURE_HISTOGRAM) {
        member(w, "sum", clerk_figures_seconds(p, row->sum), "");
    }
    if (row->outer) {
        end(w);
    }
}

/* Is the figure in this object, or, with NULL, in none? */
static int is_in(const clerk_figure_t *figure, const char *object)
{
    return figure->object && object ? strcmp(figure->object, object) == 0
                                    : figure->object == object;
}

static void write_figures(writer_t *w, const clerk_tally_t *tally, int of)
{
    const clerk_figures_view_t view = { w->report, tally, .is_whole = 0 };
    const clerk_figure_t *figure;
    const char *object = NULL;
    clerk_row_t row;

    for (figure = clerk_figures; figure->help; figure++) {
        int at = 0;

        if (!(figure->of & of)) {
            continue;
        }
        if (!is_in(figure, object)) {
            if (object) {
                end(w);
            }
            object = figure->object;
            if (object) {
                begin(w, object);
            }
        }
        while (clerk_figures_next(&view, figure, &at, &row)) {
            write_row(w, figure, &row);
        }
    }
    if (object) {
        end(w);
    }
}

static void write_processes(writer_t *w)
{
    const apr_array_header_t *processes = w->report->processes;
    int i;

    ap_rprintf(w->r, "%s\"processes\":[", w->comma);
    w->comma = "";
    for (i = 0; i < processes->nelts; i++) {
        const clerk_tally_t *tally =
            &APR_ARRAY_IDX(processes, i, clerk_tally_t);

        begin(w, NULL);
        member(w, "pid", apr_itoa(w->r->pool, (int)tally->pid), "");
        write_figures(w, tally, CLERK_FIGURES_OF_EACH);
        end(w);
    }
    ap_rputs("]", w->r);
    w->comma = ",";
}

void auth_clerk_status_json_write(request_rec *r, const clerk_report_t *report)
{
    writer_t w = { r, report, "" };

    begin(&w, NULL);
    if (report) {
        begin(&w, "total");
        write_figures(&w, &report->total, CLERK_FIGURES_OF_ALL);
        end(&w);
        write_processes(&w);
        write_figures(&w, &report->total, CLERK_FIGURES_OF_SERVER);
    }
    ap_rputs("}\n", r);
}
