/* db, inside the room: the relay's frames.
 *
 * A frame is u32 size of what follows the type, u8 type, body; all numbers little-endian. Text is
 * u32 size and bytes. A value is u8 db_type, then nothing, 8 bytes, or text and a NUL byte.
 *
 *     peer → owner                                     owner → peer
 *     HELLO    "TMRL", u16 version, token              DONE
 *     BEGIN    u8 write                                DONE
 *     EXEC     sql, u16 n, values                      DONE with the rows changed
 *     QUERY    sql, u16 n, values                      ROWS*, DONE
 *     COMMIT, ROLLBACK                                 DONE
 *     PUBLISH  temp, target                            DONE
 *     NOTIFY   topic                                   DONE
 *                                                      ROWS  u32 rows, u16 columns, values
 *                                                      FAIL  u8 err, message
 *
 * Every request may be answered by FAIL. Within a transaction that ends it: it is rolled back, and
 * the peer is outside. Pure functions, but for wire_send and wire_recv, which never wait past their
 * deadline. */
#ifndef TIDEMILL_DB_WIRE_INT_H
#define TIDEMILL_DB_WIRE_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "db/db.h"

enum {
    WIRE_VERSION = 1,
    WIRE_HEAD = 5,
    WIRE_BODY_MAX = 64 << 20,
    WIRE_TOKEN_MAX = 256,
    WIRE_PATH_MAX = 4096,
    WIRE_COLS_MAX = 2000,   /* SQLite's own limit */
    WIRE_CELLS_MAX = 32768, /* of one ROWS frame: more than WIRE_ROWS_BYTES and a row can hold */
    WIRE_ROWS_BYTES = 256 << 10, /* a ROWS frame is sent when it is this big */
};

typedef enum wire_type {
    WIRE_HELLO = 1,
    WIRE_BEGIN,
    WIRE_EXEC,
    WIRE_QUERY,
    WIRE_COMMIT,
    WIRE_ROLLBACK,
    WIRE_PUBLISH,
    WIRE_NOTIFY,
    WIRE_DONE = 64,
    WIRE_ROWS,
    WIRE_FAIL,
} wire_type;

/* A frame; which fields count depends on the type. */
typedef struct wire_msg {
    wire_type type;
    bool write; /* BEGIN */
    str text;   /* HELLO: token; EXEC, QUERY: sql; PUBLISH: temp; NOTIFY: topic; FAIL: message */
    str text2;  /* PUBLISH: target */
    const db_val *v; /* EXEC, QUERY: n arguments; ROWS: n × cols cells */
    size_t n, cols;
    int64_t changed; /* DONE */
    err kind;        /* FAIL */
} wire_msg;

/* wire_put appends m as a frame. ERR_LIMIT when it is larger than a frame may be. */
MUST_CHECK err wire_put(buf *b, const wire_msg *m);
/* wire_head: the size of the body, and its type. ERR_FORMAT, ERR_LIMIT. */
MUST_CHECK err wire_head(const char head[WIRE_HEAD], wire_type *ret_type, size_t *ret_size);
/* wire_parse: texts are borrowed from body; values of a are the caller's. ERR_FORMAT, ERR_LIMIT. */
MUST_CHECK err wire_parse(arena *a, wire_type type, str body, wire_msg *ret);

/* deadline_us: monotonic. ERR_BUSY: it passed; ERR_MISSING: the peer closed the connection between
 * two frames (or, sending, at all); ERR_IO: within one; ERR_FORMAT, ERR_LIMIT: not a frame. Owner
 * of *ret: a. */
enum { WIRE_FOREVER = -1 };
MUST_CHECK err wire_send(int fd, str frames, int64_t deadline_us);
MUST_CHECK err wire_recv(int fd, arena *a, int64_t deadline_us, wire_msg *ret);

/* wire_connect connects to the owner's socket; the path may be longer than an address holds.
 * ERR_MISSING: nobody listens. */
MUST_CHECK err wire_connect(const char *path, int *ret_fd);

#endif
