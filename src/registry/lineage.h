/* registry/lineage: where a version comes from and where it went: data -> code -> run -> model ->
 * version -> endpoints, read from what is known of the run (tags, params, datasets), the logged
 * model and the log. Nothing is stored: what a run says is the record. */
#ifndef TIDEMILL_REGISTRY_LINEAGE_H
#define TIDEMILL_REGISTRY_LINEAGE_H

#include "registry/versions.h"

/* "" and 0: not known. */
typedef struct lineage {
    struct {
        str source, version, digest, features; /* features: comma-separated, from the signature */
        int64_t rows;
    } data;
    struct {
        str repository, commit, branch, entry_point;
    } code;
    struct {
        str run_id, experiment_id, status, user, environment;
        int64_t started_ms, completed_ms;
    } training;
    const metric *evaluation; /* the run's metrics */
    size_t n_evaluation;
    str model_id, name;
    int64_t version;
    const str *aliases;
    size_t n_aliases;
    const str *endpoints; /* that serve it now */
    size_t n_endpoints;
} lineage;
MUST_CHECK err lineage_of_version(db *d, blobs *b, arena *a, version_ref of, lineage *ret);
void lineage_to_json(jw *w, const lineage *l);

/* And back: the versions that come from a run, a commit, or a data source (exactly one is given),
 * newest first. */
typedef struct lineage_query {
    str run_id, commit, data_source;
    size_t max;
} lineage_query;
MUST_CHECK err lineage_versions(db *d, arena *a, const lineage_query *q, model_version **ret,
                                size_t *ret_n);

#endif
