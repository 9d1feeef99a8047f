/* Results into columns: one loop per type over DuckDB's own vectors, nothing boxed. */
#include <assert.h>
#include <math.h>

#include "base/clock.h"
#include "table/duck_int.h"

/* One column of a result while it grows. */
typedef struct sink {
    column c;
    duckdb_type type, inner; /* inner: how DECIMAL and ENUM are stored */
    double unit;             /* DECIMAL: 10^scale */
    str *words;              /* ENUM: its values, in a */
} sink;

typedef struct sinks {
    const duck_lib *lib;
    arena *a;
    const char *what;
    sink *v;
    size_t n, rows, cap;
} sinks;

static size_t cell_size(column_store s)
{
    return s == STORE_STR ? sizeof(str) : sizeof(double);
}

/* Which type a frame gives to one of DuckDB's; false: none. */
static bool field_of(duckdb_type t, field_type *ret)
{
    static const struct {
        duckdb_type from;
        field_type to;
    } table[] = {
        {DUCKDB_TYPE_BOOLEAN, FIELD_BOOLEAN},       {DUCKDB_TYPE_TINYINT, FIELD_INTEGER},
        {DUCKDB_TYPE_SMALLINT, FIELD_INTEGER},      {DUCKDB_TYPE_INTEGER, FIELD_INTEGER},
        {DUCKDB_TYPE_UTINYINT, FIELD_INTEGER},      {DUCKDB_TYPE_USMALLINT, FIELD_INTEGER},
        {DUCKDB_TYPE_UINTEGER, FIELD_LONG},         {DUCKDB_TYPE_BIGINT, FIELD_LONG},
        {DUCKDB_TYPE_UBIGINT, FIELD_LONG},          {DUCKDB_TYPE_HUGEINT, FIELD_DOUBLE},
        {DUCKDB_TYPE_UHUGEINT, FIELD_DOUBLE},       {DUCKDB_TYPE_DECIMAL, FIELD_DOUBLE},
        {DUCKDB_TYPE_FLOAT, FIELD_FLOAT},           {DUCKDB_TYPE_DOUBLE, FIELD_DOUBLE},
        {DUCKDB_TYPE_VARCHAR, FIELD_STRING},        {DUCKDB_TYPE_ENUM, FIELD_STRING},
        {DUCKDB_TYPE_UUID, FIELD_STRING},           {DUCKDB_TYPE_DATE, FIELD_STRING},
        {DUCKDB_TYPE_BLOB, FIELD_BINARY},           {DUCKDB_TYPE_TIMESTAMP, FIELD_DATETIME},
        {DUCKDB_TYPE_TIMESTAMP_S, FIELD_DATETIME},  {DUCKDB_TYPE_TIMESTAMP_MS, FIELD_DATETIME},
        {DUCKDB_TYPE_TIMESTAMP_NS, FIELD_DATETIME}, {DUCKDB_TYPE_TIMESTAMP_TZ, FIELD_DATETIME},
        {DUCKDB_TYPE_SQLNULL, FIELD_DOUBLE},
    };
    for (size_t i = 0; i < countof(table); i++)
        if (table[i].from == t) {
            *ret = table[i].to;
            return true;
        }
    return false;
}

static void sink_enum(sinks *q, sink *s, duckdb_logical_type t)
{
    s->inner = q->lib->enum_internal_type(t);
    size_t n = q->lib->enum_dictionary_size(t);
    s->words = arena_array(q->a, str, n);
    for (size_t i = 0; i < n; i++) {
        char *word = q->lib->enum_dictionary_value(t, i);
        s->words[i] = str_dup(q->a, str_of(word));
        q->lib->free(word);
    }
}

