/* Transactions of other processes, through the owner's socket. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/db.h"
#include "db/wire_int.h"
#include "relay_server.h"
#include "temp.h"
#include "test.h"

enum { TX_MS = 1500 };

typedef struct fixture {
    arena *a;
    const char *dir, *socket, *url;
    db *owner, *d;
    relay_server *server;
    atomic_bool revoked;
} fixture;

static err check(void *ctx, db_tx *tx, str token)
{
    fixture *f = ctx;
    db_rows r;
    AUTO(arena) a = arena_new(0);
    TRY(tx_rows(tx, a, "SELECT count(*) FROM t", DB_NO_ARGS,
                &r)); /* it may look into the database */
    if (!str_is(token, "good") || atomic_load(&f->revoked))
        return err_set(ERR_DENIED, "token \"%.*s\" is stale", STR_ARG(token));
    return ERR_OK;
}

static const char *url_of(fixture *f, const char *token)
{
    return cstr_fmt(f->a, "relay:%s?token=%s", f->socket, token);
}

/* before_server: the folder only, so that a test can fork while it has one thread. */
static void before_server(fixture *f)
{
    *f = (fixture){.a = arena_new(0)};
    f->dir = temp_dir(f->a);
    f->socket = path_join(f->a, f->dir, "sock");
    f->url = url_of(f, "good");
}

static void serve(fixture *f)
{
    ck_ok(db_open(cstr_fmt(f->a, "sqlite:%s/t.db", f->dir), &f->owner));
    ck_ok(db_exec(f->owner,
                  "CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT, x DOUBLE PRECISION, b BLOB,"
                  " CHECK (id >= 0))",
                  DB_NO_ARGS, NULL));
    f->server = relay_server_new(
        &(db_relay){.d = f->owner, .check = check, .ctx = f, .tx_ms_max = TX_MS}, f->socket);
}

static void set_up(fixture *f)
{
    before_server(f);
    serve(f);
    ck_ok(db_open(f->url, &f->d));
}

static void tear_down(fixture *f)
{
    db_free(f->d);
    relay_server_free(f->server);
    db_free(f->owner);
    temp_gone(f->dir);
    arena_free(f->a);
}

static err insert(db *d, int64_t id)
{
    return db_exec(d, "INSERT INTO t (id) VALUES (?)", DB_ARGS(db_int(id)), NULL);
}

static int64_t count(db *d)
{
    AUTO(arena) a = arena_new(0);
    db_rows r;
    ck_ok(db_rows_of(d, a, "SELECT count(*) FROM t", DB_NO_ARGS, &r));
    return db_cell_i(&r, 0, 0);
}

TEST(values_and_counts_pass_through)
{
    fixture f;
    set_up(&f);
    int64_t n = -1;
    ck_ok(db_exec(f.d, "INSERT INTO t (id, name, x, b) VALUES (?, ?, ?, ?), (2, NULL, NULL, ?)",
                  DB_ARGS(db_int(1), db_ctext("zwölf"), db_real(-0.1), db_blob(((str){"a\0b", 3})),
                          db_blob(STR(""))),
                  &n));
    ck_assert_int_eq(n, 2);
    db_rows r;
    ck_ok(db_rows_of(f.d, f.a, "SELECT id, name, x, b FROM t ORDER BY id", DB_NO_ARGS, &r));
    ck_assert_uint_eq(r.n, 2);
    ck_assert_str_eq(db_cell_s(&r, 0, 1).p, "zwölf"); /* ends in NUL */
    ck_assert(db_cell_f(&r, 0, 2) == -0.1);
    ck_assert(str_eq(db_cell_s(&r, 0, 3), (str){"a\0b", 3}));
    ck_assert_int_eq(db_at(&r, 1, 1)->type, DB_NULL);
    ck_assert_int_eq(db_at(&r, 1, 3)->type, DB_BLOB);
    ck_ok(db_rows_of(f.d, f.a, "SELECT id, name FROM t WHERE id = 9", DB_NO_ARGS, &r));
    ck_assert_uint_eq(r.n, 0);
    ck_assert_uint_eq(r.cols, 2);
    tear_down(&f);
}
END_TEST

