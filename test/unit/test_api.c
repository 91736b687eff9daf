/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is common to Clerk's endpoints: the requests, the statuses other than
 * 200, bodies that are no object, the trace ids.
 */
#include "unit_api.h"

#include <apr_escape.h>

#define TOKEN "oat_0ef5a7a33d87ed87ee7954c845d80450"

static clerk_realm_t realm_of(apr_pool_t *p)
{
    clerk_realm_t realm = { .frontend_api = "https://clerk.example.test",
                            .backend_api = "https://api.clerk.com/v1",
                            .client_id = "id",
                            .client_secret = "secret",
                            .secret_key = "sk_test_x" };

    assert_int_equal(clerk_realm_finish(&realm, p), CLERK_OK);
    return realm;
}

static clerk_status_t read_answer(const clerk_endpoint_t *endpoint,
                                  apr_pool_t *p, int http, const char *body,
                                  clerk_identity_t **identity)
{
    clerk_answer_t answer = { .http = http,
                              .body = unit_text(p, body),
                              .content_type = "application/json" };

    *identity = (clerk_identity_t *)0x1;
    return unit_read_answer(endpoint, &answer, p, identity);
}

/* ------------------------------------------------------------------ */
/* Requests                                                           */

static const char *headers_of(apr_pool_t *p, const clerk_call_t *call)
{
    const char *text = "";
    int i;

    for (i = 0; i < 6 && call->headers[i]; i++) {
        text = apr_pstrcat(p, text, call->headers[i], "\n", NULL);
    }
    assert_true(i < 6);
    return text;
}

static void requests_are_what_clerk_expects(void **state)
{
    static const struct {
        const clerk_endpoint_t *endpoint;
        const char *url;
        int is_post;
        const char *headers;
        const char *body;
    } rows[] = {
        { &clerk_api_token_info, "https://clerk.example.test/oauth/token_info",
          1,
          "Authorization: Basic aWQ6c2VjcmV0\n"
          "Content-Type: application/x-www-form-urlencoded\n"
          "Accept: application/json\n",
          "token=" TOKEN "&token_type_hint=access_token" },
        { &clerk_api_oauth_verify,
          "https://api.clerk.com/v1/oauth_applications/access_tokens/verify", 1,
          "Authorization: Bearer sk_test_x\n"
          "Content-Type: application/json\n"
          "Accept: application/json\n"
          "Clerk-API-Version: 2026-05-12\n",
          "{\"access_token\":\"" TOKEN "\"}" },
        { &clerk_api_userinfo, "https://clerk.example.test/oauth/userinfo", 0,
          "Authorization: Bearer " TOKEN "\n"
          "Accept: application/json\n",
          "" },
    };
    clerk_realm_t realm = realm_of(*state);
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const clerk_endpoint_t *endpoint = rows[i].endpoint;
        clerk_call_t call = { 0 };

        endpoint->write(&realm, unit_text(*state, TOKEN), *state, &call);
        UNIT_SAME(endpoint->name, call.url, rows[i].url);
        UNIT_CHECK(endpoint->name, call.is_post == rows[i].is_post);
        UNIT_SAME(endpoint->name, headers_of(*state, &call), rows[i].headers);
        UNIT_CHECK(endpoint->name, clerk_slice_is(call.body, rows[i].body));
        UNIT_CHECK(endpoint->name, call.lane != NULL);
        UNIT_CHECK(endpoint->name, endpoint->fix && *endpoint->fix);
    }
}

/* Each byte that a token may have, at each place: as APR has it. */
static void each_byte_is_escaped_as_a_form_has_it(void **state)
{
    static const char bytes[] = "09AZaz-._~+/=";
    clerk_realm_t realm = realm_of(*state);
    apr_size_t i;
    apr_size_t at;

    for (i = 0; bytes[i]; i++) {
        for (at = 0; at <= 10; at++) {
            char *token = unit_repeat(*state, 'x', 10 + 1);
            clerk_call_t call = { 0 };

            token[at] = bytes[i];
            clerk_api_token_info.write(&realm, unit_text(*state, token), *state,
                                       &call);
            UNIT_CHECK(token,
                       clerk_slice_is(
                           call.body,
                           apr_pstrcat(*state, "token=",
                                       apr_pescape_urlencoded(*state, token),
                                       "&token_type_hint=access_token", NULL)));
        }
    }
}

