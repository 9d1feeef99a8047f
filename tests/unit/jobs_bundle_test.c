#include "jobs/bundle.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "jobs/bundle_int.h"
#include "test.h"

/* A bundle folder that goes with the arena. */
static const char *folder(arena *a)
{
    const char *dir = cstr_fmt(a, "/tmp/tidemill_bundle_test.%d", (int)getpid());
    ck_ok(dir_remove_all(dir));
    ck_ok(dir_make(dir));
    return dir;
}

static void put(arena *a, const char *dir, const char *name, const char *text)
{
    const char *path = path_join(a, dir, name);
    ck_ok(dir_make(str_c(a, (str){path, (size_t)(strrchr(path, '/') - path)})));
    ck_ok(file_write_atomic(path, str_of(text)));
}

static const char whole[] =
    "bundle: {name: b}\n"
    "sources: {rows: {path: rows.csv}}\n"
    "checks:\n"
    "  good:\n"
    "    source: rows\n"
    "    expectations:\n"
    "      - {expect: column_values_to_be_between, column: y, min: 0, on_fail: drop}\n"
    "features:\n"
    "  f: {checks: good, table: c.s.t, columns: {b: b + 1, a: a}, label: {y: y}}\n"
    "training:\n"
    "  t:\n"
    "    features: f\n"
    "    registered_model: c.s.m\n"
    "    baseline_table: c.s.base\n"
    "    params: {objective: regression_l1}\n"
    "    search: {num_leaves: [7, 15], learning_rate: 0.1}\n"
    "gates: {better: {metric: mae, against: champion}, bound: {metric: mae, max: 5}}\n"
    "endpoints: {e: {registered_model: c.s.m}}\n"
    "batch: {s: {features: f, registered_model: c.s.m, alias: champion, predictions_table: p}}\n"
    "monitors:\n"
    "  m: {registered_model: c.s.m, baseline_table: a, predictions_table: p, monitoring_table: q}\n"
    "jobs:\n"
    "  pipeline:\n"
    "    tasks:\n"
    "      - {task_key: deploy, depends_on: [{task_key: validate}], deploy: {endpoint: e}}\n"
    "      - task_key: validate\n"
    "        depends_on: [{task_key: train}]\n"
    "        validate: {training: t, gates: [better, bound]}\n"
    "      - {task_key: train, train: {training: t}, timeout_seconds: 60, max_retries: 2,\n"
    "         memory_max: 1GiB}\n"
    "  score:\n"
    "    schedule: {quartz_cron_expression: 0 0 0/6 * * ?}\n"
    "    tasks: [{task_key: s, batch_predict: {batch: s}}]\n"
    "  watch:\n"
    "    schedule: {cron: 30 6 * * *, timezone_id: Europe/Berlin, pause_status: PAUSED}\n"
    "    tasks: [{task_key: m, monitor_drift: {monitor: m}}]\n";

static err load(arena *a, const char *dir, bundle **ret)
{
    return bundle_load(a, dir, STR(""), NULL, 0, ret);
}

/* text as tidemill.yaml is refused, and the words of the message are there. */
static void ck_refused(const char *text, const char *words)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = folder(a);
    bundle *b = NULL;
    put(a, dir, "tidemill.yaml", text);
    put(a, dir, "rows.csv", "a,b,y\n");
    err e = load(a, dir, &b);
    ck_assert_msg(e, "taken: %s", text);
    ck_assert_msg(strstr(err_message(), words) != NULL, "want \"%s\": %s", words, err_message());
    ck_assert_ptr_null(b);
    ck_ok(dir_remove_all(dir));
}

