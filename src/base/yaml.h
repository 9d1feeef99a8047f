/* base/yaml: YAML 1.2 (core schema) as a tree that remembers where each node stood; the door to
 * libfyaml.
 *
 * Aliases are expanded up to a limit, duplicate keys and custom tags refused, one document a file.
 * Immutable after yaml_parse. */
#ifndef TIDEMILL_BASE_YAML_H
#define TIDEMILL_BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* libfyaml looks far ahead in brackets that do not close: a hostile megabyte costs it half a second
 * and 350 MB, so no more is let in. */
enum { YAML_DEPTH_MAX = 64, YAML_NODES_MAX = 200000, YAML_SIZE_MAX = 1 << 20 };

typedef enum yaml_kind {
    YAML_NULL,
    YAML_BOOL,
    YAML_INT,
    YAML_FLOAT,
    YAML_STR,
    YAML_SEQ,
    YAML_MAP
} yaml_kind;

typedef struct yaml yaml;
typedef struct yaml_pair {
    str key;
    int key_line, key_col;
    yaml *value;
} yaml_pair;

struct yaml {
    yaml_kind kind;
    bool plain;       /* a scalar without quotes */
    const char *file; /* as given to yaml_parse */
    int line, col;    /* 1-based */
    str text;         /* scalars: as written (unquoted) */
    bool b;           /* YAML_BOOL */
    int64_t i;        /* YAML_INT */
    double f;         /* YAML_FLOAT, and YAML_INT as double */
    size_t n;         /* items or pairs */
    yaml **items;     /* YAML_SEQ */
    yaml_pair *pairs; /* YAML_MAP, in file order */
};

/* yaml_parse: file is the name for messages; an empty document is an empty map. ERR_FORMAT
 * "file:line:col: …", ERR_LIMIT. Owner: a. */
MUST_CHECK err yaml_parse(arena *a, str text, const char *file, yaml **ret);

/* yaml_find: the value of key in a map, NULL when absent (or y is no map). */
yaml *yaml_find(const yaml *y, const char *key);
/* yaml_err: err_set(ERR_INVALID, "file:line:col: …"). */
__attribute__((format(printf, 2, 3))) err yaml_err(const yaml *at, const char *fmt, ...);
#define yaml_err(...) err_failed_((yaml_err)(__VA_ARGS__))
/* yaml_only: every key of map y is in keys (NULL-terminated), else ERR_INVALID at the key, with a
 * did-you-mean. */
MUST_CHECK err yaml_only(const yaml *y, const char *what, const char *const *keys);
/* Typed getters of a field; the _opt forms leave *ret untouched when the key is absent. Wrong type
 * or absent: ERR_INVALID with place. */
MUST_CHECK err yaml_get_str(const yaml *y, const char *key, str *ret); /* any scalar, as text */
MUST_CHECK err yaml_opt_str(const yaml *y, const char *key, str *ret);
MUST_CHECK err yaml_opt_i64(const yaml *y, const char *key, int64_t *ret);
MUST_CHECK err yaml_opt_f64(const yaml *y, const char *key, double *ret);
MUST_CHECK err yaml_opt_bool(const yaml *y, const char *key, bool *ret);
const char *yaml_kind_name(yaml_kind k); /* "a mapping", "a string", … */

#endif
