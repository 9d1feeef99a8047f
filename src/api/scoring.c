/* The hot path: one scoring request. On the loop nothing is allocated beyond the request's arena,
 * and its first block is kept. */
#include <assert.h>
#include <math.h>

#include "api/api_int.h"
#include "api/rows_int.h"
#include "base/clock.h"

enum {
    LOOP_PREDICT_US = 50,       /* a request whose rows take longer is predicted on the pool */
    LOOP_BODY_MAX = 16 * 1024,  /* and so is one whose bytes take as long to read */
    ANSWER_CELLS_MAX = 4 << 20, /* numbers in one answer */
    PICK_TRIES = 64,
};

#define PREFIX "/serving-endpoints/"
#define SUFFIX "/invocations"

bool scoring_path(str path, str *ret_name)
{
    const size_t before = sizeof PREFIX - 1, after = sizeof SUFFIX - 1;
    if (path.n <= before + after || memcmp(path.p, PREFIX, before) != 0) return false;
    str name = {path.p + before, path.n - before - after};
    if (memcmp(name.p + name.n, SUFFIX, after) != 0 || memchr(name.p, '/', name.n)) return false;
    *ret_name = name;
    return true;
}

/* The route's own line in the table is for the docs; POST never comes here. */
err handle_scoring(call *c)
{
    return call_refuse(c, 405, NULL, "%.*s takes only POST", STR_ARG(c->r->path));
}

static bool is_json(const http_request *r)
{
    str type = http_find_header(r, "Content-Type"), main, parameters;
    str_cut(type, ';', &main, &parameters);
    return str_is(main, "application/json") ||
           str_eq_nocase(str_trim(main), STR("application/json"));
}

static void refuse_type(http_request *r, http_response *w)
{
    str type = http_find_header(r, "Content-Type");
    answer_error(r->a, w, 415, NULL,
                 type.n ? cstr_fmt(r->a, "Content-Type is %.*s, want application/json",
                                   (int)(type.n < 100 ? type.n : 100), type.p)
                        : "Content-Type is missing, want application/json");
}

/* plain_name: endpoint names need no escapes, but some client may write them. */
static bool plain_name(http_request *r, http_response *w, str *name)
{
    if (!memchr(name->p, '%', name->n)) return true;
    if (!http_unescape(r->a, *name, name)) return true;
    answer_err(r->a, w, ERR_INVALID, NULL);
    return false;
}

static void refuse_endpoint(http_request *r, http_response *w, str name, bool exists)
{
    str n = name.n <= ENDPOINT_NAME_MAX ? name : (str){name.p, ENDPOINT_NAME_MAX};
    if (exists)
        answer_error(
            r->a, w, 503, NULL,
            cstr_fmt(r->a,
                     "endpoint %.*s is not ready: GET /api/2.0/serving-endpoints/%.*s tells why",
                     STR_ARG(n), STR_ARG(n)));
    else
        answer_error(
            r->a, w, 404, "RESOURCE_DOES_NOT_EXIST",
            cstr_fmt(r->a, "there is no endpoint %.*s: GET /api/2.0/serving-endpoints lists them",
                     STR_ARG(n)));
}

static err read_rows(const served *e, http_request *r, matrix *ret)
{
    rows_form f = {&e->inputs, e->to_model, e->n_features};
    return rows_parse(r->a, &f, r->body, ret);
}

static bool is_dear(const served *e, size_t rows)
{
    return (double)rows * e->predict_us > LOOP_PREDICT_US;
}

static char *put(char *p, const char *text, size_t n)
{
    memcpy(p, text, n);
    return p + n;
}

/* JSON has no NaN and no infinity: they are strings, as everywhere in MLflow's protocol. */
static char *put_number(char *p, double v)
{
    bool quoted = !isfinite(v);
    if (quoted) *p++ = '"';
    p += f64_print(v, p);
    if (quoted) *p++ = '"';
    return p;
}

/* put_predictions: a number a row, or a list of numbers where the model has several outputs. */
static char *put_predictions(char *p, const double *v, size_t rows, size_t outputs)
{
    p = put(p, "{\"predictions\":[", 16);
    for (size_t r = 0; r < rows; r++) {
        if (r) *p++ = ',';
        if (outputs != 1) *p++ = '[';
        for (size_t k = 0; k < outputs; k++) {
            if (k) *p++ = ',';
            p = put_number(p, v[r * outputs + k]);
        }
        if (outputs != 1) *p++ = ']';
    }
    return put(p, "]}", 2);
}

