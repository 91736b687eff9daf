/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_config.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include "mod_auth_clerk_plan.h"

/*
 * httpd merges the sections that apply to a request anew for each request.
 * A memo remembers such a merge, and what follows from it, so that the cost
 * of working it out is paid once per child and pair of sections.
 */
typedef struct auth_clerk_memo_t {
    const auth_clerk_dir_conf_t *inner;
    auth_clerk_dir_conf_t *merged;
    struct auth_clerk_memo_t *next;
} auth_clerk_memo_t;

/* Sections are finite; this many per outer section are more than anybody
 * has, and keep the search short. */
#define MEMOS_MAX 64

static struct {
    int has_begun;             /* the configuration is complete */
    apr_pool_t *p;             /* NULL until the child serves */
    apr_thread_mutex_t *mutex; /* for adding; finding needs no lock */
} serving;

void *auth_clerk_config_create_dir(apr_pool_t *p, char *section)
{
    auth_clerk_dir_conf_t *conf = apr_pcalloc(p, sizeof(*conf));

#define X_NUMBER(name) conf->name = AUTH_CLERK_UNSET;
    AUTH_CLERK_DIR_NUMBERS(X_NUMBER)
#undef X_NUMBER
    conf->merging = AUTH_CLERK_UNSET;
    conf->p = p;
    conf->section = section ? section : "the server";
    /* What is read from .htaccess goes away with its request. */
    conf->is_permanent = !serving.has_begun;
    return conf;
}

static const apr_array_header_t *append(apr_pool_t *p,
                                        const apr_array_header_t *outer,
                                        const apr_array_header_t *inner)
{
    if (!outer || !inner) {
        return inner ? inner : outer;
    }
    return apr_array_append(p, outer, inner);
}

/*
 * As mod_authz_core does with the Require lines themselves: those of the
 * inner section replace the outer ones, unless its own AuthMerging joins them.
 */
static void merge_requires(apr_pool_t *p, auth_clerk_dir_conf_t *conf,
                           const auth_clerk_dir_conf_t *outer,
                           const auth_clerk_dir_conf_t *inner)
{
    if (inner->merging == AUTH_CLERK_UNSET && !inner->has_require) {
        inner = outer;
    }
    conf->merging = inner->merging;
    conf->has_require = inner->has_require;
    conf->scopes = inner->scopes;
    if (inner != outer && inner->merging == AUTH_CLERK_MERGING_ON) {
        conf->has_require |= outer->has_require;
        conf->scopes = append(p, outer->scopes, inner->scopes);
    }
}

static auth_clerk_dir_conf_t *merge(apr_pool_t *p,
                                    const auth_clerk_dir_conf_t *outer,
                                    const auth_clerk_dir_conf_t *inner)
{
    auth_clerk_dir_conf_t *conf = apr_pcalloc(p, sizeof(*conf));

#define X_POINTER(type, name) \
    conf->name = inner->name ? inner->name : outer->name;
    AUTH_CLERK_DIR_POINTERS(X_POINTER)
#undef X_POINTER
#define X_NUMBER(name) \
    conf->name = inner->name != AUTH_CLERK_UNSET ? inner->name : outer->name;
    AUTH_CLERK_DIR_NUMBERS(X_NUMBER)
#undef X_NUMBER
    conf->exports = append(p, outer->exports, inner->exports);
    merge_requires(p, conf, outer, inner);
    conf->p = p;
    conf->section = inner->section;
    return conf;
}

static auth_clerk_dir_conf_t *recall(const auth_clerk_dir_conf_t *outer,
                                     const auth_clerk_dir_conf_t *inner)
{
    const auth_clerk_memo_t *memo =
        __atomic_load_n(&outer->memos, __ATOMIC_ACQUIRE);

    for (; memo; memo = memo->next) {
        if (memo->inner == inner) {
            return memo->merged;
        }
    }
    return NULL;
}

/* With the mutex held: nobody else adds, anybody may be searching. */
static auth_clerk_dir_conf_t *memorize(auth_clerk_dir_conf_t *outer,
                                       const auth_clerk_dir_conf_t *inner)
{
    auth_clerk_dir_conf_t *merged = recall(outer, inner);
    auth_clerk_memo_t *memo;

    if (merged || outer->memo_count >= MEMOS_MAX) {
        return merged;
    }
    merged = merge(serving.p, outer, inner);
    merged->is_permanent = 1;
    merged->plan = auth_clerk_plan_make_permanent(serving.p, merged);
    memo = apr_palloc(serving.p, sizeof(*memo));
    memo->inner = inner;
    memo->merged = merged;
    memo->next = outer->memos;
    outer->memo_count++;
    __atomic_store_n(&outer->memos, memo, __ATOMIC_RELEASE);
    return merged;
}

void *auth_clerk_config_merge_dir(apr_pool_t *p, void *outerv, void *innerv)
{
    auth_clerk_dir_conf_t *outer = outerv;
    auth_clerk_dir_conf_t *inner = innerv;
    auth_clerk_dir_conf_t *merged = NULL;

    if (!serving.has_begun) {
        merged = merge(p, outer, inner);
        merged->is_permanent = 1;
        return merged;
    }
    if (serving.p && outer->is_permanent && inner->is_permanent) {
        merged = recall(outer, inner);
        if (!merged) {
            apr_thread_mutex_lock(serving.mutex);
            merged = memorize(outer, inner);
            apr_thread_mutex_unlock(serving.mutex);
        }
    }
    return merged ? merged : merge(p, outer, inner);
}

void *auth_clerk_config_create_server(apr_pool_t *p, server_rec *s)
{
    (void)s;
    return apr_pcalloc(p, sizeof(auth_clerk_server_conf_t));
}

void auth_clerk_config_split_servers(apr_pool_t *pconf, server_rec *s)
{
    for (; s; s = s->next) {
        ap_set_module_config(
            s->module_config, &auth_clerk_module,
            apr_pmemdup(
                pconf,
                ap_get_module_config(s->module_config, &auth_clerk_module),
                sizeof(auth_clerk_server_conf_t)));
    }
}

void auth_clerk_config_serve(apr_pool_t *p)
{
    apr_pool_t *own;

    serving.has_begun = 1;
    /* A pool of its own: others may use theirs while we hold our mutex. */
    if (apr_pool_create(&own, p) == APR_SUCCESS
        && apr_thread_mutex_create(&serving.mutex, APR_THREAD_MUTEX_DEFAULT,
                                   own)
               == APR_SUCCESS) {
        serving.p = own;
    }
}
