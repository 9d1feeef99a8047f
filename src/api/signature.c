/* GET /api/tidemill/endpoints/{name}/signature: what "try it" is made of. */
#include "api/api_int.h"
#include "registry/registry.h"

enum { MLMODEL_MAX = 16 << 20, EXAMPLE_MAX = 16 << 20 };

/* main_entity: the one that gets most of the traffic. */
static const entity_spec *main_entity(const endpoint_spec *s)
{
    str name = s->n_routes ? s->routes[0].served_model_name : s->entities[0].name;
    int most = s->n_routes ? s->routes[0].traffic_percentage : 0;
    for (size_t i = 1; i < s->n_routes; i++) {
        if (s->routes[i].traffic_percentage <= most) continue;
        most = s->routes[i].traffic_percentage;
        name = s->routes[i].served_model_name;
    }
    for (size_t i = 0; i < s->n_entities; i++)
        if (str_eq(s->entities[i].name, name)) return &s->entities[i];
    return &s->entities[0];
}

static err model_file(call *c, str model_id, const char *path, size_t max, str *ret)
{
    home *h = c->api->o.home;
    str root = str_fmt(c->a, "models/%.*s", STR_ARG(model_id));
    return artifact_get(home_db(h), home_blobs(h), c->a, root, str_of(path), max, ret);
}

/* read_example: columns and first row of serving_input_example.json; NULL where there is none. */
static err read_example(call *c, str model_id, yyjson_val **ret_columns, yyjson_val **ret_row)
{
    str text;
    yyjson_val *root, *split, *data;
    *ret_columns = *ret_row = NULL;
    err e = model_file(c, model_id, "serving_input_example.json", EXAMPLE_MAX, &text);
    if (e == ERR_MISSING) return ERR_OK;
    TRY(e);
    TRY(json_parse(c->a, text, "serving_input_example.json", &root));
    if (!yyjson_is_obj(root)) return ERR_OK;
    split = yyjson_obj_get(root, "dataframe_split");
    if (!yyjson_is_obj(split)) return ERR_OK;
    TRY(json_get_arr(split, "dataframe_split", "columns", ret_columns));
    TRY(json_get_arr(split, "dataframe_split", "data", &data));
    *ret_row = yyjson_arr_get_first(data);
    return ERR_OK;
}

static err write_example(jw *w, const schema *inputs, yyjson_val *columns, yyjson_val *row)
{
    size_t i, max;
    yyjson_val *v;
    buf one;
    jw_obj(w);
    yyjson_arr_foreach(columns, i, max, v)
    {
        yyjson_val *cell = yyjson_arr_get(row, i);
        if (!cell || !yyjson_is_str(v) || schema_find(inputs, json_str(v), i) < 0) continue;
        buf_init(&one, EXAMPLE_MAX);
        json_write(&one, cell);
        jw_key_str(w, json_str(v));
        jw_raw(w, one.n ? buf_str(&one) : STR("null"));
        err e = buf_err(&one, "a value of the input example");
        buf_done(&one);
        TRY(e);
    }
    jw_obj_end(w);
    return ERR_OK;
}

/* The address as the reader knows this server. */
static str base_url(call *c)
{
    str host = http_find_header(c->r, "Host"), url;
    if (host.n) return str_fmt(c->a, "http://%.*s", STR_ARG(host));
    return home_url(c->api->o.home, c->a, &url) ? STR("") : url;
}

err handle_own_signature(call *c)
{
    endpoint_state s;
    model_version version;
    package p;
    str mlmodel, url;
    yyjson_val *columns, *row;
    TRY(serving_get(c->api->o.serving, c->a, c->arg[0], &s));
    const entity_spec *e = main_entity(&s.spec);
    TRY(registry_version_get(home_db(c->api->o.home), c->a, e->entity_name, e->entity_version,
                             &version));
    TRY(model_file(c, version.model_id, "MLmodel", MLMODEL_MAX, &mlmodel));
    TRY(package_parse(c->a, mlmodel, &p));
    TRY(read_example(c, version.model_id, &columns, &row));
    url = base_url(c);
    jw *w = call_json(c);
    jw_obj(w);
    jw_key(w, "inputs");
    schema_to_json(w, &p.sig.inputs);
    jw_key(w, "example");
    TRY(write_example(w, &p.sig.inputs, columns, row));
    jw_key(w, "model");
    jw_obj(w);
    jw_kstr(w, "name", e->entity_name);
    jw_kstr(w, "version", str_fmt(c->a, "%lld", (long long)e->entity_version));
    jw_obj_end(w);
    jw_kstr(w, "url",
            str_fmt(c->a, "%.*s/serving-endpoints/%.*s/invocations", STR_ARG(url),
                    STR_ARG(s.spec.name)));
    jw_obj_end(w);
    return ERR_OK;
}
