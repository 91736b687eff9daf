/* SPDX-License-Identifier: Apache-2.0 */
/* Base64: what is read is written as it was, but for its padding. */
#include "fuzz.h"

#include "clerk_b64.h"

static size_t bare_len(const char *text, size_t len)
{
    while (len && text[len - 1] == '=') {
        len--;
    }
    return len;
}

/* The same for base64url, which has two other letters and no padding. */
static void check_url(apr_pool_t *p, clerk_slice_t given)
{
    clerk_slice_t url;
    clerk_slice_t standard;
    const char *coded;
    size_t i;

    if (clerk_b64_decode_url(p, given, &url) != CLERK_OK) {
        FUZZ_MUST(!url.ptr && !url.len);
        return;
    }
    FUZZ_MUST(url.ptr[url.len] == '\0');
    coded = clerk_b64_encode(p, url);
    FUZZ_MUST(bare_len(coded, strlen(coded)) == given.len);
    for (i = 0; i < given.len; i++) {
        char c = coded[i] == '+' ? '-' : coded[i] == '/' ? '_' : coded[i];

        FUZZ_MUST(given.ptr[i] == c);
    }
    if (strcspn(coded, "+/") == strlen(coded)) {
        FUZZ_MUST(clerk_b64_decode(p, given, &standard) == CLERK_OK);
        FUZZ_MUST(standard.len == url.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    apr_pool_t *p = fuzz_pool();
    clerk_slice_t given = fuzz_slice(data, len);
    clerk_slice_t out;
    const char *coded;

    if (clerk_b64_decode(p, given, &out) == CLERK_OK) {
        coded = clerk_b64_encode(p, out);
        FUZZ_MUST(out.ptr[out.len] == '\0');
        FUZZ_MUST(bare_len(coded, strlen(coded))
                  == bare_len(given.ptr, given.len));
        FUZZ_MUST(len == 0
                  || memcmp(coded, given.ptr, bare_len(given.ptr, len)) == 0);
    }
    else {
        FUZZ_MUST(!out.ptr && !out.len);
    }

    check_url(p, given);
    coded = clerk_b64_encode(p, given);
    FUZZ_MUST(clerk_b64_decode(p, clerk_slice_str(coded), &out) == CLERK_OK);
    FUZZ_MUST(out.len == len);
    FUZZ_MUST(len == 0 || memcmp(out.ptr, given.ptr, len) == 0);
    apr_pool_destroy(p);
    return 0;
}
