/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_verify.h"

#include "clerk_api.h"
#include "clerk_jwt.h"
#include "clerk_payload.h"
#include "clerk_record.h"

/* An opaque token of Clerk's lives one day (wire contract, section 5). */
#define OPAQUE_LIFETIME 86400 /* seconds */
/* The largest ClerkLeeway: what expired longer ago is dead for everybody. */
#define LARGEST_LEEWAY 300 /* seconds */
/* How far ahead of ours the clock of a machine that shares the cache may be. */
#define CLOCK_DRIFT apr_time_from_sec(5)
/* How long a JWT is believed without its signature being looked at again, and
 * so a key that has left the set. */
#define SIGNED_TTL 300 /* seconds */
/* The kinds that come as JWTs, too. */
#define JWT_KINDS \
    ((unsigned int)CLERK_KIND_OAUTH | CLERK_KIND_SESSION | CLERK_KIND_M2M)
/* How long an identity that lacks its profile is put up with. */
#define PROFILE_RETRY apr_time_from_sec(10)

/* One token on its way to a verdict. */
typedef struct verification_t {
    const clerk_ports_t *ports;
    const clerk_terms_t *terms;
    const clerk_token_t *token;
    const clerk_jwt_t *jwt; /* taken apart, where the token is one */
    clerk_policy_t policy;
    apr_pool_t *p;
    unsigned char key[CLERK_SHA256_BYTES];
    clerk_verdict_t *verdict;
} verification_t;

/* ------------------------------------------------------------------ */
/* Before anything is spent                                           */

static const clerk_endpoint_t *oauth_endpoint(const clerk_realm_t *realm)
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

/* Who can say something of an opaque token; NULL: nobody. */
static const clerk_endpoint_t *find_endpoint(const clerk_realm_t *realm,
                                             clerk_kind_t kind)
{
    if (realm->verifier == CLERK_VERIFIER_JWKS) {
        /* No call to Clerk, for any token. */
        return NULL;
    }
    switch (kind) {
    case CLERK_KIND_OAUTH:
        return oauth_endpoint(realm);
    case CLERK_KIND_M2M:
        return realm->machine_bearer || realm->bearer ? &clerk_api_m2m_verify
                                                      : NULL;
    case CLERK_KIND_API_KEY:
        return realm->bearer ? &clerk_api_api_key_verify : NULL;
    default:
        return NULL;
    }
}

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
    if (!v->token->is_jwt && !find_endpoint(&v->terms->realm, v->token->kind)) {
        /* What a location cannot verify is a kind that it does not accept. */
        return CLERK_KIND_NOT_ACCEPTED;
    }
    return (v->policy.accepts & kinds) ? CLERK_OK : CLERK_KIND_NOT_ACCEPTED;
}

/* ------------------------------------------------------------------ */
/* The cache                                                          */

/*
 * The digest of all that decides the answer. No textual prefix: shmcb picks
 * its partition by the first byte.
 */
static clerk_status_t make_key(verification_t *v)
{
    const clerk_slice_t parts[] = {
        { (const char *)v->terms->realm.digest, CLERK_SHA256_BYTES },
        v->token->text,
    };

    return clerk_crypto_sha256(parts, 2, v->key);
}

static apr_time_t earlier(apr_time_t a, apr_time_t b)
{
    return a < b ? a : b;
}

/* A JWT cannot be revoked; only its key can. */
static int seconds_believed(const clerk_terms_t *terms,
                            const clerk_identity_t *identity)
{
    return terms->cache_ttl && (identity->facts & CLERK_FACT_SIGNED)
               ? SIGNED_TTL
               : terms->cache_ttl;
}

/*
 * Until when this location believes a record, be it fresh or out of the
 * cache, which may have kept it for a location with more patience.
 */
static apr_time_t believed_until(const verification_t *v,
                                 const clerk_record_t *record)
{
    const clerk_identity_t *identity = record->identity;
    apr_time_t until;

    if (!identity) {
        return record->verified_at + apr_time_from_sec(v->terms->negative_ttl);
    }
    until = record->verified_at
            + apr_time_from_sec(seconds_believed(v->terms, identity));
    if (identity->facts & CLERK_FACT_PROFILE_FAILED) {
        until = earlier(until, record->verified_at + PROFILE_RETRY);
    }
    if (identity->expires) {
        return earlier(until, apr_time_from_sec(identity->expires));
    }
    if (identity->issued_at) {
        /* D14: introspection does not say when a token ends. */
        return earlier(
            until, apr_time_from_sec(identity->issued_at + OPAQUE_LIFETIME));
    }
    return until;
}

