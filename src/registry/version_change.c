#include "registry/registry_int.h"

#include <assert.h>

#define VERSION_TAG_PUT                                                                            \
    "INSERT INTO model_version_tag (version, key, value) VALUES (?, ?, ?)"                         \
    " ON CONFLICT (version, key) DO UPDATE SET value = excluded.value"

typedef struct version_call {
    version_ref of;
    str text, value;
    stage_others others;
    model_version *ret;
} version_call;

static err touch_model(change *c, int64_t owner)
{
    return tx_exec(c->tx, "UPDATE registered_model SET updated_ms = ? WHERE id = ?",
                   DB_ARGS(db_int(c->by->now_ms), db_int(owner)), NULL);
}

/* --- update */
static err version_update_tx(change *c, void *arg)
{
    const version_call *q = arg;
    model_version was;
    version_row v;
    TRY(version_get_tx(c->tx, c->a, q->of, &was));
    TRY(version_row_get(c->tx, c->a, q->of, &v));
    TRY(tx_exec(c->tx, "UPDATE model_version SET description = ?, updated_ms = ? WHERE id = ?",
                DB_ARGS(db_text(q->text), db_int(c->by->now_ms), db_int(v.id)), NULL));
    TRY(change_log(c, &(log_item){.kind = "version",
                                  .row = v.model,
                                  .model = v.name,
                                  .version = q->of.version,
                                  .subject = STR("description"),
                                  .was = was.description,
                                  .became = q->text}));
    return version_get_tx(c->tx, c->a, q->of, q->ret);
}

err registry_version_update(db *d, arena *a, version_ref of, str description, const change_by *by,
                            model_version *ret)
{
    assert(d && a && by && ret);
    TRY(check_text("description", description, REGISTRY_TEXT_MAX));
    model_version made = {0};
    version_call q = {.of = of, .text = description, .ret = &made};
    TRY(change_run(d, a, by, version_update_tx, &q));
    *ret = made;
    return ERR_OK;
}

/* --- delete */
static err version_delete_tx(change *c, void *arg)
{
    const version_call *q = arg;
    version_row v;
    db_rows r = {0};
    TRY(version_row_get(c->tx, c->a, q->of, &v));
    TRY(tx_rows(c->tx, c->a,
                "SELECT alias FROM model_alias WHERE model = ? AND version = ? ORDER BY alias",
                DB_ARGS(db_int(v.model), db_int(q->of.version)), &r));
    for (size_t i = 0; i < r.n; i++)
        TRY(alias_put(c, v.model, v.name, db_cell_s(&r, i, 0), 0));
    TRY(stage_put(c, &v, q->of.version, STR("None")));
    TRY(change_log(c, &(log_item){.kind = "version",
                                  .row = v.model,
                                  .model = v.name,
                                  .version = q->of.version,
                                  .subject = STR("deleted"),
                                  .was = v.source}));
    TRY(tx_exec(c->tx, "DELETE FROM model_version WHERE id = ?", DB_ARGS(db_int(v.id)), NULL));
    return touch_model(c, v.model);
}

err registry_version_delete(db *d, version_ref of, const change_by *by)
{
    assert(d && by);
    AUTO(arena) a = arena_new(0);
    version_call q = {.of = of};
    return change_run(d, a, by, version_delete_tx, &q);
}

/* --- tags */
static err version_tag_tx(change *c, void *arg)
{
    const version_call *q = arg;
    version_row v;
    db_rows r = {0};
    TRY(version_row_get(c->tx, c->a, q->of, &v));
    TRY(tx_rows(c->tx, c->a, "SELECT value FROM model_version_tag WHERE version = ? AND key = ?",
                DB_ARGS(db_int(v.id), db_text(q->text)), &r));
    if (!q->value.p && !r.n) return ERR_OK;
    key_value one = {q->text, q->value};
    if (q->value.p)
        TRY(tags_put(c->tx, VERSION_TAG_PUT, v.id, &one, 1));
    else
        TRY(tx_exec(c->tx, "DELETE FROM model_version_tag WHERE version = ? AND key = ?",
                    DB_ARGS(db_int(v.id), db_text(q->text)), NULL));
    return change_log(c, &(log_item){.kind = "version_tag",
                                     .row = v.model,
                                     .model = v.name,
                                     .version = q->of.version,
                                     .subject = q->text,
                                     .was = r.n ? db_cell_s(&r, 0, 0) : STR(""),
                                     .became = q->value});
}

err registry_version_tag_set(db *d, version_ref of, str key, str value, const change_by *by)
{
    assert(d && by);
    TRY(check_tag(key, value));
    AUTO(arena) a = arena_new(0);
    version_call q = {.of = of, .text = key, .value = value.p ? value : STR("")};
    return change_run(d, a, by, version_tag_tx, &q);
}

err registry_version_tag(db *d, str name, int64_t version, str key, str value, int64_t now_ms)
{
    return registry_version_tag_set(d, (version_ref){name, version}, key, value,
                                    &(change_by){.now_ms = now_ms});
}

