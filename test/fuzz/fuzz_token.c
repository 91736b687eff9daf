/* SPDX-License-Identifier: Apache-2.0 */
/* An Authorization header, and the same text as a Cookie header. */
#include "fuzz.h"

#include <apr_strings.h>

#include "clerk_token.h"

static void check_good(apr_pool_t *p, const char *header,
                       const clerk_token_t *token)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        "-._~+/=";
    char fingerprint[CLERK_TOKEN_FINGERPRINT + 1];
    const char *text = apr_pstrmemdup(p, token->text.ptr, token->text.len);
    clerk_token_t again;

    FUZZ_MUST(token->text.ptr > header);
    FUZZ_MUST(token->text.ptr + token->text.len <= header + strlen(header));
    FUZZ_MUST(token->text.len > 0 && token->text.len <= CLERK_TOKEN_MAX);
    FUZZ_MUST(strspn(text, allowed) == token->text.len);
    FUZZ_MUST(!token->is_jwt || token->kind == CLERK_KIND_NONE);

    FUZZ_MUST(clerk_token_from_authorization(
                  apr_pstrcat(p, "Bearer ", text, NULL), &again)
              == CLERK_OK);
    FUZZ_MUST(clerk_slice_is(again.text, text));
    FUZZ_MUST(again.kind == token->kind && again.is_jwt == token->is_jwt);

    clerk_token_fingerprint(token->text, fingerprint);
    FUZZ_MUST(strlen(fingerprint) == CLERK_TOKEN_FINGERPRINT);
    FUZZ_MUST(!strchr(fingerprint, '-'));
}

static void check_cookies(apr_pool_t *p, const char *header)
{
    const char *left = clerk_token_without_cookie(p, header, "s");
    clerk_token_t token;
    clerk_status_t status = clerk_token_from_cookie(header, "s", &token);

    FUZZ_MUST(status == CLERK_OK || status == CLERK_NO_TOKEN
              || status == CLERK_KIND_UNKNOWN);
    FUZZ_MUST((status == CLERK_NO_TOKEN) == !token.text.ptr);
    FUZZ_MUST(status != CLERK_OK || (token.is_jwt && token.from_cookie));
    FUZZ_MUST(clerk_token_from_cookie(left, "s", &token) == CLERK_NO_TOKEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    apr_pool_t *p = fuzz_pool();
    const char *header = fuzz_string(p, data, len);
    clerk_token_t token;

    memset(&token, 1, sizeof(token));
    switch (clerk_token_from_authorization(header, &token)) {
    case CLERK_OK:
        check_good(p, header, &token);
        break;
    case CLERK_NO_TOKEN:
    case CLERK_MALFORMED_AUTHORIZATION:
        FUZZ_MUST(!token.text.ptr && !token.text.len && !token.is_jwt
                  && token.kind == CLERK_KIND_NONE);
        break;
    default:
        FUZZ_MUST(!"a status that the header does not name");
    }
    check_cookies(p, header);
    (void)clerk_token_kind_by_name(header);
    apr_pool_destroy(p);
    return 0;
}
