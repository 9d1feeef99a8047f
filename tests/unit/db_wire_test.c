/* The relay's frames. */
#include <math.h>

#include "db/wire_int.h"
#include "test.h"

static const db_val values[] = {{.type = DB_NULL},
                                {.type = DB_INT, .i = INT64_MIN},
                                {.type = DB_REAL, .f = -0.0},
                                {.type = DB_TEXT, .s = {"zw\xc3\xb6lf", 6}},
                                {.type = DB_BLOB, .s = {"a\0b", 3}},
                                {.type = DB_TEXT, .s = {"", 0}}};

static const wire_msg messages[] = {
    {.type = WIRE_HELLO, .text = {"1:2:3", 5}},
    {.type = WIRE_BEGIN, .write = true},
    {.type = WIRE_EXEC, .text = {"INSERT", 6}, .v = values, .n = 6},
    {.type = WIRE_QUERY, .text = {"SELECT 1", 8}},
    {.type = WIRE_COMMIT},
    {.type = WIRE_ROLLBACK},
    {.type = WIRE_PUBLISH, .text = {"/a/b", 4}, .text2 = {"/a/c", 4}},
    {.type = WIRE_NOTIFY, .text = {"jobs", 4}},
    {.type = WIRE_DONE, .changed = -1},
    {.type = WIRE_ROWS, .v = values, .n = 2, .cols = 3},
    {.type = WIRE_ROWS, .n = 0, .cols = 7},
    {.type = WIRE_FAIL, .kind = ERR_GATE, .text = {"no", 2}},
};

static err parse(arena *a, str frame, wire_msg *ret)
{
    wire_type type;
    size_t size;
    TRY(wire_head(frame.p, &type, &size));
    ck_assert_uint_eq(size, frame.n - WIRE_HEAD);
    return wire_parse(a, type, (str){frame.p + WIRE_HEAD, size}, ret);
}

TEST(every_message_comes_back_as_it_was)
{
    AUTO(arena) a = arena_new(0);
    for (size_t i = 0; i < countof(messages); i++) {
        const wire_msg *m = &messages[i];
        wire_msg got;
        buf b, again;
        buf_init(&b, 1 << 20);
        buf_init(&again, 1 << 20);
        ck_ok(wire_put(&b, m));
        ck_ok(parse(a, buf_str(&b), &got));
        ck_assert(got.type == m->type && got.write == m->write && got.n == m->n &&
                  got.cols == m->cols);
        ck_assert(got.changed == m->changed && got.kind == m->kind);
        ck_assert(str_eq(got.text, m->text) && str_eq(got.text2, m->text2));
        ck_ok(wire_put(&again, &got));
        ck_assert(str_eq(buf_str(&b), buf_str(&again)));
        buf_done(&b);
        buf_done(&again);
    }
}
END_TEST

TEST(a_body_cut_short_or_too_long_is_refused)
{
    AUTO(arena) a = arena_new(0);
    for (size_t i = 0; i < countof(messages); i++) {
        buf b;
        buf_init(&b, 1 << 20);
        ck_ok(wire_put(&b, &messages[i]));
        str body = {b.p + WIRE_HEAD, b.n - WIRE_HEAD};
        wire_msg m = {.n = 77};
        for (size_t n = 0; n < body.n; n++)
            ck_err(wire_parse(a, messages[i].type, (str){body.p, n}, &m), ERR_FORMAT);
        buf_putc(&b, 'x');
        ck_err(wire_parse(a, messages[i].type, (str){b.p + WIRE_HEAD, b.n - WIRE_HEAD}, &m),
               ERR_FORMAT);
        ck_assert_uint_eq(m.n, 77);
        buf_done(&b);
    }
}
END_TEST

TEST(heads_out_of_bounds_are_refused)
{
    wire_type type;
    size_t size;
    ck_err(wire_head("\0\0\0\0\0", &type, &size), ERR_FORMAT);
    ck_err(wire_head("\0\0\0\0\x09", &type, &size), ERR_FORMAT);
    ck_err(wire_head("\0\0\0\0\x3f", &type, &size), ERR_FORMAT);
    ck_err(wire_head("\0\0\0\0\x43", &type, &size), ERR_FORMAT);
    ck_err(wire_head("\1\0\0\4\1", &type, &size), ERR_LIMIT);
    ck_err(wire_head("\xff\xff\xff\xff\1", &type, &size), ERR_LIMIT);
    ck_ok(wire_head("\0\0\0\4\1", &type, &size));
    ck_assert_uint_eq(size, WIRE_BODY_MAX);
}
END_TEST

TEST(values_out_of_bounds_are_refused)
{
    AUTO(arena) a = arena_new(0);
    wire_msg m;
    ck_err(wire_parse(a, WIRE_BEGIN, STR("\2"), &m), ERR_FORMAT);
    ck_err(wire_parse(a, WIRE_HELLO, STR("TMRX\1\0\0\0\0\0"), &m), ERR_FORMAT);
    ck_err(wire_parse(a, WIRE_HELLO, STR("TMRL\2\0\0\0\0\0"), &m), ERR_FORMAT);  /* version */
    ck_err(wire_parse(a, WIRE_QUERY, STR("\1\0\0\0x\xff\xff"), &m), ERR_FORMAT); /* arguments */
    ck_err(wire_parse(a, WIRE_QUERY, STR("\1\0\0\0\0\0\0"), &m),
           ERR_FORMAT); /* NUL in a statement */
    ck_err(wire_parse(a, WIRE_QUERY, STR("\1\0\0\0x\1\0\5"), &m), ERR_FORMAT); /* type of value */
    ck_err(wire_parse(a, WIRE_ROWS, STR("\xff\xff\xff\xff\xff\xff\0"), &m), ERR_FORMAT);
    ck_err(wire_parse(a, WIRE_ROWS, STR("\1\0\0\0\0\0"), &m),
           ERR_FORMAT);                                                  /* a row without columns */
    ck_err(wire_parse(a, WIRE_FAIL, STR("\0\0\0\0\0"), &m), ERR_FORMAT); /* fails with success */
    ck_err(wire_parse(a, WIRE_FAIL, STR("\x7f\0\0\0\0"), &m), ERR_FORMAT);
    ck_err(wire_parse(a, WIRE_PUBLISH, STR("\1\0\0\0\0\1\0\0\0a"), &m),
           ERR_FORMAT); /* NUL in a path */
}
END_TEST

TESTS("db/wire", every_message_comes_back_as_it_was, a_body_cut_short_or_too_long_is_refused,
      heads_out_of_bounds_are_refused, values_out_of_bounds_are_refused)
