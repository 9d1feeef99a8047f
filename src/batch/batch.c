#include "batch/batch.h"

#include <assert.h>
#include <math.h>

#include "base/clock.h"
#include "model/model.h"
#include "registry/registry.h"
#include "table/delta.h"
#include "table/sources.h"

/* One call of batch_run on its way. */
typedef struct job {
    home *h;
    arena *a;
    const batch_spec *o;
    const progress *p;
    duck *d;
    model_version version;
    package pack;
    model *model;
    size_t *to_input; /* model feature i is argument to_input[i] of the SQL function */
    str batch_id;
    const char *dir; /* of the predictions table */
} job;

static err load_model(job *j)
{
    TRY(registry_resolve(home_db(j->h), j->a, j->o->model_uri, &j->version));
    TRY(registry_load(home_db(j->h), home_blobs(j->h), j->a, j->version.model_id, &j->pack,
                      &j->model));
    const model_facts *f = model_get_facts(j->model);
    if (f->n_outputs != 1)
        return err_set(ERR_INVALID, "batch: model %.*s has %zu outputs a row, want one",
                       STR_ARG(j->o->model_uri), f->n_outputs);
    const str *names = model_features(j->model);
    j->to_input = arena_array(j->a, size_t, f->n_features);
    for (size_t i = 0; i < f->n_features; i++) {
        ptrdiff_t at = schema_find(&j->pack.sig.inputs, names[i], i);
        if (at < 0)
            return err_set(ERR_INVALID, "batch: the signature of %.*s has no input %.*s",
                           STR_ARG(j->o->model_uri), STR_ARG(names[i]));
        j->to_input[i] = (size_t)at;
    }
    return ERR_OK;
}

/* The SQL function: columns in, predictions out; called by the engine's threads. */
static void predict_chunk(void *ctx, const double *const *x, size_t n_args, size_t n, double *out)
{
    const job *j = ctx;
    size_t cols = model_get_facts(j->model)->n_features;
    (void)n_args;
    double *rows = mem_new(n * cols, sizeof *rows);
    for (size_t c = 0; c < cols; c++) {
        const double *from = x[j->to_input[c]];
        for (size_t r = 0; r < n; r++)
            rows[r * cols + c] = from[r];
    }
    model_predict(j->model, (matrix){rows, n, cols, cols}, out);
    mem_free(rows);
}

/* source_relation: the rows to score, as SQL. */
static err source_relation(job *j, str *ret)
{
    if (j->o->source.n) {
        if (!j->o->features) {
            *ret = duck_ident(j->a, j->o->source);
            return ERR_OK;
        }
        str select;
        TRY(features_select(j->d, j->a, j->o->features, str_c(j->a, duck_ident(j->a, j->o->source)),
                            &select));
        *ret = str_fmt(j->a, "(%.*s)", STR_ARG(select));
        return ERR_OK;
    }
    const char *dir;
    TRY(home_table_dir(j->h, j->a, j->o->feature_table, &dir));
    delta_snapshot *s;
    err e = delta_read(j->a, j->d, dir, -1, &s);
    if (e) return err_add(e, "batch: feature table %.*s", STR_ARG(j->o->feature_table));
    return delta_relation(j->a, s, NULL, STR(""), ret);
}

static bool number_type(str type)
{
    static const char *const names[] = {"BOOLEAN",  "TINYINT",   "SMALLINT", "INTEGER", "BIGINT",
                                        "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT",
                                        "UHUGEINT", "FLOAT",     "DOUBLE"};
    for (size_t i = 0; i < countof(names); i++)
        if (str_is(type, names[i])) return true;
    return str_starts(type, "DECIMAL(") && str_ends(type, ")");
}

static const duck_column *column_named(const duck_column *v, size_t n, str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(v[i].name, name)) return &v[i];
    return NULL;
}

