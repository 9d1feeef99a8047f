/* blob: artifact bytes, content-addressed by SHA-256, written once and never changed.
 *
 * <home>/blobs/sha256/ab/cdef… ; written as temp file, fsync, rename, so a kill leaves at worst a temp file that gc removes. The same bytes are stored once.
 * Every read is verified. Backends: files now; S3 behind the same interface later. Thread-safe; several processes may share a store. */
#ifndef TIDEMILL_BLOB_BLOB_H
#define TIDEMILL_BLOB_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

typedef struct blobs blobs;

typedef struct blob_id {
    char hex[SHA256_HEX + 1];
} blob_id;

/* blobs_open: dir is made when missing. */
MUST_CHECK err blobs_open(const char *dir, blobs **ret);
void blobs_free(blobs *b);
AUTO_DEFINE(blobs)

MUST_CHECK err blob_put(blobs *b, str bytes, blob_id *ret);
/* blob_get reads and verifies. ERR_MISSING; ERR_LIMIT over max; ERR_IO "damaged" naming want and got digest when the bytes do not match. Owner: a. */
MUST_CHECK err blob_get(blobs *b, arena *a, const char *hex, size_t max, str *ret);
bool blob_exists(blobs *b, const char *hex);
/* blob_path: where the bytes lie, for engines that read files themselves; only valid ids. */
const char *blob_path(blobs *b, arena *a, const char *hex);

/* Streaming writer for sizes that do not fit memory. blob_writer_close finishes; blob_writer_free without close drops the temp file. */
typedef struct blob_writer blob_writer;
MUST_CHECK err blob_writer_open(blobs *b, uint64_t max, blob_writer **ret);
MUST_CHECK err blob_writer_put(blob_writer *w, const void *p, size_t n);
MUST_CHECK err blob_writer_close(blob_writer *w, blob_id *ret);
void blob_writer_free(blob_writer *w);

#endif
