/* tests/lib: what every C test file needs on top of Check. */
#ifndef TIDEMILL_TEST_H
#define TIDEMILL_TEST_H

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "base/err.h"

#define TEST(name) START_TEST(name)
#define ck_ok(x)                                                                                   \
    do {                                                                                           \
        err ck_e_ = (x);                                                                           \
        ck_assert_msg(!ck_e_, "%s: %s: %s", #x, err_name(ck_e_), err_message());                   \
    } while (0)
#define ck_err(x, want)                                                                            \
    do {                                                                                           \
        err ck_e_ = (x);                                                                           \
        ck_assert_msg(ck_e_ == (want), "%s: %s, want %s: %s", #x, err_name(ck_e_), #want,          \
                      ck_e_ ? err_message() : "");                                                 \
    } while (0)
/* |got - want| <= atol + rtol * |want|, as numpy.allclose */
#define ck_near(got, want, rtol, atol)                                                             \
    do {                                                                                           \
        double ck_g_ = (got), ck_w_ = (want);                                                      \
        ck_assert_msg(fabs(ck_g_ - ck_w_) <= (atol) + (rtol)*fabs(ck_w_), "%s: %.17g, want %.17g", \
                      #got, ck_g_, ck_w_);                                                         \
    } while (0)

/* TESTS("room", a, b, c) is the whole main() of a test file. */
#define TESTS(room, ...)                                                                           \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const list[] = {__VA_ARGS__};                                                 \
        Suite *s = suite_create(room);                                                             \
        TCase *c = tcase_create(room);                                                             \
        for (size_t i = 0; i < sizeof list / sizeof *list; i++)                                    \
            tcase_add_test(c, list[i]);                                                            \
        suite_add_tcase(s, c);                                                                     \
        SRunner *r = srunner_create(s);                                                            \
        srunner_run_all(r, CK_ENV);                                                                \
        int failed = srunner_ntests_failed(r);                                                     \
        srunner_free(r);                                                                           \
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                               \
    }

#endif
