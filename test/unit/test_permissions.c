/* SPDX-License-Identifier: Apache-2.0 */
/* Masks: what comes of them was computed with another language's integers. */
#include "unit.h"

#include "clerk_permissions.h"

typedef struct row_t {
    const char *fea;
    const char *per;
    const char *fpm;
    const char *wanted;
} row_t;

static const char *granted(apr_pool_t *p, const char *per, const char *fpm,
                           const char *fea)
{
    int is_cut;

    return clerk_permissions_decode(p, per, fpm, fea, &is_cut);
}

static const char *decode(apr_pool_t *p, const row_t *row)
{
    const char *per = row->per ? unit_string(p, row->per) : NULL;
    const char *fpm = row->fpm ? unit_string(p, row->fpm) : NULL;
    const char *fea = row->fea ? unit_string(p, row->fea) : NULL;

    return granted(p, per, fpm, fea);
}

static void check(apr_pool_t *p, const row_t *rows, apr_size_t count)
{
    apr_size_t i;

    for (i = 0; i < count; i++) {
        const char *label =
            apr_psprintf(p, "%s | %s | %s", rows[i].fea ? rows[i].fea : "NULL",
                         rows[i].per ? rows[i].per : "NULL",
                         rows[i].fpm ? rows[i].fpm : "NULL");

        UNIT_SAME(label, decode(p, &rows[i]), rows[i].wanted);
    }
}

static void meets_clerk_s_vectors(void **state)
{
    static const row_t rows[] = {
        { "o:dashboard,o:teams", "manage,read", "3,2",
          "org:dashboard:manage org:dashboard:read org:teams:read" },
        { "o:impersonation,o:memberships", "read,manage", "1,3",
          "org:impersonation:read org:memberships:read org:memberships:mana"
          "ge" },
        { "o:repositories,uo:projects,u:gold",
          "read,create,update,delete,revoke", "7,21,0",
          "org:repositories:read org:repositories:create org:repositories:u"
          "pdate org:projects:read org:projects:update org:projects:revoke" },
        { "o:repositories,o:impersonation,o:billing", "manage,read,update",
          "6,0,3",
          "org:repositories:read org:repositories:update org:billing:manage"
          " org:billing:read" },
        { "u:a,o:b,o:c", "read,write", "0,1,2", "org:b:read org:c:write" },
        { "o:feature",
          "p0,p1,p2,p3,p4,p5,p6,p7,p8,p9,p10,p11,p12,p13,p14,p15,p16,p17,p1"
          "8,p19,p20,p21,p22,p23,p24,p25,p26,p27,p28,p29,p30,p31,p32,p33,p3"
          "4,p35,p36,p37,p38,p39,p40,p41,p42,p43,p44,p45,p46,p47,p48,p49,p5"
          "0,p51,p52,p53",
          "9007199254740993", "org:feature:p0 org:feature:p53" },
        { "o:feature", "p0", "-1", NULL },
        { "o:feature", "p0", "1.5", NULL },
        { "o:feature", "p0", "1x", NULL },
    };

    check(*state, rows, UNIT_COUNT(rows));
}

/* D6: what the position of a mask counts. */
static void positions_are_of_all_or_of_the_organization_s(void **state)
{
    static const row_t rows[] = {
        /* As many masks as features: a user's feature has one, too. */
        { "u:a,o:b,o:c", "read,write", "0,1,2", "org:b:read org:c:write" },
        { "u:a,o:b", "read,write", "3,1", "org:b:read" },
        { "o:b,u:a", "read,write", "1,3", "org:b:read" },
        /* As many masks as features of the organization. */
        { "u:a,o:b,o:c", "read,write", "1,2", "org:b:read org:c:write" },
        { "o:b,u:a,ou:c", "read,write", "2,1", "org:b:write org:c:read" },
        { "u:a,uo:b,u:c", "read,write", "3", "org:b:read org:b:write" },
        /* Neither. */
        { "u:a,o:b,o:c", "read,write", "1", NULL },
        { "u:a,o:b,o:c", "read,write", "1,2,3,3", NULL },
        { "o:a", "read", "1,", NULL },
        { "o:a", "read", "1,1", NULL },
        { "o:a,o:b", "read", "1", NULL },
        { "u:a", "read", "1", NULL },
        { "u:a,u:b", "read", "1", NULL },
    };

    check(*state, rows, UNIT_COUNT(rows));
}

