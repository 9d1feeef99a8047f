#include "features/features.h"

#include <assert.h>

#include "base/buf.h"

enum { FEATURES_MAX = 4096, SQL_MAX = 64 << 20 };

/* The position of a row while expressions are computed; a name that no source has. */
#define ROW "\"tidemill row\""

/* inner: the rows of relation, numbered. */
static str numbered(arena *a, const char *relation)
{
    return str_fmt(a, "(SELECT row_number() OVER () - 1 AS " ROW ", * FROM %s)",
                   duck_relation(a, str_of(relation)).p);
}

/* check_one: the expression alone. The row's number beside it makes an aggregate a mistake, which
 * it is. */
static err check_one(duck *d, const char *role, const feature_def *f, str rows)
{
    AUTO(arena) a = arena_new(0);
    const char *what = cstr_fmt(a, "%s \"%.*s\"", role, STR_ARG(f->name));
    if (!str_trim(f->sql).n) return err_set(ERR_INVALID, "%s: empty expression", what);
    return duck_check_select(
        d, what, str_fmt(a, "SELECT " ROW ", (%.*s\n) FROM %.*s", STR_ARG(f->sql), STR_ARG(rows)));
}

/* cast_of: integers and truth values to BIGINT, other numbers to DOUBLE; what is no number stays
 * what it is. */
static const char *cast_of(str type)
{
    static const char *const integers[] = {"BOOLEAN", "TINYINT",  "SMALLINT",  "INTEGER",
                                           "BIGINT",  "UTINYINT", "USMALLINT", "UINTEGER",
                                           "UBIGINT", "HUGEINT",  "UHUGEINT"};
    for (size_t i = 0; i < countof(integers); i++)
        if (str_is(type, integers[i])) return "BIGINT";
    if (str_is(type, "FLOAT") || str_is(type, "DOUBLE") ||
        (str_starts(type, "DECIMAL(") && !str_ends(type, "]")))
        return "DOUBLE";
    return NULL;
}

/* Every expression that is selected, in the order of the columns. */
typedef struct selection {
    const feature_def **v;
    size_t n;
} selection;

static selection all_of(arena *a, const feature_spec *f)
{
    selection s = {.v = arena_array(a, const feature_def *, f->n + 1)};
    for (size_t i = 0; i < f->n; i++)
        s.v[s.n++] = &f->v[i];
    if (f->label.name.n) s.v[s.n++] = &f->label;
    return s;
}

static err check_names(const feature_spec *f, const selection *s)
{
    if (!f->n) return err_set(ERR_INVALID, "features %.*s: none given", STR_ARG(f->name));
    if (f->n > FEATURES_MAX)
        return err_set(ERR_LIMIT, "features %.*s: %zu, at most %d", STR_ARG(f->name), f->n,
                       FEATURES_MAX);
    for (size_t i = 0; i < s->n; i++) {
        str name = s->v[i]->name;
        if (!name.n)
            return err_set(ERR_INVALID, "features %.*s: number %zu has no name", STR_ARG(f->name),
                           i);
        if (str_eq_nocase(name, STR("row_index")) || str_eq_nocase(name, STR("event_time")))
            return err_set(ERR_INVALID,
                           "features %.*s: the name \"%.*s\" is taken by the table itself",
                           STR_ARG(f->name), STR_ARG(name));
        for (size_t j = 0; j < i; j++)
            if (str_eq_nocase(s->v[j]->name, name))
                return err_set(ERR_INVALID, "features %.*s: \"%.*s\" is there twice",
                               STR_ARG(f->name), STR_ARG(name));
    }
    return ERR_OK;
}

/* types_of: DuckDB's types of the expressions. */
static err types_of(duck *d, arena *a, const feature_spec *f, const selection *s, str rows,
                    duck_column **ret)
{
    buf b;
    size_t n = 0;
    buf_init(&b, SQL_MAX);
    buf_puts(&b, STR("SELECT "));
    for (size_t i = 0; i < s->n; i++)
        buf_fmt(&b, "%s(%.*s\n) AS c%zu", i ? ", " : "", STR_ARG(s->v[i]->sql), i);
    buf_fmt(&b, " FROM %.*s", STR_ARG(rows));
    err e = buf_err(&b, "the SQL of the features");
    const char *what = cstr_fmt(a, "features %.*s", STR_ARG(f->name));
    if (!e) e = duck_describe(d, a, what, buf_str(&b), ret, &n);
    buf_done(&b);
    assert(e || n == s->n);
    return e;
}

