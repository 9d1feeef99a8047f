#include "jobs/jobs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "jobs/jobs_int.h"
#include "test.h"

/* --- the child: this program again, started by the engine as `<program> task --home H --run N
 * --task KEY` */

static int child(char **argv)
{
    AUTO(arena) a = arena_new(0);
    AUTO(home) h = NULL;
    str key = str_of(argv[7]);
    home_options o = {
        .dir = argv[3], .mode = HOME_GUEST, .token = getenv("TIDEMILL_TOKEN"), .must_exist = true};
    int64_t id;
    run_record r;
    if (parse_i64(str_of(argv[5]), &id) || home_open(&o, &h) ||
        jobs_run_get(home_db(h), a, id, &r)) {
        printf("child: %s\n", err_message());
        return 1;
    }
    int64_t attempt = 0;
    for (size_t i = 0; i < r.n_tasks; i++)
        if (str_eq(r.tasks[i].key, key)) attempt = r.tasks[i].attempt;
    printf("%s attempt %d\n", argv[7], (int)attempt);
    fflush(stdout);
    if (str_starts(key, "slow")) sleep_ms(30000);
    if (str_starts(key, "die") || (str_starts(key, "flaky") && attempt == 1)) raise(SIGKILL);
    if (str_starts(key, "mute")) return 7;
    err e = str_starts(key, "gate") ? ERR_GATE : str_starts(key, "fail") ? ERR_INVALID : ERR_OK;
    task_end_spec end = {id,
                         key,
                         e ? STR("it did not work") : STR("all is well"),
                         e ? STR("") : STR("{\"x\":1}"),
                         e,
                         now_ms()};
    printf("%s says goodbye\n", argv[7]);
    fflush(stdout);
    if (task_end(home_db(h), &end)) return 9;
    return err_exit(e);
}

/* --- homes and bundles */

static const char *home_path(arena *a)
{
    return cstr_fmt(a, "/tmp/tidemill_engine_test.%d", (int)getpid());
}

static home *open_home(const char *dir)
{
    home *h = NULL;
    const db_migration all[] = {tracking_migration, jobs_migration};
    home_options o = {
        .dir = dir, .mode = HOME_OWN, .migrations = all, .n_migrations = countof(all)};
    ck_ok(home_open(&o, &h));
    return h;
}

/* A bundle of one job j whose tasks are watched by nobody in earnest: the child above stands in for
 * them. */
static bundle *make(arena *a, const char *head, const char *tasks)
{
    bundle *b;
    const char *text = cstr_fmt(
        a,
        "{\"tidemill\": {\"format\": 1, \"dir\": \"/tmp\", \"target\": \"dev\", \"development\": "
        "false},"
        " \"bundle\": {\"name\": \"b\"}, \"monitors\": {\"m\": {\"registered_model\": \"m\","
        " \"baseline_table\": \"a\", \"predictions_table\": \"b\", \"monitoring_table\": \"c\"}},"
        " \"jobs\": {\"j\": {%s \"tasks\": [%s]}}}",
        head, tasks);
    ck_ok(bundle_from_snapshot(a, str_of(text), &b));
    return b;
}
#define TASK(key, more)                                                                            \
    "{\"task_key\": \"" key "\", \"monitor_drift\": {\"monitor\": \"m\"}" more "}"
#define AFTER(key) ", \"depends_on\": [{\"task_key\": \"" key "\"}]"

static const clk *const real = &clk_real;
static jobs *start(home *h, int64_t only_run)
{
    jobs *j = NULL;
    jobs_options o = {.clock = real, .only_run = only_run, .program = "/proc/self/exe"};
    ck_ok(jobs_start(h, &o, &j));
    return j;
}

static int64_t submit(home *h, arena *a, const bundle *b, const char *task)
{
    int64_t id = 0;
    job_submit s = {.b = b, .job = STR("j"), .only_task = str_of(task), .now_ms = now_ms()};
    ck_ok(jobs_submit(h, a, &s, &id));
    return id;
}

