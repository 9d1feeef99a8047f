#include "base/err.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "test.h"

TEST(set_keeps_kind_and_words)
{
    ck_assert_int_eq(err_set(ERR_LIMIT, "body: %d bytes, want at most %d", 5, 4), ERR_LIMIT);
    ck_assert_str_eq(err_message(), "body: 5 bytes, want at most 4");
}

TEST(add_puts_context_in_front)
{
    err e = err_set(ERR_IO, "disk full");
    ck_assert_int_eq(err_add(e, "run %s", "7"), ERR_IO);
    ck_assert_str_eq(err_message(), "run 7: disk full");
}

TEST(add_leaves_success_alone)
{
    err e = err_set(ERR_IO, "old");
    ck_assert_int_eq(e, ERR_IO);
    ck_assert_int_eq(err_add(ERR_OK, "context"), ERR_OK);
    ck_assert_str_eq(err_message(), "old");
}

TEST(the_message_may_be_its_own_argument)
{
    err e = err_set(ERR_FORMAT, "inner");
    e = err_set(e, "outer (%s)", err_message());
    ck_assert_str_eq(err_message(), "outer (inner)");
    ck_assert_int_eq(err_add(e, "%s", err_message()), ERR_FORMAT);
    ck_assert_str_eq(err_message(), "outer (inner): outer (inner)");
}

TEST(long_messages_are_cut_at_2047_bytes)
{
    char text[4001];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err e = err_set(ERR_IO, "%s", text);
    ck_assert_uint_eq(strlen(err_message()), 2047);
    e = err_add(e, "front");
    ck_assert_uint_eq(strlen(err_message()), 2047);
    ck_assert_int_eq(strncmp(err_message(), "front: xxx", 10), 0);
    e = err_add(e, "%s", text);
    ck_assert_uint_eq(strlen(err_message()), 2047);
}

TEST(a_cut_splits_no_character)
{
    char text[3001];
    for (size_t i = 0; i < 3000; i += 3)
        memcpy(text + i, "\xE2\x82\xAC", 3);
    text[3000] = '\0';
    err e = err_set(ERR_IO, "%s", text);
    ck_assert_uint_eq(strlen(err_message()), 2046); /* 682 whole characters */
    e = err_add(e, "ab");
    ck_assert_uint_eq(strlen(err_message()), 4 + 2043);
    e = err_add(e, "a");
    ck_assert_uint_eq((strlen(err_message()) - 3 - 4) % 3, 0);
}

TEST(sys_names_the_reason_and_maps_it)
{
    errno = ENOENT;
    ck_assert_int_eq(err_sys(ERR_IO, "a.txt"), ERR_MISSING);
    ck_assert_str_eq(err_message(), "a.txt: No such file or directory");
    errno = EACCES;
    ck_assert_int_eq(err_sys(ERR_IO, "a"), ERR_DENIED);
    errno = EPERM;
    ck_assert_int_eq(err_sys(ERR_IO, "a"), ERR_DENIED);
    errno = EEXIST;
    ck_assert_int_eq(err_sys(ERR_IO, "a"), ERR_CONFLICT);
    errno = ENOSPC;
    ck_assert_int_eq(err_sys(ERR_INTERNAL, "a"), ERR_INTERNAL);
    errno = 99999;
    ck_assert_int_eq(err_sys(ERR_IO, "a"), ERR_IO);
    ck_assert_str_eq(err_message(), "a: unknown system error");
}

TEST(every_kind_has_a_name_a_status_and_an_exit_code)
{
    static const struct {
        err e;
        const char *name;
        int http, exit;
    } want[] = {
        {ERR_OK, "ok", 200, 0},           {ERR_INVALID, "invalid", 400, 1},
        {ERR_FORMAT, "format", 400, 1},   {ERR_DENIED, "denied", 403, 1},
        {ERR_MISSING, "missing", 404, 4}, {ERR_CONFLICT, "conflict", 409, 5},
        {ERR_LIMIT, "limit", 413, 1},     {ERR_BUSY, "busy", 429, 1},
        {ERR_GATE, "gate", 400, 3},       {ERR_CANCELLED, "cancelled", 499, 130},
        {ERR_IO, "io", 503, 1},           {ERR_INTERNAL, "internal", 500, 1},
    };
    ck_assert_uint_eq(sizeof want / sizeof *want, ERR_N);
    for (size_t i = 0; i < ERR_N; i++) {
        ck_assert_str_eq(err_name(want[i].e), want[i].name);
        ck_assert_int_eq(err_http(want[i].e), want[i].http);
        ck_assert_int_eq(err_exit(want[i].e), want[i].exit);
    }
}

static void *fail_elsewhere(void *arg)
{
    (void)arg;
    err e = err_set(ERR_IO, "theirs");
    ck_assert_int_eq(e, ERR_IO);
    return NULL;
}

TEST(each_thread_has_its_own_message)
{
    err e = err_set(ERR_IO, "ours");
    ck_assert_int_eq(e, ERR_IO);
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, fail_elsewhere, NULL), 0);
    pthread_join(t, NULL);
    ck_assert_str_eq(err_message(), "ours");
}

TESTS("base/err", set_keeps_kind_and_words, add_puts_context_in_front, add_leaves_success_alone,
      the_message_may_be_its_own_argument, long_messages_are_cut_at_2047_bytes,
      a_cut_splits_no_character, sys_names_the_reason_and_maps_it,
      every_kind_has_a_name_a_status_and_an_exit_code, each_thread_has_its_own_message)
