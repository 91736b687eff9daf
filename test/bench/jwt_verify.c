/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to verify a JWT, beside OpenSSL's verification of the same
 * signature and nothing else: processor time of this thread, in rounds of one
 * and the other. Ends with status 1 when the median of the rounds' ratios is
 * above the mark.
 */
#include <stdio.h>
#include <time.h>

#include "unit.h"

#include "clerk_jwt.h"
#include "clerk_verify.h"
#include "unit_jwt.h"

#define MARK 1.3
#define ROUNDS 41
#define TOKENS 200 /* of a round */

static const char header[] =
    "{\"alg\":\"RS256\",\"kid\":\"" UNIT_KID "\",\"typ\":\"at+jwt\"}";
static const char payload[] =
    "{\"iss\":\"https://clerk.example.test\","
    "\"sub\":\"user_2abcdefghijklmnopqrstuvwxyz\","
    "\"client_id\":\"5d25P5uFMQsN6W2D\",\"scope\":\"profile email\","
    "\"jti\":\"oat_0ef5a7a33d87ed87ee7954c845d80450\","
    "\"iat\":1785000000,\"exp\":1785086400}";

static apr_time_t clock_of_the_token(void)
{
    return apr_time_from_sec(1785000100);
}

static clerk_status_t check(void *self, const clerk_realm_t *realm,
                            const clerk_jwt_t *jwt, clerk_proof_t *proof,
                            apr_pool_t *p)
{
    (void)realm;
    (void)proof;
    (void)p;
    return clerk_crypto_rsa_verify(self, jwt->alg, jwt->signed_text,
                                   jwt->signature);
}

static double seconds_used(void)
{
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static double time_bare(EVP_PKEY *key, const clerk_jwt_t *jwt)
{
    double began = seconds_used();
    int i;

    for (i = 0; i < TOKENS; i++) {
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();

        assert_int_equal(
            EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL),
            1);
        assert_int_equal(
            EVP_DigestVerify(ctx, (const unsigned char *)jwt->signature.ptr,
                             jwt->signature.len,
                             (const unsigned char *)jwt->signed_text.ptr,
                             jwt->signed_text.len),
            1);
        EVP_MD_CTX_free(ctx);
    }
    return seconds_used() - began;
}

static double time_ours(const clerk_ports_t *ports, const clerk_terms_t *terms,
                        const char *authorization, apr_pool_t *parent)
{
    double began = seconds_used();
    clerk_verdict_t verdict;
    clerk_token_t token;
    apr_pool_t *p;
    int i;

    apr_pool_create(&p, parent);
    for (i = 0; i < TOKENS; i++) {
        assert_int_equal(clerk_token_from_authorization(authorization, &token),
                         CLERK_OK);
        assert_int_equal(clerk_verify(ports, terms, &token, p, &verdict),
                         CLERK_OK);
        apr_pool_clear(p);
    }
    apr_pool_destroy(p);
    return seconds_used() - began;
}

static int by_size(const void *a, const void *b)
{
    double first = *(const double *)a;
    double second = *(const double *)b;

    return (first > second) - (first < second);
}

static void make_terms(clerk_terms_t *terms, apr_pool_t *p)
{
    apr_array_header_t *issuers = apr_array_make(p, 1, sizeof(const char *));

    APR_ARRAY_PUSH(issuers, const char *) = "https://clerk.example.test";
    memset(terms, 0, sizeof(*terms));
    terms->realm.frontend_api = "https://clerk.example.test";
    terms->policy.accepts = CLERK_KIND_OAUTH;
    terms->policy.issuers = issuers;
    assert_int_equal(clerk_realm_finish(&terms->realm, p), CLERK_OK);
}

static void compare(void **state)
{
    apr_pool_t *p = *state;
    const char *text = unit_signed_jwt(p, header, payload, "SHA256");
    const char *authorization = apr_pstrcat(p, "Bearer ", text, NULL);
    EVP_PKEY *key = unit_private_key();
    clerk_ports_t ports = { .now = clock_of_the_token };
    double ratios[ROUNDS];
    clerk_terms_t terms;
    clerk_rsa_t *rsa;
    clerk_jwt_t jwt;
    int i;

    make_terms(&terms, p);
    assert_int_equal(clerk_crypto_rsa_from_pem(p, UNIT_RSA_SPKI, &rsa),
                     CLERK_OK);
    ports.keys.self = rsa;
    ports.keys.check = check;
    assert_int_equal(clerk_jwt_read(p, clerk_slice_str(text), &jwt), CLERK_OK);
    for (i = 0; i < ROUNDS; i++) {
        double bare = time_bare(key, &jwt);

        ratios[i] = time_ours(&ports, &terms, authorization, p) / bare;
    }
    EVP_PKEY_free(key);
    qsort(ratios, ROUNDS, sizeof(ratios[0]), by_size);
    printf("JWT verified, beside OpenSSL's verification of its signature: "
           "%.2f (%.2f to %.2f; mark %.2f)\n",
           ratios[ROUNDS / 2], ratios[0], ratios[ROUNDS - 1], MARK);
    assert_true(ratios[ROUNDS / 2] <= MARK);
}

int main(void)
{
    const struct CMUnitTest tests[] = { UNIT_TEST(compare) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