/* Runs a bundle's job to its end in a new home; *ret_output gets what its tasks printed. */
static run_record run_to_end(arena *a, const bundle *b, const char *task, str *ret_output,
                             int *ret_exit)
{
    const char *dir = home_path(a);
    const char *out = cstr_fmt(a, "%s.out", dir);
    ck_ok(dir_remove_all(dir));
    home *h = open_home(dir);
    int64_t id = submit(h, a, b, task);
    jobs *j = start(h, id);
    int fd = open(out, O_RDWR | O_CREAT | O_TRUNC, 0600);
    run_record r;
    ck_ok(jobs_follow(h, id, fd, NULL, ret_exit));
    close(fd);
    ck_ok(file_read(a, out, 1 << 20, ret_output));
    ck_ok(jobs_run_get(home_db(h), a, id, &r));
    jobs_stop(j);
    home_free(h);
    ck_ok(dir_remove_all(dir));
    unlink(out);
    return r;
}

static void ck_state(const run_record *r, const char *key, const char *state, int64_t attempt)
{
    for (size_t i = 0; i < r->n_tasks; i++) {
        if (!str_is(r->tasks[i].key, key)) continue;
        ck_assert_msg(str_is(r->tasks[i].state, state), "%s is %.*s, want %s", key,
                      STR_ARG(r->tasks[i].state), state);
        ck_assert_int_eq(r->tasks[i].attempt, attempt);
        return;
    }
    ck_abort_msg("no task %s", key);
}

TEST(tasks_run_in_order_and_their_output_is_followed)
{
    AUTO(arena) a = arena_new(0);
    str out;
    int code = -1;
    bundle *b = make(a, "", TASK("two", AFTER("one")) "," TASK("one", ""));
    run_record r = run_to_end(a, b, "", &out, &code);
    ck_assert_int_eq(code, 0);
    ck_assert(str_is(r.state, "SUCCEEDED") && str_is(r.outcome, "all is well") && r.attempt == 1);
    ck_assert(str_is(out, "one attempt 1\none says goodbye\ntwo attempt 1\ntwo says goodbye\n"));
    ck_assert(str_is(r.tasks[1].values_json, "{\"x\":1}"));
    ck_assert(r.ended_ms >= r.started_ms && r.started_ms >= r.created_ms &&
              r.at_ms == r.created_ms);
}

TEST(what_depends_on_a_failed_task_is_skipped)
{
    AUTO(arena) a = arena_new(0);
    str out;
    int code;
    bundle *b = make(a, "",
                     TASK("gate", "") "," TASK("two", AFTER("gate")) "," TASK(
                         "three", AFTER("two")) "," TASK("free", ""));
    run_record r = run_to_end(a, b, "", &out, &code);
    ck_assert_int_eq(code, 3);
    ck_assert(str_is(r.state, "FAILED") && str_is(r.outcome, "gate: it did not work"));
    ck_state(&r, "gate", "FAILED", 1);
    ck_state(&r, "two", "SKIPPED", 0);
    ck_state(&r, "three", "SKIPPED", 0);
    ck_state(&r, "free", "SUCCEEDED", 1);
}

TEST(a_failed_task_is_tried_again_but_not_a_gate)
{
    AUTO(arena) a = arena_new(0);
    str out;
    int code;
    bundle *b = make(a, "", TASK("flaky", ", \"max_retries\": 2"));
    run_record r = run_to_end(a, b, "", &out, &code);
    ck_assert_int_eq(code, 0);
    ck_state(&r, "flaky", "SUCCEEDED", 2);
    ck_assert(str_is(out, "flaky attempt 1\nflaky attempt 2\nflaky says goodbye\n"));
    r = run_to_end(a, make(a, "", TASK("fail", ", \"max_retries\": 1")), "", &out, &code);
    ck_assert_int_eq(code, 1);
    ck_state(&r, "fail", "FAILED", 2);
    r = run_to_end(a, make(a, "", TASK("gate", ", \"max_retries\": 2")), "", &out, &code);
    ck_state(&r, "gate", "FAILED", 1);
}

