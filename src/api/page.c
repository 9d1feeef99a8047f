/* The page: files out of the program's own memory. */
#include "api/api_int.h"
#include "api/assets.h"

#define CSP                                                                                        \
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "               \
    "frame-ancestors 'none'"

static const asset *find(str path)
{
    size_t low = 0, high = n_assets;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = str_cmp(str_of(assets[mid].path), path);
        if (!order) return &assets[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* next_item takes the next item of a comma-separated header value off *rest. */
static bool next_item(str *rest, str *ret)
{
    while (rest->n) {
        str item;
        str_cut(*rest, ',', &item, rest);
        *ret = str_trim(item);
        if (ret->n) return true;
    }
    return false;
}

/* takes_gzip reads Accept-Encoding (RFC 9110 12.5.3): named and not with q=0. */
static bool takes_gzip(const http_request *r)
{
    str rest = http_find_header(r, "Accept-Encoding"), item, name, weight;
    bool star = false;
    while (next_item(&rest, &item)) {
        str_cut(item, ';', &name, &weight);
        name = str_trim(name);
        weight = str_trim(weight);
        double q = 1;
        if (str_starts(weight, "q=") && parse_f64((str){weight.p + 2, weight.n - 2}, &q)) q = 0;
        if (str_eq_nocase(name, STR("gzip"))) return q > 0;
        if (str_is(name, "*")) star = q > 0;
    }
    return star;
}

/* is_known: the reader has these bytes already. Weak comparison, as If-None-Match wants it. */
static bool is_known(const http_request *r, str etag)
{
    str rest = http_find_header(r, "If-None-Match"), item;
    while (next_item(&rest, &item)) {
        if (str_is(item, "*")) return true;
        if (str_starts(item, "W/")) item = (str){item.p + 2, item.n - 2};
        if (str_eq(item, etag)) return true;
    }
    return false;
}

static void answer(const asset *f, http_request *r, http_response *w)
{
    bool zip = f->gz && takes_gzip(r);
    str etag = str_of(f->etag);
    /* Other bytes want another tag; the one in the table ends in a quote. */
    if (zip) etag = str_fmt(r->a, "%.*s-gz\"", (int)(etag.n - 1), etag.p);
    bool hashed = str_starts(str_of(f->path), "/assets/"); /* other bytes get another name */
    call_header(w, STR("Content-Security-Policy"), STR(CSP));
    call_header(w, STR("X-Content-Type-Options"), STR("nosniff"));
    call_header(w, STR("Cache-Control"),
                hashed ? STR("public, max-age=31536000, immutable") : STR("no-cache"));
    call_header(w, STR("ETag"), etag);
    if (f->gz) call_header(w, STR("Vary"), STR("Accept-Encoding"));
    w->content_type = f->mime;
    if (is_known(r, etag)) {
        w->status = 304;
        return;
    }
    if (zip) call_header(w, STR("Content-Encoding"), STR("gzip"));
    w->body = zip ? (str){(const char *)f->gz, f->gz_size} : (str){(const char *)f->data, f->size};
}

/* is_screen: an address that the page makes up itself, such as /experiments/1. Paths with a dot in
 * the last level are files, and what machines ask for is none of the page's. */
static bool is_screen(str path)
{
    static const char *const others[] = {"/api/",        "/ajax-api/",         "/assets/",
                                         "/v1/",         "/serving-endpoints", "/.well-known/",
                                         "/graphql",     "/get-artifact",      "/metrics",
                                         "/invocations", "/model-versions/",   "/ping"};
    for (size_t i = 0; i < countof(others); i++)
        if (str_starts(path, others[i])) return false;
    size_t at = path.n;
    while (at && path.p[at - 1] != '/')
        at--;
    return !memchr(path.p + at, '.', path.n - at);
}

bool page_answer(http_request *r, http_response *w)
{
    if (!str_is(r->method, "GET") && !str_is(r->method, "HEAD")) return false;
    if (!r->path.n) return false;
    const asset *f = find(r->path);
    if (!f && is_screen(r->path)) f = find(STR("/index.html"));
    if (!f) return false;
    answer(f, r, w);
    return true;
}

err handle_page(call *c)
{
    if (page_answer(c->r, c->w)) return ERR_OK;
    return call_refuse(c, 404, NULL,
                       n_assets ? "there is no such file"
                                : "this program was built without the page");
}
