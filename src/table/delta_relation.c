/* A snapshot as SQL. Partition columns come from the log, not from the folders' names; columns that
 * a file has not are NULL; a column that a file has in a narrower type is widened. One branch of
 * the UNION per combination of partition values. */
#include <assert.h>

#include "base/file.h"
#include "table/delta_int.h"

enum { RELATION_MAX = 512 << 20 };

/* Files with the same partition values, in the order of the log. */
typedef struct group {
    const str *partition;
    const delta_file **files;
    size_t n, cap;
} group;

typedef struct groups {
    arena *a;
    map *by_key;
    group **v;
    size_t n, cap;
} groups;

/* grown: room for one more pointer behind the n of old. */
static void *grown(arena *a, void *old, size_t n, size_t *cap)
{
    if (n < *cap) return old;
    *cap = *cap ? 2 * *cap : 8;
    void **p = arena_array(a, void *, *cap);
    if (n) memcpy(p, old, n * sizeof *p);
    return p;
}

/* A key that no two combinations share: each value with its length; null has none. */
static str group_key(arena *a, const delta_snapshot *s, const delta_file *f)
{
    buf b;
    buf_init(&b, RELATION_MAX);
    for (size_t i = 0; i < s->n_partition_by; i++)
        if (f->partition[i].p)
            buf_fmt(&b, "%zu:%.*s,", f->partition[i].n, STR_ARG(f->partition[i]));
        else
            buf_puts(&b, STR("-,"));
    str key = str_dup(a, buf_str(&b));
    buf_done(&b);
    return key;
}

static void group_put(groups *g, const delta_snapshot *s, const delta_file *f)
{
    str key = group_key(g->a, s, f);
    group *at = map_find(g->by_key, key);
    if (!at) {
        at = arena_new_of(g->a, group);
        at->partition = f->partition;
        map_put(g->by_key, key, at);
        g->v = grown(g->a, g->v, g->n, &g->cap);
        g->v[g->n++] = at;
    }
    at->files = grown(g->a, (void *)at->files, at->n, &at->cap);
    at->files[at->n++] = f;
}

static ptrdiff_t partition_at(const delta_snapshot *s, str name)
{
    for (size_t i = 0; i < s->n_partition_by; i++)
        if (str_eq(s->partition_by[i], name)) return (ptrdiff_t)i;
    return -1;
}

/* An empty relation with all columns in their types: it gives the UNION its columns. */
static void put_shape(buf *b, arena *a, const delta_field *f, size_t n)
{
    buf_puts(b, STR("SELECT "));
    for (size_t i = 0; i < n; i++)
        buf_fmt(b, "%sCAST(NULL AS %.*s) AS %s", i ? ", " : "", STR_ARG(f[i].sql),
                duck_ident(a, f[i].name).p);
    buf_puts(b, STR(" WHERE false"));
}

static void put_group(buf *b, arena *a, const delta_snapshot *s, const delta_field *f, size_t n,
                      const group *g)
{
    bool any = false;
    buf_puts(b, STR("\nUNION ALL BY NAME SELECT COLUMNS(lambda c: c IN ("));
    for (size_t i = 0; i < n; i++) {
        if (partition_at(s, f[i].name) >= 0) continue;
        buf_fmt(b, "%s%s", any ? ", " : "", duck_literal(a, f[i].name).p);
        any = true;
    }
    buf_puts(b, STR("))"));
    for (size_t i = 0; i < n; i++) {
        ptrdiff_t at = partition_at(s, f[i].name);
        if (at < 0) continue;
        const char *value = g->partition[at].p ? duck_literal(a, g->partition[at]).p : "NULL";
        buf_fmt(b, ", CAST(%s AS %.*s) AS %s", value, STR_ARG(f[i].sql),
                duck_ident(a, f[i].name).p);
    }
    buf_puts(b, STR(" FROM read_parquet(["));
    for (size_t i = 0; i < g->n; i++) {
        const char *path = path_join(a, s->dir, str_c(a, g->files[i]->path));
        buf_fmt(b, "%s%s", i ? ", " : "", duck_literal(a, str_of(path)).p);
    }
    buf_fmt(b, "], hive_partitioning=false, union_by_name=%s)", g->n > 1 ? "true" : "false");
}

/* check_schema: every partition column is a column, and there is at least one other. */
static err check_schema(const delta_snapshot *s, const delta_field *f, size_t n)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        if (partition_at(s, f[i].name) >= 0) found++;
    if (found != s->n_partition_by)
        return err_set(ERR_FORMAT, "%s: a partition column is no column of the schema", s->dir);
    if (found == n)
        return err_set(ERR_FORMAT, "%s: the schema has no column beside the partition columns",
                       s->dir);
    return ERR_OK;
}

static void put_relation(buf *b, arena *a, const delta_snapshot *s, const delta_field *f, size_t n,
                         const groups *g)
{
    buf_puts(b, STR("(SELECT "));
    for (size_t i = 0; i < n; i++)
        buf_fmt(b, "%s%s", i ? ", " : "", duck_ident(a, f[i].name).p);
    buf_puts(b, STR(" FROM ("));
    put_shape(b, a, f, n);
    for (size_t i = 0; i < g->n; i++)
        put_group(b, a, s, f, n, g->v[i]);
    buf_puts(b, STR("))"));
}

err delta_relation(arena *a, const delta_snapshot *s, const char *filter_column, str filter_value,
                   str *ret)
{
    assert(a && s && ret);
    AUTO(arena) scratch = arena_new(0);
    delta_field *fields;
    size_t n;
    TRY(delta_schema_parse(scratch, s->schema_json, s->dir, &fields, &n));
    TRY(check_schema(s, fields, n));
    ptrdiff_t at = filter_column ? partition_at(s, str_of(filter_column)) : -1;
    if (filter_column && at < 0)
        return err_set(ERR_INVALID, "%s: \"%s\" is no partition column", s->dir, filter_column);
    groups g = {.a = scratch, .by_key = map_new(scratch)};
    for (size_t i = 0; i < s->n_files; i++)
        if (at < 0 || str_eq(s->files[i].partition[at], filter_value))
            group_put(&g, s, &s->files[i]);
    buf b;
    buf_init(&b, RELATION_MAX);
    put_relation(&b, scratch, s, fields, n, &g);
    err e = buf_err(&b, "the SQL of a Delta table");
    if (!e) *ret = str_dup(a, buf_str(&b));
    buf_done(&b);
    return e;
}
