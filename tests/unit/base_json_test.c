#include "base/json.h"

#include <math.h>
#include <string.h>

#include "test.h"

static const char *why(arena *a, const char *text, err want)
{
    yyjson_val *v = NULL;
    ck_err(json_parse(a, str_of(text), "body", &v), want);
    ck_assert_ptr_null(v);
    return err_message();
}

static yyjson_val *parsed(arena *a, const char *text)
{
    yyjson_val *v = NULL;
    ck_ok(json_parse(a, str_of(text), "body", &v));
    return v;
}

TEST(valid_json_is_read_and_printed_again)
{
    static const char *const good[] = {"{}",
                                       "[]",
                                       "null",
                                       "\"\"",
                                       "-0.0",
                                       "[1,2.5,1e300,\"\xC3\xA9\",true,false,null]",
                                       "{\"a\":{\"b\":[[],{}]}}",
                                       "18446744073709551615",
                                       "-9223372036854775808"};
    AUTO(arena) a = arena_new(0);
    for (size_t i = 0; i < countof(good); i++) {
        buf b;
        buf_init(&b, 1000);
        json_write(&b, parsed(a, good[i]));
        ck_assert(str_is(buf_str(&b), good[i]));
        buf_done(&b);
    }
}

TEST(the_text_needs_no_nul_and_is_not_kept)
{
    AUTO(arena) a = arena_new(0);
    char text[] = "{\"a\":\"bc\"}garbage";
    yyjson_val *v;
    ck_ok(json_parse(a, (str){text, 10}, "body", &v));
    memset(text, 'x', sizeof text);
    str s;
    ck_ok(json_get_str(v, "", "a", &s));
    ck_assert(str_is(s, "bc"));
}

TEST(what_is_no_json_is_refused_with_its_place)
{
    AUTO(arena) a = arena_new(0);
    ck_assert_str_eq(
        why(a, "{\"a\":\n  }", ERR_FORMAT),
        "body: line 2, column 3 (byte 8): unexpected character, expected a valid JSON value");
    ck_assert_str_eq(why(a, "", ERR_FORMAT), "body: line 1, column 1 (byte 0): empty, want JSON");
    static const char *const bad[] = {
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "'a'",
        "NaN",
        "Infinity",
        "01",
        "1.",
        "+1",
        ".5",
        "1e",
        "nul",
        "[1 2]",
        "\"\n\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "// c\n1",
        "1 2",
        "\xEF\xBB\xBF{}",
        "\"\xff\"",
        "1e999",
        "[",
        "\"\xED\xA0\x80\"",
        "{\"a\"}",
        "{1:2}",
        "]",
    };
    for (size_t i = 0; i < countof(bad); i++)
        ck_assert(str_starts(str_of(why(a, bad[i], ERR_FORMAT)), "body: line "));
}

TEST(a_key_that_stands_twice_is_refused_with_its_place)
{
    AUTO(arena) a = arena_new(0);
    ck_assert_str_eq(why(a, "{\"a\":1,\n \"b\":2, \"a\":3}", ERR_FORMAT),
                     "body: line 2, column 9 (byte 16): duplicate key \"a\"");
    why(a, "[{\"x\":{\"a\\u0062\":1,\"ab\":2}}]", ERR_FORMAT);
    why(a, "{\"\":1,\"\":2}", ERR_FORMAT);
    why(a, "{\"a\\u0000b\":1,\"a\\u0000b\":1}", ERR_FORMAT);
    parsed(a, "{\"a\\u0000b\":1,\"a\\u0000c\":1,\"a\":2}");
    parsed(a, "[{\"a\":1},{\"a\":1}]");
}

/* many prints an object of n keys; the last is key number `last`. */
static str many(arena *a, size_t n, size_t last)
{
    buf b;
    buf_init(&b, 64 << 20);
    for (size_t i = 0; i < n; i++)
        buf_fmt(&b, "%c\"key_number_%zu\":%zu", i ? ',' : '{', i + 1 < n ? i : last, i);
    buf_putc(&b, '}');
    str s = str_dup(a, buf_str(&b));
    buf_done(&b);
    return s;
}

