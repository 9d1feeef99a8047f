/* evaluate: measures models against each other and against gates. The task "validate". */
#ifndef TIDEMILL_EVALUATE_EVALUATE_H
#define TIDEMILL_EVALUATE_EVALUATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/progress.h"
#include "base/str.h"
#include "home/home.h"

typedef struct gate_spec {
    str name;
    str metric;          /* "mae", "rmse", "r2" on the held-out rows */
    bool beats_champion; /* must be better than the champion's; decides promotion, does not fail the
                            job */
    bool has_max, has_min;
    double max, min; /* a declared bound: breaking it is ERR_GATE (exit 3) */
} gate_spec;

typedef struct validate_spec {
    str registered_model, run_id, model_id; /* what train made */
    str feature_table;
    int64_t feature_version;
    int holdout_every;
    str label;
    const gate_spec *gates;
    size_t n_gates;
    int load_tries;       /* cold-start retry: 5 */
    int64_t load_wait_ms; /* first wait, doubles: 50 */
    int64_t at_ms;
    str once; /* exactly-once key of the version: "<job run>/validate" */
} validate_spec;

typedef struct validate_result {
    int64_t version, champion_version; /* champion 0: none */
    double mae, champion_mae;          /* the same held-out rows; champion NaN when none */
    bool passed, first;                /* passed: may be deployed */
    str reason;     /* readable: "mae 1.41 beats champion version 3 (1.45)", "first model: passes by
                       being first", "not better than …" */
    int64_t probes; /* rows that answered bit for bit as at training */
    int load_tries;
} validate_result;

/* validate_run registers the version (exactly once per o->once), loads it back with bounded retry,
 * checks the probes bit for bit (a mismatch: ERR_INTERNAL naming the row; no probes: ERR_INVALID),
 * scores it and the champion on the same held-out rows, evaluates gates, sets alias challenger,
 * writes tags validation.* on the version and an artifact validation.json on the run. Owner: a. */
MUST_CHECK err validate_run(home *h, arena *a, const validate_spec *o, const progress *p,
                            validate_result *ret);

#endif
