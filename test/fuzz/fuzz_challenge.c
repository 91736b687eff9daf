/* SPDX-License-Identifier: Apache-2.0 */
/* Five texts, divided by line breaks, as a challenge: it must be one. */
#include "fuzz.h"

#include "clerk_challenge.h"

/* The next text; all of the rest for the last. */
static const char *next(char **rest, int is_last)
{
    char *text = *rest;
    char *end = is_last ? NULL : strchr(text, '\n');

    *rest = end ? end + 1 : text + strlen(text);
    if (end) {
        *end = '\0';
    }
    return text;
}

/* Behind the quoted-string at `text` (RFC 9110 section 5.6.4). */
static const char *skip_quoted(const char *text)
{
    FUZZ_MUST(*text == '"');
    for (text++; *text != '"'; text++) {
        unsigned char byte = (unsigned char)*text;

        FUZZ_MUST(byte >= 0x20 && byte != 0x7f);
        if (byte == '\\') {
            text++;
            FUZZ_MUST(*text == '"' || *text == '\\');
        }
    }
    return text + 1;
}

static void check_grammar(const char *text)
{
    static const char *const names[] = {
        "error=", "resource_metadata=", "scope=", "error_description=", "realm="
    };
    const char *separator = " ";
    size_t i;

    FUZZ_MUST(strncmp(text, "Bearer", 6) == 0);
    text += 6;
    for (i = 0; i < sizeof(names) / sizeof(names[0]) && *text; i++) {
        size_t gap = strlen(separator);
        size_t len = strlen(names[i]);

        if (strncmp(text, separator, gap) != 0
            || strncmp(text + gap, names[i], len) != 0) {
            continue;
        }
        text = skip_quoted(text + gap + len);
        separator = ", ";
    }
    FUZZ_MUST(*text == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    apr_pool_t *p = fuzz_pool();
    char *rest = fuzz_string(p, data, len);
    clerk_challenge_t given;

    given.error = next(&rest, 0);
    given.resource_metadata = next(&rest, 0);
    given.scope = next(&rest, 0);
    given.error_description = next(&rest, 0);
    given.realm = next(&rest, 1);
    check_grammar(clerk_challenge_text(p, &given));
    apr_pool_destroy(p);
    return 0;
}
