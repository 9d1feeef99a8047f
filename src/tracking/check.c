#include <assert.h>

#include "tracking/tracking_int.h"

static bool key_byte_ok(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c >= 0x80 || c == '_' || c == '-' || c == '.' || c == ' ' || c == ':' || c == '/';
}

/* Python's posixpath.normpath(key) == key, and it neither climbs nor is absolute: keys are file
 * names in MLflow's file store. */
static bool key_is_plain_path(str key)
{
    str rest = key, level;
    if (str_eq(key, STR("."))) return false;
    while (rest.n) {
        bool more = str_cut(rest, '/', &level, &rest);
        if (!level.n || str_eq(level, STR(".")) || str_eq(level, STR(".."))) return false;
        if (more && !rest.n) return false;
    }
    return true;
}

err check_length(const char *where, const char *field, str value, size_t max)
{
    if (value.n <= max) return ERR_OK;
    return err_set(ERR_INVALID, "'%s%s%s' exceeds the maximum length of %zu characters", where,
                   *where ? "." : "", field, max);
}

err check_key(const char *where, str key)
{
    const char *dot = *where ? "." : "";
    if (!key.n)
        return err_set(
            ERR_INVALID,
            "Invalid value \"\" for parameter '%s%skey' supplied: A key name must be provided.",
            where, dot);
    TRY(check_length(where, "key", key, TRACKING_KEY_MAX));
    bool ok = str_utf8_ok(key);
    for (size_t i = 0; ok && i < key.n; i++)
        ok = key_byte_ok((unsigned char)key.p[i]);
    if (!ok)
        return err_set(
            ERR_INVALID,
            "Invalid value \"%.*s\" for parameter '%s%skey' supplied: Names may only contain "
            "alphanumerics, "
            "underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).",
            STR_ARG(key), where, dot);
    if (!key_is_plain_path(key))
        return err_set(ERR_INVALID,
                       "Invalid value \"%.*s\" for parameter '%s%skey' supplied: Names may be "
                       "treated as files in certain "
                       "cases, and must not resolve to other names when treated as such.",
                       STR_ARG(key), where, dot);
    return ERR_OK;
}

err check_pairs(const char *list, const key_value *v, size_t n, size_t value_max)
{
    for (size_t i = 0; i < n; i++) {
        char where[64];
        snprintf(where, sizeof where, "%s[%zu]", list, i);
        TRY(check_key(where, v[i].key));
        TRY(check_length(where, "value", v[i].value, value_max));
        if (!str_utf8_ok(v[i].value) || memchr(v[i].value.p ? v[i].value.p : "", 0, v[i].value.n))
            return err_set(ERR_INVALID, "%s.value: not UTF-8 text (key '%.*s')", where,
                           STR_ARG(v[i].key));
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

err check_batch(const run_batch *b)
{
    TRY(check_count("metrics", TRACKING_METRICS_MAX, b->n_metrics));
    TRY(check_count("params", TRACKING_PARAMS_MAX, b->n_params));
    TRY(check_count("tags", TRACKING_TAGS_MAX, b->n_tags));
    TRY(check_count("metrics, params, and tags", TRACKING_ENTITIES_MAX,
                    b->n_metrics + b->n_params + b->n_tags));
    for (size_t i = 0; i < b->n_metrics; i++) {
        char where[32];
        snprintf(where, sizeof where, "metrics[%zu]", i);
        TRY(check_key(where, b->metrics[i].key));
        if (b->metrics[i].timestamp_ms < 0)
            return err_set(
                ERR_INVALID,
                "Invalid value %lld for parameter '%s.timestamp' supplied: Timestamp must be a "
                "nonnegative long (64-bit integer)",
                (long long)b->metrics[i].timestamp_ms, where);
    }
    TRY(check_pairs("params", b->params, b->n_params, TRACKING_PARAM_VALUE_MAX));
    TRY(check_pairs("tags", b->tags, b->n_tags, TRACKING_TAG_VALUE_MAX));
    return check_unique_params(b->params, b->n_params);
}

err check_run_status(const char *status)
{
    static const char *const all[] = {"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"};
    for (size_t i = 0; i < countof(all); i++)
        if (!strcmp(status, all[i])) return ERR_OK;
    return err_set(ERR_INVALID,
                   "run status '%s': want RUNNING, SCHEDULED, FINISHED, FAILED or KILLED", status);
}
