#include "serving/deploy.h"

#include <assert.h>
#include <math.h>

#include "base/clock.h"
#include "base/json.h"
#include "http/client.h"
#include "registry/probes.h"
#include "registry/registry.h"

enum { EXAMPLE_BYTES_MAX = 16 << 20, EXAMPLE_CELLS_MAX = 1 << 20, POLL_MS = 20, SAID_MAX = 500 };

/* What the endpoint was before this version came onto it; a tag of the version, so that a
 * deployment that was killed and repeated still knows. */
#define BEFORE_TAG  "deploy.endpointBefore"
#define BEFORE_NONE "none"

/* One call of deploy_run on its way. */
typedef struct job {
    home *h;
    arena *a;
    const deploy_spec *o;
    const progress *p;
    str url;               /* of the server */
    model_version version; /* what is deployed */
    str example;           /* its own input example, a request's body */
    int64_t champion;      /* version before; 0: none */
    bool existed, ready;   /* the endpoint was there, and answered, before */
    str before;            /* its configuration then, as PUT takes it; "": it was not there */
    int64_t served;        /* the version that it serves now; 0: none or several */
    bool as_wanted;        /* it serves the version, with the settings that are wanted */
    bool changed;          /* it may have been changed, so it has to be put back on failure */
    double test_prediction;
} job;

static err call(job *j, const char *method, const char *path, str body, int *ret_status,
                str *ret_body)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    http_call c = {.method = method,
                   .url = cstr_fmt(j->a, "%.*s%s", STR_ARG(j->url), path),
                   .headers = headers,
                   .body = body,
                   .timeout_ms = j->o->ready_ms};
    http_answer r;
    TRY(http_send(j->a, &c, &r));
    *ret_status = r.status;
    *ret_body = r.body;
    return ERR_OK;
}

/* call_ok: anything but 200 is an error that carries the server's words. */
static err call_ok(job *j, const char *method, const char *path, str body, str *ret_body)
{
    int status;
    TRY(call(j, method, path, body, &status, ret_body));
    if (status == 200) return ERR_OK;
    str said = ret_body->n > SAID_MAX ? (str){ret_body->p, SAID_MAX} : *ret_body;
    return err_set(status == 404  ? ERR_MISSING
                   : status < 500 ? ERR_INVALID
                                  : ERR_IO,
                   "deploy: %s %s answered %d: %.*s", method, path, status, STR_ARG(said));
}

static const char *endpoint_path(job *j, const char *tail)
{
    return cstr_fmt(j->a, "/api/2.0/serving-endpoints/%.*s%s", STR_ARG(j->o->endpoint), tail);
}

/* served_version: of an endpoint with exactly one entity of this model, else 0. */
static int64_t served_version(job *j, yyjson_val *endpoint, yyjson_val **ret_entity)
{
    yyjson_val *entities = yyjson_obj_get(yyjson_obj_get(endpoint, "config"), "served_entities");
    str name, version;
    int64_t n = 0;
    if (yyjson_arr_size(entities) != 1) return 0;
    yyjson_val *e = yyjson_arr_get_first(entities);
    if (json_get_str(e, "", "entity_name", &name) ||
        json_get_str(e, "", "entity_version", &version))
        return 0;
    *ret_entity = e;
    return str_eq(name, j->o->registered_model) && !parse_i64(version, &n) ? n : 0;
}

static bool settings_match(const job *j, yyjson_val *entity)
{
    str size = STR("");
    bool zero = false;
    if (json_opt_str(entity, "", "workload_size", &size) ||
        json_opt_bool(entity, "", "scale_to_zero_enabled", &zero))
        return false;
    str want = j->o->workload_size.n ? j->o->workload_size : STR("Small");
    return str_eq(size, want) && zero == j->o->scale_to_zero;
}

static void copy_keys(jw *w, buf *scratch, yyjson_val *from, const char *const *keys)
{
    for (; *keys; keys++) {
        yyjson_val *v = yyjson_obj_get(from, *keys);
        if (!v || yyjson_is_null(v)) continue;
        buf_reset(scratch);
        json_write(scratch, v);
        jw_key(w, *keys);
        jw_raw(w, buf_str(scratch));
    }
}

