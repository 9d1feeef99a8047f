/* frame/schema: names and types of columns, and a model's signature. Pure; immutable once made;
 * lives in the arena it was made in.
 *
 * Types are MLflow's: boolean, integer (32 bit), long, float, double, string, binary, datetime. */
#ifndef TIDEMILL_FRAME_SCHEMA_H
#define TIDEMILL_FRAME_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

enum { SCHEMA_FIELDS_MAX = 16384 };

typedef enum field_type {
    FIELD_BOOLEAN,
    FIELD_INTEGER,
    FIELD_LONG,
    FIELD_FLOAT,
    FIELD_DOUBLE,
    FIELD_STRING,
    FIELD_BINARY,
    FIELD_DATETIME,
    FIELD_N
} field_type;

typedef struct field {
    str name;
    field_type type;
    bool required; /* false: a missing value is NaN / null */
} field;

typedef struct schema {
    field *fields;
    size_t n;
    struct schema_index *index; /* name to position; made by schema_index */
} schema;

typedef struct signature {
    schema inputs, outputs; /* n = 0: not given; an output without name has name "" (MLflow's
                               unnamed output) */
} signature;

const char *field_type_name(field_type t);
MUST_CHECK err field_type_parse(str name, field_type *ret);
bool field_type_numeric(field_type t);

/* schema_make_index prepares schema_find. Two fields of one name: ERR_INVALID. */
MUST_CHECK err schema_make_index(arena *a, schema *s);
/* schema_find: position of name; hint is where the caller expects it (tried first: columns usually
 * come in order). -1: not there. */
ptrdiff_t schema_find(const schema *s, str name, size_t hint);
/* schema_plain: no name holds a quote, a backslash or a control byte, so each stands in JSON as it
 * is. */
bool schema_plain(const schema *s);
/* schema_nearest: a field name near to name for "did you mean", or NULL. */
const char *schema_nearest(arena *a, const schema *s, str name);

/* MLflow's JSON form: [{"type": "double", "name": "x", "required": true}, …]; tensor specs are
 * refused by name (ERR_INVALID). */
MUST_CHECK err schema_from_json(arena *a, yyjson_val *v, const char *where, schema *ret);
void schema_to_json(jw *w, const schema *s);

#endif