/* whole with one piece of text replaced. */
static const char *with(arena *a, const char *from, const char *to)
{
    const char *at = strstr(whole, from);
    ck_assert_msg(at != NULL, "no \"%s\"", from);
    return cstr_fmt(a, "%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from));
}

static void ck_change_refused(const char *from, const char *to, const char *words)
{
    AUTO(arena) a = arena_new(0);
    ck_refused(with(a, from, to), words);
}

static void ck_whole(const bundle *b)
{
    ck_assert(str_is(b->name, "b") && str_is(b->target, "default"));
    ck_assert_uint_eq(b->n_sources, 1);
    ck_assert(str_ends(b->sources[0].path, "/rows.csv") && b->sources[0].path.p[0] == '/');
    const bundle_training *t = &b->trainings[0];
    ck_assert(str_is(t->spec.source, "rows") && t->spec.checks.n == 1);
    ck_assert(str_is(t->spec.features.v[0].name, "b") &&
              str_is(t->spec.features.v[0].sql, "b + 1"));
    ck_assert(str_is(t->spec.features.v[1].name, "a") && str_is(t->spec.features.label.name, "y"));
    ck_assert(str_is(t->spec.experiment, "/b/t") && t->spec.seed == 42 && t->spec.folds == 5);
    ck_assert_uint_eq(t->spec.n_axes, 2);
    ck_assert(str_is(t->spec.axes[0].values[1], "15") && str_is(t->spec.axes[1].values[0], "0.1"));
    const expectation *x = &t->spec.checks.v[0];
    ck_assert(x->kind == EXPECT_BETWEEN && x->action == EXPECT_DROP && x->min == 0 &&
              isinf(x->max));
    const bundle_job *j = bundle_find_job(b, STR("pipeline"));
    ck_assert_uint_eq(j->n_tasks, 3);
    ck_assert(str_is(j->tasks[0].key, "train") && str_is(j->tasks[2].key, "deploy"));
    ck_assert(j->tasks[0].timeout_ms == 60000 && j->tasks[0].max_retries == 2 &&
              j->tasks[0].memory_max == 1 << 30);
    ck_assert(j->tasks[1].n_gates == 2 && j->tasks[1].gates[0].beats_champion &&
              j->tasks[1].gates[1].max == 5);
    ck_assert(j->tasks[2].depends_on[0] == 1 && str_is(j->tasks[2].endpoint->name, "e"));
    ck_assert(str_is(b->batches[0].model_uri, "models:/c.s.m@champion") &&
              b->batches[0].source.n == 0);
    ck_assert(b->monitors[0].spec.window_ms == 86400000 && b->monitors[0].spec.min_rows == 100);
    ck_assert(!b->jobs[1].paused && b->jobs[2].paused &&
              str_is(b->jobs[2].timezone, "Europe/Berlin"));
}

TEST(a_bundle_becomes_specs_and_its_snapshot_the_same_ones)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = folder(a);
    bundle *b, *again;
    put(a, dir, "tidemill.yaml", whole);
    put(a, dir, "rows.csv", "a,b,y\n");
    ck_ok(load(a, dir, &b));
    ck_whole(b);
    ck_ok(bundle_from_snapshot(a, b->snapshot, &again));
    ck_whole(again);
    ck_assert(str_eq(again->snapshot, b->snapshot) && str_eq(again->dir, b->dir));
    ck_ok(bundle_load(a, path_join(a, dir, "tidemill.yaml"), STR(""), NULL, 0, &again));
    ck_assert(str_eq(again->snapshot, b->snapshot));
    ck_ok(dir_remove_all(dir));
}

TEST(unknown_keys_are_refused_with_their_place_and_the_nearest)
{
    ck_refused("bundle: {name: b}\nsourcs: {}\n",
               "tidemill.yaml:2:1: bundle file: unknown key \"sourcs\", did you mean \"sources\"?");
    ck_change_refused("    registered_model: c.s.m\n", "    registred_model: c.s.m\n",
                      ":13:5: training t: unknown key");
    ck_change_refused("timeout_seconds", "timeout", "pipeline: tasks[2]: unknown key \"timeout\"");
    ck_change_refused("min: 0", "minimum: 0", "unknown key \"minimum\"");
}

