#include <assert.h>
#include <math.h>

#include "batch/batch.h"
#include "jobs/jobs_int.h"
#include "serving/deploy.h"

/* What each kind of task does: the bundle's spec plus the run's time and parameters make the room's
 * spec; its result makes the task's values (docs/cli.md lists them) and one readable line. */

enum { LOAD_TRIES = 5, LOAD_WAIT_MS = 50, READY_MS = 30000 };

/* --- parameters of a run: --param task.key=value */

typedef enum param_type {
    PARAM_TEXT,
    PARAM_SEED,
    PARAM_SOURCE,
    PARAM_DURATION,
    PARAM_ROWS,
    PARAM_NUMBER
} param_type;
static const struct task_param_def {
    const char *key;
    task_kind kind;
    param_type type;
} task_params[] = {
    {"seed", TASK_TRAIN, PARAM_SEED},
    {"source", TASK_BATCH_PREDICT, PARAM_SOURCE},
    {"batch_id", TASK_BATCH_PREDICT, PARAM_TEXT},
    {"window", TASK_MONITOR_DRIFT, PARAM_DURATION},
    {"min_rows", TASK_MONITOR_DRIFT, PARAM_ROWS},
    {"drift_z", TASK_MONITOR_DRIFT, PARAM_NUMBER},
    {"mae", TASK_MONITOR_DRIFT, PARAM_NUMBER},
};

