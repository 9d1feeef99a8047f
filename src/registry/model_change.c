#include "registry/registry_int.h"

#include <assert.h>

#define MODEL_TAG_PUT                                                                              \
    "INSERT INTO registered_model_tag (model, key, value) VALUES (?, ?, ?)"                        \
    " ON CONFLICT (model, key) DO UPDATE SET value = excluded.value"

typedef struct model_call {
    const model_spec *o; /* create */
    str name, text, value;
    registered_model *ret; /* may be NULL */
} model_call;

static err answer(change *c, int64_t row, const model_call *m)
{
    registered_model *v;
    TRY(models_by_ids(c->tx, c->a, &row, 1, &v));
    *m->ret = *v;
    return ERR_OK;
}

/* --- create */
static err name_taken(change *c, str name, bool prompt)
{
    db_rows r = {0};
    TRY(tx_rows(c->tx, c->a,
                "SELECT COUNT(*) FROM registered_model_tag t JOIN registered_model m"
                " ON m.id = t.model WHERE m.name = ? AND t.key = 'mlflow.prompt.is_prompt'"
                " AND LOWER(t.value) = 'true'",
                DB_ARGS(db_text(name)), &r));
    bool is_prompt = db_cell_i(&r, 0, 0) > 0;
    if (is_prompt == prompt)
        return err_set(ERR_CONFLICT, "%s (name=%.*s) already exists.",
                       prompt ? "Prompt" : "Registered Model", STR_ARG(name));
    return err_set(ERR_CONFLICT,
                   "Tried to create a %s with name '%.*s', but the name is already taken by a %s. "
                   "MLflow does not allow creating a model and a prompt with the same name.",
                   prompt ? "prompt" : "registered model", STR_ARG(name),
                   is_prompt ? "prompt" : "registered model");
}

static err model_insert(change *c, str name, str description, int64_t *ret)
{
    db_rows r = {0};
    TRY(tx_rows(
        c->tx, c->a,
        "INSERT INTO registered_model (name, description, created_ms, updated_ms)"
        " VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING RETURNING id",
        DB_ARGS(db_text(name), db_text(description), db_int(c->by->now_ms), db_int(c->by->now_ms)),
        &r));
    *ret = r.n ? db_cell_i(&r, 0, 0) : 0;
    if (!r.n) return ERR_OK;
    TRY(tx_exec(c->tx, "DELETE FROM registered_model_former WHERE name = ?", DB_ARGS(db_text(name)),
                NULL));
    log_item e = {
        .kind = "model", .row = *ret, .model = name, .subject = STR("name"), .became = name};
    TRY(change_log(c, &e));
    if (!description.n) return ERR_OK;
    e.subject = STR("description");
    e.became = description;
    return change_log(c, &e);
}

static err model_create_tx(change *c, void *arg)
{
    const model_call *m = arg;
    const model_spec *o = m->o;
    int64_t row = 0;
    TRY(model_insert(c, o->name, o->description, &row));
    if (!row) return name_taken(c, o->name, tags_say_prompt(o->tags, o->n_tags));
    TRY(tags_put(c->tx, MODEL_TAG_PUT, row, o->tags, o->n_tags));
    for (size_t i = 0; i < o->n_tags; i++)
        TRY(change_log(c, &(log_item){.kind = "model_tag",
                                      .row = row,
                                      .model = o->name,
                                      .subject = o->tags[i].key,
                                      .became = o->tags[i].value}));
    return answer(c, row, m);
}

err registry_model_create(db *d, arena *a, const model_spec *o, const change_by *by,
                          registered_model *ret)
{
    assert(d && a && o && by && ret);
    TRY(check_model_name(o->name));
    TRY(check_text("description", o->description, REGISTRY_TEXT_MAX));
    TRY(check_tag_list(o->tags, o->n_tags));
    registered_model made = {0};
    model_call m = {.o = o, .ret = &made};
    TRY(change_run(d, a, by, model_create_tx, &m));
    *ret = made;
    return ERR_OK;
}

static err model_ensure_tx(change *c, void *arg)
{
    const model_call *m = arg;
    int64_t row = 0;
    return model_insert(c, m->name, STR(""), &row);
}

err registry_model_ensure(db *d, str name, int64_t now_ms)
{
    assert(d);
    TRY(check_model_name(name));
    AUTO(arena) a = arena_new(0);
    model_call m = {.name = name};
    return change_run(d, a, &(change_by){.now_ms = now_ms}, model_ensure_tx, &m);
}

/* --- update */
static err model_update_tx(change *c, void *arg)
{
    const model_call *m = arg;
    db_rows r = {0};
    TRY(tx_rows(c->tx, c->a, "SELECT id, description FROM registered_model WHERE name = ?",
                DB_ARGS(db_text(m->name)), &r));
    if (!r.n) return model_missing(m->name);
    int64_t row = db_cell_i(&r, 0, 0);
    TRY(tx_exec(c->tx, "UPDATE registered_model SET description = ?, updated_ms = ? WHERE id = ?",
                DB_ARGS(db_text(m->text), db_int(c->by->now_ms), db_int(row)), NULL));
    TRY(change_log(c, &(log_item){.kind = "model",
                                  .row = row,
                                  .model = m->name,
                                  .subject = STR("description"),
                                  .was = db_cell_s(&r, 0, 1),
                                  .became = m->text}));
    return answer(c, row, m);
}

