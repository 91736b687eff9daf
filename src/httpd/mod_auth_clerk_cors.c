/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_cors.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#include "mod_auth_clerk_answer.h"
#include "mod_auth_clerk_log.h"
#include "mod_auth_clerk_request.h"

#define ALLOW_ORIGIN "Access-Control-Allow-Origin"
#define ALLOW_CREDENTIALS "Access-Control-Allow-Credentials"
#define EXPOSE_HEADERS "Access-Control-Expose-Headers"
#define REQUEST_METHOD "Access-Control-Request-Method"
#define REQUEST_HEADERS "Access-Control-Request-Headers"

/* How long a browser may remember a preflight's answer. */
#define PREFLIGHT_MAX_AGE "7200" /* seconds; browsers keep no longer */
#define PREFLIGHT_VARY "Origin, " REQUEST_METHOD ", " REQUEST_HEADERS
/* What a script may read of an answer, so that an MCP client finds its way to
 * the authorization server, and its session. */
#define EXPOSED "WWW-Authenticate, Mcp-Session-Id, Mcp-Protocol-Version"

static ap_filter_rec_t *cors_filter;

/* ------------------------------------------------------------------ */
/* Whom an answer is for                                              */

/* The origin that may read the answer; NULL: none of those listed has asked.
 * The same for all where there is just one. */
static const char *allowed_of(const apr_array_header_t *origins,
                              const char *origin)
{
    int i;

    if (!origin) {
        return origins->nelts == 1 ? APR_ARRAY_IDX(origins, 0, const char *)
                                   : NULL;
    }
    for (i = 0; i < origins->nelts; i++) {
        const char *one = APR_ARRAY_IDX(origins, i, const char *);

        if (strcmp(one, origin) == 0) {
            return one;
        }
    }
    return NULL;
}

static void decide(request_rec *r, auth_clerk_request_t *note,
                   const auth_clerk_plan_t *plan)
{
    note->cors_conf = r->per_dir_config;
    note->cors = plan->cors;
    note->cors_origin = NULL;
    if (plan->cors == AUTH_CLERK_CORS_ON) {
        note->cors_origin = "*";
    }
    else if (plan->cors == AUTH_CLERK_CORS_LIST) {
        note->cors_origin = allowed_of(plan->cors_origins,
                                       apr_table_get(r->headers_in, "Origin"));
    }
}

/*
 * The note that decided for this request, or for the one that it was
 * redirected from internally, as to an error document: the answer is to what
 * the client asked for.
 */
