/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A resource's well-known URLs, its document, and which request asks for it:
 * whatever a client makes of the identifier must lead to the document.
 */
#include "unit.h"

#include "clerk_json.h"
#include "clerk_resource.h"

#define RESOURCE "/.well-known/oauth-protected-resource"
#define SERVER "/.well-known/oauth-authorization-server"
#define OPENID "/.well-known/openid-configuration"

#define NONE CLERK_DOCUMENT_NONE

/* ------------------------------------------------------------------ */
/* Identifiers                                                        */

typedef struct identifier_row_t {
    const char *identifier;
    const char *path;
    const char *metadata_url;
} identifier_row_t;

/* RFC 9728 section 3.1: between the host and what follows it. */
static const identifier_row_t identifiers[] = {
    { "https://mcp.example", "", "https://mcp.example" RESOURCE },
    { "https://mcp.example/", "", "https://mcp.example" RESOURCE },
    { "https://mcp.example/mcp", "/mcp",
      "https://mcp.example" RESOURCE "/mcp" },
    { "https://mcp.example/mcp/", "/mcp",
      "https://mcp.example" RESOURCE "/mcp/" },
    { "https://mcp.example/a/b/c", "/a/b/c",
      "https://mcp.example" RESOURCE "/a/b/c" },
    { "https://mcp.example//", "/", "https://mcp.example" RESOURCE "//" },
    { "https://mcp.example:8443", "", "https://mcp.example:8443" RESOURCE },
    { "https://mcp.example:8443/mcp", "/mcp",
      "https://mcp.example:8443" RESOURCE "/mcp" },
    { "http://127.0.0.1:8080/mcp", "/mcp",
      "http://127.0.0.1:8080" RESOURCE "/mcp" },
    { "https://[2001:db8::1]", "", "https://[2001:db8::1]" RESOURCE },
    { "https://[2001:db8::1]:8443/mcp", "/mcp",
      "https://[2001:db8::1]:8443" RESOURCE "/mcp" },
    { "HTTPS://MCP.Example/Mcp", "/Mcp",
      "HTTPS://MCP.Example" RESOURCE "/Mcp" },
    { "https://mcp.example?tenant=a", "",
      "https://mcp.example" RESOURCE "?tenant=a" },
    { "https://mcp.example/?tenant=a", "",
      "https://mcp.example" RESOURCE "?tenant=a" },
    { "https://mcp.example/mcp?tenant=a/b", "/mcp",
      "https://mcp.example" RESOURCE "/mcp?tenant=a/b" },
    { "https://mcp.example/mcp/?x=", "/mcp",
      "https://mcp.example" RESOURCE "/mcp/?x=" },
    { "https://mcp.example/mcp?u=https://other.example/x", "/mcp",
      "https://mcp.example" RESOURCE "/mcp?u=https://other.example/x" },
    { "https://mcp.example/a:b@c", "/a:b@c",
      "https://mcp.example" RESOURCE "/a:b@c" },
    { "https://mcp.example/x://y", "/x://y",
      "https://mcp.example" RESOURCE "/x://y" },
    /* The URL is what the operator wrote, the path its normal form. */
    { "https://mcp.example/%6Dcp", "/mcp",
      "https://mcp.example" RESOURCE "/%6Dcp" },
    { "https://mcp.example/a%2Fb", "/a%2Fb",
      "https://mcp.example" RESOURCE "/a%2Fb" },
    { "https://mcp.example/a%2f", "/a%2F",
      "https://mcp.example" RESOURCE "/a%2f" },
    { "https://mcp.example/mcp?q=%6D", "/mcp",
      "https://mcp.example" RESOURCE "/mcp?q=%6D" },
};

static void identifiers_have_a_path_and_a_url(void **state)
{
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(identifiers); i++) {
        const identifier_row_t *row = &identifiers[i];
        const char *identifier = unit_string(*state, row->identifier);

        UNIT_SAME(row->identifier, clerk_resource_path(*state, identifier),
                  row->path);
        UNIT_SAME(row->identifier,
                  clerk_resource_metadata_url(*state, identifier),
                  row->metadata_url);
    }
}

