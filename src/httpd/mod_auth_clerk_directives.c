/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_directives.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_uri.h>

#include "clerk_instance.h"
#include "mod_auth_clerk_check.h"
#include "mod_auth_clerk_secret.h"

#define DEFAULT_COOKIE "__session"
#define LEEWAY_MAX 300   /* seconds */
#define ARGUMENTS_MAX 63 /* httpd passes 64 of them on, and drops the rest */
#define ORIGIN_BYTES \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-._:/[]"

typedef struct choice_t {
    const char *word;
    int value;
} choice_t;

/* Was a secret pasted behind the wrong directive, or a password into a URL? */
static int looks_secret(const char *value)
{
    static const char *const signs[] = { "sk_", "ak_", "mt_", "oat_", NULL };
    const char *const *sign;
    const char *found;

    for (sign = signs; *sign; sign++) {
        found = ap_strstr_c(value, *sign);
        if (found && (found == value || !apr_isalnum(found[-1]))) {
            return 1;
        }
    }
    return ap_strstr_c(value, "://") && ap_strchr_c(value, '@');
}

const char *auth_clerk_directive_refuse(cmd_parms *cmd, const char *value,
                                        const char *accepted)
{
    if (looks_secret(value)) {
        return apr_psprintf(cmd->pool,
                            "%s: what looks like a secret is not accepted; %s",
                            cmd->cmd->name, accepted);
    }
    return apr_psprintf(cmd->pool, "%s: '%s' is not accepted; %s",
                        cmd->cmd->name, value, accepted);
}

const char *auth_clerk_directive_gate_argv(cmd_parms *cmd, int argc)
{
    const char *sentence = auth_clerk_directive_gate(cmd);

    if (!sentence && argc > ARGUMENTS_MAX) {
        sentence = apr_psprintf(cmd->pool, "%s: give %d arguments at most",
                                cmd->cmd->name, ARGUMENTS_MAX);
    }
    return sentence;
}

/* ------------------------------------------------------------------ */
/* Which Clerk                                                        */

const char *auth_clerk_set_publishable_key(cmd_parms *cmd, void *conf,
                                           const char *value)
{
    auth_clerk_dir_conf_t *dir = conf;

    auth_clerk_check_note(cmd, dir);
    dir->publishable_key = value;
    if (clerk_instance_host_of_key(cmd->pool, value, &dir->key_host)
        != CLERK_OK) {
        return auth_clerk_directive_refuse(
            cmd, value,
            "give the publishable key of a Clerk "
            "instance, as its dashboard shows it: pk_live_... or "
            "pk_test_..., which encodes a host name");
    }
    return NULL;
}

const char *auth_clerk_set_domain(cmd_parms *cmd, void *conf, const char *value)
{
    auth_clerk_dir_conf_t *dir = conf;

    auth_clerk_check_note(cmd, dir);
    if (!clerk_instance_is_hostname(value)) {
        return auth_clerk_directive_refuse(
            cmd, value,
            "give the host name of the Frontend API "
            "alone, such as clerk.example.com");
    }
    dir->domain = value;
    return NULL;
}

const char *auth_clerk_directive_check_url(cmd_parms *cmd, const char *value)
{
    switch (clerk_instance_check_url(cmd->temp_pool, value)) {
    case CLERK_URL_GOOD:
        return NULL;
    case CLERK_URL_NOT_HTTPS:
        return auth_clerk_directive_refuse(
            cmd, value,
            "give an https:// URL; http:// is for "
            "loopback addresses only");
    default:
        return auth_clerk_directive_refuse(
            cmd, value,
            "give an absolute URL without user, query "
            "and fragment, such as https://clerk.example.com");
    }
}

const char *auth_clerk_set_base_url(cmd_parms *cmd, void *conf,
                                    const char *value)
{
    const char *sentence = auth_clerk_directive_check_url(cmd, value);

    auth_clerk_check_note(cmd, conf);
    if (!sentence) {
        *AUTH_CLERK_MEMBER(const char *, cmd, conf) =
            clerk_instance_trim_url(cmd->pool, value);
    }
    return sentence;
}

apr_array_header_t *auth_clerk_directive_words(cmd_parms *cmd, int argc,
                                               char *const argv[])
{
    apr_array_header_t *list =
        apr_array_make(cmd->pool, argc + 1, sizeof(const char *));
    int i;

    for (i = 0; i < argc; i++) {
        APR_ARRAY_PUSH(list, const char *) = argv[i];
    }
    return list;
}

