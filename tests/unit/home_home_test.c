/* Who owns a home, and who reaches it how. */
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "home/home.h"
#include "temp.h"
#include "test.h"

static const char *const steps[] = {"CREATE TABLE t (id BIGINT PRIMARY KEY)"};
static const db_migration rooms[] = {{.room = "t", .steps = steps, .n_steps = 1}};

static err open_as(const char *dir, home_mode mode, const char *token, home **ret)
{
    return home_open(
        &(home_options){
            .dir = dir, .mode = mode, .token = token, .migrations = rooms, .n_migrations = 1},
        ret);
}

static err insert(home *h, int64_t id)
{
    return db_exec(home_db(h), "INSERT INTO t (id) VALUES (?)", DB_ARGS(db_int(id)), NULL);
}

static int64_t count(home *h)
{
    AUTO(arena) a = arena_new(0);
    db_rows r;
    ck_ok(db_rows_of(home_db(h), a, "SELECT count(*) FROM t", DB_NO_ARGS, &r));
    return db_cell_i(&r, 0, 0);
}

TEST(the_first_owns_and_the_second_is_refused_with_its_pid)
{
    AUTO(arena) a = arena_new(0);
    const char *top = temp_dir(a), *dir = path_join(a, top, "new/home");
    home *h = NULL, *second = NULL;
    ck_ok(open_as(dir, HOME_OWN, NULL, &h));
    ck_assert(home_is_owner(h));
    struct stat st;
    ck_assert(!stat(dir, &st) && (st.st_mode & 0777) == 0700);
    ck_assert(!stat(path_join(a, dir, "tidemill.sock"), &st) && (st.st_mode & 0777) == 0600);
    ck_err(open_as(dir, HOME_OWN, NULL, &second), ERR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err_message(), cstr_fmt(a, "process %d", (int)getpid())));
    ck_ok(home_set_url(h, "http://127.0.0.1:5000"));
    ck_err(open_as(dir, HOME_OWN, NULL, &second), ERR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err_message(), "http://127.0.0.1:5000"));
    ck_assert_ptr_null(second);
    home_free(h);
    ck_ok(open_as(dir, HOME_OWN, NULL, &h));
    home_free(h);
    temp_gone(top);
}
END_TEST

TEST(every_owner_raises_the_epoch)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = temp_dir(a);
    for (int64_t i = 1; i <= 3; i++) {
        home *h = NULL;
        ck_ok(open_as(dir, i == 2 ? HOME_ANY : HOME_OWN, NULL, &h));
        ck_assert_int_eq(home_epoch(h), i);
        ck_assert_str_eq(home_token(h, a, 7, 2), cstr_fmt(a, "%d:7:2", (int)i));
        home_free(h);
    }
    temp_gone(dir);
}
END_TEST

TEST(a_guest_reads_and_writes_through_the_owner)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = temp_dir(a);
    home *h = NULL, *guest = NULL, *child = NULL;
    ck_ok(open_as(dir, HOME_OWN, NULL, &h));
    ck_ok(open_as(dir, HOME_ANY, NULL, &guest));
    ck_assert(!home_is_owner(guest));
    ck_assert_int_eq(home_epoch(guest), 1);
    ck_ok(open_as(dir, HOME_GUEST, home_token(h, a, 7, 1), &child));
    ck_ok(insert(guest, 1));
    ck_ok(insert(child, 2));
    ck_err(insert(child, 1), ERR_CONFLICT);
    ck_assert_int_eq(count(h), 2);
    ck_assert_int_eq(count(guest), 2);
    blob_id id;
    str bytes;
    ck_ok(blob_put(home_blobs(child), STR("bytes"), &id));
    ck_ok(blob_get(home_blobs(h), a, id.hex, 100, &bytes));
    home_free(guest);
    home_free(h); /* with the child connected */
    ck_err(insert(child, 3), ERR_IO);
    home_free(child);
    temp_gone(dir);
}
END_TEST

