/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_resource.h: requests for documents that are for everybody.
 *
 * Owns: the answers at the well-known URLs: the metadata of resources, and
 * copies of Clerk's own documents (RFC 8414, OpenID Connect Discovery). Must
 * never know: tokens, or what a document says (mod_auth_clerk_publish.c).
 * Called by: mod_auth_clerk.c, httpd.
 */
#ifndef MOD_AUTH_CLERK_RESOURCE_H
#define MOD_AUTH_CLERK_RESOURCE_H

#include "clerk_metadata.h"
#include "mod_auth_clerk_private.h"

/* child_init: where the copies of Clerk's documents are. */
void auth_clerk_resource_serve(clerk_metadata_t *home);

void auth_clerk_resource_register_hooks(apr_pool_t *p);

#endif