const char *auth_clerk_set_issuers(cmd_parms *cmd, void *conf, int argc,
                                   char *const argv[])
{
    auth_clerk_dir_conf_t *dir = conf;
    const char *sentence = NULL;
    int i;

    auth_clerk_check_note(cmd, dir);
    if (argc == 0) {
        return apr_psprintf(cmd->pool, "%s: give one issuer URL or more",
                            cmd->cmd->name);
    }
    for (i = 0; i < argc && !sentence; i++) {
        sentence = auth_clerk_directive_check_url(cmd, argv[i]);
    }
    dir->issuers = auth_clerk_directive_words(cmd, argc, argv);
    return sentence;
}

const char *auth_clerk_set_secret(cmd_parms *cmd, void *conf, const char *args)
{
    auth_clerk_check_note(cmd, conf);
    return auth_clerk_secret_read(cmd, args, AUTH_CLERK_SECRET_LINE,
                                  AUTH_CLERK_MEMBER(const char *, cmd, conf));
}

const char *auth_clerk_set_jwt_key(cmd_parms *cmd, void *conf, const char *args)
{
    auth_clerk_dir_conf_t *dir = conf;
    const char *sentence;
    clerk_rsa_t *key;

    auth_clerk_check_note(cmd, dir);
    sentence = auth_clerk_secret_read(cmd, args, AUTH_CLERK_SECRET_TEXT,
                                      &dir->jwt_key);
    if (!sentence
        && clerk_crypto_rsa_from_pem(cmd->temp_pool, dir->jwt_key, &key)
               != CLERK_OK
        && !auth_clerk_secret_is_placeholder(dir->jwt_key)) {
        return apr_psprintf(cmd->pool,
                            "%s: what it gives is not accepted; give an RSA "
                            "public key of %d to %d bits in PEM form",
                            cmd->cmd->name, CLERK_RSA_MIN_BITS,
                            CLERK_RSA_MAX_BITS);
    }
    if (!sentence && auth_clerk_secret_is_placeholder(dir->jwt_key)) {
        dir->jwt_key = NULL;
    }
    return sentence;
}

/* A name that is taken as it stands: a client id, a claim. */
const char *auth_clerk_set_name(cmd_parms *cmd, void *conf, const char *value)
{
    const char *c;

    auth_clerk_check_note(cmd, conf);
    for (c = value; (unsigned char)*c >= ' ' && *c != 0x7f; c++) {
    }
    if (*c) {
        return auth_clerk_directive_refuse(cmd, "(not shown)",
                                           "give a name without control "
                                           "characters");
    }
    *AUTH_CLERK_MEMBER(const char *, cmd, conf) = value;
    return NULL;
}

/* ------------------------------------------------------------------ */
/* What is accepted                                                   */

static int choose(const choice_t *choices, const char *word, int *value)
{
    for (; choices->word; choices++) {
        if (strcasecmp(choices->word, word) == 0) {
            *value = choices->value;
            return 1;
        }
    }
    return 0;
}

const char *auth_clerk_set_verifier(cmd_parms *cmd, void *conf,
                                    const char *value)
{
    static const choice_t choices[] = { { "auto", CLERK_VERIFIER_AUTO },
                                        { "introspection",
                                          CLERK_VERIFIER_INTROSPECTION },
                                        { "backend", CLERK_VERIFIER_BACKEND },
                                        { "jwks", CLERK_VERIFIER_JWKS },
                                        { NULL, 0 } };
    auth_clerk_dir_conf_t *dir = conf;

    auth_clerk_check_note(cmd, dir);
    if (!choose(choices, value, &dir->verifier)) {
        return auth_clerk_directive_refuse(
            cmd, value,
            "give auto, introspection, backend or "
            "jwks");
    }
    return NULL;
}

