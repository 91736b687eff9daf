/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_report.h"

#include <string.h>

/* How long it takes to move a process's numbers, at most; and how often it is
 * waited for. */
#define MOVE apr_time_from_msec(1)
#define ATTEMPTS 8

/*
 * Sets of one URL that are fetched in different ways, through different
 * proxies say, are shown as one, which is as old as the oldest of them.
 */
static void read_names(clerk_report_t *report,
                       const clerk_ages_places_t *places)
{
    int i;
    int first;

    for (i = 0; i < CLERK_AGES_PLACES; i++) {
        const char *name = clerk_ages_name(places, i);

        for (first = 0; name && first < i; first++) {
            if (report->frontends[first]
                && strcmp(report->frontends[first], name) == 0) {
                break;
            }
        }
        report->shown_at[i] = name ? first : -1;
        report->frontends[i] = first == i ? name : NULL;
    }
}

static clerk_tally_t *begin(clerk_tally_t *tally)
{
    int i;

    memset(tally, 0, sizeof(*tally));
    for (i = 0; i < CLERK_AGES_PLACES; i++) {
        tally->ages[i] = -1;
    }
    return tally;
}

static void note_age(clerk_tally_t *tally, int place, apr_interval_time_t age)
{
    if (place >= 0 && age > tally->ages[place]) {
        tally->ages[place] = age;
    }
}

/* A process that runs: a tally of its own, and its part of what all have. */
static void add_process(clerk_report_t *report,
                        const clerk_counters_slot_t *slot, clerk_moment_t now)
{
    clerk_tally_t *tally = begin(apr_array_push(report->processes));
    int i;

    tally->pid = __atomic_load_n(&slot->pid, __ATOMIC_ACQUIRE);
    tally->pending = __atomic_load_n(&slot->pending.count, __ATOMIC_RELAXED);
    tally->max_pending = slot->pending.limit;
    clerk_counters_sum(&tally->counters, &slot->counters);
    for (i = 0; i < CLERK_AGES_PLACES; i++) {
        note_age(tally, report->shown_at[i],
                 clerk_ages_read(&slot->ages, i, now));
    }
    report->total.pending += tally->pending;
    clerk_counters_sum(&report->total.counters, &tally->counters);
    for (i = 0; i < CLERK_AGES_PLACES; i++) {
        note_age(&report->total, i, tally->ages[i]);
    }
}

static void read_tallies(clerk_report_t *report,
                         const clerk_counters_table_t *table,
                         clerk_moment_t now)
{
    clerk_counters_t *total = &begin(&report->total)->counters;
    int i;

    apr_array_clear(report->processes);
    clerk_counters_sum(total, &table->retired);
    for (i = 0; i < CLERK_COUNTERS_PROCESSES; i++) {
        const clerk_counters_slot_t *slot = &table->slots[i];

        if (clerk_counters_is_running(slot)) {
            add_process(report, slot, now);
        }
        else if (__atomic_load_n(&slot->pid, __ATOMIC_ACQUIRE)) {
            /* It has ended, and no other one has taken its place yet. */
            clerk_counters_sum(total, &slot->counters);
        }
    }
}

/*
 * Who compares a report with the one before takes it for a restart when a
 * counter goes back. A child that was killed while it moved numbers is no
 * reason to wait for ever.
 */
static void read_tallies_at_rest(clerk_report_t *report,
                                 clerk_counters_table_t *table,
                                 clerk_moment_t now)
{
    int i;

    for (i = 0; i < ATTEMPTS; i++) {
        apr_uint32_t moves = clerk_counters_begin(table);

        read_tallies(report, table, now);
        if (clerk_counters_is_still(table, moves)) {
            break;
        }
        apr_sleep(MOVE);
    }
}

clerk_report_t *clerk_report_make(apr_pool_t *p, clerk_shared_t *shared,
                                  clerk_moment_t now)
{
    clerk_counters_table_t *table = clerk_shared_counters(shared);
    clerk_report_t *report = apr_pcalloc(p, sizeof(*report));

    report->processes = apr_array_make(p, 16, sizeof(clerk_tally_t));
    read_names(report, &table->places);
    read_tallies_at_rest(report, table, now);
    report->breakers_open = clerk_breaker_count_open(
        clerk_shared_breakers(shared), now.steady, &report->breakers);
    return report;
}
