/* The bytes of a commit, and how they get their name. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "table/delta_write_int.h"

#define ENGINE "tidemill/" TIDEMILL_VERSION

static str uuid_dashed(arena *a, str hex)
{
    return str_fmt(a, "%.8s-%.4s-%.4s-%.4s-%.12s", hex.p, hex.p + 8, hex.p + 12, hex.p + 16,
                   hex.p + 20);
}

/* put_line ends a line of the commit. */
static void put_line(buf *b, jw *w)
{
    buf_putc(b, '\n');
    jw_init(w, b, false);
}

/* put_info: operation metrics and parameters are strings, says the protocol's practice. */
static void put_info(jw *w, const delta_writing *x, int64_t rows, int64_t bytes)
{
    bool append = x->spec->mode == DELTA_APPEND;
    buf names;
    jw list;
    buf_init(&names, DELTA_LINE_MAX);
    jw_init(&list, &names, false);
    jw_arr(&list);
    for (size_t i = 0; i < x->spec->n_partition_by; i++)
        jw_str(&list, x->spec->partition_by[i]);
    jw_arr_end(&list);
    jw_obj(w);
    jw_key(w, "commitInfo");
    jw_obj(w);
    jw_ki64(w, "timestamp", x->spec->now_ms);
    jw_kcstr(w, "operation", x->table ? "WRITE" : "CREATE TABLE AS SELECT");
    jw_key(w, "operationParameters");
    jw_obj(w);
    jw_kcstr(w, "mode", append ? "Append" : "Overwrite");
    jw_kstr(w, "partitionBy", buf_str(&names));
    jw_obj_end(w);
    jw_kbool(w, "isBlindAppend", append);
    jw_key(w, "operationMetrics");
    jw_obj(w);
    jw_kstr(w, "numFiles", str_fmt(x->a, "%zu", x->n_placed));
    jw_kstr(w, "numOutputRows", str_fmt(x->a, "%lld", (long long)rows));
    jw_kstr(w, "numOutputBytes", str_fmt(x->a, "%lld", (long long)bytes));
    jw_obj_end(w);
    jw_kcstr(w, "engineInfo", ENGINE);
    jw_obj_end(w);
    jw_obj_end(w);
    buf_done(&names);
}

static void put_protocol(jw *w)
{
    jw_obj(w);
    jw_key(w, "protocol");
    jw_obj(w);
    jw_ki64(w, "minReaderVersion", 1);
    jw_ki64(w, "minWriterVersion", 2);
    jw_obj_end(w);
    jw_obj_end(w);
}

/* put_metadata: of a new table, or of one that gets other columns and keeps the rest. */
static void put_metadata(jw *w, const delta_writing *x)
{
    const delta_log *l = x->table ? &x->log : NULL;
    jw_obj(w);
    jw_key(w, "metaData");
    jw_obj(w);
    jw_kstr(w, "id", l && l->id.n ? l->id : uuid_dashed(x->a, x->id));
    if (l && l->name.n) jw_kstr(w, "name", l->name);
    if (l && l->description.n) jw_kstr(w, "description", l->description);
    jw_key(w, "format");
    jw_obj(w);
    jw_kcstr(w, "provider", "parquet");
    jw_key(w, "options");
    jw_obj(w);
    jw_obj_end(w);
    jw_obj_end(w);
    jw_kstr(w, "schemaString", x->schema_json);
    jw_key(w, "partitionColumns");
    jw_arr(w);
    for (size_t i = 0; i < x->spec->n_partition_by; i++)
        jw_str(w, x->spec->partition_by[i]);
    jw_arr_end(w);
    jw_key(w, "configuration");
    jw_obj(w);
    for (size_t i = 0; l && i < l->n_settings; i++) {
        jw_key_str(w, l->settings[i].key);
        jw_str(w, l->settings[i].value);
    }
    jw_obj_end(w);
    jw_ki64(w, "createdTime", l && l->created_ms ? l->created_ms : x->spec->now_ms);
    jw_obj_end(w);
    jw_obj_end(w);
}

static void put_txn(jw *w, const delta_writing *x)
{
    jw_obj(w);
    jw_key(w, "txn");
    jw_obj(w);
    jw_kstr(w, "appId", x->spec->txn_app);
    jw_ki64(w, "version", x->spec->txn_version);
    jw_ki64(w, "lastUpdated", x->spec->now_ms);
    jw_obj_end(w);
    jw_obj_end(w);
}

static void put_partition(jw *w, const str *names, const str *values, size_t n)
{
    jw_key(w, "partitionValues");
    jw_obj(w);
    for (size_t i = 0; i < n; i++) {
        jw_key_str(w, names[i]);
        if (values[i].p)
            jw_str(w, values[i]);
        else
            jw_null(w);
    }
    jw_obj_end(w);
}

