/* registry/approvals: what must be true before an alias or a stage of a model moves: enough people
 * other than the version's maker said yes, and the checklist is done.
 *
 * A model without a policy moves freely. Approvals and ticks are of one version; they are entries
 * of the log and rows. Rollback to what was live before needs none. */
#ifndef TIDEMILL_REGISTRY_APPROVALS_H
#define TIDEMILL_REGISTRY_APPROVALS_H

#include "registry/versions.h"

typedef enum check_item {
    CHECK_PERFORMANCE_VALIDATED,
    CHECK_INPUT_SCHEMA_DOCUMENTED,
    CHECK_OUTPUT_FORMAT_DEFINED,
    CHECK_ERROR_HANDLING_TESTED,
    CHECK_MONITORING_CONFIGURED,
    CHECK_ROLLBACK_PLAN_READY,
    CHECK_STAKEHOLDERS_NOTIFIED,
    CHECK_DEPENDENCIES_DOCUMENTED,
    CHECK_N
} check_item;
const char *check_item_name(check_item i);                  /* "performance_validated" */
MUST_CHECK err check_item_parse(str name, check_item *ret); /* ERR_INVALID with a did-you-mean */

typedef struct approval_policy {
    int64_t approvals;           /* 0..16 */
    unsigned items;              /* 1 << check_item */
    const str *aliases, *stages; /* what the policy guards: "champion"; "Production" */
    size_t n_aliases, n_stages;  /* <= 16 each */
} approval_policy;
/* Sets, or with neither approvals nor items removes. Without aliases and stages it guards champion
 * and Production. ERR_INVALID: an alias or stage that cannot be, too many. */
MUST_CHECK err approval_policy_set(db *d, str name, const approval_policy *p, const change_by *by);
MUST_CHECK err approval_policy_get(db *d, arena *a, str name, approval_policy *ret);

/* approval_give: by->user says yes to the version; twice is fine. ERR_DENIED: it is their own (who
 * made the version), or nobody is named. */
MUST_CHECK err approval_give(db *d, version_ref of, const change_by *by);
MUST_CHECK err approval_withdraw(db *d, version_ref of, const change_by *by);
/* by->user says that an item is done, by->reason how they know; user "": the program found it, and
 * the reason is the evidence. Whoever was first stays. */
MUST_CHECK err approval_tick(db *d, version_ref of, check_item i, const change_by *by);
/* approval_collect ticks what can be known: performance (tag validation.passed = true), input
 * schema and output format (the signature), dependencies (requirements.txt or conda.yaml), rollback
 * plan (an earlier version was live before). Rooms that know more tick the rest themselves. */
MUST_CHECK err approval_collect(db *d, blobs *b, version_ref of, int64_t now_ms);

typedef struct approval_state {
    int64_t needed, given;
    bool enough; /* approvals and items */
    const str *people;
    size_t n_people;
    struct {
        bool needed, done;
        str by, evidence; /* by "": found by the program */
    } items[CHECK_N];
} approval_state;
MUST_CHECK err approval_state_get(db *d, arena *a, version_ref of, approval_state *ret);

#endif
