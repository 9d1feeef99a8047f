/* db_publish: one winner, nothing outside its root. */
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/db.h"
#include "relay_server.h"
#include "temp.h"
#include "test.h"

typedef struct fixture {
    arena *a;
    const char *dir, *root, *socket;
    db *d;
} fixture;

static void set_up(fixture *f)
{
    *f = (fixture){.a = arena_new(0)};
    f->dir = temp_dir(f->a);
    f->root = path_join(f->a, f->dir, "tables");
    f->socket = path_join(f->a, f->dir, "sock");
    ck_ok(dir_make(path_join(f->a, f->root, "t/_delta_log")));
}

static void open_owner(fixture *f)
{
    ck_ok(db_open(cstr_fmt(f->a, "sqlite:%s/t.db", f->dir), &f->d));
    db_set_publish_root(f->d, f->root);
}

static void tear_down(fixture *f)
{
    db_free(f->d);
    temp_gone(f->dir);
    arena_free(f->a);
}

static const char *below(fixture *f, const char *name)
{
    return cstr_fmt(f->a, "%s/%s", f->root, name);
}

TEST(a_finished_file_gets_its_name_once)
{
    fixture f;
    set_up(&f);
    open_owner(&f);
    const char *temp = below(&f, "t/_delta_log/x.tmp"), *final = below(&f, "t/_delta_log/0.json");
    str got;
    ck_ok(file_write_atomic(temp, STR("first")));
    ck_ok(db_publish(f.d, temp, final));
    ck_assert(!file_exists(temp));
    ck_ok(file_write_atomic(temp, STR("second")));
    ck_err(db_publish(f.d, temp, final), ERR_CONFLICT);
    ck_assert(file_exists(temp));
    ck_ok(file_read(f.a, final, 100, &got));
    ck_assert(str_is(got, "first"));
    tear_down(&f);
}
END_TEST

TEST(nothing_outside_the_root_can_be_named)
{
    fixture f;
    set_up(&f);
    open_owner(&f);
    const char *temp = below(&f, "t/x.tmp"), *outside = path_join(f.a, f.dir, "outside");
    ck_ok(file_write_atomic(temp, STR("x")));
    ck_ok(file_write_atomic(outside, STR("secret")));
    ck_ok(dir_make(path_join(f.a, f.dir, "tables-of-others")));
    ck_assert(!symlink(f.dir, below(&f, "link")));
    ck_assert(!symlink(outside, below(&f, "t/link.tmp")));
    ck_assert(!mkfifo(below(&f, "t/fifo"), 0600));
    const char *const targets[] = {outside,
                                   below(&f, "../outside2"),
                                   below(&f, "t/../../outside2"),
                                   below(&f, "link/outside2"),
                                   below(&f, "./t/y"),
                                   below(&f, "t//y"),
                                   below(&f, "t/"),
                                   below(&f, "t/.."),
                                   f.root,
                                   "",
                                   "relative",
                                   cstr_fmt(f.a, "%s-of-others/y", f.root),
                                   below(&f, "t/x.tmp/y")};
    for (size_t i = 0; i < countof(targets); i++)
        ck_assert_msg(db_publish(f.d, temp, targets[i]) == ERR_DENIED, "\"%s\": %s", targets[i],
                      err_message());
    const char *const temps[] = {outside, below(&f, "t/link.tmp"), below(&f, "link/outside"),
                                 below(&f, "t/fifo"), below(&f, "t")};
    for (size_t i = 0; i < countof(temps); i++)
        ck_assert_msg(db_publish(f.d, temps[i], below(&f, "t/y")) != ERR_OK, "\"%s\"", temps[i]);
    ck_err(db_publish(f.d, below(&f, "t/none"), below(&f, "t/y")), ERR_MISSING);
    ck_err(db_publish(f.d, temp, below(&f, "none/y")), ERR_MISSING);
    ck_assert(!file_exists(below(&f, "t/y")));
    ck_assert(!file_exists(path_join(f.a, f.dir, "outside2")));
    ck_ok(db_publish(f.d, temp, below(&f, "t/y")));
    tear_down(&f);
}
END_TEST

TEST(without_a_root_nothing_is_published)
{
    fixture f;
    set_up(&f);
    ck_ok(db_open(cstr_fmt(f.a, "sqlite:%s/t.db", f.dir), &f.d));
    ck_ok(file_write_atomic(below(&f, "x"), STR("x")));
    ck_err(db_publish(f.d, below(&f, "x"), below(&f, "y")), ERR_DENIED);
    tear_down(&f);
}
END_TEST

enum { RACERS = 8, TARGETS = 12 };

/* racer tries to publish its own file under every name; its exit code is the number of names it
 * got. */
static void racer(fixture *f, int go, int self)
{
    char c;
    int won = 0;
    db *d = NULL;
    if (read(go, &c, 1) != 1 || db_open(cstr_fmt(f->a, "relay:%s?token=", f->socket), &d))
        _exit(100);
    for (int i = 0; i < TARGETS; i++) {
        const char *temp = cstr_fmt(f->a, "%s/t/%d.%d.tmp", f->root, i, self);
        if (file_write_atomic(temp, str_fmt(f->a, "%d", self))) _exit(101);
        err e = db_publish(d, temp, cstr_fmt(f->a, "%s/t/%d.json", f->root, i));
        if (e && e != ERR_CONFLICT) _exit(102);
        won += !e;
    }
    db_free(d);
    _exit(won);
}

static err let_all(void *ctx, db_tx *tx, str token)
{
    (void)ctx, (void)tx, (void)token;
    return ERR_OK;
}

TEST(of_eight_processes_exactly_one_wins_each_name)
{
    fixture f;
    set_up(&f);
    int go[2], sum = 0;
    ck_assert(!pipe(go));
    pid_t pid[RACERS];
    for (int i = 0; i < RACERS; i++)
        if (!(pid[i] = fork())) racer(&f, go[0], i);
    open_owner(&f);
    relay_server *s = relay_server_new(&(db_relay){.d = f.d, .check = let_all}, f.socket);
    ck_assert_int_eq(write(go[1], "xxxxxxxx", RACERS), RACERS);
    for (int i = 0; i < RACERS; i++) {
        int status;
        waitpid(pid[i], &status, 0);
        ck_assert(WIFEXITED(status));
        ck_assert_int_lt(WEXITSTATUS(status), 100);
        sum += WEXITSTATUS(status);
    }
    ck_assert_int_eq(sum, TARGETS);
    relay_server_free(s);
    tear_down(&f);
}
END_TEST

TESTS("db/publish", a_finished_file_gets_its_name_once, nothing_outside_the_root_can_be_named,
      without_a_root_nothing_is_published, of_eight_processes_exactly_one_wins_each_name)
