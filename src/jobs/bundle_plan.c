#include <assert.h>

#include "jobs/bundle_int.h"
#include "jobs/cron.h"
#include "jobs/jobs_int.h"

/* What differs between a bundle and what was applied: entry by entry of the two snapshots. */

enum { DETAILS_MAX = 3, DETAIL_SIZE = 2048, VALUE_SHOWN = 60, CHANGES_FIRST = 16 };

typedef struct plan {
    arena *a;
    bundle_change *v;
    size_t n, cap;
} plan;

static void add_change(plan *p, bundle_change c)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : CHANGES_FIRST;
        bundle_change *v = arena_array(p->a, bundle_change, cap);
        if (p->n) memcpy(v, p->v, p->n * sizeof *v);
        p->v = v;
        p->cap = cap;
    }
    p->v[p->n++] = c;
}

/* --- differences of two trees, in words */

typedef struct differ {
    arena *a;
    buf words;
    size_t n;
} differ;

static str show(arena *a, const yaml *y)
{
    if (!y) return STR("nothing");
    buf b;
    jw w;
    buf_init(&b, BUNDLE_SNAPSHOT_MAX);
    jw_init(&w, &b, false);
    bundle_tree_json(&w, y);
    str s = buf_str(&b);
    s = s.n > VALUE_SHOWN ? str_fmt(a, "%.*s…", VALUE_SHOWN, s.p) : str_dup(a, s);
    buf_done(&b);
    return s;
}

static void say(differ *d, const char *path, const yaml *from, const yaml *to)
{
    if (d->n++ >= DETAILS_MAX) return;
    buf_fmt(&d->words, "%s%s: %.*s -> %.*s", d->n > 1 ? "; " : "", path, STR_ARG(show(d->a, from)),
            STR_ARG(show(d->a, to)));
}

static const char *below(arena *a, const char *path, str key)
{
    return path[0] ? cstr_fmt(a, "%s.%.*s", path, STR_ARG(key)) : str_c(a, key);
}

static bool same_scalar(const yaml *x, const yaml *y)
{
    return x->kind == y->kind && str_eq(x->text, y->text);
}

static void diff(differ *d, const char *path, const yaml *from, const yaml *to);

static void diff_maps(differ *d, const char *path, const yaml *from, const yaml *to)
{
    for (size_t i = 0; i < from->n; i++)
        diff(d, below(d->a, path, from->pairs[i].key), from->pairs[i].value,
             yaml_find(to, str_c(d->a, from->pairs[i].key)));
    for (size_t i = 0; i < to->n; i++)
        if (!yaml_find(from, str_c(d->a, to->pairs[i].key)))
            say(d, below(d->a, path, to->pairs[i].key), NULL, to->pairs[i].value);
    /* The same keys in another order are another thing: columns are the model's inputs in their
     * order. */
    bool moved = false;
    for (size_t i = 0; !d->n && i < from->n && i < to->n; i++)
        moved |= !str_eq(from->pairs[i].key, to->pairs[i].key);
    if (moved) say(d, below(d->a, path, STR("order")), from, to);
}

static void diff(differ *d, const char *path, const yaml *from, const yaml *to)
{
    if (!from || !to || from->kind != to->kind) {
        if (from != to) say(d, path, from, to);
    } else if (from->kind == YAML_MAP) {
        diff_maps(d, path, from, to);
    } else if (from->kind == YAML_SEQ) {
        for (size_t i = 0; i < from->n || i < to->n; i++)
            diff(d, cstr_fmt(d->a, "%s[%zu]", path, i), i < from->n ? from->items[i] : NULL,
                 i < to->n ? to->items[i] : NULL);
    } else if (!same_scalar(from, to)) {
        say(d, path, from, to);
    }
}

