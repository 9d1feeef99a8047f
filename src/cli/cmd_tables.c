#include "base/file.h"
#include "cli/cli_int.h"
#include "monitor/monitor.h"
#include "table/delta.h"
#include "table/duck.h"

/* tables list|show, monitors list */

enum { NAMES_MAX = 10000 };

typedef struct table_facts {
    int64_t rows, bytes;
    bool rows_known;
} table_facts;

static table_facts facts_of(const delta_snapshot *s)
{
    table_facts f = {.rows_known = true};
    for (size_t i = 0; i < s->n_files; i++) {
        f.bytes += s->files[i].size;
        if (s->files[i].n_rows < 0)
            f.rows_known = false;
        else
            f.rows += s->files[i].n_rows;
    }
    return f;
}

/* A snapshot without the engine where the log alone is enough; *ret_duck is made when it is not. */
static err read_table(const cli *c, const char *dir, duck **duck_, delta_snapshot **ret)
{
    err e = delta_read(c->a, NULL, dir, -1, ret);
    if (e != ERR_INVALID || *duck_) return e;
    duck_options o = {.dirs = &dir, .n_dirs = 1};
    TRY(duck_open(&o, duck_));
    return delta_read(c->a, *duck_, dir, -1, ret);
}

static err add_table(const cli *c, listing *l, const char *dir, str name)
{
    AUTO(duck) d = NULL;
    delta_snapshot *s;
    if (!file_exists(path_join(c->a, dir, "_delta_log"))) return ERR_OK;
    TRY(read_table(c, dir, &d, &s));
    table_facts f = facts_of(s);
    listing_add(l, (cell[]){cell_text(name), cell_int(s->version), cell_int((int64_t)s->n_files),
                            cell_int(f.rows_known ? f.rows : -1), cell_int(f.bytes)});
    return ERR_OK;
}

static err add_schema(const cli *c, listing *l, const char *dir, const char *prefix)
{
    str *names;
    size_t n;
    TRY(dir_list(c->a, dir, NAMES_MAX, &names, &n));
    for (size_t i = 0; i < n; i++)
        TRY(add_table(c, l, path_join(c->a, dir, str_c(c->a, names[i])),
                      str_fmt(c->a, "%s.%.*s", prefix, STR_ARG(names[i]))));
    return ERR_OK;
}

err cmd_tables_list(cli *c)
{
    static const char *const keys[] = {"name", "version", "files", "rows", "bytes"};
    AUTO(home) h = NULL;
    str *catalogs, *schemas;
    size_t n_catalogs = 0, n_schemas;
    TRY(cli_home(c, HOME_ANY, true, &h));
    const char *root = path_join(c->a, home_dir(h), "tables");
    listing *l = listing_new(c->a, "tables", keys, countof(keys));
    if (file_exists(root)) TRY(dir_list(c->a, root, NAMES_MAX, &catalogs, &n_catalogs));
    for (size_t i = 0; i < n_catalogs; i++) {
        const char *catalog = path_join(c->a, root, str_c(c->a, catalogs[i]));
        TRY(dir_list(c->a, catalog, NAMES_MAX, &schemas, &n_schemas));
        for (size_t k = 0; k < n_schemas; k++)
            TRY(add_schema(c, l, path_join(c->a, catalog, str_c(c->a, schemas[k])),
                           cstr_fmt(c->a, "%.*s.%.*s", STR_ARG(catalogs[i]), STR_ARG(schemas[k]))));
    }
    listing_print(l, cli_json(c));
    return ERR_OK;
}

/* --- show */

static err print_columns(const cli *c, const delta_snapshot *s)
{
    static const char *const keys[] = {"column", "type", "nullable"};
    yyjson_val *v, *fields, *f;
    size_t i, n;
    TRY(json_parse(c->a, s->schema_json, "schema of the table", &v));
    fields = yyjson_obj_get(v, "fields");
    listing *l = listing_new(c->a, "columns", keys, countof(keys));
    yyjson_arr_foreach(fields, i, n, f)
    {
        yyjson_val *type = yyjson_obj_get(f, "type");
        listing_add(l, (cell[]){cell_text(json_str(yyjson_obj_get(f, "name"))),
                                cell_text(yyjson_is_str(type) ? json_str(type) : STR("nested")),
                                cell_bool(yyjson_get_bool(yyjson_obj_get(f, "nullable")))});
    }
    listing_print(l, false);
    return ERR_OK;
}

static cell cell_of(const cli *c, const column *col, size_t row)
{
    if (column_is_null(col, row)) return cell_text(STR("null"));
    if (col->store == STORE_STR) return cell_text(col->s[row]);
    if (col->store == STORE_F64) {
        char *text = arena_alloc(c->a, F64_PRINT_MAX, 1);
        size_t n = f64_print(col->f64[row], text);
        return cell_text(((str){text, n}));
    }
    if (col->type == FIELD_DATETIME)
        return cell_text(str_of(time_short(c->a, col->i64[row] / 1000)));
    return cell_text(str_fmt(c->a, "%lld", (long long)col->i64[row]));
}

