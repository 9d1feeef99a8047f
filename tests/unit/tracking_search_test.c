/* Random filters and orders over random runs, against an evaluator of its own that walks the tree
 * over plain structs: slow, and written from filter.h's words, not from the SQL. */
#include "tracking/search.h"

#include <pthread.h>

#include "base/buf.h"
#include "base/rng.h"
#include "filter/filter.h"
#include "store.h"
#include "tracking/runs.h"

enum { RUNS = 60, FILTERS = 400, KEYS = 4 };

static const char *const words[] = {"a",    "b", "A",        "ab",  "a%b",
                                    "it's", "",  "\xc3\xa9", "a_c", "a\\b"};
static const char *const metric_keys[KEYS] = {"acc", "val loss", "x/y", "rare"};
static const char *const param_keys[KEYS] = {"lr", "odd key", "p", "q"};
static const char *const tag_keys[KEYS] = {"t", "mlflow.user", "u", "v"};

static str word(rng *r)
{
    return str_of(words[rng_below(r, countof(words))]);
}

static double number(rng *r)
{
    return (double)rng_below(r, 7) - 3.0 + (rng_below(r, 3) ? 0.0 : 0.5);
}

/* --- random runs */
static void make_inputs(store *s, rng *r, str id)
{
    if (rng_below(r, 3)) return;
    key_value context = {STR("mlflow.data.context"), word(r)};
    dataset_input in[2] = {
        {.dataset = {.name = word(r),
                     .digest = STR("d1"),
                     .source_type = STR("local"),
                     .source = STR("{}")},
         .tags = &context,
         .n_tags = rng_below(r, 2)},
        {.dataset = {.name = word(r),
                     .digest = STR("d2"),
                     .source_type = STR("local"),
                     .source = STR("{}")}},
    };
    ck_ok(tracking_log_inputs(s->d, id, in, 1 + rng_below(r, 2), NULL, 0));
}

static void make_run(store *s, rng *r, size_t i, str experiment_id)
{
    str id;
    ck_ok(tracking_run_create(s->d, s->a,
                              &(run_spec){.experiment_id = experiment_id,
                                          .name = str_fmt(s->a, "run%zu", i % 7),
                                          .user = word(r),
                                          .start_ms = (int64_t)rng_below(r, 10)},
                              &id));
    metric m[KEYS];
    key_value p[KEYS], t[KEYS];
    run_batch b = {.metrics = m, .params = p, .tags = t};
    for (size_t k = 0; k < KEYS; k++) {
        if (rng_below(r, k == 3 ? 6 : 2)) continue;
        double v = rng_below(r, 5) ? number(r) : (double)NAN;
        m[b.n_metrics++] = (metric){str_of(metric_keys[k]), v, 1, 0};
    }
    for (size_t k = 0; k < KEYS; k++) {
        if (rng_below(r, 2)) p[b.n_params++] = (key_value){str_of(param_keys[k]), word(r)};
        if (rng_below(r, 2)) t[b.n_tags++] = (key_value){str_of(tag_keys[k]), word(r)};
    }
    ck_ok(tracking_log(s->d, id, &b));
    make_inputs(s, r, id);
    if (rng_below(r, 2))
        ck_ok(tracking_run_end(s->d, id, "FINISHED", 1 + (int64_t)rng_below(r, 10)));
    if (!rng_below(r, 6)) ck_ok(tracking_run_delete(s->d, id));
}

/* --- random filters */
static void put_key(buf *b, rng *r, const char *const *names, const char *key)
{
    buf_fmt(b, "%s.%c%s%c ", names[rng_below(r, 3)], '`', key, '`');
}

static void put_text(buf *b, str s)
{
    buf_putc(b, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\'') buf_putc(b, '\'');
        buf_putc(b, s.p[i]);
    }
    buf_putc(b, '\'');
}

static void put_text_test(buf *b, rng *r)
{
    static const char *const ops[] = {"= ", "!= ", "LIKE ", "ilike ", "NOT LIKE "};
    size_t kind = rng_below(r, 7);
    if (kind < countof(ops)) {
        buf_puts(b, str_of(ops[kind]));
        if (kind >= 2 && rng_below(r, 2)) {
            static const char *const patterns[] = {"%", "a%", "%b", "_", "A%", "%\\%", "a_b"};
            put_text(b, str_of(patterns[rng_below(r, countof(patterns))]));
        } else {
            put_text(b, word(r));
        }
        return;
    }
    buf_puts(b, kind == 5 ? STR("IN (") : STR("NOT IN ("));
    put_text(b, word(r));
    for (size_t n = rng_below(r, 3); n; n--) {
        buf_puts(b, STR(", "));
        put_text(b, word(r));
    }
    buf_putc(b, ')');
}

