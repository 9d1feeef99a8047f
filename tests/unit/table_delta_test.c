/* Delta tables written and read back: create, append, overwrite, partitions, txn, statistics,
 * damage. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/json.h"
#include "home/home.h"
#include "table/delta.h"
#include "temp.h"
#include "test.h"

typedef struct place {
    arena *a;
    const char *top, *dir; /* the home's folder, the table's */
    home *h;
    duck *d;
} place;

static place begin(void)
{
    place p = {.a = arena_new(0)};
    p.top = temp_dir(p.a);
    ck_ok(home_open(&(home_options){.dir = p.top, .mode = HOME_OWN}, &p.h));
    ck_ok(home_table_dir(p.h, p.a, STR("c.s.t"), &p.dir));
    const char *const dirs[] = {p.top};
    ck_ok(duck_open(&(duck_options){.dirs = dirs, .n_dirs = 1}, &p.d));
    ck_ok(duck_lock(p.d));
    return p;
}

static void end(place *p)
{
    duck_free(p->d);
    home_free(p->h);
    temp_gone(p->top);
    arena_free(p->a);
}

static err write_as(place *p, const char *query, delta_write_spec w, delta_written *ret)
{
    w.dir = p->dir;
    w.query = str_of(query);
    w.now_ms = 1700000000000;
    return delta_write(p->d, home_db(p->h), &w, ret);
}

static err append(place *p, const char *query)
{
    delta_written r;
    return write_as(p, query, (delta_write_spec){.mode = DELTA_APPEND}, &r);
}

static delta_snapshot *snapshot(place *p, int64_t version)
{
    delta_snapshot *s = NULL;
    ck_ok(delta_read(p->a, p->d, p->dir, version, &s));
    return s;
}

static frame *rows(place *p, int64_t version, const char *what, const char *rest)
{
    str relation;
    frame *f = NULL;
    ck_ok(delta_relation(p->a, snapshot(p, version), NULL, STR(""), &relation));
    ck_ok(duck_query(p->d, p->a, "test",
                     cstr_fmt(p->a, "SELECT %s FROM %.*s %s", what, STR_ARG(relation), rest), &f));
    return f;
}

static int64_t number(place *p, int64_t version, const char *what)
{
    return rows(p, version, what, "")->cols[0].i64[0];
}

/* data_files counts the parquet files below a folder, and everything in the staging folder. */
static size_t data_files(place *p, const char *dir)
{
    str *names;
    size_t n, found = 0;
    ck_ok(dir_list(p->a, dir, 1000, &names, &n));
    for (size_t i = 0; i < n; i++) {
        const char *path = path_join(p->a, dir, names[i].p);
        if (str_ends(names[i], ".parquet"))
            found++;
        else if (!str_is(names[i], "_delta_log"))
            found += data_files(p, path);
    }
    return found;
}

static void put_commit(place *p, int64_t version, const char *text)
{
    ck_ok(dir_make(path_join(p->a, p->dir, "_delta_log")));
    ck_ok(file_write_atomic(
        cstr_fmt(p->a, "%s/_delta_log/%020lld.json", p->dir, (long long)version), str_of(text)));
}

TEST(a_table_is_made_appended_to_and_read_at_any_version)
{
    place p = begin();
    delta_written r;
    ck_ok(write_as(&p, "SELECT i AS id, i / 2 AS x, 'c' || (i % 3) AS s FROM range(100) t(i);",
                   (delta_write_spec){0}, &r));
    ck_assert_int_eq(r.version, 0);
    ck_assert_int_eq(r.n_rows, 100);
    ck_assert_int_eq(r.n_files, 1);
    ck_assert(r.bytes > 100 && !r.already);
    ck_ok(append(
        &p, "SELECT 's' AS s, -7.5::FLOAT AS x, 5::SMALLINT AS id -- other order, narrower types"));
    ck_assert_int_eq(number(&p, 0, "count(*)"), 100);
    ck_assert_int_eq(number(&p, -1, "count(*)"), 101);
    ck_assert_int_eq(number(&p, 1, "count(*) FILTER (x = -7.5)"), 1);
    frame *f = rows(&p, 0, "*", "");
    ck_assert(str_is(f->cols[0].name, "id") && str_is(f->cols[1].name, "x") &&
              str_is(f->cols[2].name, "s"));
    for (size_t i = 0; i < 100; i++)
        ck_assert_int_eq(f->cols[0].i64[i], (int64_t)i); /* the order stays */
    ck_assert_int_eq(snapshot(&p, -1)->version, 1);
    ck_assert_int_eq(snapshot(&p, -1)->files[0].n_rows, 100);
    delta_snapshot *s = NULL;
    ck_err(delta_read(p.a, p.d, p.dir, 2, &s), ERR_MISSING);
    ck_assert_ptr_nonnull(strstr(err_message(), "the latest is 1"));
    ck_err(delta_read(p.a, p.d, "/nowhere/at/all", -1, &s), ERR_MISSING);
    ck_assert_ptr_null(s);
    end(&p);
}
END_TEST

