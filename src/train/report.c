#include "train/report_int.h"

#include <assert.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/rng.h"
#include "model/package.h"
#include "monitor/monitor.h"
#include "plot/plot.h"

/* A number takes at most 25 bytes, so this many fit into ARTIFACT_MAX. */
enum {
    ARTIFACT_MAX = 64 << 20,
    HELDOUT_NUMBERS_MAX = 2 << 20,
    HELDOUT_ROWS_MAX = 100000,
    EXAMPLE_ROWS = 5
};

static void write_row(jw *w, const matrix *m, size_t r)
{
    jw_arr(w);
    for (size_t c = 0; c < m->cols; c++) {
        double v = m->v[r * m->stride + c];
        if (v == v)
            jw_f64(w, v);
        else
            jw_null(w);
    }
    jw_arr_end(w);
}

static void write_numbers(jw *w, const char *key, const double *v, size_t n)
{
    jw_key(w, key);
    jw_arr(w);
    for (size_t i = 0; i < n; i++)
        jw_f64(w, v[i]);
    jw_arr_end(w);
}

/* heldout_json: {"columns", "rows", ["actual",] "predictions"} of the first rows; numbers in the
 * shortest form that reads back to the same bits. */
static err heldout_json(arena *a, const train_rows *t, const train_fit *f, size_t rows_max,
                        bool with_actual, str *ret)
{
    size_t fit = HELDOUT_NUMBERS_MAX / (t->test.cols + 2), n = t->test.rows;
    if (n > rows_max) n = rows_max;
    if (n > fit) n = fit;
    buf b;
    buf_init(&b, ARTIFACT_MAX);
    jw w;
    jw_init(&w, &b, false);
    jw_obj(&w);
    jw_key(&w, "columns");
    jw_arr(&w);
    for (size_t i = 0; i < t->inputs.n; i++)
        jw_str(&w, t->inputs.fields[i].name);
    jw_arr_end(&w);
    jw_key(&w, "rows");
    jw_arr(&w);
    for (size_t r = 0; r < n; r++)
        write_row(&w, &t->test, r);
    jw_arr_end(&w);
    if (with_actual) write_numbers(&w, "actual", t->test_label, n);
    write_numbers(&w, "predictions", f->predicted, n);
    jw_obj_end(&w);
    err e = buf_err(&b, "train: the held-out rows as JSON");
    if (!e) *ret = str_dup(a, buf_str(&b));
    buf_done(&b);
    return e;
}

static err checks_json(arena *a, const train_rows *t, str *ret)
{
    buf b;
    buf_init(&b, ARTIFACT_MAX);
    jw w;
    jw_init(&w, &b, true);
    if (t->checks.of) {
        suite_report_json(&w, &t->checks);
    } else {
        jw_obj(&w);
        jw_ki64(&w, "rows", t->read);
        jw_obj_end(&w);
    }
    err e = buf_err(&b, "train: checks.json");
    if (!e) *ret = str_dup(a, buf_str(&b));
    buf_done(&b);
    return e;
}

typedef err (*draw_fn)(buf *b, arena *a, const train_spec *o, const train_rows *t,
                       const train_fit *f);

static err draw_predicted(buf *b, arena *a, const train_spec *o, const train_rows *t,
                          const train_fit *f)
{
    plot_labels l = {.title = "Predicted against actual, held-out rows",
                     .x = cstr_fmt(a, "actual %.*s", STR_ARG(o->features.label.name)),
                     .y = "predicted",
                     .desc = cstr_fmt(a, "%zu held-out rows; mean absolute error %.4g",
                                      t->test.rows, f->score.mae)};
    return plot_scatter(b, &l, t->test_label, f->predicted, t->test.rows, PLOT_DIAGONAL);
}

