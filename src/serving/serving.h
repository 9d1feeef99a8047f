/* serving: endpoints: a stable name, the model versions behind it, and how traffic is split.
 *
 * What the request path reads (endpoints, entities, routes) is an immutable view behind one atomic pointer; a change builds a new one and swaps it; the old is freed when no loop reads it. The tables (endpoint, served_entity, endpoint_route) are the truth; the
 * view follows them. Changes are serialised by one mutex and may block; the calls marked [loop] never block and never allocate. */
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
    str name;              /* served model name; "": <model>-<version> */
    str entity_name;       /* registered model */
    int64_t entity_version;
    str workload_size;     /* Small Medium Large */
    bool scale_to_zero;
    str environment_json;  /* {"K": "V"}; kept, used by Python workers later */
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
    endpoint_spec spec;
    str id, creator, error; /* error: why the last update failed, "" */
    int64_t created_ms, updated_ms, config_version;
    bool ready;
} endpoint_state;

typedef struct serving serving;
/* serving_new: n_loops readers with ids 0..n_loops-1. Borrowed: d, b. */
serving *serving_new(db *d, blobs *b, size_t n_loops);
void serving_free(serving *s);
AUTO_DEFINE(serving)
/* serving_refresh loads endpoints from the tables and swaps the view; an endpoint whose model cannot be loaded is there but not ready, with its error. Called at start and when told that something changed. */
MUST_CHECK err serving_refresh(serving *s);

/* Changes. A version that does not exist is ERR_MISSING; a model that does not load, or does not answer its probes as at training, is an error and nothing is changed: the old configuration stays, everywhere. */
MUST_CHECK err serving_create(serving *s, arena *a, const endpoint_spec *o, int64_t now_ms, endpoint_state *ret); /* ERR_CONFLICT when the name exists */
MUST_CHECK err serving_update(serving *s, arena *a, const endpoint_spec *o, int64_t now_ms, endpoint_state *ret);
MUST_CHECK err serving_delete(serving *s, str name);
MUST_CHECK err serving_get(serving *s, arena *a, str name, endpoint_state *ret);
MUST_CHECK err serving_list(serving *s, arena *a, endpoint_state **ret, size_t *ret_n);

/* --- the request path */
typedef struct served {           /* immutable; one entity of one endpoint */
    str endpoint, name, entity_name;
    int64_t entity_version;
    model *model;
    schema inputs;                /* the signature, indexed */
    const uint32_t *to_model;     /* input i is the model's feature to_model[i] */
    size_t n_features, n_outputs;
    double predict_us;            /* of one row, measured at warm-up */
    struct served_counters *counters; /* relaxed atomics; survives swaps */
} served;

/* serving_enter/leave [loop]: around a turn; between them the loop may use what serving_pick returned. */
void serving_enter(serving *s, size_t loop);
void serving_leave(serving *s, size_t loop);
/* serving_pick [loop]: the entity for one request by the routes' weights, or NULL; *ret_exists tells an unknown name from one that is not ready. */
const served *serving_pick(serving *s, size_t loop, str endpoint, bool *ret_exists);
/* serving_hold/drop: the same for threads that are no loop (one mutex); what was picked stays until drop. */
typedef struct serving_view serving_view;
const serving_view *serving_hold(serving *s);
void serving_drop(serving *s, const serving_view *v);
const served *serving_pick_held(const serving_view *v, uint64_t chance, str endpoint, bool *ret_exists);

void served_count(const served *e, size_t n_rows, bool ok, int64_t latency_us); /* any thread */
typedef struct served_stats {
    str endpoint, name, entity_name;
    int64_t entity_version;
    uint64_t requests, errors, rows, latency_us_sum;
    uint64_t buckets[16]; /* of serving_latency_us_le[], cumulative */
} served_stats;
extern const int64_t serving_latency_us_le[16];
MUST_CHECK err serving_stats(serving *s, arena *a, served_stats **ret, size_t *ret_n);

#endif
