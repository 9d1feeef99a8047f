/* File statistics of an add action. A bound that is too tight silently loses rows of a filter in
 * every reader, so a bound is written only where it certainly holds. Source: Delta protocol,
 * "Per-file Statistics". */
#include <math.h>

#include "base/clock.h"
#include "table/delta_int.h"

enum {
    TEXT_MAX = 64,           /* bytes of a string's bound */
    DECIMAL_DIGITS_MAX = 15, /* readers may take a decimal's bound as a double */
};

/* "2026-01-01 00:00:08.123456+00" -> milliseconds, rounded down, or up for a maximum. False: out of
 * the plain range. */
static bool timestamp_bound(str text, bool up, int64_t *ret_ms)
{
    if (str_ends(text, "+00")) text.n -= 3;
    if (text.n < 19 || text.p[4] != '-' || text.p[0] == '-')
        return false; /* infinity, BC, years over 9999 */
    bool more = false;
    for (size_t i = 23; i < text.n; i++)
        more |= text.p[i] != '0';
    if (text.n > 23) text.n = 23;
    if (time_parse(text, ret_ms)) return false;
    if (up && more) *ret_ms += 1;
    return true;
}

/* put_number: an exact double as JSON, so that float columns compare right in readers that widen.
 */
static bool put_number(buf *b, const delta_field *f, str text)
{
    double v;
    if (parse_f64(text, &v) || !isfinite(v)) return false;
    if (str_is(f->type, "float")) v = (double)(float)v;
    char *p = buf_room(b, F64_PRINT_MAX);
    if (p) b->n += f64_print(v, p);
    return true;
}

static void put_text(buf *b, str text)
{
    jw w;
    jw_init(&w, b, false);
    jw_str(&w, text);
}

/* put_string: a long text is cut before a character; a cut maximum gets the greatest character
 * behind it (as Spark does), which also covers what DuckDB has cut off at 256 bytes. */
static bool put_string(buf *b, str text, bool up)
{
    static const unsigned char greatest[4] = {0xF4, 0x8F, 0xBF, 0xBF}; /* U+10FFFF */
    char cut[TEXT_MAX + sizeof greatest];
    size_t n = TEXT_MAX;
    if (text.n <= TEXT_MAX) {
        put_text(b, text);
        return true;
    }
    while (n && ((unsigned char)text.p[n] & 0xC0) == 0x80)
        n--;
    if (up && !memcmp(text.p + n, greatest, 1)) return false;
    memcpy(cut, text.p, n);
    if (up) memcpy(cut + n, greatest, sizeof greatest);
    put_text(b, (str){cut, up ? n + sizeof greatest : n});
    return true;
}

/* put_bound writes one value, or returns false and writes nothing. */
static bool put_bound(buf *b, const delta_field *f, str text, bool up)
{
    int64_t ms;
    char time[TIME_PRINT_MAX];
    if (str_is(f->type, "byte") || str_is(f->type, "short") || str_is(f->type, "integer") ||
        str_is(f->type, "long")) {
        buf_puts(b, text);
        return true;
    }
    if (str_is(f->type, "float") || str_is(f->type, "double")) return put_number(b, f, text);
    if (str_is(f->type, "string")) return put_string(b, text, up);
    if (str_is(f->type, "boolean")) {
        buf_puts(b, str_is(text, "1") || str_is(text, "true") ? STR("true") : STR("false"));
        return true;
    }
    if (str_is(f->type, "date")) {
        if (text.n != 10 || text.p[4] != '-') return false; /* infinity, BC, years over 9999 */
        put_text(b, text);
        return true;
    }
    if (str_starts(f->type, "timestamp")) {
        if (!timestamp_bound(text, up, &ms)) return false;
        str utc = str_of(time_print(ms, time));
        put_text(b, str_is(f->type, "timestamp")
                        ? utc
                        : (str){utc.p, utc.n - 1}); /* timestamp_ntz has no Z */
        return true;
    }
    if (str_starts(f->type, "decimal(") && text.n <= DECIMAL_DIGITS_MAX) {
        buf_puts(b, text);
        return true;
    }
    return false;
}

static void put_key(buf *b, str name)
{
    jw w;
    jw_init(&w, b, false);
    jw_str(&w, name);
    buf_putc(b, ':');
}

/* put_bounds writes one bound of every column that has a value; false when one of them cannot be
 * told. */
static bool put_bounds(buf *out, const duck_copied *c, const map *fields, bool up)
{
    bool any = false;
    for (size_t i = 0; i < c->n_stats; i++) {
        const duck_stat *s = &c->stats[i];
        const delta_field *f = map_find(fields, s->column);
        if (!f || str_is(f->type, "binary") || s->n_null == c->n_rows) continue;
        if (s->has_nan || !(up ? s->has_max : s->has_min)) return false;
        if (any) buf_putc(out, ',');
        any = true;
        put_key(out, s->column);
        if (!put_bound(out, f, up ? s->max : s->min, up)) return false;
    }
    return true;
}

static bool put_all_bounds(buf *out, const duck_copied *c, const map *fields)
{
    buf_puts(out, STR("\"minValues\":{"));
    if (!put_bounds(out, c, fields, false)) return false;
    buf_puts(out, STR("},\"maxValues\":{"));
    if (!put_bounds(out, c, fields, true)) return false;
    buf_puts(out, STR("},"));
    return true;
}

void delta_stats(buf *out, const duck_copied *c, const map *fields)
{
    bool any = false;
    buf_fmt(out, "{\"numRecords\":%lld,", (long long)c->n_rows);
    size_t before = out->n;
    if (!put_all_bounds(out, c, fields)) out->n = before;
    buf_puts(out, STR("\"nullCount\":{"));
    for (size_t i = 0; i < c->n_stats; i++) {
        if (c->stats[i].n_null < 0 || !map_find(fields, c->stats[i].column)) continue;
        if (any) buf_putc(out, ',');
        any = true;
        put_key(out, c->stats[i].column);
        buf_fmt(out, "%lld", (long long)c->stats[i].n_null);
    }
    buf_puts(out, STR("}}"));
}
