/* A run's artifacts: lists in MLflow's form, and the bytes themselves. */
#include "api/api_int.h"
#include "tracking/tracking.h"

enum { ARTIFACT_MAX = 256 << 20 };

/* What a browser gets to know; everything else is bytes to keep. Never a guess from the content. */
static const char *const types[][2] = {
    {".css", "text/css; charset=utf-8"},
    {".csv", "text/csv; charset=utf-8"},
    {".gif", "image/gif"},
    {".html", "text/html; charset=utf-8"},
    {".jpeg", "image/jpeg"},
    {".jpg", "image/jpeg"},
    {".json", "application/json"},
    {".md", "text/markdown; charset=utf-8"},
    {".pdf", "application/pdf"},
    {".png", "image/png"},
    {".svg", "image/svg+xml"},
    {".txt", "text/plain; charset=utf-8"},
    {".webp", "image/webp"},
    {".xml", "text/xml; charset=utf-8"},
    {".yaml", "text/plain; charset=utf-8"},
    {".yml", "text/plain; charset=utf-8"},
    {".log", "text/plain; charset=utf-8"},
    {".lgb", "text/plain; charset=utf-8"},
    {"MLmodel", "text/plain; charset=utf-8"},
};

static const char *type_of(str path)
{
    for (size_t i = 0; i < countof(types); i++)
        if (str_ends(path, types[i][0])) return types[i][1];
    return "application/octet-stream";
}

/* run_root: "runs/<id>", the id checked by its look: it stands in a path. */
static err run_root(call *c, str *ret)
{
    str id = STR("");
    TRY(call_str(c, "run_uuid", &id));
    if (!id.n) TRY(call_need(c, "run_id", &id));
    for (size_t i = 0; i < id.n; i++)
        if (id.p[i] == '/' || id.p[i] == '.')
            return err_set(ERR_INVALID, "Invalid run id: '%.*s'", (int)(id.n < 100 ? id.n : 100),
                           id.p);
    *ret = str_fmt(c->a, "runs/%.*s", STR_ARG(id));
    return ERR_OK;
}

err handle_artifacts_list(call *c)
{
    str root, dir = STR("");
    artifact *v;
    size_t n;
    run r;
    TRY(run_root(c, &root));
    TRY(call_str(c, "path", &dir));
    TRY(tracking_run_get(home_db(c->api->o.home), c->a, (str){root.p + 5, root.n - 5}, &r));
    TRY(artifact_list(home_db(c->api->o.home), c->a, root, dir, &v, &n));
    jw *w = call_json(c);
    jw_obj(w);
    jw_kstr(w, "root_uri", r.artifact_uri);
    jw_key(w, "files");
    jw_arr(w);
    for (size_t i = 0; i < n; i++) {
        jw_obj(w);
        jw_kstr(w, "path", v[i].path);
        jw_kbool(w, "is_dir", v[i].is_dir);
        if (!v[i].is_dir) jw_ki64(w, "file_size", v[i].size);
        jw_obj_end(w);
    }
    jw_arr_end(w);
    jw_obj_end(w);
    return ERR_OK;
}

err handle_artifact_get(call *c)
{
    str root, path, bytes;
    home *h = c->api->o.home;
    TRY(run_root(c, &root));
    TRY(call_need(c, "path", &path));
    TRY(artifact_get(home_db(h), home_blobs(h), c->a, root, path, ARTIFACT_MAX, &bytes));
    c->w->content_type = type_of(path);
    c->w->body = bytes;
    /* Somebody's HTML or SVG runs nothing and reaches nothing, even when opened by itself. */
    call_header(c->w, STR("Content-Security-Policy"),
                STR("sandbox; default-src 'none'; style-src 'unsafe-inline'"));
    call_header(c->w, STR("X-Content-Type-Options"), STR("nosniff"));
    return ERR_OK;
}
