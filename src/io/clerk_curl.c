/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_curl.h"

#include <string.h>

#include <apr_strings.h>

#include "clerk_handle.h"
#include "clerk_helper.h"
#include "clerk_lanes.h"
#include "clerk_steady.h"

typedef struct client_t {
    clerk_lanes_t *lanes; /* of caller_t */
    clerk_handle_needs_t needs;
    int has_helpers;
} client_t;

/* What makes calls, one at a time. A handle follows it. */
typedef struct caller_t {
    int is_warm;            /* it has made calls before */
    apr_pool_t *scratch;    /* for reading answers; NULL: not made yet */
    clerk_helper_t *helper; /* NULL: whoever calls does it */
} caller_t;

/* A call, for the helper. */
typedef struct errand_t {
    caller_t *caller;
    const client_t *client;
    clerk_handle_errand_t what;
    clerk_answer_t *answer;
    clerk_status_t status;
} errand_t;

static clerk_handle_t *handle_of(caller_t *caller)
{
    return (clerk_handle_t *)(void *)(caller + 1);
}

static void close_caller(void *data)
{
    caller_t *caller = data;

    clerk_helper_destroy(caller->helper);
    clerk_handle_close(handle_of(caller));
    if (caller->scratch) {
        apr_pool_destroy(caller->scratch);
    }
}

/*
 * On the thread that calls, and with memory that stays with the caller: what a
 * parser allocates in one thread and frees in another it never gets back.
 */
static clerk_status_t read_answer(caller_t *caller, const clerk_call_t *call,
                                  const clerk_answer_t *answer)
{
    if (!call->read) {
        return CLERK_OK;
    }
    if (!caller->scratch
        && apr_pool_create_unmanaged(&caller->scratch) != APR_SUCCESS) {
        return CLERK_INTERNAL;
    }
    call->read(call->reader, answer, caller->scratch);
    apr_pool_clear(caller->scratch);
    return CLERK_OK;
}

static void run(void *data)
{
    errand_t *errand = data;

    errand->status =
        clerk_handle_call(handle_of(errand->caller), &errand->client->needs,
                          &errand->what, errand->answer);
    if (errand->status == CLERK_OK) {
        errand->status =
            read_answer(errand->caller, errand->what.call, errand->answer);
    }
}

/* Without a helper it is done here, which takes more memory. */
static void have_it_run(errand_t *errand)
{
    caller_t *caller = errand->caller;

    if (!caller->is_warm && errand->client->has_helpers) {
        caller->helper = clerk_helper_create();
    }
    if (caller->helper) {
        clerk_helper_run(caller->helper, run, errand);
    }
    else {
        run(errand);
    }
}

static clerk_status_t fetch(void *self, const clerk_call_t *call, apr_pool_t *p,
                            clerk_answer_t *answer)
{
    const client_t *client = self;
    errand_t errand = { .client = client,
                        .what = { call, p, clerk_steady_now() },
                        .answer = answer,
                        .status = CLERK_INTERNAL };
    caller_t *caller = clerk_lanes_take(client->lanes, call->lane);
    apr_time_t began = clerk_steady_now();
    clerk_lanes_use_t use = { 0, 0 };

    memset(answer, 0, sizeof(*answer));
    if (!caller) {
        answer->detail = "there is no memory for a connection";
        return CLERK_INTERNAL;
    }
    errand.caller = caller;
    have_it_run(&errand);
    use.now = clerk_steady_now();
    use.took = caller->is_warm ? use.now - began : 0;
    answer->took = use.now - errand.what.started;
    caller->is_warm = 1;
    clerk_lanes_give(client->lanes, call->lane, caller, &use);
    return errand.status;
}

static apr_status_t close_library(void *data)
{
    (void)data;
    clerk_handle_close_library();
    return APR_SUCCESS;
}

const char *clerk_curl_system_anchors(void)
{
    return clerk_handle_system_anchors();
}

clerk_status_t clerk_curl_create(apr_pool_t *p, const clerk_curl_needs_t *needs,
                                 clerk_fetch_port_t *port)
{
    client_t *client = apr_pcalloc(p, sizeof(*client));

    memset(port, 0, sizeof(*port));
    if (!clerk_handle_open_library()) {
        return CLERK_INTERNAL;
    }
    /* Cleanups run last in, first out, and those of the lanes before all: the
     * handles go before the library. */
    apr_pool_cleanup_register(p, client, close_library, apr_pool_cleanup_null);
    client->lanes = clerk_lanes_create(p, sizeof(caller_t) + clerk_handle_size,
                                       close_caller);
    if (!client->lanes) {
        return CLERK_INTERNAL;
    }
    client->needs.trusts = needs->trusts;
    client->needs.user_agent = needs->user_agent;
    client->needs.agent_header =
        apr_pstrcat(p, "User-Agent: ", needs->user_agent, NULL);
    client->has_helpers = needs->threads > CLERK_LANES_FEW;
    port->self = client;
    port->call = fetch;
    return CLERK_OK;
}
