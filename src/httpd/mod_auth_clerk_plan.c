/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_plan.h"

#include <apr_strings.h>

#include "clerk_instance.h"
#include "clerk_resource.h"

#define DEFAULT_BACKEND_API "https://api.clerk.com/v1"
#define DEFAULT_REMOTE_USER "sub"
#define DEFAULT_LEEWAY 5        /* seconds */
#define DEFAULT_CACHE_TTL 60    /* seconds */
#define DEFAULT_NEGATIVE_TTL 10 /* seconds */
#define DEFAULT_TIMEOUT_MS 5000
#define DEFAULT_CONNECT_TIMEOUT_MS 2000

static int number(int value, int otherwise)
{
    return value != AUTH_CLERK_UNSET ? value : otherwise;
}

static void find_fault(auth_clerk_plan_t *plan, auth_clerk_fault_kind_t kind,
                       const char *sentence)
{
    if (!plan->fault) {
        plan->fault_kind = kind;
        plan->fault = sentence;
    }
}

/* ------------------------------------------------------------------ */
/* Which Clerk                                                        */

static void plan_instance(auth_clerk_plan_t *plan, apr_pool_t *p,
                          const auth_clerk_dir_conf_t *conf)
{
    clerk_realm_t *realm = &plan->terms.realm;
    const char *host = conf->key_host ? conf->key_host : conf->domain;

    if (conf->key_host && conf->domain
        && strcasecmp(conf->key_host, conf->domain) != 0) {
        find_fault(
            plan, AUTH_CLERK_FAULT_CONTRADICTION,
            apr_psprintf(
                p,
                "ClerkPublishableKey names the instance '%s' but ClerkDomain "
                "says '%s'; one of the two is enough, and both must agree",
                conf->key_host, conf->domain));
    }
    if (!host && !conf->frontend_api) {
        find_fault(
            plan, AUTH_CLERK_FAULT_MISSING,
            "AuthType Clerk needs to know which Clerk instance to ask; set "
            "ClerkPublishableKey, ClerkDomain or ClerkFrontendAPI");
        return;
    }
    realm->frontend_api = conf->frontend_api
                              ? conf->frontend_api
                              : apr_pstrcat(p, "https://", host, NULL);
    realm->backend_api =
        conf->backend_api ? conf->backend_api : DEFAULT_BACKEND_API;
}

/* Plain http is for this machine alone, and a proxy may be on another. */
static void check_proxy(auth_clerk_plan_t *plan, apr_pool_t *p,
                        const auth_clerk_dir_conf_t *conf)
{
    const clerk_realm_t *realm = &plan->terms.realm;

    if (!conf->proxy_host || plan->fault
        || (strncmp(realm->frontend_api, "https:", 6) == 0
            && strncmp(realm->backend_api, "https:", 6) == 0)) {
        return;
    }
    if (clerk_instance_check_url(
            p, apr_pstrcat(p, "http://", conf->proxy_host, NULL))
        != CLERK_URL_GOOD) {
        find_fault(plan, AUTH_CLERK_FAULT_CONTRADICTION,
                   "ClerkProxy would carry tokens in clear text to another "
                   "machine, since ClerkFrontendAPI or ClerkBackendAPI is an "
                   "http:// URL; use https:// there, or a proxy on loopback");
    }
}

static void plan_route(auth_clerk_plan_t *plan,
                       const auth_clerk_dir_conf_t *conf)
{
    clerk_route_t *route = &plan->terms.realm.route;

    route->timeout_ms = number(conf->timeout_ms, DEFAULT_TIMEOUT_MS);
    route->connect_timeout_ms =
        number(conf->connect_timeout_ms, DEFAULT_CONNECT_TIMEOUT_MS);
    route->proxy = conf->proxy;
    route->ca_certs = conf->ca_certs;
}

/* ------------------------------------------------------------------ */
/* What is accepted                                                   */

