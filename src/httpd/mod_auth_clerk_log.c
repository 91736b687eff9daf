/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_log.h"

#include <apr_strings.h>

#include "mod_auth_clerk_shared.h"

APLOG_USE_MODULE(auth_clerk);

int auth_clerk_log_is_due(clerk_status_t kind)
{
    clerk_shared_t *shared = auth_clerk_shared_memory();

    return !shared
           || clerk_shared_is_first_in_second(shared, kind, apr_time_now());
}

void auth_clerk_log_start_fault(server_rec *s, apr_status_t rv,
                                const char *sentence)
{
    ap_log_error(APLOG_MARK, APLOG_EMERG | APLOG_STARTUP, rv, s, "%s",
                 sentence);
}

void auth_clerk_log_start_doubt(server_rec *s, const char *sentence)
{
    ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, s, "%s",
                 sentence);
}

void auth_clerk_log_cache_fault(server_rec *s, apr_status_t rv,
                                const char *what)
{
    if (auth_clerk_log_is_due(CLERK_INTERNAL)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "ClerkSOCache: %s; the request goes on without the cache",
                     what);
    }
}

void auth_clerk_log_cache_capacity(server_rec *s, int records)
{
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, s,
                 "ClerkSOCache: it holds about %d typical identities", records);
}

/* Who verifies, or verified, a token of this kind. */
static const char *verifier_of(const auth_clerk_request_t *note,
                               const clerk_verdict_t *verdict)
{
    const clerk_realm_t *realm = &note->plan->terms.realm;
    int is_signed = verdict->identity
                        ? (verdict->identity->facts & CLERK_FACT_SIGNED) != 0
                        : note->token.is_jwt
                              && (verdict->kind != CLERK_KIND_OAUTH
                                  || realm->verifier == CLERK_VERIFIER_AUTO);

    if (is_signed) {
        return "signature";
    }
    return clerk_realm_verifier_name(verdict->kind == CLERK_KIND_OAUTH
                                         ? clerk_realm_opaque_verifier(realm)
                                         : CLERK_VERIFIER_BACKEND);
}

void auth_clerk_log_verdict(request_rec *r, const auth_clerk_request_t *note,
                            clerk_status_t status,
                            const clerk_verdict_t *verdict)
{
    static const char *const uses[] = {
        [CLERK_CACHE_UNUSED] = "not used", [CLERK_CACHE_NEAR] = "near hit",
        [CLERK_CACHE_HIT] = "hit",         [CLERK_CACHE_MISS] = "miss",
        [CLERK_CACHE_STALE] = "stale",
    };
    char fingerprint[CLERK_TOKEN_FINGERPRINT + 1];

    if (verdict->identity
        && (verdict->identity->facts & CLERK_FACT_TRUNCATED)) {
        auth_clerk_log_left_out(r, "a claim",
                                "is beyond what is kept of one token");
    }
    if (!APLOGrdebug(r)) {
        return;
    }
    clerk_token_fingerprint(note->token.text, fingerprint);
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                  "section %s, verifier %s, cache %s: %s %s is %s",
                  note->plan->section, verifier_of(note, verdict),
                  uses[verdict->cache], clerk_token_kind_name(note->token.kind),
                  fingerprint, clerk_status_info(status)->name);
}

/* What, besides the token, the administrator would ask next. */
static const char *particulars(const request_rec *r,
                               const auth_clerk_request_t *note,
                               clerk_status_t status)
{
    switch (status) {
    case CLERK_REMOTE_USER_MISSING:
    case CLERK_PROFILE_UNKNOWN:
        return apr_pstrcat(r->pool, " (ClerkRemoteUser ",
                           note->plan->remote_user, ")", NULL);
    default:
        return r->user ? apr_pstrcat(r->pool, " (user ", r->user, ")", NULL)
                       : "";
    }
}

void auth_clerk_log_refusal(request_rec *r, const auth_clerk_request_t *note,
                            clerk_status_t status)
{
    const clerk_status_info_t *info = clerk_status_info(status);
    char fingerprint[CLERK_TOKEN_FINGERPRINT + 1] = "-";
    const char *kind = "none";

    if (!APLOGrinfo(r) || auth_clerk_request_is_error_document(r)) {
        return;
    }
    if (note->token.text.len) {
        clerk_token_fingerprint(note->token.text, fingerprint);
        kind = clerk_token_kind_name(note->token.kind);
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  "refused with %d: reason=%s token=%s sha256=%s: %s%s",
                  info->http, info->name, kind, fingerprint, info->sentence,
                  particulars(r, note, status));
}

void auth_clerk_log_fault(request_rec *r, const auth_clerk_plan_t *plan)
{
    if (auth_clerk_log_is_due(CLERK_MISCONFIGURED)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "%s (in section %s)",
                      plan->fault, plan->section);
    }
}

void auth_clerk_log_closed_to_clients(request_rec *r,
                                      const clerk_realm_t *realm)
{
    clerk_shared_t *shared = auth_clerk_shared_memory();

    if (!shared || clerk_shared_is_first_about(shared, realm->keys_lane)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "ClerkResource is set, but Clerk's metadata at %s offers "
                      "neither dynamic client registration nor client-id "
                      "metadata documents, so MCP clients cannot sign in; "
                      "switch on dynamic client registration in Clerk's "
                      "dashboard, under OAuth applications",
                      realm->frontend_api);
    }
}

void auth_clerk_log_expression_fault(request_rec *r, const char *reason)
{
    if (auth_clerk_log_is_due(CLERK_ACCESS_DENIED)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "Require: an expression cannot be evaluated: %s", reason);
    }
}

void auth_clerk_log_left_out(request_rec *r, const char *name, const char *why)
{
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  "%s is not set for the application: its value %s", name, why);
}

/* What is in force for a request; httpd looks in this order. */
static const struct ap_logconf *log_of(const request_rec *r)
{
    return r->log               ? r->log
           : r->connection->log ? r->connection->log
                                : &r->server->log;
}

/*
 * A copy of a log configuration in which mod_authz_core keeps quiet; itself
 * if its administrator wants to hear it.
 */
static const struct ap_logconf *hushed(apr_pool_t *p,
                                       const struct ap_logconf *log)
{
    const module *authz_core = ap_find_linked_module("mod_authz_core.c");
    struct ap_logconf *copy;
    int level;

    if (!authz_core) {
        return log;
    }
    level = log->module_levels ? log->module_levels[authz_core->module_index]
                               : AUTH_CLERK_UNSET;
    if ((level < 0 ? log->level : level) >= APLOG_DEBUG) {
        return log;
    }
    copy = ap_new_log_config(p, log);
    ap_set_module_loglevel(p, copy, authz_core->module_index, APLOG_CRIT);
    return copy;
}

void auth_clerk_log_prepare(apr_pool_t *pconf, server_rec *s)
{
    for (; s; s = s->next) {
        auth_clerk_server_conf_t *conf =
            ap_get_module_config(s->module_config, &auth_clerk_module);

        conf->hushed = hushed(pconf, &s->log);
    }
}

const struct ap_logconf *auth_clerk_log_hush(request_rec *r)
{
    const struct ap_logconf *original = r->log;
    const struct ap_logconf *log = log_of(r);
    const auth_clerk_server_conf_t *conf;

    conf = ap_get_module_config(r->server->module_config, &auth_clerk_module);
    r->log = log == &r->server->log && conf->hushed ? conf->hushed
                                                    : hushed(r->pool, log);
    return original;
}

void auth_clerk_log_restore(request_rec *r, const struct ap_logconf *log)
{
    r->log = log;
}
