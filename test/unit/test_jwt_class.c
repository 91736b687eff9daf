/* SPDX-License-Identifier: Apache-2.0 */
/* The class of a JWT, for every typ, cat and subject there is. */
#include "unit.h"
#include "unit_jwt.h"

#include "clerk_jwt.h"

#define SESSION "cl_B7d4PD111AAA"
#define TEMPLATE "cl_B7d4PD222AAA"
#define M2M "cl_B7d4PD333AAA"
#define IGNORE "cl_I7d4PD111III"

/* A member before which a comma is due; "" for one that is absent. */
static const char *member(apr_pool_t *p, const char *name, const char *value)
{
    return value ? apr_pstrcat(p, ",\"", name, "\":\"", value, "\"", NULL) : "";
}

typedef struct marks_t {
    const char *typ;
    const char *cat;
    const char *sub;
    const char *sid;
} marks_t;

static const char *describe(apr_pool_t *p, const marks_t *marks)
{
    return apr_pstrcat(
        p, member(p, "typ", marks->typ), member(p, "cat", marks->cat),
        member(p, "sub", marks->sub), member(p, "sid", marks->sid), NULL);
}

static clerk_kind_t kind_of(apr_pool_t *p, const marks_t *marks)
{
    const char *header =
        apr_pstrcat(p, "{\"alg\":\"RS256\"", member(p, "typ", marks->typ),
                    member(p, "cat", marks->cat), "}", NULL);
    const char *payload =
        apr_pstrcat(p, "{\"exp\":1785086400", member(p, "sub", marks->sub),
                    member(p, "sid", marks->sid), "}", NULL);
    clerk_jwt_t jwt;
    clerk_status_t status = clerk_jwt_read(
        p, unit_text(p, unit_jwt(p, header, payload, "AAAA")), &jwt);

    UNIT_CHECK(describe(p, marks),
               status == (jwt.kind ? CLERK_OK : CLERK_KIND_UNKNOWN));
    return jwt.kind;
}

typedef struct row_t {
    marks_t marks;
    clerk_kind_t kind;
} row_t;

static void check(apr_pool_t *p, const row_t *rows, apr_size_t count)
{
    apr_size_t i;

    for (i = 0; i < count; i++) {
        UNIT_CHECK(describe(p, &rows[i].marks),
                   kind_of(p, &rows[i].marks) == rows[i].kind);
    }
}

static void knows_clerk_s_own_tokens(void **state)
{
    static const row_t rows[] = {
        { { "at+jwt", NULL, "user_1", NULL }, CLERK_KIND_OAUTH },
        { { "application/at+jwt", NULL, "user_1", NULL }, CLERK_KIND_OAUTH },
        { { "at+jwt", IGNORE, "user_1", NULL }, CLERK_KIND_OAUTH },
        { { "at+jwt", "cl_B7d4PD444AAA", "user_1", NULL }, CLERK_KIND_OAUTH },
        { { "at+jwt", NULL, "user_1", "sess_1" }, CLERK_KIND_OAUTH },
        { { "at+jwt", NULL, "org_1", NULL }, CLERK_KIND_OAUTH },
        { { "JWT", SESSION, "user_1", "sess_1" }, CLERK_KIND_SESSION },
        { { NULL, SESSION, "user_1", "sess_1" }, CLERK_KIND_SESSION },
        { { "JWT", NULL, "user_1", "sess_1" }, CLERK_KIND_SESSION },
        { { NULL, NULL, "user_1", "sess_1" }, CLERK_KIND_SESSION },
        { { "JWT", IGNORE, "user_1", "sess_1" }, CLERK_KIND_SESSION },
        { { "JWT", M2M, "mch_1", NULL }, CLERK_KIND_M2M },
        { { "JWT", NULL, "mch_1", NULL }, CLERK_KIND_M2M },
        { { NULL, NULL, "mch_1", NULL }, CLERK_KIND_M2M },
        { { "JWT", IGNORE, "mch_1", NULL }, CLERK_KIND_M2M },
        { { "JWT", M2M, "mch_1", "sess_1" }, CLERK_KIND_M2M },
    };

    check(*state, rows, UNIT_COUNT(rows));
}

