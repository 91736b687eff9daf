/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_require.h: directives of other modules, seen in passing.
 *
 * Owns: what must be known of `AuthType`, `Require` and `AuthMerging` lines:
 * which sections are ours, and which scopes they name. httpd shows a
 * directive to every module that lists it; these setters take their notes and
 * decline, so that mod_authn_core and mod_authz_core do their work as always.
 * Must never know: how a Require line is decided (mod_auth_clerk_authz.c).
 * Called by: httpd while it reads its configuration.
 */
#ifndef MOD_AUTH_CLERK_REQUIRE_H
#define MOD_AUTH_CLERK_REQUIRE_H

#include "mod_auth_clerk_config.h"

const char *auth_clerk_require_see_auth_type(cmd_parms *cmd, void *conf,
                                             const char *type);
const char *auth_clerk_require_see_line(cmd_parms *cmd, void *conf,
                                        const char *line);
const char *auth_clerk_require_see_merging(cmd_parms *cmd, void *conf,
                                           const char *mode);

/* Does the Require line at hand refuse what it names? */
int auth_clerk_require_is_negated(const cmd_parms *cmd);

/*
 * The scopes that the section's Require lines name for a method, each once,
 * as an array of const char * in `p`, or for any method; without those inside
 * `%{…}`, under `not` or <RequireNone>.
 */
apr_array_header_t *auth_clerk_require_scopes(apr_pool_t *p,
                                              const apr_array_header_t *lines,
                                              int method_number);

/* The method number that stands for all methods. */
#define AUTH_CLERK_ANY_METHOD (-1)

#endif
