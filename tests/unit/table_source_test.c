/* Named sources: every kind of file, and every way in which a file can be wrong. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "home/home.h"
#include "table/delta.h"
#include "table/sources.h"
#include "temp.h"
#include "test.h"

typedef struct place {
    arena *a;
    const char *dir;
    duck *d;
} place;

static place begin(void)
{
    place p = {.a = arena_new(0)};
    p.dir = temp_dir(p.a);
    const char *const dirs[] = {p.dir};
    ck_ok(duck_open(&(duck_options){.dirs = dirs, .n_dirs = 1}, &p.d));
    ck_ok(duck_lock(p.d));
    return p;
}

static void end(place *p)
{
    duck_free(p->d);
    temp_gone(p->dir);
    arena_free(p->a);
}

static str put(place *p, const char *name, const char *text)
{
    const char *path = path_join(p->a, p->dir, name);
    ck_ok(file_write_atomic(path, str_of(text)));
    return str_of(path);
}

static err define(place *p, str path)
{
    return source_define(p->d, &(source_spec){.name = STR("src"), .path = path});
}

static int64_t number(place *p, const char *sql)
{
    frame *f = NULL;
    ck_ok(duck_query(p->d, p->a, "test", sql, &f));
    return f->cols[0].i64[0];
}

TEST(files_are_read_by_the_end_of_their_name)
{
    place p = begin();
    ck_ok(duck_exec(
        p.d, "test",
        cstr_fmt(p.a,
                 "COPY (SELECT i AS a, 'it''s' AS b FROM range(3) r(i)) TO '%s/it''s.parquet'; "
                 "COPY (SELECT 1 AS a, 'x' AS b) TO '%s/z.csv.gz' (COMPRESSION gzip)",
                 p.dir, p.dir)));
    str files[] = {
        str_of(path_join(p.a, p.dir, "it's.parquet")),
        str_of(path_join(p.a, p.dir, "z.csv.gz")),
        put(&p, "c.csv", "a,b\n1,x\n2,y\n"),
        put(&p, "C.CSV", "a,b\n1,x\n"),
        put(&p, "t.tsv", "a\tb\n1\tx\n"),
        put(&p, "j.json", "[{\"a\": 1, \"b\": \"x\"}, {\"a\": 2, \"b\": null}]"),
        put(&p, "n.ndjson", "{\"a\": 1, \"b\": \"x\"}\n{\"a\": 2}\n"),
    };
    const int64_t rows[] = {3, 1, 2, 1, 1, 2, 2};
    for (size_t i = 0; i < countof(files); i++) {
        ck_ok(define(&p, files[i]));
        ck_assert_msg(number(&p, "SELECT count(b) + count(*) - count(b) FROM src WHERE a >= 0") ==
                          rows[i],
                      "%.*s", STR_ARG(files[i]));
    }
    put(&p, "part-1.csv", "a\n1\n");
    put(&p, "part-2.csv", "a\n2\n");
    ck_ok(define(&p, str_of(path_join(p.a, p.dir, "part-*.csv"))));
    ck_assert_int_eq(number(&p, "SELECT count(*) FROM src"), 2);
    end(&p);
}
END_TEST

TEST(a_late_row_decides_the_type_of_a_csv_column)
{
    place p = begin();
    buf b;
    buf_init(&b, 10 << 20);
    buf_puts(&b, STR("a\n"));
    for (int i = 0; i < 60000; i++)
        buf_fmt(&b, "%d\n", i);
    buf_puts(&b, STR("1.5\n"));
    ck_ok(file_write_atomic(path_join(p.a, p.dir, "late.csv"), buf_str(&b)));
    buf_done(&b);
    ck_ok(define(&p, str_of(path_join(p.a, p.dir, "late.csv"))));
    ck_assert_int_eq(number(&p, "SELECT count(*) FROM src WHERE a = 1.5"), 1);
    end(&p);
}
END_TEST

TEST(a_wrong_file_is_an_error_with_its_path)
{
    place p = begin();
    struct {
        str path;
        err want;
    } bad[] = {
        {str_of(path_join(p.a, p.dir, "gone.parquet")), ERR_MISSING},
        {str_of(path_join(p.a, p.dir, "gone-*.csv")), ERR_MISSING},
        {put(&p, "empty.parquet", ""), ERR_FORMAT},
        {put(&p, "empty.csv", ""), ERR_FORMAT},
        {put(&p, "empty.json", ""), ERR_FORMAT},
        {put(&p, "garbage.parquet", "this is no parquet file at all, only text"), ERR_FORMAT},
        {put(&p, "short.parquet", "PAR1"), ERR_FORMAT},
        {put(&p, "garbage.json", "{\"a\": [1, 2"), ERR_FORMAT},
        {put(&p, "garbage.csv.gz", "not compressed"), ERR_FORMAT},
        {put(&p, "strange.xyz", "a"), ERR_INVALID},
        {STR("/etc/passwd.csv"), ERR_MISSING},
        {STR("/etc/*.csv"), ERR_DENIED},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        err e = define(&p, bad[i].path);
        ck_assert_msg(e == bad[i].want, "%.*s: %s: %s", STR_ARG(bad[i].path), err_name(e),
                      e ? err_message() : "");
        ck_assert_msg(strstr(err_message(), "source src"), "%s", err_message());
        ck_assert_msg(bad[i].want == ERR_DENIED || strstr(err_message(), bad[i].path.p), "%s",
                      err_message());
    }
    end(&p);
}
END_TEST

TEST(a_query_reads_earlier_sources_and_nothing_else)
{
    place p = begin();
    ck_ok(define(&p, put(&p, "c.csv", "a,b\n1,x\n2,y\n")));
    ck_ok(source_define(p.d,
                        &(source_spec){.name = STR("some rows"),
                                       .sql = STR("SELECT * FROM src WHERE a > 1; -- late ones")}));
    ck_assert_int_eq(number(&p, "SELECT count(*) FROM \"some rows\""), 1);
    const char *bad[] = {"SELECT * FROM later", "DROP VIEW src", "SELECT 1; SELECT 2",
                         "SELECT * FROM read_csv('/etc/passwd')"};
    for (size_t i = 0; i < countof(bad); i++)
        ck_assert_msg(source_define(p.d, &(source_spec){.name = STR("q"), .sql = str_of(bad[i])}),
                      "%s", bad[i]);
    ck_err(source_define(p.d, &(source_spec){.name = STR("q")}), ERR_INVALID);
    ck_err(
        source_define(
            p.d, &(source_spec){.name = STR("q"), .sql = STR("SELECT 1"), .path = STR("/x.csv")}),
        ERR_INVALID);
    end(&p);
}
END_TEST

TEST(a_task_opens_its_sources_and_delta_tables)
{
    AUTO(arena) a = arena_new(0);
    const char *top = temp_dir(a), *outside = temp_dir(a), *dir;
    AUTO(home) h = NULL;
    duck *d = NULL;
    frame *f = NULL;
    delta_written w;
    ck_ok(home_open(&(home_options){.dir = top, .mode = HOME_OWN}, &h));
    ck_ok(home_table_dir(h, a, STR("c.s.t"), &dir));
    ck_ok(file_write_atomic(path_join(a, outside, "x.csv"), STR("a\n5\n")));
    ck_ok(sources_open(h, a, NULL, 0, 1, &d));
    ck_ok(delta_write(d, home_db(h),
                      &(delta_write_spec){.dir = dir, .query = STR("SELECT 7 AS a"), .now_ms = 1},
                      &w));
    duck_free(d);
    const source_spec v[] = {
        {.name = STR("file"), .path = str_of(path_join(a, outside, "x.csv"))},
        {.name = STR("table"), .table = STR("c.s.t"), .path = str_of(dir)},
        {.name = STR("both"), .sql = STR("SELECT a FROM file UNION ALL SELECT a FROM \"table\"")},
    };
    ck_ok(sources_open(h, a, v, countof(v), 1, &d));
    ck_ok(duck_query(d, a, "test", "SELECT sum(a)::BIGINT FROM \"both\"", &f));
    ck_assert_int_eq(f->cols[0].i64[0], 12);
    ck_err(duck_exec(d, "test", "SELECT * FROM read_text('/etc/passwd')"), ERR_DENIED);
    duck_free(d);
    temp_gone(top);
    temp_gone(outside);
}
END_TEST

TESTS("table_source", files_are_read_by_the_end_of_their_name,
      a_late_row_decides_the_type_of_a_csv_column, a_wrong_file_is_an_error_with_its_path,
      a_query_reads_earlier_sources_and_nothing_else, a_task_opens_its_sources_and_delta_tables)
