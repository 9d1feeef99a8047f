#include "registry/registry_int.h"

#include <assert.h>

#include "filter/page.h"
#include "filter/sql.h"

enum { TEXT_OPS = FILTER_EQUAL_OPS | FILTER_LIKE_OPS | FILTER_LIST_OPS };

/* --- what may be asked */
static const filter_field model_fields[] = {
    {"name", "name", false, TEXT_OPS},
    {"creation_timestamp", "creation_timestamp", true, FILTER_ORDER_OPS},
    {"last_updated_timestamp", "last_updated_timestamp", true, FILTER_ORDER_OPS},
    {"timestamp", "last_updated_timestamp", true, 0},
};
static const filter_rules model_rules = {
    .subject = "registered model",
    .entity_ops = {[FILTER_ATTRIBUTE] = 1,
                   [FILTER_TAG] = FILTER_EQUAL_OPS | FILTER_LIKE_OPS | FILTER_NULL_OPS},
    .attributes = model_fields,
    .n_attributes = countof(model_fields),
};

static const filter_field version_fields[] = {
    {"name", "name", false, TEXT_OPS},
    {"version_number", "version_number", true, FILTER_ORDER_OPS},
    {"version", "version_number", true, FILTER_ORDER_OPS},
    {"run_id", "run_id", false, TEXT_OPS},
    {"source_path", "source_path", false, TEXT_OPS},
    {"source", "source_path", false, TEXT_OPS},
    {"model_id", "model_id", false, TEXT_OPS},
    {"user_id", "user_id", false, TEXT_OPS},
    {"status", "status", false, TEXT_OPS},
    {"current_stage", "current_stage", false, TEXT_OPS},
    {"stage", "current_stage", false, TEXT_OPS},
    {"creation_timestamp", "creation_timestamp", true, FILTER_ORDER_OPS},
    {"last_updated_timestamp", "last_updated_timestamp", true, FILTER_ORDER_OPS},
};
static const filter_rules version_rules = {
    .subject = "model version",
    .entity_ops = {[FILTER_ATTRIBUTE] = 1,
                   [FILTER_TAG] = FILTER_EQUAL_OPS | FILTER_LIKE_OPS | FILTER_NULL_OPS},
    .attributes = version_fields,
    .n_attributes = countof(version_fields),
};

/* --- where it is. Of the tag that makes a prompt everything has a value: who asks for 'false'
 * means the models, which lack it. */
#define PROMPT_TAG "mlflow.prompt.is_prompt"
#define MODEL_IS_PROMPT                                                                            \
    "COALESCE((SELECT LOWER(t.value) FROM registered_model_tag t WHERE t.model = m.id"             \
    " AND t.key = '" PROMPT_TAG "'), 'false')"
#define VERSION_IS_PROMPT                                                                          \
    "COALESCE((SELECT LOWER(t.value) FROM model_version_tag t WHERE t.version = v.id"              \
    " AND t.key = '" PROMPT_TAG "'), " MODEL_IS_PROMPT ")"

static const filter_place model_places[] = {
    {FILTER_ATTRIBUTE, .key = "name", .expr = "m.name"},
    {FILTER_ATTRIBUTE, .key = "creation_timestamp", .expr = "m.created_ms"},
    {FILTER_ATTRIBUTE, .key = "last_updated_timestamp", .expr = "m.updated_ms"},
    {FILTER_TAG, .key = PROMPT_TAG, .expr = MODEL_IS_PROMPT},
    {FILTER_TAG, .exists = "SELECT 1 FROM registered_model_tag t WHERE t.model = m.id AND t.key = ",
     .expr = "t.value"},
};
static const filter_place version_places[] = {
    {FILTER_ATTRIBUTE, .key = "name", .expr = "m.name"},
    {FILTER_ATTRIBUTE, .key = "version_number", .expr = "v.version"},
    {FILTER_ATTRIBUTE, .key = "run_id", .expr = "v.run_id"},
    {FILTER_ATTRIBUTE, .key = "source_path", .expr = "v.source"},
    {FILTER_ATTRIBUTE, .key = "model_id", .expr = "v.model_id"},
    {FILTER_ATTRIBUTE, .key = "user_id", .expr = "v.user_id"},
    {FILTER_ATTRIBUTE, .key = "status", .expr = "v.status"},
    {FILTER_ATTRIBUTE, .key = "current_stage", .expr = "v.stage"},
    {FILTER_ATTRIBUTE, .key = "creation_timestamp", .expr = "v.created_ms"},
    {FILTER_ATTRIBUTE, .key = "last_updated_timestamp", .expr = "v.updated_ms"},
    {FILTER_TAG, .key = PROMPT_TAG, .expr = VERSION_IS_PROMPT},
    {FILTER_TAG, .exists = "SELECT 1 FROM model_version_tag t WHERE t.version = v.id AND t.key = ",
     .expr = "t.value"},
};

typedef struct finder {
    const filter_rules *rules;
    const filter_place *places;
    size_t n_places;
    const char *select, *not_prompt;
    const char *order, *rest; /* without order_by; behind it */
    size_t max;
} finder;

