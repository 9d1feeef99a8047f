#include <assert.h>
#include <stdlib.h>

#include "base/map.h"
#include "tracking/runs.h"
#include "tracking/tracking_int.h"

enum {
    INPUTS_MAX = 1000,
    DATASET_SOURCE_MAX = 65535,
    DATASET_SCHEMA_MAX = 1048575,
    DATASET_PROFILE_MAX = 16777215,
    INPUT_TAGS_MAX = 1000,
    INPUT_TAG_KEY_MAX = 255,
    INPUT_TAG_VALUE_MAX = 500,
    SUMMARY_EXPERIMENTS_MAX = 20,
    SUMMARIES_MAX = 1000,
};

/* --- checks */
static err check_dataset(const dataset *o)
{
    const struct {
        const char *name;
        str value;
        size_t max;
    } fields[] = {
        {"name", o->name, TRACKING_NAME_MAX},
        {"digest", o->digest, DATASET_DIGEST_MAX},
        {"source_type", o->source_type, TRACKING_NAME_MAX},
        {"source", o->source, DATASET_SOURCE_MAX},
        {"schema", o->schema, DATASET_SCHEMA_MAX},
        {"profile", o->profile, DATASET_PROFILE_MAX},
    };
    for (size_t i = 0; i < countof(fields); i++) {
        TRY(check_plain(fields[i].name, fields[i].value));
        TRY(check_length(fields[i].name, fields[i].value, fields[i].max));
    }
    return ERR_OK;
}

static err check_inputs(const dataset_input *v, size_t n)
{
    if (n > INPUTS_MAX)
        return err_set(ERR_INVALID, "datasets: %zu, at most %d in one call", n, INPUTS_MAX);
    for (size_t i = 0; i < n; i++) {
        TRY(check_dataset(&v[i].dataset));
        if (v[i].n_tags > INPUT_TAGS_MAX)
            return err_set(ERR_INVALID, "datasets[%zu].tags: %zu, at most %d", i, v[i].n_tags,
                           INPUT_TAGS_MAX);
        for (size_t k = 0; k < v[i].n_tags; k++) {
            TRY(check_plain("key", v[i].tags[k].key));
            TRY(check_plain("value", v[i].tags[k].value));
            TRY(check_length("key", v[i].tags[k].key, INPUT_TAG_KEY_MAX));
            TRY(check_length("value", v[i].tags[k].value, INPUT_TAG_VALUE_MAX));
        }
    }
    return ERR_OK;
}

static err check_models(const model_link *v, size_t n)
{
    if (n > INPUTS_MAX)
        return err_set(ERR_INVALID, "models: %zu, at most %d in one call", n, INPUTS_MAX);
    for (size_t i = 0; i < n; i++) {
        TRY(check_plain("model_id", v[i].model_id));
        TRY(check_length("model_id", v[i].model_id, TRACKING_KEY_MAX));
    }
    return ERR_OK;
}

/* --- writing */
typedef struct inputs_call {
    arena *a;
    str run_id;
    const dataset_input *v;
    size_t n;
    const model_link *models;
    size_t n_models;
    bool is_output;
} inputs_call;

static err dataset_put(db_tx *tx, arena *a, int64_t experiment_of, const dataset *o, int64_t *ret)
{
    TRY(tx_exec(tx,
                "INSERT INTO dataset (experiment, name, digest, source_type, source, schema_json,"
                " profile) VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (experiment, name, digest) DO NOTHING",
                DB_ARGS(db_int(experiment_of), db_text(o->name), db_text(o->digest),
                        db_text(o->source_type), db_text(o->source), db_text(o->schema),
                        db_text(o->profile)),
                NULL));
    db_rows r = {0};
    TRY(tx_rows(tx, a, "SELECT id FROM dataset WHERE experiment = ? AND name = ? AND digest = ?",
                DB_ARGS(db_int(experiment_of), db_text(o->name), db_text(o->digest)), &r));
    assert(r.n == 1);
    *ret = db_cell_i(&r, 0, 0);
    return ERR_OK;
}

static err input_put(db_tx *tx, arena *a, int64_t run_row, int64_t experiment_of,
                     const dataset_input *o)
{
    int64_t row = 0, fresh = 0;
    TRY(dataset_put(tx, a, experiment_of, &o->dataset, &row));
    TRY(tx_exec(tx,
                "INSERT INTO run_dataset (run, dataset) VALUES (?, ?)"
                " ON CONFLICT (run, dataset) DO NOTHING",
                DB_ARGS(db_int(run_row), db_int(row)), &fresh));
    if (!fresh || !o->n_tags) return ERR_OK;
    db_val *vals = arena_array(a, db_val, o->n_tags * 4), *to = vals;
    for (size_t i = 0; i < o->n_tags; i++) {
        bool again = false; /* a statement may name a row only once */
        for (size_t k = i + 1; k < o->n_tags && !again; k++)
            again = str_eq(o->tags[i].key, o->tags[k].key);
        if (again) continue;
        *to++ = db_int(run_row);
        *to++ = db_int(row);
        *to++ = db_text(o->tags[i].key);
        *to++ = db_text(o->tags[i].value);
    }
    return rows_insert(tx, "INSERT INTO run_dataset_tag (run, dataset, key, value) VALUES", 4, vals,
                       (size_t)(to - vals) / 4, "", NULL);
}

