#include "train/train.h"

#include <assert.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/proc.h"
#include "stats/sum.h"
#include "table/sources.h"
#include "train/report_int.h"

enum { ROWS_FOR_THREADS = 200000 }; /* from here on the final fit uses all threads */

/* One call of train_run on its way. */
typedef struct job {
    home *h;
    arena *a;
    const train_spec *o;
    const progress *p;
    duck *d;
    lgb *l;
    int threads;
    str experiment_id, run_id;
    train_rows rows;
    candidate *candidates;
    size_t n_candidates;
    const candidate *best;
    train_fit fit;
    str model_id;
} job;

/* LightGBM would write white space as '_' into the model and refuses JSON's punctuation. */
static err check_feature_name(const train_spec *o, str name)
{
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] <= ' ' || strchr("\",:[]{}", name.p[i]))
            return err_set(ERR_INVALID,
                           "train %.*s: feature \"%.*s\": want a name without white space and none "
                           "of \" , : [ ] { }",
                           STR_ARG(o->name), STR_ARG(name));
    return ERR_OK;
}

static err check_spec(const train_spec *o)
{
    if (!str_is(o->algorithm, "lightgbm"))
        return err_set(ERR_INVALID, "train %.*s: algorithm %.*s, want lightgbm", STR_ARG(o->name),
                       STR_ARG(o->algorithm));
    if (!str_is(o->metric, "mae") && !str_is(o->metric, "rmse"))
        return err_set(ERR_INVALID, "train %.*s: metric %.*s, want mae or rmse", STR_ARG(o->name),
                       STR_ARG(o->metric));
    if (o->folds < 2 || o->folds > TRAIN_FOLDS_MAX)
        return err_set(ERR_INVALID, "train %.*s: folds %d, want 2 to %d", STR_ARG(o->name),
                       o->folds, TRAIN_FOLDS_MAX);
    if (o->holdout_every < 2)
        return err_set(ERR_INVALID, "train %.*s: holdout_every %d, want at least 2",
                       STR_ARG(o->name), o->holdout_every);
    if (!o->features.n)
        return err_set(ERR_INVALID, "train %.*s: there are no features", STR_ARG(o->name));
    if (!o->features.label.name.n)
        return err_set(ERR_INVALID, "train %.*s: features %.*s has no label", STR_ARG(o->name),
                       STR_ARG(o->features.name));
    for (size_t i = 0; i < o->features.n; i++)
        TRY(check_feature_name(o, o->features.v[i].name));
    return ERR_OK;
}

static err open_run(job *j)
{
    db *d = home_db(j->h);
    TRY(tracking_experiment_ensure(d, j->a, j->o->experiment, &j->experiment_id));
    const key_value tags[] = {{STR("tidemill.task"), STR("train")},
                              {STR("tidemill.training"), j->o->name},
                              {STR("tidemill.jobRun"), j->o->job_run}};
    run_spec spec = {.experiment_id = j->experiment_id,
                     .start_ms = now_ms(),
                     .tags = tags,
                     .n_tags = j->o->job_run.n ? 3 : 2};
    return tracking_run_create(d, j->a, &spec, &j->run_id);
}

static err search(job *j)
{
    progress_say(j->p, "search: %zu candidates x %d folds on %zu rows, %d threads", j->n_candidates,
                 j->o->folds, j->rows.train.rows, j->threads);
    train_data data = {.x = j->rows.train,
                       .label = j->rows.train_label,
                       .names = j->rows.names,
                       .fold = folds_make(j->a, j->rows.train.rows, j->o->folds, j->o->seed),
                       .folds = j->o->folds};
    TRY(search_run(j->l, &data, j->candidates, j->n_candidates, j->threads, j->p));
    j->best = search_best(j->candidates, j->n_candidates, j->o->metric);
    for (size_t i = 0; i < j->n_candidates; i++)
        TRY(report_candidate(j->h, j->a, j->experiment_id, j->run_id, j->o, i + 1,
                             &j->candidates[i]));
    bool rmse = str_is(j->o->metric, "rmse");
    progress_say(j->p, "search: best is candidate %zu with cross-validated %.*s %.4f",
                 (size_t)(j->best - j->candidates) + 1, STR_ARG(j->o->metric),
                 rmse ? j->best->mean_rmse : j->best->mean_mae);
    return ERR_OK;
}

