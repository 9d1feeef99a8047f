/* When a row fails an expectation. Nulls pass all but not_null and finite, as in Great
 * Expectations; NaN fails every comparison, where DuckDB alone would take it for the greatest
 * number. */
#include <assert.h>
#include <math.h>

#include "expectations/suite_int.h"

static bool is_number(str type)
{
    static const char *const names[] = {"TINYINT", "SMALLINT", "INTEGER",   "BIGINT",
                                        "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
                                        "UBIGINT", "UHUGEINT", "FLOAT",     "DOUBLE"};
    for (size_t i = 0; i < countof(names); i++)
        if (str_is(type, names[i])) return true;
    return str_starts(type, "DECIMAL(") && !str_ends(type, "]");
}

static bool is_float(str type)
{
    return str_is(type, "FLOAT") || str_is(type, "DOUBLE");
}

static err want_number(const expectation *x, const duck_column *c)
{
    if (is_number(c->type)) return ERR_OK;
    return err_set(ERR_INVALID, "expectation %.*s: column \"%.*s\" is %.*s; want a number",
                   STR_ARG(x->name), STR_ARG(c->name), STR_ARG(c->type));
}

static void put_f64(buf *b, double v)
{
    char text[F64_PRINT_MAX];
    size_t n = f64_print(v, text);
    buf_fmt(b, "'%.*s'::DOUBLE", (int)n, text);
}

static err put_between(const expectation *x, const duck_column *c, const char *name, buf *b)
{
    bool low = x->min > -(double)INFINITY || x->strict_min,
         high = x->max < (double)INFINITY || x->strict_max;
    TRY(want_number(x, c));
    if (isnan(x->min) || isnan(x->max) || (!low && !high))
        return err_set(ERR_INVALID, "expectation %.*s: want min, max or both", STR_ARG(x->name));
    if (x->min > x->max)
        return err_set(ERR_INVALID, "expectation %.*s: min %g is over max %g", STR_ARG(x->name),
                       x->min, x->max);
    buf_fmt(b, "(%s IS NOT NULL AND (", name);
    if (is_float(c->type)) buf_fmt(b, "isnan(%s) OR ", name);
    if (low) {
        buf_fmt(b, "%s %s ", name, x->strict_min ? "<=" : "<");
        put_f64(b, x->min);
    }
    if (high) {
        buf_fmt(b, "%s%s %s ", low ? " OR " : "", name, x->strict_max ? ">=" : ">");
        put_f64(b, x->max);
    }
    buf_puts(b, STR("))"));
    return ERR_OK;
}

/* The values are compared as the column's own type, so that 1 is 1.0. */
static err put_in_set(arena *a, const expectation *x, const duck_column *c, const char *name,
                      buf *b)
{
    bool as_text = str_starts(c->type, "ENUM(");
    if (!x->n_values)
        return err_set(ERR_INVALID, "expectation %.*s: value_set is empty", STR_ARG(x->name));
    buf_fmt(b, "(%s IS NOT NULL AND %s%s NOT IN (", name, name, as_text ? "::VARCHAR" : "");
    for (size_t i = 0; i < x->n_values; i++)
        buf_fmt(b, "%sCAST(%s AS %.*s)", i ? ", " : "", duck_literal(a, x->values[i]).p,
                as_text ? 7 : (int)c->type.n, as_text ? "VARCHAR" : c->type.p);
    buf_puts(b, STR("))"));
    return ERR_OK;
}

err expect_bad_sql(arena *a, const expectation *x, const duck_column *c, buf *b)
{
    const char *name = c ? duck_ident(a, c->name).p : "";
    assert(c || x->kind == EXPECT_CONDITION);
    switch (x->kind) {
    case EXPECT_NOT_NULL:
        buf_fmt(b, "(%s IS NULL)", name);
        return ERR_OK;
    case EXPECT_FINITE:
        TRY(want_number(x, c));
        buf_fmt(b, is_float(c->type) ? "(%s IS NULL OR NOT isfinite(%s))" : "(%s IS NULL)", name,
                name);
        return ERR_OK;
    case EXPECT_BETWEEN:
        return put_between(x, c, name, b);
    case EXPECT_IN_SET:
        return put_in_set(a, x, c, name, b);
    case EXPECT_UNIQUE:
        /* The first row of a value is good, the later ones fail. */
        buf_fmt(b,
                "(%s IS NOT NULL AND row_number() OVER (PARTITION BY %s ORDER BY " EXPECT_ROW
                ") > 1)",
                name, name);
        return ERR_OK;
    case EXPECT_CONDITION:
        if (!str_trim(x->condition).n)
            return err_set(ERR_INVALID, "expectation %.*s: empty condition", STR_ARG(x->name));
        buf_fmt(b, "(CAST((%.*s\n) AS BOOLEAN) IS NOT TRUE)", STR_ARG(x->condition));
        return ERR_OK;
    case EXPECT_ROW_COUNT:
    case EXPECT_COLUMN:
    case EXPECT_N:
        break;
    }
    return err_set(ERR_INTERNAL, "expectation %.*s is not of rows", STR_ARG(x->name));
}
