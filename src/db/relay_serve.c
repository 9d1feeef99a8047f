/* The owner's side of the relay: one peer's transactions, run for it.
 *
 *   greeting ──HELLO, token passes──> outside ──BEGIN──> inside ──COMMIT, ROLLBACK──> outside
 *                                        ^                  │ a statement fails: rolled back
 *                                        └──────────────────┘
 *
 * Inside a write transaction the writer thread itself reads the peer's requests, so all waiting
 * there ends with the transaction's deadline; then, or when the peer dies, the transaction is
 * rolled back and the connection given up. */
#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/db_int.h"
#include "db/wire_int.h"

enum { HELLO_MS = 5000, REPLY_MS = 5000 };

typedef struct peer {
    const db_relay *r;
    int fd;
    str token;
    arena *frame; /* of the request that is being answered */
    buf out;
    int64_t deadline_us; /* of the transaction, or of the reply */
    bool write, rolled_back;
    bool gone; /* the connection is no longer of use */
} peer;

static err reply(peer *p, const wire_msg *m)
{
    buf_reset(&p->out);
    TRY(wire_put(&p->out, m));
    err e = wire_send(p->fd, buf_str(&p->out), p->deadline_us);
    if (e) p->gone = true;
    return e;
}

static err reply_done(peer *p, int64_t changed)
{
    return reply(p, &(wire_msg){.type = WIRE_DONE, .changed = changed});
}

/* reply_result answers with what became of a request; false when the connection is to be closed. */
static bool reply_result(peer *p, err e)
{
    p->deadline_us = mono_us() + (p->gone ? 0 : REPLY_MS * 1000LL);
    bool gone = p->gone;
    if (!e)
        e = reply_done(p, 0);
    else
        e = reply(p, &(wire_msg){.type = WIRE_FAIL, .kind = e, .text = str_of(err_message())});
    return !e && !gone;
}

/* --- inside a transaction --- */

static size_t cell_bytes(const db_val *v)
{
    return 14 + (v->type == DB_TEXT || v->type == DB_BLOB ? v->s.n : 0);
}

static err reply_rows(peer *p, const db_rows *r)
{
    size_t from = 0, bytes = 0;
    for (size_t i = 0; i < r->n; i++) {
        for (size_t j = 0; j < r->cols; j++)
            bytes += cell_bytes(db_at(r, i, j));
        if (bytes < WIRE_ROWS_BYTES) continue;
        TRY(reply(p, &(wire_msg){.type = WIRE_ROWS,
                                 .n = i + 1 - from,
                                 .cols = r->cols,
                                 .v = r->v + from * r->cols}));
        from = i + 1;
        bytes = 0;
    }
    if (from < r->n || !r->n)
        TRY(reply(p, &(wire_msg){.type = WIRE_ROWS,
                                 .n = r->n - from,
                                 .cols = r->cols,
                                 .v = r->v + from * r->cols}));
    return reply_done(p, 0);
}

static err run_statement(peer *p, db_tx *tx, const wire_msg *m)
{
    const char *sql = str_c(p->frame, m->text);
    if (m->type == WIRE_EXEC) {
        int64_t changed = 0;
        TRY(tx_exec(tx, sql, m->v, m->n, &changed));
        return reply_done(p, changed);
    }
    db_rows rows;
    TRY(tx_rows(tx, p->frame, sql, m->v, m->n, &rows));
    return reply_rows(p, &rows);
}

static int64_t tx_ms_max(const peer *p)
{
    if (!p->write) return DB_RELAY_READ_MS_MAX;
    return p->r->tx_ms_max ? p->r->tx_ms_max : DB_TX_MS_MAX;
}

static err too_slow(peer *p)
{
    p->gone = true;
    return err_set(ERR_LIMIT,
                   "db: a transaction of another process took longer than %lld ms: rolled back",
                   (long long)tx_ms_max(p));
}

