#include "tracking/cache.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "tracking/cache_int.h"
#include "tracking/tracking_int.h"

enum { UUID_SIZE = 32, CHANGES_AT_ONCE = 4096, ORDERS_MAX = 4, COLUMNS_MAX = 128 };
static_assert(COLUMNS_MAX >= FILTER_TERMS_MAX + ORDERS_MAX, "a search never drops its own columns");

typedef struct cached_metric {
    int64_t key;
    double value; /* NaN is NaN */
} cached_metric;

typedef struct cached_run {
    int64_t id, rev, experiment, start_ms, end_ms;
    cached_metric *metrics; /* own, sorted by key */
    uint32_t n_metrics;
    bool has_end, active;
    char uuid[UUID_SIZE];
} cached_run;

/* One metric of all runs side by side, made at the first search that asks for it. */
typedef struct column {
    int64_t key;
    double *v; /* v[i] belongs to run i; missing() where it has none */
    uint64_t used;
} column;

struct tracking_cache {
    pthread_mutex_t lock;
    cached_run *v; /* sorted by id */
    size_t n, cap, n_metrics;
    column columns[COLUMNS_MAX];
    size_t n_columns;
    uint64_t clock; /* counts uses of columns */
    int64_t rev;    /* everything up to here is in v */
    bool unfit;     /* too much, or a run of another kind: stays empty */
};

