#include "base/file.h"
#include "cli/cli_int.h"
#include "registry/registry.h"
#include "tracking/tracking.h"

/* experiments list, runs list|get, models list|get|versions|export */

enum { MLMODEL_MAX = 1 << 20 };

err cmd_experiments_list(cli *c)
{
    static const char *const keys[] = {"experiment_id", "name", "creation_time",
                                       "last_update_time"};
    AUTO(home) h = NULL;
    experiment *v;
    size_t n;
    TRY(cli_home(c, HOME_ANY, true, &h));
    TRY(tracking_experiments(home_db(h), c->a, (size_t)cli_int(c, "max", 100), &v, &n));
    listing *l = listing_new(c->a, "experiments", keys, countof(keys));
    for (size_t i = 0; i < n; i++)
        listing_add(l, (cell[]){cell_text(v[i].id), cell_text(v[i].name),
                                cell_time(v[i].created_ms), cell_time(v[i].updated_ms)});
    listing_print(l, cli_json(c));
    return ERR_OK;
}

/* --- runs */

static str metrics_text(arena *a, const run *r)
{
    buf b;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < r->n_metrics; i++)
        buf_fmt(&b, "%s%.*s=%.4g", i ? " " : "", STR_ARG(r->metrics[i].key), r->metrics[i].value);
    str s = str_dup(a, buf_str(&b));
    buf_done(&b);
    return s;
}

static void write_pairs(jw *w, const char *key, const key_value *v, size_t n)
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

