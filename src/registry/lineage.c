#include "registry/lineage.h"

#include <assert.h>
#include <stdlib.h>

#include "registry/registry_int.h"

enum { MLMODEL_BYTES_MAX = 1 << 20, BACK_MAX = 1000 };

#define TAG_COMMIT "mlflow.source.git.commit"
#define TAG_TABLE  "tidemill.featureTable"

static str tag_of(const run *r, const char *key)
{
    for (size_t i = 0; i < r->n_tags; i++)
        if (str_is(r->tags[i].key, key)) return r->tags[i].value;
    return STR("");
}

/* A dataset's profile is JSON of MLflow's: {"num_rows": 100, …}. */
static int64_t rows_of_profile(arena *a, str profile)
{
    yyjson_val *o;
    int64_t n = 0;
    if (!profile.n || json_parse(a, profile, "profile", &o)) return 0;
    return json_opt_i64(o, "profile", "num_rows", &n) ? 0 : n;
}

static void from_run(arena *a, lineage *l)
{
    const run *r = &l->training;
    int64_t rows;
    l->data_source = tag_of(r, TAG_TABLE);
    l->data_version = tag_of(r, "tidemill.featureVersion");
    l->code_repository = tag_of(r, "mlflow.source.git.repoURL");
    l->code_commit = tag_of(r, TAG_COMMIT);
    l->code_branch = tag_of(r, "mlflow.source.git.branch");
    l->code_entry = tag_of(r, "mlflow.source.name");
    if (!parse_i64(tag_of(r, "tidemill.rows"), &rows)) l->data_rows = rows;
    if (!r->n_datasets) return;
    const dataset *d = &r->datasets[0].dataset;
    if (!l->data_source.n) l->data_source = d->name;
    l->data_digest = d->digest;
    if (!l->data_rows) l->data_rows = rows_of_profile(a, d->profile);
}

static err from_package(db *d, blobs *b, arena *a, lineage *l)
{
    str text, root = str_fmt(a, "models/%.*s", STR_ARG(l->version.model_id));
    package p;
    err e = artifact_get(d, b, a, root, STR("MLmodel"), MLMODEL_BYTES_MAX, &text);
    if (e == ERR_IO) return e;
    if (!e && !package_parse(a, text, &p)) {
        l->features = p.sig.inputs.fields;
        l->n_features = p.sig.inputs.n;
    }
    e = artifact_get(d, b, a, root, STR("requirements.txt"), MLMODEL_BYTES_MAX, &text);
    if (!e) l->environment = text;
    return e == ERR_IO ? e : ERR_OK;
}

/* An endpoint's state names what it serves as "name/version", between blanks or commas. */
static bool state_names(str state, str what)
{
    str rest = state, word, part;
    while (rest.n) {
        str_cut(rest, ',', &word, &rest);
        for (word = str_trim(word); word.n;) {
            str_cut(word, ' ', &part, &word);
            if (str_eq(part, what)) return true;
        }
    }
    return false;
}

static err from_log(db *d, arena *a, lineage *l)
{
    live_item *v;
    size_t n;
    TRY(audit_live(d, a, STR(""), INT64_MAX, &v, &n));
    str what = str_fmt(a, "%.*s/%lld", STR_ARG(l->version.name), (long long)l->version.version);
    str *to = arena_array(a, str, n + 1);
    for (size_t i = 0; i < n; i++)
        if (str_is(v[i].kind, "endpoint") && state_names(v[i].state, what))
            to[l->n_endpoints++] = v[i].subject;
    l->endpoints = to;
    return ERR_OK;
}

err lineage_of_version(db *d, blobs *b, arena *a, version_ref of, lineage *ret)
{
    assert(d && b && a && ret);
    lineage l = {0};
    TRY(registry_version_get(d, a, of.name, of.version, &l.version));
    err e =
        l.version.run_id.n ? tracking_run_get(d, a, l.version.run_id, &l.training) : ERR_MISSING;
    if (e && e != ERR_MISSING) return e;
    if (!e) from_run(a, &l);
    if (l.version.model_id.n) TRY(from_package(d, b, a, &l));
    TRY(from_log(d, a, &l));
    *ret = l;
    return ERR_OK;
}

/* --- as JSON */
static void put(jw *w, const char *key, str s)
{
    if (s.n) jw_kstr(w, key, s);
}

static void put_ms(jw *w, const char *key, int64_t t_ms)
{
    if (t_ms) jw_ki64(w, key, t_ms);
}

