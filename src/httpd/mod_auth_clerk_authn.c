/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_auth_clerk_authn.h"

#include <apr_strings.h>
#include <http_request.h>

#include "clerk_jwt.h"
#include "mod_auth_clerk_answer.h"
#include "mod_auth_clerk_env.h"
#include "mod_auth_clerk_log.h"
#include "mod_auth_clerk_near.h"
#include "mod_auth_clerk_request.h"
#include "mod_auth_clerk_status.h"

/* For a child whose libcurl or memory failed it; see child_init. */
static clerk_status_t fetch_nothing(void *self, const clerk_call_t *call,
                                    apr_pool_t *p, clerk_answer_t *answer)
{
    (void)self;
    (void)call;
    (void)p;
    answer->detail = "libcurl could not be initialised in this process";
    return CLERK_INTERNAL;
}

static clerk_status_t check_nothing(void *self, const clerk_realm_t *realm,
                                    const clerk_jwt_t *jwt,
                                    clerk_proof_t *proof, apr_pool_t *p)
{
    (void)self;
    (void)realm;
    (void)jwt;
    (void)proof;
    (void)p;
    return CLERK_INTERNAL;
}

/* Of this child; set before it serves. */
static clerk_ports_t child_ports = {
    .fetch = { NULL, fetch_nothing },
    .keys = { NULL, check_nothing },
    .now = apr_time_now,
};

void auth_clerk_authn_serve(const clerk_ports_t *ports)
{
    child_ports = *ports;
}

/* The first place that has one decides; the others are not looked at. */
static clerk_status_t find_token(request_rec *r, auth_clerk_request_t *note)
{
    static const auth_clerk_source_t header_only[] = { { NULL } };
    const apr_array_header_t *sources = note->plan->sources;
    const auth_clerk_source_t *source = header_only;
    clerk_status_t status = CLERK_NO_TOKEN;
    int count = 1;

    if (note->plan->fault) {
        auth_clerk_log_fault(r, note->plan);
        return CLERK_MISCONFIGURED;
    }
    if (sources) {
        source = (const auth_clerk_source_t *)sources->elts;
        count = sources->nelts;
    }
    for (; count-- && status == CLERK_NO_TOKEN; source++) {
        status = source->cookie
                     ? clerk_token_from_cookie(auth_clerk_request_cookie(r),
                                               source->cookie, &note->token)
                     : clerk_token_from_authorization(
                         auth_clerk_request_authorization(r), &note->token);
    }
    return status;
}

/*
 * A request that came from one with another configuration is judged anew,
 * but Clerk is not asked anew where it would be asked the same again.
 */
static clerk_identity_t *known_identity(const request_rec *r,
                                        const auth_clerk_request_t *mine)
{
    const clerk_terms_t *terms = &mine->plan->terms;
    const auth_clerk_request_t *note;

    while ((r = auth_clerk_request_origin(r)) != NULL) {
        note = auth_clerk_request_peek(r);
        if (note && note->identity
            && note->token.text.len == mine->token.text.len
            && clerk_crypto_equal(note->token.text.ptr, mine->token.text.ptr,
                                  mine->token.text.len)
            && clerk_crypto_equal(note->plan->terms.realm.digest,
                                  terms->realm.digest, CLERK_SHA256_BYTES)) {
            return note->identity;
        }
    }
    return NULL;
}

/* CLERK_OK and an identity in the verdict, or why there is none. */
static clerk_status_t verify(request_rec *r, auth_clerk_request_t *note,
                             clerk_verdict_t *verdict)
{
    const clerk_terms_t *terms = &note->plan->terms;
    auth_clerk_near_t near = { .r = r, .plan = note->plan };
    clerk_ports_t ports = child_ports;
    clerk_status_t status;

    memset(verdict, 0, sizeof(*verdict));
    verdict->identity = known_identity(r, note);
    if (verdict->identity && note->token.from_cookie
        && verdict->identity->kind != CLERK_KIND_SESSION) {
        return CLERK_KIND_NOT_ACCEPTED;
    }
    if (verdict->identity) {
        return clerk_policy_check(&terms->policy, verdict->identity,
                                  apr_time_now());
    }
    ports.log = auth_clerk_log_port(r);
    ports.near = auth_clerk_near_port(&near);
    status = clerk_verify(&ports, terms, &note->token, r->pool, verdict);
    if (verdict->cache == CLERK_CACHE_NEAR) {
        note->image = near.image;
    }
    note->token.kind = verdict->kind;
    auth_clerk_log_verdict(r, note, status, verdict);
    auth_clerk_status_count_verdict(status, verdict);
    return status;
}

/*
 * Out of Clerk's word alone: an `email` that a machine wrote into its own token
 * names nobody (D12). Elsewhere control characters are dropped; here that
 * could make one user's name into another's.
 */
const char *auth_clerk_authn_user(const auth_clerk_plan_t *plan,
                                  const clerk_identity_t *identity)
{
    const char *user = clerk_claims_only(identity, plan->remote_user);
    unsigned int kinds = auth_clerk_env_kinds(plan->remote_user);

    return ((unsigned int)identity->kind & kinds) && user && *user
                   && !clerk_slice_has_control(user)
               ? user
               : NULL;
}

static clerk_status_t set_user(request_rec *r, const auth_clerk_request_t *note,
                               const clerk_identity_t *identity)
{
    const clerk_image_t *image = note->image;
    const char *user;

    if (image) {
        r->user = apr_pstrmemdup(r->pool, image->user, image->user_len);
    }
    else {
        user = auth_clerk_authn_user(note->plan, identity);
        if (!user) {
            return identity->facts & CLERK_FACT_PROFILE_FAILED
                       ? CLERK_PROFILE_UNKNOWN
                       : CLERK_REMOTE_USER_MISSING;
        }
        r->user = apr_pstrdup(r->pool, user);
    }
    r->ap_auth_type = (char *)AUTH_CLERK_AUTH_TYPE;
    return CLERK_OK;
}

static int check_user_id(request_rec *r)
{
    auth_clerk_request_t *note;
    clerk_verdict_t verdict = { 0 };
    clerk_status_t status;

    if (!auth_clerk_request_is_ours(r)) {
        return DECLINED;
    }
    note = auth_clerk_request_note(r);
    status = find_token(r, note);
    if (status == CLERK_OK) {
        status = verify(r, note, &verdict);
    }
    if (status == CLERK_OK) {
        status = set_user(r, note, verdict.identity);
    }
    if (status != CLERK_OK) {
        auth_clerk_log_refusal(r, note, status);
        return auth_clerk_answer_refuse(r, status, verdict.retry_after);
    }
    note->identity = verdict.identity;
    note->user = r->user;
    return OK;
}

void auth_clerk_authn_register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_check_authn(check_user_id, NULL, NULL, APR_HOOK_MIDDLE,
                        AP_AUTH_INTERNAL_PER_CONF);
}
