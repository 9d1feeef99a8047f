/* registry/registry_int: what the files of this room share. */
#ifndef TIDEMILL_REGISTRY_REGISTRY_INT_H
#define TIDEMILL_REGISTRY_REGISTRY_INT_H

#include "base/digest.h"
#include "registry/audit.h"

enum {
    REGISTRY_NAME_MAX = 256,
    REGISTRY_KEY_MAX = 250,
    REGISTRY_VALUE_MAX = 100000,
    REGISTRY_ALIAS_MAX = 255,
    REGISTRY_TEXT_MAX = 100000, /* descriptions, sources */
    REGISTRY_TAGS_MAX = 1000,
    REGISTRY_LIST_MAX = 50000,
    REGISTRY_REASON_MAX = 2000,
    REGISTRY_MODELS_PAGE_MAX = 1000,     /* MLflow's */
    REGISTRY_VERSIONS_PAGE_MAX = 200000, /* MLflow's */
};

/* --- check.c */
MUST_CHECK err check_model_name(str name);
MUST_CHECK err check_alias_text(str alias);
MUST_CHECK err check_alias(str alias); /* and not a reserved one */
MUST_CHECK err check_tag(str key, str value);
MUST_CHECK err check_text(const char *what, str text, size_t max);

MUST_CHECK err check_tag_list(const key_value *v, size_t n);
bool tags_say_prompt(const key_value *v, size_t n); /* mlflow.prompt.is_prompt is true */

/* --- change.c: a transaction that changes something, and its entries in the log. Writers wait for
 * each other on the log's head, so what they read between is not changed under them. */
typedef struct change {
    db_tx *tx;
    arena *a;
    const change_by *by;
    int64_t seq, batch, at_ms;
    char hash[SHA256_HEX + 1];
} change;
typedef err (*change_fn)(change *c, void *arg);
/* change_run: a write transaction; a result put into a by fn holds when it is ERR_OK. */
MUST_CHECK err change_run(db *d, arena *a, const change_by *by, change_fn fn, void *arg);
typedef struct log_item {
    const char *kind;
    int64_t row; /* registered_model.id */
    str model;
    int64_t version;
    str subject, was, became;
} log_item;
MUST_CHECK err change_log(change *c, const log_item *e);
/* change_hash: of entry e, whose row and batch are given. */
void change_hash(const char prev[SHA256_HEX + 1], const audit_entry *e, int64_t batch, int64_t row,
                 char ret[SHA256_HEX + 1]);

/* --- sources.c: where a version's bytes are, checked; fills run_id, model_id and storage. */
typedef struct version_source {
    str source, run_id, model_id, storage;
} version_source;
MUST_CHECK err source_check(db *d, arena *a, const version_spec *o, version_source *ret);

/* --- models.c */
MUST_CHECK err model_missing(str name);
/* The models with these ids, in that order. */
MUST_CHECK err models_by_ids(db_tx *tx, arena *a, const int64_t *ids, size_t n,
                             registered_model **ret);
MUST_CHECK err model_row(db_tx *tx, arena *a, str name, int64_t *ret); /* ERR_MISSING */

/* --- versions.c */
MUST_CHECK err version_missing(version_ref of);
typedef struct version_row {
    int64_t id, model;
    str name, stage, source, user;
} version_row;
MUST_CHECK err version_row_get(db_tx *tx, arena *a, version_ref of, version_row *ret);
MUST_CHECK err version_get_tx(db_tx *tx, arena *a, version_ref of, model_version *ret);
/* The versions with these ids, in that order. */
MUST_CHECK err versions_by_ids(db_tx *tx, arena *a, const int64_t *ids, size_t n,
                               model_version **ret);

/* The versions whose ids sql selects, in its order. */
MUST_CHECK err versions_of(db *d, arena *a, const char *sql, const db_val *args, size_t n_args,
                           model_version **ret, size_t *ret_n);

/* --- aliases.c, stages.c: within a change, without asking the policy. */
MUST_CHECK err alias_put(change *c, int64_t owner, str name, str alias, int64_t version);
MUST_CHECK err stage_put(change *c, const version_row *v, int64_t version, str stage);

/* --- approvals.c: ERR_DENIED where the model's policy asks for more. what: "alias" or "stage". */
MUST_CHECK err policy_allows(change *c, const version_row *v, int64_t version, const char *what,
                             str to);

/* --- lists.c: what belongs to many rows at once: SELECT owner, a, b … ordered by owner. fn gets
 * each owner's stretch of rows. */
typedef void (*stretch_fn)(void *ctx, size_t at, const db_rows *r, size_t from, size_t to);
MUST_CHECK err lists_load(db_tx *tx, arena *a, const char *head, const int64_t *ids, size_t n,
                          stretch_fn fn, void *ctx);
int64_t *ids_of_rows(arena *a, const db_rows *r); /* the first column. Owner: a */
/* tags_of_rows: columns 1 and 2 of rows from..to-1, sorted by key. Owner: a. */
const key_value *tags_of_rows(arena *a, const db_rows *r, size_t from, size_t to);
MUST_CHECK err tags_put(db_tx *tx, const char *sql, int64_t owner, const key_value *v, size_t n);

#endif
