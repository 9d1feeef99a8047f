/* Classic checkpoints: Parquet files whose rows are actions. DuckDB turns each into the JSON that a
 * commit would hold, so that one parser reads both. Source: Delta protocol, "Checkpoints". */
#include "base/file.h"
#include "table/delta_int.h"

enum { SQL_MAX = 16 << 20 };

/* The columns of an action that are read; those which are not there (by type) are left out.
 * stats_parsed and the like are not asked for: they may hold NaN, which JSON has not. */
static const struct {
    const char *action, *fields[10];
} wanted[] = {
    {"protocol", {"minReaderVersion", "minWriterVersion", "readerFeatures", "writerFeatures"}},
    {"metaData",
     {"id", "name", "description", "format", "schemaString", "partitionColumns", "configuration",
      "createdTime"}},
    {"txn", {"appId", "version"}},
    {"add", {"path", "partitionValues", "size", "stats", "deletionVector"}},
};

static err action_query(duck *d, arena *a, const char *files, size_t k, const char **ret)
{
    const char *action = wanted[k].action;
    duck_column *cols;
    size_t n;
    const char *all = cstr_fmt(a, "SELECT unnest(%s) FROM %s", action, files);
    TRY(duck_describe(d, a, "checkpoint", str_of(all), &cols, &n));
    buf b;
    buf_init(&b, SQL_MAX);
    buf_fmt(&b, "SELECT to_json({'%s': {", action);
    bool any = false;
    for (size_t i = 0; i < countof(wanted[k].fields) && wanted[k].fields[i]; i++)
        for (size_t j = 0; j < n; j++) {
            if (!str_is(cols[j].name, wanted[k].fields[i])) continue;
            buf_fmt(&b, "%s'%s': %s.%s", any ? ", " : "", wanted[k].fields[i], action,
                    wanted[k].fields[i]);
            any = true;
        }
    buf_fmt(&b, "}})::VARCHAR FROM %s WHERE %s IS NOT NULL", files, action);
    err e = buf_err(&b, "checkpoint");
    if (!e && !any)
        e = err_set(ERR_FORMAT, "column %s of the checkpoint has no known field", action);
    if (!e) *ret = str_c(a, buf_str(&b));
    buf_done(&b);
    return e;
}

static err read_action(delta_log *l, duck *d, const char *files, size_t k, const char *where)
{
    AUTO(arena) a = arena_new(0);
    const char *sql;
    frame *f;
    TRY(action_query(d, a, files, k, &sql));
    TRY(duck_query(d, a, where, sql, &f));
    for (size_t i = 0; i < f->n_rows; i++)
        TRY(delta_log_action(l, where, f->cols[0].s[i]));
    return ERR_OK;
}

static bool has_column(const duck_column *cols, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(cols[i].name, name)) return true;
    return false;
}

err delta_checkpoint_read(delta_log *l, duck *d, const char *dir, const delta_checkpoint *parts,
                          size_t n)
{
    AUTO(arena) a = arena_new(0);
    duck_column *cols;
    size_t n_cols;
    buf b;
    buf_init(&b, SQL_MAX);
    for (size_t i = 0; i < n; i++) {
        const char *path = path_join(a, dir, str_c(a, parts[i].name));
        buf_fmt(&b, "%s%s", i ? "," : "read_parquet([", duck_literal(a, str_of(path)).p);
    }
    buf_puts(&b, STR("])"));
    err e = buf_err(&b, "checkpoint");
    const char *files = str_c(a, buf_str(&b));
    buf_done(&b);
    const char *where = cstr_fmt(a, "%s/%.*s", dir, STR_ARG(parts[0].name));
    if (!e) e = duck_describe(d, a, where, str_fmt(a, "SELECT * FROM %s", files), &cols, &n_cols);
    for (size_t k = 0; !e && k < countof(wanted); k++)
        if (has_column(cols, n_cols, wanted[k].action)) e = read_action(l, d, files, k, where);
    return e == ERR_INVALID ? ERR_FORMAT : e;
}