const char *auth_clerk_set_accepts(cmd_parms *cmd, void *conf, int argc,
                                   char *const argv[])
{
    static const char accepted[] = "give any of oauth_token, session_token, "
                                   "m2m_token and api_key, or any alone";
    auth_clerk_dir_conf_t *dir = conf;
    int set = CLERK_KIND_NONE;
    int i;

    auth_clerk_check_note(cmd, dir);
    for (i = 0; i < argc; i++) {
        clerk_kind_t kind = clerk_token_kind_by_name(argv[i]);

        if (kind == CLERK_KIND_NONE || (kind == CLERK_KIND_ANY && argc > 1)) {
            return auth_clerk_directive_refuse(cmd, argv[i], accepted);
        }
        set |= kind;
    }
    if (set == CLERK_KIND_NONE) {
        return auth_clerk_directive_refuse(cmd, "", accepted);
    }
    dir->accepts = set;
    return NULL;
}

const char *auth_clerk_set_audience(cmd_parms *cmd, void *conf, int argc,
                                    char *const argv[])
{
    static const char accepted[] = "give any alone, or one value or more, "
                                   "which if-present may precede";
    auth_clerk_dir_conf_t *dir = conf;
    int optional = argc > 0 && strcasecmp(argv[0], "if-present") == 0;
    int any = argc == 1 && strcasecmp(argv[0], "any") == 0;
    int i;

    auth_clerk_check_note(cmd, dir);
    if (argc - optional < 1) {
        return auth_clerk_directive_refuse(cmd, optional ? argv[0] : "",
                                           accepted);
    }
    for (i = optional; i < argc; i++) {
        if (!*argv[i] || (!any && strcasecmp(argv[i], "any") == 0)) {
            return auth_clerk_directive_refuse(cmd, argv[i], accepted);
        }
    }
    dir->audience_mode = any        ? CLERK_AUDIENCE_ANY
                         : optional ? CLERK_AUDIENCE_IF_PRESENT
                                    : CLERK_AUDIENCE_REQUIRED;
    dir->audiences =
        auth_clerk_directive_words(cmd, argc - optional, argv + optional);
    return NULL;
}

const char *auth_clerk_directive_seconds(cmd_parms *cmd, const char *value,
                                         int max, int *out)
{
    char *end;
    apr_int64_t number = apr_strtoi64(value, &end, 10);

    if (!apr_isdigit(*value) || *end || number > max) {
        return auth_clerk_directive_refuse(
            cmd, value,
            apr_psprintf(cmd->temp_pool,
                         "give a whole number of seconds from 0 to %d", max));
    }
    *out = (int)number;
    return NULL;
}

const char *auth_clerk_set_leeway(cmd_parms *cmd, void *conf, const char *value)
{
    auth_clerk_dir_conf_t *dir = conf;

    auth_clerk_check_note(cmd, dir);
    return auth_clerk_directive_seconds(cmd, value, LEEWAY_MAX, &dir->leeway);
}

int auth_clerk_directive_is_origin(apr_pool_t *scratch, const char *value)
{
    apr_uri_t uri;

    return !value[strspn(value, ORIGIN_BYTES)]
           && apr_uri_parse(scratch, value, &uri) == APR_SUCCESS && uri.scheme
           && uri.hostname && *uri.hostname && !uri.user && !uri.path
           && !uri.query
           && !uri.fragment
           /* Browsers leave the default port out. */
           && (!uri.port_str || uri.port != apr_uri_port_of_scheme(uri.scheme));
}

const char *auth_clerk_set_parties(cmd_parms *cmd, void *conf, int argc,
                                   char *const argv[])
{
    static const char accepted[] = "give one origin or more, such as "
                                   "https://app.example.com";
    auth_clerk_dir_conf_t *dir = conf;
    int i;

    auth_clerk_check_note(cmd, dir);
    if (argc == 0) {
        return auth_clerk_directive_refuse(cmd, "", accepted);
    }
    for (i = 0; i < argc; i++) {
        if (!auth_clerk_directive_is_origin(cmd->temp_pool, argv[i])) {
            return auth_clerk_directive_refuse(cmd, argv[i], accepted);
        }
    }
    dir->parties = auth_clerk_directive_words(cmd, argc, argv);
    return NULL;
}

/* RFC 6265 section 4.1.1: a cookie's name is a token. */
static int is_cookie_name(const char *name)
{
    const char *c;

    for (c = name; *c; c++) {
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f
            || ap_strchr_c("()<>@,;:\\\"/[]?={}", *c)) {
            return 0;
        }
    }
    return *name != '\0';
}

