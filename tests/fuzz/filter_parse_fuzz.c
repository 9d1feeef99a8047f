/* Any bytes as a filter and as an order_by clause: read or refused with words; what was read
 * becomes a statement. */
#include "base/mem.h"
#include "filter/page.h"
#include "filter/sql.h"

enum { ALL = (1u << FILTER_OP_N) - 1 };

static const filter_field fields[] = {
    {"run_id", "run_id", false, ALL},
    {"id", "id", false, ALL},
    {"start_time", "start_time", true, FILTER_ORDER_OPS},
};
static const filter_field of_dataset[] = {{"name", "name", false, ALL}};
static const filter_rules rules = {
    .subject = "run",
    .entity_ops = {ALL, FILTER_ORDER_OPS, ALL, ALL, ALL},
    .attributes = fields,
    .dataset_fields = of_dataset,
    .n_attributes = countof(fields),
    .n_dataset_fields = countof(of_dataset),
};
static const filter_place places[] = {
    {FILTER_ATTRIBUTE, .key = "run_id", .expr = "r.uuid"},
    {FILTER_ATTRIBUTE, .key = "id", .expr = "r.id", .text_is_number = true},
    {FILTER_ATTRIBUTE, .key = "start_time", .expr = "r.start_ms", .may_be_null = true},
    {FILTER_METRIC, .exists = "SELECT 1 FROM m WHERE m.key = ", .expr = "m.v", .is_nan = "m.nan"},
    {FILTER_PARAM, .exists = "SELECT 1 FROM p WHERE p.key = ", .expr = "p.v"},
    {FILTER_TAG, .exists = "SELECT 1 FROM t WHERE t.key = ", .rest = " AND 1 = 1", .expr = "t.v"},
    {FILTER_DATASET, .key = "name", .exists = "SELECT 1 FROM d WHERE 1 = 1", .expr = "d.v"},
};

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    AUTO(arena) a = arena_new(0);
    str text = {(const char *)data, size};
    const filter_node *n = NULL;
    if (!filter_parse(a, &rules, text, &n)) {
        sql_text s;
        sql_init(&s);
        if (filter_sql(&s, n, places, countof(places)) && !*err_message()) __builtin_trap();
        sql_done(&s);
    }
    filter_order o;
    if (filter_order_parse(a, &rules, text, &o) && !*err_message()) __builtin_trap();
    size_t offset;
    if (page_token_read(text, &offset) && !*err_message()) __builtin_trap();
    size_t half = size / 2;
    (void)filter_like((str){text.p, half}, (str){text.p + half, size - half}, size & 1);
    return 0;
}
