/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit_api.h: answers of Clerk's as they are read: what is not meant to outlive
 * the reading does not.
 */
#ifndef UNIT_API_H
#define UNIT_API_H

#include "unit.h"

#include "clerk_api.h"

static inline apr_pool_t *unit_scratch(void)
{
    apr_pool_t *scratch = NULL;

    assert_int_equal(apr_pool_create_unmanaged(&scratch), APR_SUCCESS);
    return scratch;
}

static inline clerk_status_t unit_read_answer(const clerk_endpoint_t *endpoint,
                                              const clerk_answer_t *answer,
                                              apr_pool_t *p,
                                              clerk_identity_t **identity)
{
    apr_pool_t *scratch = unit_scratch();
    clerk_status_t status = endpoint->read(answer, p, scratch, identity);

    apr_pool_destroy(scratch);
    return status;
}

static inline const char *unit_trace_id(const clerk_answer_t *answer,
                                        apr_pool_t *p)
{
    apr_pool_t *scratch = unit_scratch();
    const char *id = clerk_api_trace_id(answer, p, scratch);

    apr_pool_destroy(scratch);
    return id;
}

/* As the fetch port does. */
static inline void unit_have_it_read(const clerk_call_t *call,
                                     const clerk_answer_t *answer)
{
    apr_pool_t *scratch = unit_scratch();

    call->read(call->reader, answer, scratch);
    apr_pool_destroy(scratch);
}

#endif
