/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The copies of Clerk's documents that the children share, clocks that are set
 * back, and instances beside each other.
 */
#include "unit_metadata.h"

/* ------------------------------------------------------------------ */
/* The copy that the children share                                   */

static void children_share_a_copy(void **state)
{
    world_t *world = world_of(*state);
    clerk_metadata_t *second = make_home(world);
    found_t found;

    SAME(find(world), OLD);
    world->body = NEW;
    shift += FRESH / 2;
    found = find_at(world, second, SERVER, *state);
    SAME(found, OLD);
    assert_int_equal(found.is_news, 0);
    assert_int_equal(world->fetches, 1);
    assert_int_equal(world->events, 1);

    /* It is as old there as here; and what one renews, the other has. */
    shift += FRESH / 2 + SECONDS(1);
    found = find_at(world, second, SERVER, *state);
    SAME(found, NEW);
    assert_int_equal(found.is_news, 1);
    found = find(world);
    SAME(found, NEW);
    assert_int_equal(found.is_news, 0);
    assert_int_equal(world->fetches, 2);
}

/* Old as it may be, it is better than nothing. */
static void the_copy_of_another_child_will_do(void **state)
{
    static const apr_int64_t ages[] = { 300, 3600, 86399, 864000 };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(ages); i++) {
        world_t *world = world_of(*state);

        put_copy(world, OLD, SECONDS(ages[i]));
        world->says = CLERK_UNREACHABLE;
        SAME(find(world), OLD);
        SAME(find(world), OLD);
        assert_int_equal(world->fetches, 1);
        assert_int_equal(world->sets, 0);
        /* It has not become young by that. */
        world->says = CLERK_OK;
        world->body = NEW;
        shift += COOL_DOWN + SECONDS(1);
        SAME(find(world), NEW);
    }
}

static void an_older_copy_is_no_renewal(void **state)
{
    world_t *world = world_of(*state);

    SAME(find(world), OLD);
    shift += FRESH;
    put_copy(world, NEW, FRESH + SECONDS(60));
    world->says = CLERK_UNREACHABLE;
    SAME(find(world), OLD);
    assert_int_equal(world->fetches, 2);
}

static void garbage_for_a_copy_is_ignored(void **state)
{
    const char *now = apr_psprintf(*state, "%" APR_TIME_T_FMT, apr_time_now());
    const char *rows[] = {
        "",
        " ",
        "  ",
        "\n ",
        " 7",
        "x",
        "x " NEW,
        "+ " NEW,
        "- " NEW,
        "0 " NEW,
        "-1 " NEW,
        "-9223372036854775808 " NEW,
        "9223372036854775807 " NEW,
        "99999999999999999999999999 " NEW,
        NEW,
        apr_pstrcat(*state, " ", now, " " NEW, NULL),
        now,
        apr_pstrcat(*state, now, " ", NULL),
        apr_pstrcat(*state, now, " {}", NULL),
        apr_pstrcat(*state, now, " <html>", NULL),
        apr_pstrcat(*state, now, " {\"issuer\":\"https://clerk.exa", NULL),
        apr_pstrcat(*state, now, "0 " NEW, NULL),
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        world_t *world = world_of(*state);

        put_bytes(world, rows[i]);
        UNIT_SAME(rows[i], find(world).document, OLD);
        UNIT_CHECK(rows[i], world->fetches == 1);

        world = world_of(*state);
        put_bytes(world, rows[i]);
        world->says = CLERK_UNREACHABLE;
        UNIT_CHECK(rows[i], find(world).status == CLERK_UNREACHABLE);
        UNIT_CHECK(rows[i], find(world).document == NULL);
    }
}

static const char *document_of(apr_pool_t *p, apr_size_t len)
{
    static const char head[] = "{\"issuer\":\"";
    static const char tail[] = "\"}";

    return apr_pstrcat(p, head,
                       unit_repeat(p, 'x', len - strlen(head) - strlen(tail)),
                       tail, NULL);
}

/* A cache has many small entries, not a few large ones. */
static void large_documents_are_not_shared(void **state)
{
    static const struct {
        apr_size_t len;
        int is_shared;
    } rows[] = {
        { 1024, 1 },
        { 16 * 1024, 1 },
        { 16 * 1024 + 1, 0 },
        { CLERK_METADATA_MAX, 0 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        world_t *world = world_of(*state);

        world->body = document_of(*state, rows[i].len);
        SAME(find(world), world->body);
        SAME(find(world), world->body);
        assert_int_equal(world->fetches, 1);
        assert_int_equal(world->used, rows[i].is_shared);
        assert_int_equal(world->sets, rows[i].is_shared);
        SAME(find_at(world, make_home(world), SERVER, *state), world->body);
        assert_int_equal(world->fetches, rows[i].is_shared ? 1 : 2);
    }
}

/* There may be no cache, and nobody who wants to know. */
static void a_home_needs_no_cache(void **state)
{
    world_t *world = world_of(*state);

    world->cache.get = NULL;
    world->cache.set = NULL;
    world->log.called = NULL;
    world->home = make_home(world);
    SAME(find(world), OLD);
    SAME(find(world), OLD);
    assert_int_equal(world->fetches, 1);
}

/* ------------------------------------------------------------------ */
/* Clocks and instances                                               */

/* A copy from the future is as good as any, but says nothing of its age. */
static void a_clock_may_be_set_back(void **state)
{
    world_t *world = world_of(*state);

    SAME(find(world), OLD);
    shift -= SECONDS(3600);
    world->says = CLERK_UNREACHABLE;
    SAME(find(world), OLD);
    SAME(find(world), OLD);
    assert_int_equal(world->fetches, 2);
    shift += COOL_DOWN + SECONDS(1);
    world->says = CLERK_OK;
    world->body = NEW;
    SAME(find(world), NEW);
    assert_int_equal(world->fetches, 3);
    shift += FRESH - SECONDS(2);
    SAME(find(world), NEW);
    assert_int_equal(world->fetches, 3);

    /* In the midst of a cool-down. */
    shift += COOL_DOWN;
    world->says = CLERK_UNREACHABLE;
    SAME(find(world), NEW);
    shift -= SECONDS(86400);
    SAME(find(world), NEW);
    assert_int_equal(world->fetches, 5);
}

/* Each document of each instance for itself; realms of one instance share. */
static void instances_are_kept_apart(void **state)
{
    world_t *world = world_of(*state);

    SAME(find(world), OLD);
    world->body = NEW;
    SAME(find_at(world, world->home, OPENID, *state), NEW);
    assert_string_equal(world->url, "https://clerk.example.test" OPENID);
    SAME(find(world), OLD);

    world->realm.client_id = "other";
    assert_int_equal(clerk_realm_finish(&world->realm, *state), CLERK_OK);
    SAME(find(world), OLD);
    assert_int_equal(world->fetches, 2);

    world->realm.frontend_api = "https://clerk.other.test";
    assert_int_equal(clerk_realm_finish(&world->realm, *state), CLERK_OK);
    SAME(find(world), NEW);
    assert_string_equal(world->url, "https://clerk.other.test" SERVER);
    assert_int_equal(world->fetches, 3);
    assert_int_equal(world->used, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(children_share_a_copy),
        UNIT_TEST(the_copy_of_another_child_will_do),
        UNIT_TEST(an_older_copy_is_no_renewal),
        UNIT_TEST(garbage_for_a_copy_is_ignored),
        UNIT_TEST(large_documents_are_not_shared),
        UNIT_TEST(a_home_needs_no_cache),
        UNIT_TEST(a_clock_may_be_set_back),
        UNIT_TEST(instances_are_kept_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
