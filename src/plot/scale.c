#include <assert.h>
#include <math.h>

#include "plot/svg_int.h"

/* The round number of the form 1, 2, 5 × 10^k that is nearest to v. */
static double round_step(double v)
{
    double base = pow(10, floor(log10(v))), part = v / base;
    double round = part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10;
    return round * base;
}

scale scale_make(double lo, double hi, bool hug_zero, int ticks)
{
    assert(isfinite(lo) && isfinite(hi) && lo <= hi && ticks > 0);
    double most = fmax(fabs(lo), fabs(hi)), pad = (hi - lo) * 0.03;
    if (hi - lo < most * 1e-9 || hi - lo < 1e-280) pad = most > 1e-270 ? most * 0.1 : 1;
    scale s = {.lo = lo - pad, .hi = hi + pad};
    if (hug_zero && lo == 0) s.lo = 0;
    if (hug_zero && hi == 0) s.hi = 0;
    s.step = round_step((s.hi - s.lo) / ticks);
    return s;
}

scale scale_empty(void)
{
    return (scale){.lo = 0, .hi = 1};
}

scale scale_place(scale s, double from, double to)
{
    s.from = from;
    s.to = to;
    return s;
}

double scale_at(const scale *s, double v)
{
    return s->from + (v - s->lo) / (s->hi - s->lo) * (s->to - s->from);
}

size_t scale_ticks(const scale *s, double ret[TICKS_MAX])
{
    if (s->step <= 0) return 0;
    size_t n = 0;
    double first = ceil(s->lo / s->step - 1e-9);
    for (int i = 0; i < TICKS_MAX; i++) {
        double v = (first + i) * s->step;
        if (v > s->hi + s->step * 1e-9) break;
        ret[n++] = v == 0 ? 0 : v; /* no -0 */
    }
    return n;
}
