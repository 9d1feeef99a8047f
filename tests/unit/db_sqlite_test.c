/* What every backend promises, on SQLite. */
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "db/db.h"
#include "temp.h"
#include "test.h"

typedef struct fixture {
    arena *a;
    const char *dir, *path;
    db *d;
} fixture;

static fixture set_up(void)
{
    fixture f = {.a = arena_new(0)};
    f.dir = temp_dir(f.a);
    f.path = path_join(f.a, f.dir, "t.db");
    ck_ok(db_open(cstr_fmt(f.a, "sqlite:%s", f.path), &f.d));
    ck_ok(db_exec(
        f.d,
        "CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, x DOUBLE PRECISION,"
        " b BLOB, up BIGINT REFERENCES t (id), CHECK (id >= 0))",
        DB_NO_ARGS, NULL));
    return f;
}

static void tear_down(fixture *f)
{
    db_free(f->d);
    temp_gone(f->dir);
    arena_free(f->a);
}

static err insert(db *d, int64_t id, const char *name)
{
    return db_exec(d, "INSERT INTO t (id, name) VALUES (?, ?)", DB_ARGS(db_int(id), db_ctext(name)),
                   NULL);
}

static int64_t count(db *d)
{
    AUTO(arena) a = arena_new(0);
    db_rows r;
    ck_ok(db_rows_of(d, a, "SELECT count(*) FROM t", DB_NO_ARGS, &r));
    return db_cell_i(&r, 0, 0);
}

TEST(values_of_every_type_come_back_as_they_went)
{
    fixture f = set_up();
    ck_ok(db_exec(
        f.d, "INSERT INTO t (id, name, x, b) VALUES (?, ?, ?, ?)",
        DB_ARGS(db_int(INT64_MAX), db_ctext("zwölf"), db_real(0.1), db_blob(((str){"a\0b", 3}))),
        NULL));
    ck_ok(db_exec(f.d, "INSERT INTO t (id, name, x, b) VALUES (?, ?, ?, ?)",
                  DB_ARGS(db_int(1), db_text(STR("")), db_real(NAN), db_null()), NULL));
    db_rows r;
    ck_ok(db_rows_of(f.d, f.a, "SELECT id, name, x, b FROM t ORDER BY id", DB_NO_ARGS, &r));
    ck_assert_uint_eq(r.n, 2);
    ck_assert_uint_eq(r.cols, 4);
    ck_assert_int_eq(db_at(&r, 0, 1)->type, DB_TEXT);
    ck_assert_uint_eq(db_cell_s(&r, 0, 1).n, 0);
    ck_assert_int_eq(db_at(&r, 0, 2)->type, DB_NULL); /* NaN */
    ck_assert(isnan(db_cell_f(&r, 0, 2)));
    ck_assert_int_eq(db_cell_i(&r, 0, 3), 0);
    ck_assert_int_eq(db_cell_i(&r, 1, 0), INT64_MAX);
    ck_assert_str_eq(db_cell_s(&r, 1, 1).p, "zwölf"); /* ends in NUL */
    ck_assert(db_cell_f(&r, 1, 2) == 0.1);
    ck_assert(str_eq(db_cell_s(&r, 1, 3), (str){"a\0b", 3}));
    tear_down(&f);
}
END_TEST

TEST(rows_changed_are_counted_and_definitions_change_none)
{
    fixture f = set_up();
    int64_t n = -1;
    ck_ok(insert(f.d, 1, "a"));
    ck_ok(insert(f.d, 2, "b"));
    ck_ok(db_exec(f.d, "UPDATE t SET x = 1", DB_NO_ARGS, &n));
    ck_assert_int_eq(n, 2);
    ck_ok(db_exec(f.d, "CREATE TABLE u (id BIGINT)", DB_NO_ARGS, &n));
    ck_assert_int_eq(n, 0);
    ck_ok(db_exec(f.d, "DELETE FROM t WHERE id = ?", DB_ARGS(db_int(9)), &n));
    ck_assert_int_eq(n, 0);
    tear_down(&f);
}
END_TEST

TEST(broken_constraints_have_their_kind_and_words)
{
    fixture f = set_up();
    ck_ok(insert(f.d, 1, "a"));
    ck_err(insert(f.d, 1, "b"), ERR_CONFLICT);
    ck_err(insert(f.d, 2, "a"), ERR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err_message(), "INSERT INTO t"));
    ck_assert_ptr_nonnull(strstr(err_message(), "t.name"));
    ck_err(insert(f.d, -1, "c"), ERR_INVALID);
    ck_err(db_exec(f.d, "INSERT INTO t (id) VALUES (5)", DB_NO_ARGS, NULL), ERR_INVALID);
    ck_err(db_exec(f.d, "UPDATE t SET up = 77", DB_NO_ARGS, NULL), ERR_CONFLICT);
    ck_assert_int_eq(count(f.d), 1);
    tear_down(&f);
}
END_TEST

