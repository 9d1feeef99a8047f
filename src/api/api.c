#include "api/api.h"

#include <assert.h>

#include "api/api_int.h"
#include "base/log.h"

api *api_new(const api_options *o)
{
    assert(o && o->home && o->serving && o->clock && o->version && o->build && o->n_loops);
    api *a = mem_new(1, sizeof *a);
    a->o = *o;
    a->started_ms = now_ms();
    return a;
}

void api_free(api *a)
{
    mem_free(a);
}

void api_set_server(api *a, http_server *s)
{
    atomic_store(&a->server, s);
}

void api_set_draining(api *a)
{
    atomic_store(&a->draining, true);
}

/* What no route and no file answers. */
static void answer_unknown(const match *m, http_request *r, http_response *w)
{
    str path = r->path.n <= 200 ? r->path : (str){r->path.p, 200};
    if (m->other_method) {
        str allow = route_allow(r->a, r->path);
        call_header(w, STR("Allow"), allow);
        answer_error(r->a, w, 405, NULL,
                     cstr_fmt(r->a, "%.*s does not take %.*s, it takes %.*s", STR_ARG(path),
                              STR_ARG(r->method), STR_ARG(allow)));
    } else {
        answer_error(r->a, w, 404, NULL,
                     cstr_fmt(r->a, "there is nothing at %.*s, see docs/http.md", STR_ARG(path)));
    }
}

static http_next on_request(void *ctx, http_request *r, http_response *w)
{
    api *a = ctx;
    str name;
    if (scoring_path(r->path, &name) && str_is(r->method, "POST"))
        return scoring_on_loop(a, r, w, name);
    match m;
    route_find(r->method, r->path, &m);
    if (m.route && m.route->where == ON_POOL) return HTTP_DEFER;
    if (m.route)
        route_run(a, &m, r, w);
    else if (m.other_method || !page_answer(r, w))
        answer_unknown(&m, r, w);
    return HTTP_ANSWER;
}

static void on_work(void *ctx, http_request *r, http_response *w)
{
    api *a = ctx;
    str name;
    if (scoring_path(r->path, &name) && str_is(r->method, "POST")) {
        scoring_on_pool(a, r, w, name);
    } else {
        match m;
        route_find(r->method, r->path, &m);
        route_run(a, &m, r, w);
    }
    if (w->status >= 500 && w->status != 501)
        log_error("api", "answered %d method=%.*s path=\"%.*s\" answer=%.*s", w->status,
                  STR_ARG(r->method), STR_ARG(r->path), (int)(w->body.n < 1000 ? w->body.n : 1000),
                  w->body.p);
}

/* A path that is not there may have a body too: the answer is to be 404, not 413. */
static size_t body_max(void *ctx, str method, str path)
{
    (void)ctx;
    str name;
    if (scoring_path(path, &name)) return SCORING_BODY_MAX;
    match m;
    route_find(method, path, &m);
    return m.route ? m.route->body_max : API_BODY_MAX;
}

static void turn_enter(void *ctx, size_t loop)
{
    serving_enter(((api *)ctx)->o.serving, loop);
}

static void turn_leave(void *ctx, size_t loop)
{
    serving_leave(((api *)ctx)->o.serving, loop);
}

static void on_refuse(void *ctx, str path, int status, const char *why, arena *a, http_response *w)
{
    (void)ctx;
    (void)path;
    answer_error(a, w, status, NULL, why);
}

http_app api_app(api *a)
{
    return (http_app){.on_request = on_request,
                      .on_work = on_work,
                      .body_max = body_max,
                      .turn_enter = turn_enter,
                      .turn_leave = turn_leave,
                      .on_refuse = on_refuse,
                      .ctx = a};
}
