/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_scrub.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_request.h>

#include "mod_auth_clerk_env.h"

/* mod_cache does not store answers to requests with credentials, RFC 9111
 * section 3.5; it has to be told once they have been taken off. */
#define NO_CACHE_ENV "no-cache"

static int mod_cache_is_loaded;

/* Does a header's name begin like `wanted`, upper-case with underscores? CGI
 * and many frameworks take `-` and `_`, and either case, for the same. */
static int begins_as(const char *name, const char *wanted)
{
    for (; *wanted; name++, wanted++) {
        char c = *name == '-' ? '_' : (char)apr_toupper(*name);

        if (c != *wanted) {
            return 0;
        }
    }
    return 1;
}

static int reads_as(const char *name, const char *wanted)
{
    return strlen(name) == strlen(wanted) && begins_as(name, wanted);
}

static int is_reserved(const char *name, const auth_clerk_plan_t *plan)
{
    const char *variable;
    int i;

    /* The first letter acquits most of them. */
    if (!memchr("xrc", *name | 0x20, 3)) {
        return 0;
    }
    if (begins_as(name, "X_CLERK_") || reads_as(name, "REMOTE_USER")) {
        return 1;
    }
    if (!begins_as(name, "CLERK_")) {
        return 0;
    }
    for (i = 0; (variable = auth_clerk_env_variable(plan, i)) != NULL; i++) {
        if (reads_as(name, variable)) {
            return 1;
        }
    }
    return 0;
}

static void remove_reserved(request_rec *r, const auth_clerk_plan_t *plan)
{
    const apr_array_header_t *fields = apr_table_elts(r->headers_in);
    const apr_table_entry_t *field = (const apr_table_entry_t *)fields->elts;
    apr_array_header_t *names = NULL;
    int i;

    for (i = 0; i < fields->nelts; i++) {
        if (is_reserved(field[i].key, plan)) {
            if (!names) {
                names = apr_array_make(r->pool, 4, sizeof(const char *));
            }
            APR_ARRAY_PUSH(names, const char *) = field[i].key;
        }
    }
    for (i = 0; names && i < names->nelts; i++) {
        apr_table_unset(r->headers_in, APR_ARRAY_IDX(names, i, const char *));
    }
}

/*
 * mod_proxy drops the headers that `Connection` names, even those that were
 * set here (as in CVE-2022-31813). So ours must not be named there, in any of
 * the ways in which mod_proxy would find them: it splits at blanks and
 * semicolons, too.
 */
static void clean_connection(request_rec *r, const auth_clerk_plan_t *plan)
{
    const char *rest = apr_table_get(r->headers_in, "Connection");
    apr_array_header_t *kept;
    int changed = 0;

    if (!rest
        || (!ap_strcasestr(rest, "clerk") && !ap_strcasestr(rest, "remote"))) {
        return;
    }
    kept = apr_array_make(r->pool, 4, sizeof(const char *));
    while (*rest) {
        const char *option;

        while (*rest == ',' || *rest == ';') {
            rest++;
        }
        option = ap_get_token(r->pool, &rest, 0);
        if (is_reserved(option, plan)) {
            changed = 1;
        }
        else if (*option) {
            APR_ARRAY_PUSH(kept, const char *) = option;
        }
    }
    if (changed) {
        apr_table_setn(r->headers_in, "Connection",
                       apr_array_pstrcat(r->pool, kept, ','));
    }
}

static void take_header(request_rec *r, auth_clerk_request_t *note)
{
    const char *header = apr_table_get(r->headers_in, "Authorization");

    if (!header
        || (strncasecmp(header, "Bearer", 6) != 0
            && !ap_strcasestr(header, "bearer "))) {
        /* The credentials of another scheme are none of our business. */
        return;
    }
    note->authorization = header;
    apr_table_unset(r->headers_in, "Authorization");
}

static void take_cookie(request_rec *r, auth_clerk_request_t *note,
                        const char *name)
{
    const char *header = apr_table_get(r->headers_in, "Cookie");
    const char *rest;

    if (!header || !clerk_token_has_cookie(header, name)) {
        return;
    }
    if (!note->cookie) {
        note->cookie = header;
    }
    rest = clerk_token_without_cookie(r->pool, header, name);
    if (rest) {
        apr_table_setn(r->headers_in, "Cookie", rest);
    }
    else {
        apr_table_unset(r->headers_in, "Cookie");
    }
}

/*
 * Take the token off the request, so that no backend can replay it. It is
 * kept for our own hooks, here and on subrequests and internal redirects.
 */
static void take_token(request_rec *r, auth_clerk_request_t *note)
{
    const apr_array_header_t *sources = note->plan->sources;
    int i;

    take_header(r, note);
    for (i = 0; sources && i < sources->nelts; i++) {
        const char *cookie =
            APR_ARRAY_IDX(sources, i, auth_clerk_source_t).cookie;

        if (cookie) {
            take_cookie(r, note, cookie);
        }
    }
    if (mod_cache_is_loaded && (note->authorization || note->cookie)) {
        apr_table_setn(r->subprocess_env, NO_CACHE_ENV, "1");
    }
}

/* A section further in may want the token that one further out took off. */
static void give_token(request_rec *r)
{
    const char *authorization = auth_clerk_request_authorization(r);
    const char *cookie = auth_clerk_request_cookie(r);

    if (authorization) {
        apr_table_setn(r->headers_in, "Authorization", authorization);
    }
    if (cookie) {
        apr_table_setn(r->headers_in, "Cookie", cookie);
    }
}

void auth_clerk_scrub(request_rec *r, auth_clerk_request_t *note)
{
    remove_reserved(r, note->plan);
    clean_connection(r, note->plan);
    if (note->plan->pass_token) {
        give_token(r);
    }
    else {
        take_token(r, note);
    }
}

/* As soon as the section is known, and whatever comes of the request. */
static int scrub(request_rec *r)
{
    auth_clerk_request_t *note;

    if (auth_clerk_request_is_ours(r)) {
        note = auth_clerk_request_note(r);
        note->is_ours = 1;
        auth_clerk_scrub(r, note);
    }
    return OK;
}

static void look_for_cache(apr_pool_t *p, server_rec *s)
{
    (void)p;
    (void)s;
    mod_cache_is_loaded = ap_find_linked_module("mod_cache.c") != NULL;
}

void auth_clerk_scrub_register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_child_init(look_for_cache, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_perdir_config(scrub, NULL, NULL, APR_HOOK_REALLY_FIRST);
}
