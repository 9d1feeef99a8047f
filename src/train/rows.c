#include "train/rows_int.h"

#include <assert.h>
#include <float.h>
#include <math.h>

/* Where the kept rows lie; no source has such a name. */
#define KEPT "tidemill kept"

/* check_rows runs the suite; *ret_relation is what the features are computed over. */
static err check_rows(duck *d, arena *a, const train_spec *o, const progress *p, train_rows *t,
                      const char **ret_relation)
{
    if (!o->checks.n) {
        *ret_relation = str_c(a, o->source);
        return ERR_OK;
    }
    TRY(suite_run(d, a, &o->checks, str_c(a, o->source), KEPT, &t->checks));
    for (size_t i = 0; i < o->checks.n; i++) {
        const expectation_result *r = &t->checks.v[i];
        if (r->dropped)
            progress_say(p, "checks: dropped %lld rows: %.*s", (long long)r->dropped,
                         STR_ARG(r->of->name));
        else if (!r->passed)
            progress_say(p, "checks: %lld rows do not meet %.*s", (long long)r->unexpected,
                         STR_ARG(r->of->name));
    }
    for (size_t i = 0; i < o->checks.n && !t->checks.passed; i++) {
        const expectation_result *r = &t->checks.v[i];
        if (r->of->action == EXPECT_FAIL && !r->passed)
            return err_set(ERR_GATE,
                           "checks %.*s: %.*s does not hold: %lld unexpected, such as %.*s; mend "
                           "the source or change the check",
                           STR_ARG(o->checks.name), STR_ARG(r->of->name), (long long)r->unexpected,
                           STR_ARG(r->sample));
    }
    *ret_relation = KEPT;
    return ERR_OK;
}

/* A column without gaps keeps its integer type in the signature; anything else is a double, where
 * NaN says "missing". */
static err input_fields(arena *a, const train_spec *o, const frame *f, train_rows *t)
{
    size_t n = o->features.n;
    t->inputs = (schema){.fields = arena_array(a, field, n), .n = n};
    const char **names = arena_array(a, const char *, n);
    for (size_t i = 0; i < n; i++) {
        str name = o->features.v[i].name;
        const column *c;
        names[i] = str_c(a, name);
        TRY(frame_need(f, names[i], &c));
        if (!field_type_numeric(c->type))
            return err_set(ERR_INVALID, "train: feature %s is a %s, want a number", names[i],
                           field_type_name(c->type));
        bool gaps = c->store == STORE_F64;
        for (size_t r = 0; r < f->n_rows && !gaps; r++)
            gaps = column_is_null(c, r);
        t->inputs.fields[i] =
            (field){.name = name, .type = gaps ? FIELD_DOUBLE : c->type, .required = true};
    }
    t->names = names;
    return schema_make_index(a, &t->inputs);
}

/* check_label: LightGBM keeps labels in single precision, so that is how finite they must be. */
static err check_label(const train_spec *o, const column *label, size_t r, int64_t row)
{
    double y = column_f64(label, r);
    if (fabs(y) <= (double)FLT_MAX) return ERR_OK;
    return err_set(ERR_INVALID,
                   "train: label %.*s of row %lld is %s, want a finite number: add an expectation "
                   "that drops such rows",
                   STR_ARG(o->features.label.name), (long long)row,
                   isnan(y)   ? "missing"
                   : isinf(y) ? "infinite"
                              : "too large");
}

static err check_features(const train_spec *o, const double *row, size_t n, int64_t index)
{
    for (size_t c = 0; c < n; c++)
        if (isinf(row[c]))
            return err_set(ERR_INVALID,
                           "train: feature %.*s of row %lld is infinite, want a number or nothing: "
                           "add an expectation that drops such rows",
                           STR_ARG(o->features.v[c].name), (long long)index);
    return ERR_OK;
}

static err cut_rows(arena *a, const train_spec *o, const frame *f, const matrix *x, train_rows *t)
{
    const column *label, *index;
    TRY(frame_need(f, str_c(a, o->features.label.name), &label));
    TRY(frame_need(f, "row_index", &index));
    if (!field_type_numeric(label->type))
        return err_set(ERR_INVALID, "train: label %.*s is a %s, want a number",
                       STR_ARG(o->features.label.name), field_type_name(label->type));
    size_t cols = x->cols, n_test = 0;
    for (size_t r = 0; r < f->n_rows; r++)
        n_test += index->i64[r] % o->holdout_every == 0;
    size_t n_train = f->n_rows - n_test;
    if (n_train < (size_t)o->folds * 2 || n_test < 1)
        return err_set(ERR_INVALID,
                       "train: %zu rows to fit and %zu held out are too few for %d folds: want at "
                       "least %d and 1",
                       n_train, n_test, o->folds, o->folds * 2);
    t->train = (matrix){arena_array(a, double, n_train *cols), 0, cols, cols};
    t->test = (matrix){arena_array(a, double, n_test *cols), 0, cols, cols};
    t->train_label = arena_array(a, double, n_train);
    t->test_label = arena_array(a, double, n_test);
    for (size_t r = 0; r < f->n_rows; r++) {
        TRY(check_label(o, label, r, index->i64[r]));
        TRY(check_features(o, x->v + r * x->stride, cols, index->i64[r]));
        bool held = index->i64[r] % o->holdout_every == 0;
        matrix *m = held ? &t->test : &t->train;
        (held ? t->test_label : t->train_label)[m->rows] = column_f64(label, r);
        memcpy(m->v + m->rows++ * cols, x->v + r * x->stride, cols * sizeof(double));
    }
    return ERR_OK;
}

err rows_prepare(home *h, duck *d, arena *a, const train_spec *o, const progress *p,
                 train_rows *ret)
{
    assert(h && d && a && o && ret);
    train_rows t = {0};
    const char *relation;
    TRY(check_rows(d, a, o, p, &t, &relation));
    delta_written written;
    TRY(features_write(d, h, a, &o->features, relation, o->at_ms, &written));
    t.feature_version = written.version;
    t.kept = written.n_rows;
    t.read = t.checks.of ? t.checks.rows : written.n_rows;
    if (t.kept > TRAIN_ROWS_MAX)
        return err_set(ERR_LIMIT, "train: %lld rows, want at most %d", (long long)t.kept,
                       TRAIN_ROWS_MAX);
    progress_say(p, "features: %lld rows of %zu features to %.*s, version %lld", (long long)t.kept,
                 o->features.n, STR_ARG(o->features.table), (long long)t.feature_version);
    frame *f; /* read back, so that training sees exactly what is stored */
    TRY(features_read(d, h, a, o->features.table, t.feature_version, NULL, &f));
    TRY(input_fields(a, o, f, &t));
    str *names = arena_array(a, str, o->features.n);
    for (size_t i = 0; i < o->features.n; i++)
        names[i] = o->features.v[i].name;
    matrix x;
    TRY(frame_matrix(a, f, names, o->features.n, &x));
    TRY(cut_rows(a, o, f, &x, &t));
    *ret = t;
    return ERR_OK;
}