err registry_model_update(db *d, arena *a, str name, str description, const change_by *by,
                          registered_model *ret)
{
    assert(d && a && by && ret);
    TRY(check_text("description", description, REGISTRY_TEXT_MAX));
    registered_model made = {0};
    model_call m = {.name = name, .text = description, .ret = &made};
    TRY(change_run(d, a, by, model_update_tx, &m));
    *ret = made;
    return ERR_OK;
}

/* --- rename */
static err rename_rows(change *c, int64_t row, const model_call *m)
{
    db_val now = db_int(c->by->now_ms), id = db_int(row);
    TRY(tx_exec(c->tx, "UPDATE registered_model SET name = ?, updated_ms = ? WHERE id = ?",
                DB_ARGS(db_text(m->text), now, id), NULL));
    TRY(tx_exec(c->tx, "UPDATE model_version SET updated_ms = ? WHERE model = ?", DB_ARGS(now, id),
                NULL));
    TRY(tx_exec(c->tx, "DELETE FROM registered_model_former WHERE name = ?",
                DB_ARGS(db_text(m->text)), NULL));
    return tx_exec(c->tx,
                   "INSERT INTO registered_model_former (name, model) VALUES (?, ?)"
                   " ON CONFLICT (name) DO UPDATE SET model = excluded.model",
                   DB_ARGS(db_text(m->name), id), NULL);
}

static err model_rename_tx(change *c, void *arg)
{
    const model_call *m = arg;
    int64_t row = 0;
    TRY(model_row(c->tx, c->a, m->name, &row));
    db_rows r = {0};
    TRY(tx_rows(c->tx, c->a, "SELECT id FROM registered_model WHERE name = ?",
                DB_ARGS(db_text(m->text)), &r));
    if (r.n && db_cell_i(&r, 0, 0) != row)
        return err_set(ERR_CONFLICT, "Registered Model (name=%.*s) already exists.",
                       STR_ARG(m->text));
    if (!r.n) {
        TRY(rename_rows(c, row, m));
        TRY(change_log(c, &(log_item){.kind = "model",
                                      .row = row,
                                      .model = m->text,
                                      .subject = STR("name"),
                                      .was = m->name,
                                      .became = m->text}));
    }
    return answer(c, row, m);
}

err registry_model_rename(db *d, arena *a, str name, str new_name, const change_by *by,
                          registered_model *ret)
{
    assert(d && a && by && ret);
    if (!str_trim(new_name).n)
        return err_set(ERR_INVALID, "Missing value for required parameter 'new_name'.");
    TRY(check_model_name(new_name));
    registered_model made = {0};
    model_call m = {.name = name, .text = new_name, .ret = &made};
    TRY(change_run(d, a, by, model_rename_tx, &m));
    *ret = made;
    return ERR_OK;
}

/* --- delete */
static err model_delete_tx(change *c, void *arg)
{
    const model_call *m = arg;
    int64_t row = 0;
    TRY(model_row(c->tx, c->a, m->name, &row));
    TRY(change_log(c, &(log_item){.kind = "model",
                                  .row = row,
                                  .model = m->name,
                                  .subject = STR("name"),
                                  .was = m->name}));
    return tx_exec(c->tx, "DELETE FROM registered_model WHERE id = ?", DB_ARGS(db_int(row)), NULL);
}

err registry_model_delete(db *d, str name, const change_by *by)
{
    assert(d && by);
    AUTO(arena) a = arena_new(0);
    model_call m = {.name = name};
    return change_run(d, a, by, model_delete_tx, &m);
}

/* --- tags */
static err model_tag_tx(change *c, void *arg)
{
    const model_call *m = arg;
    int64_t row = 0;
    TRY(model_row(c->tx, c->a, m->name, &row));
    db_rows r = {0};
    TRY(tx_rows(c->tx, c->a, "SELECT value FROM registered_model_tag WHERE model = ? AND key = ?",
                DB_ARGS(db_int(row), db_text(m->text)), &r));
    key_value one = {m->text, m->value};
    if (m->value.p)
        TRY(tags_put(c->tx, MODEL_TAG_PUT, row, &one, 1));
    else
        TRY(tx_exec(c->tx, "DELETE FROM registered_model_tag WHERE model = ? AND key = ?",
                    DB_ARGS(db_int(row), db_text(m->text)), NULL));
    if (!m->value.p && !r.n) return ERR_OK;
    return change_log(c, &(log_item){.kind = "model_tag",
                                     .row = row,
                                     .model = m->name,
                                     .subject = m->text,
                                     .was = r.n ? db_cell_s(&r, 0, 0) : STR(""),
                                     .became = m->value});
}

err registry_model_tag_set(db *d, str name, str key, str value, const change_by *by)
{
    assert(d && by);
    TRY(check_tag(key, value));
    AUTO(arena) a = arena_new(0);
    model_call m = {.name = name, .text = key, .value = value.p ? value : STR("")};
    return change_run(d, a, by, model_tag_tx, &m);
}

err registry_model_tag_delete(db *d, str name, str key, const change_by *by)
{
    assert(d && by);
    TRY(check_tag(key, STR("")));
    AUTO(arena) a = arena_new(0);
    model_call m = {.name = name, .text = key};
    return change_run(d, a, by, model_tag_tx, &m);
}