static void put_remove(jw *w, const delta_writing *x, const delta_file *f)
{
    jw_obj(w);
    jw_key(w, "remove");
    jw_obj(w);
    jw_kstr(w, "path", f->raw);
    jw_ki64(w, "deletionTimestamp", x->spec->now_ms);
    jw_kbool(w, "dataChange", true);
    jw_kbool(w, "extendedFileMetadata", true);
    put_partition(w, x->table->partition_by, f->partition, x->table->n_partition_by);
    jw_ki64(w, "size", f->size);
    jw_obj_end(w);
    jw_obj_end(w);
}

static void put_add(jw *w, const delta_writing *x, const map *fields, const delta_placed *p,
                    buf *stats)
{
    size_t n = x->spec->n_partition_by;
    str *values = arena_array(x->a, str, n);
    for (size_t i = 0; i < n; i++)
        values[i] = delta_partition_text(x->a, map_find(fields, x->spec->partition_by[i]),
                                         p->copied->partition[i]);
    buf_reset(stats);
    delta_stats(stats, p->copied, fields);
    jw_obj(w);
    jw_key(w, "add");
    jw_obj(w);
    jw_kstr(w, "path", delta_path_encode(x->a, p->rel));
    put_partition(w, x->spec->partition_by, values, n);
    jw_ki64(w, "size", p->copied->size);
    jw_ki64(w, "modificationTime", x->spec->now_ms);
    jw_kbool(w, "dataChange", true);
    if (!stats->over) jw_kstr(w, "stats", buf_str(stats));
    jw_obj_end(w);
    jw_obj_end(w);
}

/* put_adds: one line a file. */
static void put_adds(buf *b, jw *w, delta_writing *x)
{
    map *fields = map_new(x->a);
    buf stats;
    buf_init(&stats, DELTA_LINE_MAX);
    for (size_t i = 0; i < x->n_fields; i++)
        map_put(fields, x->fields[i].name, (void *)(uintptr_t)&x->fields[i]);
    for (size_t i = 0; i < x->n_placed; i++) {
        put_add(w, x, fields, &x->placed[i], &stats);
        put_line(b, w);
    }
    buf_done(&stats);
}

static err commit_bytes(delta_writing *x, delta_written *done, buf *b)
{
    jw w;
    for (size_t i = 0; i < x->n_placed; i++) {
        done->n_rows += x->placed[i].copied->n_rows;
        done->bytes += x->placed[i].copied->size;
    }
    done->n_files = (int64_t)x->n_placed;
    jw_init(&w, b, false);
    put_info(&w, x, done->n_rows, done->bytes);
    put_line(b, &w);
    if (!x->table) {
        put_protocol(&w);
        put_line(b, &w);
    }
    if (!x->table || x->new_metadata) {
        put_metadata(&w, x);
        put_line(b, &w);
    }
    if (x->spec->txn_app.n) {
        put_txn(&w, x);
        put_line(b, &w);
    }
    for (size_t i = 0; x->spec->mode == DELTA_OVERWRITE && x->table && i < x->table->n_files; i++) {
        put_remove(&w, x, &x->table->files[i]);
        put_line(b, &w);
    }
    put_adds(b, &w, x);
    return buf_err(b, "a Delta commit");
}

static err write_temp(const char *path, str bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) return err_sys(ERR_IO, "%s", path);
    err e = fd_write_all(fd, bytes.p, bytes.n);
    if (!e && fsync(fd)) e = err_sys(ERR_IO, "%s: sync", path);
    if (close(fd) && !e) e = err_sys(ERR_IO, "%s: close", path);
    return err_add(e, "%s", path);
}

/* is_ours: the target holds exactly our bytes (which name files that only this write made). */
static bool is_ours(const char *target, str bytes)
{
    AUTO(arena) a = arena_new(0);
    str there;
    return !file_read(a, target, DELTA_COMMIT_MAX, &there) && str_eq(there, bytes);
}

/* publish: when the answer is a failure the commit may still have been made (its answer was lost).
 * The temp file goes first, so that nobody can link it any more; then the target tells. */
static err publish(delta_writing *w, const char *temp, const char *target, str bytes)
{
    err e = fault_hit("delta_commit") ? err_sys(ERR_IO, "%s: commit", target)
                                      : db_publish(w->pub, temp, target);
    if (!e) return ERR_OK;
    AUTO(arena) a = arena_new(0);
    const char *why = cstr_fmt(a, "%s", err_message());
    (void)unlink(temp);
    return is_ours(target, bytes) ? ERR_OK : err_set(e, "%s", why);
}

err delta_commit(delta_writing *w, int64_t version, delta_written *ret)
{
    assert(w && ret && version >= 0);
    delta_written done = {.version = version};
    const char *target = delta_commit_path(w->a, w->spec->dir, version);
    const char *temp = cstr_fmt(w->a, "%s/_delta_log/.%.*s.%lld.tmp", w->spec->dir, STR_ARG(w->id),
                                (long long)version);
    buf b;
    buf_init(&b, DELTA_COMMIT_MAX);
    err e = commit_bytes(w, &done, &b);
    if (!e) {
        e = write_temp(temp, buf_str(&b));
        if (!e) e = publish(w, temp, target, buf_str(&b));
        (void)unlink(temp);
    }
    buf_done(&b);
    if (!e) *ret = done;
    return e;
}