static void plan_verifier(auth_clerk_plan_t *plan,
                          const auth_clerk_dir_conf_t *conf)
{
    clerk_realm_t *realm = &plan->terms.realm;

    realm->verifier =
        (clerk_verifier_t)number(conf->verifier, CLERK_VERIFIER_AUTO);
    realm->client_id = conf->client_id;
    realm->client_secret = conf->client_secret;
    realm->secret_key = conf->secret_key;
    realm->machine_secret_key = conf->machine_secret_key;
    realm->jwt_key_text = conf->jwt_key;
    realm->userinfo = number(conf->userinfo, 0);

    if (conf->client_secret && !conf->client_id) {
        find_fault(
            plan, AUTH_CLERK_FAULT_MISSING,
            "ClerkClientSecret is set without ClerkClientID; set both to "
            "the id and the secret of one OAuth application");
    }
    if (realm->verifier == CLERK_VERIFIER_INTROSPECTION
        && !(conf->client_id && conf->client_secret)) {
        find_fault(plan, AUTH_CLERK_FAULT_MISSING,
                   "ClerkVerifier introspection needs credentials; set "
                   "ClerkClientID and ClerkClientSecret");
    }
    if (realm->verifier == CLERK_VERIFIER_BACKEND && !conf->secret_key) {
        find_fault(
            plan, AUTH_CLERK_FAULT_MISSING,
            "ClerkVerifier backend needs credentials; set ClerkSecretKey");
    }
}

/* `any` takes what the credentials allow; a kind that is named needs its
 * own. */
static void plan_kinds(auth_clerk_plan_t *plan,
                       const auth_clerk_dir_conf_t *conf)
{
    int accepts = number(conf->accepts, CLERK_KIND_OAUTH);

    plan->terms.policy.accepts = (unsigned int)accepts;
    if (accepts == CLERK_KIND_ANY) {
        return;
    }
    if ((accepts & CLERK_KIND_API_KEY) && !conf->secret_key) {
        find_fault(plan, AUTH_CLERK_FAULT_MISSING,
                   "ClerkAcceptsToken api_key needs credentials; set "
                   "ClerkSecretKey");
    }
}

static int looks_at_header(const apr_array_header_t *sources)
{
    int i;

    for (i = 0; sources && i < sources->nelts; i++) {
        if (!APR_ARRAY_IDX(sources, i, auth_clerk_source_t).cookie) {
            return 1;
        }
    }
    return !sources;
}

/* Could any token come in at all? Nobody asks where AuthType Clerk is not. */
static void check_sources(auth_clerk_plan_t *plan,
                          const auth_clerk_dir_conf_t *conf)
{
    if (conf->auth_type && auth_clerk_is_auth_type(conf->auth_type)
        && !(plan->terms.policy.accepts & CLERK_KIND_SESSION)
        && !looks_at_header(conf->sources)) {
        find_fault(plan, AUTH_CLERK_FAULT_MISSING,
                   "ClerkTokenSource names cookies alone, and only session "
                   "tokens are taken from a cookie; add session_token to "
                   "ClerkAcceptsToken, or header to ClerkTokenSource");
    }
}

static apr_array_header_t *list_of_one(apr_pool_t *p, const char *value)
{
    apr_array_header_t *list = apr_array_make(p, 1, sizeof(const char *));

    APR_ARRAY_PUSH(list, const char *) = value;
    return list;
}

/* Clerk's tokens carry the instance's own host, even behind a proxy (D8). */
static const apr_array_header_t *issuers(apr_pool_t *p,
                                         const auth_clerk_dir_conf_t *conf)
{
    const char *host = conf->key_host ? conf->key_host : conf->domain;

    if (conf->issuers) {
        return conf->issuers;
    }
    return list_of_one(p, host ? apr_pstrcat(p, "https://", host, NULL)
                               : conf->frontend_api);
}

