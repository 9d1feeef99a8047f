/* Delta tables beside other programs. With arguments this program is the hand that
 * tests/e2e/test_delta.py moves:
 *
 *     table_peer_test write HOME TABLE append|overwrite|replace PARTITION[,…]|- SQL [APP VERSION]
 *     table_peer_test read HOME TABLE VERSION SQL          (over t)
 *
 * Both print JSON; a failure prints its message and exits as the command would. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "home/home.h"
#include "table/delta.h"
#include "temp.h"
#include "test.h"

enum { OUTPUT_MAX = 64 << 20, PARTITIONS_MAX = 16 };

static err write_rows(home *h, duck *d, arena *a, char **v, int n, jw *out)
{
    str by[PARTITIONS_MAX], rest = strcmp(v[2], "-") != 0 ? str_of(v[2]) : STR("");
    delta_write_spec w = {.query = str_of(v[3]), .partition_by = by, .now_ms = 1700000000000};
    delta_written r;
    TRY(home_table_dir(h, a, str_of(v[0]), &w.dir));
    while (rest.n && w.n_partition_by < PARTITIONS_MAX)
        str_cut(rest, ',', &by[w.n_partition_by++], &rest);
    w.mode = strcmp(v[1], "append") != 0 ? DELTA_OVERWRITE : DELTA_APPEND;
    w.new_schema = !strcmp(v[1], "replace");
    if (n == 6) {
        w.txn_app = str_of(v[4]);
        TRY(parse_i64(str_of(v[5]), &w.txn_version));
    }
    TRY(delta_write(d, home_db(h), &w, &r));
    jw_obj(out);
    jw_ki64(out, "version", r.version);
    jw_ki64(out, "rows", r.n_rows);
    jw_ki64(out, "files", r.n_files);
    jw_kbool(out, "already", r.already);
    jw_obj_end(out);
    return ERR_OK;
}

static void put_cell(jw *w, const column *c, size_t row)
{
    if (column_is_null(c, row))
        jw_null(w);
    else if (c->store == STORE_I64)
        jw_i64(w, c->i64[row]);
    else if (c->store == STORE_F64)
        jw_f64(w, c->f64[row]);
    else
        jw_str(w, c->s[row]);
}

static err read_rows(home *h, duck *d, arena *a, char **v, jw *out)
{
    const char *dir;
    int64_t version;
    delta_snapshot *s;
    str relation;
    frame *f;
    TRY(home_table_dir(h, a, str_of(v[0]), &dir));
    TRY(parse_i64(str_of(v[1]), &version));
    TRY(delta_read(a, d, dir, version, &s));
    TRY(delta_relation(a, s, NULL, STR(""), &relation));
    TRY(duck_exec(d, "view",
                  cstr_fmt(a, "CREATE VIEW t AS SELECT * FROM %.*s", STR_ARG(relation))));
    TRY(duck_query(d, a, "read", v[2], &f));
    jw_arr(out);
    for (size_t i = 0; i < f->n_rows; i++) {
        jw_arr(out);
        for (size_t k = 0; k < f->n_cols; k++)
            put_cell(out, &f->cols[k], i);
        jw_arr_end(out);
    }
    jw_arr_end(out);
    return ERR_OK;
}

static err run_tool(arena *a, int argc, char **argv, jw *out)
{
    bool writes = !strcmp(argv[1], "write") && (argc == 7 || argc == 9);
    if (!writes && (strcmp(argv[1], "read") != 0 || argc != 6))
        return err_set(ERR_INVALID, "usage: see the file's head");
    AUTO(home) h = NULL;
    AUTO(duck) d = NULL;
    TRY(home_open(&(home_options){.dir = argv[2], .mode = HOME_ANY}, &h));
    const char *const dirs[] = {home_dir(h)};
    TRY(duck_open(&(duck_options){.dirs = dirs, .n_dirs = 1}, &d));
    TRY(duck_lock(d));
    return writes ? write_rows(h, d, a, argv + 3, argc - 3, out)
                  : read_rows(h, d, a, argv + 3, out);
}

static int tool(int argc, char **argv)
{
    AUTO(arena) a = arena_new(0);
    buf b;
    jw w;
    buf_init(&b, OUTPUT_MAX);
    jw_init(&w, &b, false);
    err e = run_tool(a, argc, argv, &w);
    if (!e) e = buf_err(&b, "output");
    if (e)
        fprintf(stderr, "%s: %s\n", err_name(e), err_message());
    else
        printf("%.*s\n", STR_ARG(buf_str(&b)));
    buf_done(&b);
    return err_exit(e);
}

/* A checkpoint as other writers make it: version 1 holds all actions, the commits before it are
 * gone. */
