/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_resource.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <http_request.h>

#include "clerk_api.h"
#include "clerk_resource.h"
#include "clerk_scope.h"
#include "mod_auth_clerk_answer.h"
#include "mod_auth_clerk_check.h"
#include "mod_auth_clerk_cors.h"
#include "mod_auth_clerk_log.h"
#include "mod_auth_clerk_plan.h"
#include "mod_auth_clerk_require.h"

/* Clients may keep a document this long, so that a change is soon seen. */
#define CACHE_CONTROL "public, max-age=300"
#define ALLOWED "GET, HEAD, OPTIONS"

/* A resource of one server. */
typedef struct published_t {
    clerk_resource_t resource;
    const char *path; /* of the identifier, as behind a well-known path */
    const char *document;
    const auth_clerk_plan_t *plan;
    int is_server_level; /* its sections inherit it */
    int is_used;         /* a section here is protected as this resource */
} published_t;

/* One pass over the sections. */
typedef struct survey_t {
    apr_pool_t *p;
    const auth_clerk_context_t
        *lacking; /* that names no authorization server */
} survey_t;

/* Of this child; set before it serves. */
static clerk_metadata_t *the_metadata;

static auth_clerk_server_conf_t *conf_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &auth_clerk_module);
}

/* ------------------------------------------------------------------ */
/* At start                                                           */

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

/* The resource that a server publishes under a path, or NULL. */
static published_t *find_published(const server_rec *s, const char *path)
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

static void add_published(apr_pool_t *p, server_rec *s, published_t *published)
{
    auth_clerk_server_conf_t *conf = conf_of(s);
    apr_array_header_t *list;

    if (!conf->published) {
        conf->published = apr_array_make(p, 2, sizeof(published_t *));
    }
    list = (apr_array_header_t *)conf->published;
    APR_ARRAY_PUSH(list, published_t *) = published;
}

static int contradict(const survey_t *survey,
                      const auth_clerk_context_t *context,
                      const published_t *first)
{
    const ap_directive_t *node = context->node;

    auth_clerk_log_start_fault(
        context->server, 0,
        apr_psprintf(survey->p,
                     "ClerkResource %s is set in two sections that would "
                     "publish different metadata for it: one says %s, the "
                     "other (section %s, %s:%d) something else; let them agree "
                     "on ClerkResource, ClerkResourceScopes, "
                     "ClerkChallengeScopes or Require clerk-scope, "
                     "ClerkResourceName, ClerkResourceDocumentation and "
                     "ClerkAuthorizationServers",
                     context->own->resource, first->document,
                     context->own->section, node ? node->filename : "-",
                     node ? node->line_num : 0));
    return HTTP_INTERNAL_SERVER_ERROR;
}

static published_t *describe(apr_pool_t *p, const auth_clerk_context_t *context)
{
    const auth_clerk_dir_conf_t *conf = context->merged;
    published_t *made = apr_pcalloc(p, sizeof(*made));

    made->plan = auth_clerk_plan_make(p, conf);
    made->path = clerk_resource_path(p, conf->resource);
    made->is_server_level = context->is_server_level;
    made->is_used = context->is_at_home;
    made->resource.identifier = conf->resource;
    made->resource.authorization_servers = servers_of(p, conf, made->plan);
    made->resource.scopes = scopes_of(p, conf);
    made->resource.name = conf->resource_name;
    made->resource.documentation = conf->resource_documentation;
    made->document = clerk_resource_document(p, &made->resource);
    return made;
}

/* It would look protected, and be open. */
static void warn_if_open(const survey_t *survey,
                         const auth_clerk_context_t *context)
{
    const char *type = context->merged->auth_type;

    if (!context->is_server_level && context->is_at_home
        && (!type || !auth_clerk_is_auth_type(type))) {
        auth_clerk_log_start_doubt(
            context->server,
            apr_psprintf(survey->p,
                         "ClerkResource %s is set where AuthType Clerk is not "
                         "(section %s): its metadata is published, but no "
                         "token is asked for unless another section says so",
                         context->own->resource, context->own->section));
    }
}

/* A section that sets ClerkResource. What is set outside of all sections
 * yields to what a section says of the same resource. */
