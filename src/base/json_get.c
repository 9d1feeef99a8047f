#include <assert.h>
#include <inttypes.h>
#include <math.h>

#include "base/json.h"

/* "where.key", or key alone at the root. */
#define AT_FMT         "%s%s%s"
#define AT(where, key) (where), (where)[0] ? "." : "", (key)
#define TWO_POW_63     0x1p63

static err wrong(yyjson_val *v, const char *where, const char *key, const char *want)
{
    return err_set(ERR_INVALID, AT_FMT ": is %s, want %s", AT(where, key), yyjson_get_type_desc(v),
                   want);
}

static err not_object(yyjson_val *o, const char *where)
{
    return err_set(ERR_INVALID, "%s: is %s, want an object", where[0] ? where : "the whole",
                   o ? yyjson_get_type_desc(o) : "absent");
}

/* field finds the value of key; *ret is NULL when it is absent or null. */
static err field(yyjson_val *o, const char *where, const char *key, yyjson_val **ret)
{
    assert(where);
    assert(key);
    assert(ret);
    if (!yyjson_is_obj(o)) return not_object(o, where);
    yyjson_val *v = yyjson_obj_get(o, key);
    *ret = yyjson_is_null(v) ? NULL : v;
    return ERR_OK;
}

static err need(yyjson_val *o, const char *where, const char *key, const char *want,
                yyjson_val **ret)
{
    yyjson_val *v = NULL;
    TRY(field(o, where, key, &v));
    if (!v) return err_set(ERR_INVALID, AT_FMT ": missing, want %s", AT(where, key), want);
    *ret = v;
    return ERR_OK;
}

static err as_str(yyjson_val *v, const char *where, const char *key, str *ret)
{
    if (!yyjson_is_str(v)) return wrong(v, where, key, "a string");
    *ret = json_str(v);
    return ERR_OK;
}

static err as_i64(yyjson_val *v, const char *where, const char *key, int64_t *ret)
{
    static const char *const want = "a 64-bit whole number";
    if (yyjson_is_sint(v)) {
        *ret = yyjson_get_sint(v);
        return ERR_OK;
    }
    if (yyjson_is_uint(v)) {
        uint64_t u = yyjson_get_uint(v);
        if (u > INT64_MAX)
            return err_set(ERR_INVALID, AT_FMT ": %" PRIu64 " is too large, want %s",
                           AT(where, key), u, want);
        *ret = (int64_t)u;
        return ERR_OK;
    }
    if (yyjson_is_real(v)) {
        double d = yyjson_get_real(v);
        if (d != trunc(d) || d < -TWO_POW_63 || d >= TWO_POW_63)
            return err_set(ERR_INVALID, AT_FMT ": %.17g, want %s", AT(where, key), d, want);
        *ret = (int64_t)d;
        return ERR_OK;
    }
    if (!yyjson_is_str(v)) return wrong(v, where, key, want);
    int64_t i = 0;
    err e = parse_i64(json_str(v), &i);
    if (e) {
        err_set(ERR_INVALID, "%s", err_message());
        return err_add(ERR_INVALID, AT_FMT, AT(where, key));
    }
    *ret = i;
    return ERR_OK;
}

static err as_f64(yyjson_val *v, const char *where, const char *key, double *ret)
{
    static const char *const want = "a number, or \"NaN\", \"Infinity\" or \"-Infinity\"";
    if (yyjson_is_num(v)) {
        *ret = yyjson_get_num(v);
        return ERR_OK;
    }
    if (!yyjson_is_str(v)) return wrong(v, where, key, want);
    str s = json_str(v);
    if (str_is(s, "NaN"))
        *ret = (double)NAN;
    else if (str_is(s, "Infinity"))
        *ret = (double)INFINITY;
    else if (str_is(s, "-Infinity"))
        *ret = -(double)INFINITY;
    else
        return wrong(v, where, key, want);
    return ERR_OK;
}

static err as_bool(yyjson_val *v, const char *where, const char *key, bool *ret)
{
    if (!yyjson_is_bool(v)) return wrong(v, where, key, "true or false");
    *ret = yyjson_get_bool(v);
    return ERR_OK;
}

err json_get_str(yyjson_val *o, const char *where, const char *key, str *ret)
{
    yyjson_val *v = NULL;
    TRY(need(o, where, key, "a string", &v));
    return as_str(v, where, key, ret);
}

err json_get_i64(yyjson_val *o, const char *where, const char *key, int64_t *ret)
{
    yyjson_val *v = NULL;
    TRY(need(o, where, key, "a whole number", &v));
    return as_i64(v, where, key, ret);
}

err json_get_f64(yyjson_val *o, const char *where, const char *key, double *ret)
{
    yyjson_val *v = NULL;
    TRY(need(o, where, key, "a number", &v));
    return as_f64(v, where, key, ret);
}

err json_get_bool(yyjson_val *o, const char *where, const char *key, bool *ret)
{
    yyjson_val *v = NULL;
    TRY(need(o, where, key, "true or false", &v));
    return as_bool(v, where, key, ret);
}

err json_get_obj(yyjson_val *o, const char *where, const char *key, yyjson_val **ret)
{
    yyjson_val *v = NULL;
    TRY(need(o, where, key, "an object", &v));
    if (!yyjson_is_obj(v)) return wrong(v, where, key, "an object");
    *ret = v;
    return ERR_OK;
}

err json_get_arr(yyjson_val *o, const char *where, const char *key, yyjson_val **ret)
{
    yyjson_val *v = NULL;
    TRY(need(o, where, key, "an array", &v));
    if (!yyjson_is_arr(v)) return wrong(v, where, key, "an array");
    *ret = v;
    return ERR_OK;
}

err json_opt_str(yyjson_val *o, const char *where, const char *key, str *ret)
{
    yyjson_val *v = NULL;
    TRY(field(o, where, key, &v));
    return v ? as_str(v, where, key, ret) : ERR_OK;
}

err json_opt_i64(yyjson_val *o, const char *where, const char *key, int64_t *ret)
{
    yyjson_val *v = NULL;
    TRY(field(o, where, key, &v));
    return v ? as_i64(v, where, key, ret) : ERR_OK;
}

err json_opt_f64(yyjson_val *o, const char *where, const char *key, double *ret)
{
    yyjson_val *v = NULL;
    TRY(field(o, where, key, &v));
    return v ? as_f64(v, where, key, ret) : ERR_OK;
}

err json_opt_bool(yyjson_val *o, const char *where, const char *key, bool *ret)
{
    yyjson_val *v = NULL;
    TRY(field(o, where, key, &v));
    return v ? as_bool(v, where, key, ret) : ERR_OK;
}

err json_only(yyjson_val *o, const char *where, const char *const *keys)
{
    assert(where);
    assert(keys);
    if (!yyjson_is_obj(o)) return not_object(o, where);
    size_t n = 0;
    while (keys[n])
        n++;
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach(o, i, max, key, value)
    {
        str k = json_str(key);
        bool known = false;
        for (size_t j = 0; j < n && !known; j++)
            known = str_is(k, keys[j]);
        if (known) continue;
        const char *near = str_nearest(k, keys, n);
        return err_set(ERR_INVALID, "%s%s%.*s: unknown key%s%s%s", where, where[0] ? "." : "",
                       k.n > 100 ? 100 : (int)k.n, k.p, near ? ", did you mean \"" : "",
                       near ? near : "", near ? "\"?" : "");
    }
    return ERR_OK;
}
