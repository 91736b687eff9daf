/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_status_forms.h: the forms in which a report is shown.
 *
 * Owns: the syntax of each: JSON, Prometheus's text exposition, and
 * mod_status's page in HTML and `?auto`. Must never know: which figures there
 * are (clerk_figures). Called by: mod_auth_clerk_status.c; mod_status.
 */
#ifndef MOD_AUTH_CLERK_STATUS_FORMS_H
#define MOD_AUTH_CLERK_STATUS_FORMS_H

#include "clerk_figures.h"
#include "mod_auth_clerk_private.h"

/* All write to the request's answer. `report` may be NULL: this server has
 * nothing to do with Clerk. */

void auth_clerk_status_json_write(request_rec *r, const clerk_report_t *report);

void auth_clerk_status_exposition_write(request_rec *r,
                                        const clerk_report_t *report);

/* `flags` are mod_status's. */
void auth_clerk_status_page_write(request_rec *r, const clerk_report_t *report,
                                  int flags);

#endif
