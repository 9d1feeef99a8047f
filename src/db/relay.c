/* The relay backend: transactions of this process, run by the process that owns the database. A few
 * connections, opened when needed; a transaction has one for itself. */
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/db_int.h"
#include "db/wire_int.h"

enum {
    LINKS_N = 8,
    LINK_WAIT_S = 30,
    HELLO_MS = 10000,
    QUEUE_MS = 60000,                       /* for the owner's writer to begin */
    ANSWER_MS = DB_RELAY_READ_MS_MAX + 5000 /* for anything else */
};

/* Guarded by lock: the links. */
typedef struct relay {
    arena *a;
    const char *path;
    str token;
    pthread_mutex_t lock;
    pthread_cond_t freed;
    int idle[LINKS_N];
    size_t n_idle, n_open;
} relay;

/* A connection while a thread uses it. */
typedef struct link_use {
    relay *r;
    int fd;
    buf out;
    bool outside; /* no transaction: none begun, or the owner rolled it back */
    bool broken;  /* out of step: not to be used again */
    bool unknown; /* broken before the answer came */
    bool reused;  /* it lay idle before */
} link_use;

/* link_lost: the words for a connection that failed. */
static err link_lost(link_use *l, err e, const char *doing)
{
    l->broken = l->outside = l->unknown = true;
    if (e == ERR_MISSING || e == ERR_IO)
        return err_set(
            ERR_IO, "db: the process that owns the database (%s) ended during %s: run this again",
            l->r->path, doing);
    if (e == ERR_BUSY)
        return err_set(ERR_IO, "db: the process that owns the database (%s) does not answer (%s)",
                       l->r->path, doing);
    return e;
}

static err receive(link_use *l, arena *a, int64_t timeout_ms, const char *doing, wire_msg *ret)
{
    err e = wire_recv(l->fd, a, mono_us() + timeout_ms * 1000, ret);
    if (e) return link_lost(l, e, doing);
    if (ret->type == WIRE_FAIL) {
        l->outside = true;
        return err_set(ret->kind, "%.*s", STR_ARG(ret->text));
    }
    if (ret->type != WIRE_DONE && ret->type != WIRE_ROWS)
        return link_lost(
            l, err_set(ERR_FORMAT, "db: relay: unexpected answer of type %d", (int)ret->type),
            doing);
    return ERR_OK;
}

static err request(link_use *l, const wire_msg *m, const char *doing)
{
    buf_reset(&l->out);
    TRY(wire_put(&l->out, m));
    err e = wire_send(l->fd, buf_str(&l->out), mono_us() + ANSWER_MS * 1000LL);
    if (!e) return ERR_OK;
    /* An owner that gave up on us said why before it closed the connection. */
    AUTO(arena) a = arena_new(0);
    wire_msg last;
    if (e == ERR_MISSING && !wire_recv(l->fd, a, mono_us(), &last) && last.type == WIRE_FAIL) {
        l->broken = l->outside = true;
        return err_set(last.kind, "%.*s", STR_ARG(last.text));
    }
    return link_lost(l, e, doing);
}

/* call: a request that is answered by one DONE. */
static err call(link_use *l, const wire_msg *m, int64_t timeout_ms, const char *doing,
                int64_t *ret_changed)
{
    AUTO(arena) a = arena_new(0);
    wire_msg answer;
    TRY(request(l, m, doing));
    TRY(receive(l, a, timeout_ms, doing, &answer));
    if (answer.type != WIRE_DONE)
        return link_lost(l, err_set(ERR_FORMAT, "db: relay: rows nobody asked for"), doing);
    if (ret_changed) *ret_changed = answer.changed;
    return ERR_OK;
}

/* --- the links --- */

static err link_new(link_use *l)
{
    TRY(wire_connect(l->r->path, &l->fd));
    err e = call(l, &(wire_msg){.type = WIRE_HELLO, .text = l->r->token}, HELLO_MS, "the greeting",
                 NULL);
    if (e) {
        close(l->fd);
        l->fd = -1;
    }
    return e;
}

/* alive: an idle link has nothing to say; one that has was closed by the owner. */
static bool alive(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};
    return poll(&p, 1, 0) == 0;
}

