#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/die_int.h"
#include "base/json.h"
#include "base/utf8_int.h"

void jw_init(jw *w, buf *b, bool pretty)
{
    assert(w);
    assert(b);
    *w = (jw){.b = b, .pretty = pretty};
}

static void new_line(jw *w)
{
    buf_putc(w->b, '\n');
    for (int i = 0; i < w->depth; i++)
        buf_put(w->b, "  ", 2);
}

/* In an object a value follows a key; anywhere else it follows a comma or the opening. */
static bool in_object(const jw *w)
{
    return w->depth > 0 && (w->objects >> (w->depth - 1) & 1);
}

static void before_value(jw *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    assert(!in_object(w));
    assert(w->depth > 0 || !w->comma); /* one value at the root */
    if (w->comma) buf_putc(w->b, ',');
    if (w->pretty && w->depth) new_line(w);
}

static void open(jw *w, char c, bool object)
{
    before_value(w);
    assert(w->depth < JSON_DEPTH_MAX);
    buf_putc(w->b, c);
    const uint64_t bit = UINT64_C(1) << w->depth;
    w->objects = object ? w->objects | bit : w->objects & ~bit;
    w->depth++;
    w->comma = false;
}

static void close(jw *w, char c, bool object)
{
    assert(w->depth > 0);
    assert(in_object(w) == object);
    assert(!w->after_key);
    w->depth--;
    if (w->pretty && w->comma) new_line(w);
    buf_putc(w->b, c);
    w->comma = true;
}

void jw_obj(jw *w)
{
    open(w, '{', true);
}

void jw_obj_end(jw *w)
{
    close(w, '}', true);
}

void jw_arr(jw *w)
{
    open(w, '[', false);
}

void jw_arr_end(jw *w)
{
    close(w, ']', false);
}

static void put_escape(buf *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char short_of[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    if (c == '"' || c == '\\') {
        const char two[2] = {'\\', (char)c};
        buf_put(b, two, 2);
    } else if (short_of[c]) {
        const char two[2] = {'\\', short_of[c]};
        buf_put(b, two, 2);
    } else {
        const char six[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        buf_put(b, six, 6);
    }
}

/* put_quoted copies runs that need no care in one piece. */
static void put_quoted(buf *b, str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t from = 0;
    buf_putc(b, '"');
    for (size_t i = 0; i < s.n;) {
        const unsigned char c = p[i];
        if (c < 0x80) {
            if (c >= 0x20 && c != '"' && c != '\\') {
                i++;
                continue;
            }
            buf_put(b, p + from, i - from);
            put_escape(b, c);
            from = ++i;
            continue;
        }
        const size_t n = utf8_len(p + i, s.n - i);
        if (!n) {
            buf_put(b, p + from, i - from);
            buf_put(b, "\xEF\xBF\xBD", 3);
            from = i + 1;
        }
        i += n ? n : 1;
    }
    if (s.n > from) buf_put(b, p + from, s.n - from);
    buf_putc(b, '"');
}

void jw_key_str(jw *w, str key)
{
    assert(in_object(w));
    assert(!w->after_key);
    if (w->comma) buf_putc(w->b, ',');
    if (w->pretty) new_line(w);
    put_quoted(w->b, key);
    if (w->pretty)
        buf_put(w->b, ": ", 2);
    else
        buf_putc(w->b, ':');
    w->after_key = true;
}

void jw_key(jw *w, const char *key)
{
    assert(key);
    jw_key_str(w, str_of(key));
}

void jw_str(jw *w, str s)
{
    before_value(w);
    put_quoted(w->b, s);
    w->comma = true;
}

void jw_cstr(jw *w, const char *s)
{
    if (s)
        jw_str(w, str_of(s));
    else
        jw_null(w);
}

void jw_i64(jw *w, int64_t v)
{
    before_value(w);
    char text[I64_PRINT_MAX];
    buf_put(w->b, text, i64_print(v, text));
    w->comma = true;
}

void jw_f64(jw *w, double v)
{
    before_value(w);
    char text[F64_PRINT_MAX];
    const size_t n = f64_print(v, text);
    const bool quote = !isfinite(v);
    if (quote) buf_putc(w->b, '"');
    buf_put(w->b, text, n);
    if (quote) buf_putc(w->b, '"');
    w->comma = true;
}

void jw_raw(jw *w, str json)
{
    assert(json.n > 0);
    before_value(w);
    buf_puts(w->b, json);
    w->comma = true;
}

void jw_bool(jw *w, bool v)
{
    jw_raw(w, v ? STR("true") : STR("false"));
}

void jw_null(jw *w)
{
    jw_raw(w, STR("null"));
}

void jw_kstr(jw *w, const char *key, str s)
{
    jw_key(w, key);
    jw_str(w, s);
}

void jw_kcstr(jw *w, const char *key, const char *s)
{
    jw_key(w, key);
    jw_cstr(w, s);
}

void jw_ki64(jw *w, const char *key, int64_t v)
{
    jw_key(w, key);
    jw_i64(w, v);
}

void jw_kf64(jw *w, const char *key, double v)
{
    jw_key(w, key);
    jw_f64(w, v);
}

void jw_kbool(jw *w, const char *key, bool v)
{
    jw_key(w, key);
    jw_bool(w, v);
}

void json_write(buf *b, yyjson_val *v)
{
    assert(b);
    assert(v);
    size_t n = 0;
    char *p = yyjson_val_write(v, YYJSON_WRITE_NOFLAG, &n);
    if (!p) die("JSON", "cannot print a value that was read");
    buf_put(b, p, n);
    free(p);
}
