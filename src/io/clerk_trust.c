/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_trust.h"

#include <string.h>

#include <apr_thread_mutex.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

struct clerk_trust_t {
    const char *ca_certs; /* NULL: the system's */
    X509_STORE *store;    /* NULL: there are none */
    clerk_trust_t *next;
};

struct clerk_trusts_t {
    apr_pool_t *p;
    apr_thread_mutex_t *mutex; /* guards what follows, and `p` */
    clerk_trust_t *first;      /* a few */
    const char *system;
};

static apr_status_t forget(void *data)
{
    clerk_trust_t *trust = data;

    X509_STORE_free(trust->store);
    return APR_SUCCESS;
}

/* All certificates of a text that also holds keys, comments and the like. */
static int add_all(X509_STORE *store, BIO *text)
{
    int count = 0;
    X509 *certificate;

    while ((certificate = PEM_read_bio_X509_AUX(text, NULL, NULL, NULL))) {
        count += X509_STORE_add_cert(store, certificate);
        X509_free(certificate);
    }
    /* That there are no more is no error of anybody's. */
    ERR_clear_error();
    return count;
}

static X509_STORE *read_store(BIO *text)
{
    X509_STORE *store = text ? X509_STORE_new() : NULL;

    if (store && !add_all(store, text)) {
        X509_STORE_free(store);
        store = NULL;
    }
    BIO_free(text);
    return store;
}

/* With the mutex held. */
static clerk_trust_t *add(clerk_trusts_t *trusts, const char *ca_certs)
{
    clerk_trust_t *trust = apr_pcalloc(trusts->p, sizeof(*trust));

    trust->ca_certs = ca_certs;
    trust->store =
        read_store(ca_certs ? BIO_new_mem_buf(ca_certs, (int)strlen(ca_certs))
                   : trusts->system ? BIO_new_file(trusts->system, "r")
                                    : NULL);
    trust->next = trusts->first;
    trusts->first = trust;
    apr_pool_cleanup_register(trusts->p, trust, forget, apr_pool_cleanup_null);
    return trust;
}

/*
 * Whoever needs them while they are read waits: to read them twice would take
 * longer.
 */
const clerk_trust_t *clerk_trust_find(clerk_trusts_t *trusts,
                                      const char *ca_certs)
{
    clerk_trust_t *trust;

    apr_thread_mutex_lock(trusts->mutex);
    for (trust = trusts->first; trust; trust = trust->next) {
        if (trust->ca_certs == ca_certs) {
            break;
        }
    }
    if (!trust) {
        trust = add(trusts, ca_certs);
    }
    apr_thread_mutex_unlock(trusts->mutex);
    return trust->store ? trust : NULL;
}

clerk_trusts_t *clerk_trust_create(apr_pool_t *p, const char *system)
{
    clerk_trusts_t *trusts = apr_pcalloc(p, sizeof(*trusts));

    if (apr_pool_create(&trusts->p, p) != APR_SUCCESS
        || apr_thread_mutex_create(&trusts->mutex, APR_THREAD_MUTEX_DEFAULT, p)
               != APR_SUCCESS) {
        return NULL;
    }
    trusts->system = system;
    return trusts;
}

int clerk_trust_give(const clerk_trust_t *trust, void *ssl_ctx)
{
    /* It counts its users itself. */
    SSL_CTX_set1_cert_store(ssl_ctx, trust->store);
    /* Its buffers stay with the connection, of which there are few, rather than
     * being made anew in each thread's part of the heap. */
    SSL_CTX_clear_mode(ssl_ctx, SSL_MODE_RELEASE_BUFFERS);
    return 1;
}
