/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk: AuthType Clerk for Apache httpd 2.4.
 *
 * The front door: the module record, the table of directives, and the life
 * cycle. The hooks of a request live in src/httpd, in the order in which a
 * request meets them:
 *
 *   mod_auth_clerk_resource.c documents that are for everybody
 *   mod_auth_clerk_scrub.c   what could pass for an identity is removed
 *   mod_auth_clerk_cors.c    scripts of other origins
 *   mod_auth_clerk_authn.c   check_user_id: the token, verified
 *   mod_auth_clerk_authz.c   auth_checker: may they enter?
 *   mod_auth_clerk_answer.c  how no is said
 *   mod_auth_clerk_env.c     what the application is told
 */
#include <stddef.h>

#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>

#include "clerk_crypto.h"
#include "mod_auth_clerk_answer.h"
#include "mod_auth_clerk_authn.h"
#include "mod_auth_clerk_authz.h"
#include "mod_auth_clerk_cache.h"
#include "mod_auth_clerk_check.h"
#include "mod_auth_clerk_child.h"
#include "mod_auth_clerk_config.h"
#include "mod_auth_clerk_cors.h"
#include "mod_auth_clerk_directives.h"
#include "mod_auth_clerk_env.h"
#include "mod_auth_clerk_log.h"
#include "mod_auth_clerk_providers.h"
#include "mod_auth_clerk_publish.h"
#include "mod_auth_clerk_require.h"
#include "mod_auth_clerk_resource.h"
#include "mod_auth_clerk_scrub.h"
#include "mod_auth_clerk_shared.h"
#include "mod_auth_clerk_status.h"

#define EVERYWHERE (RSRC_CONF | ACCESS_CONF) /* but not .htaccess */
#define MEMBER(name) ((void *)offsetof(auth_clerk_dir_conf_t, name))

