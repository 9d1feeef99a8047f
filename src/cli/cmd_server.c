#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "cli/cli_int.h"
#include "http/server.h"

/* `tidemill server`: the process that owns a home.
 *
 *   home -> endpoints -> listening socket -> loops -> url announced -> jobs       and back in the
 * other order
 *
 * Jobs start last, since a run that a dead owner left behind may deploy to us at once. */

enum { PORT = 5000, LOOPS_MAX = 256, WORKERS = 4 };

typedef struct server {
    home *home;
    serving *serving;
    api *api;
    http_server *http;
    jobs *jobs;
    const char *url;
} server;

static void setup_log(const cli *c)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    log_level least = LOG_INFO;
    for (size_t i = 0; i < countof(levels); i++)
        if (!strcmp(cli_text(c, "log-level", "info"), levels[i])) least = (log_level)i;
    log_setup(least, strcmp(cli_text(c, "log-format", "text"), "json") ? LOG_TEXT : LOG_JSON);
}

static size_t loops_of(const cli *c)
{
    int cpus = proc_cpus();
    return (size_t)cli_int(c, "workers", cpus > LOOPS_MAX ? LOOPS_MAX : cpus);
}

static err start_http(const cli *c, server *s, size_t n_loops)
{
    const char *host = cli_text(c, "host", "127.0.0.1");
    api_options o = {.home = s->home,
                     .serving = s->serving,
                     .clock = &clk_real,
                     .version = TIDEMILL_VERSION,
                     .build = __VERSION__,
                     .n_loops = n_loops};
    s->api = api_new(&o);
    http_options http = {.host = host,
                         .port = (int)cli_int(c, "port", PORT),
                         .n_loops = n_loops,
                         .n_workers = WORKERS,
                         .limits = http_limits_default,
                         .app = api_app(s->api)};
    TRY(http_server_new(&http, &s->http));
    api_set_server(s->api, s->http);
    bool v6 = strchr(host, ':') != NULL;
    s->url = cstr_fmt(c->a, "http://%s%s%s:%d", v6 ? "[" : "", host, v6 ? "]" : "",
                      http_server_port(s->http));
    TRY(http_server_start(s->http));
    return home_set_url(s->home, s->url);
}

static err start(const cli *c, server *s)
{
    size_t n_loops = loops_of(c);
    TRY(cli_home(c, HOME_OWN, false, &s->home));
    s->serving = serving_new(home_db(s->home), home_blobs(s->home), n_loops);
    TRY(serving_refresh(s->serving));
    TRY(start_http(c, s, n_loops));
    jobs_options o = {.clock = &clk_real, .schedule = true};
    return jobs_start(s->home, &o, &s->jobs);
}

static void stop(server *s)
{
    if (s->api) api_set_draining(s->api);
    if (s->http) http_server_drain(s->http);
    jobs_stop(s->jobs);
    http_server_free(s->http);
    api_free(s->api);
    serving_free(s->serving);
    home_free(s->home);
}

/* The signals that end a server wait for sigwait: blocked before any thread is there, so that every
 * thread has them blocked. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, set, NULL);
}

/* Every connection is a file; the usual soft limit of 1,024 is far below what is allowed. */
static void raise_file_limit(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur == r.rlim_max) return;
    r.rlim_cur = r.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &r))
        log_warn("server", "the limit of open files could not be raised to %llu",
                 (unsigned long long)r.rlim_max);
}

static void wait_for_signal(const sigset_t *set)
{
    int sig = 0;
    while (sigwait(set, &sig) != 0) {
    }
    log_info("server", "%s: draining; once more ends at once",
             sig == SIGINT ? "interrupted" : "asked to end");
    pthread_sigmask(SIG_UNBLOCK, set, NULL);
}

err cmd_server(cli *c)
{
    server s = {0};
    sigset_t set;
    int64_t begin_us = mono_us();
    setup_log(c);
    block_signals(&set);
    raise_file_limit();
    err e = start(c, &s);
    if (!e) {
        log_info("server", "ready: %s home=%s version=%s in %.1f ms", s.url, home_dir(s.home),
                 TIDEMILL_VERSION, (double)(mono_us() - begin_us) / 1000);
        wait_for_signal(&set);
    }
    const char *words = e ? str_c(c->a, str_of(err_message())) : "";
    stop(&s);
    if (!e) log_info("server", "ended");
    return e ? err_set(e, "%s", words) : ERR_OK;
}
