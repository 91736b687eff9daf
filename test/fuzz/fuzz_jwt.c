/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JWT. Text that begins with a brace is header, line break and payload, not
 * yet encoded: a fuzzer does not find base64url of JSON by itself.
 */
#include "fuzz.h"

#include <apr_strings.h>

#include "clerk_b64.h"
#include "clerk_jwt.h"
#include "clerk_payload.h"

static const char *encode(apr_pool_t *p, clerk_slice_t bytes)
{
    char *text = apr_pstrdup(p, clerk_b64_encode(p, bytes));
    char *at;

    for (at = text; *at; at++) {
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
    }
    text[strcspn(text, "=")] = '\0';
    return text;
}

static clerk_slice_t token_of(apr_pool_t *p, const uint8_t *data, size_t len)
{
    clerk_slice_t given = fuzz_slice(data, len);
    const char *end = len ? memchr(data, '\n', len) : NULL;
    clerk_slice_t payload;

    if (!end || data[0] != '{') {
        return given;
    }
    given.len = (size_t)(end - given.ptr);
    payload = clerk_slice_make(end + 1, len - given.len - 1);
    return clerk_slice_str(apr_pstrcat(p, encode(p, given), ".",
                                       encode(p, payload), ".AAAA", NULL));
}

static void check_good(apr_pool_t *p, clerk_slice_t token,
                       const clerk_jwt_t *jwt)
{
    const char *rest = jwt->signed_text.ptr + jwt->signed_text.len;
    const char *sub;

    FUZZ_MUST(jwt->signed_text.ptr == token.ptr);
    FUZZ_MUST(jwt->signed_text.len + 1 < token.len && *rest == '.');
    /* Of what was signed there is one writing only. */
    FUZZ_MUST(clerk_slice_is(
        clerk_slice_make(rest + 1, token.len - jwt->signed_text.len - 1),
        encode(p, jwt->signature)));
    FUZZ_MUST(jwt->kind == CLERK_KIND_OAUTH || jwt->kind == CLERK_KIND_SESSION
              || jwt->kind == CLERK_KIND_M2M);
    FUZZ_MUST(jwt->alg <= CLERK_RS512);
    FUZZ_MUST(clerk_json_string(jwt->payload, "sub", &sub) == CLERK_JSON_FOUND);
    FUZZ_MUST(jwt->kind != CLERK_KIND_SESSION || strncmp(sub, "user_", 5) == 0);
    FUZZ_MUST((jwt->kind == CLERK_KIND_M2M) == (strncmp(sub, "mch_", 4) == 0));
}

/* What is believed of it, once its signature is right. */
static void check_payload(apr_pool_t *p, const clerk_jwt_t *jwt)
{
    clerk_identity_t *identity;
    const char *role;

    if (clerk_payload_read(jwt, p, &identity) != CLERK_OK) {
        FUZZ_MUST(!identity);
        return;
    }
    FUZZ_MUST(identity->kind == jwt->kind && identity->expires > 0);
    FUZZ_MUST(identity->facts & CLERK_FACT_SIGNED);
    role = clerk_claims_get(identity, "org_role");
    FUZZ_MUST(!role
              || (strncmp(role, "org:", 4) == 0
                  && strncmp(role + 4, "org:", 4) != 0 && role[4]
                  && jwt->kind == CLERK_KIND_SESSION
                  && clerk_claims_get(identity, "org_id")));
    FUZZ_MUST(jwt->kind == CLERK_KIND_OAUTH
              || !clerk_claims_get(identity, "scope"));
    FUZZ_MUST(jwt->kind != CLERK_KIND_M2M
              || !clerk_claims_get(identity, "act.sub"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    apr_pool_t *p = fuzz_pool();
    clerk_slice_t token = token_of(p, data, len);
    clerk_jwt_t jwt;

    memset(&jwt, 1, sizeof(jwt));
    switch (clerk_jwt_read(p, token, &jwt)) {
    case CLERK_OK:
        check_good(p, token, &jwt);
        check_payload(p, &jwt);
        break;
    case CLERK_JWT_MALFORMED:
    case CLERK_ALGORITHM_REFUSED:
    case CLERK_KIND_UNKNOWN:
        FUZZ_MUST(!jwt.kind && !jwt.kid && !jwt.payload && !jwt.signature.ptr);
        break;
    default:
        FUZZ_MUST(!"a status that a token does not have");
    }
    apr_pool_destroy(p);
    return 0;
}
