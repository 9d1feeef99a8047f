/* Writing: check against the table, COPY into a staging folder, move the files into place, commit;
 * again from the check when somebody else committed first.
 *
 *   staging   <table>/_staging/<id>/…   where COPY writes; readers and VACUUM ignore names that
 * begin with _ placed    <table>/[k=v/…]part-…     synced, named by nobody yet committed the commit
 * file is there under its number
 *
 * Whatever fails before the commit: staging and placed files are removed. A commit whose answer is
 * lost is looked up. */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "table/delta_write_int.h"

enum { TRIES_MAX = 20, SQL_MAX = 64 << 20 };

static bool has_field(const delta_field *f, size_t n, str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(f[i].name, name)) return true;
    return false;
}

static map *by_name(arena *a, delta_field *f, size_t n)
{
    map *m = map_new(a);
    for (size_t i = 0; i < n; i++)
        map_put(m, f[i].name, &f[i]);
    return m;
}

/* match: the query's columns against the table's. Order does not matter, types may widen. */
static err match(arena *a, delta_field *have, size_t n_have, delta_field *want, size_t n_want,
                 const char *dir)
{
    const map *ours = by_name(a, have, n_have), *theirs = by_name(a, want, n_want);
    for (size_t i = 0; i < n_want; i++) {
        const delta_field *f = map_find(ours, want[i].name);
        if (!f)
            return err_set(ERR_INVALID,
                           "%s: column \"%.*s\" (%.*s) of the table is missing in the rows", dir,
                           STR_ARG(want[i].name), STR_ARG(want[i].type));
        if (!delta_widens(f->type, want[i].type))
            return err_set(ERR_INVALID,
                           "%s: column \"%.*s\" is %.*s in the table, the rows have %.*s", dir,
                           STR_ARG(want[i].name), STR_ARG(want[i].type), STR_ARG(f->type));
    }
    for (size_t i = 0; i < n_have; i++)
        if (!map_find(theirs, have[i].name))
            return err_set(ERR_INVALID, "%s: column \"%.*s\" is not in the table", dir,
                           STR_ARG(have[i].name));
    return ERR_OK;
}

static err match_partition(const delta_writing *w)
{
    const delta_write_spec *s = w->spec;
    bool same = s->n_partition_by == w->table->n_partition_by;
    for (size_t i = 0; same && i < s->n_partition_by; i++)
        same = str_eq(s->partition_by[i], w->table->partition_by[i]);
    return same ? ERR_OK
                : err_set(ERR_INVALID,
                          "%s: the table is partitioned otherwise; want its own partition columns",
                          s->dir);
}

/* query_fields: the columns of the rows, as Delta types. */
static err query_fields(delta_writing *w, delta_field **ret, size_t *ret_n)
{
    duck_column *cols;
    size_t n;
    TRY(duck_describe(w->d, w->a, w->spec->dir, w->spec->query, &cols, &n));
    if (n > DELTA_FIELDS_MAX)
        return err_set(ERR_LIMIT, "%s: %zu columns, at most %d", w->spec->dir, n, DELTA_FIELDS_MAX);
    delta_field *v = arena_array(w->a, delta_field, n);
    for (size_t i = 0; i < n; i++)
        TRY(err_add(delta_field_of(w->a, &cols[i], &v[i]), "%s", w->spec->dir));
    *ret = v;
    *ret_n = n;
    return ERR_OK;
}

static err check_partition_by(const delta_writing *w)
{
    const delta_write_spec *s = w->spec;
    for (size_t i = 0; i < s->n_partition_by; i++)
        if (!has_field(w->fields, w->n_fields, s->partition_by[i]))
            return err_set(ERR_INVALID, "%s: partition column \"%.*s\" is not in the rows", s->dir,
                           STR_ARG(s->partition_by[i]));
    if (s->n_partition_by && s->n_partition_by >= w->n_fields)
        return err_set(ERR_INVALID, "%s: want a column beside the partition columns", s->dir);
    return ERR_OK;
}

/* plan decides on the columns to write. */
static err plan(delta_writing *w)
{
    delta_field *fields;
    size_t n;
    TRY(query_fields(w, &fields, &n));
    w->fields = fields;
    w->n_fields = n;
    w->schema_json = delta_schema_write(w->a, fields, n);
    w->new_metadata = true;
    if (w->table) {
        delta_field *want;
        size_t n_want;
        bool replaces = w->spec->mode == DELTA_OVERWRITE;
        TRY(delta_schema_parse(w->a, w->table->schema_json, w->spec->dir, &want, &n_want));
        TRY(err_add(delta_can_write(&w->log, want, n_want, replaces && w->table->n_files), "%s",
                    w->spec->dir));
        TRY(match_partition(w));
        if (!replaces || !w->spec->new_schema) {
            TRY(match(w->a, fields, n, want, n_want, w->spec->dir));
            w->fields = want;
            w->n_fields = n_want;
            w->schema_json = w->table->schema_json;
            w->new_metadata = false;
        } else {
            w->new_metadata = !str_eq(w->schema_json, w->table->schema_json);
        }
    }
    return check_partition_by(w);
}

