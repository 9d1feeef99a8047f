/* registry/audit: the append-only log of what happened to models, versions, stages, aliases and
 * endpoints, and what it can answer: what was live when, what changed between, is it whole, and
 * put it back.
 *
 * Each entry carries sha256(hash of the one before + its own canonical record), a record being its
 * fields in order, each as "<bytes>:<text>,". The first follows 64 zeros. Number and hash of the
 * last entry are kept apart, so an entry cut off at the end is missed too; who wants proof against
 * somebody who rewrites the whole database keeps a hash elsewhere and asks audit_verify for it. An
 * entry is written in the transaction of the change it tells of. A home that has models from
 * before the log begins with what is there. Times never go back: an entry is not older than the one
 * before. Results: Owner: the arena handed in. */
#ifndef TIDEMILL_REGISTRY_AUDIT_H
#define TIDEMILL_REGISTRY_AUDIT_H

#include "registry/versions.h"

/* What an entry tells of, and what subject, before, after are:
 *   model        subject "name": "" -> "fare" made, "fare" -> "taxi" renamed, "fare" -> "" deleted;
 *                "description"
 *   model_tag    the key
 *   version      "made": after is the source; "deleted": before is the source; "description"
 *   version_tag  the key
 *   stage        "": the stage; the version is in `version`
 *   alias        the alias; before and after are version numbers, "": not set
 *   approval     the person, or an item of the checklist
 *   policy       "": the policy as JSON
 *   rollback     after: the entry whose state is put back; the moves follow
 *   endpoint     its name; before and after are what it serves: "fare/3 90, fare/4 10"
 *                (name/version and per cent) */
typedef struct audit_entry {
    int64_t seq, at_ms;
    str user, reason;
    str kind, model; /* model: its name after the change (deleted: before); "" for endpoints */
    int64_t version; /* 0: none */
    str subject, before, after;
    str hash; /* 64 hex digits */
} audit_entry;

/* For rooms above: appends in the caller's transaction; kind "endpoint", subject, before, after
 * are the caller's (each <= 100,000 bytes), the rest is filled in. */
MUST_CHECK err audit_endpoint(db_tx *tx, arena *a, str endpoint, str before, str after,
                              const change_by *by);

typedef struct audit_query {
    str model; /* "": of all; a former name finds what happened under it */
    int64_t after_seq, since_ms, until_ms; /* since <= at <= until; 0: open */
    size_t max;                            /* at most 50,000 */
} audit_query;
MUST_CHECK err audit_entries(db *d, arena *a, const audit_query *q, audit_entry **ret,
                             size_t *ret_n);

/* audit_verify walks the whole chain. ERR_FORMAT names the first entry that is not what was
 * written. expect "" or the hash that some entry must have (ERR_MISSING "… no entry has it"). */
typedef struct audit_head {
    int64_t n; /* entries */
    str hash;  /* of the last; 64 zeros when there is none */
} audit_head;
MUST_CHECK err audit_verify(db *d, arena *a, str expect, audit_head *ret);

/* What stood at one time: an alias or a stage other than None of a model, or an endpoint. */
typedef struct live_item {
    str kind;           /* "alias", "stage", "endpoint" */
    str model, subject; /* as they were called then; subject: alias, stage, endpoint */
    int64_t version;    /* of aliases and stages */
    str state;          /* of endpoints */
    int64_t since_ms;
    str user;
} live_item;
/* Sorted by kind, model, subject, version. name "": everything, else one model. */
MUST_CHECK err audit_live(db *d, arena *a, str name, int64_t at_ms, live_item **ret, size_t *ret_n);

typedef struct live_change {
    str kind, model, subject, before, after; /* version numbers or states; "": not there */
} live_change; /* model: as it was called later; of a stage, subject is the version */
MUST_CHECK err audit_diff(db *d, arena *a, str name, int64_t from_ms, int64_t to_ms,
                          live_change **ret, size_t *ret_n);

/* audit_rollback puts aliases and stages of a model back to what they were at at_ms, in one
 * transaction, as new entries; at_ms 0: to before the last move of an alias or a stage. A version
 * deleted since: ERR_CONFLICT naming it, nothing is changed. A policy of the model does not stand
 * in the way back to what was approved then. *ret: what was changed. */
MUST_CHECK err audit_rollback(db *d, arena *a, str name, int64_t at_ms, const change_by *by,
                              live_change **ret, size_t *ret_n);

#endif
