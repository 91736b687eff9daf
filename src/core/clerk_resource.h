/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk_resource.h: a protected resource, and what is published of it.
 *
 * Owns: the well-known URLs of a resource (RFC 9728 section 3.1, RFC 8414
 * section 3.1) and the text of its metadata document (section 2). Must never
 * know: requests, and so nothing of one can stand in a document. Called by:
 * the glue's plan and resource.
 */
#ifndef CLERK_RESOURCE_H
#define CLERK_RESOURCE_H

#include <apr_pools.h>
#include <apr_tables.h>

/* The documents that live under well-known paths of a resource's host. */
typedef enum clerk_document_kind_t {
    CLERK_DOCUMENT_NONE,
    CLERK_DOCUMENT_RESOURCE, /* RFC 9728 */
    CLERK_DOCUMENT_SERVER,   /* authorization server metadata, RFC 8414 */
    CLERK_DOCUMENT_OPENID    /* OpenID Connect Discovery */
} clerk_document_kind_t;

/* What the metadata document says; NULL, or an empty list, leaves a member
 * out. */
typedef struct clerk_resource_t {
    const char *identifier; /* an absolute URL without fragment */
    const apr_array_header_t *authorization_servers; /* const char * */
    const apr_array_header_t *scopes;                /* const char * */
    const char *name;
    const char *documentation;
} clerk_resource_t;

/* The path of a URL as it follows a well-known path: without query, in normal
 * form, and without a slash that ends it, so that the root's is "". In `p`. */
const char *clerk_resource_path(apr_pool_t *p, const char *url);

/* Where the metadata document of a resource is found: an absolute URL in
 * `p`. */
const char *clerk_resource_metadata_url(apr_pool_t *p, const char *url);

/* The document, as JSON text in `p`. */
const char *clerk_resource_document(apr_pool_t *p,
                                    const clerk_resource_t *resource);

/*
 * Which document a request's path, as it came, asks for: `resource_path`, in
 * `p`, is what clerk_resource_path makes of the resource. CLERK_DOCUMENT_NONE,
 * and NULL, for any other path. Cheap for those.
 */
clerk_document_kind_t clerk_resource_parse_path(apr_pool_t *p, const char *path,
                                                const char **resource_path);

/* The well-known path of a kind, `/.well-known/…`. */
const char *clerk_resource_well_known(clerk_document_kind_t kind);

#endif
