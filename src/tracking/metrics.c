#include "tracking/tracking_int.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "tracking/points_int.h"

/* How a history is kept. Each batch becomes one row of metric_log at level 0, key 0 (many keys in
 * one blob). Rows are merged as a number is counted up: every 64th batch makes the level-0 rows one
 * of level 1, every 1024th the level-1 rows one of level 2. In a merge a key with many points gets
 * rows of its own (key > 0), which are not merged again, so that one long history is read without
 * the others.
 *
 * De-duplication on (key, time, step, value): a point with a step over the key's greatest (that is
 * metric_latest.step) or a time over its greatest (time_max) is certainly new; the others are
 * looked for in the rows whose ranges they touch. */
enum { MERGE_1 = 64, MERGE_2 = 1024, KEY_OWN_ROWS = 1024, PART_POINTS = 8192 };

typedef struct mark { /* one metric key of this batch */
    str name;
    int64_t key;      /* 0: not known yet */
    bool seen, dirty; /* seen: latest and time_max are there */
    point latest;
    int64_t time_max;
} mark;

typedef struct marks {
    mark *v; /* sorted by name */
    size_t n;
} marks;

static int mark_order(const void *x, const void *y)
{
    const mark *a = x, *b = y;
    return str_cmp(a->name, b->name);
}

static int mark_key_order(const void *x, const void *y)
{
    const mark *a = x, *b = y;
    return (a->key > b->key) - (a->key < b->key);
}

static mark *mark_of_name(const marks *m, str name)
{
    mark want = {.name = name};
    return bsearch(&want, m->v, m->n, sizeof want, mark_order);
}

/* --- names to keys, with what is known of each */
static err marks_take(void *ctx, const db_rows *r)
{
    const marks *m = ctx;
    for (size_t i = 0; i < r->n; i++) {
        mark *k = mark_of_name(m, db_cell_s(r, i, 1));
        assert(k);
        k->key = db_cell_i(r, i, 0);
        if (db_at(r, i, 2)->type == DB_NULL) continue;
        k->seen = true;
        k->latest = (point){
            .key = k->key,
            .step = db_cell_i(r, i, 2),
            .time = db_cell_i(r, i, 3),
            .v = db_cell_i(r, i, 5) ? (double)NAN : db_cell_f(r, i, 4),
        };
        k->time_max = db_cell_i(r, i, 6);
    }
    return ERR_OK;
}

static err marks_find(db_tx *tx, arena *a, int64_t run_row, marks *m, bool unknown_only)
{
    db_val *list = arena_array(a, db_val, m->n);
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        if (!unknown_only || !m->v[i].key) list[n++] = db_text(m->v[i].name);
    db_val first[] = {db_int(run_row)};
    rows_in_list q = {
        .head = "SELECT k.id, k.name, l.step, l.timestamp_ms, l.value, l.is_nan, l.time_max"
                " FROM metric_key k LEFT JOIN metric_latest l ON l.key = k.id AND l.run = ?"
                " WHERE k.name IN (",
        .tail = ")",
        .first = first,
        .n_first = 1,
        .list = list,
        .n_list = n,
    };
    return rows_in(tx, a, &q, marks_take, m);
}

static err marks_make(db_tx *tx, arena *a, int64_t run_row, const metric *v, size_t n, marks *ret)
{
    marks m = {arena_array(a, mark, n), n};
    for (size_t i = 0; i < n; i++)
        m.v[i].name = v[i].key;
    qsort(m.v, m.n, sizeof *m.v, mark_order);
    size_t kept = 1;
    for (size_t i = 1; i < n; i++)
        if (!str_eq(m.v[kept - 1].name, m.v[i].name)) m.v[kept++] = m.v[i];
    m.n = kept;
    TRY(marks_find(tx, a, run_row, &m, false));
    db_val *fresh = arena_array(a, db_val, m.n);
    size_t n_fresh = 0;
    for (size_t i = 0; i < m.n; i++)
        if (!m.v[i].key) fresh[n_fresh++] = db_text(m.v[i].name);
    if (n_fresh) {
        TRY(rows_insert(tx, "INSERT INTO metric_key (name) VALUES", 1, fresh, n_fresh,
                        "ON CONFLICT (name) DO NOTHING", NULL));
        TRY(marks_find(tx, a, run_row, &m, true));
    }
    *ret = m;
    return ERR_OK;
}

/* --- de-duplication against what is stored */
typedef struct ranges {
    int64_t key_min, key_max, step_min, step_max, time_min, time_max;
} ranges;

static void ranges_add(ranges *r, const point *p)
{
    if (p->key < r->key_min) r->key_min = p->key;
    if (p->key > r->key_max) r->key_max = p->key;
    if (p->step < r->step_min) r->step_min = p->step;
    if (p->step > r->step_max) r->step_max = p->step;
    if (p->time < r->time_min) r->time_min = p->time;
    if (p->time > r->time_max) r->time_max = p->time;
}

static ranges ranges_none(void)
{
    return (ranges){INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN};
}

