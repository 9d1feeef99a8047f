/* One connection to SQLite; the door to sqlite3.h. */
#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "db/sqlite_int.h"

enum {
    CACHE_N = 128, /* prepared statements kept by a connection */
    BUSY_MS =
        5000, /* wait for another process's lock on the file (a checkpoint, a person's sqlite3) */
    PROGRESS_STEPS = 10000,  /* virtual machine steps between two looks at the deadline */
    WAL_SIZE_MAX = 64 << 20, /* the log file is cut back to this after a checkpoint */
    CACHE_KIB = 8192,
};

typedef struct cached {
    uint64_t hash, used;
    char *sql;
    sqlite3_stmt *stmt;
} cached;

struct sq_conn {
    sqlite3 *db;
    char *path;
    int64_t deadline_us; /* of the running statement; 0: none */
    bool internal; /* our own transaction control is running: not for the authorizer to refuse */
    uint64_t tick;
    sqlite3_stmt *verbs[SQ_VERB_N];
    cached cache[CACHE_N];
};

static const char *const verb_sql[SQ_VERB_N] = {
    [SQ_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [SQ_BEGIN_READ] = "BEGIN",
    [SQ_COMMIT] = "COMMIT",
    [SQ_ROLLBACK] = "ROLLBACK",
    [SQ_SAVE] = "SAVEPOINT one",
    [SQ_SAVE_KEEP] = "RELEASE one",
    [SQ_SAVE_UNDO] = "ROLLBACK TO one",
};

/* --- errors --- */

static err constraint_kind(int extended)
{
    switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
    case SQLITE_CONSTRAINT_FOREIGNKEY:
    case SQLITE_CONSTRAINT_TRIGGER:
        return ERR_CONFLICT;
    default:
        return ERR_INVALID; /* CHECK, NOT NULL, DATATYPE */
    }
}

static err system_kind(const sq_conn *c)
{
    int no = sqlite3_system_errno(c->db);
    if (no == ENOENT) return ERR_MISSING;
    return no == EACCES || no == EPERM || no == EROFS ? ERR_DENIED : ERR_IO;
}

/* no_space: SQLite says SQLITE_FULL for a write, but an I/O error for the log's index. */
static bool no_space(const sq_conn *c, int rc)
{
    if ((rc & 0xff) == SQLITE_FULL) return true;
    int no = sqlite3_system_errno(c->db);
    return (rc & 0xff) == SQLITE_IOERR && (no == ENOSPC || no == EDQUOT);
}

/* sq_fail turns the connection's last error into ours; what is a statement or what was done. */
static err sq_fail(sq_conn *c, int rc, const char *what)
{
    char words[SQL_WORDS_MAX];
    what = sql_words(what, words);
    int extended = sqlite3_extended_errcode(c->db);
    if ((extended & 0xff) != (rc & 0xff)) extended = rc;
    const char *why = sqlite3_errmsg(c->db);
    if (no_space(c, rc))
        return err_set(
            ERR_IO, "db: \"%s\": no space left on the disk that holds %s: free some and try again",
            what, c->path);
    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
        return err_set(constraint_kind(extended), "db: \"%s\": %s", what, why);
    case SQLITE_NOTADB:
        return err_set(ERR_FORMAT,
                       "db: %s is not a SQLite database, or is damaged: restore it from a copy",
                       c->path);
    case SQLITE_CORRUPT:
        return err_set(ERR_FORMAT, "db: \"%s\": %s is damaged (%s): restore it from a copy", what,
                       c->path, why);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(
            ERR_BUSY, "db: \"%s\": %s is locked by another program (%s): try again when it is done",
            what, c->path, why);
    case SQLITE_READONLY:
        return err_set(ERR_DENIED, "db: \"%s\": %s: %s", what, c->path, why);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return err_set(system_kind(c), "db: %s: %s: %s", c->path, why,
                       strerror(sqlite3_system_errno(c->db)));
    case SQLITE_TOOBIG:
        return err_set(ERR_LIMIT, "db: \"%s\": %s", what, why);
    case SQLITE_INTERRUPT:
        return err_set(ERR_LIMIT, "db: \"%s\": took longer than its transaction may: rolled back",
                       what);
    case SQLITE_AUTH:
        return err_set(
            ERR_INVALID,
            "db: \"%s\": transaction control, ATTACH and PRAGMA are not statements for callers",
            what);
    case SQLITE_MISMATCH:
        return err_set(ERR_INVALID, "db: \"%s\": %s", what, why);
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
        return err_set(ERR_INTERNAL, "db: \"%s\": %s", what, why);
    default:
        return err_set(ERR_IO, "db: \"%s\": %s: %s (SQLite code %d)", what, c->path, why, extended);
    }
}

/* --- opening --- */

static int over_deadline(void *ctx)
{
    const sq_conn *c = ctx;
    return c->deadline_us && mono_us() > c->deadline_us;
}

