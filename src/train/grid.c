#include <assert.h>

#include "base/buf.h"
#include "train/search_int.h"

enum { PARAMS_MAX = 90, VALUE_MAX = 500 }; /* a run holds 100 params; training adds its own */

/* Parameters that training sets itself, that make LightGBM touch files, sockets or devices, or that
 * make another kind of model. Their real names: aliases are looked up first. */
static const char *const refused[] = {
    "config",
    "convert_model",
    "data",
    "deterministic",
    "device_type",
    "feature_pre_filter",
    "force_col_wise",
    "force_row_wise",
    "forcedbins_filename",
    "forcedsplits_filename",
    "input_model",
    "local_listen_port",
    "machine_list_filename",
    "machines",
    "num_class",
    "num_machines",
    "num_threads",
    "output_model",
    "output_result",
    "parser_config_file",
    "save_binary",
    "seed",
    "snapshot_freq",
    "task",
    "valid",
    "verbosity",
};

static err unknown(arena *a, const map *known, str name)
{
    size_t n = map_count(known);
    const char **names = arena_array(a, const char *, n);
    for (size_t i = 0; i < n; i++)
        names[i] = str_c(a, map_at(known, i)->key);
    const char *near = str_nearest(name, names, n);
    return err_set(ERR_INVALID, "train: LightGBM has no parameter '%.*s'%s%s%s", STR_ARG(name),
                   near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static err check_name(arena *a, const map *known, map *taken, str name)
{
    const char *real = map_find(known, name);
    if (!real) return unknown(a, known, name);
    for (size_t i = 0; i < countof(refused); i++)
        if (!strcmp(real, refused[i]))
            return err_set(ERR_INVALID, "train: parameter '%.*s' may not be set here",
                           STR_ARG(name));
    if (map_find(taken, str_of(real)))
        return err_set(ERR_INVALID, "train: parameter '%.*s' is given twice (it is LightGBM's %s)",
                       STR_ARG(name), real);
    map_put(taken, str_of(real), (void *)(uintptr_t)real);
    return ERR_OK;
}

static err check_names(arena *a, const map *known, const train_spec *o)
{
    if (o->n_params > PARAMS_MAX || o->n_axes > PARAMS_MAX - o->n_params)
        return err_set(ERR_LIMIT, "train: %zu parameters and %zu to search over, want at most %d",
                       o->n_params, o->n_axes, PARAMS_MAX);
    map *taken = map_new(a);
    for (size_t i = 0; i < o->n_params; i++)
        TRY(check_name(a, known, taken, o->params[i].key));
    for (size_t i = 0; i < o->n_axes; i++)
        TRY(check_name(a, known, taken, o->axes[i].param));
    return ERR_OK;
}

/* LightGBM reads one text of name=value; a value must not begin another one. */
static err check_value(str name, str value)
{
    if (!value.n || value.n > VALUE_MAX)
        return err_set(ERR_INVALID, "train: parameter '%.*s' = '%.*s': want 1 to %d bytes",
                       STR_ARG(name), (int)(value.n < 100 ? value.n : 100), value.p, VALUE_MAX);
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] <= ' ' || value.p[i] == '=' || value.p[i] == '#')
            return err_set(ERR_INVALID,
                           "train: parameter '%.*s' = '%.*s': want no white space, '=' or '#'",
                           STR_ARG(name), STR_ARG(value));
    return ERR_OK;
}

/* finish_candidate splits off the number of iterations and writes the others as LightGBM reads
 * them. */
static err finish_candidate(arena *a, const map *known, const train_spec *o, candidate *c)
{
    buf b;
    buf_init(&b, 65536);
    buf_fmt(&b,
            "seed=%llu deterministic=true force_col_wise=true feature_pre_filter=false "
            "verbosity=-1",
            (unsigned long long)(o->seed % INT32_MAX));
    c->iterations = 100; /* LightGBM's own default */
    err e = ERR_OK;
    for (size_t i = 0; i < c->n_params && !e; i++) {
        str name = c->params[i].key, value = c->params[i].value;
        int64_t n = 0;
        e = check_value(name, value);
        if (e) break;
        if (strcmp(map_find(known, name), "num_iterations"))
            buf_fmt(&b, " %.*s=%.*s", STR_ARG(name), STR_ARG(value));
        else if (parse_i64(value, &n) || n < 1 || n > TRAIN_ITERATIONS_MAX)
            e = err_set(ERR_INVALID, "train: %.*s: %.*s, want a number from 1 to %d", STR_ARG(name),
                        STR_ARG(value), TRAIN_ITERATIONS_MAX);
        else
            c->iterations = (int)n;
    }
    if (!e) e = buf_err(&b, "train: the parameters of one candidate");
    if (!e) c->text = str_c(a, buf_str(&b));
    buf_done(&b);
    return e;
}

/* Candidate number c as digits, one an axis, the last axis fastest. */
static void set_point(const train_spec *o, size_t c, key_value *params)
{
    for (size_t i = 0; i < o->n_params; i++)
        params[i] = o->params[i];
    for (size_t i = o->n_axes; i-- > 0;) {
        const search_axis *x = &o->axes[i];
        params[o->n_params + i] = (key_value){x->param, x->values[c % x->n]};
        c /= x->n;
    }
}

err candidates_make(lgb *l, arena *a, const train_spec *o, candidate **ret, size_t *ret_n)
{
    assert(l && a && o && ret && ret_n);
    assert(o->folds >= 2);
    map *known;
    size_t n = 1;
    TRY(lgb_parameters(l, a, &known));
    TRY(check_names(a, known, o));
    for (size_t i = 0; i < o->n_axes; i++)
        if (!o->axes[i].n || !size_mul(n, o->axes[i].n, &n) || n > TRAIN_CANDIDATES_MAX)
            return err_set(o->axes[i].n ? ERR_LIMIT : ERR_INVALID,
                           "train: search over %.*s: want 1 to %d candidates in all",
                           STR_ARG(o->axes[i].param), TRAIN_CANDIDATES_MAX);
    candidate *v = arena_array(a, candidate, n);
    for (size_t c = 0; c < n; c++) {
        key_value *params = arena_array(a, key_value, o->n_params + o->n_axes);
        set_point(o, c, params);
        v[c] = (candidate){.params = params,
                           .n_params = o->n_params + o->n_axes,
                           .mae = arena_array(a, double, (size_t)o->folds),
                           .rmse = arena_array(a, double, (size_t)o->folds)};
        TRY(finish_candidate(a, known, o, &v[c]));
    }
    *ret = v;
    *ret_n = n;
    return ERR_OK;
}
