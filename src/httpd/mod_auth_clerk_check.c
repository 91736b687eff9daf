/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_check.h"

#include <apr_strings.h>

#include "mod_auth_clerk_log.h"
#include "mod_auth_clerk_plan.h"

typedef enum section_kind_t {
    SECTION_SERVER,    /* outside of all sections */
    SECTION_LOCATION,  /* <Location "/path">, no pattern */
    SECTION_DIRECTORY, /* <Directory "/path">, no pattern */
    SECTION_OTHER      /* patterns, <Files>, <If>… */
} section_kind_t;

typedef struct section_t {
    auth_clerk_dir_conf_t *conf;
    const server_rec *server;
    const ap_directive_t *node; /* the section's own line; NULL outside */
    section_kind_t kind;
    const char *path;
} section_t;

/* Of the configuration being read; both in its pool. */
static apr_array_header_t *sections;

void auth_clerk_check_begin(apr_pool_t *pconf)
{
    sections = apr_array_make(pconf, 16, sizeof(section_t));
}

/* The line of the section that a directive stands in: containers of Require
 * lines and methods make no section of their own. */
static const ap_directive_t *section_node(const cmd_parms *cmd)
{
    static const char *const containers[] = {
        "<RequireAll", "<RequireAny", "<RequireNone", "<Limit", "<LimitExcept",
        "<IfModule",   "<IfDefine",   "<IfVersion",   NULL
    };
    const ap_directive_t *node;
    int i;

    for (node = cmd->directive->parent; node; node = node->parent) {
        for (i = 0; containers[i]; i++) {
            if (strcasecmp(node->directive, containers[i]) == 0) {
                break;
            }
        }
        if (!containers[i]) {
            return node;
        }
    }
    return NULL;
}

static section_kind_t kind_of(const ap_directive_t *node)
{
    if (!node || strcasecmp(node->directive, "<VirtualHost") == 0) {
        return SECTION_SERVER;
    }
    if (ap_strchr_c(node->args, '~') || ap_strchr_c(node->args, '*')
        || ap_strchr_c(node->args, '?')) {
        return SECTION_OTHER;
    }
    if (strcasecmp(node->directive, "<Location") == 0) {
        return SECTION_LOCATION;
    }
    return strcasecmp(node->directive, "<Directory") == 0 ? SECTION_DIRECTORY
                                                          : SECTION_OTHER;
}

void auth_clerk_check_note(cmd_parms *cmd, auth_clerk_dir_conf_t *conf)
{
    section_t *section;

    if (conf->is_noted || !conf->is_permanent) {
        return;
    }
    conf->is_noted = 1;
    section = apr_array_push(sections);
    section->conf = conf;
    section->server = cmd->server;
    section->node = section_node(cmd);
    section->kind = kind_of(section->node);
    section->path = cmd->path ? cmd->path : "";
}

int auth_clerk_check_is_used(void)
{
    return sections->nelts > 0;
}

static int encloses(const section_t *outer, const section_t *inner)
{
    const ap_directive_t *node;

    if (!outer->node || !inner->node) {
        return 0;
    }
    for (node = inner->node->parent; node; node = node->parent) {
        if (node == outer->node) {
            return 1;
        }
    }
    return 0;
}

/* Does every URL or file below `inner` lie below `outer` too? */
static int contains(const section_t *outer, const section_t *inner)
{
    apr_size_t len = strlen(outer->path);

    if (outer->kind != inner->kind
        || (outer->kind != SECTION_LOCATION && outer->kind != SECTION_DIRECTORY)
        || strncmp(outer->path, inner->path, len) != 0) {
        return 0;
    }
    return !inner->path[len] || inner->path[len] == '/'
           || (len && outer->path[len - 1] == '/');
}

/* Sections of the main server apply to its virtual hosts. */
static int applies_to(const section_t *section, const server_rec *s)
{
    return section->server == s || !section->server->is_virtual;
}

/*
 * The section within a server, merged with all that surely apply wherever it
 * applies, in httpd's order: the main server's sections, then the server's.
 */
static auth_clerk_dir_conf_t *in_context(apr_pool_t *p, const section_t *inner,
                                         const server_rec *s)
{
    const section_t *section = (const section_t *)sections->elts;
    auth_clerk_dir_conf_t *conf;
    int pass;
    int i;

    conf = ap_get_module_config(s->lookup_defaults, &auth_clerk_module);
    for (pass = 0; pass < 2; pass++) {
        for (i = 0; i < sections->nelts; i++) {
            if (section[i].kind == SECTION_SERVER
                || (pass == 0) != !section[i].server->is_virtual
                || !applies_to(&section[i], s)) {
                continue;
            }
            if (&section[i] == inner || encloses(&section[i], inner)
                || contains(&section[i], inner)) {
                conf = auth_clerk_config_merge_dir(p, conf, section[i].conf);
            }
        }
    }
    return conf;
}

static const char *place_of(apr_pool_t *p, const section_t *section)
{
    return section->node ? apr_psprintf(p, "%s:%d", section->node->filename,
                                        section->node->line_num)
                         : "-";
}

