#include <assert.h>

#include "api/api_int.h"

/* MLflow's page calls the same routes below /ajax-api. */
#define MLFLOW "/api/2.0/mlflow"
#define AJAX   "/ajax-api/2.0/mlflow"

static str plain_path(str path)
{
    const size_t cut = sizeof "/ajax-" - 1, mark = sizeof AJAX - 1;
    if (path.n <= mark || memcmp(path.p, AJAX, mark) != 0) return path;
    if (path.p[mark] != '/' && !str_starts((str){path.p + mark, path.n - mark}, "-artifacts"))
        return path;
    return (str){path.p + cut, path.n - cut}; /* without the slash in front, see below */
}

/* path_fits compares level by level; args are borrowed from path. */
static bool path_fits(const char *pattern, str path, str *arg)
{
    const char *p = pattern + 1, *s = path.p, *end = path.p + path.n;
    size_t n = 0;
    if (s < end && *s == '/') s++;
    while (*p) {
        if (*p != '{') {
            if (s == end || *s != *p) return false;
            p++, s++;
            continue;
        }
        const char *close = strchr(p, '}');
        assert(close && n < PATH_ARGS_MAX);
        bool rest = close[-1] == '.';
        const char *from = s;
        while (s < end && (rest || *s != '/'))
            s++;
        if (s == from) return false;
        arg[n++] = (str){from, (size_t)(s - from)};
        p = close + 1;
    }
    return s == end;
}

static bool method_fits(const char *want, str method)
{
    if (*want == '*') return true;
    return str_is(method, want) || (str_is(method, "HEAD") && !strcmp(want, "GET"));
}

void route_find(str method, str path, match *ret)
{
    *ret = (match){0};
    if (!path.n || path.p[0] != '/') return;
    path = plain_path(path);
    for (size_t i = 0; i < n_routes; i++) {
        if (!path_fits(routes[i].path, path, ret->arg)) continue;
        if (method_fits(routes[i].method, method)) {
            ret->route = &routes[i];
            return;
        }
        ret->other_method = true;
    }
}

str route_allow(arena *a, str path)
{
    str methods = STR(""), arg[PATH_ARGS_MAX];
    path = plain_path(path);
    for (size_t i = 0; i < n_routes; i++) {
        str m = str_of(routes[i].method);
        size_t at;
        if (!path_fits(routes[i].path, path, arg) || str_find(methods, m, &at)) continue;
        methods = str_fmt(a, "%.*s%s%.*s%s", STR_ARG(methods), methods.n ? ", " : "", STR_ARG(m),
                          str_is(m, "GET") ? ", HEAD" : "");
    }
    return methods;
}

void route_run(api *a, const match *m, http_request *r, http_response *w)
{
    assert(m->route);
    call c = {.api = a, .r = r, .w = w, .a = r->a};
    err e = ERR_OK;
    for (size_t i = 0; !e && i < PATH_ARGS_MAX; i++)
        if (m->arg[i].n) e = http_unescape(r->a, m->arg[i], &c.arg[i]);
    if (!e) e = m->route->handler(&c);
    if (!e && c.out) e = buf_err(c.out, "the answer, ask for less at once");
    if (e)
        answer_err(r->a, w, e, "INVALID_PARAMETER_VALUE");
    else if (c.out)
        w->body = buf_str(c.out);
}
