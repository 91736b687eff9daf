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

/* NULL, or why a directive may not stand where it does: AllowOverrideList lets
 * any by its name into .htaccess. */
static inline const char *auth_clerk_directive_gate(cmd_parms *cmd)
{
    return ap_check_cmd_context(cmd, NOT_IN_HTACCESS);
}

/* The same with many arguments, of which httpd drops what it has no room for.
 */
const char *auth_clerk_directive_gate_argv(cmd_parms *cmd, int argc);

/*
 * Each directive has a setter, auth_clerk_set_NAME, and auth_clerk_take_NAME
 * for the table of directives: the setter behind the gate.
 */
#define AUTH_CLERK_GATED(name, gate, parameters, arguments) \
    const char *auth_clerk_set_##name parameters; \
    static inline const char *auth_clerk_take_##name parameters \
    { \
        const char *sentence = gate; \
        return sentence ? sentence : auth_clerk_set_##name arguments; \
    }
#define AUTH_CLERK_DIRECTIVE(name) \
    AUTH_CLERK_GATED(name, auth_clerk_directive_gate(cmd), \
                     (cmd_parms * cmd, void *conf, const char *value), \
                     (cmd, conf, value))
#define AUTH_CLERK_DIRECTIVE2(name) \
    AUTH_CLERK_GATED( \
        name, auth_clerk_directive_gate(cmd), \
        (cmd_parms * cmd, void *conf, const char *one, const char *two), \
        (cmd, conf, one, two))
#define AUTH_CLERK_DIRECTIVE_ARGV(name) \
    AUTH_CLERK_GATED( \
        name, auth_clerk_directive_gate_argv(cmd, argc), \
        (cmd_parms * cmd, void *conf, int argc, char *const argv[]), \
        (cmd, conf, argc, argv))

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
AUTH_CLERK_DIRECTIVE(base_url)
AUTH_CLERK_DIRECTIVE(secret)
AUTH_CLERK_DIRECTIVE(name)
AUTH_CLERK_DIRECTIVE(seconds)
AUTH_CLERK_DIRECTIVE(fraction)
AUTH_CLERK_DIRECTIVE(flag)

/* For one directive each. */
AUTH_CLERK_DIRECTIVE(publishable_key)
AUTH_CLERK_DIRECTIVE(domain)
AUTH_CLERK_DIRECTIVE(verifier)
AUTH_CLERK_DIRECTIVE(jwt_key)
AUTH_CLERK_DIRECTIVE(leeway)
AUTH_CLERK_DIRECTIVE(pass)
AUTH_CLERK_DIRECTIVE(proxy)
AUTH_CLERK_DIRECTIVE(ca_file)
AUTH_CLERK_DIRECTIVE(socache)
AUTH_CLERK_DIRECTIVE(cache_secret)
AUTH_CLERK_DIRECTIVE(rate_limit)
AUTH_CLERK_DIRECTIVE(max_pending)
AUTH_CLERK_DIRECTIVE_ARGV(issuers)
AUTH_CLERK_DIRECTIVE_ARGV(accepts)
AUTH_CLERK_DIRECTIVE_ARGV(audience)
AUTH_CLERK_DIRECTIVE_ARGV(parties)
AUTH_CLERK_DIRECTIVE_ARGV(sources)
AUTH_CLERK_DIRECTIVE(resource)
AUTH_CLERK_DIRECTIVE(resource_name)
AUTH_CLERK_DIRECTIVE(resource_documentation)
AUTH_CLERK_DIRECTIVE_ARGV(scope_list)
AUTH_CLERK_DIRECTIVE_ARGV(authorization_servers)
AUTH_CLERK_DIRECTIVE_ARGV(cors)
AUTH_CLERK_DIRECTIVE2(export)

#endif
