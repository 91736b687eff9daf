/* SPDX-License-Identifier: Apache-2.0 */
/* An identity in one block: the same wherever it is copied to, and of nothing
 * that it was made of but the names of what is told. */
#include "unit.h"

#include "clerk_image.h"

static clerk_identity_t *identity_of(apr_pool_t *p)
{
    clerk_identity_t *identity = clerk_claims_make(p, CLERK_KIND_SESSION);

    identity->facts = CLERK_FACT_SIGNED;
    identity->expires = 1785000060;
    identity->issued_at = 1785000000;
    clerk_claims_add(identity, "sub", "user_2");
    clerk_claims_add(identity, "aud", "one");
    clerk_claims_add(identity, "aud", "two");
    clerk_claims_add(identity, "empty", "");
    return identity;
}

static apr_array_header_t *pairs_of(apr_pool_t *p)
{
    apr_array_header_t *pairs = apr_array_make(p, 2, sizeof(clerk_pair_t));
    clerk_pair_t *pair = apr_array_push(pairs);

    pair->variable = "CLERK_SUBJECT";
    pair->header = NULL;
    pair->value = apr_pstrdup(p, "user_2");
    pair = apr_array_push(pairs);
    pair->variable = NULL;
    pair->header = "X-Clerk-Expires";
    pair->value = apr_pstrdup(p, "1785000060");
    return pairs;
}

/* Out of things that are no more. */
static clerk_image_t *image_of(apr_pool_t *p)
{
    clerk_record_t record = { 1785000001, CLERK_OK, NULL };
    const apr_array_header_t *pairs;
    clerk_image_t *image;
    apr_pool_t *scratch;
    const char *user;

    assert_int_equal(apr_pool_create(&scratch, NULL), APR_SUCCESS);
    record.identity = identity_of(scratch);
    pairs = pairs_of(scratch);
    user = apr_pstrdup(scratch, "user_2");
    image = clerk_image_make(p, &record, user, pairs);
    assert_true(image->size == clerk_image_size(record.identity, user, pairs));
    apr_pool_destroy(scratch);
    return image;
}

static void check_image(const clerk_image_t *image)
{
    const clerk_identity_t *identity = &image->identity;

    assert_true(image->verified_at == 1785000001);
    UNIT_SAME("user", image->user, "user_2");
    assert_int_equal(image->user_len, 6);
    assert_int_equal(identity->kind, CLERK_KIND_SESSION);
    assert_int_equal(identity->facts, CLERK_FACT_SIGNED);
    assert_true(identity->expires == 1785000060);
    assert_true(identity->issued_at == 1785000000);
    assert_int_equal(identity->claims->nelts, 4);
    UNIT_SAME("sub", clerk_claims_get(identity, "sub"), "user_2");
    UNIT_SAME("empty", clerk_claims_get(identity, "empty"), "");
    UNIT_SAME("none", clerk_claims_get(identity, "azp"), NULL);
    UNIT_SAME("second", APR_ARRAY_IDX(identity->claims, 2, clerk_claim_t).value,
              "two");
    assert_int_equal(image->pair_count, 2);
    UNIT_SAME("variable", image->pairs[0].variable, "CLERK_SUBJECT");
    UNIT_SAME("no header", image->pairs[0].header, NULL);
    UNIT_SAME("value", image->pairs[0].value, "user_2");
    UNIT_SAME("no variable", image->pairs[1].variable, NULL);
    UNIT_SAME("header", image->pairs[1].header, "X-Clerk-Expires");
    UNIT_SAME("last", image->pairs[1].value, "1785000060");
}

static void it_says_what_it_was_made_of(void **state)
{
    check_image(image_of(*state));
}

static void copies_are_as_good(void **state)
{
    clerk_image_t *image = image_of(*state);
    clerk_image_t *first = apr_pmemdup(*state, image, image->size);
    clerk_image_t *second;

    clerk_image_settle(first);
    /* A copy of a copy, of which nothing is left. */
    second = apr_pmemdup(*state, first, first->size);
    clerk_image_settle(second);
    memset(image, 'x', image->size);
    check_image(first);
    memset(first, 'x', second->size);
    check_image(second);
}

static void there_may_be_nothing_to_tell(void **state)
{
    clerk_record_t record = { 1, CLERK_OK,
                              clerk_claims_make(*state, CLERK_KIND_OAUTH) };
    clerk_image_t *image;

    image = clerk_image_make(*state, &record, "x",
                             apr_array_make(*state, 1, sizeof(clerk_pair_t)));
    image = apr_pmemdup(*state, image, image->size);
    clerk_image_settle(image);
    assert_int_equal(image->pair_count, 0);
    assert_int_equal(image->identity.claims->nelts, 0);
    UNIT_SAME("user", image->user, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(it_says_what_it_was_made_of),
        UNIT_TEST(copies_are_as_good),
        UNIT_TEST(there_may_be_nothing_to_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
