#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "tracking/tracking_int.h"

/* --- writing */
typedef struct known_model {
    str id;
    int64_t row;
} known_model;

/* The few models that a batch speaks of, each asked for once. */
static err known_find(db_tx *tx, arena *a, known_model *v, size_t *n, str id, int64_t *ret)
{
    for (size_t i = 0; i < *n; i++)
        if (str_eq(v[i].id, id)) {
            *ret = v[i].row;
            return ERR_OK;
        }
    TRY(logged_need(tx, a, id, ret));
    v[(*n)++] = (known_model){id, *ret};
    return ERR_OK;
}

static bool same_key(const db_val *x, const db_val *y)
{
    return x[0].i == y[0].i && str_eq(x[1].s, y[1].s) && x[2].i == y[2].i && x[3].i == y[3].i;
}

err logged_metrics_put(db_tx *tx, arena *a, str run_id, const metric *v, const metric_subject *of,
                       size_t n)
{
    enum { COLS = 9 };
    known_model *known = arena_array(a, known_model, n);
    db_val *vals = arena_array(a, db_val, n * COLS), *to = vals;
    size_t n_known = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t row = 0;
        if (!of[i].model_id.n) continue;
        TRY(known_find(tx, a, known, &n_known, of[i].model_id, &row));
        bool nan = isnan(v[i].value);
        const db_val one[COLS] = {
            db_int(row),
            db_text(v[i].key),
            db_int(v[i].step),
            db_int(v[i].timestamp_ms),
            db_text(run_id),
            db_real(nan ? 0.0 : v[i].value),
            db_int(nan),
            db_text(of[i].dataset_name),
            db_text(of[i].dataset_digest),
        };
        bool again = false; /* a statement may name a row only once; the first holds */
        for (const db_val *p = vals; p < to && !again; p += COLS)
            again = same_key(p, one);
        if (again) continue;
        memcpy(to, one, sizeof one);
        to += COLS;
    }
    return rows_insert(tx,
                       "INSERT INTO logged_model_metric (model, name, step, timestamp_ms, run,"
                       " value, is_nan, dataset_name, dataset_digest) VALUES",
                       COLS, vals, (size_t)(to - vals) / COLS,
                       "ON CONFLICT (model, name, step, timestamp_ms, run) DO NOTHING", NULL);
}

/* --- reading, for many models at once */
typedef struct model_place {
    int64_t id;
    logged_model *to;
} model_place;

typedef struct metrics_fill {
    arena *a;
    model_place *places; /* sorted by id */
    size_t n;
} metrics_fill;

static int place_order(const void *x, const void *y)
{
    const model_place *a = x, *b = y;
    return (a->id > b->id) - (a->id < b->id);
}

static err metrics_take(void *ctx, const db_rows *r)
{
    const metrics_fill *f = ctx;
    for (size_t i = 0, end; i < r->n; i = end) {
        model_place want = {.id = db_cell_i(r, i, 0)};
        for (end = i + 1; end < r->n && db_cell_i(r, end, 0) == want.id; end++)
            ;
        const model_place *p = bsearch(&want, f->places, f->n, sizeof want, place_order);
        assert(p);
        model_metric *v = arena_array(f->a, model_metric, end - i);
        for (size_t k = i; k < end; k++)
            v[k - i] = (model_metric){
                .m = {.key = db_cell_s(r, k, 1),
                      .value = db_cell_i(r, k, 3) ? (double)NAN : db_cell_f(r, k, 2),
                      .step = db_cell_i(r, k, 4),
                      .timestamp_ms = db_cell_i(r, k, 5)},
                .run_id = db_cell_s(r, k, 6),
                .of = {p->to->id, db_cell_s(r, k, 7), db_cell_s(r, k, 8)},
            };
        p->to->metrics = v;
        p->to->n_metrics = end - i;
    }
    return ERR_OK;
}

err logged_metrics_load(db_tx *tx, arena *a, const int64_t *ids, logged_model *models, size_t n)
{
    if (!n) return ERR_OK;
    metrics_fill f = {.a = a, .places = arena_array(a, model_place, n), .n = n};
    db_val *list = arena_array(a, db_val, n);
    for (size_t i = 0; i < n; i++) {
        f.places[i] = (model_place){ids[i], &models[i]};
        list[i] = db_int(ids[i]);
    }
    qsort(f.places, n, sizeof *f.places, place_order);
    rows_in_list q = {
        .head = "SELECT model, name, value, is_nan, step, timestamp_ms, run, dataset_name,"
                " dataset_digest FROM logged_model_metric WHERE model IN (",
        .tail = ") ORDER BY model, name, step, timestamp_ms, run",
        .list = list,
        .n_list = n,
    };
    return rows_in(tx, a, &q, metrics_take, &f);
}