tracking_cache *tracking_cache_new(void)
{
    tracking_cache *c = mem_new(1, sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    c->rev = -1;
    return c;
}

/* A NaN that no metric is: those all have the payload of NAN. */
static const uint64_t missing_bits = 0x7ff8a5a5a5a5a5a5;

static double missing(void)
{
    double v;
    memcpy(&v, &missing_bits, sizeof v);
    return v;
}

static bool is_missing(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits == missing_bits;
}

static void columns_drop(tracking_cache *c)
{
    for (size_t i = 0; i < c->n_columns; i++)
        mem_free(c->columns[i].v);
    c->n_columns = 0;
}

static void cache_empty(tracking_cache *c)
{
    for (size_t i = 0; i < c->n; i++)
        mem_free(c->v[i].metrics);
    mem_free(c->v);
    columns_drop(c);
    c->v = NULL;
    c->n = c->cap = c->n_metrics = 0;
}

void tracking_cache_free(tracking_cache *c)
{
    if (!c) return;
    cache_empty(c);
    pthread_mutex_destroy(&c->lock);
    mem_free(c);
}

size_t tracking_cache_bytes(tracking_cache *c)
{
    assert(c);
    pthread_mutex_lock(&c->lock);
    size_t bytes = c->cap * (sizeof *c->v + c->n_columns * sizeof *c->columns[0].v) +
                   c->n_metrics * sizeof(cached_metric);
    pthread_mutex_unlock(&c->lock);
    return bytes;
}

/* --- what changed, read without the lock */
typedef struct changes {
    cached_run *v; /* sorted by id; their metrics are own */
    size_t n;
    bool strange; /* a run whose id is none of ours */
} changes;

static void changes_done(changes *g)
{
    for (size_t i = 0; i < g->n; i++)
        mem_free(g->v[i].metrics);
    mem_free(g->v);
    *g = (changes){0};
}

static int run_order(const void *x, const void *y)
{
    const cached_run *a = x, *b = y;
    return (a->id > b->id) - (a->id < b->id);
}

static void change_of_row(const db_rows *r, size_t i, cached_run *to, bool *strange)
{
    str uuid = db_cell_s(r, i, 1);
    *to = (cached_run){
        .id = db_cell_i(r, i, 0),
        .experiment = db_cell_i(r, i, 2),
        .start_ms = db_cell_i(r, i, 3),
        .has_end = db_at(r, i, 4)->type != DB_NULL,
        .end_ms = db_cell_i(r, i, 4),
        .active = str_is(db_cell_s(r, i, 5), "active"),
        .rev = db_cell_i(r, i, 6),
    };
    if (uuid.n == UUID_SIZE)
        memcpy(to->uuid, uuid.p, UUID_SIZE);
    else
        *strange = true;
}

static int metric_order(const void *x, const void *y)
{
    const cached_metric *a = x, *b = y;
    return (a->key > b->key) - (a->key < b->key);
}

/* Rows come ordered by run, so each run's metrics are one stretch. */
static err metrics_take(void *ctx, const db_rows *r)
{
    const changes *g = ctx;
    for (size_t i = 0, end; i < r->n; i = end) {
        cached_run want = {.id = db_cell_i(r, i, 0)};
        for (end = i + 1; end < r->n && db_cell_i(r, end, 0) == want.id; end++)
            ;
        cached_run *to = bsearch(&want, g->v, g->n, sizeof want, run_order);
        assert(to && !to->metrics);
        to->metrics = mem_new(end - i, sizeof *to->metrics);
        to->n_metrics = (uint32_t)(end - i);
        for (size_t k = i; k < end; k++)
            to->metrics[k - i] = (cached_metric){
                db_cell_i(r, k, 1), db_cell_i(r, k, 3) ? (double)NAN : db_cell_f(r, k, 2)};
        qsort(to->metrics, to->n_metrics, sizeof *to->metrics, metric_order);
    }
    return ERR_OK;
}

/* The next changes behind (rev, id), in that order; none: there are no more. */
static err changes_read(db_tx *tx, int64_t *rev, int64_t *id, changes *g)
{
    AUTO(arena) a = arena_new(0);
    db_rows r = {0};
    TRY(tx_rows(tx, a,
                "SELECT id, uuid, experiment, start_ms, end_ms, lifecycle_stage, rev FROM run"
                " WHERE rev >= ? AND (rev > ? OR id > ?) ORDER BY rev, id LIMIT ?",
                DB_ARGS(db_int(*rev), db_int(*rev), db_int(*id), db_int(CHANGES_AT_ONCE)), &r));
    if (!r.n) return ERR_OK;
    g->v = mem_new(r.n, sizeof *g->v);
    g->n = r.n;
    db_val *list = arena_array(a, db_val, r.n);
    for (size_t i = 0; i < r.n; i++) {
        change_of_row(&r, i, &g->v[i], &g->strange);
        list[i] = db_int(g->v[i].id);
    }
    *rev = g->v[r.n - 1].rev;
    *id = g->v[r.n - 1].id;
    qsort(g->v, g->n, sizeof *g->v, run_order);
    rows_in_list q = {
        .head = "SELECT run, key, value, is_nan FROM metric_latest WHERE run IN (",
        .tail = ") ORDER BY run",
        .list = list,
        .n_list = r.n,
    };
    return rows_in(tx, a, &q, metrics_take, g);
}

/* --- columns; under the lock */
static double metric_value(const cached_run *r, int64_t key)
{
    size_t low = 0, high = r->n_metrics;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (r->metrics[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < r->n_metrics && r->metrics[low].key == key ? r->metrics[low].value : missing();
}

/* Borrowed until the lock is released; NULL where no run has that metric. */
static const double *column_for(tracking_cache *c, int64_t key)
{
    column *to = NULL, *oldest = &c->columns[0];
    if (!key || !c->n) return NULL;
    for (size_t i = 0; i < c->n_columns && !to; i++) {
        if (c->columns[i].key == key) to = &c->columns[i];
        if (c->columns[i].used < oldest->used) oldest = &c->columns[i];
    }
    if (!to) {
        to = c->n_columns < COLUMNS_MAX ? &c->columns[c->n_columns++] : oldest;
        if (to == oldest && c->n_columns == COLUMNS_MAX) mem_free(to->v);
        *to = (column){.key = key, .v = mem_new(c->cap, sizeof *to->v)};
        for (size_t i = 0; i < c->n; i++)
            to->v[i] = metric_value(&c->v[i], key);
    }
    to->used = ++c->clock;
    return to->v;
}

/* --- taking over; under the lock */
static cached_run *place_for(tracking_cache *c, int64_t id)
{
    cached_run want = {.id = id};
    cached_run *there = c->n ? bsearch(&want, c->v, c->n, sizeof want, run_order) : NULL;
    if (there) return there;
    if (c->n == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 1024;
        c->v = mem_grow(c->v, c->cap, sizeof *c->v);
        for (size_t i = 0; i < c->n_columns; i++)
            c->columns[i].v = mem_grow(c->columns[i].v, c->cap, sizeof *c->columns[i].v);
    }
    size_t at = c->n;
    while (at && c->v[at - 1].id > id) /* ids grow: nearly always the end */
        at--;
    if (at < c->n) columns_drop(c);
    memmove(c->v + at + 1, c->v + at, (c->n - at) * sizeof *c->v);
    c->n++;
    c->v[at] = want;
    c->v[at].rev = -1;
    return &c->v[at];
}

/* Newer ones win, so that it does not matter in which order two searches come here. */
static void changes_apply(tracking_cache *c, changes *g)
{
    for (size_t i = 0; i < g->n && !c->unfit; i++) {
        cached_run *to = place_for(c, g->v[i].id);
        if (to->rev > g->v[i].rev) continue;
        c->n_metrics += g->v[i].n_metrics;
        c->n_metrics -= to->n_metrics;
        mem_free(to->metrics);
        *to = g->v[i];
        for (size_t k = 0; k < c->n_columns; k++)
            c->columns[k].v[to - c->v] = metric_value(to, c->columns[k].key);
        g->v[i].metrics = NULL;
        g->v[i].n_metrics = 0;
        c->unfit = c->n > CACHE_RUNS_MAX || c->n_metrics > CACHE_METRICS_MAX;
    }
    if (g->strange) c->unfit = true;
    if (c->unfit) cache_empty(c);
}

static err cache_refresh(tracking_cache *c, db_tx *tx)
{
    pthread_mutex_lock(&c->lock);
    int64_t rev = c->rev, id = INT64_MAX;
    bool unfit = c->unfit;
    pthread_mutex_unlock(&c->lock);
    for (bool more = true; more && !unfit;) {
        changes g = {0};
        err e = changes_read(tx, &rev, &id, &g);
        more = g.n == CHANGES_AT_ONCE;
        if (!e && g.n) {
            pthread_mutex_lock(&c->lock);
            changes_apply(c, &g);
            unfit = c->unfit;
            pthread_mutex_unlock(&c->lock);
        }
        changes_done(&g);
        TRY(e);
    }
    pthread_mutex_lock(&c->lock);
    if (rev > c->rev) c->rev = rev;
    pthread_mutex_unlock(&c->lock);
    return ERR_OK;
}

/* --- conditions with the rows of their keys */
typedef enum source { SOURCE_METRIC, SOURCE_START, SOURCE_END } source;

typedef struct condition condition;
struct condition {
    filter_kind kind;
    condition *left, *right;
    source from;
    int64_t key;      /* 0: no run has it */
    const double *of; /* the metric's column */
    filter_op op;
    double number;
};

static bool attribute_fits(const filter_field *f)
{
    return !strcmp(f->canonical, "start_time") || !strcmp(f->canonical, "end_time");
}

static bool node_fits(const filter_node *n, bool *asks)
{
    if (!n) return true;
    if (n->kind != FILTER_TERM) return node_fits(n->left, asks) && node_fits(n->right, asks);
    *asks = *asks || n->entity == FILTER_METRIC;
    return n->entity == FILTER_METRIC ||
           (n->entity == FILTER_ATTRIBUTE && attribute_fits(n->field));
}

bool cache_knows(const filter_node *n)
{
    bool asks = false;
    return node_fits(n, &asks);
}

bool cache_fits(const cache_query *q)
{
    bool asks = false;
    if (q->n_order > ORDERS_MAX || !node_fits(q->filter, &asks)) return false;
    for (size_t i = 0; i < q->n_order; i++) {
        const filter_order *o = &q->order[i];
        asks = asks || o->entity == FILTER_METRIC;
        if (o->entity == FILTER_METRIC) continue;
        if (o->entity != FILTER_ATTRIBUTE || !attribute_fits(o->field)) return false;
    }
    return asks;
}

static err key_find(db_tx *tx, arena *a, str name, int64_t *ret)
{
    db_rows r = {0};
    TRY(tx_rows(tx, a, "SELECT id FROM metric_key WHERE name = ?", DB_ARGS(db_text(name)), &r));
    *ret = r.n ? db_cell_i(&r, 0, 0) : 0;
    return ERR_OK;
}

static source source_of(filter_entity entity, str key)
{
    if (entity == FILTER_METRIC) return SOURCE_METRIC;
    return str_is(key, "start_time") ? SOURCE_START : SOURCE_END;
}

static err condition_make(db_tx *tx, arena *a, const filter_node *n, condition **ret)
{
    condition *c = arena_new_of(a, condition);
    *ret = c;
    c->kind = n->kind;
    if (n->kind != FILTER_TERM) {
        TRY(condition_make(tx, a, n->left, &c->left));
        return n->right ? condition_make(tx, a, n->right, &c->right) : ERR_OK;
    }
    c->op = n->op;
    c->number = n->values[0].number;
    c->from = source_of(n->entity, n->key);
    return c->from == SOURCE_METRIC ? key_find(tx, a, n->key, &c->key) : ERR_OK;
}

static void condition_bind(tracking_cache *c, condition *to)
{
    if (to->kind == FILTER_TERM) {
        to->of = to->from == SOURCE_METRIC ? column_for(c, to->key) : NULL;
        return;
    }
    condition_bind(c, to->left);
    if (to->right) condition_bind(c, to->right);
}

/* false: run i has no such thing. */
static bool value_of(const tracking_cache *c, size_t i, source from, const double *of, double *ret)
{
    const cached_run *r = &c->v[i];
    if (from == SOURCE_METRIC) {
        if (!of || is_missing(of[i])) return false;
        *ret = of[i];
        return true;
    }
    *ret = (double)(from == SOURCE_START ? r->start_ms : r->end_ms);
    return from == SOURCE_START || r->has_end;
}

static bool holds(const tracking_cache *of, size_t i, const condition *c)
{
    double v;
    if (c->kind == FILTER_NOT) return !holds(of, i, c->left);
    if (c->kind == FILTER_AND) return holds(of, i, c->left) && holds(of, i, c->right);
    if (c->kind == FILTER_OR) return holds(of, i, c->left) || holds(of, i, c->right);
    if (!value_of(of, i, c->from, c->of, &v)) return false;
    if (c->op == FILTER_EQ) return v == c->number;
    if (c->op == FILTER_NE) return v != c->number;
    if (c->op == FILTER_LT) return v < c->number;
    if (c->op == FILTER_LE) return v <= c->number;
    if (c->op == FILTER_GT) return v > c->number;
    assert(c->op == FILTER_GE);
    return v >= c->number;
}

/* --- the first rows in order */
typedef struct sort_key {
    source from;
    int64_t key;
    const double *of; /* the metric's column */
    double sign;      /* -1: descending */
} sort_key;

typedef struct candidate {
    const cached_run *run;
    double value[ORDERS_MAX]; /* with the sign */
    char group[ORDERS_MAX];   /* 0: a value, 1: NaN, 2: missing */
} candidate;

typedef struct ranking {
    sort_key keys[ORDERS_MAX];
    size_t n_keys;
    candidate *v; /* a heap, the last in order on top */
    size_t n, max, cap;
    bool by_start;
} ranking;

static int candidate_order(const ranking *k, const candidate *a, const candidate *b)
{
    for (size_t i = 0; i < k->n_keys; i++) {
        if (a->group[i] != b->group[i]) return a->group[i] - b->group[i];
        if (a->group[i]) continue;
        if (a->value[i] < b->value[i]) return -1;
        if (a->value[i] > b->value[i]) return 1;
    }
    if (!k->by_start && a->run->start_ms != b->run->start_ms)
        return a->run->start_ms > b->run->start_ms ? -1 : 1;
    return memcmp(a->run->uuid, b->run->uuid, UUID_SIZE);
}

static candidate candidate_of(const tracking_cache *c, size_t at, const ranking *k)
{
    candidate to = {.run = &c->v[at]};
    for (size_t i = 0; i < k->n_keys; i++) {
        double v = 0;
        bool there = value_of(c, at, k->keys[i].from, k->keys[i].of, &v);
        to.group[i] = !there ? 2 : isnan(v) ? 1 : 0;
        to.value[i] = to.group[i] ? 0 : v * k->keys[i].sign;
    }
    return to;
}

static void sift_down(ranking *k, size_t n)
{
    for (size_t at = 0;;) {
        size_t most = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < n; child++)
            if (candidate_order(k, &k->v[child], &k->v[most]) > 0) most = child;
        if (most == at) return;
        candidate t = k->v[at];
        k->v[at] = k->v[most];
        k->v[most] = t;
        at = most;
    }
}

static void ranking_add(ranking *k, const candidate *c)
{
    if (k->n == k->max) {
        if (!k->max || candidate_order(k, c, &k->v[0]) >= 0) return;
        k->v[0] = *c;
        sift_down(k, k->n);
        return;
    }
    if (k->n == k->cap) {
        k->cap = k->cap ? k->cap * 2 : 256;
        k->v = mem_grow(k->v, k->cap, sizeof *k->v);
    }
    size_t at = k->n++;
    while (at && candidate_order(k, c, &k->v[(at - 1) / 2]) > 0) {
        k->v[at] = k->v[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    k->v[at] = *c;
}

/* Heap sort: the first in order comes first. */
static void ranking_sort(ranking *k)
{
    for (size_t n = k->n; n > 1;) {
        candidate last = k->v[0];
        n--;
        k->v[0] = k->v[n];
        k->v[n] = last;
        sift_down(k, n);
    }
}

static err ranking_make(db_tx *tx, arena *a, const cache_query *q, ranking *k)
{
    k->max = q->n;
    for (size_t i = 0; i < q->n_order; i++) {
        sort_key *to = &k->keys[k->n_keys++];
        *to = (sort_key){.from = source_of(q->order[i].entity, q->order[i].key),
                         .sign = q->order[i].descending ? -1.0 : 1.0};
        k->by_start = k->by_start || to->from == SOURCE_START;
        if (to->from == SOURCE_METRIC) TRY(key_find(tx, a, q->order[i].key, &to->key));
    }
    return ERR_OK;
}

static bool in_scope(const cache_query *q, const cached_run *r)
{
    if (q->view != VIEW_ALL && r->active != (q->view == VIEW_ACTIVE)) return false;
    for (size_t i = 0; i < q->n_experiments; i++)
        if (q->experiments[i] == r->experiment) return true;
    return false;
}

err cache_search(tracking_cache *c, db_tx *tx, arena *a, const cache_query *q, bool *ret_ok,
                 int64_t **ret, size_t *ret_n)
{
    assert(c && cache_fits(q));
    ranking k = {0};
    condition *filter = NULL;
    TRY(cache_refresh(c, tx));
    if (q->filter) TRY(condition_make(tx, a, q->filter, &filter));
    TRY(ranking_make(tx, a, q, &k));
    pthread_mutex_lock(&c->lock);
    bool ok = !c->unfit;
    if (filter) condition_bind(c, filter);
    for (size_t i = 0; i < k.n_keys; i++)
        if (k.keys[i].from == SOURCE_METRIC) k.keys[i].of = column_for(c, k.keys[i].key);
    for (size_t i = 0; i < c->n; i++) {
        if (!in_scope(q, &c->v[i]) || (filter && !holds(c, i, filter))) continue;
        candidate one = candidate_of(c, i, &k);
        ranking_add(&k, &one);
    }
    ranking_sort(&k);
    int64_t *ids = arena_array(a, int64_t, k.n + 1);
    for (size_t i = 0; i < k.n; i++)
        ids[i] = k.v[i].run->id;
    pthread_mutex_unlock(&c->lock);
    mem_free(k.v);
    *ret_ok = ok;
    *ret = ids;
    *ret_n = k.n;
    return ERR_OK;
}
