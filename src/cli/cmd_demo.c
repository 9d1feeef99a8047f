#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "cli/demo_int.h"

/* `tidemill demo`: every step is a command that a person could type, run as one. */

enum {
    PORT = 5000,
    READY_MS = 10000,
    LOOK_MS = 5,
    LOOK_STEP_MS = 200,
    TELL_MS = 1000,
    STOP_MS = 15000,
    ANSWER_MAX = 16 << 20,
    STEP_ARGS_MAX = 16
};

static const char variables[] = "catalog=main,schema=ml_serving,model_name=fare_predictor";
static const char marker[] =
    "demo"; /* a file in the home: only what the demo made is removed by the next one */

/* Two days behind the last trip: on the first all trips are scored, on the second those of the
 * airports. */
static const char calm_at[] = "2016-03-01T06:00:00Z", calm_look_at[] = "2016-03-01T12:00:00Z";
static const char shifted_at[] = "2016-03-03T06:00:00Z", shifted_look_at[] = "2016-03-03T12:00:00Z";

const char demo_body[] = "{\"dataframe_records\": [{\"trip_distance\": 3.5, \"pickup_hour\": 17, "
                         "\"pickup_dayofweek\": 3, \"pickup_month\": 2, \"is_weekend\": 0, "
                         "\"is_rush_hour\": 1}]}";

static volatile sig_atomic_t interrupted; /* NOLINT: what a signal handler may touch */

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

static void watch_interrupt(void)
{
    struct sigaction s = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &s, NULL);
    sigaction(SIGTERM, &s, NULL);
}

/* --- the home */

static err fresh_home(demo *d)
{
    const char *mark = path_join(d->a, d->home, marker), *lock = path_join(d->a, d->home, "lock");
    if (file_exists(d->home) && !file_exists(mark))
        return err_set(ERR_CONFLICT,
                       "demo: %s is there and was not made by the demo: choose another --home",
                       d->home);
    if (file_exists(lock)) {
        int fd;
        str owner;
        err e = file_lock(d->a, lock, STR(""), &fd, &owner);
        if (e == ERR_CONFLICT)
            return err_set(e,
                           "demo: %s is in use by %.*s: stop that server, or choose another --home",
                           d->home, STR_ARG(owner));
        if (e) return e;
        close(fd);
    }
    TRY(dir_remove_all(d->home));
    TRY(dir_make(path_join(d->a, d->home, "logs")));
    return file_write_atomic(
        mark, STR("This home belongs to `tidemill demo`, which makes it anew each time.\n"));
}

/* --- the server */

static bool port_is_free(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0) return false;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool is_free = bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
    close(fd);
    return is_free;
}

static const char *const *environment(const demo *d)
{
    const char **env = arena_array(d->a, const char *, 2);
    env[0] = cstr_fmt(d->a, "TIDEMILL_HOME=%s", d->home);
    return env;
}

static err open_out(const char *path, int *ret_fd)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return err_sys(ERR_IO, "demo: %s", path);
    *ret_fd = fd;
    return ERR_OK;
}

/* What the server's lock says of its address, once it says so. */
static bool read_url(demo *d)
{
    str lock;
    yyjson_val *v;
    if (file_read(d->a, path_join(d->a, d->home, "lock"), 4096, &lock)) return false;
    if (!lock.n || json_parse(d->a, lock, "lock", &v)) return false;
    yyjson_val *url = yyjson_obj_get(v, "url");
    if (yyjson_get_sint(yyjson_obj_get(v, "pid")) != d->server || !yyjson_is_str(url) ||
        !yyjson_get_len(url))
        return false;
    d->url = str_c(d->a, json_str(url));
    return true;
}

static err server_failed(const demo *d, const char *log)
{
    str words;
    if (file_read(d->a, log, ANSWER_MAX, &words)) words = STR("");
    return err_set(ERR_IO, "demo: the server did not start; it said:\n%.*s", STR_ARG(words));
}

