#include "base/proc.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/die_int.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/os_spawn.h"

extern char **environ; /* NOLINT: of libc */

/* PR_SET_PDEATHSIG fires when the THREAD that forked ends, and a job may be started from a pool's
 * thread. So one thread, started with the first child and ending with the process, does all the
 * forking.
 *
 *   plan == NULL, !done   idle                       the asker sets plan
 *   plan != NULL          the spawner works on it    the spawner clears plan and sets done
 *   done                  the answer is there        the asker takes it and clears done
 * `asking` keeps other askers out over the whole round. */
static struct spawner {
    pthread_mutex_t asking;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    const spawn_plan *plan;
    bool done;
    err answer;
    char words[2048]; /* err_message of the spawner's thread */
    pid_t child;
    pid_t owner; /* the process whose thread runs: a forked copy has none and starts its own */
} spawner /* NOLINT: one thread a process */ = {.asking = PTHREAD_MUTEX_INITIALIZER,
                                                .lock = PTHREAD_MUTEX_INITIALIZER,
                                                .changed = PTHREAD_COND_INITIALIZER};

static void *spawn_forever(void *arg)
{
    struct spawner *s = arg;
    pthread_setname_np(pthread_self(), "spawner");
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->plan)
            pthread_cond_wait(&s->changed, &s->lock);
        pid_t pid = 0;
        s->answer = os_spawn(s->plan, &pid);
        if (s->answer) {
            size_t n = strlen(err_message());
            memcpy(s->words, err_message(), n + 1);
        }
        s->child = pid;
        s->plan = NULL;
        s->done = true;
        pthread_cond_broadcast(&s->changed);
    }
    return NULL;
}

static void start_spawner(struct spawner *s)
{
    pthread_t t;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (pthread_create(&t, NULL, spawn_forever, s)) die("proc_start", "cannot start a thread");
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_detach(t);
    s->owner = getpid();
}

static err ask_spawner(const spawn_plan *plan, pid_t *ret_pid)
{
    struct spawner *s = &spawner;
    pthread_mutex_lock(&s->asking);
    pthread_mutex_lock(&s->lock);
    if (s->owner != getpid()) start_spawner(s);
    s->plan = plan;
    pthread_cond_broadcast(&s->changed);
    while (!s->done)
        pthread_cond_wait(&s->changed, &s->lock);
    s->done = false;
    err e = s->answer;
    if (e)
        err_set(e, "%s", s->words);
    else
        *ret_pid = s->child;
    pthread_mutex_unlock(&s->lock);
    pthread_mutex_unlock(&s->asking);
    return e;
}

/* same_name: both begin with the same "K=". */
static bool same_name(const char *x, const char *y)
{
    size_t n = strcspn(y, "=");
    return !strncmp(x, y, n) && x[n] == '=';
}

static char **merge_env(arena *a, const char *const *add)
{
    size_t n = 0, n_add = 0;
    while (environ && environ[n])
        n++;
    while (add && add[n_add])
        n_add++;
    const char **env = arena_array(a, const char *, n + n_add + 1);
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        bool replaced = false;
        for (size_t j = 0; j < n_add && !replaced; j++)
            replaced = same_name(environ[i], add[j]);
        if (!replaced) env[k++] = environ[i];
    }
    for (size_t j = 0; j < n_add; j++) {
        assert(strchr(add[j], '='));
        env[k++] = add[j];
    }
    return (char **)(uintptr_t)env; /* execve's type: it does not write */
}

/* find_file: a name with a slash is a path from this process's folder, another is looked up in
 * PATH. */
static err find_file(arena *a, const char *name, const char **ret)
{
    if (strchr(name, '/')) {
        char here[PATH_MAX];
        if (name[0] == '/') {
            *ret = name;
            return ERR_OK;
        }
        if (!getcwd(here, sizeof here))
            return err_sys(ERR_IO, "%s: cannot tell the working folder", name);
        *ret = path_join(a, here, name);
        return ERR_OK;
    }
    const char *path = getenv("PATH");
    str rest = str_of(path ? path : "/usr/local/bin:/usr/bin:/bin"), dir;
    for (bool more = true; more;) {
        more = str_cut(rest, ':', &dir, &rest);
        if (!dir.n) continue; /* an empty entry would mean the working folder: not for us */
        const char *p = path_join(a, str_c(a, dir), name);
        if (access(p, X_OK) == 0) {
            *ret = p;
            return ERR_OK;
        }
    }
    return err_set(ERR_MISSING, "%s: no such program in PATH", name);
}

err proc_start(const proc_options *o, pid_t *ret_pid)
{
    assert(o);
    assert(o->argv);
    assert(o->argv[0]);
    assert(ret_pid);
    if (fault_hit("spawn")) return err_sys(ERR_IO, "%s: cannot start a process", o->argv[0]);
    AUTO(arena) a = arena_new(0);
    spawn_plan plan = {
        .argv = (char *const *)(uintptr_t)o->argv,
        .envp = merge_env(a, o->env_add),
        .dir = o->dir,
        .fds = {o->in_fd, o->out_fd, o->err_fd},
        .memory_max = o->memory_max,
        .nice = o->nice,
        .new_group = o->new_group,
        .outlive = o->outlive,
    };
    TRY(find_file(a, o->argv[0], &plan.file));
    return ask_spawner(&plan, ret_pid);
}

/* Read once, at the first call: after an upgrade replaced the file the kernel would say
 * "(deleted)". */
static char self_path[PATH_MAX]; /* NOLINT: of the process */

static void read_self(void)
{
    ssize_t n = readlink("/proc/self/exe", self_path, sizeof self_path - 1);
    if (n <= 0) die("/proc/self/exe", "cannot tell this program's own file");
    self_path[n] = '\0';
}

const char *proc_self(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_self);
    return self_path;
}

int proc_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set)) return 1;
    int n = CPU_COUNT(&set);
    return n < 1 ? 1 : n;
}
