/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_resource.h: what is published of protected resources.
 *
 * Owns: the well-known URLs of each virtual host: the metadata documents of
 * its resources (RFC 9728), made at start from configuration alone, and the
 * copies of Clerk's own documents (RFC 8414, OpenID Connect Discovery). Must
 * never know: tokens. Called by: mod_auth_clerk.c, httpd.
 */
#ifndef MOD_AUTH_CLERK_RESOURCE_H
#define MOD_AUTH_CLERK_RESOURCE_H

#include "clerk_metadata.h"
#include "mod_auth_clerk_private.h"

/*
 * check_config, after auth_clerk_config_split_servers: make the documents of
 * all servers. Anything but OK stops the start, after a line that says why.
 */
int auth_clerk_resource_publish(apr_pool_t *pconf, server_rec *s);

/* child_init: where the copies of Clerk's documents are. */
void auth_clerk_resource_serve(clerk_metadata_t *home);

void auth_clerk_resource_register_hooks(apr_pool_t *p);

#endif
