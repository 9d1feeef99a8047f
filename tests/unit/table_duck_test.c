/* DuckDB through its one door: results into frames, frames into tables, C functions, the lock. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "table/duck.h"
#include "temp.h"
#include "test.h"

static duck *opened(void)
{
    duck *d = NULL;
    ck_ok(duck_open(&(duck_options){.threads = 2}, &d));
    return d;
}

static frame *query(duck *d, arena *a, const char *sql)
{
    frame *f = NULL;
    ck_ok(duck_query(d, a, "test", sql, &f));
    return f;
}

TEST(every_plain_type_arrives_in_its_column)
{
    AUTO(arena) a = arena_new(0);
    AUTO(duck) d = opened();
    frame *f =
        query(d, a,
              "SELECT true b, 1::TINYINT t, -2::SMALLINT s, 3::INTEGER i, 4::BIGINT l, 5::UBIGINT "
              "u, 1.5::FLOAT f, 2.5 d, "
              "2.25::DOUBLE x, 'text'::VARCHAR v, 'ab'::BLOB bl, DATE '2026-01-31' da, TIMESTAMP "
              "'2026-01-31 12:00:00.5' ts, "
              "TIMESTAMPTZ '2026-01-31 12:00:00+02' tz, TIMESTAMP_S '1970-01-01 00:00:01' tss, "
              "TIMESTAMP_NS '1969-12-31 23:59:59.9999999' tn, 7::HUGEINT h, 'q'::ENUM('p', 'q') e, "
              "'6ccd780c-baba-1026-9564-5b8c656024db'::UUID uu, 1e30::DECIMAL(38,2) big");
    ck_assert_uint_eq(f->n_rows, 1);
    ck_assert_uint_eq(f->n_cols, 20);
    ck_assert_int_eq(f->cols[0].type, FIELD_BOOLEAN);
    int64_t want[] = {1, 1, -2, 3, 4, 5};
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_eq(f->cols[i].i64[0], want[i]);
    ck_assert_double_eq(f->cols[6].f64[0], 1.5);
    ck_assert_double_eq(f->cols[7].f64[0], 2.5);
    ck_assert_double_eq(f->cols[8].f64[0], 2.25);
    ck_assert(str_is(f->cols[9].s[0], "text"));
    ck_assert(str_is(f->cols[10].s[0], "ab") && f->cols[10].type == FIELD_BINARY);
    ck_assert(str_is(f->cols[11].s[0], "2026-01-31"));
    ck_assert_int_eq(f->cols[12].i64[0], 1769860800500000);
    ck_assert_int_eq(f->cols[13].i64[0], 1769853600000000);
    ck_assert_int_eq(f->cols[14].i64[0], 1000000);
    ck_assert_int_eq(f->cols[15].i64[0], -1);
    ck_assert_double_eq(f->cols[16].f64[0], 7);
    ck_assert(str_is(f->cols[17].s[0], "q"));
    ck_assert(str_is(f->cols[18].s[0], "6ccd780c-baba-1026-9564-5b8c656024db"));
    ck_near(f->cols[19].f64[0], 1e30, 1e-15, 0);
    for (size_t i = 0; i < f->n_cols; i++)
        ck_assert_ptr_null(f->cols[i].valid);
}
END_TEST

TEST(nulls_are_nan_zero_and_empty)
{
    AUTO(arena) a = arena_new(0);
    AUTO(duck) d = opened();
    frame *f = query(d, a,
                     "SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE i END n, CASE WHEN i = 4999 "
                     "THEN NULL ELSE i / 2 END x, "
                     "CASE WHEN i % 2 = 0 THEN NULL ELSE 'row ' || i || ' is a long text' END s "
                     "FROM range(5000) t(i)");
    ck_assert_uint_eq(f->n_rows, 5000);
    for (size_t i = 0; i < 5000; i++) {
        ck_assert_int_eq(f->cols[0].i64[i], (int64_t)i);
        ck_assert_int_eq(column_is_null(&f->cols[1], i), i % 3 == 0);
        ck_assert_int_eq(f->cols[1].i64[i], i % 3 ? (int64_t)i : 0);
        ck_assert_int_eq(column_is_null(&f->cols[2], i), i == 4999);
        ck_assert_int_eq(isnan(f->cols[2].f64[i]), i == 4999);
        ck_assert_int_eq(column_is_null(&f->cols[3], i), i % 2 == 0);
        if (i % 2)
            ck_assert(str_is(f->cols[3].s[i], cstr_fmt(a, "row %zu is a long text", i)));
        else
            ck_assert_uint_eq(f->cols[3].s[i].n, 0);
    }
}
END_TEST

TEST(an_empty_result_keeps_its_columns)
{
    AUTO(arena) a = arena_new(0);
    AUTO(duck) d = opened();
    frame *f = query(d, a, "SELECT 1 a, 'x' b WHERE false");
    ck_assert_uint_eq(f->n_rows, 0);
    ck_assert_uint_eq(f->n_cols, 2);
}
END_TEST

TEST(nested_types_and_large_unsigned_numbers_are_refused_by_column)
{
    AUTO(arena) a = arena_new(0);
    AUTO(duck) d = opened();
    frame *f = NULL;
    ck_err(duck_query(d, a, "test", "SELECT 1 a, [1, 2] list", &f), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "\"list\""));
    ck_err(duck_query(d, a, "test", "SELECT INTERVAL 1 DAY i", &f), ERR_INVALID);
    ck_err(duck_query(d, a, "test", "SELECT 18446744073709551615::UBIGINT u", &f), ERR_LIMIT);
    ck_assert_ptr_null(f);
}
END_TEST

TEST(a_mistake_in_sql_names_purpose_and_place)
{
    AUTO(arena) a = arena_new(0);
    AUTO(duck) d = opened();
    frame *f = NULL;
    ck_err(duck_query(d, a, "read the rows", "SELECT nothing FROM range(3)", &f), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "read the rows: Binder Error"));
    ck_assert_ptr_nonnull(strstr(err_message(), "LINE 1"));
    ck_err(duck_exec(d, "make it", "CREATE TABEL x"), ERR_INVALID);
    /* A failure in the middle of a streamed result. */
    ck_err(duck_query(d, a, "count",
                      "SELECT CASE WHEN i = 90000 THEN error('far down') ELSE i::VARCHAR END FROM "
                      "range(100000) t(i)",
                      &f),
           ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "far down"));
    ck_assert_ptr_null(f);
}
END_TEST

