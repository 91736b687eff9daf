/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_publish.h"

#include <apr_strings.h>

#include "clerk_scope.h"
#include "mod_auth_clerk_check.h"
#include "mod_auth_clerk_log.h"
#include "mod_auth_clerk_require.h"

typedef auth_clerk_published_t published_t;

/* One pass over the sections. */
typedef struct survey_t {
    apr_pool_t *p;
    apr_pool_t *scratch;                  /* for one section */
    const auth_clerk_dir_conf_t *lacking; /* it names no authorization server */
    server_rec *lacking_in;
} survey_t;

static auth_clerk_server_conf_t *conf_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &auth_clerk_module);
}

/* ------------------------------------------------------------------ */
/* What a document says                                               */

/* What a section asks new tokens to have, whatever the method. */
static const apr_array_header_t *scopes_of(apr_pool_t *p,
                                           const auth_clerk_dir_conf_t *conf)
{
    if (conf->resource_scopes) {
        return conf->resource_scopes;
    }
    return conf->challenge_scopes ? conf->challenge_scopes
                                  : auth_clerk_require_scopes(
                                      p, conf->scopes, AUTH_CLERK_ANY_METHOD);
}

/* RFC 9728 section 2; the issuer that is named first is the one in use. */
static const apr_array_header_t *servers_of(apr_pool_t *p,
                                            const auth_clerk_dir_conf_t *conf,
                                            const auth_clerk_plan_t *plan)
{
    const char *issuer =
        APR_ARRAY_IDX(plan->terms.policy.issuers, 0, const char *);
    apr_array_header_t *servers;

    if (conf->authorization_servers) {
        return conf->authorization_servers;
    }
    if (!issuer) {
        return NULL;
    }
    servers = apr_array_make(p, 1, sizeof(const char *));
    APR_ARRAY_PUSH(servers, const char *) = issuer;
    return servers;
}

static published_t *describe(apr_pool_t *p, const auth_clerk_context_t *context,
                             const auth_clerk_dir_conf_t *conf)
{
    published_t *made = apr_pcalloc(p, sizeof(*made));

    made->plan = auth_clerk_plan_make(p, conf);
    made->path = clerk_resource_path(p, conf->resource);
    made->is_open = made->plan->cors != AUTH_CLERK_CORS_OFF;
    made->has_copies = made->plan->server_metadata && !made->plan->fault;
    made->is_server_level = context->is_server_level;
    made->is_used = context->is_at_home || !context->is_server_level;
    made->resource.identifier = conf->resource;
    made->resource.authorization_servers = servers_of(p, conf, made->plan);
    made->resource.scopes = scopes_of(p, conf);
    made->resource.name = conf->resource_name;
    made->resource.documentation = conf->resource_documentation;
    made->document = clerk_resource_document(p, &made->resource);
    return made;
}

/* ------------------------------------------------------------------ */
/* A server's list                                                    */

static published_t *find(const server_rec *s, const char *path)
{
    const apr_array_header_t *list = conf_of(s)->published;
    int i;

    for (i = 0; list && i < list->nelts; i++) {
        published_t *published = APR_ARRAY_IDX(list, i, published_t *);

        if (strcmp(published->path, path) == 0) {
            return published;
        }
    }
    return NULL;
}

static void add(apr_pool_t *p, server_rec *s, published_t *published)
{
    auth_clerk_server_conf_t *conf = conf_of(s);
    apr_array_header_t *list;

    if (!conf->published) {
        conf->published = apr_array_make(p, 2, sizeof(published_t *));
    }
    list = (apr_array_header_t *)conf->published;
    APR_ARRAY_PUSH(list, published_t *) = published;
}

/* What the main server says of a resource is not published by virtual hosts
 * that have nothing to do with it. */
static void drop_unused(apr_pool_t *p, server_rec *s)
{
    const apr_array_header_t *all = conf_of(s)->published;
    int i;

    conf_of(s)->published = NULL;
    for (i = 0; all && i < all->nelts; i++) {
        published_t *published = APR_ARRAY_IDX(all, i, published_t *);

        if (published->is_used) {
            add(p, s, published);
        }
    }
}

