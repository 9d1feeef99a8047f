/* Frames to bytes and back. */
#include <assert.h>
#include <string.h>

#include "db/wire_int.h"

static const char magic[4] = {'T', 'M', 'R', 'L'};

/* --- writing --- */

static void put_int(buf *b, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        buf_putc(b, (char)(v >> (8 * i)));
}

static void put_text(buf *b, str s)
{
    put_int(b, s.n, 4);
    buf_puts(b, s);
}

static void put_value(buf *b, const db_val *v)
{
    uint64_t bits;
    buf_putc(b, (char)v->type);
    switch (v->type) {
    case DB_NULL:
        break;
    case DB_INT:
        put_int(b, (uint64_t)v->i, 8);
        break;
    case DB_REAL:
        memcpy(&bits, &v->f, 8);
        put_int(b, bits, 8);
        break;
    case DB_TEXT:
    case DB_BLOB:
        put_text(b, v->s);
        buf_putc(b, '\0');
        break;
    }
}

static void put_values(buf *b, const db_val *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put_value(b, &v[i]);
}

static void put_body(buf *b, const wire_msg *m)
{
    switch (m->type) {
    case WIRE_HELLO:
        buf_put(b, magic, sizeof magic);
        put_int(b, WIRE_VERSION, 2);
        put_text(b, m->text);
        break;
    case WIRE_BEGIN:
        buf_putc(b, (char)m->write);
        break;
    case WIRE_EXEC:
    case WIRE_QUERY:
        put_text(b, m->text);
        put_int(b, m->n, 2);
        put_values(b, m->v, m->n);
        break;
    case WIRE_PUBLISH:
        put_text(b, m->text);
        put_text(b, m->text2);
        break;
    case WIRE_NOTIFY:
        put_text(b, m->text);
        break;
    case WIRE_DONE:
        put_int(b, (uint64_t)m->changed, 8);
        break;
    case WIRE_ROWS:
        put_int(b, m->n, 4);
        put_int(b, m->cols, 2);
        put_values(b, m->v, m->n * m->cols);
        break;
    case WIRE_FAIL:
        buf_putc(b, (char)m->kind);
        put_text(b, m->text);
        break;
    case WIRE_COMMIT:
    case WIRE_ROLLBACK:
        break;
    }
}

err wire_put(buf *b, const wire_msg *m)
{
    size_t start = b->n;
    put_int(b, 0, 4);
    buf_putc(b, (char)m->type);
    put_body(b, m);
    size_t size = b->n - start - WIRE_HEAD;
    if (b->over || size > WIRE_BODY_MAX)
        return err_set(ERR_LIMIT, "db: a statement or row with its values is larger than %d bytes",
                       WIRE_BODY_MAX);
    for (size_t i = 0; i < 4; i++)
        b->p[start + i] = (char)(size >> (8 * i));
    return ERR_OK;
}

/* --- reading --- */

/* A cursor; bad sticks. */
typedef struct reader {
    const char *p;
    size_t n;
    bool bad;
} reader;

static const char *get_bytes(reader *r, size_t n)
{
    if (r->bad || r->n < n) {
        r->bad = true;
        return NULL;
    }
    const char *p = r->p;
    r->p += n;
    r->n -= n;
    return p;
}

static uint64_t get_int(reader *r, size_t bytes)
{
    const char *p = get_bytes(r, bytes);
    uint64_t v = 0;
    for (size_t i = 0; p && i < bytes; i++)
        v |= (uint64_t)(unsigned char)p[i] << (8 * i);
    return v;
}

static str get_text(reader *r, size_t max)
{
    size_t n = (size_t)get_int(r, 4);
    if (n > max) r->bad = true;
    const char *p = get_bytes(r, n);
    return p ? (str){p, n} : STR("");
}

static db_val get_value(reader *r)
{
    uint64_t type = get_int(r, 1), bits;
    double f;
    str s;
    switch (type) {
    case DB_NULL:
        return db_null();
    case DB_INT:
        return db_int((int64_t)get_int(r, 8));
    case DB_REAL:
        bits = get_int(r, 8);
        memcpy(&f, &bits, 8);
        return db_real(f);
    case DB_TEXT:
    case DB_BLOB:
        s = get_text(r, DB_VALUE_MAX + (1 << 20));
        if (get_int(r, 1)) r->bad = true;
        return (db_val){.type = (db_type)type, .s = s};
    default:
        r->bad = true;
        return db_null();
    }
}

