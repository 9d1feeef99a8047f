/* base/arena: memory that lives and dies together.
 *
 * One arena per lifetime: process, model, job run, connection, request. Nothing taken from it is
 * freed alone; arena_free() and arena_reset() run the clean-ups, newest first, then return the
 * blocks. A reset arena keeps its first block, so a request that fits there allocates nothing. Not
 * thread-safe: an arena belongs to one thread at a time. */
#ifndef TIDEMILL_BASE_ARENA_H
#define TIDEMILL_BASE_ARENA_H

#include <stddef.h>

#include "base/mem.h"

typedef struct arena arena;

/* arena_new returns an empty arena; first is the size of the block that resets keep (0: 4 KiB).
 * Never NULL. Owner: the caller. */
arena *arena_new(size_t first);
void arena_free(arena *a); /* NULL is a no-op */
void arena_reset(arena *a);
AUTO_DEFINE(arena)

/* arena_alloc returns n zeroed elements of size bytes, aligned to 16; arena_alloc_raw the same, not
 * zeroed. Never NULL: sizes a user can choose are checked by the caller first. Owner: a. */
void *arena_alloc(arena *a, size_t n, size_t size) __attribute__((returns_nonnull));
void *arena_alloc_raw(arena *a, size_t n, size_t size) __attribute__((returns_nonnull));
#define arena_new_of(a, T)   ((T *)arena_alloc((a), 1, sizeof(T)))
#define arena_array(a, T, n) ((T *)arena_alloc((a), (n), sizeof(T)))

/* arena_on_free calls fn(p) when a is freed or reset: how a file or a library handle joins a
 * lifetime. */
void arena_on_free(arena *a, void (*fn)(void *), void *p);

/* arena_bytes: bytes held from the system, for /debug and limits. */
size_t arena_bytes(const arena *a);

#endif
