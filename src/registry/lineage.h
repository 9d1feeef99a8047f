/* registry/lineage: where a version comes from and where it went: data, code, run, model, version,
 * endpoints; and back. Read from what is known of the run (tags, datasets, metrics), the model's
 * package and the log; nothing is stored for it. Results: Owner: the arena handed in. */
#ifndef TIDEMILL_REGISTRY_LINEAGE_H
#define TIDEMILL_REGISTRY_LINEAGE_H

#include "base/json.h"
#include "registry/versions.h"

/* "" and 0: not known. */
typedef struct lineage {
    str data_source, data_version, data_digest; /* a table or dataset; version: of the table */
    int64_t data_rows;
    const field *features; /* the signature's inputs */
    size_t n_features;
    str code_repository, code_commit, code_branch, code_entry;
    run training;    /* id "" : the run is not known here. Its metrics are the evaluation */
    str environment; /* requirements.txt */
    model_version version;
    const str *endpoints; /* that serve it now, as the log says */
    size_t n_endpoints;
} lineage;
/* ERR_MISSING: no such version. */
MUST_CHECK err lineage_of_version(db *d, blobs *b, arena *a, version_ref of, lineage *ret);
void lineage_to_json(jw *w, const lineage *l);

/* The way back: versions made by a run, from a commit or from a feature table; exactly one of them
 * is given (ERR_INVALID). Newest first, at most 1,000. */
typedef struct lineage_query {
    str run_id, commit, data_source;
} lineage_query;
MUST_CHECK err lineage_versions(db *d, arena *a, const lineage_query *q, model_version **ret,
                                size_t *ret_n);

#endif
