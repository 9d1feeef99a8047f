#include <assert.h>

#include "base/str.h"

enum { NEAR_MAX = 64 }; /* longer words have no neighbours */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Damerau-Levenshtein distance in its restricted form (optimal string alignment): a neighbour swap
 * counts one. */
static unsigned distance(str a, str b)
{
    unsigned rows[3][NEAR_MAX + 1];
    unsigned *old2 = rows[0], *old = rows[1], *now = rows[2];
    for (unsigned j = 0; j <= b.n; j++)
        old2[j] = old[j] = j;
    for (unsigned i = 1; i <= a.n; i++) {
        now[0] = i;
        for (unsigned j = 1; j <= b.n; j++) {
            unsigned d = old[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            d = least(d, least(old[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
                d = least(d, old2[j - 2] + 1);
            now[j] = d;
        }
        unsigned *t = old2;
        old2 = old;
        old = now;
        now = t;
    }
    return old[b.n];
}

const char *str_nearest(str word, const char *const *candidates, size_t n)
{
    assert(candidates || !n);
    if (!word.n || word.n > NEAR_MAX) return NULL;
    const char *best = NULL;
    size_t best_d = word.n / 3 > 2 ? word.n / 3 : 2;
    for (size_t i = 0; i < n; i++) {
        str c = str_of(candidates[i]);
        if (c.n > NEAR_MAX) continue;
        size_t d = distance(word, c);
        /* A word of which nothing is left is no neighbour ("x" and "id"). */
        if (d > best_d || (best && d == best_d) || d >= (word.n > c.n ? word.n : c.n)) continue;
        best = candidates[i];
        best_d = d;
    }
    return best;
}