/* get_values: n values of at least a byte each, so n is bounded by what is there before memory is
 * taken for it. */
static const db_val *get_values(arena *a, reader *r, size_t n)
{
    if (r->bad || n > r->n) {
        r->bad = true;
        return NULL;
    }
    db_val *v = arena_array(a, db_val, n);
    for (size_t i = 0; i < n && !r->bad; i++)
        v[i] = get_value(r);
    return v;
}

static void get_statement(arena *a, reader *r, wire_msg *m)
{
    m->text = get_text(r, DB_SQL_MAX);
    if (memchr(m->text.p, 0, m->text.n)) r->bad = true;
    m->n = (size_t)get_int(r, 2);
    if (m->n > DB_ARGS_MAX) r->bad = true;
    m->v = get_values(a, r, m->n);
}

static void get_rows(arena *a, reader *r, wire_msg *m)
{
    m->n = (size_t)get_int(r, 4);
    m->cols = (size_t)get_int(r, 2);
    if (m->n > WIRE_CELLS_MAX || m->cols > WIRE_COLS_MAX || (m->n && !m->cols)) r->bad = true;
    if (m->n * m->cols > WIRE_CELLS_MAX) r->bad = true;
    m->v = get_values(a, r, m->n * m->cols);
}

static void get_hello(reader *r, wire_msg *m)
{
    const char *p = get_bytes(r, sizeof magic);
    if (p && memcmp(p, magic, sizeof magic) != 0) r->bad = true;
    if (get_int(r, 2) != WIRE_VERSION) r->bad = true;
    m->text = get_text(r, WIRE_TOKEN_MAX);
}

static void get_path(reader *r, str *ret)
{
    *ret = get_text(r, WIRE_PATH_MAX);
    if (memchr(ret->p, 0, ret->n)) r->bad = true;
}

err wire_head(const char head[WIRE_HEAD], wire_type *ret_type, size_t *ret_size)
{
    reader r = {.p = head, .n = WIRE_HEAD};
    size_t size = (size_t)get_int(&r, 4);
    int type = (int)get_int(&r, 1);
    bool request = type >= WIRE_HELLO && type <= WIRE_NOTIFY;
    if (!request && (type < WIRE_DONE || type > WIRE_FAIL))
        return err_set(ERR_FORMAT, "db: relay: frame of unknown type %d", type);
    if (size > WIRE_BODY_MAX)
        return err_set(ERR_LIMIT, "db: relay: frame of %zu bytes, at most %d", size, WIRE_BODY_MAX);
    *ret_type = (wire_type)type;
    *ret_size = size;
    return ERR_OK;
}

static void get_fail(reader *r, wire_msg *m)
{
    uint64_t kind = get_int(r, 1);
    if (!kind || kind >= ERR_N) r->bad = true;
    m->kind = (err)kind;
    m->text = get_text(r, WIRE_PATH_MAX);
}

static void get_body(arena *a, reader *r, wire_msg *m)
{
    uint64_t write;
    switch (m->type) {
    case WIRE_HELLO:
        get_hello(r, m);
        break;
    case WIRE_BEGIN:
        write = get_int(r, 1);
        if (write > 1) r->bad = true;
        m->write = write == 1;
        break;
    case WIRE_EXEC:
    case WIRE_QUERY:
        get_statement(a, r, m);
        break;
    case WIRE_PUBLISH:
        get_path(r, &m->text);
        get_path(r, &m->text2);
        break;
    case WIRE_NOTIFY:
        m->text = get_text(r, WIRE_TOKEN_MAX);
        break;
    case WIRE_DONE:
        m->changed = (int64_t)get_int(r, 8);
        break;
    case WIRE_ROWS:
        get_rows(a, r, m);
        break;
    case WIRE_FAIL:
        get_fail(r, m);
        break;
    case WIRE_COMMIT:
    case WIRE_ROLLBACK:
        break;
    }
}

err wire_parse(arena *a, wire_type type, str body, wire_msg *ret)
{
    assert(a && ret);
    wire_msg m = {.type = type, .text = STR(""), .text2 = STR("")};
    reader r = {.p = body.p, .n = body.n};
    get_body(a, &r, &m);
    if (r.bad || r.n)
        return err_set(
            ERR_FORMAT,
            "db: relay: a frame of type %d does not parse: both sides must be the same version",
            (int)type);
    *ret = m;
    return ERR_OK;
}
