/* tracking/experiments: making, changing and finding experiments. As tracking.h says: blocks,
 * thread-safe, results live in the arena handed in.
 *
 * ERR_MISSING "No Experiment with id=… exists", ERR_CONFLICT: the name is taken (MLflow's
 * RESOURCE_ALREADY_EXISTS), ERR_INVALID else; MLflow's words throughout. */
#ifndef TIDEMILL_TRACKING_EXPERIMENTS_H
#define TIDEMILL_TRACKING_EXPERIMENTS_H

#include "tracking/tracking.h"

/* Which lifecycle stages a search sees. */
typedef enum tracking_view { VIEW_ACTIVE, VIEW_DELETED, VIEW_ALL } tracking_view;
/* "ACTIVE_ONLY", "DELETED_ONLY", "ALL", or "" (active). ERR_INVALID. */
MUST_CHECK err tracking_view_parse(str name, tracking_view *ret);

typedef struct experiment_spec {
    str name; /* 1..500 characters, not blank */
    /* "": derived (mlflow-artifacts:/<id>). Else a store that clients reach by themselves
     * (s3:, gs:, abfss:, wasbs:, hdfs:, dbfs:, https:) or a place below mlflow-artifacts:. Refused:
     * file:, absolute and relative paths that leave, "..", also encoded, backslashes, ? and #. A
     * plain relative path stands for mlflow-artifacts:/<path>. */
    str artifact_location;
    const key_value *tags; /* value <= 20,000 characters */
    size_t n_tags;
} experiment_spec;
MUST_CHECK err tracking_experiment_create(db *d, arena *a, const experiment_spec *o, str *ret_id);
/* ERR_INVALID "Cannot rename a non-active experiment." */
MUST_CHECK err tracking_experiment_rename(db *d, str id, str name);
/* Deleting takes the runs along, restoring brings them all back. Deleting twice, or restoring what
 * is active: ERR_MISSING, as in MLflow. */
MUST_CHECK err tracking_experiment_delete(db *d, str id);
MUST_CHECK err tracking_experiment_restore(db *d, str id);
MUST_CHECK err tracking_experiment_set_tag(db *d, str id, str key, str value);
/* ERR_MISSING: no such tag. */
MUST_CHECK err tracking_experiment_delete_tag(db *d, str id, str key);

typedef struct experiment_search {
    str filter;          /* attributes name, experiment_id, creation_time, last_update_time; tags */
    const str *order_by; /* of the attributes; none: creation_time DESC, experiment_id ASC */
    size_t n_order_by;
    tracking_view view;
    size_t max;     /* 1..50,000 */
    str page_token; /* "": from the start */
} experiment_search;
/* *ret_token is "" after the last page. */
MUST_CHECK err tracking_experiments_search(db *d, arena *a, const experiment_search *q,
                                           experiment **ret, size_t *ret_n, str *ret_token);

#endif
