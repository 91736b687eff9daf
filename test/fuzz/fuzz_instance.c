/* SPDX-License-Identifier: Apache-2.0 */
/* Publishable keys, host names and URLs. */
#include "fuzz.h"

#include <apr_strings.h>

#include "clerk_b64.h"
#include "clerk_instance.h"

static void check_key(apr_pool_t *p, const char *text)
{
    const char *host = "left over";
    const char *coded;

    if (clerk_instance_host_of_key(p, text, &host) == CLERK_OK) {
        FUZZ_MUST(clerk_instance_is_hostname(host));
    }
    else {
        FUZZ_MUST(host == NULL);
    }

    /* The text as what a key would hold. */
    coded =
        clerk_b64_encode(p, clerk_slice_str(apr_pstrcat(p, text, "$", NULL)));
    if (clerk_instance_host_of_key(p, apr_pstrcat(p, "pk_test_", coded, NULL),
                                   &host)
        == CLERK_OK) {
        FUZZ_MUST(strcmp(host, text) == 0);
    }
    else {
        FUZZ_MUST(!clerk_instance_is_hostname(text));
    }
}

static void check_host(apr_pool_t *p, const char *text)
{
    if (!clerk_instance_is_hostname(text)) {
        return;
    }
    FUZZ_MUST(strchr(text, '.') && !strpbrk(text, "/:@?#%[] "));
    FUZZ_MUST(clerk_instance_check_url(
                  p, apr_pstrcat(p, "https://", text, "/x", NULL))
              == CLERK_URL_GOOD);
}

static void check_url(apr_pool_t *p, const char *text)
{
    const char *trimmed = clerk_instance_trim_url(p, text);
    size_t len = strlen(trimmed);

    FUZZ_MUST(strncmp(trimmed, text, len) == 0);
    FUZZ_MUST(len == 0 || trimmed[len - 1] != '/');
    FUZZ_MUST(text[len + strspn(text + len, "/")] == '\0');
    if (clerk_instance_check_url(p, text) == CLERK_URL_MALFORMED) {
        return;
    }
    FUZZ_MUST(strspn(text, "htpsHTPS") >= 4);
    FUZZ_MUST(!strpbrk(text, " \"<>\\^`{|}?#\r\n\t"));
    FUZZ_MUST(clerk_instance_check_url(p, trimmed)
              == clerk_instance_check_url(p, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    apr_pool_t *p = fuzz_pool();
    const char *text = fuzz_string(p, data, len);

    check_key(p, text);
    check_host(p, text);
    check_url(p, text);
    apr_pool_destroy(p);
    return 0;
}
