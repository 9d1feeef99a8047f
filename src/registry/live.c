#include "registry/registry_int.h"

#include <assert.h>
#include <stdlib.h>

#include "base/map.h"

/* The log read again up to some entry gives what stood then. */
typedef struct live_slot {
    live_item item;
    int64_t row;
    bool there;
} live_slot;

typedef struct live_state {
    arena *a;
    map *slots; /* "<kind> <row> <version, of stages> <subject>" */
    map *names; /* row to str * */
} live_state;

static str row_key(arena *a, int64_t row)
{
    return str_fmt(a, "%lld", (long long)row);
}

static live_slot *slot_of(live_state *s, const char *kind, int64_t row, int64_t version,
                          str subject)
{
    bool stage = !strcmp(kind, "stage");
    str key = str_fmt(s->a, "%s %lld %lld %.*s", kind, (long long)row,
                      stage ? (long long)version : 0LL, STR_ARG(stage ? STR("") : subject));
    live_slot *slot = map_find(s->slots, key);
    if (slot) return slot;
    slot = arena_new_of(s->a, live_slot);
    slot->row = row;
    slot->item.kind = str_of(kind);
    map_put(s->slots, key, slot);
    return slot;
}

static void model_gone(live_state *s, int64_t row)
{
    for (size_t i = 0; i < map_count(s->slots); i++) {
        live_slot *slot = map_at(s->slots, i)->value;
        if (slot->row == row) slot->there = false;
    }
}

typedef struct live_entry {
    str kind, model, subject, was, became, user;
    int64_t at_ms, row, version;
} live_entry;

static void replay_model(live_state *s, const live_entry *e)
{
    if (!str_is(e->subject, "name")) return;
    if (!e->became.n) model_gone(s, e->row);
    str *name = arena_new_of(s->a, str);
    *name = e->became;
    map_put(s->names, row_key(s->a, e->row), name);
}

static void replay(live_state *s, const live_entry *e)
{
    if (str_is(e->kind, "model")) {
        replay_model(s, e);
        return;
    }
    const char *kind = str_is(e->kind, "alias")   ? "alias"
                       : str_is(e->kind, "stage") ? "stage"
                                                  : "endpoint";
    bool stage = !strcmp(kind, "stage"), endpoint = !strcmp(kind, "endpoint");
    live_slot *slot = slot_of(s, kind, e->row, e->version, e->subject);
    slot->there = stage ? !str_is(e->became, "None") : e->became.n > 0;
    slot->item.subject = stage ? e->became : e->subject;
    slot->item.version = endpoint ? 0 : e->version;
    slot->item.state = endpoint ? e->became : STR("");
    slot->item.since_ms = e->at_ms;
    slot->item.user = e->user;
}

/* All that happened up to entry seq. Owner: a. */
static err replay_to(db_tx *tx, arena *a, int64_t seq, live_state *ret)
{
    live_state s = {a, map_new(a), map_new(a)};
    db_rows r = {0};
    TRY(tx_rows(tx, a,
                "SELECT kind, model, subject, was, became, user_id, at_ms, model_row, version"
                " FROM registry_log WHERE seq <= ? AND (kind IN ('alias', 'stage', 'endpoint')"
                " OR (kind = 'model' AND subject = 'name')) ORDER BY seq",
                DB_ARGS(db_int(seq)), &r));
    for (size_t i = 0; i < r.n; i++)
        replay(&s, &(live_entry){db_cell_s(&r, i, 0), db_cell_s(&r, i, 1), db_cell_s(&r, i, 2),
                                 db_cell_s(&r, i, 3), db_cell_s(&r, i, 4), db_cell_s(&r, i, 5),
                                 db_cell_i(&r, i, 6), db_cell_i(&r, i, 7), db_cell_i(&r, i, 8)});
    *ret = s;
    return ERR_OK;
}

static err seq_at(db_tx *tx, arena *a, int64_t at_ms, int64_t *ret)
{
    db_rows r = {0};
    TRY(tx_rows(tx, a, "SELECT MAX(seq) FROM registry_log WHERE at_ms <= ?", DB_ARGS(db_int(at_ms)),
                &r));
    *ret = db_cell_i(&r, 0, 0);
    return ERR_OK;
}

static int item_order(const void *x, const void *y)
{
    const live_item *a = x, *b = y;
    int c = str_cmp(a->kind, b->kind);
    if (!c) c = str_cmp(a->model, b->model);
    if (!c) c = str_cmp(a->subject, b->subject);
    return c ? c : (a->version > b->version) - (a->version < b->version);
}

