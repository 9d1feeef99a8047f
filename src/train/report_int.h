/* train/report: what a training run leaves behind: artifacts of the run, the logged model's
 * package, the baseline. Private to train. */
#ifndef TIDEMILL_TRAIN_REPORT_INT_H
#define TIDEMILL_TRAIN_REPORT_INT_H

#include "model/model.h"
#include "stats/regression.h"
#include "train/rows_int.h"
#include "train/search_int.h"

/* The fitted model and how it did on the held-out rows. */
typedef struct train_fit {
    str text; /* the model's bytes */
    model *model;
    double *predicted; /* of rows->test */
    regression_metrics score;
    double mae_of_mean; /* of the rule "always the training mean" */
} train_fit;

enum { PROBES_MAX = 2000 };

/* report_run puts checks.json, plots/… and evaluation/heldout.json on the run. */
MUST_CHECK err report_run(home *h, arena *a, str run_id, const train_spec *o, const train_rows *t,
                          const train_fit *f);
/* report_model logs the model: package, input example, probes.json; READY at the end. Owner of
 * *ret_id: a. */
MUST_CHECK err report_model(home *h, arena *a, str run_id, str experiment_id, const train_spec *o,
                            const train_rows *t, const train_fit *f, str *ret_id);
/* report_baseline overwrites the baseline table: features and label over the fitting rows,
 * predictions over the held-out ones. */
MUST_CHECK err report_baseline(home *h, duck *d, arena *a, str run_id, const train_spec *o,
                               const train_rows *t, const train_fit *f);
/* report_candidate logs one candidate as a child run. */
MUST_CHECK err report_candidate(home *h, arena *a, str experiment_id, str parent,
                                const train_spec *o, size_t number, const candidate *c);

#endif
