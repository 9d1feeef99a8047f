#include "base/rng.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>

#include "base/die_int.h"

static uint64_t splitmix64(uint64_t *x)
{
    uint64_t z = *x += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

void rng_init(rng *r, uint64_t seed)
{
    assert(r);
    for (int i = 0; i < 4; i++)
        r->s[i] = splitmix64(&seed);
}

uint64_t rng_u64(rng *r)
{
    uint64_t *s = r->s;
    const uint64_t result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

/* Lemire 2019, "Fast Random Integer Generation in an Interval": multiply, and draw again in the
 * short biased part. */
uint64_t rng_below(rng *r, uint64_t n)
{
    assert(n > 0);
    unsigned __int128 m = (unsigned __int128)rng_u64(r) * n;
    if ((uint64_t)m < n) {
        const uint64_t biased = (0 - n) % n;
        while ((uint64_t)m < biased)
            m = (unsigned __int128)rng_u64(r) * n;
    }
    return (uint64_t)(m >> 64);
}

double rng_f64(rng *r)
{
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

void rng_shuffle(rng *r, size_t *v, size_t n)
{
    assert(v || !n);
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)rng_below(r, i), t = v[i - 1];
        v[i - 1] = v[j];
        v[j] = t;
    }
}

void random_bytes(void *p, size_t n)
{
    assert(p || !n);
    for (size_t done = 0; done < n;) {
        ssize_t got = getrandom((char *)p + done, n - done, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) die("getrandom", "the kernel gives no random bytes");
        done += (size_t)got;
    }
}

str id_hex32(arena *a)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char b[16];
    random_bytes(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40); /* version 4 */
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80); /* variant of RFC 4122 */
    char *p = arena_alloc_raw(a, 2 * sizeof b + 1, 1);
    for (size_t i = 0; i < sizeof b; i++) {
        p[2 * i] = hex[b[i] >> 4];
        p[2 * i + 1] = hex[b[i] & 15];
    }
    p[2 * sizeof b] = '\0';
    return (str){p, 2 * sizeof b};
}
