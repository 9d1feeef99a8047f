/* A suite as SQL. The rows are read once into a temporary table with one truth value per row
 * expectation (true: the row fails) and the number of the expectation that drops it; counts,
 * samples and the kept rows all come from there, so that they agree even where the source is a
 * random sample. */
#include <assert.h>
#include <math.h>

#include "base/map.h"
#include "expectations/suite_int.h"

enum { EXPECTATIONS_MAX = 1000, SQL_MAX = 16 << 20, NAMES_SHOWN = 40 };

#define CHECKED "\"tidemill checked\""
#define DROPPER "\"tidemill dropper\""

bool expect_is_of_rows(expect_kind k)
{
    return k != EXPECT_ROW_COUNT && k != EXPECT_COLUMN;
}

static const duck_column *column_of(const suite_run_state *r, str name)
{
    for (size_t i = 0; i < r->n_cols; i++)
        if (str_eq(r->cols[i].name, name)) return &r->cols[i];
    return NULL;
}

static err no_column(const suite_run_state *r, const expectation *x)
{
    buf b;
    buf_init(&b, 2048);
    for (size_t i = 0; i < r->n_cols && i < NAMES_SHOWN; i++)
        buf_fmt(&b, "%s%.*s", i ? ", " : "", STR_ARG(r->cols[i].name));
    if (r->n_cols > NAMES_SHOWN) buf_puts(&b, STR(", …"));
    err e = err_set(ERR_INVALID, "expectation %.*s: no column \"%.*s\"; there are: %.*s",
                    STR_ARG(x->name), STR_ARG(x->column), STR_ARG(buf_str(&b)));
    buf_done(&b);
    return e;
}

/* with_name copies an expectation; where it has no name it gets one of its kind and column. */
static expectation with_name(arena *a, const expectation *x)
{
    expectation y = *x;
    if (y.mostly == 0) y.mostly = 1;
    if (!y.name.n && y.column.n)
        y.name = str_fmt(a, "%s(%.*s)", expect_kind_name(y.kind), STR_ARG(y.column));
    if (!y.name.n) y.name = str_of(expect_kind_name(y.kind));
    return y;
}

static err check_suite(suite_run_state *r, const suite *s)
{
    if (s->n > EXPECTATIONS_MAX)
        return err_set(ERR_LIMIT, "suite %.*s: %zu expectations, at most %d", STR_ARG(s->name),
                       s->n, EXPECTATIONS_MAX);
    expectation *v = arena_array(r->a, expectation, s->n);
    map *seen = map_new(r->a);
    for (size_t i = 0; i < s->n; i++) {
        v[i] = with_name(r->a, &s->v[i]);
        if (map_find(seen, v[i].name))
            return err_set(ERR_INVALID,
                           "suite %.*s: two expectations \"%.*s\"; give each its own name",
                           STR_ARG(s->name), STR_ARG(v[i].name));
        map_put(seen, v[i].name, &v[i]);
        if (v[i].action == EXPECT_DROP && !expect_is_of_rows(v[i].kind))
            return err_set(
                ERR_INVALID,
                "expectation %.*s: is about the table, so it cannot drop rows; want fail or warn",
                STR_ARG(v[i].name));
        if (!(v[i].mostly > 0 && v[i].mostly <= 1))
            return err_set(ERR_INVALID,
                           "expectation %.*s: mostly: %g, want a share over 0 and up to 1",
                           STR_ARG(v[i].name), v[i].mostly);
        bool of_column = expect_is_of_rows(v[i].kind) && v[i].kind != EXPECT_CONDITION;
        if (of_column && !column_of(r, v[i].column)) return no_column(r, &v[i]);
    }
    suite *copy = arena_new_of(r->a, suite);
    *copy = (suite){s->name, v, s->n};
    r->suite = copy;
    return ERR_OK;
}

/* put_bad writes the condition under which a row fails; checked with DuckDB, so that a mistake
 * names its expectation. */
