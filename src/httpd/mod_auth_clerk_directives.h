/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_directives.h: the text of directives, made into settings.
 *
 * Owns: one setter for each directive, or kind of directive. A setter returns
 * NULL, or one sentence that names the directive, the value (unless it is a
 * secret) and what is accepted. Must never know: what other directives say.
 * Called by: httpd, through the table in mod_auth_clerk.c.
 *
 * Setters of one kind find their member through cmd->info: the offset of the
 * member in auth_clerk_dir_conf_t.
 */
#ifndef MOD_AUTH_CLERK_DIRECTIVES_H
#define MOD_AUTH_CLERK_DIRECTIVES_H

#include "mod_auth_clerk_config.h"

#define AUTH_CLERK_DIRECTIVE(name) \
    const char *auth_clerk_set_##name(cmd_parms *cmd, void *conf, \
                                      const char *value)
#define AUTH_CLERK_DIRECTIVE_ARGV(name) \
    const char *auth_clerk_set_##name(cmd_parms *cmd, void *conf, int argc, \
                                      char *const argv[])

/* The member that cmd->info points out. */
#define AUTH_CLERK_MEMBER(type, cmd, conf) \
    ((type *)((char *)(conf) + (apr_size_t)(cmd)->info))

/* `ClerkFoo: 'value' is not accepted; give ...`: what every setter says. What
 * looks like a secret is not shown. */
const char *auth_clerk_directive_refuse(cmd_parms *cmd, const char *value,
                                        const char *accepted);

/* A whole number of seconds from 0 to `max`, all of the text. */
const char *auth_clerk_directive_seconds(cmd_parms *cmd, const char *value,
                                         int max, int *out);

/* Arguments as an array of const char *. */
apr_array_header_t *auth_clerk_directive_words(cmd_parms *cmd, int argc,
                                               char *const argv[]);

/* NULL, or why this is no https:// URL (or http:// one of this machine). */
const char *auth_clerk_directive_check_url(cmd_parms *cmd, const char *value);

/* RFC 6454 section 6.2: scheme, host, and port where it is not the default. */
int auth_clerk_directive_is_origin(apr_pool_t *scratch, const char *value);

/* Shared by several directives. */
AUTH_CLERK_DIRECTIVE(base_url);
AUTH_CLERK_DIRECTIVE(secret);
AUTH_CLERK_DIRECTIVE(name);
AUTH_CLERK_DIRECTIVE(seconds);
AUTH_CLERK_DIRECTIVE(fraction);
const char *auth_clerk_set_flag(cmd_parms *cmd, void *conf, int on);

/* For one directive each. */
AUTH_CLERK_DIRECTIVE(publishable_key);
AUTH_CLERK_DIRECTIVE(domain);
AUTH_CLERK_DIRECTIVE(verifier);
AUTH_CLERK_DIRECTIVE(jwt_key);
AUTH_CLERK_DIRECTIVE(leeway);
AUTH_CLERK_DIRECTIVE(pass);
AUTH_CLERK_DIRECTIVE(proxy);
AUTH_CLERK_DIRECTIVE(ca_file);
AUTH_CLERK_DIRECTIVE(socache);
AUTH_CLERK_DIRECTIVE(cache_secret);
AUTH_CLERK_DIRECTIVE(rate_limit);
AUTH_CLERK_DIRECTIVE(max_pending);
AUTH_CLERK_DIRECTIVE_ARGV(issuers);
AUTH_CLERK_DIRECTIVE_ARGV(accepts);
AUTH_CLERK_DIRECTIVE_ARGV(audience);
AUTH_CLERK_DIRECTIVE_ARGV(parties);
AUTH_CLERK_DIRECTIVE_ARGV(sources);
AUTH_CLERK_DIRECTIVE(resource);
AUTH_CLERK_DIRECTIVE(resource_name);
AUTH_CLERK_DIRECTIVE(resource_documentation);
AUTH_CLERK_DIRECTIVE_ARGV(scope_list);
AUTH_CLERK_DIRECTIVE_ARGV(authorization_servers);
AUTH_CLERK_DIRECTIVE_ARGV(cors);
const char *auth_clerk_set_export(cmd_parms *cmd, void *conf, const char *claim,
                                  const char *name);

#endif