static int publish(void *baton, const auth_clerk_context_t *context)
{
    survey_t *survey = baton;
    published_t *made;
    published_t *first;

    if (!context->own->resource) {
        return OK;
    }
    warn_if_open(survey, context);
    made = describe(survey->p, context);
    if (!made->resource.authorization_servers) {
        if (context->is_at_home && !survey->lacking) {
            survey->lacking = apr_pmemdup(survey->p, context, sizeof(*context));
        }
        return OK;
    }
    first = find_published(context->server, made->path);
    if (!first) {
        add_published(survey->p, context->server, made);
        return OK;
    }
    if (first->is_server_level && !made->is_server_level) {
        *first = *made;
        return OK;
    }
    if (!made->is_server_level
        && strcmp(first->document, made->document) != 0) {
        return contradict(survey, context, first);
    }
    return OK;
}

/* A section that is protected as a resource which is set outside of it: what
 * it requires belongs to what the server's own document says. */
static int join(void *baton, const auth_clerk_context_t *context)
{
    const survey_t *survey = baton;
    const auth_clerk_dir_conf_t *conf = context->merged;
    apr_array_header_t *scopes;
    published_t *published;
    const char *path;

    if (context->own->resource || !conf->resource || !conf->auth_type
        || !auth_clerk_is_auth_type(conf->auth_type)) {
        return OK;
    }
    path = clerk_resource_path(survey->p, conf->resource);
    published = find_published(context->server, path);
    if (!published || !published->is_server_level) {
        return OK;
    }
    published->is_used = 1;
    if (conf->resource_scopes) {
        return OK;
    }
    scopes = apr_array_copy(survey->p, published->resource.scopes);
    clerk_scope_add(scopes,
                    clerk_scope_join(survey->p, scopes_of(survey->p, conf)));
    published->resource.scopes = scopes;
    published->document =
        clerk_resource_document(survey->p, &published->resource);
    return OK;
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

        if (published->is_used || !published->is_server_level) {
            add_published(p, s, published);
        }
    }
}

static int fault_of_lacking(const survey_t *survey)
{
    const auth_clerk_context_t *context = survey->lacking;

    auth_clerk_log_start_fault(
        context->server, 0,
        apr_psprintf(survey->p,
                     "ClerkResource %s: which authorization server gives "
                     "tokens for it? Set ClerkPublishableKey, ClerkDomain or "
                     "ClerkFrontendAPI where it is set (section %s)",
                     context->own->resource, context->own->section));
    return HTTP_INTERNAL_SERVER_ERROR;
}

int auth_clerk_resource_publish(apr_pool_t *pconf, server_rec *s)
{
    survey_t survey = { .p = pconf };
    int result = auth_clerk_check_each(pconf, s, publish, &survey);

    if (result == OK && survey.lacking) {
        result = fault_of_lacking(&survey);
    }
    if (result == OK) {
        result = auth_clerk_check_each(pconf, s, join, &survey);
    }
    for (; s; s = s->next) {
        drop_unused(pconf, s);
    }
    return result;
}

/* ------------------------------------------------------------------ */
/* Requests                                                           */

void auth_clerk_resource_serve(clerk_metadata_t *home)
{
    the_metadata = home;
}