/* config_before: what an endpoint says of its configuration, less what is state, as PUT takes it.
 */
static err config_before(job *j, yyjson_val *config, str *ret)
{
    static const char *const of_entity[] = {"name",
                                            "entity_name",
                                            "entity_version",
                                            "workload_size",
                                            "scale_to_zero_enabled",
                                            "environment_vars",
                                            NULL};
    static const char *const of_config[] = {"traffic_config", NULL};
    yyjson_val *entities, *entity;
    size_t i, n;
    TRY(json_get_arr(config, "config", "served_entities", &entities));
    buf b, scratch;
    buf_init(&b, EXAMPLE_BYTES_MAX);
    buf_init(&scratch, EXAMPLE_BYTES_MAX);
    jw w;
    jw_init(&w, &b, false);
    jw_obj(&w);
    jw_key(&w, "served_entities");
    jw_arr(&w);
    yyjson_arr_foreach(entities, i, n, entity)
    {
        jw_obj(&w);
        copy_keys(&w, &scratch, entity, of_entity);
        jw_obj_end(&w);
    }
    jw_arr_end(&w);
    copy_keys(&w, &scratch, config, of_config);
    jw_obj_end(&w);
    err e = buf_err(&b, "deploy: the endpoint's configuration before");
    if (!e) *ret = str_dup(j->a, buf_str(&b));
    buf_done(&b);
    buf_done(&scratch);
    return e;
}

static err look(job *j)
{
    int status;
    str body, ready = STR("");
    yyjson_val *v, *config, *state, *entity = NULL;
    TRY(call(j, "GET", endpoint_path(j, ""), STR(""), &status, &body));
    j->existed = status == 200;
    if (status == 404) return ERR_OK;
    if (status != 200)
        return err_set(ERR_IO, "deploy: endpoint %.*s: the server answered %d: %.*s",
                       STR_ARG(j->o->endpoint), status,
                       (int)(body.n < SAID_MAX ? body.n : SAID_MAX), body.p);
    TRY(json_parse(j->a, body, "the endpoint's description", &v));
    TRY(json_get_obj(v, "", "config", &config));
    TRY(json_get_obj(v, "", "state", &state));
    TRY(json_opt_str(state, "state", "ready", &ready));
    j->ready = str_is(ready, "READY");
    j->served = served_version(j, v, &entity);
    j->as_wanted = j->served == j->o->version && settings_match(j, entity);
    return config_before(j, config, &j->before);
}

/* recall: the version is on the endpoint already. When an earlier try brought it there and did not
 * come to its end, what was there before it is what has to be put back. */
static void recall(job *j)
{
    if (j->served != j->o->version || j->champion == j->o->version) return;
    for (size_t i = 0; i < j->version.n_tags; i++) {
        if (!str_is(j->version.tags[i].key, BEFORE_TAG)) continue;
        str was = j->version.tags[i].value;
        j->before = str_is(was, BEFORE_NONE) ? STR("") : was;
        j->changed = true;
    }
}

static err config_json(job *j, int64_t version, bool with_name, str *ret)
{
    buf b;
    buf_init(&b, 65536);
    jw w;
    jw_init(&w, &b, false);
    jw_obj(&w);
    if (with_name) {
        jw_kstr(&w, "name", j->o->endpoint);
        jw_key(&w, "config");
        jw_obj(&w);
    }
    jw_key(&w, "served_entities");
    jw_arr(&w);
    jw_obj(&w);
    jw_kstr(&w, "entity_name", j->o->registered_model);
    jw_kstr(&w, "entity_version", str_fmt(j->a, "%lld", (long long)version));
    jw_kstr(&w, "workload_size", j->o->workload_size);
    jw_kbool(&w, "scale_to_zero_enabled", j->o->scale_to_zero);
    jw_obj_end(&w);
    jw_arr_end(&w);
    if (with_name) jw_obj_end(&w);
    jw_obj_end(&w);
    err e = buf_err(&b, "deploy: the endpoint's configuration");
    if (!e) *ret = str_dup(j->a, buf_str(&b));
    buf_done(&b);
    return e;
}

