/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_image.h"

/*
 * In the block, one behind the other: the image, the claims, the pairs, the
 * texts. A text that several of them point to is there for each of them.
 */

static apr_size_t size_of_text(const char *text)
{
    return strlen(text) + 1;
}

apr_size_t clerk_image_size(const clerk_identity_t *identity, const char *user,
                            const apr_array_header_t *pairs)
{
    apr_size_t size = sizeof(clerk_image_t) + size_of_text(user);
    int i;

    for (i = 0; i < identity->claims->nelts; i++) {
        const clerk_claim_t *claim =
            &APR_ARRAY_IDX(identity->claims, i, clerk_claim_t);

        size += sizeof(*claim) + size_of_text(claim->name)
                + size_of_text(claim->value);
    }
    for (i = 0; i < pairs->nelts; i++) {
        size += sizeof(clerk_pair_t)
                + size_of_text(APR_ARRAY_IDX(pairs, i, clerk_pair_t).value);
    }
    return size;
}

/* Copy a text behind what is there already. */
static const char *put_text(char **end, const char *text)
{
    char *copy = *end;
    apr_size_t size = size_of_text(text);

    memcpy(copy, text, size);
    *end += size;
    return copy;
}

static void put_claims(clerk_image_t *image, const clerk_identity_t *identity,
                       char **end)
{
    clerk_claim_t *claim = (clerk_claim_t *)(void *)(image + 1);
    int i;

    image->identity = *identity;
    image->claims = *identity->claims;
    image->claims.pool = NULL;
    image->claims.nalloc = image->claims.nelts;
    image->claims.elts = (char *)claim;
    image->identity.claims = &image->claims;
    for (i = 0; i < identity->claims->nelts; i++) {
        claim[i] = APR_ARRAY_IDX(identity->claims, i, clerk_claim_t);
        claim[i].name = put_text(end, claim[i].name);
        claim[i].value = put_text(end, claim[i].value);
    }
}

static void put_pairs(clerk_image_t *image, const apr_array_header_t *pairs,
                      char **end)
{
    int i;

    image->pair_count = pairs->nelts;
    for (i = 0; i < pairs->nelts; i++) {
        image->pairs[i] = APR_ARRAY_IDX(pairs, i, clerk_pair_t);
        image->pairs[i].value = put_text(end, image->pairs[i].value);
    }
}

clerk_image_t *clerk_image_make(apr_pool_t *p, const clerk_record_t *record,
                                const char *user,
                                const apr_array_header_t *pairs)
{
    const clerk_identity_t *identity = record->identity;
    apr_size_t size = clerk_image_size(identity, user, pairs);
    clerk_image_t *image = apr_pcalloc(p, size);
    clerk_claim_t *claims = (clerk_claim_t *)(void *)(image + 1);
    char *end;

    image->here = (const char *)image;
    image->size = size;
    image->verified_at = record->verified_at;
    image->pairs = (clerk_pair_t *)(void *)(claims + identity->claims->nelts);
    end = (char *)(image->pairs + pairs->nelts);
    image->user = put_text(&end, user);
    image->user_len = strlen(user);
    put_claims(image, identity, &end);
    put_pairs(image, pairs, &end);
    return image;
}

/* What was at a place in the original is at the same one in the copy. */
#define SETTLED(copy, here, place) \
    ((void *)((char *)(copy) + ((const char *)(place) - (here))))

void clerk_image_settle(clerk_image_t *copy)
{
    const char *here = copy->here;
    clerk_claim_t *claim;
    int i;

    copy->here = (const char *)copy;
    copy->user = SETTLED(copy, here, copy->user);
    copy->pairs = SETTLED(copy, here, copy->pairs);
    copy->identity.claims = &copy->claims;
    claim = SETTLED(copy, here, copy->claims.elts);
    copy->claims.elts = (char *)claim;
    for (i = 0; i < copy->claims.nelts; i++) {
        claim[i].name = SETTLED(copy, here, claim[i].name);
        claim[i].value = SETTLED(copy, here, claim[i].value);
    }
    for (i = 0; i < copy->pair_count; i++) {
        copy->pairs[i].value = SETTLED(copy, here, copy->pairs[i].value);
    }
}
