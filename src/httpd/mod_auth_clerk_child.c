/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_child.h"

#include <ap_mpm.h>

#include "clerk_background.h"
#include "clerk_curl.h"
#include "clerk_flight.h"
#include "clerk_gate.h"
#include "clerk_keyring.h"
#include "clerk_metadata.h"
#include "clerk_refresher.h"
#include "mod_auth_clerk_authn.h"
#include "mod_auth_clerk_cache.h"
#include "mod_auth_clerk_config.h"
#include "mod_auth_clerk_log.h"
#include "mod_auth_clerk_near.h"
#include "mod_auth_clerk_resource.h"
#include "mod_auth_clerk_shared.h"
#include "mod_auth_clerk_status.h"

#define USER_AGENT "mod_auth_clerk/" CLERK_VERSION

/* Of a child. */
static int count_threads(void)
{
    int threads;

    return ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads) == APR_SUCCESS
                   && threads > 0
               ? threads
               : 1;
}

static clerk_pending_t *open_pending(clerk_pending_t *pending, server_rec *s)
{
    const auth_clerk_server_conf_t *conf =
        ap_get_module_config(s->module_config, &auth_clerk_module);

    clerk_pending_init(pending, conf->max_pending, count_threads());
    return pending;
}

/* curl behind the gate. */
static clerk_status_t make_fetch(apr_pool_t *p, server_rec *s,
                                 clerk_fetch_port_t *fetch)
{
    clerk_shared_t *shared = auth_clerk_shared_memory();
    clerk_gate_needs_t gate = { .breakers = clerk_shared_breakers(shared),
                                .rate = clerk_shared_rate(shared),
                                .tell = auth_clerk_log_breaker,
                                .listener = s };
    clerk_curl_needs_t needs = { .user_agent = USER_AGENT,
                                 .threads = count_threads(),
                                 .trusts = auth_clerk_shared_trusts() };
    clerk_status_t status = clerk_curl_create(p, &needs, &gate.fetch);

    if (status == CLERK_OK) {
        clerk_gate_create(p, &gate, fetch);
    }
    return status;
}

static apr_status_t stop_background(void *data)
{
    clerk_background_stop(data);
    return APR_SUCCESS;
}

static void make_refresher(apr_pool_t *p, clerk_background_t *background,
                           clerk_ports_t *ports)
{
    clerk_refresher_needs_t needs = {
        .background = background,
        .claims = clerk_shared_claims(auth_clerk_shared_memory()),
        .ports = ports,
        .tell = auth_clerk_status_count_refresh,
    };

    if (background) {
        clerk_refresher_create(p, &needs, &ports->refresh);
    }
}

void auth_clerk_child_serve(apr_pool_t *p, apr_pool_t *pchild, server_rec *s)
{
    clerk_shared_t *shared = auth_clerk_shared_memory();
    clerk_ports_t ports = { .cache = auth_clerk_cache_port(p, s),
                            .now = apr_time_now };
    clerk_keyring_needs_t ring = { .cache = ports.cache };
    clerk_metadata_needs_t metadata = { .cache = ports.cache };
    clerk_counters_slot_t *place;
    clerk_background_t *background;
    clerk_metadata_t *copies;

    if (!shared) {
        return;
    }
    if (make_fetch(p, s, &ports.fetch) != CLERK_OK) {
        auth_clerk_log_start_fault(
            s, 0, "mod_auth_clerk: libcurl cannot be initialised");
        return;
    }
    ring.fetch = ports.fetch;
    ring.slots = clerk_shared_slots(shared);
    place = auth_clerk_status_open(shared);
    ring.pending = open_pending(&place->pending, s);
    ring.ages.places = &clerk_shared_counters(shared)->places;
    ring.ages.own = &place->ages;
    /* Without one (NULL) all work is done by those who need it. */
    if (clerk_background_create(p, &background) == CLERK_OK) {
        ring.background = metadata.background = background;
    }
    ring.log = ports.log = auth_clerk_log_server_port(s);
    metadata.fetch = ports.fetch;
    metadata.pending = ring.pending;
    metadata.log = ring.log;
    if (clerk_keyring_create(p, &ring, &ports.keys) != CLERK_OK
        || clerk_metadata_create(p, &metadata, &copies) != CLERK_OK
        || clerk_flight_create(p, ring.slots, ring.pending, &ports.flight)
               != CLERK_OK) {
        auth_clerk_log_start_fault(
            s, 0, "mod_auth_clerk: there is no memory for a child's work");
        return;
    }
    auth_clerk_near_serve(p, shared);
    /* A near cache belongs to a request; deaths are everybody's. */
    ports.near = auth_clerk_near_port(NULL);
    make_refresher(p, background, &ports);
    if (background) {
        /* The last one is called first: before anything goes that its work
         * uses. */
        apr_pool_pre_cleanup_register(pchild, background, stop_background);
    }
    auth_clerk_resource_serve(copies);
    auth_clerk_authn_serve(&ports);
}
