/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_policy.h"

clerk_status_t clerk_policy_check_kind(const clerk_policy_t *policy,
                                       clerk_kind_t kind)
{
    return (policy->accepts & (unsigned int)kind) ? CLERK_OK
                                                  : CLERK_KIND_NOT_ACCEPTED;
}

/* Equal but for one trailing slash, which people lose on the way. */
static int same_audience(const char *a, const char *b)
{
    apr_size_t a_len = strlen(a);
    apr_size_t b_len = strlen(b);

    if (a_len > 1 && a[a_len - 1] == '/') {
        a_len--;
    }
    if (b_len > 1 && b[b_len - 1] == '/') {
        b_len--;
    }
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

/* Is one of the values of a claim among the audiences? */
static int is_listed(const clerk_policy_t *policy,
                     const clerk_identity_t *identity, const char *name)
{
    const clerk_claim_t *claim = (const clerk_claim_t *)identity->claims->elts;
    const char *const *wanted = (const char *const *)policy->audiences->elts;
    int i;
    int j;

    for (i = 0; i < identity->claims->nelts; i++) {
        if (strcmp(claim[i].name, name) != 0) {
            continue;
        }
        for (j = 0; j < policy->audiences->nelts; j++) {
            if (same_audience(claim[i].value, wanted[j])) {
                return 1;
            }
        }
    }
    return 0;
}

/* It is for OAuth access tokens; a list that is written out also binds any
 * other JWT that carries an `aud`. */
static int audience_applies(const clerk_policy_t *policy,
                            const clerk_identity_t *identity)
{
    if (policy->audience_mode == CLERK_AUDIENCE_ANY) {
        return 0;
    }
    return identity->kind == CLERK_KIND_OAUTH
           || (policy->audience_is_explicit
               && (identity->facts & CLERK_FACT_SIGNED)
               && (identity->facts & CLERK_FACT_AUDIENCE));
}

static clerk_status_t check_audience(const clerk_policy_t *policy,
                                     const clerk_identity_t *identity)
{
    int has_audience = identity->facts & CLERK_FACT_AUDIENCE;

    if (identity->facts & CLERK_FACT_AUDIENCE_MALFORMED) {
        return CLERK_AUDIENCE_MALFORMED;
    }
    if (!audience_applies(policy, identity)
        || (!has_audience
            && policy->audience_mode == CLERK_AUDIENCE_IF_PRESENT)) {
        return CLERK_OK;
    }
    return is_listed(policy, identity, has_audience ? "aud" : "client_id")
               ? CLERK_OK
               : CLERK_AUDIENCE_MISMATCH;
}

static int is_exactly_one_of(const apr_array_header_t *list, const char *value)
{
    int i;

    for (i = 0; value && list && i < list->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(list, i, const char *), value) == 0) {
            return 1;
        }
    }
    return 0;
}

/* D8: by signature alone, any instance whose keys these are would do. */
static clerk_status_t check_issuer(const clerk_policy_t *policy,
                                   const clerk_identity_t *identity)
{
    if (!(identity->facts & (CLERK_FACT_SIGNED | CLERK_FACT_JWT))) {
        return CLERK_OK;
    }
    return is_exactly_one_of(policy->issuers, clerk_claims_get(identity, "iss"))
               ? CLERK_OK
               : CLERK_ISSUER_MISMATCH;
}

/* D9: with a list, `azp` must be there and be listed. */
static clerk_status_t check_session(const clerk_policy_t *policy,
                                    const clerk_identity_t *identity)
{
    const char *state;

    if (identity->kind != CLERK_KIND_SESSION) {
        return CLERK_OK;
    }
    if (policy->parties
        && !is_exactly_one_of(policy->parties,
                              clerk_claims_get(identity, "azp"))) {
        return CLERK_PARTY_MISMATCH;
    }
    state = clerk_claims_get(identity, "sts");
    return state && strcmp(state, "pending") == 0 && !policy->allow_pending
               ? CLERK_SESSION_PENDING
               : CLERK_OK;
}

/*
 * In microseconds, so that the edge is where it is written: RFC 7519
 * section 4.1.4 refuses on or after `exp`.
 */
clerk_status_t clerk_policy_check_times(const clerk_policy_t *policy,
                                        const clerk_identity_t *identity,
                                        apr_time_t now)
{
    apr_time_t leeway = apr_time_from_sec(policy->leeway);

    if (identity->expires
        && now >= apr_time_from_sec(identity->expires) + leeway) {
        return CLERK_TOKEN_EXPIRED;
    }
    if (identity->not_before
        && now < apr_time_from_sec(identity->not_before) - leeway) {
        return CLERK_TOKEN_NOT_YET_VALID;
    }
    if (identity->issued_at
        && now < apr_time_from_sec(identity->issued_at) - leeway) {
        return CLERK_TOKEN_NOT_YET_VALID;
    }
    return CLERK_OK;
}

clerk_status_t clerk_policy_check(const clerk_policy_t *policy,
                                  const clerk_identity_t *identity,
                                  apr_time_t now)
{
    const char *subject = clerk_claims_get(identity, "sub");
    clerk_status_t status;

    status = clerk_policy_check_kind(policy, identity->kind);
    if (status != CLERK_OK) {
        return status;
    }
    if (!subject || !*subject) {
        return CLERK_SUBJECT_MISSING;
    }
    if (identity->facts & CLERK_FACT_CONFIRMATION) {
        return CLERK_PROOF_REQUIRED;
    }
    status = clerk_policy_check_times(policy, identity, now);
    if (status == CLERK_OK) {
        status = check_issuer(policy, identity);
    }
    if (status == CLERK_OK) {
        status = check_session(policy, identity);
    }
    return status == CLERK_OK ? check_audience(policy, identity) : status;
}
