#include <assert.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/yaml.h"
#include "model/package.h"

static const char file_name[] = "MLmodel";
enum { PATH_BYTES_MAX = 512 };

/* The native flavors that we load, the best first. */
static const char *const flavors_known[] = {"lightgbm"};

/* A path inside of the folder: relative, and never upward. */
static err check_path(const yaml *at, const char *key, str path)
{
    str rest = path, part;
    bool more = true, bad = !path.n || path.n > PATH_BYTES_MAX || path.p[0] == '/' ||
                            memchr(path.p, '\0', path.n) || memchr(path.p, '\\', path.n);
    while (more && !bad) {
        more = str_cut(rest, '/', &part, &rest);
        bad = !part.n || str_is(part, ".") || str_is(part, "..");
    }
    if (!bad) return ERR_OK;
    return yaml_err(at, "%s: \"%.*s\" is no path inside of the model's folder", key,
                    path.n > 80 ? 80 : (int)path.n, path.p);
}

static bool is_null(const yaml *y)
{
    return !y || y->kind == YAML_NULL;
}

/* A scalar that may be missing or null. */
static err get_text(arena *a, const yaml *y, const char *key, str *ret)
{
    if (is_null(yaml_find(y, key))) return ERR_OK;
    str s;
    TRY(yaml_get_str(y, key, &s));
    *ret = str_dup(a, s);
    return ERR_OK;
}

static err need_map(const yaml *parent, const char *key, const yaml **ret)
{
    const yaml *y = yaml_find(parent, key);
    if (is_null(y)) return yaml_err(parent, "\"%s\" is missing", key);
    if (y->kind != YAML_MAP)
        return yaml_err(y, "%s: want a mapping, not %s", key, yaml_kind_name(y->kind));
    *ret = y;
    return ERR_OK;
}

static err no_flavor(arena *a, const yaml *flavors)
{
    str found = {"", 0};
    for (size_t i = 0; i < flavors->n && i < 20; i++)
        found =
            str_fmt(a, "%.*s%s%.*s", STR_ARG(found), i ? ", " : "", STR_ARG(flavors->pairs[i].key));
    return yaml_err(flavors, "none of these flavors can be loaded here: %.*s; want lightgbm",
                    STR_ARG(found));
}

static err read_flavor(arena *a, const yaml *root, package *p)
{
    const yaml *flavors = NULL, *f = NULL;
    TRY(need_map(root, "flavors", &flavors));
    const char *name = NULL;
    for (size_t i = 0; i < countof(flavors_known) && !name; i++) {
        if (yaml_find(flavors, flavors_known[i])) name = flavors_known[i];
    }
    if (!name) return no_flavor(a, flavors);
    TRY(need_map(flavors, name, &f));
    str class = STR("lightgbm.basic.Booster");
    TRY(get_text(a, f, "model_class", &class));
    if (!str_is(class, "lightgbm.basic.Booster"))
        return yaml_err(f,
                        "flavors.lightgbm.model_class: \"%.*s\" is stored as Python objects, which "
                        "are not read; log its booster_ instead",
                        STR_ARG(class));
    p->flavor = str_of(name);
    TRY(get_text(a, f, "data", &p->data_path));
    TRY(check_path(f, "flavors.lightgbm.data", p->data_path));
    return get_text(a, f, "lgb_version", &p->flavor_version);
}

/* MLflow infers a tensor from the array that predict returns. One column of numbers is what it
 * stands for here; of other tensors nothing is kept. */
static bool tensor_output(yyjson_val *v, arena *a, schema *ret)
{
    yyjson_val *first = yyjson_arr_get_first(v), *spec = yyjson_obj_get(first, "tensor-spec");
    const char *type = yyjson_get_str(yyjson_obj_get(first, "type"));
    if (!type || !str_is(str_of(type), "tensor")) return false;
    const char *dtype = yyjson_get_str(yyjson_obj_get(spec, "dtype"));
    size_t axes = yyjson_arr_size(yyjson_obj_get(spec, "shape"));
    field_type t = FIELD_N;
    if (dtype && str_is(str_of(dtype), "float64")) t = FIELD_DOUBLE;
    if (dtype && str_is(str_of(dtype), "float32")) t = FIELD_FLOAT;
    *ret = (schema){0};
    if (t == FIELD_N || axes != 1 || yyjson_arr_size(v) != 1) return true;
    ret->fields = arena_new_of(a, field);
    *ret->fields = (field){.name = {"", 0}, .type = t, .required = true};
    ret->n = 1;
    return true;
}

static err read_schema(arena *a, const yaml *sig, const char *key, bool output, schema *ret)
{
    const yaml *y = yaml_find(sig, key);
    if (is_null(y)) return ERR_OK;
    str text;
    yyjson_val *v = NULL;
    TRY(yaml_get_str(sig, key, &text));
    const char *where = cstr_fmt(a, "%s:%d:%d: signature.%s", file_name, y->line, y->col, key);
    TRY(json_parse(a, text, where, &v));
    if (output && yyjson_is_arr(v) && tensor_output(v, a, ret)) return schema_make_index(a, ret);
    return schema_from_json(a, v, where, ret);
}

static err read_signature(arena *a, const yaml *root, signature *ret)
{
    const yaml *sig = NULL;
    if (is_null(yaml_find(root, "signature"))) return schema_make_index(a, &ret->inputs);
    TRY(need_map(root, "signature", &sig));
    TRY(read_schema(a, sig, "inputs", false, &ret->inputs));
    TRY(read_schema(a, sig, "outputs", true, &ret->outputs));
    return ret->inputs.index ? ERR_OK : schema_make_index(a, &ret->inputs);
}

static err read_example(arena *a, const yaml *root, package *p)
{
    const yaml *info = NULL;
    if (is_null(yaml_find(root, "saved_input_example_info"))) return ERR_OK;
    TRY(need_map(root, "saved_input_example_info", &info));
    TRY(get_text(a, info, "artifact_path", &p->input_example_path));
    if (!p->input_example_path.n) return ERR_OK;
    return check_path(info, "saved_input_example_info.artifact_path", p->input_example_path);
}

err package_parse(arena *a, str mlmodel, package *ret)
{
    assert(a && ret);
    yaml *root = NULL;
    TRY(yaml_parse(a, mlmodel, file_name, &root));
    if (root->kind != YAML_MAP)
        return yaml_err(root, "want a mapping, not %s", yaml_kind_name(root->kind));
    package p = {.flavor_version = {"", 0},
                 .input_example_path = {"", 0},
                 .model_id = {"", 0},
                 .run_id = {"", 0},
                 .uuid = {"", 0}};
    TRY(read_flavor(a, root, &p));
    TRY(read_signature(a, root, &p.sig));
    TRY(read_example(a, root, &p));
    TRY(get_text(a, root, "model_id", &p.model_id));
    TRY(get_text(a, root, "run_id", &p.run_id));
    TRY(get_text(a, root, "model_uuid", &p.uuid));
    str created = {"", 0};
    TRY(get_text(a, root, "utc_time_created", &created));
    if (created.n && time_parse(created, &p.created_ms))
        return yaml_err(yaml_find(root, "utc_time_created"), "utc_time_created: %s",
                        cstr_fmt(a, "%s", err_message()));
    *ret = p;
    return ERR_OK;
}