TEST(an_overwrite_replaces_all_rows_in_one_commit)
{
    place p = begin();
    delta_written r;
    ck_ok(append(&p, "SELECT 1 AS a"));
    ck_ok(append(&p, "SELECT 2 AS a"));
    ck_ok(write_as(&p, "SELECT 3 AS a", (delta_write_spec){.mode = DELTA_OVERWRITE}, &r));
    ck_assert_int_eq(r.version, 2);
    ck_assert_int_eq(number(&p, -1, "max(a)"), 3);
    ck_assert_int_eq(number(&p, 1, "max(a)"), 2);
    ck_assert_uint_eq(snapshot(&p, -1)->n_files, 1);
    ck_err(write_as(&p, "SELECT 'x' AS b", (delta_write_spec){.mode = DELTA_OVERWRITE}, &r),
           ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "\"a\""));
    str id = snapshot(&p, -1)->id;
    ck_ok(write_as(&p, "SELECT 'x' AS b, 1 AS c",
                   (delta_write_spec){.mode = DELTA_OVERWRITE, .new_schema = true}, &r));
    ck_assert_uint_eq(rows(&p, -1, "*", "")->n_cols, 2);
    ck_assert_uint_eq(rows(&p, 2, "*", "")->n_cols, 1);
    ck_assert(str_eq(id, snapshot(&p, -1)->id));
    ck_ok(write_as(&p, "SELECT 'x' AS b, 1 AS c WHERE false",
                   (delta_write_spec){.mode = DELTA_OVERWRITE}, &r));
    ck_assert_int_eq(r.n_files, 0);
    ck_assert_int_eq(number(&p, -1, "count(*)"), 0);
    end(&p);
}
END_TEST

TEST(columns_that_do_not_match_are_named)
{
    place p = begin();
    ck_ok(append(&p, "SELECT 1 AS a, 2.5::DOUBLE AS x"));
    ck_err(append(&p, "SELECT 1 AS a"), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "\"x\" (double) of the table is missing"));
    ck_err(append(&p, "SELECT 1 AS a, 2.5::DOUBLE AS x, 3 AS more"), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "\"more\" is not in the table"));
    ck_err(append(&p, "SELECT 'text' AS a, 2.5::DOUBLE AS x"), ERR_INVALID);
    ck_assert_ptr_nonnull(
        strstr(err_message(), "\"a\" is integer in the table, the rows have string"));
    ck_err(append(&p, "SELECT 1::BIGINT AS a, 2.5::DOUBLE AS x"), ERR_INVALID);
    ck_err(append(&p, "SELECT 1 AS a, [1] AS x"), ERR_INVALID);
    ck_err(append(&p, "SELECT 1 AS \"a b\""), ERR_INVALID);
    ck_err(append(&p, "SELECT nothing"), ERR_INVALID);
    delta_written r;
    const str by[] = {STR("a")};
    ck_err(write_as(&p, "SELECT 1 AS a, 2.5::DOUBLE AS x",
                    (delta_write_spec){.partition_by = by, .n_partition_by = 1}, &r),
           ERR_INVALID);
    ck_assert_uint_eq(data_files(&p, p.dir), 1);
    ck_assert_int_eq(snapshot(&p, -1)->version, 0);
    end(&p);
}
END_TEST

