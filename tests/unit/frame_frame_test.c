#include "frame/frame.h"

#include <math.h>

#include "test.h"

static field fields[] = {{{"b", 1}, FIELD_BOOLEAN, true}, {{"i", 1}, FIELD_INTEGER, true},
                         {{"l", 1}, FIELD_LONG, true},    {{"f", 1}, FIELD_FLOAT, false},
                         {{"d", 1}, FIELD_DOUBLE, true},  {{"s", 1}, FIELD_STRING, true},
                         {{"x", 1}, FIELD_BINARY, true},  {{"t", 1}, FIELD_DATETIME, true}};
static const schema all = {fields, 8, NULL};

TEST(a_new_frame_has_zeroed_valid_columns_of_the_right_kind)
{
    arena *a = arena_new(0);
    frame *f = frame_new(a, &all, 3);
    ck_assert(f->n_rows == 3 && f->n_cols == 8);
    for (size_t i = 0; i < f->n_cols; i++) {
        ck_assert_int_eq((int)f->cols[i].store, (int)column_store_of(fields[i].type));
        ck_assert(!column_is_null(&f->cols[i], 2));
    }
    ck_assert(column_f64(frame_find(f, "d"), 2) == 0 && frame_find(f, "s")->s[1].n == 0);
    ck_assert(isnan(column_f64(frame_find(f, "s"), 0)) && isnan(column_f64(frame_find(f, "t"), 0)));
    arena_free(a);
}
END_TEST

TEST(a_matrix_holds_the_columns_asked_for_and_nan_where_a_value_is_missing)
{
    arena *a = arena_new(0);
    frame *f = frame_new(a, &all, 2);
    uint8_t valid[] = {1, 0};
    f->cols[0].i64[0] = 1;
    f->cols[2].i64[1] = -7;
    f->cols[2].valid = valid;
    f->cols[4].f64[1] = 2.5;
    const str names[] = {STR("d"), STR("b"), STR("l")};
    matrix m = {0};
    ck_ok(frame_matrix(a, f, names, 3, &m));
    ck_assert(m.rows == 2 && m.cols == 3 && m.stride == 3);
    ck_assert(m.v[0] == 0 && m.v[1] == 1 && m.v[2] == 0 && m.v[3] == 2.5 && m.v[4] == 0);
    ck_assert(isnan(m.v[5]));
    arena_free(a);
}
END_TEST

TEST(a_column_that_is_missing_or_no_number_is_refused_by_name)
{
    arena *a = arena_new(0);
    frame *f = frame_new(a, &all, 1);
    const str missing[] = {STR("d"), STR("fare")}, text[] = {STR("s")}, time[] = {STR("t")};
    matrix m = {.rows = 42};
    ck_err(frame_matrix(a, f, missing, 2, &m), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "fare"));
    ck_assert_ptr_nonnull(strstr(err_message(), "b, i, l, f, d, s, x, t"));
    ck_err(frame_matrix(a, f, text, 1, &m), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "string"));
    ck_err(frame_matrix(a, f, time, 1, &m), ERR_INVALID);
    ck_assert_uint_eq(m.rows, 42);
    const column *c = NULL;
    ck_err(frame_need(f, "fare", &c), ERR_MISSING);
    ck_assert(!c && !frame_find(f, "fare"));
    ck_ok(frame_need(f, "d", &c));
    ck_assert_ptr_eq(c, frame_find(f, "d"));
    arena_free(a);
}
END_TEST

TEST(frames_without_rows_or_columns_are_frames)
{
    arena *a = arena_new(0);
    frame *rows = frame_new(a, &all, 0), *cols = frame_new(a, &(schema){0}, 5);
    const str names[] = {STR("d")};
    matrix m = {0};
    ck_ok(frame_matrix(a, rows, names, 1, &m));
    ck_assert(m.rows == 0 && m.cols == 1);
    ck_ok(frame_matrix(a, cols, NULL, 0, &m));
    ck_assert(m.rows == 5 && m.cols == 0);
    const column *c = NULL;
    ck_err(frame_need(cols, "d", &c), ERR_MISSING);
    arena_free(a);
}
END_TEST

TEST(a_frame_tells_its_schema_and_what_may_be_missing)
{
    arena *a = arena_new(0);
    frame *f = frame_new(a, &all, 1);
    uint8_t valid[] = {1};
    f->cols[3].valid = valid;
    schema s = {0};
    frame_schema(a, f, &s);
    ck_assert_uint_eq(s.n, 8);
    for (size_t i = 0; i < 8; i++) {
        ck_assert(str_eq(s.fields[i].name, fields[i].name) && s.fields[i].type == fields[i].type);
        ck_assert(s.fields[i].required == (i != 3));
    }
    arena_free(a);
}
END_TEST

TESTS("frame", a_new_frame_has_zeroed_valid_columns_of_the_right_kind,
      a_matrix_holds_the_columns_asked_for_and_nan_where_a_value_is_missing,
      a_column_that_is_missing_or_no_number_is_refused_by_name,
      frames_without_rows_or_columns_are_frames, a_frame_tells_its_schema_and_what_may_be_missing)