static const command_rec commands[] = {
    /* Which Clerk. */
    AP_INIT_TAKE1("ClerkPublishableKey", auth_clerk_take_publishable_key, NULL,
                  EVERYWHERE,
                  "The publishable key (pk_...) that names the instance"),
    AP_INIT_TAKE1("ClerkDomain", auth_clerk_take_domain, NULL, EVERYWHERE,
                  "The host name of the instance's Frontend API"),
    AP_INIT_TAKE1("ClerkFrontendAPI", auth_clerk_take_base_url,
                  MEMBER(frontend_api), EVERYWHERE,
                  "The https:// base URL of Clerk's Frontend API"),
    AP_INIT_TAKE1("ClerkBackendAPI", auth_clerk_take_base_url,
                  MEMBER(backend_api), EVERYWHERE,
                  "The https:// base URL of Clerk's Backend API"),
    AP_INIT_TAKE_ARGV("ClerkIssuer", auth_clerk_take_issuers, NULL, EVERYWHERE,
                      "The issuers accepted in JWTs"),
    AP_INIT_RAW_ARGS("ClerkSecretKey", auth_clerk_take_secret,
                     MEMBER(secret_key), EVERYWHERE,
                     "The secret key (sk_...) for the Backend API"),
    AP_INIT_RAW_ARGS("ClerkMachineSecretKey", auth_clerk_take_secret,
                     MEMBER(machine_secret_key), EVERYWHERE,
                     "The machine secret (ak_...) for M2M tokens"),
    AP_INIT_TAKE1("ClerkClientID", auth_clerk_take_name, MEMBER(client_id),
                  EVERYWHERE,
                  "The id of the OAuth application to introspect with"),
    AP_INIT_RAW_ARGS("ClerkClientSecret", auth_clerk_take_secret,
                     MEMBER(client_secret), EVERYWHERE,
                     "The secret of the OAuth application"),
    AP_INIT_RAW_ARGS("ClerkJWTKey", auth_clerk_take_jwt_key, NULL, EVERYWHERE,
                     "The PEM public key that JWTs are verified with"),

    /* What is accepted. */
    AP_INIT_TAKE_ARGV("ClerkAcceptsToken", auth_clerk_take_accepts, NULL,
                      EVERYWHERE,
                      "The kinds of token accepted: oauth_token, "
                      "session_token, m2m_token, api_key, or any"),
    AP_INIT_TAKE1("ClerkVerifier", auth_clerk_take_verifier, NULL, EVERYWHERE,
                  "How OAuth access tokens are verified: auto, "
                  "introspection, backend or jwks"),
    AP_INIT_TAKE_ARGV("ClerkAudience", auth_clerk_take_audience, NULL,
                      EVERYWHERE,
                      "The audiences accepted, optionally behind "
                      "if-present; or any"),
    AP_INIT_TAKE1("ClerkLeeway", auth_clerk_take_leeway, NULL, EVERYWHERE,
                  "Clock skew allowed for exp, nbf and iat: 0 to 300 seconds"),
    AP_INIT_TAKE_ARGV("ClerkAuthorizedParties", auth_clerk_take_parties, NULL,
                      EVERYWHERE,
                      "The origins accepted as azp of session tokens"),
    AP_INIT_TAKE1("ClerkAllowPendingSessions", auth_clerk_take_flag,
                  MEMBER(allow_pending), EVERYWHERE,
                  "Whether to accept sessions with pending tasks"),
    AP_INIT_TAKE_ARGV("ClerkTokenSource", auth_clerk_take_sources, NULL,
                      EVERYWHERE,
                      "Where to look for the token, in this order: header, "
                      "cookie[:name]"),
    AP_INIT_TAKE1("ClerkUserInfo", auth_clerk_take_flag, MEMBER(userinfo),
                  EVERYWHERE, "Whether to fetch the user's profile from Clerk"),

    /* What the application is told. */
    AP_INIT_TAKE1("ClerkRemoteUser", auth_clerk_take_name, MEMBER(remote_user),
                  EVERYWHERE, "The claim that REMOTE_USER is"),
    AP_INIT_TAKE1("ClerkPass", auth_clerk_take_pass, NULL, EVERYWHERE,
                  "How the application is told who it is: env, headers, "
                  "both or none"),
    AP_INIT_TAKE1("ClerkPassToken", auth_clerk_take_flag, MEMBER(pass_token),
                  EVERYWHERE, "Whether to leave the token on the request"),
    AP_INIT_TAKE12("ClerkExportClaim", auth_clerk_take_export, NULL, EVERYWHERE,
                   "A claim to export as well, and the name to export it "
                   "under"),

    /* Cache and upstream. */
    AP_INIT_TAKE1("ClerkSOCache", auth_clerk_take_socache, NULL, RSRC_CONF,
                  "The shared object cache: provider[:arguments]"),
    AP_INIT_RAW_ARGS("ClerkCacheSecret", auth_clerk_take_cache_secret, NULL,
                     RSRC_CONF, "The secret under which records are sealed"),
    AP_INIT_TAKE1("ClerkCacheTTL", auth_clerk_take_seconds, MEMBER(cache_ttl),
                  EVERYWHERE,
                  "How long a verified opaque token is believed: 0 to "
                  "86400 seconds"),
    AP_INIT_TAKE1("ClerkNegativeCacheTTL", auth_clerk_take_seconds,
                  MEMBER(negative_ttl), EVERYWHERE,
                  "How long a definite refusal is believed: 0 to 86400 "
                  "seconds"),
    AP_INIT_TAKE1("ClerkStaleIfError", auth_clerk_take_seconds,
                  MEMBER(stale_if_error), EVERYWHERE,
                  "How much longer while Clerk cannot be asked: 0 to 86400 "
                  "seconds"),
    AP_INIT_TAKE1("ClerkRateLimit", auth_clerk_take_rate_limit, NULL, RSRC_CONF,
                  "How many calls to Clerk this server makes: calls/seconds"),
    AP_INIT_TAKE1("ClerkMaxPending", auth_clerk_take_max_pending, NULL,
                  RSRC_CONF,
                  "How many requests of one process may wait for Clerk"),
    AP_INIT_TAKE1("ClerkTimeout", auth_clerk_take_fraction, MEMBER(timeout_ms),
                  EVERYWHERE,
                  "How long a call to Clerk may take: up to 300 seconds"),
    AP_INIT_TAKE1("ClerkConnectTimeout", auth_clerk_take_fraction,
                  MEMBER(connect_timeout_ms), EVERYWHERE,
                  "How long connecting to Clerk may take: up to 300 "
                  "seconds"),
    AP_INIT_TAKE1("ClerkProxy", auth_clerk_take_proxy, NULL, EVERYWHERE,
                  "The URL of the proxy through which Clerk is reached"),
    AP_INIT_TAKE1("ClerkCAFile", auth_clerk_take_ca_file, NULL, EVERYWHERE,
                  "Certificates to trust instead of the system's"),

    /* Protected resource. */
    AP_INIT_TAKE1("ClerkResource", auth_clerk_take_resource, NULL, EVERYWHERE,
                  "The https:// URL by which its clients know the resource"),
    AP_INIT_TAKE_ARGV("ClerkChallengeScopes", auth_clerk_take_scope_list,
                      MEMBER(challenge_scopes), EVERYWHERE,
                      "The scopes that a client without a token is told to "
                      "ask for, or none"),
    AP_INIT_TAKE_ARGV("ClerkResourceScopes", auth_clerk_take_scope_list,
                      MEMBER(resource_scopes), EVERYWHERE,
                      "The scopes_supported of the resource, or none"),
    AP_INIT_TAKE1("ClerkResourceName", auth_clerk_take_resource_name, NULL,
                  EVERYWHERE, "The resource_name of the resource"),
    AP_INIT_TAKE1("ClerkResourceDocumentation",
                  auth_clerk_take_resource_documentation, NULL, EVERYWHERE,
                  "The resource_documentation of the resource, a URL"),
    AP_INIT_TAKE_ARGV("ClerkAuthorizationServers",
                      auth_clerk_take_authorization_servers, NULL, EVERYWHERE,
                      "The authorization_servers of the resource"),
    AP_INIT_TAKE1("ClerkAuthorizationServerMetadata", auth_clerk_take_flag,
                  MEMBER(server_metadata), EVERYWHERE,
                  "Whether this host also answers with copies of Clerk's own "
                  "metadata documents"),
    AP_INIT_TAKE_ARGV("ClerkCORS", auth_clerk_take_cors, NULL, EVERYWHERE,
                      "The origins whose scripts may use the resource: On "
                      "for any, Off, or a list"),

    /* Directives of mod_authn_core and mod_authz_core, seen in passing. */
    AP_INIT_TAKE1("AuthType", auth_clerk_require_see_auth_type, NULL,
                  OR_AUTHCFG, "See mod_authn_core"),
    AP_INIT_RAW_ARGS("Require", auth_clerk_require_see_line, NULL, OR_AUTHCFG,
                     "See mod_authz_core"),
    AP_INIT_TAKE1("AuthMerging", auth_clerk_require_see_merging, NULL,
                  OR_AUTHCFG, "See mod_authz_core"),
    { NULL }
};

