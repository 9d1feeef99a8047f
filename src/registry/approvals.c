#include "registry/approvals.h"

#include <assert.h>

#include "registry/registry_int.h"

enum { APPROVALS_MAX = 16, GUARDS_MAX = 16, POLICY_BYTES_MAX = 65536 };

static const char *const item_names[CHECK_N] = {
    [CHECK_PERFORMANCE_VALIDATED] = "performance_validated",
    [CHECK_INPUT_SCHEMA_DOCUMENTED] = "input_schema_documented",
    [CHECK_OUTPUT_FORMAT_DEFINED] = "output_format_defined",
    [CHECK_ERROR_HANDLING_TESTED] = "error_handling_tested",
    [CHECK_MONITORING_CONFIGURED] = "monitoring_configured",
    [CHECK_ROLLBACK_PLAN_READY] = "rollback_plan_ready",
    [CHECK_STAKEHOLDERS_NOTIFIED] = "stakeholders_notified",
    [CHECK_DEPENDENCIES_DOCUMENTED] = "dependencies_documented",
};

const char *check_item_name(check_item i)
{
    assert(i < CHECK_N);
    return item_names[i];
}

err check_item_parse(str name, check_item *ret)
{
    for (unsigned i = 0; i < CHECK_N; i++)
        if (str_is(name, item_names[i])) {
            *ret = (check_item)i;
            return ERR_OK;
        }
    const char *near = str_nearest(name, item_names, CHECK_N);
    return err_set(ERR_INVALID, "checklist item '%.*s': not known%s%s", STR_ARG(name),
                   near ? ", did you mean " : "", near ? near : "");
}

/* --- the policy as JSON */
static void put_list(jw *w, const char *key, const str *v, size_t n)
{
    jw_key(w, key);
    jw_arr(w);
    for (size_t i = 0; i < n; i++)
        jw_str(w, v[i]);
    jw_arr_end(w);
}

static err policy_print(arena *a, const approval_policy *p, str *ret)
{
    buf b;
    jw w;
    buf_init(&b, POLICY_BYTES_MAX);
    jw_init(&w, &b, false);
    jw_obj(&w);
    jw_ki64(&w, "approvals", p->approvals);
    jw_key(&w, "items");
    jw_arr(&w);
    for (unsigned i = 0; i < CHECK_N; i++)
        if (p->items & 1U << i) jw_cstr(&w, item_names[i]);
    jw_arr_end(&w);
    put_list(&w, "aliases", p->aliases, p->n_aliases);
    put_list(&w, "stages", p->stages, p->n_stages);
    jw_obj_end(&w);
    err e = buf_err(&b, "policy");
    if (!e) *ret = str_dup(a, buf_str(&b));
    buf_done(&b);
    return e;
}

static err read_list(arena *a, yyjson_val *o, const char *key, const str **ret, size_t *ret_n)
{
    yyjson_val *v, *arr;
    size_t i, max;
    TRY(json_get_arr(o, "policy", key, &arr));
    str *to = arena_array(a, str, yyjson_arr_size(arr) + 1);
    yyjson_arr_foreach(arr, i, max, v)
    {
        to[i] = json_str(v);
    }
    *ret = to;
    *ret_n = yyjson_arr_size(arr);
    return ERR_OK;
}

static err policy_read(arena *a, str text, approval_policy *ret)
{
    yyjson_val *o, *items, *v;
    size_t i, max;
    approval_policy p = {0};
    TRY(json_parse(a, text, "policy", &o));
    TRY(json_get_i64(o, "policy", "approvals", &p.approvals));
    TRY(json_get_arr(o, "policy", "items", &items));
    yyjson_arr_foreach(items, i, max, v)
    {
        check_item item;
        TRY(check_item_parse(json_str(v), &item));
        p.items |= 1U << item;
    }
    TRY(read_list(a, o, "aliases", &p.aliases, &p.n_aliases));
    TRY(read_list(a, o, "stages", &p.stages, &p.n_stages));
    *ret = p;
    return ERR_OK;
}