static err only_attempt_2(void *ctx, db_tx *tx, int64_t job_run, int64_t attempt)
{
    (void)ctx, (void)tx;
    if (job_run == 7 && attempt == 2) return ERR_OK;
    return err_set(ERR_DENIED, "attempt %lld of run %lld is over", (long long)attempt,
                   (long long)job_run);
}

TEST(a_stale_token_can_commit_and_publish_nothing)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = temp_dir(a);
    home *h = NULL, *child = NULL, *none = NULL;
    ck_ok(open_as(dir, HOME_OWN, NULL, &h));
    const char *old = home_token(h, a, 7, 1);
    ck_ok(open_as(dir, HOME_GUEST, old, &child));
    ck_ok(insert(child, 1));
    home_set_fence(h, only_attempt_2, NULL); /* the run was tried again meanwhile */
    ck_err(insert(child, 2), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(err_message(), "attempt 1 of run 7 is over"));
    const char *temp = path_join(a, home_dir(h), "tables/x.tmp"),
               *final = path_join(a, home_dir(h), "tables/x");
    ck_ok(file_write_atomic(temp, STR("x")));
    ck_err(db_publish(home_db(child), temp, final), ERR_DENIED);
    ck_assert(!file_exists(final));
    ck_err(open_as(dir, HOME_GUEST, old, &none), ERR_DENIED);
    ck_err(open_as(dir, HOME_GUEST, "7", &none), ERR_DENIED);
    ck_err(open_as(dir, HOME_GUEST, "1:7:2:9", &none), ERR_DENIED);
    ck_err(open_as(dir, HOME_GUEST, "", &none), ERR_INVALID);
    ck_err(open_as(dir, HOME_GUEST, NULL, &none), ERR_INVALID);
    home_free(child);
    home_free(h);
    ck_err(open_as(dir, HOME_GUEST, old, &none), ERR_MISSING); /* nobody is there */
    ck_ok(open_as(dir, HOME_OWN, NULL, &h));
    ck_err(open_as(dir, HOME_GUEST, "1:7:2", &none), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(err_message(), "epoch 2"));
    ck_assert_int_eq(count(h), 1);
    ck_ok(db_publish(home_db(h), temp, final));
    home_free(h);
    temp_gone(dir);
}
END_TEST

TEST(the_url_is_told_while_a_server_runs)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = temp_dir(a);
    home *h = NULL, *guest = NULL;
    str url;
    ck_ok(open_as(dir, HOME_OWN, NULL, &h));
    ck_ok(open_as(dir, HOME_ANY, NULL, &guest));
    ck_err(home_url(h, a, &url), ERR_MISSING);
    ck_err(home_url(guest, a, &url), ERR_MISSING);
    ck_assert_ptr_nonnull(
        strstr(err_message(), cstr_fmt(a, "tidemill server --home %s", home_dir(h))));
    ck_ok(home_set_url(h, "http://127.0.0.1:5000/a/longer/one"));
    ck_ok(home_set_url(h, "http://127.0.0.1:5001"));
    ck_ok(home_url(h, a, &url));
    ck_ok(home_url(guest, a, &url));
    ck_assert_str_eq(url.p, "http://127.0.0.1:5001");
    home_free(h);
    ck_err(home_url(guest, a, &url), ERR_MISSING);
    home_free(guest);
    temp_gone(dir);
}
END_TEST

TEST(a_folder_that_must_exist_is_not_made)
{
    AUTO(arena) a = arena_new(0);
    const char *top = temp_dir(a), *dir = path_join(a, top, "none"),
               *file = path_join(a, top, "file");
    home *h = NULL;
    home_options o = {.dir = dir, .mode = HOME_ANY, .must_exist = true};
    ck_err(home_open(&o, &h), ERR_MISSING);
    ck_assert_ptr_nonnull(strstr(err_message(), cstr_fmt(a, "tidemill server --home %s", dir)));
    ck_assert(!file_exists(dir));
    ck_ok(file_write_atomic(file, STR("")));
    o.dir = file;
    ck_err(home_open(&o, &h), ERR_INVALID);
    ck_assert_ptr_null(h);
    temp_gone(top);
}
END_TEST

