/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_status.h"

#include <http_protocol.h>
#include <http_request.h>
#include <mod_status.h>
#include <util_script.h>

#include "clerk_steady.h"
#include "mod_auth_clerk_shared.h"
#include "mod_auth_clerk_status_forms.h"

#define HANDLER "clerk-status"

/* Of this process where it has no place among those of all: what is not a
 * counter is then not to be seen. */
static clerk_counters_slot_t nowhere;
static clerk_counters_t *counters = &nowhere.counters;

clerk_counters_slot_t *auth_clerk_status_open(clerk_shared_t *shared)
{
    clerk_counters_table_t *table = clerk_shared_counters(shared);
    clerk_counters_slot_t *slot = clerk_counters_open(table);

    counters = slot ? &slot->counters : &table->retired;
    return slot ? slot : &nowhere;
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
    clerk_counters_end_t end = end_of(event->status);

    clerk_counters_add(&counters->calls[endpoint][end], 1);
    if (end != CLERK_COUNTERS_HELD) {
        clerk_counters_time(counters, endpoint, event->answer->took);
    }
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

typedef struct form_t {
    const char *name; /* of `?format=` */
    const char *content_type;
    void (*write)(request_rec *r, const clerk_report_t *report);
} form_t;

static const form_t forms[] = {
    { "json", "application/json", auth_clerk_status_json_write },
    { "prometheus", "text/plain; version=0.0.4; charset=utf-8",
      auth_clerk_status_exposition_write },
};

/* The form that is asked for; NULL: there is no such form. */
static const form_t *find_form(request_rec *r)
{
    apr_table_t *arguments;
    const char *name;
    int i;

    ap_args_to_table(r, &arguments);
    name = apr_table_get(arguments, "format");
    for (i = 0; i < (int)(sizeof(forms) / sizeof(forms[0])); i++) {
        if (!name || strcmp(name, forms[i].name) == 0) {
            return &forms[i];
        }
    }
    return NULL;
}

static void refuse_format(request_rec *r, const clerk_report_t *unused)
{
    (void)unused;
    r->status = HTTP_BAD_REQUEST;
    ap_rputs("format has to be json or prometheus\n", r);
}

/* NULL: there is nothing to tell. */
static const clerk_report_t *make_report(request_rec *r)
{
    clerk_shared_t *shared = auth_clerk_shared_memory();

    return shared ? clerk_report_make(r->pool, shared, clerk_steady_moment())
                  : NULL;
}

static int show(request_rec *r)
{
    static const form_t refusal = { NULL, "text/plain", refuse_format };
    const form_t *form;

    if (!r->handler || strcmp(r->handler, HANDLER) != 0) {
        return DECLINED;
    }
    ap_allow_methods(r, REPLACE_ALLOW, "GET", "HEAD", NULL);
    if (r->method_number != M_GET) {
        return HTTP_METHOD_NOT_ALLOWED;
    }
    form = find_form(r);
    if (!form) {
        form = &refusal;
    }
    ap_set_content_type(r, form->content_type);
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    form->write(r, make_report(r));
    return OK;
}

/* mod_status's hook, which is there whether or not that module is. */
static int show_on_page(request_rec *r, int flags)
{
    auth_clerk_status_page_write(r, make_report(r), flags);
    return OK;
}

void auth_clerk_status_register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_handler(show, NULL, NULL, APR_HOOK_MIDDLE);
    APR_OPTIONAL_HOOK(ap, status_hook, show_on_page, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
