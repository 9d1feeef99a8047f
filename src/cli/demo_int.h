/* cli/demo: what the demo's steps and its summary share. */
#ifndef TIDEMILL_CLI_DEMO_INT_H
#define TIDEMILL_CLI_DEMO_INT_H

#include <sys/types.h>

#include "cli/cli_int.h"

typedef struct demo {
    cli *c;
    arena *a;
    const char *home, *bundle, *vars, *url;
    pid_t server;
    int64_t begin_us;
    /* values of the tasks, as their runs reported them */
    yyjson_val *train, *validate, *deploy, *calm_batch, *calm, *shifted_batch, *shifted;
} demo;

/* The row that the demo asks the endpoint about, and that its curl line sends. */
extern const char demo_body[];

/* demo_summary prints what the steps found. ERR_INVALID when the monitor saw a calm day as shifted
 * or the other way round. */
MUST_CHECK err demo_summary(const demo *d);
double demo_seconds(const demo *d);

#endif
