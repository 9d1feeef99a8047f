#include "plot/plot.h"

#include <math.h>

#include "base/arena.h"
#include "base/mem.h"
#include "test.h"

enum { CHART_MAX = 4 << 20 };

static const plot_labels plain = {"Residuals", "predicted", "error", NULL};

/* ---- a checker for the XML that charts use: elements, attributes in double quotes, the five
 * entities, text ---- */

typedef struct xml {
    const char *p, *end;
    int depth, elements;
} xml;

static void xml_entity(xml *x)
{
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    for (size_t i = 0; i < countof(known); i++) {
        size_t n = strlen(known[i]);
        if ((size_t)(x->end - x->p) >= n && !memcmp(x->p, known[i], n)) {
            x->p += n;
            return;
        }
    }
    ck_abort_msg("a bare & at: %.20s", x->p);
}

static void xml_name(xml *x, char *ret, size_t size)
{
    size_t n = 0;
    for (; x->p < x->end &&
           strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-:0123456789", *x->p);
         x->p++) {
        ck_assert_uint_lt(n + 1, size);
        ret[n++] = *x->p;
    }
    ck_assert_uint_gt(n, 0);
    ret[n] = '\0';
}

/* Reads the attributes; true: the element is closed by itself. */
static bool xml_attributes(xml *x)
{
    for (;;) {
        char name[64];
        while (x->p < x->end && *x->p == ' ')
            x->p++;
        if (*x->p == '>' || *x->p == '/') break;
        xml_name(x, name, sizeof name);
        ck_assert_msg(!memcmp(x->p, "=\"", 2), "attribute %s has no value", name);
        for (x->p += 2; *x->p != '"';) {
            ck_assert_msg(x->p < x->end && *x->p != '<', "attribute %s does not end", name);
            if (*x->p == '&')
                xml_entity(x);
            else
                x->p++;
        }
        x->p++;
    }
    bool alone = *x->p == '/';
    x->p += alone ? 2 : 1;
    ck_assert_int_eq(x->p[-1], '>');
    return alone;
}

static void check_xml(str s)
{
    char open[16][64];
    xml x = {s.p, s.p + s.n, 0, 0};
    ck_assert(str_utf8_ok(s) && str_starts(s, "<svg "));
    while (x.p < x.end) {
        unsigned char c = (unsigned char)*x.p;
        ck_assert_msg(c >= ' ' || c == '\n' || c == '\t' || c == '\r', "control character %d", c);
        if (c == '&') {
            xml_entity(&x);
        } else if (c != '<') {
            ck_assert_msg(x.depth > 0 || c == '\n', "text outside of <svg>");
            x.p++;
        } else if (x.p[1] == '/') {
            char name[64];
            x.p += 2;
            xml_name(&x, name, sizeof name);
            ck_assert_int_gt(x.depth, 0);
            ck_assert_str_eq(name, open[--x.depth]);
            ck_assert_int_eq(*x.p++, '>');
        } else {
            ck_assert_int_lt(x.depth, 16);
            x.p++;
            xml_name(&x, open[x.depth], sizeof open[0]);
            x.elements++;
            if (!xml_attributes(&x)) x.depth++;
        }
    }
    ck_assert_int_eq(x.depth, 0);
    ck_assert_int_gt(x.elements, 5);
}

static bool has(const buf *b, const char *text)
{
    size_t at = 0;
    return str_find(buf_str(b), str_of(text), &at);
}

static size_t count(const buf *b, const char *text)
{
    size_t n = 0, at = 0;
    for (str s = buf_str(b); str_find(s, str_of(text), &at); n++)
        s = (str){s.p + at + 1, s.n - at - 1};
    return n;
}

static void check_chart(buf *b)
{
    check_xml(buf_str(b));
    ck_assert(!has(b, "nan") && !has(b, "inf\"") && has(b, "prefers-color-scheme:dark"));
    ck_assert(has(b, "<title>") && has(b, "<desc>") && !has(b, "<script"));
}

/* ---- tests ---- */

