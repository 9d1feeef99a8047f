#include "registry/registry_int.h"

#include <assert.h>

#include "base/buf.h"

enum { LOG_HEAD = 1 };

static void put_field(sha256 *h, str s)
{
    char n[I64_PRINT_MAX + 1];
    size_t len = i64_print((int64_t)s.n, n);
    n[len] = ':';
    sha256_put(h, n, len + 1);
    sha256_put(h, s.p ? s.p : "", s.n);
    sha256_put(h, ",", 1);
}

static void put_number(sha256 *h, int64_t v)
{
    char text[I64_PRINT_MAX];
    put_field(h, (str){text, i64_print(v, text)});
}

void change_hash(const char prev[SHA256_HEX + 1], const audit_entry *e, int64_t batch, int64_t row,
                 char ret[SHA256_HEX + 1])
{
    AUTO(sha256) h = sha256_new();
    sha256_put(h, prev, SHA256_HEX);
    put_number(h, e->seq);
    put_number(h, batch);
    put_number(h, e->at_ms);
    put_field(h, e->user);
    put_field(h, e->reason);
    put_field(h, e->kind);
    put_number(h, row);
    put_field(h, e->model);
    put_number(h, e->version);
    put_field(h, e->subject);
    put_field(h, e->before);
    put_field(h, e->after);
    sha256_hex(h, ret);
}

err change_log(change *c, const log_item *i)
{
    c->seq++;
    if (!c->batch) c->batch = c->seq;
    audit_entry e = {.seq = c->seq,
                     .at_ms = c->at_ms,
                     .user = c->by->user,
                     .reason = c->by->reason,
                     .kind = str_of(i->kind),
                     .model = i->model,
                     .version = i->version,
                     .subject = i->subject,
                     .before = i->was,
                     .after = i->became};
    char hash[SHA256_HEX + 1];
    change_hash(c->hash, &e, c->batch, i->row, hash);
    memcpy(c->hash, hash, sizeof hash);
    return tx_exec(
        c->tx,
        "INSERT INTO registry_log (seq, batch, at_ms, user_id, reason, kind, model_row, model,"
        " version, subject, was, became, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        DB_ARGS(db_int(e.seq), db_int(c->batch), db_int(e.at_ms), db_text(e.user),
                db_text(e.reason), db_text(e.kind), db_int(i->row), db_text(e.model),
                db_int(e.version), db_text(e.subject), db_text(e.before), db_text(e.after),
                db_ctext(hash)),
        NULL);
}

/* --- a home with models from before the log: the log begins with them */
static err log_found_models(change *c, bool *ret_any)
{
    db_rows r = {0};
    TRY(tx_rows(c->tx, c->a, "SELECT id, name FROM registered_model ORDER BY id", DB_NO_ARGS, &r));
    *ret_any = r.n > 0;
    for (size_t i = 0; i < r.n; i++)
        TRY(change_log(c, &(log_item){.kind = "model",
                                      .row = db_cell_i(&r, i, 0),
                                      .model = db_cell_s(&r, i, 1),
                                      .subject = STR("name"),
                                      .became = db_cell_s(&r, i, 1)}));
    return ERR_OK;
}

static err log_found_versions(change *c)
{
    db_rows r = {0};
    TRY(tx_rows(c->tx, c->a,
                "SELECT m.id, m.name, v.version, v.source, v.stage FROM model_version v"
                " JOIN registered_model m ON m.id = v.model ORDER BY v.id",
                DB_NO_ARGS, &r));
    for (size_t i = 0; i < r.n; i++) {
        log_item e = {.kind = "version",
                      .row = db_cell_i(&r, i, 0),
                      .model = db_cell_s(&r, i, 1),
                      .version = db_cell_i(&r, i, 2),
                      .subject = STR("made"),
                      .became = db_cell_s(&r, i, 3)};
        TRY(change_log(c, &e));
        if (str_is(db_cell_s(&r, i, 4), "None")) continue;
        e.kind = "stage";
        e.subject = STR("");
        e.was = STR("None");
        e.became = db_cell_s(&r, i, 4);
        TRY(change_log(c, &e));
    }
    return ERR_OK;
}