/* ------------------------------------------------------------------ */
/* The survey                                                         */

static int have_same_clerk(const published_t *a, const published_t *b)
{
    const char *one = a->plan->terms.realm.frontend_api;
    const char *other = b->plan->terms.realm.frontend_api;

    return one && other && strcmp(one, other) == 0;
}

/* Two sections that say the same of a resource publish it together. */
static int agree(const published_t *a, const published_t *b)
{
    return strcmp(a->document, b->document) == 0
           && (!a->has_copies || !b->has_copies || have_same_clerk(a, b));
}

static void unite(published_t *first, const published_t *made)
{
    first->is_used |= made->is_used;
    first->is_open |= made->is_open;
    if (made->has_copies && !first->has_copies) {
        first->has_copies = 1;
        first->plan = made->plan;
    }
}

static int contradict(const survey_t *survey,
                      const auth_clerk_context_t *context,
                      const published_t *first, const published_t *made)
{
    const char *identifier = made->resource.identifier;
    const char *sentence =
        strcmp(identifier, first->resource.identifier) == 0
            ? apr_psprintf(
                survey->scratch,
                "ClerkResource %s is set in two sections that would publish "
                "it differently; let them agree on ClerkResourceScopes (or "
                "ClerkChallengeScopes, or Require clerk-scope), "
                "ClerkResourceName, ClerkResourceDocumentation and "
                "ClerkAuthorizationServers, and on which Clerk",
                identifier)
            : apr_psprintf(
                survey->scratch,
                "ClerkResource %s and %s would be published at the same path "
                "of one host; give each a virtual host of its own",
                identifier, first->resource.identifier);

    auth_clerk_log_start_fault(
        context->server, 0,
        apr_psprintf(survey->scratch, "%s (section %s, %s)", sentence,
                     context->own->section, context->place));
    return HTTP_INTERNAL_SERVER_ERROR;
}

static void doubt(const survey_t *survey, const auth_clerk_context_t *context,
                  const char *sentence)
{
    auth_clerk_log_start_doubt(
        context->server,
        apr_psprintf(survey->scratch, "%s (section %s, %s)", sentence,
                     context->own->section, context->place));
}

/* It would look protected, and be open. */
static void warn_if_open(const survey_t *survey,
                         const auth_clerk_context_t *context,
                         const auth_clerk_dir_conf_t *conf)
{
    if (!context->is_server_level && context->is_at_home
        && (!conf->auth_type || !auth_clerk_is_auth_type(conf->auth_type))) {
        doubt(survey, context,
              "ClerkResource is set where AuthType Clerk is not: the "
              "resource's metadata is published, but no token is asked for "
              "unless another section says so");
    }
}

static void warn_if_idle(const survey_t *survey,
                         const auth_clerk_context_t *context)
{
    const auth_clerk_dir_conf_t *own = context->own;

    if (context->is_server_level || !context->is_at_home
        || !(own->resource_name || own->resource_documentation
             || own->resource_scopes || own->authorization_servers
             || own->server_metadata == 1)
        || auth_clerk_check_merge(survey->scratch, context)->resource) {
        return;
    }
    doubt(survey, context,
          "what is said of a resource has no effect without ClerkResource");
}

static int publish(survey_t *survey, const auth_clerk_context_t *context)
{
    const auth_clerk_dir_conf_t *conf =
        auth_clerk_check_merge(survey->p, context);
    published_t *first;
    published_t *made;

    if (strcmp(conf->resource, context->own->resource) != 0) {
        /* The virtual host has one of its own. */
        return OK;
    }
    warn_if_open(survey, context, conf);
    made = describe(survey->p, context, conf);
    if (!made->resource.authorization_servers) {
        if (context->is_at_home && !survey->lacking) {
            survey->lacking = context->own;
            survey->lacking_in = context->server;
        }
        return OK;
    }
    first = find(context->server, made->path);
    if (!first) {
        add(survey->p, context->server, made);
        return OK;
    }
    /* What is set outside of all sections yields to what one of them says. */
    if (first->is_server_level && !made->is_server_level) {
        *first = *made;
        return OK;
    }
    if (!made->is_server_level && !agree(first, made)) {
        return contradict(survey, context, first, made);
    }
    unite(first, made);
    return OK;
}

