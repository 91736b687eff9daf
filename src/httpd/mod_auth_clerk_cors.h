/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_cors.h: scripts of other origins (the Fetch standard's CORS
 * protocol).
 *
 * Owns: ClerkCORS: preflights, refused origins, and the Access-Control-*
 * headers of every answer. Must never know: tokens. Called by: httpd, and
 * mod_auth_clerk_resource.c.
 */
#ifndef MOD_AUTH_CLERK_CORS_H
#define MOD_AUTH_CLERK_CORS_H

#include "mod_auth_clerk_private.h"

/* Let scripts of any origin read the answer to a request for a document that
 * is public, or make that request. */
void auth_clerk_cors_open(request_rec *r);

void auth_clerk_cors_register_hooks(apr_pool_t *p);

#endif