static const char *const odd_partitions =
    "SELECT i AS id, CASE WHEN i % 4 = 0 THEN NULL ELSE 'é/ %=' || (i % 4) END AS p, DATE "
    "'2026-01-01' + (i % 2)::INT AS day, "
    "TIMESTAMP '2026-01-01 10:00:00.25' + INTERVAL (i % 2) HOUR AS ts FROM range(40) t(i)";

TEST(partitions_with_nulls_and_odd_values_come_back)
{
    place p = begin();
    delta_written r;
    const str by[] = {STR("p"), STR("day"), STR("ts")};
    delta_write_spec w = {.partition_by = by, .n_partition_by = 3};
    ck_ok(write_as(&p, odd_partitions, w, &r));
    ck_assert_int_eq(r.n_rows, 40);
    ck_ok(write_as(&p, odd_partitions, w, &r));
    frame *f = rows(&p, -1, "id, p, day, ts", "ORDER BY id");
    ck_assert_uint_eq(f->n_rows, 80);
    ck_assert_int_eq(f->cols[3].type, FIELD_DATETIME);
    for (size_t i = 0; i < 80; i++) {
        size_t id = i / 2;
        ck_assert_int_eq(f->cols[0].i64[i], (int64_t)id);
        ck_assert_int_eq(column_is_null(&f->cols[1], i), id % 4 == 0);
        if (id % 4) ck_assert(str_eq(f->cols[1].s[i], str_fmt(p.a, "é/ %%=%zu", id % 4)));
        ck_assert(str_is(f->cols[2].s[i], id % 2 ? "2026-01-02" : "2026-01-01"));
        ck_assert_int_eq(f->cols[3].i64[i], 1767261600250000 + (int64_t)(id % 2) * 3600000000);
    }
    str relation;
    frame *one = NULL;
    ck_ok(delta_relation(p.a, snapshot(&p, -1), "p", STR("é/ %=1"), &relation));
    ck_ok(duck_query(
        p.d, p.a, "test",
        cstr_fmt(p.a, "SELECT count(*), count(DISTINCT p) FROM %.*s", STR_ARG(relation)), &one));
    ck_assert_int_eq(one->cols[0].i64[0], 20);
    ck_assert_int_eq(one->cols[1].i64[0], 1);
    ck_ok(delta_relation(p.a, snapshot(&p, -1), "p", STR("not there"), &relation));
    ck_ok(
        duck_query(p.d, p.a, "test", cstr_fmt(p.a, "SELECT * FROM %.*s", STR_ARG(relation)), &one));
    ck_assert_uint_eq(one->n_rows, 0);
    ck_assert_uint_eq(one->n_cols, 4);
    ck_err(delta_relation(p.a, snapshot(&p, -1), "id", STR("1"), &relation), ERR_INVALID);
    end(&p);
}
END_TEST

TEST(a_batch_id_is_written_once)
{
    place p = begin();
    delta_written r;
    delta_write_spec w = {.txn_app = STR("batch-1"), .txn_version = 7};
    ck_ok(write_as(&p, "SELECT 1 AS a", w, &r));
    ck_ok(write_as(&p, "SELECT 1 AS a", w, &r));
    ck_assert(r.already);
    ck_assert_int_eq(r.version, 0);
    w.txn_version = 6;
    ck_ok(write_as(&p, "SELECT 1 AS a", w, &r));
    ck_assert(r.already);
    w.txn_version = 8;
    ck_ok(write_as(&p, "SELECT 1 AS a", w, &r));
    ck_assert(!r.already);
    ck_assert_int_eq(number(&p, -1, "count(*)"), 2);
    ck_assert_int_eq(snapshot(&p, -1)->txns[0].version, 8);
    end(&p);
}
END_TEST

/* bound reads one value of a file's statistics; an absent one is NULL. */
static const char *bound(place *p, const char *kind, const char *name)
{
    yyjson_val *root, *v;
    buf b;
    ck_ok(json_parse(p->a, snapshot(p, -1)->files[0].stats, "stats", &root));
    v = yyjson_obj_get(yyjson_obj_get(root, kind), name);
    if (!v) return NULL;
    buf_init(&b, 1000);
    json_write(&b, v);
    const char *text = str_c(p->a, buf_str(&b));
    buf_done(&b);
    return text;
}

