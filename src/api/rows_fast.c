#include <assert.h>
#include <math.h>

#include "api/rows_int.h"

/* One body on its way. Everything below returns false for "not mine": then rows_careful reads the
 * body again from the start. */
typedef struct scan {
    const char *p, *end;
    arena *a;
    const rows_form *f;
    matrix x;          /* grows */
    size_t cap;        /* rows that x.v has room for */
    const char *first; /* where the first row begins */
    size_t *seen;      /* per column: 1 + the last record that had it */
    bool plain;        /* the names stand in JSON as they are */
} scan;

static void blanks(scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
        s->p++;
}

/* take skips blanks, then c if it is there. */
static bool take(scan *s, char c)
{
    if (s->p < s->end && *s->p == c) { /* no blanks: the usual case */
        s->p++;
        return true;
    }
    blanks(s);
    if (s->p == s->end || *s->p != c) return false;
    s->p++;
    return true;
}

/* key: a string without escapes and control characters, and the colon when one is wanted. It is
 * only ever compared with names of the signature, so whether it is UTF-8 need not be asked. */
static bool key(scan *s, bool colon, str *ret)
{
    if (!take(s, '"')) return false;
    const char *begin = s->p, *p = begin;
    while (p < s->end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
        p++;
    if (p == s->end || *p != '"') return false;
    *ret = (str){begin, (size_t)(p - begin)};
    s->p = p + 1;
    return !colon || take(s, ':');
}

/* digits reads at least one digit into *m, which stays exact for at most 19 of them. */
static bool digits(scan *s, uint64_t *m)
{
    const char *p = s->p;
    uint64_t v = *m;
    for (; p < s->end && (unsigned char)(*p - '0') < 10; p++)
        v = v * 10 + (uint64_t)(*p - '0');
    bool any = p > s->p;
    s->p = p;
    *m = v;
    return any;
}

/* number by RFC 8259 without an exponent. A mantissa of at most 2^53 and a power of ten of at most
 * 22 are both exact doubles, so one division rounds rightly (Clinger 1990); the rest goes to
 * parse_f64. */
static bool number(scan *s, bool whole, double *ret)
{
    static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    blanks(s);
    const char *begin = s->p;
    bool minus = s->p < s->end && *s->p == '-';
    s->p += minus;
    uint64_t m = 0;
    size_t power = 0;
    const char *first = s->p;
    if (!digits(s, &m) || (*first == '0' && s->p - first > 1)) return false;
    if (s->p < s->end && *s->p == '.') {
        if (whole) return false;
        const char *dot = ++s->p;
        if (!digits(s, &m)) return false;
        power = (size_t)(s->p - dot);
    }
    if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) return false;
    if (s->p - first > 19 ||
        m > (1ULL << 53)) { /* with the point: at most 18 digits, and power < 18 */
        if (whole) return false;
        return !parse_f64((str){begin, (size_t)(s->p - begin)}, ret) && isfinite(*ret);
    }
    double v = (double)m / ten[power];
    *ret = minus && (m || power) ? -v : v; /* -0 is a whole number, and those have one zero */
    return true;
}

static bool cell(scan *s, size_t at, double *row)
{
    field_type t = s->f->inputs->fields[at].type;
    double v;
    if (t != FIELD_DOUBLE && t != FIELD_LONG && t != FIELD_INTEGER) return false;
    if (!number(s, t != FIELD_DOUBLE, &v)) return false;
    if (t == FIELD_INTEGER && (v > INT32_MAX || v < INT32_MIN)) return false;
    row[s->f->to_model[at]] = v;
    return true;
}

/* rows_to_come guesses from the bytes that the rows so far took. */
static size_t rows_to_come(const scan *s)
{
    size_t row_bytes = (size_t)(s->p - s->first) / s->x.rows + 1;
    size_t rest = (size_t)(s->end - s->p) / row_bytes;
    return rest + rest / 8 + 1;
}

static double *new_row(scan *s)
{
    size_t cols = s->f->n_features, max = ROWS_CELLS_MAX / cols;
    if (max > ROWS_MAX) max = ROWS_MAX;
    if (s->x.rows == s->cap) {
        size_t more = s->cap ? s->cap + rows_to_come(s) : 1;
        if (more > max) more = max;
        if (more == s->cap) return NULL;
        double *v = arena_alloc_raw(s->a, more * cols, sizeof *v);
        if (s->cap)
            memcpy(v, s->x.v, s->x.rows * cols * sizeof *v);
        else
            s->first = s->p;
        s->x.v = v;
        s->cap = more;
    }
    return s->x.v + s->x.rows++ * cols;
}

