/* An engine for one task: it reads the folders of its sources and the home's tables, and nothing
 * else. */
#include "table/sources.h"

#include "place.h"

static err open_(place *p, const source_spec *v, size_t n, duck **ret)
{
    return sources_open(p->h, p->a, v, n, 1, ret);
}

static int64_t count(place *p, duck *d, const char *relation)
{
    frame *f = NULL;
    ck_ok(duck_query(d, p->a, "count", cstr_fmt(p->a, "SELECT count(*) FROM %s", relation), &f));
    return f->cols[0].i64[0];
}

/* A folder beside the home with CSV files in folders a and b. */
static const char *make_files(place *p)
{
    const char *dir = temp_dir(p->a);
    ck_ok(dir_make(cstr_fmt(p->a, "%s/a", dir)));
    ck_ok(dir_make(cstr_fmt(p->a, "%s/b", dir)));
    ck_ok(file_write_atomic(cstr_fmt(p->a, "%s/a/x.csv", dir), STR("v\n1\n2\n")));
    ck_ok(file_write_atomic(cstr_fmt(p->a, "%s/b/x.csv", dir), STR("v\n3\n")));
    ck_ok(file_write_atomic(cstr_fmt(p->a, "%s/secret.csv", dir), STR("v\n9\n")));
    return dir;
}

TEST(sources_build_on_each_other_in_their_order)
{
    place p;
    place_open(&p, NULL, 0);
    const char *dir = make_files(&p);
    const source_spec v[] = {
        {.name = STR("file"), .path = str_fmt(p.a, "%s/a/x.csv", dir)},
        {.name = STR("big"), .sql = STR("SELECT * FROM file WHERE v > 1")},
        {.name = STR("Odd name"), .sql = STR("SELECT v + 1 AS v FROM big")},
    };
    AUTO(duck) d = NULL;
    ck_ok(open_(&p, v, 3, &d));
    ck_assert_int_eq(count(&p, d, "file"), 2);
    ck_assert_int_eq(count(&p, d, "\"Odd name\""), 1);
    AUTO(duck) wrong = NULL;
    const source_spec reversed[] = {v[1], v[0]};
    ck_err(open_(&p, reversed, 2, &wrong), ERR_INVALID);
    ck_assert(wrong == NULL);
    temp_gone(dir);
    place_close(&p);
}
END_TEST

TEST(wildcards_may_stand_in_folders)
{
    place p;
    place_open(&p, NULL, 0);
    const char *dir = make_files(&p);
    const char *patterns[] = {"%s/*/x.csv", "%s/[ab]/*.csv", "%s/?/*.csv"};
    for (size_t i = 0; i < countof(patterns); i++) {
        AUTO(duck) d = NULL;
        const source_spec v = {.name = STR("all"),
                               .path = str_fmt(p.a, "%s%s", dir, patterns[i] + 2)};
        ck_ok(open_(&p, &v, 1, &d));
        ck_assert_int_eq(count(&p, d, "\"all\""), 3);
    }
    ck_ok(dir_make(cstr_fmt(p.a, "%s/[x]", dir)));
    ck_ok(file_write_atomic(cstr_fmt(p.a, "%s/[x]/x.csv", dir), STR("v\n5\n")));
    AUTO(duck) d = NULL; /* no '*': the name of a file as it stands */
    const source_spec v = {.name = STR("x"), .path = str_fmt(p.a, "%s/[x]/x.csv", dir)};
    ck_ok(open_(&p, &v, 1, &d));
    ck_assert_int_eq(count(&p, d, "x"), 1);
    temp_gone(dir);
    place_close(&p);
}
END_TEST

TEST(nothing_else_can_be_read_or_changed)
{
    place p;
    place_open(&p, NULL, 0);
    const char *dir = make_files(&p);
    const source_spec v = {.name = STR("file"), .path = str_fmt(p.a, "%s/a/x.csv", dir)};
    AUTO(duck) d = NULL;
    ck_ok(open_(&p, &v, 1, &d));
    const char *forbidden[] = {
        cstr_fmt(p.a, "SELECT * FROM read_csv('%s/secret.csv')", dir),
        cstr_fmt(p.a, "SELECT * FROM read_csv('%s/a/../secret.csv')", dir),
        cstr_fmt(p.a, "SELECT * FROM read_csv('%s/b/x.csv')", dir),
        cstr_fmt(p.a, "SELECT * FROM read_text('%s/tidemill.db')", home_dir(p.h)),
        cstr_fmt(p.a, "SELECT * FROM read_text('%s/lock')", home_dir(p.h)),
        "SELECT * FROM read_text('/etc/passwd')",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "ATTACH '/tmp/tidemill-nothing.db'",
        "COPY (SELECT 1) TO '/tmp/tidemill-nothing.csv'",
    };
    for (size_t i = 0; i < countof(forbidden); i++)
        ck_assert_msg(duck_exec(d, "a test", forbidden[i]) != ERR_OK, "%s", forbidden[i]);
    temp_gone(dir);
    place_close(&p);
}
END_TEST

TEST(the_tables_of_the_home_are_sources_too)
{
    place p;
    place_open(&p, NULL, 0);
    place_write(&p, "c.s.t", "SELECT 1 AS a UNION ALL SELECT 2", DELTA_APPEND);
    const char *dir;
    ck_ok(home_table_dir(p.h, p.a, STR("c.s.t"), &dir));
    const source_spec v[] = {{.name = STR("t"), .path = str_of(dir)},
                             {.name = STR("u"), .path = str_fmt(p.a, "%s/", dir)}};
    AUTO(duck) d = NULL;
    ck_ok(open_(&p, v, 2, &d));
    ck_assert_int_eq(count(&p, d, "t"), 2);
    ck_assert_int_eq(count(&p, d, "u"), 2);
    place_close(&p);
}
END_TEST

TEST(a_file_that_is_not_there_or_empty_is_named)
{
    place p;
    place_open(&p, NULL, 0);
    const char *dir = make_files(&p);
    source_spec v = {.name = STR("file"), .path = str_fmt(p.a, "%s/none.parquet", dir)};
    AUTO(duck) d = NULL;
    ck_err(open_(&p, &v, 1, &d), ERR_MISSING);
    ck_assert(strstr(err_message(), "none.parquet") != NULL);
    v.path = str_fmt(p.a, "%s/empty.parquet", dir);
    ck_ok(file_write_atomic(str_c(p.a, v.path), STR("")));
    ck_err(open_(&p, &v, 1, &d), ERR_FORMAT);
    ck_assert(strstr(err_message(), "empty.parquet") != NULL);
    ck_assert(d == NULL);
    temp_gone(dir);
    place_close(&p);
}
END_TEST

TESTS("table/sources", sources_build_on_each_other_in_their_order, wildcards_may_stand_in_folders,
      nothing_else_can_be_read_or_changed, the_tables_of_the_home_are_sources_too,
      a_file_that_is_not_there_or_empty_is_named)
