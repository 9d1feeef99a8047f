/* base/json: reading and writing JSON; the door to yyjson, whose reading API (yyjson_val *,
 * yyjson_obj_get, …) is used as it is.
 *
 * Reading: RFC 8259, UTF-8 checked, nothing lenient; depth and size limited; errors carry line,
 * column and byte. Writing: jw streams into a buf, so nothing is built twice. Documents belong to
 * an arena. One thread per document or writer. */
#ifndef TIDEMILL_BASE_JSON_H
#define TIDEMILL_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <yyjson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { JSON_DEPTH_MAX = 64, JSON_SIZE_MAX = 1 << 30 };

/* json_parse parses the whole text; what names it in errors ("request body", a path). Duplicate
 * keys are refused (ERR_FORMAT). Owner: a (the document is freed with it). ERR_FORMAT with
 * line:column, ERR_LIMIT over JSON_DEPTH_MAX or JSON_SIZE_MAX. Takes up to 17 times the text's size
 * from a, so the caller limits the text first. */
MUST_CHECK err json_parse(arena *a, str text, const char *what, yyjson_val **ret);

/* json_where is where[.key] for error messages; the getters name the path:
 * "dataframe_records[3].trip_distance: …". json_get_*: field `key` of object o; where is o's own
 * path ("" at the root). The _opt forms leave *ret untouched when the field is absent or null and
 * still fail on a wrong type. Strings are borrowed until the document dies. */
MUST_CHECK err json_get_str(yyjson_val *o, const char *where, const char *key, str *ret);
MUST_CHECK err json_get_i64(yyjson_val *o, const char *where, const char *key,
                            int64_t *ret); /* numbers, and strings of digits (protobuf JSON) */
MUST_CHECK err json_get_f64(yyjson_val *o, const char *where, const char *key,
                            double *ret); /* numbers, "NaN", "Infinity", "-Infinity" */
MUST_CHECK err json_get_bool(yyjson_val *o, const char *where, const char *key, bool *ret);
MUST_CHECK err json_get_obj(yyjson_val *o, const char *where, const char *key, yyjson_val **ret);
MUST_CHECK err json_get_arr(yyjson_val *o, const char *where, const char *key, yyjson_val **ret);
MUST_CHECK err json_opt_str(yyjson_val *o, const char *where, const char *key, str *ret);
MUST_CHECK err json_opt_i64(yyjson_val *o, const char *where, const char *key, int64_t *ret);
MUST_CHECK err json_opt_f64(yyjson_val *o, const char *where, const char *key, double *ret);
MUST_CHECK err json_opt_bool(yyjson_val *o, const char *where, const char *key, bool *ret);
/* json_only fails with ERR_INVALID naming the first key of o that is not in keys (NULL-terminated),
 * with a did-you-mean. */
MUST_CHECK err json_only(yyjson_val *o, const char *where, const char *const *keys);
static inline str json_str(yyjson_val *v)
{
    return (str){yyjson_get_str(v), yyjson_get_len(v)};
}

/* jw: a JSON writer. Commas and quoting are its business; calls must nest rightly (asserted).
 * Pretty: two spaces. */
typedef struct jw {
    buf *b;
    int depth;
    uint64_t objects; /* bit i: level i is an object */
    bool pretty, comma, after_key;
} jw;
void jw_init(jw *w, buf *b, bool pretty);
void jw_obj(jw *w);
void jw_obj_end(jw *w);
void jw_arr(jw *w);
void jw_arr_end(jw *w);
void jw_key(jw *w, const char *key);
void jw_key_str(jw *w, str key);
void jw_str(jw *w, str s);          /* invalid UTF-8 becomes U+FFFD */
void jw_cstr(jw *w, const char *s); /* NULL is null */
void jw_i64(jw *w, int64_t v);
void jw_f64(jw *w, double v); /* NaN and infinities as the strings "NaN", "Infinity", "-Infinity"
                                 (MLflow's form) */
void jw_bool(jw *w, bool v);
void jw_null(jw *w);
void jw_raw(jw *w, str json); /* a value that is JSON already; not empty */
/* key and value in one call */
void jw_kstr(jw *w, const char *key, str s);
void jw_kcstr(jw *w, const char *key, const char *s);
void jw_ki64(jw *w, const char *key, int64_t v);
void jw_kf64(jw *w, const char *key, double v);
void jw_kbool(jw *w, const char *key, bool v);

/* json_write prints a value that was read (compact). */
void json_write(buf *b, yyjson_val *v);

#endif
