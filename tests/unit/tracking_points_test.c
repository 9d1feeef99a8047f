#include "tracking/points_int.h"

#include <string.h>

#include "test.h"

static points three(void)
{
    points p = {0};
    points_add(&p, (point){7, 1700000000000, 3, 0.5});
    points_add(&p, (point){2, 1700000000001, -4, (double)NAN});
    points_add(&p, (point){2, INT64_MAX, INT64_MIN, -(double)INFINITY});
    points_sort_unique(&p);
    return p;
}

TEST(points_come_back_as_they_were)
{
    points p = three(), q = {0};
    buf b;
    buf_init(&b, POINTS_BYTES_MAX);
    points_pack(&b, p.v, p.n);
    ck_ok(points_unpack(buf_str(&b), 0, &q));
    ck_assert_uint_eq(q.n, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(point_cmp(&p.v[i], &q.v[i]), 0);
    ck_assert(isnan(q.v[0].v));
    ck_assert(isinf(q.v[1].v));
    points_done(&p);
    points_done(&q);
    buf_done(&b);
}
END_TEST

TEST(one_key_is_read_without_the_others)
{
    points p = three(), q = {0};
    buf b;
    buf_init(&b, POINTS_BYTES_MAX);
    points_pack(&b, p.v, p.n);
    ck_ok(points_unpack(buf_str(&b), 7, &q));
    ck_assert_uint_eq(q.n, 1);
    ck_assert_int_eq(q.v[0].step, 3);
    points_done(&p);
    points_done(&q);
    buf_done(&b);
}
END_TEST

TEST(equal_points_are_kept_once_and_nan_equals_nan)
{
    points p = {0};
    for (int i = 0; i < 3; i++) {
        points_add(&p, (point){1, 5, 5, (double)NAN});
        points_add(&p, (point){1, 5, 5, i ? 0.0 : -0.0});
    }
    points_sort_unique(&p);
    ck_assert_uint_eq(p.n, 2);
    ck_assert(!isnan(p.v[0].v)); /* numbers before NaN */
    points_done(&p);
}
END_TEST

TEST(the_latest_is_by_step_then_time_then_value_with_nan_as_zero)
{
    point a = {1, 10, 1, 5.0}, later_step = {1, 1, 2, -1.0}, later_time = {1, 11, 1, -1.0};
    point more = {1, 10, 1, 6.0}, nan = {1, 10, 1, (double)NAN}, minus = {1, 10, 1, -2.0};
    ck_assert(point_newer(&later_step, &a));
    ck_assert(point_newer(&later_time, &a));
    ck_assert(point_newer(&more, &a));
    ck_assert(!point_newer(&a, &a));
    ck_assert(!point_newer(&nan, &a));
    ck_assert(point_newer(&nan, &minus));
}
END_TEST

TEST(damaged_bytes_are_refused)
{
    points p = three(), q = {0};
    buf b;
    buf_init(&b, POINTS_BYTES_MAX);
    points_pack(&b, p.v, p.n);
    for (size_t n = 0; n < b.n; n++) {
        err e = points_unpack((str){b.p, n}, 0, &q);
        ck_assert(e == ERR_FORMAT || e == ERR_OK); /* a cut between two groups is whole */
    }
    ck_err(points_unpack(STR(""), 0, &q), ERR_FORMAT);
    ck_err(points_unpack(STR("\2"), 0, &q), ERR_FORMAT);
    ck_err(points_unpack(STR("\1\1\377\377\377\377\377\377\377\377\377\1\1"), 0, &q), ERR_FORMAT);
    points_done(&p);
    points_done(&q);
    buf_done(&b);
}
END_TEST

TESTS("tracking points", points_come_back_as_they_were, one_key_is_read_without_the_others,
      equal_points_are_kept_once_and_nan_equals_nan,
      the_latest_is_by_step_then_time_then_value_with_nan_as_zero, damaged_bytes_are_refused)
