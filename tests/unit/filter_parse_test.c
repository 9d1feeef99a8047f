#include "filter/filter.h"

#include "base/buf.h"
#include "test.h"

enum {
    TEXT = FILTER_EQUAL_OPS | FILTER_LIKE_OPS | FILTER_LIST_OPS,
};
static const filter_field fields[] = {
    {"run_id", "run_id", false, TEXT},
    {"status", "status", false, FILTER_EQUAL_OPS},
    {"Run name", "run_name", false, TEXT},
    {"start_time", "start_time", true, FILTER_ORDER_OPS},
    {"Created", "start_time", true, FILTER_ORDER_OPS},
};
static const filter_field dataset_fields[] = {{"name", "name", false, TEXT}};
static const filter_rules rules = {
    .subject = "run",
    .entity_ops = {[FILTER_ATTRIBUTE] = TEXT,
                   [FILTER_METRIC] = FILTER_ORDER_OPS,
                   [FILTER_PARAM] = TEXT | FILTER_NULL_OPS,
                   [FILTER_TAG] = TEXT | FILTER_NULL_OPS,
                   [FILTER_DATASET] = TEXT},
    .attributes = fields,
    .n_attributes = countof(fields),
    .dataset_fields = dataset_fields,
    .n_dataset_fields = countof(dataset_fields),
};

static void show(buf *b, const filter_node *n)
{
    static const char *const entities[] = {"attribute", "metric", "param", "tag", "dataset"};
    if (n->kind != FILTER_TERM) {
        buf_puts(b, n->kind == FILTER_NOT ? STR("(not ") : STR("("));
        show(b, n->left);
        if (n->right) {
            buf_puts(b, n->kind == FILTER_AND ? STR(" and ") : STR(" or "));
            show(b, n->right);
        }
        buf_putc(b, ')');
        return;
    }
    buf_fmt(b, "%s[%.*s]%s", entities[n->entity], STR_ARG(n->key), filter_op_name(n->op));
    for (size_t i = 0; i < n->n_values; i++)
        buf_fmt(b, "%s<%.*s>", i ? "," : "", STR_ARG(n->values[i].text));
}

static void reads(const char *text, const char *want)
{
    AUTO(arena) a = arena_new(0);
    const filter_node *n = NULL;
    ck_ok(filter_parse(a, &rules, str_of(text), &n));
    buf b;
    buf_init(&b, 1 << 20);
    if (n) show(&b, n);
    buf_putc(&b, 0);
    ck_assert_str_eq(b.p, want);
    buf_done(&b);
}

static void refuses(const char *text, const char *words)
{
    AUTO(arena) a = arena_new(0);
    const filter_node *n = NULL;
    err e = filter_parse(a, &rules, str_of(text), &n);
    ck_assert_msg(e == ERR_INVALID, "%s: %s", text, err_name(e));
    ck_assert_msg(strstr(err_message(), words) != NULL, "%s: %s, want %s", text, err_message(),
                  words);
    ck_assert(!n);
}

TEST(what_mlflow_reads_is_read)
{
    reads("", "");
    reads(" \t\n", "");
    reads("metrics.acc > 0.5", "metric[acc]><0.5>");
    reads("metric.acc>=-1e-3", "metric[acc]>=<-1e-3>");
    reads("metrics.`val loss` < 1 and params.lr = '0.1'",
          "(metric[val loss]<<1> and param[lr]=<0.1>)");
    reads("params.\"odd key\" != \"x y\"", "param[odd key]!=<x y>");
    reads("tags.mlflow.user = 'me'", "tag[mlflow.user]=<me>");
    reads("`tags`.`a.b` LIKE '%x_'", "tag[a.b]LIKE<%x_>");
    reads("parameter.a ilike 'X%'", "param[a]ILIKE<X%>");
    reads("tag.a IS NULL AND params.b is not null", "(tag[a]IS NULL and param[b]IS NOT NULL)");
    reads("attributes.run_id IN ('a', 'b',)", "attribute[run_id]IN<a>,<b>");
    reads("run_id not in (\"a\")", "attribute[run_id]NOT IN<a>");
    reads("attr.Created > 5", "attribute[start_time]><5>");
    reads("run.`Run name` = 'it''s'", "attribute[run_name]=<it's>");
    reads("\"Run name\" = 'x'", "attribute[run_name]=<x>");
    reads("datasets.name = 'd'", "dataset[name]=<d>");
    reads("metrics.a/b:c-d > 1", "metric[a/b:c-d]><1>");
    reads("metrics.m = +.5", "metric[m]=<+.5>");
    reads("params.\xc3\xa9 = '\xe2\x82\xac'", "param[\xc3\xa9]=<\xe2\x82\xac>");
}
END_TEST

