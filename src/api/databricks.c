/* Serving endpoints in Databricks' shapes:
 * https://docs.databricks.com/api/workspace/servingendpoints. What Databricks takes and we cannot
 * keep is refused by name. */
#include "api/api_int.h"

enum { TAGS_MAX = 100 };

/* ---- reading */

/* The texts are serving's to check. */
static err read_environment(call *c, yyjson_val *entity, const char *where, str *ret)
{
    yyjson_val *v = yyjson_obj_get(entity, "environment_vars");
    if (!v || yyjson_is_null(v)) return ERR_OK;
    if (!yyjson_is_obj(v))
        return err_set(ERR_INVALID, "%s.environment_vars: want an object of strings", where);
    buf b;
    buf_init(&b, API_BODY_MAX * 6);
    json_write(&b, v);
    err e = buf_err(&b, "environment_vars");
    if (!e) *ret = str_dup(c->a, buf_str(&b));
    buf_done(&b);
    return e;
}

static err read_entity(call *c, yyjson_val *v, size_t i, entity_spec *ret)
{
    static const char *const keys[] = {
        "name",          "entity_name",           "entity_version",   "workload_size",
        "workload_type", "scale_to_zero_enabled", "environment_vars", NULL};
    const char *where = cstr_fmt(c->a, "served_entities[%zu]", i);
    str type = STR("CPU");
    if (!yyjson_is_obj(v)) return err_set(ERR_INVALID, "%s: want an object", where);
    *ret = (entity_spec){
        .name = STR(""), .workload_size = STR("Small"), .environment_json = STR("{}")};
    TRY(json_only(v, where, keys));
    TRY(json_get_str(v, where, "entity_name", &ret->entity_name));
    TRY(json_get_i64(v, where, "entity_version", &ret->entity_version));
    TRY(json_opt_str(v, where, "name", &ret->name));
    TRY(json_opt_str(v, where, "workload_size", &ret->workload_size));
    TRY(json_opt_str(v, where, "workload_type", &type));
    TRY(json_opt_bool(v, where, "scale_to_zero_enabled", &ret->scale_to_zero));
    if (!str_is(type, "CPU"))
        return err_set(ERR_INVALID, "%s.workload_type: \"%.*s\", there is only CPU", where,
                       (int)(type.n < 40 ? type.n : 40), type.p);
    return read_environment(c, v, where, &ret->environment_json);
}

static err read_entities(call *c, yyjson_val *config, const char *where, endpoint_spec *ret)
{
    yyjson_val *list, *v;
    size_t i, max;
    TRY(json_get_arr(config, where, "served_entities", &list));
    ret->n_entities = yyjson_arr_size(list);
    if (!ret->n_entities || ret->n_entities > ENDPOINT_ENTITIES_MAX)
        return err_set(ERR_INVALID, "served_entities: %zu of them, want 1 to %d", ret->n_entities,
                       ENDPOINT_ENTITIES_MAX);
    entity_spec *entities = arena_array(c->a, entity_spec, ret->n_entities);
    yyjson_arr_foreach(list, i, max, v) TRY(read_entity(c, v, i, &entities[i]));
    ret->entities = entities;
    return ERR_OK;
}

static err read_route(call *c, yyjson_val *v, size_t i, route_spec *ret)
{
    static const char *const keys[] = {"served_model_name", "served_entity_name",
                                       "traffic_percentage", NULL};
    const char *where = cstr_fmt(c->a, "traffic_config.routes[%zu]", i);
    int64_t percentage;
    str name = STR("");
    if (!yyjson_is_obj(v)) return err_set(ERR_INVALID, "%s: want an object", where);
    TRY(json_only(v, where, keys));
    TRY(json_opt_str(v, where, "served_entity_name", &name));
    if (!name.n) TRY(json_get_str(v, where, "served_model_name", &name));
    TRY(json_get_i64(v, where, "traffic_percentage", &percentage));
    if (percentage < 0 || percentage > 100)
        return err_set(ERR_INVALID, "%s.traffic_percentage: %lld, want 0 to 100", where,
                       (long long)percentage);
    *ret = (route_spec){name, (int)percentage};
    return ERR_OK;
}