static err sinks_init(sinks *q, duckdb_result *r)
{
    q->n = q->lib->column_count(r);
    q->v = arena_array(q->a, sink, q->n);
    for (size_t i = 0; i < q->n; i++) {
        sink *s = &q->v[i];
        s->type = q->lib->column_type(r, i);
        s->c.name = str_dup(q->a, str_of(q->lib->column_name(r, i)));
        if (!field_of(s->type, &s->c.type))
            return err_set(
                ERR_INVALID,
                "%s: column \"%.*s\" has a type that a frame cannot hold (nested, time or "
                "interval); cast it in the query",
                q->what, STR_ARG(s->c.name));
        s->c.store = column_store_of(s->c.type);
        duckdb_logical_type t = q->lib->column_logical_type(r, i);
        if (s->type == DUCKDB_TYPE_DECIMAL) {
            s->inner = q->lib->decimal_internal_type(t);
            s->unit = pow(10, q->lib->decimal_scale(t));
        }
        if (s->type == DUCKDB_TYPE_ENUM) sink_enum(q, s, t);
        q->lib->destroy_logical_type(&t);
    }
    return ERR_OK;
}

static void sinks_grow(sinks *q, size_t rows)
{
    if (rows <= q->cap) return;
    size_t cap = q->cap ? q->cap : 2048;
    while (cap < rows)
        cap *= 2;
    for (size_t i = 0; i < q->n; i++) {
        column *c = &q->v[i].c;
        c->i64 = mem_grow(c->i64, cap, cell_size(c->store));
        if (c->valid) c->valid = mem_grow(c->valid, cap, 1);
    }
    q->cap = cap;
}

#define WIDEN(out, T, data, n)                                                                     \
    do {                                                                                           \
        const T *from_ = (data);                                                                   \
        for (size_t i_ = 0; i_ < (n); i_++)                                                        \
            (out)[i_] = from_[i_];                                                                 \
    } while (0)

static void fill_integer(duckdb_type t, const void *data, size_t n, int64_t *out)
{
    if (t == DUCKDB_TYPE_BOOLEAN || t == DUCKDB_TYPE_UTINYINT)
        WIDEN(out, uint8_t, data, n);
    else if (t == DUCKDB_TYPE_TINYINT)
        WIDEN(out, int8_t, data, n); // NOLINT(bugprone-signed-char-misuse,cert-str34-c): a number
    else if (t == DUCKDB_TYPE_SMALLINT)
        WIDEN(out, int16_t, data, n);
    else if (t == DUCKDB_TYPE_USMALLINT)
        WIDEN(out, uint16_t, data, n);
    else if (t == DUCKDB_TYPE_INTEGER)
        WIDEN(out, int32_t, data, n);
    else if (t == DUCKDB_TYPE_UINTEGER)
        WIDEN(out, uint32_t, data, n);
    else
        memcpy(out, data, n * sizeof *out); /* BIGINT, UBIGINT, TIMESTAMP, TIMESTAMP_TZ */
}

static err check_unsigned(const sinks *q, const sink *s, const uint64_t *mask, const int64_t *v,
                          size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (v[i] < 0 && duck_valid(mask, i))
            return err_set(ERR_LIMIT,
                           "%s: column \"%.*s\", row %zu: %llu is over 2^63 - 1; cast it to DOUBLE",
                           q->what, STR_ARG(s->c.name), q->rows + i, (unsigned long long)v[i]);
    return ERR_OK;
}

/* Timestamps of other units, to microseconds; the infinite ones stay what they are. */
static void fill_timestamp(duckdb_type t, const int64_t *from, size_t n, int64_t *out)
{
    int64_t times = t == DUCKDB_TYPE_TIMESTAMP_S ? 1000000 : 1000;
    for (size_t i = 0; i < n; i++) {
        int64_t v = from[i];
        if (v == INT64_MAX || v == -INT64_MAX)
            out[i] = v;
        else if (t == DUCKDB_TYPE_TIMESTAMP_NS)
            out[i] = v / 1000 - (v % 1000 < 0);
        else if (__builtin_mul_overflow(v, times, &out[i]))
            out[i] = v < 0 ? -INT64_MAX : INT64_MAX;
    }
}

static void fill_decimal(const sinks *q, const sink *s, const void *data, size_t n, double *out)
{
    if (s->inner == DUCKDB_TYPE_HUGEINT) {
        const duckdb_hugeint *from = data;
        for (size_t i = 0; i < n; i++)
            out[i] = q->lib->hugeint_to_double(from[i]);
    } else if (s->inner == DUCKDB_TYPE_SMALLINT) {
        WIDEN(out, int16_t, data, n);
    } else if (s->inner == DUCKDB_TYPE_INTEGER) {
        WIDEN(out, int32_t, data, n);
    } else {
        const int64_t *from = data;
        for (size_t i = 0; i < n; i++)
            out[i] = (double)from[i];
    }
    for (size_t i = 0; i < n; i++)
        out[i] /= s->unit;
}

