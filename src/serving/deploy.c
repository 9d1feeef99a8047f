#include "serving/deploy.h"

#include <assert.h>

#include "base/clock.h"
#include "base/json.h"
#include "http/client.h"
#include "registry/probes.h"
#include "registry/registry.h"

enum { EXAMPLE_BYTES_MAX = 16 << 20, EXAMPLE_CELLS_MAX = 1 << 20, POLL_MS = 20 };

/* What has been changed so far, and so has to be put back when a later step fails. */
typedef enum changed { CHANGED_ENDPOINT = 1 << 0, CHANGED_ALIAS = 1 << 1 } changed;

/* One call of deploy_run on its way. */
typedef struct job {
    home *h;
    arena *a;
    const deploy_spec *o;
    const progress *p;
    str url;               /* of the server */
    model_version version; /* what is deployed */
    int64_t champion;      /* version before; 0: none */
    bool existed;          /* the endpoint was there before */
    int64_t served;        /* version that the endpoint served before; 0: none or several */
    unsigned changed;
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
    str said = ret_body->n > 500 ? (str){ret_body->p, 500} : *ret_body;
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
static int64_t served_version(job *j, yyjson_val *endpoint)
{
    yyjson_val *entities = yyjson_obj_get(yyjson_obj_get(endpoint, "config"), "served_entities");
    str name, version;
    int64_t n = 0;
    if (yyjson_arr_size(entities) != 1) return 0;
    yyjson_val *e = yyjson_arr_get_first(entities);
    if (json_get_str(e, "", "entity_name", &name) ||
        json_get_str(e, "", "entity_version", &version))
        return 0;
    return str_eq(name, j->o->registered_model) && !parse_i64(version, &n) ? n : 0;
}

static err look(job *j)
{
    int status;
    str body;
    yyjson_val *v;
    TRY(call(j, "GET", endpoint_path(j, ""), STR(""), &status, &body));
    j->existed = status == 200;
    if (status == 404) return ERR_OK;
    if (status != 200)
        return err_set(ERR_IO, "deploy: endpoint %.*s: the server answered %d: %.*s",
                       STR_ARG(j->o->endpoint), status, STR_ARG(body));
    TRY(json_parse(j->a, body, "the endpoint's description", &v));
    j->served = served_version(j, v);
    return ERR_OK;
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

static err wait_ready(job *j)
{
    for (int64_t until = mono_us() / 1000 + j->o->ready_ms;;) {
        str body, ready = STR("?"), update = STR("?");
        yyjson_val *v, *state;
        TRY(call_ok(j, "GET", endpoint_path(j, ""), STR(""), &body));
        TRY(json_parse(j->a, body, "the endpoint's state", &v));
        TRY(json_get_obj(v, "", "state", &state));
        TRY(json_opt_str(state, "state", "ready", &ready));
        TRY(json_opt_str(state, "state", "config_update", &update));
        if (str_is(update, "UPDATE_FAILED"))
            return err_set(ERR_IO, "deploy: endpoint %.*s: the update failed: %.*s",
                           STR_ARG(j->o->endpoint), STR_ARG(body));
        if (str_is(ready, "READY") && str_is(update, "NOT_UPDATING") &&
            served_version(j, v) == j->o->version)
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
                                                        : (double)__builtin_nan("");
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
        double got = yyjson_get_num(x);
        if (memcmp(&got, &want[i], sizeof got))
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
    str example, answer;
    const char *root = cstr_fmt(j->a, "models/%.*s", STR_ARG(j->version.model_id));
    err e = artifact_get(home_db(j->h), home_blobs(j->h), j->a, str_of(root),
                         STR("serving_input_example.json"), EXAMPLE_BYTES_MAX, &example);
    if (e) return err_add(e, "deploy: the model has no input example to test the endpoint with");
    yyjson_val *v, *split;
    TRY(json_parse(j->a, example, "serving_input_example.json", &v));
    TRY(json_get_obj(v, "", "dataframe_split", &split));
    package pack;
    model *m;
    TRY(registry_load(home_db(j->h), home_blobs(j->h), j->a, j->version.model_id, &pack, &m));
    double *want;
    size_t n;
    e = own_answer(j, m, split, &want, &n);
    model_unref(m);
    TRY(e);
    TRY(call_ok(j, "POST",
                cstr_fmt(j->a, "/serving-endpoints/%.*s/invocations", STR_ARG(j->o->endpoint)),
                example, &answer));
    TRY(compare_answers(j, answer, want, n));
    j->test_prediction = want[0];
    progress_say(j->p, "test prediction through %.*s: %.6g, the model's own answer to the bit",
                 STR_ARG(j->url), want[0]);
    return ERR_OK;
}

/* put_back undoes what was changed, newest first. *ret_left says what could not be undone, "" when
 * all is as it was. */
static void put_back(job *j, str *ret_left)
{
    *ret_left = STR("");
    int64_t now = now_ms();
    if (j->changed & CHANGED_ALIAS) {
        err e = j->champion ? registry_alias_set(home_db(j->h), j->o->registered_model,
                                                 STR("champion"), j->champion, j->o->version, now)
                            : registry_alias_delete(home_db(j->h), j->o->registered_model,
                                                    STR("champion"), now);
        if (e) *ret_left = str_fmt(j->a, "alias champion: %s", err_message());
    }
    if (!(j->changed & CHANGED_ENDPOINT)) return;
    str answer;
    err e = ERR_OK;
    if (j->served)
        e = set_endpoint(j, j->served, false);
    else if (!j->existed)
        e = call_ok(j, "DELETE", endpoint_path(j, ""), STR(""), &answer);
    else if (j->champion)
        e = set_endpoint(j, j->champion, false);
    if (e)
        *ret_left = str_fmt(j->a, "%.*s%sendpoint: %s", STR_ARG(*ret_left), ret_left->n ? "; " : "",
                            err_message());
}

static err change_endpoint(job *j)
{
    if (j->served == j->o->version) { /* an earlier try got this far */
        if (j->champion != j->o->version) j->served = j->champion;
        j->changed |= CHANGED_ENDPOINT;
        return ERR_OK;
    }
    j->changed |= CHANGED_ENDPOINT;
    progress_say(j->p, "endpoint %.*s: %s with version %lld", STR_ARG(j->o->endpoint),
                 j->existed ? "update" : "create", (long long)j->o->version);
    return set_endpoint(j, j->o->version, !j->existed);
}

static err move_champion(job *j)
{
    if (j->champion == j->o->version) return ERR_OK;
    TRY(registry_alias_set(home_db(j->h), j->o->registered_model, STR("champion"), j->o->version,
                           j->champion, now_ms()));
    j->changed |= CHANGED_ALIAS;
    progress_say(j->p, "alias champion moved from %s%lld to version %lld",
                 j->champion ? "version " : "none, ", (long long)j->champion,
                 (long long)j->o->version);
    return ERR_OK;
}

static err promote(job *j)
{
    err e = change_endpoint(j);
    if (!e) e = wait_ready(j);
    if (!e) e = test_prediction(j);
    if (!e) e = move_champion(j);
    if (!e) return ERR_OK;
    str why = str_dup(j->a, str_of(err_message())), left;
    put_back(j, &left);
    if (left.n)
        return err_set(e, "%.*s; NOT everything could be put back: %.*s", STR_ARG(why),
                       STR_ARG(left));
    return err_set(e, "%.*s; everything was put back: champion is %s%lld", STR_ARG(why),
                   j->champion ? "version " : "none, ", (long long)j->champion);
}

static err prepare(job *j)
{
    db *d = home_db(j->h);
    err e = home_url(j->h, j->a, &j->url);
    if (e) return err_add(e, "deploy");
    TRY(registry_version_get(d, j->a, j->o->registered_model, j->o->version, &j->version));
    model_version champion;
    e = registry_alias_get(d, j->a, j->o->registered_model, STR("champion"), &champion);
    if (e && e != ERR_MISSING) return e;
    j->champion = e ? 0 : champion.version;
    return look(j);
}

/* curl_line: a command that works in a shell as it stands. */
static err curl_line(job *j, str *ret)
{
    str example;
    TRY(artifact_get(home_db(j->h), home_blobs(j->h), j->a,
                     str_fmt(j->a, "models/%.*s", STR_ARG(j->version.model_id)),
                     STR("serving_input_example.json"), EXAMPLE_BYTES_MAX, &example));
    buf b;
    buf_init(&b, EXAMPLE_BYTES_MAX + 65536);
    buf_fmt(
        &b,
        "curl -s %.*s/serving-endpoints/%.*s/invocations -H 'Content-Type: application/json' -d '",
        STR_ARG(j->url), STR_ARG(j->o->endpoint));
    for (size_t i = 0; i < example.n; i++)
        buf_puts(&b,
                 example.p[i] == '\'' ? STR("'\\''") : (str){example.p + i, example.p[i] != '\n'});
    buf_putc(&b, '\'');
    err e = buf_err(&b, "deploy: the curl line");
    if (!e) *ret = str_dup(j->a, buf_str(&b));
    buf_done(&b);
    return e;
}

err deploy_run(home *h, arena *a, const deploy_spec *o, const progress *p, deploy_result *ret)
{
    assert(h && a && o && ret);
    if (!o->passed) {
        progress_say(p, "not promoted: %.*s", STR_ARG(o->reason));
        *ret = (deploy_result){.version = o->version,
                               .reason = str_fmt(a, "not promoted: %.*s", STR_ARG(o->reason))};
        return ERR_OK;
    }
    job j = {.h = h, .a = a, .o = o, .p = p};
    TRY(prepare(&j));
    TRY(promote(&j));
    deploy_result r = {.promoted = true,
                       .version = o->version,
                       .previous_version = j.champion == o->version ? 0 : j.champion,
                       .endpoint_url = str_fmt(a, "%.*s/serving-endpoints/%.*s/invocations",
                                               STR_ARG(j.url), STR_ARG(o->endpoint)),
                       .reason = str_fmt(a, "promoted version %lld: %.*s", (long long)o->version,
                                         STR_ARG(o->reason)),
                       .test_prediction = j.test_prediction};
    TRY(curl_line(&j, &r.curl));
    *ret = r;
    return ERR_OK;
}
