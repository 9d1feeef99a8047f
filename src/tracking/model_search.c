#include <assert.h>

#include "base/json.h"
#include "filter/page.h"
#include "tracking/models.h"
#include "tracking/search_int.h"
#include "tracking/tracking_int.h"

enum { MODELS_DEFAULT = 100, DATASETS_MAX = 100, TOKEN_MAX = 1 << 19 };

typedef struct models_call {
    arena *a;
    const model_search *q;
    const filter_node *filter;
    filter_order *order;
    const int64_t *experiments;
    page page;
    str on_datasets; /* SQL: " AND (…)" for a metric x, or "" */
    logged_model *v;
    size_t n;
    str token;
} models_call;

/* --- page tokens hold the question, so that no page of another one is given */
static void token_ids(jw *w, const model_search *q)
{
    jw_key(w, "experiment_ids");
    jw_arr(w);
    for (size_t i = 0; i < q->n_experiment_ids; i++)
        jw_str(w, q->experiment_ids[i]);
    jw_arr_end(w);
}

static void token_text_or_null(jw *w, const char *key, str s)
{
    jw_key(w, key);
    if (s.n)
        jw_str(w, s);
    else
        jw_null(w);
}

static void token_order(jw *w, const model_search *q)
{
    jw_key(w, "order_by");
    jw_arr(w);
    for (size_t i = 0; i < q->n_order_by; i++) {
        const model_order *o = &q->order_by[i];
        jw_obj(w);
        jw_kstr(w, "field_name", o->field);
        jw_kbool(w, "ascending", !o->descending);
        token_text_or_null(w, "dataset_name", o->dataset.name);
        token_text_or_null(w, "dataset_digest", o->dataset.digest);
        jw_obj_end(w);
    }
    jw_arr_end(w);
    jw_key(w, "datasets");
    jw_arr(w);
    for (size_t i = 0; i < q->n_datasets; i++) {
        jw_obj(w);
        jw_kstr(w, "dataset_name", q->datasets[i].name);
        jw_kstr(w, "dataset_digest", q->datasets[i].digest);
        jw_obj_end(w);
    }
    jw_arr_end(w);
}

static err token_write(arena *a, const model_search *q, size_t offset, str *ret)
{
    buf b;
    buf_init(&b, TOKEN_MAX);
    jw w;
    jw_init(&w, &b, false);
    jw_obj(&w);
    token_ids(&w, q);
    token_text_or_null(&w, "filter_string", q->filter);
    token_order(&w, q);
    jw_ki64(&w, "offset", (int64_t)offset);
    jw_obj_end(&w);
    err e = buf_err(&b, "page token");
    if (!e) *ret = str_dup(a, buf_str(&b));
    buf_done(&b);
    return e;
}

static bool part_same(yyjson_val *x, yyjson_val *y, const char *key)
{
    yyjson_val *a = yyjson_obj_get(x, key), *b = yyjson_obj_get(y, key);
    return a && b && yyjson_equals(a, b);
}

static err token_read(arena *a, const model_search *q, size_t *ret_offset)
{
    static const struct {
        const char *key, *message;
    } parts[] = {
        {"experiment_ids",
         "Experiment IDs in the page token do not match the requested experiment IDs."},
        {"filter_string",
         "Filter string in the page token does not match the requested filter string."},
        {"order_by", "Order by in the page token does not match the requested order by."},
        {"datasets", "Datasets in the page token do not match the requested datasets."},
    };
    *ret_offset = 0;
    if (!q->page_token.n) return ERR_OK;
    str text, want_text = {0};
    yyjson_val *got = NULL, *want = NULL;
    int64_t offset = 0;
    if (!base64_read(a, q->page_token, &text) || json_parse(a, text, "page token", &got) ||
        !yyjson_is_obj(got) || json_get_i64(got, "", "offset", &offset) || offset < 0 ||
        offset > INT32_MAX)
        return err_set(ERR_INVALID, "Invalid page token: %.*s.",
                       (int)(q->page_token.n < 200 ? q->page_token.n : 200), q->page_token.p);
    TRY(token_write(a, q, 0, &want_text));
    TRY(json_parse(a, want_text, "page token", &want));
    for (size_t i = 0; i < countof(parts); i++)
        if (!part_same(got, want, parts[i].key))
            return err_set(ERR_INVALID, "%s", parts[i].message);
    *ret_offset = (size_t)offset;
    return ERR_OK;
}

/* --- the statement */
static const char metric_rows[] =
    "SELECT 1 FROM (SELECT x.value AS value, x.is_nan AS is_nan FROM logged_model_metric x"
    " WHERE x.model = l.id AND x.name = ";
#define LATEST_FIRST " ORDER BY x.step DESC, x.timestamp_ms DESC, x.value DESC LIMIT 1"

