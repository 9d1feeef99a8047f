/* COPY … (RETURN_STATS): which files were written, and what DuckDB measured while it wrote them. */
#include <assert.h>
#include <unistd.h>

#include "table/duck_int.h"

enum { COL_PATH, COL_ROWS, COL_SIZE, COL_FOOTER, COL_STATS, COL_PARTITION, COLS };
enum { FILES_MAX = 100000 };

typedef struct copy_run {
    const duck_lib *lib;
    arena *a;
    const str *partition_by;
    size_t n_partition_by;
    duck_copied *v;
    size_t n, cap;
} copy_run;

/* A column of lists: the entries of one row are child[offset .. offset + length). */
typedef struct map_view {
    duckdb_vector key, value;
    duckdb_list_entry at;
} map_view;

static map_view map_row(const duck_lib *lib, duckdb_vector v, size_t row)
{
    duckdb_vector entries = lib->list_vector_get_child(v);
    return (map_view){
        .key = lib->struct_vector_get_child(entries, 0),
        .value = lib->struct_vector_get_child(entries, 1),
        .at = ((const duckdb_list_entry *)lib->vector_get_data(v))[row],
    };
}

/* text_at: .p is NULL for a null. Borrowed from the chunk. */
static str text_at(const duck_lib *lib, duckdb_vector v, size_t row)
{
    if (!duck_valid(lib->vector_get_validity(v), row)) return (str){NULL, 0};
    return duck_string(&((const duckdb_string_t *)lib->vector_get_data(v))[row]);
}

/* unquote: "a""b" is a"b. False for a nested column: "a"."b". */
static bool unquote(arena *a, str s, str *ret)
{
    if (s.n < 2 || s.p[0] != '"') {
        *ret = str_dup(a, s);
        return true;
    }
    char *p = arena_alloc_raw(a, s.n, 1);
    size_t n = 0, i = 1;
    for (; i < s.n; i++) {
        if (s.p[i] == '"' && (++i >= s.n || s.p[i] != '"')) break;
        p[n++] = s.p[i];
    }
    *ret = (str){p, n};
    return i >= s.n;
}

static void read_measure(arena *a, str key, str value, duck_stat *s)
{
    int64_t n;
    if (str_is(key, "min")) {
        s->min = str_dup(a, value);
        s->has_min = true;
    } else if (str_is(key, "max")) {
        s->max = str_dup(a, value);
        s->has_max = true;
    } else if (str_is(key, "has_nan")) {
        s->has_nan = !str_is(value, "false");
    } else if (str_is(key, "null_count") && !parse_i64(value, &n)) {
        s->n_null = n;
    }
}

static void read_stats(copy_run *r, map_view m, duck_copied *f)
{
    duck_stat *v = arena_array(r->a, duck_stat, m.at.length);
    size_t n = 0;
    for (size_t i = m.at.offset; i < m.at.offset + m.at.length; i++) {
        duck_stat s = {.n_null = -1};
        str key = text_at(r->lib, m.key, i);
        if (!key.p || !unquote(r->a, key, &s.column)) continue;
        map_view of = map_row(r->lib, m.value, i);
        for (size_t j = of.at.offset; j < of.at.offset + of.at.length; j++) {
            str name = text_at(r->lib, of.key, j), value = text_at(r->lib, of.value, j);
            if (name.p && value.p) read_measure(r->a, name, value, &s);
        }
        v[n++] = s;
    }
    f->stats = v;
    f->n_stats = n;
}

static err read_partition(copy_run *r, map_view m, duck_copied *f)
{
    str *v = arena_array(r->a, str, r->n_partition_by);
    for (size_t k = 0; k < r->n_partition_by; k++) {
        size_t i = m.at.offset, end = i + m.at.length;
        str name = {"", 0};
        while (i < end && (!unquote(r->a, text_at(r->lib, m.key, i), &name) ||
                           !str_eq(name, r->partition_by[k])))
            i++;
        if (i == end)
            return err_set(ERR_INTERNAL,
                           "DuckDB tells no value of partition column \"%.*s\" for %.*s",
                           STR_ARG(r->partition_by[k]), STR_ARG(f->path));
        str value = text_at(r->lib, m.value, i);
        v[k] = value.p ? str_dup(r->a, value) : (str){NULL, 0};
    }
    f->partition = v;
    f->n_partition = r->n_partition_by;
    return ERR_OK;
}