TEST(a_child_that_dies_says_how)
{
    AUTO(arena) a = arena_new(0);
    str out;
    int code;
    run_record r = run_to_end(a, make(a, "", TASK("die", "")), "", &out, &code);
    ck_assert_int_eq(code, 128 + SIGKILL);
    ck_assert(str_is(r.outcome, "die: its process was killed by signal 9 (Killed)"));
    r = run_to_end(a, make(a, "", TASK("mute", "")), "", &out, &code);
    ck_assert_int_eq(code, 7);
    ck_assert(str_is(r.outcome, "mute: its process ended with exit code 7 and did not say why"));
}

TEST(a_task_that_takes_too_long_is_stopped)
{
    AUTO(arena) a = arena_new(0);
    str out;
    int code;
    run_record r =
        run_to_end(a, make(a, "", TASK("slow", ", \"timeout_seconds\": 1")), "", &out, &code);
    ck_assert_int_eq(code, 128 + SIGTERM);
    ck_assert(str_is(r.outcome, "slow: stopped: it took longer than timeout_seconds: 1"));
}

TEST(one_task_alone)
{
    AUTO(arena) a = arena_new(0);
    str out;
    int code;
    bundle *b = make(a, "", TASK("two", AFTER("die")) "," TASK("die", ""));
    run_record r = run_to_end(a, b, "two", &out, &code);
    ck_assert_int_eq(code, 0);
    ck_assert_uint_eq(r.n_tasks, 1);
    ck_state(&r, "two", "SUCCEEDED", 1);
}

TEST(cancelling_stops_the_child)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = home_path(a);
    int code = -1, null = open("/dev/null", O_WRONLY);
    volatile int cancel = 1;
    ck_ok(dir_remove_all(dir));
    home *h = open_home(dir);
    int64_t id = submit(h, a, make(a, "", TASK("slow", "") "," TASK("never", AFTER("slow"))), "");
    jobs *j = start(h, id);
    sleep_ms(300);
    int64_t before = mono_us();
    ck_ok(jobs_follow(h, id, null, &cancel, &code));
    ck_assert_int_eq(code, 130);
    ck_assert_msg(mono_us() - before < 5000000, "it took %lld us", (long long)(mono_us() - before));
    run_record r;
    ck_ok(jobs_run_get(home_db(h), a, id, &r));
    ck_assert(str_is(r.state, "CANCELLED"));
    ck_state(&r, "slow", "CANCELLED", 1);
    ck_state(&r, "never", "CANCELLED", 0);
    ck_err(jobs_cancel(h, id), ERR_CONFLICT);
    ck_err(jobs_cancel(h, 99), ERR_MISSING);
    jobs_stop(j);
    home_free(h);
    close(null);
    ck_ok(dir_remove_all(dir));
}

TEST(a_queued_run_can_be_cancelled_and_a_second_one_is_refused)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = home_path(a);
    ck_ok(dir_remove_all(dir));
    home *h = open_home(dir);
    bundle *b = make(a, "", TASK("one", ""));
    int64_t id = submit(h, a, b, ""), other = 7;
    job_submit s = {.b = b, .job = STR("j"), .now_ms = 1};
    ck_err(jobs_submit(h, a, &s, &other), ERR_BUSY);
    ck_assert_int_eq(other, 7);
    ck_ok(jobs_cancel(h, id));
    ck_ok(jobs_submit(h, a, &s, &other));
    ck_assert_int_eq(other, id + 1);
    s.job = STR("k");
    ck_err(jobs_submit(h, a, &s, &other), ERR_MISSING);
    s = (job_submit){.b = b, .job = STR("j"), .only_task = STR("on"), .now_ms = 1};
    ck_err(jobs_submit(h, a, &s, &other), ERR_MISSING);
    ck_assert_ptr_nonnull(strstr(err_message(), "did you mean \"one\"?"));
    home_free(h);
    ck_ok(dir_remove_all(dir));
}