static err predict(const served *e, http_request *r, http_response *w, matrix x)
{
    size_t cells;
    if (!size_mul(x.rows, e->n_outputs, &cells) || cells > ANSWER_CELLS_MAX)
        return err_set(ERR_LIMIT,
                       "%zu rows with %zu outputs each in one request, want at most %d numbers in "
                       "the answer: send several requests",
                       x.rows, e->n_outputs, ANSWER_CELLS_MAX);
    double *out = arena_alloc_raw(r->a, cells, sizeof *out);
    if (x.rows) model_predict(e->model, x, out);
    size_t most = 32 + cells * (F64_PRINT_MAX + 3) + x.rows * 3;
    char *text = arena_alloc_raw(r->a, most, 1),
         *end = put_predictions(text, out, x.rows, e->n_outputs);
    assert((size_t)(end - text) <= most);
    w->body = (str){text, (size_t)(end - text)};
    return ERR_OK;
}

/* finish predicts the rows, or says why there are none; and counts. */
static void finish(const served *e, http_request *r, http_response *w, err read, matrix x)
{
    err failed = read ? read : predict(e, r, w, x);
    if (failed)
        answer_err(r->a, w, failed, "BAD_REQUEST");
    else
        call_header(w, STR("served-model-name"), e->name);
    int64_t took_us = mono_us() - r->start_us;
    served_count(e, failed ? 0 : x.rows, !failed, took_us > 0 ? took_us : 0);
}

http_next scoring_on_loop(api *a, http_request *r, http_response *w, str name)
{
    bool exists = false;
    matrix x = {0};
    if (!is_json(r)) {
        refuse_type(r, w);
        return HTTP_ANSWER;
    }
    if (!plain_name(r, w, &name)) return HTTP_ANSWER;
    const served *e = serving_pick(a->o.serving, r->loop, name, &exists);
    if (!e) {
        refuse_endpoint(r, w, name, exists);
        return HTTP_ANSWER;
    }
    if (r->body.n > LOOP_BODY_MAX) return HTTP_DEFER;
    err read = read_rows(e, r, &x);
    if (!read && is_dear(e, x.rows)) return HTTP_DEFER;
    finish(e, r, w, read, x);
    return HTTP_ANSWER;
}

/* chance: splitmix64 of a counter (Steele, Lea, Flood 2014). */
static uint64_t chance(api *a)
{
    const uint64_t step = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = step + atomic_fetch_add_explicit(&a->draws, step, memory_order_relaxed);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* pick_again: a short request comes here only because the entity that the loop had picked is dear.
 * What the loop would have answered itself is not picked here, so that the split stays as it was
 * declared. */
static const served *pick_again(api *a, const serving_view *v, http_request *r, str name,
                                bool *ret_exists, err *ret_read, matrix *ret_x)
{
    const served *e = NULL, *cheap = NULL;
    for (int i = 0; i < PICK_TRIES; i++) {
        e = serving_pick_held(v, chance(a), name, ret_exists);
        if (!e) return NULL;
        if (e == cheap) continue;
        *ret_read = read_rows(e, r, ret_x);
        if (r->body.n > LOOP_BODY_MAX || (!*ret_read && is_dear(e, ret_x->rows))) return e;
        cheap = e;
    }
    return e;
}

void scoring_on_pool(api *a, http_request *r, http_response *w, str name)
{
    bool exists = false;
    err read = ERR_OK;
    matrix x = {0};
    if (!plain_name(r, w, &name)) return;
    const serving_view *v = serving_hold(a->o.serving);
    const served *e = pick_again(a, v, r, name, &exists, &read, &x);
    if (e) {
        finish(e, r, w, read, x);
        for (size_t i = 0; i < w->n_extra; i++) /* e may be gone when the answer is sent */
            w->extra[i].value = str_dup(r->a, w->extra[i].value);
    } else {
        refuse_endpoint(r, w, name, exists);
    }
    serving_drop(a->o.serving, v);
}
