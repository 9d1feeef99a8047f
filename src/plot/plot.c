#include "plot/plot.h"

#include <assert.h>
#include <math.h>

#include "plot/svg_int.h"

enum {
    HISTOGRAM_BINS_MAX = 2000,
    TICKS_X = 7,
    TICKS_Y = 6,
    /* Dots of one path do not darken each other; spread over several, places where many lie look
       dense. */
    DOT_PATHS = 32,
    FACTS_MAX = 400,
    BAR_STEP = 26,
    NAME_MAX = 32,
};
static const double drawable_max = 1e300; /* beyond it, widths of axes overflow */

static const area usual = {
    .left = 76, .top = 48, .right = 696, .bottom = 380, .width = 720, .height = 440};

static err finish(buf *out, buf *facts)
{
    buf_done(facts);
    return buf_err(out, "chart");
}

/* ---- scatter ---- */

typedef struct cloud {
    const double *x, *y;
    size_t n, n_good;
    double x_lo, x_hi, y_lo, y_hi;
} cloud;

static bool good(const cloud *c, size_t i)
{
    return fabs(c->x[i]) <= drawable_max && fabs(c->y[i]) <= drawable_max; /* NaN is not */
}

static void measure(cloud *c, unsigned guides)
{
    c->x_lo = c->y_lo = INFINITY;
    c->x_hi = c->y_hi = -INFINITY;
    for (size_t i = 0; i < c->n; i++) {
        if (!good(c, i)) continue;
        c->n_good++;
        c->x_lo = fmin(c->x_lo, c->x[i]);
        c->x_hi = fmax(c->x_hi, c->x[i]);
        c->y_lo = fmin(c->y_lo, c->y[i]);
        c->y_hi = fmax(c->y_hi, c->y[i]);
    }
    if (!c->n_good) c->x_lo = c->x_hi = c->y_lo = c->y_hi = 0;
    if (guides & PLOT_ZERO_LINE) {
        c->y_lo = fmin(c->y_lo, 0);
        c->y_hi = fmax(c->y_hi, 0);
    }
    if (guides & PLOT_DIAGONAL) {
        c->x_lo = c->y_lo = fmin(c->x_lo, c->y_lo);
        c->x_hi = c->y_hi = fmax(c->x_hi, c->y_hi);
    }
}

static void put_dots(buf *b, const cloud *c, const scale *x, const scale *y)
{
    size_t every = c->n_good > PLOT_POINTS_MAX ? c->n_good : 0; /* 0: all */
    for (size_t path = 0; path < DOT_PATHS; path++) {
        size_t drawn = 0, seen = 0;
        for (size_t i = 0; i < c->n; i++) {
            if (!good(c, i)) continue;
            /* The k-th good point is drawn when it is the first of its PLOT_POINTS_MAX-th part. */
            size_t k = seen++;
            if (every && k * PLOT_POINTS_MAX / every == (k + 1) * PLOT_POINTS_MAX / every) continue;
            size_t nth = drawn++;
            if (nth % DOT_PATHS != path) continue;
            if (nth == path) buf_puts(b, STR("<path class=\"dots\" d=\""));
            buf_fmt(b, "M%.1f %.1fh0", scale_at(x, c->x[i]), scale_at(y, c->y[i]));
        }
        if (drawn > path) buf_puts(b, STR("\"/>\n"));
    }
}

static void put_guides(buf *b, const area *a, const scale *x, const scale *y, unsigned guides)
{
    if (guides & PLOT_DIAGONAL) {
        double lo = fmax(x->lo, y->lo), hi = fmin(x->hi, y->hi);
        buf_fmt(b, "<path class=\"guide\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", scale_at(x, lo),
                scale_at(y, lo), scale_at(x, hi), scale_at(y, hi));
    }
    if (guides & PLOT_ZERO_LINE)
        buf_fmt(b, "<path class=\"guide\" d=\"M%.1f %.1fH%.1f\"/>\n", a->left, scale_at(y, 0),
                a->right);
}

