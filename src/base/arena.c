#include "base/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/die_int.h"
#include "base/os_asan.h"

/* Small pieces are cut from the block `cur`; a piece that would waste much of a fresh block gets
 * one of its own and cur stays. The first block lies in one piece of memory with the arena itself
 * and is what resets keep; all others hang in `extra`.
 *
 *   1. cur->used <= cur->size; pieces begin at multiples of ALIGN.
 *   2. bytes == the sum of what was taken from malloc.
 *   3. Clean-up records lie in the arena too, so they cost no free. */
enum { ALIGN = 16, FIRST_DEFAULT = 4096, BLOCK_MAX = 1 << 20 };

typedef struct block {
    struct block *next;
    size_t size, used;
    size_t pad; /* keeps data at a multiple of ALIGN */
    char data[];
} block;
static_assert(sizeof(block) % ALIGN == 0, "data of a block is aligned");

typedef struct cleanup {
    struct cleanup *next;
    void (*fn)(void *);
    void *p;
} cleanup;

struct arena {
    block *cur;
    block *first;
    block *extra;
    cleanup *cleanups; /* newest first */
    size_t bytes;
    size_t grow; /* size of the next block */
};
static_assert(sizeof(struct arena) % ALIGN == 0, "the first block is aligned");

static void *take_memory(size_t n)
{
    void *p = malloc(n);
    if (!p) die("arena", "out of memory");
    return p;
}

arena *arena_new(size_t first)
{
    assert(first <= SIZE_MAX / 4);
    if (!first) first = FIRST_DEFAULT;
    size_t size = (first + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    size_t bytes = sizeof(arena) + sizeof(block) + size;
    arena *a = take_memory(bytes);
    block *b = (block *)(a + 1);
    *b = (block){.size = size};
    *a = (arena){
        .cur = b, .first = b, .bytes = bytes, .grow = size < BLOCK_MAX / 2 ? size * 2 : BLOCK_MAX};
    asan_hide(b->data, b->size);
    return a;
}

static void run_cleanups(arena *a)
{
    while (a->cleanups) {
        cleanup *c = a->cleanups;
        a->cleanups = c->next;
        c->fn(c->p);
    }
}

static void free_extra(arena *a)
{
    while (a->extra) {
        block *b = a->extra;
        a->extra = b->next;
        a->bytes -= sizeof(block) + b->size;
        asan_show(b->data, b->size);
        free(b);
    }
    a->cur = a->first;
}

void arena_reset(arena *a)
{
    assert(a);
    run_cleanups(a);
    free_extra(a);
    a->first->used = 0;
    a->grow = a->first->size < BLOCK_MAX / 2 ? a->first->size * 2 : BLOCK_MAX;
    asan_hide(a->first->data, a->first->size);
}

void arena_free(arena *a)
{
    if (!a) return;
    run_cleanups(a);
    free_extra(a);
    asan_show(a->first->data, a->first->size);
    free(a);
}

/* add_block returns a block with room for need bytes (a multiple of ALIGN). */
static block *add_block(arena *a, size_t need)
{
    bool own = need > a->grow / 4;
    size_t size = own ? need : a->grow;
    block *b = take_memory(sizeof(block) + size);
    *b = (block){.next = a->extra, .size = size};
    a->extra = b;
    a->bytes += sizeof(block) + size;
    asan_hide(b->data, b->size);
    if (own) return b;
    a->cur = b;
    if (a->grow < BLOCK_MAX) a->grow *= 2;
    return b;
}

void *arena_alloc_raw(arena *a, size_t n, size_t size)
{
    assert(a);
    size_t bytes = 0;
    bool fits = size_mul(n, size, &bytes) && bytes <= SIZE_MAX / 4;
    assert(fits);
    size_t need = ((bytes ? bytes : 1) + ASAN_GAP + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    block *b = a->cur;
    if (need > b->size - b->used) b = add_block(a, need);
    char *p = b->data + b->used;
    b->used += need;
    asan_show(p, bytes);
    return p;
}

void *arena_alloc(arena *a, size_t n, size_t size)
{
    void *p = arena_alloc_raw(a, n, size);
    memset(p, 0, n * size);
    return p;
}

void arena_on_free(arena *a, void (*fn)(void *), void *p)
{
    assert(a);
    assert(fn);
    cleanup *c = arena_alloc_raw(a, 1, sizeof *c);
    *c = (cleanup){.next = a->cleanups, .fn = fn, .p = p};
    a->cleanups = c;
}

size_t arena_bytes(const arena *a)
{
    assert(a);
    return a->bytes;
}