TEST(a_large_object_is_checked_as_well_and_in_good_time)
{
    AUTO(arena) a = arena_new(0);
    static const size_t sizes[] = {2, 15, 16, 17, 18, 100, 100000};
    for (size_t i = 0; i < countof(sizes); i++) {
        yyjson_val *v;
        size_t n = sizes[i];
        ck_ok(json_parse(a, many(a, n, n), "body", &v));
        ck_assert_uint_eq(yyjson_obj_size(v), n);
        ck_err(json_parse(a, many(a, n, 0), "body", &v), ERR_FORMAT);
        ck_err(json_parse(a, many(a, n, n / 2 ? n / 2 - 1 : 0), "body", &v), ERR_FORMAT);
    }
}

TEST(depth_is_limited_without_using_the_stack)
{
    AUTO(arena) a = arena_new(0);
    char *text = arena_alloc(a, 2000001, 1);
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    parsed(a, text);
    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    ck_assert_str_eq(why(a, text, ERR_LIMIT), "body: nested deeper than 64 levels");
    memset(text, '[', 1000000);
    why(a, text, ERR_FORMAT);
    memset(text + 1000000, ']', 1000000);
    why(a, text, ERR_LIMIT);
}

TEST(fields_are_read_by_type)
{
    AUTO(arena) a = arena_new(0);
    yyjson_val *o = parsed(a, "{\"s\":\"x\",\"i\":-5,\"u\":7,\"d\":3.0,\"t\":\"9007199254740993\","
                              "\"f\":2.5,\"n\":\"NaN\",\"m\":\"-Infinity\","
                              "\"b\":true,\"o\":{},\"a\":[]}");
    str s;
    int64_t i;
    double f;
    bool b;
    yyjson_val *v;
    ck_ok(json_get_str(o, "", "s", &s));
    ck_assert(str_is(s, "x"));
    ck_ok(json_get_i64(o, "", "i", &i));
    ck_assert_int_eq(i, -5);
    ck_ok(json_get_i64(o, "", "u", &i));
    ck_assert_int_eq(i, 7);
    ck_ok(json_get_i64(o, "", "d", &i));
    ck_assert_int_eq(i, 3);
    ck_ok(json_get_i64(o, "", "t", &i));
    ck_assert_int_eq(i, 9007199254740993);
    ck_ok(json_get_f64(o, "", "f", &f));
    ck_assert_double_eq(f, 2.5);
    ck_ok(json_get_f64(o, "", "i", &f));
    ck_assert_double_eq(f, -5);
    ck_ok(json_get_f64(o, "", "n", &f));
    ck_assert(isnan(f));
    ck_ok(json_get_f64(o, "", "m", &f));
    ck_assert_double_eq(f, -(double)INFINITY);
    ck_ok(json_get_bool(o, "", "b", &b));
    ck_assert(b);
    ck_ok(json_get_obj(o, "", "o", &v));
    ck_assert(yyjson_is_obj(v));
    ck_ok(json_get_arr(o, "", "a", &v));
    ck_assert(yyjson_is_arr(v));
}

