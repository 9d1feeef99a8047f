#include "table/duck.h"

#include <assert.h>

#include "base/buf.h"
#include "table/duck_int.h"

enum { THREADS_DEFAULT = 2, SQL_MAX = 256 << 20, CONFIG_VALUE_MAX = 64 };
static const uint64_t MEMORY_DEFAULT = 4ull << 30;

err duck_err(const char *what, const char *message)
{
    static const struct {
        const char *prefix;
        err kind;
    } kinds[] = {
        {"IO Error", ERR_IO},
        {"Out of Memory Error", ERR_LIMIT},
        {"Permission Error", ERR_DENIED},
        {"Interrupt Error", ERR_CANCELLED},
        {"INTERNAL Error", ERR_INTERNAL},
        {"FATAL Error", ERR_INTERNAL},
        {"HTTP Error", ERR_IO},
    };
    str m = str_trim(str_of(message && *message ? message : "DuckDB gave no reason"));
    err kind = ERR_INVALID;
    for (size_t i = 0; i < countof(kinds); i++)
        if (str_starts(m, kinds[i].prefix)) kind = kinds[i].kind;
    return err_set(kind, "%s: %.*s", what, STR_ARG(m));
}

/* set_options fills a configuration. Everything that reaches out by itself is switched off. */
static err set_options(const duck_lib *lib, duckdb_config c, const duck_options *o)
{
    char threads[CONFIG_VALUE_MAX], memory[CONFIG_VALUE_MAX];
    uint64_t bytes = o->memory_max ? o->memory_max : MEMORY_DEFAULT;
    snprintf(threads, sizeof threads, "%d", o->threads > 0 ? o->threads : THREADS_DEFAULT);
    snprintf(memory, sizeof memory, "%lluKiB", (unsigned long long)(bytes + 1023) / 1024);
    const char *const options[][2] = {
        {"threads", threads},
        {"memory_limit", memory},
        {"temp_directory", o->temp_dir ? o->temp_dir : ""},
        {"preserve_insertion_order", "true"},
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"allow_community_extensions", "false"},
        {"allow_persistent_secrets", "false"},
    };
    for (size_t i = 0; i < countof(options); i++)
        if (lib->set_config(c, options[i][0], options[i][1]) != DuckDBSuccess)
            return err_set(ERR_INVALID, "table: DuckDB refuses %s = \"%s\"", options[i][0],
                           options[i][1]);
    return ERR_OK;
}

static err open_database(duck *d, const duck_options *o)
{
    duckdb_config c = NULL;
    char *why = NULL;
    if (d->lib->create_config(&c) != DuckDBSuccess)
        return err_set(ERR_INTERNAL, "table: DuckDB gives no configuration");
    err e = set_options(d->lib, c, o);
    if (!e && d->lib->open_ext(NULL, &d->db, c, &why) != DuckDBSuccess)
        e = duck_err("table: DuckDB cannot be started", why);
    if (why) d->lib->free(why);
    d->lib->destroy_config(&c);
    if (!e && d->lib->connect(d->db, &d->con) != DuckDBSuccess)
        e = err_set(ERR_INTERNAL, "table: DuckDB takes no connection");
    return e;
}

static void keep_dirs(duck *d, const duck_options *o)
{
    d->dirs = mem_new(o->n_dirs + 1, sizeof *d->dirs);
    d->n_dirs = o->n_dirs;
    for (size_t i = 0; i < o->n_dirs; i++) {
        size_t n = strlen(o->dirs[i]) + 1;
        d->dirs[i] = mem_new(n, 1);
        memcpy(d->dirs[i], o->dirs[i], n);
    }
}

err duck_open(const duck_options *o, duck **ret)
{
    assert(o && ret);
    assert(!o->n_dirs || o->dirs);
    const duck_lib *lib;
    TRY(duck_lib_get(&lib));
    AUTO(duck) d = mem_new(1, sizeof *d);
    d->lib = lib;
    keep_dirs(d, o);
    TRY(open_database(d, o));
    TRY(duck_exec(d, "table: time zone", "SET TimeZone='UTC'"));
    *ret = d;
    d = NULL;
    return ERR_OK;
}

void duck_free(duck *d)
{
    if (!d) return;
    if (d->con) d->lib->disconnect(&d->con);
    if (d->db) d->lib->close(&d->db);
    for (size_t i = 0; i < d->n_dirs; i++)
        mem_free(d->dirs[i]);
    mem_free(d->dirs);
    mem_free(d);
}