TEST(parameters_are_checked_when_they_are_given)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = home_path(a);
    static const struct {
        const char *text, *words;
    } bad[] = {{"one.windw=1h", "did you mean \"window\"?"},
               {"one.seed=1", "no such parameter"},
               {"one.window=long", "want a duration"},
               {"one.min_rows=0", "want a whole number from 1"},
               {"one.drift_z=nan", "want a number"},
               {"two.window=1h", "has no task two"}};
    ck_ok(dir_remove_all(dir));
    home *h = open_home(dir);
    task_param p;
    int64_t id;
    job_submit s = {.b = make(a, "", TASK("one", "")),
                    .job = STR("j"),
                    .now_ms = 1,
                    .params = &p,
                    .n_params = 1};
    for (size_t i = 0; i < countof(bad); i++) {
        ck_ok(jobs_param(a, bad[i].text, &p));
        ck_err(jobs_submit(h, a, &s, &id), ERR_INVALID);
        ck_assert_msg(strstr(err_message(), bad[i].words) != NULL, "%s", err_message());
    }
    ck_err(jobs_param(a, "window=1h", &p), ERR_INVALID);
    ck_err(jobs_param(a, "one.window", &p), ERR_INVALID);
    ck_ok(jobs_param(a, "one.window=1h", &p));
    ck_ok(jobs_submit(h, a, &s, &id));
    home_free(h);
    ck_ok(dir_remove_all(dir));
}

/* --- the owner dies */

TEST(a_stopped_owner_leaves_the_run_to_the_next_one)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = home_path(a);
    int code = -1, null = open("/dev/null", O_WRONLY);
    ck_ok(dir_remove_all(dir));
    home *h = open_home(dir);
    bundle *b = make(a, "", TASK("one", "") "," TASK("slow", AFTER("one")));
    int64_t id = submit(h, a, b, "");
    jobs *j = start(h, 0);
    run_record r = {0};
    while (r.n_tasks < 2 || !str_is(r.tasks[1].state, "RUNNING")) {
        sleep_ms(10);
        ck_ok(jobs_run_get(home_db(h), a, id, &r));
    }
    jobs_stop(j);
    ck_ok(jobs_run_get(home_db(h), a, id, &r));
    ck_assert(str_is(r.state, "RUNNING"));
    home_free(h);
    h = open_home(dir);
    j = start(h, 0);
    while (r.attempt < 2 || !str_is(r.tasks[1].state, "RUNNING")) {
        sleep_ms(10);
        ck_ok(jobs_run_get(home_db(h), a, id, &r));
    }
    ck_state(&r, "one", "SUCCEEDED", 1);
    ck_state(&r, "slow", "RUNNING", 2);
    ck_ok(jobs_cancel(h, id));
    ck_ok(jobs_follow(h, id, null, NULL, &code));
    ck_assert_int_eq(code, 130);
    jobs_stop(j);
    home_free(h);
    close(null);
    ck_ok(dir_remove_all(dir));
}

TEST(a_run_is_given_up_after_its_last_attempt)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = home_path(a);
    ck_ok(dir_remove_all(dir));
    home *h = open_home(dir);
    size_t n;
    run_record r;
    int64_t id = submit(h, a, make(a, "", TASK("one", "")), "");
    ck_ok(db_exec(home_db(h), "UPDATE job_run SET state = 'RUNNING', attempt = ?",
                  DB_ARGS(db_int(JOB_ATTEMPTS_MAX - 1)), NULL));
    ck_ok(schedule_recover(home_db(h), 5, &n));
    ck_ok(jobs_run_get(home_db(h), a, id, &r));
    ck_assert(n == 1 && str_is(r.state, "QUEUED"));
    ck_ok(db_exec(home_db(h), "UPDATE job_run SET state = 'RUNNING', attempt = ?",
                  DB_ARGS(db_int(JOB_ATTEMPTS_MAX)), NULL));
    ck_ok(schedule_recover(home_db(h), 5, &n));
    ck_ok(jobs_run_get(home_db(h), a, id, &r));
    ck_assert(str_is(r.state, "FAILED") && r.exit_code == 1 && r.ended_ms == 5);
    home_free(h);
    ck_ok(dir_remove_all(dir));
}

/* --- time */

