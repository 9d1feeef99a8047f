/* registry/stored: does what was stored answer as what was logged? Asked when a version is made,
 * and by whoever wants to know. Blocks; thread-safe as far as the db is. */
#ifndef TIDEMILL_REGISTRY_STORED_H
#define TIDEMILL_REGISTRY_STORED_H

#include "registry/registry.h"

enum { STORED_FILE_BYTES_MAX = 256 << 20, STORED_FILES_MAX = 10000 };

typedef enum stored_verdict {
    STORED_SAME,     /* loaded, scored, the same answers */
    STORED_LOADED,   /* bytes whole and loaded; no answers were logged to compare with */
    STORED_READABLE, /* bytes whole; not a model that we load ourselves */
    STORED_NOTHING,  /* nothing is stored here: no file below the source */
} stored_verdict;
const char *stored_verdict_name(stored_verdict v); /* "same", "loaded", "readable", "nothing" */

typedef struct stored_report {
    stored_verdict verdict;
    size_t files, unread, rows; /* read back; too large for it; rows compared */
    double error_max;           /* |stored - logged| / max(1, |logged|) */
    str note;                   /* why it is not STORED_SAME; "" */
} stored_report;

/* stored_check reads what lies below root ("models/<id>", "runs/<id>") and dir ("" or
 * "model") back, each file verified, those over STORED_FILE_BYTES_MAX left out; loads the model
 * where its flavor is one of ours, scores the rows of probes.json and compares. A difference over
 * 1e-6: ERR_GATE naming the row, its columns, both numbers. ERR_IO: damaged bytes; ERR_FORMAT: a
 * damaged model or probes file; ERR_LIMIT: over STORED_FILES_MAX files. Owner: a. */
MUST_CHECK err stored_check(db *d, blobs *b, arena *a, str root, str dir, stored_report *ret);

/* registry_version_create_checked: stored_check, then registry_version_create with tags
 * tidemill.stored (the verdict) and, unless it is given or nothing is known, tidemill.semver
 * (semver.h); then the logged model's tag mlflow.modelVersions
 * and the checklist's evidence (approvals.h). Prompts are made as they are. A repeated
 * create (once) checks nothing again. */
MUST_CHECK err registry_version_create_checked(db *d, blobs *b, arena *a, const version_spec *o,
                                               int64_t *ret_version);

#endif