/* Callers' statements may not end the transaction they run in: the fence is checked at its end. */
static int authorize(void *ctx, int action, const char *p1, const char *p2, const char *p3,
                     const char *p4)
{
    (void)p1, (void)p2, (void)p3, (void)p4;
    const sq_conn *c = ctx;
    bool refused = action == SQLITE_TRANSACTION || action == SQLITE_SAVEPOINT ||
                   action == SQLITE_ATTACH || action == SQLITE_DETACH || action == SQLITE_PRAGMA;
    return refused && !c->internal ? SQLITE_DENY : SQLITE_OK;
}

static err run_plain(sq_conn *c, const char *sql)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc ? sq_fail(c, rc, sql) : ERR_OK;
}

static err set_wal(sq_conn *c)
{
    sqlite3_stmt *s = NULL;
    const char *sql = "PRAGMA journal_mode = WAL";
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &s, NULL);
    if (!rc) rc = sqlite3_step(s);
    bool wal = rc == SQLITE_ROW && !strcmp((const char *)sqlite3_column_text(s, 0), "wal");
    err e = ERR_OK;
    if (rc != SQLITE_ROW)
        e = sq_fail(c, rc, sql);
    else if (!wal)
        e = err_set(
            ERR_IO,
            "db: %s: its file system cannot hold a write-ahead log (no shared memory): use a "
            "local disk",
            c->path);
    sqlite3_finalize(s);
    return e;
}

static err configure(sq_conn *c, sq_mode mode)
{
    sqlite3_extended_result_codes(c->db, 1);
    sqlite3_busy_timeout(c->db, BUSY_MS);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_limit(c->db, SQLITE_LIMIT_LENGTH,
                  DB_VALUE_MAX + (1 << 20)); /* a row with its largest value */
    sqlite3_limit(c->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(c->db, SQLITE_LIMIT_WORKER_THREADS, 0);
    TRY(set_wal(c)); /* the first look into the file: says when it is no database */
    TRY(run_plain(c, "PRAGMA synchronous = FULL"));
    TRY(run_plain(c, "PRAGMA cell_size_check = ON"));
    TRY(run_plain(c, "PRAGMA temp_store = MEMORY"));
    TRY(run_plain(c, "PRAGMA case_sensitive_like = ON")); /* as in PostgreSQL */
    char pragma[64];
    snprintf(pragma, sizeof pragma, "PRAGMA journal_size_limit = %d", WAL_SIZE_MAX);
    TRY(run_plain(c, pragma));
    snprintf(pragma, sizeof pragma, "PRAGMA cache_size = -%d", CACHE_KIB);
    TRY(run_plain(c, pragma));
    TRY(run_plain(c, "SELECT count(*) FROM sqlite_schema")); /* parses the schema */
    if (mode == SQ_READER) TRY(run_plain(c, "PRAGMA query_only = ON"));
    sqlite3_progress_handler(c->db, PROGRESS_STEPS, over_deadline, c);
    sqlite3_set_authorizer(c->db, authorize, c);
    return ERR_OK;
}

err sq_open(const char *path, sq_mode mode, sq_conn **ret)
{
    assert(path && ret);
    sq_conn *c = mem_new(1, sizeof *c);
    size_t n = strlen(path) + 1;
    c->path = mem_new(n, 1);
    memcpy(c->path, path, n);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (mode == SQ_WRITER) flags |= SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(path, &c->db, flags, NULL);
    err e = rc ? sq_fail(c, rc, "open") : configure(c, mode);
    if (e) {
        sq_close(c);
        return e;
    }
    *ret = c;
    return ERR_OK;
}

void sq_close(sq_conn *c)
{
    if (!c) return;
    for (size_t i = 0; i < SQ_VERB_N; i++)
        sqlite3_finalize(c->verbs[i]);
    for (size_t i = 0; i < CACHE_N; i++) {
        sqlite3_finalize(c->cache[i].stmt);
        mem_free(c->cache[i].sql);
    }
    int rc = sqlite3_close(c->db);
    assert(rc == SQLITE_OK); /* no statement is left open */
    mem_free(c->path);
    mem_free(c);
}

/* --- transactions --- */

err sq_do(sq_conn *c, sq_verb verb)
{
    assert(c && verb < SQ_VERB_N);
    c->internal = true;
    int rc = SQLITE_OK;
    if (!c->verbs[verb])
        rc = sqlite3_prepare_v3(c->db, verb_sql[verb], -1, SQLITE_PREPARE_PERSISTENT,
                                &c->verbs[verb], NULL);
    if (!rc) {
        c->deadline_us = 0;
        rc = sqlite3_step(c->verbs[verb]);
        if (rc == SQLITE_DONE) rc = SQLITE_OK;
    }
    err e = rc ? sq_fail(c, rc, verb_sql[verb]) : ERR_OK;
    sqlite3_reset(c->verbs[verb]);
    c->internal = false;
    return e;
}

bool sq_in_tx(const sq_conn *c)
{
    return !sqlite3_get_autocommit(c->db);
}

void sq_abandon(sq_conn *c)
{
    if (!sq_in_tx(c)) return;
    err_kept kept;
    err_keep(&kept, ERR_INTERNAL); /* takes the message whatever the kind */
    err e = sq_do(c, SQ_ROLLBACK);
    assert(!sq_in_tx(c)); /* SQLite always ends the transaction, even when it reports a failure */
    (void)e;
    (void)err_again(&kept);
}

/* --- statements --- */

/* cache_slot: the slot that holds sql, or the one to give it: a free one, else the one not used for
 * longest. */
static cached *cache_slot(sq_conn *c, const char *sql, uint64_t hash)
{
    cached *oldest = &c->cache[0];
    for (size_t i = 0; i < CACHE_N; i++) {
        cached *s = &c->cache[i];
        if (s->stmt && s->hash == hash && !strcmp(s->sql, sql)) return s;
        if (s->used < oldest->used) oldest = s;
    }
    return oldest;
}

static bool only_space(const char *tail)
{
    return str_trim(str_of(tail)).n == 0 || str_is(str_trim(str_of(tail)), ";");
}

static err prepare(sq_conn *c, const char *sql, sqlite3_stmt **ret)
{
    uint64_t hash = str_hash(str_of(sql));
    cached *s = cache_slot(c, sql, hash);
    s->used = ++c->tick;
    if (s->stmt && s->hash == hash && !strcmp(s->sql, sql)) {
        *ret = s->stmt;
        return ERR_OK;
    }
    sqlite3_finalize(s->stmt);
    mem_free(s->sql);
    *s = (cached){0};
    sqlite3_stmt *stmt = NULL;
    const char *tail = NULL;
    int rc = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, &tail);
    if (rc) return sq_fail(c, rc, sql);
    if (!stmt || !only_space(tail)) {
        char words[SQL_WORDS_MAX];
        sqlite3_finalize(stmt);
        return err_set(ERR_INVALID, "db: \"%s\": want one statement", sql_words(sql, words));
    }
    size_t n = strlen(sql) + 1;
    *s = (cached){.hash = hash, .used = c->tick, .sql = mem_new(n, 1), .stmt = stmt};
    memcpy(s->sql, sql, n);
    *ret = stmt;
    return ERR_OK;
}