TEST(statistics_hold_for_every_row)
{
    place p = begin();
    ck_ok(append(
        &p,
        "SELECT i AS id, (0.1 * (i + 1))::FLOAT AS f, CASE WHEN i < 4 THEN NULL ELSE i "
        "END AS some, NULL::BIGINT AS nothing, "
        "'yy' || repeat('xé', 30) || i AS long, repeat('y', 300) || i AS longer, 's' || i AS s, "
        "TIMESTAMPTZ '1969-12-31 23:59:58.0001+00' + INTERVAL (i * 1000500) MICROSECOND "
        "AS ts, DATE '2026-01-01' + i::INT AS day, "
        "(i * 1.25)::DECIMAL(9,2) AS amount, i % 2 = 0 AS b, 'b'::BLOB AS bytes FROM "
        "range(10) t(i)"));
    ck_assert_str_eq(bound(&p, "minValues", "id"), "0");
    ck_assert_str_eq(bound(&p, "maxValues", "id"), "9");
    double f;
    ck_ok(parse_f64(str_of(bound(&p, "minValues", "f")), &f));
    ck_assert_double_eq(f, (double)0.1f);
    ck_assert_str_eq(bound(&p, "nullCount", "some"), "4");
    ck_assert_str_eq(bound(&p, "minValues", "some"), "4");
    ck_assert_str_eq(bound(&p, "nullCount", "nothing"), "10");
    ck_assert_ptr_null(bound(&p, "maxValues", "nothing"));
    ck_assert_str_eq(bound(&p, "maxValues", "s"), "\"s9\"");
    const char *cut = bound(&p, "minValues", "long"); /* 64 bytes would end within an é */
    ck_assert_uint_eq(strlen(cut), 63 + 2);
    ck_assert_str_eq(bound(&p, "maxValues", "long"), cstr_fmt(p.a, "%.64s\xF4\x8F\xBF\xBF\"", cut));
    ck_assert_uint_eq(strlen(bound(&p, "maxValues", "longer")), 64 + 4 + 2);
    ck_assert_str_eq(bound(&p, "minValues", "ts"), "\"1969-12-31T23:59:58.000Z\"");
    ck_assert_str_eq(bound(&p, "maxValues", "ts"), "\"1970-01-01T00:00:07.005Z\"");
    ck_assert_str_eq(bound(&p, "minValues", "day"), "\"2026-01-01\"");
    ck_assert_str_eq(bound(&p, "maxValues", "amount"), "11.25");
    ck_assert_str_eq(bound(&p, "minValues", "b"), "false");
    ck_assert_str_eq(bound(&p, "maxValues", "b"), "true");
    ck_assert_ptr_null(bound(&p, "maxValues", "bytes"));
    end(&p);
}
END_TEST

TEST(a_file_with_a_bound_that_cannot_be_told_has_none)
{
    const char *values[] = {"'NaN'::DOUBLE", "'inf'::DOUBLE", "'infinity'::DATE",
                            "123456789012345678.25::DECIMAL(38,2)", "TIMESTAMPTZ 'infinity'"};
    for (size_t i = 0; i < countof(values); i++) {
        place p = begin();
        ck_ok(append(&p, cstr_fmt(p.a, "SELECT 1 AS id, %s AS odd", values[i])));
        ck_assert_msg(!bound(&p, "maxValues", "id") && !bound(&p, "minValues", "id"), "%s",
                      values[i]);
        ck_assert_str_eq(bound(&p, "nullCount", "odd"), "0");
        ck_assert_int_eq(snapshot(&p, -1)->files[0].n_rows, 1);
        end(&p);
    }
}
END_TEST

typedef struct racer {
    place *p;
    int id;
    int done; /* commits made */
    err e;
} racer;

