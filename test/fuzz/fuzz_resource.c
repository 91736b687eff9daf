/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path of a request, and the rest of an identifier: whoever looks for the
 * document of a resource where the standard says finds that resource.
 */
#include "fuzz.h"

#include <apr_strings.h>

#include "clerk_resource.h"

#define HOST "https://mcp.example"

static const clerk_document_kind_t kinds[] = { CLERK_DOCUMENT_RESOURCE,
                                               CLERK_DOCUMENT_SERVER,
                                               CLERK_DOCUMENT_OPENID };

/* A text as the path of a request. */
static void check_request(apr_pool_t *p, const char *text)
{
    const char *path = "left over";
    clerk_document_kind_t kind = clerk_resource_parse_path(p, text, &path);

    FUZZ_MUST((kind == CLERK_DOCUMENT_NONE) == (path == NULL));
    if (path) {
        FUZZ_MUST(!*path || *path == '/');
        FUZZ_MUST(text[0] == '/' || text[0] == '%');
        FUZZ_MUST(strlen(path) + strlen(clerk_resource_well_known(kind))
                  <= strlen(text));
    }
}

/* A path behind a well-known one, and behind a host. */
static void check_both_ways(apr_pool_t *p, const char *path)
{
    const char *wanted =
        clerk_resource_path(p, apr_pstrcat(p, HOST, path, NULL));
    size_t len = strlen(wanted);
    const char *found;
    size_t i;

    FUZZ_MUST(!*wanted || *wanted == '/');
    FUZZ_MUST(len <= strlen(path));
    FUZZ_MUST(strcmp(wanted, "/") != 0 || strlen(path) > 1);
    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const char *request =
            apr_pstrcat(p, clerk_resource_well_known(kinds[i]), path, NULL);

        FUZZ_MUST(clerk_resource_parse_path(p, request, &found) == kinds[i]);
        FUZZ_MUST(strcmp(found, wanted) == 0);
    }
}

/* The identifier that ends in a text, and the URL of its document. */
static void check_identifier(apr_pool_t *p, const char *text)
{
    const char *identifier = apr_pstrcat(p, HOST, text, NULL);
    const char *url = clerk_resource_metadata_url(p, identifier);
    const char *request = url + strlen(HOST);
    const char *query = strchr(text, '?');
    const char *found;

    FUZZ_MUST(strncmp(url, HOST, strlen(HOST)) == 0);
    FUZZ_MUST(!query == !strchr(url, '?'));
    FUZZ_MUST(!query || strcmp(query, strchr(url, '?')) == 0);
    request = apr_pstrmemdup(p, request, strcspn(request, "?"));
    FUZZ_MUST(clerk_resource_parse_path(p, request, &found)
              == CLERK_DOCUMENT_RESOURCE);
    FUZZ_MUST(strcmp(found, clerk_resource_path(p, identifier)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    apr_pool_t *p = fuzz_pool();
    const char *text = fuzz_string(p, data, len);
    const char *path = apr_pstrmemdup(p, text, strcspn(text, "?"));

    check_request(p, text);
    if (!*path || *path == '/') {
        check_both_ways(p, path);
        check_identifier(p, text);
    }
    apr_pool_destroy(p);
    return 0;
}
