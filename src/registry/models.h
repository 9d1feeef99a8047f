/* registry/models: changing and finding registered models; registry.h reads them. As there: blocks,
 * thread-safe, results live in the arena handed in. ERR_MISSING "Registered Model with name=… not
 * found"; ERR_INVALID in MLflow's words. Every change is in the log (audit.h). */
#ifndef TIDEMILL_REGISTRY_MODELS_H
#define TIDEMILL_REGISTRY_MODELS_H

#include "registry/registry.h"

typedef struct model_spec {
    str name, description;
    const key_value *tags; /* of equal keys the last wins */
    size_t n_tags;         /* <= 1,000 */
} model_spec;
/* ERR_CONFLICT "Registered Model (name=…) already exists.", also for prompts, which are registered
 * models with tag mlflow.prompt.is_prompt. */
MUST_CHECK err registry_model_create(db *d, arena *a, const model_spec *o, const change_by *by,
                                     registered_model *ret);
MUST_CHECK err registry_model_update(db *d, arena *a, str name, str description,
                                     const change_by *by, registered_model *ret);
/* Versions, aliases, tags follow. The old name can be looked up (registry_name_now) as long as no
 * other model takes it. ERR_CONFLICT: new_name is taken. */
MUST_CHECK err registry_model_rename(db *d, arena *a, str name, str new_name, const change_by *by,
                                     registered_model *ret);
/* With its versions, aliases and tags; logged models and artifacts stay. */
MUST_CHECK err registry_model_delete(db *d, str name, const change_by *by);
MUST_CHECK err registry_model_tag_set(db *d, str name, str key, str value, const change_by *by);
MUST_CHECK err registry_model_tag_delete(db *d, str name, str key,
                                         const change_by *by); /* not there: fine */

/* registry_name_now: name when a model has it, else the present name of the model that had it last.
 * For whoever stores names, so that a rename does not break it. ERR_MISSING: neither. */
MUST_CHECK err registry_name_now(db *d, arena *a, str name, str *ret);

/* registry_latest_versions: the newest version of each of the stages (any case; none: of every
 * stage), by number. ERR_INVALID "Invalid Model Version stage: …". */
MUST_CHECK err registry_latest_versions(db *d, arena *a, str name, const str *stages, size_t n,
                                        model_version **ret, size_t *ret_n);

typedef struct registry_search {
    str filter;
    const str *order_by;
    size_t n_order_by, max;
    str page_token; /* "": from the start */
} registry_search;
/* registry_models_search: filter over name, creation_timestamp, last_updated_timestamp and tags;
 * order_by over the first three and timestamp; then by name; max 1..1,000. Prompts only when the
 * filter asks for tag mlflow.prompt.is_prompt = 'true'. *ret_token is "" after the last page. */
MUST_CHECK err registry_models_search(db *d, arena *a, const registry_search *q,
                                      registered_model **ret, size_t *ret_n, str *ret_token);

#endif