int auth_clerk_check_each(apr_pool_t *p, server_rec *main_server,
                          auth_clerk_visit_fn *visit, void *baton)
{
    const section_t *section = (const section_t *)sections->elts;
    int result = OK;
    server_rec *s;
    int i;

    for (i = 0; i < sections->nelts; i++) {
        const char *place = place_of(p, &section[i]);

        for (s = main_server; s && result == OK; s = s->next) {
            auth_clerk_context_t context = {
                .own = section[i].conf,
                .server = s,
                .is_server_level = section[i].kind == SECTION_SERVER,
                .is_at_home = section[i].server == s,
                .place = place,
                .section = &section[i],
            };

            if (applies_to(&section[i], s)) {
                result = visit(baton, &context);
            }
        }
    }
    return result;
}

auth_clerk_dir_conf_t *auth_clerk_check_merge(
    apr_pool_t *p, const auth_clerk_context_t *context)
{
    return in_context(p, context->section, context->server);
}

/* Does the section say anything about which Clerk, and as whom? */
static int has_credentials(const section_t *section)
{
    const auth_clerk_dir_conf_t *conf = section->conf;

    return conf->key_host || conf->domain || conf->frontend_api
           || conf->client_id || conf->client_secret || conf->secret_key;
}

/*
 * Might another section add what this one lacks? Patterns, files and
 * conditions cannot be told to apply or not before there is a request, which
 * then gets a 500 and a line in the log.
 */
static int may_be_completed(const section_t *section, const server_rec *s)
{
    const section_t *other = (const section_t *)sections->elts;
    int i;

    for (i = 0; i < sections->nelts; i++) {
        if (&other[i] != section && other[i].kind != SECTION_SERVER
            && applies_to(&other[i], s) && has_credentials(&other[i])
            && (other[i].kind == SECTION_OTHER
                || other[i].kind != section->kind)) {
            return 1;
        }
    }
    return 0;
}

/* What is wrong with a section within a server; NULL if nothing is. */
static const auth_clerk_plan_t *find_fault(apr_pool_t *p,
                                           const section_t *section,
                                           const server_rec *s)
{
    const auth_clerk_dir_conf_t *conf = in_context(p, section, s);
    const auth_clerk_plan_t *plan;

    if (!conf->auth_type || !auth_clerk_is_auth_type(conf->auth_type)) {
        return NULL;
    }
    plan = auth_clerk_plan_make(p, conf);
    if (plan->fault_kind == AUTH_CLERK_FAULT_NONE
        || (plan->fault_kind == AUTH_CLERK_FAULT_MISSING
            && may_be_completed(section, s))) {
        return NULL;
    }
    return plan;
}

static void report(apr_pool_t *p, server_rec *s, const section_t *section,
                   const auth_clerk_plan_t *plan)
{
    auth_clerk_log_start_fault(s, 0,
                               apr_psprintf(p, "%s (section %s, %s)",
                                            plan->fault, section->conf->section,
                                            place_of(p, section)));
}

/*
 * A section of the main server has to make sense in each server that it
 * applies to; what is missing may be missing in all but one of them, since not
 * every virtual host need be about Clerk.
 */
static int check_section(apr_pool_t *p, server_rec *main_server,
                         const section_t *section)
{
    const auth_clerk_plan_t *lacking = NULL;
    int is_complete = 0;
    server_rec *s;

    for (s = main_server; s; s = s->next) {
        const auth_clerk_plan_t *plan;

        if (!applies_to(section, s)) {
            continue;
        }
        plan = find_fault(p, section, s);
        if (!plan) {
            is_complete = 1;
        }
        else if (plan->fault_kind == AUTH_CLERK_FAULT_MISSING) {
            lacking = plan;
        }
        else {
            report(p, s, section, plan);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    if (lacking && !is_complete) {
        report(p, main_server, section, lacking);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

/*
 * httpd takes a directive for known when any module lists it, so that without
 * these two it would read `Require` lines and never look at them again.
 */
static int check_modules(server_rec *s)
{
    if (ap_find_linked_module("mod_authn_core.c")
        && ap_find_linked_module("mod_authz_core.c")) {
        return OK;
    }
    auth_clerk_log_start_fault(s, 0,
                               "mod_auth_clerk needs mod_authn_core and "
                               "mod_authz_core; load both");
    return HTTP_INTERNAL_SERVER_ERROR;
}

int auth_clerk_check_sections(apr_pool_t *ptemp, server_rec *s)
{
    const section_t *section = (const section_t *)sections->elts;
    int result = check_modules(s);
    apr_pool_t *scratch;
    int i;

    if (apr_pool_create(&scratch, ptemp) != APR_SUCCESS) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (i = 0; i < sections->nelts; i++) {
        if (section[i].kind != SECTION_SERVER
            && check_section(scratch, s, &section[i]) != OK) {
            result = HTTP_INTERNAL_SERVER_ERROR;
        }
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
    return result;
}
