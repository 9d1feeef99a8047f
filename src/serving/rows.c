#include <assert.h>
#include <stdlib.h>

#include "base/rng.h"
#include "serving/serving_int.h"

static const char *const steps[] = {
    "CREATE TABLE endpoint ("
    " id INTEGER PRIMARY KEY,"
    " uuid TEXT NOT NULL UNIQUE,"
    " name TEXT NOT NULL UNIQUE,"
    " creator TEXT NOT NULL DEFAULT '',"
    " error TEXT NOT NULL DEFAULT '',"
    " config_version BIGINT NOT NULL,"
    " created_ms BIGINT NOT NULL,"
    " updated_ms BIGINT NOT NULL);"
    "CREATE TABLE served_entity ("
    " endpoint BIGINT NOT NULL REFERENCES endpoint(id) ON DELETE CASCADE,"
    " position BIGINT NOT NULL,"
    " name TEXT NOT NULL,"
    " entity_name TEXT NOT NULL,"
    " entity_version BIGINT NOT NULL,"
    " workload_size TEXT NOT NULL,"
    " scale_to_zero BIGINT NOT NULL,"
    " environment TEXT NOT NULL DEFAULT '',"
    " PRIMARY KEY (endpoint, position),"
    " UNIQUE (endpoint, name));"
    "CREATE INDEX served_entity_by_version ON served_entity (entity_name, entity_version);"
    "CREATE TABLE endpoint_route ("
    " endpoint BIGINT NOT NULL REFERENCES endpoint(id) ON DELETE CASCADE,"
    " position BIGINT NOT NULL,"
    " served_model_name TEXT NOT NULL,"
    " traffic_percentage BIGINT NOT NULL CHECK (traffic_percentage >= 0 AND traffic_percentage <= "
    "100),"
    " PRIMARY KEY (endpoint, position))",
};

const db_migration serving_migration = {"serving", steps, countof(steps)};

/* --- reading */
typedef struct read_call {
    arena *a;
    str name;
    endpoint_state *v;
    size_t n;
} read_call;

static err read_rows(db_tx *tx, const read_call *c, const char *all, const char *one, db_rows *ret)
{
    if (!c->name.n) return tx_rows(tx, c->a, all, DB_NO_ARGS, ret);
    return tx_rows(tx, c->a, one, DB_ARGS(db_text(c->name)), ret);
}

/* Rows come ordered by endpoint (as the endpoints do) and position; *at walks along. */
static size_t stretch(const db_rows *r, int64_t id, size_t *at)
{
    size_t n = 0;
    while (*at + n < r->n && db_cell_i(r, *at + n, 0) == id)
        n++;
    return n;
}

static void take_entities(read_call *c, const db_rows *r, int64_t id, size_t *at,
                          endpoint_state *to)
{
    size_t n = stretch(r, id, at);
    entity_spec *v = arena_array(c->a, entity_spec, n ? n : 1);
    for (size_t i = 0; i < n; i++, ++*at)
        v[i] = (entity_spec){
            .name = db_cell_s(r, *at, 1),
            .entity_name = db_cell_s(r, *at, 2),
            .entity_version = db_cell_i(r, *at, 3),
            .workload_size = db_cell_s(r, *at, 4),
            .scale_to_zero = db_cell_i(r, *at, 5) != 0,
            .environment_json = db_cell_s(r, *at, 6),
        };
    to->spec.entities = v;
    to->spec.n_entities = n;
}

static void take_routes(read_call *c, const db_rows *r, int64_t id, size_t *at, endpoint_state *to)
{
    size_t n = stretch(r, id, at);
    route_spec *v = arena_array(c->a, route_spec, n ? n : 1);
    for (size_t i = 0; i < n; i++, ++*at)
        v[i] = (route_spec){db_cell_s(r, *at, 1), (int)db_cell_i(r, *at, 2)};
    to->spec.routes = v;
    to->spec.n_routes = n;
}