static void write_info(jw *w, const run *r)
{
    jw_key(w, "info");
    jw_obj(w);
    jw_kstr(w, "run_id", r->id);
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

/* A run in MLflow's form. */
static void write_run(jw *w, const run *r)
{
    jw_obj(w);
    write_info(w, r);
    jw_key(w, "data");
    jw_obj(w);
    jw_key(w, "metrics");
    jw_arr(w);
    for (size_t i = 0; i < r->n_metrics; i++) {
        jw_obj(w);
        jw_kstr(w, "key", r->metrics[i].key);
        jw_kf64(w, "value", r->metrics[i].value);
        jw_ki64(w, "timestamp", r->metrics[i].timestamp_ms);
        jw_ki64(w, "step", r->metrics[i].step);
        jw_obj_end(w);
    }
    jw_arr_end(w);
    write_pairs(w, "params", r->params, r->n_params);
    write_pairs(w, "tags", r->tags, r->n_tags);
    jw_obj_end(w);
    jw_obj_end(w);
}

/* {"runs": [...]}, or one run alone. */
static void print_runs_json(const run *v, size_t n, bool list)
{
    buf b;
    jw w;
    buf_init(&b, 256 << 20);
    jw_init(&w, &b, false);
    if (list) {
        jw_obj(&w);
        jw_key(&w, "runs");
        jw_arr(&w);
    }
    for (size_t i = 0; i < n; i++)
        write_run(&w, &v[i]);
    if (list) {
        jw_arr_end(&w);
        jw_obj_end(&w);
    }
    print_json(&b);
    buf_done(&b);
}

static err experiment_of(const cli *c, db *d, str *ret)
{
    experiment e;
    str name = str_of(cli_text(c, "experiment", ""));
    if (!name.n) return ERR_OK;
    int64_t id;
    TRY(parse_i64(name, &id) ? tracking_experiment_by_name(d, c->a, name, &e)
                             : tracking_experiment_get(d, c->a, name, &e));
    *ret = e.id;
    return ERR_OK;
}

static err find_runs(const cli *c, db *d, run **ret, size_t *ret_n)
{
    str experiment_id = STR("");
    experiment *all;
    size_t n = 1;
    TRY(experiment_of(c, d, &experiment_id));
    run_query q = {.experiment_ids = &experiment_id,
                   .n_experiment_ids = 1,
                   .parent_run_id = str_of(cli_text(c, "parent", "")),
                   .roots_only = !cli_option(c, "parent")->given,
                   .max = (size_t)cli_int(c, "max", 100)};
    if (!experiment_id.n) {
        TRY(tracking_experiments(d, c->a, CLI_ROWS_MAX, &all, &n));
        str *ids = arena_array(c->a, str, n + 1);
        for (size_t i = 0; i < n; i++)
            ids[i] = all[i].id;
        q.experiment_ids = ids;
        q.n_experiment_ids = n;
    }
    return tracking_runs(d, c->a, &q, ret, ret_n);
}

err cmd_runs_list(cli *c)
{
    static const char *const keys[] = {"run_id",     "name",     "experiment_id", "status",
                                       "start_time", "end_time", "metrics"};
    AUTO(home) h = NULL;
    run *v;
    size_t n;
    TRY(cli_home(c, HOME_ANY, true, &h));
    TRY(find_runs(c, home_db(h), &v, &n));
    if (cli_json(c)) {
        print_runs_json(v, n, true);
        return ERR_OK;
    }
    listing *l = listing_new(c->a, "runs", keys, countof(keys));
    for (size_t i = 0; i < n; i++)
        listing_add(l, (cell[]){cell_text(v[i].id), cell_text(v[i].name),
                                cell_text(v[i].experiment_id), cell_text(v[i].status),
                                cell_time(v[i].start_ms), cell_time(v[i].end_ms),
                                cell_text(metrics_text(c->a, &v[i]))});
    listing_print(l, false);
    return ERR_OK;
}

static void print_pairs(const char *title, const key_value *v, size_t n)
{
    if (n) printf("\n%s\n", title);
    for (size_t i = 0; i < n; i++)
        printf("  %-28.*s %.*s\n", STR_ARG(v[i].key),
               (int)(v[i].value.n > 200 ? 200 : v[i].value.n), v[i].value.p);
}

static err print_artifacts(const cli *c, db *d, str root, str dir)
{
    artifact *v;
    size_t n;
    TRY(artifact_list(d, c->a, root, dir, &v, &n));
    for (size_t i = 0; i < n; i++) {
        if (v[i].is_dir)
            TRY(print_artifacts(c, d, root, v[i].path));
        else
            printf("  %-28.*s %lld bytes\n", STR_ARG(v[i].path), (long long)v[i].size);
    }
    return ERR_OK;
}

err cmd_runs_get(cli *c)
{
    AUTO(home) h = NULL;
    run r;
    TRY(cli_home(c, HOME_ANY, true, &h));
    TRY(tracking_run_get(home_db(h), c->a, str_of(c->args[0]), &r));
    if (cli_json(c)) {
        print_runs_json(&r, 1, false);
        return ERR_OK;
    }
    printf("%.*s (%.*s): %.*s, %s to %s\n", STR_ARG(r.id), STR_ARG(r.name), STR_ARG(r.status),
           time_short(c->a, r.start_ms), time_short(c->a, r.end_ms));
    if (r.n_metrics) printf("\nmetrics\n");
    for (size_t i = 0; i < r.n_metrics; i++)
        printf("  %-28.*s %.6g\n", STR_ARG(r.metrics[i].key), r.metrics[i].value);
    print_pairs("params", r.params, r.n_params);
    print_pairs("tags", r.tags, r.n_tags);
    printf("\nartifacts\n");
    return print_artifacts(c, home_db(h), str_fmt(c->a, "runs/%.*s", STR_ARG(r.id)), STR(""));
}

/* --- models */

static str aliases_text(arena *a, const registered_model *m)
{
    buf b;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < m->n_aliases; i++)
        buf_fmt(&b, "%s%.*s=%lld", i ? " " : "", STR_ARG(m->aliases[i].alias),
                (long long)m->aliases[i].version);
    str s = str_dup(a, buf_str(&b));
    buf_done(&b);
    return s;
}

static const char *const model_keys[] = {"name", "latest_version", "aliases", "creation_time",
                                         "last_update_time"};

static void add_model(const cli *c, listing *l, const registered_model *m)
{
    listing_add(l, (cell[]){cell_text(m->name), cell_int(m->latest_version),
                            cell_text(aliases_text(c->a, m)), cell_time(m->created_ms),
                            cell_time(m->updated_ms)});
}

