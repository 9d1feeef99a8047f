#include "registry/stored.h"

#include <assert.h>

#include "registry/approvals.h"
#include "registry/probes.h"
#include "registry/registry_int.h"
#include "registry/semver.h"
#include "tracking/artifacts.h"
#include "tracking/models.h"

enum {
    MLMODEL_BYTES_MAX = 1 << 20,
    DEPTH_MAX = 32,
    VERSIONS_BYTES_MAX = 8000,
    PROBES_BYTES_MAX = 64 << 20
};
#define STORED_TOLERANCE 1e-6
#define STORED_TAG       "tidemill.stored"
#define VERSIONS_TAG     "mlflow.modelVersions"

const char *stored_verdict_name(stored_verdict v)
{
    static const char *const names[] = {"same", "loaded", "readable", "nothing"};
    assert(v < countof(names));
    return names[v];
}

typedef struct reading {
    db *d;
    blobs *b;
    str root, dir;
    stored_report *r;
} reading;

/* --- the bytes */
static err read_back(const reading *q, str dir, int depth)
{
    artifact *v;
    size_t n;
    AUTO(arena) a = arena_new(0);
    if (depth > DEPTH_MAX)
        return err_set(ERR_LIMIT, "artifact %.*s/%.*s: over %d folders deep", STR_ARG(q->root),
                       STR_ARG(dir), DEPTH_MAX);
    TRY(artifact_list(q->d, a, q->root, dir, &v, &n));
    AUTO(arena) bytes_of = arena_new(0);
    for (size_t i = 0; i < n; i++) {
        str bytes;
        if (v[i].is_dir) {
            TRY(read_back(q, v[i].path, depth + 1));
            continue;
        }
        if (++q->r->files > STORED_FILES_MAX)
            return err_set(ERR_LIMIT, "artifacts of %.*s: over %d files", STR_ARG(q->root),
                           STORED_FILES_MAX);
        arena_reset(bytes_of);
        if (v[i].size > STORED_FILE_BYTES_MAX)
            q->r->unread++;
        else
            TRY(artifact_get(q->d, q->b, bytes_of, q->root, v[i].path, STORED_FILE_BYTES_MAX,
                             &bytes));
    }
    return ERR_OK;
}

/* --- the answers */
static str below(arena *a, str dir, str path)
{
    return dir.n ? str_fmt(a, "%.*s/%.*s", STR_ARG(dir), STR_ARG(path)) : path;
}

/* *ret NULL: not a model that we load; the report says why. */
static err load_stored(const reading *q, arena *a, model **ret)
{
    str text, bytes;
    package p = {0};
    *ret = NULL;
    err e = artifact_get(q->d, q->b, a, q->root, below(a, q->dir, STR("MLmodel")),
                         MLMODEL_BYTES_MAX, &text);
    if (e == ERR_MISSING) {
        q->r->note = STR("no MLmodel");
        return ERR_OK;
    }
    TRY(e);
    if (package_parse(a, text, &p)) {
        q->r->note = str_dup(a, str_of(err_message()));
        return ERR_OK;
    }
    AUTO(arena) file = arena_new(0); /* the model keeps nothing of it */
    TRY(artifact_get(q->d, q->b, file, q->root, below(a, q->dir, p.data_path), MODEL_BYTES_MAX,
                     &bytes));
    e = model_load(bytes, str_c(a, p.flavor), str_c(a, p.data_path), ret);
    if (e != ERR_INVALID) return e;
    q->r->note = str_dup(a, str_of(err_message())); /* a feature of the format that we lack */
    return ERR_OK;
}

static err score(const reading *q, arena *a)
{
    AUTO(model) m = NULL;
    TRY(load_stored(q, a, &m));
    if (!m) return ERR_OK;
    str text;
    err e = artifact_get(q->d, q->b, a, q->root, below(a, q->dir, STR("probes.json")),
                         PROBES_BYTES_MAX, &text);
    if (e && e != ERR_MISSING) return e;
    if (!e) TRY(probes_near(text, m, STORED_TOLERANCE, &q->r->rows, &q->r->error_max));
    q->r->verdict = q->r->rows ? STORED_SAME : STORED_LOADED;
    if (!q->r->rows) q->r->note = STR("no answers were logged beside the model");
    return ERR_OK;
}

err stored_check(db *d, blobs *b, arena *a, str root, str dir, stored_report *ret)
{
    assert(d && b && a && ret);
    stored_report r = {.verdict = STORED_NOTHING, .note = STR("no file is there")};
    reading q = {d, b, root, dir, &r};
    TRY(read_back(&q, dir, 0));
    if (r.files) {
        r.verdict = STORED_READABLE;
        r.note = STR("");
        TRY(err_add(score(&q, a), "%.*s", STR_ARG(root)));
    }
    *ret = r;
    return ERR_OK;
}

