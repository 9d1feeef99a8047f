/* /api/tidemill/: for our own page and command. */
#include "api/own_int.h"

#include "api/mlflow_int.h"
#include "base/mem.h"

enum { OWN_MAX = 1000, OWN_PRESET = 100 };

static db *database(const call *c)
{
    return home_db(c->api->o.home);
}

static err call_max(call *c, size_t *ret)
{
    int64_t max = OWN_PRESET;
    TRY(call_i64(c, "max", &max));
    if (max < 1 || max > OWN_MAX)
        return err_set(ERR_INVALID, "max: %lld, want 1 to %d", (long long)max, OWN_MAX);
    *ret = (size_t)max;
    return ERR_OK;
}

err handle_own_runs(call *c)
{
    str of = STR(""), parent = STR("");
    run_query q = {.tag_key = STR(""), .tag_value = STR("")};
    run *v;
    size_t n;
    TRY(call_str(c, "experiment_id", &of));
    TRY(call_str(c, "parent_run_id", &parent));
    TRY(call_max(c, &q.max));
    q.experiment_ids = &of;
    q.n_experiment_ids = of.n ? 1 : 0;
    q.parent_run_id = parent;
    q.roots_only = !parent.n;
    TRY(tracking_runs(database(c), c->a, &q, &v, &n));
    jw *w = call_json(c);
    jw_obj(w);
    jw_key(w, "runs");
    jw_arr(w);
    for (size_t i = 0; i < n; i++)
        json_run(w, &v[i]);
    jw_arr_end(w);
    jw_obj_end(w);
    return ERR_OK;
}

/* ---- monitors */

static void json_monitor_line(jw *w, const monitor_line *l)
{
    jw_obj(w);
    jw_kstr(w, "metric", l->metric);
    jw_kstr(w, "kind", l->kind);
    jw_kstr(w, "column", l->column);
    jw_kf64(w, "value", l->value);
    jw_kf64(w, "window_mean", l->window_mean);
    jw_kf64(w, "baseline_mean", l->baseline_mean);
    jw_kf64(w, "baseline_std", l->baseline_std);
    jw_kf64(w, "threshold", l->threshold);
    jw_kbool(w, "alert", l->alert);
    jw_obj_end(w);
}

void json_monitor(jw *w, const monitor_record *m)
{
    jw_obj(w);
    jw_kstr(w, "name", m->name);
    jw_kstr(w, "registered_model", m->registered_model);
    jw_ki64(w, "at_ms", m->at_ms);
    jw_kcstr(w, "verdict", monitor_verdict_name(m->r.verdict));
    jw_kbool(w, "should_retrain", m->r.should_retrain);
    jw_ki64(w, "rows", m->r.rows);
    jw_ki64(w, "window_start_ms", m->r.window_start_ms);
    jw_ki64(w, "window_end_ms", m->r.window_end_ms);
    jw_kstr(w, "reason", m->r.reason);
    jw_key(w, "lines");
    jw_arr(w);
    for (size_t i = 0; i < m->r.n; i++)
        json_monitor_line(w, &m->r.v[i]);
    jw_arr_end(w);
    jw_obj_end(w);
}

err handle_own_monitors(call *c)
{
    str name = STR("");
    size_t max, n;
    monitor_record *v;
    TRY(call_str(c, "name", &name));
    TRY(call_max(c, &max));
    TRY(monitor_records(database(c), c->a, name, max, &v, &n));
    jw *w = call_json(c);
    jw_obj(w);
    jw_key(w, "monitors");
    jw_arr(w);
    for (size_t i = 0; i < n; i++)
        json_monitor(w, &v[i]);
    jw_arr_end(w);
    jw_obj_end(w);
    return ERR_OK;
}

/* ---- jobs */

static void json_job(jw *w, const job_record *j)
{
    jw_obj(w);
    jw_kstr(w, "bundle", j->bundle);
    jw_kstr(w, "target", j->target);
    jw_kstr(w, "name", j->name);
    jw_kstr(w, "cron", j->cron);
    jw_kstr(w, "timezone", j->timezone);
    jw_kbool(w, "paused", j->paused);
    jw_ki64(w, "next_fire_ms", j->next_fire_ms);
    jw_kstr(w, "last_state", j->last_state);
    jw_ki64(w, "last_run", j->last_run);
    jw_obj_end(w);
}

err handle_own_jobs(call *c)
{
    job_record *v;
    size_t n;
    TRY(jobs_list(database(c), c->a, &v, &n));
    jw *w = call_json(c);
    jw_obj(w);
    jw_key(w, "jobs");
    jw_arr(w);
    for (size_t i = 0; i < n; i++)
        json_job(w, &v[i]);
    jw_arr_end(w);
    jw_obj_end(w);
    return ERR_OK;
}

err handle_own_job_runs(call *c)
{
    str job = STR("");
    size_t max, n;
    run_record *v;
    TRY(call_str(c, "job", &job));
    TRY(call_max(c, &max));
    TRY(jobs_runs(database(c), c->a, job, max, &v, &n));
    jw *w = call_json(c);
    jw_obj(w);
    jw_key(w, "job_runs");
    jw_arr(w);
    for (size_t i = 0; i < n; i++)
        job_run_json(w, &v[i]);
    jw_arr_end(w);
    jw_obj_end(w);
    return ERR_OK;
}
