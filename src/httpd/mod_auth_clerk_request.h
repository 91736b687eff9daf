/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_auth_clerk_request.h: what is known of one request.
 *
 * Owns: the note that the hooks leave for each other on a request, and the
 * way from a subrequest or internal redirect back to the request that was
 * verified. Must never know: what the hooks do with it. Called by: the hooks.
 */
#ifndef MOD_AUTH_CLERK_REQUEST_H
#define MOD_AUTH_CLERK_REQUEST_H

#include "clerk_claims.h"
#include "clerk_image.h"
#include "mod_auth_clerk_plan.h"
#include "mod_auth_clerk_private.h"

struct auth_clerk_request_t {
    const ap_conf_vector_t *per_dir_config; /* that the plan was made from */
    const auth_clerk_plan_t *plan;
    int is_ours; /* AuthType Clerk is in force under this configuration */
    clerk_identity_t *identity; /* verified, or NULL */
    const clerk_image_t *image; /* that the identity is part of, made for this
                                 * plan; or NULL */
    const char *authorization;  /* the header that was taken off */
    const char *cookie;         /* likewise, before it was cut */
    clerk_token_t token;        /* what was found in it */
    char *user;                 /* what r->user was set to */
    const auth_clerk_request_t *sub;   /* of the last subrequest of ours */
    const char *challenge;             /* of a refusal, or NULL */
    clerk_status_t refusal;            /* what the answer says, or CLERK_OK */
    int retry_after;                   /* seconds, with a refusal by 503 */
    int error_body;                    /* HTTP status whose body is our JSON */
    const ap_conf_vector_t *cors_conf; /* that this was decided by: */
    int cors;                          /* AUTH_CLERK_CORS_…, of the answer */
    const char *cors_origin;           /* that may read it, `*`, or NULL */
    const apr_array_header_t *what_if; /* scopes lent for a question, see
                                        * mod_auth_clerk_authz.c */
    int is_asking;                     /* inside our own auth_checker */
};

/* Is `AuthType Clerk` in force for this request? */
int auth_clerk_request_is_ours(request_rec *r);

/* The note of a request; made when there is none yet. */
auth_clerk_request_t *auth_clerk_request_note(request_rec *r);

/* The note of a request, or NULL. */
auth_clerk_request_t *auth_clerk_request_peek(const request_rec *r);

/*
 * The request that this one came from, by internal redirect or as its
 * subrequest; NULL for what came from the client.
 */
const request_rec *auth_clerk_request_origin(const request_rec *r);

/*
 * Is this request for the ErrorDocument of another one? The answer is to what
 * the client asked for: a refusal of the document says nothing in it.
 */
int auth_clerk_request_is_error_document(const request_rec *r);

/*
 * The identity that stands behind r->user: verified here, or on a request
 * that this one came from with the same configuration, which httpd does not
 * authenticate again. NULL when there is none.
 */
const clerk_identity_t *auth_clerk_request_identity(const request_rec *r);

/* The Authorization and Cookie headers as the client sent them: from where
 * they have been taken off, or as they are. NULL without one. */
const char *auth_clerk_request_authorization(const request_rec *r);
const char *auth_clerk_request_cookie(const request_rec *r);

/*
 * Tell the request that a subrequest belongs to how it ended. What is told
 * outlives the subrequest, but for its identity.
 */
void auth_clerk_request_report(request_rec *r,
                               const auth_clerk_request_t *note);

#endif