static void plan_policy(auth_clerk_plan_t *plan, apr_pool_t *p,
                        const auth_clerk_dir_conf_t *conf)
{
    clerk_policy_t *policy = &plan->terms.policy;

    policy->leeway = number(conf->leeway, DEFAULT_LEEWAY);
    policy->parties = conf->parties;
    policy->allow_pending = number(conf->allow_pending, 0);
    policy->issuers = issuers(p, conf);
    policy->audience_mode = CLERK_AUDIENCE_ANY;
    if (conf->audience_mode != AUTH_CLERK_UNSET) {
        policy->audience_mode = (clerk_audience_mode_t)conf->audience_mode;
        policy->audiences = conf->audiences;
        policy->audience_is_explicit = 1;
    }
    else if (conf->resource) {
        /* RFC 8707: what a client names when it asks for a token. */
        apr_array_header_t *list = list_of_one(p, conf->resource);

        if (conf->client_id) {
            APR_ARRAY_PUSH(list, const char *) = conf->client_id;
        }
        policy->audience_mode = CLERK_AUDIENCE_IF_PRESENT;
        policy->audiences = list;
    }
    else if (conf->client_id) {
        policy->audience_mode = CLERK_AUDIENCE_REQUIRED;
        policy->audiences = list_of_one(p, conf->client_id);
    }
}

static void plan_resource(auth_clerk_plan_t *plan, apr_pool_t *p,
                          const auth_clerk_dir_conf_t *conf)
{
    if (conf->resource) {
        plan->resource_metadata =
            clerk_resource_metadata_url(p, conf->resource);
    }
    plan->challenge_scopes = conf->challenge_scopes;
    plan->server_metadata =
        number(conf->server_metadata, conf->resource != NULL);
    plan->cors = number(conf->cors, conf->resource ? AUTH_CLERK_CORS_ON
                                                   : AUTH_CLERK_CORS_OFF);
    plan->cors_origins = conf->cors_origins;
}

/* ------------------------------------------------------------------ */

static auth_clerk_plan_t *make(apr_pool_t *p, const auth_clerk_dir_conf_t *conf)
{
    auth_clerk_plan_t *plan = apr_pcalloc(p, sizeof(*plan));

    plan_instance(plan, p, conf);
    plan_route(plan, conf);
    check_proxy(plan, p, conf);
    plan_verifier(plan, conf);
    plan_kinds(plan, conf);
    check_sources(plan, conf);
    plan_policy(plan, p, conf);
    plan_resource(plan, p, conf);
    plan->terms.cache_ttl = number(conf->cache_ttl, DEFAULT_CACHE_TTL);
    plan->terms.negative_ttl = number(conf->negative_ttl, DEFAULT_NEGATIVE_TTL);
    plan->terms.stale_if_error = number(conf->stale_if_error, 0);
    plan->sources = conf->sources;
    plan->remote_user =
        conf->remote_user ? conf->remote_user : DEFAULT_REMOTE_USER;
    plan->pass = number(conf->pass, AUTH_CLERK_PASS_ENV);
    plan->pass_token = number(conf->pass_token, 0);
    plan->exports = conf->exports;
    plan->scopes = conf->scopes;
    plan->section = conf->section;
    if (!plan->fault && clerk_realm_finish(&plan->terms.realm, p) != CLERK_OK) {
        find_fault(plan, AUTH_CLERK_FAULT_CONTRADICTION,
                   "the credentials of this section could not be prepared; "
                   "look at ClerkJWTKey, if it is set, and at the server's "
                   "OpenSSL");
    }
    return plan;
}

const auth_clerk_plan_t *auth_clerk_plan_make(apr_pool_t *p,
                                              const auth_clerk_dir_conf_t *conf)
{
    return make(p, conf);
}

const auth_clerk_plan_t *auth_clerk_plan_make_permanent(
    apr_pool_t *p, const auth_clerk_dir_conf_t *conf)
{
    auth_clerk_plan_t *plan = make(p, conf);

    plan->terms.is_permanent = 1;
    return plan;
}

const auth_clerk_plan_t *auth_clerk_plan_of(request_rec *r)
{
    auth_clerk_dir_conf_t *conf =
        ap_get_module_config(r->per_dir_config, &auth_clerk_module);

    if (conf->plan) {
        return conf->plan;
    }
    if (conf->is_permanent) {
        /* Shared with other threads, so it is left alone. */
        return auth_clerk_plan_make(r->pool, conf);
    }
    conf->plan = auth_clerk_plan_make(conf->p, conf);
    return conf->plan;
}
