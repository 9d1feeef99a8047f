/* GET /api/tidemill/overview: the page's first screen in one answer. */
#include <math.h>

#include "api/own_int.h"
#include "registry/registry.h"

enum { COUNT_MAX = 1 << 24, MODELS_SHOWN = 100, JOB_RUNS_SHOWN = 5, EXPERIMENTS_MAX = 50000 };

/* What is shown. */
typedef struct overview {
    size_t experiments, runs, models, versions, n_endpoints, jobs;
    endpoint_state *endpoints;
    served_stats *stats;
    size_t n_stats;
} overview;

static db *database(const call *c)
{
    return home_db(c->api->o.home);
}

/* count_by finds how long a list is by asking for its k-th item: twice as far until there is none,
 * then by halves. */
static err count_by(call *c, err (*has)(call *c, size_t k, bool *ret), size_t *ret)
{
    size_t low = 0, high = 1; /* item k < low is there; item high - 1, once there is none, is not */
    for (bool there = true; there && low < COUNT_MAX;) {
        TRY(has(c, high - 1, &there));
        if (!there) break;
        low = high;
        high *= 2;
    }
    while (low < COUNT_MAX && low + 1 < high) {
        size_t mid = low + (high - low) / 2;
        bool there;
        TRY(has(c, mid - 1, &there));
        if (there)
            low = mid;
        else
            high = mid;
    }
    *ret = low;
    return ERR_OK;
}

static err has_run(call *c, size_t k, bool *ret)
{
    run_query q = {
        .parent_run_id = STR(""), .tag_key = STR(""), .tag_value = STR(""), .max = 1, .offset = k};
    run *v;
    size_t n;
    TRY(tracking_runs(database(c), c->a, &q, &v, &n));
    *ret = n > 0;
    return ERR_OK;
}

static err has_model(call *c, size_t k, bool *ret)
{
    registered_model *v;
    size_t n;
    TRY(registry_models(database(c), c->a, 1, k, &v, &n));
    *ret = n > 0;
    return ERR_OK;
}

static err has_version(call *c, size_t k, bool *ret)
{
    model_version *v;
    size_t n;
    TRY(registry_versions(database(c), c->a, STR(""), 1, k, &v, &n));
    *ret = n > 0;
    return ERR_OK;
}

static err gather(call *c, overview *o)
{
    experiment *experiments;
    job_record *all;
    TRY(tracking_experiments(database(c), c->a, EXPERIMENTS_MAX, &experiments, &o->experiments));
    TRY(count_by(c, has_run, &o->runs));
    TRY(count_by(c, has_model, &o->models));
    TRY(count_by(c, has_version, &o->versions));
    TRY(jobs_list(database(c), c->a, &all, &o->jobs));
    TRY(serving_list(c->api->o.serving, c->a, &o->endpoints, &o->n_endpoints));
    return serving_stats(c->api->o.serving, c->a, &o->stats, &o->n_stats);
}

static void write_counts(jw *w, const overview *o)
{
    jw_key(w, "counts");
    jw_obj(w);
    jw_ki64(w, "experiments", (int64_t)o->experiments);
    jw_ki64(w, "runs", (int64_t)o->runs);
    jw_ki64(w, "models", (int64_t)o->models);
    jw_ki64(w, "versions", (int64_t)o->versions);
    jw_ki64(w, "endpoints", (int64_t)o->n_endpoints);
    jw_ki64(w, "jobs", (int64_t)o->jobs);
    jw_obj_end(w);
}

static void write_endpoints(call *c, jw *w, const overview *o)
{
    jw_key(w, "endpoints");
    jw_arr(w);
    for (size_t i = 0; i < o->n_endpoints; i++) {
        const endpoint_state *e = &o->endpoints[i];
        uint64_t requests = 0;
        for (size_t k = 0; k < o->n_stats; k++)
            if (str_eq(o->stats[k].endpoint, e->spec.name)) requests += o->stats[k].requests;
        jw_obj(w);
        jw_kstr(w, "name", e->spec.name);
        jw_kbool(w, "ready", e->ready);
        jw_kstr(w, "version", str_fmt(c->a, "%lld", (long long)e->spec.entities[0].entity_version));
        jw_ki64(w, "requests", (int64_t)requests);
        jw_obj_end(w);
    }
    jw_arr_end(w);
}

static double mae_of(call *c, str run_id)
{
    run r;
    if (!run_id.n || tracking_run_get(database(c), c->a, run_id, &r)) return (double)NAN;
    for (size_t i = 0; i < r.n_metrics; i++)
        if (str_is(r.metrics[i].key, "mae")) return r.metrics[i].value;
    return (double)NAN;
}

static err write_champions(call *c, jw *w)
{
    registered_model *models;
    size_t n;
    TRY(registry_models(database(c), c->a, MODELS_SHOWN, 0, &models, &n));
    jw_key(w, "champion");
    jw_arr(w);
    for (size_t i = 0; i < n; i++) {
        model_version v;
        err e = registry_alias_get(database(c), c->a, models[i].name, STR("champion"), &v);
        if (e == ERR_MISSING) continue;
        TRY(e);
        jw_obj(w);
        jw_kstr(w, "model", v.name);
        jw_kstr(w, "version", str_fmt(c->a, "%lld", (long long)v.version));
        jw_kf64(w, "mae", mae_of(c, v.run_id));
        jw_obj_end(w);
    }
    jw_arr_end(w);
    return ERR_OK;
}

static err write_latest(call *c, jw *w)
{
    monitor_record *monitors;
    run_record *runs;
    size_t n;
    TRY(monitor_records(database(c), c->a, STR(""), 1, &monitors, &n));
    jw_key(w, "latest_monitor");
    if (n)
        json_monitor(w, &monitors[0]);
    else
        jw_null(w);
    TRY(jobs_runs(database(c), c->a, STR(""), JOB_RUNS_SHOWN, &runs, &n));
    jw_key(w, "latest_job_runs");
    jw_arr(w);
    for (size_t i = 0; i < n; i++)
        job_run_json(w, &runs[i]);
    jw_arr_end(w);
    return ERR_OK;
}

err handle_overview(call *c)
{
    overview o = {0};
    TRY(gather(c, &o));
    jw *w = call_json(c);
    jw_obj(w);
    jw_kcstr(w, "version", c->api->o.version);
    jw_kcstr(w, "home", home_dir(c->api->o.home));
    write_counts(w, &o);
    write_endpoints(c, w, &o);
    TRY(write_champions(c, w));
    TRY(write_latest(c, w));
    jw_obj_end(w);
    return ERR_OK;
}
