/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "clerk_b64.h"
#include "clerk_instance.h"

static void reads_published_keys(void **state)
{
    static const char *const rows[][2] = {
        { "pk_test_Y2xlcmsuaW5zcGlyZWQucHVtYS03NC5sY2wuZGV2JA",
          "clerk.inspired.puma-74.lcl.dev" },
        { "pk_test_Y2xlcmsuaW5zcGlyZWQucHVtYS03NC5sY2wuZGV2JA==",
          "clerk.inspired.puma-74.lcl.dev" },
        { "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k", "clerk.example.com" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *host = NULL;

        assert_int_equal(clerk_instance_host_of_key(
                             *state, unit_string(*state, rows[i][0]), &host),
                         CLERK_OK);
        UNIT_SAME(rows[i][0], host, rows[i][1]);
    }
}

static void refuses_other_keys(void **state)
{
    static const char *const rows[] = {
        "",
        "pk",
        "pk_live_",
        "pk_test_",
        "pk_live",
        "pk_prod_Y2xlcmsuZXhhbXBsZS5jb20k",
        "PK_LIVE_Y2xlcmsuZXhhbXBsZS5jb20k",
        "sk_live_Y2xlcmsuZXhhbXBsZS5jb20k",
        " pk_live_Y2xlcmsuZXhhbXBsZS5jb20k",
        "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k ",
        "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k\n",
        "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k_x",
        "pk_live_Y2xlcmsuZXhhbXBsZS5jb20",
        "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k=",
        "pk_live_!!!!",
        "clerk.example.com",
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *host = "left over";

        UNIT_CHECK(rows[i], clerk_instance_host_of_key(
                                *state, unit_string(*state, rows[i]), &host)
                                == CLERK_MISCONFIGURED);
        UNIT_CHECK(rows[i], host == NULL);
    }
}

/* Keys that decode, to something that is no host and one `$`. */
static void refuses_keys_of_other_text(void **state)
{
    static const struct {
        const char *text;
        apr_size_t len;
    } rows[] = {
#define ROW(text) { text, sizeof(text) - 1 }
        ROW("$"),
        ROW("clerk.example.com"),
        ROW("clerk.example.com$$"),
        ROW("clerk.example.com$x"),
        ROW("$clerk.example.com"),
        ROW("localhost$"),
        ROW("clerk.example.com:443$"),
        ROW("clerk.example.com/x$"),
        ROW("user@clerk.example.com$"),
        ROW("https://clerk.example.com$"),
        ROW("clerk.example.com.$"),
        ROW("clerk..com$"),
        ROW("clerk.example.com\n$"),
        ROW("clerk.example.com\0$"),
        ROW("clerk.example.com\0.evil.com$"),
        ROW("clerk.ex\xc3\xa4mple.com$"),
        ROW("clerk.example.com?$"),
        ROW("clerk.example.com#$"),
        ROW("[::1]$"),
#undef ROW
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *coded = clerk_b64_encode(
            *state, clerk_slice_make(rows[i].text, rows[i].len));
        const char *host = "left over";

        UNIT_CHECK(
            rows[i].text,
            clerk_instance_host_of_key(
                *state, apr_pstrcat(*state, "pk_test_", coded, NULL), &host)
                == CLERK_MISCONFIGURED);
        UNIT_CHECK(rows[i].text, host == NULL);
    }
}

static void knows_host_names(void **state)
{
    const char *label = unit_repeat(*state, 'a', 63);
    const char *longer = unit_repeat(*state, 'a', 64);
    const char *most = apr_pstrcat(*state, label, ".", label, ".", label, ".",
                                   unit_repeat(*state, 'a', 61), NULL);
    const struct {
        const char *host;
        int good;
    } rows[] = {
        { "clerk.example.com", 1 },
        { "foo-bar-1.clerk.accounts.dev", 1 },
        { "a.b", 1 },
        { "xn--bcher-kva.example", 1 },
        { "CLERK.Example.COM", 1 },
        { "1.2", 1 },
        { apr_pstrcat(*state, label, ".a", NULL), 1 },
        { most, 1 },
        { apr_pstrcat(*state, most, "a", NULL), 0 },
        { apr_pstrcat(*state, longer, ".a", NULL), 0 },
        { "", 0 },
        { ".", 0 },
        { "..", 0 },
        { "localhost", 0 },
        { "clerk.example.com.", 0 },
        { ".clerk.example.com", 0 },
        { "clerk..com", 0 },
        { "-clerk.example.com", 0 },
        { "clerk-.example.com", 0 },
        { "clerk_x.example.com", 0 },
        { "clerk.example.com:443", 0 },
        { "clerk.example.com/", 0 },
        { "clerk example.com", 0 },
        { "https://clerk.example.com", 0 },
        { "clerk.ex\xc3\xa4mple.com", 0 },
        { "clerk.example.com\n", 0 },
        { "*.example.com", 0 },
        { "[::1]", 0 },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK(rows[i].host,
                   clerk_instance_is_hostname(unit_string(*state, rows[i].host))
                       == rows[i].good);
    }
}

#define GOOD CLERK_URL_GOOD
#define BAD CLERK_URL_MALFORMED
#define PLAIN CLERK_URL_NOT_HTTPS

static void knows_what_may_be_spoken_to(void **state)
{
    static const struct {
        const char *url;
        clerk_url_check_t wanted;
    } rows[] = {
        { "https://clerk.example.com", GOOD },
        { "https://clerk.example.com/", GOOD },
        { "https://api.clerk.com/v1", GOOD },
        { "https://a.example:8443/b/c-d_e~f.g", GOOD },
        { "https://a.example/%41%2f", GOOD },
        { "https://a.example/a:b@c!$&'()*+,;=d", GOOD },
        { "HTTPS://a.example", GOOD },
        { "https://intranet/clerk", GOOD },
        { "https://10.0.0.1:1", GOOD },
        { "https://10.0.0.1:65535/x", GOOD },
        { "https://[2001:db8::1]/x", GOOD },
        { "https://[2001:db8::1]:443", GOOD },
        { "https://[::ffff:127.0.0.1]", GOOD },
        { "https://[::]", GOOD },

        { "http://localhost", GOOD },
        { "http://LOCALHOST:8080/x", GOOD },
        { "http://127.0.0.1", GOOD },
        { "http://127.0.0.1:8080", GOOD },
        { "http://127.255.255.255/x", GOOD },
        { "http://[::1]", GOOD },
        { "http://[::1]:8080/x", GOOD },

        { "http://clerk.example.com", PLAIN },
        { "http://localhost.example.com", PLAIN },
        { "http://xlocalhost", PLAIN },
        { "http://127.0.0.1.example.com", PLAIN },
        { "http://127.0.0", PLAIN },
        { "http://127.1", PLAIN },
        { "http://127.0.0.256", PLAIN },
        { "http://127.0.0.1111", PLAIN },
        { "http://127.0.0.01", PLAIN },
        { "http://127.0.0.1.1", PLAIN },
        { "http://127.0.0.0x1", PLAIN },
        { "http://128.0.0.1", PLAIN },
        { "http://0.0.0.0", PLAIN },
        { "http://2130706433", PLAIN },
        { "http://10.0.0.1", PLAIN },
        { "http://[::2]", PLAIN },
        { "http://[0:0:0:0:0:0:0:1]", PLAIN },
        { "http://[::ffff:127.0.0.1]", PLAIN },

        { "", BAD },
        { "https", BAD },
        { "https:", BAD },
        { "https:/", BAD },
        { "https://", BAD },
        { "https:///x", BAD },
        { "://a.example", BAD },
        { "//a.example", BAD },
        { "a.example", BAD },
        { "/x", BAD },
        { "ftp://a.example", BAD },
        { "file:///etc/passwd", BAD },
        { "javascript://a.example", BAD },
        { "httpss://a.example", BAD },
        { " https://a.example", BAD },
        { "https://a.example ", BAD },
        { "https://a.example\n", BAD },
        { "https://a.exa mple", BAD },
        { "https://a.example/a b", BAD },
        { "https://a.example/\"", BAD },
        { "https://a.example/<>", BAD },
        { "https://a.example/\\x", BAD },
        { "https://a.example\\@b.example", BAD },
        { "https://a.example/{x}", BAD },
        { "https://a.example/\xc3\xa4", BAD },
        { "https://\xc3\xa4.example/", BAD },
        { "https://a.example/\x7f", BAD },
        { "https://a.example/%", BAD },
        { "https://a.example/%4", BAD },
        { "https://a.example/%4g", BAD },
        { "https://a.example?x", BAD },
        { "https://a.example/?x=y", BAD },
        { "https://a.example/#x", BAD },
        { "https://a.example#x", BAD },
        { "https://user@a.example", BAD },
        { "https://user:pass@a.example", BAD },
        { "http://localhost@evil.example", BAD },
        { "http://127.0.0.1:80@evil.example", BAD },
        { "https://a.example:", BAD },
        { "https://a.example:0", BAD },
        { "https://a.example:65536", BAD },
        { "https://a.example:99999999999999999999", BAD },
        { "https://a.example:+1", BAD },
        { "https://a.example:-1", BAD },
        { "https://a.example:80:80", BAD },
        { "https://a.example:x", BAD },
        { "https://a..example", BAD },
        { "https://.example", BAD },
        { "https://a.example.", BAD },
        { "https://-a.example", BAD },
        { "https://a_b.example", BAD },
        { "https://[", BAD },
        { "https://[]", BAD },
        { "https://[::1", BAD },
        { "https://[::1]x", BAD },
        { "https://[::1]x80", BAD },
        { "https://[::1]]", BAD },
        { "https://[::1%25eth0]", BAD },
        { "https://[1234]", BAD },
        { "https://::1", BAD },
        { "https://::1]", BAD },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK(rows[i].url, clerk_instance_check_url(
                                    *state, unit_string(*state, rows[i].url))
                                    == rows[i].wanted);
    }
}

static void urls_have_hosts_of_names_length(void **state)
{
    const char *label = unit_repeat(*state, 'a', 63);
    const char *most =
        apr_pstrcat(*state, "https://", label, ".", label, ".", label, ".",
                    unit_repeat(*state, 'a', 61), NULL);

    assert_int_equal(clerk_instance_check_url(*state, most), GOOD);
    assert_int_equal(
        clerk_instance_check_url(*state, apr_pstrcat(*state, most, "a", NULL)),
        BAD);
    assert_int_equal(
        clerk_instance_check_url(
            *state, apr_pstrcat(*state, "https://", label, "a", NULL)),
        BAD);
}

static void trims_slashes_at_the_end(void **state)
{
    static const char *const rows[][2] = {
        { "https://a.example", "https://a.example" },
        { "https://a.example/", "https://a.example" },
        { "https://a.example///", "https://a.example" },
        { "https://a.example/v1/", "https://a.example/v1" },
        { "https://a.example//v1", "https://a.example//v1" },
        { "", "" },
        { "/", "" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_SAME(
            rows[i][0],
            clerk_instance_trim_url(*state, unit_string(*state, rows[i][0])),
            rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(reads_published_keys),
        UNIT_TEST(refuses_other_keys),
        UNIT_TEST(refuses_keys_of_other_text),
        UNIT_TEST(knows_host_names),
        UNIT_TEST(knows_what_may_be_spoken_to),
        UNIT_TEST(urls_have_hosts_of_names_length),
        UNIT_TEST(trims_slashes_at_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