#define ENDPOINT_SELECT                                                                            \
    "SELECT id, uuid, name, creator, error, config_version, created_ms, updated_ms FROM endpoint "
#define ENTITY_SELECT                                                                              \
    "SELECT s.endpoint, s.name, s.entity_name, s.entity_version, s.workload_size, "                \
    "s.scale_to_zero,"                                                                             \
    " s.environment FROM served_entity s "
#define ROUTE_SELECT                                                                               \
    "SELECT s.endpoint, s.served_model_name, s.traffic_percentage FROM endpoint_route s "
#define OF_NAME "JOIN endpoint e ON e.id = s.endpoint WHERE e.name = ? "

static err read_tx(db_tx *tx, void *arg)
{
    read_call *c = arg;
    db_rows endpoints = {0}, entities = {0}, routes = {0};
    TRY(read_rows(tx, c, ENDPOINT_SELECT "ORDER BY id", ENDPOINT_SELECT "WHERE name = ?",
                  &endpoints));
    TRY(read_rows(tx, c, ENTITY_SELECT "ORDER BY s.endpoint, s.position",
                  ENTITY_SELECT OF_NAME "ORDER BY s.position", &entities));
    TRY(read_rows(tx, c, ROUTE_SELECT "ORDER BY s.endpoint, s.position",
                  ROUTE_SELECT OF_NAME "ORDER BY s.position", &routes));
    c->n = endpoints.n;
    c->v = arena_array(c->a, endpoint_state, c->n ? c->n : 1);
    size_t entity_at = 0, route_at = 0;
    for (size_t i = 0; i < c->n; i++) {
        int64_t id = db_cell_i(&endpoints, i, 0);
        c->v[i] = (endpoint_state){
            .id = db_cell_s(&endpoints, i, 1),
            .spec.name = db_cell_s(&endpoints, i, 2),
            .creator = db_cell_s(&endpoints, i, 3),
            .error = db_cell_s(&endpoints, i, 4),
            .config_version = db_cell_i(&endpoints, i, 5),
            .created_ms = db_cell_i(&endpoints, i, 6),
            .updated_ms = db_cell_i(&endpoints, i, 7),
        };
        take_entities(c, &entities, id, &entity_at, &c->v[i]);
        take_routes(c, &routes, id, &route_at, &c->v[i]);
    }
    return ERR_OK;
}

static int name_order(const void *x, const void *y)
{
    const endpoint_state *a = x, *b = y;
    return str_cmp(a->spec.name, b->spec.name);
}

err rows_read(db *d, arena *a, str name, endpoint_state **ret, size_t *ret_n)
{
    read_call c = {.a = a, .name = name};
    TRY(db_read(d, read_tx, &c));
    if (c.n) qsort(c.v, c.n, sizeof *c.v, name_order);
    *ret = c.v;
    *ret_n = c.n;
    return ERR_OK;
}

/* --- writing */
typedef struct write_call {
    arena *a;
    const endpoint_spec *o;
    str uuid;
    int64_t now_ms;
} write_call;

static err config_put(db_tx *tx, const endpoint_spec *o, int64_t row)
{
    for (size_t i = 0; i < o->n_entities; i++) {
        const entity_spec *e = &o->entities[i];
        TRY(tx_exec(
            tx,
            "INSERT INTO served_entity (endpoint, position, name, entity_name, entity_version,"
            " workload_size, scale_to_zero, environment) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            DB_ARGS(db_int(row), db_int((int64_t)i), db_text(e->name), db_text(e->entity_name),
                    db_int(e->entity_version), db_text(e->workload_size), db_int(e->scale_to_zero),
                    db_text(e->environment_json)),
            NULL));
    }
    for (size_t i = 0; i < o->n_routes; i++)
        TRY(tx_exec(
            tx,
            "INSERT INTO endpoint_route (endpoint, position, served_model_name, traffic_percentage)"
            " VALUES (?, ?, ?, ?)",
            DB_ARGS(db_int(row), db_int((int64_t)i), db_text(o->routes[i].served_model_name),
                    db_int(o->routes[i].traffic_percentage)),
            NULL));
    return ERR_OK;
}

