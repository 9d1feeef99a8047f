/* api: the wire protocols, thin: each handler turns outside words into one call of a room and its
 * answer back. One declarative table of routes (api/routes.c) feeds the router, the body limits and
 * docs/http.md.
 *
 * Threads: the http_app's calls come from loops and pool at once; everything else from the thread
 * that made the api. Immutable after api_set_server but for atomics. */
#ifndef TIDEMILL_API_API_H
#define TIDEMILL_API_API_H

#include <stddef.h>

#include "base/clock.h"
#include "base/mem.h"
#include "home/home.h"
#include "http/server.h"
#include "serving/serving.h"

/* The MLflow version whose protocol we speak: what GET /version answers. */
#define MLFLOW_PROTOCOL_VERSION "3.17.2"

typedef struct api api;
typedef struct api_options {
    home *home;                  /* its owner's */
    serving *serving;            /* with at least n_loops readers */
    const clk *clock;            /* times of creation and change */
    const char *version, *build; /* of this program, as /api/version tells them */
    size_t n_loops;              /* of the server */
} api_options;

/* api_new borrows all that o names until api_free. Owner: the caller. */
api *api_new(const api_options *o);
/* api_free: when no server uses its api_app any more. NULL is a no-op. */
void api_free(api *a);
AUTO_DEFINE(api)

/* api_app: what http_options.app wants. Valid until api_free. */
http_app api_app(api *a);
/* api_set_server: whose counters /metrics shows; after http_server_new. NULL before
 * http_server_free. Borrowed. */
void api_set_server(api *a, http_server *s);
/* api_set_draining: /ready answers 503 from now on, so that a balancer looks elsewhere. */
void api_set_draining(api *a);

#endif
