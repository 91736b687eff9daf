/* SPDX-License-Identifier: Apache-2.0 */
/* The directives of the section "Cache and upstream". */
#include "mod_auth_clerk_directives.h"

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_uri.h>

#include "mod_auth_clerk_check.h"
#include "mod_auth_clerk_secret.h"

#define SECONDS_MAX 86400 /* of caching: a token's life */
#define CALL_SECONDS_MAX 300.0
#define RATE_CALLS_MAX 1000000
#define PENDING_MAX 100000
#define CERTIFICATES_MAX (1024 * 1024) /* bytes; Debian's bundle has 220 kB */

const char *auth_clerk_set_seconds(cmd_parms *cmd, void *conf,
                                   const char *value)
{
    auth_clerk_check_note(cmd, conf);
    return auth_clerk_directive_seconds(cmd, value, SECONDS_MAX,
                                        AUTH_CLERK_MEMBER(int, cmd, conf));
}

/* Seconds with a fraction, kept as milliseconds. */
const char *auth_clerk_set_fraction(cmd_parms *cmd, void *conf,
                                    const char *value)
{
    char *end;
    double seconds = strtod(value, &end);

    auth_clerk_check_note(cmd, conf);
    if (strspn(value, "0123456789.") != strlen(value) || !*value || *end
        || seconds < 0.001 || seconds > CALL_SECONDS_MAX) {
        return auth_clerk_directive_refuse(
            cmd, value,
            apr_psprintf(
                cmd->temp_pool,
                "give a number of seconds above 0 and up to %.0f, fractions "
                "allowed",
                CALL_SECONDS_MAX));
    }
    *AUTH_CLERK_MEMBER(int, cmd, conf) = (int)(seconds * 1000 + 0.5);
    return NULL;
}

static int is_port(const char *text)
{
    apr_int64_t port = apr_strtoi64(text, NULL, 10);

    return strspn(text, "0123456789") == strlen(text) && port > 0
           && port <= 65535;
}

/* As libcurl will see it: what it cannot parse, it would put into the log. */
static int is_proxy_url(cmd_parms *cmd, const char *value, apr_uri_t *uri)
{
    const char *c;

    for (c = value; *c; c++) {
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f
            || (*c == '%' && !(apr_isxdigit(c[1]) && apr_isxdigit(c[2])))) {
            return 0;
        }
    }
    return apr_uri_parse(cmd->temp_pool, value, uri) == APR_SUCCESS
           && uri->scheme && uri->hostname && *uri->hostname
           && (!uri->port_str || is_port(uri->port_str));
}

const char *auth_clerk_set_proxy(cmd_parms *cmd, void *conf, const char *value)
{
    static const char accepted[] =
        "give the http:// or https:// URL of a proxy, such as "
        "http://proxy.example.com:3128";
    auth_clerk_dir_conf_t *dir = conf;
    apr_uri_t uri;

    auth_clerk_check_note(cmd, dir);
    if (!is_proxy_url(cmd, value, &uri)) {
        /* It may hold a password, and there is no telling where. */
        return auth_clerk_directive_refuse(cmd, "(not shown)", accepted);
    }
    if (strcmp(uri.scheme, "http") != 0 && strcmp(uri.scheme, "https") != 0) {
        return auth_clerk_directive_refuse(
            cmd,
            apr_uri_unparse(cmd->temp_pool, &uri, APR_URI_UNP_OMITUSERINFO),
            accepted);
    }
    dir->proxy = value;
    /* APR takes the brackets of an IPv6 address off. */
    dir->proxy_host = ap_strchr_c(uri.hostname, ':')
                          ? apr_pstrcat(cmd->pool, "[", uri.hostname, "]", NULL)
                          : apr_pstrdup(cmd->pool, uri.hostname);
    return NULL;
}

