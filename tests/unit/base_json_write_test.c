#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "test.h"

TEST(commas_and_quotes_are_the_writers_business)
{
    buf b;
    buf_init(&b, 1000);
    jw w;
    jw_init(&w, &b, false);
    jw_obj(&w);
    jw_kstr(&w, "s", STR("x"));
    jw_ki64(&w, "i", INT64_MIN);
    jw_kf64(&w, "f", 1);
    jw_kbool(&w, "b", false);
    jw_key(&w, "a");
    jw_arr(&w);
    jw_i64(&w, 1);
    jw_null(&w);
    jw_bool(&w, true);
    jw_obj(&w);
    jw_obj_end(&w);
    jw_arr(&w);
    jw_arr_end(&w);
    jw_raw(&w, STR("{\"r\":1}"));
    jw_arr_end(&w);
    jw_kcstr(&w, "c", "y");
    jw_kcstr(&w, "n", NULL);
    jw_obj_end(&w);
    ck_ok(buf_err(&b, "x"));
    ck_assert(str_is(buf_str(&b), "{\"s\":\"x\",\"i\":-9223372036854775808,\"f\":1.0,\"b\":false,"
                                  "\"a\":[1,null,true,{},[],{\"r\":1}],"
                                  "\"c\":\"y\",\"n\":null}"));
    buf_done(&b);
}

TEST(pretty_means_two_spaces)
{
    buf b;
    buf_init(&b, 1000);
    jw w;
    jw_init(&w, &b, true);
    jw_obj(&w);
    jw_key(&w, "a");
    jw_arr(&w);
    jw_i64(&w, 1);
    jw_i64(&w, 2);
    jw_arr_end(&w);
    jw_key(&w, "e");
    jw_obj(&w);
    jw_obj_end(&w);
    jw_obj_end(&w);
    ck_assert(str_is(buf_str(&b), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"e\": {}\n}"));
    buf_done(&b);
}

TEST(strings_are_escaped_and_made_utf8)
{
    buf b;
    buf_init(&b, 1000);
    jw w;
    jw_init(&w, &b, false);
    jw_str(&w, (str){"a\"\\\b\f\n\r\t\x01\x1f\x7f/\0z\xC3\xA9\xff\xE2\x82", 19});
    ck_assert(str_is(buf_str(&b), "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f/"
                                  "\\u0000z\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""));
    buf_reset(&b);
    jw_init(&w, &b, false);
    jw_str(&w, (str){NULL, 0});
    ck_assert(str_is(buf_str(&b), "\"\""));
    buf_done(&b);
}

TEST(numbers_that_json_lacks_are_strings)
{
    buf b;
    buf_init(&b, 1000);
    jw w;
    jw_init(&w, &b, false);
    jw_arr(&w);
    jw_f64(&w, (double)NAN);
    jw_f64(&w, (double)INFINITY);
    jw_f64(&w, -(double)INFINITY);
    jw_f64(&w, 0.1);
    jw_arr_end(&w);
    ck_assert(str_is(buf_str(&b), "[\"NaN\",\"Infinity\",\"-Infinity\",0.1]"));
    buf_done(&b);
}

TEST(what_does_not_fit_shows_in_the_buffer)
{
    buf b;
    buf_init(&b, 10);
    jw w;
    jw_init(&w, &b, false);
    jw_arr(&w);
    for (int i = 0; i < 100; i++)
        jw_str(&w, STR("text"));
    jw_arr_end(&w);
    ck_err(buf_err(&b, "answer"), ERR_LIMIT);
    buf_done(&b);
}

TEST(the_deepest_nesting_that_can_be_read_can_be_written)
{
    buf b;
    buf_init(&b, 1000);
    jw w;
    jw_init(&w, &b, false);
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        jw_arr(&w);
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        jw_arr_end(&w);
    AUTO(arena) a = arena_new(0);
    yyjson_val *v;
    ck_ok(json_parse(a, buf_str(&b), "x", &v));
    buf_done(&b);
}

static void value_without_key(jw *w)
{
    jw_obj(w);
    jw_i64(w, 1);
}

static void wrong_end(jw *w)
{
    jw_obj(w);
    jw_arr_end(w);
}

static void key_in_array(jw *w)
{
    jw_arr(w);
    jw_key(w, "a");
}

static void key_without_value(jw *w)
{
    jw_obj(w);
    jw_key(w, "a");
    jw_obj_end(w);
}

static void second_root(jw *w)
{
    jw_null(w);
    jw_null(w);
}

TEST(wrong_nesting_is_a_programming_error)
{
    static void (*const wrong[])(jw *) = {value_without_key, wrong_end, key_in_array,
                                          key_without_value, second_root};
    for (size_t i = 0; i < countof(wrong); i++) {
        pid_t pid = fork();
        if (!pid) {
            if (dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO) < 0) _exit(1);
            buf b;
            jw w;
            buf_init(&b, 100);
            jw_init(&w, &b, false);
            wrong[i](&w);
            _exit(0);
        }
        int status = 0;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
}

TESTS("base/json_write", commas_and_quotes_are_the_writers_business, pretty_means_two_spaces,
      strings_are_escaped_and_made_utf8, numbers_that_json_lacks_are_strings,
      what_does_not_fit_shows_in_the_buffer, the_deepest_nesting_that_can_be_read_can_be_written,
      wrong_nesting_is_a_programming_error)