static void scatter_facts(buf *facts, const cloud *c)
{
    svg_count(facts, c->n_good);
    buf_puts(facts, c->n_good == 1 ? STR(" point") : STR(" points"));
    if (c->n_good > PLOT_POINTS_MAX) {
        buf_puts(facts, STR(", of which "));
        svg_count(facts, PLOT_POINTS_MAX);
        buf_puts(facts, STR(" are drawn"));
    }
    if (c->n_good < c->n) {
        buf_puts(facts, STR("; left out because they are not finite: "));
        svg_count(facts, c->n - c->n_good);
    }
    buf_putc(facts, '.');
}

static void scatter_note(buf *out, const area *a, const cloud *c)
{
    if (c->n_good <= PLOT_POINTS_MAX) return;
    buf note;
    buf_init(&note, FACTS_MAX);
    svg_count(&note, PLOT_POINTS_MAX);
    buf_puts(&note, STR(" of "));
    svg_count(&note, c->n_good);
    buf_puts(&note, STR(" points shown"));
    svg_note(out, a, buf_str(&note));
    buf_done(&note);
}

err plot_scatter(buf *out, const plot_labels *l, const double *x, const double *y, size_t n,
                 unsigned guides)
{
    assert(out && l && l->title);
    assert((x && y) || !n);
    cloud c = {.x = x, .y = y, .n = n};
    measure(&c, guides);
    const area *a = &usual;
    scale sx = c.n_good ? scale_make(c.x_lo, c.x_hi, false, TICKS_X) : scale_empty();
    scale sy = c.n_good ? scale_make(c.y_lo, c.y_hi, false, TICKS_Y) : scale_empty();
    sx = scale_place(sx, a->left, a->right);
    sy = scale_place(sy, a->bottom, a->top);
    buf facts;
    buf_init(&facts, FACTS_MAX);
    scatter_facts(&facts, &c);
    svg_open(out, l, a, buf_str(&facts));
    svg_axis_y(out, a, &sy, l->y);
    svg_axis_x(out, a, &sx, l->x, true);
    if (c.n_good) {
        put_dots(out, &c, &sx, &sy);
        put_guides(out, a, &sx, &sy, guides);
    } else {
        svg_no_data(out, a);
    }
    scatter_note(out, a, &c);
    svg_close(out);
    return finish(out, &facts);
}

/* ---- histogram ---- */

static err check_histogram(const double *edges, const double *counts, size_t n, double *ret_most,
                           double *ret_total)
{
    if (n > HISTOGRAM_BINS_MAX)
        return err_set(ERR_LIMIT, "histogram: %zu bins, at most %d can be drawn", n,
                       HISTOGRAM_BINS_MAX);
    double most = 0, total = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(counts[i] >= 0 && counts[i] <= drawable_max))
            return err_set(ERR_INVALID, "histogram: the count of bin %zu is %g, want a number >= 0",
                           i, counts[i]);
        most = fmax(most, counts[i]);
        total += counts[i];
    }
    for (size_t i = 0; i < n && total > 0; i++) {
        bool finite = fabs(edges[i]) <= drawable_max && fabs(edges[i + 1]) <= drawable_max;
        if (!finite || edges[i] > edges[i + 1])
            return err_set(ERR_INVALID, "histogram: bin %zu goes from %g to %g, want rising edges",
                           i, edges[i], edges[i + 1]);
    }
    *ret_most = most;
    *ret_total = total;
    return ERR_OK;
}

static void put_bins(buf *b, const area *a, const scale *x, const scale *y, const double *edges,
                     const double *counts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double left = scale_at(x, edges[i]), right = scale_at(x, edges[i + 1]);
        double gap = right - left > 4 ? 0.5 : 0, top = scale_at(y, counts[i]);
        if (counts[i] <= 0) continue;
        buf_fmt(b,
                "<rect class=\"bar\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"><title>",
                left + gap, top, fmax(right - left - 2 * gap, 0.5), a->bottom - top);
        svg_number(b, edges[i]);
        buf_puts(b, STR(" to "));
        svg_number(b, edges[i + 1]);
        buf_puts(b, STR(": "));
        svg_number(b, counts[i]);
        buf_puts(b, STR("</title></rect>\n"));
    }
}

