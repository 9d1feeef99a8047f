#include "db/db.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "db/db_int.h"

enum { NOTIFY_TOPIC_MAX = 64 };

err db_open(const char *url, db **ret)
{
    assert(url && ret);
    str scheme, where;
    const db_backend *backend = NULL;
    if (str_cut(str_of(url), ':', &scheme, &where)) backend = db_backend_find(scheme);
    if (!backend || !where.n)
        return err_set(ERR_INVALID,
                       "db: \"%s\": want \"sqlite:<path>\" or \"relay:<socket>?token=<token>\"",
                       url);
    void *self = NULL;
    TRY(backend->open(where.p, &self)); /* where ends with url, so it is NUL-terminated */
    db *d = mem_new(1, sizeof *d);
    *d = (db){.backend = backend, .self = self, .a = arena_new(0)};
    *ret = d;
    return ERR_OK;
}

void db_free(db *d)
{
    if (!d) return;
    d->backend->free(d->self);
    arena_free(d->a);
    mem_free(d);
}

err db_write(db *d, err (*fn)(db_tx *tx, void *arg), void *arg)
{
    assert(d && fn);
    return d->backend->write(d->self, fn, arg, DB_TOGETHER);
}

err db_read(db *d, err (*fn)(db_tx *tx, void *arg), void *arg)
{
    assert(d && fn);
    return d->backend->read(d->self, fn, arg);
}

err db_run_tx(db_tx *tx, db_fn fn, void *arg)
{
    err e = fn(tx, arg);
    if (!e && tx->failed)
        return err_set(tx->failed,
                       "db: a statement of this transaction failed (%s) and its error was dropped: "
                       "rolled back",
                       err_name(tx->failed));
    return e;
}

static err check_value(const db_val *v, size_t i, const char *sql)
{
    char words[SQL_WORDS_MAX];
    if (v->type != DB_TEXT && v->type != DB_BLOB) return ERR_OK;
    if (v->s.n > DB_VALUE_MAX)
        return err_set(ERR_LIMIT, "db: \"%s\": value %zu has %zu bytes, at most %d",
                       sql_words(sql, words), i + 1, v->s.n, DB_VALUE_MAX);
    if (v->type == DB_TEXT && (!str_utf8_ok(v->s) || (v->s.n && memchr(v->s.p, 0, v->s.n))))
        return err_set(ERR_INVALID, "db: \"%s\": value %zu is not UTF-8 text without NUL bytes",
                       sql_words(sql, words), i + 1);
    return ERR_OK;
}

static err check_statement(const db_tx *tx, const char *sql, const db_val *args, size_t n_args)
{
    char words[SQL_WORDS_MAX];
    if (tx->failed)
        return err_set(tx->failed,
                       "db: \"%s\": an earlier statement of this transaction failed (%s)",
                       sql_words(sql, words), err_name(tx->failed));
    size_t n = strnlen(sql, DB_SQL_MAX + 1);
    if (n > DB_SQL_MAX)
        return err_set(ERR_LIMIT, "db: \"%s\": the statement is longer than %d bytes",
                       sql_words(sql, words), DB_SQL_MAX);
    if (n_args > DB_ARGS_MAX)
        return err_set(ERR_LIMIT, "db: \"%s\": %zu values, at most %d", sql_words(sql, words),
                       n_args, DB_ARGS_MAX);
    for (size_t i = 0; i < n_args; i++)
        TRY(check_value(&args[i], i, sql));
    return ERR_OK;
}

/* A failure inside a write transaction sticks. */
static err tx_note(db_tx *tx, err e)
{
    if (e && tx->write && !tx->failed) tx->failed = e;
    return e;
}

err tx_exec(db_tx *tx, const char *sql, const db_val *args, size_t n_args, int64_t *ret_changed)
{
    assert(tx && sql && (args || !n_args));
    err e = check_statement(tx, sql, args, n_args);
    int64_t changed = 0;
    if (!e) e = tx->backend->exec(tx, sql, args, n_args, &changed);
    if (!e && ret_changed) *ret_changed = changed;
    return tx_note(tx, e);
}

err tx_rows(db_tx *tx, arena *a, const char *sql, const db_val *args, size_t n_args, db_rows *ret)
{
    assert(tx && a && sql && ret && (args || !n_args));
    err e = check_statement(tx, sql, args, n_args);
    db_rows rows = {0};
    if (!e) e = tx->backend->rows(tx, a, sql, args, n_args, &rows);
    if (!e) *ret = rows;
    return tx_note(tx, e);
}