TEST(a_home_may_have_a_long_path)
{
    AUTO(arena) a = arena_new(0);
    const char *top = temp_dir(a), *dir = top;
    for (int i = 0; i < 5; i++)
        dir = path_join(a, dir, "a-folder-with-a-name-of-fifty-characters-and-more-");
    home *h = NULL, *guest = NULL;
    ck_assert_uint_gt(strlen(dir), 250);
    ck_ok(open_as(dir, HOME_OWN, NULL, &h));
    ck_ok(open_as(dir, HOME_ANY, NULL, &guest));
    ck_ok(insert(guest, 1));
    home_free(h);
    home_free(guest);
    temp_gone(top);
}
END_TEST

/* owner_process owns dir in a process of its own until it is killed. */
static pid_t owner_process(const char *dir)
{
    int ready[2];
    ck_assert(!pipe(ready));
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (!pid) {
        home *h = NULL;
        if (open_as(dir, HOME_OWN, NULL, &h) || home_set_url(h, "http://127.0.0.1:1")) _exit(1);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        for (;;)
            pause();
    }
    char c;
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    close(ready[0]);
    return pid;
}

TEST(a_killed_owner_is_followed_by_another)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = temp_dir(a);
    home *guest = NULL, *h = NULL;
    str url;
    pid_t pid = owner_process(dir);
    ck_ok(open_as(dir, HOME_ANY, NULL, &guest));
    ck_assert(!home_is_owner(guest));
    ck_ok(insert(guest, 1));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    ck_err(insert(guest, 2), ERR_IO);
    ck_err(home_url(guest, a, &url), ERR_MISSING); /* though the lock's text still has one */
    home_free(guest);
    ck_ok(open_as(dir, HOME_ANY, NULL, &h)); /* over a socket and a lock file that lie about */
    ck_assert(home_is_owner(h));
    ck_assert_int_eq(home_epoch(h), 2);
    ck_assert_int_eq(count(h), 1);
    home_free(h);
    temp_gone(dir);
}
END_TEST

TEST(a_stopped_owner_is_named_after_a_while)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = temp_dir(a);
    home *h = NULL;
    pid_t pid = owner_process(dir);
    kill(pid, SIGSTOP);
    ck_err(open_as(dir, HOME_OWN, NULL, &h), ERR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err_message(), cstr_fmt(a, "process %d", (int)pid)));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    temp_gone(dir);
}
END_TEST