static str name_of_row(const live_state *s, int64_t row)
{
    const str *name = map_find(s->names, row_key(s->a, row));
    return name ? *name : STR("");
}

/* What is there, of model row only or, with row 0, of all. Models are called as in names, which is
 * a later state or s itself; one that is gone there as it was here. */
static void items_of(const live_state *s, const live_state *names, int64_t row, live_item **ret,
                     size_t *ret_n)
{
    live_item *v = arena_array(s->a, live_item, map_count(s->slots) + 1);
    size_t n = 0;
    for (size_t i = 0; i < map_count(s->slots); i++) {
        const live_slot *slot = map_at(s->slots, i)->value;
        if (!slot->there || (row && slot->row != row)) continue;
        v[n] = slot->item;
        str later = name_of_row(names, slot->row);
        v[n++].model = later.n ? later : name_of_row(s, slot->row);
    }
    if (n) qsort(v, n, sizeof *v, item_order);
    *ret = v;
    *ret_n = n;
}

/* The row of a model that has the name now, or had it then. */
static err row_of_name(db_tx *tx, arena *a, str name, const live_state *s, int64_t *ret)
{
    err e = model_row(tx, a, name, ret);
    if (e != ERR_MISSING) return e;
    for (size_t i = 0; i < map_count(s->names); i++) {
        const map_entry *m = map_at(s->names, i);
        if (str_eq(*(const str *)m->value, name)) return parse_i64(m->key, ret);
    }
    return model_missing(name);
}

/* --- what was live, and what changed */
typedef struct live_call {
    arena *a;
    str name;
    int64_t from_ms, to_ms;
    bool diff;
    live_item *v, *to;
    size_t n, n_to;
} live_call;

static err state_at(db_tx *tx, const live_call *c, int64_t at_ms, live_state *ret)
{
    int64_t seq = 0;
    TRY(seq_at(tx, c->a, at_ms, &seq));
    return replay_to(tx, c->a, seq, ret);
}

static err live_tx(db_tx *tx, void *arg)
{
    live_call *c = arg;
    int64_t row = 0;
    live_state from, to;
    TRY(state_at(tx, c, c->from_ms, &from));
    to = from;
    if (c->diff) TRY(state_at(tx, c, c->to_ms, &to));
    if (c->name.n) TRY(row_of_name(tx, c->a, c->name, &to, &row));
    items_of(&from, &to, row, &c->v, &c->n);
    if (c->diff) items_of(&to, &to, row, &c->to, &c->n_to);
    return ERR_OK;
}

err audit_live(db *d, arena *a, str name, int64_t at_ms, live_item **ret, size_t *ret_n)
{
    assert(d && a && ret && ret_n);
    live_call c = {.a = a, .name = name, .from_ms = at_ms};
    TRY(db_read(d, live_tx, &c));
    *ret = c.v;
    *ret_n = c.n;
    return ERR_OK;
}

static str item_state(arena *a, const live_item *i)
{
    if (str_is(i->kind, "endpoint")) return i->state;
    return str_is(i->kind, "stage") ? i->subject : str_fmt(a, "%lld", (long long)i->version);
}

/* What is compared: an alias by its name, a stage by its version. */
static str item_subject(arena *a, const live_item *i)
{
    return str_is(i->kind, "stage") ? str_fmt(a, "%lld", (long long)i->version) : i->subject;
}

static int change_order(const void *x, const void *y)
{
    const live_change *a = x, *b = y;
    int c = str_cmp(a->kind, b->kind);
    if (!c) c = str_cmp(a->model, b->model);
    return c ? c : str_cmp(a->subject, b->subject);
}

static live_change *change_of(arena *a, map *m, const live_item *i)
{
    str subject = item_subject(a, i);
    str key = str_fmt(a, "%.*s:%.*s:%.*s", STR_ARG(i->kind), STR_ARG(i->model), STR_ARG(subject));
    live_change *c = map_find(m, key);
    if (c) return c;
    c = arena_new_of(a, live_change);
    *c = (live_change){i->kind, i->model, subject, STR(""), STR("")};
    map_put(m, key, c);
    return c;
}

static void items_diff(arena *a, const live_call *c, live_change **ret, size_t *ret_n)
{
    map *m = map_new(a);
    for (size_t i = 0; i < c->n; i++)
        change_of(a, m, &c->v[i])->before = item_state(a, &c->v[i]);
    for (size_t i = 0; i < c->n_to; i++)
        change_of(a, m, &c->to[i])->after = item_state(a, &c->to[i]);
    live_change *v = arena_array(a, live_change, map_count(m) + 1);
    size_t n = 0;
    for (size_t i = 0; i < map_count(m); i++) {
        const live_change *x = map_at(m, i)->value;
        if (!str_eq(x->before, x->after)) v[n++] = *x;
    }
    if (n) qsort(v, n, sizeof *v, change_order);
    *ret = v;
    *ret_n = n;
}

