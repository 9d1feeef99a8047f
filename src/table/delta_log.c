/* One commit after the other: the actions of a Delta log replayed into the set of live files.
 * Source: Delta protocol, "Actions". Unknown actions and fields are left alone, as the protocol
 * wants: what a reader must know is told by the protocol action, and delta_can_read refuses what we
 * do not. */
#include <assert.h>

#include "table/delta_int.h"

void delta_log_init(delta_log *l, arena *a)
{
    *l = (delta_log){.a = a, .files = map_new(a), .txns = map_new(a)};
}

static str keep_opt(delta_log *l, str s)
{
    return s.n ? str_dup(l->a, s) : STR("");
}

/* read_pairs reads an object of strings and nulls. */
static err read_pairs(arena *a, yyjson_val *o, const char *where, const delta_pair **ret,
                      size_t *ret_n)
{
    yyjson_obj_iter it;
    yyjson_val *key;
    size_t n = 0;
    delta_pair *v = arena_array(a, delta_pair, yyjson_obj_size(o));
    yyjson_obj_iter_init(o, &it);
    while ((key = yyjson_obj_iter_next(&it))) {
        yyjson_val *value = yyjson_obj_iter_get_val(key);
        if (!yyjson_is_str(value) && !yyjson_is_null(value))
            return err_set(ERR_FORMAT, "%s.%.*s: want a string or null", where,
                           STR_ARG(json_str(key)));
        bool null = yyjson_is_null(value);
        v[n++] = (delta_pair){str_dup(a, json_str(key)),
                              null ? (str){NULL, 0} : str_dup(a, json_str(value))};
    }
    *ret = v;
    *ret_n = n;
    return ERR_OK;
}

static err read_words(arena *a, yyjson_val *list, const char *where, size_t max, const str **ret,
                      size_t *ret_n)
{
    yyjson_arr_iter it;
    yyjson_val *word;
    size_t n = 0;
    if (yyjson_arr_size(list) > max)
        return err_set(ERR_LIMIT, "%s: %zu entries, at most %zu", where, yyjson_arr_size(list),
                       max);
    str *v = arena_array(a, str, yyjson_arr_size(list));
    yyjson_arr_iter_init(list, &it);
    while ((word = yyjson_arr_iter_next(&it))) {
        if (!yyjson_is_str(word)) return err_set(ERR_FORMAT, "%s[%zu]: want a string", where, n);
        v[n++] = str_dup(a, json_str(word));
    }
    *ret = v;
    *ret_n = n;
    return ERR_OK;
}

static err on_add(delta_log *l, yyjson_val *o)
{
    delta_entry *f = arena_new_of(l->a, delta_entry);
    yyjson_val *partition, *deletions = yyjson_obj_get(o, "deletionVector");
    str raw, stats = {"", 0};
    TRY(json_get_str(o, "add", "path", &raw));
    TRY(json_get_i64(o, "add", "size", &f->size));
    TRY(json_opt_str(o, "add", "stats", &stats));
    TRY(json_get_obj(o, "add", "partitionValues", &partition));
    if (f->size < 0) return err_set(ERR_FORMAT, "add.size: %lld", (long long)f->size);
    f->raw = str_dup(l->a, raw);
    TRY(err_add(delta_path_decode(l->a, f->raw, &f->path), "add"));
    f->stats = keep_opt(l, stats);
    TRY(read_pairs(l->a, partition, "add.partitionValues", &f->partition, &f->n_partition));
    f->row_deletions = deletions && !yyjson_is_null(deletions);
    if (map_count(l->files) >= DELTA_FILES_MAX && !map_find(l->files, f->path))
        return err_set(ERR_LIMIT, "more than %d data files", DELTA_FILES_MAX);
    map_put(l->files, f->path, f);
    return ERR_OK;
}

static err on_remove(delta_log *l, yyjson_val *o)
{
    str raw, path;
    TRY(json_get_str(o, "remove", "path", &raw));
    TRY(err_add(delta_path_decode(l->a, raw, &path), "remove"));
    /* A file that this log never added was removed before the checkpoint. */
    delta_entry *f = map_find(l->files, path);
    if (f) f->removed = true;
    return ERR_OK;
}