err db_tx_script(db_tx *tx, const char *sql)
{
    return tx_note(tx, tx->backend->script(tx, sql));
}

typedef struct one_statement {
    arena *a;
    const char *sql;
    const db_val *args;
    size_t n_args;
    int64_t changed;
    db_rows rows;
} one_statement;

static err exec_one(db_tx *tx, void *arg)
{
    one_statement *s = arg;
    return tx_exec(tx, s->sql, s->args, s->n_args, &s->changed);
}

static err rows_one(db_tx *tx, void *arg)
{
    one_statement *s = arg;
    return tx_rows(tx, s->a, s->sql, s->args, s->n_args, &s->rows);
}

err db_exec(db *d, const char *sql, const db_val *args, size_t n_args, int64_t *ret_changed)
{
    one_statement s = {.sql = sql, .args = args, .n_args = n_args};
    TRY(db_write(d, exec_one, &s));
    if (ret_changed) *ret_changed = s.changed;
    return ERR_OK;
}

err db_rows_of(db *d, arena *a, const char *sql, const db_val *args, size_t n_args, db_rows *ret)
{
    assert(a && ret);
    one_statement s = {.a = a, .sql = sql, .args = args, .n_args = n_args};
    TRY(db_read(d, rows_one, &s));
    *ret = s.rows;
    return ERR_OK;
}

int64_t db_cell_i(const db_rows *r, size_t row, size_t col)
{
    assert(row < r->n && col < r->cols);
    const db_val *v = db_at(r, row, col);
    if (v->type == DB_INT) return v->i;
    if (v->type == DB_REAL && v->f >= -9.2e18 && v->f <= 9.2e18) return (int64_t)v->f;
    return 0;
}

double db_cell_f(const db_rows *r, size_t row, size_t col)
{
    assert(row < r->n && col < r->cols);
    const db_val *v = db_at(r, row, col);
    if (v->type == DB_REAL) return v->f;
    return v->type == DB_INT ? (double)v->i : (double)NAN;
}

str db_cell_s(const db_rows *r, size_t row, size_t col)
{
    assert(row < r->n && col < r->cols);
    const db_val *v = db_at(r, row, col);
    return v->type == DB_TEXT || v->type == DB_BLOB ? v->s : STR("");
}

err db_publish(db *d, const char *temp, const char *target)
{
    assert(d && temp && target);
    if (d->backend->publish) return d->backend->publish(d->self, temp, target);
    return publish_as(d, NULL, STR(""), temp, target);
}

void db_set_publish_root(db *d, const char *root)
{
    assert(d && root && root[0] == '/' && !d->publish_root);
    d->publish_root = str_c(d->a, str_of(root));
}

err db_notify(db *d, const char *topic)
{
    assert(d && topic);
    str t = str_of(topic);
    if (!t.n || t.n > NOTIFY_TOPIC_MAX)
        return err_set(ERR_INVALID, "db: topic of %zu bytes, want 1..%d", t.n, NOTIFY_TOPIC_MAX);
    if (d->backend->notify) return d->backend->notify(d->self, t);
    if (d->notified) d->notified(d->notified_ctx, t);
    return ERR_OK;
}

void db_on_notify(db *d, void (*fn)(void *ctx, str topic), void *ctx)
{
    assert(d && fn && !d->notified);
    d->notified_ctx = ctx;
    d->notified = fn;
}

void err_keep(err_kept *k, err e)
{
    k->e = e;
    k->text[0] = '\0';
    if (e) snprintf(k->text, sizeof k->text, "%s", err_message());
}

err err_again(const err_kept *k)
{
    return k->e ? err_set(k->e, "%s", k->text) : ERR_OK;
}

const char *sql_words(const char *sql, char ret[SQL_WORDS_MAX])
{
    enum { ROOM = SQL_WORDS_MAX - 4 };
    size_t n = 0;
    bool gap = true; /* the last byte was white space */
    for (; *sql && n < ROOM; sql++) {
        bool space = isspace((unsigned char)*sql);
        if (!space || !gap) ret[n++] = space ? ' ' : *sql;
        gap = space;
    }
    while (n && ret[n - 1] == ' ')
        n--;
    if (!*sql) {
        ret[n] = '\0';
        return ret;
    }
    /* Cut at a word, or at least not inside a UTF-8 sequence. */
    size_t cut = n;
    while (cut > ROOM / 2 && ret[cut - 1] != ' ')
        cut--;
    if (cut > ROOM / 2) n = cut;
    while (n && ((unsigned char)ret[n - 1] & 0x80))
        n--;
    memcpy(ret + n, "...", 4);
    return ret;
}