static err models_put(db_tx *tx, const inputs_call *c, int64_t run_row)
{
    map *last = map_new(c->a); /* of a model named twice the last step holds */
    for (size_t i = 0; i < c->n_models; i++)
        map_put(last, c->models[i].model_id, arena_alloc(c->a, 1, sizeof(int64_t)));
    for (size_t i = 0; i < c->n_models; i++)
        *(int64_t *)map_find(last, c->models[i].model_id) = c->models[i].step;
    size_t n = map_count(last);
    db_val *vals = arena_array(c->a, db_val, n ? n * 4 : 1), *to = vals;
    for (size_t i = 0; i < n; i++) {
        *to++ = db_int(run_row);
        *to++ = db_int(c->is_output);
        *to++ = db_text(map_at(last, i)->key);
        *to++ = db_int(*(const int64_t *)map_at(last, i)->value);
    }
    return rows_insert(tx, "INSERT INTO run_model (run, is_output, model, step) VALUES", 4, vals, n,
                       "ON CONFLICT (run, is_output, model) DO UPDATE SET step = excluded.step",
                       NULL);
}

static err inputs_tx(db_tx *tx, void *arg)
{
    const inputs_call *c = arg;
    int64_t row = 0, experiment_of = 0;
    TRY(run_need_active(tx, c->a, c->run_id, &row, &experiment_of));
    for (size_t i = 0; i < c->n; i++)
        TRY(input_put(tx, c->a, row, experiment_of, &c->v[i]));
    return models_put(tx, c, row);
}

err tracking_log_inputs(db *d, str run_id, const dataset_input *v, size_t n, const str *model_ids,
                        size_t n_models)
{
    assert(d && (v || !n) && (model_ids || !n_models));
    TRY(check_inputs(v, n));
    AUTO(arena) a = arena_new(0);
    model_link *links = arena_array(a, model_link, n_models ? n_models : 1);
    for (size_t i = 0; i < n_models; i++)
        links[i].model_id = model_ids[i];
    TRY(check_models(links, n_models));
    inputs_call c = {a, run_id, v, n, links, n_models, false};
    return db_write(d, inputs_tx, &c);
}

err tracking_log_outputs(db *d, str run_id, const model_link *v, size_t n)
{
    assert(d && (v || !n));
    TRY(check_models(v, n));
    AUTO(arena) a = arena_new(0);
    inputs_call c = {.a = a, .run_id = run_id, .models = v, .n_models = n, .is_output = true};
    return db_write(d, inputs_tx, &c);
}

/* --- reading, for many runs at once */
typedef struct run_place {
    int64_t id;
    run *to;
} run_place;

typedef struct links_fill {
    arena *a;
    run_place *places; /* sorted by id */
    size_t n;
    dataset_input *last; /* the tags that come belong to it */
} links_fill;

static int place_order(const void *x, const void *y)
{
    const run_place *a = x, *b = y;
    return (a->id > b->id) - (a->id < b->id);
}

static run *place_find(const links_fill *f, int64_t id)
{
    run_place want = {.id = id};
    const run_place *p = bsearch(&want, f->places, f->n, sizeof want, place_order);
    assert(p);
    return p->to;
}

/* Rows come by run, model; each run's are one stretch. */
static err models_take(void *ctx, const db_rows *r)
{
    const links_fill *f = ctx;
    for (size_t i = 0, end; i < r->n; i = end) {
        int64_t id = db_cell_i(r, i, 0), is_output = db_cell_i(r, i, 1);
        for (end = i + 1; end < r->n; end++)
            if (db_cell_i(r, end, 0) != id || db_cell_i(r, end, 1) != is_output) break;
        model_link *v = arena_array(f->a, model_link, end - i);
        for (size_t k = i; k < end; k++)
            v[k - i] = (model_link){db_cell_s(r, k, 2), db_cell_i(r, k, 3)};
        run *to = place_find(f, id);
        if (is_output) {
            to->model_outputs = v;
            to->n_model_outputs = end - i;
        } else {
            to->model_inputs = v;
            to->n_model_inputs = end - i;
        }
    }
    return ERR_OK;
}

/* A row is a dataset and one of its tags, or none; rows come by run, name, digest, key. */
static void dataset_take(const links_fill *f, const db_rows *r, size_t i, size_t end,
                         dataset_input *to)
{
    *to = (dataset_input){.dataset = {
                              .name = db_cell_s(r, i, 2),
                              .digest = db_cell_s(r, i, 3),
                              .source_type = db_cell_s(r, i, 4),
                              .source = db_cell_s(r, i, 5),
                              .schema = db_cell_s(r, i, 6),
                              .profile = db_cell_s(r, i, 7),
                          }};
    if (db_at(r, i, 8)->type == DB_NULL) return;
    key_value *tags = arena_array(f->a, key_value, end - i);
    for (size_t k = i; k < end; k++)
        tags[k - i] = (key_value){db_cell_s(r, k, 8), db_cell_s(r, k, 9)};
    to->tags = tags;
    to->n_tags = end - i;
}