static void refuses_other_tokens_of_the_same_key(void **state)
{
    static const row_t rows[] = {
        /* Template tokens. */
        { { "JWT", TEMPLATE, "user_1", NULL }, CLERK_KIND_NONE },
        { { "JWT", TEMPLATE, "user_1", "sess_1" }, CLERK_KIND_NONE },
        { { "JWT", TEMPLATE, "mch_1", NULL }, CLERK_KIND_NONE },
        { { "at+jwt", TEMPLATE, "user_1", NULL }, CLERK_KIND_NONE },
        { { "JWT", IGNORE, "user_1", NULL }, CLERK_KIND_NONE },
        /* ID tokens. */
        { { "JWT", NULL, "user_1", NULL }, CLERK_KIND_NONE },
        { { NULL, NULL, "user_1", NULL }, CLERK_KIND_NONE },
        { { "JWT", NULL, "user_1", "" }, CLERK_KIND_NONE },
        /* Handshake tokens: tagged as a session, of nobody. */
        { { "JWT", SESSION, NULL, NULL }, CLERK_KIND_NONE },
        { { "JWT", SESSION, NULL, "sess_1" }, CLERK_KIND_NONE },
        { { "JWT", SESSION, "user_1", NULL }, CLERK_KIND_NONE },
    };

    check(*state, rows, UNIT_COUNT(rows));
}

static void refuses_contradictions(void **state)
{
    static const row_t rows[] = {
        { { "at+jwt", SESSION, "user_1", "sess_1" }, CLERK_KIND_NONE },
        { { "at+jwt", M2M, "user_1", NULL }, CLERK_KIND_NONE },
        { { "at+jwt", M2M, "mch_1", NULL }, CLERK_KIND_NONE },
        { { "at+jwt", NULL, "mch_1", NULL }, CLERK_KIND_NONE },
        { { "at+jwt", IGNORE, "mch_1", NULL }, CLERK_KIND_NONE },
        { { "JWT", SESSION, "mch_1", "sess_1" }, CLERK_KIND_NONE },
        { { "JWT", M2M, "user_1", "sess_1" }, CLERK_KIND_NONE },
        { { "JWT", M2M, "user_1", NULL }, CLERK_KIND_NONE },
        { { "JWT", "cl_B7d4PD444AAA", "user_1", "sess_1" }, CLERK_KIND_NONE },
        { { "JWT", "cl_B7d4PD444AAA", "mch_1", NULL }, CLERK_KIND_NONE },
        { { "JWT", "", "user_1", "sess_1" }, CLERK_KIND_NONE },
        { { "JWT", NULL, "org_1", "sess_1" }, CLERK_KIND_NONE },
        { { "JWT", NULL, "agent_1", "sess_1" }, CLERK_KIND_NONE },
    };

    check(*state, rows, UNIT_COUNT(rows));
}

static void compares_exactly(void **state)
{
    static const row_t rows[] = {
        { { "AT+JWT", NULL, "user_1", NULL }, CLERK_KIND_NONE },
        { { "at+JWT", NULL, "user_1", NULL }, CLERK_KIND_NONE },
        { { "at+jwt ", NULL, "user_1", NULL }, CLERK_KIND_NONE },
        { { " at+jwt", NULL, "user_1", NULL }, CLERK_KIND_NONE },
        { { "at+jw", NULL, "user_1", NULL }, CLERK_KIND_NONE },
        { { "at+jwtx", NULL, "user_1", NULL }, CLERK_KIND_NONE },
        { { "application/AT+jwt", NULL, "user_1", NULL }, CLERK_KIND_NONE },
        { { "application/jwt", NULL, "user_1", "sess_1" }, CLERK_KIND_NONE },
        { { "jwt", SESSION, "user_1", "sess_1" }, CLERK_KIND_NONE },
        { { "Jwt", M2M, "mch_1", NULL }, CLERK_KIND_NONE },
        { { "JWT ", SESSION, "user_1", "sess_1" }, CLERK_KIND_NONE },
        { { "", SESSION, "user_1", "sess_1" }, CLERK_KIND_NONE },
        { { "", M2M, "mch_1", NULL }, CLERK_KIND_NONE },
        { { "JWT", "CL_B7D4PD111AAA", "user_1", "sess_1" }, CLERK_KIND_NONE },
        { { "JWT", SESSION " ", "user_1", "sess_1" }, CLERK_KIND_NONE },
        { { "JWT", "cl_B7d4PD111AA", "user_1", "sess_1" }, CLERK_KIND_NONE },
        { { "JWT", SESSION, "User_1", "sess_1" }, CLERK_KIND_NONE },
        { { "JWT", SESSION, " user_1", "sess_1" }, CLERK_KIND_NONE },
        { { "JWT", SESSION, "user", "sess_1" }, CLERK_KIND_NONE },
        { { "JWT", M2M, "MCH_1", NULL }, CLERK_KIND_NONE },
        { { "at+jwt", NULL, "", NULL }, CLERK_KIND_NONE },
        { { "at+jwt", NULL, NULL, NULL }, CLERK_KIND_NONE },
        { { "JWT", M2M, NULL, NULL }, CLERK_KIND_NONE },
    };

    check(*state, rows, UNIT_COUNT(rows));
}

