/* Samples of failing rows, and the report as JSON. */
#include "expectations/suite_int.h"

enum { SAMPLE_ROWS = 5, SAMPLE_COLUMNS = 20, SAMPLE_MAX = 64 << 10 };

/* Types that a frame holds as they are; all others are shown as text. */
static bool is_plain(str type)
{
    return str_is(type, "VARCHAR") || str_is(type, "BOOLEAN") || str_is(type, "DATE") ||
           str_is(type, "DOUBLE") || str_is(type, "FLOAT") || str_ends(type, "INT") ||
           str_is(type, "INTEGER");
}

static void put_column(buf *b, arena *a, const duck_column *c)
{
    const char *name = duck_ident(a, c->name).p;
    if (is_plain(c->type))
        buf_puts(b, str_of(name));
    else
        buf_fmt(b, "CAST(%s AS VARCHAR) AS %s", name, name);
}

static void put_cell(jw *w, const column *c, size_t row)
{
    if (column_is_null(c, row))
        jw_null(w);
    else if (c->type == FIELD_BOOLEAN)
        jw_bool(w, c->i64[row] != 0);
    else if (c->store == STORE_I64)
        jw_i64(w, c->i64[row]);
    else if (c->store == STORE_F64)
        jw_f64(w, c->f64[row]);
    else
        jw_str(w, c->s[row]);
}

static void put_rows(jw *w, const frame *f, bool whole)
{
    jw_arr(w);
    for (size_t i = 0; i < f->n_rows; i++) {
        if (whole) jw_obj(w);
        for (size_t k = 0; k < f->n_cols; k++) {
            if (whole) jw_key_str(w, f->cols[k].name);
            put_cell(w, &f->cols[k], i);
        }
        if (whole) jw_obj_end(w);
    }
    jw_arr_end(w);
}

err expect_sample(suite_run_state *r, const expectation *x, const char *rows, str *ret)
{
    AUTO(arena) scratch = arena_new(0);
    bool whole = x->kind == EXPECT_CONDITION;
    frame *f;
    buf b;
    buf_init(&b, SAMPLE_MAX);
    buf_puts(&b, STR("SELECT "));
    for (size_t i = 0, n = 0; i < r->n_cols && n < SAMPLE_COLUMNS; i++) {
        if (!whole && !str_eq(r->cols[i].name, x->column)) continue;
        if (n++) buf_puts(&b, STR(", "));
        put_column(&b, scratch, &r->cols[i]);
    }
    buf_fmt(&b, " FROM %s LIMIT %d", rows, SAMPLE_ROWS);
    buf_putc(&b, 0);
    err e = buf_err(&b, "the SQL of a sample");
    if (!e) e = duck_query(r->d, scratch, r->what, b.p, &f);
    buf_reset(&b);
    if (!e) {
        jw w;
        jw_init(&w, &b, false);
        put_rows(&w, f, whole);
        /* Five values too long for a report are left out rather than cut. */
        *ret = b.over ? STR("[]") : str_dup(r->a, buf_str(&b));
    }
    buf_done(&b);
    return e;
}

static const char *action_name(expect_action a)
{
    return a == EXPECT_DROP ? "drop" : a == EXPECT_FAIL ? "fail" : "warn";
}

static void put_result(jw *w, const expectation_result *v)
{
    jw_obj(w);
    jw_kstr(w, "name", v->of->name);
    jw_kcstr(w, "expectation", expect_kind_name(v->of->kind));
    if (v->of->column.n) jw_kstr(w, "column", v->of->column);
    if (v->of->condition.n) jw_kstr(w, "condition", v->of->condition);
    jw_kcstr(w, "on_fail", action_name(v->of->action));
    jw_kbool(w, "passed", v->passed);
    jw_ki64(w, "unexpected", v->unexpected);
    jw_ki64(w, "dropped", v->dropped);
    jw_key(w, "sample");
    jw_raw(w, v->sample);
    jw_obj_end(w);
}

void suite_report_json(jw *w, const suite_report *r)
{
    jw_obj(w);
    jw_kstr(w, "suite", r->of->name);
    jw_kbool(w, "passed", r->passed);
    jw_ki64(w, "rows", r->rows);
    jw_ki64(w, "kept", r->kept);
    jw_ki64(w, "dropped", r->dropped);
    jw_key(w, "expectations");
    jw_arr(w);
    for (size_t i = 0; i < r->of->n; i++)
        put_result(w, &r->v[i]);
    jw_arr_end(w);
    jw_obj_end(w);
}
