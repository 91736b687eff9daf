/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_helper.h: a thread that does the work of whoever waits for it.
 *
 * Owns: the thread and the handing over. Must never know: the work. Called by:
 * clerk_curl.
 *
 * A library that needs much stack and heap leaves both behind in each thread
 * that it has run in. When a few threads run it for all others, there are a
 * few such heaps and not as many as there are threads.
 */
#ifndef CLERK_HELPER_H
#define CLERK_HELPER_H

typedef struct clerk_helper_t clerk_helper_t;

/* Start one. NULL on failure. */
clerk_helper_t *clerk_helper_create(void);

/* Have it do something, and wait until that is done. One caller at a time. */
void clerk_helper_run(clerk_helper_t *helper, void (*work)(void *data),
                      void *data);

/* End it, and free all. Nothing may be under way; may be NULL. */
void clerk_helper_destroy(clerk_helper_t *helper);

#endif
