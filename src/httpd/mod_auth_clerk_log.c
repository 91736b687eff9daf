/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_log.h"

#include <apr_strings.h>

#include "clerk_api.h"

#define INACTIVE_TO_HINT 20

APLOG_USE_MODULE(auth_clerk);

static clerk_shared_t *shared_memory;

/* What every request could repeat is said once a second of each kind. */
static int is_due(clerk_status_t kind)
{
    return !shared_memory
           || clerk_shared_is_first_in_second(shared_memory, kind,
                                              apr_time_now());
}

void auth_clerk_log_share(clerk_shared_t *shared)
{
    shared_memory = shared;
}

clerk_shared_t *auth_clerk_log_shared(void)
{
    return shared_memory;
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
    if (is_due(CLERK_INTERNAL)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "ClerkSOCache: %s; the request goes on without the cache",
                     what);
    }
}

/* A Clerk that is down says so once a second, not once a request. */
static void log_failure(request_rec *r, const clerk_event_t *event)
{
    const clerk_answer_t *answer = event->answer;
    const char *name = clerk_status_info(event->status)->name;
    const char *trace = event->trace_id ? event->trace_id : "-";
    int ms = (int)apr_time_as_msec(answer->took);

    if (!is_due(event->status)) {
        return;
    }
    if (clerk_status_class(event->status) == CLERK_CLASS_CONFIG) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "Clerk's %s refused this server with HTTP status %d "
                      "(reason=%s, trace=%s); check %s",
                      event->endpoint, answer->http, name, trace, event->fix);
    }
    else if (answer->detail) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "Clerk's %s gave no answer after %d ms (reason=%s): "
                      "%s",
                      event->endpoint, ms, name, answer->detail);
    }
    else {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "Clerk's %s gave an answer of HTTP status %d after %d "
                      "ms that says nothing about the token (reason=%s, "
                      "trace=%s)",
                      event->endpoint, answer->http, ms, name, trace);
    }
}

/*
 * Clerk's introspection may know the tokens of one OAuth application alone
 * (D15 of the wire contract), and says no more of others than of junk.
 */
static void hint_at_other_clients(request_rec *r, const clerk_event_t *event)
{
    int is_active = event->status == CLERK_OK;

    if (event->endpoint == clerk_api_token_info.name && shared_memory
        && (is_active || event->status == CLERK_TOKEN_INACTIVE)
        && clerk_shared_count_introspection(shared_memory, is_active)
               == INACTIVE_TO_HINT) {
        ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r,
                      "Clerk's token_info called each of the first %d tokens "
                      "inactive; should they be good ones of other OAuth "
                      "applications than ClerkClientID, use ClerkVerifier "
                      "backend",
                      INACTIVE_TO_HINT);
    }
}

static void log_skipped_keys(request_rec *r, const clerk_event_t *event)
{
    int i;

    for (i = 0; event->skipped && i < event->skipped->nelts; i++) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "key set: %s",
                      APR_ARRAY_IDX(event->skipped, i, const char *));
    }
}

static void log_call(void *self, const clerk_event_t *event)
{
    request_rec *r = self;
    const clerk_answer_t *answer = event->answer;

    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                  "asked Clerk's %s: %s, HTTP status %d, %d ms",
                  event->endpoint, clerk_status_info(event->status)->name,
                  answer->http, (int)apr_time_as_msec(answer->took));
    log_skipped_keys(r, event);
    hint_at_other_clients(r, event);
    if (clerk_status_class(event->status) > CLERK_CLASS_REJECT) {
        log_failure(r, event);
    }
}

clerk_log_port_t auth_clerk_log_port(request_rec *r)
{
    clerk_log_port_t port = { r, log_call };

    return port;
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
        [CLERK_CACHE_UNUSED] = "not used",
        [CLERK_CACHE_HIT] = "hit",
        [CLERK_CACHE_MISS] = "miss",
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

    if (!APLOGrinfo(r)) {
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
    if (is_due(CLERK_MISCONFIGURED)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "%s (in section %s)",
                      plan->fault, plan->section);
    }
}

void auth_clerk_log_closed_to_clients(request_rec *r,
                                      const clerk_realm_t *realm)
{
    if (!shared_memory
        || clerk_shared_is_first_about(shared_memory, realm->keys_lane)) {
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
    if (is_due(CLERK_ACCESS_DENIED)) {
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