TEST(missing_keys_and_wrong_types_are_refused)
{
    ck_refused("{}", "key \"bundle\" is missing");
    ck_refused("bundle: {}\n", "key \"name\" is missing");
    ck_refused("- 1\n", "is a list, want a mapping");
    ck_refused("bundle: {name: a b}\n", "\"a b\": want letters");
    ck_change_refused("timeout_seconds: 60", "timeout_seconds: soon",
                      "\"soon\": want a whole number");
    ck_change_refused("timeout_seconds: 60", "timeout_seconds: 0", "want 1 to 31536000");
    ck_change_refused("max_retries: 2", "max_retries: 11", "want 0 to 10");
    ck_change_refused("memory_max: 1GiB", "memory_max: much", "want a size");
    ck_change_refused("min: 0", "min: low", "want a number");
    ck_change_refused("on_fail: drop", "on_fail: drp", "did you mean \"drop\"?");
    ck_change_refused("expect: column_values_to_be_between", "expect: between", "want one of");
    ck_change_refused("table: c.s.t,", "table: c/../t,", "want catalog.schema.table");
    ck_change_refused("table: c.s.t,", "table: a.b.c.d,", "want catalog.schema.table");
    ck_change_refused("registered_model: c.s.m\n", "registered_model: a/b\n", "a model's name");
    ck_change_refused("columns: {b: b + 1, a: a}", "columns: {b: [1]}", "want a single value");
    ck_change_refused("columns: {b: b + 1, a: a}", "columns: {}", "want at least one");
    ck_change_refused("label: {y: y}", "label: {y: y, z: z}", "exactly one");
    ck_change_refused("label: {y: y}", "label: {a: a}", "is a column as well");
    ck_change_refused("num_leaves: [7, 15]", "num_leaves: []", "at least one value");
    ck_change_refused("{objective: regression_l1}", "{num_leaves: 3}", "searched as well");
    ck_change_refused("{path: rows.csv}", "{path: rows.csv, sql: SELECT 1}",
                      "exactly one: path, table, sql");
    ck_change_refused("train: {training: t},", "", "exactly one: train, validate");
    ck_change_refused(", max: 5", "", "want against, max or min");
    ck_change_refused("column: y, min: 0", "min: 0", "key \"column\" is missing");
    ck_change_refused("column: y, min: 0", "column: y", "key \"min\" is missing");
}

TEST(references_are_checked)
{
    ck_change_refused("    source: rows\n", "    source: row\n",
                      "there is no \"row\" in sources, did you mean \"rows\"?");
    ck_change_refused("gates: [better, bound]", "gates: [beter, bound]",
                      "did you mean \"better\"?");
    ck_change_refused("deploy: {endpoint: e}", "deploy: {endpoint: f}",
                      "there is no \"f\" in endpoints");
    ck_change_refused("depends_on: [{task_key: train}]", "depends_on: [{task_key: trian}]",
                      "did you mean \"train\"?");
    ck_change_refused("depends_on: [{task_key: train}]\n", "max_retries: 1\n",
                      "depends on 0 train tasks");
    ck_change_refused("{path: rows.csv}", "{path: none.csv}", "there is no file");
}

TEST(a_cycle_of_tasks_is_refused_and_named)
{
    ck_change_refused("train: {training: t}, timeout",
                      "train: {training: t}, depends_on: [{task_key: deploy}], timeout",
                      "form a cycle: deploy -> validate -> train -> deploy");
    ck_change_refused("train: {training: t}, timeout",
                      "train: {training: t}, depends_on: [{task_key: train}], timeout",
                      "form a cycle: train -> train");
    ck_change_refused("{task_key: deploy, depends", "{task_key: train, depends", "there twice");
}

TEST(schedules_are_checked)
{
    ck_change_refused("cron: 30 6 * * *", "cron: 30 26 * * *",
                      "schedule: cron \"30 26 * * *\": hour \"26\"");
    ck_change_refused("cron: 30 6 * * *", "cron: 0 30 6 * * ?",
                      "want five, or key quartz_cron_expression");
    ck_change_refused("Europe/Berlin", "Europe/Berln", "did you mean \"Europe/Berlin\"?");
    ck_change_refused("pause_status: PAUSED", "pause_status: paused",
                      "want one of PAUSED, UNPAUSED");
}

static const char variables[] =
    "bundle: {name: b}\n"
    "variables:\n"
    "  catalog: {description: c}\n"
    "  schema: {}\n"
    "  rows: {default: 7}\n"
    "targets:\n"
    "  dev: {default: true, mode: development}\n"
    "  prod: {mode: production, variables: {rows: 9}}\n"
    "monitors:\n"
    "  m:\n"
    "    registered_model: ${var.catalog}.${var.schema}.${bundle.name}_${bundle.target}\n"
    "    baseline_table: a\n"
    "    predictions_table: b\n"
    "    monitoring_table: c\n"
    "    min_rows: ${var.rows}\n"
    "jobs:\n"
    "  j: {schedule: {cron: 0 0 * * *}, tasks: [{task_key: t, monitor_drift: {monitor: m}}]}\n";