TEST(or_not_and_parentheses_bind_as_in_sql)
{
    reads("metrics.a > 1 OR metrics.b > 2 AND metrics.c > 3",
          "(metric[a]><1> or (metric[b]><2> and metric[c]><3>))");
    reads("(metrics.a > 1 or metrics.b > 2) and not metrics.c > 3",
          "((metric[a]><1> or metric[b]><2>) and (not metric[c]><3>))");
    reads("NOT (params.a = 'x' OR NOT NOT params.b = 'y')",
          "(not (param[a]=<x> or (not (not param[b]=<y>))))");
    reads("params.a NOT LIKE 'x%'", "(not param[a]LIKE<x%>)");
    reads("((((params.a = 'x'))))", "param[a]=<x>");
    reads("params.a = 'x' and params.b = 'y' and params.c = 'z'",
          "((param[a]=<x> and param[b]=<y>) and param[c]=<z>)");
}
END_TEST

TEST(errors_use_mlflows_words_and_say_where)
{
    refuses("metrics.acc > '1'", "Expected numeric value type for metric. Found '1'");
    refuses("metrics.acc > nan", "Expected numeric value type for metric. Found nan");
    refuses("metrics.acc > 1x", "Expected numeric value type for metric. Found 1x");
    refuses("metrics.acc > 1e999", "Expected numeric value type for metric. Found 1e999");
    refuses("start_time = 'x'", "Expected numeric value type for numeric attribute: start_time");
    refuses("params.lr = 1",
            "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1");
    refuses("tags.t = abc",
            "Expected a quoted string value for tag (e.g. 'my-value'). Got value abc");
    refuses("status = RUNNING", "Expected a quoted string value for attributes. Got value RUNNING");
    refuses("blah.a = 'x'",
            "Invalid entity type 'blah'. Valid values are ['metric', 'parameter', 'tag', "
            "'attribute', 'dataset'] (position 0)");
    refuses("attribute.nope = 'x'",
            "Invalid attribute key 'nope' specified. Valid keys are '{'run_id'");
    refuses("dataset.nope = 'x'", "Invalid dataset key 'nope' specified");
    refuses("params.a > 'x'", "Invalid comparator '>' not one of");
    refuses("params.a == 'x'", "Invalid comparator '==' not one of");
    refuses("metrics.a ~ 1", "Invalid comparator '~' not one of");
    refuses("metrics.a LIKE 1", "Invalid comparator 'LIKE' not one of");
    refuses("metrics.a IS NULL",
            "IS NULL / IS NOT NULL is only supported for tags and params, not for "
            "'metric' 'a'");
    refuses("run_id IN ()", "expected a non-empty list of string values, but got empty list");
    refuses("run_id IN ('a' 'b')", "but got ill-formed list");
    refuses("run_id IN (1)", "but got different type in list: 1");
    refuses("metrics.a > 1 XOR metrics.b > 2",
            "Invalid clause(s) in filter string: 'XOR' (position 14)");
    refuses("metrics.a > 1 AND", "Invalid clause(s) in filter string: it ends too early");
    refuses("metrics.a", "Invalid clause(s) in filter string: 'metrics.a' (position 0)");
    refuses("(metrics.a > 1", "Invalid clause(s) in filter string");
    refuses("metrics.a > 1)", "Invalid clause(s) in filter string: ')' (position 13)");
    refuses("metrics.a > 1; params.a = 'x'", "Search filter contained multiple expression");
    refuses("params.a = 'x", "the quote at position 11 is not closed");
    refuses("metrics. > 1", "Invalid clause(s) in filter string: 'metrics.'");
    refuses("params.a = 'x' @", "Invalid clause(s) in filter string: '@' (position 15)");
    refuses("params.a = '\xff'", "not UTF-8 text");
}
END_TEST

