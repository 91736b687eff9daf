/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_verify.h"

#include "clerk_consult.h"
#include "clerk_freshness.h"
#include "clerk_memory.h"
#include "clerk_nearby.h"
#include "clerk_payload.h"

/* The kinds that come as JWTs, too. */
#define JWT_KINDS \
    ((unsigned int)CLERK_KIND_OAUTH | CLERK_KIND_SESSION | CLERK_KIND_M2M)

/* One token on its way to a verdict. */
typedef struct verification_t {
    const clerk_ports_t *ports;
    const clerk_terms_t *terms;
    const clerk_token_t *token;
    clerk_policy_t policy;
    apr_pool_t *p;
    clerk_memory_t memory;
    clerk_verdict_t *verdict;

    /* What the cache has of it, if that is somebody, and a little old. */
    clerk_record_t stale;
    /* A JWT whose signature is right but whose profile is yet to come. */
    clerk_identity_t *proved;
    apr_time_t proved_as_of;
} verification_t;

/* ------------------------------------------------------------------ */
/* Before anything is spent                                           */

/* The kinds that a location accepts out of where the token was found. */
static clerk_policy_t policy_for(const clerk_terms_t *terms,
                                 const clerk_token_t *token)
{
    clerk_policy_t policy = terms->policy;

    if (token->from_cookie) {
        policy.accepts &= CLERK_KIND_SESSION;
    }
    return policy;
}

static clerk_status_t check_kind(const verification_t *v)
{
    unsigned int kinds =
        v->token->is_jwt ? JWT_KINDS : (unsigned int)v->token->kind;

    if (!kinds) {
        return CLERK_KIND_UNKNOWN;
    }
    if (!v->token->is_jwt
        && !clerk_consult_endpoint(&v->terms->realm, v->token->kind)) {
        /* What a location cannot verify is a kind that it does not accept. */
        return CLERK_KIND_NOT_ACCEPTED;
    }
    return (v->policy.accepts & kinds) ? CLERK_OK : CLERK_KIND_NOT_ACCEPTED;
}

/* ------------------------------------------------------------------ */
/* What is known already                                              */

static int recall(verification_t *v, clerk_record_t *record)
{
    const clerk_refresh_port_t *refresh = &v->ports->refresh;
    apr_time_t now = v->ports->now();
    apr_time_t until;

    memset(&v->stale, 0, sizeof(v->stale));
    if (!clerk_memory_is_used(&v->memory)) {
        return 0;
    }
    v->verdict->cache = CLERK_CACHE_MISS;
    if (!clerk_memory_look_up(&v->memory, record, now)) {
        return 0;
    }
    until = clerk_freshness_until(v->terms, record);
    if (now >= until) {
        if (now < clerk_freshness_stale_until(v->terms, record)) {
            v->stale = *record;
        }
        return 0;
    }
    v->verdict->cache = CLERK_CACHE_HIT;
    if (v->terms->is_permanent && refresh->offer
        && clerk_freshness_is_due(record, until, now)) {
        refresh->offer(refresh->self, v->terms, v->token, v->memory.key);
    }
    return 1;
}

/* What this process has ready: it has met the policy, but for the times. */
static int judge_near(const verification_t *v, clerk_record_t *record,
                      clerk_status_t *status)
{
    if (!clerk_nearby_recall(v->ports, v->terms, v->token->text, v->p,
                             record)) {
        return 0;
    }
    v->verdict->cache = CLERK_CACHE_NEAR;
    *status = clerk_policy_check_kind(&v->policy, record->identity->kind);
    if (*status == CLERK_OK) {
        *status = clerk_policy_check_times(&v->policy, record->identity,
                                           v->ports->now());
    }
    return 1;
}

static clerk_status_t judge(const verification_t *v,
                            const clerk_record_t *record)
{
    clerk_near_entry_t entry = { *record, v->ports->now(), v->memory.key,
                                 v->memory.deaths };
    clerk_status_t status =
        clerk_policy_check(&v->policy, record->identity, entry.looked_at);

    if (status == CLERK_OK && v->verdict->cache == CLERK_CACHE_HIT) {
        clerk_nearby_keep(v->ports, v->terms, v->token->text, &entry);
    }
    return status;
}

/* ------------------------------------------------------------------ */
/* Asking, once for all who want to know                              */

static int lacks_profile(const clerk_record_t *record)
{
    return record->identity
           && (record->identity->facts & CLERK_FACT_PROFILE_FAILED);
}

/* Ask Clerk, and keep what it definitely said. */
static clerk_status_t ask(verification_t *v, clerk_question_t *q,
                          clerk_record_t *record)
{
    clerk_status_t status;

    if (!v->proved) {
        status = clerk_consult_ask(q, record);
        if (clerk_status_class(status) <= CLERK_CLASS_REJECT
            && !(q->is_background && lacks_profile(record))) {
            clerk_memory_keep(&v->memory, record, APR_INT64_MAX);
        }
        return status;
    }
    memset(record, 0, sizeof(*record));
    record->status = clerk_consult_profile(q, v->proved);
    if (record->status == CLERK_OK) {
        record->verified_at = v->ports->now();
        record->identity = v->proved;
        /* The key may have left the set right after it was last seen there. */
        clerk_memory_keep(&v->memory, record,
                          v->proved_as_of
                              + apr_time_from_sec(CLERK_FRESHNESS_SIGNED));
    }
    return record->status;
}