static void unknown_elements_keep_their_position(void **state)
{
    static const row_t rows[] = {
        { "x:a,o:b", "read,write", "3,1", "org:b:read" },
        /* With an element that is none, nothing is understood. */
        { "a,o:b", "read,write", "3,1", NULL },
        { ",o:b", "read,write", "3,1", NULL },
        { ":a,o:b", "read,write", "3,1", "org:b:read" },
        { "O:a,o:b", "read,write", "3,1", "org:b:read" },
        { "oo:a,o:b", "read,write", "3,1", "org:b:read" },
        { "uou:a,o:b", "read,write", "3,1", "org:b:read" },
        { "org:a,o:b", "read,write", "3,1", "org:b:read" },
        { "o :a,o:b", "read,write", "3,1", "org:b:read" },
        { "o,o:b", "read,write", "3,1", NULL },
        { "o:b,", "read,write", "1,3", NULL },
        /* A mask that is none costs only its own feature. */
        { "o:a,o:b", "read,write", ",1", "org:b:read" },
        { "o:a,o:b", "read,write", "x,1", "org:b:read" },
        /* An empty permission keeps its bit. */
        { "o:a", ",write", "3", "org:a:write" },
        { "o:a", "read,,write", "7", "org:a:read org:a:write" },
    };

    check(*state, rows, UNIT_COUNT(rows));
}

static void blanks_are_trimmed(void **state)
{
    static const row_t rows[] = {
        { " o:a , ou:b ", " read , write ", " 3 , 1 ",
          "org:a:read org:a:write org:b:read" },
        { "\to:a\n,\r\no:b", "read\t", "1,\t1", "org:a:read org:b:read" },
        { "o: a", "read", "1", NULL },
        { "o:a b", "read", "1", NULL },
        { "o:a", "re ad", "1", NULL },
        { "o:a", "read", "1 1", NULL },
    };

    check(*state, rows, UNIT_COUNT(rows));
}

static void names_grant_only_what_they_name(void **state)
{
    static const row_t rows[] = {
        { "o:", "read", "1", NULL },
        { "o:a", "", "1", NULL },
        { "o:a\x01", "read", "1", NULL },
        { "o:a", "re\x7f", "1", NULL },
        { "o:a\nb", "read", "1", NULL },
        { "o:a\tb,o:c", "read", "1,1", "org:c:read" },
        { "o:a:b", "read", "1", "org:a:b:read" },
        { "o:\xc3\xa4", "%s%n", "1", "org:\xc3\xa4:%s%n" },
    };

    check(*state, rows, UNIT_COUNT(rows));
}

static void nothing_comes_of_nothing(void **state)
{
    static const row_t rows[] = {
        { NULL, NULL, NULL, NULL },    { NULL, "read", "1", NULL },
        { "o:a", NULL, "1", NULL },    { "o:a", "read", NULL, NULL },
        { "", "", "", NULL },          { "o:a", "read", "", NULL },
        { "", "read", "1", NULL },     { "o:a", " ", "1", NULL },
        { ",,,", ",,,", ",,,", NULL },
    };

    check(*state, rows, UNIT_COUNT(rows));
}

static void masks_are_decimal_numbers(void **state)
{
    static const row_t rows[] = {
        { "o:a", "x,y", "0", NULL },
        { "o:a", "x,y", "00", NULL },
        { "o:a", "x,y", "01", "org:a:x" },
        { "o:a", "x,y", "0000000000000000000000000000002", "org:a:y" },
        { "o:a", "x,y", "4", NULL },
        { "o:a", "x,y", "7", "org:a:x org:a:y" },
        { "o:a", "x,y", "999999999", "org:a:x org:a:y" },
        { "o:a", "x,y", "1000000001", "org:a:x" },
        { "o:a", "x,y", "4294967295", "org:a:x org:a:y" },
        { "o:a", "x,y", "4294967296", NULL },
        { "o:a", "x,y", "18446744073709551615", "org:a:x org:a:y" },
        { "o:a", "x,y", "18446744073709551616", NULL },
        { "o:a", "x,y", "18446744073709551617", "org:a:x" },
        { "o:a", "x,y", "+1", NULL },
        { "o:a", "x,y", "0x1", NULL },
        { "o:a", "x,y", "1e0", NULL },
        { "o:a", "x,y", "1_0", NULL },
        { "o:a", "x,y", "\xd9\xa1", NULL },
        { "o:a", "x,y", "1/", NULL },
        { "o:a", "x,y", "1:", NULL },
        { "o:a", "x,y", "100000000000000000000x", NULL },
    };

    check(*state, rows, UNIT_COUNT(rows));
}

/* The names p0, p1, … of so many permissions. */
static const char *permissions(apr_pool_t *p, int count)
{
    const char *list = "p0";
    int i;

    for (i = 1; i < count; i++) {
        list = apr_psprintf(p, "%s,p%d", list, i);
    }
    return list;
}

/* Is one of the permissions `org:f:p<index>`? */
static int has(apr_pool_t *p, const char *granted, int index)
{
    const char *name = apr_psprintf(p, "org:f:p%d", index);
    const char *at = strstr(granted, name);
    apr_size_t len = strlen(name);

    while (at && at[len] && at[len] != ' ') {
        at = strstr(at + len, name);
    }
    return at != NULL;
}