/* The URL that a challenge names leads to the resource that it is about. */
static void the_url_leads_back(void **state)
{
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(identifiers); i++) {
        const identifier_row_t *row = &identifiers[i];
        const char *url = clerk_resource_metadata_url(*state, row->identifier);
        const char *request = strstr(url, "/.well-known/");
        const char *path;

        request = unit_string(
            *state, apr_pstrmemdup(*state, request, strcspn(request, "?")));
        UNIT_CHECK(url, clerk_resource_parse_path(*state, request, &path)
                            == CLERK_DOCUMENT_RESOURCE);
        UNIT_SAME(url, path, row->path);
    }
}

/* RFC 3986 section 6.2.2.2 */
static void paths_are_in_normal_form(void **state)
{
    static const char *const rows[][2] = {
        { "/%41%5a%61%7A%30%39", "/AZaz09" },
        { "/%2d%2D%2e%5F%7e", "/--._~" },
        { "/.a-b_c~", "/.a-b_c~" },
        { "/%2e%2E/x", "/../x" },
        { "/a%2Fb", "/a%2Fb" },
        { "/a%2fb", "/a%2Fb" },
        { "/%25", "/%25" },
        { "/%2541", "/%2541" },
        { "/%252F", "/%252F" },
        { "/%20%3F%23%5B%5D%40", "/%20%3F%23%5B%5D%40" },
        { "/%21%24%26%27%28%29%2A%2B%2C%3B%3D%3A",
          "/%21%24%26%27%28%29%2A%2B%2C%3B%3D%3A" },
        { "/caf%C3%A9", "/caf%C3%A9" },
        { "/%00", "/%00" },
        { "/%7f%80%ff", "/%7F%80%FF" },
        /* What is no percent-encoding is left alone. */
        { "/%", "/%" },
        { "/%4", "/%4" },
        { "/%%", "/%%" },
        { "/%%41", "/%A" },
        { "/%4g%g4", "/%4g%g4" },
        { "/%G1%1G", "/%G1%1G" },
        { "/%-1%+1", "/%-1%+1" },
        { "/% 41%4 1", "/% 41%4 1" },
        { "/%0x41", "/%0x41" },
        { "/%:0%/0%@1%`1", "/%:0%/0%@1%`1" },
        { "/%u0041", "/%u0041" },
        { "/%c3%28", "/%C3%28" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *url = apr_pstrcat(*state, "https://h", rows[i][0], NULL);
        const char *request = apr_pstrcat(*state, SERVER, rows[i][0], NULL);
        const char *path;

        UNIT_SAME(rows[i][0],
                  clerk_resource_path(*state, unit_string(*state, url)),
                  rows[i][1]);
        UNIT_CHECK(rows[i][0], clerk_resource_parse_path(
                                   *state, unit_string(*state, request), &path)
                                   == CLERK_DOCUMENT_SERVER);
        UNIT_SAME(rows[i][0], path, rows[i][1]);
    }
}

/* ------------------------------------------------------------------ */
/* The paths of requests                                              */

typedef struct request_row_t {
    const char *request;
    clerk_document_kind_t kind;
    const char *path;
} request_row_t;

static const request_row_t requests[] = {
    { RESOURCE, CLERK_DOCUMENT_RESOURCE, "" },
    { RESOURCE "/", CLERK_DOCUMENT_RESOURCE, "" },
    { RESOURCE "//", CLERK_DOCUMENT_RESOURCE, "/" },
    { RESOURCE "///", CLERK_DOCUMENT_RESOURCE, "//" },
    { RESOURCE "/mcp", CLERK_DOCUMENT_RESOURCE, "/mcp" },
    { RESOURCE "/mcp/", CLERK_DOCUMENT_RESOURCE, "/mcp" },
    { RESOURCE "/mcp//", CLERK_DOCUMENT_RESOURCE, "/mcp/" },
    { RESOURCE "//mcp", CLERK_DOCUMENT_RESOURCE, "//mcp" },
    { RESOURCE "/a/b/c", CLERK_DOCUMENT_RESOURCE, "/a/b/c" },
    { RESOURCE RESOURCE, CLERK_DOCUMENT_RESOURCE, RESOURCE },
    { RESOURCE "/mcp;v=1", CLERK_DOCUMENT_RESOURCE, "/mcp;v=1" },
    { SERVER, CLERK_DOCUMENT_SERVER, "" },
    { SERVER "/", CLERK_DOCUMENT_SERVER, "" },
    { SERVER "/mcp", CLERK_DOCUMENT_SERVER, "/mcp" },
    { OPENID, CLERK_DOCUMENT_OPENID, "" },
    { OPENID "/mcp/", CLERK_DOCUMENT_OPENID, "/mcp" },
    /* Dots are no way out: they name a resource that is not there. */
    { RESOURCE "/..", CLERK_DOCUMENT_RESOURCE, "/.." },
    { RESOURCE "/../../private", CLERK_DOCUMENT_RESOURCE, "/../../private" },
    { RESOURCE "/%2e%2e/private", CLERK_DOCUMENT_RESOURCE, "/../private" },
    { RESOURCE "/./mcp", CLERK_DOCUMENT_RESOURCE, "/./mcp" },
    { RESOURCE "/a%2Fb", CLERK_DOCUMENT_RESOURCE, "/a%2Fb" },
    { RESOURCE "/mcp%2F", CLERK_DOCUMENT_RESOURCE, "/mcp%2F" },
    { RESOURCE "/mcp%3Fx", CLERK_DOCUMENT_RESOURCE, "/mcp%3Fx" },
    { RESOURCE "/%", CLERK_DOCUMENT_RESOURCE, "/%" },
    { RESOURCE "/%zz/", CLERK_DOCUMENT_RESOURCE, "/%zz" },
    { "/.well-known/oauth%2Dprotected-resource/%6dcp", CLERK_DOCUMENT_RESOURCE,
      "/mcp" },
    { "/%2Ewell-known/openid-configuration", CLERK_DOCUMENT_OPENID, "" },

    { "", NONE, NULL },
    { "/", NONE, NULL },
    { "*", NONE, NULL },
    { "%", NONE, NULL },
    { "/%", NONE, NULL },
    { "/%2", NONE, NULL },
    { "/mcp", NONE, NULL },
    { "/.well-known", NONE, NULL },
    { "/.well-known/", NONE, NULL },
    { "/.well-known/jwks.json", NONE, NULL },
    { "/.well-known/oauth-", NONE, NULL },
    { "/.well-known/oauth-protected-resourc", NONE, NULL },
    { "/.well-known/oauth-protected-resource%", NONE, NULL },
    { "/.well-known/oauth-protected-resource%2", NONE, NULL },
    { RESOURCE "X", NONE, NULL },
    { RESOURCE "s/mcp", NONE, NULL },
    { RESOURCE ".json", NONE, NULL },
    { RESOURCE ";/mcp", NONE, NULL },
    { RESOURCE "?x", NONE, NULL },
    { RESOURCE "#x", NONE, NULL },
    { RESOURCE "\\mcp", NONE, NULL },
    { RESOURCE "%2F", NONE, NULL },
    { RESOURCE "%2fmcp", NONE, NULL },
    { RESOURCE "%00/mcp", NONE, NULL },
    { RESOURCE " ", NONE, NULL },
    { RESOURCE "%20", NONE, NULL },
    { SERVER "s", NONE, NULL },
    { OPENID "X", NONE, NULL },
    { "/" RESOURCE, NONE, NULL },
    { "//.well-known/oauth-protected-resource", NONE, NULL },
    { "/.well-known//oauth-protected-resource", NONE, NULL },
    { "/.well-known%2Foauth-protected-resource", NONE, NULL },
    { "%2F.well-known/oauth-protected-resource", NONE, NULL },
    { "/x/.." RESOURCE, NONE, NULL },
    { "/." RESOURCE, NONE, NULL },
    { "/.well-known/./oauth-protected-resource", NONE, NULL },
    { "/.well-known/x/../oauth-protected-resource", NONE, NULL },
    { "/mcp" RESOURCE, NONE, NULL },
    { "/.Well-Known/oauth-protected-resource", NONE, NULL },
    { "/.well-known/OAuth-Protected-Resource", NONE, NULL },
    { ".well-known/oauth-protected-resource", NONE, NULL },
    { "https://mcp.example" RESOURCE, NONE, NULL },
    { "/.well-known/%256fauth-protected-resource", NONE, NULL },
};

static void requests_ask_for_a_document_or_do_not(void **state)
{
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(requests); i++) {
        const request_row_t *row = &requests[i];
        const char *path = "left over";

        UNIT_CHECK(row->request,
                   clerk_resource_parse_path(
                       *state, unit_string(*state, row->request), &path)
                       == row->kind);
        UNIT_SAME(row->request, path, row->path);
    }
}

