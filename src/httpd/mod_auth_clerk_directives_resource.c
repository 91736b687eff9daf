/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The setters of "Protected resource": see mod_auth_clerk_directives.h.
 */
#include <apr_strings.h>
#include <apr_uri.h>

#include "clerk_instance.h"
#include "clerk_resource.h"
#include "clerk_scope.h"
#include "clerk_utf8.h"
#include "mod_auth_clerk_check.h"
#include "mod_auth_clerk_directives.h"

/* RFC 3986 section 3.4, with the question mark in front; RFC 9728 section 1.2
 * allows a query, though it advises against one. */
#define QUERY_BYTES \
    "?/:@!$&'()*+,;=-._~%0123456789" \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* A client that resolves `/../` would look for the document elsewhere. */
static int has_dot_segments(apr_pool_t *scratch, const char *url)
{
    const char *path = clerk_resource_path(scratch, url);
    char *resolved = apr_pstrdup(scratch, path);

    ap_getparents(resolved);
    return strcmp(resolved, path) != 0;
}

const char *auth_clerk_set_resource(cmd_parms *cmd, void *conf,
                                    const char *value)
{
    static const char accepted[] =
        "give an absolute URL without user, fragment and dot segments, such "
        "as https://mcp.example.com/mcp";
    auth_clerk_dir_conf_t *dir = conf;
    apr_size_t len = strcspn(value, "?");
    const char *url = apr_pstrmemdup(cmd->temp_pool, value, len);

    auth_clerk_check_note(cmd, dir);
    dir->resource = value;
    if (value[len + strspn(value + len, QUERY_BYTES)]
        || clerk_instance_check_url(cmd->temp_pool, url) == CLERK_URL_MALFORMED
        || has_dot_segments(cmd->temp_pool, url)) {
        return auth_clerk_directive_refuse(cmd, value, accepted);
    }
    return auth_clerk_directive_check_url(cmd, url);
}

/* Text for people: UTF-8 (RFC 8259 section 8.1) without control characters. */
static int is_text(const char *value)
{
    apr_size_t left = strlen(value);

    while (left) {
        apr_size_t len = clerk_utf8_len(value, left);

        if (!len || (unsigned char)*value < ' ' || *value == 0x7f) {
            return 0;
        }
        value += len;
        left -= len;
    }
    return 1;
}

const char *auth_clerk_set_resource_name(cmd_parms *cmd, void *conf,
                                         const char *value)
{
    auth_clerk_dir_conf_t *dir = conf;

    auth_clerk_check_note(cmd, dir);
    dir->resource_name = value;
    if (!*value || !is_text(value)) {
        return auth_clerk_directive_refuse(
            cmd, is_text(value) ? value : "(not shown)",
            "give a name for people to read, in UTF-8");
    }
    return NULL;
}

const char *auth_clerk_set_resource_documentation(cmd_parms *cmd, void *conf,
                                                  const char *value)
{
    auth_clerk_dir_conf_t *dir = conf;
    apr_uri_t uri;

    auth_clerk_check_note(cmd, dir);
    dir->resource_documentation = value;
    if (!is_text(value) || ap_strchr_c(value, ' ')
        || apr_uri_parse(cmd->temp_pool, value, &uri) != APR_SUCCESS
        || !uri.scheme || !uri.hostname || !*uri.hostname || uri.user
        || (strcasecmp(uri.scheme, "https") != 0
            && strcasecmp(uri.scheme, "http") != 0)) {
        return auth_clerk_directive_refuse(
            cmd, is_text(value) ? value : "(not shown)",
            "give the absolute URL of a page for developers, such as "
            "https://example.com/docs");
    }
    return NULL;
}

const char *auth_clerk_set_scope_list(cmd_parms *cmd, void *conf, int argc,
                                      char *const argv[])
{
    static const char accepted[] = "give one scope or more, or none alone";
    apr_array_header_t *scopes =
        apr_array_make(cmd->pool, argc + 1, sizeof(const char *));
    int none = argc == 1 && strcasecmp(argv[0], "none") == 0;
    int i;

    auth_clerk_check_note(cmd, conf);
    if (argc == 0) {
        return auth_clerk_directive_refuse(cmd, "", accepted);
    }
    for (i = 0; i < argc && !none; i++) {
        if (!clerk_scope_is_token(argv[i])
            || strcasecmp(argv[i], "none") == 0) {
            return auth_clerk_directive_refuse(cmd, argv[i], accepted);
        }
        clerk_scope_add(scopes, argv[i]);
    }
    *AUTH_CLERK_MEMBER(const apr_array_header_t *, cmd, conf) = scopes;
    return NULL;
}

const char *auth_clerk_set_authorization_servers(cmd_parms *cmd, void *conf,
                                                 int argc, char *const argv[])
{
    auth_clerk_dir_conf_t *dir = conf;
    const char *sentence = NULL;
    int i;

    auth_clerk_check_note(cmd, dir);
    if (argc == 0) {
        return auth_clerk_directive_refuse(
            cmd, "", "give the issuer URL of one authorization server or more");
    }
    for (i = 0; i < argc && !sentence; i++) {
        sentence = auth_clerk_directive_check_url(cmd, argv[i]);
    }
    dir->authorization_servers = auth_clerk_directive_words(cmd, argc, argv);
    return sentence;
}

/* The one word On or Off; the rest are origins. */
static int cors_mode(int argc, char *const argv[])
{
    if (argc == 1 && strcasecmp(argv[0], "On") == 0) {
        return AUTH_CLERK_CORS_ON;
    }
    if (argc == 1 && strcasecmp(argv[0], "Off") == 0) {
        return AUTH_CLERK_CORS_OFF;
    }
    return AUTH_CLERK_CORS_LIST;
}

const char *auth_clerk_set_cors(cmd_parms *cmd, void *conf, int argc,
                                char *const argv[])
{
    static const char accepted[] =
        "give On, Off, or one origin or more without a path, such as "
        "https://app.example.com";
    auth_clerk_dir_conf_t *dir = conf;
    apr_array_header_t *origins = auth_clerk_directive_words(cmd, argc, argv);
    int i;

    auth_clerk_check_note(cmd, dir);
    dir->cors = cors_mode(argc, argv);
    if (argc == 0) {
        return auth_clerk_directive_refuse(cmd, "", accepted);
    }
    for (i = 0; i < argc && dir->cors == AUTH_CLERK_CORS_LIST; i++) {
        if (!is_text(argv[i])
            || !auth_clerk_directive_is_origin(cmd->temp_pool, argv[i])) {
            return auth_clerk_directive_refuse(cmd, argv[i], accepted);
        }
        /* Browsers send scheme and host in lower case. */
        ap_str_tolower(argv[i]);
    }
    dir->cors_origins = origins;
    return NULL;
}