static void put_number_test(buf *b, rng *r)
{
    static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">="};
    buf_fmt(b, "%s %g", ops[rng_below(r, countof(ops))], number(r));
}

/* numbers: of what the cache holds. */
static void put_term(buf *b, rng *r, bool numbers)
{
    static const char *const metric_names[] = {"metric", "metrics", "`metrics`"},
                             *param_names[] = {"param", "params", "parameter"},
                             *tag_names[] = {"tag", "tags", "tags"};
    static const int of_numbers[] = {0, 1, 4};
    switch (numbers ? of_numbers[rng_below(r, 3)] : (int)rng_below(r, 8)) {
    case 0:
    case 1:
        put_key(b, r, metric_names, metric_keys[rng_below(r, KEYS)]);
        put_number_test(b, r);
        break;
    case 2:
    case 3: {
        bool tag = rng_below(r, 2);
        put_key(b, r, tag ? tag_names : param_names,
                (tag ? tag_keys : param_keys)[rng_below(r, KEYS)]);
        if (!rng_below(r, 4))
            buf_puts(b, rng_below(r, 2) ? STR("IS NULL") : STR("is not null"));
        else
            put_text_test(b, r);
        break;
    }
    case 4:
        buf_puts(b, rng_below(r, 2) ? STR("start_time ") : STR("attributes.end_time "));
        put_number_test(b, r);
        break;
    case 5: {
        static const char *const names[] = {"datasets.name ", "dataset.digest ",
                                            "datasets.context "};
        buf_puts(b, str_of(names[rng_below(r, 3)]));
        put_text_test(b, r);
        break;
    }
    case 6:
        buf_puts(b, STR("user_id "));
        put_text_test(b, r);
        break;
    default:
        buf_puts(b, STR("run_name ="));
        buf_fmt(b, " 'run%d'", (int)rng_below(r, 8));
    }
}

static void put_filter(buf *b, rng *r, int depth, bool numbers)
{
    size_t kind = depth ? rng_below(r, 6) : 0;
    if (kind < 2) {
        put_term(b, r, numbers);
        return;
    }
    buf_puts(b, kind == 2 ? STR("NOT (") : STR("("));
    put_filter(b, r, depth - 1, numbers);
    if (kind > 2) {
        buf_puts(b, kind == 3 ? STR(" or ") : STR(" AND "));
        put_filter(b, r, depth - 1, numbers);
    }
    buf_putc(b, ')');
}

/* --- the slow evaluator */
static bool like(str s, str p, bool nocase)
{
    if (!p.n) return !s.n;
    if (p.p[0] == '%') {
        for (size_t i = 0; i <= s.n; i++)
            if (like((str){s.p + i, s.n - i}, (str){p.p + 1, p.n - 1}, nocase)) return true;
        return false;
    }
    if (!s.n) return false;
    size_t size = 1;
    if (p.p[0] == '_') {
        while (size < s.n && ((unsigned char)s.p[size] & 0xC0) == 0x80)
            size++;
    } else {
        char x = s.p[0], y = p.p[0];
        if (nocase && x >= 'A' && x <= 'Z') x = (char)(x + 32);
        if (nocase && y >= 'A' && y <= 'Z') y = (char)(y + 32);
        if (x != y) return false;
    }
    return like((str){s.p + size, s.n - size}, (str){p.p + 1, p.n - 1}, nocase);
}

static bool text_holds(const filter_node *n, str s)
{
    bool in = false;
    for (size_t i = 0; i < n->n_values; i++)
        in = in || str_eq(s, n->values[i].text);
    switch ((int)n->op) {
    case FILTER_EQ:
    case FILTER_IN:
        return in;
    case FILTER_NE:
    case FILTER_NOT_IN:
        return !in;
    case FILTER_LIKE:
        return like(s, n->values[0].text, false);
    case FILTER_ILIKE:
        return like(s, n->values[0].text, true);
    default:
        ck_abort_msg("op %d", (int)n->op);
        return false;
    }
}