/* The text of a file of certificates; NULL when it is none. */
static const char *read_certificates(cmd_parms *cmd, const char *path)
{
    char *text = apr_palloc(cmd->pool, CERTIFICATES_MAX + 1);
    apr_size_t len = 0;
    apr_file_t *file;
    apr_status_t rv;

    if (apr_file_open(&file, path, APR_FOPEN_READ, APR_OS_DEFAULT,
                      cmd->temp_pool)
        != APR_SUCCESS) {
        return NULL;
    }
    rv = apr_file_read_full(file, text, CERTIFICATES_MAX + 1, &len);
    apr_file_close(file);
    if (!APR_STATUS_IS_EOF(rv) || len > CERTIFICATES_MAX) {
        return NULL;
    }
    text[len] = '\0';
    return ap_strstr_c(text, "-----BEGIN ") ? text : NULL;
}

/* Read now, while we may be root, as mod_ssl does. */
const char *auth_clerk_set_ca_file(cmd_parms *cmd, void *conf,
                                   const char *value)
{
    auth_clerk_dir_conf_t *dir = conf;
    const char *path = ap_server_root_relative(cmd->pool, value);

    auth_clerk_check_note(cmd, dir);
    dir->ca_certs = path ? read_certificates(cmd, path) : NULL;
    if (!dir->ca_certs) {
        return auth_clerk_directive_refuse(
            cmd, value,
            "give a file of certificates in PEM form that can be "
            "read");
    }
    return NULL;
}

const char *auth_clerk_set_socache(cmd_parms *cmd, void *conf,
                                   const char *value)
{
    auth_clerk_server_conf_t *server =
        ap_get_module_config(cmd->server->module_config, &auth_clerk_module);
    const char *sentence = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)conf;
    if (!sentence && (!*value || *value == ':')) {
        sentence = auth_clerk_directive_refuse(
            cmd, value,
            "give the name of a provider and its "
            "arguments, such as shmcb:/run/clerk(4194304)");
    }
    server->socache = value;
    return sentence;
}

const char *auth_clerk_set_cache_secret(cmd_parms *cmd, void *conf,
                                        const char *args)
{
    auth_clerk_server_conf_t *server =
        ap_get_module_config(cmd->server->module_config, &auth_clerk_module);
    const char *sentence = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)conf;
    if (sentence) {
        return sentence;
    }
    return auth_clerk_secret_read(cmd, args, AUTH_CLERK_SECRET_LINE,
                                  &server->cache_secret);
}

/* A whole number from 1 to `max` at the beginning; `end` is what follows. */
static int read_count(const char *text, int max, int *out, char **end)
{
    apr_int64_t number = apr_isdigit(*text) ? apr_strtoi64(text, end, 10) : 0;

    *out = (int)number;
    return number >= 1 && number <= max;
}

const char *auth_clerk_set_rate_limit(cmd_parms *cmd, void *conf,
                                      const char *value)
{
    auth_clerk_server_conf_t *server =
        ap_get_module_config(cmd->server->module_config, &auth_clerk_module);
    const char *sentence = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    char *end;

    (void)conf;
    if (sentence) {
        return sentence;
    }
    if (!read_count(value, RATE_CALLS_MAX, &server->rate_calls, &end)
        || *end != '/'
        || !read_count(end + 1, SECONDS_MAX, &server->rate_seconds, &end)
        || *end) {
        return auth_clerk_directive_refuse(
            cmd, value,
            apr_psprintf(cmd->temp_pool,
                         "give a number of calls, a slash and a number of "
                         "seconds, such as 800/10; up to %d calls and %d "
                         "seconds",
                         RATE_CALLS_MAX, SECONDS_MAX));
    }
    return NULL;
}

const char *auth_clerk_set_max_pending(cmd_parms *cmd, void *conf,
                                       const char *value)
{
    auth_clerk_server_conf_t *server =
        ap_get_module_config(cmd->server->module_config, &auth_clerk_module);
    const char *sentence = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    char *end;

    (void)conf;
    if (sentence) {
        return sentence;
    }
    if (!read_count(value, PENDING_MAX, &server->max_pending, &end) || *end) {
        return auth_clerk_directive_refuse(
            cmd, value,
            apr_psprintf(cmd->temp_pool,
                         "give a whole number of requests from 1 to %d",
                         PENDING_MAX));
    }
    return NULL;
}