static err put_bad(suite_run_state *r, const expectation *x, buf *b)
{
    buf one;
    buf_init(&one, SQL_MAX);
    err e =
        expect_bad_sql(r->a, x, x->kind == EXPECT_CONDITION ? NULL : column_of(r, x->column), &one);
    if (!e) e = buf_err(&one, "the SQL of an expectation");
    if (!e) {
        AUTO(arena) a = arena_new(0);
        const char *what = cstr_fmt(a, "expectation %.*s", STR_ARG(x->name));
        /* The column beside it makes an aggregate a mistake, which it is. */
        str sql =
            str_fmt(a, "SELECT " EXPECT_ROW ", %.*s FROM %s", STR_ARG(buf_str(&one)), r->rows);
        e = duck_check_select(r->d, what, sql);
        buf_puts(b, buf_str(&one));
    }
    buf_done(&one);
    return e;
}

/* put_checked: CREATE … AS SELECT *, b0, b1, …, dropper. */
static err put_checked(suite_run_state *r, buf *b)
{
    const suite *s = r->suite;
    buf_puts(b, STR("CREATE OR REPLACE TEMP TABLE " CHECKED " AS SELECT *, CASE"));
    bool drops = false;
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].action == EXPECT_DROP) {
            buf_fmt(b, " WHEN \"tidemill bad %zu\" THEN %zu", i, i);
            drops = true;
        }
    buf_fmt(b, "%s END AS " DROPPER " FROM (SELECT *", drops ? "" : " WHEN false THEN 0");
    for (size_t i = 0; i < s->n; i++) {
        if (!expect_is_of_rows(s->v[i].kind)) continue;
        buf_puts(b, STR(", "));
        TRY(put_bad(r, &s->v[i], b));
        buf_fmt(b, " AS \"tidemill bad %zu\"", i);
    }
    /* The number keeps the order of the rows, whatever window a UNIQUE sorts by. */
    buf_fmt(b, " FROM %s) ORDER BY " EXPECT_ROW, r->rows);
    buf_putc(b, 0);
    return buf_err(b, "the SQL of a suite");
}

static err run_sql(suite_run_state *r, err (*put)(suite_run_state *r, buf *b))
{
    buf b;
    buf_init(&b, SQL_MAX);
    err e = put(r, &b);
    if (!e) e = duck_exec(r->d, r->what, b.p);
    buf_done(&b);
    return e;
}

static err put_kept(suite_run_state *r, buf *b)
{
    buf_fmt(b, "CREATE OR REPLACE TABLE %s AS SELECT * EXCLUDE (" EXPECT_ROW ", " DROPPER,
            duck_ident(r->a, str_of(r->kept)).p);
    for (size_t i = 0; i < r->suite->n; i++)
        if (expect_is_of_rows(r->suite->v[i].kind)) buf_fmt(b, ", \"tidemill bad %zu\"", i);
    buf_puts(b, STR(") FROM " CHECKED " WHERE " DROPPER " IS NULL ORDER BY " EXPECT_ROW));
    buf_putc(b, 0);
    return buf_err(b, "the SQL of a suite");
}

/* count reads rows, kept, and per expectation failing and dropped rows in one pass. */
static err count(suite_run_state *r, expectation_result *v, suite_report *out)
{
    const suite *s = r->suite;
    buf b;
    frame *f;
    buf_init(&b, SQL_MAX);
    buf_puts(&b, STR("SELECT count(*), count(*) FILTER (" DROPPER " IS NULL)"));
    for (size_t i = 0; i < s->n; i++)
        if (expect_is_of_rows(s->v[i].kind))
            buf_fmt(&b,
                    ", count(*) FILTER (\"tidemill bad %zu\"), count(*) FILTER (" DROPPER " = %zu)",
                    i, i);
    buf_puts(&b, STR(" FROM " CHECKED));
    buf_putc(&b, 0);
    err e = buf_err(&b, "the SQL of a suite");
    if (!e) e = duck_query(r->d, r->a, r->what, b.p, &f);
    buf_done(&b);
    if (e) return e;
    out->rows = f->cols[0].i64[0];
    out->kept = f->cols[1].i64[0];
    out->dropped = out->rows - out->kept;
    for (size_t i = 0, c = 2; i < s->n; i++)
        if (expect_is_of_rows(s->v[i].kind)) {
            v[i].unexpected = f->cols[c].i64[0];
            v[i].dropped = f->cols[c + 1].i64[0];
            c += 2;
        }
    return ERR_OK;
}

