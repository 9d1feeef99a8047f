#include "http/client.h"

#include <assert.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "base/buf.h"

enum { TIMEOUT_MS = 10 * 1000, ANSWER_MAX = 16 * 1024 * 1024 };

/* What is used of libcurl. Types come from its header, addresses from the library when it is first
 * needed. */
#define CURL_FUNCTIONS(X)                                                                          \
    X(curl_global_init)                                                                            \
    X(curl_easy_init)                                                                              \
    X(curl_easy_cleanup)                                                                           \
    X(curl_easy_setopt)                                                                            \
    X(curl_easy_perform)                                                                           \
    X(curl_easy_getinfo)                                                                           \
    X(curl_easy_strerror)                                                                          \
    X(curl_slist_append)                                                                           \
    X(curl_slist_free_all)

/* The header wraps these in macros that check types; here the plain functions are named. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

/* Written once under pthread_once, immutable afterwards. A library is opened once a process, so
 * this is not a context's. */
static struct {
#define MEMBER(name) __typeof__(name) *name;
    CURL_FUNCTIONS(MEMBER)
#undef MEMBER
    const char *trouble; /* NULL: the functions are there */
    char text[256];
} curl; /* NOLINT(cppcoreguidelines-avoid-non-const-global-variables): see above */

static bool load_symbols(void *library)
{
#define LOAD(name)                                                                                 \
    *(void **)&curl.name = dlsym(library, #name);                                                  \
    if (!curl.name) return false;
    CURL_FUNCTIONS(LOAD)
#undef LOAD
    return true;
}

static void load_curl(void)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL); /* stays open */
    if (!library || !load_symbols(library)) {
        const char *why = dlerror();
        (void)snprintf(curl.text, sizeof curl.text, "%s", why ? why : "?");
        curl.trouble = curl.text;
    } else if (curl.curl_global_init(CURL_GLOBAL_DEFAULT)) {
        curl.trouble = "curl_global_init failed";
    }
}

static err need_curl(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_curl);
    if (curl.trouble)
        return err_set(ERR_MISSING, "http: libcurl cannot be loaded: %s; install libcurl4",
                       curl.trouble);
    return ERR_OK;
}

/* ---- one call */

typedef struct call_state {
    CURL *easy;
    struct curl_slist *headers;
    buf body;
    CURLcode bad; /* the first option that was refused */
} call_state;

static void call_done(call_state *s)
{
    if (s->easy) curl.curl_easy_cleanup(s->easy);
    curl.curl_slist_free_all(s->headers);
    buf_done(&s->body);
}

static size_t take_body(char *p, size_t size, size_t n, void *state)
{
    call_state *s = state;
    (void)size; /* 1, says libcurl's manual */
    buf_put(&s->body, p, n);
    return s->body.over ? 0 : n; /* fewer than given ends the transfer */
}

#define SET(s, option, value)                                                                      \
    do {                                                                                           \
        CURLcode code_ = curl.curl_easy_setopt((s)->easy, option, value);                          \
        if (code_ && !(s)->bad) (s)->bad = code_;                                                  \
    } while (0)

static void add_header(call_state *s, const char *line)
{
    struct curl_slist *more = curl.curl_slist_append(s->headers, line);
    if (more)
        s->headers = more;
    else
        s->bad = CURLE_OUT_OF_MEMORY;
}

static void set_method(call_state *s, const http_call *c)
{
    if (!strcmp(c->method, "HEAD")) {
        SET(s, CURLOPT_NOBODY, 1L);
    } else if (strcmp(c->method, "GET") || c->body.n) {
        SET(s, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body.n);
        SET(s, CURLOPT_POSTFIELDS, c->body.n ? c->body.p : "");
        SET(s, CURLOPT_CUSTOMREQUEST, c->method);
    }
}

static void set_options(call_state *s, const http_call *c)
{
    SET(s, CURLOPT_URL, c->url);
    SET(s, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(s, CURLOPT_NOPROXY, "*");
    SET(s, CURLOPT_NOSIGNAL, 1L); /* threads */
    SET(s, CURLOPT_FOLLOWLOCATION, 0L);
    SET(s, CURLOPT_TIMEOUT_MS, (long)(c->timeout_ms ? c->timeout_ms : TIMEOUT_MS));
    SET(s, CURLOPT_CONNECTTIMEOUT_MS, (long)(c->timeout_ms ? c->timeout_ms : TIMEOUT_MS));
    SET(s, CURLOPT_WRITEFUNCTION, take_body);
    SET(s, CURLOPT_WRITEDATA, s);
    set_method(s, c);
    add_header(s, "Expect:"); /* no waiting for a 100 that old servers never send */
    for (const char *const *h = c->headers; h && *h; h++)
        add_header(s, *h);
    SET(s, CURLOPT_HTTPHEADER, s->headers);
}

static err transfer_failed(const call_state *s, const http_call *c, CURLcode code)
{
    if (s->body.over)
        return err_set(ERR_LIMIT, "http: %s: the answer is larger than %zu bytes", c->url,
                       s->body.max);
    if (code == CURLE_URL_MALFORMAT) return err_set(ERR_INVALID, "http: '%s' is not a URL", c->url);
    if (code == CURLE_UNSUPPORTED_PROTOCOL) /* the scheme was checked: this is libcurl's word for
                                               HTTP/0.9 */
        return err_set(ERR_IO, "http: %s: what answers there does not speak HTTP", c->url);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_set(ERR_IO, "http: %s: timed out after %lld ms", c->url,
                       (long long)(c->timeout_ms ? c->timeout_ms : TIMEOUT_MS));
    if (code == CURLE_COULDNT_CONNECT)
        return err_set(ERR_IO, "http: %s: connection refused, is the server running?", c->url);
    return err_set(ERR_IO, "http: %s: %s", c->url, curl.curl_easy_strerror(code));
}

static err read_answer(arena *a, call_state *s, http_answer *ret)
{
    long status = 0;
    char *type = NULL;
    CURLcode code = curl.curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!code) code = curl.curl_easy_getinfo(s->easy, CURLINFO_CONTENT_TYPE, &type);
    if (code)
        return err_set(ERR_INTERNAL, "http: curl_easy_getinfo: %s", curl.curl_easy_strerror(code));
    *ret = (http_answer){.status = (int)status,
                         .body = str_dup(a, buf_str(&s->body)),
                         .content_type = str_dup(a, str_of(type))};
    return ERR_OK;
}

err http_send(arena *a, const http_call *c, http_answer *ret)
{
    assert(a && c && ret);
    assert(c->method && c->url && c->timeout_ms >= 0);
    if (!str_starts(str_of(c->url), "http://") && !str_starts(str_of(c->url), "https://"))
        return err_set(ERR_INVALID, "http: '%s': want a URL that begins with http:// or https://",
                       c->url);
    TRY(need_curl());
    call_state s = {.easy = curl.curl_easy_init()};
    buf_init(&s.body, c->answer_max ? c->answer_max : ANSWER_MAX);
    if (!s.easy) {
        call_done(&s);
        return err_set(ERR_IO, "http: %s: libcurl has no memory", c->url);
    }
    set_options(&s, c);
    err e = ERR_OK;
    CURLcode code = s.bad;
    if (!code) code = curl.curl_easy_perform(s.easy);
    if (code)
        e = transfer_failed(&s, c, code);
    else
        e = read_answer(a, &s, ret);
    call_done(&s);
    return e;
}