/* "" when the trees are equal. */
static str differences(arena *a, const yaml *from, const yaml *to)
{
    differ d = {.a = a};
    buf_init(&d.words, DETAIL_SIZE);
    diff(&d, "", from, to);
    if (d.n > DETAILS_MAX) buf_fmt(&d.words, "; and %zu more", d.n - DETAILS_MAX);
    str s = str_dup(a, buf_str(&d.words));
    buf_done(&d.words);
    return s;
}

/* --- sections */

static const yaml *entry_of(plan *p, const yaml *section, str name)
{
    return yaml_find(section, str_c(p->a, name));
}

static void plan_section(plan *p, const char *type, const yaml *from, const yaml *to)
{
    for (size_t i = 0; to && i < to->n; i++) {
        str name = to->pairs[i].key;
        const yaml *old = from ? entry_of(p, from, name) : NULL;
        str words = old ? differences(p->a, old, to->pairs[i].value) : STR("");
        add_change(p, (bundle_change){!old      ? CHANGE_CREATE
                                      : words.n ? CHANGE_UPDATE
                                                : CHANGE_NONE,
                                      str_of(type), name, words});
    }
    for (size_t i = 0; from && i < from->n; i++)
        if (!to || !entry_of(p, to, from->pairs[i].key))
            add_change(p,
                       (bundle_change){CHANGE_DELETE, str_of(type), from->pairs[i].key, STR("")});
}

static void plan_itself(plan *p, const yaml *from, const yaml *to, str name)
{
    const char *const keys[] = {"tidemill", "bundle"};
    buf words;
    buf_init(&words, DETAIL_SIZE);
    for (size_t i = 0; from && i < countof(keys); i++) {
        str s = differences(p->a, yaml_find(from, keys[i]), yaml_find(to, keys[i]));
        if (s.n) buf_fmt(&words, "%s%.*s", words.n ? "; " : "", STR_ARG(s));
    }
    change_kind kind = !from ? CHANGE_CREATE : words.n ? CHANGE_UPDATE : CHANGE_NONE;
    add_change(p, (bundle_change){kind, STR("bundle"), name, str_dup(p->a, buf_str(&words))});
    buf_done(&words);
}

static err plan_against(plan *p, const bundle *b, const yaml *from)
{
    yaml *to;
    TRY(yaml_parse(p->a, b->snapshot, "snapshot", &to));
    plan_itself(p, from, to, b->name);
    for (size_t i = 0; i < bundle_root_keys.n; i++) {
        const key_def *k = &bundle_root_keys.keys[i];
        if (k->type != KEY_SECTION) continue;
        plan_section(p, k->of->what, from ? yaml_find(from, k->name) : NULL,
                     yaml_find(to, k->name));
    }
    return ERR_OK;
}

static err plan_tx(db_tx *tx, plan *p, const bundle *b)
{
    db_rows r;
    yaml *from = NULL;
    TRY(tx_rows(
        tx, p->a,
        "SELECT json FROM bundle JOIN bundle_snapshot ON sha256 = snapshot_sha WHERE name = ?"
        " AND target = ?",
        DB_ARGS(db_text(b->name), db_text(b->target)), &r));
    if (r.n) TRY(yaml_parse(p->a, db_cell_s(&r, 0, 0), "applied", &from));
    return plan_against(p, b, from);
}

typedef struct planning {
    plan p;
    const bundle *b;
    int64_t now_ms;
    str sha;
} planning;

static err plan_read(db_tx *tx, void *arg)
{
    planning *x = arg;
    return plan_tx(tx, &x->p, x->b);
}

err bundle_plan(db *d, arena *a, const bundle *b, bundle_change **ret, size_t *ret_n)
{
    assert(a && b && ret && ret_n);
    planning x = {.p = {.a = a}, .b = b};
    TRY(d ? db_read(d, plan_read, &x) : plan_against(&x.p, b, NULL));
    *ret = x.p.v;
    *ret_n = x.p.n;
    return ERR_OK;
}

/* --- applying */

/* When a job fires next: as before where its schedule is as before, so that applying again moves
 * nothing. */