TEST(wrong_fields_are_named_with_their_path)
{
    AUTO(arena) a = arena_new(0);
    yyjson_val *o = parsed(a, "{\"s\":1,\"i\":1.5,\"big\":18446744073709551615,\"far\":1e300,\"t\":"
                              "\"1x\",\"f\":\"nan\",\"b\":0,\"o\":[],\"a\":{},"
                              "\"null\":null}");
    str s = STR("old");
    int64_t i = 42;
    double f = 42;
    bool b = true;
    yyjson_val *v = NULL;
    ck_err(json_get_str(o, "rows[3]", "s", &s), ERR_INVALID);
    ck_assert_str_eq(err_message(), "rows[3].s: is uint, want a string");
    ck_err(json_get_str(o, "", "none", &s), ERR_INVALID);
    ck_assert_str_eq(err_message(), "none: missing, want a string");
    ck_err(json_get_str(o, "", "null", &s), ERR_INVALID);
    ck_err(json_get_i64(o, "", "i", &i), ERR_INVALID);
    ck_err(json_get_i64(o, "", "big", &i), ERR_INVALID);
    ck_err(json_get_i64(o, "", "far", &i), ERR_INVALID);
    ck_err(json_get_i64(o, "x", "t", &i), ERR_INVALID);
    ck_assert_str_eq(err_message(), "x.t: \"1x\" is no 64-bit whole number");
    ck_err(json_get_i64(o, "", "o", &i), ERR_INVALID);
    ck_err(json_get_f64(o, "", "f", &f), ERR_INVALID);
    ck_err(json_get_f64(o, "", "a", &f), ERR_INVALID);
    ck_err(json_get_bool(o, "", "b", &b), ERR_INVALID);
    ck_err(json_get_obj(o, "", "o", &v), ERR_INVALID);
    ck_err(json_get_arr(o, "", "a", &v), ERR_INVALID);
    ck_err(json_get_str(NULL, "", "a", &s), ERR_INVALID);
    ck_err(json_get_str(parsed(a, "[1]"), "x", "a", &s), ERR_INVALID);
    ck_assert_str_eq(err_message(), "x: is array, want an object");
    ck_assert(str_is(s, "old") && i == 42 && f == 42 && b && !v);
}

TEST(optional_fields_may_be_absent_but_not_wrong)
{
    AUTO(arena) a = arena_new(0);
    yyjson_val *o = parsed(a, "{\"x\":[],\"null\":null,\"i\":3}");
    str s = STR("old");
    int64_t i = 42;
    double f = 42;
    bool b = true;
    ck_ok(json_opt_str(o, "", "none", &s));
    ck_ok(json_opt_i64(o, "", "none", &i));
    ck_ok(json_opt_f64(o, "", "null", &f));
    ck_ok(json_opt_bool(o, "", "null", &b));
    ck_err(json_opt_str(o, "", "x", &s), ERR_INVALID);
    ck_err(json_opt_i64(o, "", "x", &i), ERR_INVALID);
    ck_err(json_opt_f64(o, "", "x", &f), ERR_INVALID);
    ck_err(json_opt_bool(o, "", "x", &b), ERR_INVALID);
    ck_assert(str_is(s, "old") && i == 42 && f == 42 && b);
    ck_ok(json_opt_i64(o, "", "i", &i));
    ck_assert_int_eq(i, 3);
}

TEST(unknown_keys_are_refused_with_a_neighbour)
{
    static const char *const keys[] = {"name", "config", NULL};
    AUTO(arena) a = arena_new(0);
    ck_ok(json_only(parsed(a, "{\"name\":1}"), "", keys));
    ck_err(json_only(parsed(a, "{\"name\":1,\"confg\":2}"), "", keys), ERR_INVALID);
    ck_assert_str_eq(err_message(), "confg: unknown key, did you mean \"config\"?");
    ck_err(json_only(parsed(a, "{\"elsewhere\":1}"), "body", keys), ERR_INVALID);
    ck_assert_str_eq(err_message(), "body.elsewhere: unknown key");
    ck_err(json_only(parsed(a, "[]"), "body", keys), ERR_INVALID);
    ck_assert_str_eq(err_message(), "body: is array, want an object");
}

TEST(a_small_document_fits_the_first_block)
{
    AUTO(arena) a = arena_new(16 << 10);
    const size_t before = arena_bytes(a);
    parsed(a, "{\"dataframe_records\":[{\"trip_distance\":1.25,\"pickup_hour\":17,\"is_weekend\":"
              "false}]}");
    ck_assert_uint_eq(arena_bytes(a), before);
}

TESTS("base/json", valid_json_is_read_and_printed_again, the_text_needs_no_nul_and_is_not_kept,
      what_is_no_json_is_refused_with_its_place, a_key_that_stands_twice_is_refused_with_its_place,
      a_large_object_is_checked_as_well_and_in_good_time, depth_is_limited_without_using_the_stack,
      fields_are_read_by_type, wrong_fields_are_named_with_their_path,
      optional_fields_may_be_absent_but_not_wrong, unknown_keys_are_refused_with_a_neighbour,
      a_small_document_fits_the_first_block)
