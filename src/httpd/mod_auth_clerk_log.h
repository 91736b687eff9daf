/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_log.h: what is said to the administrator about requests.
 *
 * Owns: every log line of a request. A token appears as its kind and the
 * first digits of its SHA-256; never a token, a secret or an Authorization
 * header, at any level. Must never know: how a verdict came about. Called by:
 * the rest of the glue.
 */
#ifndef MOD_AUTH_CLERK_LOG_H
#define MOD_AUTH_CLERK_LOG_H

#include "clerk_gate.h"
#include "clerk_verify.h"
#include "mod_auth_clerk_plan.h"
#include "mod_auth_clerk_private.h"
#include "mod_auth_clerk_request.h"

/* emerg: a fault that stops the start; printed by `httpd -t`, too. */
void auth_clerk_log_start_fault(server_rec *s, apr_status_t rv,
                                const char *sentence);

/* warning, at start: what is configured may not be what is meant. */
void auth_clerk_log_start_doubt(server_rec *s, const char *sentence);

/* warning: the cache failed at something; the request goes on without it. */
void auth_clerk_log_cache_fault(server_rec *s, apr_status_t rv,
                                const char *what);

/* info: how many records of usual size the cache holds. */
void auth_clerk_log_cache_capacity(server_rec *s, int records);

/* What every request could repeat is said once a second of each kind, over all
 * processes: is it time? */
int auth_clerk_log_is_due(clerk_status_t kind);

/* The log port of a request, for calls to Clerk. */
clerk_log_port_t auth_clerk_log_port(request_rec *r);

/* The same for calls that no request waits for; `s` is the server's. */
clerk_log_port_t auth_clerk_log_server_port(server_rec *s);

/* notice: this server stops asking Clerk for a while, or does so again; for
 * clerk_gate, with the server_rec as its listener. */
void auth_clerk_log_breaker(void *s, const clerk_gate_news_t *news);

/* debug: how a token fared here. */
void auth_clerk_log_verdict(request_rec *r, const auth_clerk_request_t *note,
                            clerk_status_t status,
                            const clerk_verdict_t *verdict);

/* info: the one line of a refusal. */
void auth_clerk_log_refusal(request_rec *r, const auth_clerk_request_t *note,
                            clerk_status_t status);

/* error: the section's directives contradict each other. */
void auth_clerk_log_fault(request_rec *r, const auth_clerk_plan_t *plan);

/* warning, once: clients that nobody has registered cannot sign in. */
void auth_clerk_log_closed_to_clients(request_rec *r,
                                      const clerk_realm_t *realm);

/* error: a Require line's expression could not be evaluated. */
void auth_clerk_log_expression_fault(request_rec *r, const char *reason);

/* info: a value of a claim that the application will not be told. */
void auth_clerk_log_left_out(request_rec *r, const char *name, const char *why);

/*
 * Keep mod_authz_core from logging its own error for each refusal (AH01631)
 * while it is asked on our behalf: a client's fault is no error of the
 * server, and has its line from auth_clerk_log_refusal. Whoever set its
 * LogLevel to debug or lower hears all of it. Returns what to give to
 * auth_clerk_log_restore.
 */
const struct ap_logconf *auth_clerk_log_hush(request_rec *r);
void auth_clerk_log_restore(request_rec *r, const struct ap_logconf *log);

/* Prepare for auth_clerk_log_hush; call once all modules are configured. */
void auth_clerk_log_prepare(apr_pool_t *pconf, server_rec *s);

#endif
