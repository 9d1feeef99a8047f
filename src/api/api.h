/* api: the wire protocols, thin: each handler turns outside words into one call of a room and its
 * answer back. One declarative table of routes (api/routes.c) feeds the router, the docs and the
 * list of endpoints. */
#ifndef TIDEMILL_API_API_H
#define TIDEMILL_API_API_H

#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "home/home.h"
#include "http/server.h"
#include "serving/serving.h"

/* The MLflow version whose protocol we speak: what GET /version answers. */
#define MLFLOW_PROTOCOL_VERSION "3.17.2"

typedef struct api api;
typedef struct api_options {
    home *home;
    serving *serving;
    const clk *clock;
    const char *version, *build; /* of this program */
    size_t n_loops;
} api_options;
api *api_new(const api_options *o); /* everything borrowed */
void api_free(api *a);
http_app api_app(api *a);                    /* for http_options.app */
void api_set_server(api *a, http_server *s); /* for /metrics and /ready; after http_server_new */
void api_set_draining(api *a);               /* /ready answers 503 from now on */

#endif
