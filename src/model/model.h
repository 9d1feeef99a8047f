/* model: one inference contract over every format that we read. Pure: bytes and numbers in, numbers
 * out.
 *
 * A model is immutable after model_load and shared by reference count, so any number of threads
 * predict with one. The row layout is the model's own feature order (model_features); mapping a
 * request's columns onto it is the caller's business, once per endpoint. Formats are members of one
 * const array (model/formats.c), each a model_runtime; `worker` will hand one more down. */
#ifndef TIDEMILL_MODEL_MODEL_H
#define TIDEMILL_MODEL_MODEL_H

#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "frame/frame.h"

enum { MODEL_BYTES_MAX = 1 << 30, MODEL_FEATURES_MAX = 65535, MODEL_TREES_MAX = 1 << 20 };

typedef struct model model;

typedef struct model_facts {
    const char *format;    /* "lightgbm" */
    const char *objective; /* as the file says: "regression_l1", "binary sigmoid:1", … */
    size_t n_features, n_outputs, n_trees, n_leaves, depth_max;
    size_t bytes; /* memory the model holds */
} model_facts;

/* model_load reads a whole model; format NULL: by looking at the bytes. bytes may be freed
 * afterwards. name stands in messages. ERR_FORMAT names offset, line or field of the damage;
 * ERR_LIMIT; ERR_INVALID for a feature of the format that is not supported, by name. Owner: the
 * caller, one reference. */
MUST_CHECK err model_load(str bytes, const char *format, const char *name, model **ret);
model *model_ref(model *m);
void model_unref(model *m); /* NULL is a no-op */
static inline void model_free(model *m)
{
    model_unref(m);
}
AUTO_DEFINE(model)

const model_facts *model_get_facts(const model *m); /* Borrowed until the model dies */
const str *model_features(const model *m);          /* n_features names, in row order */

/* model_predict: x has x.cols == n_features; out gets x.rows × n_outputs doubles, row-major,
 * transformed as the model's own predict does (identity, sigmoid, softmax, exp). Missing is NaN and
 * treated as the origin does. Equal to the origin to the last bit. Allocates nothing, cannot fail;
 * one row takes a path made for one row. */
void model_predict(const model *m, matrix x, double *out);
/* model_predict_raw: before the transformation (raw score). */
void model_predict_raw(const model *m, matrix x, double *out);

/* model_importance: per feature the total gain (kind "gain") or the number of splits ("split");
 * n_features doubles. */
MUST_CHECK err model_importance(const model *m, const char *kind, double *ret);

#endif
