#include <assert.h>
#include <stdint.h>

#include "base/clock.h"
#include "serving/serving_int.h"

/* How a view dies. A loop publishes in its slot what it is about to read and then looks again
 * whether that is still current (enter); a change makes the new view current and then looks at the
 * slots. With both in one total order (seq_cst) at least one sees the other: either the loop sees
 * the new view, or the change sees the slot and leaves the old one on the retired list. */

void serving_enter(serving *s, size_t loop)
{
    assert(s && loop < s->n_slots);
    slot *l = &s->slots[loop];
    assert(!atomic_load_explicit(&l->reading, memory_order_relaxed));
    serving_view *v = NULL, *now = atomic_load_explicit(&s->view, memory_order_acquire);
    while (v != now) {
        v = now;
        atomic_store_explicit(&l->reading, v, memory_order_seq_cst);
        now = atomic_load_explicit(&s->view, memory_order_seq_cst);
    }
}

void serving_leave(serving *s, size_t loop)
{
    assert(s && loop < s->n_slots);
    atomic_store_explicit(&s->slots[loop].reading, NULL, memory_order_release);
}

/* splitmix64 (Steele, Lea, Flood 2014): one addition and a mix, enough to split traffic. */
static uint64_t next_chance(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

const served *serving_pick(serving *s, size_t loop, str name, bool *ret_exists)
{
    assert(s && loop < s->n_slots && ret_exists);
    slot *l = &s->slots[loop];
    const serving_view *v = atomic_load_explicit(&l->reading, memory_order_relaxed);
    assert(v); /* between enter and leave */
    return serving_pick_held(v, next_chance(&l->rng), name, ret_exists);
}

const served *serving_pick_held(const serving_view *v, uint64_t chance, str name, bool *ret_exists)
{
    assert(v && ret_exists);
    const endpoint *e = map_find(v->by_name, name);
    *ret_exists = e != NULL;
    return e ? endpoint_pick(e, chance) : NULL;
}

/* --- making and freeing */
serving_view *view_of(serving *s, endpoint *const *v, size_t n)
{
    arena *a = arena_new(0);
    serving_view *w = arena_new_of(a, serving_view);
    *w = (serving_view){.a = a, .by_name = map_new(a), .n = n, .from = s};
    w->endpoints = arena_array(a, endpoint *, n ? n : 1);
    for (size_t i = 0; i < n; i++) {
        w->endpoints[i] = endpoint_ref(v[i]);
        map_put(w->by_name, v[i]->name, v[i]);
    }
    return w;
}

serving_view *view_with(serving *s, endpoint *with, str without)
{
    const serving_view *old = atomic_load_explicit(&s->view, memory_order_acquire);
    AUTO(arena) a = arena_new(0);
    endpoint **v = arena_array(a, endpoint *, old->n + 1);
    size_t n = 0;
    str out = with ? with->name : without;
    for (size_t i = 0; i < old->n; i++)
        if (!str_eq(old->endpoints[i]->name, out)) v[n++] = old->endpoints[i];
    if (with) v[n++] = with;
    return view_of(s, v, n);
}

void view_free(serving_view *v)
{
    if (!v) return;
    assert(!v->holds);
    for (size_t i = 0; i < v->n; i++)
        endpoint_unref(v->endpoints[i]);
    arena_free(v->a); /* v itself lives there */
}

endpoint *view_find(const serving_view *v, str name)
{
    return map_find(v->by_name, name);
}

/* --- swapping */
static bool loops_read(const serving *s, const serving_view *v)
{
    for (size_t i = 0; i < s->n_slots; i++)
        if (atomic_load_explicit(&s->slots[i].reading, memory_order_seq_cst) == v) return true;
    return false;
}

/* Frees the retired views that nobody reads any more. */
static void reclaim(serving *s)
{
    serving_view *dead = NULL;
    pthread_mutex_lock(&s->view_lock);
    for (serving_view **at = &s->retired; *at;) {
        serving_view *v = *at;
        if (v->holds || loops_read(s, v)) {
            at = &v->next;
        } else {
            *at = v->next;
            v->next = dead;
            dead = v;
        }
    }
    pthread_mutex_unlock(&s->view_lock);
    while (dead) {
        serving_view *next = dead->next;
        view_free(dead);
        dead = next;
    }
}

void view_swap(serving *s, serving_view *v)
{
    serving_view *old = atomic_exchange_explicit(&s->view, v, memory_order_seq_cst);
    /* Not on the list yet, so that only this thread can free it while it waits. */
    for (int waited = 0; waited < VIEW_WAIT_MS && loops_read(s, old); waited++)
        sleep_ms(1);
    pthread_mutex_lock(&s->view_lock);
    old->next = s->retired;
    s->retired = old;
    pthread_mutex_unlock(&s->view_lock);
    reclaim(s);
}

const serving_view *serving_hold(serving *s)
{
    assert(s);
    pthread_mutex_lock(&s->view_lock);
    /* Under the lock: a view that is current here is not reclaimed before its hold is counted. */
    serving_view *v = atomic_load_explicit(&s->view, memory_order_seq_cst);
    v->holds++;
    pthread_mutex_unlock(&s->view_lock);
    return v;
}

void serving_drop(serving *s, const serving_view *held)
{
    assert(s && held && held->from == s);
    serving_view *v = (serving_view *)(uintptr_t)held;
    pthread_mutex_lock(&s->view_lock);
    assert(v->holds > 0);
    bool last = !--v->holds && s->retired;
    pthread_mutex_unlock(&s->view_lock);
    if (last) reclaim(s);
}

/* --- life */
serving *serving_new(db *d, blobs *b, size_t n_loops)
{
    assert(d && b && n_loops > 0);
    static_assert(sizeof(slot) == CACHE_LINE, "one slot a cache line");
    serving *s = mem_new(1, sizeof *s);
    s->d = d;
    s->b = b;
    s->n_slots = n_loops;
    s->slots_memory = mem_new(n_loops + 1, sizeof(slot)); /* one more, to align */
    s->slots = (slot *)(((uintptr_t)s->slots_memory + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    for (size_t i = 0; i < n_loops; i++) {
        atomic_init(&s->slots[i].reading, NULL);
        s->slots[i].rng = i;
    }
    pthread_mutex_init(&s->change_lock, NULL);
    pthread_mutex_init(&s->view_lock, NULL);
    atomic_init(&s->view, view_of(s, NULL, 0));
    return s;
}

void serving_free(serving *s)
{
    if (!s) return;
    for (size_t i = 0; i < s->n_slots; i++)
        assert(!atomic_load_explicit(&s->slots[i].reading, memory_order_acquire));
    reclaim(s);
    assert(!s->retired); /* somebody still holds a view */
    view_free(atomic_load_explicit(&s->view, memory_order_acquire));
    pthread_mutex_destroy(&s->change_lock);
    pthread_mutex_destroy(&s->view_lock);
    mem_free(s->slots_memory);
    mem_free(s);
}

err serving_stats(serving *s, arena *a, served_stats **ret, size_t *ret_n)
{
    assert(s && a && ret && ret_n);
    const serving_view *v = serving_hold(s);
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++)
        n += v->endpoints[i]->n_entities;
    served_stats *out = arena_array(a, served_stats, n ? n : 1), *to = out;
    for (size_t i = 0; i < v->n; i++)
        for (size_t k = 0; k < v->endpoints[i]->n_entities; k++, to++) {
            const served *e = &v->endpoints[i]->entities[k]->pub;
            to->endpoint = str_dup(a, e->endpoint);
            to->name = str_dup(a, e->name);
            to->entity_name = str_dup(a, e->entity_name);
            to->entity_version = e->entity_version;
            counters_read(e->counters, to);
        }
    serving_drop(s, v);
    *ret = out;
    *ret_n = n;
    return ERR_OK;
}
