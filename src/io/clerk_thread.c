/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_thread.h"

#include <signal.h>

/* A thread that blocked these would die of its fault without a word. */
static const int faults[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL,
                              SIGSEGV, SIGSYS, SIGTRAP };

static void all_but_faults(sigset_t *signals)
{
    apr_size_t i;

    (void)sigfillset(signals);
    for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        (void)sigdelset(signals, faults[i]);
    }
}

apr_status_t clerk_thread_create(apr_thread_t **thread, apr_thread_start_t work,
                                 void *data, apr_pool_t *p)
{
    sigset_t blocked;
    sigset_t before;
    apr_status_t status;

    /* A thread begins with the mask of the one that starts it. */
    all_but_faults(&blocked);
    status = pthread_sigmask(SIG_BLOCK, &blocked, &before);
    if (status == APR_SUCCESS) {
        status = apr_thread_create(thread, NULL, work, data, p);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return status;
}