err plot_histogram(buf *out, const plot_labels *l, const double *edges, const double *counts,
                   size_t n_bins)
{
    assert(out && l && l->title);
    assert((edges && counts) || !n_bins);
    double most = 0, total = 0;
    TRY(check_histogram(edges, counts, n_bins, &most, &total));
    bool empty = total <= 0;
    const area *a = &usual;
    scale x = empty ? scale_empty() : scale_make(edges[0], edges[n_bins], false, TICKS_X);
    scale y = empty ? scale_empty() : scale_make(0, most, true, TICKS_Y);
    x = scale_place(x, a->left, a->right);
    y = scale_place(y, a->bottom, a->top);
    buf facts;
    buf_init(&facts, FACTS_MAX);
    buf_fmt(&facts, "%zu bins, %.15g in all.", n_bins, total);
    svg_open(out, l, a, buf_str(&facts));
    svg_axis_y(out, a, &y, l->y);
    if (empty)
        svg_no_data(out, a);
    else
        put_bins(out, a, &x, &y, edges, counts, n_bins);
    svg_axis_x(out, a, &x, l->x, false);
    svg_close(out);
    return finish(out, &facts);
}

/* ---- bars ---- */

static err check_bars(const double *values, size_t n, double *ret_most)
{
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(values[i] >= 0 && values[i] <= drawable_max))
            return err_set(ERR_INVALID, "bars: value %zu is %g, want a number >= 0", i, values[i]);
        if (i < PLOT_BARS_MAX) most = fmax(most, values[i]);
    }
    *ret_most = most;
    return ERR_OK;
}

static area bars_area(const str *names, size_t n)
{
    size_t width = 40;
    for (size_t i = 0; i < n; i++) {
        size_t w = svg_text_width(names[i], NAME_MAX);
        width = w > width ? w : width;
    }
    area a = usual;
    a.left = 28 + (double)width;
    a.right = 640; /* the values stand behind the bars */
    a.bottom = a.top + (double)BAR_STEP * (double)(n ? n : 2) + 8;
    a.height = a.bottom + 56;
    return a;
}

static void put_bar(buf *b, const area *a, const scale *x, size_t i, str name, double value)
{
    double top = a->top + 8 + BAR_STEP * (double)i, end = scale_at(x, value);
    buf_puts(b, STR("<g><title>"));
    svg_text(b, name, SIZE_MAX);
    buf_puts(b, STR(": "));
    svg_number(b, value);
    buf_fmt(b, "</title><text class=\"label\" text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">",
            a->left - 8, top + 13);
    svg_text(b, name, NAME_MAX);
    buf_fmt(b,
            "</text><rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" height=\"18\"/>"
            "<text x=\"%.1f\" y=\"%.1f\">",
            a->left, top, end - a->left, end + 6, top + 13);
    svg_number(b, value);
    buf_puts(b, STR("</text></g>\n"));
}

err plot_bars(buf *out, const plot_labels *l, const str *names, const double *values, size_t n)
{
    assert(out && l && l->title);
    assert((names && values) || !n);
    double most = 0;
    TRY(check_bars(values, n, &most));
    size_t shown = n < PLOT_BARS_MAX ? n : PLOT_BARS_MAX;
    area a = bars_area(names, shown);
    scale x = n ? scale_make(0, most > 0 ? most : 1, true, TICKS_X - 1) : scale_empty();
    x = scale_place(x, a.left, a.right);
    buf facts, note;
    buf_init(&facts, FACTS_MAX);
    buf_init(&note, FACTS_MAX);
    buf_fmt(&facts, "%zu bars.", n);
    if (shown < n) buf_fmt(&note, "the first %zu of %zu shown", shown, n);
    svg_open(out, l, &a, buf_str(shown < n ? &note : &facts));
    svg_axis_x(out, &a, &x, l->x, true);
    for (size_t i = 0; i < shown; i++)
        put_bar(out, &a, &x, i, names[i], values[i]);
    buf_fmt(out, "<path class=\"axis\" d=\"M%.1f %.1fV%.1f\"/>\n", a.left, a.top, a.bottom);
    if (!n) svg_no_data(out, &a);
    svg_note(out, &a, buf_str(&note));
    svg_close(out);
    buf_done(&note);
    return finish(out, &facts);
}
