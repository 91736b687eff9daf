/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_private.h: what every file of the glue needs.
 *
 * Owns: the module symbol, the logging module of the files that include it
 * (not mod_auth_clerk.c, whose module record brings its own), and the names
 * of the structs. Must never know: what is in them.
 */
#ifndef MOD_AUTH_CLERK_PRIVATE_H
#define MOD_AUTH_CLERK_PRIVATE_H

#include <httpd.h>
#include <http_config.h>
#include <http_log.h>

#define AUTH_CLERK_AUTH_TYPE "Clerk"

/* Is this `AuthType Clerk`? httpd compares these names without case. */
static inline int auth_clerk_is_auth_type(const char *type)
{
    return strcasecmp(type, AUTH_CLERK_AUTH_TYPE) == 0;
}

extern module AP_MODULE_DECLARE_DATA auth_clerk_module;

typedef struct auth_clerk_dir_conf_t auth_clerk_dir_conf_t;
typedef struct auth_clerk_server_conf_t auth_clerk_server_conf_t;
typedef struct auth_clerk_plan_t auth_clerk_plan_t;
typedef struct auth_clerk_request_t auth_clerk_request_t;

#endif
