/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "clerk_policy.h"

#define NOW APR_INT64_C(1785000000)
#define AT(seconds) apr_time_from_sec(seconds)

static apr_array_header_t *list_of(apr_pool_t *p, const char *const *values)
{
    apr_array_header_t *list = apr_array_make(p, 2, sizeof(const char *));

    for (; *values; values++) {
        APR_ARRAY_PUSH(list, const char *) = *values;
    }
    return list;
}

static clerk_policy_t open_policy(void)
{
    clerk_policy_t policy = { .accepts = CLERK_KIND_ANY,
                              .leeway = 5,
                              .audience_mode = CLERK_AUDIENCE_ANY };

    return policy;
}

static clerk_identity_t *somebody(apr_pool_t *p)
{
    clerk_identity_t *identity = clerk_claims_make(p, CLERK_KIND_OAUTH);

    clerk_claims_add(identity, "sub", "user_1");
    return identity;
}

static void kinds_are_those_that_are_accepted(void **state)
{
    static const clerk_kind_t kinds[] = { CLERK_KIND_OAUTH, CLERK_KIND_SESSION,
                                          CLERK_KIND_M2M, CLERK_KIND_API_KEY };
    clerk_policy_t policy = open_policy();
    unsigned int accepts;
    apr_size_t i;

    for (accepts = 0; accepts <= CLERK_KIND_ANY; accepts++) {
        policy.accepts = accepts;
        for (i = 0; i < UNIT_COUNT(kinds); i++) {
            clerk_identity_t *identity = somebody(*state);
            clerk_status_t wanted =
                accepts & kinds[i] ? CLERK_OK : CLERK_KIND_NOT_ACCEPTED;

            identity->kind = kinds[i];
            assert_int_equal(clerk_policy_check_kind(&policy, kinds[i]),
                             wanted);
            assert_int_equal(clerk_policy_check(&policy, identity, AT(NOW)),
                             wanted);
        }
        assert_int_equal(clerk_policy_check_kind(&policy, CLERK_KIND_NONE),
                         CLERK_KIND_NOT_ACCEPTED);
    }
}

static void somebody_it_must_be(void **state)
{
    clerk_policy_t policy = open_policy();
    clerk_identity_t *identity = clerk_claims_make(*state, CLERK_KIND_OAUTH);

    assert_int_equal(clerk_policy_check(&policy, identity, AT(NOW)),
                     CLERK_SUBJECT_MISSING);
    clerk_claims_add(identity, "sub", "");
    assert_int_equal(clerk_policy_check(&policy, identity, AT(NOW)),
                     CLERK_SUBJECT_MISSING);
    clerk_claims_add(identity, "Sub", "user_1");
    clerk_claims_add(identity, "act.sub", "user_1");
    assert_int_equal(clerk_policy_check(&policy, identity, AT(NOW)),
                     CLERK_SUBJECT_MISSING);
}

static void proof_of_possession_is_refused(void **state)
{
    clerk_policy_t policy = open_policy();
    clerk_identity_t *identity = somebody(*state);

    identity->facts = CLERK_FACT_CONFIRMATION;
    assert_int_equal(clerk_policy_check(&policy, identity, AT(NOW)),
                     CLERK_PROOF_REQUIRED);
}

typedef struct time_row_t {
    const char *what;
    int leeway;
    apr_int64_t expires;
    apr_int64_t not_before;
    apr_int64_t issued_at;
    apr_time_t now;
    clerk_status_t wanted;
} time_row_t;

#define EXPIRED CLERK_TOKEN_EXPIRED
#define EARLY CLERK_TOKEN_NOT_YET_VALID

