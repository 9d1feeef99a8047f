/* plot: charts as SVG text from numbers. Pure.
 *
 * Self-contained SVG (no scripts, no outside fonts), with <title> and <desc> for readers who cannot
 * see it, light and dark by prefers-color-scheme, safe to show in an <img>. At most PLOT_POINTS_MAX
 * points are drawn; more are thinned evenly, and the chart says so. */
#ifndef TIDEMILL_PLOT_PLOT_H
#define TIDEMILL_PLOT_PLOT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { PLOT_POINTS_MAX = 4000, PLOT_BARS_MAX = 60 };

typedef struct plot_labels {
    const char *title, *x, *y; /* y may be NULL for bars */
    const char *desc;          /* one sentence that says what is to be seen; NULL: the title */
} plot_labels;

/* plot_scatter: n points; diagonal != 0 draws y = x (predicted against actual); zero_line draws y =
 * 0. Non-finite points are left out and counted in the description. n = 0 gives an empty chart that
 * says "no data". */
typedef enum plot_guides { PLOT_DIAGONAL = 1 << 0, PLOT_ZERO_LINE = 1 << 1 } plot_guides;
MUST_CHECK err plot_scatter(buf *out, const plot_labels *l, const double *x, const double *y,
                            size_t n, unsigned guides);
/* plot_histogram: edges n_bins + 1, counts n_bins. */
MUST_CHECK err plot_histogram(buf *out, const plot_labels *l, const double *edges,
                              const double *counts, size_t n_bins);
/* plot_bars: horizontal bars, in the order given, values >= 0. */
MUST_CHECK err plot_bars(buf *out, const plot_labels *l, const str *names, const double *values,
                         size_t n);

#endif