static void put_data(jw *w, const lineage *l)
{
    jw_key(w, "data");
    jw_obj(w);
    put(w, "source", l->data_source);
    put(w, "version", l->data_version);
    put(w, "digest", l->data_digest);
    put_ms(w, "rows", l->data_rows);
    jw_key(w, "features");
    jw_arr(w);
    for (size_t i = 0; i < l->n_features; i++)
        jw_str(w, l->features[i].name);
    jw_arr_end(w);
    jw_obj_end(w);
    jw_key(w, "code");
    jw_obj(w);
    put(w, "repository", l->code_repository);
    put(w, "commit", l->code_commit);
    put(w, "branch", l->code_branch);
    put(w, "entry_point", l->code_entry);
    jw_obj_end(w);
}

static void put_training(jw *w, const lineage *l)
{
    const run *r = &l->training;
    jw_key(w, "training");
    jw_obj(w);
    put(w, "run_id", r->id);
    put(w, "experiment_id", r->experiment_id);
    put(w, "status", r->status);
    put(w, "user", r->user_id);
    put_ms(w, "started_ms", r->start_ms);
    put_ms(w, "completed_ms", r->end_ms);
    put(w, "environment", l->environment);
    jw_obj_end(w);
    jw_key(w, "evaluation");
    jw_obj(w);
    for (size_t i = 0; i < r->n_metrics; i++) {
        jw_key_str(w, r->metrics[i].key);
        jw_f64(w, r->metrics[i].value);
    }
    jw_obj_end(w);
}

static void put_strings(jw *w, const char *key, const str *v, size_t n)
{
    jw_key(w, key);
    jw_arr(w);
    for (size_t i = 0; i < n; i++)
        jw_str(w, v[i]);
    jw_arr_end(w);
}

void lineage_to_json(jw *w, const lineage *l)
{
    assert(w && l);
    jw_obj(w);
    put_data(w, l);
    put_training(w, l);
    jw_key(w, "model");
    jw_obj(w);
    put(w, "model_id", l->version.model_id);
    put(w, "name", l->version.name);
    jw_ki64(w, "version", l->version.version);
    put(w, "stage", l->version.stage);
    put_strings(w, "aliases", l->version.aliases, l->version.n_aliases);
    jw_obj_end(w);
    put_strings(w, "endpoints", l->endpoints, l->n_endpoints);
    jw_obj_end(w);
}

/* --- the way back */
static err versions_of_runs(db *d, arena *a, const run *v, size_t n, model_version *to, size_t *ret)
{
    size_t got = 0;
    for (size_t i = 0; i < n && got < BACK_MAX; i++) {
        model_version *some;
        size_t k;
        TRY(versions_of(d, a,
                        "SELECT id FROM model_version WHERE run_id = ? ORDER BY id DESC LIMIT ?",
                        DB_ARGS(db_text(v[i].id), db_int((int64_t)(BACK_MAX - got))), &some, &k));
        for (size_t j = 0; j < k; j++)
            to[got++] = some[j];
    }
    *ret = got;
    return ERR_OK;
}

static int newest_first(const void *x, const void *y)
{
    const model_version *a = x, *b = y;
    if (a->created_ms != b->created_ms) return a->created_ms < b->created_ms ? 1 : -1;
    int c = str_cmp(a->name, b->name);
    return c ? c : (a->version < b->version) - (a->version > b->version);
}

err lineage_versions(db *d, arena *a, const lineage_query *q, model_version **ret, size_t *ret_n)
{
    assert(d && a && q && ret && ret_n);
    if ((q->run_id.n > 0) + (q->commit.n > 0) + (q->data_source.n > 0) != 1)
        return err_set(ERR_INVALID, "lineage: want one of run_id, commit and data_source");
    run one = {.id = q->run_id}, *runs = &one;
    size_t n = 1;
    run_query by = {.tag_key = q->commit.n ? STR(TAG_COMMIT) : STR(TAG_TABLE),
                    .tag_value = q->commit.n ? q->commit : q->data_source,
                    .max = BACK_MAX};
    if (!q->run_id.n) TRY(tracking_runs(d, a, &by, &runs, &n));
    model_version *v = arena_array(a, model_version, BACK_MAX);
    TRY(versions_of_runs(d, a, runs, n, v, &n));
    if (n) qsort(v, n, sizeof *v, newest_first);
    *ret = v;
    *ret_n = n;
    return ERR_OK;
}