TEST(depth_terms_values_and_length_are_limited)
{
    AUTO(arena) a = arena_new(0);
    buf b;
    buf_init(&b, 1 << 20);
    const filter_node *n = NULL;
    for (int deep = FILTER_DEPTH_MAX; deep <= FILTER_DEPTH_MAX + 1; deep++) {
        buf_reset(&b);
        for (int i = 0; i < deep; i++)
            buf_putc(&b, '(');
        buf_puts(&b, STR("params.a = 'x'"));
        for (int i = 0; i < deep; i++)
            buf_putc(&b, ')');
        ck_err(filter_parse(a, &rules, buf_str(&b), &n),
               deep > FILTER_DEPTH_MAX ? ERR_INVALID : ERR_OK);
    }
    for (int terms = FILTER_TERMS_MAX; terms <= FILTER_TERMS_MAX + 1; terms++) {
        buf_reset(&b);
        for (int i = 0; i < terms; i++)
            buf_fmt(&b, "%sparams.a = 'x'", i ? " OR " : "");
        ck_err(filter_parse(a, &rules, buf_str(&b), &n),
               terms > FILTER_TERMS_MAX ? ERR_INVALID : ERR_OK);
    }
    for (int values = FILTER_VALUES_MAX; values <= FILTER_VALUES_MAX + 1; values++) {
        buf_reset(&b);
        buf_puts(&b, STR("run_id IN ("));
        for (int i = 0; i < values; i++)
            buf_fmt(&b, "%s'%d'", i ? "," : "", i);
        buf_putc(&b, ')');
        ck_err(filter_parse(a, &rules, buf_str(&b), &n),
               values > FILTER_VALUES_MAX ? ERR_INVALID : ERR_OK);
    }
    buf_reset(&b);
    for (int i = 0; i <= FILTER_BYTES_MAX; i++)
        buf_putc(&b, ' ');
    ck_err(filter_parse(a, &rules, buf_str(&b), &n), ERR_INVALID);
    ck_ok(filter_parse(a, &rules, (str){b.p, FILTER_BYTES_MAX}, &n));
    buf_done(&b);
}
END_TEST

TEST(order_by_reads_a_key_and_a_direction)
{
    AUTO(arena) a = arena_new(0);
    filter_order o;
    ck_ok(filter_order_parse(a, &rules, STR("metrics.`val loss` desc"), &o));
    ck_assert(o.entity == FILTER_METRIC && str_is(o.key, "val loss") && o.descending);
    ck_ok(filter_order_parse(a, &rules, STR("Created"), &o));
    ck_assert(o.entity == FILTER_ATTRIBUTE && str_is(o.key, "start_time") && !o.descending);
    ck_ok(filter_order_parse(a, &rules, STR(" tag.\"x y\"  ASC "), &o));
    ck_assert(o.entity == FILTER_TAG && str_is(o.key, "x y") && !o.descending);
    ck_err(filter_order_parse(a, &rules, STR("metrics.m ACS"), &o), ERR_INVALID);
    ck_assert_str_eq(err_message(), "Invalid ordering key in order_by clause 'metrics.m ACS'.");
    const char *bad[] = {"",    "metrics.m desc desc",  "metrics.m 1",
                         "'x'", "metrics.m, metrics.n", "a b c"};
    for (size_t i = 0; i < countof(bad); i++)
        ck_err(filter_order_parse(a, &rules, str_of(bad[i]), &o), ERR_INVALID);
    ck_err(filter_order_parse(a, &rules, STR("datasets.name"), &o), ERR_INVALID);
    ck_err(filter_order_parse(a, &rules, STR("nope"), &o), ERR_INVALID);
    filter_order *v;
    str twice[] = {STR("start_time"), STR("metrics.a"), STR("attribute.Created DESC")};
    ck_err(filter_orders_parse(a, &rules, twice, 3, &v), ERR_INVALID);
    ck_assert_str_eq(err_message(),
                     "`order_by` contains duplicate fields: ['start_time', 'metrics.a', "
                     "'attribute.Created DESC']");
    ck_ok(filter_orders_parse(a, &rules, twice, 2, &v));
    ck_ok(filter_orders_parse(a, &rules, NULL, 0, &v));
}
END_TEST

TEST(like_matches_as_the_databases_do)
{
    const struct {
        const char *text, *pattern;
        bool like, ilike;
    } all[] = {
        {"abc", "abc", true, true},
        {"abc", "a%", true, true},
        {"abc", "%c", true, true},
        {"abc", "%b%", true, true},
        {"abc", "a_c", true, true},
        {"abc", "ABC", false, true},
        {"abc", "ab", false, false},
        {"", "", true, true},
        {"", "%", true, true},
        {"", "_", false, false},
        {"a\xc3\xa9z", "a_z", true, true},
        {"aab", "%ab", true, true},
        {"abab", "a%b", true, true},
        {"abc", "%%%c", true, true},
        {"50%", "50\\%", false, false},
        {"50\\x", "50\\%", true, true},
        {"xay", "%a_", true, true},
    };
    for (size_t i = 0; i < countof(all); i++) {
        str s = str_of(all[i].text), p = str_of(all[i].pattern);
        ck_assert_msg(filter_like(s, p, false) == all[i].like, "%s LIKE %s", all[i].text,
                      all[i].pattern);
        ck_assert_msg(filter_like(s, p, true) == all[i].ilike, "%s ILIKE %s", all[i].text,
                      all[i].pattern);
    }
}
END_TEST

TESTS("filter parse", what_mlflow_reads_is_read, or_not_and_parentheses_bind_as_in_sql,
      errors_use_mlflows_words_and_say_where, depth_terms_values_and_length_are_limited,
      order_by_reads_a_key_and_a_direction, like_matches_as_the_databases_do)
