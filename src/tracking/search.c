#include "tracking/search.h"

#include <assert.h>
#include <stdlib.h>

#include "filter/page.h"
#include "tracking/cache_int.h"
#include "tracking/search_int.h"
#include "tracking/tracking_int.h"

/* --- what all searches of the room share */
err tracking_view_parse(str name, tracking_view *ret)
{
    if (!name.n || str_is(name, "ACTIVE_ONLY"))
        *ret = VIEW_ACTIVE;
    else if (str_is(name, "DELETED_ONLY"))
        *ret = VIEW_DELETED;
    else if (str_is(name, "ALL"))
        *ret = VIEW_ALL;
    else
        return err_set(ERR_INVALID,
                       "Invalid view type '%.*s': want ACTIVE_ONLY, DELETED_ONLY or ALL",
                       STR_ARG(name));
    return ERR_OK;
}

err search_page_read(size_t max, str token, page *ret)
{
    page p = {.max = max};
    if (!max)
        return err_set(ERR_INVALID,
                       "Invalid value %zu for parameter 'max_results' supplied. It must be a "
                       "positive integer",
                       max);
    if (max > TRACKING_LIST_MAX)
        return err_set(ERR_INVALID,
                       "Invalid value %zu for parameter 'max_results' supplied. It must be at most "
                       "%d",
                       max, TRACKING_LIST_MAX);
    TRY(page_token_read(token, &p.offset));
    *ret = p;
    return ERR_OK;
}

void search_page_put(sql_text *s, const page *p)
{
    buf_fmt(&s->b, " LIMIT %zu OFFSET %zu", p->max + 1, p->offset);
}

str search_page_cut(arena *a, const page *p, db_rows *r)
{
    if (r->n <= p->max) return STR("");
    r->n = p->max;
    return page_token_make(a, p->offset + p->max);
}

void search_view_put(sql_text *s, const char *column, tracking_view view)
{
    if (view != VIEW_ALL)
        buf_fmt(&s->b, " AND %s = '%s'", column, view == VIEW_ACTIVE ? "active" : "deleted");
}

/* --- runs */
#define METRIC_ROWS                                                                                \
    "SELECT 1 FROM metric_latest m WHERE m.run = r.id AND m.key ="                                 \
    " (SELECT k.id FROM metric_key k WHERE k.name = "
#define DATASET_ROWS                                                                               \
    "SELECT 1 FROM run_dataset i JOIN dataset d ON d.id = i.dataset WHERE i.run = r.id"

static const filter_place run_places[] = {
    {FILTER_ATTRIBUTE, .key = "run_id", .expr = "r.uuid"},
    {FILTER_ATTRIBUTE, .key = "run_name", .expr = "r.name"},
    {FILTER_ATTRIBUTE, .key = "status", .expr = "r.status"},
    {FILTER_ATTRIBUTE, .key = "user_id", .expr = "r.user_id"},
    {FILTER_ATTRIBUTE, .key = "artifact_uri",
     .expr = "(CASE WHEN r.artifact_uri <> '' THEN r.artifact_uri ELSE 'mlflow-artifacts:/' ||"
             " CAST(r.experiment AS TEXT) || '/' || r.uuid || '/artifacts' END)"},
    {FILTER_ATTRIBUTE, .key = "start_time", .expr = "r.start_ms"},
    {FILTER_ATTRIBUTE, .key = "end_time", .expr = "r.end_ms", .may_be_null = true},
    {FILTER_METRIC, .exists = METRIC_ROWS, .rest = ")", .expr = "m.value", .is_nan = "m.is_nan"},
    {FILTER_PARAM,
     .exists = "SELECT 1 FROM run_param p WHERE p.run = r.id AND p.key = ", .expr = "p.value"},
    {FILTER_TAG,
     .exists = "SELECT 1 FROM run_tag t WHERE t.run = r.id AND t.key = ", .expr = "t.value"},
    {FILTER_DATASET, .key = "name", .exists = DATASET_ROWS, .expr = "d.name"},
    {FILTER_DATASET, .key = "digest", .exists = DATASET_ROWS, .expr = "d.digest"},
    {FILTER_DATASET, .key = "context",
     .exists = "SELECT 1 FROM run_dataset_tag x WHERE x.run = r.id"
               " AND x.key = 'mlflow.data.context'",
     .expr = "x.value"},
};