static err read_routes(call *c, yyjson_val *config, endpoint_spec *ret)
{
    static const char *const keys[] = {"routes", NULL};
    yyjson_val *traffic = yyjson_obj_get(config, "traffic_config"), *list, *v;
    size_t i, max;
    if (!traffic || yyjson_is_null(traffic)) return ERR_OK;
    if (!yyjson_is_obj(traffic)) return err_set(ERR_INVALID, "traffic_config: want an object");
    TRY(json_only(traffic, "traffic_config", keys));
    TRY(json_get_arr(traffic, "traffic_config", "routes", &list));
    ret->n_routes = yyjson_arr_size(list);
    if (ret->n_routes > ENDPOINT_ENTITIES_MAX)
        return err_set(ERR_INVALID, "traffic_config.routes: %zu of them, want at most %d",
                       ret->n_routes, ENDPOINT_ENTITIES_MAX);
    route_spec *specs = arena_array(c->a, route_spec, ret->n_routes);
    yyjson_arr_foreach(list, i, max, v) TRY(read_route(c, v, i, &specs[i]));
    ret->routes = specs;
    return ERR_OK;
}

static err read_config(call *c, yyjson_val *config, const char *where, endpoint_spec *ret)
{
    static const char *const keys[] = {"name", "served_entities", "traffic_config", NULL};
    str name = ret->name;
    TRY(json_only(config, where, keys));
    TRY(json_opt_str(config, where, "name", &name));
    if (!str_eq(name, ret->name))
        return err_set(ERR_INVALID, "%s%sname: differs from the endpoint's name %.*s", where,
                       *where ? "." : "", STR_ARG(ret->name));
    TRY(read_entities(c, config, where, ret));
    return read_routes(c, config, ret);
}

/* Tags are checked and not kept: serving has no place for them yet. */
static err check_tags(yyjson_val *body)
{
    yyjson_val *list = yyjson_obj_get(body, "tags"), *v;
    size_t i, max;
    str text;
    if (!list || yyjson_is_null(list)) return ERR_OK;
    if (!yyjson_is_arr(list) || yyjson_arr_size(list) > TAGS_MAX)
        return err_set(ERR_INVALID, "tags: want an array of at most %d objects with key and value",
                       TAGS_MAX);
    yyjson_arr_foreach(list, i, max, v)
    {
        if (!yyjson_is_obj(v))
            return err_set(ERR_INVALID, "tags[%zu]: want an object with key and value", i);
        TRY(json_get_str(v, "tags[]", "key", &text));
        TRY(json_opt_str(v, "tags[]", "value", &text));
    }
    return ERR_OK;
}

/* ---- writing */

static void json_entity(jw *w, const endpoint_state *s, const entity_spec *e)
{
    char version[I64_PRINT_MAX];
    jw_obj(w);
    jw_kstr(w, "name", e->name);
    jw_kstr(w, "entity_name", e->entity_name);
    jw_kstr(w, "entity_version", (str){version, i64_print(e->entity_version, version)});
    jw_kstr(w, "workload_size", e->workload_size);
    jw_kcstr(w, "workload_type", "CPU");
    jw_kbool(w, "scale_to_zero_enabled", e->scale_to_zero);
    if (e->environment_json.n) {
        jw_key(w, "environment_vars");
        jw_raw(w, e->environment_json);
    }
    jw_ki64(w, "creation_timestamp", s->updated_ms);
    jw_kstr(w, "creator", s->creator);
    jw_key(w, "state");
    jw_obj(w);
    jw_kcstr(w, "deployment", s->ready ? "DEPLOYMENT_READY" : "DEPLOYMENT_FAILED");
    jw_kstr(w, "deployment_state_message", s->error);
    jw_obj_end(w);
    jw_obj_end(w);
}