static bool number_holds(const filter_node *n, double v)
{
    double w = n->values[0].number;
    switch ((int)n->op) {
    case FILTER_EQ:
        return v == w;
    case FILTER_NE:
        return v != w; /* of NaN too */
    case FILTER_LT:
        return v < w;
    case FILTER_LE:
        return v <= w;
    case FILTER_GT:
        return v > w;
    case FILTER_GE:
        return v >= w;
    default:
        ck_abort_msg("op %d", (int)n->op);
        return false;
    }
}

static bool pair_holds(const filter_node *n, const key_value *v, size_t n_v)
{
    const key_value *found = NULL;
    for (size_t i = 0; i < n_v; i++)
        if (str_eq(v[i].key, n->key)) found = &v[i];
    if (n->op == FILTER_IS_NULL) return !found;
    if (n->op == FILTER_IS_NOT_NULL) return found != NULL;
    return found && text_holds(n, found->value);
}

static bool dataset_holds(const filter_node *n, const run *r)
{
    for (size_t i = 0; i < r->n_datasets; i++) {
        const dataset_input *d = &r->datasets[i];
        if (str_is(n->key, "name") && text_holds(n, d->dataset.name)) return true;
        if (str_is(n->key, "digest") && text_holds(n, d->dataset.digest)) return true;
        for (size_t k = 0; str_is(n->key, "context") && k < d->n_tags; k++)
            if (text_holds(n, d->tags[k].value)) return true;
    }
    return false;
}

static bool attribute_holds(const filter_node *n, const run *r)
{
    if (str_is(n->key, "start_time")) return number_holds(n, (double)r->start_ms);
    if (str_is(n->key, "end_time")) return r->end_ms && number_holds(n, (double)r->end_ms);
    if (str_is(n->key, "user_id")) return text_holds(n, r->user_id);
    ck_assert(str_is(n->key, "run_name"));
    return text_holds(n, r->name);
}

static bool holds(const filter_node *n, const run *r)
{
    if (n->kind == FILTER_NOT) return !holds(n->left, r);
    if (n->kind == FILTER_AND) return holds(n->left, r) && holds(n->right, r);
    if (n->kind == FILTER_OR) return holds(n->left, r) || holds(n->right, r);
    if (n->entity == FILTER_ATTRIBUTE) return attribute_holds(n, r);
    if (n->entity == FILTER_DATASET) return dataset_holds(n, r);
    if (n->entity == FILTER_PARAM) return pair_holds(n, r->params, r->n_params);
    if (n->entity == FILTER_TAG) return pair_holds(n, r->tags, r->n_tags);
    for (size_t i = 0; i < r->n_metrics; i++)
        if (str_eq(r->metrics[i].key, n->key)) return number_holds(n, r->metrics[i].value);
    return false;
}

/* --- the slow order */
typedef struct sort_key {
    int group; /* 0: a value, 1: NaN, 2: missing */
    double number;
    str text;
} sort_key;

static sort_key key_of(const filter_order *o, const run *r)
{
    if (o->entity == FILTER_METRIC) {
        for (size_t i = 0; i < r->n_metrics; i++)
            if (str_eq(r->metrics[i].key, o->key))
                return isnan(r->metrics[i].value) ? (sort_key){.group = 1}
                                                  : (sort_key){.number = r->metrics[i].value};
        return (sort_key){.group = 2};
    }
    if (o->entity != FILTER_ATTRIBUTE) {
        const key_value *v = o->entity == FILTER_PARAM ? r->params : r->tags;
        size_t n = o->entity == FILTER_PARAM ? r->n_params : r->n_tags;
        for (size_t i = 0; i < n; i++)
            if (str_eq(v[i].key, o->key)) return (sort_key){.text = v[i].value};
        return (sort_key){.group = 2};
    }
    if (str_is(o->key, "start_time")) return (sort_key){.number = (double)r->start_ms};
    if (str_is(o->key, "end_time"))
        return r->end_ms ? (sort_key){.number = (double)r->end_ms} : (sort_key){.group = 2};
    if (str_is(o->key, "run_name")) return (sort_key){.text = r->name};
    return (sort_key){.text = r->user_id};
}