static int recall(const verification_t *v, clerk_record_t *record)
{
    const clerk_cache_port_t *cache = &v->ports->cache;
    apr_time_t now = v->ports->now();
    clerk_slice_t bytes;

    if (!cache->get || (!v->terms->cache_ttl && !v->terms->negative_ttl)) {
        return 0;
    }
    v->verdict->cache = CLERK_CACHE_MISS;
    if (cache->get(cache->self, v->key, v->p, &bytes) != CLERK_OK
        || clerk_record_read(v->p, bytes, record) != CLERK_OK
        || record->verified_at > now + CLOCK_DRIFT
        || now >= believed_until(v, record)) {
        return 0;
    }
    v->verdict->cache = CLERK_CACHE_HIT;
    return 1;
}

static void remember(const verification_t *v, const clerk_record_t *record,
                     apr_time_t until)
{
    const clerk_cache_port_t *cache = &v->ports->cache;
    apr_time_t believed = believed_until(v, record);
    clerk_slice_t bytes;

    until = earlier(until, believed);
    if (!cache->set || until <= record->verified_at
        || clerk_record_write(v->p, record, &bytes) != CLERK_OK) {
        return;
    }
    cache->set(cache->self, v->key, bytes, until, v->p);
}

/* ------------------------------------------------------------------ */
/* Clerk                                                              */

static clerk_status_t ask(const verification_t *v,
                          const clerk_endpoint_t *endpoint,
                          clerk_identity_t **identity)
{
    const clerk_ports_t *ports = v->ports;
    clerk_call_t call = { .route = &v->terms->realm.route };
    clerk_answer_t answer = { 0 };
    clerk_event_t event = { .endpoint = endpoint->name,
                            .answer = &answer,
                            .fix = endpoint->fix };
    clerk_status_t status;

    *identity = NULL;
    endpoint->write(&v->terms->realm, v->token->text, v->p, &call);
    status = ports->fetch.call(ports->fetch.self, &call, v->p, &answer);
    if (status == CLERK_OK) {
        status = endpoint->read(&answer, v->p, identity);
        event.trace_id = clerk_api_trace_id(&answer, v->p);
        if (status == CLERK_OK && !*identity) {
            status = CLERK_INTERNAL;
        }
    }
    event.status = status;
    if (ports->log.called) {
        ports->log.called(ports->log.self, &event);
    }
    if (clerk_status_class(status) == CLERK_CLASS_UPSTREAM) {
        v->verdict->retry_after = answer.retry_after;
    }
    return status;
}

/*
 * Add the profile. Its failure never refuses the request; a profile of
 * somebody else is discarded (OpenID Connect Core section 5.3.2).
 */