TEST(wrong_sql_is_our_own_failure)
{
    fixture f = set_up();
    db_rows r = {.n = 77};
    ck_err(db_rows_of(f.d, f.a, "SELEC 1", DB_NO_ARGS, &r), ERR_INTERNAL);
    ck_err(db_rows_of(f.d, f.a, "SELECT ?", DB_NO_ARGS, &r), ERR_INTERNAL);
    ck_err(db_rows_of(f.d, f.a, "SELECT 1; SELECT 2", DB_NO_ARGS, &r), ERR_INVALID);
    ck_err(db_rows_of(f.d, f.a, "", DB_NO_ARGS, &r), ERR_INVALID);
    ck_err(db_rows_of(f.d, f.a, "SELECT \"no such column\" FROM t", DB_NO_ARGS, &r), ERR_INTERNAL);
    ck_assert_uint_eq(r.n, 77);
    ck_ok(db_rows_of(f.d, f.a, "SELECT 1 ; ", DB_NO_ARGS, &r));
    tear_down(&f);
}
END_TEST

TEST(a_caller_cannot_end_its_transaction_or_reach_other_files)
{
    fixture f = set_up();
    const char *const refused[] = {"COMMIT",
                                   "ROLLBACK",
                                   "BEGIN",
                                   "SAVEPOINT x",
                                   "RELEASE one",
                                   "ATTACH '/tmp/x' AS x",
                                   "PRAGMA foreign_keys = OFF"};
    for (size_t i = 0; i < countof(refused); i++)
        ck_err(db_exec(f.d, refused[i], DB_NO_ARGS, NULL), ERR_INVALID);
    ck_ok(insert(f.d, 1, "a"));
    tear_down(&f);
}
END_TEST

TEST(limits_are_kept)
{
    fixture f = set_up();
    db_val many[DB_ARGS_MAX + 1];
    for (size_t i = 0; i < countof(many); i++)
        many[i] = db_int(1);
    ck_err(db_exec(f.d, "SELECT 1", many, countof(many), NULL), ERR_LIMIT);
    char *sql = arena_alloc(f.a, DB_SQL_MAX + 2, 1);
    memset(sql, ' ', DB_SQL_MAX + 1);
    memcpy(sql, "SELECT 1", 8);
    ck_err(db_exec(f.d, sql, DB_NO_ARGS, NULL), ERR_LIMIT);
    sql[DB_SQL_MAX] = '\0';
    ck_ok(db_exec(f.d, sql, DB_NO_ARGS, NULL));
    str big = {arena_alloc(f.a, DB_VALUE_MAX + 1, 1), DB_VALUE_MAX + 1};
    const char *add = "INSERT INTO t (id, name, b) VALUES (1, 'a', ?)";
    ck_err(db_exec(f.d, add, DB_ARGS(db_blob(big)), NULL), ERR_LIMIT);
    big.n--;
    ck_ok(db_exec(f.d, add, DB_ARGS(db_blob(big)), NULL));
    ck_err(db_exec(f.d, "UPDATE t SET name = ?", DB_ARGS(db_text(((str){"a\0b", 3}))), NULL),
           ERR_INVALID);
    ck_err(db_exec(f.d, "UPDATE t SET name = ?", DB_ARGS(db_ctext("\xff")), NULL), ERR_INVALID);
    db_rows r;
    ck_err(db_rows_of(
               f.d, f.a,
               "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
               DB_NO_ARGS, &r),
           ERR_LIMIT);
    tear_down(&f);
}
END_TEST

static err insert_then_fail(db_tx *tx, void *arg)
{
    TRY(tx_exec(tx, "INSERT INTO t (id, name) VALUES (1, 'a')", DB_NO_ARGS, NULL));
    return err_set(ERR_GATE, "%s", (const char *)arg);
}

TEST(a_failed_transaction_leaves_nothing_and_carries_its_words)
{
    fixture f = set_up();
    char words[] = "no: the gate is shut";
    ck_err(db_write(f.d, insert_then_fail, words), ERR_GATE);
    ck_assert_str_eq(err_message(), words);
    ck_assert_int_eq(count(f.d), 0);
    tear_down(&f);
}
END_TEST

static err drop_an_error(db_tx *tx, void *arg)
{
    (void)arg;
    TRY(tx_exec(tx, "INSERT INTO t (id, name) VALUES (1, 'a')", DB_NO_ARGS, NULL));
    (void)!tx_exec(tx, "INSERT INTO t (id, name) VALUES (1, 'a')", DB_NO_ARGS, NULL);
    ck_err(tx_exec(tx, "INSERT INTO t (id, name) VALUES (2, 'b')", DB_NO_ARGS, NULL), ERR_CONFLICT);
    return ERR_OK;
}

TEST(a_failed_statement_fails_its_transaction_even_when_dropped)
{
    fixture f = set_up();
    ck_err(db_write(f.d, drop_an_error, NULL), ERR_CONFLICT);
    ck_assert_int_eq(count(f.d), 0);
    tear_down(&f);
}
END_TEST

static err write_in_read(db_tx *tx, void *arg)
{
    (void)arg;
    return tx_exec(tx, "INSERT INTO t (id, name) VALUES (1, 'a')", DB_NO_ARGS, NULL);
}

