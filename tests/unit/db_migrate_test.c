#include <pthread.h>

#include "db/db.h"
#include "temp.h"
#include "test.h"

static const char *const one[] = {
    "CREATE TABLE a (id BIGINT); CREATE TABLE b (id BIGINT);\n-- a comment; with a semicolon\n",
    "INSERT INTO a VALUES (1); INSERT INTO a VALUES (2)"};
static const char *const two[] = {"CREATE TABLE c (id BIGINT)"};

typedef struct fixture {
    arena *a;
    const char *dir;
    db *d;
} fixture;

static fixture set_up(void)
{
    fixture f = {.a = arena_new(0)};
    f.dir = temp_dir(f.a);
    ck_ok(db_open(cstr_fmt(f.a, "sqlite:%s/t.db", f.dir), &f.d));
    return f;
}

static void tear_down(fixture *f)
{
    db_free(f->d);
    temp_gone(f->dir);
    arena_free(f->a);
}

static int64_t number(fixture *f, const char *sql)
{
    db_rows r;
    ck_ok(db_rows_of(f->d, f->a, sql, DB_NO_ARGS, &r));
    return db_cell_i(&r, 0, 0);
}

TEST(each_step_runs_once_and_later_ones_when_they_come)
{
    fixture f = set_up();
    db_migration m[] = {{"one", one, 1}, {"two", two, 1}};
    ck_ok(db_migrate(f.d, m, 1));
    ck_ok(db_migrate(f.d, m, 1));
    ck_assert_int_eq(number(&f, "SELECT count(*) FROM a"), 0);
    m[0].n_steps = 2;
    ck_ok(db_migrate(f.d, m, 2));
    ck_ok(db_migrate(f.d, m, 2));
    ck_assert_int_eq(number(&f, "SELECT count(*) FROM a"), 2);
    ck_assert_int_eq(number(&f, "SELECT count(*) FROM schema_migration WHERE length(sha256) = 64"),
                     3);
    tear_down(&f);
}
END_TEST

TEST(a_database_of_another_version_is_refused_and_kept)
{
    fixture f = set_up();
    db_migration m[] = {{"one", one, 2}, {"two", two, 1}};
    ck_ok(db_migrate(f.d, m, 2));
    m[0].n_steps = 1;
    ck_err(db_migrate(f.d, m, 2), ERR_CONFLICT); /* a step too many */
    ck_assert_ptr_nonnull(strstr(err_message(), "one/2"));
    ck_assert_ptr_nonnull(strstr(err_message(), "newer version"));
    m[0].n_steps = 2;
    ck_err(db_migrate(f.d, m, 1), ERR_CONFLICT); /* a room that is not known */
    ck_assert_ptr_nonnull(strstr(err_message(), "two/1"));
    m[1].steps = one;
    ck_err(db_migrate(f.d, m, 2), ERR_CONFLICT); /* other words */
    ck_assert_ptr_nonnull(strstr(err_message(), "differs"));
    ck_assert_int_eq(number(&f, "SELECT count(*) FROM schema_migration"), 3);
    tear_down(&f);
}
END_TEST

TEST(a_step_that_fails_is_named_and_undoes_all)
{
    static const char *const bad[] = {"CREATE TABLE d (id BIGINT)", "CREATE TABLE d (id BIGINT)"};
    static const char *const sly[] = {
        "CREATE TABLE d (id BIGINT); COMMIT; CREATE TABLE e (id BIGINT)"};
    fixture f = set_up();
    db_migration m[] = {{"one", one, 2}, {"bad", bad, 2}};
    ck_err(db_migrate(f.d, m, 2), ERR_INTERNAL);
    ck_assert_ptr_nonnull(strstr(err_message(), "bad/2"));
    m[1] = (db_migration){"sly", sly, 1};
    ck_err(db_migrate(f.d, m, 2), ERR_INVALID);
    ck_assert_int_eq(number(&f, "SELECT count(*) FROM sqlite_schema"), 0);
    ck_ok(db_migrate(f.d, NULL, 0));
    tear_down(&f);
}
END_TEST

static void *migrate_once(void *arg)
{
    db_migration m[] = {{"one", one, 2}, {"two", two, 1}};
    ck_ok(db_migrate(arg, m, 2));
    return NULL;
}

TEST(two_that_migrate_at_once_do_it_once)
{
    fixture f = set_up();
    db *other = NULL; /* as a second process would have it */
    ck_ok(db_open(cstr_fmt(f.a, "sqlite:%s/t.db", f.dir), &other));
    pthread_t t[4];
    for (size_t i = 0; i < countof(t); i++)
        ck_assert(!pthread_create(&t[i], NULL, migrate_once, i % 2 ? other : f.d));
    for (size_t i = 0; i < countof(t); i++)
        pthread_join(t[i], NULL);
    ck_assert_int_eq(number(&f, "SELECT count(*) FROM a"), 2);
    ck_assert_int_eq(number(&f, "SELECT count(*) FROM schema_migration"), 3);
    db_free(other);
    tear_down(&f);
}
END_TEST

TESTS("db/migrate", each_step_runs_once_and_later_ones_when_they_come,
      a_database_of_another_version_is_refused_and_kept, a_step_that_fails_is_named_and_undoes_all,
      two_that_migrate_at_once_do_it_once)