TEST(a_scatter_draws_every_point_and_its_guides)
{
    double x[] = {1, 2, 3}, y[] = {1.5, -2, 0};
    buf b;
    buf_init(&b, CHART_MAX);
    ck_ok(plot_scatter(&b, &plain, x, y, 3, PLOT_DIAGONAL | PLOT_ZERO_LINE));
    check_chart(&b);
    ck_assert_uint_eq(count(&b, "h0"), 3);
    ck_assert_uint_eq(count(&b, "class=\"guide\""), 2);
    ck_assert(has(&b, "<desc>Residuals 3 points.</desc>"));
    buf_done(&b);
}
END_TEST

TEST(points_over_the_limit_are_thinned_evenly_and_the_chart_says_so)
{
    enum { N = 3 * PLOT_POINTS_MAX + 7 };
    double *x = mem_new(N, sizeof *x);
    for (size_t i = 0; i < N; i++)
        x[i] = (double)i;
    buf b;
    buf_init(&b, CHART_MAX);
    ck_ok(plot_scatter(&b, &plain, x, x, PLOT_POINTS_MAX, 0));
    ck_assert_uint_eq(count(&b, "h0"), PLOT_POINTS_MAX);
    ck_assert(!has(&b, "shown"));
    buf_reset(&b);
    ck_ok(plot_scatter(&b, &plain, x, x, N, 0));
    check_chart(&b);
    ck_assert_uint_eq(count(&b, "h0"), PLOT_POINTS_MAX);
    ck_assert(has(&b, "4,000 of 12,007 points shown") && has(&b, "of which 4,000 are drawn"));
    buf_done(&b);
    mem_free(x);
}
END_TEST

TEST(points_that_are_not_finite_are_left_out_and_counted)
{
    double x[] = {1, NAN, 3, 4, 1.7e308}, y[] = {1, 2, INFINITY, 4, 5};
    buf b;
    buf_init(&b, CHART_MAX);
    ck_ok(plot_scatter(&b, &plain, x, y, 5, 0));
    check_chart(&b);
    ck_assert_uint_eq(count(&b, "h0"), 2);
    ck_assert(has(&b, "left out because they are not finite: 3."));
    buf_done(&b);
}
END_TEST

TEST(without_data_every_chart_says_so)
{
    double nan[] = {NAN}, edges[] = {NAN, NAN}, none[] = {0};
    buf b;
    buf_init(&b, CHART_MAX);
    ck_ok(plot_scatter(&b, &plain, NULL, NULL, 0, PLOT_DIAGONAL));
    check_chart(&b);
    ck_ok(plot_scatter(&b, &plain, nan, nan, 1, PLOT_ZERO_LINE));
    ck_ok(plot_histogram(&b, &plain, NULL, NULL, 0));
    ck_ok(plot_histogram(&b, &plain, edges, none, 1));
    ck_ok(plot_bars(&b, &plain, NULL, NULL, 0));
    ck_assert_uint_eq(count(&b, "no data"), 5);
    buf_done(&b);
}
END_TEST

TEST(one_value_and_extreme_ranges_still_have_axes)
{
    static const double pairs[][2] = {{0, 0},           {5, 5},           {-1e300, 1e300},
                                      {1e-310, 2e-310}, {1e15, 1e15 + 1}, {-3, -3 + 1e-12},
                                      {1e-8, 3e-8}};
    for (size_t i = 0; i < countof(pairs); i++) {
        buf b;
        buf_init(&b, CHART_MAX);
        ck_ok(plot_scatter(&b, &plain, pairs[i], pairs[i], 2, PLOT_DIAGONAL));
        check_chart(&b);
        ck_assert_uint_ge(count(&b, "class=\"grid\""), 4);
        buf_done(&b);
    }
}
END_TEST

TEST(any_text_is_safe_as_a_label)
{
    static const char nasty[] = "</title><script>\"'&\x01\x7f\xff\xc0\x80\xed\xa0\x80\xef\xbf\xbf "
                                "\xf0\x9f\x9a\x95 \xe2\x82";
    plot_labels l = {nasty, nasty, nasty, nasty};
    double v[] = {1, 2}, edges[] = {0, 1, 2};
    str names[] = {str_of(nasty), {"a\0b", 3}};
    buf b;
    buf_init(&b, CHART_MAX);
    ck_ok(plot_scatter(&b, &l, v, v, 2, 0));
    check_chart(&b);
    ck_assert(has(&b, "\xf0\x9f\x9a\x95") && has(&b, "\xef\xbf\xbd"));
    buf_reset(&b);
    ck_ok(plot_histogram(&b, &l, edges, v, 2));
    check_chart(&b);
    buf_reset(&b);
    ck_ok(plot_bars(&b, &l, names, v, 2));
    check_chart(&b);
    buf_done(&b);
}
END_TEST

