/* Group commit, failing commits, full disks, and kill -9. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/rng.h"
#include "db/db.h"
#include "temp.h"
#include "test.h"

typedef struct fixture {
    arena *a;
    const char *dir, *url;
    db *d;
} fixture;

static fixture set_up(void)
{
    fixture f = {.a = arena_new(0)};
    f.dir = temp_dir(f.a);
    f.url = cstr_fmt(f.a, "sqlite:%s/t.db", f.dir);
    ck_ok(db_open(f.url, &f.d));
    ck_ok(db_exec(f.d, "CREATE TABLE t (id BIGINT PRIMARY KEY, b BLOB)", DB_NO_ARGS, NULL));
    return f;
}

static void tear_down(fixture *f)
{
    db_free(f->d);
    temp_gone(f->dir);
    arena_free(f->a);
}

static err insert(db *d, int64_t id)
{
    return db_exec(d, "INSERT INTO t (id) VALUES (?)", DB_ARGS(db_int(id)), NULL);
}

static int64_t number(db *d, const char *sql)
{
    AUTO(arena) a = arena_new(0);
    db_rows r;
    ck_ok(db_rows_of(d, a, sql, DB_NO_ARGS, &r));
    return db_cell_i(&r, 0, 0);
}

enum { THREADS = 8, ROUNDS = 60 };

typedef struct worker {
    db *d;
    int64_t from, n_kept;
    pthread_t thread;
} worker;

/* Every third write fails, and must take nothing of its neighbours with it. */
static void *write_some(void *arg)
{
    worker *w = arg;
    for (int64_t i = 0; i < ROUNDS; i++) {
        ck_ok(insert(w->d, w->from + i));
        if (i % 3 == 0) {
            ck_err(insert(w->d, w->from + i), ERR_CONFLICT);
            ck_assert_ptr_nonnull(strstr(err_message(), "t.id"));
        }
        if (i % 10 == 0) ck_assert_int_ge(number(w->d, "SELECT count(*) FROM t"), i);
    }
    return NULL;
}

TEST(writes_of_eight_threads_are_all_kept)
{
    fixture f = set_up();
    worker w[THREADS];
    for (int i = 0; i < THREADS; i++) {
        w[i] = (worker){.d = f.d, .from = i * 1000};
        ck_assert(!pthread_create(&w[i].thread, NULL, write_some, &w[i]));
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(w[i].thread, NULL);
    ck_assert_int_eq(number(f.d, "SELECT count(*) FROM t"), THREADS * ROUNDS);
    tear_down(&f);
}
END_TEST

TEST(a_commit_that_fails_keeps_nothing)
{
    fixture f = set_up();
    fault_arm("db_commit:1");
    ck_err(insert(f.d, 1), ERR_IO);
    fault_arm("db_exec:1");
    ck_err(insert(f.d, 1), ERR_IO);
    fault_arm(NULL);
    ck_assert_int_eq(number(f.d, "SELECT count(*) FROM t"), 0);
    ck_ok(insert(f.d, 1));
    tear_down(&f);
}
END_TEST

/* --- a full disk, at SQLite's own system calls --- */

static atomic_bool disk_is_full;
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);

static ssize_t full_pwrite(int fd, const void *p, size_t n, off_t at)
{
    if (!disk_is_full) return real_pwrite(fd, p, n, at);
    errno = ENOSPC;
    return -1;
}

static void fill_disks(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    real_pwrite = pwrite;
    const char *const names[] = {"pwrite", "pwrite64"};
    for (size_t i = 0; i < countof(names); i++)
        ck_assert_int_eq(vfs->xSetSystemCall(vfs, names[i], (sqlite3_syscall_ptr)full_pwrite),
                         SQLITE_OK);
}

static err insert_big(db_tx *tx, void *arg)
{
    static const char zeros[100000];
    int64_t from = *(int64_t *)arg;
    for (int64_t i = 0; i < 200;
         i++) /* more than the cache holds, so it is written before the commit */
        TRY(tx_exec(tx, "INSERT INTO t (id, b) VALUES (?, ?)",
                    DB_ARGS(db_int(from + i), db_blob(((str){zeros, sizeof zeros}))), NULL));
    return ERR_OK;
}

TEST(a_full_disk_is_said_and_nothing_is_kept_of_it)
{
    fill_disks();
    fixture f = set_up();
    ck_ok(insert(f.d, 1));
    disk_is_full = true;
    ck_err(insert(f.d, 2), ERR_IO);
    ck_assert_ptr_nonnull(strstr(err_message(), "no space left on the disk that holds"));
    int64_t from = 1000;
    ck_err(db_write(f.d, insert_big, &from), ERR_IO);
    ck_assert_ptr_nonnull(strstr(err_message(), "no space left on the disk that holds"));
    ck_assert_int_eq(number(f.d, "SELECT count(*) FROM t"), 1); /* reading goes on */
    disk_is_full = false;
    ck_ok(insert(f.d, 2));
    ck_ok(db_write(f.d, insert_big, &from));
    ck_assert_int_eq(number(f.d, "SELECT count(*) FROM t"), 202);
    db_free(f.d);
    ck_ok(db_open(f.url, &f.d));
    ck_assert_int_eq(number(f.d, "SELECT count(*) FROM t"), 202);
    tear_down(&f);
}
END_TEST

