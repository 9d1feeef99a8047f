/* From a folder to a snapshot: which files the log has, from which checkpoint to start, and the
 * replay. */
#include <assert.h>

#include "base/file.h"
#include "table/delta_int.h"

enum { DIGITS = 20, PART_DIGITS = 10, CHECKPOINT_PARTS_MAX = 10000 };

/* digits: s begins with n of them. */
static bool digits(str s, size_t n, int64_t *ret)
{
    if (s.n < n) return false;
    for (size_t i = 0; i < n; i++)
        if (s.p[i] < '0' || s.p[i] > '9') return false;
    return !parse_i64((str){s.p, n}, ret);
}

static str after(str s, size_t n)
{
    return (str){s.p + n, s.n - n};
}

/* "<20 digits>.checkpoint.parquet" or "<20>.checkpoint.<10>.<10>.parquet"; others (version 2) are
 * not for us. */
static bool checkpoint_name(str name, delta_checkpoint *ret)
{
    delta_checkpoint c = {.name = name};
    if (!digits(name, DIGITS, &c.version)) return false;
    str rest = after(name, DIGITS);
    if (str_is(rest, ".checkpoint.parquet")) {
        *ret = c;
        return true;
    }
    if (!str_starts(rest, ".checkpoint.")) return false;
    rest = after(rest, strlen(".checkpoint."));
    if (!digits(rest, PART_DIGITS, &c.part) || rest.n <= PART_DIGITS || rest.p[PART_DIGITS] != '.')
        return false;
    rest = after(rest, PART_DIGITS + 1);
    if (!digits(rest, PART_DIGITS, &c.parts) || !str_is(after(rest, PART_DIGITS), ".parquet"))
        return false;
    *ret = c;
    return c.parts >= 1 && c.parts <= CHECKPOINT_PARTS_MAX && c.part >= 1 && c.part <= c.parts;
}

static bool only_digits(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9') return false;
    return s.n > 0;
}

static err classify(const char *dir, str name, int64_t *commits, size_t *n_commits,
                    delta_checkpoint *checkpoints, size_t *n_checkpoints)
{
    if (str_ends(name, ".json") && only_digits((str){name.p, name.n - 5})) {
        int64_t v;
        if (name.n != DIGITS + 5 || !digits(name, DIGITS, &v))
            return err_set(ERR_FORMAT, "%s/%.*s: not the name of a commit, want 20 digits", dir,
                           STR_ARG(name));
        commits[(*n_commits)++] = v;
    } else if (checkpoint_name(name, &checkpoints[*n_checkpoints])) {
        (*n_checkpoints)++;
    }
    return ERR_OK;
}

err delta_list(arena *a, const char *dir, delta_names *ret)
{
    str *names;
    size_t n;
    const char *log = path_join(a, dir, "_delta_log");
    err e = dir_list(a, log, DELTA_LOG_NAMES_MAX, &names, &n);
    if (e == ERR_MISSING)
        return err_set(ERR_MISSING, "%s: no Delta table here (no _delta_log)", dir);
    TRY(e);
    int64_t *commits = arena_array(a, int64_t, n);
    delta_checkpoint *checkpoints = arena_array(a, delta_checkpoint, n + 1);
    *ret = (delta_names){.dir = log, .commits = commits, .checkpoints = checkpoints};
    for (size_t i = 0; i < n; i++) /* sorted by name, so by version */
        TRY(classify(log, names[i], commits, &ret->n_commits, checkpoints, &ret->n_checkpoints));
    if (!ret->n_commits && !ret->n_checkpoints)
        return err_set(ERR_MISSING, "%s: no Delta table here (_delta_log has no commit)", dir);
    return ERR_OK;
}

const char *delta_commit_path(arena *a, const char *dir, int64_t version)
{
    return cstr_fmt(a, "%s/_delta_log/%020lld.json", dir, (long long)version);
}

static int64_t latest(const delta_names *l)
{
    int64_t commit = l->n_commits ? l->commits[l->n_commits - 1] : -1;
    int64_t checkpoint = l->n_checkpoints ? l->checkpoints[l->n_checkpoints - 1].version : -1;
    return commit > checkpoint ? commit : checkpoint;
}

