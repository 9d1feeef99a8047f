#include "base/digest.h"

#include <assert.h>
#include <openssl/evp.h>

#include "base/die_int.h"

struct sha256 {
    EVP_MD_CTX *ctx;
};

sha256 *sha256_new(void)
{
    sha256 *d = mem_new(1, sizeof *d);
    d->ctx = EVP_MD_CTX_new();
    if (!d->ctx || EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL) != 1) die("OpenSSL", "no SHA-256");
    return d;
}

void sha256_free(sha256 *d)
{
    if (!d) return;
    EVP_MD_CTX_free(d->ctx);
    mem_free(d);
}

void sha256_put(sha256 *d, const void *p, size_t n)
{
    assert(d);
    assert(p || !n);
    if (n && EVP_DigestUpdate(d->ctx, p, n) != 1) die("OpenSSL", "SHA-256 update failed");
}

void sha256_hex(sha256 *d, char ret[SHA256_HEX + 1])
{
    assert(d);
    assert(ret);
    static const char hex[] = "0123456789abcdef";
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (EVP_DigestFinal_ex(d->ctx, sum, &n) != 1) die("OpenSSL", "SHA-256 final failed");
    assert(n * 2 == SHA256_HEX);
    for (unsigned i = 0; i < n; i++) {
        ret[2 * i] = hex[sum[i] >> 4];
        ret[2 * i + 1] = hex[sum[i] & 15];
    }
    ret[SHA256_HEX] = '\0';
}

void sha256_hex_of(str bytes, char ret[SHA256_HEX + 1])
{
    AUTO(sha256) d = sha256_new();
    sha256_put(d, bytes.p, bytes.n);
    sha256_hex(d, ret);
}