/* Having waited for somebody who died moves no deadline. */
static int time_left(const verification_t *v, const clerk_seat_t *seat)
{
    int left =
        v->terms->realm.route.timeout_ms - (int)apr_time_as_msec(seat->waited);

    return left > 1 ? left : 1;
}

/* Somebody may have asked since we looked: the record is in the cache, and
 * young where that matters. */
static int has_been_asked(verification_t *v, const clerk_question_t *q,
                          clerk_record_t *record)
{
    if (!recall(v, record)
        || (q->is_background
            && clerk_freshness_is_due(record,
                                      clerk_freshness_until(v->terms, record),
                                      v->ports->now()))) {
        return 0;
    }
    v->verdict->cache = CLERK_CACHE_MISS;
    v->verdict->has_waited = 1;
    return 1;
}

/* Whoever has asked tells the others, and perhaps had no need to ask. */
static clerk_status_t lead(verification_t *v, clerk_question_t *q,
                           clerk_seat_t *seat, clerk_record_t *record)
{
    const clerk_flight_port_t *flight = &v->ports->flight;
    clerk_landing_t landing = { 0 };

    q->timeout_ms = time_left(v, seat);
    landing.status =
        has_been_asked(v, q, record) ? record->status : ask(v, q, record);
    landing.retry_after = q->retry_after;
    if (landing.status == CLERK_OK) {
        landing.record = v->memory.written;
        if (!landing.record.len
            && clerk_record_write(v->p, record, &landing.record) != CLERK_OK) {
            memset(&landing.record, 0, sizeof(landing.record));
        }
    }
    flight->land(flight->self, seat, &landing);
    return landing.status;
}

static clerk_status_t find_out_once(verification_t *v, clerk_question_t *q,
                                    clerk_record_t *record)
{
    const clerk_flight_port_t *flight = &v->ports->flight;
    clerk_seat_t seat = {
        .key = v->memory.key,
        .patience = apr_time_from_msec(v->terms->realm.route.timeout_ms)
                    * clerk_consult_calls(q),
        .is_private = !v->ports->cache.get
                      || (!v->terms->cache_ttl && !v->terms->negative_ttl),
        .is_background = q->is_background,
    };
    clerk_landing_t landing = { 0 };

    if (!flight->board) {
        return ask(v, q, record);
    }
    if (flight->board(flight->self, &seat, v->p, &landing)) {
        return lead(v, q, &seat, record);
    }
    memset(record, 0, sizeof(*record));
    q->retry_after = landing.retry_after;
    v->verdict->has_waited = landing.status != CLERK_PENDING_EXCEEDED;
    if (landing.status != CLERK_OK) {
        record->status = landing.status;
        return landing.status;
    }
    if (clerk_record_read(v->p, landing.record, record) == CLERK_OK
        || recall(v, record)) {
        return record->status;
    }
    /* Too large to be told. */
    return ask(v, q, record);
}

static clerk_status_t consult(verification_t *v, clerk_question_t *q,
                              clerk_record_t *record)
{
    clerk_status_t status = find_out_once(v, q, record);

    if (clerk_status_class(status) == CLERK_CLASS_UPSTREAM) {
        v->verdict->retry_after = q->retry_after;
    }
    return status;
}

/* ------------------------------------------------------------------ */
/* Signatures                                                         */

static clerk_status_t prove(const verification_t *v, const clerk_jwt_t *jwt,
                            clerk_proof_t *proof)
{
    const clerk_realm_t *realm = &v->terms->realm;
    clerk_status_t status;

    proof->log = &v->ports->log;
    if (realm->jwt_key) {
        proof->as_of = v->ports->now();
        return clerk_crypto_rsa_verify(realm->jwt_key, jwt->alg,
                                       jwt->signed_text, jwt->signature);
    }
    if (!jwt->kid) {
        return CLERK_KEY_UNKNOWN;
    }
    status = v->ports->keys.check(v->ports->keys.self, realm, jwt, proof, v->p);
    if (clerk_status_class(status) == CLERK_CLASS_UPSTREAM) {
        v->verdict->retry_after = proof->retry_after;
    }
    return status;
}

/*
 * A JWT is proved here and now; a refusal is not worth remembering, since it
 * costs no call. The payload is not looked at before the signature is right,
 * but for what kind of token it is.
 */
