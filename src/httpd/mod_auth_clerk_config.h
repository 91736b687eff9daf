/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_config.h: what the administrator wrote, section by section.
 *
 * Owns: the configuration structs, their creation and merging, and the memo
 * of merges. Must never know: what a directive's text looks like
 * (mod_auth_clerk_directives.c), what follows from the settings together
 * (mod_auth_clerk_plan.c). Called by: httpd, and the rest of the glue, which
 * only reads.
 */
#ifndef MOD_AUTH_CLERK_CONFIG_H
#define MOD_AUTH_CLERK_CONFIG_H

#include "clerk_policy.h"
#include "clerk_realm.h"
#include "mod_auth_clerk_private.h"

#define AUTH_CLERK_UNSET (-1)

enum {
    AUTH_CLERK_PASS_NONE = 0,
    AUTH_CLERK_PASS_ENV = 1,
    AUTH_CLERK_PASS_HEADERS = 2,
    AUTH_CLERK_PASS_BOTH = 3
};

/* ClerkCORS. */
enum {
    AUTH_CLERK_CORS_OFF = 0,
    AUTH_CLERK_CORS_ON,  /* any origin */
    AUTH_CLERK_CORS_LIST /* those of cors_origins */
};

/* One ClerkExportClaim. */
typedef struct auth_clerk_export_t {
    const char *claim;
    const char *variable; /* `CLERK_NAME` */
    const char *header;   /* `X-Clerk-Name` */
} auth_clerk_export_t;

/* One place of ClerkTokenSource to look for a token. */
typedef struct auth_clerk_source_t {
    const char *cookie; /* its name; NULL: the Authorization header */
} auth_clerk_source_t;

/* The scopes of one `Require clerk-scope` line, for the challenge. */
typedef struct auth_clerk_scopes_t {
    apr_int64_t limited;        /* methods, as in <Limit> */
    apr_array_header_t *scopes; /* of const char *; without expressions */
} auth_clerk_scopes_t;

/* How a section's Require lines join those of the outer section. */
typedef enum auth_clerk_merging_t {
    AUTH_CLERK_MERGING_OFF, /* they replace them: httpd's default */
    AUTH_CLERK_MERGING_ON   /* AuthMerging And, Or */
} auth_clerk_merging_t;

/*
 * Members that merge by the common rule, each named once: what is set in the
 * inner section wins. Unset is NULL for pointers and AUTH_CLERK_UNSET for
 * numbers, which is never a value that a directive can give.
 */
#define AUTH_CLERK_DIR_POINTERS(X) \
    X(const char *, auth_type) \
    X(const char *, publishable_key) \
    X(const char *, key_host) \
    X(const char *, domain) \
    X(const char *, frontend_api) \
    X(const char *, backend_api) \
    X(const apr_array_header_t *, issuers) \
    X(const char *, secret_key) \
    X(const char *, machine_secret_key) \
    X(const char *, client_id) \
    X(const char *, client_secret) \
    X(const char *, jwt_key) \
    X(const apr_array_header_t *, audiences) \
    X(const apr_array_header_t *, parties) \
    X(const apr_array_header_t *, sources) \
    X(const char *, remote_user) \
    X(const char *, proxy) \
    X(const char *, proxy_host) \
    X(const char *, ca_certs) \
    X(const char *, resource) \
    X(const char *, resource_name) \
    X(const char *, resource_documentation) \
    X(const apr_array_header_t *, challenge_scopes) \
    X(const apr_array_header_t *, resource_scopes) \
    X(const apr_array_header_t *, authorization_servers) \
    X(const apr_array_header_t *, cors_origins)

#define AUTH_CLERK_DIR_NUMBERS(X) \
    X(accepts) \
    X(verifier) \
    X(audience_mode) \
    X(leeway) \
    X(userinfo) \
    X(allow_pending) \
    X(pass) \
    X(pass_token) \
    X(cache_ttl) \
    X(negative_ttl) \
    X(stale_if_error) \
    X(timeout_ms) \
    X(connect_timeout_ms) \
    X(server_metadata) \
    X(cors)

struct auth_clerk_dir_conf_t {
#define X_POINTER(type, name) type name;
    AUTH_CLERK_DIR_POINTERS(X_POINTER)
#undef X_POINTER
#define X_NUMBER(name) int name;
    AUTH_CLERK_DIR_NUMBERS(X_NUMBER)
#undef X_NUMBER
    const apr_array_header_t *exports; /* auth_clerk_export_t; they add up */

    /* Seen in passing, see mod_auth_clerk_require.c. */
    const apr_array_header_t *scopes; /* auth_clerk_scopes_t */
    int has_require;
    int merging; /* auth_clerk_merging_t */

    /* What follows from all of the above; made when it is first needed. */
    const auth_clerk_plan_t *plan;

    apr_pool_t *p;                   /* that this conf lives in */
    const char *section;             /* for people */
    int is_noted;                    /* known to the start-up checks */
    int is_permanent;                /* lives as long as the child */
    struct auth_clerk_memo_t *memos; /* merges with inner sections */
    int memo_count;
};

/* Per server; the directives are allowed in the main server only. */
struct auth_clerk_server_conf_t {
    const char *socache;      /* `provider[:args]`, or NULL */
    const char *cache_secret; /* or NULL */
    int rate_calls;           /* per rate_seconds; 0: the default */
    int rate_seconds;
    int max_pending;                     /* 0: the default */
    const struct ap_logconf *hushed;     /* see auth_clerk_log_hush */
    const apr_array_header_t *published; /* see mod_auth_clerk_publish.c */
};

/* create_dir_config, merge_dir_config, create_server_config. */
void *auth_clerk_config_create_dir(apr_pool_t *p, char *section);
void *auth_clerk_config_merge_dir(apr_pool_t *p, void *outer, void *inner);
void *auth_clerk_config_create_server(apr_pool_t *p, server_rec *s);

/*
 * Give each virtual host a conf of its own, which those without directives of
 * ours share with the main server until then. In check_config.
 */
void auth_clerk_config_split_servers(apr_pool_t *pconf, server_rec *s);

/*
 * From here on this process serves requests: merges of sections that live as
 * long as the process are kept in `p` and found again by later requests,
 * instead of being made for each of them. Call once per child.
 */
void auth_clerk_config_serve(apr_pool_t *p);

#endif
