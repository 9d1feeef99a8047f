#include "base/proc.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/pool.h"
#include "base/str.h"
#include "test.h"

static int status_of(pid_t pid)
{
    bool done = false;
    int status = -1;
    ck_ok(proc_wait(pid, 20000, &done, &status));
    ck_assert(done);
    return status;
}

static pid_t start_shell(const char *script, proc_options o)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    o.argv = argv;
    pid_t pid = 0;
    ck_ok(proc_start(&o, &pid));
    ck_assert_int_gt(pid, 0);
    return pid;
}

/* says runs the script and returns what it printed. */
static str says(arena *a, const char *script, proc_options o)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    o.out_fd = fds[1];
    pid_t pid = start_shell(script, o);
    close(fds[1]);
    char *p = arena_alloc(a, 1, 4096);
    size_t n = 0;
    for (ssize_t got; (got = read(fds[0], p + n, 4095 - n)) > 0;)
        n += (size_t)got;
    close(fds[0]);
    ck_assert_int_eq(status_of(pid), 0);
    return str_trim((str){p, n});
}

TEST(the_exit_code_or_the_signal_is_the_status)
{
    ck_assert_int_eq(status_of(start_shell("exit 7", (proc_options){0})), 7);
    ck_assert_int_eq(status_of(start_shell("kill -9 $$", (proc_options){0})), 137);
}

TEST(waiting_has_a_limit)
{
    pid_t pid = start_shell("exec sleep 60", (proc_options){0});
    bool done = true;
    int status = 99;
    ck_ok(proc_wait(pid, 0, &done, &status));
    ck_assert(!done);
    int64_t before = mono_us();
    ck_ok(proc_wait(pid, 50, &done, &status));
    ck_assert(!done);
    ck_assert_int_ge(mono_us() - before, 49000);
    ck_assert_int_eq(status, 99);
    kill(pid, SIGKILL);
    ck_ok(proc_wait(pid, -1, &done, &status));
    ck_assert(done);
    ck_assert_int_eq(status, 137);
    ck_assert_int_ne(proc_wait(pid, 0, &done, &status), ERR_OK); /* it is gone */
}

TEST(environment_folder_and_files_are_what_was_asked)
{
    AUTO(arena) a = arena_new(0);
    static const char *const env[] = {"COLOUR=green", "HOME=/nowhere", NULL};
    str s = says(a, "echo $COLOUR $HOME; pwd; cat", (proc_options){.env_add = env, .dir = "/"});
    ck_assert(str_is(s, "green /nowhere\n/"));
    int null = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(null, 0);
    s = says(a, "cat >/dev/null; echo read", (proc_options){.in_fd = null});
    ck_assert(str_is(s, "read"));
    close(null);
}

TEST(out_and_err_may_be_exchanged)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    ck_assert_int_eq(dup2(fds[1], 1), 1);
    pid_t pid = start_shell("echo kept >&2", (proc_options){.out_fd = 2, .err_fd = 1});
    close(fds[1]);
    close(1);
    ck_assert_int_eq(status_of(pid), 0);
    char text[100];
    ssize_t n = read(fds[0], text, sizeof text);
    ck_assert(str_is((str){text, n > 0 ? (size_t)n : 0}, "kept\n"));
}

TEST(no_other_file_reaches_the_child)
{
    AUTO(arena) a = arena_new(0);
    int leaky = open("/etc/hostname", O_RDONLY); /* as a careless library would */
    ck_assert_int_ge(leaky, 3);
    str s = says(a,
                 "for f in /proc/$$/fd/*; do n=${f##*/}; [ $n -gt 2 ] && [ -e $f ] && readlink $f; "
                 "done; true",
                 (proc_options){0});
    ck_assert_msg(!str_find(s, STR("hostname"), &(size_t){0}), "%.*s", STR_ARG(s));
    close(leaky);
}

TEST(memory_and_niceness_are_set)
{
    AUTO(arena) a = arena_new(0);
    ck_assert(str_is(says(a, "ulimit -d", (proc_options){.memory_max = 512u << 20}), "524288"));
    str before = says(a, "cut -d' ' -f19 /proc/self/stat", (proc_options){0});
    str after = says(a, "cut -d' ' -f19 /proc/self/stat", (proc_options){.nice = 3});
    int64_t x, y;
    ck_ok(parse_i64(before, &x));
    ck_ok(parse_i64(after, &y));
    ck_assert_int_eq(y, x + 3 > 19 ? 19 : x + 3);
}

TEST(a_new_group_is_its_own)
{
    pid_t pid = start_shell("exec sleep 60", (proc_options){.new_group = true});
    ck_assert_int_eq(getpgid(pid), pid);
    proc_stop(pid, 5000);
    pid = start_shell("exec sleep 60", (proc_options){0});
    ck_assert_int_eq(getpgid(pid), getpgrp());
    proc_stop(pid, 5000);
}