/* Drops from p (sorted) what is in old (sorted). */
static void points_subtract(points *p, const points *old)
{
    size_t kept = 0;
    for (size_t i = 0, j = 0; i < p->n; i++) {
        while (j < old->n && point_cmp(&old->v[j], &p->v[i]) < 0)
            j++;
        if (j < old->n && !point_cmp(&old->v[j], &p->v[i])) continue;
        p->v[kept++] = p->v[i];
    }
    p->n = kept;
}

static err drop_stored(db_tx *tx, arena *a, int64_t run_row, const ranges *g, points *p)
{
    db_rows r = {0};
    TRY(tx_rows(tx, a,
                "SELECT data FROM metric_log WHERE run = ? AND (key = 0 OR (key >= ? AND key <= ?))"
                " AND step_max >= ? AND step_min <= ? AND time_max >= ? AND time_min <= ?",
                DB_ARGS(db_int(run_row), db_int(g->key_min), db_int(g->key_max),
                        db_int(g->step_min), db_int(g->step_max), db_int(g->time_min),
                        db_int(g->time_max)),
                &r));
    err e = ERR_OK;
    points old = {0};
    for (size_t i = 0; !e && p->n && i < r.n; i++) {
        old.n = 0;
        e = points_unpack(db_cell_s(&r, i, 0), 0, &old);
        if (!e) points_subtract(p, &old);
    }
    points_done(&old);
    return e;
}

/* Fills p with the batch's points, sorted and each once, without those that are stored already.
 * Leaves m sorted by key. */
static err points_fresh(db_tx *tx, arena *a, int64_t run_row, const metric *v, size_t n, marks *m,
                        points *p)
{
    for (size_t i = 0; i < n; i++)
        points_add(
            p, (point){mark_of_name(m, v[i].key)->key, v[i].timestamp_ms, v[i].step, v[i].value});
    points_sort_unique(p);
    qsort(m->v, m->n, sizeof *m->v, mark_key_order);
    ranges doubtful = ranges_none();
    for (size_t i = 0, k = 0; i < p->n; i++) {
        while (m->v[k].key != p->v[i].key)
            k++;
        const mark *known = &m->v[k];
        if (known->seen && p->v[i].step <= known->latest.step && p->v[i].time <= known->time_max)
            ranges_add(&doubtful, &p->v[i]);
    }
    if (doubtful.key_max == INT64_MIN) return ERR_OK;
    return drop_stored(tx, a, run_row, &doubtful, p);
}

/* --- writing */
static err log_row_put(db_tx *tx, const int64_t id[5], const point *v, size_t n)
{
    ranges g = ranges_none();
    for (size_t i = 0; i < n; i++)
        ranges_add(&g, &v[i]);
    buf data;
    buf_init(&data, POINTS_BYTES_MAX);
    points_pack(&data, v, n);
    err e = buf_err(&data, "packed metrics");
    if (!e)
        e = tx_exec(tx,
                    "INSERT INTO metric_log (run, key, level, seq, part, n, step_min, step_max,"
                    " time_min, time_max, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    DB_ARGS(db_int(id[0]), db_int(id[1]), db_int(id[2]), db_int(id[3]),
                            db_int(id[4]), db_int((int64_t)n), db_int(g.step_min),
                            db_int(g.step_max), db_int(g.time_min), db_int(g.time_max),
                            db_blob(buf_str(&data))),
                    NULL);
    buf_done(&data);
    return e;
}

static err log_rows_put(db_tx *tx, int64_t run_row, int64_t key, int64_t level, int64_t seq,
                        const points *p)
{
    int64_t id[5] = {run_row, key, level, seq, 0};
    for (size_t at = 0; at < p->n; at += PART_POINTS, id[4]++) {
        size_t n = p->n - at < PART_POINTS ? p->n - at : PART_POINTS;
        TRY(log_row_put(tx, id, p->v + at, n));
    }
    return ERR_OK;
}

static err latest_put(db_tx *tx, arena *a, int64_t run_row, marks *m, const points *p)
{
    for (size_t i = 0, k = 0; i < p->n; i++) {
        const point *one = &p->v[i];
        while (m->v[k].key != one->key)
            k++;
        mark *known = &m->v[k];
        if (!known->seen || one->time > known->time_max) {
            known->time_max = one->time;
            known->dirty = true;
        }
        if (!known->seen || point_newer(one, &known->latest)) {
            known->latest = *one;
            known->dirty = true;
        }
        known->seen = true;
    }
    db_val *vals = arena_array(a, db_val, m->n * 7), *to = vals;
    size_t n = 0;
    for (size_t k = 0; k < m->n; k++) {
        const mark *known = &m->v[k];
        if (!known->dirty) continue;
        bool nan = isnan(known->latest.v);
        *to++ = db_int(run_row);
        *to++ = db_int(known->key);
        *to++ = db_int(known->latest.step);
        *to++ = db_int(known->latest.time);
        *to++ = db_real(nan ? 0.0 : known->latest.v);
        *to++ = db_int(nan);
        *to++ = db_int(known->time_max);
        n++;
    }
    return rows_insert(
        tx,
        "INSERT INTO metric_latest (run, key, step, timestamp_ms, value, is_nan, time_max) VALUES",
        7, vals, n,
        "ON CONFLICT (run, key) DO UPDATE SET step = excluded.step, timestamp_ms = "
        "excluded.timestamp_ms,"
        " value = excluded.value, is_nan = excluded.is_nan, time_max = excluded.time_max",
        NULL);
}

