/* Named sources: files, Delta folders and queries as views. */
#include <assert.h>

#include "base/file.h"
#include "table/delta.h"
#include "table/duck_int.h"

/* How a file is read, by the end of its name. %s: the path as an SQL string. sample_size=-1: types
 * are found over all rows, so that row 30,000 cannot contradict them. */
static const struct {
    const char *ending, *reader;
} readers[] = {
    {".parquet", "read_parquet(%s)"},
    {".csv", "read_csv(%s, sample_size=-1)"},
    {".csv.gz", "read_csv(%s, sample_size=-1)"},
    {".tsv", "read_csv(%s, delim='\t', sample_size=-1)"},
    {".json", "read_json(%s, sample_size=-1)"},
    {".json.gz", "read_json(%s, sample_size=-1)"},
    {".ndjson", "read_json(%s, format='newline_delimited', sample_size=-1)"},
    {".jsonl", "read_json(%s, format='newline_delimited', sample_size=-1)"},
};

static err reader_of(const source_spec *o, size_t *ret)
{
    for (size_t i = 0; i < countof(readers); i++)
        if (o->path.n >= strlen(readers[i].ending) &&
            str_eq_nocase(
                (str){o->path.p + o->path.n - strlen(readers[i].ending), strlen(readers[i].ending)},
                str_of(readers[i].ending))) {
            *ret = i;
            return ERR_OK;
        }
    return err_set(ERR_INVALID,
                   "source %.*s: %.*s: unknown kind of file, want .parquet, .csv, .csv.gz, .tsv, "
                   ".json, .ndjson or "
                   "a folder with _delta_log",
                   STR_ARG(o->name), STR_ARG(o->path));
}

static err no_file(const source_spec *o)
{
    return err_set(ERR_MISSING, "source %.*s: %.*s: no such file", STR_ARG(o->name),
                   STR_ARG(o->path));
}

/* check_there: a plain file that holds something, or a pattern that matches. */
static err check_there(duck *d, arena *a, const source_spec *o)
{
    const char *path = str_c(a, o->path);
    uint64_t size;
    if (!memchr(path, '*', o->path.n)) {
        if (!file_exists(path)) return no_file(o);
        TRY(err_add(file_size(path, &size), "source %.*s", STR_ARG(o->name)));
        if (!size)
            return err_set(ERR_FORMAT, "source %.*s: %s: the file is empty", STR_ARG(o->name),
                           path);
        return ERR_OK;
    }
    frame *f;
    const char *what = cstr_fmt(a, "source %.*s", STR_ARG(o->name));
    TRY(duck_query(d, a, what,
                   cstr_fmt(a, "SELECT file FROM glob(%s) LIMIT 1", duck_literal(a, o->path).p),
                   &f));
    return f->n_rows ? ERR_OK : no_file(o);
}

static err define(duck *d, arena *a, const source_spec *o, const char *what, str select)
{
    const char *sql =
        cstr_fmt(a, "CREATE OR REPLACE VIEW %s AS %.*s", duck_ident(a, o->name).p, STR_ARG(select));
    return duck_exec(d, what, sql);
}

static err define_delta(duck *d, arena *a, const source_spec *o, const char *what)
{
    delta_snapshot *s;
    str relation;
    TRY(err_add(delta_read(a, d, str_c(a, o->path), -1, &s), "%s", what));
    TRY(err_add(delta_relation(a, s, NULL, STR(""), &relation), "%s", what));
    return define(d, a, o, what, str_fmt(a, "SELECT * FROM %.*s", STR_ARG(relation)));
}

static err define_file(duck *d, arena *a, const source_spec *o)
{
    size_t kind;
    buf b;
    const char *what = cstr_fmt(a, "source %.*s: %.*s", STR_ARG(o->name), STR_ARG(o->path));
    TRY(reader_of(o, &kind));
    TRY(check_there(d, a, o));
    str path = duck_literal(a, o->path), head, tail;
    str_cut(str_of(readers[kind].reader), '%', &head, &tail);
    buf_init(&b, 2 * path.n + 1024);
    buf_fmt(&b, "SELECT * FROM %.*s%.*s%.*s", STR_ARG(head), STR_ARG(path), (int)tail.n - 1,
            tail.p + 1);
    str select = str_dup(a, buf_str(&b));
    buf_done(&b);
    err e = define(d, a, o, what, select);
    /* The file's content is what is wrong, unless the machine is. */
    return e == ERR_INVALID || e == ERR_IO ? ERR_FORMAT : e;
}

err source_define(duck *d, const source_spec *o)
{
    assert(d && o && o->name.n);
    AUTO(arena) a = arena_new(0);
    const char *what = cstr_fmt(a, "source %.*s", STR_ARG(o->name));
    if (o->sql.n) {
        if (o->path.n)
            return err_set(ERR_INVALID, "%s: has a path and sql; want one of them", what);
        TRY(duck_check_select(d, what, o->sql));
        return define(d, a, o, what, duck_statement(o->sql));
    }
    source_spec file = *o;
    if (!file.path.n && file.table.n && file.table.p[0] == '/') file.path = file.table;
    if (!file.path.n) return err_set(ERR_INVALID, "%s: has neither path nor table nor sql", what);
    const char *folder = str_c(a, file.path);
    if (file.table.n || file_exists(path_join(a, folder, "_delta_log")))
        return define_delta(d, a, &file, cstr_fmt(a, "%s: %s", what, folder));
    return define_file(d, a, &file);
}
