/* api/mlflow: MLflow's forms, for the handlers that answer in them. Private to api. */
#ifndef TIDEMILL_API_MLFLOW_INT_H
#define TIDEMILL_API_MLFLOW_INT_H

#include "base/json.h"
#include "registry/registry.h"
#include "tracking/tracking.h"

/* Each writes one value. latest: the newest version, or NULL. */
void json_experiment(jw *w, const experiment *e);
void json_run(jw *w, const run *r);
void json_metric(jw *w, const metric *m);
void json_model(jw *w, const registered_model *m, const model_version *latest);
void json_version(jw *w, const model_version *v);
void json_key_values(jw *w, const char *key, const key_value *v, size_t n);

#endif
