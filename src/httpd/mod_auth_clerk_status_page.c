/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers on the page of mod_status; see mod_auth_clerk_status_forms.h. */
#include "mod_auth_clerk_status_forms.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <mod_status.h>

#define SHOWN (CLERK_FIGURES_OF_ALL | CLERK_FIGURES_OF_SERVER)

/* Write one figure of a tally. */
typedef void write_fn(request_rec *r, const clerk_figures_view_t *view,
                      const clerk_figure_t *figure, const char *prefix);

/* ------------------------------------------------------------------ */
/* HTML                                                               */

static void write_row(request_rec *r, const clerk_figure_t *figure,
                      const clerk_row_t *row)
{
    const char *comma = "";
    int i;

    if (row->outer) {
        ap_rprintf(r, "<b>%s</b> ", row->outer);
    }
    for (i = 0; i < row->count; i++) {
        const clerk_cell_t *cell = &row->cells[i];
        const char *text = clerk_figures_text(r->pool, figure, cell->value);

        if (figure->inner) {
            ap_rprintf(r, "%s%s: %s", comma,
                       ap_escape_html(r->pool, cell->name), text);
        }
        else {
            ap_rputs(text, r);
        }
        comma = ", ";
    }
    if (figure->type == CLERK_FIGURE_HISTOGRAM) {
        ap_rprintf(r, ", sum: %s", clerk_figures_seconds(r->pool, row->sum));
    }
}

static void write_html(request_rec *r, const clerk_figures_view_t *view,
                       const clerk_figure_t *figure, const char *prefix)
{
    clerk_row_t row;
    int is_first = 1;
    int at = 0;

    while (clerk_figures_next(view, figure, &at, &row)) {
        if (is_first) {
            ap_rprintf(r, "<dt>%s%s</dt>\n", prefix, figure->help);
            is_first = 0;
        }
        ap_rputs("<dd>", r);
        write_row(r, figure, &row);
        ap_rputs("</dd>\n", r);
    }
}

/* ------------------------------------------------------------------ */
/* ?auto                                                              */

/* `token_info` as `TokenInfo`. */
static const char *in_camel_case(apr_pool_t *p, const char *name)
{
    char *camel = apr_palloc(p, strlen(name) + 1);
    char *to = camel;
    int is_first = 1;

    for (; *name; name++) {
        if (*name != '_') {
            *to++ = is_first ? (char)apr_toupper(*name) : *name;
        }
        is_first = *name == '_';
    }
    *to = '\0';
    return camel;
}

static const char *camel(apr_pool_t *p, const char *name)
{
    return name ? in_camel_case(p, name) : "";
}

/* Who reads it may take all up to the first colon for a name: a URL gets a
 * number, and a line that says whose it is. */
static const char *name_url(request_rec *r, const clerk_figure_t *figure,
                            const clerk_cell_t *cell, const char *begin)
{
    const char *name = apr_psprintf(r->pool, "%s[%d]", begin, cell->place);

    ap_rprintf(r, "%s%s: %s\n", name, camel(r->pool, figure->inner->label),
               cell->name);
    return name;
}

static void write_lines(request_rec *r, const clerk_figures_view_t *view,
                        const clerk_figure_t *figure, const char *prefix)
{
    apr_pool_t *p = r->pool;
    clerk_row_t row;
    int at = 0;
    int i;

    while (clerk_figures_next(view, figure, &at, &row)) {
        const char *begin = apr_pstrcat(p, prefix, camel(p, figure->object),
                                        camel(p, row.outer), NULL);

        for (i = 0; i < row.count; i++) {
            const clerk_cell_t *cell = &row.cells[i];
            const char *name =
                figure->inner && figure->inner->is_url
                    ? name_url(r, figure, cell, begin)
                    : apr_pstrcat(p, begin, camel(p, cell->name), NULL);

            ap_rprintf(r, "%s: %s\n", name,
                       clerk_figures_text(p, figure, cell->value));
        }
        if (figure->type == CLERK_FIGURE_HISTOGRAM) {
            ap_rprintf(r, "%sSum: %s\n", begin,
                       clerk_figures_seconds(p, row.sum));
        }
    }
}

/* ------------------------------------------------------------------ */

/* Of each process what the exposition has of each, too. */
static void write_processes(request_rec *r, const clerk_report_t *report,
                            write_fn *write, const char *const around_pid[2])
{
    const clerk_figure_t *figure;
    int i;

    for (i = 0; i < report->processes->nelts; i++) {
        clerk_figures_view_t view = { report, NULL, .is_whole = 0 };
        const char *prefix;

        view.tally = &APR_ARRAY_IDX(report->processes, i, clerk_tally_t);
        prefix = apr_psprintf(r->pool, "%s%u%s", around_pid[0], view.tally->pid,
                              around_pid[1]);
        for (figure = clerk_figures; figure->help; figure++) {
            if (figure->process_metric) {
                write(r, &view, figure, prefix);
            }
        }
    }
}

static void write_total(request_rec *r, const clerk_report_t *report,
                        write_fn *write, const char *prefix)
{
    const clerk_figures_view_t view = { report, &report->total, .is_whole = 0 };
    const clerk_figure_t *figure;

    for (figure = clerk_figures; figure->help; figure++) {
        if (figure->of & SHOWN) {
            write(r, &view, figure, prefix);
        }
    }
}

void auth_clerk_status_page_write(request_rec *r, const clerk_report_t *report,
                                  int flags)
{
    static const char *const in_line[] = { "ClerkProcess[", "]" };
    static const char *const in_html[] = { "Process ", ": " };

    if (!report) {
        return;
    }
    if (flags & AP_STATUS_SHORT) {
        write_total(r, report, write_lines, "Clerk");
        write_processes(r, report, write_lines, in_line);
        return;
    }
    ap_rputs("<hr />\n<h2>mod_auth_clerk</h2>\n<dl>\n", r);
    write_total(r, report, write_html, "");
    write_processes(r, report, write_html, in_html);
    ap_rputs("</dl>\n", r);
}