/* No length of them is special, and every byte of them counts. */
static void long_paths_are_whole(void **state)
{
    const char *plain =
        apr_pstrcat(*state, "/", unit_repeat(*state, 'x', 100000), NULL);
    const char *slashes = unit_repeat(*state, '/', 100001);
    const char *letters = unit_repeat(*state, 'm', 1000);
    const char *encoded = "";
    const char *path;
    int i;

    for (i = 0; i < 1000; i += 5) {
        encoded = apr_pstrcat(*state, encoded, "%6D%6dm%6D%6d", NULL);
    }
    assert_int_equal(
        clerk_resource_parse_path(
            *state, apr_pstrcat(*state, RESOURCE, plain, NULL), &path),
        CLERK_DOCUMENT_RESOURCE);
    assert_string_equal(path, plain);
    assert_int_equal(
        clerk_resource_parse_path(
            *state, apr_pstrcat(*state, OPENID, slashes, NULL), &path),
        CLERK_DOCUMENT_OPENID);
    assert_string_equal(path, slashes + 1);
    assert_string_equal(
        clerk_resource_path(*state,
                            apr_pstrcat(*state, "https://h/", encoded, NULL)),
        apr_pstrcat(*state, "/", letters, NULL));
    assert_int_equal(clerk_resource_parse_path(*state, plain, &path), NONE);
    assert_null(path);
}