static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    auth_clerk_check_begin(pconf);
    if (clerk_crypto_init(pconf) != CLERK_OK) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return auth_clerk_cache_register_mutex(pconf) == APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                        server_rec *s)
{
    int result;

    (void)plog;
    auth_clerk_config_split_servers(pconf, s);
    result = auth_clerk_check_sections(ptemp, s);
    if (result == OK) {
        result = auth_clerk_publish(pconf, s);
    }
    return result == OK ? auth_clerk_cache_check(pconf, ptemp, s) : result;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    int result;

    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    auth_clerk_log_prepare(pconf, s);
    if (!auth_clerk_check_is_used()) {
        return OK;
    }
    result = auth_clerk_shared_prepare(pconf, s);
    return result == OK ? auth_clerk_cache_open(pconf, s) : result;
}

/*
 * What a child makes for its worker threads lives in a pool that nobody
 * destroys: at an ungraceful stop the MPM destroys pchild while workers are
 * still at it. The end of the process frees everything. Its allocator is shared
 * by what each has a lock of its own, so it needs one, too.
 */
static void child_init(apr_pool_t *pchild, server_rec *s)
{
    apr_thread_mutex_t *mutex;
    apr_pool_t *p;

    if (apr_pool_create_unmanaged(&p) != APR_SUCCESS) {
        p = pchild;
    }
    else if (apr_thread_mutex_create(&mutex, APR_THREAD_MUTEX_DEFAULT, p)
             == APR_SUCCESS) {
        apr_allocator_mutex_set(apr_pool_allocator_get(p), mutex);
    }
    auth_clerk_config_serve(p);
    auth_clerk_child_serve(p, pchild, s);
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    auth_clerk_resource_register_hooks(p);
    auth_clerk_scrub_register_hooks(p);
    auth_clerk_cors_register_hooks(p);
    auth_clerk_env_register_hooks(p);
    auth_clerk_authn_register_hooks(p);
    auth_clerk_authz_register_hooks(p);
    auth_clerk_providers_register(p);
    auth_clerk_answer_register_hooks(p);
    auth_clerk_status_register_hooks(p);
}

AP_DECLARE_MODULE(auth_clerk) = { STANDARD20_MODULE_STUFF,
                                  auth_clerk_config_create_dir,
                                  auth_clerk_config_merge_dir,
                                  auth_clerk_config_create_server,
                                  NULL,
                                  commands,
                                  register_hooks,
                                  AP_MODULE_FLAG_NONE };