/* Nothing in a token may end a form's field or a JSON string. */
static void tokens_are_escaped(void **state)
{
    clerk_realm_t realm = realm_of(*state);
    clerk_call_t call = { 0 };

    clerk_api_token_info.write(&realm, unit_text(*state, "oat_a+b/c==~"),
                               *state, &call);
    assert_true(clerk_slice_starts(call.body, "token=oat_a%2bb%2fc%3d%3d"));
    assert_null(memchr(call.body.ptr, '+', call.body.len));
    clerk_api_oauth_verify.write(&realm, unit_text(*state, "oat_a+b/c==~"),
                                 *state, &call);
    assert_true(
        clerk_slice_is(call.body, "{\"access_token\":\"oat_a+b/c==~\"}"));
}

static void userinfo_has_a_lane_of_its_own(void **state)
{
    clerk_realm_t realm = realm_of(*state);
    clerk_call_t ours = { 0 };
    clerk_call_t theirs = { 0 };

    clerk_api_token_info.write(&realm, unit_text(*state, TOKEN), *state, &ours);
    clerk_api_userinfo.write(&realm, unit_text(*state, TOKEN), *state, &theirs);
    assert_memory_not_equal(ours.lane, theirs.lane, CLERK_SHA256_BYTES);
}

/* ------------------------------------------------------------------ */
/* Statuses other than 200                                            */

#define ERROR(code) \
    "{\"errors\":[{\"message\":\"m\",\"long_message\":\"l\",\"code\":\"" code \
    "\"}]}"
#define HTML "<html><body>cloudflare</body></html>"

#define BAD CLERK_TOKEN_INACTIVE
#define OURS CLERK_REQUEST_REFUSED
#define CREDENTIALS CLERK_CREDENTIALS_REFUSED
#define FEATURE CLERK_FEATURE_DISABLED
#define LIMITED CLERK_RATE_LIMITED
#define DOWN CLERK_SERVER_ERROR
#define MOVED CLERK_REDIRECTED
#define NONSENSE CLERK_ANSWER_MALFORMED