static const time_row_t times[] = {
    { "no times", 5, 0, 0, 0, AT(NOW), CLERK_OK },
    { "within", 5, NOW + 1, NOW - 1, NOW - 1, AT(NOW), CLERK_OK },
    { "exp in the leeway", 5, NOW, 0, 0, AT(NOW + 4), CLERK_OK },
    { "exp, last moment", 5, NOW, 0, 0, AT(NOW + 5) - 1, CLERK_OK },
    { "exp, edge", 5, NOW, 0, 0, AT(NOW + 5), EXPIRED },
    { "exp, no leeway, last moment", 0, NOW, 0, 0, AT(NOW) - 1, CLERK_OK },
    { "exp, no leeway, edge", 0, NOW, 0, 0, AT(NOW), EXPIRED },
    { "exp, largest leeway", 300, NOW, 0, 0, AT(NOW + 300) - 1, CLERK_OK },
    { "exp, largest leeway, edge", 300, NOW, 0, 0, AT(NOW + 300), EXPIRED },
    { "exp in 1970", 5, 1, 0, 0, AT(NOW), EXPIRED },
    { "exp in 9999", 5, 253402300799, 0, 0, AT(NOW), CLERK_OK },
    { "nbf, edge", 5, 0, NOW, 0, AT(NOW - 5), CLERK_OK },
    { "nbf, before the edge", 5, 0, NOW, 0, AT(NOW - 5) - 1, EARLY },
    { "nbf, no leeway, edge", 0, 0, NOW, 0, AT(NOW), CLERK_OK },
    { "nbf, no leeway", 0, 0, NOW, 0, AT(NOW) - 1, EARLY },
    { "nbf in 9999", 5, 0, 253402300799, 0, AT(NOW), EARLY },
    { "iat, edge", 5, 0, 0, NOW, AT(NOW - 5), CLERK_OK },
    { "iat, before the edge", 5, 0, 0, NOW, AT(NOW - 5) - 1, EARLY },
    { "iat, no leeway", 0, 0, 0, NOW, AT(NOW) - 1, EARLY },
    { "iat, long ago", 5, 0, 0, 1, AT(NOW), CLERK_OK },
    { "exp before nbf", 5, NOW - 100, NOW + 100, 0, AT(NOW), EXPIRED },
};

static void times_have_their_edges(void **state)
{
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(times); i++) {
        const time_row_t *row = &times[i];
        clerk_policy_t policy = open_policy();
        clerk_identity_t *identity = somebody(*state);

        policy.leeway = row->leeway;
        identity->expires = row->expires;
        identity->not_before = row->not_before;
        identity->issued_at = row->issued_at;
        UNIT_CHECK(row->what, clerk_policy_check(&policy, identity, row->now)
                                  == row->wanted);
    }
}

#define ANY CLERK_AUDIENCE_ANY
#define MUST CLERK_AUDIENCE_REQUIRED
#define MAY CLERK_AUDIENCE_IF_PRESENT
#define NO CLERK_AUDIENCE_MISMATCH
#define NONE "(none)"

/* What the audiences https://a.example/mcp, /tree/ and `client` say to a
 * token with this `aud` and client_id. */
static const struct {
    const char *aud;       /* NONE: no claim, NULL: an empty array */
    const char *client_id; /* or NULL */
    clerk_status_t any;
    clerk_status_t must;
    clerk_status_t may;
} audiences[] = {
    { "https://a.example/mcp", NULL, CLERK_OK, CLERK_OK, CLERK_OK },
    { "https://a.example/mcp/", NULL, CLERK_OK, CLERK_OK, CLERK_OK },
    { "https://a.example/mcp//", NULL, CLERK_OK, NO, NO },
    { "https://a.example/tree", NULL, CLERK_OK, CLERK_OK, CLERK_OK },
    { "https://a.example/tree/", NULL, CLERK_OK, CLERK_OK, CLERK_OK },
    { "https://a.example", NULL, CLERK_OK, NO, NO },
    { "https://a.example/", NULL, CLERK_OK, NO, NO },
    { "https://a.example/mcp/x", NULL, CLERK_OK, NO, NO },
    { "https://a.example/MCP", NULL, CLERK_OK, NO, NO },
    { "https://a.example/mc", NULL, CLERK_OK, NO, NO },
    { "https://a.example/mcp?", NULL, CLERK_OK, NO, NO },
    { " https://a.example/mcp", NULL, CLERK_OK, NO, NO },
    { "client", NULL, CLERK_OK, CLERK_OK, CLERK_OK },
    { "", NULL, CLERK_OK, NO, NO },
    { "/", NULL, CLERK_OK, NO, NO },
    { NULL, NULL, CLERK_OK, NO, NO },
    { NULL, "client", CLERK_OK, NO, NO },
    { "other", "client", CLERK_OK, NO, NO },
    { "client", "other", CLERK_OK, CLERK_OK, CLERK_OK },
    { NONE, "client", CLERK_OK, CLERK_OK, CLERK_OK },
    { NONE, "other", CLERK_OK, NO, CLERK_OK },
    { NONE, "", CLERK_OK, NO, CLERK_OK },
    { NONE, NULL, CLERK_OK, NO, CLERK_OK },
};

