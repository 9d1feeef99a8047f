#include "base/buf.h"

#include <string.h>

#include "test.h"

TEST(an_empty_buffer_is_an_empty_text)
{
    buf b;
    buf_init(&b, 10);
    ck_assert_uint_eq(buf_str(&b).n, 0);
    ck_assert_ptr_nonnull(buf_str(&b).p);
    ck_ok(buf_err(&b, "x"));
    buf_done(&b);
}

TEST(it_grows_up_to_its_maximum_and_not_beyond)
{
    buf b;
    buf_init(&b, 1000);
    for (int i = 0; i < 1000; i++)
        buf_putc(&b, (char)('a' + i % 26));
    ck_ok(buf_err(&b, "answer"));
    ck_assert_uint_eq(b.n, 1000);
    ck_assert_int_eq(b.p[999], 'a' + 999 % 26);
    buf_putc(&b, '!');
    ck_err(buf_err(&b, "answer"), ERR_LIMIT);
    ck_assert_str_eq(err_message(), "answer: more than 1000 bytes");
    ck_assert_uint_eq(b.n, 1000);
    buf_done(&b);
}

TEST(what_does_not_fit_sticks)
{
    buf b;
    buf_init(&b, 4);
    buf_puts(&b, STR("12345"));
    ck_assert_uint_eq(b.n, 0);
    buf_puts(&b, STR("1"));
    buf_fmt(&b, "%d", 1);
    ck_assert_ptr_null(buf_room(&b, 1));
    ck_assert_uint_eq(b.n, 0);
    buf_reset(&b);
    ck_ok(buf_err(&b, "x"));
    buf_puts(&b, STR("1234"));
    ck_assert(str_is(buf_str(&b), "1234"));
    buf_done(&b);
}

TEST(fmt_fills_to_the_last_byte)
{
    buf b;
    buf_init(&b, 8);
    buf_fmt(&b, "%s", "1234");
    buf_fmt(&b, "%04d", 5);
    ck_ok(buf_err(&b, "x"));
    ck_assert(str_is(buf_str(&b), "12340005"));
    buf_fmt(&b, "%s", "");
    ck_ok(buf_err(&b, "x"));
    buf_fmt(&b, "x");
    ck_err(buf_err(&b, "x"), ERR_LIMIT);
    buf_done(&b);
}

TEST(room_is_where_the_caller_writes)
{
    buf b;
    buf_init(&b, 1 << 20);
    char *p = buf_room(&b, 100000);
    ck_assert_ptr_nonnull(p);
    memset(p, 'x', 100000);
    b.n += 100000;
    ck_assert_ptr_nonnull(buf_room(&b, (1 << 20) - 100000));
    ck_assert_ptr_null(buf_room(&b, (1 << 20) - 100000 + 1));
    buf_done(&b);
    buf_puts(&b, STR("usable again"));
    ck_assert(str_is(buf_str(&b), "usable again"));
    buf_done(&b);
}

TESTS("base/buf", an_empty_buffer_is_an_empty_text, it_grows_up_to_its_maximum_and_not_beyond,
      what_does_not_fit_sticks, fmt_fills_to_the_last_byte, room_is_where_the_caller_writes)