static bool is_partition_column(const delta_write_spec *s, str name)
{
    for (size_t i = 0; i < s->n_partition_by; i++)
        if (str_eq(s->partition_by[i], name)) return true;
    return false;
}

/* one_folder: where the rows go when all belong to one partition, else the staging folder. */
static err one_folder(const delta_writing *w, const char **ret)
{
    const delta_write_spec *s = w->spec;
    const char *dir = w->staging;
    for (size_t i = 0; s->partition && i < s->n_partition_by; i++) {
        str v = s->partition[i];
        for (size_t k = 0; k < v.n; k++)
            if (!isalnum((unsigned char)v.p[k]) && v.p[k] != '.' && v.p[k] != '_' && v.p[k] != '-')
                return err_set(ERR_INVALID,
                               "%s: partition value \"%.*s\": want letters, digits, ._-", s->dir,
                               STR_ARG(v));
        dir = cstr_fmt(w->a, "%s/%.*s=%.*s", dir, STR_ARG(s->partition_by[i]), STR_ARG(v));
    }
    *ret = dir;
    return dir_make(dir);
}

static void put_columns(const delta_writing *w, buf *b)
{
    bool first = true;
    for (size_t i = 0; i < w->n_fields; i++) {
        if (w->spec->partition && is_partition_column(w->spec, w->fields[i].name)) continue;
        const char *name = duck_ident(w->a, w->fields[i].name).p;
        buf_fmt(b, "%sCAST(%s AS %.*s) AS %s", first ? "" : ", ", name, STR_ARG(w->fields[i].sql),
                name);
        first = false;
    }
}

static err copy_sql(const delta_writing *w, const char *folder, buf *b)
{
    const delta_write_spec *s = w->spec;
    bool sort = s->n_partition_by && !s->partition;
    buf_puts(b, STR("COPY (SELECT "));
    put_columns(w, b);
    const char *to =
        sort ? folder : cstr_fmt(w->a, "%s/part-00000-%.*s.zstd.parquet", folder, STR_ARG(w->id));
    buf_fmt(b, " FROM (%.*s\n)) TO %s (FORMAT parquet, COMPRESSION zstd, RETURN_STATS",
            STR_ARG(duck_statement(s->query)), duck_literal(w->a, str_of(to)).p);
    if (sort) {
        buf_puts(b, STR(", FILENAME_PATTERN 'part-{uuid}', OVERWRITE_OR_IGNORE, PARTITION_BY ("));
        for (size_t i = 0; i < s->n_partition_by; i++)
            buf_fmt(b, "%s%s", i ? ", " : "", duck_ident(w->a, s->partition_by[i]).p);
        buf_putc(b, ')');
    }
    buf_putc(b, ')');
    buf_putc(b, 0);
    return buf_err(b, "the SQL of a Delta write");
}

static err copy(delta_writing *w)
{
    const delta_write_spec *s = w->spec;
    const char *folder = NULL;
    TRY(one_folder(w, &folder));
    buf b;
    buf_init(&b, SQL_MAX);
    err e = copy_sql(w, folder, &b);
    if (!e)
        e = duck_copy(w->d, w->a, s->dir, b.p, s->partition_by,
                      s->partition ? 0 : s->n_partition_by, &w->copied, &w->n_copied);
    buf_done(&b);
    for (size_t i = 0; !e && s->partition && i < w->n_copied; i++) {
        w->copied[i].partition = s->partition;
        w->copied[i].n_partition = s->n_partition_by;
    }
    return e;
}

/* place moves one file to where it stays; folders that are new to us are noted for dir_sync. */
static err place(delta_writing *w, map *folders, size_t i)
{
    const char *from = str_c(w->a, w->copied[i].path);
    size_t n = strlen(w->staging);
    if (strncmp(from, w->staging, n) != 0 || from[n] != '/')
        return err_set(ERR_INTERNAL, "%s: DuckDB wrote %s, outside of %s", w->spec->dir, from,
                       w->staging);
    const char *rel = from + n + 1, *to = path_join(w->a, w->spec->dir, rel);
    const char *slash = strrchr(to, '/');
    str folder = {to, (size_t)(slash - to)};
    if (!map_find(folders, folder)) {
        const char *name = str_c(w->a, folder);
        TRY(dir_make(name));
        map_put(folders, str_of(name), w);
    }
    TRY(file_sync(from));
    if (rename(from, to)) return err_sys(ERR_IO, "%s: moving a new file to %s", w->spec->dir, to);
    w->placed[w->n_placed++] =
        (delta_placed){.path = to, .rel = str_of(rel), .copied = &w->copied[i]};
    return ERR_OK;
}