/* D3: what introspection, the verify endpoint and userinfo say by it. */
static const struct {
    int http;
    const char *body;
    clerk_status_t token_info;
    clerk_status_t verify;
    clerk_status_t userinfo;
} errors[] = {
    { 401, "{\"error\":\"invalid_client\"}", CREDENTIALS, CREDENTIALS, BAD },
    { 401, ERROR("clerk_key_invalid"), CREDENTIALS, CREDENTIALS, BAD },
    { 401, "{\"active\":false}", CREDENTIALS, CREDENTIALS, BAD },
    { 401, "", CREDENTIALS, CREDENTIALS, BAD },
    { 403, ERROR("forbidden"), CREDENTIALS, CREDENTIALS, BAD },
    { 422, ERROR("api_keys_not_enabled"), FEATURE, FEATURE, FEATURE },
    { 422, "", FEATURE, FEATURE, FEATURE },
    { 404, ERROR("resource_not_found"), OURS, BAD, OURS },
    { 404, ERROR("whatever"), OURS, BAD, OURS },
    { 404, "{}", OURS, OURS, OURS },
    { 404, "", OURS, OURS, OURS },
    { 404, "not found", OURS, OURS, OURS },
    { 404, "{\"errors\":[]}", OURS, OURS, OURS },
    { 404, "{\"errors\":{\"code\":\"x\"}}", OURS, OURS, OURS },
    { 404, "{\"errors\":[{\"code\":7}]}", OURS, OURS, OURS },
    { 404, "{\"error\":\"not_found\"}", OURS, OURS, OURS },
    { 400, ERROR("bad_request"), BAD, BAD, BAD },
    { 400, "{\"error\":\"invalid_request\"}", BAD, BAD, BAD },
    { 400, "{\"error\":\"invalid_client\"}", OURS, OURS, OURS },
    { 400, "{\"error\":7}", OURS, OURS, OURS },
    { 400, "{\"errors\":[{\"code\":7}]}", OURS, OURS, OURS },
    { 404, "{\"error\":\"invalid_request\"}", OURS, OURS, OURS },
    { 400, ERROR("api_version_invalid"), OURS, OURS, OURS },
    { 400, ERROR("origin_authorization_headers_conflict"), OURS, OURS, OURS },
    { 400, "{}", OURS, OURS, OURS },
    { 400, "", OURS, OURS, OURS },
    { 429, ERROR("too_many_requests"), LIMITED, LIMITED, LIMITED },
    { 429, "", LIMITED, LIMITED, LIMITED },
    { 429, HTML, LIMITED, LIMITED, LIMITED },
    { 500, ERROR("internal_clerk_error"), DOWN, DOWN, DOWN },
    { 500, "{\"active\":false}", DOWN, DOWN, DOWN },
    { 502, HTML, DOWN, DOWN, DOWN },
    { 503, ERROR("service_unavailable"), DOWN, DOWN, DOWN },
    { 504, "", DOWN, DOWN, DOWN },
    { 520, HTML, DOWN, DOWN, DOWN },
    { 599, "", DOWN, DOWN, DOWN },
    { 301, "", MOVED, MOVED, MOVED },
    { 302, "{\"active\":false}", MOVED, MOVED, MOVED },
    { 307, HTML, MOVED, MOVED, MOVED },
    { 400, HTML, NONSENSE, NONSENSE, NONSENSE },
    { 401, HTML, NONSENSE, NONSENSE, NONSENSE },
    { 403, HTML, NONSENSE, NONSENSE, NONSENSE },
    { 404, " \n" HTML, NONSENSE, NONSENSE, NONSENSE },
    { 422, HTML, NONSENSE, NONSENSE, NONSENSE },
    { 0, "", NONSENSE, NONSENSE, NONSENSE },
    { 100, "", NONSENSE, NONSENSE, NONSENSE },
    { 201, "{\"active\":true,\"sub\":\"x\"}", NONSENSE, NONSENSE, NONSENSE },
    { 204, "", NONSENSE, NONSENSE, NONSENSE },
    { 206, "{\"active\":true,\"sub\":\"x\"}", NONSENSE, NONSENSE, NONSENSE },
    { 418, "", NONSENSE, NONSENSE, NONSENSE },
    { 999, "", DOWN, DOWN, DOWN },
    { -1, "", NONSENSE, NONSENSE, NONSENSE },
};

static void other_statuses_are_told_apart(void **state)
{
    apr_size_t i;
    int j;

    for (i = 0; i < UNIT_COUNT(errors); i++) {
        const clerk_endpoint_t *const endpoints[] = { &clerk_api_token_info,
                                                      &clerk_api_oauth_verify,
                                                      &clerk_api_userinfo };
        const clerk_status_t wanted[] = { errors[i].token_info,
                                          errors[i].verify,
                                          errors[i].userinfo };

        for (j = 0; j < 3; j++) {
            const char *label =
                apr_psprintf(*state, "%s %d %s", endpoints[j]->name,
                             errors[i].http, errors[i].body);
            clerk_identity_t *identity;

            UNIT_CHECK(label, read_answer(endpoints[j], *state, errors[i].http,
                                          errors[i].body, &identity)
                                  == wanted[j]);
            UNIT_CHECK(label, identity == NULL);
        }
    }
}

