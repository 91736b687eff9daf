/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_challenge.h"

#include <string.h>

#include <apr_strings.h>

/*
 * RFC 9110 section 5.6.4. Control bytes are left out: none may stand in a
 * quoted-string but HTAB, and a line break would end the field.
 */
static const char *quoted(apr_pool_t *p, const char *text)
{
    char *out = apr_palloc(p, 2 * strlen(text) + 3);
    char *at = out;

    *at++ = '"';
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte < 0x20 || byte == 0x7f) {
            continue;
        }
        if (byte == '"' || byte == '\\') {
            *at++ = '\\';
        }
        *at++ = *text;
    }
    *at++ = '"';
    *at = '\0';
    return out;
}

const char *clerk_challenge_text(apr_pool_t *p, const clerk_challenge_t *c)
{
    const struct {
        const char *name;
        const char *value;
    } parameters[] = {
        /* clang-format off */
        { "error", c->error },
        { "resource_metadata", c->resource_metadata },
        { "scope", c->scope },
        { "error_description", c->error_description },
        { "realm", c->realm },
        /* clang-format on */
    };
    const char *text = "Bearer";
    const char *separator = " ";
    apr_size_t i;

    for (i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        if (!parameters[i].value || !*parameters[i].value) {
            continue;
        }
        text = apr_pstrcat(p, text, separator, parameters[i].name, "=",
                           quoted(p, parameters[i].value), NULL);
        separator = ", ";
    }
    return text;
}