static const char *column_of(str key)
{
    for (size_t i = 0; i < countof(run_places); i++)
        if (run_places[i].entity == FILTER_ATTRIBUTE && str_is(key, run_places[i].key))
            return run_places[i].expr;
    assert(!"an attribute without a place");
    return NULL;
}

/* What is ordered by but no column joins as o1, o2, …: at most one row a run. */
static void order_joins(sql_text *s, const filter_order *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (v[i].entity == FILTER_ATTRIBUTE) continue;
        bool is_metric = v[i].entity == FILTER_METRIC;
        buf_fmt(&s->b, " LEFT JOIN %s o%zu ON o%zu.run = r.id AND o%zu.key = %s",
                is_metric                     ? "metric_latest"
                : v[i].entity == FILTER_PARAM ? "run_param"
                                              : "run_tag",
                i, i, i, is_metric ? "(SELECT k.id FROM metric_key k WHERE k.name = " : "");
        sql_put_text(s, v[i].key);
        if (is_metric) sql_put(s, ")");
    }
}

/* What is missing comes last, a NaN just before it, whichever the direction. */
static void order_put(sql_text *s, const filter_order *v, size_t n)
{
    bool by_start = false;
    sql_put(s, " ORDER BY ");
    for (size_t i = 0; i < n; i++) {
        const char *direction = v[i].descending ? " DESC" : "";
        if (v[i].entity == FILTER_METRIC) {
            buf_fmt(&s->b,
                    "CASE WHEN o%zu.value IS NULL THEN 2 ELSE o%zu.is_nan END, o%zu.value%s,", i, i,
                    i, direction);
        } else if (v[i].entity != FILTER_ATTRIBUTE) {
            buf_fmt(&s->b, "CASE WHEN o%zu.value IS NULL THEN 1 ELSE 0 END, o%zu.value%s,", i, i,
                    direction);
        } else {
            const char *column = column_of(v[i].key);
            by_start = by_start || str_is(v[i].key, "start_time");
            if (str_is(v[i].key, "end_time"))
                buf_fmt(&s->b, "CASE WHEN %s IS NULL THEN 1 ELSE 0 END,", column);
            buf_fmt(&s->b, "%s%s,", column, direction);
        }
    }
    sql_put(s, by_start ? "r.uuid" : "r.start_ms DESC,r.uuid");
}

typedef struct runs_call {
    arena *a;
    const run_search *q;
    const filter_node *filter;
    filter_order *order;
    const int64_t *experiments;
    page page;
    run *v;
    size_t n;
    str token;
} runs_call;

static err runs_statement(const runs_call *c, sql_text *s)
{
    const run_search *q = c->q;
    sql_put(s, "SELECT " RUN_COLS " FROM run r");
    order_joins(s, c->order, q->n_order_by);
    sql_put(s, " WHERE r.experiment IN (");
    sql_put_i64s(s, c->experiments, q->n_experiment_ids);
    sql_put(s, ")");
    search_view_put(s, "r.lifecycle_stage", q->view);
    sql_put(s, " AND ");
    TRY(filter_sql(s, c->filter, run_places, countof(run_places)));
    order_put(s, c->order, q->n_order_by);
    search_page_put(s, &c->page);
    return ERR_OK;
}

/* --- by the cache: it decides what it knows and puts in order, the database decides the rest */
enum { REST_AT_ONCE = 1000, REST_FIRST = 1024, REST_GROWTH = 8 };

static void and_to(arena *a, const filter_node **to, const filter_node *n)
{
    if (!*to) {
        *to = n;
        return;
    }
    filter_node *both = arena_new_of(a, filter_node);
    *both = (filter_node){.kind = FILTER_AND, .left = *to, .right = n};
    *to = both;
}

static void split(arena *a, const filter_node *n, const filter_node **known,
                  const filter_node **rest)
{
    if (!n) return;
    if (n->kind == FILTER_AND) {
        split(a, n->left, known, rest);
        split(a, n->right, known, rest);
        return;
    }
    and_to(a, cache_knows(n) ? known : rest, n);
}