static err start_server(demo *d)
{
    int port = (int)cli_int(d->c, "port", PORT), fd, status;
    bool done = false;
    const char *log = path_join(d->a, d->home, "logs/server.log");
    if (!port_is_free(port)) {
        printf("Port %d is busy: another one is taken.\n", port);
        port = 0;
    }
    const char *const argv[] = {proc_self(), "server", "--port", cstr_fmt(d->a, "%d", port), NULL};
    printf("$ export TIDEMILL_HOME=%s\n$ tidemill server --port %d &\n", d->home, port);
    fflush(stdout);
    TRY(open_out(log, &fd));
    proc_options o = {
        .argv = argv, .env_add = environment(d), .out_fd = fd, .err_fd = fd, .new_group = true};
    err e = proc_start(&o, &d->server);
    close(fd);
    if (e) return e;
    int64_t begin_us = mono_us();
    while (!read_url(d)) {
        TRY(proc_wait(d->server, LOOK_MS, &done, &status));
        if (done) d->server = 0;
        if (done || mono_us() - begin_us > READY_MS * 1000LL) return server_failed(d, log);
    }
    printf("  the server listens on %s after %lld ms\n", d->url,
           (long long)(mono_us() - begin_us) / 1000);
    return ERR_OK;
}

/* --- steps */

/* The command as a person would type it: arguments with other characters are quoted. */
static void print_command(const demo *d, const char *const *argv)
{
    printf("\n[%5.1f s] $ tidemill", demo_seconds(d));
    for (size_t i = 1; argv[i]; i++) {
        bool plain = true;
        for (const char *p = argv[i]; *p; p++)
            plain &= strchr(" \"'{}[]$&|;<>()*?", *p) == NULL;
        printf(plain ? " %s" : " '%s'", argv[i]);
    }
    putchar('\n');
    fflush(stdout);
}

static err step_failed(const char *const *argv, int status)
{
    if (interrupted || status == err_exit(ERR_CANCELLED))
        return err_set(ERR_CANCELLED, "demo: interrupted");
    return err_set(ERR_INVALID, "demo: `tidemill %s` ended with exit code %d", argv[1], status);
}

/* Waits for a step. A terminal's Ctrl-C reaches the step as well as us; where only we were
 * interrupted, it is told. */
static err wait_step(pid_t pid, int *ret_status)
{
    bool done = false;
    int64_t since_us = 0;
    while (!done) {
        TRY(proc_wait(pid, LOOK_STEP_MS, &done, ret_status));
        if (interrupted && !since_us) since_us = mono_us();
        if (done || !since_us || mono_us() - since_us < TELL_MS * 1000LL) continue;
        proc_stop(pid, STOP_MS);
        *ret_status = err_exit(ERR_CANCELLED);
        return ERR_OK;
    }
    return ERR_OK;
}

/* Runs a command; with ret its result is asked for as JSON and handed back, else it is printed. */
static err step(demo *d, const char *const *argv, yyjson_val **ret)
{
    const char *full[STEP_ARGS_MAX + 4] = {proc_self()},
                                     *path = path_join(d->a, d->home, "logs/step.json");
    size_t n = 1;
    int status = 0, fd = 0;
    pid_t pid;
    str answer;
    for (; argv[n]; n++)
        full[n] = argv[n];
    if (ret) {
        full[n++] = "-o";
        full[n++] = "json";
        TRY(open_out(path, &fd));
    }
    print_command(d, argv);
    proc_options o = {
        .argv = full, .env_add = environment(d), .out_fd = fd, .err_fd = STDOUT_FILENO};
    err e = proc_start(&o, &pid);
    if (!e) e = wait_step(pid, &status);
    if (ret) close(fd);
    if (e) return e;
    if (status || interrupted) return step_failed(argv, status);
    if (!ret) return ERR_OK;
    TRY(file_read(d->a, path, ANSWER_MAX, &answer));
    return json_parse(d->a, answer, argv[1], ret);
}

/* The values of one task of a run. */
static err values_of(yyjson_val *ran, const char *key, yyjson_val **ret)
{
    yyjson_val *t, *tasks = yyjson_obj_get(ran, "tasks");
    size_t i, n;
    yyjson_arr_foreach(tasks, i, n, t)
    {
        yyjson_val *values = yyjson_obj_get(t, "values");
        if (!str_is(json_str(yyjson_obj_get(t, "key")), key) || !yyjson_is_obj(values)) continue;
        *ret = values;
        return ERR_OK;
    }
    return err_set(ERR_INTERNAL, "demo: the run has no values of task %s", key);
}