static err log_found_aliases(change *c)
{
    db_rows r = {0};
    TRY(tx_rows(c->tx, c->a,
                "SELECT m.id, m.name, a.alias, a.version FROM model_alias a"
                " JOIN registered_model m ON m.id = a.model ORDER BY m.id, a.alias",
                DB_NO_ARGS, &r));
    for (size_t i = 0; i < r.n; i++)
        TRY(change_log(
            c, &(log_item){.kind = "alias",
                           .row = db_cell_i(&r, i, 0),
                           .model = db_cell_s(&r, i, 1),
                           .version = db_cell_i(&r, i, 3),
                           .subject = db_cell_s(&r, i, 2),
                           .became = str_fmt(c->a, "%lld", (long long)db_cell_i(&r, i, 3))}));
    return ERR_OK;
}

static err log_start(change *c)
{
    bool any = false;
    change found = *c;
    found.by = &(change_by){.reason = STR("there when the log began")};
    TRY(log_found_models(&found, &any));
    if (!any) return ERR_OK;
    TRY(log_found_versions(&found));
    TRY(log_found_aliases(&found));
    c->seq = found.seq;
    memcpy(c->hash, found.hash, sizeof c->hash);
    return ERR_OK;
}

/* --- the transaction */
static err change_begin(change *c)
{
    db_rows r = {0};
    TRY(tx_rows(c->tx, c->a,
                "UPDATE registry_log_head SET seq = seq WHERE id = ? RETURNING seq, at_ms, hash",
                DB_ARGS(db_int(LOG_HEAD)), &r));
    if (!r.n || db_cell_s(&r, 0, 2).n != SHA256_HEX)
        return err_set(ERR_FORMAT, "registry log: its head is damaged");
    c->seq = db_cell_i(&r, 0, 0);
    int64_t last_ms = db_cell_i(&r, 0, 1);
    c->at_ms = c->by->now_ms > last_ms ? c->by->now_ms : last_ms;
    memcpy(c->hash, db_cell_s(&r, 0, 2).p, SHA256_HEX);
    c->hash[SHA256_HEX] = 0;
    return c->seq ? ERR_OK : log_start(c);
}

static err change_end(const change *c)
{
    return tx_exec(c->tx, "UPDATE registry_log_head SET seq = ?, at_ms = ?, hash = ? WHERE id = ?",
                   DB_ARGS(db_int(c->seq), db_int(c->at_ms), db_ctext(c->hash), db_int(LOG_HEAD)),
                   NULL);
}

typedef struct change_call {
    change c;
    change_fn fn;
    void *arg;
} change_call;

static err change_tx(db_tx *tx, void *arg)
{
    change_call *call = arg;
    change c = call->c;
    c.tx = tx;
    TRY(change_begin(&c));
    TRY(call->fn(&c, call->arg));
    return change_end(&c);
}

static err check_by(const change_by *by)
{
    TRY(check_text("user_id", by->user, REGISTRY_NAME_MAX));
    return check_text("reason", by->reason, REGISTRY_REASON_MAX);
}

err change_run(db *d, arena *a, const change_by *by, change_fn fn, void *arg)
{
    TRY(check_by(by));
    change_call call = {{.a = a, .by = by}, fn, arg};
    return db_write(d, change_tx, &call);
}

err audit_endpoint(db_tx *tx, arena *a, str endpoint, str before, str after, const change_by *by)
{
    assert(tx && a && by);
    TRY(check_by(by));
    TRY(check_text("endpoint", endpoint, REGISTRY_NAME_MAX));
    TRY(check_text("before", before, REGISTRY_TEXT_MAX));
    TRY(check_text("after", after, REGISTRY_TEXT_MAX));
    change c = {.tx = tx, .a = a, .by = by};
    TRY(change_begin(&c));
    TRY(change_log(
        &c, &(log_item){.kind = "endpoint", .subject = endpoint, .was = before, .became = after}));
    return change_end(&c);
}