static void fill_double(const sinks *q, const sink *s, const void *data, size_t n, double *out)
{
    if (s->type == DUCKDB_TYPE_DOUBLE)
        memcpy(out, data, n * sizeof *out);
    else if (s->type == DUCKDB_TYPE_FLOAT)
        WIDEN(out, float, data, n);
    else if (s->type == DUCKDB_TYPE_DECIMAL)
        fill_decimal(q, s, data, n, out);
    else
        for (size_t i = 0; i < n; i++)
            out[i] = s->type == DUCKDB_TYPE_HUGEINT
                         ? q->lib->hugeint_to_double(((const duckdb_hugeint *)data)[i])
                     : s->type == DUCKDB_TYPE_UHUGEINT
                         ? q->lib->uhugeint_to_double(((const duckdb_uhugeint *)data)[i])
                         : (double)NAN;
}

static str uuid_text(arena *a, duckdb_hugeint v)
{
    uint64_t hi = (uint64_t)v.upper ^ (1ull << 63); /* stored so that it sorts as a signed number */
    return str_fmt(a, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(hi >> 32),
                   (unsigned)(hi >> 16 & 0xffff), (unsigned)(hi & 0xffff),
                   (unsigned)(v.lower >> 48), (unsigned long long)(v.lower & 0xffffffffffffull));
}

static str date_text(arena *a, int32_t days)
{
    if (days == INT32_MAX) return STR("infinity");
    if (days == -INT32_MAX) return STR("-infinity");
    char text[TIME_PRINT_MAX];
    return str_dup(a, str_of(date_print((int64_t)days * 86400000, text)));
}

/* The strings of one vector are copied into one block. */
static void fill_bytes(arena *a, const duckdb_string_t *from, const uint64_t *mask, size_t n,
                       str *out)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        if (duck_valid(mask, i)) total += from[i].value.inlined.length;
    char *p = arena_alloc_raw(a, total + 1, 1);
    for (size_t i = 0; i < n; i++) {
        str s = duck_valid(mask, i) ? duck_string(&from[i]) : STR("");
        if (s.n) memcpy(p, s.p, s.n);
        out[i] = (str){p, s.n};
        p += s.n;
    }
}

static size_t word_of(const sink *s, const void *data, size_t i)
{
    if (s->inner == DUCKDB_TYPE_UTINYINT) return ((const uint8_t *)data)[i];
    if (s->inner == DUCKDB_TYPE_USMALLINT) return ((const uint16_t *)data)[i];
    return ((const uint32_t *)data)[i];
}