/* Served as HTML it is no word of Clerk's, whatever stands in it. */
static void html_is_known_by_its_type_too(void **state)
{
    clerk_answer_t answer = { .http = 404,
                              .body = unit_text(*state, ERROR("x")),
                              .content_type = "Text/HTML; charset=utf-8" };
    clerk_identity_t *identity;

    assert_int_equal(
        unit_read_answer(&clerk_api_oauth_verify, &answer, *state, &identity),
        NONSENSE);
    assert_null(identity);
}

static void trace_ids_are_found(void **state)
{
    static const struct {
        int http;
        const char *body;
        const char *ray;
        const char *trace_id;
    } rows[] = {
        { 500, "{\"clerk_trace_id\":\"0123abcd\"}", NULL, "0123abcd" },
        { 500, "{\"clerk_trace_id\":\"0123abcd\"}", "ray-FRA", "0123abcd" },
        { 500, "{\"clerk_trace_id\":7}", "ray-FRA", "ray-FRA" },
        { 500, "{}", "ray-FRA", "ray-FRA" },
        { 500, HTML, "8a_b-FRA", "8a_b-FRA" },
        { 500, "", NULL, NULL },
        { 500, "{}", "", NULL },
        { 200, "{\"clerk_trace_id\":\"x\"}", "ray-FRA", "ray-FRA" },
        { 500, "{\"clerk_trace_id\":\"\"}", NULL, NULL },
        { 500, "{\"clerk_trace_id\":\"a b\"}", NULL, NULL },
        { 500, "{\"clerk_trace_id\":\"a\\nb\"}", NULL, NULL },
        { 500, "{\"clerk_trace_id\":\"%n%s\"}", NULL, NULL },
        { 500, "{}", "a\nb", NULL },
        { 500, "{}",
          "0123456789012345678901234567890123456789012345678901234567890123",
          "0123456789012345678901234567890123456789012345678901234567890123" },
        { 500, "{}",
          "01234567890123456789012345678901234567890123456789012345678901234",
          NULL },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_answer_t answer = { .http = rows[i].http,
                                  .body = unit_text(*state, rows[i].body),
                                  .ray = rows[i].ray };

        UNIT_SAME(rows[i].body, unit_trace_id(&answer, *state),
                  rows[i].trace_id);
    }
}

/* ------------------------------------------------------------------ */
/* 200 that is no object, of any endpoint                             */

static void bodies_that_are_no_object_say_nothing(void **state)
{
    static const char *const bodies[] = {
        "",
        " ",
        HTML,
        "[]",
        "null",
        "true",
        "false",
        "\"true\"",
        "7",
        "{",
        "{}",
        "{}{}",
        "[{\"active\":true,\"sub\":\"x\"}]",
        "{\"active\":true",
        "{\"active\":true}\n{\"active\":false}",
        "{\"active\":true,\"sub\":\"\\u0000\"}",
        "{\"active\":true,\"sub\":\"x\"}; DROP",
    };
    static const clerk_endpoint_t *const endpoints[] = {
        &clerk_api_token_info, &clerk_api_oauth_verify, &clerk_api_userinfo
    };
    apr_size_t i;
    apr_size_t j;

    for (i = 0; i < UNIT_COUNT(endpoints); i++) {
        for (j = 0; j < UNIT_COUNT(bodies); j++) {
            clerk_identity_t *identity;

            UNIT_CHECK(bodies[j], read_answer(endpoints[i], *state, 200,
                                              bodies[j], &identity)
                                      == NONSENSE);
            UNIT_CHECK(bodies[j], identity == NULL);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(requests_are_what_clerk_expects),
        UNIT_TEST(each_byte_is_escaped_as_a_form_has_it),
        UNIT_TEST(tokens_are_escaped),
        UNIT_TEST(userinfo_has_a_lane_of_its_own),
        UNIT_TEST(other_statuses_are_told_apart),
        UNIT_TEST(html_is_known_by_its_type_too),
        UNIT_TEST(trace_ids_are_found),
        UNIT_TEST(bodies_that_are_no_object_say_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