static err bundle_steps(demo *d)
{
    const char *const validate[] = {"", "validate", "-f", d->bundle, "--var", d->vars, NULL};
    const char *const apply[] = {"", "apply", "-f", d->bundle, "--var", d->vars, NULL};
    TRY(step(d, validate, NULL));
    return step(d, apply, NULL);
}

static err training_steps(demo *d)
{
    const char *const train[] = {"",      "run", "ml_training_pipeline", "-f", d->bundle, "--var",
                                 d->vars, NULL};
    yyjson_val *r;
    TRY(step(d, train, &r));
    TRY(values_of(r, "train", &d->train));
    TRY(values_of(r, "validate", &d->validate));
    TRY(values_of(r, "deploy", &d->deploy));
    if (!yyjson_is_true(yyjson_obj_get(d->deploy, "promoted")))
        return err_set(ERR_INVALID, "demo: the model was not promoted: %s",
                       yyjson_get_str(yyjson_obj_get(d->deploy, "reason")));
    /* …/serving-endpoints/NAME/invocations */
    str url = json_str(yyjson_obj_get(d->deploy, "endpoint_url")), name = STR(""), head, rest = url;
    while (str_cut(rest, '/', &head, &rest)) {
        if (str_is(head, "serving-endpoints")) str_cut(rest, '/', &name, &head);
    }
    const char *const query[] = {"",       "endpoints", "query", str_c(d->a, name),
                                 "--json", demo_body,   NULL};
    return step(d, query, NULL);
}

static err day(demo *d, const char *at, const char *look_at, const char *source,
               yyjson_val **ret_batch, yyjson_val **ret_monitor)
{
    const char *batch[STEP_ARGS_MAX] = {
        "", "run", "ml_batch_inference", "-f", d->bundle, "--var", d->vars, "--at", at};
    const char *const monitor[] = {"",      "run",   "ml_monitoring", "-f",    d->bundle,
                                   "--var", d->vars, "--at",          look_at, NULL};
    yyjson_val *r;
    if (source) {
        batch[9] = "--param";
        batch[10] = cstr_fmt(d->a, "batch_predict.source=%s", source);
    }
    TRY(step(d, batch, &r));
    TRY(values_of(r, "batch_predict", ret_batch));
    TRY(step(d, monitor, &r));
    return values_of(r, "monitor_drift", ret_monitor);
}

static err run_steps(demo *d)
{
    TRY(fresh_home(d));
    TRY(start_server(d));
    TRY(bundle_steps(d));
    TRY(training_steps(d));
    TRY(day(d, calm_at, calm_look_at, NULL, &d->calm_batch, &d->calm));
    TRY(day(d, shifted_at, shifted_look_at, "airport_trips", &d->shifted_batch, &d->shifted));
    return demo_summary(d);
}

/* On a terminal the server stays for a look, until Ctrl-C. */
static err stay(demo *d)
{
    bool done = false;
    int status = 0;
    printf("\nOpen %s/ in a browser. Ctrl-C ends the server.\n", d->url);
    fflush(stdout);
    while (!interrupted && !done)
        TRY(proc_wait(d->server, 200, &done, &status));
    if (!done) return ERR_OK;
    d->server = 0;
    return err_set(ERR_IO, "demo: the server ended by itself with exit code %d", status);
}

err cmd_demo(cli *c)
{
    demo d = {.c = c,
              .a = c->a,
              .home = cli_text(c, "home", "build/demo-home"),
              .bundle = cli_text(c, "bundle", "examples/nyc_taxi"),
              .vars = variables,
              .begin_us = mono_us()};
    watch_interrupt();
    err e = run_steps(&d);
    if (!e && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) e = stay(&d);
    const char *words = e ? str_c(c->a, str_of(err_message())) : "";
    fflush(stdout);
    if (d.server) proc_stop(d.server, STOP_MS);
    return e ? err_set(e, "%s", words) : ERR_OK;
}