static void link_give(link_use *l)
{
    relay *r = l->r;
    bool keep = l->fd >= 0 && !l->broken;
    if (l->fd >= 0 && !keep) close(l->fd);
    buf_done(&l->out);
    pthread_mutex_lock(&r->lock);
    if (keep)
        r->idle[r->n_idle++] = l->fd;
    else
        r->n_open--;
    pthread_cond_signal(&r->freed);
    pthread_mutex_unlock(&r->lock);
}

static err link_take(relay *r, link_use *ret)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LINK_WAIT_S;
    link_use l = {.r = r, .fd = -1, .outside = true};
    pthread_mutex_lock(&r->lock);
    int rc = 0;
    while (!r->n_idle && r->n_open == LINKS_N && !rc)
        rc = pthread_cond_timedwait(&r->freed, &r->lock, &until);
    bool room = r->n_idle || r->n_open < LINKS_N;
    if (r->n_idle)
        l.fd = r->idle[--r->n_idle];
    else if (room)
        r->n_open++;
    pthread_mutex_unlock(&r->lock);
    if (!room)
        return err_set(ERR_BUSY,
                       "db: %d transactions run already, none ended in %d s: try again later",
                       LINKS_N, LINK_WAIT_S);
    buf_init(&l.out, WIRE_HEAD + (size_t)WIRE_BODY_MAX);
    if (l.fd >= 0 && !alive(l.fd)) {
        close(l.fd);
        l.fd = -1;
    }
    l.reused = l.fd >= 0;
    err e = l.reused ? ERR_OK : link_new(&l);
    if (e)
        link_give(&l);
    else
        *ret = l;
    return e;
}

/* --- the backend --- */

static void relay_free(void *self)
{
    relay *r = self;
    assert(r->n_idle == r->n_open); /* nobody is in a transaction any more */
    for (size_t i = 0; i < r->n_idle; i++)
        close(r->idle[i]);
    pthread_cond_destroy(&r->freed);
    pthread_mutex_destroy(&r->lock);
    arena_free(r->a);
    mem_free(r);
}

static err relay_open(const char *where, void **ret_self)
{
    static const char mark[] = "?token=";
    str path = str_of(where), token = STR("");
    for (const char *p = where; (p = strstr(p, mark)); p++) {
        path = (str){where, (size_t)(p - where)};
        token = str_of(p + sizeof mark - 1);
    }
    if (!path.n || token.n > WIRE_TOKEN_MAX)
        return err_set(ERR_INVALID, "db: relay:%s: want relay:<socket>?token=<at most %d bytes>",
                       where, WIRE_TOKEN_MAX);
    relay *r = mem_new(1, sizeof *r);
    r->a = arena_new(0);
    r->path = str_c(r->a, path);
    r->token = str_dup(r->a, token);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->freed, NULL);
    link_use first;
    err e = link_take(r, &first);
    if (e) {
        relay_free(r);
        return e;
    }
    link_give(&first);
    *ret_self = r;
    return ERR_OK;
}

/* finish: commit when e is ERR_OK, else roll back; e and its message stay. */
static err finish(link_use *l, err e)
{
    if (!e) {
        e = call(l, &(wire_msg){.type = WIRE_COMMIT}, QUEUE_MS, "a commit", NULL);
        if (e && l->unknown) err_add(e, "db: whether the transaction was kept is not known");
        return e;
    }
    if (l->outside) return e;
    err_kept kept;
    err_keep(&kept, e);
    (void)!call(l, &(wire_msg){.type = WIRE_ROLLBACK}, QUEUE_MS, "a rollback", NULL);
    return err_again(&kept);
}

/* enter is link_take for work: that nobody listens any more is then a failure of the owner, not a
 * missing thing. */
static err enter(relay *r, link_use *ret)
{
    err e = link_take(r, ret);
    if (e != ERR_MISSING) return e;
    return err_set(ERR_IO, "db: the process that owned the database (%s) ended: run this again",
                   r->path);
}

/* begin: a link that lay idle may have been closed by the owner meanwhile; nothing was begun on it
 * then, so another one is as good. */
static err begin(relay *r, bool write, link_use *ret)
{
    for (;;) {
        link_use l;
        TRY(enter(r, &l));
        err e = call(&l, &(wire_msg){.type = WIRE_BEGIN, .write = write}, QUEUE_MS,
                     "the begin of a transaction", NULL);
        if (!e) {
            l.outside = false;
            *ret = l;
            return ERR_OK;
        }
        bool again = l.reused && l.broken;
        link_give(&l);
        if (!again) return e;
    }
}

