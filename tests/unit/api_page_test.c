/* The page out of the program's memory, as far as it was built in. */
#include "api/api_int.h"
#include "api/assets.h"
#include "test.h"

static bool ask(arena *a, const char *method, const char *path, const char *encoding,
                const char *known, http_response *ret)
{
    http_header *headers = arena_array(a, http_header, 2);
    headers[0] = (http_header){STR("Accept-Encoding"), str_of(encoding)};
    headers[1] = (http_header){STR("If-None-Match"), str_of(known)};
    http_request r = {.method = str_of(method),
                      .path = str_of(path),
                      .query = STR(""),
                      .headers = headers,
                      .n_headers = 2,
                      .a = a};
    *ret = (http_response){.status = 200, .content_type = "application/json"};
    return page_answer(&r, ret);
}

static str header(const http_response *w, const char *name)
{
    for (size_t i = 0; i < w->n_extra; i++)
        if (str_is(w->extra[i].name, name)) return w->extra[i].value;
    return STR("");
}

static const asset *some(bool zipped)
{
    for (size_t i = 0; i < n_assets; i++)
        if (!!assets[i].gz == zipped) return &assets[i];
    return NULL;
}

TEST(every_file_is_given_with_its_guards)
{
    AUTO(arena) a = arena_new(0);
    http_response w;
    for (size_t i = 0; i < n_assets; i++) {
        ck_assert(ask(a, "GET", assets[i].path, "", "", &w));
        ck_assert_int_eq(w.status, 200);
        ck_assert(str_eq(w.body, (str){(const char *)assets[i].data, assets[i].size}));
        ck_assert_str_eq(w.content_type, assets[i].mime);
        ck_assert(str_is(header(&w, "Content-Security-Policy"),
                         "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri "
                         "'none'; frame-ancestors 'none'"));
        ck_assert(str_is(header(&w, "X-Content-Type-Options"), "nosniff"));
        bool hashed = str_starts(str_of(assets[i].path), "/assets/");
        ck_assert(str_is(header(&w, "Cache-Control"),
                         hashed ? "public, max-age=31536000, immutable" : "no-cache"));
    }
}
END_TEST

TEST(who_takes_gzip_gets_gzip)
{
    static const struct {
        const char *accept;
        bool zip;
    } cases[] = {{"gzip", true},
                 {"deflate, GZIP;q=0.5", true},
                 {"*", true},
                 {"gzip;q=0", false},
                 {"gzip; q=0.0, *", false},
                 {"*;q=0", false},
                 {"br, deflate", false},
                 {"", false},
                 {"xgzip", false},
                 {"gzip;q=x", false},
                 {",, gzip ,", true}};
    const asset *f = some(true);
    if (!f) return; /* built without the page */
    for (size_t i = 0; i < countof(cases); i++) {
        AUTO(arena) a = arena_new(0);
        http_response w;
        ck_assert(ask(a, "GET", f->path, cases[i].accept, "", &w));
        ck_assert_msg(str_is(header(&w, "Content-Encoding"), cases[i].zip ? "gzip" : ""), "%s",
                      cases[i].accept);
        ck_assert_uint_eq(w.body.n, cases[i].zip ? f->gz_size : f->size);
        ck_assert(str_is(header(&w, "Vary"), "Accept-Encoding"));
    }
}
END_TEST

TEST(what_is_known_is_not_sent_again)
{
    const asset *f = some(true);
    if (!f) return;
    AUTO(arena) a = arena_new(0);
    http_response w;
    const char *weak = cstr_fmt(a, "\"x\", W/%s", f->etag);
    ck_assert(ask(a, "GET", f->path, "", weak, &w));
    ck_assert(w.status == 304 && !w.body.n);
    ck_assert(str_is(header(&w, "ETag"), f->etag));
    /* The compressed bytes are others, and have another tag. */
    ck_assert(ask(a, "GET", f->path, "gzip", f->etag, &w));
    ck_assert_int_eq(w.status, 200);
    const char *zipped = str_c(a, header(&w, "ETag"));
    ck_assert_str_ne(zipped, f->etag);
    ck_assert(ask(a, "GET", f->path, "gzip", zipped, &w));
    ck_assert_int_eq(w.status, 304);
    ck_assert(!header(&w, "Content-Encoding").n);
    ck_assert(ask(a, "GET", f->path, "", "*", &w) && w.status == 304);
    ck_assert(ask(a, "GET", f->path, "", "\"other\"", &w) && w.status == 200);
}
END_TEST

TEST(screens_are_the_page_and_machines_paths_are_not)
{
    AUTO(arena) a = arena_new(0);
    http_response page, w;
    static const char *const none[] = {"/api/2.0/x",
                                       "/ajax-api/x",
                                       "/assets/none.js",
                                       "/none.js",
                                       "/a/b.png",
                                       "/.well-known/x",
                                       "/serving-endpoints",
                                       "/get-artifacts",
                                       "",
                                       "/graphql",
                                       "/model-versions/get-artifact"};
    for (size_t i = 0; i < countof(none); i++)
        ck_assert_msg(!ask(a, "GET", none[i], "", "", &w), "%s", none[i]);
    ck_assert(!ask(a, "POST", "/experiments", "", "", &w));
    if (!n_assets) return;
    ck_assert(ask(a, "GET", "/index.html", "", "", &page));
    static const char *const screens[] = {"/", "/experiments/1", "/models/main.x/default",
                                          "/endpoints/fare"};
    for (size_t i = 0; i < countof(screens); i++) {
        ck_assert_msg(ask(a, "GET", screens[i], "", "", &w), "%s", screens[i]);
        ck_assert(w.body.p == page.body.p);
    }
}
END_TEST

TESTS("api/page", every_file_is_given_with_its_guards, who_takes_gzip_gets_gzip,
      what_is_known_is_not_sent_again, screens_are_the_page_and_machines_paths_are_not)
