/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_shared.h"

#include "clerk_curl.h"
#include "mod_auth_clerk_check.h"
#include "mod_auth_clerk_log.h"
#include "mod_auth_clerk_plan.h"

#define DEFAULT_RATE_CALLS 800
#define DEFAULT_RATE_SECONDS 10

static struct {
    clerk_shared_t *memory;
    clerk_trusts_t *trusts;
} shared;

clerk_shared_t *auth_clerk_shared_memory(void)
{
    return shared.memory;
}

clerk_trusts_t *auth_clerk_shared_trusts(void)
{
    return shared.trusts;
}

static apr_status_t forget(void *unused)
{
    (void)unused;
    memset(&shared, 0, sizeof(shared));
    return APR_SUCCESS;
}

static int fail(server_rec *s, const char *sentence)
{
    auth_clerk_log_start_fault(s, 0, sentence);
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* ------------------------------------------------------------------ */
/* Trust anchors                                                      */

typedef struct survey_t {
    apr_pool_t *scratch;
    clerk_trusts_t *trusts;
} survey_t;

static int is_https(const char *url)
{
    return strncmp(url, "https:", 6) == 0;
}

static int needs_anchors(const clerk_realm_t *realm)
{
    return is_https(realm->frontend_api)
           || ((realm->bearer || realm->machine_bearer)
               && is_https(realm->backend_api));
}

static int read_anchors(void *baton, const auth_clerk_context_t *context)
{
    survey_t *survey = baton;
    const auth_clerk_dir_conf_t *conf =
        auth_clerk_check_merge(survey->scratch, context);
    const auth_clerk_plan_t *plan;

    if (conf->auth_type && auth_clerk_is_auth_type(conf->auth_type)) {
        plan = auth_clerk_plan_make(survey->scratch, conf);
        if (!plan->fault && needs_anchors(&plan->terms.realm)) {
            (void)clerk_trust_find(survey->trusts,
                                   plan->terms.realm.route.ca_certs);
        }
    }
    apr_pool_clear(survey->scratch);
    return OK;
}

static clerk_trusts_t *make_trusts(apr_pool_t *pconf, server_rec *s)
{
    survey_t survey = { .trusts = clerk_trust_create(
                            pconf, clerk_curl_system_anchors()) };

    if (!survey.trusts
        || apr_pool_create(&survey.scratch, pconf) != APR_SUCCESS) {
        return NULL;
    }
    (void)auth_clerk_check_each(pconf, s, read_anchors, &survey);
    apr_pool_destroy(survey.scratch);
    return survey.trusts;
}

/* ------------------------------------------------------------------ */

int auth_clerk_shared_prepare(apr_pool_t *pconf, server_rec *s)
{
    const auth_clerk_server_conf_t *conf =
        ap_get_module_config(s->module_config, &auth_clerk_module);

    apr_pool_cleanup_register(pconf, NULL, forget, apr_pool_cleanup_null);
    if (clerk_shared_create(pconf, &shared.memory) != CLERK_OK) {
        return fail(s, "mod_auth_clerk: there is no shared memory to be had");
    }
    clerk_rate_set(clerk_shared_rate(shared.memory),
                   conf->rate_calls ? conf->rate_calls : DEFAULT_RATE_CALLS,
                   conf->rate_calls ? conf->rate_seconds
                                    : DEFAULT_RATE_SECONDS);
    shared.trusts = make_trusts(pconf, s);
    if (!shared.trusts) {
        return fail(s, "mod_auth_clerk: there is no memory for trust anchors");
    }
    return OK;
}