static err datasets_take(void *ctx, const db_rows *r)
{
    const links_fill *f = ctx;
    for (size_t i = 0, end; i < r->n; i = end) {
        int64_t id = db_cell_i(r, i, 0);
        for (end = i + 1; end < r->n && db_cell_i(r, end, 0) == id; end++)
            ;
        dataset_input *v = arena_array(f->a, dataset_input, end - i);
        size_t n = 0;
        for (size_t k = i, next; k < end; k = next) {
            for (next = k + 1; next < end && db_cell_i(r, next, 1) == db_cell_i(r, k, 1); next++)
                ;
            dataset_take(f, r, k, next, &v[n++]);
        }
        run *to = place_find(f, id);
        to->datasets = v;
        to->n_datasets = n;
    }
    return ERR_OK;
}

err run_links_load(db_tx *tx, arena *a, const int64_t *ids, run *runs, size_t n)
{
    if (!n) return ERR_OK;
    links_fill f = {.a = a, .places = arena_array(a, run_place, n), .n = n};
    db_val *list = arena_array(a, db_val, n);
    for (size_t i = 0; i < n; i++) {
        f.places[i] = (run_place){ids[i], &runs[i]};
        list[i] = db_int(ids[i]);
    }
    qsort(f.places, n, sizeof *f.places, place_order);
    rows_in_list models = {
        .head = "SELECT run, is_output, model, step FROM run_model WHERE run IN (",
        .tail = ") ORDER BY run, is_output, model",
        .list = list,
        .n_list = n,
    };
    TRY(rows_in(tx, a, &models, models_take, &f));
    rows_in_list datasets = {
        .head = "SELECT i.run, d.id, d.name, d.digest, d.source_type, d.source, d.schema_json,"
                " d.profile, t.key, t.value FROM run_dataset i JOIN dataset d ON d.id = i.dataset"
                " LEFT JOIN run_dataset_tag t ON t.run = i.run AND t.dataset = i.dataset"
                " WHERE i.run IN (",
        .tail = ") ORDER BY i.run, d.name, d.digest, t.key",
        .list = list,
        .n_list = n,
    };
    return rows_in(tx, a, &datasets, datasets_take, &f);
}

/* --- what experiments used */
err tracking_datasets_search(db *d, arena *a, const str *experiment_ids, size_t n,
                             dataset_summary **ret, size_t *ret_n)
{
    assert(d && a && ret && ret_n && (experiment_ids || !n));
    if (!n)
        return err_set(ERR_INVALID,
                       "SearchDatasets request must specify at least one experiment_id.");
    if (n > SUMMARY_EXPERIMENTS_MAX)
        return err_set(
            ERR_INVALID,
            "SearchDatasets request cannot specify more than %d experiment_ids. Received "
            "%zu experiment_ids.",
            SUMMARY_EXPERIMENTS_MAX, n);
    int64_t *rows = NULL;
    TRY(experiment_rows(a, experiment_ids, n, &rows));
    db_val args[SUMMARY_EXPERIMENTS_MAX];
    for (size_t i = 0; i < SUMMARY_EXPERIMENTS_MAX; i++)
        args[i] = db_int(rows[i < n ? i : 0]);
    db_rows r = {0};
    TRY(db_rows_of(d, a,
                   "SELECT DISTINCT d.experiment, d.name, d.digest, coalesce(t.value, '')"
                   " FROM dataset d JOIN run_dataset i ON i.dataset = d.id"
                   " JOIN experiment e ON e.id = d.experiment AND e.lifecycle_stage = 'active'"
                   " LEFT JOIN run_dataset_tag t ON t.run = i.run AND t.dataset = i.dataset"
                   " AND t.key = 'mlflow.data.context'"
                   " WHERE d.experiment IN (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
                   " ORDER BY 1, 2, 3, 4 LIMIT 1000",
                   args, countof(args), &r));
    static_assert(SUMMARIES_MAX == 1000 && SUMMARY_EXPERIMENTS_MAX == 20, "as in the statement");
    dataset_summary *v = arena_array(a, dataset_summary, r.n ? r.n : 1);
    for (size_t i = 0; i < r.n; i++)
        v[i] = (dataset_summary){
            .experiment_id = str_fmt(a, "%lld", (long long)db_cell_i(&r, i, 0)),
            .name = db_cell_s(&r, i, 1),
            .digest = db_cell_s(&r, i, 2),
            .context = db_cell_s(&r, i, 3),
        };
    *ret = v;
    *ret_n = r.n;
    return ERR_OK;
}
