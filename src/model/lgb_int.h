/* model/lgb_int: lines, keys and lists of numbers of LightGBM's text format. Private to the reader.
 */
#ifndef TIDEMILL_MODEL_LGB_INT_H
#define TIDEMILL_MODEL_LGB_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* The bytes of a file, taken line by line. */
typedef struct lgb_lines {
    str all;
    size_t at;        /* first byte behind the current line */
    size_t line_at;   /* first byte of the current line */
    size_t line;      /* its number, from 1 */
    str text;         /* without its end */
    const char *name; /* of the file, for messages */
} lgb_lines;

/* lgb_next moves to the next line; false at the end of the file. */
bool lgb_next(lgb_lines *l);
/* lgb_err is err_set with "name:line: " in front. */
__attribute__((format(printf, 4, 5))) err lgb_err(const char *name, size_t line, err e,
                                                  const char *fmt, ...);

/* One key=value of a section and where it stood; line 0: it was not there. */
typedef struct lgb_value {
    str text;
    size_t line;
} lgb_value;

/* lgb_keys is a section's known keys and, in the same order, what was read. */
typedef struct lgb_section {
    const char *const *keys;
    lgb_value *values;
    size_t n;
    const char *file; /* for messages */
    const char *what; /* "header", "Tree=17" */
} lgb_section;

/* lgb_put stores the current line. An unknown key is ERR_INVALID, one that comes twice ERR_FORMAT.
 */
MUST_CHECK err lgb_put(const lgb_section *s, const lgb_lines *l);

/* Readers of values. A key that is not there is ERR_FORMAT; list readers want exactly n numbers. */
MUST_CHECK err lgb_need(const lgb_section *s, size_t key, size_t end_line, lgb_value *ret);
MUST_CHECK err lgb_int(const lgb_section *s, size_t key, int64_t min, int64_t max, int64_t *ret);
MUST_CHECK err lgb_f64s(const lgb_section *s, size_t key, size_t n, double *ret);
MUST_CHECK err lgb_ints(const lgb_section *s, size_t key, size_t n, int64_t min, int64_t max,
                        int64_t *ret);
/* lgb_count: how many words (parted by blanks) a value has; 0 when the key is not there. */
size_t lgb_count(str text);
/* lgb_word takes the first word off rest; false: none is left. */
bool lgb_word(str *rest, str *ret);

#endif
