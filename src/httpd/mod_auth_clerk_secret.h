/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_secret.h: where secrets come from.
 *
 * Owns: the forms `file:/path`, `env:NAME`, `exec:/path args` and the bare
 * value. Must never know: what a secret is for. Called by: the directives, at
 * start-up only, on one thread.
 */
#ifndef MOD_AUTH_CLERK_SECRET_H
#define MOD_AUTH_CLERK_SECRET_H

#include "mod_auth_clerk_private.h"

typedef enum auth_clerk_secret_span_t {
    AUTH_CLERK_SECRET_LINE, /* the first line of a file or output */
    AUTH_CLERK_SECRET_TEXT  /* all of it: a PEM key */
} auth_clerk_secret_span_t;

/*
 * Read the secret that `args`, all that stands behind the directive, points to
 * into `*secret`, which lives in the configuration's pool and is wiped with it.
 * The return value is NULL, or a sentence that begins with the directive's name
 * and never holds a secret.
 *
 * At a normal start httpd reads its configuration twice. `exec:` runs the
 * program the second time only; the first time `*secret` is a placeholder.
 */
const char *auth_clerk_secret_read(cmd_parms *cmd, const char *args,
                                   auth_clerk_secret_span_t span,
                                   const char **secret);

/* Is this what `exec:` gives while the program is not run? */
int auth_clerk_secret_is_placeholder(const char *text);

#endif
