#include <assert.h>

#include "base/json.h"
#include "serving/serving_int.h"

static bool alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

err spec_check_name(str name)
{
    bool ok = name.n > 0 && name.n <= ENDPOINT_NAME_MAX && alphanumeric(name.p[0]);
    for (size_t i = 0; ok && i < name.n; i++)
        ok = alphanumeric(name.p[i]) || name.p[i] == '_' || name.p[i] == '-';
    if (ok) return ERR_OK;
    return err_set(
        ERR_INVALID,
        "name: '%.*s', want 1 to %d letters, digits, '_' and '-', the first a letter or digit",
        (int)(name.n < 200 ? name.n : 200), name.n ? name.p : "", ENDPOINT_NAME_MAX);
}

static err check_served_name(size_t i, str name)
{
    bool ok = name.n > 0 && name.n <= SERVED_NAME_MAX;
    for (size_t k = 0; ok && k < name.n; k++)
        ok = alphanumeric(name.p[k]) || strchr("_-. ", name.p[k]);
    if (ok && !memchr(name.p, 0, name.n)) return ERR_OK;
    return err_set(
        ERR_INVALID,
        "served_entities[%zu].name: '%.*s', want 1 to %d letters, digits, '_', '-', '.' and spaces",
        i, (int)(name.n < 300 ? name.n : 300), name.n ? name.p : "", SERVED_NAME_MAX);
}

static err check_environment(arena *a, size_t i, str text)
{
    if (!text.n) return ERR_OK;
    const char *where = cstr_fmt(a, "served_entities[%zu].environment_vars", i);
    if (text.n > ENVIRONMENT_BYTES_MAX)
        return err_set(ERR_INVALID, "%s: %zu bytes, at most %d", where, text.n,
                       ENVIRONMENT_BYTES_MAX);
    yyjson_val *root, *key;
    TRY(json_parse(a, text, where, &root));
    if (!yyjson_is_obj(root)) return err_set(ERR_INVALID, "%s: want an object", where);
    yyjson_obj_iter it = yyjson_obj_iter_with(root);
    while ((key = yyjson_obj_iter_next(&it)))
        if (!yyjson_is_str(yyjson_obj_iter_get_val(key)))
            return err_set(ERR_INVALID, "%s.%s: want a string", where, yyjson_get_str(key));
    return ERR_OK;
}

static err check_entity(arena *a, size_t i, const entity_spec *o, entity_spec *ret)
{
    if (!o->entity_name.n)
        return err_set(ERR_INVALID, "served_entities[%zu].entity_name: missing", i);
    if (o->entity_name.n > SERVED_NAME_MAX || !str_utf8_ok(o->entity_name))
        return err_set(ERR_INVALID,
                       "served_entities[%zu].entity_name: want at most %d bytes of UTF-8", i,
                       SERVED_NAME_MAX);
    if (o->entity_version < 1)
        return err_set(ERR_INVALID, "served_entities[%zu].entity_version: %lld, want 1 or more", i,
                       (long long)o->entity_version);
    str size = o->workload_size.n ? o->workload_size : STR("Small");
    if (!str_is(size, "Small") && !str_is(size, "Medium") && !str_is(size, "Large"))
        return err_set(ERR_INVALID,
                       "served_entities[%zu].workload_size: '%.*s', want Small, Medium or Large", i,
                       STR_ARG(size));
    TRY(check_environment(a, i, o->environment_json));
    *ret = (entity_spec){
        .name = o->name.n ? str_dup(a, o->name)
                          : str_fmt(a, "%.*s-%lld", STR_ARG(o->entity_name),
                                    (long long)o->entity_version),
        .entity_name = str_dup(a, o->entity_name),
        .entity_version = o->entity_version,
        .workload_size = str_dup(a, size),
        .scale_to_zero = o->scale_to_zero,
        .environment_json = str_dup(a, o->environment_json),
    };
    return check_served_name(i, ret->name);
}

static err check_routes(const endpoint_spec *o, const entity_spec *entities, route_spec *routes)
{
    int sum = 0;
    for (size_t r = 0; r < o->n_routes; r++) {
        const route_spec *route = &o->routes[r];
        size_t i = 0;
        while (i < o->n_entities && !str_eq(entities[i].name, route->served_model_name))
            i++;
        if (i == o->n_entities)
            return err_set(ERR_INVALID,
                           "traffic_config.routes[%zu].served_model_name: '%.*s' is none of the "
                           "served entities",
                           r, STR_ARG(route->served_model_name));
        for (size_t k = 0; k < r; k++)
            if (str_eq(routes[k].served_model_name, entities[i].name))
                return err_set(ERR_INVALID,
                               "traffic_config.routes[%zu].served_model_name: '%.*s' is in "
                               "routes[%zu] already",
                               r, STR_ARG(entities[i].name), k);
        if (route->traffic_percentage < 0 || route->traffic_percentage > 100)
            return err_set(ERR_INVALID,
                           "traffic_config.routes[%zu].traffic_percentage: %d, want 0 to 100", r,
                           route->traffic_percentage);
        routes[r] = (route_spec){entities[i].name, route->traffic_percentage};
        sum += route->traffic_percentage;
    }
    if (sum != 100)
        return err_set(ERR_INVALID, "traffic_config.routes: percentages sum to %d, want 100", sum);
    return ERR_OK;
}

err spec_check(arena *a, const endpoint_spec *o, endpoint_spec *ret)
{
    assert(a && o && ret);
    TRY(spec_check_name(o->name));
    if (!o->n_entities || o->n_entities > ENDPOINT_ENTITIES_MAX)
        return err_set(ERR_INVALID, "served_entities: %zu, want 1 to %d", o->n_entities,
                       ENDPOINT_ENTITIES_MAX);
    if (o->n_routes > o->n_entities)
        return err_set(ERR_INVALID, "traffic_config.routes: %zu, there are %zu served entities",
                       o->n_routes, o->n_entities);
    if (!o->n_routes && o->n_entities > 1)
        return err_set(
            ERR_INVALID,
            "traffic_config.routes: missing; more than one served entity needs the percentages");
    entity_spec *entities = arena_array(a, entity_spec, o->n_entities);
    for (size_t i = 0; i < o->n_entities; i++) {
        TRY(check_entity(a, i, &o->entities[i], &entities[i]));
        for (size_t k = 0; k < i; k++)
            if (str_eq(entities[k].name, entities[i].name))
                return err_set(
                    ERR_INVALID,
                    "served_entities[%zu].name: '%.*s' is that of served_entities[%zu] already", i,
                    STR_ARG(entities[i].name), k);
    }
    size_t n_routes = o->n_routes ? o->n_routes : 1;
    route_spec *routes = arena_array(a, route_spec, n_routes);
    if (o->n_routes)
        TRY(check_routes(o, entities, routes));
    else
        routes[0] = (route_spec){entities[0].name, 100};
    *ret = (endpoint_spec){str_dup(a, o->name), entities, o->n_entities, routes, n_routes};
    return ERR_OK;
}
