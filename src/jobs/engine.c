#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "jobs/jobs_int.h"

/* The owner's threads: o.parallel executors and one scheduler, all asleep until the bell rings or a
 * job is due. */

enum {
    PARALLEL = 2,
    PARALLEL_MAX = 64,
    IDLE_MS = 5000,      /* executors look at the queue at least this often */
    SCHEDULE_MS = 30000, /* the wall clock may be set: never sleep longer than that */
    RETRY_MS = 1000,
};

/* --- the bell */

static struct bell {
    pthread_mutex_t lock;
    pthread_cond_t rung;
    uint64_t count; /* guarded by lock */
} bell /* NOLINT: one a process, see jobs_int.h */ = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                                      .rung = PTHREAD_COND_INITIALIZER};

void bell_ring(void)
{
    pthread_mutex_lock(&bell.lock);
    bell.count++;
    pthread_cond_broadcast(&bell.rung);
    pthread_mutex_unlock(&bell.lock);
}

uint64_t bell_count(void)
{
    pthread_mutex_lock(&bell.lock);
    uint64_t n = bell.count;
    pthread_mutex_unlock(&bell.lock);
    return n;
}

uint64_t bell_wait(uint64_t seen, int64_t timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns = until.tv_nsec + timeout_ms % 1000 * 1000000;
    until.tv_sec += timeout_ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&bell.lock);
    int e = 0;
    while (bell.count == seen && e != ETIMEDOUT)
        e = pthread_cond_timedwait(&bell.rung, &bell.lock, &until);
    uint64_t n = bell.count;
    pthread_mutex_unlock(&bell.lock);
    return n;
}

static void on_notify(void *ctx, str topic)
{
    (void)ctx;
    if (str_is(topic, "jobs")) bell_ring();
}

/* --- the fence: a child may commit while its run is RUNNING with its attempt */

static err fence(void *ctx, db_tx *tx, int64_t run_id, int64_t attempt)
{
    (void)ctx;
    AUTO(arena) a = arena_new(0);
    db_rows r;
    TRY(tx_rows(tx, a, "SELECT state, attempt FROM job_run WHERE id = ?", DB_ARGS(db_int(run_id)),
                &r));
    bool may = r.n && str_is(db_cell_s(&r, 0, 0), "RUNNING") && db_cell_i(&r, 0, 1) == attempt;
    if (may) return ERR_OK;
    return err_set(
        ERR_DENIED,
        "job run %lld, attempt %lld: it is not the one that runs now: nothing was committed",
        (long long)run_id, (long long)attempt);
}

/* --- threads */

static void *executor(void *arg)
{
    jobs *j = arg;
    while (!atomic_load(&j->stopping)) {
        uint64_t seen = bell_count();
        if (!execute_next(j)) bell_wait(seen, IDLE_MS);
    }
    return NULL;
}

/* How long the scheduler may sleep. */
static int64_t turn(jobs *j)
{
    size_t fired = 0;
    int64_t next_ms = 0, now = clk_now_ms(j->o.clock);
    if (schedule_fire(home_db(j->h), now, &fired, &next_ms)) {
        log_error("jobs", "schedule: %s", err_message());
        return RETRY_MS;
    }
    if (fired) bell_ring();
    int64_t wait = next_ms ? next_ms - clk_now_ms(j->o.clock) : SCHEDULE_MS;
    return wait < 0 ? 0 : wait > SCHEDULE_MS ? SCHEDULE_MS : wait;
}

static void *scheduler(void *arg)
{
    jobs *j = arg;
    while (!atomic_load(&j->stopping)) {
        uint64_t seen = bell_count();
        int64_t wait_ms = turn(j);
        if (wait_ms) bell_wait(seen, wait_ms);
    }
    return NULL;
}

static err start_thread(jobs *j, void *(*fn)(void *), const char *name)
{
    pthread_t t;
    if (pthread_create(&t, NULL, fn, j))
        return err_set(ERR_IO, "jobs: a thread could not be started");
    pthread_setname_np(t, name);
    j->threads[j->n_threads++] = t;
    return ERR_OK;
}

err jobs_start(home *h, const jobs_options *o, jobs **ret)
{
    assert(h && home_is_owner(h) && o && o->clock && ret);
    assert(o->parallel >= 0 && o->parallel <= PARALLEL_MAX);
    size_t parallel = o->only_run ? 1 : o->parallel ? (size_t)o->parallel : PARALLEL, recovered;
    home_set_fence(h, fence, NULL);
    db_on_notify(home_db(h), on_notify, NULL);
    TRY(schedule_recover(home_db(h), clk_now_ms(o->clock), &recovered));
    if (recovered) log_info("jobs", "runs of the last owner are queued again n=%zu", recovered);
    jobs *j = mem_new(1, sizeof *j);
    j->h = h;
    j->o = *o;
    j->threads = mem_new(parallel + 1, sizeof *j->threads);
    err e = ERR_OK;
    for (size_t i = 0; i < parallel && !e; i++)
        e = start_thread(j, executor, "jobs");
    if (!e && o->schedule) e = start_thread(j, scheduler, "schedule");
    if (e)
        jobs_stop(j);
    else
        *ret = j;
    return e;
}

void jobs_poke(jobs *j)
{
    assert(j);
    bell_ring();
}

void jobs_stop(jobs *j)
{
    if (!j) return;
    atomic_store(&j->stopping, true);
    bell_ring();
    for (size_t i = 0; i < j->n_threads; i++)
        pthread_join(j->threads[i], NULL);
    mem_free(j->threads);
    mem_free(j);
}