static err fit_best(job *j)
{
    const train_rows *t = &j->rows;
    TRY(lgb_threads(j->l, t->train.rows >= ROWS_FOR_THREADS ? j->threads : 1));
    float *label = arena_array(j->a, float, t->train.rows);
    for (size_t i = 0; i < t->train.rows; i++)
        label[i] = (float)t->train_label[i];
    lgb_fit_spec spec = {.x = t->train,
                         .label = label,
                         .names = t->names,
                         .params = j->best->text,
                         .iterations = j->best->iterations};
    double *theirs;
    TRY(lgb_fit(j->l, j->a, &spec, t->test, &j->fit.text, &theirs));
    TRY(model_load(j->fit.text, "lightgbm", "the fitted model", &j->fit.model));
    arena_on_free(j->a, (void (*)(void *))model_unref, j->fit.model);
    j->fit.predicted = arena_array(j->a, double, t->test.rows);
    model_predict(j->fit.model, t->test, j->fit.predicted);
    for (size_t i = 0; i < t->test.rows; i++)
        if (memcmp(&theirs[i], &j->fit.predicted[i], sizeof *theirs))
            return err_set(ERR_INTERNAL,
                           "train: held-out row %zu: our prediction %.17g is not LightGBM's %.17g",
                           i, j->fit.predicted[i], theirs[i]);
    return regression_score(t->test_label, j->fit.predicted, NULL, t->test.rows, &j->fit.score);
}

static err score_mean(job *j)
{
    const train_rows *t = &j->rows;
    double mean = mean_f64(t->train_label, t->train.rows);
    double *same = arena_array(j->a, double, t->test.rows);
    for (size_t i = 0; i < t->test.rows; i++)
        same[i] = mean;
    regression_metrics r;
    TRY(regression_score(t->test_label, same, NULL, t->test.rows, &r));
    j->fit.mae_of_mean = r.mae;
    return ERR_OK;
}

static err log_run(job *j)
{
    int64_t t = now_ms();
    const regression_metrics *s = &j->fit.score;
    const metric m[] = {
        {STR("mae"), s->mae, t, 0},
        {STR("rmse"), s->rmse, t, 0},
        {STR("r2"), s->r2, t, 0},
        {STR("median_ae"), s->median_ae, t, 0},
        {STR("max_error"), s->max_error, t, 0},
        {STR("mae_of_mean"), j->fit.mae_of_mean, t, 0},
        {STR("cv_mae"), j->best->mean_mae, t, 0},
        {STR("cv_rmse"), j->best->mean_rmse, t, 0},
        {STR("rows_read"), (double)j->rows.read, t, 0},
        {STR("rows_dropped"), (double)(j->rows.read - j->rows.kept), t, 0},
        {STR("rows_train"), (double)j->rows.train.rows, t, 0},
        {STR("rows_test"), (double)j->rows.test.rows, t, 0},
        {STR("candidates"), (double)j->n_candidates, t, 0},
    };
    key_value *params = arena_array(j->a, key_value, j->best->n_params + 3);
    size_t n = 0;
    for (; n < j->best->n_params; n++)
        params[n] = j->best->params[n];
    params[n++] = (key_value){STR("seed"), str_fmt(j->a, "%llu", (unsigned long long)j->o->seed)};
    params[n++] = (key_value){STR("folds"), str_fmt(j->a, "%d", j->o->folds)};
    params[n++] = (key_value){STR("holdout_every"), str_fmt(j->a, "%d", j->o->holdout_every)};
    const key_value tags[] = {
        {STR("tidemill.featureTable"), j->o->features.table},
        {STR("tidemill.featureVersion"), str_fmt(j->a, "%lld", (long long)j->rows.feature_version)},
        {STR("tidemill.label"), j->o->features.label.name},
        {STR("tidemill.bestCandidate"),
         str_fmt(j->a, "%zu", (size_t)(j->best - j->candidates) + 1)},
    };
    run_batch b = {.metrics = m,
                   .n_metrics = countof(m),
                   .params = params,
                   .n_params = n,
                   .tags = tags,
                   .n_tags = countof(tags)};
    return tracking_log(home_db(j->h), j->run_id, &b);
}