TEST(of_many_that_start_at_once_one_owns_and_all_work)
{
    enum { PROCESSES = 6 };
    AUTO(arena) a = arena_new(0);
    const char *dir = temp_dir(a);
    pid_t pid[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        pid[i] = fork();
        if (pid[i]) continue;
        home *h = NULL;
        if (open_as(dir, HOME_ANY, NULL, &h)) {
            fprintf(stderr, "%s\n", err_message());
            _exit(1);
        }
        if (insert(h, i)) _exit(2);
        while (home_is_owner(h) && count(h) < PROCESSES) /* guests live on their owner */
            sleep_ms(20);
        home_free(h);
        _exit(0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        waitpid(pid[i], &status, 0);
        ck_assert_int_eq(status, 0);
    }
    home *h = NULL;
    ck_ok(open_as(dir, HOME_OWN, NULL, &h));
    ck_assert_int_eq(count(h), PROCESSES);
    home_free(h);
    temp_gone(dir);
}
END_TEST

static void *come_late(void *arg)
{
    home *h = NULL;
    ck_ok(open_as(arg, HOME_ANY, NULL, &h));
    ck_ok(insert(h, 5));
    home_free(h);
    return NULL;
}

TEST(more_guests_than_places_wait_for_one)
{
    enum { PLACES = 64 };
    AUTO(arena) a = arena_new(0);
    const char *dir = temp_dir(a);
    home *h = NULL, *guest[PLACES];
    ck_ok(open_as(dir, HOME_OWN, NULL, &h));
    for (int i = 0; i < PLACES; i++)
        ck_ok(open_as(dir, HOME_ANY, NULL, &guest[i]));
    pthread_t late;
    ck_assert(!pthread_create(&late, NULL, come_late, (void *)(uintptr_t)dir));
    sleep_ms(200);
    ck_assert_int_eq(count(h), 0);
    home_free(guest[0]);
    pthread_join(late, NULL);
    ck_assert_int_eq(count(h), 1);
    home_free(h); /* with guests connected */
    for (int i = 1; i < PLACES; i++)
        home_free(guest[i]);
    temp_gone(dir);
}
END_TEST

TEST(any_failure_on_the_way_to_a_home_is_said_and_harmless)
{
    AUTO(arena) a = arena_new(0);
    const char *const sites[] = {"db_exec", "db_commit", "file_write", "file_sync"};
    for (size_t i = 0; i < countof(sites); i++) {
        const char *dir = temp_dir(a);
        home *h = NULL;
        int failures = 0;
        for (;;) {
            fault_arm(cstr_fmt(a, "%s:%d", sites[i], failures + 1));
            err e = open_as(dir, HOME_OWN, NULL, &h);
            fault_arm(NULL);
            if (!e) break;
            ck_assert_ptr_null(h);
            ck_assert_int_eq(e, ERR_IO);
            ck_assert_ptr_nonnull(strstr(err_message(), dir));
            ck_assert(!file_exists(path_join(a, dir, "tidemill.sock")));
            ck_assert_int_lt(failures++, 100);
        }
        if (i < 2) ck_assert_int_gt(failures, 0);
        ck_ok(insert(h, 1));
        home_free(h);
        temp_gone(dir);
    }
}
END_TEST

TEST(table_names_of_one_two_and_three_levels_have_their_folder)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = temp_dir(a), *got = NULL;
    home *h = NULL;
    ck_ok(open_as(dir, HOME_OWN, NULL, &h));
    ck_ok(home_table_dir(h, a, STR("t"), &got));
    ck_assert_str_eq(got, cstr_fmt(a, "%s/tables/main/default/t", home_dir(h)));
    ck_ok(home_table_dir(h, a, STR("s.t"), &got));
    ck_assert_str_eq(got, cstr_fmt(a, "%s/tables/main/s/t", home_dir(h)));
    ck_ok(home_table_dir(h, a, STR("c.s-1.t_2"), &got));
    ck_assert_str_eq(got, cstr_fmt(a, "%s/tables/c/s-1/t_2", home_dir(h)));
    const char *const bad[] = {"",     ".",   "a.",  ".a", "a..b",  "a.b.c.d",
                               "../x", "a/b", "a b", "ä",  "a.b.c."};
    for (size_t i = 0; i < countof(bad); i++)
        ck_err(home_table_dir(h, a, str_of(bad[i]), &got), ERR_INVALID);
    char name[130];
    memset(name, 'a', sizeof name);
    ck_ok(home_table_dir(h, a, (str){name, 128}, &got));
    ck_err(home_table_dir(h, a, (str){name, 129}, &got), ERR_INVALID);
    home_free(h);
    temp_gone(dir);
}
END_TEST

TESTS("home", the_first_owns_and_the_second_is_refused_with_its_pid, every_owner_raises_the_epoch,
      a_guest_reads_and_writes_through_the_owner, a_stale_token_can_commit_and_publish_nothing,
      the_url_is_told_while_a_server_runs, a_folder_that_must_exist_is_not_made,
      a_home_may_have_a_long_path, a_killed_owner_is_followed_by_another,
      a_stopped_owner_is_named_after_a_while, of_many_that_start_at_once_one_owns_and_all_work,
      more_guests_than_places_wait_for_one, any_failure_on_the_way_to_a_home_is_said_and_harmless,
      table_names_of_one_two_and_three_levels_have_their_folder)