static err policy_check(const approval_policy *p)
{
    if (p->approvals < 0 || p->approvals > APPROVALS_MAX)
        return err_set(ERR_INVALID, "policy: approvals: %lld, want 0 to %d",
                       (long long)p->approvals, APPROVALS_MAX);
    if (p->items >> CHECK_N) return err_set(ERR_INVALID, "policy: items: not known");
    if (p->n_aliases > GUARDS_MAX || p->n_stages > GUARDS_MAX)
        return err_set(ERR_INVALID, "policy: %zu aliases and %zu stages, at most %d each",
                       p->n_aliases, p->n_stages, GUARDS_MAX);
    for (size_t i = 0; i < p->n_aliases; i++)
        TRY(err_add(check_alias(p->aliases[i]), "policy: aliases[%zu]", i));
    for (size_t i = 0; i < p->n_stages; i++) {
        str stage;
        TRY(err_add(registry_stage_parse(p->stages[i], &stage), "policy: stages[%zu]", i));
    }
    return ERR_OK;
}

/* *ret_text "" : none. */
static err policy_of(db_tx *tx, arena *a, int64_t owner, approval_policy *ret, str *ret_text)
{
    db_rows r = {0};
    TRY(tx_rows(tx, a, "SELECT policy FROM approval_policy WHERE model = ?", DB_ARGS(db_int(owner)),
                &r));
    *ret_text = r.n ? db_cell_s(&r, 0, 0) : STR("");
    if (r.n) return policy_read(a, *ret_text, ret);
    *ret = (approval_policy){0};
    return ERR_OK;
}

typedef struct policy_call {
    arena *a;
    str name;
    const approval_policy *p;
    approval_policy *ret;
} policy_call;

static err policy_set_tx(change *c, void *arg)
{
    const policy_call *q = arg;
    approval_policy was;
    str before, after = STR("");
    int64_t row = 0;
    TRY(model_row(c->tx, c->a, q->name, &row));
    TRY(policy_of(c->tx, c->a, row, &was, &before));
    TRY(tx_exec(c->tx, "DELETE FROM approval_policy WHERE model = ?", DB_ARGS(db_int(row)), NULL));
    if (q->p->approvals || q->p->items) {
        TRY(policy_print(c->a, q->p, &after));
        TRY(tx_exec(c->tx, "INSERT INTO approval_policy (model, policy) VALUES (?, ?)",
                    DB_ARGS(db_int(row), db_text(after)), NULL));
    }
    return change_log(
        c, &(log_item){
               .kind = "policy", .row = row, .model = q->name, .was = before, .became = after});
}

err approval_policy_set(db *d, str name, const approval_policy *p, const change_by *by)
{
    assert(d && p && by);
    TRY(policy_check(p));
    AUTO(arena) a = arena_new(0);
    policy_call q = {.name = name, .p = p};
    return change_run(d, a, by, policy_set_tx, &q);
}

static err policy_get_tx(db_tx *tx, void *arg)
{
    const policy_call *q = arg;
    str text;
    int64_t row = 0;
    TRY(model_row(tx, q->a, q->name, &row));
    return policy_of(tx, q->a, row, q->ret, &text);
}

err approval_policy_get(db *d, arena *a, str name, approval_policy *ret)
{
    assert(d && a && ret);
    approval_policy p = {0};
    policy_call q = {.a = a, .name = name, .ret = &p};
    TRY(db_read(d, policy_get_tx, &q));
    *ret = p;
    return ERR_OK;
}

/* --- where a version stands */
static err state_of(db_tx *tx, arena *a, const version_row *v, const approval_policy *p,
                    approval_state *s)
{
    db_rows r = {0};
    *s = (approval_state){.needed = p->approvals};
    TRY(tx_rows(tx, a,
                "SELECT user_id FROM version_approval WHERE version = ? AND user_id <> ?"
                " ORDER BY user_id",
                DB_ARGS(db_int(v->id), db_text(v->user)), &r));
    str *people = arena_array(a, str, r.n + 1);
    for (size_t i = 0; i < r.n; i++)
        people[i] = db_cell_s(&r, i, 0);
    s->people = people;
    s->n_people = r.n;
    s->given = (int64_t)r.n;
    for (unsigned i = 0; i < CHECK_N; i++)
        s->items[i].needed = p->items & 1U << i;
    TRY(tx_rows(tx, a, "SELECT item, user_id, evidence FROM version_check WHERE version = ?",
                DB_ARGS(db_int(v->id)), &r));
    for (size_t i = 0; i < r.n; i++) {
        check_item item;
        TRY(check_item_parse(db_cell_s(&r, i, 0), &item));
        s->items[item].done = true;
        s->items[item].by = db_cell_s(&r, i, 1);
        s->items[item].evidence = db_cell_s(&r, i, 2);
    }
    s->enough = s->given >= s->needed;
    for (unsigned i = 0; i < CHECK_N; i++)
        s->enough &= !s->items[i].needed || s->items[i].done;
    return ERR_OK;
}