static err next_fire(db_tx *tx, const planning *x, const bundle_job *job, int64_t *ret)
{
    db_rows r;
    cron *c;
    *ret = 0;
    if (!job->cron.n || job->paused) return ERR_OK;
    TRY(tx_rows(
        tx, x->p.a,
        "SELECT next_fire_ms FROM job WHERE bundle = ? AND target = ? AND name = ? AND cron = ?"
        " AND timezone = ? AND paused = 0 AND next_fire_ms > 0",
        DB_ARGS(db_text(x->b->name), db_text(x->b->target), db_text(job->name), db_text(job->cron),
                db_text(job->timezone)),
        &r));
    if (r.n) {
        *ret = db_cell_i(&r, 0, 0);
        return ERR_OK;
    }
    TRY(cron_parse(x->p.a, job->cron, job->timezone, &c));
    err e = cron_next(c, x->now_ms, ret);
    return e == ERR_MISSING ? ERR_OK : e; /* a year that has passed: it never fires */
}

static err apply_job(db_tx *tx, const planning *x, const bundle_job *job, int64_t position)
{
    int64_t next;
    TRY(next_fire(tx, x, job, &next));
    return tx_exec(
        tx,
        "INSERT INTO job (bundle, target, name, position, cron, timezone, paused, max_concurrent,"
        " task_keys, snapshot_sha, next_fire_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (bundle, target, name) DO UPDATE SET position = excluded.position,"
        " cron = excluded.cron, timezone = excluded.timezone, paused = excluded.paused,"
        " max_concurrent = excluded.max_concurrent, task_keys = excluded.task_keys,"
        " snapshot_sha = excluded.snapshot_sha, next_fire_ms = excluded.next_fire_ms",
        DB_ARGS(db_text(x->b->name), db_text(x->b->target), db_text(job->name), db_int(position),
                db_text(job->cron), db_text(job->timezone), db_int(job->paused),
                db_int(job->max_concurrent_runs), db_text(journal_task_keys(x->p.a, job, STR(""))),
                db_text(x->sha), db_int(next)),
        NULL);
}

static err apply_tx(db_tx *tx, void *arg)
{
    planning *x = arg;
    const bundle *b = x->b;
    bool changed = false;
    x->p.n = 0;
    TRY(plan_tx(tx, &x->p, b));
    for (size_t i = 0; i < x->p.n; i++)
        changed |= x->p.v[i].kind != CHANGE_NONE;
    if (!changed) return ERR_OK;
    TRY(journal_keep(tx, x->sha, b->snapshot));
    TRY(tx_exec(tx,
                "INSERT INTO bundle (name, target, snapshot_sha, applied_ms) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (name, target) DO UPDATE SET snapshot_sha = excluded.snapshot_sha,"
                " applied_ms = excluded.applied_ms",
                DB_ARGS(db_text(b->name), db_text(b->target), db_text(x->sha), db_int(x->now_ms)),
                NULL));
    for (size_t i = 0; i < b->n_jobs; i++)
        TRY(apply_job(tx, x, &b->jobs[i], (int64_t)i));
    for (size_t i = 0; i < x->p.n; i++) {
        const bundle_change *c = &x->p.v[i];
        if (c->kind != CHANGE_DELETE || !str_is(c->type, "job")) continue;
        TRY(tx_exec(tx, "DELETE FROM job WHERE bundle = ? AND target = ? AND name = ?",
                    DB_ARGS(db_text(b->name), db_text(b->target), db_text(c->name)), NULL));
    }
    return ERR_OK;
}

err bundle_apply(db *d, arena *a, const bundle *b, int64_t now_ms, bundle_change **ret,
                 size_t *ret_n)
{
    assert(d && a && b && ret && ret_n);
    planning x = {.p = {.a = a}, .b = b, .now_ms = now_ms, .sha = journal_sha(a, b->snapshot)};
    TRY(db_write(d, apply_tx, &x));
    *ret = x.p.v;
    *ret_n = x.p.n;
    return db_notify(d, "jobs");
}
