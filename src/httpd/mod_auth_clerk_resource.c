/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_resource.h"

#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#include "clerk_api.h"
#include "mod_auth_clerk_answer.h"
#include "mod_auth_clerk_cors.h"
#include "mod_auth_clerk_log.h"
#include "mod_auth_clerk_publish.h"

/* Clients may keep a document this long, so that a change is soon seen. */
#define CACHE_CONTROL "public, max-age=300"
#define ALLOWED "GET, HEAD, OPTIONS"

/* Of this child; set before it serves. */
static clerk_metadata_t *the_metadata;

void auth_clerk_resource_serve(clerk_metadata_t *home)
{
    the_metadata = home;
}

/* Where mod_headers, mod_deflate and their like come in: as httpd does it
 * before it calls a handler. */
static void insert_filters(request_rec *r)
{
    ap_filter_t *f;

    ap_run_insert_filter(r);
    for (f = r->output_filters; f; f = f->next) {
        if (f->frec->filter_init_func) {
            f->frec->filter_init_func(f);
        }
    }
}

static int send_json(request_rec *r, clerk_slice_t text)
{
    if (ap_discard_request_body(r) != OK) {
        /* What is left of it must not pass for a request. */
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    ap_set_content_type(r, "application/json");
    ap_set_content_length(r, (apr_off_t)text.len);
    insert_filters(r);
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

static int answer(request_rec *r, const auth_clerk_published_t *published,
                  clerk_document_kind_t kind)
{
    if (published->is_open) {
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
    const auth_clerk_published_t *published;
    clerk_document_kind_t kind;
    const char *path;

    if (lookup || r->main || r->proxyreq != PROXYREQ_NONE || !r->parsed_uri.path
        || !auth_clerk_publish_has_any(r->server)) {
        return DECLINED;
    }
    kind = clerk_resource_parse_path(r->pool, r->parsed_uri.path, &path);
    if (kind == CLERK_DOCUMENT_NONE) {
        return DECLINED;
    }
    published = auth_clerk_publish_find(r->server, kind, path);
    return published ? answer(r, published, kind) : DECLINED;
}

void auth_clerk_resource_register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_quick_handler(quick_handler, NULL, NULL, APR_HOOK_REALLY_FIRST);
}
