/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clerk's answers: the first byte picks the endpoint, the second the HTTP
 * status, the rest is the body. Whatever it is, nobody is let in without
 * Clerk's clear word, and nobody is refused without one.
 */
#include "fuzz.h"

#include "clerk_api.h"
#include "clerk_policy.h"
#include "clerk_record.h"

#define NOW (APR_INT64_C(1785000000) * APR_USEC_PER_SEC)

static const clerk_endpoint_t *const endpoints[] = {
    &clerk_api_token_info,
    &clerk_api_oauth_verify,
    &clerk_api_userinfo,
};

static const int statuses[] = { 200, 400, 401, 403, 404, 422,
                                429, 500, 502, 302, 204, 0 };

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* A boolean member: 1 or 0, and -1 for everything else. */
static int flag(const clerk_json_t *body, const char *name)
{
    int value;

    return clerk_json_boolean(body, name, &value) == CLERK_JSON_FOUND ? value
                                                                      : -1;
}

static void check_active(const clerk_endpoint_t *endpoint,
                         const clerk_json_t *body)
{
    FUZZ_MUST(body != NULL);
    if (endpoint == &clerk_api_token_info) {
        FUZZ_MUST(flag(body, "active") == 1);
    }
    if (endpoint == &clerk_api_oauth_verify) {
        FUZZ_MUST(flag(body, "active") == 1 || !clerk_json_has(body, "active"));
        FUZZ_MUST(flag(body, "revoked") == 0);
        FUZZ_MUST(flag(body, "expired") == 0);
    }
}

/* Words of Clerk's about a token, in an answer that is no 200. */
static int is_clerks_word(const clerk_json_t *body)
{
    const char *error;

    return body
           && (clerk_json_first(body, "errors")
               || clerk_json_string(body, "error", &error) == CLERK_JSON_FOUND);
}

static void check_refusal(const clerk_endpoint_t *endpoint, int http,
                          const clerk_json_t *body)
{
    switch (http) {
    case 200:
        FUZZ_MUST(endpoint != &clerk_api_userinfo);
        FUZZ_MUST(
            flag(body, "active") == 0
            || (endpoint == &clerk_api_oauth_verify
                && (flag(body, "revoked") == 1 || flag(body, "expired") == 1)));
        break;
    case 400:
        FUZZ_MUST(is_clerks_word(body));
        break;
    case 404:
        FUZZ_MUST(endpoint == &clerk_api_oauth_verify);
        FUZZ_MUST(is_clerks_word(body));
        break;
    default:
        FUZZ_MUST(endpoint == &clerk_api_userinfo);
        FUZZ_MUST(http == 401 || http == 403);
    }
}

/* What was let in can be judged, and comes back from a cache the same. */
static void check_identity(const clerk_endpoint_t *endpoint,
                           clerk_identity_t *identity)
{
    apr_pool_t *p = identity->claims->pool;
    clerk_policy_t policy = { .accepts = CLERK_KIND_OAUTH };
    clerk_record_t record = { NOW, CLERK_OK, identity };
    clerk_record_t back;
    clerk_slice_t bytes;
    const char *subject = clerk_claims_get(identity, "sub");

    FUZZ_MUST(identity->kind == CLERK_KIND_OAUTH);
    FUZZ_MUST(endpoint != &clerk_api_userinfo || (subject && *subject));
    if (clerk_policy_check(&policy, identity, NOW) == CLERK_OK) {
        FUZZ_MUST(subject && *subject);
    }
    FUZZ_MUST(clerk_record_write(p, &record, &bytes) == CLERK_OK);
    FUZZ_MUST(clerk_record_read(p, bytes, &back) == CLERK_OK);
    FUZZ_MUST(back.identity->claims->nelts == identity->claims->nelts);
    FUZZ_MUST(back.identity->expires == identity->expires);
    FUZZ_MUST(back.identity->facts == identity->facts);
}

static void check_answer(apr_pool_t *p, const clerk_endpoint_t *endpoint,
                         const clerk_answer_t *answer)
{
    clerk_identity_t *identity = NULL;
    apr_pool_t *scratch = fuzz_pool();
    const char *trace_id = clerk_api_trace_id(answer, p, scratch);
    const clerk_json_t *body = clerk_json_parse(p, answer->body);
    clerk_status_t status = endpoint->read(answer, p, scratch, &identity);

    apr_pool_destroy(scratch);

    FUZZ_MUST(!trace_id || !strpbrk(trace_id, " %\r\n\"<\\"));
    FUZZ_MUST((identity != NULL) == (status == CLERK_OK));
    switch (clerk_status_class(status)) {
    case CLERK_CLASS_OK:
        FUZZ_MUST(answer->http == 200);
        check_active(endpoint, body);
        check_identity(endpoint, identity);
        break;
    case CLERK_CLASS_REJECT:
        check_refusal(endpoint, answer->http, body);
        break;
    case CLERK_CLASS_UPSTREAM:
        break;
    case CLERK_CLASS_CONFIG:
        FUZZ_MUST(answer->http >= 400 && answer->http < 500);
        break;
    default:
        FUZZ_MUST(!"an answer is no fault of ours");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    clerk_answer_t answer = { 0 };
    apr_pool_t *p;

    if (len < 2) {
        return 0;
    }
    p = fuzz_pool();
    answer.http = statuses[data[1] % COUNT(statuses)];
    answer.body = fuzz_slice(data + 2, len - 2);
    check_answer(p, endpoints[data[0] % COUNT(endpoints)], &answer);
    apr_pool_destroy(p);
    return 0;
}
