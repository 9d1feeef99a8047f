/* tests/lib/endpoint: a serving over a store, and specs in one line. */
#ifndef TIDEMILL_TEST_ENDPOINT_H
#define TIDEMILL_TEST_ENDPOINT_H

#include "logged.h"
#include "serving/serving.h"

static inline serving *serving_open(store *s, size_t n_loops)
{
    const db_migration rooms[] = {tracking_migration, registry_migration, serving_migration};
    store_open(s, rooms, 3);
    return serving_new(s->d, s->b, n_loops);
}

static inline void serving_close(store *s, serving *v)
{
    serving_free(v);
    store_close(s);
}

/* One entity of model "fare". Owner: a. */
static inline endpoint_spec *one_entity(arena *a, const char *endpoint, int64_t version)
{
    entity_spec *e = arena_new_of(a, entity_spec);
    *e = (entity_spec){.entity_name = STR("fare"), .entity_version = version};
    endpoint_spec *o = arena_new_of(a, endpoint_spec);
    *o = (endpoint_spec){.name = str_of(endpoint), .entities = e, .n_entities = 1};
    return o;
}

/* What version 1 of "fare" answers for the golden rows through a served entity. */
static inline void predict_served(const served *e, matrix x, double *out)
{
    double *row = mem_new(e->n_features, sizeof *row);
    for (size_t r = 0; r < x.rows; r++) {
        for (size_t i = 0; i < e->inputs.n; i++)
            row[e->to_model[i]] = x.v[r * x.stride + i];
        model_predict(e->model, (matrix){row, 1, e->n_features, e->n_features}, out + r);
    }
    mem_free(row);
}

#endif