static int64_t at(const char *text)
{
    int64_t t;
    ck_ok(time_parse(str_of(text), &t));
    return t;
}

static home *scheduled(arena *a, const char *cron, const char *zone, const char *now)
{
    const char *dir = home_path(a);
    bundle_change *c;
    size_t n;
    ck_ok(dir_remove_all(dir));
    home *h = open_home(dir);
    const char *schedule =
        cstr_fmt(a, "\"schedule\": {\"cron\": \"%s\", \"timezone_id\": \"%s\"},", cron, zone);
    ck_ok(bundle_apply(home_db(h), a, make(a, schedule, TASK("one", "")), at(now), &c, &n));
    return h;
}

static size_t runs(home *h, arena *a, run_record **ret)
{
    size_t n;
    ck_ok(jobs_runs(home_db(h), a, STR("j"), 1000, ret, &n));
    return n;
}

static void close_home(home *h, arena *a)
{
    home_free(h);
    ck_ok(dir_remove_all(home_path(a)));
}

TEST(weeks_of_a_schedule_fire_once_each)
{
    AUTO(arena) a = arena_new(0);
    home *h = scheduled(a, "30 6 * * *", "America/New_York", "2026-03-01T00:00:00Z");
    size_t fired, all = 0;
    int64_t next;
    for (int64_t t = at("2026-03-01T00:00:00Z"); t < at("2026-03-15T00:00:00Z"); t += 600000) {
        ck_ok(schedule_fire(home_db(h), t, &fired, &next));
        all += fired;
        ck_assert_int_gt(next, t);
    }
    run_record *r;
    ck_assert_uint_eq(all, 14);
    ck_assert_uint_eq(runs(h, a, &r), 14);
    ck_assert_int_eq(r[13].fire_ms, at("2026-03-01T11:30:00Z"));
    ck_assert_int_eq(r[0].fire_ms, at("2026-03-14T10:30:00Z")); /* summer time since the 8th */
    ck_assert(str_is(r[0].trigger, "schedule") && str_is(r[0].state, "QUEUED"));
    ck_assert_int_eq(r[0].at_ms, r[0].fire_ms);
    ck_assert_uint_eq(r[0].n_tasks, 1);
    close_home(h, a);
}

TEST(missed_firings_are_made_up_for_by_one)
{
    AUTO(arena) a = arena_new(0);
    home *h = scheduled(a, "0 */6 * * *", "UTC", "2026-03-01T00:00:00Z");
    size_t fired;
    int64_t next;
    run_record *r;
    ck_ok(schedule_fire(home_db(h), at("2026-03-04T13:00:00Z"), &fired, &next));
    ck_assert_uint_eq(fired, 1);
    ck_assert_int_eq(next, at("2026-03-04T18:00:00Z"));
    ck_assert_uint_eq(runs(h, a, &r), 1);
    ck_assert_int_eq(r[0].fire_ms, at("2026-03-04T12:00:00Z"));
    ck_ok(schedule_fire(home_db(h), at("2026-03-04T13:00:00Z"), &fired, &next));
    ck_assert_uint_eq(fired, 0);
    /* years of missed minutes are looked back on quickly */
    close_home(h, a);
    h = scheduled(a, "* * * * *", "UTC", "2020-03-01T00:00:00Z");
    int64_t before = mono_us();
    ck_ok(schedule_fire(home_db(h), at("2026-03-04T13:00:30Z"), &fired, &next));
    ck_assert_int_lt(mono_us() - before, 1000000);
    ck_assert_uint_eq(runs(h, a, &r), 1);
    ck_assert_int_eq(r[0].fire_ms, at("2026-03-04T13:00:00Z"));
    close_home(h, a);
}

