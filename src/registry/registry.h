/* registry: registered models, versions, aliases, stages, tags. Names may be three-level (catalog.schema.model). Everything works in the owner and, through the relay, in a child; moves of aliases are compare-and-set.
 * Blocks: not for loop threads. Results: Owner: the arena handed in. */
#ifndef TIDEMILL_REGISTRY_REGISTRY_H
#define TIDEMILL_REGISTRY_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "db/db.h"
#include "model/model.h"
#include "model/package.h"
#include "tracking/tracking.h"

extern const db_migration registry_migration;

typedef struct model_alias {
    str alias;
    int64_t version;
} model_alias;

typedef struct registered_model {
    str name, description;
    int64_t created_ms, updated_ms, latest_version; /* 0: no version */
    const key_value *tags;
    size_t n_tags;
    const model_alias *aliases;
    size_t n_aliases;
} registered_model;

typedef struct model_version {
    str name, description, stage, status, source, run_id, model_id, user_id; /* stage "None"; status "READY"; source "models:/m-…" */
    int64_t version, created_ms, updated_ms;
    const key_value *tags;
    size_t n_tags;
    const str *aliases;
    size_t n_aliases;
} model_version;

MUST_CHECK err registry_model_ensure(db *d, str name, int64_t now_ms);
MUST_CHECK err registry_model_get(db *d, arena *a, str name, registered_model *ret);
MUST_CHECK err registry_models(db *d, arena *a, size_t max, size_t offset, registered_model **ret, size_t *ret_n); /* by name */

typedef struct version_spec {
    str name, source, run_id, model_id, user, description;
    int64_t now_ms;
    const key_value *tags;
    size_t n_tags;
    str once; /* not "": a second create with the same text returns the first one's version (exactly-once for retried tasks) */
} version_spec;
MUST_CHECK err registry_version_create(db *d, arena *a, const version_spec *o, int64_t *ret_version); /* model must exist */
MUST_CHECK err registry_version_get(db *d, arena *a, str name, int64_t version, model_version *ret);
MUST_CHECK err registry_versions(db *d, arena *a, str name, size_t max, size_t offset, model_version **ret, size_t *ret_n); /* name "": of all; newest first */
MUST_CHECK err registry_version_tag(db *d, str name, int64_t version, str key, str value, int64_t now_ms);

MUST_CHECK err registry_alias_get(db *d, arena *a, str name, str alias, model_version *ret); /* ERR_MISSING */
/* registry_alias_set: expected -1: whatever it was; 0: only if it is not set; n: only if it is n now, else ERR_CONFLICT. */
MUST_CHECK err registry_alias_set(db *d, str name, str alias, int64_t version, int64_t expected, int64_t now_ms);
MUST_CHECK err registry_alias_delete(db *d, str name, str alias, int64_t now_ms);

/* registry_resolve: "models:/name/3", "models:/name@alias", "models:/m-<id>" -> logged model id, and name/version when it is a registered one. */
MUST_CHECK err registry_resolve(db *d, arena *a, str uri, model_version *ret);

/* registry_load reads a logged model's package and the model itself out of the artifacts (each blob verified), and checks that signature and model agree (names, count). *ret_model: one reference for the caller. */
MUST_CHECK err registry_load(db *d, blobs *b, arena *a, str model_id, package *ret_package, model **ret_model);

#endif