TEST(many_rows_come_in_several_frames)
{
    fixture f;
    set_up(&f);
    db_rows r;
    ck_ok(db_rows_of(
        f.d, f.a,
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 49999)"
        " SELECT i, 'row ' || i FROM n",
        DB_NO_ARGS, &r));
    ck_assert_uint_eq(r.n, 50000);
    for (size_t i = 0; i < r.n; i += 777) {
        ck_assert_int_eq(db_cell_i(&r, i, 0), (int64_t)i);
        ck_assert_str_eq(db_cell_s(&r, i, 1).p, cstr_fmt(f.a, "row %zu", i));
    }
    tear_down(&f);
}
END_TEST

TEST(failures_keep_their_kind_and_words)
{
    fixture f;
    set_up(&f);
    ck_ok(insert(f.d, 1));
    ck_err(insert(f.d, 1), ERR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err_message(), "UNIQUE constraint failed: t.id"));
    ck_err(insert(f.d, -1), ERR_INVALID);
    ck_err(db_exec(f.d, "SELEC", DB_NO_ARGS, NULL), ERR_INTERNAL);
    ck_err(db_exec(f.d, "COMMIT", DB_NO_ARGS, NULL), ERR_INVALID);
    const db_migration none = {"x", NULL, 0};
    static const char *const steps[] = {"CREATE TABLE u (id BIGINT)"};
    const db_migration some = {"x", steps, 1};
    ck_ok(db_migrate(f.owner, &none, 1));
    ck_err(db_migrate(f.d, &some, 1), ERR_INVALID);
    ck_assert_int_eq(count(f.d), 1);
    tear_down(&f);
}
END_TEST

static err two_then(db_tx *tx, void *arg)
{
    TRY(tx_exec(tx, "INSERT INTO t (id) VALUES (1)", DB_NO_ARGS, NULL));
    TRY(tx_exec(tx, "INSERT INTO t (id) VALUES (2)", DB_NO_ARGS, NULL));
    err e = *(err *)arg;
    return e ? err_set(e, "not this time") : ERR_OK;
}

static err drop_an_error(db_tx *tx, void *arg)
{
    (void)arg;
    (void)!tx_exec(tx, "INSERT INTO t (id) VALUES (-1)", DB_NO_ARGS, NULL);
    ck_err(tx_exec(tx, "INSERT INTO t (id) VALUES (3)", DB_NO_ARGS, NULL), ERR_INVALID);
    return ERR_OK;
}

TEST(a_transaction_is_kept_whole_or_not_at_all)
{
    fixture f;
    set_up(&f);
    err e = ERR_GATE;
    ck_err(db_write(f.d, two_then, &e), ERR_GATE);
    ck_assert_str_eq(err_message(), "not this time");
    ck_err(db_write(f.d, drop_an_error, NULL), ERR_INVALID);
    ck_assert_int_eq(count(f.owner), 0);
    e = ERR_OK;
    ck_ok(db_write(f.d, two_then, &e));
    ck_assert_int_eq(count(f.owner), 2);
    tear_down(&f);
}
END_TEST

static err count_around_a_write(db_tx *tx, void *arg)
{
    fixture *f = arg;
    db_rows before, after;
    TRY(tx_rows(tx, f->a, "SELECT count(*) FROM t", DB_NO_ARGS, &before));
    ck_ok(insert(f->owner, 7));
    TRY(tx_rows(tx, f->a, "SELECT count(*) FROM t", DB_NO_ARGS, &after));
    ck_assert_int_eq(db_cell_i(&before, 0, 0), db_cell_i(&after, 0, 0));
    return ERR_OK;
}

TEST(a_read_sees_one_snapshot)
{
    fixture f;
    set_up(&f);
    ck_ok(db_read(f.d, count_around_a_write, &f));
    ck_assert_int_eq(count(f.d), 1);
    tear_down(&f);
}
END_TEST

static err revoke_then_write(db_tx *tx, void *arg)
{
    fixture *f = arg;
    TRY(tx_exec(tx, "INSERT INTO t (id) VALUES (1)", DB_NO_ARGS, NULL));
    atomic_store(&f->revoked, true);
    return ERR_OK;
}

TEST(a_stale_token_is_refused_at_the_door_and_at_the_commit)
{
    fixture f;
    set_up(&f);
    db *none = NULL;
    ck_err(db_open(url_of(&f, "bad"), &none), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(err_message(), "token \"bad\" is stale"));
    ck_assert_ptr_null(none);
    ck_err(db_write(f.d, revoke_then_write, &f), ERR_DENIED);
    ck_assert_int_eq(count(f.owner), 0);
    ck_err(insert(f.d, 2), ERR_DENIED);
    atomic_store(&f.revoked, false);
    ck_ok(insert(f.d, 2));
    tear_down(&f);
}
END_TEST