TEST(only_one_select_passes_the_check)
{
    AUTO(duck) d = opened();
    const char *good[] = {"SELECT 1",      "VALUES (1), (2)",
                          "FROM range(3)", "WITH x AS (SELECT 1) SELECT * FROM x",
                          "SELECT 1;",     "SELECT 1 -- last"};
    const char *bad[] = {"",
                         "  ",
                         "SELECT 1; SELECT 2",
                         "CREATE TABLE t (i INT)",
                         "DROP VIEW x",
                         "COPY (SELECT 1) TO '/tmp/x'",
                         "SET threads=1",
                         "SELECT",
                         "SELECT * FROM nowhere",
                         "SELECT ?",
                         "ATTACH 'x'",
                         "SELECT 1; DROP TABLE t",
                         "INSTALL httpfs",
                         "EXPLAIN SELECT 1"};
    for (size_t i = 0; i < countof(good); i++)
        ck_ok(duck_check_select(d, "test", str_of(good[i])));
    for (size_t i = 0; i < countof(bad); i++) {
        err e = duck_check_select(d, "test", str_of(bad[i]));
        ck_assert_msg(e == ERR_INVALID, "%s: %s", bad[i], err_name(e));
    }
    ck_err(duck_check_select(d, "test", STR("SELECT 1\0; DROP")), ERR_INVALID);
}
END_TEST

TEST(a_frame_goes_in_and_comes_out_the_same)
{
    AUTO(arena) a = arena_new(0);
    AUTO(duck) d = opened();
    frame *f = query(d, a,
                     "SELECT i % 2 = 0 b, i::INTEGER i, i * 1000000000 l, (i / 2)::FLOAT fl, CASE "
                     "WHEN i % 5 = 0 THEN NULL ELSE i / 3 END x, "
                     "CASE WHEN i % 7 = 0 THEN NULL ELSE 'é' || i END s, TIMESTAMPTZ '2026-01-01' "
                     "+ INTERVAL (i) SECOND t FROM range(5001) t(i)");
    ck_ok(duck_put(d, "we\"ird", f));
    frame *g = query(d, a, "SELECT * FROM \"we\"\"ird\"");
    ck_assert_uint_eq(g->n_rows, f->n_rows);
    for (size_t k = 0; k < f->n_cols; k++) {
        ck_assert_int_eq(f->cols[k].type, g->cols[k].type);
        for (size_t i = 0; i < f->n_rows; i++) {
            ck_assert_int_eq(column_is_null(&f->cols[k], i), column_is_null(&g->cols[k], i));
            if (column_is_null(&f->cols[k], i)) continue;
            if (f->cols[k].store == STORE_STR)
                ck_assert(str_eq(f->cols[k].s[i], g->cols[k].s[i]));
            else
                ck_assert_int_eq(f->cols[k].i64[i], g->cols[k].i64[i]);
        }
    }
    ck_ok(duck_put(d, "we\"ird", f)); /* replaces */
    str wrong = {"\xff\xfe", 2};
    frame one = {
        .n_rows = 1,
        .n_cols = 1,
        .cols = &(column){.name = STR("s"), .type = FIELD_STRING, .store = STORE_STR, .s = &wrong}};
    ck_err(duck_put(d, "t", &one), ERR_INVALID);
    int64_t large = 1ll << 40;
    one.cols =
        &(column){.name = STR("i"), .type = FIELD_INTEGER, .store = STORE_I64, .i64 = &large};
    ck_err(duck_put(d, "t", &one), ERR_LIMIT);
    ck_err(duck_put(d, "t", &(frame){0}), ERR_INVALID);
}
END_TEST

