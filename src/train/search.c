#include "train/search_int.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/rng.h"
#include "model/model.h"
#include "stats/regression.h"
#include "stats/sum.h"

int *folds_make(arena *a, size_t n, int folds, uint64_t seed)
{
    assert(folds >= 2);
    size_t *order = arena_array(a, size_t, n);
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    rng r;
    rng_init(&r, seed);
    rng_shuffle(&r, order, n);
    int *fold = arena_array(a, int, n);
    for (size_t i = 0; i < n; i++)
        fold[order[i]] = (int)(i % (size_t)folds);
    return fold;
}

/* The state of one search. next and failed are atomic; what stands below lock is guarded by it; a
 * fit writes only its own cell of its candidate. */
typedef struct search {
    lgb *l;
    const train_data *d;
    candidate *v;
    size_t n;
    const progress *p;
    atomic_size_t next;
    atomic_bool failed;
    pthread_mutex_t lock;
    size_t *folds_done;
    size_t candidates_done;
    err e;
    char message[2048];
} search;

typedef struct split {
    matrix fit, test;
    float *fit_label;
    double *test_label;
} split;

static split cut_fold(arena *a, const train_data *d, int fold)
{
    size_t n_test = 0, cols = d->x.cols;
    for (size_t i = 0; i < d->x.rows; i++)
        n_test += d->fold[i] == fold;
    size_t n_fit = d->x.rows - n_test;
    split s = {.fit = {arena_array(a, double, n_fit *cols), 0, cols, cols},
               .test = {arena_array(a, double, n_test *cols), 0, cols, cols}};
    s.fit_label = arena_array(a, float, n_fit);
    s.test_label = arena_array(a, double, n_test);
    for (size_t i = 0; i < d->x.rows; i++) {
        const double *row = d->x.v + i * d->x.stride;
        if (d->fold[i] == fold) {
            s.test_label[s.test.rows] = d->label[i];
            memcpy(s.test.v + s.test.rows++ * cols, row, cols * sizeof *row);
        } else {
            s.fit_label[s.fit.rows] = (float)d->label[i];
            memcpy(s.fit.v + s.fit.rows++ * cols, row, cols * sizeof *row);
        }
    }
    return s;
}

/* The objectives of numbers, as the model's text names them: what the metrics here can judge. */
static const char *const regressions[] = {"regression", "regression_l1", "huber",
                                          "fair",       "poisson",       "quantile",
                                          "mape",       "gamma",         "tweedie"};

static err check_objective(const model_facts *f)
{
    str name, rest;
    str_cut(str_of(f->objective), ' ', &name, &rest); /* options follow */
    for (size_t i = 0; i < countof(regressions); i++)
        if (str_is(name, regressions[i]) && f->n_outputs == 1) return ERR_OK;
    return err_set(ERR_INVALID, "train: objective %.*s is no regression with one output a row",
                   STR_ARG(name));
}

static err fit_one(search *s, arena *a, candidate *c, int fold)
{
    split cut = cut_fold(a, s->d, fold);
    lgb_fit_spec spec = {.x = cut.fit,
                         .label = cut.fit_label,
                         .names = s->d->names,
                         .params = c->text,
                         .iterations = c->iterations};
    str text;
    TRY(lgb_fit(s->l, a, &spec, (matrix){0}, &text, NULL));
    model *m;
    TRY(model_load(text, "lightgbm", "candidate", &m));
    err e = check_objective(model_get_facts(m));
    regression_metrics r;
    if (!e) {
        double *predicted = arena_array(a, double, cut.test.rows);
        model_predict(m, cut.test, predicted);
        e = regression_score(cut.test_label, predicted, NULL, cut.test.rows, &r);
    }
    if (!e) {
        c->mae[fold] = r.mae;
        c->rmse[fold] = r.rmse;
    }
    model_unref(m);
    return e;
}

/* Whoever hears the progress hears one thread at a time and the counts in order, so it is told
 * under the lock. */
static void note_end(search *s, size_t c, err e)
{
    pthread_mutex_lock(&s->lock);
    if (e && !s->e) {
        s->e = e;
        snprintf(s->message, sizeof s->message, "%s", err_message());
        atomic_store(&s->failed, true);
    }
    bool whole = !e && ++s->folds_done[c] == (size_t)s->d->folds;
    size_t done = whole ? ++s->candidates_done : 0;
    if (whole && (done == s->n || done % (s->n / 4 + 1) == 0))
        progress_say(s->p, "search: %zu of %zu candidates tried", done, s->n);
    pthread_mutex_unlock(&s->lock);
}

static void *search_thread(void *arg)
{
    search *s = arg;
    AUTO(arena) a = arena_new(1 << 20);
    size_t all = s->n * (size_t)s->d->folds, job;
    while (!atomic_load(&s->failed) && (job = atomic_fetch_add(&s->next, 1)) < all) {
        size_t c = job / (size_t)s->d->folds;
        err e = fit_one(s, a, &s->v[c], (int)(job % (size_t)s->d->folds));
        note_end(s, c, e);
        arena_reset(a);
    }
    return NULL;
}

/* run_threads: all fits on up to that many threads, which take no signals. */
static void run_threads(arena *a, search *s, size_t threads)
{
    size_t jobs = s->n * (size_t)s->d->folds, started = 0;
    if (threads > jobs) threads = jobs;
    pthread_t *t = arena_array(a, pthread_t, threads);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (started < threads && !pthread_create(&t[started], NULL, search_thread, s))
        started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!started) search_thread(s);
    for (size_t i = 0; i < started; i++)
        pthread_join(t[i], NULL);
}

err search_run(lgb *l, const train_data *d, candidate *v, size_t n, int threads, const progress *p)
{
    assert(l && d && v && n > 0 && threads >= 1);
    TRY(lgb_threads(l, 1)); /* many small fits at once beat one fit on many threads */
    AUTO(arena) a = arena_new(0);
    search s = {.l = l,
                .d = d,
                .v = v,
                .n = n,
                .p = p,
                .lock = PTHREAD_MUTEX_INITIALIZER,
                .folds_done = arena_array(a, size_t, n)};
    run_threads(a, &s, (size_t)threads);
    if (s.e) return err_set(s.e, "%s", s.message);
    for (size_t i = 0; i < n; i++) {
        v[i].mean_mae = mean_f64(v[i].mae, (size_t)d->folds);
        v[i].mean_rmse = mean_f64(v[i].rmse, (size_t)d->folds);
    }
    return ERR_OK;
}

const candidate *search_best(const candidate *v, size_t n, str by)
{
    assert(n > 0);
    const candidate *best = v;
    bool rmse = str_is(by, "rmse");
    for (size_t i = 1; i < n; i++)
        if (rmse ? v[i].mean_rmse < best->mean_rmse : v[i].mean_mae < best->mean_mae) best = &v[i];
    return best;
}
