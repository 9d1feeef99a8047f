/* Frames into tables, and C functions into SQL. */
#include <assert.h>
#include <math.h>

#include "base/buf.h"
#include "table/duck_int.h"

enum { CREATE_MAX = 16 << 20, ARGS_MAX = SCHEMA_FIELDS_MAX };

static const struct {
    duckdb_type type;
    const char *sql;
} put_types[FIELD_N] = {
    [FIELD_BOOLEAN] = {DUCKDB_TYPE_BOOLEAN, "BOOLEAN"},
    [FIELD_INTEGER] = {DUCKDB_TYPE_INTEGER, "INTEGER"},
    [FIELD_LONG] = {DUCKDB_TYPE_BIGINT, "BIGINT"},
    [FIELD_FLOAT] = {DUCKDB_TYPE_FLOAT, "FLOAT"},
    [FIELD_DOUBLE] = {DUCKDB_TYPE_DOUBLE, "DOUBLE"},
    [FIELD_STRING] = {DUCKDB_TYPE_VARCHAR, "VARCHAR"},
    [FIELD_BINARY] = {DUCKDB_TYPE_BLOB, "BLOB"},
    [FIELD_DATETIME] = {DUCKDB_TYPE_TIMESTAMP_TZ, "TIMESTAMPTZ"},
};

static err create_table(duck *d, const char *name, const frame *f)
{
    AUTO(arena) a = arena_new(0);
    buf b;
    buf_init(&b, CREATE_MAX);
    buf_fmt(&b, "CREATE OR REPLACE TABLE %s (", duck_ident(a, str_of(name)).p);
    for (size_t i = 0; i < f->n_cols; i++)
        buf_fmt(&b, "%s%s %s", i ? ", " : "", duck_ident(a, f->cols[i].name).p,
                put_types[f->cols[i].type].sql);
    buf_puts(&b, STR(")"));
    buf_putc(&b, 0);
    err e = buf_err(&b, "table: columns to create");
    if (!e) e = duck_exec(d, cstr_fmt(a, "table %s", name), b.p);
    buf_done(&b);
    return e;
}

static err put_strings(const duck_lib *lib, const column *c, size_t at, size_t n, duckdb_vector v)
{
    for (size_t i = 0; i < n; i++) {
        str s = c->s[at + i];
        if (column_is_null(c, at + i)) continue;
        if (c->type == FIELD_STRING && !str_utf8_ok(s))
            return err_set(ERR_INVALID, "column \"%.*s\", row %zu: the text is not UTF-8",
                           STR_ARG(c->name), at + i);
        lib->vector_assign_string_element_len(v, i, s.p ? s.p : "", s.n);
    }
    return ERR_OK;
}

static err put_integers(const column *c, size_t at, size_t n, void *out)
{
    const int64_t *from = c->i64 + at;
    for (size_t i = 0; i < n; i++) {
        if (c->type == FIELD_BOOLEAN)
            ((bool *)out)[i] = from[i] != 0;
        else if (c->type != FIELD_INTEGER)
            ((int64_t *)out)[i] = from[i];
        else if (from[i] >= INT32_MIN && from[i] <= INT32_MAX)
            ((int32_t *)out)[i] = (int32_t)from[i];
        else
            return err_set(ERR_LIMIT, "column \"%.*s\", row %zu: %lld is no 32 bit integer",
                           STR_ARG(c->name), at + i, (long long)from[i]);
    }
    return ERR_OK;
}

static void put_nulls(const duck_lib *lib, const column *c, size_t at, size_t n, duckdb_vector v)
{
    if (!c->valid) return;
    lib->vector_ensure_validity_writable(v);
    uint64_t *mask = lib->vector_get_validity(v);
    for (size_t i = 0; i < n; i++)
        if (!c->valid[at + i]) mask[i / 64] &= ~(1ull << (i % 64));
}

static err put_column(const duck_lib *lib, const column *c, size_t at, size_t n, duckdb_vector v)
{
    void *out = lib->vector_get_data(v);
    if (c->store == STORE_STR) {
        TRY(put_strings(lib, c, at, n, v));
    } else if (c->store == STORE_I64) {
        TRY(put_integers(c, at, n, out));
    } else if (c->type == FIELD_FLOAT) {
        for (size_t i = 0; i < n; i++)
            ((float *)out)[i] = (float)c->f64[at + i];
    } else {
        memcpy(out, c->f64 + at, n * sizeof(double));
    }
    put_nulls(lib, c, at, n, v);
    return ERR_OK;
}