static err print_rows(const cli *c, const char *dir, const delta_snapshot *s, int64_t n_rows)
{
    AUTO(duck) d = NULL;
    duck_options o = {.dirs = &dir, .n_dirs = 1};
    str relation;
    frame *f;
    TRY(duck_open(&o, &d));
    TRY(delta_relation(c->a, s, NULL, STR(""), &relation));
    TRY(duck_query(
        d, c->a, "rows of the table",
        cstr_fmt(c->a, "SELECT * FROM %.*s LIMIT %lld", STR_ARG(relation), (long long)n_rows), &f));
    const char **keys = arena_array(c->a, const char *, f->n_cols + 1);
    cell *cells = arena_array(c->a, cell, f->n_cols + 1);
    for (size_t i = 0; i < f->n_cols; i++)
        keys[i] = str_c(c->a, f->cols[i].name);
    listing *l = listing_new(c->a, "rows", keys, f->n_cols);
    for (size_t r = 0; r < f->n_rows; r++) {
        for (size_t i = 0; i < f->n_cols; i++)
            cells[i] = cell_of(c, &f->cols[i], r);
        listing_add(l, cells);
    }
    putchar('\n');
    listing_print(l, false);
    return ERR_OK;
}

static void print_table_json(const char *name, const delta_snapshot *s, const table_facts *f)
{
    buf b;
    jw w;
    buf_init(&b, 64 << 20);
    jw_init(&w, &b, false);
    jw_obj(&w);
    jw_kcstr(&w, "name", name);
    jw_ki64(&w, "version", s->version);
    jw_ki64(&w, "files", (int64_t)s->n_files);
    jw_ki64(&w, "rows", f->rows_known ? f->rows : -1);
    jw_ki64(&w, "bytes", f->bytes);
    jw_key(&w, "partition_by");
    jw_arr(&w);
    for (size_t i = 0; i < s->n_partition_by; i++)
        jw_str(&w, s->partition_by[i]);
    jw_arr_end(&w);
    jw_key(&w, "schema");
    jw_raw(&w, s->schema_json);
    jw_obj_end(&w);
    print_json(&b);
    buf_done(&b);
}

err cmd_tables_show(cli *c)
{
    AUTO(home) h = NULL;
    AUTO(duck) d = NULL;
    delta_snapshot *s;
    const char *dir;
    TRY(cli_home(c, HOME_ANY, true, &h));
    TRY(home_table_dir(h, c->a, str_of(c->args[0]), &dir));
    TRY(read_table(c, dir, &d, &s));
    table_facts f = facts_of(s);
    if (cli_json(c)) {
        print_table_json(c->args[0], s, &f);
        return ERR_OK;
    }
    printf("%s: version %lld, %zu files, %lld rows, %lld bytes", c->args[0], (long long)s->version,
           s->n_files, (long long)f.rows, (long long)f.bytes);
    for (size_t i = 0; i < s->n_partition_by; i++)
        printf("%s%.*s", i ? ", " : "; partitioned by ", STR_ARG(s->partition_by[i]));
    printf("\n%s\n\n", dir);
    TRY(print_columns(c, s));
    int64_t n = cli_int(c, "rows", 0);
    return n ? print_rows(c, dir, s, n) : ERR_OK;
}

/* --- monitors */

static str alerts_text(arena *a, const monitor_result *r)
{
    buf b;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < r->n; i++)
        if (r->v[i].alert)
            buf_fmt(&b, "%s%.*s%s%.*s=%.2f", b.n ? " " : "", STR_ARG(r->v[i].metric),
                    r->v[i].column.n ? ":" : "", STR_ARG(r->v[i].column), r->v[i].value);
    str s = str_dup(a, buf_str(&b));
    buf_done(&b);
    return s;
}

err cmd_monitors_list(cli *c)
{
    static const char *const keys[] = {"name", "at",     "verdict", "should_retrain",
                                       "rows", "alerts", "reason"};
    static const char *const verdicts[] = {[MONITOR_OK] = "ok",
                                           [MONITOR_ALERT] = "alert",
                                           [MONITOR_NOT_ENOUGH_DATA] = "not_enough_data"};
    AUTO(home) h = NULL;
    monitor_record *v;
    size_t n;
    TRY(cli_home(c, HOME_ANY, true, &h));
    TRY(monitor_records(home_db(h), c->a, str_of(cli_text(c, "name", "")),
                        (size_t)cli_int(c, "max", 100), &v, &n));
    listing *l = listing_new(c->a, "monitors", keys, countof(keys));
    for (size_t i = 0; i < n; i++)
        listing_add(l, (cell[]){cell_text(v[i].name), cell_time(v[i].at_ms),
                                cell_text(str_of(verdicts[v[i].r.verdict])),
                                cell_bool(v[i].r.should_retrain), cell_int(v[i].r.rows),
                                cell_text(alerts_text(c->a, &v[i].r)), cell_text(v[i].r.reason)});
    listing_print(l, cli_json(c));
    return ERR_OK;
}
