/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_consult.h"

#include "clerk_payload.h"

/* The largest ClerkLeeway: what expired longer ago is dead for everybody. */
#define LARGEST_LEEWAY 300 /* seconds */

const clerk_endpoint_t *clerk_consult_oauth_endpoint(const clerk_realm_t *realm)
{
    switch (clerk_realm_opaque_verifier(realm)) {
    case CLERK_VERIFIER_INTROSPECTION:
        return &clerk_api_token_info;
    case CLERK_VERIFIER_BACKEND:
        return &clerk_api_oauth_verify;
    default:
        return NULL;
    }
}

const clerk_endpoint_t *clerk_consult_endpoint(const clerk_realm_t *realm,
                                               clerk_kind_t kind)
{
    if (realm->verifier == CLERK_VERIFIER_JWKS) {
        /* No call to Clerk, for any token. */
        return NULL;
    }
    switch (kind) {
    case CLERK_KIND_OAUTH:
        return clerk_consult_oauth_endpoint(realm);
    case CLERK_KIND_M2M:
        return realm->machine_bearer || realm->bearer ? &clerk_api_m2m_verify
                                                      : NULL;
    case CLERK_KIND_API_KEY:
        return realm->bearer ? &clerk_api_api_key_verify : NULL;
    default:
        return NULL;
    }
}

int clerk_consult_wants_profile(const clerk_realm_t *realm,
                                const clerk_identity_t *identity)
{
    return realm->userinfo && identity->kind == CLERK_KIND_OAUTH;
}

int clerk_consult_calls(const clerk_question_t *q)
{
    return q->endpoint && q->terms->realm.userinfo ? 2 : 1;
}

/* What an answer says, for whoever reads it. */
typedef struct reading_t {
    const clerk_endpoint_t *endpoint;
    apr_pool_t *p;
    clerk_status_t status;
    clerk_identity_t *identity;
    const char *trace_id;
} reading_t;

static void read_answer(void *reader, const clerk_answer_t *answer,
                        apr_pool_t *scratch)
{
    reading_t *reading = reader;

    reading->status = reading->endpoint->read(answer, reading->p, scratch,
                                              &reading->identity);
    reading->trace_id = clerk_api_trace_id(answer, reading->p, scratch);
    if (reading->status == CLERK_OK && !reading->identity) {
        reading->status = CLERK_INTERNAL;
    }
}

static clerk_status_t ask(clerk_question_t *q, const clerk_endpoint_t *endpoint,
                          clerk_identity_t **identity)
{
    reading_t reading = { .endpoint = endpoint,
                          .p = q->p,
                          .status = CLERK_INTERNAL };
    const clerk_ports_t *ports = q->ports;
    clerk_call_t call = { .route = &q->terms->realm.route,
                          .timeout_ms = q->timeout_ms,
                          .is_background = q->is_background,
                          .give_up = ports->give_up,
                          .read = read_answer,
                          .reader = &reading };
    clerk_answer_t answer = { 0 };
    clerk_event_t event = { .endpoint = endpoint->name,
                            .answer = &answer,
                            .fix = endpoint->fix };
    clerk_status_t status;

    q->timeout_ms = 0;
    endpoint->write(&q->terms->realm, q->token->text, q->p, &call);
    status = ports->fetch.call(ports->fetch.self, &call, q->p, &answer);
    if (status == CLERK_OK) {
        status = reading.status;
    }
    *identity = reading.identity;
    event.trace_id = reading.trace_id;
    if (ports->fetch.judge) {
        ports->fetch.judge(ports->fetch.self, &call, status, &answer);
    }
    event.status = status;
    if (ports->log.called && !clerk_call_is_given_up(&call)) {
        ports->log.called(ports->log.self, &event);
    }
    if (clerk_status_class(status) == CLERK_CLASS_UPSTREAM) {
        q->retry_after = answer.retry_after;
    }
    return status;
}

/* A profile of somebody else is discarded (OpenID Connect Core section
 * 5.3.2). */
clerk_status_t clerk_consult_profile(clerk_question_t *q,
                                     clerk_identity_t *identity)
{
    const char *subject = clerk_claims_get(identity, "sub");
    clerk_identity_t *profile;
    clerk_status_t status = ask(q, &clerk_api_userinfo, &profile);

    if (status != CLERK_OK) {
        if (clerk_status_class(status) != CLERK_CLASS_REJECT) {
            identity->facts |= CLERK_FACT_PROFILE_FAILED;
        }
        /* Whose token it is cannot be told apart from nobody's. */
        return subject && *subject ? CLERK_OK : status;
    }
    if (subject && *subject
        && strcmp(subject, clerk_claims_get(profile, "sub")) != 0) {
        return CLERK_OK;
    }
    clerk_claims_merge(identity, profile);
    return CLERK_OK;
}

static int differs(const clerk_identity_t *a, const clerk_identity_t *b,
                   const char *name)
{
    const char *first = clerk_claims_get(a, name);
    const char *second = clerk_claims_get(b, name);

    return first && second && strcmp(first, second) != 0;
}

/*
 * Clerk's answer about a JWT need not repeat what the JWT itself says of its
 * times, its issuer, its audience and a proof of possession (section 1.1).
 * Clerk has vouched for it, so that counts, too.
 */
static clerk_status_t add_own_limits(const clerk_question_t *q,
                                     clerk_identity_t *identity)
{
    clerk_identity_t *own;
    clerk_status_t status = clerk_payload_read(q->jwt, q->p, &own);

    if (status != CLERK_OK) {
        return status;
    }
    if (differs(identity, own, "sub") || differs(identity, own, "client_id")
        || differs(identity, own, "iss")) {
        return CLERK_ANSWER_MALFORMED;
    }
    clerk_claims_limit(identity, own);
    identity->facts |= CLERK_FACT_JWT;
    return CLERK_OK;
}

clerk_status_t clerk_consult_ask(clerk_question_t *q, clerk_record_t *record)
{
    clerk_identity_t *identity;
    clerk_status_t status;

    memset(record, 0, sizeof(*record));
    status = ask(q, q->endpoint, &identity);
    if (status == CLERK_OK && q->jwt) {
        status = add_own_limits(q, identity);
    }
    if (status == CLERK_OK
        && clerk_consult_wants_profile(&q->terms->realm, identity)) {
        status = clerk_consult_profile(q, identity);
    }
    record->status = status;
    if (clerk_status_class(status) > CLERK_CLASS_REJECT) {
        return status;
    }
    record->verified_at = q->ports->now();
    if (status == CLERK_OK && identity->expires
        && record->verified_at
               >= apr_time_from_sec(identity->expires + LARGEST_LEEWAY)) {
        record->status = CLERK_TOKEN_EXPIRED;
    }
    if (record->status == CLERK_OK) {
        record->identity = identity;
    }
    return record->status;
}
