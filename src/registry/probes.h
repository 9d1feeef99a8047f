/* registry/probes: rows with the answers that a model gave at training; whoever loads the model
 * checks that it still answers the same, to the last bit. */
#ifndef TIDEMILL_REGISTRY_PROBES_H
#define TIDEMILL_REGISTRY_PROBES_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "blob/blob.h"
#include "db/db.h"
#include "model/model.h"

/* probes_check reads artifact probes.json of the logged model ({"columns", "rows", "predictions"})
 * and predicts every row. *ret_n: rows that agreed; 0 when the package has none. ERR_INTERNAL names
 * the first row that differs, with both numbers; ERR_FORMAT for a damaged file. */
MUST_CHECK err probes_check(db *d, blobs *b, const char *model_id, const model *m, size_t *ret_n);
/* probes_compare: the same for the package below root and dir ("" : root itself), with answers that
 * differ by at most tolerance × max(1, |logged|); *ret_error_max: the largest such difference.
 * ERR_GATE names the first row that differs more, with its columns and both numbers. */
typedef struct probes_at {
    str root, dir;
    double tolerance; /* 0: to the last bit */
} probes_at;
MUST_CHECK err probes_compare(db *d, blobs *b, const probes_at *at, const model *m, size_t *ret_n,
                              double *ret_error_max);

#endif