static void json_config(jw *w, const endpoint_state *s)
{
    jw_obj(w);
    jw_key(w, "served_entities");
    jw_arr(w);
    for (size_t i = 0; i < s->spec.n_entities; i++)
        json_entity(w, s, &s->spec.entities[i]);
    jw_arr_end(w);
    jw_key(w, "traffic_config");
    jw_obj(w);
    jw_key(w, "routes");
    jw_arr(w);
    for (size_t i = 0; i < s->spec.n_routes; i++) {
        jw_obj(w);
        jw_kstr(w, "served_model_name", s->spec.routes[i].served_model_name);
        jw_kstr(w, "served_entity_name", s->spec.routes[i].served_model_name);
        jw_ki64(w, "traffic_percentage", s->spec.routes[i].traffic_percentage);
        jw_obj_end(w);
    }
    jw_arr_end(w);
    jw_obj_end(w);
    jw_ki64(w, "config_version", s->config_version);
    jw_obj_end(w);
}

static void json_endpoint(jw *w, const endpoint_state *s)
{
    jw_obj(w);
    jw_kstr(w, "name", s->spec.name);
    jw_kstr(w, "creator", s->creator);
    jw_ki64(w, "creation_timestamp", s->created_ms);
    jw_ki64(w, "last_updated_timestamp", s->updated_ms);
    jw_key(w, "state");
    jw_obj(w);
    jw_kcstr(w, "ready", s->ready ? "READY" : "NOT_READY");
    jw_kcstr(w, "config_update", s->error.n ? "UPDATE_FAILED" : "NOT_UPDATING");
    jw_obj_end(w);
    jw_key(w, "config");
    json_config(w, s);
    jw_kstr(w, "id", s->id);
    jw_kcstr(w, "permission_level", "CAN_MANAGE");
    jw_obj_end(w);
}

/* ---- handlers */

err handle_endpoint_create(call *c)
{
    static const char *const keys[] = {"name", "config", "tags", NULL};
    yyjson_val *body, *config;
    endpoint_spec spec = {0};
    endpoint_state state;
    TRY(call_body(c, &body));
    TRY(json_only(body, "", keys));
    TRY(json_get_str(body, "", "name", &spec.name));
    TRY(json_get_obj(body, "", "config", &config));
    TRY(check_tags(body));
    TRY(read_config(c, config, "config", &spec));
    TRY(serving_create(c->api->o.serving, c->a, &spec, clk_now_ms(c->api->o.clock), &state));
    json_endpoint(call_json(c), &state);
    return ERR_OK;
}

err handle_endpoint_update(call *c)
{
    yyjson_val *body;
    endpoint_spec spec = {.name = c->arg[0]};
    endpoint_state state;
    TRY(call_body(c, &body));
    TRY(read_config(c, body, "", &spec));
    TRY(serving_update(c->api->o.serving, c->a, &spec, clk_now_ms(c->api->o.clock), &state));
    json_endpoint(call_json(c), &state);
    return ERR_OK;
}

err handle_endpoint_get(call *c)
{
    endpoint_state state;
    TRY(serving_get(c->api->o.serving, c->a, c->arg[0], &state));
    json_endpoint(call_json(c), &state);
    return ERR_OK;
}

err handle_endpoint_list(call *c)
{
    endpoint_state *v;
    size_t n;
    TRY(serving_list(c->api->o.serving, c->a, &v, &n));
    jw *w = call_json(c);
    jw_obj(w);
    jw_key(w, "endpoints");
    jw_arr(w);
    for (size_t i = 0; i < n; i++)
        json_endpoint(w, &v[i]);
    jw_arr_end(w);
    jw_obj_end(w);
    return ERR_OK;
}

err handle_endpoint_delete(call *c)
{
    TRY(serving_delete(c->api->o.serving, c->arg[0]));
    c->w->body = STR("{}");
    return ERR_OK;
}

/* Databricks' SDK asks every host first who it is; there is nothing to tell. */
err handle_well_known(call *c)
{
    c->w->body = STR("{}");
    return ERR_OK;
}