static void *race(void *arg)
{
    racer *r = arg;
    const char *const dirs[] = {r->p->top};
    AUTO(duck) d = NULL;
    AUTO(arena) a = arena_new(0);
    r->e = duck_open(&(duck_options){.threads = 1, .dirs = dirs, .n_dirs = 1}, &d);
    for (int i = 0; i < 5 && !r->e; i++) {
        delta_written done;
        delta_write_spec w = {.dir = r->p->dir,
                              .query = str_fmt(a, "SELECT %d AS who, %d AS i", r->id, i),
                              .now_ms = 1};
        r->e = delta_write(d, home_db(r->p->h), &w, &done);
    }
    return NULL;
}

TEST(writers_at_once_lose_nothing)
{
    place p = begin();
    racer r[4];
    pthread_t t[4];
    for (int i = 0; i < 4; i++) {
        r[i] = (racer){.p = &p, .id = i};
        ck_assert(!pthread_create(&t[i], NULL, race, &r[i]));
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
        ck_assert_int_eq(r[i].e, ERR_OK);
    }
    ck_assert_int_eq(number(&p, -1, "count(*)"), 20);
    ck_assert_int_eq(snapshot(&p, -1)->version, 19);
    ck_assert_uint_eq(data_files(&p, p.dir), 20);
    end(&p);
}
END_TEST

TEST(a_failed_write_leaves_nothing_behind)
{
    place p = begin();
    ck_ok(append(&p, "SELECT 1 AS a"));
    const char *sites[] = {"delta_commit:1", "file_sync:1"};
    for (size_t i = 0; i < countof(sites); i++) {
        fault_arm(sites[i]);
        err e = append(&p, "SELECT 2 AS a");
        fault_arm(NULL);
        ck_assert_msg(e == ERR_IO, "%s: %s", sites[i], err_name(e));
        ck_assert_uint_eq(data_files(&p, p.dir), 1);
        ck_assert_int_eq(snapshot(&p, -1)->version, 0);
    }
    ck_err(append(&p, "SELECT CASE WHEN i = 200000 THEN error('stop') ELSE 1 END::INTEGER AS a "
                      "FROM range(300000) t(i)"),
           ERR_INVALID);
    ck_assert_uint_eq(data_files(&p, p.dir), 1);
    ck_ok(append(&p, "SELECT 2 AS a"));
    ck_assert_int_eq(number(&p, -1, "count(*)"), 2);
    end(&p);
}
END_TEST

TEST(every_single_failure_is_all_or_nothing)
{
    const char *sites[] = {"file_sync", "file_write", "file_rename", "file_read",
                           "db_exec",   "db_commit",  "delta_commit"};
    place p = begin();
    const str by[] = {STR("k")};
    delta_write_spec w = {.partition_by = by, .n_partition_by = 1};
    delta_written r;
    int64_t want = 4;
    ck_ok(write_as(&p, "SELECT i, i % 2 AS k FROM range(4) t(i)", w, &r));
    for (size_t i = 0; i < countof(sites); i++) {
        bool hit = true;
        for (int n = 1; n < 30 && hit; n++) {
            fault_arm(cstr_fmt(p.a, "%s:%d", sites[i], n));
            err e = write_as(&p, "SELECT i, i % 2 AS k FROM range(4) t(i)", w, &r);
            hit = e != ERR_OK;
            fault_arm(NULL);
            if (!e) want += 4;
            ck_assert_msg(number(&p, -1, "count(*)") == want, "%s:%d: %s", sites[i], n,
                          err_name(e));
            ck_assert_uint_eq(data_files(&p, p.dir), snapshot(&p, -1)->n_files);
        }
        ck_assert_msg(!hit, "%s never stops failing", sites[i]);
    }
    end(&p);
}
END_TEST

static void *overwrite(void *arg)
{
    racer *r = arg;
    AUTO(duck) d = NULL;
    AUTO(arena) a = arena_new(0);
    err e = duck_open(&(duck_options){.threads = 1}, &d);
    for (int i = 0; i < 5 && (!e || e == ERR_CONFLICT); i++) {
        delta_written done;
        delta_write_spec w = {.dir = r->p->dir,
                              .query = str_fmt(a, "SELECT %d AS who, %d AS i", r->id, i),
                              .mode = DELTA_OVERWRITE,
                              .now_ms = 1};
        e = delta_write(d, home_db(r->p->h), &w, &done);
        if (!e) r->done++;
    }
    r->e = e == ERR_CONFLICT ? ERR_OK : e;
    return NULL;
}