static void audiences_are_compared_exactly(void **state)
{
    static const char *const wanted[] = { "https://a.example/mcp",
                                          "https://a.example/tree/", "client",
                                          NULL };
    clerk_policy_t policy = open_policy();
    apr_size_t i;

    policy.audiences = list_of(*state, wanted);
    for (i = 0; i < UNIT_COUNT(audiences); i++) {
        const char *aud = audiences[i].aud;
        const char *label = aud ? aud : "[]";
        clerk_identity_t *identity = somebody(*state);

        if (!aud || strcmp(aud, NONE) != 0) {
            identity->facts = CLERK_FACT_AUDIENCE;
        }
        if (aud && strcmp(aud, NONE) != 0) {
            clerk_claims_add(identity, "aud", aud);
        }
        if (audiences[i].client_id) {
            clerk_claims_add(identity, "client_id", audiences[i].client_id);
        }
        policy.audience_mode = ANY;
        UNIT_CHECK(label, clerk_policy_check(&policy, identity, AT(NOW))
                              == audiences[i].any);
        policy.audience_mode = MUST;
        UNIT_CHECK(label, clerk_policy_check(&policy, identity, AT(NOW))
                              == audiences[i].must);
        policy.audience_mode = MAY;
        UNIT_CHECK(label, clerk_policy_check(&policy, identity, AT(NOW))
                              == audiences[i].may);
    }
}

static void one_of_many_audiences_will_do(void **state)
{
    static const char *const wanted[] = { "b", NULL };
    clerk_policy_t policy = open_policy();
    clerk_identity_t *identity = somebody(*state);

    policy.audiences = list_of(*state, wanted);
    policy.audience_mode = MUST;
    identity->facts = CLERK_FACT_AUDIENCE;
    clerk_claims_add(identity, "aud", "a");
    assert_int_equal(clerk_policy_check(&policy, identity, AT(NOW)), NO);
    clerk_claims_add(identity, "aud", "b");
    assert_int_equal(clerk_policy_check(&policy, identity, AT(NOW)), CLERK_OK);
}

/* In every mode: such a token is invalid wherever it is shown. */
static void a_malformed_audience_is_refused(void **state)
{
    static const char *const wanted[] = { "a", NULL };
    static const clerk_audience_mode_t modes[] = { ANY, MUST, MAY };
    clerk_policy_t policy = open_policy();
    clerk_identity_t *identity = somebody(*state);
    apr_size_t i;

    policy.audiences = list_of(*state, wanted);
    identity->facts = CLERK_FACT_AUDIENCE | CLERK_FACT_AUDIENCE_MALFORMED;
    clerk_claims_add(identity, "aud", "a");
    clerk_claims_add(identity, "client_id", "a");
    for (i = 0; i < UNIT_COUNT(modes); i++) {
        policy.audience_mode = modes[i];
        assert_int_equal(clerk_policy_check(&policy, identity, AT(NOW)),
                         CLERK_AUDIENCE_MALFORMED);
    }
}

/* ------------------------------------------------------------------ */
/* Signed tokens                                                      */

static clerk_identity_t *signed_of(apr_pool_t *p, clerk_kind_t kind)
{
    clerk_identity_t *identity = somebody(p);

    identity->kind = kind;
    identity->facts = CLERK_FACT_SIGNED;
    return identity;
}