static err no_column(job *j, const duck_column *v, size_t n, str name)
{
    const char **names = arena_array(j->a, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        names[i] = str_c(j->a, v[i].name);
    const char *near = str_nearest(name, names, n);
    return err_set(ERR_INVALID,
                   "batch: the rows to score have no column %.*s, which model %.*s wants%s%s%s",
                   STR_ARG(name), STR_ARG(j->o->model_uri), near ? "; did you mean " : "",
                   near ? near : "", near ? "?" : "");
}

static const char *const own_columns[] = {"prediction", "actual",   "model_name", "model_version",
                                          "scored_at",  "batch_id", "scored_date"};

/* check_columns: every input is there and a number. *ret_actual: the label's column is there. */
static err check_columns(job *j, str relation, bool *ret_actual)
{
    duck_column *v;
    size_t n;
    TRY(duck_describe(j->d, j->a, "look at the rows to score",
                      str_fmt(j->a, "SELECT * FROM %.*s", STR_ARG(relation)), &v, &n));
    const schema *in = &j->pack.sig.inputs;
    for (size_t i = 0; i < in->n; i++) {
        str name = in->fields[i].name;
        const duck_column *c = column_named(v, n, name);
        if (!c) return no_column(j, v, n, name);
        if (!number_type(c->type))
            return err_set(
                ERR_INVALID,
                "batch: column %.*s is a %.*s, want a number as the signature of %.*s says",
                STR_ARG(name), STR_ARG(c->type), STR_ARG(j->o->model_uri));
        for (size_t k = 0; k < countof(own_columns); k++)
            if (str_eq_nocase(name, str_of(own_columns[k])))
                return err_set(ERR_INVALID,
                               "batch: model %.*s has an input named %.*s, which is the name of a "
                               "column of the predictions themselves",
                               STR_ARG(j->o->model_uri), STR_ARG(name));
    }
    const duck_column *label = j->o->label.n ? column_named(v, n, j->o->label) : NULL;
    if (label && !number_type(label->type))
        return err_set(ERR_INVALID, "batch: label %.*s is a %.*s, want a number",
                       STR_ARG(j->o->label), STR_ARG(label->type));
    *ret_actual = label != NULL;
    return ERR_OK;
}

static err score_sql(job *j, str relation, bool actual, str *ret)
{
    char at[TIME_PRINT_MAX], day[TIME_PRINT_MAX];
    const schema *in = &j->pack.sig.inputs;
    buf b;
    buf_init(&b, 16 << 20);
    buf_puts(&b, STR("SELECT "));
    for (size_t i = 0; i < in->n; i++)
        buf_fmt(&b, "%.*s, ", STR_ARG(duck_ident(j->a, in->fields[i].name)));
    buf_puts(&b, STR("tidemill_predict("));
    for (size_t i = 0; i < in->n; i++)
        buf_fmt(&b, "%sCAST(%.*s AS DOUBLE)", i ? ", " : "",
                STR_ARG(duck_ident(j->a, in->fields[i].name)));
    buf_puts(&b, STR(") AS prediction, CAST("));
    buf_puts(&b, actual ? duck_ident(j->a, j->o->label) : STR("NULL"));
    buf_fmt(&b,
            " AS DOUBLE) AS actual, %.*s AS model_name, CAST(%lld AS BIGINT) AS model_version, "
            "TIMESTAMPTZ '%s' AS scored_at, %.*s AS batch_id,"
            " DATE '%s' AS scored_date FROM %.*s",
            STR_ARG(duck_literal(j->a, j->version.name)), (long long)j->version.version,
            time_print(j->o->at_ms, at), STR_ARG(duck_literal(j->a, j->batch_id)),
            date_print(j->o->at_ms, day), STR_ARG(relation));
    err e = buf_err(&b, "batch: the scoring query");
    if (!e) *ret = str_dup(j->a, buf_str(&b));
    buf_done(&b);
    return e;
}

static err write_predictions(job *j, delta_written *ret)
{
    str relation = STR("");
    bool actual = false;
    TRY(source_relation(j, &relation));
    TRY(check_columns(j, relation, &actual));
    TRY(duck_add_function(j->d, "tidemill_predict", j->pack.sig.inputs.n, predict_chunk, j));
    static const str by_day[] = {STR("scored_date")};
    delta_write_spec w = {
        .dir = j->dir,
        .partition_by = by_day,
        .n_partition_by = 1,
        .mode = DELTA_APPEND,
        .txn_app = str_fmt(j->a, "batch/%.*s/%.*s", STR_ARG(j->version.name), STR_ARG(j->batch_id)),
        .txn_version = 1,
        .now_ms = j->o->at_ms};
    TRY(score_sql(j, relation, actual, &w.query));
    return delta_write(j->d, home_db(j->h), &w, ret);
}

/* read_metrics: from what the table holds of this batch, so that a repeated call says the same. */
static err read_metrics(job *j, batch_result *r)
{
    char day[TIME_PRINT_MAX];
    delta_snapshot *s;
    TRY(delta_read(j->a, j->d, j->dir, -1, &s));
    str relation;
    TRY(delta_relation(j->a, s, NULL, STR(""), &relation));
    /* What was written now lies in one partition; an earlier call may have had another time. */
    const char *where =
        r->already ? ""
                   : cstr_fmt(j->a, "scored_date = DATE '%s' AND ", date_print(j->o->at_ms, day));
    const char *sql =
        cstr_fmt(j->a,
                 "SELECT count(*), avg(abs(prediction - actual)) FILTER (WHERE known), "
                 "sqrt(avg((prediction - actual) * (prediction - actual)) FILTER (WHERE known)), "
                 "avg(prediction) FILTER (WHERE isfinite(prediction)), any_value(model_version) "
                 "FROM (SELECT prediction, actual, model_version, isfinite(prediction) AND "
                 "isfinite(actual) AS known FROM %.*s "
                 "WHERE %smodel_name = %.*s AND batch_id = %.*s)",
                 STR_ARG(relation), where, STR_ARG(duck_literal(j->a, j->version.name)),
                 STR_ARG(duck_literal(j->a, j->batch_id)));
    frame *f;
    TRY(duck_query(j->d, j->a, "measure the batch", sql, &f));
    r->rows = f->cols[0].i64[0];
    r->mae = column_f64(&f->cols[1], 0);
    r->rmse = column_f64(&f->cols[2], 0);
    r->mean_prediction = column_f64(&f->cols[3], 0);
    if (!column_is_null(&f->cols[4], 0)) r->model_version = f->cols[4].i64[0];
    return ERR_OK;
}

static size_t metric_list(const batch_result *r, metric *m)
{
    int64_t t = now_ms();
    size_t n = 0;
    m[n++] = (metric){STR("rows"), (double)r->rows, t, 0};
    if (!isnan(r->mean_prediction))
        m[n++] = (metric){STR("mean_prediction"), r->mean_prediction, t, 0};
    if (isnan(r->mae)) return n;
    m[n++] = (metric){STR("mae"), r->mae, t, 0};
    m[n++] = (metric){STR("rmse"), r->rmse, t, 0};
    return n;
}

/* log_run: one run a batch id, also when an earlier try was killed between the commit and this. */
static err log_run(job *j, const batch_result *r)
{
    db *d = home_db(j->h);
    str experiment_id, id;
    TRY(tracking_experiment_ensure(d, j->a, str_fmt(j->a, "/batch/%.*s", STR_ARG(j->version.name)),
                                   &experiment_id));
    run_query q = {.experiment_ids = &experiment_id,
                   .n_experiment_ids = 1,
                   .tag_key = STR("tidemill.batchId"),
                   .tag_value = j->batch_id,
                   .max = 1};
    run *runs;
    size_t n;
    TRY(tracking_runs(d, j->a, &q, &runs, &n));
    if (n && str_is(runs[0].status, "FINISHED")) return ERR_OK;
    const key_value tags[] = {{STR("tidemill.task"), STR("batch_predict")},
                              {STR("tidemill.batchId"), j->batch_id}};
    run_spec spec = {.experiment_id = experiment_id,
                     .start_ms = now_ms(),
                     .tags = tags,
                     .n_tags = countof(tags)};
    if (n)
        id = runs[0].id;
    else
        TRY(tracking_run_create(d, j->a, &spec, &id));
    const key_value params[] = {
        {STR("model"), j->version.name},
        {STR("version"), str_fmt(j->a, "%lld", (long long)r->model_version)}};
    metric m[4];
    run_batch b = {.metrics = m,
                   .n_metrics = metric_list(r, m),
                   .params = params,
                   .n_params = countof(params)};
    TRY(tracking_log(d, id, &b));
    return tracking_run_end(d, id, "FINISHED", now_ms());
}

static err run_body(job *j, batch_result *r)
{
    TRY(load_model(j));
    TRY(home_table_dir(j->h, j->a, j->o->predictions_table, &j->dir));
    TRY(sources_open(j->h, j->a, j->o->sources, j->o->n_sources, 0, &j->d));
    delta_written w;
    TRY(write_predictions(j, &w));
    *r = (batch_result){.batch_id = j->batch_id,
                        .model_name = j->version.name,
                        .model_version = j->version.version,
                        .table_version = w.version,
                        .already = w.already};
    TRY(read_metrics(j, r));
    return log_run(j, r);
}

/* The id goes into the table, a transaction's name and a tag. */
static err check_batch_id(str id)
{
    bool ok = id.n <= BATCH_ID_MAX && str_utf8_ok(id);
    for (size_t i = 0; ok && i < id.n; i++)
        ok = (unsigned char)id.p[i] >= ' ' && id.p[i] != 0x7f;
    return ok ? ERR_OK
              : err_set(ERR_INVALID, "batch id: want at most %d bytes of printable UTF-8",
                        BATCH_ID_MAX);
}

err batch_run(home *h, arena *a, const batch_spec *o, const progress *p, batch_result *ret)
{
    assert(h && a && o && ret);
    TRY(check_batch_id(o->batch_id));
    char at[TIME_PRINT_MAX];
    job j = {.h = h, .a = a, .o = o, .p = p};
    j.batch_id = o->batch_id.n ? o->batch_id : str_dup(a, str_of(time_print(o->at_ms, at)));
    batch_result r;
    err e = run_body(&j, &r);
    duck_free(j.d);
    model_unref(j.model);
    TRY(e);
    if (r.already)
        progress_say(p, "batch %.*s: was scored before: nothing is added to %.*s",
                     STR_ARG(r.batch_id), STR_ARG(o->predictions_table));
    else
        progress_say(p, "batch %.*s: %lld rows scored by %.*s version %lld into %.*s",
                     STR_ARG(r.batch_id), (long long)r.rows, STR_ARG(r.model_name),
                     (long long)r.model_version, STR_ARG(o->predictions_table));
    *ret = r;
    return ERR_OK;
}
