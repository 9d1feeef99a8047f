/* filter/page: page tokens: base64 (RFC 4648, with padding) of {"offset": N}, as MLflow's. Pure. */
#ifndef TIDEMILL_FILTER_PAGE_H
#define TIDEMILL_FILTER_PAGE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* page_token_read: "" is offset 0. ERR_INVALID in MLflow's words. page_token_make: Owner: a. */
MUST_CHECK err page_token_read(str token, size_t *ret_offset);
str page_token_make(arena *a, size_t offset);

str base64_write(arena *a, str bytes); /* Owner: a */
/* false: not base64, or over a megabyte. Owner: a. */
bool base64_read(arena *a, str text, str *ret);

#endif
