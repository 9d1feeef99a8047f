/* train/lgb: fitting with LightGBM; the one door to its library, opened at run time. Private to
 * train.
 *
 * An lgb is one opened library; fits on different threads may run at once (each on as many threads
 * as lgb_threads allows). Errors carry LightGBM's own words. */
#ifndef TIDEMILL_TRAIN_LGB_INT_H
#define TIDEMILL_TRAIN_LGB_INT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "frame/frame.h"

typedef struct lgb lgb;

#define LGB_VERSION "4.7.0" /* of deps/LOCK; the library does not tell */

/* lgb_open: ERR_MISSING when the library is not installed. Owner: the caller. */
MUST_CHECK err lgb_open(lgb **ret);
void lgb_free(lgb *l); /* the library itself stays loaded: its thread pool cannot be unloaded */
AUTO_DEFINE(lgb)

/* lgb_threads: how many threads one fit may use from now on, in the whole process; it does not show
 * in the model's text. */
MUST_CHECK err lgb_threads(lgb *l, int n);

/* lgb_parameters: every name and alias of a parameter that the library knows, to its one real name
 * (const char *). Owner: a. */
MUST_CHECK err lgb_parameters(lgb *l, arena *a, map **ret);

/* A fitted model and its text, which is what everything else works with. */
typedef struct lgb_fit_spec {
    matrix x;                 /* rows × features */
    const float *label;       /* rows; LightGBM keeps labels in single precision */
    const char *const *names; /* x.cols feature names */
    const char *params;       /* "learning_rate=0.1 num_leaves=31 …" without num_iterations */
    int iterations;
} lgb_fit_spec;

/* lgb_fit trains and returns the model as LightGBM's text; with predictions for probe's rows
 * (probe.rows doubles from a, LightGBM's own) when probe.rows > 0. Owner: a. */
MUST_CHECK err lgb_fit(lgb *l, arena *a, const lgb_fit_spec *o, matrix probe, str *ret_text,
                       double **ret_predictions);

#endif
