/* registry/semver: semantic versions of models, proposed from what a caller would notice.
 *
 *   MAJOR  a request that worked may not any more: an input is new and required, is gone, or has
 *          another type; an optional one became required; an output is gone or has another type
 *   MINOR  outputs are new, inputs are new and optional or no longer required, or the validation
 *          metric is better
 *   PATCH  everything else
 * The first version is 1.0.0. Kept as the version's tag tidemill.semver; models:/name@1.2 is the
 * newest 1.2.x. Pure but for semver_propose. */
#ifndef TIDEMILL_REGISTRY_SEMVER_H
#define TIDEMILL_REGISTRY_SEMVER_H

#include "registry/registry.h"

#define SEMVER_TAG "tidemill.semver"

typedef struct semver {
    int64_t major, minor, patch; /* -1 in a pattern: any */
} semver;

/* semver_parse: "1", "1.2", "1.2.3", each below 10^9, no leading zeros; fewer parts than three
 * leave the rest -1. ERR_INVALID. */
MUST_CHECK err semver_parse(str text, semver *ret);
str semver_print(arena *a, semver v);
int semver_cmp(semver x, semver y);
bool semver_fits(semver v, semver pattern);

typedef enum semver_bump { SEMVER_PATCH, SEMVER_MINOR, SEMVER_MAJOR } semver_bump;
/* semver_diff: what going from old to new is, and why, in words: "input 'x' (double) is gone".
 * Owner of *ret_why: a; "" for PATCH. */
semver_bump semver_diff(arena *a, const signature *from, const signature *to, str *ret_why);
semver semver_bumped(semver v, semver_bump b);

typedef struct semver_proposal {
    semver version, previous; /* previous 0.0.0: this is the first */
    semver_bump bump;
    str why;
} semver_proposal;
/* semver_find: the version with the highest semantic version that fits. ERR_MISSING. */
MUST_CHECK err semver_find(db *d, arena *a, str name, semver pattern, model_version *ret);

/* semver_propose: for a new version of name made of model_id, against the version with
 * the highest one. A metric counts when both have tag validation.mae (smaller is better) in tags or
 * on the version. A package that cannot be read counts as one without signature. */
MUST_CHECK err semver_propose(db *d, blobs *b, arena *a, str name, const version_spec *o,
                              semver_proposal *ret);

#endif
