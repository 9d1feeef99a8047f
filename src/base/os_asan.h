/* base/os_asan: tells AddressSanitizer which bytes of an arena are in use; nothing in other builds.
 * Inside base only. */
#ifndef TIDEMILL_BASE_OS_ASAN_H
#define TIDEMILL_BASE_OS_ASAN_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define TIDEMILL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TIDEMILL_ASAN 1
#endif
#endif

#ifdef TIDEMILL_ASAN
#include <sanitizer/asan_interface.h>
enum { ASAN_GAP = 16 }; /* bytes left poisoned behind each piece */
static inline void asan_hide(void *p, size_t n)
{
    __asan_poison_memory_region(p, n);
}
static inline void asan_show(void *p, size_t n)
{
    __asan_unpoison_memory_region(p, n);
}
#else
enum { ASAN_GAP = 0 };
static inline void asan_hide(void *p, size_t n)
{
    (void)p;
    (void)n;
}
static inline void asan_show(void *p, size_t n)
{
    (void)p;
    (void)n;
}
#endif

#endif
