#include "base/clock.h"
#include "cli/cli_int.h"

/* jobs list|runs|get|cancel */

err cmd_jobs_list(cli *c)
{
    static const char *const keys[] = {"name",   "bundle",    "target",   "cron",      "timezone",
                                       "paused", "next_fire", "last_run", "last_state"};
    AUTO(home) h = NULL;
    job_record *v;
    size_t n;
    TRY(cli_home(c, HOME_ANY, true, &h));
    TRY(jobs_list(home_db(h), c->a, &v, &n));
    listing *l = listing_new(c->a, "jobs", keys, countof(keys));
    for (size_t i = 0; i < n; i++)
        listing_add(l,
                    (cell[]){cell_text(v[i].name), cell_text(v[i].bundle), cell_text(v[i].target),
                             cell_text(v[i].cron), cell_text(v[i].timezone), cell_bool(v[i].paused),
                             cell_time(v[i].next_fire_ms), cell_int(v[i].last_run),
                             cell_text(v[i].last_state)});
    listing_print(l, cli_json(c));
    return ERR_OK;
}

static void runs_json(const run_record *v, size_t n)
{
    buf b;
    jw w;
    buf_init(&b, 256 << 20);
    jw_init(&w, &b, false);
    jw_obj(&w);
    jw_key(&w, "job_runs");
    jw_arr(&w);
    for (size_t i = 0; i < n; i++)
        job_run_json(&w, &v[i]);
    jw_arr_end(&w);
    jw_obj_end(&w);
    print_json(&b);
    buf_done(&b);
}

err cmd_jobs_runs(cli *c)
{
    static const char *const keys[] = {"id",      "job", "trigger", "state", "exit_code",
                                       "attempt", "at",  "started", "ended", "outcome"};
    AUTO(home) h = NULL;
    run_record *v;
    size_t n;
    TRY(cli_home(c, HOME_ANY, true, &h));
    TRY(jobs_runs(home_db(h), c->a, str_of(cli_text(c, "job", "")), (size_t)cli_int(c, "max", 100),
                  &v, &n));
    if (cli_json(c)) {
        runs_json(v, n);
        return ERR_OK;
    }
    listing *l = listing_new(c->a, "runs", keys, countof(keys));
    for (size_t i = 0; i < n; i++)
        listing_add(l, (cell[]){cell_int(v[i].id), cell_text(v[i].job), cell_text(v[i].trigger),
                                cell_text(v[i].state), cell_int(v[i].exit_code),
                                cell_int(v[i].attempt), cell_time(v[i].at_ms),
                                cell_time(v[i].started_ms), cell_time(v[i].ended_ms),
                                cell_text(v[i].outcome)});
    listing_print(l, false);
    return ERR_OK;
}

static void print_run(const cli *c, const run_record *r)
{
    static const char *const keys[] = {"task",    "state",   "exit_code",
                                       "attempt", "seconds", "message"};
    printf("run %lld of %.*s (%.*s, target %.*s), %.*s: %.*s%s%.*s\n", (long long)r->id,
           STR_ARG(r->job), STR_ARG(r->bundle), STR_ARG(r->target), STR_ARG(r->trigger),
           STR_ARG(r->state), r->outcome.n ? ": " : "", STR_ARG(r->outcome));
    printf("at %s, started %s, ended %s, exit code %d, attempt %lld\n\n",
           time_short(c->a, r->at_ms), time_short(c->a, r->started_ms),
           time_short(c->a, r->ended_ms), r->exit_code, (long long)r->attempt);
    listing *l = listing_new(c->a, "tasks", keys, countof(keys));
    for (size_t i = 0; i < r->n_tasks; i++) {
        const task_record *t = &r->tasks[i];
        double seconds = t->ended_ms ? (double)(t->ended_ms - t->started_ms) / 1000 : 0;
        listing_add(l, (cell[]){cell_text(t->key), cell_text(t->state), cell_int(t->exit_code),
                                cell_int(t->attempt), cell_real(seconds), cell_text(t->message)});
    }
    listing_print(l, false);
    for (size_t i = 0; i < r->n_tasks; i++)
        if (r->tasks[i].log_path.n)
            printf("\n%s/%.*s", cli_home_dir(c), STR_ARG(r->tasks[i].log_path));
    putchar('\n');
}

err cmd_jobs_get(cli *c)
{
    AUTO(home) h = NULL;
    run_record r;
    int64_t id;
    TRY(cli_id(c, 0, &id));
    TRY(cli_home(c, HOME_ANY, true, &h));
    TRY(jobs_run_get(home_db(h), c->a, id, &r));
    if (!cli_json(c)) {
        print_run(c, &r);
        return ERR_OK;
    }
    buf b;
    jw w;
    buf_init(&b, 64 << 20);
    jw_init(&w, &b, false);
    job_run_json(&w, &r);
    print_json(&b);
    buf_done(&b);
    return ERR_OK;
}

err cmd_jobs_cancel(cli *c)
{
    AUTO(home) h = NULL;
    int64_t id;
    TRY(cli_id(c, 0, &id));
    TRY(cli_home(c, HOME_ANY, true, &h));
    TRY(jobs_cancel(h, id));
    fprintf(stderr, "run %lld was asked to stop\n", (long long)id);
    return ERR_OK;
}
