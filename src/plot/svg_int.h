/* plot/svg_int: the canvas that all charts share: escaping, scales, axes. Private to the room. */
#ifndef TIDEMILL_PLOT_SVG_INT_H
#define TIDEMILL_PLOT_SVG_INT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "plot/plot.h"

/* From data to pixels: data lo … hi lies on pixels from … to. */
typedef struct scale {
    double lo, hi, from, to;
    double step; /* between ticks: 1, 2 or 5 times a power of ten */
} scale;

enum { TICKS_MAX = 12 };

/* scale_make widens lo … hi a little (not beyond a bound that is 0 when hug is true) and chooses
 * about `ticks` round steps. */
scale scale_make(double lo, double hi, bool hug_zero, int ticks);
/* scale_empty has no ticks: for charts without data. */
scale scale_empty(void);
/* scale_place says where on the picture it lies. */
scale scale_place(scale s, double from, double to);
double scale_at(const scale *s, double v);
/* scale_ticks writes the ticks' values; returns how many, at most TICKS_MAX. */
size_t scale_ticks(const scale *s, double ret[TICKS_MAX]);

/* The part of the picture in which data is drawn, in pixels. */
typedef struct area {
    double left, top, right, bottom, width, height; /* width and height of the whole picture */
} area;

/* svg_text puts text as XML character data: escaped, and what XML or UTF-8 forbids as U+FFFD. At
 * most max code points, then "…". */
void svg_text(buf *b, str s, size_t max);
size_t svg_text_width(str s, size_t max); /* in pixels, about */
/* svg_number puts a number with about four digits, as a reader wants it: 3,936,500,
 * 0.2513, 1.2e-09. */
void svg_number(buf *b, double v);
/* svg_count puts a whole number with commas: 10,000. */
void svg_count(buf *b, size_t n);

/* svg_open puts everything up to the chart's heading; facts is what the description adds to l->desc
 * ("" or a sentence). */
void svg_open(buf *b, const plot_labels *l, const area *a, str facts);
void svg_close(buf *b);
/* svg_axis_x: lines up through the chart only when grid. */
void svg_axis_x(buf *b, const area *a, const scale *x, const char *label, bool grid);
void svg_axis_y(buf *b, const area *a, const scale *y, const char *label);
void svg_note(buf *b, const area *a, str note); /* small, at the bottom right */
void svg_no_data(buf *b, const area *a);

#endif