static err transact(relay *r, bool write, db_fn fn, void *arg)
{
    link_use l;
    TRY(begin(r, write, &l));
    db_tx tx = {.backend = &db_relay_client, .conn = &l, .write = write};
    err e = finish(&l, db_run_tx(&tx, fn, arg));
    link_give(&l);
    return e;
}

static err relay_write(void *self, db_fn fn, void *arg, db_share share)
{
    (void)share; /* the owner's business */
    return transact(self, true, fn, arg);
}

static err relay_read(void *self, db_fn fn, void *arg)
{
    return transact(self, false, fn, arg);
}

static err check_inside(const link_use *l)
{
    if (!l->outside) return ERR_OK;
    return err_set(ERR_INVALID,
                   "db: an earlier statement ended this transaction: it was rolled back");
}

static err relay_exec(db_tx *tx, const char *sql, const db_val *args, size_t n_args,
                      int64_t *ret_changed)
{
    link_use *l = tx->conn;
    TRY(check_inside(l));
    wire_msg m = {.type = WIRE_EXEC, .text = str_of(sql), .v = args, .n = n_args};
    return call(l, &m, ANSWER_MS, "a statement", ret_changed);
}

/* Rows of several frames, put together. */
typedef struct row_sum {
    db_val *v;
    size_t n, cols;
} row_sum;

static err add_rows(row_sum *s, const wire_msg *m)
{
    if ((s->n && s->cols != m->cols) || m->n > DB_ROWS_MAX - s->n)
        return err_set(ERR_FORMAT, "db: relay: rows that do not fit together");
    s->cols = m->cols;
    s->v = mem_grow(s->v, (s->n + m->n) * s->cols, sizeof *s->v);
    if (m->n) memcpy(s->v + s->n * s->cols, m->v, m->n * m->cols * sizeof *s->v);
    s->n += m->n;
    return ERR_OK;
}

static err relay_rows(db_tx *tx, arena *a, const char *sql, const db_val *args, size_t n_args,
                      db_rows *ret)
{
    link_use *l = tx->conn;
    TRY(check_inside(l));
    wire_msg m = {.type = WIRE_QUERY, .text = str_of(sql), .v = args, .n = n_args};
    TRY(request(l, &m, "a query"));
    row_sum sum = {0};
    err e;
    do {
        e = receive(l, a, ANSWER_MS, "a query", &m);
        if (!e && m.type == WIRE_ROWS) {
            e = add_rows(&sum, &m);
            if (e) link_lost(l, e, "a query");
        }
    } while (!e && m.type == WIRE_ROWS);
    if (!e) {
        db_val *v = arena_alloc_raw(a, sum.n * sum.cols, sizeof *v);
        if (sum.v) memcpy(v, sum.v, sum.n * sum.cols * sizeof *v);
        *ret = (db_rows){.n = sum.n, .cols = sum.cols, .v = v};
    }
    mem_free(sum.v);
    return e;
}

static err relay_script(db_tx *tx, const char *sql)
{
    (void)tx, (void)sql;
    return err_set(ERR_INVALID, "db: only the process that owns the database can migrate it");
}

static err relay_publish(void *self, const char *temp, const char *target)
{
    link_use l;
    TRY(enter(self, &l));
    wire_msg m = {.type = WIRE_PUBLISH, .text = str_of(temp), .text2 = str_of(target)};
    err e = m.text.n > WIRE_PATH_MAX || m.text2.n > WIRE_PATH_MAX
                ? err_set(ERR_INVALID, "db: publish %.100s: a path of more than %d bytes", target,
                          WIRE_PATH_MAX)
                : call(&l, &m, QUEUE_MS, "a publication", NULL);
    if (e && l.unknown) err_add(e, "db: whether %s was published is not known", target);
    link_give(&l);
    return e;
}

static err relay_notify(void *self, str topic)
{
    link_use l;
    TRY(enter(self, &l));
    err e = call(&l, &(wire_msg){.type = WIRE_NOTIFY, .text = topic}, QUEUE_MS, "a notice", NULL);
    link_give(&l);
    return e;
}

const db_backend db_relay_client = {
    .scheme = "relay",
    .open = relay_open,
    .free = relay_free,
    .write = relay_write,
    .read = relay_read,
    .exec = relay_exec,
    .rows = relay_rows,
    .script = relay_script,
    .publish = relay_publish,
    .notify = relay_notify,
};
