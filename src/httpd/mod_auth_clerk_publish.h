/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_publish.h: which resources each virtual host publishes.
 *
 * Owns: the metadata documents (RFC 9728), made at start from configuration
 * alone, and what about them would contradict itself. Must never know: a
 * request. Called by: mod_auth_clerk.c (once), mod_auth_clerk_resource.c
 * (reads only).
 */
#ifndef MOD_AUTH_CLERK_PUBLISH_H
#define MOD_AUTH_CLERK_PUBLISH_H

#include "clerk_resource.h"
#include "mod_auth_clerk_plan.h"

/* A resource of one server. */
typedef struct auth_clerk_published_t {
    clerk_resource_t resource;
    const char *path; /* of the identifier, as behind a well-known path */
    const char *document;
    const auth_clerk_plan_t *plan;
    int is_open;         /* scripts of any origin may read it */
    int has_copies;      /* of Clerk's own documents, beside it */
    int is_server_level; /* its sections inherit it */
    int is_used;         /* by a section of this server */
} auth_clerk_published_t;

/*
 * check_config, after auth_clerk_config_split_servers: make the documents of
 * all servers. Anything but OK stops the start, after a line that says why.
 */
int auth_clerk_publish(apr_pool_t *pconf, server_rec *s);

/*
 * The resource that a server's well-known path is about; `path` as
 * clerk_resource_parse_path tells it. The bare path is about the resource at
 * the root, else about the only one; where a document of Clerk's own is asked
 * for, about any, if all have the same Clerk. NULL: there is no such document.
 */
const auth_clerk_published_t *auth_clerk_publish_find(
    const server_rec *s, clerk_document_kind_t kind, const char *path);

/* Does a server publish anything? */
int auth_clerk_publish_has_any(const server_rec *s);

#endif
