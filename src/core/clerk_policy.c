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

static clerk_status_t check_audience(const clerk_policy_t *policy,
                                     const clerk_identity_t *identity)
{
    int has_audience = identity->facts & CLERK_FACT_AUDIENCE;

    if (identity->facts & CLERK_FACT_AUDIENCE_MALFORMED) {
        return CLERK_AUDIENCE_MALFORMED;
    }
    if (policy->audience_mode == CLERK_AUDIENCE_ANY) {
        return CLERK_OK;
    }
    if (!has_audience && policy->audience_mode == CLERK_AUDIENCE_IF_PRESENT) {
        return CLERK_OK;
    }
    return is_listed(policy, identity, has_audience ? "aud" : "client_id")
               ? CLERK_OK
               : CLERK_AUDIENCE_MISMATCH;
}

/*
 * In microseconds, so that the edge is where it is written: RFC 7519
 * section 4.1.4 refuses on or after `exp`.
 */
static clerk_status_t check_times(const clerk_policy_t *policy,
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
    status = check_times(policy, identity, now);
    if (status != CLERK_OK) {
        return status;
    }
    return check_audience(policy, identity);
}
