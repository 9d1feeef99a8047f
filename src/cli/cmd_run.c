#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli_int.h"

/* run, task */

static volatile sig_atomic_t interrupted; /* NOLINT: set by Ctrl-C */

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

/* The first Ctrl-C asks the run to end; a second one ends the command. */
static void watch_interrupt(void)
{
    struct sigaction s = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &s, NULL);
    sigaction(SIGTERM, &s, NULL);
}

static err params_of(const cli *c, task_param **ret, size_t *ret_n)
{
    const option_value *v = cli_option(c, "param");
    task_param *p = arena_array(c->a, task_param, v->n + 1);
    for (size_t i = 0; i < v->n; i++)
        TRY(jobs_param(c->a, v->list[i], &p[i]));
    *ret = p;
    *ret_n = v->n;
    return ERR_OK;
}

static err submit(const cli *c, home *h, int64_t *ret_run)
{
    bundle *b;
    task_param *params;
    size_t n_params;
    TRY(cli_bundle(c, &b));
    TRY(params_of(c, &params, &n_params));
    job_submit s = {.b = b,
                    .job = str_of(c->args[0]),
                    .only_task = str_of(cli_text(c, "task", "")),
                    .at_ms = cli_int(c, "at", 0),
                    .now_ms = now_ms(),
                    .params = params,
                    .n_params = n_params,
                    .alone = home_is_owner(h)};
    return jobs_submit(h, c->a, &s, ret_run);
}

static void print_end(const cli *c, const run_record *r)
{
    if (!cli_json(c)) {
        printf("run %lld of %.*s: %.*s in %.1f s: %.*s\n", (long long)r->id, STR_ARG(r->job),
               STR_ARG(r->state), (double)(r->ended_ms - r->started_ms) / 1000,
               STR_ARG(r->outcome));
        return;
    }
    buf b;
    jw w;
    buf_init(&b, 64 << 20);
    jw_init(&w, &b, false);
    job_run_json(&w, r);
    print_json(&b);
    buf_done(&b);
}

/* Where no server owns the home, this process executes the run itself. */
static err execute(cli *c, home *h, int64_t id)
{
    static const clk *const clock = &clk_real;
    jobs *j = NULL;
    run_record r;
    jobs_options o = {.clock = clock, .only_run = id};
    if (home_is_owner(h)) TRY(jobs_start(h, &o, &j));
    int out = cli_json(c) ? STDERR_FILENO : STDOUT_FILENO;
    fflush(stdout);
    err e = jobs_follow(h, id, out, &interrupted, &c->exit_code);
    jobs_stop(j);
    if (e)
        return err_add(
            e,
            "run %lld: it can no longer be followed; `tidemill jobs get %lld` tells how it ended",
            (long long)id, (long long)id);
    TRY(jobs_run_get(home_db(h), c->a, id, &r));
    print_end(c, &r);
    return ERR_OK;
}

err cmd_run(cli *c)
{
    AUTO(home) h = NULL;
    int64_t id;
    bundle *b;
    TRY(cli_bundle(c, &b)); /* a mistake there makes no home */
    watch_interrupt();
    TRY(cli_home(c, HOME_ANY, false, &h));
    TRY(submit(c, h, &id));
    return execute(c, h, id);
}

err cmd_task(cli *c)
{
    const char *token = getenv("TIDEMILL_TOKEN"), *task = cli_text(c, "task", NULL);
    int64_t id = cli_int(c, "run", 0);
    if (!token || !task || !id)
        return err_set(ERR_INVALID, "task: want --run, --task and a token in TIDEMILL_TOKEN: it is "
                                    "started by the server or "
                                    "by `tidemill run`");
    task_args o = {.home_dir = cli_home_dir(c), .token = token, .run = id, .task = task};
    c->exit_code = task_main(&o);
    return ERR_OK;
}
