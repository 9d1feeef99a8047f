#include "cli/cli.h"

#include <assert.h>
#include <signal.h>

#include "api/api.h"
#include "base/fault.h"
#include "base/log.h"
#include "cli/cli_int.h"
#include "monitor/monitor.h"
#include "registry/registry.h"

enum { EXIT_USAGE = 2 };

/* --- finding the command */

static const command *find(const command *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(list[i].name, name)) return &list[i];
    return NULL;
}

static int unknown(const char *where, const command *list, size_t n, const char *name)
{
    const char *names[32];
    size_t n_names = 0;
    for (size_t i = 0; i < n && n_names < countof(names); i++)
        if (!list[i].hidden) names[n_names++] = list[i].name;
    const char *near = str_nearest(str_of(name), names, n_names);
    fprintf(stderr, "tidemill: %s%sunknown command \"%s\"%s%s%s\n", where, where[0] ? ": " : "",
            name, near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    fprintf(stderr, "See `tidemill %s%s--help`.\n", where, where[0] ? " " : "");
    return EXIT_USAGE;
}

static bool is_help(const char *word)
{
    return !strcmp(word, "--help") || !strcmp(word, "-h");
}

/* --- running it */

static int usage(const cli *c)
{
    fprintf(stderr, "tidemill: %s\nSee `tidemill %s --help`.\n", err_message(), c->path);
    return EXIT_USAGE;
}

static int run_command(cli *c, int n_words, char *const *words)
{
    if (cli_parse(c, n_words, words)) return usage(c);
    if (c->help) {
        cli_help_of(c, stdout);
        return 0;
    }
    err e = c->command->run(c);
    int code = e ? err_exit(e) : c->exit_code;
    if (e) fprintf(stderr, "tidemill: %s\n", err_message());
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "tidemill: standard output: cannot be written\n");
        return code ? code : 1;
    }
    return code;
}

static int run_group(cli *c, int n_words, char *const *words)
{
    const command *group = c->command;
    if (!n_words || is_help(words[0])) {
        cli_help_of(c, n_words ? stdout : stderr);
        return n_words ? 0 : EXIT_USAGE;
    }
    const command *sub = find(group->subs, group->n_subs, words[0]);
    if (!sub) return unknown(group->name, group->subs, group->n_subs, words[0]);
    c->command = sub;
    c->path = cstr_fmt(c->a, "%s %s", group->name, sub->name);
    return run_command(c, n_words - 1, words + 1);
}

int cli_main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    fault_arm_from_env();
    if (argc < 2 || is_help(argv[1])) {
        cli_help_all(argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_USAGE : 0;
    }
    const char *name = !strcmp(argv[1], "--version") ? "version" : argv[1];
    const command *m = find(cli_commands, n_cli_commands, name);
    if (!m) return unknown("", cli_commands, n_cli_commands, name);
    AUTO(arena) a = arena_new(64 << 10);
    cli c = {.a = a, .command = m, .path = m->name};
    return m->subs ? run_group(&c, argc - 2, argv + 2) : run_command(&c, argc - 2, argv + 2);
}

/* --- what commands share */

const char *cli_home_dir(const cli *c)
{
    const char *env = getenv("TIDEMILL_HOME");
    return cli_text(c, "home", env && env[0] ? env : ".tidemill");
}

err cli_home(const cli *c, home_mode mode, bool must_exist, home **ret)
{
    const db_migration migrations[] = {tracking_migration, registry_migration, monitor_migration,
                                       serving_migration, jobs_migration};
    home_options o = {.dir = cli_home_dir(c),
                      .mode = mode,
                      .migrations = migrations,
                      .n_migrations = countof(migrations),
                      .must_exist = must_exist};
    return home_open(&o, ret);
}

err cli_bundle(const cli *c, bundle **ret)
{
    bundle_var *vars;
    size_t n;
    const option_value *v = cli_option(c, "var");
    TRY(bundle_vars(c->a, v->list, v->n, &vars, &n));
    return bundle_load(c->a, cli_text(c, "file", "."), str_of(cli_text(c, "target", "")), vars, n,
                       ret);
}

err cli_id(const cli *c, size_t arg, int64_t *ret)
{
    assert(arg < c->n_args);
    if (parse_i64(str_of(c->args[arg]), ret) || *ret < 1)
        return err_set(ERR_INVALID, "%s: \"%s\": want the number of a run", c->path, c->args[arg]);
    return ERR_OK;
}

/* --- version, help */

err cmd_version(cli *c)
{
    if (!cli_json(c)) {
        printf("tidemill %s (speaks MLflow %s)\n", TIDEMILL_VERSION, MLFLOW_PROTOCOL_VERSION);
        return ERR_OK;
    }
    buf b;
    jw w;
    buf_init(&b, 4096);
    jw_init(&w, &b, false);
    jw_obj(&w);
    jw_kcstr(&w, "version", TIDEMILL_VERSION);
    jw_kcstr(&w, "mlflow", MLFLOW_PROTOCOL_VERSION);
    jw_kcstr(&w, "compiler", __VERSION__);
    jw_obj_end(&w);
    print_json(&b);
    buf_done(&b);
    return ERR_OK;
}

err cmd_help(cli *c)
{
    if (!c->n_args) {
        cli_help_all(stdout);
        return ERR_OK;
    }
    const command *m = find(cli_commands, n_cli_commands, c->args[0]);
    if (m && c->n_args == 2) m = m->subs ? find(m->subs, m->n_subs, c->args[1]) : NULL;
    if (!m) return err_set(ERR_MISSING, "help: there is no such command: see `tidemill help`");
    cli of = {.a = c->a, .command = m, .path = m->name};
    if (c->n_args == 2) of.path = cstr_fmt(c->a, "%s %s", c->args[0], c->args[1]);
    cli_help_of(&of, stdout);
    return ERR_OK;
}