static bool guards(const approval_policy *p, const char *what, str to)
{
    bool alias = !strcmp(what, "alias");
    if (!p->n_aliases && !p->n_stages) return str_is(to, alias ? "champion" : "Production");
    const str *v = alias ? p->aliases : p->stages;
    size_t n = alias ? p->n_aliases : p->n_stages;
    for (size_t i = 0; i < n; i++)
        if (alias ? str_eq(v[i], to) : str_eq_nocase(v[i], to)) return true;
    return false;
}

err policy_allows(change *c, const version_row *v, int64_t version, const char *what, str to)
{
    approval_policy p;
    approval_state s;
    str text;
    TRY(policy_of(c->tx, c->a, v->model, &p, &text));
    if (!text.n || !guards(&p, what, to)) return ERR_OK;
    TRY(state_of(c->tx, c->a, v, &p, &s));
    if (s.enough) return ERR_OK;
    str missing = STR("");
    for (unsigned i = 0; i < CHECK_N; i++)
        if (s.items[i].needed && !s.items[i].done)
            missing = str_fmt(c->a, "%.*s%s%s", STR_ARG(missing),
                              missing.n ? ", " : "; the checklist lacks ", item_names[i]);
    return err_set(ERR_DENIED,
                   "%s %.*s of %.*s: version %lld has %lld of %lld approvals of others than its "
                   "maker%.*s",
                   what, STR_ARG(to), STR_ARG(v->name), (long long)version, (long long)s.given,
                   (long long)s.needed, STR_ARG(missing));
}

typedef struct approval_call {
    arena *a;
    version_ref of;
    check_item item;
    bool yes;
    approval_state *ret;
} approval_call;

static err state_get_tx(db_tx *tx, void *arg)
{
    const approval_call *q = arg;
    version_row v;
    approval_policy p;
    str text;
    TRY(version_row_get(tx, q->a, q->of, &v));
    TRY(policy_of(tx, q->a, v.model, &p, &text));
    return state_of(tx, q->a, &v, &p, q->ret);
}

err approval_state_get(db *d, arena *a, version_ref of, approval_state *ret)
{
    assert(d && a && ret);
    approval_state s = {0};
    approval_call q = {.a = a, .of = of, .ret = &s};
    TRY(db_read(d, state_get_tx, &q));
    *ret = s;
    return ERR_OK;
}

/* --- saying yes */
static err approval_tx(change *c, void *arg)
{
    const approval_call *q = arg;
    version_row v;
    int64_t changed = 0;
    TRY(version_row_get(c->tx, c->a, q->of, &v));
    if (q->yes && str_eq(v.user, c->by->user))
        return err_set(ERR_DENIED,
                       "approval of %.*s version %lld: %.*s made it; somebody else must approve",
                       STR_ARG(q->of.name), (long long)q->of.version, STR_ARG(v.user));
    db_val id = db_int(v.id), user = db_text(c->by->user);
    if (q->yes)
        TRY(tx_exec(c->tx,
                    "INSERT INTO version_approval (version, user_id, at_ms, note)"
                    " VALUES (?, ?, ?, ?) ON CONFLICT (version, user_id) DO NOTHING",
                    DB_ARGS(id, user, db_int(c->at_ms), db_text(c->by->reason)), &changed));
    else
        TRY(tx_exec(c->tx, "DELETE FROM version_approval WHERE version = ? AND user_id = ?",
                    DB_ARGS(id, user), &changed));
    if (!changed) return ERR_OK;
    return change_log(c, &(log_item){.kind = "approval",
                                     .row = v.model,
                                     .model = v.name,
                                     .version = q->of.version,
                                     .subject = c->by->user,
                                     .was = q->yes ? STR("") : STR("yes"),
                                     .became = q->yes ? STR("yes") : STR("")});
}

static err approval_change(db *d, version_ref of, bool yes, const change_by *by)
{
    if (!by->user.n)
        return err_set(ERR_DENIED, "approval of %.*s version %lld: who approves? A name is needed",
                       STR_ARG(of.name), (long long)of.version);
    AUTO(arena) a = arena_new(0);
    approval_call q = {.of = of, .yes = yes};
    return change_run(d, a, by, approval_tx, &q);
}

err approval_give(db *d, version_ref of, const change_by *by)
{
    assert(d && by);
    return approval_change(d, of, true, by);
}

err approval_withdraw(db *d, version_ref of, const change_by *by)
{
    assert(d && by);
    return approval_change(d, of, false, by);
}