TEST(variables_are_replaced_in_every_value)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = folder(a);
    const char *texts[] = {"catalog=x,schema=y", "catalog='c,1'", "catalog=main"};
    bundle_var *v;
    size_t n;
    bundle *b;
    put(a, dir, "tidemill.yaml", variables);
    ck_ok(bundle_vars(a, texts, 3, &v, &n));
    ck_assert_uint_eq(n, 2);
    ck_ok(bundle_load(a, dir, STR(""), v, n, &b));
    ck_assert(str_is(b->monitors[0].spec.registered_model, "main.y.b_dev"));
    ck_assert(b->monitors[0].spec.min_rows == 7 && b->jobs[0].paused);
    ck_ok(bundle_load(a, dir, STR("prod"), v, n, &b));
    ck_assert(str_is(b->monitors[0].spec.registered_model, "main.y.b_prod"));
    ck_assert(b->monitors[0].spec.min_rows == 9 && !b->jobs[0].paused);
    ck_err(bundle_load(a, dir, STR("prd"), v, n, &b), ERR_MISSING);
    ck_assert_ptr_nonnull(strstr(err_message(), "did you mean \"prod\"?"));
    ck_ok(dir_remove_all(dir));
}

static void ck_vars_refused(const char *texts, const char *yaml_text, const char *words)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = folder(a);
    bundle_var *v = NULL;
    size_t n = 0;
    bundle *b = NULL;
    put(a, dir, "tidemill.yaml", yaml_text);
    err e = texts[0] ? bundle_vars(a, &texts, 1, &v, &n) : ERR_OK;
    if (!e) e = bundle_load(a, dir, STR(""), v, n, &b);
    ck_assert_int_eq(e, ERR_INVALID);
    ck_assert_msg(strstr(err_message(), words) != NULL, "want \"%s\": %s", words, err_message());
    ck_ok(dir_remove_all(dir));
}

TEST(variables_without_value_and_unknown_ones_are_named)
{
    ck_vars_refused(
        "", variables,
        "variables catalog and schema have no value: give them with --var catalog=…,schema=…");
    ck_vars_refused("catalog=a", variables,
                    "variable schema has no value: give it with --var schema=…");
    ck_vars_refused("catalog=a,schema=b,shema=c", variables,
                    "no variable \"shema\", did you mean \"schema\"?");
    ck_vars_refused("catalog=a,schema=b,rows=many", variables, "\"many\": want a whole number");
    ck_vars_refused("catalog", variables, "want name=value");
    ck_vars_refused("catalog='a", variables, "not closed");
    ck_vars_refused("=a", variables, "want name=value");
    ck_vars_refused("", "bundle: {name: b}\ngates: {g: {metric: \"${var.x}\"}}\n",
                    "2:21: ${var.x}: the bundle has no such variable");
    ck_vars_refused("", "bundle: {name: b}\ngates: {g: {metric: \"${env.x}\"}}\n",
                    "unknown ${env.x}: want ${var.NAME}");
    ck_vars_refused("", "bundle: {name: b}\ngates: {g: {metric: \"${var.x\"}}\n", "not closed");
    ck_vars_refused("", "bundle: {name: b}\ntargets: {a: {}, b: {}}\n", "choose one with --target");
    ck_vars_refused("", "bundle: {name: b}\ntargets: {a: {variables: {x: 1}}}\n",
                    "no variable \"x\"");
}

TEST(included_files_are_merged_and_duplicates_refused)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = folder(a);
    bundle *b;
    put(a, dir, "tidemill.yaml",
        "bundle: {name: b}\ninclude: [parts/*.yaml]\nsources: {one: {sql: SELECT 1}}\n");
    put(a, dir, "parts/a.yaml", "sources: {two: {sql: SELECT 2}}\n");
    put(a, dir, "parts/b.yaml", "sources:\n  three: {sql: SELECT 3}\n");
    ck_ok(load(a, dir, &b));
    ck_assert_uint_eq(b->n_sources, 3);
    ck_assert(str_is(b->sources[1].name, "two") && str_is(b->sources[2].name, "three"));
    put(a, dir, "parts/c.yaml", "sources:\n  one: {sql: SELECT 4}\n");
    ck_err(load(a, dir, &b), ERR_INVALID);
    ck_assert_ptr_nonnull(
        strstr(err_message(), "parts/c.yaml:2:3: sources: \"one\" is there already, at "));
    put(a, dir, "parts/c.yaml", "targets: {x: {}}\n");
    ck_err(load(a, dir, &b), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "belongs into tidemill.yaml alone"));
    put(a, dir, "parts/c.yaml", "surces: {x: {}}\n");
    ck_err(load(a, dir, &b), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "did you mean \"sources\"?"));
    ck_ok(dir_remove_all(dir));
    ck_refused("bundle: {name: b}\ninclude: [none.yaml]\n", "matches no file");
    ck_refused("bundle: {name: b}\ninclude: [../x.yaml]\n", "below the bundle's folder");
    ck_refused("bundle: {name: b}\ninclude: [/etc/passwd]\n", "below the bundle's folder");
    ck_err(load(a, "/nonexistent", &b), ERR_MISSING);
}