err registry_version_tag_delete(db *d, version_ref of, str key, const change_by *by)
{
    assert(d && by);
    TRY(check_tag(key, STR("")));
    AUTO(arena) a = arena_new(0);
    version_call q = {.of = of, .text = key};
    return change_run(d, a, by, version_tag_tx, &q);
}

/* --- stages */
err registry_stage_parse(str stage, str *ret)
{
    static const char *const all[] = {"None", "Staging", "Production", "Archived"};
    for (size_t i = 0; i < countof(all); i++)
        if (str_eq_nocase(stage, str_of(all[i]))) {
            *ret = str_of(all[i]);
            return ERR_OK;
        }
    return err_set(ERR_INVALID,
                   "Invalid Model Version stage: %.*s. Value must be one of None, Staging, "
                   "Production, Archived.",
                   STR_ARG(stage));
}

err stage_put(change *c, const version_row *v, int64_t version, str stage)
{
    TRY(tx_exec(c->tx, "UPDATE model_version SET stage = ?, updated_ms = ? WHERE id = ?",
                DB_ARGS(db_text(stage), db_int(c->by->now_ms), db_int(v->id)), NULL));
    if (str_eq(v->stage, stage)) return ERR_OK;
    return change_log(c, &(log_item){.kind = "stage",
                                     .row = v->model,
                                     .model = v->name,
                                     .version = version,
                                     .was = v->stage,
                                     .became = stage});
}

static err archive_others(change *c, const version_row *v, const version_call *q)
{
    db_rows r = {0};
    TRY(tx_rows(c->tx, c->a,
                "SELECT id, version, stage FROM model_version"
                " WHERE model = ? AND stage = ? AND version <> ? ORDER BY version",
                DB_ARGS(db_int(v->model), db_text(q->text), db_int(q->of.version)), &r));
    for (size_t i = 0; i < r.n; i++) {
        version_row other = {.id = db_cell_i(&r, i, 0),
                             .model = v->model,
                             .name = v->name,
                             .stage = db_cell_s(&r, i, 2)};
        TRY(stage_put(c, &other, db_cell_i(&r, i, 1), STR("Archived")));
    }
    return ERR_OK;
}

static err version_stage_tx(change *c, void *arg)
{
    const version_call *q = arg;
    version_row v;
    TRY(version_row_get(c->tx, c->a, q->of, &v));
    if (!str_eq(v.stage, q->text)) TRY(policy_allows(c, &v, q->of.version, "stage", q->text));
    if (q->others == STAGE_ARCHIVE_OTHERS) TRY(archive_others(c, &v, q));
    TRY(stage_put(c, &v, q->of.version, q->text));
    TRY(touch_model(c, v.model));
    return version_get_tx(c->tx, c->a, q->of, q->ret);
}

err registry_version_stage(db *d, arena *a, version_ref of, str stage, stage_others others,
                           const change_by *by, model_version *ret)
{
    assert(d && a && by && ret);
    model_version made = {0};
    version_call q = {.of = of, .others = others, .ret = &made};
    TRY(registry_stage_parse(stage, &q.text));
    bool active = str_is(q.text, "Staging") || str_is(q.text, "Production");
    if (others == STAGE_ARCHIVE_OTHERS && !active)
        return err_set(ERR_INVALID,
                       "Model version transition cannot archive existing model versions because "
                       "'%.*s' is not an Active stage. Valid stages are ['Staging', 'Production']",
                       STR_ARG(stage));
    TRY(change_run(d, a, by, version_stage_tx, &q));
    *ret = made;
    return ERR_OK;
}

/* --- the newest of each stage */
err registry_latest_versions(db *d, arena *a, str name, const str *stages, size_t n,
                             model_version **ret, size_t *ret_n)
{
    assert(d && a && ret && ret_n && (stages || !n));
    static const str all[] = {STR("None"), STR("Staging"), STR("Production"), STR("Archived")};
    registered_model known;
    bool wanted[countof(all)] = {false};
    for (size_t i = 0; i < n; i++) {
        str stage;
        TRY(registry_stage_parse(stages[i], &stage));
        for (size_t k = 0; k < countof(all); k++)
            wanted[k] |= str_eq(stage, all[k]);
    }
    TRY(registry_model_get(d, a, name, &known));
    model_version *v;
    size_t got, kept = 0;
    TRY(versions_of(d, a,
                    "SELECT v.id FROM model_version v JOIN registered_model m ON m.id = v.model"
                    " WHERE m.name = ? AND v.version = (SELECT MAX(o.version) FROM model_version o"
                    " WHERE o.model = v.model AND o.stage = v.stage) ORDER BY v.version",
                    DB_ARGS(db_text(name)), &v, &got));
    for (size_t i = 0; i < got; i++)
        for (size_t k = 0; k < countof(all); k++)
            if (str_eq(v[i].stage, all[k]) && (!n || wanted[k])) {
                v[kept++] = v[i];
                break;
            }
    *ret = v;
    *ret_n = kept;
    return ERR_OK;
}