static err check_source(arena *a, const bundle *b, str name)
{
    const char **names = arena_array(a, const char *, b->n_sources + 1);
    for (size_t i = 0; i < b->n_sources; i++) {
        if (str_eq(b->sources[i].name, name)) return ERR_OK;
        names[i] = str_c(a, b->sources[i].name);
    }
    const char *near = str_nearest(name, names, b->n_sources);
    return err_set(ERR_INVALID, "the bundle has no source \"%.*s\"%s%s%s", STR_ARG(name),
                   near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static err check_value(arena *a, const bundle *b, param_type type, str value)
{
    int64_t i;
    uint64_t u;
    double f;
    switch (type) {
    case PARAM_TEXT:
        return value.n && value.n <= 256 ? ERR_OK : err_set(ERR_INVALID, "want 1 to 256 bytes");
    case PARAM_SEED:
        return parse_u64(value, &u) ? err_set(ERR_INVALID, "want a whole number from 0") : ERR_OK;
    case PARAM_SOURCE:
        return check_source(a, b, value);
    case PARAM_DURATION:
        return parse_duration_ms(value, &i) || i <= 0
                   ? err_set(ERR_INVALID, "want a duration such as 24h")
                   : ERR_OK;
    case PARAM_ROWS:
        return parse_i64(value, &i) || i < 1 ? err_set(ERR_INVALID, "want a whole number from 1")
                                             : ERR_OK;
    case PARAM_NUMBER:
        return parse_f64(value, &f) || !isfinite(f) || f < 0
                   ? err_set(ERR_INVALID, "want a number from 0")
                   : ERR_OK;
    }
    return ERR_INTERNAL;
}

static err unknown_param(arena *a, const bundle_task *t, const task_param *p)
{
    const char *names[countof(task_params)];
    size_t n = 0;
    buf list;
    buf_init(&list, 4096);
    for (size_t i = 0; i < countof(task_params); i++)
        if (task_params[i].kind == t->kind) {
            buf_fmt(&list, "%s%s", n ? ", " : "", task_params[i].key);
            names[n++] = task_params[i].key;
        }
    const char *near = str_nearest(p->key, names, n);
    str known = n ? str_dup(a, buf_str(&list)) : STR("none");
    buf_done(&list);
    return err_set(ERR_INVALID,
                   "--param %.*s.%.*s: the task has no such parameter%s%s%s; it has: %.*s",
                   STR_ARG(p->task), STR_ARG(p->key), near ? ", did you mean \"" : "",
                   near ? near : "", near ? "\"?" : "", STR_ARG(known));
}

err task_param_check(arena *a, const bundle *b, const bundle_job *job, const task_param *p)
{
    assert(a && b && job && p);
    const bundle_task *t = NULL;
    for (size_t i = 0; i < job->n_tasks; i++)
        if (str_eq(job->tasks[i].key, p->task)) t = &job->tasks[i];
    if (!t)
        return err_set(ERR_INVALID, "--param %.*s.%.*s: job %.*s has no task %.*s",
                       STR_ARG(p->task), STR_ARG(p->key), STR_ARG(job->name), STR_ARG(p->task));
    for (size_t i = 0; i < countof(task_params); i++)
        if (task_params[i].kind == t->kind && str_is(p->key, task_params[i].key))
            return err_add(check_value(a, b, task_params[i].type, p->value),
                           "--param %.*s.%.*s: \"%.*s\"", STR_ARG(p->task), STR_ARG(p->key),
                           STR_ARG(p->value));
    return unknown_param(a, t, p);
}

/* The value that this run gives a parameter of the task; false: none. */
static bool given(const task_call *c, const char *key, str *ret)
{
    size_t i, n;
    yyjson_val *p;
    bool found = false;
    yyjson_arr_foreach(c->params, i, n, p)
    {
        bool here = str_eq(json_str(yyjson_obj_get(p, "task")), c->task->key) &&
                    str_is(json_str(yyjson_obj_get(p, "key")), key);
        if (!here) continue;
        *ret = json_str(yyjson_obj_get(p, "value"));
        found = true; /* the last wins */
    }
    return found;
}

/* --- what other tasks said */

static err newest_values(task_call *c, str key, str *ret)
{
    db_rows r;
    TRY(db_rows_of(home_db(c->h), c->a,
                   "SELECT t.values_json FROM task_run t JOIN job_run r ON r.id = t.run"
                   " WHERE r.bundle = ? AND r.target = ? AND r.job = ? AND t.task = ? AND t.state "
                   "= 'SUCCEEDED'"
                   " AND r.id <= ? ORDER BY r.id DESC LIMIT 1",
                   DB_ARGS(db_text(c->b->name), db_text(c->b->target), db_text(c->job->name),
                           db_text(key), db_int(c->run)),
                   &r));
    if (!r.n)
        return err_set(
            ERR_MISSING,
            "task %.*s: it works with what task %.*s made, and no run of that one has succeeded: "
            "run the whole job",
            STR_ARG(c->task->key), STR_ARG(key));
    *ret = db_cell_s(&r, 0, 0);
    return ERR_OK;
}

err task_values(task_call *c, str key, yyjson_val **ret)
{
    str text;
    TRY(newest_values(c, key, &text));
    return json_parse(c->a, text, cstr_fmt(c->a, "values of task %.*s", STR_ARG(key)), ret);
}

/* The values of the one task of that kind which this task depends on. */
static err values_of_kind(task_call *c, task_kind kind, yyjson_val **ret)
{
    for (size_t i = 0; i < c->task->n_depends_on; i++) {
        const bundle_task *t = &c->job->tasks[c->task->depends_on[i]];
        if (t->kind == kind) return task_values(c, t->key, ret);
    }
    return err_set(ERR_INTERNAL,
                   "task %.*s: the bundle's check should have found what it depends on",
                   STR_ARG(c->task->key));
}

/* --- specs */

static err sources_of(task_call *c, const source_spec **ret)
{
    source_spec *v = arena_array(c->a, source_spec, c->b->n_sources + 1);
    for (size_t i = 0; i < c->b->n_sources; i++) {
        const char *dir;
        v[i] = c->b->sources[i];
        if (!v[i].table.n) continue;
        TRY(home_table_dir(c->h, c->a, v[i].table, &dir));
        v[i].path = str_of(dir);
        v[i].table = STR("");
    }
    *ret = v;
    return ERR_OK;
}

static str run_text(const task_call *c)
{
    return str_fmt(c->a, "%lld", (long long)c->run);
}

/* --- train */

static err do_train(task_call *c, jw *w, str *ret)
{
    train_spec s = c->task->training->spec;
    train_result r;
    str seed;
    TRY(sources_of(c, &s.sources));
    s.n_sources = c->b->n_sources;
    s.at_ms = c->at_ms;
    s.job_run = run_text(c);
    if (given(c, "seed", &seed)) TRY(parse_u64(seed, &s.seed));
    TRY(train_run(c->h, c->a, &s, c->p, &r));
    jw_kstr(w, "run_id", r.run_id);
    jw_kstr(w, "model_id", r.model_id);
    jw_kstr(w, "experiment_id", r.experiment_id);
    jw_ki64(w, "feature_version", r.feature_version);
    jw_kf64(w, "mae", r.mae);
    jw_kf64(w, "rmse", r.rmse);
    jw_kf64(w, "r2", r.r2);
    jw_kf64(w, "mae_of_mean", r.mae_of_mean);
    jw_ki64(w, "rows", r.rows);
    jw_ki64(w, "dropped", r.dropped);
    jw_ki64(w, "rows_train", r.rows_train);
    jw_ki64(w, "rows_test", r.rows_test);
    jw_ki64(w, "candidates", r.candidates);
    jw_key(w, "checks");
    if (r.drop_report.n)
        jw_raw(w, r.drop_report);
    else
        jw_null(w);
    *ret = str_fmt(c->a, "best of %lld candidates: mae %.4f on %lld held-out rows (the mean: %.4f)",
                   (long long)r.candidates, r.mae, (long long)r.rows_test, r.mae_of_mean);
    return ERR_OK;
}

/* --- validate */

static err do_validate(task_call *c, jw *w, str *ret)
{
    yyjson_val *train;
    validate_result r;
    const train_spec *t = &c->task->training->spec;
    validate_spec s = {.registered_model = t->registered_model,
                       .feature_table = t->features.table,
                       .holdout_every = t->holdout_every,
                       .label = t->features.label.name,
                       .gates = c->task->gates,
                       .n_gates = c->task->n_gates,
                       .load_tries = LOAD_TRIES,
                       .load_wait_ms = LOAD_WAIT_MS,
                       .at_ms = c->at_ms,
                       .once =
                           str_fmt(c->a, "%lld/%.*s", (long long)c->run, STR_ARG(c->task->key))};
    TRY(values_of_kind(c, TASK_TRAIN, &train));
    TRY(json_get_str(train, "train", "run_id", &s.run_id));
    TRY(json_get_str(train, "train", "model_id", &s.model_id));
    TRY(json_get_i64(train, "train", "feature_version", &s.feature_version));
    TRY(validate_run(c->h, c->a, &s, c->p, &r));
    jw_ki64(w, "version", r.version);
    jw_ki64(w, "champion_version", r.champion_version);
    jw_kf64(w, "mae", r.mae);
    jw_kf64(w, "champion_mae", r.champion_mae);
    jw_kbool(w, "passed", r.passed);
    jw_kbool(w, "first", r.first);
    jw_kstr(w, "reason", r.reason);
    jw_ki64(w, "probes", r.probes);
    jw_ki64(w, "load_tries", r.load_tries);
    *ret = str_fmt(c->a, "version %lld: %.*s", (long long)r.version, STR_ARG(r.reason));
    return ERR_OK;
}

/* --- deploy */

static err do_deploy(task_call *c, jw *w, str *ret)
{
    yyjson_val *validate;
    deploy_result r;
    const bundle_endpoint *e = c->task->endpoint;
    deploy_spec s = {.endpoint = e->name,
                     .registered_model = e->registered_model,
                     .workload_size = e->workload_size,
                     .scale_to_zero = e->scale_to_zero,
                     .ready_ms = READY_MS,
                     .at_ms = c->at_ms};
    TRY(values_of_kind(c, TASK_VALIDATE, &validate));
    TRY(json_get_i64(validate, "validate", "version", &s.version));
    TRY(json_get_bool(validate, "validate", "passed", &s.passed));
    TRY(json_get_str(validate, "validate", "reason", &s.reason));
    TRY(deploy_run(c->h, c->a, &s, c->p, &r));
    jw_kbool(w, "promoted", r.promoted);
    jw_ki64(w, "version", r.version);
    jw_ki64(w, "previous_version", r.previous_version);
    jw_kstr(w, "endpoint_url", r.endpoint_url);
    jw_kstr(w, "reason", r.reason);
    jw_kstr(w, "curl", r.curl);
    jw_kf64(w, "test_prediction", r.test_prediction);
    *ret = r.reason; /* "promoted version 2: …", "not promoted: …" */
    return ERR_OK;
}

/* --- batch_predict */

static err do_batch(task_call *c, jw *w, str *ret)
{
    const bundle_batch *b = c->task->batch;
    batch_result r;
    batch_spec s = {.model_uri = b->model_uri,
                    .n_sources = c->b->n_sources,
                    .source = b->source,
                    .feature_table = b->features ? b->features->spec.table : STR(""),
                    .label = b->label,
                    .predictions_table = b->predictions_table,
                    .batch_id = STR(""),
                    .at_ms = c->at_ms};
    given(c, "source", &s.source);
    given(c, "batch_id", &s.batch_id);
    TRY(sources_of(c, &s.sources));
    s.features = s.source.n && b->features ? &b->features->spec : NULL;
    TRY(batch_run(c->h, c->a, &s, c->p, &r));
    jw_kstr(w, "batch_id", r.batch_id);
    jw_ki64(w, "rows", r.rows);
    jw_kbool(w, "already", r.already);
    jw_kstr(w, "model_name", r.model_name);
    jw_ki64(w, "model_version", r.model_version);
    jw_ki64(w, "table_version", r.table_version);
    jw_kf64(w, "mae", r.mae);
    jw_kf64(w, "rmse", r.rmse);
    jw_kf64(w, "mean_prediction", r.mean_prediction);
    *ret = r.already
               ? str_fmt(c->a, "batch %.*s was written before: nothing added", STR_ARG(r.batch_id))
               : str_fmt(c->a, "batch %.*s: %lld rows scored by version %lld, mae %.4f",
                         STR_ARG(r.batch_id), (long long)r.rows, (long long)r.model_version, r.mae);
    return ERR_OK;
}

/* --- monitor_drift */

static void write_alerts(jw *w, const monitor_result *r)
{
    jw_ki64(w, "alerts", (int64_t)r->n_alerts);
    jw_key(w, "alert_lines");
    jw_arr(w);
    for (size_t i = 0; i < r->n; i++) {
        const monitor_line *l = &r->v[i];
        if (!l->alert) continue;
        jw_obj(w);
        jw_kstr(w, "metric", l->metric);
        jw_kstr(w, "kind", l->kind);
        jw_kstr(w, "column", l->column);
        jw_kf64(w, "value", l->value);
        jw_kf64(w, "threshold", l->threshold);
        jw_obj_end(w);
    }
    jw_arr_end(w);
}

static err do_monitor(task_call *c, jw *w, str *ret)
{
    static const char *const verdicts[] = {[MONITOR_OK] = "ok",
                                           [MONITOR_ALERT] = "alert",
                                           [MONITOR_NOT_ENOUGH_DATA] = "not_enough_data"};
    monitor_spec s = c->task->monitor->spec;
    monitor_result r;
    str text;
    s.at_ms = c->at_ms;
    s.job_run = run_text(c);
    if (given(c, "window", &text)) TRY(parse_duration_ms(text, &s.window_ms));
    if (given(c, "min_rows", &text)) TRY(parse_i64(text, &s.min_rows));
    if (given(c, "drift_z", &text)) TRY(parse_f64(text, &s.z_max));
    if (given(c, "mae", &text)) TRY(parse_f64(text, &s.mae_max));
    TRY(monitor_run(c->h, c->a, &s, c->p, &r));
    jw_kcstr(w, "verdict", verdicts[r.verdict]);
    jw_kbool(w, "should_retrain", r.should_retrain);
    jw_ki64(w, "rows", r.rows);
    write_alerts(w, &r);
    jw_kstr(w, "reason", r.reason);
    *ret = r.reason;
    return ERR_OK;
}

/* --- the table */

static const struct task_kind_def {
    err (*run)(task_call *c, jw *values, str *ret_message);
} kinds[TASK_N] = {
    [TASK_TRAIN] = {do_train},           [TASK_VALIDATE] = {do_validate},
    [TASK_DEPLOY] = {do_deploy},         [TASK_BATCH_PREDICT] = {do_batch},
    [TASK_MONITOR_DRIFT] = {do_monitor},
};

err task_run(task_call *c, jw *values, str *ret_message)
{
    assert(c && c->task && c->task->kind < TASK_N && values && ret_message);
    return kinds[c->task->kind].run(c, values, ret_message);
}
