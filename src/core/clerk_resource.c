/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_resource.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "clerk_json.h"

#define WELL_KNOWN "/.well-known/"
#define HEX "0123456789abcdefABCDEF"
#define UNRESERVED \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

/* By kind. */
static const char *const paths[] = {
    NULL,
    WELL_KNOWN "oauth-protected-resource",
    WELL_KNOWN "oauth-authorization-server",
    WELL_KNOWN "openid-configuration",
};

#define KINDS ((int)(sizeof(paths) / sizeof(paths[0])))

/* Where the path of an absolute URL begins. */
static const char *path_of(const char *url)
{
    const char *authority = strstr(url, "://");

    authority = authority ? authority + strlen("://") : url;
    return authority + strcspn(authority, "/?");
}

static int hex_value(char c)
{
    const char *found = c ? strchr(HEX, c) : NULL;

    if (!found) {
        return -1;
    }
    return (int)(found - HEX) < 16 ? (int)(found - HEX)
                                   : (int)(found - HEX) - 6;
}

/*
 * RFC 3986 section 6.2.2: what need not be percent-encoded is the same as it is
 * without, and hexadecimal digits know no case. All else, `%2F` above all,
 * stays encoded.
 */
static const char *normal_form(apr_pool_t *p, const char *path)
{
    char *normal = apr_pstrdup(p, path);
    char *to = normal;
    const char *at;

    for (at = normal; *at; at++) {
        int high = *at == '%' ? hex_value(at[1]) : -1;
        int low = high >= 0 ? hex_value(at[2]) : -1;
        char c = (char)(high * 16 + low);

        if (low < 0) {
            *to++ = *at;
            continue;
        }
        if (c && strchr(UNRESERVED, c)) {
            *to++ = c;
        }
        else {
            *to++ = '%';
            *to++ = (char)apr_toupper(at[1]);
            *to++ = (char)apr_toupper(at[2]);
        }
        at += 2;
    }
    *to = '\0';
    return normal;
}

static apr_size_t trimmed_len(const char *path)
{
    apr_size_t len = strlen(path);

    return len && path[len - 1] == '/' ? len - 1 : len;
}

const char *clerk_resource_path(apr_pool_t *p, const char *url)
{
    const char *path = path_of(url);

    path = normal_form(p, apr_pstrmemdup(p, path, strcspn(path, "?")));
    return apr_pstrmemdup(p, path, trimmed_len(path));
}

const char *clerk_resource_metadata_url(apr_pool_t *p, const char *url)
{
    const char *path = path_of(url);
    /* RFC 9728 section 3.1: the slash of a bare host does not count. */
    const char *rest =
        path[0] == '/' && (!path[1] || path[1] == '?') ? path + 1 : path;

    return apr_pstrcat(p, apr_pstrmemdup(p, url, (apr_size_t)(path - url)),
                       paths[CLERK_DOCUMENT_RESOURCE], rest, NULL);
}

static void add(clerk_json_pair_t *members, int *count, const char *name,
                const char *value)
{
    if (value) {
        members[*count].name = name;
        members[*count].value = clerk_slice_str(value);
        ++*count;
    }
}

static void add_list(clerk_json_pair_t *members, int *count, const char *name,
                     const apr_array_header_t *list)
{
    if (list && list->nelts) {
        members[*count].name = name;
        members[*count].list = list;
        ++*count;
    }
}

const char *clerk_resource_document(apr_pool_t *p,
                                    const clerk_resource_t *resource)
{
    apr_array_header_t *methods = apr_array_make(p, 1, sizeof(const char *));
    clerk_json_pair_t members[6] = { { 0 } };
    int count = 0;

    APR_ARRAY_PUSH(methods, const char *) = "header";
    add(members, &count, "resource", resource->identifier);
    add_list(members, &count, "authorization_servers",
             resource->authorization_servers);
    add_list(members, &count, "scopes_supported", resource->scopes);
    add_list(members, &count, "bearer_methods_supported", methods);
    add(members, &count, "resource_name", resource->name);
    add(members, &count, "resource_documentation", resource->documentation);
    return clerk_json_write(p, members, count);
}

clerk_document_kind_t clerk_resource_parse_path(apr_pool_t *p, const char *path,
                                                const char **resource_path)
{
    int kind;

    *resource_path = NULL;
    if (strchr(path, '%')) {
        path = normal_form(p, path);
    }
    if (strncmp(path, WELL_KNOWN, strlen(WELL_KNOWN)) != 0) {
        return CLERK_DOCUMENT_NONE;
    }
    for (kind = CLERK_DOCUMENT_RESOURCE; kind < KINDS; kind++) {
        apr_size_t len = strlen(paths[kind]);

        if (strncmp(path, paths[kind], len) == 0
            && (!path[len] || path[len] == '/')) {
            *resource_path =
                apr_pstrmemdup(p, path + len, trimmed_len(path + len));
            return (clerk_document_kind_t)kind;
        }
    }
    return CLERK_DOCUMENT_NONE;
}

const char *clerk_resource_well_known(clerk_document_kind_t kind)
{
    return paths[kind];
}
