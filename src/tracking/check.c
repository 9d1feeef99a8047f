#include <assert.h>

#include "base/buf.h"

#include "tracking/tracking_int.h"

static bool key_byte_ok(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c >= 0x80 || c == '_' || c == '-' || c == '.' || c == ' ' || c == ':' || c == '/';
}

/* Python's posixpath.normpath: keys are file names in MLflow's file store, so a key must be what
 * it would become there. Owner: a. */
static str path_normal(arena *a, str key)
{
    str *levels = arena_array(a, str, key.n + 1), rest = key, level;
    bool absolute = key.n && key.p[0] == '/';
    size_t n = 0;
    while (rest.n) {
        str_cut(rest, '/', &level, &rest);
        bool up = str_eq(level, STR(".."));
        if (!level.n || str_eq(level, STR("."))) continue;
        if (up && (n ? !str_eq(levels[n - 1], STR("..")) : absolute))
            n -= n > 0;
        else
            levels[n++] = level;
    }
    buf b;
    buf_init(&b, key.n + 2);
    if (absolute) buf_putc(&b, '/');
    for (size_t i = 0; i < n; i++) {
        if (i) buf_putc(&b, '/');
        buf_puts(&b, levels[i]);
    }
    str normal = b.n ? str_dup(a, buf_str(&b)) : STR(".");
    buf_done(&b);
    return normal;
}

static size_t characters(str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

err check_length(const char *name, str value, size_t max)
{
    if (value.n <= max || characters(value) <= max) return ERR_OK;
    return err_set(ERR_INVALID, "'%s' exceeds the maximum length of %zu characters", name, max);
}

str check_cut(str value, size_t max)
{
    size_t n = 0, at = 0;
    if (value.n <= max) return value;
    while (at < value.n) {
        n += ((unsigned char)value.p[at] & 0xC0) != 0x80;
        if (n > max) break;
        at++;
    }
    return (str){value.p, at};
}

err check_plain(const char *name, str value)
{
    if (str_utf8_ok(value) && !(value.n && memchr(value.p, 0, value.n))) return ERR_OK;
    return err_set(ERR_INVALID, "'%s': not UTF-8 text without NUL characters", name);
}

err check_key(const char *path, str key)
{
    str shown = check_cut(key, 2 * TRACKING_KEY_MAX);
    bool ok = str_utf8_ok(key);
    for (size_t i = 0; ok && i < key.n; i++)
        ok = key_byte_ok((unsigned char)key.p[i]);
    if (!ok)
        return err_set(ERR_INVALID,
                       "Invalid value \"%.*s\" for parameter '%s' supplied: Names may only contain "
                       "alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), "
                       "colon(:) and slashes (/).",
                       STR_ARG(shown), path);
    if (key.n > 4 * TRACKING_KEY_MAX) return ERR_OK; /* too long: the next check says so */
    AUTO(arena) a = arena_new(0);
    str normal = path_normal(a, key);
    if (str_eq(normal, key) && !str_is(key, ".") && !str_starts(key, "..") && key.p[0] != '/')
        return ERR_OK;
    return err_set(ERR_INVALID,
                   "Invalid value \"%.*s\" for parameter '%s' supplied: Names may be treated as "
                   "files in certain cases, and must not resolve to other names when treated as "
                   "such. This name would resolve to '%.*s'",
                   STR_ARG(shown), path, STR_ARG(normal));
}

/* "metrics[3].name", or "name" alone where list is NULL. */
typedef struct field_path {
    char text[64];
} field_path;

static field_path path_of(const char *list, size_t i, const char *field)
{
    field_path p;
    if (list)
        snprintf(p.text, sizeof p.text, "%s[%zu].%s", list, i, field);
    else
        snprintf(p.text, sizeof p.text, "%s", field);
    return p;
}

err check_tags(const char *list, const key_value *v, size_t n, size_t value_max)
{
    for (size_t i = 0; i < n; i++) {
        field_path key = path_of(list, i, "key"), value = path_of(list, i, "value");
        TRY(check_key(key.text, v[i].key));
        TRY(check_length(key.text, v[i].key, TRACKING_KEY_MAX));
        TRY(check_plain(value.text, v[i].value));
        if (value_max) TRY(check_length(value.text, v[i].value, value_max));
    }
    return ERR_OK;
}

err check_params(const char *list, const key_value *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        TRY(check_key(path_of(list, i, "key").text, v[i].key));
        TRY(check_length("Param key", v[i].key, TRACKING_KEY_MAX));
        TRY(check_plain(path_of(list, i, "value").text, v[i].value));
    }
    return ERR_OK;
}

