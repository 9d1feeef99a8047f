/* tracking/tracking_int: what the files of this room share. Everything here runs inside a
 * transaction unless said otherwise. */
#ifndef TIDEMILL_TRACKING_TRACKING_INT_H
#define TIDEMILL_TRACKING_TRACKING_INT_H

#include "tracking/tracking.h"

enum {
    TRACKING_KEY_MAX = 250,
    TRACKING_PARAM_VALUE_MAX = 6000,
    TRACKING_TAG_VALUE_MAX = 8000,
    TRACKING_METRICS_MAX = 1000,     /* a batch */
    TRACKING_PARAMS_MAX = 100,       /* a batch */
    TRACKING_TAGS_MAX = 100,         /* a batch */
    TRACKING_ENTITIES_MAX = 1000,    /* a batch, all together */
    TRACKING_LIST_MAX = 50000,       /* runs or experiments in one answer */
    TRACKING_NAME_MAX = 500,         /* experiment, run and logged model names */
    TRACKING_HISTORY_MAX = 20000000, /* points in one answer */
    TRACKING_EXPERIMENT_TAG_MAX = 20000,
    DATASET_DIGEST_MAX = 36,
    ARTIFACT_PATH_MAX = 1024,
    ARTIFACT_BATCH_MAX = 10000,
};

/* --- check.c: MLflow's rules for names and sizes, in its words. Lengths are in characters. path is
 * the field's: "params[3].key"; list its front ("params"), NULL where there is just one. As in
 * MLflow too long values of params and tags are cut to their limit, not refused. */
MUST_CHECK err check_key(const char *path, str key);
MUST_CHECK err check_length(const char *name, str value, size_t max);
MUST_CHECK err check_plain(const char *name, str value); /* UTF-8, no NUL */
MUST_CHECK err check_tags(const char *list, const key_value *v, size_t n,
                          size_t value_max); /* 0: any length */
MUST_CHECK err check_params(const char *list, const key_value *v, size_t n);
MUST_CHECK err check_batch(const run_batch *b, bool single);
str check_cut(str value, size_t max); /* at most max characters of it */
key_value *check_cut_pairs(arena *a, const key_value *v, size_t n, size_t value_max);
MUST_CHECK err check_run_status(const char *status);

/* --- rows.c: statements over many rows in few round trips. */
/* rows_insert runs "head (?,…),(?,…) tail" over n_rows × n_cols values, split at DB_ARGS_MAX.
 * *ret_changed may be NULL. */
MUST_CHECK err rows_insert(db_tx *tx, const char *head, size_t n_cols, const db_val *v,
                           size_t n_rows, const char *tail, int64_t *ret_changed);
/* rows_in runs "head ?,?,… tail" with first (n_first values) before the list, split at DB_ARGS_MAX,
 * and hands each result to fn. */
typedef err (*rows_fn)(void *ctx, const db_rows *r);
typedef struct rows_in_list {
    const char *head, *tail;
    const db_val *first;
    size_t n_first;
    const db_val *list;
    size_t n_list;
} rows_in_list;
MUST_CHECK err rows_in(db_tx *tx, arena *a, const rows_in_list *q, rows_fn fn, void *ctx);

typedef struct kv_list {
    key_value *v;
    size_t n;
} kv_list;
/* kv_load: the pairs of n owners (row ids), each list sorted by key. head is "SELECT owner, key,
 * value FROM … WHERE owner IN (". */
MUST_CHECK err kv_load(db_tx *tx, arena *a, const char *head, const int64_t *ids, size_t n,
                       kv_list *ret);
/* kv_put writes pairs of one owner, the last of equal keys wins. head is "INSERT INTO …(owner, key,
 * value) VALUES". */
MUST_CHECK err kv_put(db_tx *tx, arena *a, const char *head, const char *tail, int64_t owner,
                      const key_value *v, size_t n);

