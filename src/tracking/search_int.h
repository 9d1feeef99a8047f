/* tracking/search_int: what the searches of this room share. */
#ifndef TIDEMILL_TRACKING_SEARCH_INT_H
#define TIDEMILL_TRACKING_SEARCH_INT_H

#include "filter/filter.h"
#include "filter/sql.h"
#include "tracking/experiments.h"

extern const filter_rules rules_run, rules_experiment, rules_logged_model;

/* A page of rows: limit and offset, one row more than asked for, which says that there are more. */
typedef struct page {
    size_t max, offset;
} page;
/* max 1..TRACKING_LIST_MAX, else ERR_INVALID in MLflow's words. */
MUST_CHECK err search_page_read(size_t max, str token, page *ret);
void search_page_put(sql_text *s, const page *p); /* " LIMIT … OFFSET …" */
/* Cuts the row too many off; the token of the next page, "" after the last. */
str search_page_cut(arena *a, const page *p, db_rows *r);

/* " AND <column> IN (…)" for a view, nothing for all stages. */
void search_view_put(sql_text *s, const char *column, tracking_view view);

#endif
