#include "filter/sql.h"

#include <assert.h>

#include "base/mem.h"

void sql_init(sql_text *s)
{
    buf_init(&s->b, DB_SQL_MAX);
    s->n_args = 0;
}

void sql_done(sql_text *s)
{
    buf_done(&s->b);
}

void sql_put(sql_text *s, const char *sql)
{
    buf_puts(&s->b, str_of(sql));
}

void sql_put_text(sql_text *s, str value)
{
    if (s->n_args < countof(s->args)) {
        s->args[s->n_args++] = db_text(value);
        buf_putc(&s->b, '?');
        return;
    }
    buf_putc(&s->b, '\'');
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\'') buf_putc(&s->b, '\'');
        buf_putc(&s->b, value.p[i]);
    }
    buf_putc(&s->b, '\'');
}

void sql_put_i64(sql_text *s, int64_t value)
{
    buf_fmt(&s->b, "%lld", (long long)value);
}

void sql_put_i64s(sql_text *s, const int64_t *v, size_t n)
{
    if (!n) sql_put(s, "NULL");
    for (size_t i = 0; i < n; i++) {
        if (i) buf_putc(&s->b, ',');
        sql_put_i64(s, v[i]);
    }
}

void sql_put_texts(sql_text *s, const str *v, size_t n)
{
    assert(n > 0);
    for (size_t i = 0; i < n; i++) {
        if (i) buf_putc(&s->b, ',');
        sql_put_text(s, v[i]);
    }
}

err sql_rows(sql_text *s, db_tx *tx, arena *a, db_rows *ret)
{
    buf_putc(&s->b, 0);
    if (s->b.over)
        return err_set(ERR_INVALID, "search: too long a question, over %d bytes of SQL",
                       DB_SQL_MAX);
    return tx_rows(tx, a, s->b.p, s->args, s->n_args, ret);
}

/* --- terms */
static const char *sql_op(filter_op op)
{
    static const char *const ops[FILTER_OP_N] = {
        [FILTER_EQ] = " = ",  [FILTER_NE] = " <> ",         [FILTER_LT] = " < ",
        [FILTER_LE] = " <= ", [FILTER_GT] = " > ",          [FILTER_GE] = " >= ",
        [FILTER_IN] = " IN ", [FILTER_NOT_IN] = " NOT IN ",
    };
    assert(ops[op]);
    return ops[op];
}

static void put_number(sql_text *to, double v)
{
    char digits[F64_PRINT_MAX];
    size_t n = f64_print(v, digits);
    buf_puts(&to->b, (str){digits, n});
}

static err put_value(sql_text *to, const filter_place *p, const filter_node *n, size_t i)
{
    const filter_value *v = &n->values[i];
    int64_t whole;
    if (v->is_number && !parse_i64(v->text, &whole)) {
        sql_put_i64(to, whole); /* not by way of a double, which would lose digits */
    } else if (v->is_number) {
        put_number(to, v->number);
    } else if (p->text_is_number) {
        if (parse_i64(v->text, &whole))
            return err_set(ERR_INVALID, "Invalid value '%.*s' of %.*s: want an integer in quotes",
                           STR_ARG(v->text), STR_ARG(n->key));
        sql_put_i64(to, whole);
    } else {
        sql_put_text(to, v->text);
    }
    return ERR_OK;
}

/* % and _ as they are; the escape character of the statement stands for itself. */
static void put_like(sql_text *to, const filter_place *p, const filter_node *n)
{
    bool nocase = n->op == FILTER_ILIKE;
    buf_fmt(&to->b, nocase ? "lower(%s) LIKE lower(replace(" : "%s LIKE replace(", p->expr);
    sql_put_text(to, n->values[0].text);
    sql_put(to, nocase ? ", '\\', '\\\\')) ESCAPE '\\'" : ", '\\', '\\\\') ESCAPE '\\'");
}

static err put_comparison(sql_text *to, const filter_place *p, const filter_node *n)
{
    if (n->op == FILTER_LIKE || n->op == FILTER_ILIKE) {
        put_like(to, p, n);
        return ERR_OK;
    }
    if (p->is_nan) buf_fmt(&to->b, n->op == FILTER_NE ? "(%s = 1 OR " : "(%s = 0 AND ", p->is_nan);
    sql_put(to, p->expr);
    sql_put(to, sql_op(n->op));
    bool list = n->op == FILTER_IN || n->op == FILTER_NOT_IN;
    if (list) sql_put(to, "(");
    for (size_t i = 0; i < n->n_values; i++) {
        if (i) sql_put(to, ",");
        TRY(put_value(to, p, n, i));
    }
    if (list) sql_put(to, ")");
    if (p->is_nan) sql_put(to, ")");
    return ERR_OK;
}

static const filter_place *place_of(const filter_node *n, const filter_place *places,
                                    size_t n_places)
{
    for (size_t i = 0; i < n_places; i++)
        if (places[i].entity == n->entity && (!places[i].key || str_is(n->key, places[i].key)))
            return &places[i];
    assert(!"no place for what the rules admit");
    return NULL;
}

static err put_term(sql_text *to, const filter_place *p, const filter_node *n)
{
    bool null_asked = n->op == FILTER_IS_NULL || n->op == FILTER_IS_NOT_NULL;
    if (!p->exists && null_asked) {
        buf_fmt(&to->b, "%s IS %s", p->expr, n->op == FILTER_IS_NULL ? "NULL" : "NOT NULL");
        return ERR_OK;
    }
    if (!p->exists) {
        if (p->may_be_null) buf_fmt(&to->b, "(%s IS NOT NULL AND ", p->expr);
        TRY(put_comparison(to, p, n));
        if (p->may_be_null) sql_put(to, ")");
        return ERR_OK;
    }
    sql_put(to, n->op == FILTER_IS_NULL ? "NOT EXISTS (" : "EXISTS (");
    sql_put(to, p->exists);
    if (!p->key) sql_put_text(to, n->key);
    if (p->rest) sql_put(to, p->rest);
    if (!null_asked) {
        sql_put(to, " AND ");
        TRY(put_comparison(to, p, n));
    }
    sql_put(to, ")");
    return ERR_OK;
}

/* Depth is bounded by FILTER_DEPTH_MAX and FILTER_TERMS_MAX. */
err filter_sql(sql_text *to, const filter_node *n, const filter_place *places, size_t n_places)
{
    if (!n) {
        sql_put(to, "1 = 1");
        return ERR_OK;
    }
    if (n->kind == FILTER_TERM) return put_term(to, place_of(n, places, n_places), n);
    sql_put(to, n->kind == FILTER_NOT ? "NOT (" : "(");
    TRY(filter_sql(to, n->left, places, n_places));
    if (n->kind != FILTER_NOT) {
        sql_put(to, n->kind == FILTER_AND ? " AND " : " OR ");
        TRY(filter_sql(to, n->right, places, n_places));
    }
    sql_put(to, ")");
    return ERR_OK;
}
