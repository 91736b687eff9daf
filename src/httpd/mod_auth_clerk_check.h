/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_check.h: faults that show at start-up, not at the first
 * request.
 *
 * Owns: the list of sections that the module has to do with, and the check of
 * each of them together with the sections around it. Must never know: what
 * the contradictions are (mod_auth_clerk_plan.c). Called by: the directives
 * (note), mod_auth_clerk.c, on one thread.
 */
#ifndef MOD_AUTH_CLERK_CHECK_H
#define MOD_AUTH_CLERK_CHECK_H

#include "mod_auth_clerk_config.h"

/* Forget the sections of an earlier configuration. */
void auth_clerk_check_begin(apr_pool_t *pconf);

/* A directive of interest stands in this section. */
void auth_clerk_check_note(cmd_parms *cmd, auth_clerk_dir_conf_t *conf);

/* Is there any directive of ours? `AuthType Clerk` itself may be said in an
 * .htaccess file, which nobody has read yet. */
int auth_clerk_check_is_used(void);

/* One section within one of the servers that it applies to. */
typedef struct auth_clerk_context_t {
    const auth_clerk_dir_conf_t *own; /* what the section itself says */
    server_rec *server;
    int is_server_level; /* outside of all sections */
    int is_at_home;      /* the server is the one that it stands in */
    const char *place;   /* file and line, for people */
    const struct section_t *section;
} auth_clerk_context_t;

/*
 * Show each known section, within each server that it applies to, until
 * `visit` returns anything but OK, which is the result.
 */
typedef int auth_clerk_visit_fn(void *baton,
                                const auth_clerk_context_t *context);
int auth_clerk_check_each(apr_pool_t *p, server_rec *main_server,
                          auth_clerk_visit_fn *visit, void *baton);

/* What a section says, and all that surely applies where it does; in `p`. */
auth_clerk_dir_conf_t *auth_clerk_check_merge(
    apr_pool_t *p, const auth_clerk_context_t *context);

/*
 * check_config: is there a fault that shows without a request? OK, or an HTTP
 * status after a line for each faulty section has been logged.
 */
int auth_clerk_check_sections(apr_pool_t *ptemp, server_rec *s);

#endif
