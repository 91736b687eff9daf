/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_refresher.h"

#include <string.h>

#include <apr_strings.h>

#include "clerk_steady.h"
#include "clerk_verify.h"

/* After a failure nobody tries again so soon. */
#define PAUSE apr_time_from_sec(1)

typedef struct refresher_t {
    clerk_refresher_needs_t needs;
    clerk_ports_t ports;
} refresher_t;

/* One token that is due. */
typedef struct errand_t {
    apr_pool_t *p; /* that all of it lies in */
    refresher_t *refresher;
    const clerk_terms_t *terms;
    clerk_token_t token;
    char *text; /* of the token, to be wiped */
    unsigned char key[CLERK_SHA256_BYTES];
} errand_t;

static errand_t *make_errand(const clerk_terms_t *terms,
                             const clerk_token_t *token,
                             const unsigned char *key)
{
    errand_t *errand;
    apr_pool_t *p;

    /* Without a parent: it goes from thread to thread. */
    if (apr_pool_create_unmanaged(&p) != APR_SUCCESS) {
        return NULL;
    }
    errand = apr_palloc(p, sizeof(*errand));
    errand->p = p;
    errand->terms = terms;
    errand->token = *token;
    errand->text = apr_pmemdup(p, token->text.ptr, token->text.len);
    errand->token.text.ptr = errand->text;
    memcpy(errand->key, key, sizeof(errand->key));
    return errand;
}

static void drop_errand(void *data)
{
    errand_t *errand = data;

    clerk_crypto_wipe(errand->text, errand->token.text.len);
    apr_pool_destroy(errand->p);
}

static void run_errand(void *data)
{
    errand_t *errand = data;
    const refresher_t *refresher = errand->refresher;
    clerk_status_t status = clerk_verify_again(&refresher->ports, errand->terms,
                                               &errand->token, errand->p);

    clerk_claim_drop(refresher->needs.claims, errand->key);
    if (clerk_status_class(status) > CLERK_CLASS_REJECT) {
        (void)clerk_claim_take(refresher->needs.claims, errand->key,
                               clerk_steady_now(), PAUSE);
    }
    if (refresher->needs.tell) {
        refresher->needs.tell(refresher->needs.listener, status);
    }
    drop_errand(errand);
}

static int send_out(refresher_t *refresher, errand_t *errand)
{
    const clerk_background_job_t job = { run_errand, drop_errand, errand,
                                         .is_urgent = 0 };

    errand->refresher = refresher;
    if (!clerk_background_offer(refresher->needs.background, &job)) {
        drop_errand(errand);
        return 0;
    }
    return 1;
}

static void offer(void *self, const clerk_terms_t *terms,
                  const clerk_token_t *token, const unsigned char *key)
{
    refresher_t *refresher = self;
    apr_interval_time_t length =
        apr_time_from_msec(2 * terms->realm.route.timeout_ms) + PAUSE;
    errand_t *errand;

    if (!clerk_claim_take(refresher->needs.claims, key, clerk_steady_now(),
                          length)) {
        return;
    }
    errand = make_errand(terms, token, key);
    if (!errand || !send_out(refresher, errand)) {
        clerk_claim_drop(refresher->needs.claims, key);
    }
}

void clerk_refresher_create(apr_pool_t *p, const clerk_refresher_needs_t *needs,
                            clerk_refresh_port_t *port)
{
    refresher_t *refresher = apr_pcalloc(p, sizeof(*refresher));

    refresher->needs = *needs;
    refresher->ports = *needs->ports;
    refresher->ports.give_up = clerk_background_give_up(needs->background);
    port->self = refresher;
    port->offer = offer;
}
