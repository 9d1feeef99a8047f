/* http/h1: HTTP/1.1 as a function over bytes (RFC 9112): where a request's head ends, what it says,
 * how its body is framed.
 *
 * Knows no sockets and no connections, so that tests and the fuzzer drive it directly.
 * picohttpparser splits the lines; every rule on which two parsers could disagree (request
 * smuggling) is decided here, strictly: what is not plainly right is refused, and the connection is
 * closed after the answer. What these functions say about a stream of bytes does not depend on how
 * it was cut into pieces. Private to the room. Pure; any thread. */
#ifndef TIDEMILL_HTTP_H1_INT_H
#define TIDEMILL_HTTP_H1_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/server.h"

typedef enum h1_result {
    H1_MORE,  /* all bytes are fine so far; the end has not been seen */
    H1_READY, /* complete */
    H1_BAD    /* refused: status and why are set; nothing behind it can be trusted */
} h1_result;

typedef struct h1_head {
    http_header *headers; /* given by the caller: room for headers_max */
    size_t headers_max;   /* given by the caller */
    size_t head_max;      /* given by the caller: bytes, the final empty line included */

    size_t size; /* bytes of the head, a skipped leading empty line included */
    size_t n_headers;
    str method, path, query;
    str host;        /* p is NULL when there is no Host header (HTTP/1.0 only) */
    str origin;      /* p is NULL when there is none */
    uint64_t length; /* of the body; 0 when chunked */
    bool has_length, chunked;
    bool http10;
    bool keep;       /* the connection may stay open after the answer */
    bool expects;    /* wants "100 Continue" before it sends the body */
    int status;      /* H1_BAD: what to answer (400, 414, 417, 431, 501) */
    const char *why; /* H1_BAD: one sentence; static text */
} h1_head;

/* h1_head_read looks for a whole head at the front of p[0..n). *scanned is how far an earlier call
 * on the same head came; the caller starts it at 0 and hands it back unchanged when more bytes have
 * arrived behind the same ones. The strs of ret point into p. After H1_BAD the method and path are
 * set when the request line itself was fine, else empty. */
h1_result h1_head_read(const char *p, size_t n, size_t *scanned, h1_head *ret);

/* h1_chunks takes the chunked coding off a body. All zero is the beginning. Extensions and trailers
 * are read, checked for bytes that have no place in a line, limited, and dropped. */
typedef struct h1_chunks {
    uint64_t left;  /* of the chunk's data */
    uint32_t extra; /* bytes of extensions and trailers so far */
    uint8_t state, digits;
} h1_chunks;

enum { H1_CHUNK_EXTRA_MAX = 8192 }; /* bytes of extensions and trailers of one body together */

/* h1_chunks_read decodes p[0..n) in place: the data found is at p[0..*ret_data), *ret_used bytes
 * were consumed (all of them unless the body ended) and those behind are untouched. H1_BAD sets
 * *ret_why and leaves p in any state. */
h1_result h1_chunks_read(h1_chunks *d, char *p, size_t n, size_t *ret_used, size_t *ret_data,
                         const char **ret_why);

/* http_origin_is_loopback: an Origin header that names this machine: http or https and an authority
 * that http_host_is_loopback takes. "null" is nobody we know. */
bool http_origin_is_loopback(str origin);

#endif