TEST(overwrites_at_once_leave_the_rows_of_one)
{
    place p = begin();
    racer r[3];
    pthread_t t[3];
    int64_t done = 0;
    ck_ok(append(&p, "SELECT -1 AS who, 0 AS i"));
    for (int i = 0; i < 3; i++) {
        r[i] = (racer){.p = &p, .id = i};
        ck_assert(!pthread_create(&t[i], NULL, overwrite, &r[i]));
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(t[i], NULL);
        ck_assert_int_eq(r[i].e, ERR_OK);
        done += r[i].done;
    }
    ck_assert_int_eq(number(&p, -1, "count(*)"), 1);
    ck_assert_int_eq(snapshot(&p, -1)->version, done);
    end(&p);
}
END_TEST

#define PROTOCOL "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
#define METADATA                                                                                   \
    "{\"metaData\":{\"id\":\"x\",\"format\":{\"provider\":\"parquet\",\"options\":{}},"            \
    "\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{"                            \
    "\\\"name\\\":\\\"a\\\",\\\"type\\\":\\\"long\\\",\\\"nullable\\\":true,\\\"metadata\\\":{}}]" \
    "}\",\"partitionColumns\":[],\"configuration\":{}}}\n"
#define ADD(path)                                                                                  \
    "{\"add\":{\"path\":\"" path                                                                   \
    "\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1,\"dataChange\":true}}\n"

TEST(a_damaged_log_is_named_with_file_and_line)
{
    place p = begin();
    delta_snapshot *s = NULL;
    static const struct {
        const char *text, *say;
    } bad[] = {
        {"", ":1: empty commit"},
        {PROTOCOL METADATA "{\"add\":{\"path\":\"x.parq", ".json:3"},
        {PROTOCOL METADATA "[]\n", ".json:3"},
        {PROTOCOL METADATA "{\"add\":{\"path\":\"x.parquet\"}}\n", ".json:3"},
        {PROTOCOL METADATA "{\"add\":{\"path\":5,\"partitionValues\":{},\"size\":1}}\n", ".json:3"},
        {PROTOCOL METADATA ADD("/etc/passwd"), "absolute path"},
        {PROTOCOL METADATA ADD("file:///etc/passwd"), "absolute path"},
        {PROTOCOL METADATA ADD("../x.parquet"), "leaves the table"},
        {PROTOCOL METADATA ADD("%2e%2e/x.parquet"), "leaves the table"},
        {PROTOCOL METADATA ADD("a%zz"), "hexadecimal"},
        {PROTOCOL METADATA ADD("a%00b"), "NUL"},
        {PROTOCOL, "no metaData"},
        {METADATA, "no protocol"},
        {"\xff\xfe\n", ".json:1"},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        put_commit(&p, 0, bad[i].text);
        err e = delta_read(p.a, NULL, p.dir, -1, &s);
        ck_assert_msg(e == ERR_FORMAT, "%zu: %s %s", i, err_name(e), e ? err_message() : "");
        ck_assert_msg(strstr(err_message(), bad[i].say), "%zu: %s", i, err_message());
    }
    put_commit(&p, 0, PROTOCOL METADATA);
    put_commit(&p, 2, ADD("x.parquet"));
    ck_err(delta_read(p.a, NULL, p.dir, -1, &s), ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(err_message(), "commit 1 is missing"));
    put_commit(&p, 1, ADD("y.parquet"));
    ck_ok(delta_read(p.a, NULL, p.dir, -1, &s));
    ck_assert_uint_eq(s->n_files, 2);
    ck_ok(file_write_atomic(path_join(p.a, p.dir, "_delta_log/1.json"), STR("{}")));
    ck_err(delta_read(p.a, NULL, p.dir, -1, &s), ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(err_message(), "20 digits"));
    end(&p);
}
END_TEST