static err config_drop(db_tx *tx, int64_t row)
{
    TRY(tx_exec(tx, "DELETE FROM served_entity WHERE endpoint = ?", DB_ARGS(db_int(row)), NULL));
    return tx_exec(tx, "DELETE FROM endpoint_route WHERE endpoint = ?", DB_ARGS(db_int(row)), NULL);
}

static err create_tx(db_tx *tx, void *arg)
{
    const write_call *c = arg;
    db_rows r = {0};
    TRY(tx_rows(tx, c->a, "SELECT COUNT(*) FROM endpoint", DB_NO_ARGS, &r));
    if (db_cell_i(&r, 0, 0) >= ENDPOINTS_MAX)
        return err_set(ERR_LIMIT, "endpoint %.*s: there are %d already, the most that are allowed",
                       STR_ARG(c->o->name), ENDPOINTS_MAX);
    TRY(tx_rows(
        tx, c->a,
        "INSERT INTO endpoint (uuid, name, config_version, created_ms, updated_ms)"
        " VALUES (?, ?, 1, ?, ?) ON CONFLICT (name) DO NOTHING RETURNING id",
        DB_ARGS(db_text(c->uuid), db_text(c->o->name), db_int(c->now_ms), db_int(c->now_ms)), &r));
    if (!r.n)
        return err_set(ERR_CONFLICT,
                       "endpoint %.*s: exists already; change its configuration instead",
                       STR_ARG(c->o->name));
    return config_put(tx, c->o, db_cell_i(&r, 0, 0));
}

err rows_create(db *d, arena *a, const endpoint_spec *o, int64_t now_ms)
{
    write_call c = {.a = a, .o = o, .uuid = id_hex32(a), .now_ms = now_ms};
    return db_write(d, create_tx, &c);
}

static err no_endpoint(str name)
{
    return err_set(ERR_MISSING, "endpoint %.*s: does not exist", STR_ARG(name));
}

static err update_tx(db_tx *tx, void *arg)
{
    const write_call *c = arg;
    db_rows r = {0};
    TRY(tx_rows(
        tx, c->a,
        "UPDATE endpoint SET config_version = config_version + 1, updated_ms = ?, error = ''"
        " WHERE name = ? RETURNING id",
        DB_ARGS(db_int(c->now_ms), db_text(c->o->name)), &r));
    if (!r.n) return no_endpoint(c->o->name);
    TRY(config_drop(tx, db_cell_i(&r, 0, 0)));
    return config_put(tx, c->o, db_cell_i(&r, 0, 0));
}

err rows_update(db *d, arena *a, const endpoint_spec *o, int64_t now_ms)
{
    write_call c = {.a = a, .o = o, .now_ms = now_ms};
    return db_write(d, update_tx, &c);
}

static err delete_tx(db_tx *tx, void *arg)
{
    const write_call *c = arg;
    db_rows r = {0};
    TRY(tx_rows(tx, c->a, "SELECT id FROM endpoint WHERE name = ?", DB_ARGS(db_text(c->o->name)),
                &r));
    if (!r.n) return no_endpoint(c->o->name);
    int64_t row = db_cell_i(&r, 0, 0);
    TRY(config_drop(tx, row));
    return tx_exec(tx, "DELETE FROM endpoint WHERE id = ?", DB_ARGS(db_int(row)), NULL);
}

err rows_delete(db *d, arena *a, str name)
{
    endpoint_spec o = {.name = name};
    write_call c = {.a = a, .o = &o};
    return db_write(d, delete_tx, &c);
}

err rows_set_error(db *d, str name, const char *error)
{
    return db_exec(d, "UPDATE endpoint SET error = ? WHERE name = ?",
                   DB_ARGS(db_ctext(error), db_text(name)), NULL);
}