static void put_select(buf *b, arena *a, const feature_spec *f, const selection *s,
                       const duck_column *types, str rows)
{
    str time = str_trim(f->timestamp);
    buf_puts(b, STR("SELECT CAST(" ROW " AS BIGINT) AS row_index, "));
    if (time.n)
        buf_fmt(b, "CAST((%.*s\n) AS TIMESTAMPTZ) AS event_time", STR_ARG(time));
    else
        buf_puts(b, STR("CAST(NULL AS TIMESTAMPTZ) AS event_time"));
    for (size_t i = 0; i < s->n; i++) {
        const char *cast = cast_of(types[i].type);
        buf_fmt(b, ", %s(%.*s\n)%s%s%s AS %s", cast ? "CAST(" : "", STR_ARG(s->v[i]->sql),
                cast ? " AS " : "", cast ? cast : "", cast ? ")" : "",
                duck_ident(a, s->v[i]->name).p);
    }
    buf_fmt(b, " FROM %.*s ORDER BY " ROW, STR_ARG(rows));
}

err features_select(duck *d, arena *a, const feature_spec *f, const char *relation, str *ret)
{
    assert(d && a && f && relation && ret);
    AUTO(arena) scratch = arena_new(0);
    selection s = all_of(scratch, f);
    duck_column *types;
    TRY(check_names(f, &s));
    str rows = numbered(scratch, relation);
    for (size_t i = 0; i < s.n; i++)
        TRY(check_one(d, s.v[i] == &f->label ? "label" : "feature", s.v[i], rows));
    feature_def time = {
        .name = f->name,
        .sql = str_fmt(scratch, "CAST((%.*s\n) AS TIMESTAMPTZ)", STR_ARG(f->timestamp))};
    if (str_trim(f->timestamp).n) TRY(check_one(d, "event time of", &time, rows));
    TRY(types_of(d, scratch, f, &s, rows, &types));
    buf b;
    buf_init(&b, SQL_MAX);
    put_select(&b, scratch, f, &s, types, rows);
    err e = buf_err(&b, "the SQL of the features");
    if (!e)
        e = duck_check_select(d, cstr_fmt(scratch, "features %.*s", STR_ARG(f->name)), buf_str(&b));
    if (!e) *ret = str_dup(a, buf_str(&b));
    buf_done(&b);
    return e;
}

err features_write(duck *d, home *h, arena *a, const feature_spec *f, const char *relation,
                   int64_t now_ms, delta_written *ret)
{
    assert(d && h && a && f && relation && ret);
    AUTO(arena) scratch = arena_new(0);
    const char *dir;
    str query;
    TRY(home_table_dir(h, scratch, f->table, &dir));
    TRY(features_select(d, scratch, f, relation, &query));
    delta_write_spec w = {
        .dir = dir, .query = query, .mode = DELTA_OVERWRITE, .new_schema = true, .now_ms = now_ms};
    return err_add(delta_write(d, home_db(h), &w, ret), "feature table %.*s", STR_ARG(f->table));
}

err features_read(duck *d, home *h, arena *a, str table, int64_t version, const char *where,
                  frame **ret)
{
    assert(d && h && a && ret);
    AUTO(arena) scratch = arena_new(0);
    const char *dir, *what = cstr_fmt(scratch, "feature table %.*s", STR_ARG(table));
    delta_snapshot *s;
    str rows;
    TRY(home_table_dir(h, scratch, table, &dir));
    TRY(err_add(delta_read(scratch, d, dir, version, &s), "%s", what));
    TRY(err_add(delta_relation(scratch, s, NULL, STR(""), &rows), "%s", what));
    const char *sql =
        cstr_fmt(scratch, "SELECT * FROM %.*s%s%s%s ORDER BY row_index", STR_ARG(rows),
                 where ? " WHERE (" : "", where ? where : "", where ? "\n)" : "");
    if (where) TRY(duck_check_select(d, what, str_of(sql)));
    return duck_query(d, a, what, sql, ret);
}
