/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_refresher.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include "clerk_steady.h"
#include "clerk_verify.h"

#define QUEUE 256
#define THREADS 8
/* After a failure nobody tries again so soon. */
#define PAUSE apr_time_from_sec(1)

/* One token that is due. */
typedef struct errand_t {
    apr_pool_t *p; /* that all of it lies in */
    const clerk_terms_t *terms;
    clerk_token_t token;
    char *text; /* of the token, to be wiped */
    unsigned char key[CLERK_SHA256_BYTES];
} errand_t;

struct clerk_refresher_t {
    apr_pool_t *p; /* of the threads */
    clerk_refresher_needs_t needs;
    clerk_ports_t ports;
    apr_uint32_t is_stopping;
    apr_thread_mutex_t *mutex; /* guards what follows, and `p` */
    apr_thread_cond_t *work;
    errand_t *queue[QUEUE];
    int first;
    int length;
    int idle; /* threads that wait for work */
    int count;
    apr_thread_t *threads[THREADS];
};

/* ------------------------------------------------------------------ */
/* Errands                                                            */

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

static void drop_errand(errand_t *errand)
{
    clerk_crypto_wipe(errand->text, errand->token.text.len);
    apr_pool_destroy(errand->p);
}

static void run_errand(clerk_refresher_t *refresher, errand_t *errand)
{
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

/* ------------------------------------------------------------------ */
/* Threads                                                            */

static int is_stopping(clerk_refresher_t *refresher)
{
    return __atomic_load_n(&refresher->is_stopping, __ATOMIC_ACQUIRE) != 0;
}

/* The next errand; NULL: it is time to end. With the mutex held. */
static errand_t *next_errand(clerk_refresher_t *refresher)
{
    errand_t *errand;

    refresher->idle++;
    while (!refresher->length && !is_stopping(refresher)) {
        (void)apr_thread_cond_wait(refresher->work, refresher->mutex);
    }
    refresher->idle--;
    if (is_stopping(refresher)) {
        return NULL;
    }
    errand = refresher->queue[refresher->first];
    refresher->first = (refresher->first + 1) % QUEUE;
    refresher->length--;
    return errand;
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    clerk_refresher_t *refresher = data;
    errand_t *errand;

    (void)thread;
    for (;;) {
        apr_thread_mutex_lock(refresher->mutex);
        errand = next_errand(refresher);
        apr_thread_mutex_unlock(refresher->mutex);
        if (!errand) {
            return NULL;
        }
        run_errand(refresher, errand);
    }
}

/* One more thread where all others are busy. With the mutex held. */
static void see_to_threads(clerk_refresher_t *refresher)
{
    if (refresher->idle >= refresher->length || refresher->count == THREADS) {
        return;
    }
    if (apr_thread_create(&refresher->threads[refresher->count], NULL, work,
                          refresher, refresher->p)
        == APR_SUCCESS) {
        refresher->count++;
    }
}

/* ------------------------------------------------------------------ */

static void offer(void *self, const clerk_terms_t *terms,
                  const clerk_token_t *token, const unsigned char *key)
{
    clerk_refresher_t *refresher = self;
    apr_interval_time_t length =
        apr_time_from_msec(2 * terms->realm.route.timeout_ms) + PAUSE;
    errand_t *errand = NULL;

    if (!clerk_claim_take(refresher->needs.claims, key, clerk_steady_now(),
                          length)) {
        return;
    }
    apr_thread_mutex_lock(refresher->mutex);
    if (refresher->length < QUEUE && !is_stopping(refresher)) {
        errand = make_errand(terms, token, key);
    }
    if (errand) {
        refresher->queue[(refresher->first + refresher->length) % QUEUE] =
            errand;
        refresher->length++;
        see_to_threads(refresher);
        apr_thread_cond_signal(refresher->work);
    }
    apr_thread_mutex_unlock(refresher->mutex);
    if (!errand) {
        clerk_claim_drop(refresher->needs.claims, key);
    }
}

void clerk_refresher_stop(clerk_refresher_t *refresher)
{
    apr_status_t ignored;
    int count;
    int i;

    apr_thread_mutex_lock(refresher->mutex);
    __atomic_store_n(&refresher->is_stopping, 1, __ATOMIC_RELEASE);
    count = refresher->count;
    apr_thread_cond_broadcast(refresher->work);
    apr_thread_mutex_unlock(refresher->mutex);
    for (i = 0; i < count; i++) {
        (void)apr_thread_join(&ignored, refresher->threads[i]);
    }
    apr_thread_mutex_lock(refresher->mutex);
    refresher->count = 0;
    for (; refresher->length; refresher->length--) {
        drop_errand(refresher->queue[refresher->first]);
        refresher->first = (refresher->first + 1) % QUEUE;
    }
    apr_thread_mutex_unlock(refresher->mutex);
}

clerk_status_t clerk_refresher_create(apr_pool_t *p,
                                      const clerk_refresher_needs_t *needs,
                                      clerk_refresher_t **refresher,
                                      clerk_refresh_port_t *port)
{
    clerk_refresher_t *made = apr_pcalloc(p, sizeof(*made));

    memset(port, 0, sizeof(*port));
    *refresher = NULL;
    if (apr_pool_create(&made->p, p) != APR_SUCCESS
        || apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, p)
               != APR_SUCCESS
        || apr_thread_cond_create(&made->work, p) != APR_SUCCESS) {
        return CLERK_INTERNAL;
    }
    made->needs = *needs;
    made->ports = *needs->ports;
    made->ports.give_up = &made->is_stopping;
    *refresher = made;
    port->self = made;
    port->offer = offer;
    return CLERK_OK;
}
