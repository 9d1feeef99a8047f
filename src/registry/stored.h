/* registry/stored: does what was stored answer as what was logged? Asked when a version is made,
 * and by whoever wants to know. */
#ifndef TIDEMILL_REGISTRY_STORED_H
#define TIDEMILL_REGISTRY_STORED_H

#include "registry/registry.h"

typedef enum stored_verdict {
    STORED_SAME,     /* loaded, scored, the same answers */
    STORED_LOADED,   /* bytes whole and loaded; nothing was logged to compare with */
    STORED_READABLE, /* bytes whole; the format is not one that we load */
} stored_verdict;

typedef struct stored_report {
    stored_verdict verdict;
    size_t files, rows; /* read back; compared */
    double error_max;   /* |stored - logged| / max(1, |logged|) */
    str note;           /* a sentence */
} stored_report;
/* stored_check reads every artifact of the logged model back (each verified), loads it where that
 * is possible natively, scores the rows of probes.json (else of the input example, when the package
 * has predictions for it) and compares. More than 1e-6 apart: ERR_GATE naming row, columns, both
 * numbers. ERR_IO: damaged bytes; ERR_FORMAT: a damaged package. Owner: a. */
MUST_CHECK err stored_check(db *d, blobs *b, arena *a, str model_id, stored_report *ret);

/* registry_version_create_checked: stored_check of the logged model, then registry_version_create
 * with tags tidemill.stored (same, loaded, readable) and, unless given, tidemill.semver. */
MUST_CHECK err registry_version_create_checked(db *d, blobs *b, arena *a, const version_spec *o,
                                               int64_t *ret_version);

#endif
