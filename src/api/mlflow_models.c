/* Registered models and their versions as MLflow's clients read them. */
#include "api/api_int.h"
#include "api/mlflow_int.h"

enum { MODELS_MAX = 1000, VERSIONS_MAX = 10000 };

static db *database(const call *c)
{
    return home_db(c->api->o.home);
}

/* What a search asks for. */
typedef struct model_filter {
    str name;        /* "": any */
    bool no_prompts; /* MLflow keeps prompts as models with a tag; its client leaves them out */
} model_filter;

/* quoted: 'x' or "x" without the quotes. */
static bool quoted(str s, str *ret)
{
    char quote = s.n >= 2 ? s.p[0] : 0;
    if ((quote != '\'' && quote != '"') || s.p[s.n - 1] != quote) return false;
    *ret = (str){s.p + 1, s.n - 2};
    return !memchr(ret->p, quote, ret->n);
}

/* condition takes the two that are known: name = 'x', and the one that MLflow's client adds. */
static bool condition(str text, model_filter *f)
{
    str left, right;
    text = str_trim(text);
    if (str_is(text, "tag.`mlflow.prompt.is_prompt` != 'true'") ||
        str_is(text, "tags.`mlflow.prompt.is_prompt` != 'true'"))
        return f->no_prompts = true;
    return !f->name.n && str_cut(text, '=', &left, &right) && str_is(str_trim(left), "name") &&
           quoted(str_trim(right), &f->name) && f->name.n;
}

/* read_filter: conditions joined by AND. *ret_refused: the answer was given. */
static err read_filter(call *c, model_filter *ret, bool *ret_refused)
{
    str filter = STR(""), order = STR("");
    size_t at;
    TRY(call_str(c, "filter", &filter));
    TRY(call_str(c, "order_by", &order));
    *ret = (model_filter){.name = STR("")};
    bool known = true;
    for (str rest = str_trim(filter); known && rest.n;) {
        bool more = str_find(rest, STR(" AND "), &at);
        known = condition(more ? (str){rest.p, at} : rest, ret);
        rest = more ? (str){rest.p + at + 5, rest.n - at - 5} : STR("");
    }
    *ret_refused = order.n || !known;
    if (order.n) return call_refuse(c, 501, NULL, "order_by: not supported yet, leave it out");
    if (known) return ERR_OK;
    return call_refuse(c, 501, NULL, "filter \"%.*s\": not supported yet, want \"name = '...'\"",
                       (int)(filter.n < 200 ? filter.n : 200), filter.p);
}

static bool is_prompt(const registered_model *m)
{
    for (size_t i = 0; i < m->n_tags; i++)
        if (str_is(m->tags[i].key, "mlflow.prompt.is_prompt"))
            return str_is(m->tags[i].value, "true");
    return false;
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
    model_filter f;
    registered_model *v;
    size_t n;
    bool refused;
    TRY(read_filter(c, &f, &refused));
    if (refused) return ERR_OK;
    TRY(call_page(c, 100, MODELS_MAX, &p));
    TRY(models_of(c, f.name, &p, &v, &n));
    jw *w = call_json(c);
    jw_obj(w);
    jw_key(w, "registered_models");
    jw_arr(w);
    for (size_t i = 0; i < n && i < p.max; i++)
        if (!f.no_prompts || !is_prompt(&v[i])) TRY(write_model(c, w, &v[i]));
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
    model_filter f;
    model_version *v;
    size_t n;
    bool refused;
    TRY(read_filter(c, &f, &refused));
    if (refused) return ERR_OK;
    TRY(call_page(c, 1000, VERSIONS_MAX, &p));
    err e = registry_versions(database(c), c->a, f.name, p.max + 1, p.offset, &v, &n);
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
