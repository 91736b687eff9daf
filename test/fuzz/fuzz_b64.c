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

    coded = clerk_b64_encode(p, given);
    FUZZ_MUST(clerk_b64_decode(p, clerk_slice_str(coded), &out) == CLERK_OK);
    FUZZ_MUST(out.len == len);
    FUZZ_MUST(len == 0 || memcmp(out.ptr, given.ptr, len) == 0);
    apr_pool_destroy(p);
    return 0;
}
