/* SPDX-License-Identifier: Apache-2.0 */
/* The documents that Clerk publishes about itself: the call, and the answer. */
#include "unit.h"

#include "clerk_api.h"

#define ISSUER "\"issuer\":\"https://clerk.example.test\""
#define WHOLE "{" ISSUER "}"
#define NONSENSE CLERK_ANSWER_MALFORMED

/* Public, and so without credentials, on the lane of the keys. */
static void the_call_has_no_credentials(void **state)
{
    static const char *const paths[] = {
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    };
    clerk_realm_t realm = { .frontend_api = "https://clerk.example.test",
                            .backend_api = "https://api.clerk.com/v1",
                            .client_id = "id",
                            .client_secret = "secret",
                            .secret_key = "sk_test_x",
                            .machine_secret_key = "ak_test_x" };
    apr_size_t i;

    assert_int_equal(clerk_realm_finish(&realm, *state), CLERK_OK);
    for (i = 0; i < UNIT_COUNT(paths); i++) {
        clerk_call_t call = { 0 };

        clerk_api_write_metadata(&realm, paths[i], *state, &call);
        UNIT_SAME(
            paths[i], call.url,
            apr_pstrcat(*state, "https://clerk.example.test", paths[i], NULL));
        UNIT_CHECK(paths[i], !call.is_post && call.body.len == 0);
        UNIT_SAME(paths[i], call.headers[0], "Accept: application/json");
        UNIT_SAME(paths[i], call.headers[1], NULL);
        UNIT_CHECK(paths[i], call.answer_max == CLERK_METADATA_MAX);
        UNIT_CHECK(paths[i], call.route == &realm.route);
        UNIT_CHECK(paths[i], call.lane == realm.keys_lane);
    }
    UNIT_SAME("name", clerk_api_metadata_name, "metadata");
    assert_non_null(strstr(clerk_api_metadata_fix, "ClerkFrontendAPI"));
}

/* A client is never at fault: it sent nothing to Clerk. */
static void answers_are_a_document_or_our_trouble(void **state)
{
    static const struct {
        int http;
        const char *body;
        clerk_status_t status;
    } rows[] = {
        { 200, WHOLE, CLERK_OK },
        { 200, " {" ISSUER ",\"x\":[{\"y\":null}]}\n", CLERK_OK },
        { 200, "{\"x\":1," ISSUER "}", CLERK_OK },
        { 200, "{}", NONSENSE },
        { 200, "", NONSENSE },
        { 200, "[" WHOLE "]", NONSENSE },
        { 200, "{" ISSUER, NONSENSE },
        { 200, WHOLE "x", NONSENSE },
        { 200, WHOLE WHOLE, NONSENSE },
        { 200, "<html></html>", NONSENSE },
        { 200, "null", NONSENSE },
        { 200, "\"issuer\"", NONSENSE },
        { 200, "{\"Issuer\":\"https://clerk.example.test\"}", NONSENSE },
        { 200, "{\"issuer\":null}", NONSENSE },
        { 200, "{\"issuer\":7}", NONSENSE },
        { 200, "{\"issuer\":true}", NONSENSE },
        { 200, "{\"issuer\":[\"https://clerk.example.test\"]}", NONSENSE },
        { 200, "{\"issuer\":{}}", NONSENSE },
        { 200, "{\"issuer\":\"\xff\"}", NONSENSE },
        { 200, "{\"data\":" WHOLE "}", NONSENSE },
        { 200, "{\"errors\":[{\"code\":\"x\"}]}", NONSENSE },
        { 0, WHOLE, NONSENSE },
        { 201, WHOLE, NONSENSE },
        { 204, "", NONSENSE },
        { 206, WHOLE, NONSENSE },
        { 301, WHOLE, CLERK_REDIRECTED },
        { 307, "", CLERK_REDIRECTED },
        { 401, WHOLE, CLERK_CREDENTIALS_REFUSED },
        { 403, WHOLE, CLERK_CREDENTIALS_REFUSED },
        { 404, WHOLE, CLERK_REQUEST_REFUSED },
        { 404, "{\"errors\":[{\"code\":\"resource_not_found\"}]}",
          CLERK_REQUEST_REFUSED },
        { 404, "<html></html>", NONSENSE },
        { 422, WHOLE, CLERK_FEATURE_DISABLED },
        { 429, WHOLE, CLERK_RATE_LIMITED },
        { 500, WHOLE, CLERK_SERVER_ERROR },
        { 503, "<html></html>", CLERK_SERVER_ERROR },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *label =
            apr_psprintf(*state, "%d %s", rows[i].http, rows[i].body);
        clerk_answer_t answer = { .http = rows[i].http,
                                  .body = unit_text(*state, rows[i].body),
                                  .content_type = "application/json" };

        UNIT_CHECK(label,
                   clerk_api_read_metadata(&answer, *state) == rows[i].status);
        UNIT_CHECK(label, clerk_slice_is(answer.body, rows[i].body));
    }
}

static void clients_get_in_one_way_or_the_other(void **state)
{
    static const struct {
        const char *document;
        int is_open;
    } rows[] = {
        { "{\"registration_endpoint\":\"https://c/register\"}", 1 },
        { "{\"client_id_metadata_document_supported\":true}", 1 },
        { "{\"client_id_metadata_document_supported\":false,"
          "\"registration_endpoint\":\"https://c/register\"}",
          1 },
        { "{\"client_id_metadata_document_supported\":true,"
          "\"registration_endpoint\":null}",
          1 },
        { WHOLE, 0 },
        { "{}", 0 },
        { "{\"client_id_metadata_document_supported\":false}", 0 },
        { "{\"client_id_metadata_document_supported\":\"true\"}", 0 },
        { "{\"client_id_metadata_document_supported\":1}", 0 },
        { "{\"client_id_metadata_document_supported\":null}", 0 },
        { "{\"registration_endpoint\":null}", 0 },
        { "{\"registration_endpoint\":true}", 0 },
        { "{\"registration_endpoint\":[\"https://c/register\"]}", 0 },
        { "{\"Registration_endpoint\":\"https://c/register\"}", 0 },
        { "{\"x\":{\"registration_endpoint\":\"https://c/register\"}}", 0 },
        { "", 0 },
        { "[]", 0 },
        { "{\"registration_endpoint\":\"https://c/register\"", 0 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK(rows[i].document,
                   clerk_api_metadata_lets_clients_in(
                       unit_text(*state, rows[i].document), *state)
                       == rows[i].is_open);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_call_has_no_credentials),
        UNIT_TEST(answers_are_a_document_or_our_trouble),
        UNIT_TEST(clients_get_in_one_way_or_the_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