TEST(the_limits_hold)
{
    AUTO(arena) a = arena_new(0);
    buf b;
    buf_init(&b, 1 << 20);
    buf_fmt(&b, "bundle: {name: b}\nmonitors:\n  m: {registered_model: m, baseline_table: a, "
                "predictions_table: b, monitoring_table: c}\njobs:\n  j:\n    tasks:\n");
    for (int i = 0; i <= BUNDLE_TASKS_MAX; i++)
        buf_fmt(&b, "      - {task_key: t%d, monitor_drift: {monitor: m}}\n", i);
    ck_refused(str_c(a, buf_str(&b)), "want at most 100");
    buf_done(&b);
    ck_change_refused(
        "num_leaves: [7, 15]",
        "a: [1,2,3,4,5,6,7,8,9,10], b: [1,2,3,4,5,6,7,8,9,10], c: [1,2,3,4,5,6,7,8,9,10,11]",
        "more than 1000 candidates");
}

TEST(a_damaged_snapshot_is_refused)
{
    AUTO(arena) a = arena_new(0);
    bundle *b;
    ck_assert(bundle_from_snapshot(a, STR(""), &b));
    ck_assert(bundle_from_snapshot(a, STR("{"), &b));
    ck_err(bundle_from_snapshot(a, STR("{\"tidemill\":{\"format\":2}}"), &b), ERR_FORMAT);
    ck_err(bundle_from_snapshot(a, STR("{\"tidemill\":{\"format\":1},\"bundle\":{\"name\":\"b\"}}"),
                                &b),
           ERR_FORMAT);
    ck_err(bundle_from_snapshot(a, STR("{\"tidemill\":{\"format\":1},\"bundle\":{}}"), &b),
           ERR_INVALID);
}

TEST(the_words_for_expectations_are_those_of_their_room)
{
    AUTO(arena) a = arena_new(0);
    for (int k = 0; k < EXPECT_N; k++) {
        const char *name = expect_kind_name((expect_kind)k);
        const char *text = cstr_fmt(
            a,
            "bundle: {name: b}\nsources: {r: {sql: s}}\nchecks: {c: {source: r, expectations: "
            "[{expect: %s, nonsense: 1}]}}\n",
            name);
        ck_refused(text, "nonsense");
        ck_refused(
            cstr_fmt(
                a,
                "bundle: {name: b}\nsources: {r: {sql: s}}\nchecks: {c: {source: r, expectations: "
                "[{expect: %s}]}}\nfeatures: {f: {checks: c, table: t, columns: {a: a}, label: {y: "
                "y}}}\n"
                "nonsense: 1",
                name),
            "nonsense");
    }
}

TEST(the_schema_in_docs_is_the_one_of_the_table)
{
    AUTO(arena) a = arena_new(0);
    buf b;
    str have;
    buf_init(&b, 1 << 20);
    bundle_schema(&b);
    ck_ok(file_read(a, TIDEMILL_SOURCE_DIR "/docs/tidemill.schema.json", 1 << 20, &have));
    ck_assert_msg(
        str_eq(have, buf_str(&b)),
        "docs/tidemill.schema.json: make it again: tidemill schema > docs/tidemill.schema.json");
    buf_done(&b);
}

TESTS("jobs/bundle", a_bundle_becomes_specs_and_its_snapshot_the_same_ones,
      unknown_keys_are_refused_with_their_place_and_the_nearest,
      missing_keys_and_wrong_types_are_refused, references_are_checked,
      a_cycle_of_tasks_is_refused_and_named, schedules_are_checked,
      variables_are_replaced_in_every_value, variables_without_value_and_unknown_ones_are_named,
      included_files_are_merged_and_duplicates_refused, the_limits_hold,
      a_damaged_snapshot_is_refused, the_words_for_expectations_are_those_of_their_room,
      the_schema_in_docs_is_the_one_of_the_table)