static err run_body(job *j)
{
    TRY(lgb_open(&j->l));
    TRY(candidates_make(j->l, j->a, j->o, &j->candidates, &j->n_candidates));
    TRY(sources_open(j->h, j->a, j->o->sources, j->o->n_sources, j->threads, &j->d));
    TRY(rows_prepare(j->h, j->d, j->a, j->o, j->p, &j->rows));
    TRY(search(j));
    TRY(fit_best(j));
    TRY(score_mean(j));
    TRY(log_run(j));
    TRY(report_run(j->h, j->a, j->run_id, j->o, &j->rows, &j->fit));
    TRY(report_baseline(j->h, j->d, j->a, j->run_id, j->o, &j->rows, &j->fit));
    TRY(report_model(j->h, j->a, j->run_id, j->experiment_id, j->o, &j->rows, &j->fit,
                     &j->model_id));
    progress_say(j->p, "model: mae %.4f on %zu held-out rows (%.4f by always saying the mean)",
                 j->fit.score.mae, j->rows.test.rows, j->fit.mae_of_mean);
    return tracking_run_end(home_db(j->h), j->run_id, "FINISHED", now_ms());
}

/* fail_run ends the run FAILED with the reason; the error that matters stays the one of e. */
static err fail_run(job *j, err e)
{
    str why = str_dup(j->a, str_of(err_message()));
    const key_value tag = {STR("tidemill.error"), why};
    run_batch b = {.tags = &tag, .n_tags = 1};
    err e2 = tracking_log(home_db(j->h), j->run_id, &b);
    if (!e2) e2 = tracking_run_end(home_db(j->h), j->run_id, "FAILED", now_ms());
    return e2 ? err_set(e, "%.*s (and the run could not be ended: %s)", STR_ARG(why),
                        str_c(j->a, str_of(err_message())))
              : err_set(e, "%.*s", STR_ARG(why));
}

static err drop_report(job *j, str *ret)
{
    buf b;
    buf_init(&b, 1 << 20);
    jw w;
    jw_init(&w, &b, false);
    if (j->rows.checks.of)
        suite_report_json(&w, &j->rows.checks);
    else
        jw_null(&w);
    err e = buf_err(&b, "train: the report of the checks");
    if (!e) *ret = str_dup(j->a, buf_str(&b));
    buf_done(&b);
    return e;
}

err train_run(home *h, arena *a, const train_spec *o, const progress *p, train_result *ret)
{
    assert(h && a && o && ret);
    TRY(check_spec(o));
    job j = {.h = h, .a = a, .o = o, .p = p, .threads = o->threads > 0 ? o->threads : proc_cpus()};
    TRY(open_run(&j));
    err e = run_body(&j);
    if (e) e = fail_run(&j, e);
    duck_free(j.d);
    lgb_free(j.l);
    TRY(e);
    str report;
    TRY(drop_report(&j, &report));
    *ret = (train_result){
        .run_id = j.run_id,
        .model_id = j.model_id,
        .experiment_id = j.experiment_id,
        .rows = j.rows.read,
        .dropped = j.rows.read - j.rows.kept,
        .rows_train = (int64_t)j.rows.train.rows,
        .rows_test = (int64_t)j.rows.test.rows,
        .feature_version = j.rows.feature_version,
        .candidates = (int64_t)j.n_candidates,
        .mae = j.fit.score.mae,
        .rmse = j.fit.score.rmse,
        .r2 = j.fit.score.r2,
        .mae_of_mean = j.fit.mae_of_mean,
        .drop_report = report,
    };
    return ERR_OK;
}