const char *auth_clerk_set_sources(cmd_parms *cmd, void *conf, int argc,
                                   char *const argv[])
{
    static const char accepted[] = "give header, cookie or cookie:name, in "
                                   "the order in which to look";
    auth_clerk_dir_conf_t *dir = conf;
    apr_array_header_t *sources =
        apr_array_make(cmd->pool, argc + 1, sizeof(auth_clerk_source_t));
    int i;

    auth_clerk_check_note(cmd, dir);
    if (argc == 0) {
        return auth_clerk_directive_refuse(cmd, "", accepted);
    }
    for (i = 0; i < argc; i++) {
        auth_clerk_source_t *source = apr_array_push(sources);

        source->cookie = NULL;
        if (strcasecmp(argv[i], "header") == 0) {
            continue;
        }
        if (strcasecmp(argv[i], "cookie") == 0) {
            source->cookie = DEFAULT_COOKIE;
        }
        else if (strncasecmp(argv[i], "cookie:", 7) == 0
                 && is_cookie_name(argv[i] + 7)) {
            source->cookie = argv[i] + 7;
        }
        else {
            return auth_clerk_directive_refuse(cmd, argv[i], accepted);
        }
    }
    dir->sources = sources;
    return NULL;
}

const char *auth_clerk_set_flag(cmd_parms *cmd, void *conf, const char *value)
{
    static const choice_t choices[] = { { "On", 1 },
                                        { "Off", 0 },
                                        { NULL, 0 } };

    auth_clerk_check_note(cmd, conf);
    if (!choose(choices, value, AUTH_CLERK_MEMBER(int, cmd, conf))) {
        return auth_clerk_directive_refuse(cmd, value, "give On or Off");
    }
    return NULL;
}

/* ------------------------------------------------------------------ */
/* What the application is told                                       */

const char *auth_clerk_set_pass(cmd_parms *cmd, void *conf, const char *value)
{
    static const choice_t choices[] = { { "env", AUTH_CLERK_PASS_ENV },
                                        { "headers", AUTH_CLERK_PASS_HEADERS },
                                        { "both", AUTH_CLERK_PASS_BOTH },
                                        { "none", AUTH_CLERK_PASS_NONE },
                                        { NULL, 0 } };
    auth_clerk_dir_conf_t *dir = conf;

    auth_clerk_check_note(cmd, dir);
    if (!choose(choices, value, &dir->pass)) {
        return auth_clerk_directive_refuse(cmd, value,
                                           "give env, headers, both or none");
    }
    return NULL;
}

/* `org_role` becomes `ORG_ROLE`, whatever else was in the name. */
static char *variable_name(cmd_parms *cmd, const char *name)
{
    char *variable = apr_pstrcat(cmd->pool, "CLERK_", name, NULL);
    char *c;

    for (c = variable; *c; c++) {
        *c = apr_isalnum(*c) ? (char)apr_toupper(*c) : '_';
    }
    return variable;
}

/* `CLERK_ORG_ROLE` becomes `X-Clerk-Org-Role`. */
static char *header_name(cmd_parms *cmd, const char *variable)
{
    char *header = apr_pstrcat(cmd->pool, "X-", variable, NULL);
    char *c;

    for (c = header + 1; *c; c++) {
        if (*c == '_') {
            *c = '-';
        }
        if (c[-1] != '-') {
            *c = (char)apr_tolower(*c);
        }
    }
    return header;
}

const char *auth_clerk_set_export(cmd_parms *cmd, void *conf, const char *claim,
                                  const char *name)
{
    auth_clerk_dir_conf_t *dir = conf;
    auth_clerk_export_t *export;
    const char *c;

    auth_clerk_check_note(cmd, dir);
    for (c = name ? name : "x"; apr_isalnum(*c) || *c == '_'; c++) {
    }
    if (!*claim || *c || (name && !*name)) {
        return auth_clerk_directive_refuse(
            cmd, *claim ? name : claim,
            "give a claim and, if it "
            "is to go by another name, a name of letters, digits "
            "and underscores");
    }
    if (!dir->exports) {
        dir->exports = apr_array_make(cmd->pool, 4, sizeof(*export));
    }
    export = apr_array_push((apr_array_header_t *)dir->exports);
    export->claim = claim;
    export->variable = variable_name(cmd, name ? name : claim);
    export->header = header_name(cmd, export->variable);
    return NULL;
}