TEST(signals_are_as_at_birth)
{
    AUTO(arena) a = arena_new(0);
    signal(SIGPIPE, SIG_IGN);
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    str s = says(a, "grep -E '^Sig(Blk|Ign)' /proc/self/status", (proc_options){0});
    unsigned long long blocked = 1, ignored = 1;
    ck_assert_int_eq(sscanf(str_c(a, s), "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
    /* Signals 32 and 33 are libc's own: it lets nobody set them, so they stay as they came to us.
     */
    ignored &= ~(3ULL << 31);
    ck_assert_msg(!blocked && !ignored, "%.*s", STR_ARG(s));
}

TEST(what_cannot_start_says_why)
{
    pid_t pid = 0;
    const char *const none[] = {"/no/such/program", NULL}, *const nowhere[] = {
                                                               "no-such-program-here", NULL};
    const char *const folder[] = {"/etc", NULL}, *const sh[] = {"/bin/sh", "-c", "true", NULL};
    ck_err(proc_start(&(proc_options){.argv = none}, &pid), ERR_MISSING);
    ck_assert_str_eq(err_message(),
                     "/no/such/program: cannot be executed: No such file or directory");
    ck_err(proc_start(&(proc_options){.argv = nowhere}, &pid), ERR_MISSING);
    ck_assert_str_eq(err_message(), "no-such-program-here: no such program in PATH");
    ck_err(proc_start(&(proc_options){.argv = folder}, &pid), ERR_DENIED);
    ck_err(proc_start(&(proc_options){.argv = sh, .dir = "/no/such/folder"}, &pid), ERR_MISSING);
    ck_assert_str_eq(err_message(),
                     "/no/such/folder: cannot enter its folder: No such file or directory");
    ck_assert_int_ne(proc_start(&(proc_options){.argv = sh, .out_fd = 1000}, &pid), ERR_OK);
    fault_arm("spawn:1");
    ck_err(proc_start(&(proc_options){.argv = sh}, &pid), ERR_IO);
    fault_arm(NULL);
    ck_assert_int_eq(pid, 0);
    bool done;
    int status;
    ck_assert_int_ne(proc_wait(getpid(), 0, &done, &status), ERR_OK);
}

TEST(stop_is_gentle_first_and_then_not)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    char byte;
    pid_t pid = start_shell("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done",
                            (proc_options){.out_fd = fds[1]});
    ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    proc_stop(pid, 10000);
    char text[32] = {0};
    ck_assert_int_gt(read(fds[0], text, sizeof text - 1), 0);
    ck_assert_ptr_nonnull(strstr(text, "bye"));
    pid = start_shell("trap '' TERM; echo up; while :; do sleep 0.05; done",
                      (proc_options){.out_fd = fds[1]});
    ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    proc_stop(pid, 50);
    ck_assert_int_ne(kill(pid, 0), 0); /* reaped */
    close(fds[0]);
    close(fds[1]);
}

static void start_from_here(void *arg)
{
    *(pid_t *)arg = start_shell("exec sleep 60", (proc_options){0});
}

TEST(a_child_outlives_the_thread_that_asked_for_it)
{
    pid_t pid = 0;
    pool *p = pool_new("short", 1, 1);
    ck_ok(pool_run(p, start_from_here, &pid));
    pool_free(p);
    bool done = true;
    int status;
    ck_ok(proc_wait(pid, 100, &done, &status));
    ck_assert(!done);
    proc_stop(pid, 5000);
}

/* orphan lets a process start a child and die; it returns the child's pid. */
static pid_t orphan(bool outlive)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    pid_t middle = fork();
    if (!middle) {
        pid_t pid = start_shell("exec sleep 60", (proc_options){.outlive = outlive});
        if (write(fds[1], &pid, sizeof pid) != sizeof pid) _exit(1);
        kill(getpid(), SIGKILL);
    }
    pid_t pid = 0;
    ck_assert_int_eq(read(fds[0], &pid, sizeof pid), sizeof pid);
    ck_assert_int_eq(waitpid(middle, NULL, 0), middle);
    close(fds[0]);
    close(fds[1]);
    return pid;
}

/* running: neither gone nor a zombie that nobody has reaped yet. */
static bool running(pid_t pid)
{
    AUTO(arena) a = arena_new(0);
    FILE *f = fopen(cstr_fmt(a, "/proc/%d/stat", (int)pid), "re");
    char text[200] = "";
    if (!f) return false;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    const char *state = n ? strrchr(text, ')') : NULL;
    return state && state[2] != 'Z' && state[2] != 'X';
}

TEST(a_child_dies_with_its_killed_parent)
{
    pid_t pid = orphan(false);
    for (int i = 0; i < 400 && running(pid); i++)
        sleep_ms(10);
    ck_assert(!running(pid));
}

TEST(unless_it_shall_outlive_it)
{
    pid_t pid = orphan(true);
    sleep_ms(100);
    ck_assert(running(pid));
    kill(pid, SIGKILL);
}

static void *start_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(status_of(start_shell("exit 3", (proc_options){0})), 3);
    return NULL;
}

TEST(many_threads_may_start_children)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, start_many, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
}

TEST(a_program_knows_its_own_file)
{
    ck_assert(str_ends(str_of(proc_self()), "base_proc_test"));
    ck_assert_ptr_eq(proc_self(), proc_self());
}

TESTS("base/proc", the_exit_code_or_the_signal_is_the_status, waiting_has_a_limit,
      environment_folder_and_files_are_what_was_asked, out_and_err_may_be_exchanged,
      no_other_file_reaches_the_child, memory_and_niceness_are_set, a_new_group_is_its_own,
      signals_are_as_at_birth, what_cannot_start_says_why, stop_is_gentle_first_and_then_not,
      a_child_outlives_the_thread_that_asked_for_it, a_child_dies_with_its_killed_parent,
      unless_it_shall_outlive_it, many_threads_may_start_children, a_program_knows_its_own_file)
