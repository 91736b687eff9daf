/* SPDX-License-Identifier: Apache-2.0 */
/* How old the key sets of processes are, and whose they are. */
#include "unit.h"

#include "clerk_ages.h"

#define MINUTE apr_time_from_sec(60)

static const clerk_moment_t noon = { APR_INT64_C(1785000000) * 1000000,
                                     APR_INT64_C(7000) * 1000000 };

static clerk_ages_book_t book_of(apr_pool_t *p)
{
    clerk_ages_book_t book = { apr_pcalloc(p, sizeof(*book.places)),
                               apr_pcalloc(p, sizeof(*book.own)) };

    return book;
}

static clerk_realm_t realm_of(int number, const char *url)
{
    clerk_realm_t realm = { .frontend_api = url };

    realm.keys_lane[1] = (unsigned char)number;
    return realm;
}

static void without_a_set_there_is_no_age(void **state)
{
    clerk_ages_book_t book = book_of(*state);
    int i;

    for (i = 0; i < CLERK_AGES_PLACES; i++) {
        assert_null(clerk_ages_name(book.places, i));
        assert_int_equal(clerk_ages_read(book.own, i, noon), -1);
    }
}

static void an_age_grows_until_there_is_a_younger_set(void **state)
{
    clerk_ages_book_t book = book_of(*state);
    clerk_realm_t realm = realm_of(1, "https://clerk.example.test");
    clerk_moment_t later = clerk_steady_later(noon, MINUTE);

    clerk_ages_note(&book, &realm, noon);
    UNIT_SAME("name", clerk_ages_name(book.places, 0),
              "https://clerk.example.test");
    assert_int_equal(clerk_ages_read(book.own, 0, noon), 0);
    assert_int_equal(clerk_ages_read(book.own, 0, later), MINUTE);
    clerk_ages_note(&book, &realm, later);
    assert_int_equal(clerk_ages_read(book.own, 0, later), 0);
    assert_null(clerk_ages_name(book.places, 1));
    clerk_ages_forget(book.own);
    assert_int_equal(clerk_ages_read(book.own, 0, later), -1);
}

/* As it does for the keyring. */
static void time_has_passed_when_either_clock_says_so(void **state)
{
    clerk_ages_book_t book = book_of(*state);
    clerk_realm_t realm = realm_of(1, "https://clerk.example.test");
    clerk_moment_t set_back = clerk_steady_later(noon, MINUTE);
    clerk_moment_t set_on = clerk_steady_later(noon, MINUTE);

    set_back.day -= 90 * MINUTE;
    set_on.day += 90 * MINUTE;
    clerk_ages_note(&book, &realm, noon);
    assert_int_equal(clerk_ages_read(book.own, 0, set_back), MINUTE);
    assert_int_equal(clerk_ages_read(book.own, 0, set_on), 91 * MINUTE);
    /* Another machine's clock, or a torn read: no age is below 0. */
    assert_int_equal(
        clerk_ages_read(book.own, 0, clerk_steady_later(noon, -MINUTE)), 0);
}

static void each_instance_has_a_place_of_all_processes(void **state)
{
    clerk_ages_book_t one = book_of(*state);
    clerk_ages_book_t other = { one.places, book_of(*state).own };
    clerk_realm_t first = realm_of(1, "https://one.example.test");
    clerk_realm_t second = realm_of(2, "https://two.example.test");

    clerk_ages_note(&one, &first, noon);
    clerk_ages_note(&other, &second, noon);
    UNIT_SAME("first", clerk_ages_name(one.places, 0), first.frontend_api);
    UNIT_SAME("second", clerk_ages_name(one.places, 1), second.frontend_api);
    assert_int_equal(clerk_ages_read(one.own, 1, noon), -1);
    assert_int_equal(clerk_ages_read(other.own, 0, noon), -1);
    assert_int_equal(clerk_ages_read(other.own, 1, noon), 0);
}

static void there_may_be_more_than_places(void **state)
{
    clerk_ages_book_t book = book_of(*state);
    clerk_ages_book_t nobodys = { NULL, NULL };
    clerk_realm_t realm;
    int i;

    for (i = 0; i < CLERK_AGES_PLACES + 3; i++) {
        realm = realm_of(i, apr_psprintf(*state, "https://%d.test", i));
        clerk_ages_note(&book, &realm, noon);
        clerk_ages_note(&nobodys, &realm, noon);
    }
    for (i = 0; i < CLERK_AGES_PLACES; i++) {
        UNIT_SAME("name", clerk_ages_name(book.places, i),
                  apr_psprintf(*state, "https://%d.test", i));
    }
}

static void a_long_name_is_cut_off(void **state)
{
    clerk_ages_book_t book = book_of(*state);
    const char *name = unit_repeat(*state, 'x', 300);
    clerk_realm_t realm = realm_of(1, name);
    apr_size_t room = sizeof(book.places->places[0].name);

    clerk_ages_note(&book, &realm, noon);
    UNIT_SAME("name", clerk_ages_name(book.places, 0),
              apr_pstrmemdup(*state, name, room - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(without_a_set_there_is_no_age),
        UNIT_TEST(an_age_grows_until_there_is_a_younger_set),
        UNIT_TEST(time_has_passed_when_either_clock_says_so),
        UNIT_TEST(each_instance_has_a_place_of_all_processes),
        UNIT_TEST(there_may_be_more_than_places),
        UNIT_TEST(a_long_name_is_cut_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