static auth_clerk_request_t *decided(const request_rec *r)
{
    for (; r; r = r->prev) {
        auth_clerk_request_t *note = auth_clerk_request_peek(r);

        if (note && note->cors != AUTH_CLERK_CORS_OFF) {
            return note;
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------ */
/* Preflights                                                         */

static int is_preflight(const request_rec *r)
{
    return r->method_number == M_OPTIONS
           && apr_table_get(r->headers_in, "Origin")
           && apr_table_get(r->headers_in, REQUEST_METHOD);
}

static int is_token(const char *name)
{
    return *name && !*ap_scan_http_token(name);
}

/* `Authorization`, which no `*` would stand for, and what is asked for. */
static const char *allowed_headers(request_rec *r)
{
    const char *asked = apr_table_get(r->headers_in, REQUEST_HEADERS);
    char *rest = apr_pstrdup(r->pool, asked ? asked : "");
    apr_array_header_t *allowed =
        apr_array_make(r->pool, 8, sizeof(const char *));
    char *name;

    APR_ARRAY_PUSH(allowed, const char *) = "Authorization";
    while ((name = apr_strtok(rest, ", \t", &rest)) != NULL) {
        if (is_token(name) && ap_cstr_casecmp(name, "Authorization") != 0) {
            APR_ARRAY_PUSH(allowed, const char *) = name;
        }
    }
    return apr_array_pstrcat(r->pool, allowed, ',');
}

static void allow_preflight(request_rec *r)
{
    const char *method = apr_table_get(r->headers_in, REQUEST_METHOD);
    apr_table_t *out = r->err_headers_out;

    if (is_token(method)) {
        apr_table_setn(out, "Access-Control-Allow-Methods", method);
    }
    apr_table_setn(out, "Access-Control-Allow-Headers", allowed_headers(r));
    apr_table_setn(out, "Access-Control-Max-Age", PREFLIGHT_MAX_AGE);
    apr_table_setn(out, "Vary", PREFLIGHT_VARY);
}

void auth_clerk_cors_open(request_rec *r)
{
    auth_clerk_request_t *note = auth_clerk_request_note(r);

    note->cors_conf = r->per_dir_config;
    note->cors = AUTH_CLERK_CORS_ON;
    note->cors_origin = "*";
    if (is_preflight(r)) {
        allow_preflight(r);
    }
}

static int refuse_origin(request_rec *r, auth_clerk_request_t *note)
{
    auth_clerk_log_refusal(r, note, CLERK_ORIGIN_REFUSED);
    return auth_clerk_answer_refuse(r, CLERK_ORIGIN_REFUSED, 0);
}

/*
 * Once the section is known, and before anybody asks for a token, which a
 * preflight never carries. An error document has been let in already; the
 * index page that mod_dir finds by a subrequest has not.
 */
static int answer_origin(request_rec *r)
{
    auth_clerk_request_t *note = auth_clerk_request_peek(r);

    if (!note || !note->is_ours || auth_clerk_request_is_error_document(r)) {
        return OK;
    }
    decide(r, note, note->plan);
    if (note->cors == AUTH_CLERK_CORS_LIST && !note->cors_origin
        && apr_table_get(r->headers_in, "Origin")) {
        return refuse_origin(r, note);
    }
    if (note->cors != AUTH_CLERK_CORS_OFF && !r->main && is_preflight(r)) {
        allow_preflight(r);
        return HTTP_NO_CONTENT;
    }
    return OK;
}

/* ------------------------------------------------------------------ */
/* Every answer                                                       */

/* What others expose stays exposed. */
static void expose(request_rec *r)
{
    const char *theirs =
        apr_table_getm(r->pool, r->headers_out, EXPOSE_HEADERS);
    const char *always =
        apr_table_getm(r->pool, r->err_headers_out, EXPOSE_HEADERS);

    apr_table_unset(r->err_headers_out, EXPOSE_HEADERS);
    apr_table_setn(r->headers_out, EXPOSE_HEADERS,
                   apr_pstrcat(r->pool, EXPOSED, theirs ? ", " : "",
                               theirs ? theirs : "", always ? ", " : "",
                               always ? always : "", NULL));
}

static void vary_by_origin(request_rec *r)
{
    const char *vary = apr_table_get(r->headers_out, "Vary");
    const char *error_vary = apr_table_get(r->err_headers_out, "Vary");

    if (!ap_find_token(r->pool, vary, "Origin")
        && !ap_find_token(r->pool, error_vary, "Origin")) {
        apr_table_mergen(r->headers_out, "Vary", "Origin");
    }
}

/* One Access-Control-Allow-Origin, and ours: with two, a browser takes
 * neither. */
static apr_status_t write_headers(ap_filter_t *f, apr_bucket_brigade *bb)
{
    const auth_clerk_request_t *note = f->ctx;
    request_rec *r = f->r;

    apr_table_unset(r->headers_out, ALLOW_ORIGIN);
    apr_table_unset(r->err_headers_out, ALLOW_ORIGIN);
    apr_table_unset(r->headers_out, ALLOW_CREDENTIALS);
    apr_table_unset(r->err_headers_out, ALLOW_CREDENTIALS);
    if (note->cors_origin) {
        apr_table_setn(r->headers_out, ALLOW_ORIGIN, note->cors_origin);
        expose(r);
    }
    if (note->cors == AUTH_CLERK_CORS_LIST) {
        vary_by_origin(r);
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

/* A request that ends as the subrequest for its index page did is an answer of
 * that page's section. */
static void repeat_decision(const request_rec *r, auth_clerk_request_t *note)
{
    const auth_clerk_request_t *sub = note ? note->sub : NULL;

    if (sub && sub->refusal != CLERK_OK
        && clerk_status_info(sub->refusal)->http == r->status) {
        note->cors = sub->cors;
        note->cors_origin = sub->cors_origin;
    }
}

/*
 * Also for what is refused before its section was looked at, and for what has
 * taken over the configuration of an index page since.
 */
static void insert_filter(request_rec *r)
{
    auth_clerk_request_t *note = auth_clerk_request_peek(r);

    if (r->main) {
        return;
    }
    if ((!note || note->cors_conf != r->per_dir_config)
        && auth_clerk_request_is_ours(r)) {
        note = auth_clerk_request_note(r);
        decide(r, note, auth_clerk_plan_of(r));
    }
    repeat_decision(r, note);
    note = decided(r);
    if (note) {
        ap_add_output_filter_handle(cors_filter, note, r, r->connection);
    }
}

void auth_clerk_cors_register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_post_perdir_config(answer_origin, NULL, NULL, APR_HOOK_FIRST);
    /* Behind mod_headers; before what mod_cache stores. */
    ap_hook_insert_filter(insert_filter, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_insert_error_filter(insert_filter, NULL, NULL,
                                APR_HOOK_REALLY_LAST);
    cors_filter = ap_register_output_filter("AUTH_CLERK_CORS", write_headers,
                                            NULL, AP_FTYPE_CONTENT_SET);
}