enum { MODEL_METRIC_PLACE = 0 };
static const filter_place model_places[] = {
    [MODEL_METRIC_PLACE] = {FILTER_METRIC, .exists = metric_rows, .expr = "m.value",
                            .is_nan = "m.is_nan"},
    {FILTER_ATTRIBUTE, .key = "name", .expr = "l.name"},
    {FILTER_ATTRIBUTE, .key = "model_id", .expr = "l.uuid"},
    {FILTER_ATTRIBUTE, .key = "model_type", .expr = "l.model_type"},
    {FILTER_ATTRIBUTE, .key = "source_run_id", .expr = "l.source_run"},
    {FILTER_ATTRIBUTE, .key = "status", .expr = "l.status"},
    {FILTER_ATTRIBUTE, .key = "creation_timestamp", .expr = "l.created_ms"},
    {FILTER_ATTRIBUTE, .key = "last_updated_timestamp", .expr = "l.updated_ms"},
    {FILTER_PARAM, .exists = "SELECT 1 FROM logged_model_param p WHERE p.model = l.id AND p.key = ",
     .expr = "p.value"},
    {FILTER_TAG, .exists = "SELECT 1 FROM logged_model_tag t WHERE t.model = l.id AND t.key = ",
     .expr = "t.value"},
};

static void literal_put(buf *b, str s)
{
    buf_putc(b, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\'') buf_putc(b, '\'');
        buf_putc(b, s.p[i]);
    }
    buf_putc(b, '\'');
}

static void dataset_put(buf *b, const dataset_filter *f)
{
    buf_puts(b, STR("(x.dataset_name = "));
    literal_put(b, f->name);
    if (f->digest.n) {
        buf_puts(b, STR(" AND x.dataset_digest = "));
        literal_put(b, f->digest);
    }
    buf_putc(b, ')');
}

/* As literals, since it is needed more than once; every text was checked. */
static err datasets_condition(arena *a, const model_search *q, str *ret)
{
    *ret = STR("");
    if (!q->n_datasets) return ERR_OK;
    buf b;
    buf_init(&b, DB_SQL_MAX);
    for (size_t i = 0; i < q->n_datasets; i++) {
        buf_puts(&b, i ? STR(" OR ") : STR(" AND ("));
        dataset_put(&b, &q->datasets[i]);
    }
    buf_putc(&b, ')');
    err e = buf_err(&b, "datasets");
    if (!e) *ret = str_dup(a, buf_str(&b));
    buf_done(&b);
    return e;
}

static bool asks_metric(const filter_node *n)
{
    if (!n) return false;
    if (n->kind == FILTER_TERM) return n->entity == FILTER_METRIC;
    return asks_metric(n->left) || (n->right && asks_metric(n->right));
}

static void metric_value_put(const models_call *c, sql_text *s, size_t i, const char *column)
{
    const model_order *o = &c->q->order_by[i];
    buf_fmt(&s->b,
            "(SELECT x.%s FROM logged_model_metric x WHERE x.model = l.id AND x.name = ", column);
    literal_put(&s->b, c->order[i].key);
    buf_puts(&s->b, c->on_datasets);
    if (o->dataset.name.n) {
        sql_put(s, " AND ");
        dataset_put(&s->b, &o->dataset);
    }
    sql_put(s, LATEST_FIRST ")");
}

static void order_put(const models_call *c, sql_text *s)
{
    bool by_time = false, by_id = false;
    sql_put(s, " ORDER BY ");
    for (size_t i = 0; i < c->q->n_order_by; i++) {
        const filter_order *o = &c->order[i];
        const char *direction = o->descending ? " DESC" : "";
        if (o->entity == FILTER_METRIC) {
            sql_put(s, "CASE WHEN ");
            metric_value_put(c, s, i, "value");
            sql_put(s, " IS NULL THEN 2 ELSE ");
            metric_value_put(c, s, i, "is_nan");
            sql_put(s, " END,");
            metric_value_put(c, s, i, "value");
            buf_fmt(&s->b, "%s,", direction);
            continue;
        }
        by_time = by_time || str_is(o->key, "creation_timestamp");
        by_id = by_id || str_is(o->key, "model_id");
        for (size_t k = 0; k < countof(model_places); k++)
            if (model_places[k].entity == FILTER_ATTRIBUTE && str_is(o->key, model_places[k].key))
                buf_fmt(&s->b, "%s%s,", model_places[k].expr, direction);
    }
    if (!by_time) sql_put(s, "l.created_ms DESC,");
    sql_put(s, by_id ? "l.id" : "l.uuid");
}