static err set_endpoint(job *j, int64_t version, bool create)
{
    str body, answer;
    TRY(config_json(j, version, create, &body));
    return create ? call_ok(j, "POST", "/api/2.0/serving-endpoints", body, &answer)
                  : call_ok(j, "PUT", endpoint_path(j, "/config"), body, &answer);
}

/* wait_ready waits until the endpoint answers, with that version (0: whatever it serves). */
static err wait_ready(job *j, int64_t version)
{
    for (int64_t until = mono_us() / 1000 + j->o->ready_ms;;) {
        str body, ready = STR("?"), update = STR("?");
        yyjson_val *v, *state, *entity;
        TRY(call_ok(j, "GET", endpoint_path(j, ""), STR(""), &body));
        TRY(json_parse(j->a, body, "the endpoint's state", &v));
        TRY(json_get_obj(v, "", "state", &state));
        TRY(json_opt_str(state, "state", "ready", &ready));
        TRY(json_opt_str(state, "state", "config_update", &update));
        if (str_is(update, "UPDATE_FAILED"))
            return err_set(ERR_IO, "deploy: endpoint %.*s: the update failed: %.*s",
                           STR_ARG(j->o->endpoint), (int)(body.n < SAID_MAX ? body.n : SAID_MAX),
                           body.p);
        if (str_is(ready, "READY") && str_is(update, "NOT_UPDATING") &&
            (!version || served_version(j, v, &entity) == version))
            return ERR_OK;
        if (mono_us() / 1000 >= until)
            return err_set(ERR_IO, "deploy: endpoint %.*s was not ready after %lld ms: %.*s, %.*s",
                           STR_ARG(j->o->endpoint), (long long)j->o->ready_ms, STR_ARG(ready),
                           STR_ARG(update));
        sleep_ms(POLL_MS);
    }
}

/* own_answer: what the model itself says to the rows of a dataframe_split. */
static err own_answer(job *j, const model *m, yyjson_val *split, double **ret, size_t *ret_n)
{
    const model_facts *f = model_get_facts(m);
    const str *names = model_features(m);
    yyjson_val *columns, *data, *row, *v;
    TRY(json_get_arr(split, "dataframe_split", "columns", &columns));
    TRY(json_get_arr(split, "dataframe_split", "data", &data));
    size_t n = yyjson_arr_size(data), cols = yyjson_arr_size(columns), r, n_rows;
    if (!n || f->n_outputs != 1 || n > EXAMPLE_CELLS_MAX / (f->n_features ? f->n_features : 1))
        return err_set(ERR_INVALID, "deploy: the input example has %zu rows: want a few", n);
    matrix x = {arena_array(j->a, double, n * f->n_features), n, f->n_features, f->n_features};
    yyjson_arr_foreach(data, r, n_rows, row)
    {
        if (yyjson_arr_size(row) != cols)
            return err_set(ERR_FORMAT, "deploy: the input example's row %zu has not %zu values", r,
                           cols);
        for (size_t i = 0; i < f->n_features; i++) {
            size_t c = 0;
            while (c < cols && !str_eq(json_str(yyjson_arr_get(columns, c)), names[i]))
                c++;
            v = c < cols ? yyjson_arr_get(row, c) : NULL;
            if (!v)
                return err_set(ERR_FORMAT, "deploy: the input example has no column %.*s",
                               STR_ARG(names[i]));
            x.v[r * x.stride + i] = yyjson_is_num(v)    ? yyjson_get_num(v)
                                    : yyjson_is_bool(v) ? yyjson_get_bool(v)
                                                        : (double)NAN;
        }
    }
    *ret = arena_array(j->a, double, n);
    model_predict(m, x, *ret);
    *ret_n = n;
    return ERR_OK;
}

