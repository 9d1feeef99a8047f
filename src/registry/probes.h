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

/* probes_compare: text is {"columns", "rows", "predictions"}; every row is predicted, with the
 * others and alone. *ret_n: rows that agreed. ERR_INTERNAL names the first row that differs, with
 * both numbers; ERR_FORMAT, ERR_INVALID and ERR_MISSING for a damaged file, naming the place. Pure.
 */
MUST_CHECK err probes_compare(str text, const model *m, size_t *ret_n);
/* probes_near: the same, but answers may differ by tolerance × max(1, |logged|), tolerance > 0;
 * *ret_error_max is the largest such difference. ERR_GATE names the first row that differs more,
 * with its columns and both numbers. */
MUST_CHECK err probes_near(str text, const model *m, double tolerance, size_t *ret_n,
                           double *ret_error_max);
/* probes_check does probes_compare with artifact probes.json of the logged model; *ret_n is 0 when
 * it has none. */
MUST_CHECK err probes_check(db *d, blobs *b, const char *model_id, const model *m, size_t *ret_n);

#endif
