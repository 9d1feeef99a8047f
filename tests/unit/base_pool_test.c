#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "test.h"

static atomic_int ran;

static void count_one(void *arg)
{
    (void)arg;
    atomic_fetch_add(&ran, 1);
}

TEST(every_job_runs_once_and_free_waits_for_all)
{
    pool *p = pool_new("test", 4, 1000);
    for (int i = 0; i < 1000; i++)
        ck_ok(pool_run(p, count_one, NULL));
    pool_free(p);
    ck_assert_int_eq(atomic_load(&ran), 1000);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool inside;

static void wait_at_gate(void *arg)
{
    (void)arg;
    atomic_store(&inside, true);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
}

TEST(a_full_queue_is_busy)
{
    pthread_mutex_lock(&gate);
    pool *p = pool_new("a pool of jobs!", 1, 2);
    ck_ok(pool_run(p, wait_at_gate, NULL));
    while (!atomic_load(&inside))
        sleep_ms(1);
    ck_assert_uint_eq(pool_queued(p), 0);
    ck_ok(pool_run(p, count_one, NULL));
    ck_ok(pool_run(p, count_one, NULL));
    ck_assert_uint_eq(pool_queued(p), 2);
    ck_err(pool_run(p, count_one, NULL), ERR_BUSY);
    ck_assert_str_eq(err_message(), "a pool of jobs!: 2 jobs wait already, try again");
    pthread_mutex_unlock(&gate);
    pool_free(p);
    ck_assert_int_eq(atomic_load(&ran), 2);
}

static void see_signals(void *arg)
{
    sigset_t now;
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    *(bool *)arg = sigismember(&now, SIGTERM) && sigismember(&now, SIGINT);
}

TEST(signals_stay_with_the_main_thread)
{
    bool blocked = false;
    pool *p = pool_new("test", 1, 1);
    ck_ok(pool_run(p, see_signals, &blocked));
    pool_free(p);
    ck_assert(blocked);
    sigset_t now;
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    ck_assert(!sigismember(&now, SIGTERM));
}

TEST(an_idle_pool_ends_at_once)
{
    pool_free(pool_new("test", 3, 1));
    pool_free(NULL);
}

TESTS("base/pool", every_job_runs_once_and_free_waits_for_all, a_full_queue_is_busy,
      signals_stay_with_the_main_thread, an_idle_pool_ends_at_once)