TEST(a_histogram_has_a_bar_for_each_bin_that_is_not_empty)
{
    double edges[] = {0, 1, 2, 3}, counts[] = {5, 0, 12345};
    buf b;
    buf_init(&b, CHART_MAX);
    ck_ok(plot_histogram(&b, &plain, edges, counts, 3));
    check_chart(&b);
    ck_assert_uint_eq(count(&b, "class=\"bar\""), 2);
    ck_assert(has(&b, "<title>2 to 3: 12,345</title>"));
    buf_done(&b);
}
END_TEST

TEST(histograms_that_make_no_sense_are_refused)
{
    double edges[] = {0, 2, 1}, good[] = {0, 1, 2}, counts[] = {1, 1}, negative[] = {1, -1},
           nan[] = {NAN, 1}, open[] = {0, 1, INFINITY};
    buf b;
    buf_init(&b, CHART_MAX);
    ck_err(plot_histogram(&b, &plain, edges, counts, 2), ERR_INVALID);
    ck_err(plot_histogram(&b, &plain, open, counts, 2), ERR_INVALID);
    ck_err(plot_histogram(&b, &plain, good, negative, 2), ERR_INVALID);
    ck_err(plot_histogram(&b, &plain, good, nan, 2), ERR_INVALID);
    ck_err(plot_bars(&b, &plain, (str[]){STR("a"), STR("b")}, negative, 2), ERR_INVALID);
    ck_err(plot_bars(&b, &plain, (str[]){STR("a"), STR("b")}, nan, 2), ERR_INVALID);
    ck_assert_uint_eq(b.n, 0);
    buf_done(&b);
}
END_TEST

TEST(bars_keep_their_order_and_a_long_list_is_cut_and_says_so)
{
    str names[PLOT_BARS_MAX + 1];
    double values[PLOT_BARS_MAX + 1];
    arena *a = arena_new(0);
    for (size_t i = 0; i <= PLOT_BARS_MAX; i++) {
        names[i] = str_fmt(a, "feature_%zu", i);
        values[i] = (double)(PLOT_BARS_MAX - i) * 1000;
    }
    buf b;
    buf_init(&b, CHART_MAX);
    ck_ok(plot_bars(&b, &plain, names, values, PLOT_BARS_MAX));
    check_chart(&b);
    ck_assert_uint_eq(count(&b, "class=\"bar\""), PLOT_BARS_MAX);
    ck_assert(!has(&b, "shown") && has(&b, ">feature_0: 60,000<"));
    buf_reset(&b);
    ck_ok(plot_bars(&b, &plain, names, values, PLOT_BARS_MAX + 1));
    ck_assert_uint_eq(count(&b, "class=\"bar\""), PLOT_BARS_MAX);
    ck_assert(has(&b, "the first 60 of 61 shown") && !has(&b, "feature_60"));
    buf_done(&b);
    arena_free(a);
}
END_TEST

TEST(a_chart_that_does_not_fit_its_buffer_is_an_error)
{
    double x[] = {1, 2};
    buf b;
    buf_init(&b, 500);
    ck_err(plot_scatter(&b, &plain, x, x, 2, 0), ERR_LIMIT);
    buf_done(&b);
}
END_TEST

TESTS("plot", a_scatter_draws_every_point_and_its_guides,
      points_over_the_limit_are_thinned_evenly_and_the_chart_says_so,
      points_that_are_not_finite_are_left_out_and_counted, without_data_every_chart_says_so,
      one_value_and_extreme_ranges_still_have_axes, any_text_is_safe_as_a_label,
      a_histogram_has_a_bar_for_each_bin_that_is_not_empty,
      histograms_that_make_no_sense_are_refused,
      bars_keep_their_order_and_a_long_list_is_cut_and_says_so,
      a_chart_that_does_not_fit_its_buffer_is_an_error)