static err on_metadata(delta_log *l, yyjson_val *o)
{
    str text, id = {"", 0}, name = {"", 0}, description = {"", 0}, provider = STR("parquet");
    yyjson_val *format = NULL, *columns, *settings = yyjson_obj_get(o, "configuration");
    TRY(json_get_str(o, "metaData", "schemaString", &text));
    TRY(json_opt_str(o, "metaData", "id", &id));
    TRY(json_opt_str(o, "metaData", "name", &name));
    TRY(json_opt_str(o, "metaData", "description", &description));
    TRY(json_opt_i64(o, "metaData", "createdTime", &l->created_ms));
    TRY(json_get_arr(o, "metaData", "partitionColumns", &columns));
    TRY(json_get_obj(o, "metaData", "format", &format));
    TRY(json_opt_str(format, "metaData.format", "provider", &provider));
    if (!str_is(provider, "parquet"))
        return err_set(ERR_FORMAT, "metaData.format.provider: \"%.*s\", want parquet",
                       STR_ARG(provider));
    TRY(read_words(l->a, columns, "metaData.partitionColumns", DELTA_FIELDS_MAX, &l->partition_by,
                   &l->n_partition_by));
    l->n_settings = 0;
    if (settings && !yyjson_is_null(settings)) {
        if (!yyjson_is_obj(settings))
            return err_set(ERR_FORMAT, "metaData.configuration: want an object");
        TRY(read_pairs(l->a, settings, "metaData.configuration", &l->settings, &l->n_settings));
    }
    l->schema_json = str_dup(l->a, text);
    l->id = keep_opt(l, id);
    l->name = keep_opt(l, name);
    l->description = keep_opt(l, description);
    l->has_metadata = true;
    return ERR_OK;
}

static err features(delta_log *l, yyjson_val *o, const char *key, const str **ret, size_t *ret_n)
{
    yyjson_val *list = yyjson_obj_get(o, key);
    *ret_n = 0;
    if (!list || yyjson_is_null(list)) return ERR_OK;
    TRY(json_get_arr(o, "protocol", key, &list));
    return read_words(l->a, list, key, DELTA_FEATURES_MAX, ret, ret_n);
}

static err on_protocol(delta_log *l, yyjson_val *o)
{
    TRY(json_get_i64(o, "protocol", "minReaderVersion", &l->reader_version));
    TRY(json_get_i64(o, "protocol", "minWriterVersion", &l->writer_version));
    TRY(features(l, o, "readerFeatures", &l->reader_features, &l->n_reader_features));
    TRY(features(l, o, "writerFeatures", &l->writer_features, &l->n_writer_features));
    l->has_protocol = true;
    return ERR_OK;
}

static err on_txn(delta_log *l, yyjson_val *o)
{
    str app;
    int64_t version;
    TRY(json_get_str(o, "txn", "appId", &app));
    TRY(json_get_i64(o, "txn", "version", &version));
    delta_txn *t = map_find(l->txns, app);
    if (!t) {
        t = arena_new_of(l->a, delta_txn);
        t->app = str_dup(l->a, app);
        map_put(l->txns, t->app, t);
    }
    t->version = version;
    return ERR_OK;
}

static err replay(delta_log *l, yyjson_val *root)
{
    static const struct {
        const char *name;
        err (*fn)(delta_log *l, yyjson_val *o);
    } actions[] = {
        {"add", on_add},           {"remove", on_remove}, {"metaData", on_metadata},
        {"protocol", on_protocol}, {"txn", on_txn},
    };
    if (!yyjson_is_obj(root)) return err_set(ERR_FORMAT, "want an action, a JSON object");
    for (size_t i = 0; i < countof(actions); i++) {
        yyjson_val *o = yyjson_obj_get(root, actions[i].name);
        if (!o || yyjson_is_null(o)) continue;
        if (!yyjson_is_obj(o)) return err_set(ERR_FORMAT, "%s: want an object", actions[i].name);
        TRY(actions[i].fn(l, o));
    }
    return ERR_OK;
}

/* parse_action: line in the scratch arena; a wrong type in a log is damage, not a caller's mistake.
 */
static err parse_action(delta_log *l, arena *scratch, const char *where, str line)
{
    yyjson_val *root;
    if (line.n > DELTA_LINE_MAX)
        return err_set(ERR_LIMIT, "%s: an action of %zu bytes, at most %d", where, line.n,
                       DELTA_LINE_MAX);
    err e = json_parse(scratch, line, where, &root);
    if (!e) e = err_add(replay(l, root), "%s", where);
    return e == ERR_INVALID || e == ERR_MISSING ? ERR_FORMAT : e;
}