static err put_rows(const duck_lib *lib, const char *name, const frame *f, duckdb_appender ap,
                    duckdb_data_chunk chunk)
{
    size_t step = lib->vector_size();
    for (size_t at = 0; at < f->n_rows; at += step) {
        size_t n = f->n_rows - at < step ? f->n_rows - at : step;
        lib->data_chunk_reset(chunk);
        for (size_t i = 0; i < f->n_cols; i++)
            TRY(put_column(lib, &f->cols[i], at, n, lib->data_chunk_get_vector(chunk, i)));
        lib->data_chunk_set_size(chunk, n);
        if (lib->append_data_chunk(ap, chunk) != DuckDBSuccess)
            return duck_err(name, lib->appender_error(ap));
    }
    if (lib->appender_close(ap) != DuckDBSuccess) return duck_err(name, lib->appender_error(ap));
    return ERR_OK;
}

err duck_put(duck *d, const char *name, const frame *f)
{
    assert(d && name && f);
    if (!f->n_cols) return err_set(ERR_INVALID, "table %s: no columns", name);
    TRY(create_table(d, name, f));
    AUTO(arena) a = arena_new(0);
    duckdb_appender ap = NULL;
    if (d->lib->appender_create(d->con, NULL, name, &ap) != DuckDBSuccess) {
        err e = duck_err(name, ap ? d->lib->appender_error(ap) : NULL);
        if (ap) d->lib->appender_destroy(&ap);
        return e;
    }
    duckdb_logical_type *types = arena_array(a, duckdb_logical_type, f->n_cols);
    for (size_t i = 0; i < f->n_cols; i++)
        types[i] = d->lib->create_logical_type(put_types[f->cols[i].type].type);
    duckdb_data_chunk chunk = d->lib->create_data_chunk(types, f->n_cols);
    err e = put_rows(d->lib, name, f, ap, chunk);
    d->lib->destroy_data_chunk(&chunk);
    for (size_t i = 0; i < f->n_cols; i++)
        d->lib->destroy_logical_type(&types[i]);
    d->lib->appender_destroy(&ap);
    return err_add(e, "table %s", name);
}

/* What DuckDB keeps for a function, and hands back at each call. */
typedef struct scalar {
    const duck_lib *lib;
    duck_fn fn;
    void *ctx;
    size_t n_args;
} scalar;

/* Where a column has NULLs, its values are copied so that they can be NaN; else DuckDB's own memory
 * is read. */
static const double *scalar_column(const duck_lib *lib, duckdb_vector v, size_t n, double *copy)
{
    const double *data = lib->vector_get_data(v);
    const uint64_t *mask = lib->vector_get_validity(v);
    if (!mask) return data;
    assert(copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = duck_valid(mask, i) ? data[i] : (double)NAN;
    return copy;
}

/* Called by DuckDB's threads at once. The table of functions is the process's own: info alone
 * cannot be opened. */
static void scalar_call(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const duck_lib *lib = NULL;
    err e = duck_lib_get(&lib);
    assert(!e);
    const scalar *s = lib->scalar_function_get_extra_info(info);
    size_t n = lib->data_chunk_get_size(input);
    const double **x = mem_new(s->n_args + 1, sizeof *x);
    double *copies = NULL;
    for (size_t i = 0; i < s->n_args; i++) {
        duckdb_vector v = lib->data_chunk_get_vector(input, i);
        if (!copies && lib->vector_get_validity(v))
            copies = mem_new(s->n_args * n + 1, sizeof *copies);
        x[i] = scalar_column(lib, v, n, copies ? copies + i * n : NULL);
    }
    s->fn(s->ctx, x, s->n_args, n, lib->vector_get_data(output));
    mem_free(copies);
    mem_free(x);
    duck_handover();
}

static void scalar_free(void *p)
{
    duck_handover();
    mem_free(p);
}

err duck_add_function(duck *d, const char *name, size_t n_args, duck_fn fn, void *ctx)
{
    assert(d && name && fn);
    if (n_args > ARGS_MAX)
        return err_set(ERR_LIMIT, "function %s: %zu arguments, at most %d", name, n_args, ARGS_MAX);
    scalar *s = mem_new(1, sizeof *s);
    *s = (scalar){.lib = d->lib, .fn = fn, .ctx = ctx, .n_args = n_args};
    duckdb_scalar_function f = d->lib->create_scalar_function();
    duckdb_logical_type number = d->lib->create_logical_type(DUCKDB_TYPE_DOUBLE);
    d->lib->scalar_function_set_name(f, name);
    for (size_t i = 0; i < n_args; i++)
        d->lib->scalar_function_add_parameter(f, number);
    d->lib->scalar_function_set_return_type(f, number);
    d->lib->scalar_function_set_special_handling(f); /* NULL does not make the answer NULL */
    d->lib->scalar_function_set_extra_info(f, s, scalar_free);
    d->lib->scalar_function_set_function(f, scalar_call);
    duck_handover();
    bool ok = d->lib->register_scalar_function(d->con, f) == DuckDBSuccess;
    d->lib->destroy_logical_type(&number);
    d->lib->destroy_scalar_function(&f);
    return ok ? ERR_OK
              : err_set(ERR_INVALID,
                        "function %s: DuckDB does not take it (the name may be in use)", name);
}
