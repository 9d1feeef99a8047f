#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "test.h"

/* Log lines go to stderr, so the tests put a pipe there. */
static int pipe_end = -1;

static void catch_stderr(void)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    close(fds[1]);
    pipe_end = fds[0];
}

static str caught(arena *a)
{
    char *p = arena_alloc(a, 1, 8192);
    ssize_t n = read(pipe_end, p, 8192);
    ck_assert_int_ge(n, 0);
    return (str){p, (size_t)n};
}

TEST(a_text_record_is_one_line_with_time_level_and_room)
{
    AUTO(arena) a = arena_new(0);
    catch_stderr();
    log_info("serving", "endpoint ready name=%s version=%d", "fare", 3);
    str s = caught(a);
    ck_assert_uint_eq(s.n, 24 + strlen(" info  serving: endpoint ready name=fare version=3\n"));
    ck_assert(str_ends(s, "Z info  serving: endpoint ready name=fare version=3\n"));
    log_error("jobs", "x");
    ck_assert(str_ends(caught(a), "Z error jobs: x\n"));
}

TEST(less_than_the_least_level_is_not_written)
{
    AUTO(arena) a = arena_new(0);
    catch_stderr();
    log_debug("x", "hidden");
    log_setup(LOG_WARN, LOG_TEXT);
    ck_assert_int_eq(log_least(), LOG_WARN);
    log_info("x", "hidden");
    log_warn("x", "shown");
    ck_assert(str_ends(caught(a), "warn  x: shown\n"));
    log_setup(LOG_OFF, LOG_TEXT);
    log_error("x", "hidden");
    log_setup(LOG_DEBUG, LOG_TEXT);
    log_debug("x", "shown");
    ck_assert(str_ends(caught(a), "debug x: shown\n"));
}

TEST(control_bytes_and_bad_utf8_are_escaped)
{
    AUTO(arena) a = arena_new(0);
    catch_stderr();
    log_info("x", "%s", "a\nb\x1b[31m\t\xff\xC3\xA9");
    ck_assert(str_ends(caught(a), "x: a\\nb\\x1b[31m\\x09\\xff\xC3\xA9\n"));
}

TEST(long_records_are_cut_at_4096_bytes)
{
    AUTO(arena) a = arena_new(0);
    catch_stderr();
    char text[6000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_info("x", "%s", text);
    str s = caught(a);
    ck_assert_uint_le(s.n, 4096);
    ck_assert_uint_gt(s.n, 4000);
    ck_assert_int_eq(s.p[s.n - 1], '\n');
    memset(text, '"', sizeof text - 1);
    log_setup(LOG_INFO, LOG_JSON);
    log_info("x", "%s k=v", text);
    yyjson_val *v;
    s = caught(a);
    ck_assert_uint_le(s.n, 4096);
    ck_ok(json_parse(a, s, "record", &v));
}

TEST(a_json_record_has_its_fields)
{
    AUTO(arena) a = arena_new(0);
    catch_stderr();
    log_setup(LOG_INFO, LOG_JSON);
    log_info("serving",
             "a \"b\" x=1 endpoint ready name=%s path=\"/a b\" msg=fake version=3 at=\x01",
             "fa\"re");
    yyjson_val *v;
    str s;
    ck_ok(json_parse(a, caught(a), "record", &v));
    ck_ok(json_get_str(v, "", "level", &s));
    ck_assert(str_is(s, "info"));
    ck_ok(json_get_str(v, "", "room", &s));
    ck_assert(str_is(s, "serving"));
    ck_ok(json_get_str(v, "", "version", &s));
    ck_assert(str_is(s, "3"));
    ck_ok(json_get_str(v, "", "at", &s));
    ck_assert(str_is(s, "\x01"));
    /* a field cannot pass itself off as the message: what stands before it stays text */
    ck_ok(json_get_str(v, "", "msg", &s));
    ck_assert(str_is(s, "a \"b\" x=1 endpoint ready name=fa\"re path=\"/a b\" msg=fake"));
    log_info("serving", "ready path=\"/a b\" n=1");
    ck_ok(json_parse(a, caught(a), "record", &v));
    ck_ok(json_get_str(v, "", "path", &s));
    ck_assert(str_is(s, "/a b"));
    ck_ok(json_get_str(v, "", "msg", &s));
    ck_assert(str_is(s, "ready"));
}

TEST(a_name_given_twice_is_a_field_once)
{
    AUTO(arena) a = arena_new(0);
    catch_stderr();
    log_setup(LOG_INFO, LOG_JSON);
    log_info("x", "k=1 k=2");
    yyjson_val *v;
    str s;
    ck_ok(json_parse(a, caught(a), "record", &v));
    ck_ok(json_get_str(v, "", "k", &s));
    ck_assert(str_is(s, "2"));
    ck_ok(json_get_str(v, "", "msg", &s));
    ck_assert(str_is(s, "k=1"));
    log_info("x", "%s", "");
    ck_ok(json_parse(a, caught(a), "record", &v));
}

TEST(logging_leaves_errno_alone)
{
    catch_stderr();
    close(STDERR_FILENO);
    errno = ENOENT;
    log_info("x", "nobody hears");
    ck_assert_int_eq(errno, ENOENT);
}

TESTS("base/log", a_text_record_is_one_line_with_time_level_and_room,
      less_than_the_least_level_is_not_written, control_bytes_and_bad_utf8_are_escaped,
      long_records_are_cut_at_4096_bytes, a_json_record_has_its_fields,
      a_name_given_twice_is_a_field_once, logging_leaves_errno_alone)