static int is_one_of(const char *text, const char *a, const char *b)
{
    return unit_same(text, a) || unit_same(text, b);
}

/* The table of clerk_jwt.h once more, as a formula over all combinations. */
static clerk_kind_t wanted(const marks_t *marks)
{
    int ignorable = is_one_of(marks->cat, NULL, IGNORE);

    if (!marks->sub) {
        return CLERK_KIND_NONE;
    }
    if (is_one_of(marks->typ, "at+jwt", "application/at+jwt")) {
        return (ignorable || unit_same(marks->cat, "other"))
                       && strcmp(marks->sub, "mch_1") != 0
                   ? CLERK_KIND_OAUTH
                   : CLERK_KIND_NONE;
    }
    if (!is_one_of(marks->typ, NULL, "JWT")) {
        return CLERK_KIND_NONE;
    }
    if (strcmp(marks->sub, "mch_1") == 0) {
        return ignorable || unit_same(marks->cat, M2M) ? CLERK_KIND_M2M
                                                       : CLERK_KIND_NONE;
    }
    return strcmp(marks->sub, "user_1") == 0 && marks->sid
                   && (ignorable || unit_same(marks->cat, SESSION))
               ? CLERK_KIND_SESSION
               : CLERK_KIND_NONE;
}

static void all_combinations(void **state)
{
    static const char *const typs[] = { NULL, "JWT", "at+jwt",
                                        "application/at+jwt", "other" };
    static const char *const cats[] = { NULL, SESSION, TEMPLATE,
                                        M2M,  IGNORE,  "other" };
    static const char *const subs[] = { NULL, "user_1", "mch_1", "org_1" };
    static const char *const sids[] = { NULL, "sess_1" };
    apr_size_t all = UNIT_COUNT(typs) * UNIT_COUNT(cats) * UNIT_COUNT(subs)
                     * UNIT_COUNT(sids);
    apr_size_t found[CLERK_KIND_ANY] = { 0 };
    apr_size_t i;

    for (i = 0; i < all; i++) {
        apr_size_t rest = i;
        marks_t marks;

        marks.typ = typs[rest % UNIT_COUNT(typs)];
        rest /= UNIT_COUNT(typs);
        marks.cat = cats[rest % UNIT_COUNT(cats)];
        rest /= UNIT_COUNT(cats);
        marks.sub = subs[rest % UNIT_COUNT(subs)];
        rest /= UNIT_COUNT(subs);
        marks.sid = sids[rest];
        found[kind_of(*state, &marks)]++;
        UNIT_CHECK(describe(*state, &marks),
                   kind_of(*state, &marks) == wanted(&marks));
    }
    assert_int_equal(found[CLERK_KIND_OAUTH], 24);
    assert_int_equal(found[CLERK_KIND_M2M], 12);
    assert_int_equal(found[CLERK_KIND_SESSION], 6);
}

/* `sid` of another type makes no session, and does not matter elsewhere. */
static void the_session_id_is_a_string(void **state)
{
    static const char *const values[] = { "null", "true",         "5",   "[]",
                                          "{}",   "[\"sess_1\"]", "\"\"" };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(values); i++) {
        clerk_jwt_t jwt;

        assert_int_equal(
            clerk_jwt_read(
                *state,
                clerk_slice_str(unit_jwt(
                    *state, "{\"alg\":\"RS256\"}",
                    apr_psprintf(*state, "{\"sub\":\"user_1\",\"sid\":%s}",
                                 values[i]),
                    "AAAA")),
                &jwt),
            CLERK_KIND_UNKNOWN);
        assert_int_equal(
            clerk_jwt_read(
                *state,
                clerk_slice_str(unit_jwt(
                    *state, "{\"alg\":\"RS256\"}",
                    apr_psprintf(*state, "{\"sub\":\"mch_1\",\"sid\":%s}",
                                 values[i]),
                    "AAAA")),
                &jwt),
            CLERK_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(knows_clerk_s_own_tokens),
        UNIT_TEST(refuses_other_tokens_of_the_same_key),
        UNIT_TEST(refuses_contradictions),
        UNIT_TEST(compares_exactly),
        UNIT_TEST(all_combinations),
        UNIT_TEST(the_session_id_is_a_string),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
