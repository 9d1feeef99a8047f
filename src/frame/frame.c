#include "frame/frame.h"

#include <assert.h>
#include <math.h>

#include "base/buf.h"

enum { NAMES_SHOWN_MAX = 20 };

column_store column_store_of(field_type t)
{
    assert((unsigned)t < FIELD_N);
    if (t == FIELD_FLOAT || t == FIELD_DOUBLE) return STORE_F64;
    return t == FIELD_STRING || t == FIELD_BINARY ? STORE_STR : STORE_I64;
}

frame *frame_new(arena *a, const schema *s, size_t n_rows)
{
    assert(a && s);
    frame *f = arena_new_of(a, frame);
    f->n_rows = n_rows;
    f->n_cols = s->n;
    f->cols = arena_array(a, column, s->n);
    for (size_t i = 0; i < s->n; i++) {
        column *c = &f->cols[i];
        *c = (column){.name = s->fields[i].name,
                      .type = s->fields[i].type,
                      .store = column_store_of(s->fields[i].type)};
        switch (c->store) {
        case STORE_I64:
            c->i64 = arena_array(a, int64_t, n_rows);
            break;
        case STORE_F64:
            c->f64 = arena_array(a, double, n_rows);
            break;
        case STORE_STR:
            c->s = arena_array(a, str, n_rows);
            break;
        }
    }
    return f;
}

static const column *find(const frame *f, str name)
{
    for (size_t i = 0; i < f->n_cols; i++) {
        if (str_eq(f->cols[i].name, name)) return &f->cols[i];
    }
    return NULL;
}

const column *frame_find(const frame *f, const char *name)
{
    assert(f && name);
    return find(f, str_of(name));
}

static err missing(const frame *f, str name)
{
    buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; i < f->n_cols && i < NAMES_SHOWN_MAX; i++) {
        str c = f->cols[i].name;
        buf_fmt(&b, "%s%.*s", i ? ", " : "", (int)(c.n < 100 ? c.n : 100), c.p);
    }
    if (f->n_cols > NAMES_SHOWN_MAX) buf_fmt(&b, ", and %zu more", f->n_cols - NAMES_SHOWN_MAX);
    err e =
        err_set(ERR_MISSING, "no column \"%.*s\"; there %s %s%.*s", STR_ARG(name),
                f->n_cols == 1 ? "is" : "are", f->n_cols ? "" : "no columns", STR_ARG(buf_str(&b)));
    buf_done(&b);
    return e;
}

err frame_need(const frame *f, const char *name, const column **ret)
{
    assert(f && name && ret);
    const column *c = frame_find(f, name);
    if (!c) return missing(f, str_of(name));
    *ret = c;
    return ERR_OK;
}

bool column_is_null(const column *c, size_t row)
{
    return c->valid && !c->valid[row];
}

double column_f64(const column *c, size_t row)
{
    if (column_is_null(c, row) || !field_type_numeric(c->type)) return NAN;
    return c->store == STORE_F64 ? c->f64[row] : (double)c->i64[row];
}

err frame_matrix(arena *a, const frame *f, const str *names, size_t n, matrix *ret)
{
    assert(a && f && (names || !n) && ret);
    size_t cells = 0, bytes = 0;
    if (!size_mul(f->n_rows, n, &cells) || !size_mul(cells, sizeof(double), &bytes))
        return err_set(ERR_LIMIT, "frame: %zu rows of %zu columns are too many", f->n_rows, n);
    matrix m = {.rows = f->n_rows, .cols = n, .stride = n};
    m.v = arena_alloc_raw(a, cells, sizeof(double));
    for (size_t j = 0; j < n; j++) {
        const column *c = find(f, names[j]);
        if (!c) {
            err ignored = missing(f, names[j]);
            (void)ignored;
            return err_set(ERR_INVALID, "%s", cstr_fmt(a, "%s", err_message()));
        }
        if (!field_type_numeric(c->type))
            return err_set(ERR_INVALID, "column \"%.*s\" is a %s, want a number", STR_ARG(names[j]),
                           field_type_name(c->type));
        for (size_t i = 0; i < f->n_rows; i++)
            m.v[i * n + j] = column_f64(c, i);
    }
    *ret = m;
    return ERR_OK;
}

void frame_schema(arena *a, const frame *f, schema *ret)
{
    assert(a && f && ret);
    schema s = {.fields = arena_array(a, field, f->n_cols), .n = f->n_cols};
    for (size_t i = 0; i < f->n_cols; i++) {
        const column *c = &f->cols[i];
        s.fields[i] = (field){.name = c->name, .type = c->type, .required = !c->valid};
    }
    *ret = s;
}
