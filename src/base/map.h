/* base/map: names to pointers; open addressing, keys borrowed, lives in an arena. Iterates in the
 * order of insertion. One thread while it is written; any number of readers afterwards. */
#ifndef TIDEMILL_BASE_MAP_H
#define TIDEMILL_BASE_MAP_H

#include "base/arena.h"
#include "base/str.h"

typedef struct map_entry {
    str key;
    void *value;
} map_entry;

typedef struct map map;

map *map_new(arena *a); /* Owner: a */
void map_put(map *m, str key,
             void *value); /* replaces; key and value borrowed as long as the map lives */
void *map_find(const map *m, str key); /* NULL: not there */
size_t map_count(const map *m);
const map_entry *map_at(const map *m, size_t i); /* i < map_count, in insertion order */

#endif