static void make_checkpoint(duck *d, arena *a, const char *dir, const char *parts)
{
    const char *log = path_join(a, dir, "_delta_log");
    const char *sql = cstr_fmt(
        a,
        "COPY (SELECT protocol, \"metaData\", txn, add FROM "
        "read_json(['%s/00000000000000000000.json', '%s/00000000000000000001.json'], "
        "format='newline_delimited', columns={"
        "'protocol': 'STRUCT(minReaderVersion INT, minWriterVersion INT)', "
        "'metaData': 'STRUCT(id VARCHAR, format STRUCT(provider VARCHAR), schemaString VARCHAR, "
        "partitionColumns VARCHAR[], configuration MAP(VARCHAR, VARCHAR), createdTime BIGINT)', "
        "'txn': 'STRUCT(appId VARCHAR, version BIGINT)', "
        "'add': 'STRUCT(path VARCHAR, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, "
        "modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR)'})) "
        "TO '%s/00000000000000000001.checkpoint%s.parquet'",
        log, log, log, parts);
    ck_ok(duck_exec(d, "checkpoint", sql));
}

TEST(a_table_is_read_from_its_checkpoint_when_old_commits_are_gone)
{
    AUTO(arena) a = arena_new(0);
    const char *top = temp_dir(a), *dir, *const dirs[] = {top};
    AUTO(home) h = NULL;
    AUTO(duck) d = NULL;
    ck_ok(home_open(&(home_options){.dir = top, .mode = HOME_OWN}, &h));
    ck_ok(duck_open(&(duck_options){.dirs = dirs, .n_dirs = 1}, &d));
    ck_ok(home_table_dir(h, a, STR("t"), &dir));
    delta_written r;
    delta_snapshot *s = NULL;
    delta_write_spec w = {
        .dir = dir, .query = STR("SELECT i, i % 2 AS p FROM range(10) t(i)"), .now_ms = 1};
    w.partition_by = (const str[]){STR("p")};
    w.n_partition_by = 1;
    for (int i = 0; i < 3; i++) {
        w.txn_app = STR("app");
        w.txn_version = i;
        ck_ok(delta_write(d, home_db(h), &w, &r));
    }
    make_checkpoint(d, a, dir, "");
    ck_ok(delta_read(a, NULL, dir, -1, &s)); /* not needed yet */
    ck_assert(!remove(path_join(a, dir, "_delta_log/00000000000000000000.json")));
    ck_err(delta_read(a, NULL, dir, -1, &s), ERR_INVALID);
    ck_ok(delta_read(a, d, dir, -1, &s));
    ck_assert_uint_eq(s->n_files, 6);
    ck_assert_int_eq(s->version, 2);
    ck_assert_int_eq(s->txns[0].version, 2);
    ck_assert_int_eq(s->files[0].n_rows, 5);
    str relation;
    frame *f;
    ck_ok(delta_relation(a, s, NULL, STR(""), &relation));
    ck_ok(duck_query(d, a, "test",
                     cstr_fmt(a, "SELECT count(*), sum(p) FROM %.*s", STR_ARG(relation)), &f));
    ck_assert_int_eq(f->cols[0].i64[0], 30);
    ck_assert_double_eq(f->cols[1].f64[0], 15);
    /* A second part that is not there: the checkpoint does not count, and the log has a gap. */
    ck_assert(!remove(path_join(a, dir, "_delta_log/00000000000000000001.checkpoint.parquet")));
    ck_ok(file_write_atomic(
        path_join(a, dir,
                  "_delta_log/00000000000000000001.checkpoint.0000000001.0000000002.parquet"),
        STR("PAR1")));
    ck_err(delta_read(a, d, dir, -1, &s), ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(err_message(), "commit 0 is missing"));
    ck_ok(file_write_atomic(path_join(a, dir, "_delta_log/00000000000000000001.checkpoint.parquet"),
                            STR("not parquet")));
    ck_err(delta_read(a, d, dir, -1, &s), ERR_FORMAT);
    temp_gone(top);
}
END_TEST

/* TESTS makes a main of its own; here it is one of two things that this program does. */
#define main run_tests
static int run_tests(void);
static TESTS("table_peer", a_table_is_read_from_its_checkpoint_when_old_commits_are_gone)
#undef main

    int main(int argc, char **argv)
{
    return argc > 1 ? tool(argc, argv) : run_tests();
}
