/* tests/lib/place: a home in a folder of its own, and the lines of progress that its tasks say. */
#ifndef TIDEMILL_TEST_PLACE_H
#define TIDEMILL_TEST_PLACE_H

#include "base/buf.h"
#include "base/fault.h"
#include "base/progress.h"
#include "home/home.h"
#include "store.h"
#include "table/delta.h"
#include "table/sources.h"
#include "temp.h"
#include "test.h"

typedef struct place {
    arena *a;
    const char *top;
    home *h;
    buf said; /* every line, with a newline */
    progress p;
} place;

static inline void place_hear(void *ctx, str text)
{
    buf *b = ctx;
    buf_puts(b, text);
    buf_putc(b, '\n');
}

static inline void place_open(place *p, const db_migration *const *rooms, size_t n)
{
    *p = (place){.a = arena_new(0), .p = {place_hear, &p->said}};
    buf_init(&p->said, 1 << 20);
    p->top = temp_dir(p->a);
    db_migration *list = arena_array(p->a, db_migration, n);
    for (size_t i = 0; i < n; i++)
        list[i] = *rooms[i];
    home_options o = {.dir = p->top, .mode = HOME_OWN, .migrations = list, .n_migrations = n};
    ck_ok(home_open(&o, &p->h));
}

static inline void place_close(place *p)
{
    home_free(p->h);
    buf_done(&p->said);
    temp_gone(p->top);
    arena_free(p->a);
}

static inline const char *place_said(place *p)
{
    return str_c(p->a, buf_str(&p->said));
}

/* The home's database and blobs as a store, for what logs models. */
static inline store place_store(place *p)
{
    return (store){.a = p->a, .d = home_db(p->h), .b = home_blobs(p->h)};
}

/* place_torture calls work with the nth operation of every kind failing, n = 1, 2, …, until none is
 * left to fail (a log that grows has ever more to read, so there is an end); after each failure
 * mended, with nothing failing, must find that all is well. nth names the fault. */
enum { PLACE_FAULTS_MAX = 25 };
typedef err (*place_work)(place *p, const char *fault);
static inline int place_torture(place *p, place_work work, void (*mended)(place *, const char *))
{
    static const char *const sites[] = {"db_exec",   "db_commit",  "delta_commit", "blob_put",
                                        "file_read", "file_write", "file_sync",    "file_rename"};
    int failures = 0;
    for (size_t s = 0; s < countof(sites); s++) {
        int passed = 0; /* some faults are got over, so one success is not the end */
        for (int n = 1; n <= PLACE_FAULTS_MAX && passed < 3; n++) {
            const char *fault = cstr_fmt(p->a, "%s:%d", sites[s], n);
            fault_arm(fault);
            err e = work(p, fault);
            fault_arm(NULL);
            mended(p, fault);
            failures += e != ERR_OK;
            passed += e == ERR_OK;
        }
    }
    return failures;
}

/* place_query: rows of an SQL query over one table of the home, named t in it. */
static inline frame *place_query(place *p, const char *table, const char *sql)
{
    AUTO(duck) d = NULL;
    ck_ok(sources_open(p->h, p->a, NULL, 0, 1, &d));
    const char *dir;
    ck_ok(home_table_dir(p->h, p->a, str_of(table), &dir));
    delta_snapshot *s;
    str relation;
    ck_ok(delta_read(p->a, d, dir, -1, &s));
    ck_ok(delta_relation(p->a, s, NULL, STR(""), &relation));
    frame *f = NULL;
    ck_ok(duck_query(d, p->a, "a test",
                     cstr_fmt(p->a, "WITH t AS (SELECT * FROM %.*s) %s", STR_ARG(relation), sql),
                     &f));
    return f;
}

static inline int64_t place_version(place *p, const char *table)
{
    const char *dir;
    ck_ok(home_table_dir(p->h, p->a, str_of(table), &dir));
    delta_snapshot *s;
    ck_ok(delta_read(p->a, NULL, dir, -1, &s));
    return s->version;
}

/* place_write makes a table of the home, or appends to it. */
static inline void place_write(place *p, const char *table, const char *query, delta_mode mode)
{
    AUTO(duck) d = NULL;
    ck_ok(sources_open(p->h, p->a, NULL, 0, 1, &d));
    delta_write_spec o = {.query = str_of(query), .mode = mode, .now_ms = 1};
    ck_ok(home_table_dir(p->h, p->a, str_of(table), &o.dir));
    delta_written w;
    ck_ok(delta_write(d, home_db(p->h), &o, &w));
}

#endif
