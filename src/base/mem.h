/* base/mem: memory of single things. Running out of it ends the process with a message, so these
 * never return NULL; sizes that a user can choose are checked against a limit first (ERR_LIMIT).
 * Thread-safe. */
#ifndef TIDEMILL_BASE_MEM_H
#define TIDEMILL_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* mem_new returns n zeroed elements of size bytes; mem_grow resizes (new bytes are not zeroed);
 * mem_free takes NULL. */
void *mem_new(size_t n, size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1, 2)));
void *mem_grow(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
void mem_free(void *p);

/* size_mul and size_add: false when the result does not fit. */
static inline bool size_mul(size_t a, size_t b, size_t *ret)
{
    return !__builtin_mul_overflow(a, b, ret);
}
static inline bool size_add(size_t a, size_t b, size_t *ret)
{
    return !__builtin_add_overflow(a, b, ret);
}

/* AUTO(T) on a local calls T_freep(&local) when it leaves scope. AUTO_DEFINE(T) makes T_freep out
 * of T_free. */
#define AUTO_DEFINE(T)                                                                             \
    static inline void T##_freep(T **p)                                                            \
    {                                                                                              \
        T##_free(*p);                                                                              \
    }
#define AUTO(T) __attribute__((cleanup(T##_freep))) T *

#define countof(a) (sizeof(a) / sizeof *(a))

#endif