static void *write_some(void *arg)
{
    fixture *f = arg;
    static atomic_int next;
    for (int i = 0; i < 25; i++)
        ck_ok(insert(f->d, atomic_fetch_add(&next, 1)));
    return NULL;
}

TEST(more_threads_than_connections_all_get_through)
{
    fixture f;
    set_up(&f);
    pthread_t t[12];
    for (size_t i = 0; i < countof(t); i++)
        ck_assert(!pthread_create(&t[i], NULL, write_some, &f));
    for (size_t i = 0; i < countof(t); i++)
        pthread_join(t[i], NULL);
    ck_assert_int_eq(count(f.owner), 12 * 25);
    ck_assert_uint_le(f.server->n, 8);
    tear_down(&f);
}
END_TEST

/* --- peers that die or stop --- */

typedef struct child {
    pid_t pid;
    int go,
        inside; /* it waits for go, then tells that it is inside a transaction, and holds still */
} child;

static err hold_still(db_tx *tx, void *arg)
{
    TRY(tx_exec(tx, "INSERT INTO t (id) VALUES (100)", DB_NO_ARGS, NULL));
    int fd = *(int *)arg;
    if (write(fd, "x", 1) != 1) _exit(1);
    raise(SIGSTOP);
    return tx_exec(tx, "INSERT INTO t (id) VALUES (101)", DB_NO_ARGS, NULL);
}

/* After it was continued: 10 + the kind of what db_write answered, 0 when a second write then
 * works. */
static void child_main(const char *url, int go, int inside)
{
    char c;
    db *d = NULL;
    if (read(go, &c, 1) != 1 || db_open(url, &d)) _exit(1);
    err e = db_write(d, hold_still, &inside);
    if (e != ERR_LIMIT || !strstr(err_message(), "took longer than")) _exit(10 + (int)e);
    _exit(insert(d, 102) ? 2 : 0);
}

static child start_child(const char *url)
{
    int go[2], inside[2];
    ck_assert(!pipe(go) && !pipe(inside));
    pid_t pid = fork();
    if (!pid) child_main(url, go[0], inside[1]);
    close(go[0]);
    close(inside[1]);
    return (child){.pid = pid, .go = go[1], .inside = inside[0]};
}

static void let_inside(child *c)
{
    char x;
    int status;
    ck_assert_int_eq(write(c->go, "x", 1), 1);
    ck_assert_int_eq(read(c->inside, &x, 1), 1);
    ck_assert_int_eq(waitpid(c->pid, &status, WUNTRACED), c->pid);
    ck_assert(WIFSTOPPED(status));
}

TEST(a_stopped_peer_holds_the_writer_no_longer_than_its_limit)
{
    fixture f;
    before_server(&f);
    child c = start_child(f.url);
    serve(&f);
    ck_ok(db_open(f.url, &f.d));
    let_inside(&c);
    int64_t start = mono_us();
    ck_ok(insert(f.d, 1)); /* waits for the stopped one's limit */
    ck_assert_int_lt(mono_us() - start, (TX_MS + 2000) * 1000);
    ck_assert_int_eq(count(f.owner), 1);
    int status;
    kill(c.pid, SIGCONT); /* it is told why, and may begin again */
    waitpid(c.pid, &status, 0);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(count(f.owner), 2);
    close(c.go);
    close(c.inside);
    tear_down(&f);
}
END_TEST

TEST(a_killed_peer_frees_the_writer_at_once)
{
    fixture f;
    before_server(&f);
    child c = start_child(f.url);
    serve(&f);
    ck_ok(db_open(f.url, &f.d));
    let_inside(&c);
    kill(c.pid, SIGKILL);
    waitpid(c.pid, NULL, 0);
    int64_t start = mono_us();
    ck_ok(insert(f.d, 1));
    ck_assert_int_lt(mono_us() - start, TX_MS * 1000);
    ck_assert_int_eq(count(f.owner), 1);
    close(c.go);
    close(c.inside);
    tear_down(&f);
}
END_TEST

static err endless(db_tx *tx, void *arg)
{
    fixture *f = arg;
    db_rows r;
    return tx_rows(
        tx, f->a,
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
        DB_NO_ARGS, &r);
}

static err chatter(db_tx *tx, void *arg)
{
    (void)arg;
    for (;;)
        TRY(tx_exec(tx, "UPDATE t SET name = 'x'", DB_NO_ARGS, NULL));
}

