/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_request.h"

#include <apr_strings.h>
#include <http_core.h>

auth_clerk_request_t *auth_clerk_request_peek(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &auth_clerk_module);
}

int auth_clerk_request_is_ours(request_rec *r)
{
    const auth_clerk_request_t *note = auth_clerk_request_peek(r);
    const char *type;

    if (note && note->is_ours && note->per_dir_config == r->per_dir_config) {
        return 1;
    }
    type = ap_auth_type(r);
    return type && auth_clerk_is_auth_type(type);
}

auth_clerk_request_t *auth_clerk_request_note(request_rec *r)
{
    auth_clerk_request_t *note = auth_clerk_request_peek(r);

    if (!note) {
        note = apr_pcalloc(r->pool, sizeof(*note));
        note->per_dir_config = r->per_dir_config;
        note->plan = auth_clerk_plan_of(r);
        ap_set_module_config(r->request_config, &auth_clerk_module, note);
    }
    return note;
}

const request_rec *auth_clerk_request_origin(const request_rec *r)
{
    return r->prev ? r->prev : r->main;
}

int auth_clerk_request_is_error_document(const request_rec *r)
{
    /* httpd gives further redirects the status of the first one. */
    return r->prev && ap_is_HTTP_ERROR(r->prev->status);
}

const clerk_identity_t *auth_clerk_request_identity(const request_rec *r)
{
    const request_rec *origin;
    auth_clerk_request_t *note;

    for (; r; r = origin) {
        note = auth_clerk_request_peek(r);
        if (note && note->identity) {
            return note->identity;
        }
        origin = auth_clerk_request_origin(r);
        if (!origin || origin->per_dir_config != r->per_dir_config) {
            return NULL;
        }
    }
    return NULL;
}

/* The note of this request, or of one that it came from, that has a header
 * which was taken off. */
static const auth_clerk_request_t *taken_from(const request_rec *r, int cookie)
{
    const auth_clerk_request_t *note;

    for (; r; r = auth_clerk_request_origin(r)) {
        note = auth_clerk_request_peek(r);
        if (note && (cookie ? note->cookie : note->authorization)) {
            return note;
        }
    }
    return NULL;
}

const char *auth_clerk_request_authorization(const request_rec *r)
{
    const auth_clerk_request_t *note = taken_from(r, 0);

    return note ? note->authorization
                : apr_table_get(r->headers_in, "Authorization");
}

const char *auth_clerk_request_cookie(const request_rec *r)
{
    const auth_clerk_request_t *note = taken_from(r, 1);

    return note ? note->cookie : apr_table_get(r->headers_in, "Cookie");
}

void auth_clerk_request_report(request_rec *r, const auth_clerk_request_t *note)
{
    auth_clerk_request_t *copy;

    if (!r->main) {
        return;
    }
    /* mod_dir destroys a subrequest before it passes its status on. */
    copy = apr_pmemdup(r->main->pool, note, sizeof(*note));
    if (copy->challenge) {
        copy->challenge = apr_pstrdup(r->main->pool, copy->challenge);
    }
    auth_clerk_request_note(r->main)->sub = copy;
}
