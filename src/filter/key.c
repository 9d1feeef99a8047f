#include "base/buf.h"
#include "base/mem.h"
#include "filter/filter_int.h"

static const struct entity_name {
    const char *name;
    filter_entity entity;
} entity_names[] = {
    {"metric", FILTER_METRIC},    {"parameter", FILTER_PARAM},
    {"tag", FILTER_TAG},          {"attribute", FILTER_ATTRIBUTE},
    {"dataset", FILTER_DATASET},  {"metrics", FILTER_METRIC},
    {"parameters", FILTER_PARAM}, {"param", FILTER_PARAM},
    {"params", FILTER_PARAM},     {"tags", FILTER_TAG},
    {"attr", FILTER_ATTRIBUTE},   {"attributes", FILTER_ATTRIBUTE},
    {"run", FILTER_ATTRIBUTE},    {"datasets", FILTER_DATASET},
};
enum { ENTITY_NAMES_SHOWN = 5 };

const char *filter_entity_name(filter_entity e)
{
    for (size_t i = 0; i < ENTITY_NAMES_SHOWN; i++)
        if (entity_names[i].entity == e) return entity_names[i].name;
    return "";
}

static err entity_unknown(const filter_rules *rules, const token *t)
{
    char list[128];
    size_t n = 0;
    for (size_t i = 0; i < ENTITY_NAMES_SHOWN; i++)
        if (rules->entity_ops[entity_names[i].entity])
            n += (size_t)snprintf(list + n, sizeof list - n, "%s'%s'", n ? ", " : "",
                                  entity_names[i].name);
    return err_set(ERR_INVALID,
                   "Invalid entity type '%.*s'. Valid values are [%.*s] (position %zu)",
                   STR_ARG(t->entity), (int)n, list, t->at);
}

static err field_unknown(const filter_rules *rules, filter_entity entity, const token *t)
{
    const filter_field *v = entity == FILTER_DATASET ? rules->dataset_fields : rules->attributes;
    size_t n_fields = entity == FILTER_DATASET ? rules->n_dataset_fields : rules->n_attributes;
    buf list;
    buf_init(&list, 4096);
    for (size_t i = 0; i < n_fields; i++)
        buf_fmt(&list, "%s'%s'", i ? ", " : "", v[i].name);
    err e = err_set(
        ERR_INVALID, "Invalid %s key '%.*s' specified. Valid keys are '{%.*s}' (position %zu)",
        filter_entity_name(entity), STR_ARG(t->name), (int)list.n, list.p ? list.p : "", t->at);
    buf_done(&list);
    return e;
}

static err field_find(const filter_rules *rules, const token *t, filter_key *to)
{
    bool dataset = to->entity == FILTER_DATASET;
    const filter_field *v = dataset ? rules->dataset_fields : rules->attributes;
    size_t n = dataset ? rules->n_dataset_fields : rules->n_attributes;
    for (size_t i = 0; i < n; i++) {
        if (!str_is(t->name, v[i].name)) continue;
        to->field = &v[i];
        to->key = str_of(v[i].canonical);
        return ERR_OK;
    }
    return field_unknown(rules, to->entity, t);
}

err filter_key_find(const filter_rules *rules, const token *t, bool orders, filter_key *ret)
{
    filter_key k = {.entity = FILTER_ENTITY_N, .key = t->name};
    if (!t->entity.p) k.entity = FILTER_ATTRIBUTE;
    for (size_t i = 0; t->entity.p && i < countof(entity_names); i++)
        if (str_is(t->entity, entity_names[i].name)) k.entity = entity_names[i].entity;
    if (k.entity == FILTER_ENTITY_N || !rules->entity_ops[k.entity])
        return entity_unknown(rules, t);
    if (orders && k.entity == FILTER_DATASET)
        return err_set(ERR_INVALID, "Invalid identifier type 'dataset' (position %zu)", t->at);
    if (k.entity == FILTER_ATTRIBUTE || k.entity == FILTER_DATASET)
        TRY(field_find(rules, t, &k));
    else if (!k.key.n)
        return err_set(ERR_INVALID, "Invalid clause(s) in filter string: '%.*s' (position %zu)",
                       STR_ARG(t->raw), t->at);
    *ret = k;
    return ERR_OK;
}
