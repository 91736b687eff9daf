/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 with 128 bits, against its authors' vectors: the key is 00 01 …
 * 0f, the texts are the first bytes of 00 01 02 …, at any address. */
#include "unit.h"

#include "clerk_siphash.h"

static const struct {
    apr_size_t len;
    const char *digest;
} rows[] = {
    { 0, "a3817f04ba25a8e66df67214c7550293" },
    { 1, "da87c1d86b99af44347659119b22fc45" },
    { 2, "8177228da4a45dc7fca38bdef60affe4" },
    { 7, "a1f1ebbed8dbc153c0b84aa61ff08239" },
    { 8, "3b62a9ba6258f5610f83e264f31497b4" },
    { 9, "264499060ad9baabc47f8b02bb6d71ed" },
    { 15, "5493e99933b0a8117e08ec0f97cfc3d9" },
    { 16, "6ee2a4ca67b054bbfd3315bf85230577" },
    { 36, "3dc47d1f29c448461e9e76ed904f6711" },
    { 63, "5150d1772f50834a503e069a973fbd7c" },
};

static void the_vectors_come_out(void **state)
{
    unsigned char key[CLERK_SIPHASH_KEY_BYTES];
    unsigned char out[CLERK_SIPHASH_BYTES];
    apr_size_t i;

    for (i = 0; i < sizeof(key); i++) {
        key[i] = (unsigned char)i;
    }
    for (i = 0; i < UNIT_COUNT(rows); i++) {
        char *text = apr_palloc(*state, rows[i].len + 2);
        apr_size_t shift;
        apr_size_t j;

        for (shift = 0; shift < 2; shift++) {
            for (j = 0; j < rows[i].len; j++) {
                text[shift + j] = (char)j;
            }
            clerk_siphash(key, clerk_slice_make(text + shift, rows[i].len),
                          out);
            UNIT_CHECK(
                rows[i].digest,
                strcmp(unit_hex(*state, out, sizeof(out)), rows[i].digest)
                    == 0);
        }
    }
}

static void another_key_gives_another_digest(void **state)
{
    unsigned char key[CLERK_SIPHASH_KEY_BYTES] = { 0 };
    unsigned char first[CLERK_SIPHASH_BYTES];
    unsigned char second[CLERK_SIPHASH_BYTES];

    (void)state;
    clerk_siphash(key, clerk_slice_str("token"), first);
    key[15] = 1;
    clerk_siphash(key, clerk_slice_str("token"), second);
    assert_memory_not_equal(first, second, sizeof(first));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_vectors_come_out),
        UNIT_TEST(another_key_gives_another_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
