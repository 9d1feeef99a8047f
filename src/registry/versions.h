/* registry/versions: changing and finding model versions; registry.h makes and reads them. As
 * there: blocks, thread-safe, results live in the arena handed in. ERR_MISSING "Model Version
 * (name=…, version=…) not found"; ERR_INVALID in MLflow's words. Every change is in the log. */
#ifndef TIDEMILL_REGISTRY_VERSIONS_H
#define TIDEMILL_REGISTRY_VERSIONS_H

#include "registry/models.h"

typedef struct version_ref {
    str name;
    int64_t version;
} version_ref;

MUST_CHECK err registry_version_update(db *d, arena *a, version_ref of, str description,
                                       const change_by *by, model_version *ret);
/* With its tags and the aliases that point at it; its number is never given again. */
MUST_CHECK err registry_version_delete(db *d, version_ref of, const change_by *by);
MUST_CHECK err registry_version_tag_set(db *d, version_ref of, str key, str value,
                                        const change_by *by);
MUST_CHECK err registry_version_tag_delete(db *d, version_ref of, str key,
                                           const change_by *by); /* not there: fine */

typedef enum stage_others {
    STAGE_KEEP_OTHERS,
    STAGE_ARCHIVE_OTHERS, /* those of the stage that is entered: only Staging and Production */
} stage_others;
/* registry_version_stage: stage None, Staging, Production or Archived in any case (ERR_INVALID).
 * ERR_DENIED: the model's policy asks for more (approvals.h). */
MUST_CHECK err registry_version_stage(db *d, arena *a, version_ref of, str stage,
                                      stage_others others, const change_by *by, model_version *ret);

/* registry_stage_parse: the stage in MLflow's spelling, static text. ERR_INVALID. */
MUST_CHECK err registry_stage_parse(str stage, str *ret);

/* Where the artifacts are: of models:/m-… the logged model's artifact_uri, of another version's
 * models:/ URI that version's, else the source. */
MUST_CHECK err registry_download_uri(db *d, arena *a, version_ref of, str *ret);

/* registry_versions_search: filter over name, version_number, run_id, source_path, model_id,
 * user_id, status, current_stage (or stage), creation_timestamp, last_updated_timestamp and tags;
 * order_by over name, version_number, creation_timestamp, last_updated_timestamp; default order
 * last_updated_timestamp DESC, name, version_number DESC. max 1..200,000. *ret_token is "" after
 * the last page. */
MUST_CHECK err registry_versions_search(db *d, arena *a, const registry_search *q,
                                        model_version **ret, size_t *ret_n, str *ret_token);

#endif