static err draw_residuals(buf *b, arena *a, const train_spec *o, const train_rows *t,
                          const train_fit *f)
{
    double *residual = arena_array(a, double, t->test.rows);
    for (size_t i = 0; i < t->test.rows; i++)
        residual[i] = t->test_label[i] - f->predicted[i];
    plot_labels l = {.title = "Residuals, held-out rows",
                     .x = "predicted",
                     .y = cstr_fmt(a, "actual - predicted %.*s", STR_ARG(o->features.label.name)),
                     .desc = cstr_fmt(a, "%zu held-out rows; mean error %.4g", t->test.rows,
                                      -f->score.mean_error)};
    return plot_scatter(b, &l, f->predicted, residual, t->test.rows, PLOT_ZERO_LINE);
}

static err draw_importance(buf *b, arena *a, const train_spec *o, const train_rows *t,
                           const train_fit *f)
{
    (void)o;
    size_t n = t->inputs.n;
    double *gain = arena_array(a, double, n), *sorted = arena_array(a, double, n);
    str *names = arena_array(a, str, n);
    TRY(model_importance(f->model, "gain", gain));
    for (size_t i = 0; i < n; i++) { /* largest first; n is small */
        size_t at = i;
        for (; at > 0 && sorted[at - 1] < gain[i]; at--) {
            sorted[at] = sorted[at - 1];
            names[at] = names[at - 1];
        }
        sorted[at] = gain[i];
        names[at] = t->inputs.fields[i].name;
    }
    plot_labels l = {.title = "Feature importance", .x = "total gain of the splits on the feature"};
    return plot_bars(b, &l, names, sorted, n < PLOT_BARS_MAX ? n : PLOT_BARS_MAX);
}

static err draw(arena *a, draw_fn fn, const train_spec *o, const train_rows *t, const train_fit *f,
                str *ret)
{
    buf b;
    buf_init(&b, ARTIFACT_MAX);
    err e = fn(&b, a, o, t, f);
    if (!e) e = buf_err(&b, "train: a plot");
    if (!e) *ret = str_dup(a, buf_str(&b));
    buf_done(&b);
    return e;
}

err report_run(home *h, arena *a, str run_id, const train_spec *o, const train_rows *t,
               const train_fit *f)
{
    artifact_item v[] = {{.path = STR("checks.json")},
                         {.path = STR("evaluation/heldout.json")},
                         {.path = STR("plots/predicted_vs_actual.svg")},
                         {.path = STR("plots/residuals.svg")},
                         {.path = STR("plots/importance.svg")}};
    TRY(checks_json(a, t, &v[0].bytes));
    TRY(heldout_json(a, t, f, HELDOUT_ROWS_MAX, true, &v[1].bytes));
    TRY(draw(a, draw_predicted, o, t, f, &v[2].bytes));
    TRY(draw(a, draw_residuals, o, t, f, &v[3].bytes));
    TRY(draw(a, draw_importance, o, t, f, &v[4].bytes));
    return artifact_put_all(home_db(h), home_blobs(h), str_fmt(a, "runs/%.*s", STR_ARG(run_id)), v,
                            countof(v));
}

static err put_package(home *h, arena *a, str model_id, str run_id, const train_rows *t,
                       const train_fit *f)
{
    field *output = arena_new_of(a, field);
    *output = (field){.name = STR(""), .type = FIELD_DOUBLE, .required = true};
    package p = {.flavor = STR("lightgbm"),
                 .data_path = STR("model.lgb"),
                 .flavor_version = STR(LGB_VERSION),
                 .sig = {.inputs = t->inputs, .outputs = {.fields = output, .n = 1}},
                 .model_id = model_id,
                 .run_id = run_id,
                 .uuid = id_hex32(a),
                 .created_ms = now_ms()};
    matrix example = t->test;
    if (example.rows > EXAMPLE_ROWS) example.rows = EXAMPLE_ROWS;
    package_file *files;
    size_t n;
    TRY(package_write(a, &p, f->text, example, &files, &n));
    artifact_item *v = arena_array(a, artifact_item, n + 1);
    for (size_t i = 0; i < n; i++)
        v[i] = (artifact_item){files[i].path, files[i].bytes};
    v[n].path = STR("probes.json");
    TRY(heldout_json(a, t, f, PROBES_MAX, false, &v[n].bytes));
    return artifact_put_all(home_db(h), home_blobs(h), str_fmt(a, "models/%.*s", STR_ARG(model_id)),
                            v, n + 1);
}