TEST(a_commit_that_fails_neither_loses_nor_doubles_a_firing)
{
    AUTO(arena) a = arena_new(0);
    home *h = scheduled(a, "0 * * * *", "UTC", "2026-03-01T00:00:00Z");
    size_t fired;
    int64_t next;
    run_record *r;
    for (int hour = 1; hour <= 20; hour++) {
        int64_t t = at("2026-03-01T00:00:00Z") + hour * 3600000;
        fault_arm(hour % 2 ? "db_commit:1" : NULL);
        err e = schedule_fire(home_db(h), t, &fired, &next);
        fault_arm(NULL);
        if (hour % 2) ck_assert_int_ne(e, ERR_OK);
        ck_ok(schedule_fire(home_db(h), t, &fired, &next));
        ck_assert_uint_eq(runs(h, a, &r), (size_t)hour);
        ck_assert_int_eq(r[0].fire_ms, t);
    }
    close_home(h, a);
}

TEST(too_many_waiting_firings_are_recorded_and_not_kept)
{
    AUTO(arena) a = arena_new(0);
    home *h = scheduled(a, "* * * * *", "UTC", "2026-03-01T00:00:00Z");
    size_t fired;
    int64_t next;
    run_record *r;
    for (int i = 1; i <= JOB_QUEUE_MAX + 2; i++)
        ck_ok(schedule_fire(home_db(h), at("2026-03-01T00:00:00Z") + i * 60000, &fired, &next));
    ck_assert_uint_eq(runs(h, a, &r), JOB_QUEUE_MAX + 2);
    ck_assert(str_is(r[0].state, "CANCELLED") && str_is(r[1].state, "CANCELLED") &&
              str_is(r[2].state, "QUEUED"));
    close_home(h, a);
}

TEST(applying_again_changes_nothing)
{
    AUTO(arena) a = arena_new(0);
    home *h = scheduled(a, "0 * * * *", "UTC", "2026-03-01T00:30:00Z");
    const char *same = "\"schedule\": {\"cron\": \"0 * * * *\", \"timezone_id\": \"UTC\"},";
    const char *other = "\"schedule\": {\"cron\": \"5 * * * *\", \"timezone_id\": \"UTC\"},";
    bundle_change *c;
    job_record *j;
    size_t n;
    ck_ok(bundle_apply(home_db(h), a, make(a, same, TASK("one", "")), at("2026-03-01T09:30:00Z"),
                       &c, &n));
    ck_assert_uint_eq(n, 3); /* the bundle, a monitor, a job */
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(c[i].kind, CHANGE_NONE);
    ck_ok(jobs_list(home_db(h), a, &j, &n));
    ck_assert(n == 1 && j[0].next_fire_ms == at("2026-03-01T01:00:00Z"));
    ck_ok(bundle_plan(home_db(h), a, make(a, other, TASK("one", "")), &c, &n));
    ck_assert(c[2].kind == CHANGE_UPDATE &&
              str_is(c[2].detail, "schedule.cron: \"0 * * * *\" -> \"5 * * * *\""));
    ck_ok(bundle_apply(home_db(h), a, make(a, other, TASK("one", "")), at("2026-03-01T09:30:00Z"),
                       &c, &n));
    ck_ok(jobs_list(home_db(h), a, &j, &n));
    ck_assert_int_eq(j[0].next_fire_ms, at("2026-03-01T10:05:00Z"));
    close_home(h, a);
}

int check_main(void);
#define main check_main
TESTS("jobs/engine", tasks_run_in_order_and_their_output_is_followed,
      what_depends_on_a_failed_task_is_skipped, a_failed_task_is_tried_again_but_not_a_gate,
      a_child_that_dies_says_how, a_task_that_takes_too_long_is_stopped, one_task_alone,
      cancelling_stops_the_child, a_queued_run_can_be_cancelled_and_a_second_one_is_refused,
      parameters_are_checked_when_they_are_given, a_stopped_owner_leaves_the_run_to_the_next_one,
      a_run_is_given_up_after_its_last_attempt, weeks_of_a_schedule_fire_once_each,
      missed_firings_are_made_up_for_by_one, a_commit_that_fails_neither_loses_nor_doubles_a_firing,
      too_many_waiting_firings_are_recorded_and_not_kept, applying_again_changes_nothing)
#undef main

int main(int argc, char **argv)
{
    bool is_child = argc == 8 && str_is(str_of(argv[1]), "task");
    return is_child ? child(argv) : check_main();
}