static const finder find_models = {
    &model_rules,
    model_places,
    countof(model_places),
    .select = "SELECT m.id FROM registered_model m WHERE ",
    .not_prompt = " AND " MODEL_IS_PROMPT " <> 'true'",
    .order = "m.name",
    .rest = "m.name",
    .max = REGISTRY_MODELS_PAGE_MAX,
};
static const finder find_versions = {
    &version_rules,
    version_places,
    countof(version_places),
    .select = "SELECT v.id FROM model_version v JOIN registered_model m ON m.id = v.model WHERE ",
    .not_prompt = " AND " VERSION_IS_PROMPT " <> 'true'",
    .order = "v.updated_ms DESC, m.name, v.version DESC",
    .rest = "m.name, v.version DESC",
    .max = REGISTRY_VERSIONS_PAGE_MAX,
};

/* MLflow's rule: prompts are found by those who ask for them. */
static bool asks_for_prompts(const filter_node *n)
{
    if (!n) return false;
    if (n->kind != FILTER_TERM) return asks_for_prompts(n->left) || asks_for_prompts(n->right);
    if (n->entity != FILTER_TAG || !str_is(n->key, PROMPT_TAG) || !n->n_values) return false;
    str value = n->values[0].text;
    return (n->op == FILTER_EQ && str_eq_nocase(value, STR("true"))) ||
           (n->op == FILTER_NE && str_eq_nocase(value, STR("false")));
}

typedef struct search_call {
    arena *a;
    const finder *f;
    const filter_node *filter;
    filter_order *order;
    size_t n_order, max, offset;
    registered_model *models; /* one of both */
    model_version *versions;
    size_t n;
    str token;
} search_call;

static err order_put(sql_text *s, const search_call *c)
{
    for (size_t i = 0; i < c->n_order; i++) {
        const filter_order *o = &c->order[i];
        if (o->entity != FILTER_ATTRIBUTE)
            return err_set(ERR_INVALID, "Invalid order_by entity: tag");
        for (size_t k = 0; k < c->f->n_places; k++)
            if (c->f->places[k].entity == FILTER_ATTRIBUTE && str_is(o->key, c->f->places[k].key))
                buf_fmt(&s->b, "%s%s, ", c->f->places[k].expr, o->descending ? " DESC" : "");
    }
    sql_put(s, c->n_order ? c->f->rest : c->f->order);
    return ERR_OK;
}

static err search_ids(db_tx *tx, const search_call *c, db_rows *ret)
{
    sql_text s;
    sql_init(&s);
    sql_put(&s, c->f->select);
    err e = filter_sql(&s, c->filter, c->f->places, c->f->n_places);
    if (!asks_for_prompts(c->filter)) sql_put(&s, c->f->not_prompt);
    sql_put(&s, " ORDER BY ");
    if (!e) e = order_put(&s, c);
    buf_fmt(&s.b, " LIMIT %zu OFFSET %zu", c->max + 1, c->offset);
    if (!e) e = sql_rows(&s, tx, c->a, ret);
    sql_done(&s);
    return e;
}

static err search_tx(db_tx *tx, void *arg)
{
    search_call *c = arg;
    db_rows r = {0};
    TRY(search_ids(tx, c, &r));
    c->n = r.n < c->max ? r.n : c->max;
    c->token = r.n > c->max ? page_token_make(c->a, c->offset + c->max) : STR("");
    const int64_t *ids = ids_of_rows(c->a, &r);
    if (c->f == &find_models) return models_by_ids(tx, c->a, ids, c->n, &c->models);
    return versions_by_ids(tx, c->a, ids, c->n, &c->versions);
}

static err search(db *d, const registry_search *q, search_call *c)
{
    if (!q->max)
        return err_set(ERR_INVALID,
                       "Invalid value for max_results. It must be a positive integer, but got 0");
    if (q->max > c->f->max)
        return err_set(ERR_INVALID,
                       "Invalid value for request parameter max_results. It must be at most %zu, "
                       "but got value %zu",
                       c->f->max, q->max);
    c->max = q->max;
    c->n_order = q->n_order_by;
    TRY(page_token_read(q->page_token, &c->offset));
    TRY(filter_parse(c->a, c->f->rules, q->filter, &c->filter));
    TRY(filter_orders_parse(c->a, c->f->rules, q->order_by, q->n_order_by, &c->order));
    return db_read(d, search_tx, c);
}

err registry_models_search(db *d, arena *a, const registry_search *q, registered_model **ret,
                           size_t *ret_n, str *ret_token)
{
    assert(d && a && q && ret && ret_n && ret_token);
    search_call c = {.a = a, .f = &find_models};
    TRY(search(d, q, &c));
    *ret = c.models;
    *ret_n = c.n;
    *ret_token = c.token;
    return ERR_OK;
}

err registry_versions_search(db *d, arena *a, const registry_search *q, model_version **ret,
                             size_t *ret_n, str *ret_token)
{
    assert(d && a && q && ret && ret_n && ret_token);
    search_call c = {.a = a, .f = &find_versions};
    TRY(search(d, q, &c));
    *ret = c.versions;
    *ret_n = c.n;
    *ret_token = c.token;
    return ERR_OK;
}