static err models_statement(const models_call *c, sql_text *s)
{
    const model_search *q = c->q;
    filter_place places[countof(model_places)];
    memcpy(places, model_places, sizeof places);
    places[MODEL_METRIC_PLACE].rest =
        cstr_fmt(c->a, "%.*s" LATEST_FIRST ") m WHERE 1 = 1", STR_ARG(c->on_datasets));
    sql_put(s, "SELECT " MODEL_COLS " FROM logged_model l WHERE l.lifecycle_stage = 'active'"
               " AND l.experiment IN (");
    sql_put_i64s(s, c->experiments, q->n_experiment_ids);
    sql_put(s, ") AND ");
    TRY(filter_sql(s, c->filter, places, countof(places)));
    if (q->n_datasets && !asks_metric(c->filter)) {
        sql_put(s, " AND EXISTS (SELECT 1 FROM logged_model_metric x WHERE x.model = l.id");
        buf_puts(&s->b, c->on_datasets);
        sql_put(s, ")");
    }
    order_put(c, s);
    search_page_put(s, &c->page);
    return ERR_OK;
}

static err models_search_tx(db_tx *tx, void *arg)
{
    models_call *c = arg;
    sql_text s;
    db_rows r = {0};
    sql_init(&s);
    err e = models_statement(c, &s);
    if (!e) e = sql_rows(&s, tx, c->a, &r);
    sql_done(&s);
    TRY(e);
    if (r.n > c->page.max) {
        r.n = c->page.max;
        TRY(token_write(c->a, c->q, c->page.offset + c->page.max, &c->token));
        c->token = base64_write(c->a, c->token);
    }
    c->n = r.n;
    return logged_models_of(tx, c->a, &r, &c->v);
}

/* --- the question */
static err check_filter(const dataset_filter *f)
{
    TRY(check_plain("dataset_name", f->name));
    return check_plain("dataset_digest", f->digest);
}

static err order_read(models_call *c)
{
    const model_search *q = c->q;
    if (q->n_order_by > FILTER_TERMS_MAX)
        return err_set(ERR_INVALID, "order_by: %zu clauses, at most %d", q->n_order_by,
                       FILTER_TERMS_MAX);
    c->order = arena_array(c->a, filter_order, q->n_order_by ? q->n_order_by : 1);
    for (size_t i = 0; i < q->n_order_by; i++) {
        const model_order *o = &q->order_by[i];
        filter_order *to = &c->order[i];
        str entity, key;
        TRY(check_filter(&o->dataset));
        if (o->dataset.digest.n && !o->dataset.name.n)
            return err_set(ERR_INVALID, "`dataset_digest` can only be specified if `dataset_name` "
                                        "is also specified.");
        bool dotted = str_cut(o->field, '.', &entity, &key);
        if (dotted && !str_is(entity, "metrics"))
            return err_set(ERR_INVALID,
                           "Invalid order by field name: %.*s. Only metrics are supported.",
                           STR_ARG(o->field));
        TRY(check_plain("field_name", o->field));
        if (dotted) {
            *to = (filter_order){.entity = FILTER_METRIC, .key = key};
        } else if (filter_order_parse(c->a, &rules_logged_model, o->field, to)) {
            return err_set(ERR_INVALID, "Invalid order by field name: %.*s", STR_ARG(o->field));
        }
        to->descending = o->descending;
    }
    return ERR_OK;
}

static err question_read(models_call *c, size_t *ret_offset)
{
    const model_search *q = c->q;
    if (q->n_datasets > DATASETS_MAX)
        return err_set(ERR_INVALID, "datasets: %zu, at most %d", q->n_datasets, DATASETS_MAX);
    for (size_t i = 0; i < q->n_datasets; i++) {
        TRY(check_filter(&q->datasets[i]));
        if (!q->datasets[i].name.n)
            return err_set(ERR_INVALID,
                           "`dataset_name` in the `datasets` clause must be specified.");
    }
    TRY(filter_parse(c->a, &rules_logged_model, q->filter, &c->filter));
    TRY(order_read(c));
    TRY(datasets_condition(c->a, q, &c->on_datasets));
    return token_read(c->a, q, ret_offset);
}

err tracking_models_search(db *d, arena *a, const model_search *q, logged_model **ret,
                           size_t *ret_n, str *ret_token)
{
    assert(d && a && q && ret && ret_n && ret_token);
    models_call c = {.a = a, .q = q, .token = STR("")};
    int64_t *experiments = NULL;
    size_t offset = 0;
    TRY(question_read(&c, &offset));
    TRY(search_page_read(q->max ? q->max : MODELS_DEFAULT, STR(""), &c.page));
    c.page.offset = offset;
    TRY(experiment_rows(a, q->experiment_ids, q->n_experiment_ids, &experiments));
    c.experiments = experiments;
    TRY(db_read(d, models_search_tx, &c));
    *ret = c.v;
    *ret_n = c.n;
    *ret_token = c.token;
    return ERR_OK;
}
