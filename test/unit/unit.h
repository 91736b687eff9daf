/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit.h: what all unit tests share: a pool per test, tables of cases that
 * name the row which failed, and copies in blocks of exactly their own size,
 * so that valgrind and the address sanitizer see a read past the end.
 */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_pools.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "clerk_claims.h"
#include "clerk_crypto.h"
#include "clerk_slice.h"

#define UNIT_COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* A test that finds a pool in *state and the algorithms fetched. */
#define UNIT_TEST(function) \
    cmocka_unit_test_setup_teardown(function, unit_begin, unit_end)

/* Like assert_true, in a loop over a table: `label` names the row. */
#define UNIT_CHECK(label, condition) \
    do { \
        if (!(condition)) { \
            fail_msg("[%s] %s", label, #condition); \
        } \
    } while (0)

/* Both strings, either of which may be NULL, are the same. */
#define UNIT_SAME(label, got, wanted) \
    do { \
        const char *got_ = (got); \
        const char *wanted_ = (wanted); \
        if (!unit_same(got_, wanted_)) { \
            fail_msg("[%s] %s is <%s>, not <%s>", label, #got, \
                     got_ ? got_ : "(NULL)", wanted_ ? wanted_ : "(NULL)"); \
        } \
    } while (0)

static inline int unit_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static inline int unit_begin(void **state)
{
    apr_pool_t *p;

    if (apr_initialize() != APR_SUCCESS
        || apr_pool_create(&p, NULL) != APR_SUCCESS
        || clerk_crypto_init(p) != CLERK_OK) {
        return -1;
    }
    *state = p;
    return 0;
}

static inline int unit_end(void **state)
{
    apr_pool_destroy(*state);
    apr_terminate();
    return 0;
}

static inline apr_status_t unit_free(void *block)
{
    free(block);
    return APR_SUCCESS;
}

/* The bytes in a block of their own size; freed with the pool. */
static inline clerk_slice_t unit_exact(apr_pool_t *p, const void *bytes,
                                       apr_size_t len)
{
    char *block = malloc(len ? len : 1);

    if (!block) {
        fail_msg("no memory");
        return clerk_slice_make(NULL, 0);
    }
    if (len) {
        memcpy(block, bytes, len);
    }
    apr_pool_cleanup_register(p, block, unit_free, apr_pool_cleanup_null);
    return clerk_slice_make(block, len);
}

/* A text without its NUL in a block of its own size. */
static inline clerk_slice_t unit_text(apr_pool_t *p, const char *text)
{
    return unit_exact(p, text, strlen(text));
}

/* A text with its NUL in a block of its own size. */
static inline const char *unit_string(apr_pool_t *p, const char *text)
{
    return unit_exact(p, text, strlen(text) + 1).ptr;
}

/* `count` times the same byte, as a string. */
static inline char *unit_repeat(apr_pool_t *p, char byte, apr_size_t count)
{
    char *text = apr_palloc(p, count + 1);

    memset(text, byte, count);
    text[count] = '\0';
    return text;
}

/* Bytes as lower-case hex. */
static inline const char *unit_hex(apr_pool_t *p, const void *bytes,
                                   apr_size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = bytes;
    char *hex = apr_palloc(p, 2 * len + 1);
    apr_size_t i;

    for (i = 0; i < len; i++) {
        hex[2 * i] = digits[from[i] >> 4];
        hex[2 * i + 1] = digits[from[i] & 0xf];
    }
    hex[2 * len] = '\0';
    return hex;
}

static inline int unit_digit(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* The bytes that lower-case hex stands for, in a block of their own size. */
static inline clerk_slice_t unit_unhex(apr_pool_t *p, const char *hex)
{
    apr_size_t len = strlen(hex) / 2;
    char *bytes = apr_palloc(p, len + 1);
    apr_size_t i;

    for (i = 0; i < len; i++) {
        bytes[i] =
            (char)(unit_digit(hex[2 * i]) << 4 | unit_digit(hex[2 * i + 1]));
    }
    return unit_exact(p, bytes, len);
}

/* All claims of an identity, as `name=value;name=value;`. */
static inline const char *unit_claims(apr_pool_t *p,
                                      const clerk_identity_t *identity)
{
    const char *text = "";
    int i;

    for (i = 0; i < identity->claims->nelts; i++) {
        clerk_claim_t *claim =
            &APR_ARRAY_IDX(identity->claims, i, clerk_claim_t);

        text = apr_pstrcat(p, text, claim->name, "=", claim->value, ";", NULL);
    }
    return text;
}

#endif
