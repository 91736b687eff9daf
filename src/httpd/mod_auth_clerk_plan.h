/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_plan.h: what follows from a section's settings.
 *
 * Owns: the defaults, the derivation of the terms under which tokens are
 * verified, and the contradictions between directives. Must never know: a
 * request. Called by: the start-up checks, the merge memo, and whoever
 * handles a request (reads only).
 */
#ifndef MOD_AUTH_CLERK_PLAN_H
#define MOD_AUTH_CLERK_PLAN_H

#include "clerk_verify.h"
#include "mod_auth_clerk_config.h"

typedef enum auth_clerk_fault_kind_t {
    AUTH_CLERK_FAULT_NONE,
    AUTH_CLERK_FAULT_MISSING, /* another section might add it */
    AUTH_CLERK_FAULT_CONTRADICTION
} auth_clerk_fault_kind_t;

struct auth_clerk_plan_t {
    auth_clerk_fault_kind_t fault_kind;
    const char *fault; /* one sentence for the
                        * administrator, or NULL */
    clerk_terms_t terms;
    const apr_array_header_t *sources; /* auth_clerk_source_t */
    const char *remote_user;           /* claim that becomes REMOTE_USER */
    int pass;                          /* AUTH_CLERK_PASS_… */
    int pass_token;
    const apr_array_header_t *exports; /* auth_clerk_export_t, or NULL */
    const apr_array_header_t *scopes;  /* auth_clerk_scopes_t, or NULL */
    /* const char *, or NULL: what the Require lines name. */
    const apr_array_header_t *challenge_scopes;
    const char *resource_metadata;          /* URL, or NULL */
    int server_metadata;                    /* publish copies of Clerk's */
    int cors;                               /* AUTH_CLERK_CORS_… */
    const apr_array_header_t *cors_origins; /* const char *; with …_LIST */
    const char *section;
};

/*
 * Work out the plan of a merged conf. Never NULL; with a fault the terms are
 * not to be used. Everything lies in `p` or in what `conf` points to.
 */
const auth_clerk_plan_t *auth_clerk_plan_make(
    apr_pool_t *p, const auth_clerk_dir_conf_t *conf);

/* The same, of a conf and in a pool that live as long as the process works. */
const auth_clerk_plan_t *auth_clerk_plan_make_permanent(
    apr_pool_t *p, const auth_clerk_dir_conf_t *conf);

/* The plan of the section that a request is in. */
const auth_clerk_plan_t *auth_clerk_plan_of(request_rec *r);

#endif
