/* model/package: a model's folder as MLflow writes it: MLmodel (YAML), the model's own file, an
 * input example. Pure: texts in, texts out; who holds the files (blobs, a folder) hands the bytes
 * in. */
#ifndef TIDEMILL_MODEL_PACKAGE_H
#define TIDEMILL_MODEL_PACKAGE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "frame/frame.h"
#include "frame/schema.h"

/* What MLmodel says; strings live in the arena that package_parse was given. */
typedef struct package {
    str flavor;             /* the native flavor to load: "lightgbm" */
    str data_path;          /* of the model file inside the folder: "model.lgb" */
    str flavor_version;     /* "4.7.0" */
    signature sig;          /* sig.inputs.index is made */
    str input_example_path; /* "" when none */
    str model_id, run_id, uuid;
    int64_t created_ms;
} package;

typedef struct package_file {
    str path, bytes;
} package_file;

/* package_parse reads MLmodel. ERR_FORMAT / ERR_INVALID with MLmodel:line:col; no native flavor
 * among them: ERR_INVALID listing those found. Owner: a. */
MUST_CHECK err package_parse(arena *a, str mlmodel, package *ret);

/* package_write makes the files of a LightGBM model's folder that the real `mlflow` loads with its
 * lightgbm flavor: MLmodel, model.lgb, requirements.txt, python_env.yaml, conda.yaml,
 * input_example.json (dataframe_split) and serving_input_example.json when example_rows > 0.
 * example is rows × sig.inputs.n. Same input, same bytes (uuid and time come in p). Owner: a. */
MUST_CHECK err package_write(arena *a, const package *p, str model_bytes, matrix example,
                             package_file **ret, size_t *ret_n);

#endif
