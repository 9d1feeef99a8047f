#include <assert.h>
#include <math.h>

#include "base/clock.h"
#include "base/json.h"
#include "evaluate/evaluate.h"
#include "features/features.h"
#include "registry/probes.h"
#include "registry/registry.h"
#include "stats/regression.h"
#include "table/sources.h"

/* One call of validate_run on its way. */
typedef struct job {
    home *h;
    arena *a;
    const validate_spec *o;
    const progress *p;
    duck *d;
    model *challenger, *champion;
    frame *heldout;
    regression_metrics mine, theirs; /* theirs only when there is a champion */
    validate_result r;
} job;

static bool may_pass(err e)
{
    return e == ERR_IO || e == ERR_BUSY || e == ERR_MISSING;
}

/* load loads a logged model; what may be a cold start (storage that is not there yet) is tried
 * again, waiting twice as long each time. */
static err load(job *j, str model_id, model **ret, int *ret_tries)
{
    int64_t wait_ms = j->o->load_wait_ms;
    for (int try = 1;; try++) {
        package pack;
        err e = registry_load(home_db(j->h), home_blobs(j->h), j->a, model_id, &pack, ret);
        *ret_tries = try;
        if (!e) return ERR_OK;
        progress_say(j->p, "load model %.*s: try %d of %d: %s", STR_ARG(model_id), try,
                     j->o->load_tries, err_message());
        if (!may_pass(e) || try >= j->o->load_tries)
            return err_add(e, "validate: model %.*s does not load after %d %s", STR_ARG(model_id),
                           try, try == 1 ? "try" : "tries");
        sleep_ms(wait_ms);
        wait_ms *= 2;
    }
}

static err register_version(job *j)
{
    db *d = home_db(j->h);
    int64_t now = now_ms();
    TRY(registry_model_ensure(d, j->o->registered_model, now));
    version_spec v = {.name = j->o->registered_model,
                      .source = str_fmt(j->a, "models:/%.*s", STR_ARG(j->o->model_id)),
                      .run_id = j->o->run_id,
                      .model_id = j->o->model_id,
                      .now_ms = now,
                      .once = j->o->once};
    TRY(registry_version_create(d, j->a, &v, &j->r.version));
    progress_say(j->p, "registered %.*s version %lld", STR_ARG(j->o->registered_model),
                 (long long)j->r.version);
    return ERR_OK;
}

static err load_both(job *j)
{
    TRY(load(j, j->o->model_id, &j->challenger, &j->r.load_tries));
    size_t probes;
    TRY(probes_check(home_db(j->h), home_blobs(j->h), str_c(j->a, j->o->model_id), j->challenger,
                     &probes));
    if (!probes)
        return err_set(
            ERR_INVALID,
            "validate: model %.*s has no probes.json: nothing shows that it answers as it "
            "did at training",
            STR_ARG(j->o->model_id));
    j->r.probes = (int64_t)probes;
    progress_say(j->p, "loaded back: %zu held-out rows answer bit for bit as at training", probes);
    model_version v;
    err e = registry_alias_get(home_db(j->h), j->a, j->o->registered_model, STR("champion"), &v);
    if (e == ERR_MISSING) return ERR_OK;
    TRY(e);
    j->r.champion_version = v.version;
    int tries;
    e = load(j, v.model_id, &j->champion, &tries);
    return e ? err_add(e, "champion version %lld", (long long)v.version) : ERR_OK;
}

static err read_heldout(job *j)
{
    TRY(sources_open(j->h, j->a, NULL, 0, 0, &j->d));
    const char *where = cstr_fmt(j->a, "row_index %% %d = 0", j->o->holdout_every);
    TRY(features_read(j->d, j->h, j->a, j->o->feature_table, j->o->feature_version, where,
                      &j->heldout));
    if (!j->heldout->n_rows)
        return err_set(ERR_INVALID, "validate: version %lld of %.*s has no held-out rows",
                       (long long)j->o->feature_version, STR_ARG(j->o->feature_table));
    return ERR_OK;
}

static err score(job *j, const model *m, regression_metrics *ret)
{
    const column *label;
    TRY(frame_need(j->heldout, str_c(j->a, j->o->label), &label));
    size_t n = j->heldout->n_rows;
    double *actual = arena_array(j->a, double, n), *predicted = arena_array(j->a, double, n);
    for (size_t i = 0; i < n; i++)
        actual[i] = column_f64(label, i);
    matrix x;
    TRY(frame_matrix(j->a, j->heldout, model_features(m), model_get_facts(m)->n_features, &x));
    model_predict(m, x, predicted);
    return regression_score(actual, predicted, NULL, n, ret);
}

static err pick_metric(const regression_metrics *r, str name, double *ret)
{
    if (str_is(name, "mae"))
        *ret = r->mae;
    else if (str_is(name, "rmse"))
        *ret = r->rmse;
    else if (str_is(name, "r2"))
        *ret = r->r2;
    else
        return err_set(ERR_INVALID, "gate: metric %.*s, want mae, rmse or r2", STR_ARG(name));
    return ERR_OK;
}