/* No pool is asked for a byte for what can be seen at once. */
static void other_paths_are_cheap(void **state)
{
    const char *path;

    (void)state;
    assert_int_equal(clerk_resource_parse_path(NULL, "/mcp", &path), NONE);
    assert_int_equal(clerk_resource_parse_path(NULL, RESOURCE "X", &path),
                     NONE);
}

static void kinds_have_their_paths(void **state)
{
    (void)state;
    UNIT_SAME("none", clerk_resource_well_known(CLERK_DOCUMENT_NONE), NULL);
    UNIT_SAME("resource", clerk_resource_well_known(CLERK_DOCUMENT_RESOURCE),
              RESOURCE);
    UNIT_SAME("server", clerk_resource_well_known(CLERK_DOCUMENT_SERVER),
              SERVER);
    UNIT_SAME("openid", clerk_resource_well_known(CLERK_DOCUMENT_OPENID),
              OPENID);
}

/* ------------------------------------------------------------------ */
/* The document                                                       */

/* A list of the words of a text. */
static const apr_array_header_t *list_of(apr_pool_t *p, const char *words)
{
    apr_array_header_t *list = apr_array_make(p, 2, sizeof(const char *));
    char *rest = apr_pstrdup(p, words);
    char *word;

    while ((word = apr_strtok(rest, " ", &rest)) != NULL) {
        APR_ARRAY_PUSH(list, const char *) = unit_string(p, word);
    }
    return list;
}