static void weigh(void *ctx, const double *const *x, size_t n_args, size_t n, double *out)
{
    const double *w = ctx;
    for (size_t i = 0; i < n; i++) {
        out[i] = 0;
        for (size_t k = 0; k < n_args; k++)
            out[i] += isnan(x[k][i]) ? -1000 : w[k] * x[k][i];
    }
}

TEST(a_c_function_sees_nulls_as_nan_and_constants_as_columns)
{
    AUTO(arena) a = arena_new(0);
    AUTO(duck) d = opened();
    double w[] = {1, 10, 100};
    ck_ok(duck_add_function(d, "weigh", 3, weigh, w));
    frame *f = query(d, a,
                     "SELECT weigh(i::DOUBLE, CASE WHEN i % 2 = 0 THEN NULL ELSE 1.0::DOUBLE END, "
                     "3.0::DOUBLE) FROM range(10000) t(i)");
    for (size_t i = 0; i < 10000; i++)
        ck_assert_double_eq(f->cols[0].f64[i], (double)i + (i % 2 ? 10 : -1000) + 300);
    ck_assert_double_eq(query(d, a, "SELECT weigh(1, 1, NULL)")->cols[0].f64[0], -989);
    frame *g = query(d, a, "SELECT sum(weigh(i, i, i)) FROM range(1000000) t(i)");
    ck_assert_double_eq(g->cols[0].f64[0], 111.0 * 499999500000.0);
}
END_TEST

TEST(a_locked_engine_reads_its_folders_and_nothing_else)
{
    AUTO(arena) a = arena_new(0);
    const char *in = temp_dir(a), *out = temp_dir(a);
    const char *const dirs[] = {in};
    duck *d = NULL;
    ck_ok(duck_open(&(duck_options){.dirs = dirs, .n_dirs = 1, .temp_dir = in}, &d));
    ck_ok(duck_exec(
        d, "test",
        cstr_fmt(a, "COPY (SELECT 1 a) TO '%s/x.parquet'; COPY (SELECT 1 a) TO '%s/x.parquet'", in,
                 out)));
    ck_ok(duck_lock(d));
    frame *f = query(d, a, cstr_fmt(a, "SELECT * FROM '%s/x.parquet'", in));
    ck_assert_uint_eq(f->n_rows, 1);
    ck_ok(duck_exec(d, "test", cstr_fmt(a, "COPY (SELECT 1 a) TO '%s/y.parquet'", in)));
    const char *bad[] = {
        cstr_fmt(a, "SELECT * FROM '%s/x.parquet'", out),
        cstr_fmt(a, "SELECT * FROM '%s/../%s/x.parquet'", in, strrchr(out, '/') + 1),
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "ATTACH '/tmp/x.db'",
        "LOAD '/tmp/x.duckdb_extension'",
        cstr_fmt(a, "COPY (SELECT 1) TO '%s/y'", out),
        "INSTALL httpfs",
        "SET enable_external_access=true"};
    for (size_t i = 0; i < countof(bad); i++)
        ck_assert_msg(duck_exec(d, "test", bad[i]), "%s", bad[i]);
    ck_err(duck_exec(d, "test", bad[2]), ERR_DENIED);
    duck_free(d);
    temp_gone(in);
    temp_gone(out);
}
END_TEST

TEST(names_and_texts_are_quoted)
{
    AUTO(arena) a = arena_new(0);
    ck_assert(str_is(duck_ident(a, STR("a\"b")), "\"a\"\"b\""));
    ck_assert(str_is(duck_literal(a, STR("it's")), "'it''s'"));
    ck_assert(str_is(duck_relation(a, STR("t")), "\"t\""));
    ck_assert(str_is(duck_relation(a, STR("(SELECT 1)")), "(SELECT 1)"));
    ck_assert(str_is(duck_relation(a, STR("\"t\"")), "\"t\""));
}
END_TEST

TEST(describe_tells_names_and_types)
{
    AUTO(arena) a = arena_new(0);
    AUTO(duck) d = opened();
    duck_column *c;
    size_t n;
    ck_ok(duck_describe(d, a, "test", STR("SELECT 1 AS one, 'x' AS \"two words\" -- end"), &c, &n));
    ck_assert_uint_eq(n, 2);
    ck_assert(str_is(c[0].name, "one") && str_is(c[0].type, "INTEGER"));
    ck_assert(str_is(c[1].name, "two words") && str_is(c[1].type, "VARCHAR"));
    ck_assert(strlen(duck_version()) > 3);
}
END_TEST

TESTS("table_duck", every_plain_type_arrives_in_its_column, nulls_are_nan_zero_and_empty,
      an_empty_result_keeps_its_columns,
      nested_types_and_large_unsigned_numbers_are_refused_by_column,
      a_mistake_in_sql_names_purpose_and_place, only_one_select_passes_the_check,
      a_frame_goes_in_and_comes_out_the_same,
      a_c_function_sees_nulls_as_nan_and_constants_as_columns,
      a_locked_engine_reads_its_folders_and_nothing_else, names_and_texts_are_quoted,
      describe_tells_names_and_types)
