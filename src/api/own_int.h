/* api/own: our own forms, for the handlers that answer in them. Private to api. */
#ifndef TIDEMILL_API_OWN_INT_H
#define TIDEMILL_API_OWN_INT_H

#include "api/api_int.h"
#include "jobs/jobs.h"
#include "monitor/monitor.h"

/* Each writes one value. */
void json_monitor(jw *w, const monitor_record *m);

#endif
