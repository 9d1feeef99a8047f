/* registry: registered models, versions, aliases, stages, tags. Names may be three-level
 * (catalog.schema.model). Everything works in the owner and, through the relay, in a child; moves
 * of aliases are compare-and-set. Blocks: not for loop threads. Results: Owner: the arena handed
 * in. */
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

/* Who changes something and why: for the log (audit.h). */
typedef struct change_by {
    str user, reason; /* "": the program itself; none given */
    int64_t now_ms;
} change_by;

typedef struct model_alias {
    str alias;
    int64_t version;
} model_alias;

typedef struct registered_model {
    str name, description;
    int64_t created_ms, updated_ms, latest_version; /* 0: no version */
    const key_value *tags;                          /* sorted by key */
    size_t n_tags;
    const model_alias *aliases; /* sorted */
    size_t n_aliases;
} registered_model;

typedef struct model_version {
    str name, description, stage, status;  /* stage "None"; status "READY" */
    str source, run_id, model_id, user_id; /* source "models:/m-…"; run_id, model_id may be "" */
    str run_link, status_message;
    int64_t version, created_ms, updated_ms;
    const key_value *tags; /* sorted by key */
    size_t n_tags;
    const str *aliases; /* sorted */
    size_t n_aliases;
} model_version;

/* registry_model_ensure: name is 1..256 bytes of UTF-8 without '/', ':' and controls (ERR_INVALID);
 * one that exists stays as it is. */
MUST_CHECK err registry_model_ensure(db *d, str name, int64_t now_ms);
MUST_CHECK err registry_model_get(db *d, arena *a, str name, registered_model *ret);
/* By name. */
MUST_CHECK err registry_models(db *d, arena *a, size_t max, size_t offset, registered_model **ret,
                               size_t *ret_n);

typedef struct version_spec {
    str name, source, run_id, model_id, user, description; /* model_id "": taken from source */
    str run_link;
    int64_t now_ms;
    const key_value *tags;
    size_t n_tags;
    str once; /* not "": a second create with the same text returns the first one's version
                 (exactly-once for retried tasks); ERR_CONFLICT when that was of another model */
} version_spec;
/* registry_version_create gives the next number; a number is never given twice. run_id "": the run
 * that made the logged model. A source of the form models:/<name>/<version> (or alias, stage) takes
 * run and logged model over from that version. ERR_MISSING: the registered model, or the logged
 * model or version that it names, does not exist. ERR_INVALID: the source leaves its root, is a
 * path of this machine, or is not one of run_id or model_id (sources.c). */
MUST_CHECK err registry_version_create(db *d, arena *a, const version_spec *o,
                                       int64_t *ret_version);
MUST_CHECK err registry_version_get(db *d, arena *a, str name, int64_t version, model_version *ret);
/* name "": of all models; newest first. */
MUST_CHECK err registry_versions(db *d, arena *a, str name, size_t max, size_t offset,
                                 model_version **ret, size_t *ret_n);
MUST_CHECK err registry_version_tag(db *d, str name, int64_t version, str key, str value,
                                    int64_t now_ms); /* replaces */

/* Aliases: 1..255 bytes of [\w-], neither "latest" nor v<digits> (ERR_INVALID in MLflow's words).
 */
MUST_CHECK err registry_alias_get(db *d, arena *a, str name, str alias, model_version *ret);
/* registry_alias_set: expected -1: whatever it was; 0: only if it is not set; n: only if it is n
 * now, else ERR_CONFLICT naming what it is. */
MUST_CHECK err registry_alias_set(db *d, str name, str alias, int64_t version, int64_t expected,
                                  int64_t now_ms);
MUST_CHECK err registry_alias_delete(db *d, str name, str alias,
                                     int64_t now_ms); /* not set: fine */
/* The same by somebody. */
typedef struct alias_move {
    str name, alias;
    int64_t version, expected; /* as in registry_alias_set */
} alias_move;
MUST_CHECK err registry_alias_move(db *d, const alias_move *o, const change_by *by);
MUST_CHECK err registry_alias_drop(db *d, str name, str alias, const change_by *by);

/* registry_resolve: "models:/name/3", "models:/name@alias", "models:/name@1.2"
 * (the newest whose semantic version begins so; semver.h), "models:/name/latest",
 * "models:/name/<stage>" (the newest of it), "models:/m-<id>" -> logged model id, and name and
 * version when it is a registered one. ERR_INVALID: another form. */
MUST_CHECK err registry_resolve(db *d, arena *a, str uri, model_version *ret);

/* registry_load reads a logged model's package and the model itself out of the artifacts (each blob
 * verified), and checks that signature and model agree: the same names, numeric inputs, the number
 * of outputs. The message begins with the model's id. ERR_MISSING: no such model or file;
 * ERR_INVALID: they do not agree, or the format is not supported; ERR_FORMAT: damaged file; ERR_IO:
 * damaged blob. Owner: a; *ret_model: one reference for the caller. */
MUST_CHECK err registry_load(db *d, blobs *b, arena *a, str model_id, package *ret_package,
                             model **ret_model);

#endif