err audit_diff(db *d, arena *a, str name, int64_t from_ms, int64_t to_ms, live_change **ret,
               size_t *ret_n)
{
    assert(d && a && ret && ret_n);
    live_call c = {.a = a, .name = name, .from_ms = from_ms, .to_ms = to_ms, .diff = true};
    TRY(db_read(d, live_tx, &c));
    items_diff(a, &c, ret, ret_n);
    return ERR_OK;
}

/* --- putting it back */
typedef struct rollback_call {
    str name;
    int64_t at_ms, row;
    live_call states;
} rollback_call;

/* Before the last move; a move that was itself a rollback leads on to where that went. */
static err seq_before_last_move(change *c, const rollback_call *q, int64_t *ret)
{
    int64_t limit = INT64_MAX;
    for (;;) {
        db_rows r = {0};
        TRY(tx_rows(c->tx, c->a,
                    "SELECT batch, (SELECT MAX(x.became) FROM registry_log x WHERE"
                    " x.batch = l.batch AND x.kind = 'rollback') FROM registry_log l"
                    " WHERE l.model_row = ? AND l.kind IN ('alias', 'stage') AND l.seq <= ?"
                    " ORDER BY l.seq DESC LIMIT 1",
                    DB_ARGS(db_int(q->row), db_int(limit)), &r));
        if (!r.n)
            return err_set(ERR_MISSING,
                           "%.*s: no alias and no stage was ever moved before: nothing to go back "
                           "to",
                           STR_ARG(q->name));
        *ret = db_cell_i(&r, 0, 0) - 1;
        if (db_at(&r, 0, 1)->type == DB_NULL) return ERR_OK;
        TRY(parse_i64(db_cell_s(&r, 0, 1), &limit));
    }
}

static err need_version(change *c, const rollback_call *q, int64_t version, version_row *ret)
{
    err e = version_row_get(c->tx, c->a, (version_ref){q->name, version}, ret);
    if (e != ERR_MISSING) return e;
    return err_set(ERR_CONFLICT,
                   "%.*s cannot go back: version %lld, which was live then, is deleted; nothing "
                   "was changed",
                   STR_ARG(q->name), (long long)version);
}

static err put_back(change *c, const rollback_call *q, const live_change *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t version = 0;
        version_row row = {0};
        bool alias = str_is(v[i].kind, "alias");
        str number = alias ? v[i].after : v[i].subject;
        if (number.n) TRY(parse_i64(number, &version));
        if (version) TRY(need_version(c, q, version, &row));
        if (alias)
            TRY(alias_put(c, q->row, q->name, v[i].subject, version));
        else
            TRY(stage_put(c, &row, version, v[i].after.n ? v[i].after : STR("None")));
    }
    return ERR_OK;
}

static err rollback_tx(change *c, void *arg)
{
    rollback_call *q = arg;
    live_call *s = &q->states;
    live_state was, now;
    live_change *v;
    int64_t seq = 0;
    size_t n;
    s->a = c->a;
    TRY(model_row(c->tx, c->a, q->name, &q->row));
    if (q->at_ms)
        TRY(seq_at(c->tx, c->a, q->at_ms, &seq));
    else
        TRY(seq_before_last_move(c, q, &seq));
    TRY(replay_to(c->tx, c->a, c->seq, &now));
    TRY(replay_to(c->tx, c->a, seq, &was));
    items_of(&now, &now, q->row, &s->v, &s->n);
    items_of(&was, &now, q->row, &s->to, &s->n_to);
    items_diff(c->a, s, &v, &n);
    if (!n) return ERR_OK;
    TRY(change_log(c, &(log_item){.kind = "rollback",
                                  .row = q->row,
                                  .model = q->name,
                                  .became = str_fmt(c->a, "%lld", (long long)seq)}));
    return put_back(c, q, v, n);
}

err audit_rollback(db *d, arena *a, str name, int64_t at_ms, const change_by *by, live_change **ret,
                   size_t *ret_n)
{
    assert(d && a && by && ret && ret_n);
    rollback_call q = {.name = name, .at_ms = at_ms};
    TRY(change_run(d, a, by, rollback_tx, &q));
    items_diff(a, &q.states, ret, ret_n);
    return ERR_OK;
}
