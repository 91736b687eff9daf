/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_thread.h: threads of the module's own.
 *
 * Owns: how one is started, so that no signal is delivered to it. Must never
 * know: what it does. Called by: clerk_background, clerk_helper.
 *
 * Signals are the server's. mpm_prefork, whose children have one thread, puts
 * everything away in the handler itself: were a second SIGTERM handled in a
 * thread of ours meanwhile, it would do so twice.
 */
#ifndef CLERK_THREAD_H
#define CLERK_THREAD_H

#include <apr_thread_proc.h>

/*
 * Like apr_thread_create. The thread, and those that it starts, take no
 * signal but those that tell of a fault of their own, such as SIGSEGV.
 */
apr_status_t clerk_thread_create(apr_thread_t **thread, apr_thread_start_t work,
                                 void *data, apr_pool_t *p);

#endif
