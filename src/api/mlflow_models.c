/* Registered models and their versions as MLflow's clients read them. */
#include "api/api_int.h"
#include "api/mlflow_int.h"

enum { MODELS_MAX = 1000, VERSIONS_MAX = 10000 };

static db *database(const call *c)
{
    return home_db(c->api->o.home);
}

/* name_filter takes the one condition that is known: name = 'x' (or with double quotes). "" is no
 * condition. *ret_refused: the answer was given. */
static err name_filter(call *c, str *ret_name, bool *ret_refused)
{
    str filter = STR(""), order = STR(""), left, right;
    TRY(call_str(c, "filter", &filter));
    TRY(call_str(c, "order_by", &order));
    *ret_name = STR("");
    if (order.n) {
        *ret_refused = true;
        return call_refuse(c, 501, NULL, "order_by: not supported yet, leave it out");
    }
    if (!str_trim(filter).n) return ERR_OK;
    if (str_cut(filter, '=', &left, &right) && str_is(str_trim(left), "name")) {
        str v = str_trim(right);
        char quote = v.n >= 3 ? v.p[0] : 0;
        if ((quote == '\'' || quote == '"') && v.p[v.n - 1] == quote &&
            !memchr(v.p + 1, quote, v.n - 2)) {
            *ret_name = (str){v.p + 1, v.n - 2};
            return ERR_OK;
        }
    }
    *ret_refused = true;
    return call_refuse(c, 501, NULL, "filter \"%.*s\": not supported yet, want \"name = '...'\"",
                       (int)(filter.n < 200 ? filter.n : 200), filter.p);
}

static err write_model(call *c, jw *w, const registered_model *m)
{
    model_version latest;
    if (m->latest_version)
        TRY(registry_version_get(database(c), c->a, m->name, m->latest_version, &latest));
    json_model(w, m, m->latest_version ? &latest : NULL);
    return ERR_OK;
}

err handle_model_get(call *c)
{
    str name;
    registered_model m;
    TRY(call_need(c, "name", &name));
    TRY(registry_model_get(database(c), c->a, name, &m));
    jw *w = call_json(c);
    jw_obj(w);
    jw_key(w, "registered_model");
    TRY(write_model(c, w, &m));
    jw_obj_end(w);
    return ERR_OK;
}

static err models_of(call *c, str name, const page_of *p, registered_model **ret, size_t *ret_n)
{
    if (!name.n) return registry_models(database(c), c->a, p->max + 1, p->offset, ret, ret_n);
    *ret = arena_new_of(c->a, registered_model);
    err e = registry_model_get(database(c), c->a, name, *ret);
    if (e && e != ERR_MISSING) return e;
    *ret_n = !e && !p->offset;
    return ERR_OK;
}

err handle_models_search(call *c)
{
    page_of p;
    str name;
    registered_model *v;
    size_t n;
    bool refused = false;
    TRY(name_filter(c, &name, &refused));
    if (refused) return ERR_OK;
    TRY(call_page(c, 100, MODELS_MAX, &p));
    TRY(models_of(c, name, &p, &v, &n));
    jw *w = call_json(c);
    jw_obj(w);
    jw_key(w, "registered_models");
    jw_arr(w);
    for (size_t i = 0; i < n && i < p.max; i++)
        TRY(write_model(c, w, &v[i]));
    jw_arr_end(w);
    call_next_page(c, w, &p, n > p.max);
    jw_obj_end(w);
    return ERR_OK;
}

static void answer_version(call *c, const model_version *v)
{
    jw *w = call_json(c);
    jw_obj(w);
    jw_key(w, "model_version");
    json_version(w, v);
    jw_obj_end(w);
}

err handle_model_alias(call *c)
{
    str name, alias;
    model_version v;
    TRY(call_need(c, "name", &name));
    TRY(call_need(c, "alias", &alias));
    TRY(registry_alias_get(database(c), c->a, name, alias, &v));
    answer_version(c, &v);
    return ERR_OK;
}

err handle_version_get(call *c)
{
    str name, text;
    int64_t number = 0;
    model_version v;
    TRY(call_need(c, "name", &name));
    TRY(call_need(c, "version", &text));
    if (parse_i64(text, &number) || number < 1)
        return err_set(ERR_INVALID, "Model version must be a positive integer, got '%.*s'.",
                       (int)(text.n < 100 ? text.n : 100), text.p);
    TRY(registry_version_get(database(c), c->a, name, number, &v));
    answer_version(c, &v);
    return ERR_OK;
}

err handle_versions_search(call *c)
{
    page_of p;
    str name;
    model_version *v;
    size_t n;
    bool refused = false;
    TRY(name_filter(c, &name, &refused));
    if (refused) return ERR_OK;
    TRY(call_page(c, 1000, VERSIONS_MAX, &p));
    err e = registry_versions(database(c), c->a, name, p.max + 1, p.offset, &v, &n);
    if (e == ERR_MISSING)
        n = 0; /* a search finds nothing, that is no error */
    else
        TRY(e);
    jw *w = call_json(c);
    jw_obj(w);
    jw_key(w, "model_versions");
    jw_arr(w);
    for (size_t i = 0; i < n && i < p.max; i++)
        json_version(w, &v[i]);
    jw_arr_end(w);
    call_next_page(c, w, &p, n > p.max);
    jw_obj_end(w);
    return ERR_OK;
}
