/* Experiments, runs and metrics as MLflow's clients read them. */
#include "api/api_int.h"
#include "api/mlflow_int.h"

enum {
    EXPERIMENTS_MAX = 50000,
    RUNS_MAX = 50000,
    HISTORY_MAX = 25000, /* points a page, as MLflow's client asks for them */
    IDS_MAX = 100,       /* experiments in one search */
};

static db *database(const call *c)
{
    return home_db(c->api->o.home);
}

/* refuse_search: searching by condition and in another order comes with the whole of MLflow's
 * protocol. Nothing is ignored in silence. *ret: the answer was given. */
static err refuse_search(call *c, bool *ret)
{
    static const char *const keys[] = {"filter", "view_type", "run_view_type", NULL};
    yyjson_val *body = NULL, *order = NULL;
    str v;
    for (size_t i = 0; keys[i]; i++) {
        v = STR("");
        TRY(call_str(c, keys[i], &v));
        if (!v.n || str_is(v, "ACTIVE_ONLY") || str_is(v, "1")) continue;
        *ret = true;
        return call_refuse(c, 501, NULL, "%s=%.*s: not supported yet, leave it out", keys[i],
                           (int)(v.n < 200 ? v.n : 200), v.p);
    }
    if (str_is(c->r->method, "POST")) {
        TRY(call_body(c, &body));
        order = yyjson_obj_get(body, "order_by");
        *ret = yyjson_arr_size(order) > 0 || yyjson_get_len(order) > 0;
    } else {
        v = STR("");
        TRY(call_str(c, "order_by", &v));
        *ret = v.n > 0;
    }
    return *ret ? call_refuse(c, 501, NULL, "order_by: not supported yet, leave it out") : ERR_OK;
}

err handle_experiments_search(call *c)
{
    page_of p;
    experiment *v;
    size_t n;
    bool refused = false;
    TRY(refuse_search(c, &refused));
    if (refused) return ERR_OK;
    TRY(call_page(c, 1000, EXPERIMENTS_MAX, &p));
    TRY(tracking_experiments(database(c), c->a, p.offset + p.max + 1, &v, &n));
    jw *w = call_json(c);
    jw_obj(w);
    jw_key(w, "experiments");
    jw_arr(w);
    for (size_t i = p.offset; i < n && i < p.offset + p.max; i++)
        json_experiment(w, &v[i]);
    jw_arr_end(w);
    call_next_page(c, w, &p, n > p.offset + p.max);
    jw_obj_end(w);
    return ERR_OK;
}

static void answer_experiment(call *c, const experiment *e)
{
    jw *w = call_json(c);
    jw_obj(w);
    jw_key(w, "experiment");
    json_experiment(w, e);
    jw_obj_end(w);
}

err handle_experiment_get(call *c)
{
    str id;
    experiment e;
    TRY(call_need(c, "experiment_id", &id));
    TRY(tracking_experiment_get(database(c), c->a, id, &e));
    answer_experiment(c, &e);
    return ERR_OK;
}

err handle_experiment_by_name(call *c)
{
    str name;
    experiment e;
    TRY(call_need(c, "experiment_name", &name));
    TRY(tracking_experiment_by_name(database(c), c->a, name, &e));
    answer_experiment(c, &e);
    return ERR_OK;
}

/* run_id has an older name. */
static err need_run_id(call *c, str *ret)
{
    str old = STR("");
    TRY(call_str(c, "run_uuid", &old));
    if (!old.n) return call_need(c, "run_id", ret);
    *ret = old;
    return ERR_OK;
}

err handle_run_get(call *c)
{
    str id;
    run r;
    TRY(need_run_id(c, &id));
    TRY(tracking_run_get(database(c), c->a, id, &r));
    jw *w = call_json(c);
    jw_obj(w);
    jw_key(w, "run");
    json_run(w, &r);
    jw_obj_end(w);
    return ERR_OK;
}

static err read_ids(call *c, str **ret, size_t *ret_n)
{
    yyjson_val *body, *list, *v;
    size_t i, max;
    TRY(call_body(c, &body));
    *ret = NULL;
    *ret_n = 0;
    if (!yyjson_obj_get(body, "experiment_ids")) return ERR_OK;
    TRY(json_get_arr(body, "", "experiment_ids", &list));
    size_t n = yyjson_arr_size(list);
    if (n > IDS_MAX)
        return err_set(ERR_INVALID, "experiment_ids: %zu of them, want at most %d", n, IDS_MAX);
    str *ids = arena_array(c->a, str, n ? n : 1);
    yyjson_arr_foreach(list, i, max, v)
    {
        if (yyjson_is_uint(v))
            ids[i] = str_fmt(c->a, "%llu", (unsigned long long)yyjson_get_uint(v));
        else if (yyjson_is_str(v))
            ids[i] = json_str(v);
        else
            return err_set(ERR_INVALID, "experiment_ids[%zu]: want an id, a string", i);
    }
    *ret = ids;
    *ret_n = n;
    return ERR_OK;
}

err handle_runs_search(call *c)
{
    page_of p;
    str *ids;
    run *v = NULL;
    size_t n_ids, n = 0;
    bool refused = false;
    TRY(refuse_search(c, &refused));
    if (refused) return ERR_OK;
    TRY(call_page(c, 1000, RUNS_MAX, &p));
    TRY(read_ids(c, &ids, &n_ids));
    run_query q = {.experiment_ids = ids,
                   .n_experiment_ids = n_ids,
                   .parent_run_id = STR(""),
                   .tag_key = STR(""),
                   .tag_value = STR(""),
                   .max = p.max + 1,
                   .offset = p.offset};
    if (n_ids) TRY(tracking_runs(database(c), c->a, &q, &v, &n)); /* of no experiment: no run */
    jw *w = call_json(c);
    jw_obj(w);
    if (n) {
        jw_key(w, "runs");
        jw_arr(w);
        for (size_t i = 0; i < n && i < p.max; i++)
            json_run(w, &v[i]);
        jw_arr_end(w);
    }
    call_next_page(c, w, &p, n > p.max);
    jw_obj_end(w);
    return ERR_OK;
}

err handle_metric_history(call *c)
{
    str id, key;
    page_of p;
    metric *v;
    size_t n;
    TRY(need_run_id(c, &id));
    TRY(call_need(c, "metric_key", &key));
    TRY(call_page(c, HISTORY_MAX, HISTORY_MAX, &p));
    TRY(tracking_metric_history(database(c), c->a, id, key, &v, &n));
    jw *w = call_json(c);
    jw_obj(w);
    jw_key(w, "metrics");
    jw_arr(w);
    for (size_t i = p.offset; i < n && i < p.offset + p.max; i++)
        json_metric(w, &v[i]);
    jw_arr_end(w);
    call_next_page(c, w, &p, n > p.offset + p.max);
    jw_obj_end(w);
    return ERR_OK;
}

/* MLflow's routes that write, and whole parts of its protocol: known, and to come. */
err handle_not_yet(call *c)
{
    return call_refuse(c, 501, NULL, "%.*s %.*s is not supported yet by this version of Tidemill",
                       STR_ARG(c->r->method), (int)(c->r->path.n < 200 ? c->r->path.n : 200),
                       c->r->path.p);
}