/* expected takes `"name":` when just that comes next. Columns usually come in the signature's order
 * and without blanks, so one comparison does for what `key` and `schema_find` do otherwise. */
static bool expected(scan *s, str name)
{
    if ((size_t)(s->end - s->p) < name.n + 3) return false;
    if (s->p[0] != '"' || s->p[name.n + 1] != '"' || s->p[name.n + 2] != ':') return false;
    if (memcmp(s->p + 1, name.p, name.n) != 0) return false;
    s->p += name.n + 3;
    return true;
}

/* column reads the key of the i-th value of a record; false too for a name without a column. */
static bool column_of(scan *s, size_t i, size_t *ret_at)
{
    if (s->plain && expected(s, s->f->inputs->fields[i].name)) {
        *ret_at = i;
        return true;
    }
    str name;
    if (!key(s, true, &name)) return false;
    ptrdiff_t at = schema_find(s->f->inputs, name, i);
    *ret_at = (size_t)at;
    return at >= 0;
}

static bool record(scan *s)
{
    size_t n = s->f->inputs->n, at;
    double *row = new_row(s);
    if (!row || !take(s, '{')) return false;
    for (size_t i = 0; i < n; i++) { /* every column once, in any order */
        if ((i && !take(s, ',')) || !column_of(s, i, &at) || s->seen[at] == s->x.rows) return false;
        s->seen[at] = s->x.rows;
        if (!cell(s, at, row)) return false;
    }
    return take(s, '}');
}

/* list reads "[item, item, …]", possibly empty. */
static bool list(scan *s, bool (*item)(scan *))
{
    if (!take(s, '[')) return false;
    if (take(s, ']')) return true;
    do {
        if (!item(s)) return false;
    } while (take(s, ','));
    return take(s, ']');
}

/* split_column reads the next name of "columns"; seen[k] becomes the schema's position of the k-th.
 * x.rows counts them meanwhile. */
static bool split_column(scan *s)
{
    str name;
    if (s->x.rows == s->f->inputs->n || !key(s, false, &name)) return false;
    ptrdiff_t at = schema_find(s->f->inputs, name, s->x.rows);
    if (at < 0) return false;
    for (size_t i = 0; i < s->x.rows; i++)
        if (s->seen[i] == (size_t)at) return false;
    s->seen[s->x.rows++] = (size_t)at;
    return true;
}

static bool split_row(scan *s)
{
    double *row = new_row(s);
    if (!row || !take(s, '[')) return false;
    for (size_t i = 0; i < s->f->inputs->n; i++)
        if ((i && !take(s, ',')) || !cell(s, s->seen[i], row)) return false;
    return take(s, ']');
}

static bool split(scan *s)
{
    str name;
    if (!take(s, '{') || !key(s, true, &name) || !str_is(name, "columns") || !list(s, split_column))
        return false;
    if (s->x.rows != s->f->inputs->n) return false;
    s->x.rows = 0;
    return take(s, ',') && key(s, true, &name) && str_is(name, "data") && list(s, split_row) &&
           take(s, '}');
}

bool rows_fast(arena *a, const rows_form *f, str body, matrix *ret)
{
    assert(a && f && ret);
    assert(f->inputs->n > 0 && f->n_features == f->inputs->n);
    scan s = {.p = body.p,
              .end = body.p + body.n,
              .a = a,
              .f = f,
              .seen = arena_array(a, size_t, f->inputs->n),
              .plain = schema_plain(f->inputs)};
    s.x.cols = s.x.stride = f->n_features;
    str name;
    if (!body.n || !take(&s, '{') || !key(&s, true, &name)) return false;
    bool ok = str_is(name, "dataframe_records") ? list(&s, record)
                                                : str_is(name, "dataframe_split") && split(&s);
    if (!ok || !take(&s, '}')) return false;
    blanks(&s);
    if (s.p != s.end) return false;
    *ret = s.x;
    return true;
}

err rows_parse(arena *a, const rows_form *f, str body, matrix *ret)
{
    if (f->inputs->n && f->n_features == f->inputs->n && rows_fast(a, f, body, ret)) return ERR_OK;
    return rows_careful(a, f, body, ret);
}