static int compare(const run *x, const run *y, const filter_order *o, size_t n)
{
    bool by_start = false;
    for (size_t i = 0; i < n; i++) {
        sort_key a = key_of(&o[i], x), b = key_of(&o[i], y);
        by_start = by_start || str_is(o[i].key, "start_time");
        if (a.group != b.group) return a.group - b.group;
        int c = a.number != b.number ? (a.number < b.number ? -1 : 1) : str_cmp(a.text, b.text);
        if (c) return o[i].descending ? -c : c;
    }
    if (!by_start && x->start_ms != y->start_ms) return x->start_ms > y->start_ms ? -1 : 1;
    return str_cmp(x->id, y->id);
}

/* --- both */
typedef struct world {
    store s;
    rng r;
    run *all; /* of both experiments, in any lifecycle stage */
    size_t n;
    str experiments[2];
} world;

static const filter_rules *run_rules(void)
{
    /* what tracking admits, as far as the filters here go */
    enum { ALL = (1u << FILTER_OP_N) - 1 };
    static const filter_field fields[] = {
        {"start_time", "start_time", true, ALL},
        {"end_time", "end_time", true, ALL},
        {"run_name", "run_name", false, ALL},
        {"user_id", "user_id", false, ALL},
    };
    static const filter_field of_dataset[] = {{"name", "name", false, ALL},
                                              {"digest", "digest", false, ALL},
                                              {"context", "context", false, ALL}};
    static const filter_rules rules = {"run", {ALL, ALL, ALL, ALL, ALL}, fields, of_dataset, 4, 3};
    return &rules;
}

static void read_all(world *w)
{
    run_search q = {.experiment_ids = w->experiments,
                    .n_experiment_ids = 2,
                    .view = VIEW_ALL,
                    .max = RUN_SEARCH_MAX};
    str token;
    ck_ok(tracking_runs_search(w->s.d, w->s.a, &q, &w->all, &w->n, &token));
}

static void world_open(world *w, uint64_t seed)
{
    store_open(&w->s, &tracking_migration, 1);
    rng_init(&w->r, seed);
    w->experiments[0] = STR("0");
    ck_ok(tracking_experiment_create(w->s.d, w->s.a, &(experiment_spec){.name = STR("two")},
                                     &w->experiments[1]));
    for (size_t i = 0; i < RUNS; i++)
        make_run(&w->s, &w->r, i, w->experiments[i % 3 == 0]);
    read_all(w);
    ck_assert_uint_eq(w->n, RUNS);
}

static void same_as_reference(world *w, arena *a, const run_search *q, const char *what)
{
    const filter_node *n = NULL;
    filter_order *o = NULL;
    ck_ok(filter_parse(a, run_rules(), q->filter, &n));
    ck_ok(filter_orders_parse(a, run_rules(), q->order_by, q->n_order_by, &o));
    const run **want = arena_array(a, const run *, w->n);
    size_t n_want = 0;
    for (size_t i = 0; i < w->n; i++) {
        const run *r = &w->all[i];
        bool in = false;
        for (size_t k = 0; k < q->n_experiment_ids; k++)
            in = in || str_eq(q->experiment_ids[k], r->experiment_id);
        bool active = str_is(r->lifecycle_stage, "active");
        in = in && (q->view == VIEW_ALL || active == (q->view == VIEW_ACTIVE));
        if (!in || (n && !holds(n, r))) continue;
        size_t at = n_want++;
        while (at && compare(want[at - 1], r, o, q->n_order_by) > 0) {
            want[at] = want[at - 1];
            at--;
        }
        want[at] = r;
    }
    run_search page = *q;
    size_t seen = 0;
    do {
        run *v;
        size_t got;
        ck_ok(tracking_runs_search(w->s.d, a, &page, &v, &got, &page.page_token));
        ck_assert_msg(seen + got <= n_want, "%s: too many", what);
        for (size_t i = 0; i < got; i++)
            ck_assert_msg(str_eq(v[i].id, want[seen + i]->id), "%s: run %zu is another", what,
                          seen + i);
        seen += got;
    } while (page.page_token.n);
    ck_assert_msg(seen == n_want, "%s: %zu runs, want %zu", what, seen, n_want);
}