static clerk_status_t add_profile(const verification_t *v,
                                  clerk_identity_t *identity)
{
    const char *subject = clerk_claims_get(identity, "sub");
    clerk_identity_t *profile;
    clerk_status_t status = ask(v, &clerk_api_userinfo, &profile);

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

static int wants_profile(const verification_t *v,
                         const clerk_identity_t *identity)
{
    return v->terms->realm.userinfo && identity->kind == CLERK_KIND_OAUTH;
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
 * end, its audience and a proof of possession (section 1.1). Clerk has vouched
 * for it, so that counts, too.
 */
static clerk_status_t add_own_limits(const verification_t *v,
                                     clerk_identity_t *identity)
{
    clerk_identity_t *own;
    clerk_status_t status = clerk_payload_read(v->jwt, v->p, &own);

    if (status != CLERK_OK) {
        return status;
    }
    if (differs(identity, own, "sub") || differs(identity, own, "client_id")) {
        return CLERK_ANSWER_MALFORMED;
    }
    clerk_claims_limit(identity, own);
    return CLERK_OK;
}

/* Ask Clerk, and keep what it definitely said. */
static clerk_status_t consult(const verification_t *v,
                              const clerk_endpoint_t *endpoint,
                              clerk_identity_t **identity)
{
    clerk_record_t record = { 0 };

    record.status = ask(v, endpoint, identity);
    if (record.status == CLERK_OK && v->jwt) {
        record.status = add_own_limits(v, *identity);
    }
    if (record.status == CLERK_OK && wants_profile(v, *identity)) {
        record.status = add_profile(v, *identity);
    }
    if (clerk_status_class(record.status) > CLERK_CLASS_REJECT) {
        *identity = NULL;
        return record.status;
    }
    record.verified_at = v->ports->now();
    if (record.status == CLERK_OK && (*identity)->expires
        && record.verified_at
               >= apr_time_from_sec((*identity)->expires + LARGEST_LEEWAY)) {
        record.status = CLERK_TOKEN_EXPIRED;
    }
    if (record.status != CLERK_OK) {
        *identity = NULL;
    }
    record.identity = *identity;
    remember(v, &record, believed_until(v, &record));
    return record.status;
}

/* ------------------------------------------------------------------ */
/* Signatures                                                         */

static clerk_status_t prove(const verification_t *v, const clerk_jwt_t *jwt,
                            clerk_proof_t *proof)
{
    const clerk_realm_t *realm = &v->terms->realm;

    proof->log = &v->ports->log;
    if (realm->jwt_key) {
        proof->as_of = v->ports->now();
        return clerk_crypto_rsa_verify(realm->jwt_key, jwt->alg,
                                       jwt->signed_text, jwt->signature);
    }
    if (!jwt->kid) {
        return CLERK_KEY_UNKNOWN;
    }
    return v->ports->keys.check(v->ports->keys.self, realm, jwt, proof, v->p);
}

/*
 * A JWT is proved here and now; a refusal is not worth remembering, since it
 * costs no call. The payload is not looked at before the signature is right,
 * but for what kind of token it is.
 */
static clerk_status_t examine(const verification_t *v, const clerk_jwt_t *jwt,
                              clerk_identity_t **identity)
{
    clerk_record_t record = { 0 };
    clerk_proof_t proof = { 0 };
    clerk_status_t status;

    *identity = NULL;
    status = prove(v, jwt, &proof);
    if (status == CLERK_OK) {
        status = clerk_payload_read(jwt, v->p, identity);
    }
    if (status == CLERK_OK && wants_profile(v, *identity)) {
        /* What is refused anyway costs no call, not even the first time. */
        status = clerk_policy_check(&v->policy, *identity, v->ports->now());
        if (status == CLERK_OK) {
            status = add_profile(v, *identity);
        }
    }
    if (status != CLERK_OK) {
        *identity = NULL;
        return status;
    }
    record.verified_at = v->ports->now();
    record.identity = *identity;
    /* The key may have left the set right after it was last seen there. */
    remember(v, &record, proof.as_of + apr_time_from_sec(SIGNED_TTL));
    return CLERK_OK;
}

/* ------------------------------------------------------------------ */

static clerk_status_t find_out(const verification_t *v,
                               clerk_identity_t **identity)
{
    const clerk_realm_t *realm = &v->terms->realm;
    const clerk_endpoint_t *endpoint;
    verification_t with_jwt = *v;
    clerk_status_t status;
    clerk_jwt_t jwt;

    *identity = NULL;
    if (!v->token->is_jwt) {
        return consult(v, find_endpoint(realm, v->token->kind), identity);
    }
    status = clerk_jwt_read(v->p, v->token->text, &jwt);
    if (status != CLERK_OK) {
        return status;
    }
    v->verdict->kind = jwt.kind;
    status = clerk_policy_check_kind(&v->policy, jwt.kind);
    if (status != CLERK_OK) {
        return status;
    }
    endpoint =
        realm->verifier == CLERK_VERIFIER_AUTO || jwt.kind != CLERK_KIND_OAUTH
            ? NULL
            : oauth_endpoint(realm);
    with_jwt.jwt = &jwt;
    return endpoint ? consult(&with_jwt, endpoint, identity)
                    : examine(v, &jwt, identity);
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
                         .verdict = verdict };
    clerk_record_t record = { 0 };
    clerk_status_t status;

    memset(verdict, 0, sizeof(*verdict));
    verdict->kind = token->kind;
    status = check_kind(&v);
    if (status == CLERK_OK) {
        status = make_key(&v);
    }
    if (status != CLERK_OK) {
        return status;
    }
    status =
        recall(&v, &record) ? record.status : find_out(&v, &record.identity);
    if (status == CLERK_OK) {
        verdict->kind = record.identity->kind;
        status = clerk_policy_check(&v.policy, record.identity, ports->now());
    }
    if (status == CLERK_OK) {
        verdict->identity = record.identity;
    }
    return status;
}