err delta_log_action(delta_log *l, const char *where, str line)
{
    AUTO(arena) scratch = arena_new(0);
    return parse_action(l, scratch, where, line);
}

err delta_log_commit(delta_log *l, const char *file, str bytes)
{
    assert(l && file);
    AUTO(arena) scratch = arena_new(64 << 10);
    size_t at = 0;
    bool any = false;
    while (bytes.n) {
        str line;
        str_cut(bytes, '\n', &line, &bytes);
        at++;
        line = str_trim(line);
        if (!line.n) continue;
        any = true;
        arena_reset(scratch);
        TRY(parse_action(l, scratch, cstr_fmt(scratch, "%s:%zu", file, at), line));
    }
    return any ? ERR_OK
               : err_set(ERR_FORMAT, "%s:1: empty commit; the write of it was cut off", file);
}

/* resolve puts a file's partition values into the order of the table's partition columns. */
static err resolve(const delta_log *l, const delta_entry *e, delta_file *ret)
{
    str *values = arena_array(l->a, str, l->n_partition_by);
    for (size_t k = 0; k < l->n_partition_by; k++) {
        size_t i = 0;
        while (i < e->n_partition && !str_eq(e->partition[i].key, l->partition_by[k]))
            i++;
        if (i == e->n_partition)
            return err_set(ERR_FORMAT, "file \"%.*s\" has no value of partition column \"%.*s\"",
                           STR_ARG(e->path), STR_ARG(l->partition_by[k]));
        values[k] = e->partition[i].value.n ? e->partition[i].value : (str){NULL, 0};
    }
    *ret = (delta_file){.path = e->path,
                        .raw = e->raw,
                        .size = e->size,
                        .n_rows = -1,
                        .partition = values,
                        .stats = e->stats};
    return ERR_OK;
}

/* rows_of: numRecords of a file's statistics; -1 when there are none. */
static int64_t rows_of(str stats)
{
    AUTO(arena) scratch = arena_new(0);
    yyjson_val *root;
    int64_t n = -1;
    if (!stats.n || json_parse(scratch, stats, "stats", &root) || !yyjson_is_obj(root)) return -1;
    if (json_opt_i64(root, "stats", "numRecords", &n)) return -1;
    return n;
}

static err live_files(const delta_log *l, delta_snapshot *s)
{
    delta_file *v = arena_array(l->a, delta_file, map_count(l->files));
    for (size_t i = 0; i < map_count(l->files); i++) {
        const delta_entry *e = map_at(l->files, i)->value;
        if (e->removed) continue;
        if (e->row_deletions)
            return err_set(
                ERR_INVALID,
                "file \"%.*s\" uses reader feature \"deletionVectors\", which is not supported; "
                "REORG TABLE … APPLY (PURGE) removes them",
                STR_ARG(e->path));
        TRY(resolve(l, e, &v[s->n_files]));
        v[s->n_files++].n_rows = rows_of(e->stats);
    }
    s->files = v;
    return ERR_OK;
}

err delta_log_end(const delta_log *l, const char *dir, int64_t version, delta_snapshot **ret)
{
    assert(l && dir && ret);
    if (!l->has_protocol || !l->has_metadata)
        return err_set(ERR_FORMAT, "%s: the log up to version %lld has no %s action", dir,
                       (long long)version, l->has_protocol ? "metaData" : "protocol");
    TRY(err_add(delta_can_read(l), "%s", dir));
    delta_snapshot *s = arena_new_of(l->a, delta_snapshot);
    s->dir = str_c(l->a, str_of(dir));
    s->version = version;
    s->schema_json = l->schema_json;
    s->id = l->id;
    s->partition_by = l->partition_by;
    s->n_partition_by = l->n_partition_by;
    TRY(err_add(live_files(l, s), "%s", dir));
    delta_txn *txns = arena_array(l->a, delta_txn, map_count(l->txns));
    for (size_t i = 0; i < map_count(l->txns); i++)
        txns[s->n_txns++] = *(const delta_txn *)map_at(l->txns, i)->value;
    s->txns = txns;
    *ret = s;
    return ERR_OK;
}