static void ask(world *w, const char *const *orders, size_t n_orders, bool numbers,
                tracking_cache *cache)
{
    AUTO(arena) a = arena_new(0);
    buf b;
    buf_init(&b, 1 << 20);
    put_filter(&b, &w->r, 3, numbers);
    str order[3];
    size_t n_order = rng_below(&w->r, 4), first = rng_below(&w->r, n_orders);
    for (size_t k = 0; k < n_order; k++)
        order[k] = str_of(orders[(first + k * 3) % n_orders]);
    run_search q = {
        .experiment_ids = w->experiments,
        .n_experiment_ids = 1 + rng_below(&w->r, 2),
        .filter = buf_str(&b),
        .order_by = order,
        .n_order_by = n_order,
        .view = (tracking_view)rng_below(&w->r, 3),
        .max = 1 + rng_below(&w->r, 30),
        .cache = cache,
    };
    same_as_reference(w, a, &q, str_c(a, q.filter));
    buf_done(&b);
}

TEST(random_filters_and_orders_find_what_the_reference_finds)
{
    static const char *const orders[] = {
        "metrics.acc",   "metrics.`val loss` DESC", "metrics.rare ASC", "params.lr DESC",
        "tags.t",        "attributes.end_time",     "end_time DESC",    "start_time",
        "run_name DESC", "metric.nobody",
    };
    world w;
    world_open(&w, 20260401);
    for (int i = 0; i < FILTERS; i++)
        ask(&w, orders, countof(orders), false, NULL);
    store_close(&w.s);
}
END_TEST

static void change_something(world *w)
{
    str id = w->all[rng_below(&w->r, w->n)].id;
    run r;
    ck_ok(tracking_run_get(w->s.d, w->s.a, id, &r));
    if (!str_is(r.lifecycle_stage, "active")) {
        ck_ok(tracking_run_restore(w->s.d, id));
        return;
    }
    metric m = {str_of(metric_keys[rng_below(&w->r, KEYS)]), number(&w->r), 1,
                (int64_t)rng_below(&w->r, 50)};
    switch (rng_below(&w->r, 6)) {
    case 0:
        ck_ok(tracking_run_delete(w->s.d, id));
        break;
    case 1:
        ck_ok(tracking_run_end(w->s.d, id, "FAILED", (int64_t)rng_below(&w->r, 10)));
        break;
    case 2:
        make_run(&w->s, &w->r, w->n, w->experiments[rng_below(&w->r, 2)]);
        break;
    case 3:
        ck_ok(tracking_run_update(w->s.d, w->s.a, id, &(run_update){.has_end = true, .end_ms = 4},
                                  &r));
        break;
    default:
        ck_ok(tracking_log_metric(w->s.d, id, &m, NULL));
    }
}

TEST(the_cache_finds_the_same_while_runs_change)
{
    static const char *const orders[] = {
        "metrics.acc",     "metrics.`val loss` DESC", "metrics.rare ASC", "end_time",
        "start_time DESC", "metric.nobody",           "metrics.x/y DESC",
    };
    world w;
    world_open(&w, 7);
    AUTO(tracking_cache) cache = tracking_cache_new();
    for (int i = 0; i < FILTERS; i++) {
        change_something(&w);
        read_all(&w);
        ask(&w, orders, countof(orders), i % 2, cache);
        if (i == FILTERS / 2) {
            ck_ok(tracking_experiment_delete(w.s.d, w.experiments[1]));
            ck_ok(tracking_experiment_restore(w.s.d, w.experiments[1]));
        }
    }
    ck_assert_uint_gt(tracking_cache_bytes(cache), RUNS * 50);
    store_close(&w.s);
}
END_TEST

/* 3,000 runs in one go, m = their number; two of them have the param. */
static err many_tx(db_tx *tx, void *arg)
{
    (void)arg;
    TRY(tx_exec(tx, "INSERT INTO metric_key (id, name) VALUES (1, 'm')", DB_NO_ARGS, NULL));
    for (int64_t i = 1; i <= 3000; i++) {
        char uuid[33];
        snprintf(uuid, sizeof uuid, "%032d", (int)i);
        TRY(tx_exec(tx,
                    "INSERT INTO run (id, uuid, experiment, name, status, start_ms, rev)"
                    " VALUES (?, ?, 0, 'x', 'RUNNING', 1, 1)",
                    DB_ARGS(db_int(i), db_ctext(uuid)), NULL));
        TRY(tx_exec(tx, "INSERT INTO metric_latest VALUES (?, 1, 0, 0, ?, 0, 0)",
                    DB_ARGS(db_int(i), db_real((double)i)), NULL));
        if (i == 7 || i == 2990)
            TRY(tx_exec(tx, "INSERT INTO run_param VALUES (?, 'p', 'x')", DB_ARGS(db_int(i)),
                        NULL));
    }
    return ERR_OK;
}