/* --- experiments.c, runs.c */
int64_t experiment_row(str id); /* -1: not an experiment id */
MUST_CHECK err experiment_need_active(db_tx *tx, arena *a, str id);
MUST_CHECK err run_need(db_tx *tx, arena *a, str run_id, int64_t *ret_row); /* any lifecycle */
MUST_CHECK err run_missing(str run_id);                                     /* sets the message */
/* run_not_active explains why a statement over an active run found none. */
MUST_CHECK err run_not_active(db_tx *tx, arena *a, str run_id);
MUST_CHECK err run_need_active(db_tx *tx, arena *a, str run_id, int64_t *ret_row,
                               int64_t *ret_experiment);
MUST_CHECK err run_tags_put(db_tx *tx, arena *a, int64_t row, const key_value *v, size_t n);

/* --- metrics.c: log_seq is the number of this batch within its run, from 1. */
MUST_CHECK err metrics_put(db_tx *tx, arena *a, int64_t run_row, int64_t log_seq, const metric *v,
                           size_t n);

/* The next value of run.rev; whatever changes a run sets it (see cache.h). */
#define RUN_REV "(SELECT coalesce(max(v.rev), 0) + 1 FROM run v)"

/* --- runs_read.c */
#define RUN_COLS                                                                                   \
    "r.id, r.uuid, r.experiment, r.name, r.status, r.lifecycle_stage, r.user_id, r.artifact_uri,"  \
    " r.start_ms, r.end_ms"
/* runs_of makes runs with all that belongs to them out of rows of RUN_COLS. */
MUST_CHECK err runs_of(db_tx *tx, arena *a, const db_rows *r, run **ret);
/* runs_of_ids: those of ids that are there, in the order of ids. */
MUST_CHECK err runs_of_ids(db_tx *tx, arena *a, const int64_t *ids, size_t n, run **ret,
                           size_t *ret_n);

/* --- inputs.c: fills the datasets and models of n runs (row ids). */
MUST_CHECK err run_links_load(db_tx *tx, arena *a, const int64_t *ids, run *runs, size_t n);

/* --- model_metrics.c: what metrics say about logged models, all of one run. */
MUST_CHECK err logged_metrics_put(db_tx *tx, arena *a, str run_id, const metric *v,
                                  const metric_subject *of, size_t n);
MUST_CHECK err logged_metrics_load(db_tx *tx, arena *a, const int64_t *ids, logged_model *models,
                                   size_t n);

/* --- models.c */
#define MODEL_COLS                                                                                 \
    "l.id, l.uuid, l.experiment, l.name, l.artifact_uri, l.source_run, l.model_type, l.status,"    \
    " l.created_ms, l.updated_ms, l.status_message"
MUST_CHECK err logged_models_of(db_tx *tx, arena *a, const db_rows *r, logged_model **ret);
MUST_CHECK err logged_need(db_tx *tx, arena *a, str id, int64_t *ret_row); /* any lifecycle */
MUST_CHECK err logged_missing(str id);

/* --- experiments.c */
#define EXPERIMENT_COLS                                                                            \
    "e.id, e.name, e.artifact_location, e.lifecycle_stage, e.created_ms, e.updated_ms"
MUST_CHECK err experiments_of(db_tx *tx, arena *a, const db_rows *r, experiment **ret);
MUST_CHECK err experiment_missing(str id); /* ERR_INVALID where id is no number */
MUST_CHECK err check_experiment_name(str name);
/* The rows of ids, -1 where none has that number; an id that is no number is ERR_INVALID. Owner: a.
 */
MUST_CHECK err experiment_rows(arena *a, const str *ids, size_t n, int64_t **ret);

/* --- artifacts.c */
MUST_CHECK err artifact_check_path(str path);
void artifact_split(str path, str *dir, str *name);
MUST_CHECK err artifact_owner(db_tx *tx, arena *a, str root, int64_t *ret_kind, int64_t *ret_row);

/* --- names.c */
str run_name_make(arena *a);

#endif