/* --- the checklist */
static err tick_tx(change *c, void *arg)
{
    const approval_call *q = arg;
    version_row v;
    int64_t changed = 0;
    str item = str_of(item_names[q->item]);
    TRY(version_row_get(c->tx, c->a, q->of, &v));
    TRY(tx_exec(c->tx,
                "INSERT INTO version_check (version, item, user_id, at_ms, evidence)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT (version, item) DO NOTHING",
                DB_ARGS(db_int(v.id), db_text(item), db_text(c->by->user), db_int(c->at_ms),
                        db_text(c->by->reason)),
                &changed));
    if (!changed) return ERR_OK;
    return change_log(c, &(log_item){.kind = "approval",
                                     .row = v.model,
                                     .model = v.name,
                                     .version = q->of.version,
                                     .subject = item,
                                     .became = STR("done")});
}

err approval_tick(db *d, version_ref of, check_item i, const change_by *by)
{
    assert(d && by && i < CHECK_N);
    if (!by->user.n && !by->reason.n)
        return err_set(ERR_DENIED, "%s of %.*s version %lld: a name or evidence is needed",
                       item_names[i], STR_ARG(of.name), (long long)of.version);
    AUTO(arena) a = arena_new(0);
    approval_call q = {.of = of, .item = i};
    return change_run(d, a, by, tick_tx, &q);
}

/* --- evidence */
static err tick_found(db *d, version_ref of, check_item i, str evidence, int64_t now_ms)
{
    return approval_tick(d, of, i, &(change_by){.reason = evidence, .now_ms = now_ms});
}

static err collect_package(db *d, blobs *b, arena *a, version_ref of, str root, int64_t now_ms)
{
    str text;
    package p;
    artifact *files;
    size_t n;
    TRY(artifact_list(d, a, root, STR(""), &files, &n));
    for (size_t i = 0; i < n; i++)
        if (str_is(files[i].path, "requirements.txt") || str_is(files[i].path, "conda.yaml"))
            TRY(tick_found(d, of, CHECK_DEPENDENCIES_DOCUMENTED, files[i].path, now_ms));
    err e = artifact_get(d, b, a, root, STR("MLmodel"), 1 << 20, &text);
    if (!e) e = package_parse(a, text, &p);
    if (e) return e == ERR_IO ? e : ERR_OK; /* no package that we read: no evidence */
    if (p.sig.inputs.n)
        TRY(tick_found(d, of, CHECK_INPUT_SCHEMA_DOCUMENTED,
                       str_fmt(a, "MLmodel: %zu inputs", p.sig.inputs.n), now_ms));
    if (p.sig.outputs.n)
        TRY(tick_found(d, of, CHECK_OUTPUT_FORMAT_DEFINED,
                       str_fmt(a, "MLmodel: %zu outputs", p.sig.outputs.n), now_ms));
    return ERR_OK;
}

static err collect_rollback(db *d, arena *a, version_ref of, int64_t now_ms)
{
    db_rows r = {0};
    TRY(db_rows_of(d, a,
                   "SELECT MAX(v.version) FROM model_version v JOIN registered_model m"
                   " ON m.id = v.model JOIN registry_log l ON l.model_row = m.id"
                   " AND l.version = v.version WHERE m.name = ? AND v.version < ?"
                   " AND ((l.kind = 'alias' AND l.became <> '')"
                   " OR (l.kind = 'stage' AND l.became = 'Production'))",
                   DB_ARGS(db_text(of.name), db_int(of.version)), &r));
    int64_t version = db_cell_i(&r, 0, 0);
    if (!version) return ERR_OK;
    return tick_found(d, of, CHECK_ROLLBACK_PLAN_READY,
                      str_fmt(a, "version %lld was live before", (long long)version), now_ms);
}

err approval_collect(db *d, blobs *b, version_ref of, int64_t now_ms)
{
    assert(d && b);
    AUTO(arena) a = arena_new(0);
    model_version v;
    TRY(registry_version_get(d, a, of.name, of.version, &v));
    for (size_t i = 0; i < v.n_tags; i++)
        if (str_is(v.tags[i].key, "validation.passed") && str_is(v.tags[i].value, "true"))
            TRY(tick_found(d, of, CHECK_PERFORMANCE_VALIDATED, STR("tag validation.passed"),
                           now_ms));
    TRY(collect_rollback(d, a, of, now_ms));
    if (!v.model_id.n) return ERR_OK;
    return collect_package(d, b, a, of, str_fmt(a, "models/%.*s", STR_ARG(v.model_id)), now_ms);
}