static err next_request(peer *p, wire_msg *ret)
{
    arena_reset(p->frame);
    err e = wire_recv(p->fd, p->frame, p->deadline_us, ret);
    if (e == ERR_BUSY || (!e && mono_us() > p->deadline_us)) return too_slow(p);
    if (e) p->gone = true;
    return e;
}

static err peer_tx(db_tx *tx, void *arg)
{
    peer *p = arg;
    p->deadline_us = mono_us() + tx_ms_max(p) * 1000;
    tx->deadline_us = p->deadline_us;
    TRY(reply_done(p, 0));
    for (;;) {
        wire_msg m;
        TRY(next_request(p, &m));
        if (m.type == WIRE_EXEC || m.type == WIRE_QUERY) {
            TRY(run_statement(p, tx, &m));
        } else if (m.type == WIRE_COMMIT) {
            return p->write ? p->r->check(p->r->ctx, tx, p->token) : ERR_OK;
        } else if (m.type == WIRE_ROLLBACK) {
            p->rolled_back = true;
            return err_set(ERR_CANCELLED, "db: rolled back by the other process");
        } else {
            p->gone = true;
            return err_set(ERR_FORMAT, "db: relay: request of type %d within a transaction",
                           (int)m.type);
        }
    }
}

/* --- outside --- */

static err serve_tx(peer *p, bool write)
{
    p->write = write;
    p->rolled_back = false;
    const db *d = p->r->d;
    err e = write ? d->backend->write(d->self, peer_tx, p, DB_ALONE)
                  : d->backend->read(d->self, peer_tx, p);
    return p->rolled_back && e == ERR_CANCELLED ? ERR_OK : e;
}

static err serve_request(peer *p, const wire_msg *m)
{
    if (m->type == WIRE_BEGIN) return serve_tx(p, m->write);
    if (m->type == WIRE_PUBLISH)
        return publish_as(p->r->d, p->r, p->token, str_c(p->frame, m->text),
                          str_c(p->frame, m->text2));
    if (m->type == WIRE_NOTIFY) return db_notify(p->r->d, str_c(p->frame, m->text));
    p->gone = true;
    return err_set(ERR_FORMAT, "db: relay: request of type %d outside a transaction", (int)m->type);
}

static err check_tx(db_tx *tx, void *arg)
{
    const peer *p = arg;
    return p->r->check(p->r->ctx, tx, p->token);
}

static err greet(peer *p, arena *session)
{
    struct ucred cred;
    socklen_t n = sizeof cred;
    if (getsockopt(p->fd, SOL_SOCKET, SO_PEERCRED, &cred, &n))
        return err_sys(ERR_IO, "db: relay: peer");
    if (cred.uid != geteuid())
        return err_set(ERR_DENIED, "db: relay: user %u may not use a home of user %u", cred.uid,
                       geteuid());
    wire_msg m;
    TRY(wire_recv(p->fd, p->frame, mono_us() + HELLO_MS * 1000LL, &m));
    if (m.type != WIRE_HELLO)
        return err_set(ERR_FORMAT, "db: relay: the first frame is not a greeting");
    p->token = str_dup(session, m.text);
    return db_read(p->r->d, check_tx, p);
}

void db_relay_serve(const db_relay *r, int fd)
{
    assert(r && r->d && r->check && !r->d->backend->publish && fd >= 0);
    AUTO(arena) session = arena_new(0);
    peer p = {.r = r, .fd = fd, .frame = arena_new(16 << 10)};
    buf_init(&p.out, WIRE_HEAD + (size_t)WIRE_BODY_MAX);
    err e = greet(&p, session);
    p.gone = e != ERR_OK;
    while (reply_result(&p, e)) {
        wire_msg m;
        arena_reset(p.frame);
        if (p.out.cap > 4 * WIRE_ROWS_BYTES) buf_done(&p.out);
        if (wire_recv(fd, p.frame, WIRE_FOREVER, &m)) break;
        e = serve_request(&p, &m);
    }
    if (e) log_debug("db", "relay: connection given up: %s", err_message());
    buf_done(&p.out);
    arena_free(p.frame);
}
