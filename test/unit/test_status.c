/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "clerk_status.h"

static int is_word(const char *name)
{
    return *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
}

/* RFC 6750 section 3: what an error_description may hold. */
static int is_quotable(const char *sentence)
{
    for (; *sentence; sentence++) {
        if (*sentence < 0x20 || *sentence > 0x7e || *sentence == '"'
            || *sentence == '\\') {
            return 0;
        }
    }
    return 1;
}

static void every_row_is_filled_in(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < CLERK_STATUS_COUNT; i++) {
        const clerk_status_info_t *row = clerk_status_info((clerk_status_t)i);

        assert_non_null(row->name);
        UNIT_CHECK(row->name, is_word(row->name));
        if (i == CLERK_OK) {
            continue;
        }
        UNIT_CHECK(row->name, row->error && is_word(row->error));
        UNIT_CHECK(row->name, row->sentence && *row->sentence);
        UNIT_CHECK(row->name, is_quotable(row->sentence));
    }
}

static void names_are_unique(void **state)
{
    int i;
    int j;

    (void)state;
    for (i = 0; i < CLERK_STATUS_COUNT; i++) {
        for (j = 0; j < i; j++) {
            const char *name = clerk_status_info((clerk_status_t)i)->name;

            UNIT_CHECK(
                name,
                !unit_same(name, clerk_status_info((clerk_status_t)j)->name));
        }
    }
}

/* A client's fault never becomes 5xx, and Clerk's fault never becomes 401. */
static void class_and_http_status_agree(void **state)
{
    static const int wanted[] = {
        [CLERK_CLASS_OK] = 0,         [CLERK_CLASS_REJECT] = -1,
        [CLERK_CLASS_UPSTREAM] = 503, [CLERK_CLASS_CONFIG] = 500,
        [CLERK_CLASS_INTERNAL] = 500,
    };
    int i;

    (void)state;
    for (i = 0; i < CLERK_STATUS_COUNT; i++) {
        const clerk_status_info_t *row = clerk_status_info((clerk_status_t)i);

        assert_int_equal(clerk_status_class((clerk_status_t)i),
                         row->status_class);
        if (row->status_class == CLERK_CLASS_REJECT) {
            UNIT_CHECK(row->name, row->http == 400 || row->http == 401
                                      || row->http == 403);
        }
        else {
            UNIT_CHECK(row->name, row->http == wanted[row->status_class]);
            UNIT_CHECK(row->name, row->challenge == NULL);
        }
    }
    assert_int_equal(clerk_status_class(CLERK_OK), CLERK_CLASS_OK);
}

/* RFC 6750 section 3.1 */
static void challenge_and_http_status_agree(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < CLERK_STATUS_COUNT; i++) {
        const clerk_status_info_t *row = clerk_status_info((clerk_status_t)i);

        if (!row->challenge) {
            continue;
        }
        UNIT_SAME(row->name, row->challenge,
                  row->http == 400   ? "invalid_request"
                  : row->http == 401 ? "invalid_token"
                                     : "insufficient_scope");
    }
    assert_null(clerk_status_info(CLERK_NO_TOKEN)->challenge);
    assert_int_equal(clerk_status_info(CLERK_NO_TOKEN)->http, 401);
}

/* With another scope these would be refused all the same. */
static void some_refusals_ask_for_nothing(void **state)
{
    static const clerk_status_t statuses[] = { CLERK_ACCESS_DENIED,
                                               CLERK_REMOTE_USER_MISSING,
                                               CLERK_ORIGIN_REFUSED };
    apr_size_t i;

    (void)state;
    for (i = 0; i < UNIT_COUNT(statuses); i++) {
        const clerk_status_info_t *row = clerk_status_info(statuses[i]);

        UNIT_CHECK(row->name, row->http == 403);
        UNIT_CHECK(row->name, row->status_class == CLERK_CLASS_REJECT);
        UNIT_SAME(row->name, row->challenge, NULL);
        UNIT_SAME(row->name, row->error, "access_denied");
    }
}

static void out_of_range_is_internal(void **state)
{
    static const int values[] = { -1, CLERK_STATUS_COUNT, 9999, -2147483647 };
    apr_size_t i;

    (void)state;
    for (i = 0; i < UNIT_COUNT(values); i++) {
        assert_ptr_equal(clerk_status_info((clerk_status_t)values[i]),
                         clerk_status_info(CLERK_INTERNAL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_filled_in),
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(class_and_http_status_agree),
        cmocka_unit_test(challenge_and_http_status_agree),
        cmocka_unit_test(some_refusals_ask_for_nothing),
        cmocka_unit_test(out_of_range_is_internal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
