#include "http/server.h"
#include "test.h"

static void ck_query(const char *query, const char *key, const char *want)
{
    AUTO(arena) a = arena_new(0);
    bool found = true;
    str v = STR("untouched");
    ck_ok(http_query(a, str_of(query), key, &found, &v));
    ck_assert_msg(found == (want != NULL), "%s in %s", key, query);
    ck_assert_msg(str_is(v, want ? want : ""), "%s in %s: '%.*s'", key, query, STR_ARG(v));
}

TEST(a_value_is_found_and_decoded)
{
    ck_query("a=1&b=2", "a", "1");
    ck_query("a=1&b=2", "b", "2");
    ck_query("a=1&b=2", "c", NULL);
    ck_query("", "a", NULL);
    ck_query("a", "a", "");
    ck_query("a=", "a", "");
    ck_query("a=1=2", "a", "1=2");
    ck_query("a=1&a=2", "a", "1");
    ck_query("&&a=1&", "a", "1");
    ck_query("a=x%20y+z%2B", "a", "x y z+");
    ck_query("%61%5B%5D=1", "a[]", "1");
    ck_query("a=%C3%A4", "a", "\xc3\xa4");
    ck_query("ab=1", "a", NULL);
}

TEST(a_bad_escape_is_refused_and_the_result_untouched)
{
    static const char *const bad[] = {"a=%",    "a=%1",      "a=%1g", "a=%g1",
                                      "a=%%20", "%zz=1&a=1", "a=%00"};
    for (size_t i = 0; i < countof(bad); i++) {
        AUTO(arena) a = arena_new(0);
        bool found = true;
        str v = STR("untouched");
        ck_err(http_query(a, str_of(bad[i]), "a", &found, &v), ERR_FORMAT);
        ck_assert(found && str_is(v, "untouched"));
    }
}

TEST(a_path_keeps_its_plus)
{
    AUTO(arena) a = arena_new(0);
    str v;
    ck_ok(http_unescape(a, STR("/a+b%2fc"), &v));
    ck_assert(str_is(v, "/a+b/c"));
    ck_ok(http_unescape(a, STR(""), &v));
    ck_assert(str_is(v, ""));
    ck_err(http_unescape(a, STR("%4"), &v), ERR_FORMAT);
}

TESTS("http/query", a_value_is_found_and_decoded, a_bad_escape_is_refused_and_the_result_untouched,
      a_path_keeps_its_plus)