static err check_count(const char *what, size_t max, size_t n)
{
    if (n <= max) return ERR_OK;
    return err_set(
        ERR_INVALID,
        "A batch logging request can contain at most %zu %s. Got %zu %s. Please split up %s across "
        "multiple requests and try again.",
        max, what, n, what, what);
}

static int pair_order(const void *x, const void *y)
{
    const key_value *const *a = x, *const *b = y;
    return str_cmp((*a)->key, (*b)->key);
}

static err check_unique_params(const key_value *v, size_t n)
{
    const key_value *sorted[TRACKING_PARAMS_MAX];
    assert(n <= countof(sorted));
    for (size_t i = 0; i < n; i++)
        sorted[i] = &v[i];
    if (n) qsort(sorted, n, sizeof *sorted, pair_order);
    for (size_t i = 1; i < n; i++) {
        if (!str_eq(sorted[i - 1]->key, sorted[i]->key)) continue;
        return err_set(
            ERR_INVALID,
            "Duplicate parameter keys have been submitted: ['%.*s']. Please ensure the request "
            "contains only one param value per param key.",
            STR_ARG(sorted[i]->key));
    }
    return ERR_OK;
}

static err check_metric(const char *list, size_t i, const metric *m)
{
    TRY(check_key(path_of(list, i, "name").text, m->key));
    if (m->timestamp_ms < 0) {
        char value[F64_PRINT_MAX];
        size_t n = f64_print(m->value, value);
        return err_set(
            ERR_INVALID,
            "Invalid value %lld for parameter '%s' supplied: metric '%.*s' (value=%.*s). "
            "Timestamp must be a nonnegative long (64-bit integer) ",
            (long long)m->timestamp_ms, path_of(list, i, "timestamp").text, STR_ARG(m->key), (int)n,
            value);
    }
    return check_length("Metric name", m->key, TRACKING_KEY_MAX);
}

err check_batch(const run_batch *b, bool single)
{
    for (size_t i = 0; i < b->n_metrics; i++)
        TRY(check_metric(single ? NULL : "metrics", i, &b->metrics[i]));
    TRY(check_params(single ? NULL : "params", b->params, b->n_params));
    TRY(check_tags(single ? NULL : "tags", b->tags, b->n_tags, 0));
    for (size_t i = 0; b->of && i < b->n_metrics; i++) {
        TRY(check_plain("dataset_name", b->of[i].dataset_name));
        TRY(check_plain("dataset_digest", b->of[i].dataset_digest));
        TRY(check_length("dataset_name", b->of[i].dataset_name, TRACKING_NAME_MAX));
        TRY(check_length("dataset_digest", b->of[i].dataset_digest, DATASET_DIGEST_MAX));
    }
    TRY(check_count("metrics", TRACKING_METRICS_MAX, b->n_metrics));
    TRY(check_count("params", TRACKING_PARAMS_MAX, b->n_params));
    TRY(check_count("tags", TRACKING_TAGS_MAX, b->n_tags));
    TRY(check_count("metrics, params, and tags", TRACKING_ENTITIES_MAX,
                    b->n_metrics + b->n_params + b->n_tags));
    return check_unique_params(b->params, b->n_params);
}

key_value *check_cut_pairs(arena *a, const key_value *v, size_t n, size_t value_max)
{
    key_value *to = arena_array(a, key_value, n ? n : 1);
    for (size_t i = 0; i < n; i++)
        to[i] = (key_value){v[i].key, check_cut(v[i].value, value_max)};
    return to;
}

err check_run_status(const char *status)
{
    static const char *const all[] = {"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"};
    for (size_t i = 0; i < countof(all); i++)
        if (!strcmp(status, all[i])) return ERR_OK;
    return err_set(ERR_INVALID,
                   "run status '%s': want RUNNING, SCHEDULED, FINISHED, FAILED or KILLED", status);
}
