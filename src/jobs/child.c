#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "jobs/jobs_int.h"

/* `tidemill task`: one task of one run, in a process of its own. */

enum { VALUES_MAX = 1 << 20 };

static err end_tx(db_tx *tx, void *arg)
{
    const task_end_spec *o = arg;
    int64_t changed;
    TRY(tx_exec(
        tx,
        "UPDATE task_run SET state = ?, message = ?, values_json = ?, exit_code = ?, ended_ms = ?"
        " WHERE run = ? AND task = ? AND state = 'RUNNING'",
        DB_ARGS(db_ctext(o->e ? "FAILED" : "SUCCEEDED"), db_text(o->message),
                db_text(o->values_json), db_int(err_exit(o->e)), db_int(o->now_ms), db_int(o->run),
                db_text(o->key)),
        &changed));
    if (changed == 1) return ERR_OK;
    return err_set(ERR_DENIED, "job run %lld: task %.*s is not running", (long long)o->run,
                   STR_ARG(o->key));
}

err task_end(db *d, const task_end_spec *o)
{
    assert(d && o && o->key.n);
    task_end_spec copy = *o;
    return db_write(d, end_tx, &copy);
}

static void print_line(void *ctx, str text)
{
    const task_call *c = ctx;
    printf("%.*s: %.*s\n", STR_ARG(c->task->key), STR_ARG(text));
    fflush(stdout);
}

static err find_task(const bundle_job *job, str key, const bundle_task **ret)
{
    for (size_t i = 0; job && i < job->n_tasks; i++)
        if (str_eq(job->tasks[i].key, key)) {
            *ret = &job->tasks[i];
            return ERR_OK;
        }
    return err_set(ERR_MISSING, "task %.*s: the run's job has no such task", STR_ARG(key));
}

static err prepare(task_call *c, str key)
{
    run_work w;
    bundle *b;
    TRY(journal_work(home_db(c->h), c->a, c->run, &w));
    TRY(bundle_from_snapshot(c->a, w.snapshot, &b));
    c->b = b;
    c->job = bundle_find_job(b, w.r.job);
    c->at_ms = w.r.at_ms;
    TRY(json_parse(c->a, w.params_json, "parameters of the run", &c->params));
    return find_task(c->job, key, &c->task);
}

/* The work, and how it ended. What the work says stays its answer even where it cannot be written
 * down. */
static err work(task_call *c, str key)
{
    buf values;
    jw w;
    str message = STR("");
    buf_init(&values, VALUES_MAX);
    jw_init(&w, &values, false);
    jw_obj(&w);
    err e = task_run(c, &w, &message);
    jw_obj_end(&w);
    if (!e) e = buf_err(&values, "values of the task");
    if (e) message = str_dup(c->a, str_of(err_message()));
    if (e) printf("%.*s: error: %.*s\n", STR_ARG(key), STR_ARG(message));
    fflush(stdout);
    task_end_spec end = {c->run, key, message, e ? STR("") : buf_str(&values), e, now_ms()};
    err written = task_end(home_db(c->h), &end);
    buf_done(&values);
    if (written) return written;
    return e ? err_set(e, "%.*s", STR_ARG(message)) : ERR_OK;
}

int task_main(const task_args *o)
{
    assert(o && o->home_dir && o->token && o->task);
    AUTO(arena) a = arena_new(64 << 10);
    AUTO(home) h = NULL;
    home_options options = {
        .dir = o->home_dir, .mode = HOME_GUEST, .token = o->token, .must_exist = true};
    err e = home_open(&options, &h);
    if (!e) {
        task_call c = {.h = h, .a = a, .run = o->run};
        progress p = {print_line, &c};
        c.p = &p;
        e = prepare(&c, str_of(o->task));
        if (!e) return err_exit(work(&c, str_of(o->task)));
        task_end_spec end = {o->run, str_of(o->task), str_dup(a, str_of(err_message())), STR(""),
                             e,      now_ms()};
        if (task_end(home_db(h), &end)) e = ERR_DENIED;
    }
    printf("%s: error: %s\n", o->task, err_message());
    return err_exit(e);
}
