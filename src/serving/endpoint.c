#include <assert.h>

#include "serving/serving_int.h"

static endpoint *endpoint_new(str name)
{
    arena *a = arena_new(0);
    endpoint *e = arena_new_of(a, endpoint);
    *e = (endpoint){.a = a, .name = str_dup(a, name), .error = STR("")};
    atomic_init(&e->refs, 1);
    return e;
}

endpoint *endpoint_ref(endpoint *e)
{
    atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
    return e;
}

void endpoint_unref(endpoint *e)
{
    if (!e || atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < e->n_entities; i++)
        entity_unref(e->entities[i]);
    arena_free(e->a); /* e itself lives there */
}

endpoint *endpoint_failed(str name, const char *error)
{
    endpoint *e = endpoint_new(name);
    e->error = str_dup(e->a, str_of(error));
    return e;
}

/* The same entity of an older configuration, or NULL. */
static entity *entity_before(const endpoint *before, const entity_spec *o)
{
    for (size_t i = 0; before && i < before->n_entities; i++) {
        const served *p = &before->entities[i]->pub;
        if (str_eq(p->name, o->name) && str_eq(p->entity_name, o->entity_name) &&
            p->entity_version == o->entity_version)
            return before->entities[i];
    }
    return NULL;
}

static void fill_pick(uint8_t *pick, const endpoint_spec *o)
{
    size_t at = 0;
    for (size_t r = 0; r < o->n_routes; r++) {
        size_t i = 0;
        while (!str_eq(o->entities[i].name, o->routes[r].served_model_name))
            i++; /* spec_check has found it */
        for (int k = 0; k < o->routes[r].traffic_percentage; k++)
            pick[at++] = (uint8_t)i;
    }
    assert(at == PICK_SLOTS);
}

err endpoint_load(db *d, blobs *b, const endpoint_spec *o, const endpoint *before, endpoint **ret)
{
    assert(o->n_entities > 0 && o->n_entities <= ENDPOINT_ENTITIES_MAX && ret);
    endpoint *e = endpoint_new(o->name);
    e->entities = arena_array(e->a, entity *, o->n_entities);
    for (size_t i = 0; i < o->n_entities; i++) {
        entity *old = entity_before(before, &o->entities[i]), *now = NULL;
        if (old) {
            now = entity_ref(old);
        } else {
            err kind = entity_load(d, b, o->name, &o->entities[i], &now);
            if (kind) {
                endpoint_unref(e);
                return err_add(kind, "endpoint %.*s: served_entities[%zu]", STR_ARG(o->name), i);
            }
        }
        e->entities[e->n_entities++] = now;
    }
    fill_pick(e->pick, o);
    e->ready = true;
    *ret = e;
    return ERR_OK;
}

const served *endpoint_pick(const endpoint *e, uint64_t chance)
{
    if (!e->ready) return NULL;
    return &e->entities[e->pick[chance % PICK_SLOTS]]->pub;
}

bool endpoint_is(const endpoint *e, const endpoint_spec *o)
{
    if (e->n_entities != o->n_entities) return false;
    for (size_t i = 0; i < o->n_entities; i++)
        if (entity_before(e, &o->entities[i]) != e->entities[i]) return false;
    uint8_t pick[PICK_SLOTS];
    fill_pick(pick, o);
    return !memcmp(pick, e->pick, sizeof pick);
}
