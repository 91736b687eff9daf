/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_answer.h"

#include <apr_strings.h>
#include <http_core.h>
#include <mod_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#include "clerk_challenge.h"
#include "clerk_json.h"
#include "clerk_scope.h"
#include "mod_auth_clerk_request.h"
#include "mod_auth_clerk_require.h"

#define DEFAULT_RETRY_AFTER 5 /* seconds */
#define DEFAULT_REALM "Clerk"
#define ERROR_BODY_FILTER "AUTH_CLERK_ERROR_BODY"

static ap_filter_rec_t *error_body_filter;

/*
 * AuthName, or our own default. mod_authn_core keeps the name with its quotes
 * escaped already, for pasting; the challenge does its own escaping.
 */
static const char *realm_of(request_rec *r)
{
    const char *name = ap_auth_name(r);
    char *realm;
    char *to;

    if (!name) {
        return DEFAULT_REALM;
    }
    to = realm = apr_pstrdup(r->pool, name);
    for (; *name; name++) {
        if (name[0] != '\\' || name[1] != '"') {
            *to++ = *name;
        }
    }
    *to = '\0';
    return realm;
}

/* What a new token should have: a 403 says what is needed, a 401 what the
 * administrator wants to be asked for. */
static const apr_array_header_t *scopes_to_ask_for(
    request_rec *r, const auth_clerk_plan_t *plan,
    const clerk_status_info_t *info)
{
    if (info->http == HTTP_UNAUTHORIZED && plan->challenge_scopes) {
        return plan->challenge_scopes;
    }
    return auth_clerk_require_scopes(r->pool, plan->scopes, r->method_number);
}

/*
 * RFC 6750 section 3; NULL for a status without one. The same for every
 * request of a kind: clients compare challenges, so nothing of the request or
 * the token is in it.
 */
static const char *challenge_of(request_rec *r, const auth_clerk_plan_t *plan,
                                const clerk_status_info_t *info)
{
    clerk_challenge_t challenge = {
        .error = info->challenge,
        .resource_metadata = plan->resource_metadata,
        .error_description = info->challenge ? info->sentence : NULL,
        .realm = realm_of(r),
    };

    if (!info->challenge && info->http != HTTP_UNAUTHORIZED) {
        return NULL;
    }
    if (info->http != HTTP_BAD_REQUEST) {
        challenge.scope =
            clerk_scope_join(r->pool, scopes_to_ask_for(r, plan, info));
    }
    return clerk_challenge_text(r->pool, &challenge);
}

static void write_challenge(request_rec *r, const char *challenge)
{
    if (challenge) {
        apr_table_setn(r->err_headers_out, "WWW-Authenticate", challenge);
    }
}

/* The administrator's ErrorDocument, if there is one, goes first. */
static void write_body(request_rec *r, const clerk_status_info_t *info)
{
    clerk_json_pair_t members[] = {
        { "error", clerk_slice_str(info->error), NULL },
        { "error_description", clerk_slice_str(info->sentence), NULL },
    };

    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    if (ap_response_code_string(r, ap_index_of_response(info->http))) {
        return;
    }
    ap_custom_response(r, info->http, clerk_json_write(r->pool, members, 2));
    auth_clerk_request_note(r)->error_body = info->http;
}

static void write_answer(request_rec *r, const auth_clerk_request_t *refused)
{
    const clerk_status_info_t *info = clerk_status_info(refused->refusal);

    if (info->http == HTTP_INTERNAL_SERVER_ERROR) {
        return;
    }
    if (info->http == HTTP_SERVICE_UNAVAILABLE) {
        apr_table_setn(r->err_headers_out, "Retry-After",
                       apr_itoa(r->pool, refused->retry_after));
    }
    write_body(r, info);
    write_challenge(r, refused->challenge);
}

int auth_clerk_answer_refuse(request_rec *r, clerk_status_t status,
                             int retry_after)
{
    auth_clerk_request_t *note = auth_clerk_request_note(r);
    const clerk_status_info_t *info = clerk_status_info(status);

    if (auth_clerk_request_is_error_document(r)) {
        return info->http;
    }
    note->refusal = status;
    note->retry_after = retry_after > 0 ? retry_after : DEFAULT_RETRY_AFTER;
    note->challenge = challenge_of(r, note->plan, info);
    auth_clerk_request_report(r, note);
    write_answer(r, note);
    if (info->http == HTTP_UNAUTHORIZED) {
        /* As httpd's own modules do it, for whoever listens. */
        ap_note_auth_failure(r);
    }
    return info->http;
}

/*
 * A 401 is being answered in a section of ours, by us or by another module,
 * which for us is a request without a token.
 */
static int note_auth_failure(request_rec *r, const char *auth_type)
{
    const auth_clerk_request_t *note;

    if (!auth_clerk_is_auth_type(auth_type)) {
        return DECLINED;
    }
    note = auth_clerk_request_note(r);
    if (note->is_asking || auth_clerk_request_is_error_document(r)) {
        return OK;
    }
    write_challenge(
        r,
        clerk_status_info(note->refusal)->http == HTTP_UNAUTHORIZED
            ? note->challenge
            : challenge_of(r, note->plan, clerk_status_info(CLERK_NO_TOKEN)));
    return OK;
}

/* httpd calls every error body HTML; ours says what it is. */
static apr_status_t name_error_body(ap_filter_t *f, apr_bucket_brigade *bb)
{
    ap_set_content_type(f->r, "application/json");
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

/*
 * A request that ends as its subrequest did, as mod_dir lets it with one of
 * several index pages, says no in the same words.
 */
static void repeat_refusal(request_rec *r)
{
    const auth_clerk_request_t *note = auth_clerk_request_peek(r);
    const auth_clerk_request_t *sub = note ? note->sub : NULL;

    if (sub && sub->refusal != CLERK_OK && !note->error_body
        && clerk_status_info(sub->refusal)->http == r->status) {
        write_answer(r, sub);
    }
}

static void insert_error_filter(request_rec *r)
{
    const auth_clerk_request_t *note;

    repeat_refusal(r);
    note = auth_clerk_request_peek(r);
    if (note && note->error_body && note->error_body == r->status) {
        ap_add_output_filter_handle(error_body_filter, NULL, r, r->connection);
    }
}

void auth_clerk_answer_register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_note_auth_failure(note_auth_failure, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(insert_error_filter, NULL, NULL,
                                APR_HOOK_MIDDLE);
    error_body_filter = ap_register_output_filter(
        ERROR_BODY_FILTER, name_error_body, NULL, AP_FTYPE_CONTENT_SET);
}
