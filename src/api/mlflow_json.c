/* MLflow's JSON forms: snake_case, int64 as numbers, experiment ids and versions as strings. */
#include "api/mlflow_int.h"

void json_key_values(jw *w, const char *key, const key_value *v, size_t n)
{
    jw_key(w, key);
    jw_arr(w);
    for (size_t i = 0; i < n; i++) {
        jw_obj(w);
        jw_kstr(w, "key", v[i].key);
        jw_kstr(w, "value", v[i].value);
        jw_obj_end(w);
    }
    jw_arr_end(w);
}

void json_metric(jw *w, const metric *m)
{
    jw_obj(w);
    jw_kstr(w, "key", m->key);
    jw_kf64(w, "value", m->value);
    jw_ki64(w, "timestamp", m->timestamp_ms);
    jw_ki64(w, "step", m->step);
    jw_obj_end(w);
}

static void json_run_info(jw *w, const run *r)
{
    jw_obj(w);
    jw_kstr(w, "run_id", r->id);
    jw_kstr(w, "run_uuid", r->id);
    jw_kstr(w, "run_name", r->name);
    jw_kstr(w, "experiment_id", r->experiment_id);
    jw_kstr(w, "user_id", r->user_id);
    jw_kstr(w, "status", r->status);
    jw_ki64(w, "start_time", r->start_ms);
    if (r->end_ms) jw_ki64(w, "end_time", r->end_ms);
    jw_kstr(w, "artifact_uri", r->artifact_uri);
    jw_kstr(w, "lifecycle_stage", r->lifecycle_stage);
    jw_obj_end(w);
}

void json_run(jw *w, const run *r)
{
    jw_obj(w);
    jw_key(w, "info");
    json_run_info(w, r);
    jw_key(w, "data");
    jw_obj(w);
    jw_key(w, "metrics");
    jw_arr(w);
    for (size_t i = 0; i < r->n_metrics; i++)
        json_metric(w, &r->metrics[i]);
    jw_arr_end(w);
    json_key_values(w, "params", r->params, r->n_params);
    json_key_values(w, "tags", r->tags, r->n_tags);
    jw_obj_end(w);
    jw_key(w, "inputs");
    jw_obj(w);
    jw_obj_end(w);
    jw_obj_end(w);
}

void json_experiment(jw *w, const experiment *e)
{
    jw_obj(w);
    jw_kstr(w, "experiment_id", e->id);
    jw_kstr(w, "name", e->name);
    jw_kstr(w, "artifact_location", e->artifact_location);
    jw_kstr(w, "lifecycle_stage", e->lifecycle_stage);
    jw_ki64(w, "creation_time", e->created_ms);
    jw_ki64(w, "last_update_time", e->updated_ms);
    json_key_values(w, "tags", e->tags, e->n_tags);
    jw_obj_end(w);
}

static void json_number_text(jw *w, const char *key, int64_t v)
{
    char text[I64_PRINT_MAX];
    jw_kstr(w, key, (str){text, i64_print(v, text)});
}

void json_version(jw *w, const model_version *v)
{
    jw_obj(w);
    jw_kstr(w, "name", v->name);
    json_number_text(w, "version", v->version);
    jw_ki64(w, "creation_timestamp", v->created_ms);
    jw_ki64(w, "last_updated_timestamp", v->updated_ms);
    jw_kstr(w, "user_id", v->user_id);
    jw_kstr(w, "current_stage", v->stage);
    jw_kstr(w, "description", v->description);
    jw_kstr(w, "source", v->source);
    jw_kstr(w, "run_id", v->run_id);
    jw_kstr(w, "model_id", v->model_id);
    jw_kstr(w, "status", v->status);
    json_key_values(w, "tags", v->tags, v->n_tags);
    jw_key(w, "aliases");
    jw_arr(w);
    for (size_t i = 0; i < v->n_aliases; i++)
        jw_str(w, v->aliases[i]);
    jw_arr_end(w);
    jw_obj_end(w);
}

void json_model(jw *w, const registered_model *m, const model_version *latest)
{
    jw_obj(w);
    jw_kstr(w, "name", m->name);
    jw_ki64(w, "creation_timestamp", m->created_ms);
    jw_ki64(w, "last_updated_timestamp", m->updated_ms);
    jw_kstr(w, "description", m->description);
    json_key_values(w, "tags", m->tags, m->n_tags);
    jw_key(w, "aliases");
    jw_arr(w);
    for (size_t i = 0; i < m->n_aliases; i++) {
        jw_obj(w);
        jw_kstr(w, "alias", m->aliases[i].alias);
        json_number_text(w, "version", m->aliases[i].version);
        jw_obj_end(w);
    }
    jw_arr_end(w);
    jw_key(w, "latest_versions");
    jw_arr(w);
    if (latest) json_version(w, latest);
    jw_arr_end(w);
    jw_obj_end(w);
}
