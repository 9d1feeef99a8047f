/* monitor/records: the results of monitors in the metadata. Private to monitor. */
#ifndef TIDEMILL_MONITOR_RECORDS_INT_H
#define TIDEMILL_MONITOR_RECORDS_INT_H

#include "monitor/monitor.h"

/* record_put keeps one result; a second one of the same monitor and time changes nothing. */
MUST_CHECK err record_put(db *d, const monitor_spec *o, const monitor_result *r);

#endif
