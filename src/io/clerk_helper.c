/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_helper.h"

#include <apr_pools.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "clerk_thread.h"

struct clerk_helper_t {
    apr_pool_t *p;
    apr_thread_t *thread;
    apr_thread_mutex_t *mutex; /* guards what follows */
    apr_thread_cond_t *begin;
    apr_thread_cond_t *end;
    void (*work)(void *data); /* NULL: nothing to do */
    void *data;
    int is_over;
};

static void *APR_THREAD_FUNC help(apr_thread_t *thread, void *data)
{
    clerk_helper_t *helper = data;

    (void)thread;
    apr_thread_mutex_lock(helper->mutex);
    while (!helper->is_over) {
        if (!helper->work) {
            apr_thread_cond_wait(helper->begin, helper->mutex);
            continue;
        }
        apr_thread_mutex_unlock(helper->mutex);
        helper->work(helper->data);
        apr_thread_mutex_lock(helper->mutex);
        helper->work = NULL;
        apr_thread_cond_signal(helper->end);
    }
    apr_thread_mutex_unlock(helper->mutex);
    return NULL;
}

clerk_helper_t *clerk_helper_create(void)
{
    clerk_helper_t *helper;
    apr_pool_t *p;

    /* Any thread may need one: no other's pool has a part in it. */
    if (apr_pool_create_unmanaged_ex(&p, NULL, NULL) != APR_SUCCESS) {
        return NULL;
    }
    helper = apr_pcalloc(p, sizeof(*helper));
    helper->p = p;
    if (apr_thread_mutex_create(&helper->mutex, APR_THREAD_MUTEX_DEFAULT, p)
            != APR_SUCCESS
        || apr_thread_cond_create(&helper->begin, p) != APR_SUCCESS
        || apr_thread_cond_create(&helper->end, p) != APR_SUCCESS
        || clerk_thread_create(&helper->thread, help, helper, p)
               != APR_SUCCESS) {
        apr_pool_destroy(p);
        return NULL;
    }
    return helper;
}

void clerk_helper_run(clerk_helper_t *helper, void (*work)(void *data),
                      void *data)
{
    apr_thread_mutex_lock(helper->mutex);
    helper->data = data;
    helper->work = work;
    apr_thread_cond_signal(helper->begin);
    while (helper->work) {
        apr_thread_cond_wait(helper->end, helper->mutex);
    }
    apr_thread_mutex_unlock(helper->mutex);
}

void clerk_helper_destroy(clerk_helper_t *helper)
{
    apr_status_t ignored;

    if (!helper) {
        return;
    }
    apr_thread_mutex_lock(helper->mutex);
    helper->is_over = 1;
    apr_thread_cond_signal(helper->begin);
    apr_thread_mutex_unlock(helper->mutex);
    (void)apr_thread_join(&ignored, helper->thread);
    apr_pool_destroy(helper->p);
}