static void issuers_are_compared_exactly(void **state)
{
    static const char *const wanted[] = { "https://a.example",
                                          "https://b.example/clerk", NULL };
    static const struct {
        const char *iss;
        clerk_status_t status;
    } rows[] = {
        { "https://a.example", CLERK_OK },
        { "https://b.example/clerk", CLERK_OK },
        { "https://a.example/", CLERK_ISSUER_MISMATCH },
        { "https://A.example", CLERK_ISSUER_MISMATCH },
        { "http://a.example", CLERK_ISSUER_MISMATCH },
        { "https://a.example.evil", CLERK_ISSUER_MISMATCH },
        { "https://a.exampl", CLERK_ISSUER_MISMATCH },
        { "https://b.example", CLERK_ISSUER_MISMATCH },
        { " https://a.example", CLERK_ISSUER_MISMATCH },
        { "", CLERK_ISSUER_MISMATCH },
        { NULL, CLERK_ISSUER_MISMATCH },
    };
    static const clerk_kind_t kinds[] = { CLERK_KIND_OAUTH, CLERK_KIND_SESSION,
                                          CLERK_KIND_M2M };
    clerk_policy_t policy = open_policy();
    apr_size_t i;

    policy.issuers = list_of(*state, wanted);
    for (i = 0; i < UNIT_COUNT(rows) * UNIT_COUNT(kinds); i++) {
        const char *iss = rows[i / UNIT_COUNT(kinds)].iss;
        clerk_identity_t *identity =
            signed_of(*state, kinds[i % UNIT_COUNT(kinds)]);

        if (iss) {
            clerk_claims_add(identity, "iss", iss);
        }
        UNIT_CHECK(iss ? iss : "none",
                   clerk_policy_check(&policy, identity, AT(NOW))
                       == rows[i / UNIT_COUNT(kinds)].status);
        /* What Clerk itself has said is of no other issuer. */
        identity->facts = 0;
        UNIT_CHECK(iss ? iss : "none",
                   clerk_policy_check(&policy, identity, AT(NOW)) == CLERK_OK);
    }
}

static void without_issuers_nothing_signed_is_believed(void **state)
{
    static const char *const nobody[] = { NULL };
    clerk_policy_t policy = open_policy();
    clerk_identity_t *identity = signed_of(*state, CLERK_KIND_OAUTH);

    clerk_claims_add(identity, "iss", "https://a.example");
    assert_int_equal(clerk_policy_check(&policy, identity, AT(NOW)),
                     CLERK_ISSUER_MISMATCH);
    policy.issuers = list_of(*state, nobody);
    assert_int_equal(clerk_policy_check(&policy, identity, AT(NOW)),
                     CLERK_ISSUER_MISMATCH);
}

/* D9: for sessions alone, and fail-closed. */
static void parties_must_be_listed(void **state)
{
    static const char *const issuers[] = { "https://a.example", NULL };
    static const char *const wanted[] = { "https://app.example", NULL };
    static const char *const wrong[] = { NULL,
                                         "",
                                         "https://app.example/",
                                         "https://app.example.evil",
                                         "https://APP.example",
                                         "app.example" };
    static const clerk_kind_t others[] = { CLERK_KIND_OAUTH, CLERK_KIND_M2M };
    clerk_policy_t policy = open_policy();
    clerk_identity_t *identity;
    apr_size_t i;

    policy.issuers = list_of(*state, issuers);
    policy.parties = list_of(*state, wanted);
    for (i = 0; i < UNIT_COUNT(wrong) + UNIT_COUNT(others) + 1; i++) {
        apr_size_t j = i - UNIT_COUNT(wrong);
        const char *azp = i < UNIT_COUNT(wrong) ? wrong[i] : wanted[0];
        int is_other = i > UNIT_COUNT(wrong);

        identity =
            signed_of(*state, is_other ? others[j - 1] : CLERK_KIND_SESSION);
        clerk_claims_add(identity, "iss", issuers[0]);
        if (azp && !is_other) {
            clerk_claims_add(identity, "azp", azp);
        }
        UNIT_CHECK(
            azp ? azp : "none",
            clerk_policy_check(&policy, identity, AT(NOW))
                == (i < UNIT_COUNT(wrong) ? CLERK_PARTY_MISMATCH : CLERK_OK));
    }
    /* An empty list lists nobody; no list asks nobody. */
    identity = signed_of(*state, CLERK_KIND_SESSION);
    clerk_claims_add(identity, "iss", issuers[0]);
    clerk_claims_add(identity, "azp", wanted[0]);
    policy.parties = list_of(*state, wanted + 1);
    assert_int_equal(clerk_policy_check(&policy, identity, AT(NOW)),
                     CLERK_PARTY_MISMATCH);
    policy.parties = NULL;
    assert_int_equal(clerk_policy_check(&policy, identity, AT(NOW)), CLERK_OK);
}