static int bind_one(sqlite3_stmt *s, int at, const db_val *v)
{
    const char *p = v->type >= DB_TEXT && v->s.p ? v->s.p : "";
    switch (v->type) {
    case DB_NULL:
        return sqlite3_bind_null(s, at);
    case DB_INT:
        return sqlite3_bind_int64(s, at, v->i);
    case DB_REAL:
        return sqlite3_bind_double(s, at, v->f);
    case DB_TEXT:
        return sqlite3_bind_text64(s, at, p, v->s.n, SQLITE_STATIC, SQLITE_UTF8);
    case DB_BLOB:
        return sqlite3_bind_blob64(s, at, p, v->s.n, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

/* sq_start: sql prepared with its arguments, ready to step. */
static err sq_start(db_tx *tx, const char *sql, const db_val *args, size_t n_args,
                    sqlite3_stmt **ret)
{
    sq_conn *c = tx->conn;
    char words[SQL_WORDS_MAX];
    if (fault_hit("db_exec"))
        return err_sys(ERR_IO, "db: \"%s\": %s", sql_words(sql, words), c->path);
    sqlite3_stmt *s = NULL;
    c->deadline_us = tx->deadline_us;
    TRY(prepare(c, sql, &s));
    if ((size_t)sqlite3_bind_parameter_count(s) != n_args)
        return err_set(ERR_INTERNAL, "db: \"%s\": %zu values for %d placeholders",
                       sql_words(sql, words), n_args, sqlite3_bind_parameter_count(s));
    if (!tx->write && !sqlite3_stmt_readonly(s))
        return err_set(ERR_INVALID, "db: \"%s\": writes in a read transaction",
                       sql_words(sql, words));
    for (size_t i = 0; i < n_args; i++) {
        int rc = bind_one(s, (int)i + 1, &args[i]);
        if (rc) {
            err e = sq_fail(c, rc, sql);
            sqlite3_clear_bindings(s);
            return e;
        }
    }
    *ret = s;
    return ERR_OK;
}

/* sq_finish: rc is what the last step returned. */
static err sq_finish(sq_conn *c, sqlite3_stmt *s, int rc, const char *sql)
{
    err e = rc == SQLITE_DONE || rc == SQLITE_ROW ? ERR_OK : sq_fail(c, rc, sql);
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return e;
}

err sq_exec(db_tx *tx, const char *sql, const db_val *args, size_t n_args, int64_t *ret_changed)
{
    sq_conn *c = tx->conn;
    sqlite3_stmt *s = NULL;
    TRY(sq_start(tx, sql, args, n_args, &s));
    int64_t before = sqlite3_total_changes64(c->db);
    int rc;
    do
        rc = sqlite3_step(s);
    while (rc == SQLITE_ROW);
    TRY(sq_finish(c, s, rc, sql));
    /* sqlite3_changes64 is that of the last INSERT, UPDATE or DELETE: an older one's after anything
     * else. */
    *ret_changed = sqlite3_total_changes64(c->db) == before ? 0 : sqlite3_changes64(c->db);
    return ERR_OK;
}

/* Rows while they are read: cells in memory of their own, which grows; texts already in the arena.
 */
typedef struct row_set {
    arena *a;
    db_val *v;
    size_t n, cap, cols, bytes;
} row_set;

static str copy_bytes(arena *a, const void *p, int n)
{
    char *to = arena_alloc_raw(a, (size_t)n + 1, 1);
    if (n) memcpy(to, p, (size_t)n);
    to[n] = '\0';
    return (str){to, (size_t)n};
}

static db_val read_cell(row_set *r, sqlite3_stmt *s, int col)
{
    const void *p;
    int n;
    switch (sqlite3_column_type(s, col)) {
    case SQLITE_INTEGER:
        return db_int(sqlite3_column_int64(s, col));
    case SQLITE_FLOAT:
        return db_real(sqlite3_column_double(s, col));
    case SQLITE_TEXT:
        p = sqlite3_column_text(s, col);
        n = sqlite3_column_bytes(s, col);
        r->bytes += (size_t)n;
        return db_text(copy_bytes(r->a, p, n));
    case SQLITE_BLOB:
        p = sqlite3_column_blob(s, col);
        n = sqlite3_column_bytes(s, col);
        r->bytes += (size_t)n;
        return db_blob(copy_bytes(r->a, p, n));
    default:
        return db_null();
    }
}

static err read_row(row_set *r, sqlite3_stmt *s, const char *sql)
{
    char words[SQL_WORDS_MAX];
    if (r->n == DB_ROWS_MAX)
        return err_set(ERR_LIMIT, "db: \"%s\": more than %d rows", sql_words(sql, words),
                       DB_ROWS_MAX);
    if ((r->n + 1) * r->cols > r->cap) {
        r->cap = r->cap ? r->cap * 2 : 16 * r->cols;
        r->v = mem_grow(r->v, r->cap, sizeof *r->v);
    }
    for (size_t i = 0; i < r->cols; i++)
        r->v[r->n * r->cols + i] = read_cell(r, s, (int)i);
    r->bytes += r->cols * sizeof *r->v;
    if (r->bytes > DB_RESULT_MAX)
        return err_set(ERR_LIMIT, "db: \"%s\": more than %d bytes of rows", sql_words(sql, words),
                       DB_RESULT_MAX);
    r->n++;
    return ERR_OK;
}

err sq_rows(db_tx *tx, arena *a, const char *sql, const db_val *args, size_t n_args, db_rows *ret)
{
    sq_conn *c = tx->conn;
    sqlite3_stmt *s = NULL;
    TRY(sq_start(tx, sql, args, n_args, &s));
    row_set r = {.a = a, .cols = (size_t)sqlite3_column_count(s)};
    err e = ERR_OK;
    int rc;
    while (!e && (rc = sqlite3_step(s)) == SQLITE_ROW)
        e = read_row(&r, s, sql);
    if (e)
        (void)sq_finish(c, s, SQLITE_DONE, sql);
    else
        e = sq_finish(c, s, rc, sql);
    if (!e) {
        db_val *v = arena_alloc_raw(a, r.n * r.cols, sizeof *v);
        if (r.v) memcpy(v, r.v, r.n * r.cols * sizeof *v);
        *ret = (db_rows){.n = r.n, .cols = r.cols, .v = v};
    }
    mem_free(r.v);
    return e;
}

err sq_script(db_tx *tx, const char *sql)
{
    sq_conn *c = tx->conn;
    c->deadline_us = tx->deadline_us;
    while (*sql) {
        sqlite3_stmt *s = NULL;
        const char *tail = NULL;
        int rc = sqlite3_prepare_v2(c->db, sql, -1, &s, &tail);
        if (rc) return sq_fail(c, rc, sql);
        if (s) {
            do
                rc = sqlite3_step(s);
            while (rc == SQLITE_ROW);
            err e = rc == SQLITE_DONE ? ERR_OK : sq_fail(c, rc, sql);
            sqlite3_finalize(s);
            if (e) return e;
        }
        sql = tail;
    }
    return ERR_OK;
}