static void masks_may_have_200_digits(void **state)
{
    static const struct {
        const char *mask;
        int permissions;
        int granted;
        apr_uint32_t sum; /* over the bits, the lowest first */
    } rows[] = {
        { "49682733307390651924", 70, 35, 0x707b92ff },
        { "626473895132793207197145200977075968261224722742546226997207", 200,
          111, 0xdc90e18b },
        { "4879653672516997713616424515172475188874100702467898463697904968"
          "7091568308765022323126597967558342415296538156916232261597152719"
          "9520366807571854053623469722624350805783762248871678154481243236"
          "38461609",
          40, 22, 0x49425e46 },
        { "1198712107971217506398178975557389053912271325441609209179944160"
          "9659488765961241188004073622512176514959612788629243169467399195"
          "4268359651065642178756331662175646004144819591163719815446151173"
          "58181064",
          664, 324, 0x7c9bb326 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *all =
            granted(*state, permissions(*state, rows[i].permissions),
                    rows[i].mask, "o:f");
        apr_uint32_t sum = 0;
        int count = 0;
        int bit;

        for (bit = 0; bit < rows[i].permissions; bit++) {
            int set = has(*state, all, bit);

            count += set;
            sum = sum * 31 + (apr_uint32_t)set;
        }
        assert_int_equal(count, rows[i].granted);
        assert_int_equal(sum, rows[i].sum);
    }
}

static int count_of(const char *granted)
{
    int count = 1;

    for (; *granted; granted++) {
        count += *granted == ' ';
    }
    return count;
}

/* A long name times many permissions would fill the memory. */
static void long_names_come_to_an_end(void **state)
{
    const char *fea =
        apr_pstrcat(*state, "o:", unit_repeat(*state, 'f', 3000), NULL);
    const char *all;
    int is_cut;

    assert_int_equal(count_of(granted(*state, "a,a,a,a", "15", fea)), 4);
    all = clerk_permissions_decode(*state, "a,a,a,a,a,a,a,a", "255", fea,
                                   &is_cut);
    assert_int_equal(count_of(all), 5);
    assert_true(strlen(all) < CLERK_PERMISSIONS_MAX_BYTES);
    assert_int_equal(is_cut, 1);
}

static void at_most_512_are_granted(void **state)
{
    const char *fea = "o:f";
    const char *fpm = "1023";
    int is_cut;
    int i;

    for (i = 1; i < 60; i++) {
        fea = apr_pstrcat(*state, fea, ",o:f", NULL);
        fpm = apr_pstrcat(*state, fpm, ",1023", NULL);
    }
    assert_int_equal(count_of(clerk_permissions_decode(
                         *state, permissions(*state, 10), fpm, fea, &is_cut)),
                     CLERK_PERMISSIONS_MAX);
    assert_int_equal(is_cut, 1);
}

/* Whatever is there and not understood might grant something. */
static void what_is_not_understood_is_told(void **state)
{
    static const struct {
        const char *per;
        const char *fpm;
        const char *fea;
        int is_cut;
    } rows[] = {
        { NULL, NULL, NULL, 0 },
        { NULL, NULL, "o:a", 0 },
        { "", "", "", 0 },
        { "read", "1", "o:a", 0 },
        { "read", "0", "o:a", 0 },
        { "read", "2", "o:a", 0 },
        { "read", "1,1", "o:a,u:b", 0 },
        { "read", "1", "uo:a", 0 },
        { "read", NULL, "o:a", 1 },
        { NULL, "1", "o:a", 1 },
        { "read", "1", NULL, 1 },
        { "read", "1,1", "o:a", 1 },
        { "read", "1", "o:a,o:b", 1 },
        { "read", "0x1", "o:a", 1 },
        { "read", "", "o:a", 1 },
        { "read", "1,1", "o:a,broken", 1 },
        { "read", "1,1", "o:a,ot:b", 1 },
        { "re ad", "1", "o:a", 1 },
        { "read", "1", "o:a b", 1 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        int is_cut = -1;

        (void)clerk_permissions_decode(*state, rows[i].per, rows[i].fpm,
                                       rows[i].fea, &is_cut);
        UNIT_CHECK(apr_psprintf(*state, "row %d", (int)i),
                   is_cut == rows[i].is_cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(meets_clerk_s_vectors),
        UNIT_TEST(positions_are_of_all_or_of_the_organization_s),
        UNIT_TEST(unknown_elements_keep_their_position),
        UNIT_TEST(blanks_are_trimmed),
        UNIT_TEST(names_grant_only_what_they_name),
        UNIT_TEST(nothing_comes_of_nothing),
        UNIT_TEST(masks_are_decimal_numbers),
        UNIT_TEST(masks_may_have_200_digits),
        UNIT_TEST(long_names_come_to_an_end),
        UNIT_TEST(at_most_512_are_granted),
        UNIT_TEST(what_is_not_understood_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
