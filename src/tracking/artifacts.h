/* tracking/artifacts: from the paths that clients use to the roots of tracking.h, and removal. As
 * tracking.h says: blocks (not artifact_locate), thread-safe. */
#ifndef TIDEMILL_TRACKING_ARTIFACTS_H
#define TIDEMILL_TRACKING_ARTIFACTS_H

#include "tracking/tracking.h"

/* artifact_locate reads the path of an mlflow-artifacts: address, "<…>/<run id>/artifacts[/<path>]"
 * or "<…>/models/<model id>/artifacts[/<path>]": *ret_root "runs/<run id>" or "models/<model id>",
 * *ret_path the rest, "" for the root itself. What stands in front (the experiment, or its artifact
 * location) is not looked at: ids are unique. Pure. ERR_INVALID: a path that tracking.h refuses;
 * ERR_MISSING: no run's or model's. Owner: a. */
MUST_CHECK err artifact_locate(arena *a, str path, str *ret_root, str *ret_path);
/* Removes a file, or a folder with all below; path "": everything of the root. The blobs stay until
 * gc. ERR_MISSING: no such root or path. */
MUST_CHECK err artifact_delete(db *d, str root, str path);

#endif