static void *write_on_full_disk(void *arg)
{
    worker *w = arg;
    for (int64_t i = 0; i < ROUNDS; i++) {
        err e = insert(w->d, w->from + i);
        ck_assert(!e || e == ERR_IO);
        w->n_kept += !e;
    }
    return NULL;
}

TEST(what_was_acknowledged_around_a_full_disk_is_there)
{
    fill_disks();
    fixture f = set_up();
    worker w[4];
    int64_t acknowledged = 0;
    for (size_t i = 0; i < countof(w); i++) {
        w[i] = (worker){.d = f.d, .from = (int64_t)i * 1000};
        ck_assert(!pthread_create(&w[i].thread, NULL, write_on_full_disk, &w[i]));
    }
    for (int i = 0; i < 20; i++) {
        sleep_ms(2);
        disk_is_full = i % 2;
    }
    disk_is_full = false;
    for (size_t i = 0; i < countof(w); i++) {
        pthread_join(w[i].thread, NULL);
        acknowledged += w[i].n_kept;
    }
    ck_assert_int_eq(number(f.d, "SELECT count(*) FROM t"), acknowledged);
    tear_down(&f);
}
END_TEST

/* --- kill -9 --- */

typedef struct writing {
    db *d;
    int out;
    int64_t from;
} writing;

/* write_until_killed tells each id after it was acknowledged. */
static void *write_until_killed(void *arg)
{
    writing *w = arg;
    for (int64_t id = w->from;; id += 2)
        if (insert(w->d, id) || write(w->out, &id, sizeof id) != sizeof id) _exit(1);
}

static void writing_process(const char *url, int out, int64_t from)
{
    writing w[2] = {{.out = out, .from = from}, {.out = out, .from = from + 1}};
    db *d = NULL;
    if (db_open(url, &d)) _exit(1);
    pthread_t second;
    w[0].d = w[1].d = d;
    if (pthread_create(&second, NULL, write_until_killed, &w[1])) _exit(1);
    write_until_killed(&w[0]);
}

/* check_acknowledged counts what was acknowledged, each of which must be in the database. */
static int64_t check_acknowledged(fixture *f, int in)
{
    int64_t id, n = 0;
    while (read(in, &id, sizeof id) == sizeof id) {
        AUTO(arena) a = arena_new(0);
        db_rows r;
        ck_ok(db_rows_of(f->d, a, "SELECT 1 FROM t WHERE id = ?", DB_ARGS(db_int(id)), &r));
        ck_assert_msg(r.n == 1, "%lld was acknowledged and is lost", (long long)id);
        n++;
    }
    return n;
}

static int is_ok(void *ctx, int n, char **values, char **names)
{
    (void)names;
    *(bool *)ctx = n == 1 && !strcmp(values[0], "ok");
    return 0;
}

static void check_integrity(fixture *f)
{
    sqlite3 *s = NULL;
    bool ok = false;
    ck_assert_int_eq(sqlite3_open(f->url + strlen("sqlite:"), &s), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(s, "PRAGMA integrity_check", is_ok, &ok, NULL), SQLITE_OK);
    ck_assert(ok);
    sqlite3_close(s);
}

TEST(kill_9_loses_nothing_that_was_acknowledged)
{
    fixture f = set_up();
    db_free(f.d);
    f.d = NULL;
    rng chance;
    rng_init(&chance, 20);
    int64_t kept = 0;
    for (int64_t round = 0; round < 20; round++) {
        int ends[2];
        ck_assert(!pipe(ends));
        pid_t pid = fork(); /* no thread runs here while the database is closed */
        if (!pid) writing_process(f.url, ends[1], round * 1000000);
        close(ends[1]);
        char first[8];
        ck_assert_int_eq(read(ends[0], first, 8), 8); /* it writes */
        sleep_ms((int64_t)rng_below(&chance, 30));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        ck_ok(db_open(f.url, &f.d));
        kept += 1 + check_acknowledged(&f, ends[0]);
        ck_assert_int_ge(number(f.d, "SELECT count(*) FROM t"), kept);
        check_integrity(&f);
        db_free(f.d);
        f.d = NULL;
        close(ends[0]);
    }
    tear_down(&f);
}
END_TEST

TESTS("db/writer", writes_of_eight_threads_are_all_kept, a_commit_that_fails_keeps_nothing,
      a_full_disk_is_said_and_nothing_is_kept_of_it,
      what_was_acknowledged_around_a_full_disk_is_there, kill_9_loses_nothing_that_was_acknowledged)
