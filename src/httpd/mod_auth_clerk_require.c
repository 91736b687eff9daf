/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_require.h"

#include <apr_strings.h>

#include "clerk_scope.h"
#include "mod_auth_clerk_check.h"

const char *auth_clerk_require_see_auth_type(cmd_parms *cmd, void *conf,
                                             const char *type)
{
    auth_clerk_dir_conf_t *dir = conf;

    dir->auth_type = type;
    if (auth_clerk_is_auth_type(type)) {
        auth_clerk_check_note(cmd, dir);
    }
    return DECLINE_CMD;
}

const char *auth_clerk_require_see_merging(cmd_parms *cmd, void *conf,
                                           const char *mode)
{
    auth_clerk_dir_conf_t *dir = conf;

    (void)cmd;
    dir->merging = strcasecmp(mode, "Off") == 0 ? AUTH_CLERK_MERGING_OFF
                                                : AUTH_CLERK_MERGING_ON;
    return DECLINE_CMD;
}

int auth_clerk_require_is_negated(const cmd_parms *cmd)
{
    const ap_directive_t *node = cmd->directive;
    const char *args = node->args;
    int is_negated =
        strcasecmp(ap_getword_conf(cmd->temp_pool, &args), "not") == 0;

    while ((node = node->parent) != NULL) {
        if (strcasecmp(node->directive, "<RequireNone") == 0) {
            is_negated = !is_negated;
        }
    }
    return is_negated;
}

/* What `%{…}` will be is known with a request, and differs between them.
 * `depth` counts the braces that are open from word to word. */
static int is_of_expression(const char *word, int *depth)
{
    int is_one = *depth > 0 || ap_strstr_c(word, "%{") != NULL;

    for (; is_one && *word; word++) {
        *depth += *word == '{' ? 1 : *word == '}' ? -1 : 0;
    }
    return is_one;
}

const char *auth_clerk_require_see_line(cmd_parms *cmd, void *conf,
                                        const char *line)
{
    auth_clerk_dir_conf_t *dir = conf;
    auth_clerk_scopes_t *found;
    apr_array_header_t *lines;
    const char *word;
    int depth = 0;

    dir->has_require = 1;
    word = ap_getword_conf(cmd->temp_pool, &line);
    if (strcasecmp(word, "clerk-scope") != 0
        || auth_clerk_require_is_negated(cmd)) {
        return DECLINE_CMD;
    }
    if (!dir->scopes) {
        dir->scopes = apr_array_make(cmd->pool, 2, sizeof(*found));
    }
    lines = (apr_array_header_t *)dir->scopes;
    found = apr_array_push(lines);
    found->limited = cmd->limited;
    found->scopes = apr_array_make(cmd->pool, 4, sizeof(const char *));
    while (*line) {
        word = ap_getword_conf(cmd->pool, &line);
        if (!is_of_expression(word, &depth)) {
            clerk_scope_add(found->scopes, word);
        }
    }
    return DECLINE_CMD;
}

apr_array_header_t *auth_clerk_require_scopes(apr_pool_t *p,
                                              const apr_array_header_t *lines,
                                              int method_number)
{
    apr_array_header_t *all = apr_array_make(p, 8, sizeof(const char *));
    const auth_clerk_scopes_t *line;
    int i;
    int j;

    if (!lines) {
        return all;
    }
    line = (const auth_clerk_scopes_t *)lines->elts;
    for (i = 0; i < lines->nelts; i++) {
        if (method_number != AUTH_CLERK_ANY_METHOD
            && !(line[i].limited & (AP_METHOD_BIT << method_number))) {
            continue;
        }
        for (j = 0; j < line[i].scopes->nelts; j++) {
            clerk_scope_add(all,
                            APR_ARRAY_IDX(line[i].scopes, j, const char *));
        }
    }
    return all;
}
