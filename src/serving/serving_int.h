/* serving/serving_int: what the files of this room share.
 *
 * Who holds what: a serving has one current view and the retired ones that somebody still reads. A
 * view refers to endpoints, an endpoint to entities, an entity to its model and its counters; all
 * are immutable after publish and counted, so a change copies only what it changes. */
#ifndef TIDEMILL_SERVING_SERVING_INT_H
#define TIDEMILL_SERVING_SERVING_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "serving/serving.h"

enum {
    SERVED_NAME_MAX = 255,
    ENVIRONMENT_BYTES_MAX = 65536,
    PICK_SLOTS = 100, /* percent */
    VIEW_WAIT_MS = 1000,
    CACHE_LINE = 64,
};

/* --- counters.c */
typedef struct served_counters served_counters;
served_counters *counters_new(void);
void counters_free(served_counters *c);                          /* NULL is a no-op */
void counters_read(const served_counters *c, served_stats *ret); /* fills the numbers */

/* --- entity.c: one loaded version behind one endpoint. Immutable after entity_load. */
typedef struct entity {
    served pub;
    arena *a;
    atomic_size_t refs;
} entity;
entity *entity_ref(entity *e);
void entity_unref(entity *e);
/* entity_load loads the version, checks its probes, maps inputs to features and warms up.
 * ERR_MISSING: no such version; ERR_INVALID, ERR_FORMAT, ERR_IO: it does not load. Owner: the
 * caller, one reference. */
MUST_CHECK err entity_load(db *d, blobs *b, str of, const entity_spec *o, entity **ret);

/* --- endpoint.c: an endpoint as the request path sees it. Immutable after endpoint_load. */
typedef struct endpoint {
    arena *a;
    str name, error; /* error: why it is not ready */
    bool ready;
    entity **entities;
    size_t n_entities;
    uint8_t pick[PICK_SLOTS]; /* percent to entity */
    atomic_size_t refs;
} endpoint;
endpoint *endpoint_ref(endpoint *e);
void endpoint_unref(endpoint *e);
/* endpoint_load loads what o names; entities that before (may be NULL) has already are taken from
 * there. A failure leaves nothing. */
MUST_CHECK err endpoint_load(db *d, blobs *b, const endpoint_spec *o, const endpoint *before,
                             endpoint **ret);
/* endpoint_failed: one that is there but not ready. */
endpoint *endpoint_failed(str name, const char *error);
const served *endpoint_pick(const endpoint *e, uint64_t chance);
/* endpoint_is: e (ready) serves exactly what o says. */
bool endpoint_is(const endpoint *e, const endpoint_spec *o);

/* --- view.c */
struct serving_view {
    arena *a;
    map *by_name; /* endpoint * */
    endpoint **endpoints;
    size_t n;
    size_t holds;         /* guarded by serving.view_lock */
    serving_view *next;   /* among the retired; guarded by serving.view_lock */
    struct serving *from; /* whose it is */
};

/* One reader of the request path. reading is what its loop may be using: published before it is
 * used, so that whoever retires a view sees it. */
typedef struct slot {
    _Alignas(CACHE_LINE) _Atomic(serving_view *) reading;
    uint64_t rng; /* splitmix64; the loop's own */
} slot;

struct serving {
    db *d;
    blobs *b;
    _Atomic(serving_view *) view;
    void *slots_memory;
    slot *slots;
    size_t n_slots;
    pthread_mutex_t change_lock; /* one change at a time; held over database and model loading */
    pthread_mutex_t view_lock;   /* a leaf: holds and the retired list */
    serving_view *retired;
};

/* view_with: the current view's endpoints with `with` put in (its name's old one out), or without
 * the one called `without`. view_of: exactly those. Both take over nothing and count references.
 * Under change_lock. */
serving_view *view_of(serving *s, endpoint *const *v, size_t n);
serving_view *view_with(serving *s, endpoint *with, str without);
void view_free(serving_view *v);
endpoint *view_find(const serving_view *v, str name);
/* view_swap makes v current and retires the old one: freed when no loop and nobody else reads it.
 * Waits for the loops at most VIEW_WAIT_MS. Under change_lock. */
void view_swap(serving *s, serving_view *v);

/* --- spec.c */
/* spec_check copies o into a with defaults filled in. ERR_INVALID names the field:
 * "served_entities[1].name: …". */
MUST_CHECK err spec_check(arena *a, const endpoint_spec *o, endpoint_spec *ret);
MUST_CHECK err spec_check_name(str name);

/* --- rows.c: the tables. */
MUST_CHECK err rows_read(db *d, arena *a, str name, endpoint_state **ret,
                         size_t *ret_n); /* name "": all, by name */
MUST_CHECK err rows_create(db *d, arena *a, const endpoint_spec *o, int64_t now_ms);
MUST_CHECK err rows_update(db *d, arena *a, const endpoint_spec *o, int64_t now_ms);
MUST_CHECK err rows_delete(db *d, arena *a, str name);
MUST_CHECK err rows_set_error(db *d, str name, const char *error);

#endif