static err compare_answers(job *j, str answer, const double *want, size_t n)
{
    yyjson_val *v, *predictions, *x;
    TRY(json_parse(j->a, answer, "the test prediction", &v));
    TRY(json_get_arr(v, "", "predictions", &predictions));
    if (yyjson_arr_size(predictions) != n)
        return err_set(ERR_INTERNAL, "deploy: the test prediction has %zu answers for %zu rows",
                       yyjson_arr_size(predictions), n);
    size_t i, max;
    yyjson_arr_foreach(predictions, i, max, x)
    {
        double got = yyjson_is_num(x) ? yyjson_get_num(x) : (double)NAN;
        if (memcmp(&got, &want[i], sizeof got) && !(isnan(got) && isnan(want[i])))
            return err_set(
                ERR_INTERNAL,
                "deploy: test prediction, row %zu: the endpoint answers %.17g, the model %.17g", i,
                got, want[i]);
    }
    return ERR_OK;
}

/* test_prediction sends the model's own input example through real HTTP and compares with the
 * model's own answer. */
static err test_prediction(job *j)
{
    str answer;
    yyjson_val *v, *split;
    TRY(json_parse(j->a, j->example, "serving_input_example.json", &v));
    TRY(json_get_obj(v, "", "dataframe_split", &split));
    package pack;
    model *m;
    TRY(registry_load(home_db(j->h), home_blobs(j->h), j->a, j->version.model_id, &pack, &m));
    double *want;
    size_t n;
    err e = own_answer(j, m, split, &want, &n);
    model_unref(m);
    TRY(e);
    TRY(call_ok(j, "POST",
                cstr_fmt(j->a, "/serving-endpoints/%.*s/invocations", STR_ARG(j->o->endpoint)),
                j->example, &answer));
    TRY(compare_answers(j, answer, want, n));
    j->test_prediction = want[0];
    progress_say(j->p, "test prediction through %.*s: %.6g, the model's own answer to the bit",
                 STR_ARG(j->url), want[0]);
    return ERR_OK;
}

static err change_endpoint(job *j)
{
    if (j->as_wanted) return ERR_OK; /* an earlier try got this far, or nothing is to be done */
    if (j->served != j->o->version)
        TRY(registry_version_tag(home_db(j->h), j->o->registered_model, j->o->version,
                                 STR(BEFORE_TAG), j->before.n ? j->before : STR(BEFORE_NONE),
                                 now_ms()));
    j->changed = true;
    progress_say(j->p, "endpoint %.*s: %s with version %lld", STR_ARG(j->o->endpoint),
                 j->existed ? "update" : "create", (long long)j->o->version);
    return set_endpoint(j, j->o->version, !j->existed);
}

/* move_champion is the last step, so the alias never has to be put back. When the answer to the
 * move was lost, the alias itself says whether it was made. */
static err move_champion(job *j)
{
    if (j->champion == j->o->version) return ERR_OK;
    db *d = home_db(j->h);
    err e = registry_alias_set(d, j->o->registered_model, STR("champion"), j->o->version,
                               j->champion, now_ms());
    if (e) {
        str why = str_dup(j->a, str_of(err_message()));
        model_version now;
        bool moved = !registry_alias_get(d, j->a, j->o->registered_model, STR("champion"), &now) &&
                     now.version == j->o->version;
        if (!moved) return err_set(e, "deploy: move alias champion: %.*s", STR_ARG(why));
    }
    if (j->champion)
        progress_say(j->p, "alias champion moved from version %lld to version %lld",
                     (long long)j->champion, (long long)j->o->version);
    else
        progress_say(j->p, "alias champion is version %lld, the first", (long long)j->o->version);
    return ERR_OK;
}

static err put_back(job *j)
{
    int status;
    str answer;
    if (j->before.n) {
        TRY(call_ok(j, "PUT", endpoint_path(j, "/config"), j->before, &answer));
        return j->ready ? wait_ready(j, 0) : ERR_OK;
    }
    TRY(call(j, "DELETE", endpoint_path(j, ""), STR(""), &status, &answer));
    if (status == 200 || status == 404) return ERR_OK;
    return err_set(ERR_IO, "DELETE answered %d: %.*s", status,
                   (int)(answer.n < SAID_MAX ? answer.n : SAID_MAX), answer.p);
}

