#include "base/yaml.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

const char *yaml_kind_name(yaml_kind k)
{
    static const char *const names[] = {
        [YAML_NULL] = "nothing",   [YAML_BOOL] = "true or false", [YAML_INT] = "a whole number",
        [YAML_FLOAT] = "a number", [YAML_STR] = "a string",       [YAML_SEQ] = "a list",
        [YAML_MAP] = "a mapping",
    };
    static_assert(countof(names) == YAML_MAP + 1, "one name a kind");
    assert(k <= YAML_MAP);
    return names[k];
}

yaml *yaml_find(const yaml *y, const char *key)
{
    assert(key);
    if (!y || y->kind != YAML_MAP) return NULL;
    for (size_t i = 0; i < y->n; i++)
        if (str_is(y->pairs[i].key, key)) return y->pairs[i].value;
    return NULL;
}

err(yaml_err)(const yaml *at, const char *fmt, ...)
{
    assert(at);
    AUTO(arena) a = arena_new(0);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    assert(n >= 0);
    char *words = arena_alloc_raw(a, (size_t)n + 1, 1);
    va_start(ap, fmt);
    vsnprintf(words, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return err_set(ERR_INVALID, "%s:%d:%d: %s", at->file, at->line, at->col, words);
}

err yaml_only(const yaml *y, const char *what, const char *const *keys)
{
    assert(y);
    assert(what);
    assert(keys);
    if (y->kind != YAML_MAP)
        return yaml_err(y, "%s: is %s, want a mapping", what, yaml_kind_name(y->kind));
    size_t n = 0;
    while (keys[n])
        n++;
    for (size_t i = 0; i < y->n; i++) {
        const yaml_pair *p = &y->pairs[i];
        bool known = false;
        for (size_t j = 0; j < n && !known; j++)
            known = str_is(p->key, keys[j]);
        if (known) continue;
        const char *near = str_nearest(p->key, keys, n);
        return err_set(ERR_INVALID, "%s:%d:%d: %s: unknown key \"%.*s\"%s%s%s", y->file,
                       p->key_line, p->key_col, what, p->key.n > 100 ? 100 : (int)p->key.n,
                       p->key.p, near ? ", did you mean \"" : "", near ? near : "",
                       near ? "\"?" : "");
    }
    return ERR_OK;
}

/* field is the value of key in map y, or NULL. */
static err field(const yaml *y, const char *key, const yaml **ret)
{
    assert(y);
    if (y->kind != YAML_MAP)
        return yaml_err(y, "is %s, want a mapping with \"%s\"", yaml_kind_name(y->kind), key);
    *ret = yaml_find(y, key);
    return ERR_OK;
}

static err wrong(const yaml *v, const char *key, const char *want)
{
    return yaml_err(v, "%s: is %s, want %s", key, yaml_kind_name(v->kind), want);
}

static err as_str(const yaml *v, const char *key, str *ret)
{
    if (v->kind == YAML_SEQ || v->kind == YAML_MAP || v->kind == YAML_NULL)
        return wrong(v, key, "a string");
    *ret = v->text;
    return ERR_OK;
}

err yaml_get_str(const yaml *y, const char *key, str *ret)
{
    assert(ret);
    const yaml *v = NULL;
    TRY(field(y, key, &v));
    if (!v) return yaml_err(y, "%s: missing, want a string", key);
    return as_str(v, key, ret);
}

err yaml_opt_str(const yaml *y, const char *key, str *ret)
{
    assert(ret);
    const yaml *v = NULL;
    TRY(field(y, key, &v));
    return v ? as_str(v, key, ret) : ERR_OK;
}

err yaml_opt_i64(const yaml *y, const char *key, int64_t *ret)
{
    assert(ret);
    const yaml *v = NULL;
    TRY(field(y, key, &v));
    if (!v) return ERR_OK;
    if (v->kind != YAML_INT) return wrong(v, key, "a whole number");
    *ret = v->i;
    return ERR_OK;
}

err yaml_opt_f64(const yaml *y, const char *key, double *ret)
{
    assert(ret);
    const yaml *v = NULL;
    TRY(field(y, key, &v));
    if (!v) return ERR_OK;
    if (v->kind != YAML_INT && v->kind != YAML_FLOAT) return wrong(v, key, "a number");
    *ret = v->f;
    return ERR_OK;
}

err yaml_opt_bool(const yaml *y, const char *key, bool *ret)
{
    assert(ret);
    const yaml *v = NULL;
    TRY(field(y, key, &v));
    if (!v) return ERR_OK;
    if (v->kind != YAML_BOOL) return wrong(v, key, "true or false");
    *ret = v->b;
    return ERR_OK;
}