static void fill_string(const sinks *q, const sink *s, const void *data, const uint64_t *mask,
                        size_t n, str *out)
{
    if (s->type == DUCKDB_TYPE_VARCHAR || s->type == DUCKDB_TYPE_BLOB) {
        fill_bytes(q->a, data, mask, n, out);
        return;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = !duck_valid(mask, i)          ? STR("")
                 : s->type == DUCKDB_TYPE_DATE ? date_text(q->a, ((const int32_t *)data)[i])
                 : s->type == DUCKDB_TYPE_UUID ? uuid_text(q->a, ((const duckdb_hugeint *)data)[i])
                                               : s->words[word_of(s, data, i)];
}

/* fill_nulls marks what is missing, and makes it NaN or 0 whatever stood in the vector. */
static void fill_nulls(sinks *q, sink *s, const uint64_t *mask, size_t n)
{
    column *c = &s->c;
    if (!c->valid && mask) {
        c->valid = mem_grow(NULL, q->cap, 1);
        memset(c->valid, 1, q->rows);
    }
    if (!c->valid) return;
    for (size_t i = 0, at = q->rows; i < n; i++, at++) {
        c->valid[at] = duck_valid(mask, i);
        if (c->valid[at]) continue;
        if (c->store == STORE_I64) c->i64[at] = 0;
        if (c->store == STORE_F64) c->f64[at] = (double)NAN;
    }
}

static err fill_column(sinks *q, sink *s, duckdb_vector v, size_t n)
{
    const void *data = q->lib->vector_get_data(v);
    const uint64_t *mask = q->lib->vector_get_validity(v);
    bool other_unit = s->type == DUCKDB_TYPE_TIMESTAMP_S || s->type == DUCKDB_TYPE_TIMESTAMP_MS ||
                      s->type == DUCKDB_TYPE_TIMESTAMP_NS;
    if (s->c.store == STORE_F64)
        fill_double(q, s, data, n, s->c.f64 + q->rows);
    else if (s->c.store == STORE_STR)
        fill_string(q, s, data, mask, n, s->c.s + q->rows);
    else if (other_unit)
        fill_timestamp(s->type, data, n, s->c.i64 + q->rows);
    else
        fill_integer(s->type, data, n, s->c.i64 + q->rows);
    if (s->type == DUCKDB_TYPE_UBIGINT) TRY(check_unsigned(q, s, mask, s->c.i64 + q->rows, n));
    fill_nulls(q, s, mask, n);
    return ERR_OK;
}

static err fill_chunk(sinks *q, duckdb_data_chunk chunk)
{
    size_t n = q->lib->data_chunk_get_size(chunk);
    if (n > DUCK_ROWS_MAX - q->rows)
        return err_set(ERR_LIMIT, "%s: more than %d rows", q->what, DUCK_ROWS_MAX);
    sinks_grow(q, q->rows + n);
    for (size_t i = 0; i < q->n; i++)
        TRY(fill_column(q, &q->v[i], q->lib->data_chunk_get_vector(chunk, i), n));
    q->rows += n;
    return ERR_OK;
}

static err fill_all(sinks *q, duckdb_result *r)
{
    TRY(sinks_init(q, r));
    duckdb_data_chunk chunk;
    err e = ERR_OK;
    while (!e && (chunk = q->lib->fetch_chunk(*r))) {
        e = fill_chunk(q, chunk);
        q->lib->destroy_data_chunk(&chunk);
    }
    if (e) return e;
    const char *why = q->lib->result_error(r); /* a streamed result may fail on the way */
    return why && *why ? duck_err(q->what, why) : ERR_OK;
}

/* sinks_end hands the columns to the arena, or frees them. */
static frame *sinks_end(sinks *q, bool keep)
{
    frame *f = NULL;
    if (keep) {
        f = arena_new_of(q->a, frame);
        *f = (frame){.n_rows = q->rows, .n_cols = q->n, .cols = arena_array(q->a, column, q->n)};
    }
    for (size_t i = 0; i < q->n; i++) {
        column *c = &q->v[i].c;
        if (!keep) {
            mem_free(c->i64);
            mem_free(c->valid);
            continue;
        }
        c->i64 = mem_grow(c->i64, q->rows + 1, cell_size(c->store));
        arena_on_free(q->a, mem_free, c->i64);
        if (c->valid) arena_on_free(q->a, mem_free, c->valid);
        f->cols[i] = *c;
    }
    return f;
}

static err run(duck *d, const char *what, const char *sql, sinks *q)
{
    duckdb_prepared_statement p = NULL;
    duckdb_pending_result pending = NULL;
    duckdb_result r = {0};
    err e = ERR_OK;
    if (d->lib->prepare(d->con, sql, &p) != DuckDBSuccess)
        e = duck_err(what, d->lib->prepare_error(p));
    else if (d->lib->pending_prepared_streaming(p, &pending) != DuckDBSuccess)
        e = duck_err(what, d->lib->pending_error(pending));
    else if (d->lib->execute_pending(pending, &r) != DuckDBSuccess)
        e = duck_err(what, d->lib->result_error(&r));
    else
        e = fill_all(q, &r);
    d->lib->destroy_result(&r);
    if (pending) d->lib->destroy_pending(&pending);
    d->lib->destroy_prepare(&p);
    duck_handover();
    return e;
}

err duck_query(duck *d, arena *a, const char *what, const char *sql, frame **ret)
{
    assert(d && a && what && sql && ret);
    sinks q = {.lib = d->lib, .a = a, .what = what};
    err e = run(d, what, sql, &q);
    frame *f = sinks_end(&q, !e);
    if (!e) *ret = f;
    return e;
}