static void pending_sessions_wait(void **state)
{
    static const char *const issuers[] = { "https://a.example", NULL };
    clerk_policy_t policy = open_policy();
    clerk_identity_t *identity = signed_of(*state, CLERK_KIND_SESSION);

    policy.issuers = list_of(*state, issuers);
    clerk_claims_add(identity, "iss", issuers[0]);
    assert_int_equal(clerk_policy_check(&policy, identity, AT(NOW)), CLERK_OK);
    clerk_claims_add(identity, "sts", "pending");
    assert_int_equal(clerk_policy_check(&policy, identity, AT(NOW)),
                     CLERK_SESSION_PENDING);
    policy.allow_pending = 1;
    assert_int_equal(clerk_policy_check(&policy, identity, AT(NOW)), CLERK_OK);
    policy.allow_pending = 0;
    identity->kind = CLERK_KIND_M2M;
    assert_int_equal(clerk_policy_check(&policy, identity, AT(NOW)), CLERK_OK);

    identity = signed_of(*state, CLERK_KIND_SESSION);
    clerk_claims_add(identity, "iss", issuers[0]);
    clerk_claims_add(identity, "sts", "active");
    assert_int_equal(clerk_policy_check(&policy, identity, AT(NOW)), CLERK_OK);
}

/* A list that is written out binds any JWT that carries an `aud`; opaque
 * tokens of other kinds, and those without `aud`, never. */
static void explicit_audiences_bind_other_jwts(void **state)
{
    static const char *const issuers[] = { "https://a.example", NULL };
    static const char *const wanted[] = { "a", NULL };
    static const clerk_audience_mode_t modes[] = { ANY, MUST, MAY };
    static const clerk_kind_t kinds[] = { CLERK_KIND_SESSION, CLERK_KIND_M2M };
    static const char *const auds[] = { NULL, "a", "b" };
    clerk_policy_t policy = open_policy();
    int i;

    policy.issuers = list_of(*state, issuers);
    policy.audiences = list_of(*state, wanted);
    for (i = 0; i < 3 * 3 * 2 * 2 * 2; i++) {
        const char *aud = auds[i % 3];
        clerk_identity_t *identity = signed_of(*state, kinds[i / 9 % 2]);
        int is_bound;

        policy.audience_mode = modes[i / 3 % 3];
        policy.audience_is_explicit = i / 18 % 2;
        identity->facts = i / 36 ? CLERK_FACT_SIGNED : 0u;
        clerk_claims_add(identity, "iss", issuers[0]);
        clerk_claims_add(identity, "client_id", "a");
        if (aud) {
            identity->facts |= CLERK_FACT_AUDIENCE;
            clerk_claims_add(identity, "aud", aud);
        }
        is_bound = policy.audience_mode != ANY && policy.audience_is_explicit
                   && i / 36 && aud && strcmp(aud, "b") == 0;
        UNIT_CHECK(apr_itoa(*state, i),
                   clerk_policy_check(&policy, identity, AT(NOW))
                       == (is_bound ? NO : CLERK_OK));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(kinds_are_those_that_are_accepted),
        UNIT_TEST(somebody_it_must_be),
        UNIT_TEST(proof_of_possession_is_refused),
        UNIT_TEST(times_have_their_edges),
        UNIT_TEST(audiences_are_compared_exactly),
        UNIT_TEST(one_of_many_audiences_will_do),
        UNIT_TEST(a_malformed_audience_is_refused),
        UNIT_TEST(issuers_are_compared_exactly),
        UNIT_TEST(without_issuers_nothing_signed_is_believed),
        UNIT_TEST(parties_must_be_listed),
        UNIT_TEST(pending_sessions_wait),
        UNIT_TEST(explicit_audiences_bind_other_jwts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
