/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_figures.h: what the numbers of a report are called.
 *
 * Owns: the one table of all figures, from which each form of the status page
 * is written, so that none can lack one; and their values, row by row. Must
 * never know: the syntax of any form. Called by: the glue's forms.
 */
#ifndef CLERK_FIGURES_H
#define CLERK_FIGURES_H

#include "clerk_report.h"

/* Of whom there is such a figure. */
#define CLERK_FIGURES_OF_ALL 1    /* all processes together */
#define CLERK_FIGURES_OF_EACH 2   /* each process that runs */
#define CLERK_FIGURES_OF_SERVER 4 /* all that they share */

typedef enum clerk_figure_type_t {
    CLERK_FIGURE_COUNTER,
    CLERK_FIGURE_GAUGE,
    CLERK_FIGURE_HISTOGRAM /* of clerk_counters_spans, with a sum */
} clerk_figure_type_t;

/* What a figure is broken down by. */
typedef struct clerk_dimension_t {
    const char *label;
    int count;
    const char *const *names; /* or NULL: */
    /* NULL, the result: there is none in this place. */
    const char *(*name)(const clerk_report_t *report, int i);
    int is_url; /* the names are URLs, else words of ours */
} clerk_dimension_t;

typedef struct clerk_figure_t {
    const char *object; /* the JSON object that it stands in, or NULL */
    const char *member; /* its name there, where `inner` gives it none */
    const char *metric; /* its name in the exposition, or NULL */
    const char *process_metric; /* the same of each process, or NULL */
    const char *help;           /* for people; no full stop */
    clerk_figure_type_t type;
    int of;
    int is_time;   /* in microseconds; shown in seconds */
    int is_sparse; /* rows or names but the first are left out while they are
                    * 0, though not in the exposition */
    const char *const *words;       /* shown instead of 0, 1, …; or NULL */
    const clerk_dimension_t *outer; /* with `inner` only; or NULL */
    const clerk_dimension_t *inner; /* or NULL */
    /* The value; -1: there is none. */
    apr_int64_t (*read)(const clerk_report_t *report,
                        const clerk_tally_t *tally, int outer, int inner);
} clerk_figure_t;

/* Those of one JSON object stand together. Ended by one without `help`. */
extern const clerk_figure_t clerk_figures[];

/* Whose figures are read. */
typedef struct clerk_figures_view_t {
    const clerk_report_t *report;
    const clerk_tally_t *tally;
    int is_whole; /* nothing is left out for being 0 */
} clerk_figures_view_t;

#define CLERK_FIGURES_ROW CLERK_STATUS_COUNT /* the longest */

typedef struct clerk_cell_t {
    const char *name; /* of the inner dimension, or `member` */
    int place;        /* in it */
    apr_int64_t value;
} clerk_cell_t;

/* The values of a figure that have the same outer name. */
typedef struct clerk_row_t {
    const char *outer; /* NULL: without that dimension */
    int count;         /* at least 1 */
    clerk_cell_t cells[CLERK_FIGURES_ROW];
    apr_int64_t sum; /* of a histogram: microseconds */
} clerk_row_t;

/*
 * The next row of a figure that has anything in it; false when there is none
 * left. `at` is 0 for the first, and then left alone.
 */
int clerk_figures_next(const clerk_figures_view_t *view,
                       const clerk_figure_t *figure, int *at, clerk_row_t *row);

/* A value, as all forms show it: digits, or one of `words`. */
const char *clerk_figures_text(apr_pool_t *p, const clerk_figure_t *figure,
                               apr_int64_t value);

/* Microseconds, in seconds. */
const char *clerk_figures_seconds(apr_pool_t *p, apr_int64_t us);

#endif