static int send_json(request_rec *r, clerk_slice_t text)
{
    if (ap_discard_request_body(r) != OK) {
        /* What is left of it must not pass for a request. */
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    ap_set_content_type(r, "application/json");
    ap_set_content_length(r, (apr_off_t)text.len);
    /* Where mod_headers and its like come in. */
    ap_run_insert_filter(r);
    ap_rwrite(text.ptr, (int)text.len, r);
    return OK;
}

static int send_document(request_rec *r, clerk_slice_t document)
{
    apr_table_setn(r->headers_out, "Cache-Control", CACHE_CONTROL);
    return send_json(r, document);
}

/* httpd's own list of what is allowed would name TRACE. */
static int refuse_method(request_rec *r)
{
    r->status = HTTP_METHOD_NOT_ALLOWED;
    return send_json(
        r, clerk_slice_str("{\"error\":\"method_not_allowed\","
                           "\"error_description\":\"This document can be "
                           "read, and nothing else\"}"));
}

/* MCP clients that nobody has registered could not sign in. */
static void warn_if_closed(request_rec *r, const clerk_metadata_query_t *query)
{
    if (query->is_news
        && !clerk_api_metadata_lets_clients_in(query->document, r->pool)) {
        auth_clerk_log_closed_to_clients(r, query->realm);
    }
}

static int send_copy(request_rec *r, const auth_clerk_plan_t *plan,
                     clerk_document_kind_t kind)
{
    clerk_log_port_t log = auth_clerk_log_port(r);
    clerk_metadata_query_t query = { .realm = &plan->terms.realm,
                                     .path = clerk_resource_well_known(kind),
                                     .log = &log };
    clerk_status_t status =
        the_metadata ? clerk_metadata_get(the_metadata, &query, r->pool)
                     : CLERK_INTERNAL;

    if (clerk_status_class(status) == CLERK_CLASS_CONFIG) {
        /* The log says what to fix; the client may only try again. */
        status = CLERK_SERVER_ERROR;
    }
    if (status != CLERK_OK) {
        return auth_clerk_answer_refuse(r, status, query.retry_after);
    }
    if (kind == CLERK_DOCUMENT_SERVER) {
        warn_if_closed(r, &query);
    }
    return send_document(r, query.document);
}

static int have_same_clerk(const published_t *a, const published_t *b)
{
    const char *one = a->plan->terms.realm.frontend_api;
    const char *other = b->plan->terms.realm.frontend_api;

    return one && other && strcmp(one, other) == 0;
}

/*
 * The resource that a well-known path is about. The bare path is about the
 * resource at the root, else about the only one; where Clerk's documents are
 * asked for, about any, if all have the same Clerk.
 */
static const published_t *resource_at(const server_rec *s,
                                      clerk_document_kind_t kind,
                                      const char *path)
{
    const apr_array_header_t *list = conf_of(s)->published;
    const published_t *found = find_published(s, path);
    int i;

    if (found || *path || !list) {
        return found;
    }
    found = APR_ARRAY_IDX(list, 0, const published_t *);
    for (i = 1; i < list->nelts; i++) {
        const published_t *other = APR_ARRAY_IDX(list, i, const published_t *);

        if (kind == CLERK_DOCUMENT_RESOURCE || !have_same_clerk(found, other)) {
            return NULL;
        }
    }
    return found;
}

static int answer(request_rec *r, const published_t *published,
                  clerk_document_kind_t kind)
{
    if (published->plan->cors != AUTH_CLERK_CORS_OFF) {
        auth_clerk_cors_open(r);
    }
    switch (r->method_number) {
    case M_OPTIONS:
        apr_table_setn(r->err_headers_out, "Allow", ALLOWED);
        return HTTP_NO_CONTENT;
    case M_GET:
        return kind == CLERK_DOCUMENT_RESOURCE
                   ? send_document(r, clerk_slice_str(published->document))
                   : send_copy(r, published->plan, kind);
    default:
        apr_table_setn(r->headers_out, "Allow", ALLOWED);
        return refuse_method(r);
    }
}

/*
 * Before the site's own rules, redirects, proxies and Require lines: these
 * documents are for everybody, and say nothing that is not public.
 */
static int quick_handler(request_rec *r, int lookup)
{
    const published_t *published;
    clerk_document_kind_t kind;
    const char *path;

    if (lookup || r->proxyreq != PROXYREQ_NONE || !r->parsed_uri.path
        || !conf_of(r->server)->published) {
        return DECLINED;
    }
    kind = clerk_resource_parse_path(r->pool, r->parsed_uri.path, &path);
    if (kind == CLERK_DOCUMENT_NONE) {
        return DECLINED;
    }
    published = resource_at(r->server, kind, path);
    if (!published
        || (kind != CLERK_DOCUMENT_RESOURCE
            && (!published->plan->server_metadata || published->plan->fault))) {
        return DECLINED;
    }
    return answer(r, published, kind);
}

void auth_clerk_resource_register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_quick_handler(quick_handler, NULL, NULL, APR_HOOK_REALLY_FIRST);
}