#define METHODS "\"bearer_methods_supported\":[\"header\"]"

static void documents_say_what_is_there(void **state)
{
    const apr_array_header_t *nothing = list_of(*state, "");
    const struct {
        clerk_resource_t resource;
        const char *document;
    } rows[] = {
        { { .identifier = "https://mcp.example/mcp" },
          "{\"resource\":\"https://mcp.example/mcp\"," METHODS "}" },
        { { .identifier = "https://mcp.example/",
            .authorization_servers = nothing,
            .scopes = nothing },
          "{\"resource\":\"https://mcp.example/\"," METHODS "}" },
        { { .identifier = "https://mcp.example/mcp",
            .authorization_servers = list_of(*state, "https://clerk.example"),
            .scopes = list_of(*state, "profile email"),
            .name = "An MCP server",
            .documentation = "https://mcp.example/docs?a=b&c=d#e" },
          "{\"resource\":\"https://mcp.example/mcp\","
          "\"authorization_servers\":[\"https://clerk.example\"],"
          "\"scopes_supported\":[\"profile\",\"email\"]," METHODS ","
          "\"resource_name\":\"An MCP server\","
          "\"resource_documentation\":"
          "\"https://mcp.example/docs?a=b&c=d#e\"}" },
        { { .identifier = "HTTPS://MCP.example:443/%6Dcp/?a=b",
            .authorization_servers =
                list_of(*state, "https://a.example https://b.example/x") },
          "{\"resource\":\"HTTPS://MCP.example:443/%6Dcp/?a=b\","
          "\"authorization_servers\":[\"https://a.example\","
          "\"https://b.example/x\"]," METHODS "}" },
        { { .identifier = "https://h/\"\\",
            .scopes = list_of(*state, "a\"b c\\d"),
            .name = "\"q\" \\ </script>\n\x01 caf\xc3\xa9 \xf0\x9f\x94\x91 %s",
            .documentation = "https://h/\"" },
          "{\"resource\":\"https://h/\\\"\\\\\","
          "\"scopes_supported\":[\"a\\\"b\",\"c\\\\d\"]," METHODS ","
          "\"resource_name\":\"\\\"q\\\" \\\\ </script>\\u000a\\u0001 "
          "caf\xc3\xa9 \xf0\x9f\x94\x91 %s\","
          "\"resource_documentation\":\"https://h/\\\"\"}" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *text = clerk_resource_document(*state, &rows[i].resource);

        UNIT_SAME(rows[i].document, text, rows[i].document);
        UNIT_CHECK(text, clerk_json_parse(*state, unit_text(*state, text)));
    }
}

/* Clients and caches compare it. */
static void a_document_is_the_same_twice(void **state)
{
    clerk_resource_t one = { .identifier = unit_string(*state, "https://h/x"),
                             .scopes = list_of(*state, "b a"),
                             .name = unit_string(*state, "n") };
    clerk_resource_t two = { .identifier = unit_string(*state, "https://h/x"),
                             .scopes = list_of(*state, "b a"),
                             .name = unit_string(*state, "n") };

    assert_string_equal(clerk_resource_document(*state, &one),
                        clerk_resource_document(*state, &two));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(identifiers_have_a_path_and_a_url),
        UNIT_TEST(the_url_leads_back),
        UNIT_TEST(paths_are_in_normal_form),
        UNIT_TEST(requests_ask_for_a_document_or_do_not),
        UNIT_TEST(long_paths_are_whole),
        UNIT_TEST(other_paths_are_cheap),
        UNIT_TEST(kinds_have_their_paths),
        UNIT_TEST(documents_say_what_is_there),
        UNIT_TEST(a_document_is_the_same_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