static bool count_between(const expectation *x, int64_t rows)
{
    double n = (double)rows;
    return (x->strict_min ? n > x->min : n >= x->min) && (x->strict_max ? n < x->max : n <= x->max);
}

static void judge_table(const suite_run_state *r, const expectation *x, int64_t rows,
                        expectation_result *out)
{
    bool ok = x->kind == EXPECT_COLUMN ? column_of(r, x->column) != NULL : count_between(x, rows);
    out->unexpected = !ok;
    out->passed = ok;
    out->sample = ok                            ? STR("[]")
                  : x->kind == EXPECT_ROW_COUNT ? str_fmt(r->a, "[%lld]", (long long)rows)
                                                : STR("[]");
}

static err judge(suite_run_state *r, expectation_result *v, suite_report *out)
{
    out->passed = true;
    for (size_t i = 0; i < r->suite->n; i++) {
        const expectation *x = &r->suite->v[i];
        v[i].of = x;
        if (!expect_is_of_rows(x->kind)) {
            judge_table(r, x, out->rows, &v[i]);
        } else {
            v[i].passed = (double)(out->rows - v[i].unexpected) >= x->mostly * (double)out->rows;
            v[i].sample = STR("[]");
            if (v[i].unexpected)
                TRY(expect_sample(
                    r, x,
                    cstr_fmt(r->a, CHECKED " WHERE \"tidemill bad %zu\" ORDER BY " EXPECT_ROW, i),
                    &v[i].sample));
        }
        if (x->action == EXPECT_FAIL && !v[i].passed) out->passed = false;
    }
    return ERR_OK;
}

static err nothing_left(const suite_run_state *r, const suite_report *p)
{
    if (!p->rows) return err_set(ERR_INVALID, "%s: there are no rows", r->what);
    buf b;
    buf_init(&b, 1500);
    for (size_t i = 0; i < r->suite->n; i++)
        if (p->v[i].dropped)
            buf_fmt(&b, "%s%.*s %lld", b.n ? ", " : "", STR_ARG(r->suite->v[i].name),
                    (long long)p->v[i].dropped);
    err e = err_set(ERR_INVALID, "%s: all %lld rows were dropped: %.*s", r->what,
                    (long long)p->rows, STR_ARG(buf_str(&b)));
    buf_done(&b);
    return e;
}

static err run(suite_run_state *r, const suite *s, suite_report *ret)
{
    TRY(duck_describe(r->d, r->a, r->what, str_fmt(r->a, "SELECT * FROM %s", r->from), &r->cols,
                      &r->n_cols));
    TRY(check_suite(r, s));
    TRY(run_sql(r, put_checked));
    expectation_result *v = arena_array(r->a, expectation_result, s->n);
    suite_report out = {.of = r->suite, .v = v};
    TRY(count(r, v, &out));
    if (!out.kept) return nothing_left(r, &out);
    TRY(judge(r, v, &out));
    TRY(run_sql(r, put_kept));
    *ret = out;
    return ERR_OK;
}

err suite_run(duck *d, arena *a, const suite *s, const char *relation, const char *kept,
              suite_report *ret)
{
    assert(d && a && s && relation && kept && ret);
    suite_run_state r = {
        .d = d,
        .a = a,
        .kept = kept,
        .from = duck_relation(a, str_of(relation)).p,
        .rows = cstr_fmt(a, "(SELECT *, row_number() OVER () AS " EXPECT_ROW " FROM %s)",
                         duck_relation(a, str_of(relation)).p),
        .what = cstr_fmt(a, "suite %.*s over %s", STR_ARG(s->name), relation)};
    err e = run(&r, s, ret);
    if (e) {
        /* The clean-up must not write over the message. */
        AUTO(arena) scratch = arena_new(0);
        const char *why = cstr_fmt(scratch, "%s", err_message());
        (void)!duck_exec(d, r.what, "DROP TABLE IF EXISTS " CHECKED);
        return err_set(e, "%s", why);
    }
    return duck_exec(d, r.what, "DROP TABLE IF EXISTS " CHECKED);
}
