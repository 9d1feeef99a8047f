/* base/digest: SHA-256, by OpenSSL's EVP (this room is its door). One thread per state. */
#ifndef TIDEMILL_BASE_DIGEST_H
#define TIDEMILL_BASE_DIGEST_H

#include <stddef.h>

#include "base/mem.h"
#include "base/str.h"

enum { SHA256_HEX = 64 };

typedef struct sha256 sha256;
sha256 *sha256_new(void);
void sha256_free(sha256 *d);
void sha256_put(sha256 *d, const void *p, size_t n);
/* sha256_hex finishes and writes 64 hex digits and a NUL; d may only be freed then. */
void sha256_hex(sha256 *d, char ret[SHA256_HEX + 1]);
AUTO_DEFINE(sha256)

void sha256_hex_of(str bytes, char ret[SHA256_HEX + 1]);

#endif