TEST(a_rare_match_far_down_the_order_is_found)
{
    store s;
    store_open(&s, &tracking_migration, 1);
    AUTO(tracking_cache) cache = tracking_cache_new();
    ck_ok(db_write(s.d, many_tx, NULL));
    str zero = STR("0"), order = STR("metrics.m DESC");
    run_search q = {.experiment_ids = &zero,
                    .n_experiment_ids = 1,
                    .filter = STR("metrics.m > 0 AND params.p = 'x'"),
                    .order_by = &order,
                    .n_order_by = 1,
                    .max = 1,
                    .cache = cache};
    run *v;
    size_t n;
    ck_ok(tracking_runs_search(s.d, s.a, &q, &v, &n, &q.page_token));
    ck_assert(n == 1 && v[0].metrics[0].value == 2990.0 && q.page_token.n);
    ck_ok(tracking_runs_search(s.d, s.a, &q, &v, &n, &q.page_token));
    ck_assert(n == 1 && v[0].metrics[0].value == 7.0 && !q.page_token.n);
    q.filter = STR("metrics.m > 0 AND params.p = 'y'");
    ck_ok(tracking_runs_search(s.d, s.a, &q, &v, &n, &q.page_token));
    ck_assert_uint_eq(n, 0);
    store_close(&s);
}
END_TEST

/* --- many threads on one cache */
typedef struct searcher {
    pthread_t thread;
    store *s;
    tracking_cache *cache;
    size_t rounds;
} searcher;

static void *searcher_main(void *arg)
{
    const searcher *me = arg;
    for (size_t i = 0; i < me->rounds; i++) {
        AUTO(arena) a = arena_new(0);
        str zero = STR("0"), order = STR("metrics.acc DESC"), token;
        run_search q = {.experiment_ids = &zero,
                        .n_experiment_ids = 1,
                        .filter = STR("metrics.acc >= 0"),
                        .order_by = &order,
                        .n_order_by = 1,
                        .max = 5,
                        .cache = me->cache};
        run *v;
        size_t n;
        if (tracking_runs_search(me->s->d, a, &q, &v, &n, &token)) abort();
        for (size_t k = 0; k < n; k++)
            if (!v[k].n_metrics) abort();
    }
    return NULL;
}

TEST(threads_share_a_cache_while_another_writes)
{
    store s;
    store_open(&s, &tracking_migration, 1);
    AUTO(tracking_cache) cache = tracking_cache_new();
    searcher all[3];
    for (size_t i = 0; i < countof(all); i++) {
        all[i] = (searcher){.s = &s, .cache = cache, .rounds = 60};
        ck_assert(!pthread_create(&all[i].thread, NULL, searcher_main, &all[i]));
    }
    for (int i = 0; i < 60; i++) {
        str id, zero = STR("0"), order = STR("metrics.acc DESC"), token;
        ck_ok(tracking_run_create(s.d, s.a, &(run_spec){.experiment_id = zero}, &id));
        metric m = {STR("acc"), (double)i, 1, 0};
        ck_ok(tracking_log_metric(s.d, id, &m, NULL));
        run *v;
        size_t n;
        ck_ok(tracking_runs_search(s.d, s.a,
                                   &(run_search){.experiment_ids = &zero,
                                                 .n_experiment_ids = 1,
                                                 .order_by = &order,
                                                 .n_order_by = 1,
                                                 .max = 1,
                                                 .cache = cache},
                                   &v, &n, &token));
        ck_assert(n == 1 && str_eq(v[0].id, id)); /* what was acknowledged is seen */
    }
    for (size_t i = 0; i < countof(all); i++)
        pthread_join(all[i].thread, NULL);
    store_close(&s);
}
END_TEST

