#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8_int.h"

enum {
    RECORD_MAX = 4096,
    TAIL_ROOM = 16, /* kept for what closes a record: quotes, brackets, new line */
    FIELDS_MAX = 24,
};

static _Atomic int least = LOG_INFO; /* NOLINT: the level is the one global setting */
static _Atomic int form = LOG_TEXT;  /* NOLINT: and how it looks */

static const char *const names[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};

/* One record on its way out: it is cut, never split. */
typedef struct line {
    char p[RECORD_MAX];
    size_t n;
} line;

typedef struct field {
    str key, value;
} field;

void log_setup(log_level lvl, log_format format)
{
    assert(lvl <= LOG_OFF);
    assert(format <= LOG_JSON);
    atomic_store(&least, (int)lvl);
    atomic_store(&form, (int)format);
}

log_level log_least(void)
{
    return (log_level)atomic_load_explicit(&least, memory_order_relaxed);
}

/* put_raw is for our own short words: they may use the room kept for closing. */
static void put_raw(line *l, const char *s)
{
    for (; *s && l->n < sizeof l->p; s++)
        l->p[l->n++] = *s;
}

/* put_text writes outside text: control bytes and bad UTF-8 as \xNN in text and as \u00NN in JSON,
 * where quotes are escaped too. */
static void put_text(line *l, str s, bool json)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *p = (const unsigned char *)s.p;
    for (size_t i = 0; i < s.n;) {
        size_t n = utf8_len(p + i, s.n - i);
        unsigned char c = p[i];
        if (l->n + 8 > sizeof l->p - TAIL_ROOM) return;
        if (c == '\n') {
            put_raw(l, "\\n");
        } else if (!n || c < 0x20 || c == 0x7F) {
            put_raw(l, json ? "\\u00" : "\\x");
            l->p[l->n++] = hex[c >> 4];
            l->p[l->n++] = hex[c & 15];
        } else {
            if (json && (c == '"' || c == '\\')) l->p[l->n++] = '\\';
            memcpy(l->p + l->n, p + i, n);
            l->n += n;
        }
        i += n ? n : 1;
    }
}

static void put_json(line *l, const char *key, str value)
{
    put_raw(l, l->n ? ",\"" : "{\"");
    put_text(l, str_of(key), true);
    put_raw(l, "\":\"");
    put_text(l, value, true);
    put_raw(l, "\"");
}

static bool key_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/* field_of reads one word as key=value; the record's own names are taken. */
static bool field_of(str word, field *ret)
{
    static const char *const taken[] = {"ts", "level", "room", "msg"};
    field f;
    if (!str_cut(word, '=', &f.key, &f.value) || !f.key.n) return false;
    for (size_t i = 0; i < f.key.n; i++)
        if (!key_byte(f.key.p[i])) return false;
    for (size_t i = 0; i < countof(taken); i++)
        if (str_is(f.key, taken[i])) return false;
    if (f.value.n >= 2 && f.value.p[0] == '"' && f.value.p[f.value.n - 1] == '"')
        f.value = (str){f.value.p + 1, f.value.n - 2};
    *ret = f;
    return true;
}

/* last_word takes the last word off s; a value in double quotes (key="two words") is one word. */
static str last_word(str *s)
{
    size_t at = s->n;
    bool quoted = s->n > 1 && s->p[s->n - 1] == '"';
    if (quoted) {
        for (at = s->n - 1; at > 0 && s->p[at - 1] != '"'; at--) {
        }
        if (at) at--;
    }
    while (at > 0 && s->p[at - 1] != ' ')
        at--;
    str word = {s->p + at, s->n - at};
    s->n = at ? at - 1 : 0;
    return word;
}

static bool seen(const field *fields, size_t n, str key)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(fields[i].key, key)) return true;
    return false;
}

static void write_json(line *l, const char *ts, log_level level, const char *room, str msg)
{
    field fields[FIELDS_MAX];
    size_t n = 0;
    for (str rest = msg; n < FIELDS_MAX && rest.n;) {
        str word = last_word(&rest);
        if (!field_of(word, &fields[n]) || seen(fields, n, fields[n].key)) break;
        n++;
        msg = rest;
    }
    put_json(l, "ts", str_of(ts));
    put_json(l, "level", str_of(names[level]));
    put_json(l, "room", str_of(room));
    put_json(l, "msg", msg);
    while (n > 0) {
        field f = fields[--n];
        if (l->n + f.key.n + f.value.n * 6 + 8 > sizeof l->p - TAIL_ROOM)
            continue; /* whole or not at all */
        put_raw(l, ",\"");
        put_text(l, f.key, true);
        put_raw(l, "\":\"");
        put_text(l, f.value, true);
        put_raw(l, "\"");
    }
    put_raw(l, "}\n");
}

static void write_text(line *l, const char *ts, log_level level, const char *room, str msg)
{
    put_raw(l, ts);
    put_raw(l, " ");
    put_raw(l, names[level]);
    put_raw(l, level == LOG_INFO || level == LOG_WARN ? "  " : " ");
    put_text(l, str_of(room), false);
    put_raw(l, ": ");
    put_text(l, msg, false);
    put_raw(l, "\n");
}

void log_at(log_level level, const char *room, const char *fmt, ...)
{
    assert(level < LOG_OFF);
    assert(room);
    if (level < log_least()) return;
    const int saved = errno;
    char msg[RECORD_MAX];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    if (n >= 0) {
        char ts[TIME_PRINT_MAX];
        line l;
        l.n = 0;
        str text = str_of(msg);
        time_print(now_ms(), ts);
        if (atomic_load_explicit(&form, memory_order_relaxed) == LOG_JSON)
            write_json(&l, ts, level, room, text);
        else
            write_text(&l, ts, level, room, text);
        /* One write, so that records of several processes do not mix. Where it fails there is
         * nobody to tell. */
        ssize_t put = write(STDERR_FILENO, l.p, l.n);
        (void)put;
    }
    errno = saved;
}