/* against_champion: a tie is not a win, so the same model trained again does not replace itself. */
static err against_champion(job *j, const gate_spec *g)
{
    double mine, theirs;
    TRY(pick_metric(&j->mine, g->metric, &mine));
    if (!j->champion) {
        j->r.reason = str_fmt(j->a, "first model: passes by being first (%.*s %.4f)",
                              STR_ARG(g->metric), mine);
        return ERR_OK;
    }
    TRY(pick_metric(&j->theirs, g->metric, &theirs));
    bool better = str_is(g->metric, "r2") ? mine > theirs : mine < theirs;
    bool same = j->r.champion_version == j->r.version;
    const char *how = same ? "is" : better ? "beats" : "does not beat";
    j->r.reason = str_fmt(
        j->a,
        "%.*s %.4f: version %lld %s champion version %lld (%.4f) on the same %zu held-out rows",
        STR_ARG(g->metric), mine, (long long)j->r.version, how, (long long)j->r.champion_version,
        theirs, j->heldout->n_rows);
    if (!better && !same) j->r.passed = false;
    return ERR_OK;
}

/* check_gates: *ret_broken names the declared bounds that do not hold, "" when all do. */
static err check_gates(job *j, str *ret_broken)
{
    j->r.passed = true;
    j->r.first = !j->champion;
    j->r.reason = STR("no gate compares with the champion");
    *ret_broken = STR("");
    for (size_t i = 0; i < j->o->n_gates; i++) {
        const gate_spec *g = &j->o->gates[i];
        double v;
        TRY(pick_metric(&j->mine, g->metric, &v));
        if (g->beats_champion) TRY(against_champion(j, g));
        bool over = g->has_max && !(v <= g->max), under = g->has_min && !(v >= g->min);
        if (over || under)
            *ret_broken = str_fmt(j->a, "%.*s%sgate %.*s failed: %.*s is %.4f, want %s %g",
                                  STR_ARG(*ret_broken), ret_broken->n ? "; " : "", STR_ARG(g->name),
                                  STR_ARG(g->metric), v, over ? "at most" : "at least",
                                  over ? g->max : g->min);
    }
    if (ret_broken->n) {
        j->r.passed = false;
        j->r.reason = *ret_broken;
    }
    progress_say(j->p, "%.*s", STR_ARG(j->r.reason));
    return ERR_OK;
}

static err report_json(job *j, str *ret)
{
    buf b;
    buf_init(&b, 1 << 20);
    jw w;
    jw_init(&w, &b, true);
    jw_obj(&w);
    jw_kstr(&w, "registered_model", j->o->registered_model);
    jw_ki64(&w, "version", j->r.version);
    jw_ki64(&w, "champion_version", j->r.champion_version);
    jw_kbool(&w, "passed", j->r.passed);
    jw_kstr(&w, "reason", j->r.reason);
    jw_ki64(&w, "heldout_rows", (int64_t)j->heldout->n_rows);
    jw_ki64(&w, "probes", j->r.probes);
    const struct {
        const char *name;
        const regression_metrics *m;
    } both[] = {{"challenger", &j->mine}, {"champion", j->champion ? &j->theirs : NULL}};
    for (size_t i = 0; i < countof(both); i++) {
        if (!both[i].m) continue;
        jw_key(&w, both[i].name);
        jw_obj(&w);
        jw_kf64(&w, "mae", both[i].m->mae);
        jw_kf64(&w, "rmse", both[i].m->rmse);
        jw_kf64(&w, "r2", both[i].m->r2);
        jw_obj_end(&w);
    }
    jw_obj_end(&w);
    err e = buf_err(&b, "validate: validation.json");
    if (!e) *ret = str_dup(j->a, buf_str(&b));
    buf_done(&b);
    return e;
}

static err write_down(job *j)
{
    db *d = home_db(j->h);
    str json, name = j->o->registered_model;
    TRY(report_json(j, &json));
    TRY(artifact_put(d, home_blobs(j->h), str_fmt(j->a, "runs/%.*s", STR_ARG(j->o->run_id)),
                     STR("validation.json"), json));
    int64_t now = now_ms();
    TRY(registry_version_tag(d, name, j->r.version, STR("validation.passed"),
                             j->r.passed ? STR("true") : STR("false"), now));
    TRY(registry_version_tag(d, name, j->r.version, STR("validation.reason"), j->r.reason, now));
    TRY(registry_version_tag(d, name, j->r.version, STR("validation.mae"),
                             str_fmt(j->a, "%.17g", j->mine.mae), now));
    return ERR_OK;
}

static err run_body(job *j)
{
    str broken;
    TRY(register_version(j));
    TRY(load_both(j));
    TRY(read_heldout(j));
    TRY(score(j, j->challenger, &j->mine));
    if (j->champion) {
        err e = score(j, j->champion, &j->theirs);
        if (e)
            return err_add(e, "validate: champion version %lld on the same held-out rows",
                           (long long)j->r.champion_version);
    }
    j->r.mae = j->mine.mae;
    j->r.champion_mae = j->champion ? j->theirs.mae : (double)NAN;
    TRY(check_gates(j, &broken));
    TRY(write_down(j));
    if (broken.n) return err_set(ERR_GATE, "validate: %.*s", STR_ARG(broken));
    TRY(registry_alias_set(home_db(j->h), j->o->registered_model, STR("challenger"), j->r.version,
                           -1, now_ms()));
    progress_say(j->p, "alias challenger is version %lld", (long long)j->r.version);
    return ERR_OK;
}

err validate_run(home *h, arena *a, const validate_spec *o, const progress *p, validate_result *ret)
{
    assert(h && a && o && ret);
    assert(o->load_tries >= 1 && o->load_wait_ms >= 0 && o->holdout_every >= 2);
    job j = {.h = h, .a = a, .o = o, .p = p};
    err e = run_body(&j);
    duck_free(j.d);
    model_unref(j.challenger);
    model_unref(j.champion);
    if (!e) *ret = j.r;
    return e;
}
