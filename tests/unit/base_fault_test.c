#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

TEST(only_the_nth_call_at_the_site_fails)
{
    ck_assert(!fault_hit("file_write"));
    fault_arm("file_write:3");
    ck_assert(!fault_hit("file_write"));
    ck_assert(!fault_hit("file_read"));
    ck_assert(!fault_hit("file_write"));
    errno = 0;
    ck_assert(fault_hit("file_write"));
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert(!fault_hit("file_write"));
    fault_arm("net_send:1");
    ck_assert(fault_hit("net_send"));
    ck_assert_int_eq(errno, EIO);
    fault_arm("net_send:1");
    fault_arm(NULL);
    ck_assert(!fault_hit("net_send"));
}

TEST(the_environment_arms_it)
{
    ck_assert_int_eq(setenv("TIDEMILL_FAULT", "db_commit:2", 1), 0);
    fault_arm_from_env();
    ck_assert(!fault_hit("db_commit"));
    ck_assert(fault_hit("db_commit"));
}

/* ends runs what in a process of its own and returns the signal that ended it. */
static int ends(const char *spec)
{
    pid_t pid = fork();
    if (!pid) {
        int null = dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        if (null < 0) _exit(1);
        fault_arm(spec);
        bool hit = fault_hit("blob_put");
        _exit(hit);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(kill_ends_the_process_there)
{
    ck_assert_int_eq(ends("blob_put:1:kill"), SIGKILL);
    ck_assert_int_eq(ends("blob_put:2:kill"), 0);
}

TEST(a_misspelt_fault_ends_the_process_too)
{
    ck_assert_int_eq(ends("blob_putt:1"), SIGABRT);
    ck_assert_int_eq(ends("blob_put:0"), SIGABRT);
    ck_assert_int_eq(ends("blob_put"), SIGABRT);
    ck_assert_int_eq(ends("blob_put:1:boom"), SIGABRT);
    ck_assert_int_eq(ends(""), SIGABRT);
}

TESTS("base/fault", only_the_nth_call_at_the_site_fails, the_environment_arms_it,
      kill_ends_the_process_there, a_misspelt_fault_ends_the_process_too)
