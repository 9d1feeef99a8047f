/* model/runtime: what one format of model has to offer. The members stand in model/formats.c, in
 * the order in which bytes are tried; a room above may hand one more down.
 *
 * A loaded thing is immutable: predict and importance may run on any number of threads at once. */
#ifndef TIDEMILL_MODEL_RUNTIME_H
#define TIDEMILL_MODEL_RUNTIME_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "model/model.h"

/* What load gives back. Everything lives in the arena that load was given, or is freed with it
 * (arena_on_free). */
typedef struct model_loaded {
    void *self;          /* handed to the functions below */
    model_facts facts;   /* bytes may stay 0: the arena's size is added */
    const str *features; /* facts.n_features names */
} model_loaded;

typedef struct model_runtime {
    const char *format;
    /* sniff: do these bytes look like this format? Looks at the beginning only. */
    bool (*sniff)(str bytes);
    /* load: name stands in messages; bytes may be freed afterwards. Owner of what it makes: a. */
    err (*load)(arena *a, str bytes, const char *name, model_loaded *ret);
    /* predict: x.cols == n_features; out has x.rows × n_outputs. raw: before the output
     * transformation. */
    void (*predict)(const void *self, matrix x, bool raw, double *out);
    /* importance: n_features doubles; an unknown kind is ERR_INVALID. */
    err (*importance)(const void *self, const char *kind, double *ret);
} model_runtime;

extern const model_runtime *const model_formats[];
extern const size_t model_formats_n;

extern const model_runtime lightgbm_runtime;

#endif