/* whole: the parts of the checkpoint that *c belongs to, when all of them are there. */
static size_t whole(arena *a, const delta_names *l, const delta_checkpoint *c,
                    delta_checkpoint **ret)
{
    size_t want = c->parts ? (size_t)c->parts : 1, n = 0;
    delta_checkpoint *v = arena_array(a, delta_checkpoint, want);
    const delta_checkpoint *end = l->checkpoints + l->n_checkpoints, *p = c;
    while (p > l->checkpoints && p[-1].version == c->version)
        p--;
    for (; p < end && p->version == c->version && n < want; p++)
        if (p->parts == c->parts) v[n++] = *p;
    *ret = v;
    return n == want ? n : 0;
}

/* newest_checkpoint: the newest whole one up to version; *ret_n 0 when there is none. */
static void newest_checkpoint(arena *a, const delta_names *l, int64_t version,
                              delta_checkpoint **ret, size_t *ret_n)
{
    *ret_n = 0;
    for (size_t i = l->n_checkpoints; i > 0 && !*ret_n; i--) {
        const delta_checkpoint *c = &l->checkpoints[i - 1];
        bool first_seen =
            i == l->n_checkpoints || c[1].version != c->version || c[1].parts != c->parts;
        if (c->version <= version && first_seen) *ret_n = whole(a, l, c, ret);
    }
}

static err gap(const delta_names *l, int64_t want, bool has_checkpoint)
{
    return err_set(ERR_FORMAT, "%s: commit %lld is missing%s", l->dir, (long long)want,
                   has_checkpoint ? "" : " and there is no checkpoint to start from");
}

/* replay_commits replays first..last, all of which must be there. */
static err replay_commits(delta_log *log, const delta_names *l, const char *dir, int64_t first,
                          int64_t last, bool has_checkpoint)
{
    size_t i = 0;
    while (i < l->n_commits && l->commits[i] < first)
        i++;
    for (int64_t v = first; v <= last; v++, i++) {
        if (i == l->n_commits || l->commits[i] != v) return gap(l, v, has_checkpoint);
        AUTO(arena) scratch = arena_new(0);
        str bytes;
        const char *path = delta_commit_path(scratch, dir, v);
        TRY(file_read(scratch, path, DELTA_COMMIT_MAX, &bytes));
        TRY(delta_log_commit(log, path, bytes));
    }
    return ERR_OK;
}

static err replay_all(delta_log *log, duck *d, const delta_names *l, const char *dir,
                      int64_t version)
{
    AUTO(arena) scratch = arena_new(0);
    delta_checkpoint *parts = NULL;
    size_t n_parts;
    newest_checkpoint(scratch, l, version, &parts, &n_parts);
    bool needed = !l->n_commits || l->commits[0] > 0;
    if (!n_parts || (!d && !needed)) return replay_commits(log, l, dir, 0, version, false);
    if (!d)
        return err_set(ERR_INVALID,
                       "%s: version %lld needs its checkpoint, which only a table worker reads",
                       dir, (long long)version);
    TRY(delta_checkpoint_read(log, d, l->dir, parts, n_parts));
    return replay_commits(log, l, dir, parts[0].version + 1, version, true);
}

err delta_load(arena *a, duck *d, const char *dir, int64_t version, delta_log *log,
               delta_snapshot **ret)
{
    AUTO(arena) scratch = arena_new(0);
    delta_names l;
    TRY(delta_list(scratch, dir, &l));
    int64_t last = latest(&l);
    if (version < -1 || version > last)
        return err_set(ERR_MISSING, "%s: no version %lld, the latest is %lld", dir,
                       (long long)version, (long long)last);
    if (version == -1) version = last;
    delta_log_init(log, a);
    TRY(replay_all(log, d, &l, dir, version));
    return delta_log_end(log, dir, version, ret);
}

err delta_read(arena *a, duck *d, const char *dir, int64_t version, delta_snapshot **ret)
{
    assert(a && dir && ret);
    delta_log log;
    return delta_load(a, d, dir, version, &log, ret);
}