static clerk_status_t examine(verification_t *v, clerk_question_t *q,
                              clerk_record_t *record)
{
    clerk_identity_t *identity = NULL;
    clerk_proof_t proof = { 0 };
    clerk_status_t status;

    status = prove(v, q->jwt, &proof);
    if (status == CLERK_OK) {
        status = clerk_payload_read(q->jwt, v->p, &identity);
    }
    if (status != CLERK_OK) {
        return status;
    }
    v->proved_as_of = proof.as_of;
    if (clerk_consult_wants_profile(&v->terms->realm, identity)) {
        /* What is refused anyway costs no call, not even the first time. */
        status = clerk_policy_check(&v->policy, identity, v->ports->now());
        v->proved = identity;
        return status == CLERK_OK ? consult(v, q, record) : status;
    }
    record->verified_at = v->ports->now();
    record->identity = identity;
    clerk_memory_keep(&v->memory, record,
                      proof.as_of + apr_time_from_sec(CLERK_FRESHNESS_SIGNED));
    return CLERK_OK;
}

/* ------------------------------------------------------------------ */

static clerk_status_t find_out(verification_t *v, clerk_record_t *record)
{
    const clerk_realm_t *realm = &v->terms->realm;
    clerk_question_t q = {
        .ports = v->ports, .terms = v->terms, .token = v->token, .p = v->p
    };
    clerk_status_t status;
    clerk_jwt_t jwt;

    memset(record, 0, sizeof(*record));
    if (!v->token->is_jwt) {
        q.endpoint = clerk_consult_endpoint(realm, v->token->kind);
        return consult(v, &q, record);
    }
    status = clerk_jwt_read(v->p, v->token->text, &jwt);
    if (status != CLERK_OK) {
        return status;
    }
    q.jwt = &jwt;
    v->verdict->kind = jwt.kind;
    status = clerk_policy_check_kind(&v->policy, jwt.kind);
    if (status != CLERK_OK) {
        return status;
    }
    q.endpoint =
        realm->verifier == CLERK_VERIFIER_AUTO || jwt.kind != CLERK_KIND_OAUTH
            ? NULL
            : clerk_consult_oauth_endpoint(realm);
    return q.endpoint ? consult(v, &q, record) : examine(v, &q, record);
}

/* Fall back upon what was good a while ago, if there is such a thing. */
static clerk_status_t fall_back(const verification_t *v, clerk_status_t status,
                                clerk_record_t *record)
{
    if (clerk_status_class(status) != CLERK_CLASS_UPSTREAM || !v->stale.identity
        || clerk_memory_has_died(&v->memory)) {
        return status;
    }
    *record = v->stale;
    v->verdict->cache = CLERK_CACHE_STALE;
    return CLERK_OK;
}

/* Out of the cache behind, or newly found out. */
static clerk_status_t judge_any(verification_t *v, clerk_record_t *record)
{
    clerk_status_t status = clerk_memory_open(&v->memory, v->token->text);

    if (status == CLERK_OK) {
        status = recall(v, record) ? record->status
                                   : fall_back(v, find_out(v, record), record);
    }
    return status == CLERK_OK ? judge(v, record) : status;
}

clerk_status_t clerk_verify(const clerk_ports_t *ports,
                            const clerk_terms_t *terms,
                            const clerk_token_t *token, apr_pool_t *p,
                            clerk_verdict_t *verdict)
{
    verification_t v = { .ports = ports,
                         .terms = terms,
                         .token = token,
                         .policy = policy_for(terms, token),
                         .p = p,
                         .memory = { .ports = ports, .terms = terms, .p = p },
                         .verdict = verdict };
    clerk_record_t record = { 0 };
    clerk_status_t status;

    memset(verdict, 0, sizeof(*verdict));
    verdict->kind = token->kind;
    status = check_kind(&v);
    if (status == CLERK_OK && !judge_near(&v, &record, &status)) {
        status = judge_any(&v, &record);
    }
    if (record.identity) {
        verdict->kind = record.identity->kind;
    }
    if (status == CLERK_OK) {
        verdict->identity = record.identity;
    }
    return status;
}

clerk_status_t clerk_verify_again(const clerk_ports_t *ports,
                                  const clerk_terms_t *terms,
                                  const clerk_token_t *token, apr_pool_t *p)
{
    clerk_verdict_t verdict = { 0 };
    verification_t v = { .ports = ports,
                         .terms = terms,
                         .token = token,
                         .p = p,
                         .memory = { .ports = ports, .terms = terms, .p = p },
                         .verdict = &verdict };
    clerk_question_t q = { .ports = ports,
                           .terms = terms,
                           .token = token,
                           .is_background = 1,
                           .p = p };
    clerk_record_t record;
    clerk_jwt_t jwt;
    clerk_status_t status = clerk_memory_open(&v.memory, token->text);

    q.endpoint = token->is_jwt
                     ? clerk_consult_oauth_endpoint(&terms->realm)
                     : clerk_consult_endpoint(&terms->realm, token->kind);
    if (status == CLERK_OK && token->is_jwt) {
        status = clerk_jwt_read(p, token->text, &jwt);
        q.jwt = &jwt;
    }
    if (status != CLERK_OK || !q.endpoint) {
        return status == CLERK_OK ? CLERK_INTERNAL : status;
    }
    status = find_out_once(&v, &q, &record);
    /* What is there is better. */
    return status == CLERK_OK && lacks_profile(&record) ? CLERK_UNREACHABLE
                                                        : status;
}
