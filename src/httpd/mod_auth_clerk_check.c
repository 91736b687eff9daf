/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_check.h"

#include <stdlib.h>

#include <apr_strings.h>

#include "mod_auth_clerk_log.h"
#include "mod_auth_clerk_plan.h"

typedef enum section_kind_t {
    SECTION_SERVER,    /* outside of all sections */
    SECTION_LOCATION,  /* <Location "/path">, no pattern */
    SECTION_DIRECTORY, /* <Directory "/path">, no pattern */
    SECTION_OTHER      /* patterns, <Files>, <If>… */
} section_kind_t;

/* In the order in which httpd merges them. */
typedef enum rank_t {
    RANK_SERVER,
    RANK_DIRECTORY,
    RANK_DIRECTORY_MATCH,
    RANK_PROXY,
    RANK_FILES,
    RANK_LOCATION,
    RANK_IF
} rank_t;

typedef struct section_t {
    auth_clerk_dir_conf_t *conf;
    const server_rec *server;
    const ap_directive_t *node; /* the section's own line; NULL outside */
    section_kind_t kind;
    const char *path;
    rank_t rank;
} section_t;

/* Of the configuration being read, and in its pool. */
static apr_array_header_t *sections;
static apr_array_header_t *in_order; /* the same, of const section_t * */

