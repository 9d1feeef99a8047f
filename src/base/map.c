#include "base/map.h"

#include <assert.h>

/* slots[h & mask] is 0 or 1 + the index of an entry; linear probing, at most half full. Old arrays
 * stay in the arena until it goes: they add up to less than the newest. */
enum { MAP_FIRST = 8 };

struct map {
    arena *a;
    map_entry *entries;
    uint32_t *slots;
    size_t n, cap; /* cap entries, 2 * cap slots */
};

map *map_new(arena *a)
{
    assert(a);
    map *m = arena_new_of(a, map);
    m->a = a;
    return m;
}

/* slot_of returns the slot where key is, or the empty one where it would go. */
static size_t slot_of(const map *m, str key)
{
    size_t mask = 2 * m->cap - 1;
    size_t i = (size_t)str_hash(key) & mask;
    while (m->slots[i] && !str_eq(m->entries[m->slots[i] - 1].key, key))
        i = (i + 1) & mask;
    return i;
}

static void grow(map *m)
{
    assert(m->cap < UINT32_MAX / 4);
    map_entry *old = m->entries;
    m->cap = m->cap ? 2 * m->cap : MAP_FIRST;
    m->entries = arena_array(m->a, map_entry, m->cap);
    m->slots = arena_array(m->a, uint32_t, 2 * m->cap);
    for (size_t i = 0; i < m->n; i++) {
        m->entries[i] = old[i];
        m->slots[slot_of(m, old[i].key)] = (uint32_t)(i + 1);
    }
}

void map_put(map *m, str key, void *value)
{
    assert(m);
    assert(value); /* NULL means "not there" */
    if (m->n == m->cap) grow(m);
    size_t s = slot_of(m, key);
    if (m->slots[s]) {
        m->entries[m->slots[s] - 1].value = value;
        return;
    }
    m->entries[m->n] = (map_entry){key, value};
    m->slots[s] = (uint32_t)(++m->n);
}

void *map_find(const map *m, str key)
{
    assert(m);
    if (!m->n) return NULL;
    uint32_t at = m->slots[slot_of(m, key)];
    return at ? m->entries[at - 1].value : NULL;
}

size_t map_count(const map *m)
{
    assert(m);
    return m->n;
}

const map_entry *map_at(const map *m, size_t i)
{
    assert(m);
    assert(i < m->n);
    return &m->entries[i];
}
