/* serving: endpoints: a stable name, the model versions behind it, and how traffic is split.
 *
 * What the request path reads (endpoints, entities, routes) is an immutable view behind one atomic
 * pointer; a change builds a new one and swaps it; the old is freed when no loop reads it. The
 * tables (endpoint, served_entity, endpoint_route) are the truth; the view follows them. Changes
 * are serialised by one mutex and may block; the calls marked [loop] never block and never
 * allocate. */
#ifndef TIDEMILL_SERVING_SERVING_H
#define TIDEMILL_SERVING_SERVING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "blob/blob.h"
#include "db/db.h"
#include "frame/schema.h"
#include "model/model.h"

extern const db_migration serving_migration;

enum { ENDPOINT_ENTITIES_MAX = 16, ENDPOINT_NAME_MAX = 128, ENDPOINTS_MAX = 10000 };

typedef struct entity_spec {
    str name;        /* served model name; "": <model>-<version> */
    str entity_name; /* registered model */
    int64_t entity_version;
    str workload_size; /* Small Medium Large */
    bool scale_to_zero;
    str environment_json; /* {"K": "V"}; kept, used by Python workers later */
} entity_spec;

typedef struct route_spec {
    str served_model_name;
    int traffic_percentage;
} route_spec;

typedef struct endpoint_spec {
    str name; /* [A-Za-z0-9_-]{1,128}, first alphanumeric */
    const entity_spec *entities;
    size_t n_entities;
    const route_spec *routes; /* none: everything to the only entity */
    size_t n_routes;
} endpoint_spec;

typedef struct endpoint_state {
    endpoint_spec spec; /* defaults filled in; at least one route */
    str id, creator;
    str error; /* not ready: why; ready: why the last update failed, "" */
    int64_t created_ms, updated_ms, config_version;
    bool ready;
} endpoint_state;

typedef struct serving serving;
/* serving_new: n_loops readers with ids 0..n_loops-1; nothing is served before serving_refresh.
 * Borrowed until serving_free: d, b. Owner: the caller. serving_free: when nobody reads any more.
 */
serving *serving_new(db *d, blobs *b, size_t n_loops);
void serving_free(serving *s);
AUTO_DEFINE(serving)
/* serving_refresh loads endpoints from the tables and swaps the view; what has not changed is not
 * loaded again; an endpoint whose model cannot be loaded is there but not ready, with its error.
 * Called at start and when told that something changed. Fails only when the tables cannot be read.
 */
MUST_CHECK err serving_refresh(serving *s);

/* Changes: checked, loaded, committed, swapped, in this order. ERR_INVALID names the field
 * ("traffic_config.routes[1].traffic_percentage: …"); a version that does not exist is ERR_MISSING;
 * a model that does not load, or does not answer its probes as at training, is an error; whatever
 * fails, nothing is changed: the old configuration stays, everywhere (only endpoint_state.error
 * tells of it). After success every new turn of a loop sees the new configuration. Counters survive
 * for entities that stay. Owner: a. */
MUST_CHECK err serving_create(serving *s, arena *a, const endpoint_spec *o, int64_t now_ms,
                              endpoint_state *ret); /* ERR_CONFLICT when the name exists */
MUST_CHECK err serving_update(serving *s, arena *a, const endpoint_spec *o, int64_t now_ms,
                              endpoint_state *ret); /* ERR_MISSING when it does not */
MUST_CHECK err serving_delete(serving *s, str name);
MUST_CHECK err serving_get(serving *s, arena *a, str name, endpoint_state *ret);
MUST_CHECK err serving_list(serving *s, arena *a, endpoint_state **ret,
                            size_t *ret_n); /* by name */

/* --- the request path */
typedef struct served { /* immutable; one entity of one endpoint */
    str endpoint, name, entity_name;
    int64_t entity_version;
    model *model;
    schema inputs;            /* the signature, indexed */
    const uint32_t *to_model; /* input i is the model's feature to_model[i] */
    size_t n_features, n_outputs;
    double predict_us;                /* of one row: the median at warm-up */
    struct served_counters *counters; /* relaxed atomics; survive swaps */
} served;

/* serving_enter/leave [loop]: around a turn; between them the loop may use what serving_pick
 * returned. A turn must not block: a change waits for it (at most a second, then the old view is
 * freed later). */
void serving_enter(serving *s, size_t loop);
void serving_leave(serving *s, size_t loop);
/* serving_pick [loop]: the entity for one request by the routes' weights, or NULL; *ret_exists
 * tells an unknown name from one that is not ready. Borrowed until serving_leave. */
const served *serving_pick(serving *s, size_t loop, str endpoint, bool *ret_exists);
/* serving_hold/drop: the same for threads that are no loop (one mutex); what was picked stays until
 * drop. chance: any 64 bits, evenly spread. */
typedef struct serving_view serving_view;
const serving_view *serving_hold(serving *s);
void serving_drop(serving *s, const serving_view *v);
const served *serving_pick_held(const serving_view *v, uint64_t chance, str endpoint,
                                bool *ret_exists);

/* served_count [loop]: one request of n_rows answered (ok) or failed. Any thread, while e is held.
 */
void served_count(const served *e, size_t n_rows, bool ok, int64_t latency_us);
typedef struct served_stats {
    str endpoint, name, entity_name;
    int64_t entity_version;
    uint64_t requests, errors, rows, latency_us_sum; /* rows: of those that were answered */
    uint64_t buckets[16]; /* of serving_latency_us_le[], cumulative; the last is requests */
} served_stats;
extern const int64_t serving_latency_us_le[16]; /* the last is INT64_MAX: +Inf */
/* Of every entity that is served now. Owner: a. */
MUST_CHECK err serving_stats(serving *s, arena *a, served_stats **ret, size_t *ret_n);

#endif
