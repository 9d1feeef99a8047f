/* batch: scores a table into a table, exactly once. The task "batch_predict", and `tidemill score`.
 */
#ifndef TIDEMILL_BATCH_BATCH_H
#define TIDEMILL_BATCH_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/progress.h"
#include "base/str.h"
#include "features/features.h"
#include "home/home.h"
#include "table/duck.h"

enum { BATCH_ID_MAX = 256 };

typedef struct batch_spec {
    str model_uri; /* "models:/name@champion" */
    const source_spec *sources;
    size_t n_sources;
    str source;        /* one of them; "" : feature_table */
    str feature_table; /* catalog.schema.table, when source is "" */
    const feature_spec
        *features; /* computes the inputs from a raw source; NULL: the source has them already */
    str label;     /* column that becomes `actual`; absent in the source: NULL */
    str predictions_table;
    str batch_id;  /* at most BATCH_ID_MAX bytes; "": made from at_ms */
    int64_t at_ms; /* scored_at */
} batch_spec;

typedef struct batch_result {
    str batch_id, model_name;
    int64_t model_version; /* that scored these rows, also when it was an earlier call */
    int64_t rows, table_version;
    bool already;     /* this batch id had been written: nothing was added */
    double mae, rmse; /* over the rows with a known actual; NaN: there are none */
    double mean_prediction;
} batch_result;

/* batch_run streams: read -> predict (inside the SQL engine's pipeline) -> Parquet -> one Delta
 * commit with txn "batch/<model>/<batch_id>". Columns written: the model's inputs, prediction,
 * actual, model_name, model_version, scored_at, batch_id, scored_date (partition). Metrics go to a
 * run in experiment "/batch/<model>", one a batch id. A missing value is scored as the model scores
 * a missing value. A source column that the signature wants and that is missing or not numeric:
 * ERR_INVALID naming it. Owner: a. */
MUST_CHECK err batch_run(home *h, arena *a, const batch_spec *o, const progress *p,
                         batch_result *ret);

#endif
