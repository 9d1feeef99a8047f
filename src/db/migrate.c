/* Migrations: applied and recorded in one write transaction, so that of two that run at once the
 * second finds all done. */
#include <assert.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/map.h"
#include "db/db_int.h"

typedef struct migrate_job {
    const db_migration *rooms;
    size_t n_rooms;
    arena *a;
} migrate_job;

static const char record_table[] =
    "CREATE TABLE IF NOT EXISTS schema_migration ("
    " room TEXT NOT NULL, step BIGINT NOT NULL, sha256 TEXT NOT NULL,"
    " applied_ms BIGINT NOT NULL, PRIMARY KEY (room, step))";

static const db_migration *find_room(const migrate_job *m, str name)
{
    for (size_t i = 0; i < m->n_rooms; i++)
        if (str_is(name, m->rooms[i].room)) return &m->rooms[i];
    return NULL;
}

/* check_recorded: row is (room, step, sha256); it must be a step that this program has. */
static err check_recorded(const migrate_job *m, const db_rows *r, size_t row)
{
    str name = db_cell_s(r, row, 0);
    int64_t step = db_cell_i(r, row, 1);
    const db_migration *room = find_room(m, name);
    if (!room || step < 1 || (uint64_t)step > room->n_steps)
        return err_set(
            ERR_CONFLICT,
            "db: migration %.*s/%lld is not known to this program: the database was made by "
            "a newer version, use that one",
            STR_ARG(name), (long long)step);
    char hex[SHA256_HEX + 1];
    sha256_hex_of(str_of(room->steps[step - 1]), hex);
    if (!str_is(db_cell_s(r, row, 2), hex))
        return err_set(
            ERR_CONFLICT,
            "db: migration %.*s/%lld differs from the one that made this database: it was "
            "made by another version, use that one",
            STR_ARG(name), (long long)step);
    return ERR_OK;
}

static err apply_step(db_tx *tx, const db_migration *room, size_t step)
{
    err e = db_tx_script(tx, room->steps[step]);
    if (e) return err_add(e, "db: migration %s/%zu", room->room, step + 1);
    char hex[SHA256_HEX + 1];
    sha256_hex_of(str_of(room->steps[step]), hex);
    return tx_exec(
        tx, "INSERT INTO schema_migration (room, step, sha256, applied_ms) VALUES (?, ?, ?, ?)",
        DB_ARGS(db_ctext(room->room), db_int((int64_t)step + 1), db_ctext(hex), db_int(now_ms())),
        NULL);
}

static err apply_room(db_tx *tx, const migrate_job *m, const db_migration *room)
{
    db_rows r;
    TRY(tx_rows(tx, m->a, "SELECT count(*), max(step) FROM schema_migration WHERE room = ?",
                DB_ARGS(db_ctext(room->room)), &r));
    int64_t done = db_cell_i(&r, 0, 0);
    if (done != db_cell_i(&r, 0, 1))
        return err_set(
            ERR_FORMAT,
            "db: schema_migration lacks a step of %s before %lld: restore the database from a copy",
            room->room, (long long)db_cell_i(&r, 0, 1));
    for (size_t i = (size_t)done; i < room->n_steps; i++)
        TRY(apply_step(tx, room, i));
    return ERR_OK;
}

static err migrate(db_tx *tx, void *arg)
{
    const migrate_job *m = arg;
    TRY(tx_exec(tx, record_table, DB_NO_ARGS, NULL));
    db_rows r;
    TRY(tx_rows(tx, m->a, "SELECT room, step, sha256 FROM schema_migration ORDER BY room, step",
                DB_NO_ARGS, &r));
    for (size_t i = 0; i < r.n; i++)
        TRY(check_recorded(m, &r, i));
    for (size_t i = 0; i < m->n_rooms; i++)
        TRY(apply_room(tx, m, &m->rooms[i]));
    return ERR_OK;
}

err db_migrate(db *d, const db_migration *rooms, size_t n_rooms)
{
    assert(d && (rooms || !n_rooms));
    AUTO(arena) a = arena_new(0);
    map *seen = map_new(a);
    for (size_t i = 0; i < n_rooms; i++) {
        assert(rooms[i].room && !map_find(seen, str_of(rooms[i].room))); /* each room once */
        map_put(seen, str_of(rooms[i].room), a);
    }
    migrate_job m = {.rooms = rooms, .n_rooms = n_rooms, .a = a};
    return db_write(d, migrate, &m);
}