static int id_order(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

/* Keeps of n <= REST_AT_ONCE ids those for which rest holds. */
static err rest_keep(db_tx *tx, arena *a, const filter_node *rest, int64_t *ids, size_t *n)
{
    sql_text s;
    db_rows r = {0};
    sql_init(&s);
    sql_put(&s, "SELECT r.id FROM run r WHERE r.id IN (");
    sql_put_i64s(&s, ids, *n);
    sql_put(&s, ") AND ");
    err e = filter_sql(&s, rest, run_places, countof(run_places));
    if (!e) e = sql_rows(&s, tx, a, &r);
    sql_done(&s);
    TRY(e);
    int64_t *good = arena_array(a, int64_t, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        good[i] = db_cell_i(&r, i, 0);
    qsort(good, r.n, sizeof *good, id_order);
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (bsearch(&ids[i], good, r.n, sizeof *good, id_order)) ids[kept++] = ids[i];
    *n = kept;
    return ERR_OK;
}

/* The first want ids in order for which rest holds too. Looks at a few first, at more where those
 * are not enough. */
static err ids_by_parts(db_tx *tx, runs_call *c, cache_query *by, const filter_node *rest,
                        size_t want, bool *ret_ok, int64_t **ret, size_t *ret_n)
{
    size_t look = want * 2 > REST_FIRST ? want * 2 : REST_FIRST;
    for (;; look *= REST_GROWTH) {
        size_t n = 0, kept = 0;
        int64_t *ids = NULL;
        by->n = look;
        TRY(cache_search(c->q->cache, tx, c->a, by, ret_ok, &ids, &n));
        for (size_t at = 0; *ret_ok && at < n && kept < want; at += REST_AT_ONCE) {
            AUTO(arena) scratch = arena_new(0);
            size_t part = n - at < REST_AT_ONCE ? n - at : REST_AT_ONCE;
            TRY(rest_keep(tx, scratch, rest, ids + at, &part));
            memmove(ids + kept, ids + at, part * sizeof *ids);
            kept += part;
        }
        if (*ret_ok && kept < want && n == look) continue;
        *ret = ids;
        *ret_n = kept < want ? kept : want;
        return ERR_OK;
    }
}

/* *ret_done: the cache answered. */
static err runs_by_cache(db_tx *tx, runs_call *c, bool *ret_done)
{
    const run_search *q = c->q;
    const filter_node *known = NULL, *rest = NULL;
    split(c->a, c->filter, &known, &rest);
    cache_query by = {
        .filter = known,
        .order = c->order,
        .n_order = q->n_order_by,
        .experiments = c->experiments,
        .n_experiments = q->n_experiment_ids,
        .view = q->view,
    };
    *ret_done = false;
    if (!q->cache || !cache_fits(&by)) return ERR_OK;
    int64_t *ids = NULL;
    size_t n = 0, skip = c->page.offset, want = skip + c->page.max + 1;
    by.n = want;
    TRY(rest ? ids_by_parts(tx, c, &by, rest, want, ret_done, &ids, &n)
             : cache_search(q->cache, tx, c->a, &by, ret_done, &ids, &n));
    if (!*ret_done) return ERR_OK;
    n = n > skip ? n - skip : 0;
    c->token = STR("");
    if (n > c->page.max) {
        n = c->page.max;
        c->token = page_token_make(c->a, c->page.offset + c->page.max);
    }
    return runs_of_ids(tx, c->a, n ? ids + skip : ids, n, &c->v, &c->n);
}

static err runs_search_tx(db_tx *tx, void *arg)
{
    runs_call *c = arg;
    bool done = false;
    TRY(runs_by_cache(tx, c, &done));
    if (done) return ERR_OK;
    sql_text s;
    db_rows r = {0};
    sql_init(&s);
    err e = runs_statement(c, &s);
    if (!e) e = sql_rows(&s, tx, c->a, &r);
    sql_done(&s);
    TRY(e);
    c->token = search_page_cut(c->a, &c->page, &r);
    c->n = r.n;
    return runs_of(tx, c->a, &r, &c->v);
}

err tracking_runs_search(db *d, arena *a, const run_search *q, run **ret, size_t *ret_n,
                         str *ret_token)
{
    assert(d && a && q && ret && ret_n && ret_token);
    runs_call c = {.a = a, .q = q};
    int64_t *experiments = NULL;
    TRY(search_page_read(q->max, q->page_token, &c.page));
    TRY(filter_parse(a, &rules_run, q->filter, &c.filter));
    TRY(filter_orders_parse(a, &rules_run, q->order_by, q->n_order_by, &c.order));
    TRY(experiment_rows(a, q->experiment_ids, q->n_experiment_ids, &experiments));
    c.experiments = experiments;
    TRY(db_read(d, runs_search_tx, &c));
    *ret = c.v;
    *ret_n = c.n;
    *ret_token = c.token;
    return ERR_OK;
}

/* --- experiments */
static const filter_place experiment_places[] = {
    {FILTER_ATTRIBUTE, .key = "name", .expr = "e.name"},
    {FILTER_ATTRIBUTE, .key = "experiment_id", .expr = "e.id", .text_is_number = true},
    {FILTER_ATTRIBUTE, .key = "creation_time", .expr = "e.created_ms"},
    {FILTER_ATTRIBUTE, .key = "last_update_time", .expr = "e.updated_ms"},
    {FILTER_TAG, .exists = "SELECT 1 FROM experiment_tag t WHERE t.experiment = e.id AND t.key = ",
     .expr = "t.value"},
};

typedef struct experiments_call {
    arena *a;
    const experiment_search *q;
    const filter_node *filter;
    filter_order *order;
    page page;
    experiment *v;
    size_t n;
    str token;
} experiments_call;

static err experiments_statement(const experiments_call *c, sql_text *s)
{
    bool by_id = false;
    sql_put(s, "SELECT " EXPERIMENT_COLS " FROM experiment e WHERE ");
    TRY(filter_sql(s, c->filter, experiment_places, countof(experiment_places)));
    search_view_put(s, "e.lifecycle_stage", c->q->view);
    sql_put(s, " ORDER BY ");
    for (size_t i = 0; i < c->q->n_order_by; i++) {
        const filter_order *o = &c->order[i];
        if (o->entity != FILTER_ATTRIBUTE)
            return err_set(ERR_INVALID, "Invalid order_by entity: tag");
        by_id = by_id || str_is(o->key, "experiment_id");
        for (size_t k = 0; k < countof(experiment_places) - 1; k++)
            if (str_is(o->key, experiment_places[k].key))
                buf_fmt(&s->b, "%s%s,", experiment_places[k].expr, o->descending ? " DESC" : "");
    }
    if (!c->q->n_order_by)
        sql_put(s, "e.created_ms DESC,e.id");
    else
        sql_put(s, by_id ? "e.created_ms DESC" : "e.id DESC");
    search_page_put(s, &c->page);
    return ERR_OK;
}

static err experiments_search_tx(db_tx *tx, void *arg)
{
    experiments_call *c = arg;
    sql_text s;
    db_rows r = {0};
    sql_init(&s);
    err e = experiments_statement(c, &s);
    if (!e) e = sql_rows(&s, tx, c->a, &r);
    sql_done(&s);
    TRY(e);
    c->token = search_page_cut(c->a, &c->page, &r);
    c->n = r.n;
    return experiments_of(tx, c->a, &r, &c->v);
}

err tracking_experiments_search(db *d, arena *a, const experiment_search *q, experiment **ret,
                                size_t *ret_n, str *ret_token)
{
    assert(d && a && q && ret && ret_n && ret_token);
    experiments_call c = {.a = a, .q = q};
    TRY(search_page_read(q->max, q->page_token, &c.page));
    TRY(filter_parse(a, &rules_experiment, q->filter, &c.filter));
    TRY(filter_orders_parse(a, &rules_experiment, q->order_by, q->n_order_by, &c.order));
    TRY(db_read(d, experiments_search_tx, &c));
    *ret = c.v;
    *ret_n = c.n;
    *ret_token = c.token;
    return ERR_OK;
}