TEST(a_busy_peer_is_cut_off_too)
{
    fixture f;
    set_up(&f);
    ck_err(db_write(f.d, endless, &f), ERR_LIMIT);
    ck_err(db_write(f.d, chatter, NULL), ERR_LIMIT);
    ck_ok(insert(f.d, 1));
    tear_down(&f);
}
END_TEST

/* --- a peer that does not keep the protocol --- */

static int greet(fixture *f)
{
    int fd;
    buf b;
    wire_msg m;
    ck_ok(wire_connect(f->socket, &fd));
    buf_init(&b, 1 << 20);
    ck_ok(wire_put(&b, &(wire_msg){.type = WIRE_HELLO, .text = STR("good")}));
    ck_ok(wire_send(fd, buf_str(&b), WIRE_FOREVER));
    ck_ok(wire_recv(fd, f->a, mono_us() + 5000000, &m));
    ck_assert_int_eq(m.type, WIRE_DONE);
    buf_done(&b);
    return fd;
}

/* closed: the server answers FAIL and closes. */
static void check_closed(fixture *f, int fd)
{
    wire_msg m;
    ck_ok(wire_recv(fd, f->a, mono_us() + 5000000, &m));
    ck_assert_int_eq(m.type, WIRE_FAIL);
    ck_err(wire_recv(fd, f->a, mono_us() + 5000000, &m), ERR_MISSING);
    close(fd);
}

TEST(a_broken_protocol_ends_that_connection_only)
{
    fixture f;
    set_up(&f);
    int fd;
    ck_ok(wire_connect(f.socket, &fd));
    ck_ok(wire_send(fd, STR("GET / HTTP/1.1\r\n\r\n"), WIRE_FOREVER));
    close(fd);
    fd = greet(&f);
    ck_ok(wire_send(fd, STR("\0\0\0\0\x05"), WIRE_FOREVER)); /* COMMIT outside */
    check_closed(&f, fd);
    fd = greet(&f);
    ck_ok(wire_send(fd, STR("\1\0\0\0\x02\1"), WIRE_FOREVER)); /* BEGIN, then BEGIN */
    wire_msg m;
    ck_ok(wire_recv(fd, f.a, mono_us() + 5000000, &m));
    ck_ok(wire_send(fd, STR("\1\0\0\0\x02\1"), WIRE_FOREVER));
    check_closed(&f, fd);
    fd = greet(&f);
    close(fd);
    ck_ok(insert(f.d, 1));
    tear_down(&f);
}
END_TEST

TEST(without_an_owner_the_words_say_so)
{
    fixture f;
    before_server(&f);
    ck_err(db_open(f.url, &f.d), ERR_MISSING);
    ck_err(db_open("relay:?token=x", &f.d), ERR_INVALID);
    serve(&f);
    ck_ok(db_open(f.url, &f.d));
    relay_server_free(f.server);
    ck_err(insert(f.d, 1), ERR_IO);
    ck_assert_ptr_nonnull(strstr(err_message(), "ended"));
    f.server = relay_server_new(&(db_relay){.d = f.owner, .check = check, .ctx = &f}, f.socket);
    ck_ok(insert(f.d, 1)); /* and it comes back with the owner */
    tear_down(&f);
}
END_TEST

static void heard(void *ctx, str topic)
{
    atomic_fetch_add((atomic_int *)ctx, str_is(topic, "endpoints"));
}

TEST(notices_reach_the_owner)
{
    fixture f;
    before_server(&f);
    atomic_int n = 0;
    serve(&f);
    db_on_notify(f.owner, heard, &n);
    ck_ok(db_open(f.url, &f.d));
    ck_ok(db_notify(f.d, "endpoints"));
    ck_assert_int_eq(atomic_load(&n), 1);
    tear_down(&f);
}
END_TEST

TESTS("db/relay", values_and_counts_pass_through, many_rows_come_in_several_frames,
      failures_keep_their_kind_and_words, a_transaction_is_kept_whole_or_not_at_all,
      a_read_sees_one_snapshot, a_stale_token_is_refused_at_the_door_and_at_the_commit,
      more_threads_than_connections_all_get_through,
      a_stopped_peer_holds_the_writer_no_longer_than_its_limit,
      a_killed_peer_frees_the_writer_at_once, a_busy_peer_is_cut_off_too,
      a_broken_protocol_ends_that_connection_only, without_an_owner_the_words_say_so,
      notices_reach_the_owner)