TEST(a_read_cannot_write)
{
    fixture f = set_up();
    ck_err(db_read(f.d, write_in_read, NULL), ERR_INVALID);
    db_rows r;
    ck_err(db_rows_of(f.d, f.a, "DELETE FROM t RETURNING id", DB_NO_ARGS, &r), ERR_INVALID);
    tear_down(&f);
}
END_TEST

static err count_around_a_write(db_tx *tx, void *arg)
{
    fixture *f = arg;
    db_rows before, after;
    TRY(tx_rows(tx, f->a, "SELECT count(*) FROM t", DB_NO_ARGS, &before));
    ck_ok(insert(f->d, 1, "a"));
    TRY(tx_rows(tx, f->a, "SELECT count(*) FROM t", DB_NO_ARGS, &after));
    ck_assert_int_eq(db_cell_i(&before, 0, 0), db_cell_i(&after, 0, 0));
    return ERR_OK;
}

TEST(a_read_sees_one_snapshot_and_the_next_the_last_commit)
{
    fixture f = set_up();
    ck_ok(db_read(f.d, count_around_a_write, &f));
    ck_assert_int_eq(count(f.d), 1);
    tear_down(&f);
}
END_TEST

TEST(what_is_no_database_is_named)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = temp_dir(a);
    db *d = NULL;
    const char *path = path_join(a, dir, "bad.db");
    str junk = {arena_alloc(a, 8192, 1), 8192};
    ck_ok(file_write_atomic(path, junk));
    ck_ok(file_write_atomic(
        path, STR("This is not a database, however long one looks at it. It has no header at all. "
                  "The first hundred bytes decide.")));
    ck_err(db_open(cstr_fmt(a, "sqlite:%s", path), &d), ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(err_message(), path));
    ck_err(db_open(cstr_fmt(a, "sqlite:%s", dir), &d), ERR_IO);
    ck_err(db_open(cstr_fmt(a, "sqlite:%s/none/t.db", dir), &d), ERR_MISSING);
    ck_err(db_open("sqlite:", &d), ERR_INVALID);
    ck_err(db_open("postgres:x", &d), ERR_INVALID);
    ck_err(db_open("", &d), ERR_INVALID);
    ck_assert_ptr_null(d);
    temp_gone(dir);
}
END_TEST

TEST(a_damaged_database_is_refused_with_words)
{
    fixture f = set_up();
    for (int i = 0; i < 200; i++)
        ck_ok(insert(
            f.d, i,
            cstr_fmt(f.a, "a name that is long enough to need a few pages of the file: %d", i)));
    db_free(f.d);
    f.d = NULL;
    str bytes;
    ck_ok(file_read(f.a, f.path, 1 << 24, &bytes));
    char *p = arena_alloc(f.a, bytes.n, 1);
    memcpy(p, bytes.p, bytes.n);
    memset(p + 4096, 0x5a, bytes.n - 4096); /* every page but the first */
    ck_ok(file_write_atomic(f.path, (str){p, bytes.n}));
    ck_ok(db_open(cstr_fmt(f.a, "sqlite:%s", f.path), &f.d));
    db_rows r;
    ck_err(db_rows_of(f.d, f.a, "SELECT max(length(name)) FROM t", DB_NO_ARGS, &r), ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(err_message(), "damaged"));
    ck_err(insert(f.d, 1000, "x"), ERR_FORMAT);
    db_free(f.d);
    f.d = NULL;
    memset(p + 100, 0x5a, 3900); /* the schema */
    ck_ok(file_write_atomic(f.path, (str){p, bytes.n}));
    ck_err(db_open(cstr_fmt(f.a, "sqlite:%s", f.path), &f.d), ERR_FORMAT);
    tear_down(&f);
}
END_TEST

static void heard(void *ctx, str topic)
{
    *(bool *)ctx = str_is(topic, "jobs");
}

TEST(the_owner_hears_its_own_notices)
{
    fixture f = set_up();
    bool it = false;
    ck_ok(db_notify(f.d, "jobs")); /* nobody listens yet */
    db_on_notify(f.d, heard, &it);
    ck_ok(db_notify(f.d, "jobs"));
    ck_assert(it);
    ck_err(db_notify(f.d, ""), ERR_INVALID);
    tear_down(&f);
}
END_TEST

TESTS("db/sqlite", values_of_every_type_come_back_as_they_went,
      rows_changed_are_counted_and_definitions_change_none,
      broken_constraints_have_their_kind_and_words, wrong_sql_is_our_own_failure,
      a_caller_cannot_end_its_transaction_or_reach_other_files, limits_are_kept,
      a_failed_transaction_leaves_nothing_and_carries_its_words,
      a_failed_statement_fails_its_transaction_even_when_dropped, a_read_cannot_write,
      a_read_sees_one_snapshot_and_the_next_the_last_commit, what_is_no_database_is_named,
      a_damaged_database_is_refused_with_words, the_owner_hears_its_own_notices)