TEST(features_that_we_do_not_know_are_refused_by_name)
{
    place p = begin();
    delta_snapshot *s = NULL;
    static const struct {
        const char *text, *say;
    } bad[] = {
        {"{\"protocol\":{\"minReaderVersion\":4,\"minWriterVersion\":7}}\n" METADATA,
         "reader version 4"},
        {"{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":["
         "\"deletionVectors\"],\"writerFeatures\":[\"deletionVectors\"]}}\n" METADATA,
         "deletionVectors"},
        {"{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":["
         "\"columnMapping\"],\"writerFeatures\":[\"columnMapping\"]}}\n" METADATA,
         "columnMapping"},
        {PROTOCOL METADATA "{\"add\":{\"path\":\"x\",\"partitionValues\":{},\"size\":1,"
                           "\"deletionVector\":{\"storageType\":\"u\"}}}\n",
         "deletionVectors"},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        put_commit(&p, 0, bad[i].text);
        ck_err(delta_read(p.a, NULL, p.dir, -1, &s), ERR_INVALID);
        ck_assert_msg(strstr(err_message(), bad[i].say), "%zu: %s", i, err_message());
    }
    put_commit(&p, 0,
               "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":7,\"writerFeatures\":["
               "\"rowTracking\"]}}\n" METADATA);
    ck_ok(delta_read(p.a, NULL, p.dir, -1, &s));
    ck_err(append(&p, "SELECT 1::BIGINT AS a"), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "rowTracking"));
    put_commit(&p, 0,
               PROTOCOL
               "{\"metaData\":{\"id\":\"x\",\"format\":{\"provider\":\"parquet\"},\"schemaString\":"
               "\"{\\\"fields\\\":[{\\\"name\\\":\\\"a\\\",\\\"type\\\":\\\"long\\\"}]}\","
               "\"partitionColumns\":[],\"configuration\":{\"delta.appendOnly\":\"true\"}}}\n");
    ck_ok(append(&p, "SELECT 1::BIGINT AS a"));
    delta_written r;
    ck_err(write_as(&p, "SELECT 1::BIGINT AS a", (delta_write_spec){.mode = DELTA_OVERWRITE}, &r),
           ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "appendOnly"));
    end(&p);
}
END_TEST

TEST(unknown_actions_are_left_alone_and_removes_remove)
{
    place p = begin();
    delta_snapshot *s = NULL;
    put_commit(&p, 0,
               "{\"futureAction\":{\"x\":[1,2]}}\n" ADD("a%20b.parquet") METADATA
               "\r\n" PROTOCOL ADD("c.parquet"));
    put_commit(&p, 1,
               "{\"remove\":{\"path\":\"c.parquet\",\"dataChange\":true}}\n{\"remove\":{\"path\":"
               "\"long/gone\"}}\n");
    ck_ok(delta_read(p.a, NULL, p.dir, -1, &s));
    ck_assert_uint_eq(s->n_files, 1);
    ck_assert(str_is(s->files[0].path, "a b.parquet") && str_is(s->files[0].raw, "a%20b.parquet"));
    ck_assert_int_eq(s->files[0].n_rows, -1);
    put_commit(&p, 2,
               "{\"metaData\":{\"id\":\"x\",\"format\":{\"provider\":\"parquet\"},\"schemaString\":"
               "\"{}\",\"partitionColumns\":[\"p\"]}}\n");
    ck_err(delta_read(p.a, NULL, p.dir, -1, &s), ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(err_message(), "no value of partition column \"p\""));
    end(&p);
}
END_TEST

TESTS("table_delta", a_table_is_made_appended_to_and_read_at_any_version,
      an_overwrite_replaces_all_rows_in_one_commit, columns_that_do_not_match_are_named,
      partitions_with_nulls_and_odd_values_come_back, a_batch_id_is_written_once,
      statistics_hold_for_every_row, a_file_with_a_bound_that_cannot_be_told_has_none,
      writers_at_once_lose_nothing, overwrites_at_once_leave_the_rows_of_one,
      every_single_failure_is_all_or_nothing, a_failed_write_leaves_nothing_behind,
      a_damaged_log_is_named_with_file_and_line, features_that_we_do_not_know_are_refused_by_name,
      unknown_actions_are_left_alone_and_removes_remove)