void auth_clerk_check_begin(apr_pool_t *pconf)
{
    sections = apr_array_make(pconf, 16, sizeof(section_t));
    in_order = NULL;
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

static rank_t rank_of(const ap_directive_t *node)
{
    static const struct {
        const char *opening; /* of <…Match>, too */
        rank_t rank;
    } ranks[] = {
        { "<DirectoryMatch", RANK_DIRECTORY_MATCH },
        { "<Directory", RANK_DIRECTORY },
        { "<Proxy", RANK_PROXY },
        { "<Files", RANK_FILES },
        { "<Location", RANK_LOCATION },
        { "<If", RANK_IF },
        { "<Else", RANK_IF },
    };
    apr_size_t i;

    for (i = 0; node && i < sizeof(ranks) / sizeof(ranks[0]); i++) {
        if (strncasecmp(node->directive, ranks[i].opening,
                        strlen(ranks[i].opening))
            == 0) {
            return ranks[i].rank == RANK_DIRECTORY && *node->args == '~'
                       ? RANK_DIRECTORY_MATCH
                       : ranks[i].rank;
        }
    }
    return RANK_SERVER;
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
    section->rank = rank_of(section->node);
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

/* How far in: a directory below others, a condition within others. */
static int depth_of(const section_t *section)
{
    const ap_directive_t *node;
    int depth = 0;

    if (section->rank == RANK_DIRECTORY) {
        return (int)ap_count_dirs(section->path);
    }
    for (node = section->node; section->rank == RANK_IF && node;
         node = node->parent) {
        depth += rank_of(node) != RANK_SERVER;
    }
    return depth;
}

/* httpd's order of merging; what is the same comes as it is written. */
static int compare(const void *one, const void *other)
{
    const section_t *a = *(const section_t *const *)one;
    const section_t *b = *(const section_t *const *)other;

    if (a->rank != b->rank) {
        return (int)a->rank - (int)b->rank;
    }
    if (depth_of(a) != depth_of(b)) {
        return depth_of(a) - depth_of(b);
    }
    if (a->server->is_virtual != b->server->is_virtual) {
        return a->server->is_virtual ? 1 : -1;
    }
    return a < b ? -1 : a > b;
}

static void put_in_order(void)
{
    int i;

    in_order = apr_array_make(sections->pool, sections->nelts + 1,
                              sizeof(const section_t *));
    for (i = 0; i < sections->nelts; i++) {
        APR_ARRAY_PUSH(in_order, const section_t *) =
            &APR_ARRAY_IDX(sections, i, section_t);
    }
    qsort(in_order->elts, (size_t)in_order->nelts, (size_t)in_order->elt_size,
          compare);
}

/* Does the one apply wherever the other does? */
static int surely_applies(const section_t *outer, const section_t *inner)
{
    return outer == inner || encloses(outer, inner) || contains(outer, inner);
}

/*
 * Might there be a request that both apply to, while others have only the one?
 * Patterns, files and conditions cannot be told before there is a request.
 */
static int may_apply(const section_t *other, const section_t *section,
                     const server_rec *s)
{
    return other->kind != SECTION_SERVER && applies_to(other, s)
           && !surely_applies(other, section)
           && (other->kind == SECTION_OTHER || other->kind != section->kind);
}

/* Stands for each section that may apply. */
static const section_t all_others;

/*
 * The section within a server, merged with all that surely apply wherever it
 * applies, and with `others`: NULL, or a section that may, or &all_others.
 */
static auth_clerk_dir_conf_t *in_context(apr_pool_t *p, const section_t *inner,
                                         const server_rec *s,
                                         const section_t *others)
{
    auth_clerk_dir_conf_t *conf;
    int i;

    conf = ap_get_module_config(s->lookup_defaults, &auth_clerk_module);
    for (i = 0; i < in_order->nelts; i++) {
        const section_t *section =
            APR_ARRAY_IDX(in_order, i, const section_t *);

        if (section->kind != SECTION_SERVER && applies_to(section, s)
            && (section == others || surely_applies(section, inner)
                || (others == &all_others && may_apply(section, inner, s)))) {
            conf = auth_clerk_config_merge_dir(p, conf, section->conf);
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
    return in_context(p, context->section, context->server, NULL);
}

/* Whatever other sections might say where this one says nothing. */
static auth_clerk_dir_conf_t *filled(apr_pool_t *p, const section_t *section,
                                     const server_rec *s)
{
    auth_clerk_dir_conf_t *conf = auth_clerk_config_create_dir(p, NULL);
    int i;

    for (i = 0; i < in_order->nelts; i++) {
        const section_t *other = APR_ARRAY_IDX(in_order, i, const section_t *);

        if (may_apply(other, section, s)) {
            conf = auth_clerk_config_merge_dir(p, conf, other->conf);
        }
    }
    return auth_clerk_config_merge_dir(p, conf,
                                       in_context(p, section, s, NULL));
}

/*
 * Might other sections, by what they add or override, put a section right for
 * some request? Any other request gets a 500 and a line in the log.
 */
static int may_be_mended(apr_pool_t *p, const section_t *section,
                         const server_rec *s, auth_clerk_fault_kind_t kind)
{
    int i;

    if (auth_clerk_plan_make(p, filled(p, section, s))->fault_kind != kind
        || !auth_clerk_plan_make(p, in_context(p, section, s, &all_others))
                ->fault) {
        return 1;
    }
    for (i = 0; i < in_order->nelts; i++) {
        const section_t *other = APR_ARRAY_IDX(in_order, i, const section_t *);

        if (may_apply(other, section, s)
            && !auth_clerk_plan_make(p, in_context(p, section, s, other))
                    ->fault) {
            return 1;
        }
    }
    return 0;
}

/*
 * Is what a section says of any weight? Outside of all sections, AuthType Clerk
 * may yet come from .htaccess, but settings for an instance that nobody names
 * are no more than settings.
 */
static int is_in_use(const section_t *section,
                     const auth_clerk_dir_conf_t *conf)
{
    if (section->kind == SECTION_SERVER) {
        return conf->key_host || conf->domain || conf->frontend_api;
    }
    return conf->auth_type && auth_clerk_is_auth_type(conf->auth_type);
}

/* What is wrong with a section within a server; NULL if nothing is. */
static const auth_clerk_plan_t *find_fault(apr_pool_t *p,
                                           const section_t *section,
                                           const server_rec *s)
{
    const auth_clerk_dir_conf_t *conf = in_context(p, section, s, NULL);
    const auth_clerk_plan_t *plan;

    if (!is_in_use(section, conf)) {
        return NULL;
    }
    plan = auth_clerk_plan_make(p, conf);
    if (!plan->fault || may_be_mended(p, section, s, plan->fault_kind)) {
        return NULL;
    }
    return plan;
}

static void report(apr_pool_t *p, server_rec *s, const section_t *section,
                   const auth_clerk_plan_t *plan)
{
    const char *place;

    if (section->kind != SECTION_SERVER) {
        place = apr_psprintf(p, "section %s, %s", section->conf->section,
                             place_of(p, section));
    }
    else if (s->is_virtual) {
        place = apr_psprintf(p, "virtual host, %s:%u", s->defn_name,
                             s->defn_line_number);
    }
    else {
        place = "main server";
    }
    auth_clerk_log_start_fault(s, 0,
                               apr_psprintf(p, "%s (%s)", plan->fault, place));
}

/*
 * A section of the main server has to make sense in each server that it
 * applies to; what is missing may be missing in all but one of them, since not
 * every virtual host need be about Clerk. So may be whatever is wrong outside
 * of all sections, which may be there for virtual hosts to change.
 */
static int check_section(apr_pool_t *p, server_rec *main_server,
                         const section_t *section)
{
    const auth_clerk_plan_t *lacking = NULL;
    server_rec *lacking_in = NULL;
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
        else if (plan->fault_kind == AUTH_CLERK_FAULT_MISSING
                 || section->kind == SECTION_SERVER) {
            lacking = lacking ? lacking : plan;
            lacking_in = lacking_in ? lacking_in : s;
        }
        else {
            report(p, s, section, plan);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    if (lacking && !is_complete) {
        report(p, lacking_in, section, lacking);
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

    put_in_order();
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
    /* Sections have told of a fault that they have from the server. */
    for (i = 0; i < sections->nelts && result == OK; i++) {
        if (section[i].kind == SECTION_SERVER) {
            result = check_section(scratch, s, &section[i]);
        }
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
    return result;
}
