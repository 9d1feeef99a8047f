/* Fuzz target: method, path and query of a request. A first line "METHOD path?query"; the router
 * finds at most one route, its arguments lie in the path, Allow names the method of what it found;
 * page and tokens take any bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "api/api_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_match(arena *a, str method, str path, const match *m)
{
    for (size_t i = 0; i < PATH_ARGS_MAX; i++)
        if (m->arg[i].n && (m->arg[i].p < path.p || m->arg[i].p + m->arg[i].n > path.p + path.n))
            abort();
    str allow = route_allow(a, path);
    size_t at;
    if (m->route && *m->route->method != '*' && !str_find(allow, method, &at)) abort();
    if (m->other_method && !m->route && !allow.n) abort();
    if (m->route && m->route->path[0] != '/') abort();
}

static void check_page(arena *a, str method, str path, str header)
{
    const http_header headers[] = {{STR("If-None-Match"), header},
                                   {STR("Accept-Encoding"), header}};
    http_request r = {.method = method,
                      .path = path,
                      .query = STR(""),
                      .headers = headers,
                      .n_headers = 2,
                      .a = a};
    http_response w = {.status = 200, .content_type = "application/json"};
    if (page_answer(&r, &w) && w.status != 200 && w.status != 304) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str line, rest, method, target, path, query, name;
    str_cut((str){(const char *)data, size}, '\n', &line, &rest);
    str_cut(line, ' ', &method, &target);
    str_cut(target, '?', &path, &query);
    AUTO(arena) a = arena_new(0);
    match m;
    route_find(method, path, &m);
    check_match(a, method, path, &m);
    if (scoring_path(path, &name) && (!name.n || memchr(name.p, '/', name.n))) abort();
    check_page(a, method, path, rest);
    size_t offset;
    if (!page_token_read(a, query, &offset)) {
        size_t again;
        if (page_token_read(a, page_token_make(a, offset), &again) || again != offset) abort();
    }
    return 0;
}