err duck_lock(duck *d)
{
    assert(d);
    AUTO(arena) a = arena_new(0);
    buf b;
    buf_init(&b, SQL_MAX);
    buf_puts(&b, STR("SET allowed_directories=["));
    for (size_t i = 0; i < d->n_dirs; i++) {
        if (i) buf_putc(&b, ',');
        buf_puts(&b, duck_literal(a, str_of(d->dirs[i])));
    }
    buf_puts(&b, STR("]; SET enable_external_access=false; SET lock_configuration=true"));
    buf_putc(&b, 0);
    err e = buf_err(&b, "table: folders to allow");
    if (!e) e = duck_exec(d, "table: locking DuckDB", b.p);
    buf_done(&b);
    return e;
}

err duck_exec(duck *d, const char *what, const char *sql)
{
    assert(d && what && sql);
    duckdb_result r;
    err e = ERR_OK;
    if (d->lib->query(d->con, sql, &r) != DuckDBSuccess)
        e = duck_err(what, d->lib->result_error(&r));
    d->lib->destroy_result(&r);
    duck_handover();
    return e;
}

str duck_statement(str sql)
{
    for (str before = {"", 0}; before.n != sql.n || before.p != sql.p;) {
        before = sql;
        sql = str_trim(sql);
        while (sql.n && sql.p[sql.n - 1] == ';')
            sql.n--;
    }
    return sql;
}

/* check_prepared: the i-th statement is a SELECT, and all that it names is there. */
static err check_prepared(duck *d, const char *what, duckdb_extracted_statements list)
{
    duckdb_prepared_statement p = NULL;
    err e = ERR_OK;
    if (d->lib->prepare_extracted_statement(d->con, list, 0, &p) != DuckDBSuccess)
        e = duck_err(what, d->lib->prepare_error(p));
    else if (d->lib->prepared_statement_type(p) != DUCKDB_STATEMENT_TYPE_SELECT)
        e = err_set(ERR_INVALID, "%s: not a query; want one SELECT statement", what);
    else if (d->lib->nparams(p))
        e = err_set(ERR_INVALID, "%s: a parameter ($1 or ?) has no value here; write the value",
                    what);
    d->lib->destroy_prepare(&p);
    return e;
}

err duck_check_select(duck *d, const char *what, str sql)
{
    assert(d && what);
    if (sql.n > SQL_MAX)
        return err_set(ERR_LIMIT, "%s: %zu bytes of SQL, at most %d", what, sql.n, SQL_MAX);
    if (sql.n && memchr(sql.p, 0, sql.n)) return err_set(ERR_INVALID, "%s: holds a NUL byte", what);
    AUTO(arena) a = arena_new(0);
    duckdb_extracted_statements list = NULL;
    idx_t n = d->lib->extract_statements(d->con, str_c(a, sql), &list);
    const char *why = list ? d->lib->extract_statements_error(list) : NULL;
    err e;
    if (why)
        e = duck_err(what, why);
    else if (n == 0)
        e = err_set(ERR_INVALID, "%s: empty; want one SELECT statement", what);
    else if (n > 1)
        e = err_set(ERR_INVALID, "%s: %llu statements; want one SELECT", what,
                    (unsigned long long)n);
    else
        e = check_prepared(d, what, list);
    if (list) d->lib->destroy_extracted(&list);
    return e;
}

static str quoted(arena *a, str text, char quote)
{
    assert(text.n <= SQL_MAX);
    char *p = arena_alloc_raw(a, 2 * text.n + 3, 1);
    size_t n = 0;
    p[n++] = quote;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == quote) p[n++] = quote;
        p[n++] = text.p[i];
    }
    p[n++] = quote;
    p[n] = 0;
    return (str){p, n};
}

str duck_ident(arena *a, str name)
{
    return quoted(a, name, '"');
}

str duck_literal(arena *a, str text)
{
    return quoted(a, text, '\'');
}

str duck_relation(arena *a, str relation)
{
    return relation.n && strchr("(\"", relation.p[0]) ? str_dup(a, relation)
                                                      : duck_ident(a, relation);
}

err duck_describe(duck *d, arena *a, const char *what, str query, duck_column **ret, size_t *ret_n)
{
    assert(ret && ret_n);
    AUTO(arena) scratch = arena_new(0);
    frame *f;
    const char *sql = cstr_fmt(scratch, "SELECT column_name, column_type FROM (DESCRIBE (%.*s\n))",
                               STR_ARG(duck_statement(query)));
    TRY(duck_query(d, scratch, what, sql, &f));
    duck_column *v = arena_array(a, duck_column, f->n_rows);
    for (size_t i = 0; i < f->n_rows; i++)
        v[i] = (duck_column){str_dup(a, f->cols[0].s[i]), str_dup(a, f->cols[1].s[i])};
    *ret = v;
    *ret_n = f->n_rows;
    return ERR_OK;
}