/* --- when a version is made */
/* Where the artifacts of a checked source are; false: not with us. */
static bool place_of(arena *a, const version_source *s, str *ret_root, str *ret_dir)
{
    str rest = s->storage, id;
    *ret_dir = STR("");
    if (s->model_id.n) {
        *ret_root = str_fmt(a, "models/%.*s", STR_ARG(s->model_id));
        return true;
    }
    if (str_starts(rest, "runs:/")) {
        str_cut((str){rest.p + 6, rest.n - 6}, '/', &id, ret_dir);
        *ret_root = str_fmt(a, "runs/%.*s", STR_ARG(id));
        return true;
    }
    if (!str_starts(rest, "mlflow-artifacts:/")) return false;
    return !artifact_locate(a, (str){rest.p + 18, rest.n - 18}, ret_root, ret_dir);
}

static err check_stored(db *d, blobs *b, arena *a, const version_spec *o, stored_report *r)
{
    version_source from;
    str root, dir;
    *r = (stored_report){.verdict = STORED_NOTHING};
    TRY(err_add(source_check(d, a, o, &from), "new version of %.*s", STR_ARG(o->name)));
    if (!place_of(a, &from, &root, &dir)) return ERR_OK;
    err e = stored_check(d, b, a, root, dir, r);
    if (e == ERR_MISSING) return ERR_OK; /* a run of another server */
    return err_add(e, "new version of %.*s refused", STR_ARG(o->name));
}

static bool has_tag(const version_spec *o, const char *key)
{
    for (size_t i = 0; i < o->n_tags; i++)
        if (str_is(o->tags[i].key, key)) return true;
    return false;
}

static err made_before(db *d, arena *a, const version_spec *o, int64_t *ret)
{
    db_rows r = {0};
    *ret = 0;
    if (!o->once.n) return ERR_OK;
    TRY(db_rows_of(d, a, "SELECT version FROM model_version WHERE once = ?",
                   DB_ARGS(db_text(o->once)), &r));
    *ret = r.n ? db_cell_i(&r, 0, 0) : 0;
    return ERR_OK;
}

/* The logged model lists its versions, as MLflow's does: [{"name": "fare", "version": 3}]. */
static err list_version(db *d, arena *a, str model_id, version_ref of)
{
    logged_model m;
    buf b;
    jw w;
    TRY(tracking_model_get(d, a, model_id, &m));
    yyjson_val *known = NULL, *v;
    size_t i, n;
    for (size_t k = 0; k < m.n_tags; k++)
        if (str_is(m.tags[k].key, VERSIONS_TAG) &&
            json_parse(a, m.tags[k].value, VERSIONS_TAG, &known))
            known = NULL; /* somebody else's text: begun anew */
    buf_init(&b, VERSIONS_BYTES_MAX);
    jw_init(&w, &b, false);
    jw_arr(&w);
    yyjson_arr_foreach(known, i, n, v)
    {
        buf one;
        buf_init(&one, VERSIONS_BYTES_MAX);
        json_write(&one, v);
        jw_raw(&w, buf_str(&one));
        buf_done(&one);
    }
    jw_obj(&w);
    jw_kstr(&w, "name", of.name);
    jw_ki64(&w, "version", of.version);
    jw_obj_end(&w);
    jw_arr_end(&w);
    err e = ERR_OK; /* a model of so many versions has a full list: it stays as it is */
    key_value tag = {STR(VERSIONS_TAG), buf_str(&b)};
    if (!b.over) e = tracking_model_set_tags(d, model_id, &tag, 1);
    buf_done(&b);
    return e;
}

err registry_version_create_checked(db *d, blobs *b, arena *a, const version_spec *o,
                                    int64_t *ret_version)
{
    assert(d && b && a && o && ret_version);
    int64_t before = 0;
    TRY(made_before(d, a, o, &before));
    if (before || tags_say_prompt(o->tags, o->n_tags))
        return registry_version_create(d, a, o, ret_version);
    stored_report r;
    semver_proposal p;
    TRY(check_tag_list(o->tags, o->n_tags));
    TRY(check_stored(d, b, a, o, &r));
    key_value *tags = arena_array(a, key_value, o->n_tags + 2);
    version_spec made = *o;
    made.tags = tags;
    for (size_t i = 0; i < o->n_tags; i++)
        tags[i] = o->tags[i];
    if (r.verdict != STORED_NOTHING && !has_tag(o, STORED_TAG))
        tags[made.n_tags++] = (key_value){STR(STORED_TAG), str_of(stored_verdict_name(r.verdict))};
    if (r.verdict != STORED_NOTHING && !has_tag(o, SEMVER_TAG)) {
        TRY(semver_propose(d, b, a, o->name, o, &p));
        tags[made.n_tags++] = (key_value){STR(SEMVER_TAG), semver_print(a, p.version)};
    }
    TRY(registry_version_create(d, a, &made, ret_version));
    version_ref of = {o->name, *ret_version};
    model_version v;
    TRY(registry_version_get(d, a, of.name, of.version, &v));
    if (v.model_id.n) TRY(list_version(d, a, v.model_id, of));
    return approval_collect(d, b, of, o->now_ms);
}