TEST(nan_then_missing_come_last_in_both_directions)
{
    store s;
    store_open(&s, &tracking_migration, 1);
    const double values[] = {2.0, (double)NAN, 1.0};
    str ids[4];
    for (size_t i = 0; i < 4; i++) {
        ck_ok(tracking_run_create(s.d, s.a, &(run_spec){.experiment_id = STR("0"), .start_ms = 1},
                                  &ids[i]));
        metric m = {STR("m"), i < 3 ? values[i] : 0.0, 1, 0};
        if (i < 3) ck_ok(tracking_log_metric(s.d, ids[i], &m, NULL));
    }
    const size_t want[2][4] = {{2, 0, 1, 3}, {0, 2, 1, 3}};
    for (size_t k = 0; k < 2; k++) {
        str order = k ? STR("metrics.m DESC") : STR("metrics.m"), zero = STR("0"), token;
        run *v;
        size_t n;
        ck_ok(tracking_runs_search(s.d, s.a,
                                   &(run_search){.experiment_ids = &zero,
                                                 .n_experiment_ids = 1,
                                                 .order_by = &order,
                                                 .n_order_by = 1,
                                                 .max = 10},
                                   &v, &n, &token));
        ck_assert_uint_eq(n, 4);
        for (size_t i = 0; i < n; i++)
            ck_assert(str_eq(v[i].id, ids[want[k][i]]));
    }
    store_close(&s);
}
END_TEST

TEST(bad_questions_are_refused_and_unknown_experiments_hold_nothing)
{
    store s;
    store_open(&s, &tracking_migration, 1);
    str zero = STR("0"), none = STR("77"), word_id = STR("abc"), token = STR("x");
    run *v = NULL;
    size_t n = 7;
    run_search q = {.experiment_ids = &zero, .n_experiment_ids = 1, .max = 10};
    ck_ok(tracking_runs_search(s.d, s.a, &q, &v, &n, &token));
    ck_assert(n == 0 && !token.n);
    q.experiment_ids = &none;
    ck_ok(tracking_runs_search(s.d, s.a, &q, &v, &n, &token));
    ck_assert_uint_eq(n, 0);
    q.experiment_ids = &word_id;
    ck_err(tracking_runs_search(s.d, s.a, &q, &v, &n, &token), ERR_INVALID);
    ck_assert_str_eq(err_message(),
                     "Invalid experiment ID 'abc'. Experiment ID must be a valid integer.");
    q.n_experiment_ids = 0;
    ck_ok(tracking_runs_search(s.d, s.a, &q, &v, &n, &token));
    q.max = 0;
    ck_err(tracking_runs_search(s.d, s.a, &q, &v, &n, &token), ERR_INVALID);
    q.max = 10;
    q.page_token = STR("!");
    ck_err(tracking_runs_search(s.d, s.a, &q, &v, &n, &token), ERR_INVALID);
    q.page_token = STR("");
    q.max = RUN_SEARCH_MAX + 1;
    ck_err(tracking_runs_search(s.d, s.a, &q, &v, &n, &token), ERR_INVALID);
    q.max = 5;
    q.filter = STR("nonsense");
    ck_err(tracking_runs_search(s.d, s.a, &q, &v, &n, &token), ERR_INVALID);
    store_close(&s);
}
END_TEST

TEST(long_lists_of_run_ids_are_found)
{
    store s;
    store_open(&s, &tracking_migration, 1);
    str id, zero = STR("0"), token;
    ck_ok(tracking_run_create(s.d, s.a, &(run_spec){.experiment_id = zero}, &id));
    buf b;
    buf_init(&b, 1 << 20);
    buf_puts(&b, STR("attributes.run_id IN ("));
    for (int i = 0; i < 900; i++)
        buf_fmt(&b, "'nobody''s %d',", i);
    buf_fmt(&b, "'%.*s')", STR_ARG(id));
    run *v;
    size_t n;
    ck_ok(tracking_runs_search(
        s.d, s.a,
        &(run_search){
            .experiment_ids = &zero, .n_experiment_ids = 1, .filter = buf_str(&b), .max = 10},
        &v, &n, &token));
    ck_assert_uint_eq(n, 1);
    buf_done(&b);
    store_close(&s);
}
END_TEST

TESTS("tracking search", random_filters_and_orders_find_what_the_reference_finds,
      the_cache_finds_the_same_while_runs_change, a_rare_match_far_down_the_order_is_found,
      threads_share_a_cache_while_another_writes, nan_then_missing_come_last_in_both_directions,
      bad_questions_are_refused_and_unknown_experiments_hold_nothing,
      long_lists_of_run_ids_are_found)
