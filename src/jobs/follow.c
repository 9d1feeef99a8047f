#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "jobs/jobs_int.h"

/* Follows a run from any process: its state out of the metadata, its output out of the log files.
 */

enum { LOOK_MS = 25, CHUNK = 16 << 10 };

typedef struct follower {
    home *h;
    int out_fd;
    size_t task;     /* the one being copied */
    int64_t attempt; /* of it, from 1 */
    off_t offset;    /* bytes of its log that were copied */
} follower;

/* What is there now, to its end. A log that is not there is empty. */
static err copy_log(follower *f, arena *a, int64_t run_id, const task_record *t)
{
    char chunk[CHUNK];
    const char *path = path_join(a, home_dir(f->h), job_log_path(a, run_id, t->key, f->attempt));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? ERR_OK : err_sys(ERR_IO, "job log %s", path);
    err e = ERR_OK;
    while (!e) {
        ssize_t n = pread(fd, chunk, sizeof chunk, f->offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) e = err_sys(ERR_IO, "job log %s", path);
        if (n <= 0) break;
        e = fd_write_all(f->out_fd, chunk, (size_t)n);
        f->offset += n;
    }
    close(fd);
    return e;
}

/* A failed task may be tried again, as long as nothing behind it has begun. */
static bool task_ended(const run_record *r, size_t i)
{
    str state = r->tasks[i].state;
    if (str_is(state, "FAILED"))
        return i + 1 < r->n_tasks && !str_is(r->tasks[i + 1].state, "PENDING");
    return job_state_ended(state) || str_is(state, "SKIPPED");
}

/* The record was read before the logs are: a task that had ended has written all of its log. */
static err copy_output(follower *f, arena *a, const run_record *r)
{
    while (f->task < r->n_tasks) {
        const task_record *t = &r->tasks[f->task];
        if (f->attempt <= t->attempt) TRY(copy_log(f, a, r->id, t));
        if (f->attempt < t->attempt) {
            f->attempt++;
            f->offset = 0;
            continue;
        }
        if (!task_ended(r, f->task) && !job_state_ended(r->state)) break;
        f->task++;
        f->attempt = 1;
        f->offset = 0;
    }
    return ERR_OK;
}

static err ask_to_stop(home *h, int64_t run_id)
{
    err e = jobs_cancel(h, run_id);
    return e == ERR_CONFLICT ? ERR_OK : e; /* it ended meanwhile */
}

err jobs_follow(home *h, int64_t run_id, int out_fd, const volatile int *cancel, int *ret_exit)
{
    assert(h && out_fd >= 0 && ret_exit);
    follower f = {.h = h, .out_fd = out_fd, .attempt = 1};
    AUTO(arena) a = arena_new(64 << 10);
    bool asked = false;
    for (;;) {
        run_record r;
        if (cancel && *cancel && !asked) {
            TRY(ask_to_stop(h, run_id));
            asked = true;
        }
        TRY(jobs_run_get(home_db(h), a, run_id, &r));
        TRY(copy_output(&f, a, &r));
        if (job_state_ended(r.state)) {
            *ret_exit = r.exit_code;
            return ERR_OK;
        }
        arena_reset(a);
        sleep_ms(LOOK_MS);
    }
}
