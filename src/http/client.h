/* http/client: outgoing HTTP; the only door to libcurl, which is dlopened at the first call so that
 * starting costs nothing. Blocks: never on a loop. Thread-safe. */
#ifndef TIDEMILL_HTTP_CLIENT_H
#define TIDEMILL_HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

typedef struct http_call {
    const char *method, *url;
    const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
    str body;
    int64_t timeout_ms; /* 0: 10 s */
    size_t answer_max;  /* 0: 16 MiB */
} http_call;

typedef struct http_answer {
    int status;
    str body; /* Owner: a, NUL behind the end */
    str content_type;
} http_answer;

/* http_send returns ERR_OK for every complete answer, whatever its status. ERR_IO (refused, reset,
 * timed out: says which), ERR_LIMIT. No redirects, no proxies. */
MUST_CHECK err http_send(arena *a, const http_call *c, http_answer *ret);

#endif