static err read_row(copy_run *r, duckdb_vector *cols, size_t row)
{
    if (r->n == FILES_MAX)
        return err_set(ERR_LIMIT, "more than %d files in one write; partition by fewer values",
                       FILES_MAX);
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 16;
        duck_copied *v = arena_array(r->a, duck_copied, cap);
        if (r->n) memcpy(v, r->v, r->n * sizeof *v);
        r->v = v;
        r->cap = cap;
    }
    duck_copied *f = &r->v[r->n];
    *f = (duck_copied){
        .path = str_dup(r->a, text_at(r->lib, cols[COL_PATH], row)),
        .n_rows = ((const int64_t *)r->lib->vector_get_data(cols[COL_ROWS]))[row],
        .size = ((const int64_t *)r->lib->vector_get_data(cols[COL_SIZE]))[row],
    };
    if (duck_valid(r->lib->vector_get_validity(cols[COL_STATS]), row))
        read_stats(r, map_row(r->lib, cols[COL_STATS], row), f);
    if (r->n_partition_by) TRY(read_partition(r, map_row(r->lib, cols[COL_PARTITION], row), f));
    r->n++;
    return ERR_OK;
}

static err read_chunk(copy_run *r, duckdb_data_chunk chunk)
{
    duckdb_vector cols[COLS];
    if (r->lib->data_chunk_get_column_count(chunk) < COLS)
        return err_set(ERR_INTERNAL, "DuckDB's COPY reports fewer columns than expected");
    for (size_t i = 0; i < COLS; i++)
        cols[i] = r->lib->data_chunk_get_vector(chunk, i);
    for (size_t row = 0, n = r->lib->data_chunk_get_size(chunk); row < n; row++)
        TRY(read_row(r, cols, row));
    return ERR_OK;
}

/* work lets this thread help until the files are written. DuckDB's own loop spins while only its
 * other threads have something to do, which on a busy machine takes the processor from them. */
static err work(const duck_lib *lib, duckdb_pending_result pending, const char *what)
{
    enum { NAP_US = 100 };
    for (;;) {
        duckdb_pending_state state = lib->pending_execute_task(pending);
        if (state == DUCKDB_PENDING_ERROR) return duck_err(what, lib->pending_error(pending));
        if (state == DUCKDB_PENDING_RESULT_READY) return ERR_OK;
        if (state == DUCKDB_PENDING_NO_TASKS_AVAILABLE) usleep(NAP_US);
    }
}

static err execute(duck *d, const char *what, const char *sql, duckdb_result *ret)
{
    const duck_lib *lib = d->lib;
    duckdb_prepared_statement p = NULL;
    duckdb_pending_result pending = NULL;
    err e = ERR_OK;
    if (lib->prepare(d->con, sql, &p) != DuckDBSuccess)
        e = duck_err(what, lib->prepare_error(p));
    else if (lib->pending_prepared(p, &pending) != DuckDBSuccess)
        e = duck_err(what, lib->pending_error(pending));
    if (!e) e = work(lib, pending, what);
    if (!e && lib->execute_pending(pending, ret) != DuckDBSuccess)
        e = duck_err(what, lib->result_error(ret));
    if (pending) lib->destroy_pending(&pending);
    lib->destroy_prepare(&p);
    return e;
}

err duck_copy(duck *d, arena *a, const char *what, const char *sql, const str *partition_by,
              size_t n_partition_by, duck_copied **ret, size_t *ret_n)
{
    assert(d && a && sql && ret && ret_n);
    copy_run r = {
        .lib = d->lib, .a = a, .partition_by = partition_by, .n_partition_by = n_partition_by};
    duckdb_result result = {0};
    duckdb_data_chunk chunk;
    err e = execute(d, what, sql, &result);
    while (!e && (chunk = d->lib->fetch_chunk(result))) {
        e = err_add(read_chunk(&r, chunk), "%s", what);
        d->lib->destroy_data_chunk(&chunk);
    }
    d->lib->destroy_result(&result);
    duck_handover();
    if (e) return e;
    *ret = r.v;
    *ret_n = r.n;
    return ERR_OK;
}
