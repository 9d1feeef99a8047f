/* api: what the files of this room share. Private to api.
 *
 * A request goes  api.c → (scoring.c | router.c → a handler of routes.c | page.c) → answer. A
 * handler either writes JSON into call_json(), or puts bytes into c->w itself, or returns an error,
 * which route_run turns into MLflow's form. */
#ifndef TIDEMILL_API_API_INT_H
#define TIDEMILL_API_API_INT_H

#include <stdatomic.h>

#include "api/api.h"
#include "base/json.h"
#include "serving/serving.h"

enum {
    API_BODY_MAX = 1 << 20,     /* bytes of a request that carries a description */
    SCORING_BODY_MAX = 1 << 30, /* of a scoring request: the server's own limit decides */
    ANSWER_MAX = 64 << 20,      /* bytes of a JSON answer */
    PATH_ARGS_MAX = 2,
};

struct api { /* immutable after api_set_server, but for the atomics */
    api_options o;
    int64_t started_ms;
    _Atomic(http_server *) server;
    atomic_bool draining;
    _Atomic uint64_t draws; /* chances for picks on the pool */
};

/* One request on its way through a handler. One thread. */
typedef struct call {
    api *api;
    http_request *r;
    http_response *w;
    arena *a;               /* the request's */
    str arg[PATH_ARGS_MAX]; /* what stood for {…} in the path, decoded, NUL behind the end */
    yyjson_val *body;       /* by call_body */
    buf *out;               /* by call_json */
    jw json;
} call;

/* ---- routes.c: the table. router.c: finding in it. */
typedef err (*route_handler)(call *c);

typedef enum route_where {
    ON_LOOP, /* never blocks */
    ON_POOL
} route_where;

typedef struct route {
    const char *method; /* GET answers HEAD too; "*" is every method */
    const char *path;   /* {name}: one level; {name...} at the end: the rest, one level at least */
    route_handler handler;
    route_where where;
    size_t body_max; /* bytes; 0: no body */
    const char *summary;
} route;

extern const route routes[];
extern const size_t n_routes;

typedef struct match {
    const route *route;     /* NULL: no such path, or not with this method */
    str arg[PATH_ARGS_MAX]; /* as sent */
    bool other_method;      /* the path is there, the method is not */
} match;

/* route_find allocates nothing. MLflow's paths are found below /ajax-api/2.0/mlflow as well. */
void route_find(str method, str path, match *ret);
/* route_allow: the methods of a path, as the header Allow names them. Owner: a. */
str route_allow(arena *a, str path);
void route_run(api *a, const match *m, http_request *r, http_response *w);
/* routes_print writes docs/http.md. */
void routes_print(buf *b);

/* ---- call.c: parameters and answers */
/* call_json begins the JSON answer; route_run ends it. */
jw *call_json(call *c);
/* call_body: the request's body as an object; an empty body is an empty object. */
MUST_CHECK err call_body(call *c, yyjson_val **ret);
/* Parameters: of the query for GET and HEAD, else fields of the body. Numbers and their digits as a
 * string mean the same. *ret stays as it is when absent. */
MUST_CHECK err call_str(call *c, const char *key, str *ret);
MUST_CHECK err call_i64(call *c, const char *key, int64_t *ret);
MUST_CHECK err call_need(call *c, const char *key, str *ret); /* ERR_INVALID in MLflow's words */
/* call_header adds a header to the answer. Both borrowed until the answer is sent. */
void call_header(http_response *w, str name, str value);

/* A page of a list: [offset, offset + max), by max_results and page_token. */
typedef struct page_of {
    size_t offset, max;
} page_of;
MUST_CHECK err call_page(call *c, size_t preset, size_t most, page_of *ret);
/* call_next_page writes next_page_token when there is more. */
void call_next_page(call *c, jw *w, const page_of *p, bool more);
/* page_token.c: base64 of {"offset": N}, as MLflow makes it. */
str page_token_make(arena *a, size_t offset);
MUST_CHECK err page_token_read(arena *a, str token, size_t *ret);

/* ---- error.c */
/* answer_error writes MLflow's error form; code NULL: the one that goes with the status. */
void answer_error(arena *a, http_response *w, int status, const char *code, const char *message);
/* answer_err: by the kind of e, with this thread's message. bad_input: the code of 400. */
void answer_err(arena *a, http_response *w, err e, const char *bad_input);
/* call_refuse answers with a status that no err stands for, e.g. 501. Returns ERR_OK. */
__attribute__((format(printf, 4, 5))) MUST_CHECK err call_refuse(call *c, int status,
                                                                 const char *code, const char *fmt,
                                                                 ...);

/* ---- scoring.c */
/* scoring_path: the endpoint's name, as sent, when path is that of a scoring request. */
bool scoring_path(str path, str *ret_name);
http_next scoring_on_loop(api *a, http_request *r, http_response *w, str name);
void scoring_on_pool(api *a, http_request *r, http_response *w, str name);

/* ---- page.c */
/* page_answer: the file of that path, or the page itself for a path of its own; false: not a thing
 * of the page. Never blocks. */
bool page_answer(http_request *r, http_response *w);

/* ---- handlers, one line each in the table */
#define API_HANDLERS(X)                                                                            \
    X(health)                                                                                      \
    X(ready)                                                                                       \
    X(protocol_version)                                                                            \
    X(own_version)                                                                                 \
    X(metrics)                                                                                     \
    X(scoring)                                                                                     \
    X(page)                                                                                        \
    X(well_known)                                                                                  \
    X(endpoint_create)                                                                             \
    X(endpoint_list)                                                                               \
    X(endpoint_get)                                                                                \
    X(endpoint_update)                                                                             \
    X(endpoint_delete)                                                                             \
    X(experiments_search)                                                                          \
    X(experiment_get)                                                                              \
    X(experiment_by_name)                                                                          \
    X(run_get)                                                                                     \
    X(runs_search)                                                                                 \
    X(metric_history)                                                                              \
    X(model_get)                                                                                   \
    X(models_search)                                                                               \
    X(model_alias)                                                                                 \
    X(version_get)                                                                                 \
    X(versions_search)                                                                             \
    X(artifacts_list)                                                                              \
    X(artifact_get)                                                                                \
    X(not_yet)                                                                                     \
    X(overview)                                                                                    \
    X(own_runs)                                                                                    \
    X(own_monitors)                                                                                \
    X(own_jobs)                                                                                    \
    X(own_job_runs)                                                                                \
    X(own_signature)
#define API_DECLARE(name) MUST_CHECK err handle_##name(call *c);
API_HANDLERS(API_DECLARE)
#undef API_DECLARE

#endif
