#include "http/h1_int.h"

#include <assert.h>
#include <picohttpparser.h>
#include <string.h>

/* picohttpparser writes straight into our headers. */
static_assert(sizeof(http_header) == sizeof(struct phr_header), "same layout");
static_assert(offsetof(http_header, name.n) == offsetof(struct phr_header, name_len),
              "same layout");
static_assert(offsetof(http_header, value.p) == offsetof(struct phr_header, value), "same layout");
static_assert(offsetof(http_header, value.n) == offsetof(struct phr_header, value_len),
              "same layout");

static h1_result refuse(h1_head *h, int status, const char *why)
{
    h->status = status;
    h->why = why;
    return H1_BAD;
}

/* A method begins with a letter in practice; what comes instead is a TLS hello, a stray body or
 * noise. */
static bool begins_method(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* find_end sets h->size when the empty line is there. Each decision depends on the bytes up to the
 * place where it falls and on nothing behind it, so cuts do not matter. */
static h1_result find_end(const char *p, size_t n, size_t *scanned, size_t *ret_skip, h1_head *h)
{
    size_t skip = 0;
    if (p[0] == '\r') { /* RFC 9112 2.2: one empty line before a request is skipped */
        if (n >= 2 && p[1] != '\n')
            return refuse(h, 400, "a bare CR stands before the request line");
        if (n <= 2) return H1_MORE;
        skip = 2;
    }
    if (!begins_method(p[skip])) return refuse(h, 400, "the request does not begin with a method");
    size_t end = n < h->head_max ? n : h->head_max, at = *scanned > skip ? *scanned : skip;
    while (at < end) {
        const char *lf = memchr(p + at, '\n', end - at);
        if (!lf) break;
        size_t i = (size_t)(lf - p);
        if (p[i - 1] != '\r') return refuse(h, 400, "a line of the head ends in a bare LF");
        at = i + 1;
        if (p[i - 2] == '\n') { /* i - 2 >= skip: the first byte is a letter */
            h->size = at;
            *ret_skip = skip;
            return H1_READY;
        }
    }
    *scanned = end;
    if (n < h->head_max) return H1_MORE;
    if (!memchr(p + skip, '\n', end - skip)) return refuse(h, 414, "the request line is too long");
    return refuse(h, 431, "the head of the request is too large");
}

static bool parse_length(str v, uint64_t *ret)
{
    if (v.n == 0 || v.n > 18) return false; /* 18 digits cannot overflow */
    uint64_t x = 0;
    for (size_t i = 0; i < v.n; i++) {
        unsigned digit = (unsigned)(unsigned char)v.p[i] - '0';
        if (digit > 9) return false;
        x = x * 10 + digit;
    }
    *ret = x;
    return true;
}

/* Connection is a list of words; close wins over keep-alive wherever it stands. */
static void read_connection(str v, bool *close, bool *keep)
{
    while (v.n) {
        str word;
        str_cut(v, ',', &word, &v);
        word = str_trim(word);
        if (str_eq_nocase(word, STR("close")))
            *close = true;
        else if (str_eq_nocase(word, STR("keep-alive")))
            *keep = true;
    }
}

/* What the headers that frame a message said so far. */
typedef struct framing {
    bool close, keep, coding;
} framing;

static h1_result read_length(h1_head *h, str value)
{
    if (h->has_length) return refuse(h, 400, "Content-Length stands there twice");
    if (!parse_length(value, &h->length))
        return refuse(h, 400, "Content-Length is not a plain decimal number");
    h->has_length = true;
    return H1_READY;
}

static h1_result read_coding(h1_head *h, str value, framing *f)
{
    if (f->coding) return refuse(h, 400, "Transfer-Encoding stands there twice");
    f->coding = true;
    if (!str_eq_nocase(value, STR("chunked")))
        return refuse(h, 501, "this Transfer-Encoding is not supported, want chunked");
    h->chunked = true;
    return H1_READY;
}

static h1_result read_once(h1_head *h, str value, str *ret, const char *twice)
{
    if (ret->p) return refuse(h, 400, twice);
    *ret = value;
    return H1_READY;
}

static h1_result read_expect(h1_head *h, str value)
{
    if (h->http10) return H1_READY; /* RFC 9110 10.1.1: to be ignored */
    if (!str_eq_nocase(value, STR("100-continue")))
        return refuse(h, 417, "Expect can only be 100-continue");
    h->expects = true;
    return H1_READY;
}

static h1_result read_header(h1_head *h, const http_header *x, framing *f)
{
    if (!x->name.p) return refuse(h, 400, "a header is folded over two lines");
    switch (x->name.n) { /* the length picks the only candidate, so most headers cost one compare */
    case 4:
        if (str_eq_nocase(x->name, STR("host")))
            return read_once(h, x->value, &h->host, "Host stands there twice");
        break;
    case 6:
        if (str_eq_nocase(x->name, STR("origin")))
            return read_once(h, x->value, &h->origin, "Origin stands there twice");
        if (str_eq_nocase(x->name, STR("expect"))) return read_expect(h, x->value);
        break;
    case 10:
        if (str_eq_nocase(x->name, STR("connection")))
            read_connection(x->value, &f->close, &f->keep);
        break;
    case 14:
        if (str_eq_nocase(x->name, STR("content-length"))) return read_length(h, x->value);
        break;
    case 17:
        if (str_eq_nocase(x->name, STR("transfer-encoding"))) return read_coding(h, x->value, f);
        break;
    default:
        break;
    }
    return H1_READY;
}

static h1_result read_headers(h1_head *h)
{
    framing f = {0};
    for (size_t i = 0; i < h->n_headers; i++) {
        h1_result r = read_header(h, &h->headers[i], &f);
        if (r != H1_READY) return r;
    }
    if (h->chunked && h->has_length)
        return refuse(h, 400, "Content-Length and Transfer-Encoding exclude each other");
    if (h->chunked && h->http10) return refuse(h, 400, "HTTP/1.0 has no Transfer-Encoding");
    if (!h->host.p && !h->http10) return refuse(h, 400, "HTTP/1.1 needs a Host header");
    h->keep = !f.close && (!h->http10 || f.keep);
    return H1_READY;
}

static bool is_ascii(str s)
{
    uint64_t eight, high = 0;
    size_t i = 0;
    for (; i + sizeof eight <= s.n; i += sizeof eight) {
        memcpy(&eight, s.p + i, sizeof eight);
        high |= eight;
    }
    for (; i < s.n; i++)
        high |= (unsigned char)s.p[i];
    return !(high & 0x8080808080808080);
}

/* Only origin-form ("/path?query") and "*" of OPTIONS: a server that is no proxy needs no other,
 * and an authority inside the target would compete with Host. */
static h1_result read_target(h1_head *h, str method, str target)
{
    if (!is_ascii(target) || memchr(target.p, '#', target.n))
        return refuse(h, 400, "the request target holds a byte that must be percent-encoded");
    if (target.p[0] != '/' && !(str_is(target, "*") && str_is(method, "OPTIONS")))
        return refuse(h, 400, "the request target must begin with /");
    h->method = method;
    str_cut(target, '?', &h->path, &h->query);
    return H1_READY;
}

/* picohttpparser takes several spaces between the words of the request line; RFC 9112 3 has one. */
static bool one_space_each(const char *line, str method, str target)
{
    const char *version = target.p + target.n + 1;
    return method.p == line && target.p == method.p + method.n + 1 && version[0] == 'H' &&
           version[8] == '\r';
}

/* split lets picohttpparser find the words and the end; false: it found no whole head. */
static bool split(const char *p, size_t n, h1_head *h, str *method, str *target, int *minor,
                  int *ret)
{
    size_t count = h->headers_max;
    *ret = phr_parse_request(p, n, &method->p, &method->n, &target->p, &target->n, minor,
                             (struct phr_header *)h->headers, &count, 0);
    h->n_headers = count;
    return *ret > 0;
}

/* picohttpparser takes a bare LF as the end of a line. */
static bool lines_end_in_crlf(const h1_head *h, const char *end)
{
    for (size_t i = 0; i < h->n_headers; i++) {
        const char *name = h->headers[i].name.p;
        if (!name || name[-2] != '\r') return false;
    }
    return end[-2] == '\r' && end[-4] == '\r' && end[-3] == '\n';
}

static h1_result read_rest(const char *line, str method, str target, int minor, h1_head *h)
{
    if (!one_space_each(line, method, target))
        return refuse(h, 400, "the head of the request is malformed");
    h->http10 = minor == 0;
    h1_result r = read_target(h, method, target);
    return r == H1_READY ? read_headers(h) : r;
}

/* Nearly every head comes whole and is fine: then one pass does. What is not, is looked at closely
 * by the slow way, which gives the same result for what this one takes. */
static bool read_fast(const char *p, size_t n, h1_head *h, h1_result *ret)
{
    str method, target;
    int minor, size;
    if (!begins_method(p[0])) return false;
    if (!split(p, n, h, &method, &target, &minor, &size)) return false;
    if ((size_t)size > h->head_max || !lines_end_in_crlf(h, p + size)) return false;
    h->size = (size_t)size;
    *ret = read_rest(p, method, target, minor, h);
    return true;
}

static h1_result read_slowly(const char *p, size_t n, size_t *scanned, h1_head *h)
{
    str method, target;
    int minor, size;
    size_t skip = 0;
    h1_result found = find_end(p, n, scanned, &skip, h);
    if (found != H1_READY) return found;
    if (!split(p + skip, h->size - skip, h, &method, &target, &minor, &size)) {
        if (h->n_headers == h->headers_max) return refuse(h, 431, "too many headers");
        return refuse(h, 400, "the head of the request is malformed");
    }
    assert((size_t)size == h->size - skip); /* both end at the first empty line */
    return read_rest(p + skip, method, target, minor, h);
}

h1_result h1_head_read(const char *p, size_t n, size_t *scanned, h1_head *ret)
{
    assert(p || !n);
    assert(ret->headers && ret->headers_max && ret->head_max >= 16);
    *ret = (h1_head){.headers = ret->headers,
                     .headers_max = ret->headers_max,
                     .head_max = ret->head_max,
                     .method = {"", 0},
                     .path = {"", 0},
                     .query = {"", 0}};
    h1_result r = H1_MORE;
    if (!n || (!*scanned && read_fast(p, n, ret, &r))) return r;
    return read_slowly(p, n, scanned, ret);
}
