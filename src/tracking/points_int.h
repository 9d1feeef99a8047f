/* tracking/points_int: metric points packed into bytes, as metric_log.data keeps them. Pure.
 *
 * Layout: version (1 byte = 1), then per key a group: key, n, size (varints), size bytes of n time
 * differences and n step differences (zigzag varints, each against the one before, the first
 * against 0), n values (8 bytes, little endian). Groups ascend by key, points within one by
 * point_cmp. About 10 bytes a point. */
#ifndef TIDEMILL_TRACKING_POINTS_INT_H
#define TIDEMILL_TRACKING_POINTS_INT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { POINTS_BYTES_MAX = 1 << 28 };

typedef struct point {
    int64_t key, time, step; /* key is a row of metric_key */
    double v;
} point;

typedef struct points { /* growing; one thread */
    point *v;
    size_t n, cap;
} points;

void points_done(points *p);
void points_add(points *p, point one);
/* points_sort_unique: by point_cmp, equal ones once. */
void points_sort_unique(points *p);

/* point_cmp: by key, time, step, value; a NaN is after every number and equal to a NaN. */
int point_cmp(const void *a, const void *b);
/* point_newer: MLflow's rule for the latest: (step, time, value), NaN counting as 0. */
bool point_newer(const point *a, const point *b);

/* points_pack appends sorted points. points_unpack appends what data holds: of one key only where
 * key is not 0. ERR_FORMAT. */
void points_pack(buf *to, const point *v, size_t n);
MUST_CHECK err points_unpack(str data, int64_t key, points *to);

#endif
