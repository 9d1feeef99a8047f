#include "cli/cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli_int.h"
#include "test.h"

/* What a command said. Check forks a process a test, so the streams may be sent elsewhere. */
static str out, words;

static str slurp(arena *a, const char *path, FILE *f)
{
    str s;
    fflush(f);
    ck_ok(file_read(a, path, 1 << 20, &s));
    return s;
}

/* Runs `tidemill` with the arguments (NULL ends them) and gives the exit code. */
static int run_it(arena *a, const char *const *args)
{
    char name[] = "tidemill", *argv[16] = {name};
    const char *paths[] = {cstr_fmt(a, "/tmp/tidemill_cli_test.%d.out", (int)getpid()),
                           cstr_fmt(a, "/tmp/tidemill_cli_test.%d.err", (int)getpid())};
    int argc = 1;
    for (; args[argc - 1]; argc++) {
        size_t n = strlen(args[argc - 1]);
        argv[argc] = arena_alloc(a, n + 1, 1);
        memcpy(argv[argc], args[argc - 1], n);
    }
    ck_assert(freopen(paths[0], "w+", stdout) && freopen(paths[1], "w+", stderr));
    int code = cli_main(argc, argv);
    out = slurp(a, paths[0], stdout);
    words = slurp(a, paths[1], stderr);
    unlink(paths[0]);
    unlink(paths[1]);
    return code;
}
#define RUN(a, ...) run_it(a, (const char *const[]){__VA_ARGS__, NULL})

static bool has(str s, const char *what)
{
    size_t at;
    return str_find(s, str_of(what), &at);
}

TEST(without_a_command_help_goes_to_stderr)
{
    AUTO(arena) a = arena_new(0);
    ck_assert_int_eq(run_it(a, (const char *const[]){NULL}), 2);
    ck_assert(!out.n && has(words, "tidemill demo") && has(words, "Commands:"));
}

TEST(help_begins_with_examples_and_hides_what_is_internal)
{
    AUTO(arena) a = arena_new(0);
    size_t examples, usage;
    ck_assert_int_eq(RUN(a, "--help"), 0);
    ck_assert(has(out, "server") && has(out, "validate") && !has(out, "schema ") &&
              !has(out, "  task "));
    ck_assert_int_eq(RUN(a, "run", "--help"), 0);
    ck_assert(str_find(out, STR("Examples:"), &examples) && str_find(out, STR("Usage:"), &usage) &&
              examples < usage);
    ck_assert(has(out, "--param TASK.KEY=VALUE") && has(out, "-h, --help"));
    ck_assert_int_eq(RUN(a, "jobs", "--help"), 0);
    ck_assert(has(out, "cancel"));
    ck_assert_int_eq(RUN(a, "help", "jobs", "runs"), 0);
    ck_assert(has(out, "--job JOB"));
    ck_assert_int_eq(RUN(a, "help", "nothing"), 4);
    ck_assert_int_eq(RUN(a, "jobs"), 2);
}

TEST(every_command_has_its_help)
{
    for (size_t i = 0; i < n_cli_commands; i++) {
        AUTO(arena) a = arena_new(0);
        const command *m = &cli_commands[i];
        ck_assert_int_eq(RUN(a, m->name, "--help"), 0);
        ck_assert_msg(has(out, m->line), "%s", m->name);
        for (size_t k = 0; k < m->n_subs; k++) {
            ck_assert_int_eq(RUN(a, m->name, m->subs[k].name, "-h"), 0);
            ck_assert_msg(has(out, "Examples:") && has(out, m->subs[k].line), "%s %s", m->name,
                          m->subs[k].name);
        }
    }
}

static void ck_usage(const char *const *args, const char *what)
{
    AUTO(arena) a = arena_new(0);
    ck_assert_int_eq(run_it(a, args), 2);
    ck_assert_msg(!out.n && has(words, what), "want \"%s\": %.*s", what, STR_ARG(words));
    ck_assert(has(words, "--help"));
}
#define USAGE(what, ...) ck_usage((const char *const[]){__VA_ARGS__, NULL}, what)

TEST(usage_errors_are_2_and_name_the_nearest)
{
    USAGE("unknown command \"sever\", did you mean \"server\"?", "sever");
    USAGE("unknown command \"lst\", did you mean \"list\"?", "jobs", "lst");
    USAGE("unknown option --prot, did you mean --port?", "server", "--prot", "1");
    USAGE("unknown option --prot, did you mean --port?", "server", "--prot=1");
    USAGE("unknown option -x", "server", "-x");
    USAGE("unknown option -px", "server", "-px");
    USAGE("--port: want N behind it", "server", "--port");
    USAGE("--port \"many\": want a whole number, 0 to 65535", "server", "--port", "many");
    USAGE("--port \"65536\"", "server", "--port=65536");
    USAGE("--port is there twice", "server", "--port", "1", "-p", "2");
    USAGE("want one of table, json; did you mean \"json\"?", "jobs", "list", "-o", "jsn");
    USAGE("want a time such as", "run", "job", "--at", "noon");
    USAGE("want JOB", "run");
    USAGE("\"two\" is one argument too many", "run", "one", "two");
    USAGE("\"x\" is one argument too many: want none", "plan", "x");
}

TEST(version_is_text_or_json)
{
    AUTO(arena) a = arena_new(0);
    ck_assert_int_eq(RUN(a, "version"), 0);
    ck_assert(str_starts(out, "tidemill " TIDEMILL_VERSION));
    ck_assert_int_eq(RUN(a, "--version"), 0);
    ck_assert_int_eq(RUN(a, "version", "--output=json"), 0);
    ck_assert(has(out, "{\"version\":\"" TIDEMILL_VERSION "\""));
}

