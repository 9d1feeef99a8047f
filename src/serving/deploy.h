/* serving/deploy: the task "deploy", run in a child: everything through the server's own HTTP, as
 * any client would. */
#ifndef TIDEMILL_SERVING_DEPLOY_H
#define TIDEMILL_SERVING_DEPLOY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/progress.h"
#include "base/str.h"
#include "home/home.h"

typedef struct deploy_spec {
    str endpoint, registered_model, workload_size;
    bool scale_to_zero;
    int64_t version;  /* the challenger that validate registered */
    bool passed;      /* validate's verdict */
    str reason;       /* validate's words */
    int64_t ready_ms; /* > 0; how long to wait for READY, and for each answer: 30,000 */
    int64_t at_ms;
} deploy_spec;

typedef struct deploy_result {
    bool promoted;
    int64_t version, previous_version; /* previous 0: none */
    str endpoint_url, reason, curl;    /* reason: "promoted version 2: …", "not promoted: …";
                                          curl: a line that works */
    double test_prediction;
} deploy_result;

/* deploy_run: not passed: promoted = false with the reason, ERR_OK. Else create or update the
 * endpoint with the explicit version, wait until it is READY, verify a prediction of the input
 * example through HTTP against the model's own answer (to the bit), and last move alias champion by
 * compare-and-set (ERR_CONFLICT: somebody else moved it meanwhile). On any failure the endpoint is
 * put back with the whole configuration that it had, or removed when it was not there; the message
 * says so (and what, if anything, could not be put back), and the alias was not moved. ERR_MISSING
 * when no server runs (names the command). Repeated after a kill it ends in the same state: what
 * the endpoint was before is kept in a tag of the version. Owner: a. */
MUST_CHECK err deploy_run(home *h, arena *a, const deploy_spec *o, const progress *p,
                          deploy_result *ret);

#endif
