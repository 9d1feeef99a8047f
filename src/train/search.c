#include "train/search_int.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/rng.h"
#include "model/model.h"
#include "stats/regression.h"
#include "stats/sum.h"

/* Parameters that are ours to set, or that make LightGBM touch files, sockets or devices. */
static const char *const refused[] = {
    "data",
    "train",
    "train_data",
    "valid",
    "test",
    "valid_data",
    "input_model",
    "model_input",
    "output_model",
    "model_output",
    "output_result",
    "config",
    "config_file",
    "task",
    "task_type",
    "machines",
    "machine_list_filename",
    "num_machines",
    "local_listen_port",
    "device_type",
    "device",
    "num_threads",
    "n_jobs",
    "nthread",
    "nthreads",
    "num_thread",
    "seed",
    "random_seed",
    "random_state",
    "verbosity",
    "verbose",
    "save_binary",
    "forcedsplits_filename",
    "forcedbins_filename",
    "parser_config_file",
    "num_class",
};

static const char *const iteration_names[] = {
    "num_iterations", "num_iteration", "n_iter",          "num_tree",     "num_trees", "num_round",
    "num_rounds",     "nrounds",       "num_boost_round", "n_estimators", "max_iter"};

static bool among(str name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(name, list[i])) return true;
    return false;
}

static err check_param(str name, str value)
{
    if (among(name, refused, countof(refused)))
        return err_set(ERR_INVALID, "train: parameter %.*s may not be set here", STR_ARG(name));
    const str both[] = {name, value};
    for (size_t k = 0; k < 2; k++) {
        if (!both[k].n || both[k].n > 500)
            return err_set(ERR_INVALID, "train: parameter '%.*s' = '%.*s': want 1 to 500 bytes",
                           STR_ARG(name), STR_ARG(value));
        for (size_t i = 0; i < both[k].n; i++)
            if (both[k].p[i] <= ' ' || both[k].p[i] == '=' || both[k].p[i] == '#')
                return err_set(ERR_INVALID,
                               "train: parameter '%.*s' = '%.*s': want no white space, '=' or '#'",
                               STR_ARG(name), STR_ARG(value));
    }
    return ERR_OK;
}

/* finish_candidate splits off the number of iterations and writes the others as LightGBM reads
 * them. */
static err finish_candidate(arena *a, const train_spec *o, candidate *c)
{
    buf b;
    buf_init(&b, 65536);
    buf_fmt(
        &b,
        "seed=%llu deterministic=true force_col_wise=true feature_pre_filter=false verbosity=-1",
        (unsigned long long)(o->seed % INT32_MAX));
    c->iterations = 100;
    err e = ERR_OK;
    for (size_t i = 0; i < c->n_params && !e; i++) {
        str name = c->params[i].key, value = c->params[i].value;
        e = check_param(name, value);
        if (!e && among(name, iteration_names, countof(iteration_names))) {
            int64_t n = 0;
            if (parse_i64(value, &n) || n < 1 || n > 100000)
                e = err_set(ERR_INVALID, "train: %.*s: %.*s, want a number from 1 to 100000",
                            STR_ARG(name), STR_ARG(value));
            c->iterations = (int)n;
        } else if (!e) {
            buf_fmt(&b, " %.*s=%.*s", STR_ARG(name), STR_ARG(value));
        }
    }
    if (!e) e = buf_err(&b, "train: the parameters of one candidate");
    if (!e) c->text = str_c(a, buf_str(&b));
    buf_done(&b);
    return e;
}

err candidates_make(arena *a, const train_spec *o, candidate **ret, size_t *ret_n)
{
    size_t n = 1;
    for (size_t i = 0; i < o->n_axes; i++)
        if (!o->axes[i].n || !size_mul(n, o->axes[i].n, &n) || n > TRAIN_CANDIDATES_MAX)
            return err_set(o->axes[i].n ? ERR_LIMIT : ERR_INVALID,
                           "train: search over %.*s: want 1 to %d candidates in all",
                           STR_ARG(o->axes[i].param), TRAIN_CANDIDATES_MAX);
    candidate *v = arena_array(a, candidate, n);
    for (size_t c = 0; c < n; c++) {
        key_value *params = arena_array(a, key_value, o->n_params + o->n_axes);
        for (size_t i = 0; i < o->n_params; i++)
            params[i] = o->params[i];
        size_t rest = c;
        for (size_t i = o->n_axes; i-- > 0;) {
            params[o->n_params + i] =
                (key_value){o->axes[i].param, o->axes[i].values[rest % o->axes[i].n]};
            rest /= o->axes[i].n;
        }
        v[c].params = params;
        v[c].n_params = o->n_params + o->n_axes;
        v[c].mae = arena_array(a, double, (size_t)o->folds);
        v[c].rmse = arena_array(a, double, (size_t)o->folds);
        TRY(finish_candidate(a, o, &v[c]));
    }
    *ret = v;
    *ret_n = n;
    return ERR_OK;
}

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

/* The state of one search. next and failed are atomic; done, message are guarded by lock; a fit
 * writes only its own cell of its candidate. */
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
    char message[1024];
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
    err e = ERR_OK;
    if (model_get_facts(m)->n_outputs != 1)
        e = err_set(ERR_INVALID,
                    "train: objective %s has %zu outputs a row, want a regression with one",
                    model_get_facts(m)->objective, model_get_facts(m)->n_outputs);
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
    pthread_mutex_unlock(&s->lock);
    if (whole && (done == s->n || done % (s->n / 4 + 1) == 0))
        progress_say(s->p, "search: %zu of %zu candidates tried", done, s->n);
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
    pthread_t *t = arena_array(a, pthread_t, (size_t)threads);
    int started = 0;
    while (started < threads && !pthread_create(&t[started], NULL, search_thread, &s))
        started++;
    if (!started) search_thread(&s);
    for (int i = 0; i < started; i++)
        pthread_join(t[i], NULL);
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