TEST(what_is_not_there_is_4)
{
    AUTO(arena) a = arena_new(0);
    ck_assert_int_eq(RUN(a, "jobs", "list", "--home", "/nonexistent/home"), 4);
    ck_assert(has(words, "/nonexistent/home"));
    ck_assert_int_eq(RUN(a, "validate", "-f", "/nonexistent/bundle"), 4);
    ck_assert_int_eq(RUN(a, "plan", "-f", "/nonexistent/bundle", "--home", "/nonexistent/home"), 4);
}

static const char variables[] = "catalog=main,schema=ml_serving,model_name=fare_predictor";

TEST(the_example_is_valid_planned_and_applied_once)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = cstr_fmt(a, "/tmp/tidemill_cli_test.%d", (int)getpid());
    const char *file = TIDEMILL_SOURCE_DIR "/examples/nyc_taxi";
    ck_ok(dir_remove_all(dir));
    ck_assert_int_eq(RUN(a, "validate", "-f", file), 1);
    ck_assert(has(words, "variables catalog, schema and model_name have no value"));
    ck_assert_int_eq(RUN(a, "validate", "-f", file, "--var", variables), 0);
    ck_assert(has(out, "target dev: valid") && has(out, "train, validate, deploy"));
    ck_assert_int_eq(RUN(a, "plan", "-f", file, "--var", variables, "--home", dir), 0);
    ck_assert(has(out, "+ job ml_monitoring") && has(out, "14 to create") && !file_exists(dir));
    ck_assert_int_eq(RUN(a, "apply", "-f", file, "--var", variables, "--home", dir), 0);
    ck_assert(has(out, "14 created, 0 updated, 0 deleted, 0 unchanged"));
    ck_assert_int_eq(RUN(a, "apply", "-f", file, "--var", variables, "--home", dir, "-o", "json"),
                     0);
    ck_assert(has(out, "\"kind\":\"none\"") && !has(out, "\"kind\":\"create\""));
    ck_assert_int_eq(RUN(a, "jobs", "list", "--home", dir), 0);
    ck_assert(has(out, "America/New_York") && has(out, "next_fire"));
    ck_assert_int_eq(RUN(a, "jobs", "get", "7", "--home", dir), 4);
    ck_assert_int_eq(RUN(a, "jobs", "get", "x", "--home", dir), 1);
    ck_assert_int_eq(RUN(a, "run", "ml_monitorin", "-f", file, "--var", variables, "--home", dir),
                     4);
    ck_assert(has(words, "did you mean \"ml_monitoring\"?"));
    ck_assert_int_eq(RUN(a, "endpoints", "list", "--home", dir), 4);
    ck_assert(has(words, "tidemill server"));
    ck_assert_int_eq(RUN(a, "tables", "list", "--home", dir, "-o", "json"), 0);
    ck_assert(has(out, "{\"tables\":[]}"));
    ck_ok(dir_remove_all(dir));
}

TEST(the_demo_removes_only_its_own_home)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = cstr_fmt(a, "/tmp/tidemill_cli_test.%d", (int)getpid());
    ck_ok(dir_remove_all(dir));
    ck_ok(dir_make(dir));
    ck_ok(file_write_atomic(path_join(a, dir, "thesis.txt"), STR("years")));
    ck_assert_int_eq(RUN(a, "demo", "--home", dir), 5);
    ck_assert(has(words, "was not made by the demo") &&
              file_exists(path_join(a, dir, "thesis.txt")));
    ck_ok(dir_remove_all(dir));
}

TEST(tables_are_aligned_and_json_is_typed)
{
    AUTO(arena) a = arena_new(0);
    static const char *const keys[] = {"name", "n", "at", "yes", "list"};
    const char *path = cstr_fmt(a, "/tmp/tidemill_cli_test.%d.out", (int)getpid());
    const cell both = {.type = CELL_JSON, .s = STR("[1]"), .shown = STR("one")};
    listing *l = listing_new(a, "things", keys, countof(keys));
    listing_add(l, (cell[]){cell_text(STR("größer")), cell_int(7), cell_time(1769860800000),
                            cell_bool(true), both});
    listing_add(
        l, (cell[]){cell_text(STR("a\nb")), cell_int(1234), cell_time(0), cell_bool(false), both});
    ck_assert_ptr_nonnull(freopen(path, "w+", stdout));
    listing_print(l, false);
    str s = slurp(a, path, stdout);
    ck_assert_msg(str_is(s, "name       n  at                   yes  list\n"
                            "größer     7  2026-01-31 12:00:00  yes  one\n"
                            "a b     1234                       no   one\n"),
                  "%.*s", STR_ARG(s));
    ck_assert_ptr_nonnull(freopen(path, "w+", stdout));
    listing_print(l, true);
    s = slurp(a, path, stdout);
    ck_assert(str_starts(s, "{\"things\":[{\"name\":\"größer\",\"n\":7,\"at_ms\":1769860800000,"
                            "\"yes\":true,\"list\":[1]},"));
    unlink(path);
}

TESTS("cli", without_a_command_help_goes_to_stderr,
      help_begins_with_examples_and_hides_what_is_internal, every_command_has_its_help,
      usage_errors_are_2_and_name_the_nearest, version_is_text_or_json, what_is_not_there_is_4,
      the_example_is_valid_planned_and_applied_once, the_demo_removes_only_its_own_home,
      tables_are_aligned_and_json_is_typed)
