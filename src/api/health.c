/* What watches over the server: alive, ready, which version. Nothing here blocks. */
#include "api/api_int.h"

static const char plain[] = "text/plain; charset=utf-8";

static bool wants_json(const http_request *r)
{
    size_t at;
    return str_find(http_find_header(r, "Accept"), STR("application/json"), &at);
}

err handle_health(call *c)
{
    bool json = wants_json(c->r);
    if (!json) c->w->content_type = plain;
    c->w->body = json ? STR("{\"status\":\"healthy\"}") : STR("OK");
    return ERR_OK;
}

err handle_ready(call *c)
{
    bool json = wants_json(c->r), draining = atomic_load(&c->api->draining);
    if (draining) c->w->status = 503;
    if (!json) c->w->content_type = plain;
    if (json)
        c->w->body = draining ? STR("{\"status\":\"draining\"}") : STR("{\"status\":\"ready\"}");
    else
        c->w->body = draining ? STR("draining") : STR("OK");
    return ERR_OK;
}

err handle_protocol_version(call *c)
{
    c->w->content_type = plain;
    c->w->body = STR(MLFLOW_PROTOCOL_VERSION);
    return ERR_OK;
}

err handle_own_version(call *c)
{
    jw *w = call_json(c);
    jw_obj(w);
    jw_kcstr(w, "version", c->api->o.version);
    jw_kcstr(w, "build", c->api->o.build);
    jw_kcstr(w, "mlflow", MLFLOW_PROTOCOL_VERSION);
    jw_obj_end(w);
    return ERR_OK;
}