err report_model(home *h, arena *a, str run_id, str experiment_id, const train_spec *o,
                 const train_rows *t, const train_fit *f, str *ret_id)
{
    logged_model_spec spec = {.name = o->name,
                              .experiment_id = experiment_id,
                              .source_run_id = run_id,
                              .model_type = STR("lightgbm"),
                              .now_ms = now_ms()};
    str id;
    TRY(tracking_model_create(home_db(h), a, &spec, &id));
    err e = put_package(h, a, id, run_id, t, f);
    if (e) {
        str why = str_dup(a, str_of(err_message()));
        if (tracking_model_finish(home_db(h), id, "UPLOAD_FAILED", now_ms()))
            return err_set(e, "%.*s (and the model's state could not be written)", STR_ARG(why));
        return err_set(e, "%.*s", STR_ARG(why));
    }
    TRY(tracking_model_finish(home_db(h), id, "READY", now_ms()));
    *ret_id = id;
    return ERR_OK;
}

err report_baseline(home *h, duck *d, arena *a, str run_id, const train_spec *o,
                    const train_rows *t, const train_fit *f)
{
    if (!o->baseline_table.n) return ERR_OK;
    size_t n = t->inputs.n;
    baseline_row *v = arena_array(a, baseline_row, n + 2);
    double *one = arena_array(a, double, t->train.rows);
    for (size_t c = 0; c < n; c++) {
        for (size_t r = 0; r < t->train.rows; r++)
            one[r] = t->train.v[r * t->train.stride + c];
        v[c] = (baseline_row){.kind = STR("feature"), .column = t->inputs.fields[c].name};
        err e = describe(one, t->train.rows, &v[c].d);
        if (e) return err_add(e, "train: baseline of %.*s", STR_ARG(v[c].column));
    }
    v[n] = (baseline_row){.kind = STR("label"), .column = o->features.label.name};
    TRY(describe(t->train_label, t->train.rows, &v[n].d));
    v[n + 1] = (baseline_row){.kind = STR("prediction"), .column = STR("prediction")};
    TRY(describe(f->predicted, t->test.rows, &v[n + 1].d));
    int64_t version;
    TRY(baseline_write(d, h, a, o->baseline_table, o->registered_model, run_id, o->at_ms, v, n + 2,
                       &version));
    const key_value tag = {STR(BASELINE_TAG), str_fmt(a, "%lld", (long long)version)};
    return tracking_log(home_db(h), run_id, &(run_batch){.tags = &tag, .n_tags = 1});
}

err report_candidate(home *h, arena *a, str experiment_id, str parent, const train_spec *o,
                     size_t number, const candidate *c)
{
    const key_value tags[] = {{STR("mlflow.parentRunId"), parent},
                              {STR("tidemill.jobRun"), o->job_run}};
    run_spec spec = {.experiment_id = experiment_id,
                     .name = str_fmt(a, "candidate-%zu", number),
                     .start_ms = now_ms(),
                     .tags = tags,
                     .n_tags = o->job_run.n ? 2 : 1};
    str id;
    TRY(tracking_run_create(home_db(h), a, &spec, &id));
    int64_t t = now_ms();
    size_t folds = (size_t)o->folds, n = 0;
    metric *m = arena_array(a, metric, 2 + 2 * folds);
    m[n++] = (metric){STR("cv_mae"), c->mean_mae, t, 0};
    m[n++] = (metric){STR("cv_rmse"), c->mean_rmse, t, 0};
    for (size_t k = 0; k < folds; k++) { /* the fold is the step */
        m[n++] = (metric){STR("fold_mae"), c->mae[k], t, (int64_t)k};
        m[n++] = (metric){STR("fold_rmse"), c->rmse[k], t, (int64_t)k};
    }
    run_batch b = {.metrics = m, .n_metrics = n, .params = c->params, .n_params = c->n_params};
    TRY(tracking_log(home_db(h), id, &b));
    return tracking_run_end(home_db(h), id, "FINISHED", now_ms());
}
