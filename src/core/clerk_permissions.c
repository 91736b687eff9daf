/* SPDX-License-Identifier: Apache-2.0 */
#include "clerk_permissions.h"

#include <apr_strings.h>
#include <apr_tables.h>

#include "clerk_feature.h"

#define LIMB_BITS 32
#define CHUNK 9 /* decimal digits that fit into a limb */

/* A mask's lowest bits; what is above them grants nothing. */
typedef struct bits_t {
    apr_uint32_t *limbs; /* the lowest first */
    apr_size_t count;
} bits_t;

/* What is granted, while it is collected. */
typedef struct grants_t {
    apr_pool_t *p;
    apr_array_header_t *texts; /* of const char * */
    apr_size_t bytes;
    int is_cut; /* there may be more */
} grants_t;

/* The elements of a list, also the empty ones, for position counts. */
static apr_array_header_t *split(apr_pool_t *p, const char *list)
{
    apr_array_header_t *elements = apr_array_make(p, 8, sizeof(clerk_slice_t));

    for (;;) {
        apr_size_t len = strcspn(list, ",");

        APR_ARRAY_PUSH(elements, clerk_slice_t) =
            clerk_slice_trim(clerk_slice_make(list, len));
        if (!list[len]) {
            return elements;
        }
        list += len + 1;
    }
}

static clerk_slice_t element(const apr_array_header_t *elements, int index)
{
    return APR_ARRAY_IDX(elements, index, clerk_slice_t);
}

/* Can it stand in a list that is separated by spaces? */
static int is_name(clerk_slice_t text)
{
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        if (text.ptr[i] == ' ' || clerk_slice_is_control(text.ptr[i])) {
            return 0;
        }
    }
    return text.len > 0;
}

static int count_of_organization(const apr_array_header_t *features)
{
    clerk_slice_t unused;
    unsigned int owners;
    int count = 0;
    int i;

    for (i = 0; i < features->nelts; i++) {
        count += clerk_feature_read(element(features, i), &owners, &unused)
                 && (owners & CLERK_FEATURE_OF_ORGANIZATION);
    }
    return count;
}

/* bits = bits * factor + add, without what overflows. */
static void multiply_add(bits_t *bits, apr_uint32_t factor, apr_uint32_t add)
{
    apr_uint64_t carry = add;
    apr_size_t i;

    for (i = 0; i < bits->count; i++) {
        carry += (apr_uint64_t)bits->limbs[i] * factor;
        bits->limbs[i] = (apr_uint32_t)(carry & 0xffffffff);
        carry >>= LIMB_BITS;
    }
}

/*
 * The lowest bits of a decimal number of any length. Not by halving it again
 * and again: that takes the square of its length. Returns 0 when it is no
 * number.
 */
static int read_mask(clerk_slice_t mask, bits_t *bits)
{
    apr_uint32_t chunk = 0;
    apr_uint32_t factor = 1;
    apr_size_t i;

    memset(bits->limbs, 0, bits->count * sizeof(*bits->limbs));
    for (i = 0; i < mask.len; i++) {
        if (mask.ptr[i] < '0' || mask.ptr[i] > '9') {
            return 0;
        }
        chunk = chunk * 10 + (apr_uint32_t)(mask.ptr[i] - '0');
        factor *= 10;
        if ((i + 1) % CHUNK == 0) {
            multiply_add(bits, factor, chunk);
            chunk = 0;
            factor = 1;
        }
    }
    multiply_add(bits, factor, chunk);
    return mask.len > 0;
}

static int has_bit(const bits_t *bits, int index)
{
    return (bits->limbs[index / LIMB_BITS] >> index % LIMB_BITS & 1) != 0;
}

static void grant(grants_t *grants, clerk_slice_t feature,
                  clerk_slice_t permission)
{
    apr_size_t bytes = strlen("org:: ") + feature.len + permission.len;

    if (!is_name(permission) || grants->texts->nelts >= CLERK_PERMISSIONS_MAX
        || grants->bytes + bytes > CLERK_PERMISSIONS_MAX_BYTES) {
        grants->is_cut = 1;
        return;
    }
    grants->bytes += bytes;
    APR_ARRAY_PUSH(grants->texts, const char *) =
        apr_psprintf(grants->p, "org:%.*s:%.*s", (int)feature.len, feature.ptr,
                     (int)permission.len, permission.ptr);
}

static void grant_all(grants_t *grants, clerk_slice_t feature,
                      const bits_t *bits, const apr_array_header_t *permissions)
{
    int i;

    for (i = 0; i < permissions->nelts; i++) {
        if (has_bit(bits, i)) {
            grant(grants, feature, element(permissions, i));
        }
    }
}

static void decode(grants_t *grants, const apr_array_header_t *permissions,
                   const apr_array_header_t *masks,
                   const apr_array_header_t *features)
{
    int by_position = masks->nelts == features->nelts;
    bits_t bits;
    int next = 0;
    int i;

    bits.count = (apr_size_t)permissions->nelts / LIMB_BITS + 1;
    bits.limbs = apr_palloc(grants->p, bits.count * sizeof(*bits.limbs));
    for (i = 0; i < features->nelts; i++) {
        clerk_slice_t feature;
        unsigned int owners;
        int mask;

        if (!clerk_feature_read(element(features, i), &owners, &feature)
            || !owners) {
            grants->is_cut = 1;
            continue;
        }
        if (!(owners & CLERK_FEATURE_OF_ORGANIZATION)) {
            continue;
        }
        mask = by_position ? i : next++;
        if (is_name(feature) && read_mask(element(masks, mask), &bits)) {
            grant_all(grants, feature, &bits, permissions);
        }
        else {
            grants->is_cut = 1;
        }
    }
}

/* A list with an element that is none is not understood at all (3.2). */
static int all_have_scopes(const apr_array_header_t *features)
{
    clerk_slice_t unused;
    unsigned int owners;
    int i;

    for (i = 0; i < features->nelts; i++) {
        if (!clerk_feature_read(element(features, i), &owners, &unused)) {
            return 0;
        }
    }
    return 1;
}

static int is_empty(const char *text)
{
    return !text || !*text;
}

const char *clerk_permissions_decode(apr_pool_t *p, const char *per,
                                     const char *fpm, const char *fea,
                                     int *is_cut)
{
    grants_t grants = { p, NULL, 0, 0 };
    apr_array_header_t *masks;
    apr_array_header_t *features;

    /* What is there, and not understood, may grant something. */
    *is_cut = !is_empty(per) || !is_empty(fpm);
    if (is_empty(per) || is_empty(fpm) || is_empty(fea)) {
        return NULL;
    }
    masks = split(p, fpm);
    features = split(p, fea);
    if (!all_have_scopes(features)) {
        return NULL;
    }
    /* Clerk's libraries disagree on what the position of a mask counts: all
     * features, or the organization's (D6 of the wire contract). */
    if (masks->nelts != features->nelts
        && masks->nelts != count_of_organization(features)) {
        return NULL;
    }
    grants.texts = apr_array_make(p, 8, sizeof(const char *));
    decode(&grants, split(p, per), masks, features);
    *is_cut = grants.is_cut;
    return grants.texts->nelts ? apr_array_pstrcat(p, grants.texts, ' ') : NULL;
}