/* --- merging */
/* Sorted points of a merge go out: keys with many points to rows of their own, the rest together.
 */
static err merged_put(db_tx *tx, int64_t run_row, int64_t level, int64_t seq, points *all)
{
    err e = ERR_OK;
    size_t kept = 0;
    for (size_t i = 0, end; !e && i < all->n; i = end) {
        for (end = i; end < all->n && all->v[end].key == all->v[i].key; end++)
            ;
        points one = {.v = all->v + i, .n = end - i};
        if (one.n >= KEY_OWN_ROWS) {
            e = log_rows_put(tx, run_row, one.v[0].key, level, seq, &one);
        } else {
            memmove(all->v + kept, one.v, one.n * sizeof *one.v);
            kept += one.n;
        }
    }
    points rest = {.v = all->v, .n = kept};
    return e ? e : log_rows_put(tx, run_row, 0, level, seq, &rest);
}

static err merge(db_tx *tx, arena *a, int64_t run_row, int64_t level, int64_t seq)
{
    db_rows r = {0};
    TRY(tx_rows(tx, a, "SELECT data FROM metric_log WHERE run = ? AND key = 0 AND level = ?",
                DB_ARGS(db_int(run_row), db_int(level)), &r));
    points all = {0};
    err e = ERR_OK;
    for (size_t i = 0; !e && i < r.n; i++)
        e = points_unpack(db_cell_s(&r, i, 0), 0, &all);
    if (!e) points_sort_unique(&all);
    if (!e)
        e = tx_exec(tx, "DELETE FROM metric_log WHERE run = ? AND key = 0 AND level = ?",
                    DB_ARGS(db_int(run_row), db_int(level)), NULL);
    if (!e) e = merged_put(tx, run_row, level + 1, seq, &all);
    points_done(&all);
    return e;
}

err metrics_put(db_tx *tx, arena *a, int64_t run_row, int64_t seq, const metric *v, size_t n)
{
    assert(n > 0 && seq > 0);
    marks m;
    TRY(marks_make(tx, a, run_row, v, n, &m));
    points p = {0};
    err e = points_fresh(tx, a, run_row, v, n, &m, &p);
    if (!e && p.n) {
        e = log_rows_put(tx, run_row, 0, 0, seq, &p);
        if (!e) e = latest_put(tx, a, run_row, &m, &p);
    }
    points_done(&p);
    if (!e && seq % MERGE_1 == 0) e = merge(tx, a, run_row, 0, seq);
    if (!e && seq % MERGE_2 == 0) e = merge(tx, a, run_row, 1, seq);
    return e;
}

/* --- reading a history */
typedef struct history {
    arena *a;
    str run_id, key;
    points p;
    int64_t key_row;
} history;

static err history_tx(db_tx *tx, void *arg)
{
    history *h = arg;
    db_rows r = {0};
    h->p.n = 0;
    TRY(tx_rows(
        tx, h->a,
        "SELECT r.id, (SELECT k.id FROM metric_key k WHERE k.name = ?) FROM run r WHERE r.uuid = ?",
        DB_ARGS(db_text(h->key), db_text(h->run_id)), &r));
    if (!r.n) return run_missing(h->run_id);
    int64_t run_row = db_cell_i(&r, 0, 0), key = db_cell_i(&r, 0, 1);
    if (!key) return ERR_OK;
    TRY(tx_rows(tx, h->a, "SELECT data FROM metric_log WHERE run = ? AND key IN (0, ?)",
                DB_ARGS(db_int(run_row), db_int(key)), &r));
    for (size_t i = 0; i < r.n; i++) {
        TRY(points_unpack(db_cell_s(&r, i, 0), key, &h->p));
        if (h->p.n > TRACKING_HISTORY_MAX)
            return err_set(ERR_LIMIT,
                           "metric %.*s of run %.*s: over %d points, too many for one answer",
                           STR_ARG(h->key), STR_ARG(h->run_id), TRACKING_HISTORY_MAX);
    }
    return ERR_OK;
}

err tracking_metric_history(db *d, arena *a, str run_id, str key, metric **ret, size_t *ret_n)
{
    assert(d && a && ret && ret_n);
    AUTO(arena) scratch = arena_new(0);
    history h = {.a = scratch, .run_id = run_id, .key = key};
    err e = db_read(d, history_tx, &h);
    if (!e) {
        points_sort_unique(&h.p);
        str name = str_dup(a, key);
        metric *v = arena_array(a, metric, h.p.n ? h.p.n : 1);
        for (size_t i = 0; i < h.p.n; i++)
            v[i] = (metric){name, h.p.v[i].v, h.p.v[i].time, h.p.v[i].step};
        *ret = v;
        *ret_n = h.p.n;
    }
    points_done(&h.p);
    return e;
}