err cmd_models_list(cli *c)
{
    AUTO(home) h = NULL;
    registered_model *v;
    size_t n;
    TRY(cli_home(c, HOME_ANY, true, &h));
    TRY(registry_models(home_db(h), c->a, (size_t)cli_int(c, "max", 100), 0, &v, &n));
    listing *l = listing_new(c->a, "models", model_keys, countof(model_keys));
    for (size_t i = 0; i < n; i++)
        add_model(c, l, &v[i]);
    listing_print(l, cli_json(c));
    return ERR_OK;
}

err cmd_models_get(cli *c)
{
    AUTO(home) h = NULL;
    registered_model m;
    TRY(cli_home(c, HOME_ANY, true, &h));
    TRY(registry_model_get(home_db(h), c->a, str_of(c->args[0]), &m));
    listing *l = listing_new(c->a, "models", model_keys, countof(model_keys));
    add_model(c, l, &m);
    listing_print(l, cli_json(c));
    return ERR_OK;
}

/* ["champion", "challenger"], and the same for people. */
static cell aliases_cell(arena *a, const model_version *v)
{
    buf text, json;
    jw w;
    buf_init(&text, 1 << 20);
    buf_init(&json, 1 << 20);
    jw_init(&w, &json, false);
    jw_arr(&w);
    for (size_t i = 0; i < v->n_aliases; i++) {
        buf_fmt(&text, "%s%.*s", i ? " " : "", STR_ARG(v->aliases[i]));
        jw_str(&w, v->aliases[i]);
    }
    jw_arr_end(&w);
    cell both = {
        .type = CELL_JSON, .s = str_dup(a, buf_str(&json)), .shown = str_dup(a, buf_str(&text))};
    buf_done(&text);
    buf_done(&json);
    return both;
}

err cmd_models_versions(cli *c)
{
    static const char *const keys[] = {"name",   "version",       "aliases", "stage",
                                       "status", "creation_time", "run_id",  "source"};
    AUTO(home) h = NULL;
    registered_model m;
    model_version *v;
    size_t n;
    str name = str_of(c->n_args ? c->args[0] : "");
    TRY(cli_home(c, HOME_ANY, true, &h));
    if (name.n) TRY(registry_model_get(home_db(h), c->a, name, &m));
    TRY(registry_versions(home_db(h), c->a, name, (size_t)cli_int(c, "max", 100), 0, &v, &n));
    listing *l = listing_new(c->a, "model_versions", keys, countof(keys));
    for (size_t i = 0; i < n; i++)
        listing_add(l, (cell[]){cell_text(v[i].name), cell_int(v[i].version),
                                aliases_cell(c->a, &v[i]), cell_text(v[i].stage),
                                cell_text(v[i].status), cell_time(v[i].created_ms),
                                cell_text(v[i].run_id), cell_text(v[i].source)});
    listing_print(l, cli_json(c));
    return ERR_OK;
}

/* A version's own file: NAME/3, NAME@champion or m-<id>, each also with models:/ in front. */
err cmd_models_export(cli *c)
{
    AUTO(home) h = NULL;
    model_version v;
    package p;
    str mlmodel, bytes;
    const char *uri = str_starts(str_of(c->args[0]), "models:/")
                          ? c->args[0]
                          : cstr_fmt(c->a, "models:/%s", c->args[0]);
    TRY(cli_home(c, HOME_ANY, true, &h));
    TRY(registry_resolve(home_db(h), c->a, str_of(uri), &v));
    str root = str_fmt(c->a, "models/%.*s", STR_ARG(v.model_id));
    TRY(artifact_get(home_db(h), home_blobs(h), c->a, root, STR("MLmodel"), MLMODEL_MAX, &mlmodel));
    TRY(package_parse(c->a, mlmodel, &p));
    TRY(artifact_get(home_db(h), home_blobs(h), c->a, root, p.data_path, MODEL_BYTES_MAX, &bytes));
    TRY(file_write_atomic(c->args[1], bytes));
    fprintf(stderr, "%s: %zu bytes, format %.*s\n", c->args[1], bytes.n, STR_ARG(p.flavor));
    return ERR_OK;
}