static err promote(job *j)
{
    err e = change_endpoint(j);
    if (!e) e = wait_ready(j, j->o->version);
    if (!e) e = test_prediction(j);
    if (!e) e = move_champion(j);
    if (!e) return ERR_OK;
    str why = str_dup(j->a, str_of(err_message()));
    if (!j->changed) return err_set(e, "%.*s; nothing was changed", STR_ARG(why));
    if (put_back(j)) {
        str left = str_dup(j->a, str_of(err_message()));
        return err_set(
            e, "%.*s; alias champion was not moved, but the endpoint could NOT be put back: %.*s",
            STR_ARG(why), STR_ARG(left));
    }
    progress_say(j->p, "endpoint %.*s: %s", STR_ARG(j->o->endpoint),
                 j->before.n ? "put back as it was" : "removed again, as it was not there before");
    return err_set(
        e, "%.*s; everything was put back: endpoint %.*s %s, alias champion was not moved",
        STR_ARG(why), STR_ARG(j->o->endpoint), j->before.n ? "is as it was" : "is removed again");
}

static err prepare(job *j)
{
    db *d = home_db(j->h);
    err e = home_url(j->h, j->a, &j->url);
    if (e) return err_add(e, "deploy");
    TRY(registry_version_get(d, j->a, j->o->registered_model, j->o->version, &j->version));
    e = artifact_get(d, home_blobs(j->h), j->a,
                     str_fmt(j->a, "models/%.*s", STR_ARG(j->version.model_id)),
                     STR("serving_input_example.json"), EXAMPLE_BYTES_MAX, &j->example);
    if (e) return err_add(e, "deploy: the model has no input example to test the endpoint with");
    model_version champion;
    e = registry_alias_get(d, j->a, j->o->registered_model, STR("champion"), &champion);
    if (e && e != ERR_MISSING) return e;
    j->champion = e ? 0 : champion.version;
    TRY(look(j));
    recall(j);
    return ERR_OK;
}

/* curl_line: a command that works in a shell as it stands. */
static err curl_line(job *j, str *ret)
{
    buf b;
    buf_init(&b, 4 * EXAMPLE_BYTES_MAX + 65536);
    buf_fmt(
        &b,
        "curl -s %.*s/serving-endpoints/%.*s/invocations -H 'Content-Type: application/json' -d '",
        STR_ARG(j->url), STR_ARG(j->o->endpoint));
    for (size_t i = 0; i < j->example.n; i++) {
        if (j->example.p[i] == '\'')
            buf_puts(&b, STR("'\\''"));
        else if (j->example.p[i] != '\n')
            buf_putc(&b, j->example.p[i]);
    }
    buf_putc(&b, '\'');
    err e = buf_err(&b, "deploy: the curl line");
    if (!e) *ret = str_dup(j->a, buf_str(&b));
    buf_done(&b);
    return e;
}

err deploy_run(home *h, arena *a, const deploy_spec *o, const progress *p, deploy_result *ret)
{
    assert(h && a && o && ret);
    assert(o->ready_ms > 0);
    if (!o->passed) {
        progress_say(p, "not promoted: %.*s", STR_ARG(o->reason));
        *ret = (deploy_result){.version = o->version,
                               .endpoint_url = STR(""),
                               .curl = STR(""),
                               .reason = str_fmt(a, "not promoted: %.*s", STR_ARG(o->reason))};
        return ERR_OK;
    }
    job j = {.h = h, .a = a, .o = o, .p = p};
    TRY(prepare(&j));
    deploy_result r = {.promoted = true,
                       .version = o->version,
                       .previous_version = j.champion == o->version ? 0 : j.champion,
                       .endpoint_url = str_fmt(a, "%.*s/serving-endpoints/%.*s/invocations",
                                               STR_ARG(j.url), STR_ARG(o->endpoint)),
                       .reason = str_fmt(a, "promoted version %lld: %.*s", (long long)o->version,
                                         STR_ARG(o->reason))};
    TRY(curl_line(&j, &r.curl));
    TRY(promote(&j));
    r.test_prediction = j.test_prediction;
    *ret = r;
    return ERR_OK;
}