/* place_all: files without rows are left behind in the staging folder. */
static err place_all(delta_writing *w)
{
    map *folders = map_new(w->a);
    w->placed = arena_array(w->a, delta_placed, w->n_copied);
    for (size_t i = 0; i < w->n_copied; i++)
        if (w->copied[i].n_rows > 0) TRY(place(w, folders, i));
    for (size_t i = 0; i < map_count(folders); i++)
        TRY(dir_sync(map_at(folders, i)->key.p));
    return dir_sync(w->spec->dir);
}

static err write_files(delta_writing *w)
{
    w->staging = cstr_fmt(w->a, "%s/_staging/%.*s", w->spec->dir, STR_ARG(w->id));
    err e = copy(w);
    if (!e) e = place_all(w);
    w->written = true;
    return e;
}

/* clean_up removes what no commit names. Failing here leaves garbage, no damage. */
static void clean_up(delta_writing *w, bool committed)
{
    if (w->staging) (void)!dir_remove_all(w->staging);
    for (size_t i = 0; !committed && i < w->n_placed; i++)
        (void)unlink(w->placed[i].path);
}

static bool has_txn(const delta_writing *w)
{
    for (size_t i = 0; w->table && w->spec->txn_app.n && i < w->table->n_txns; i++)
        if (str_eq(w->table->txns[i].app, w->spec->txn_app))
            return w->table->txns[i].version >= w->spec->txn_version;
    return false;
}

/* unchanged: what was decided for the files that are written already holds for the table as it is
 * now. */
static err unchanged(const delta_writing *w, const delta_snapshot *before)
{
    bool same = before ? w->table && str_eq(before->schema_json, w->table->schema_json) : !w->table;
    if (same || (w->table && str_eq(w->schema_json, w->table->schema_json))) return ERR_OK;
    return err_set(ERR_CONFLICT,
                   "%s: the table's columns were changed by somebody else meanwhile; try again",
                   w->spec->dir);
}

/* load reads the table as it is now; w->table stays NULL where there is none. */
static err load(delta_writing *w)
{
    err e = delta_load(w->a, w->d, w->spec->dir, -1, &w->log, &w->table);
    if (e != ERR_MISSING) return e;
    w->table = NULL;
    return ERR_OK;
}

/* attempt: one try. *ret_again says that somebody else took the version. */
static err attempt(delta_writing *w, delta_written *ret, bool *ret_again)
{
    const delta_snapshot *before = w->table;
    *ret_again = false;
    TRY(load(w));
    int64_t version = w->table ? w->table->version + 1 : 0;
    if (has_txn(w)) {
        assert(w->table);
        *ret = (delta_written){.already = true, .version = w->table->version};
        return ERR_OK;
    }
    if (w->written)
        TRY(unchanged(w, before));
    else
        TRY(plan(w));
    if (w->written && w->table) {
        TRY(match_partition(w));
        if (!before) w->new_metadata = false;
    }
    if (!w->written) TRY(write_files(w));
    err e = delta_commit(w, version, ret);
    *ret_again = e == ERR_CONFLICT;
    return e;
}

err delta_write(duck *d, db *pub, const delta_write_spec *s, delta_written *ret)
{
    assert(d && pub && s && ret);
    assert(s->dir && s->dir[0] == '/');
    assert(!s->n_partition_by || s->partition_by);
    AUTO(arena) a = arena_new(0);
    delta_writing w = {.a = a, .d = d, .pub = pub, .spec = s, .id = id_hex32(a)};
    delta_written done = {0};
    bool again = false;
    err e = dir_make(cstr_fmt(a, "%s/_delta_log", s->dir));
    for (int i = 0; !e && i < TRIES_MAX; i++) {
        e = attempt(&w, &done, &again);
        /* An overwrite has replaced a table that is no longer the one it saw. */
        if (!again || s->mode == DELTA_OVERWRITE) break;
        if (i + 1 < TRIES_MAX) e = ERR_OK;
    }
    clean_up(&w, !e && !done.already);
    if (e) return again ? err_add(e, "%s: other writers were faster", s->dir) : e;
    *ret = done;
    return ERR_OK;
}
