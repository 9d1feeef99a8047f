/* tests/lib/store: a database and a blob store in a folder of their own, for the rooms that keep
 * tables. */
#ifndef TIDEMILL_TEST_STORE_H
#define TIDEMILL_TEST_STORE_H

#include "blob/blob.h"
#include "db/db.h"
#include "temp.h"
#include "test.h"

typedef struct store {
    arena *a;
    const char *dir;
    db *d;
    blobs *b;
} store;

static inline void store_open(store *s, const db_migration *rooms, size_t n_rooms)
{
    *s = (store){.a = arena_new(0)};
    s->dir = temp_dir(s->a);
    ck_ok(db_open(cstr_fmt(s->a, "sqlite:%s/tidemill.db", s->dir), &s->d));
    ck_ok(db_migrate(s->d, rooms, n_rooms));
    ck_ok(blobs_open(cstr_fmt(s->a, "%s/blobs", s->dir), &s->b));
}

static inline void store_close(store *s)
{
    db_free(s->d);
    blobs_free(s->b);
    temp_gone(s->dir);
    arena_free(s->a);
}

#endif