static int visit_owner(void *baton, const auth_clerk_context_t *context)
{
    survey_t *survey = baton;
    int result = OK;

    if (context->own->resource) {
        result = publish(survey, context);
    }
    else {
        warn_if_idle(survey, context);
    }
    apr_pool_clear(survey->scratch);
    return result;
}

/* A section that is protected as a resource which is set outside of it: what
 * it requires belongs to what the server's own document says. */
static void join(survey_t *survey, const auth_clerk_context_t *context)
{
    const auth_clerk_dir_conf_t *conf =
        auth_clerk_check_merge(survey->scratch, context);
    apr_array_header_t *scopes;
    published_t *published;

    if (!conf->resource || !conf->auth_type
        || !auth_clerk_is_auth_type(conf->auth_type)) {
        return;
    }
    published = find(context->server,
                     clerk_resource_path(survey->scratch, conf->resource));
    if (!published || !published->is_server_level) {
        return;
    }
    published->is_used = 1;
    if (conf->resource_scopes) {
        return;
    }
    scopes = apr_array_copy(survey->p, published->resource.scopes);
    clerk_scope_add(scopes, clerk_scope_join(survey->scratch,
                                             scopes_of(survey->scratch, conf)));
    published->resource.scopes = scopes;
    published->document =
        clerk_resource_document(survey->p, &published->resource);
}

static int visit_heir(void *baton, const auth_clerk_context_t *context)
{
    survey_t *survey = baton;

    if (!context->own->resource && conf_of(context->server)->published) {
        join(survey, context);
        apr_pool_clear(survey->scratch);
    }
    return OK;
}

static int fault_of_lacking(const survey_t *survey)
{
    auth_clerk_log_start_fault(
        survey->lacking_in, 0,
        apr_psprintf(survey->scratch,
                     "ClerkResource %s: which authorization server gives "
                     "tokens for it? Set ClerkPublishableKey, ClerkDomain or "
                     "ClerkFrontendAPI where it is set (section %s)",
                     survey->lacking->resource, survey->lacking->section));
    return HTTP_INTERNAL_SERVER_ERROR;
}

int auth_clerk_publish(apr_pool_t *pconf, server_rec *s)
{
    survey_t survey = { .p = pconf };
    int result;

    if (apr_pool_create(&survey.scratch, pconf) != APR_SUCCESS) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    result = auth_clerk_check_each(pconf, s, visit_owner, &survey);
    if (result == OK && survey.lacking) {
        result = fault_of_lacking(&survey);
    }
    if (result == OK) {
        result = auth_clerk_check_each(pconf, s, visit_heir, &survey);
    }
    for (; s; s = s->next) {
        drop_unused(pconf, s);
    }
    apr_pool_destroy(survey.scratch);
    return result;
}

/* ------------------------------------------------------------------ */
/* Requests                                                           */

static int has_document(const published_t *published,
                        clerk_document_kind_t kind)
{
    return kind == CLERK_DOCUMENT_RESOURCE || published->has_copies;
}

const auth_clerk_published_t *auth_clerk_publish_find(
    const server_rec *s, clerk_document_kind_t kind, const char *path)
{
    const apr_array_header_t *list = conf_of(s)->published;
    const published_t *found = find(s, path);
    int i;

    if (found || *path) {
        return found && has_document(found, kind) ? found : NULL;
    }
    for (i = 0; list && i < list->nelts; i++) {
        const published_t *other = APR_ARRAY_IDX(list, i, const published_t *);

        if (!has_document(other, kind)) {
            continue;
        }
        if (found
            && (kind == CLERK_DOCUMENT_RESOURCE
                || !have_same_clerk(found, other))) {
            return NULL;
        }
        found = other;
    }
    return found;
}

int auth_clerk_publish_has_any(const server_rec *s)
{
    return conf_of(s)->published != NULL;
}
