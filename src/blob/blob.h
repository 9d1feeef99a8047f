/* blob: artifact bytes, content-addressed by SHA-256, written once and never changed.
 *
 * <dir>/sha256/ab/cdef… holds the bytes whose digest is abcdef…; <dir>/tmp what is being written. A
 * blob is written as temp file, synced, renamed, its folders synced, so a kill leaves at worst a
 * temp file that gc removes. The same bytes are stored once; a blob whose file has the wrong size
 * is put right by the next blob_put of its bytes. Every blob_get is verified. Backend: files.
 * Thread-safe but for blob_writer (one thread); several processes may share a store. */
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

/* blobs_open: dir is made when missing. Owner: the caller. */
MUST_CHECK err blobs_open(const char *dir, blobs **ret);
void blobs_free(blobs *b);
AUTO_DEFINE(blobs)

/* blob_put returns when the bytes are durable. ERR_IO (also a full disk: nothing is kept). */
MUST_CHECK err blob_put(blobs *b, str bytes, blob_id *ret);
/* blob_get reads and verifies; a NUL stands behind the bytes. ERR_INVALID (hex is no id),
 * ERR_MISSING, ERR_LIMIT over max, ERR_IO "blob <id>: damaged: …" naming the file when the bytes
 * are not those that were put. Owner: a. */
MUST_CHECK err blob_get(blobs *b, arena *a, const char *hex, size_t max, str *ret);
bool blob_exists(blobs *b, const char *hex);
/* blob_path: where the bytes lie, for engines that read files themselves. hex is a valid id. Owner:
 * a. */
const char *blob_path(blobs *b, arena *a, const char *hex);
/* blob_id_ok: 64 lower-case hex digits. */
bool blob_id_ok(const char *hex);

/* Streaming writer for sizes that do not fit memory: at most max bytes (ERR_LIMIT).
 * blob_writer_close makes the blob durable; then, or to drop it, blob_writer_free. After a failure
 * only blob_writer_free. Owner: the caller. */
typedef struct blob_writer blob_writer;
MUST_CHECK err blob_writer_open(blobs *b, uint64_t max, blob_writer **ret);
MUST_CHECK err blob_writer_put(blob_writer *w, const void *p, size_t n);
MUST_CHECK err blob_writer_close(blob_writer *w, blob_id *ret);
void blob_writer_free(blob_writer *w); /* NULL is a no-op */
AUTO_DEFINE(blob_writer)

#endif
