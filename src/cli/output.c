#include <assert.h>
#include <math.h>

#include "base/clock.h"
#include "cli/cli_int.h"

enum { OUTPUT_MAX = 256 << 20, SPACE = 2 };

struct listing {
    arena *a;
    const char *name;
    const char *const *keys;
    size_t n_keys, n, cap;
    const cell **rows;
};

listing *listing_new(arena *a, const char *name, const char *const *keys, size_t n_keys)
{
    listing *l = arena_new_of(a, listing);
    *l = (listing){.a = a, .name = name, .keys = keys, .n_keys = n_keys};
    return l;
}

void listing_add(listing *l, const cell *cells)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;
        const cell **rows = arena_array(l->a, const cell *, cap);
        if (l->n) memcpy(rows, l->rows, l->n * sizeof *rows);
        l->rows = rows;
        l->cap = cap;
    }
    cell *copy = arena_array(l->a, cell, l->n_keys);
    memcpy(copy, cells, l->n_keys * sizeof *copy);
    l->rows[l->n++] = copy;
}

const char *time_short(arena *a, int64_t t_ms)
{
    char text[TIME_PRINT_MAX];
    if (!t_ms) return "";
    time_print(t_ms, text);
    return cstr_fmt(a, "%.10s %.8s", text, text + 11);
}

static str shown(arena *a, const cell *c)
{
    switch (c->type) {
    case CELL_TEXT:
        return c->s;
    case CELL_INT:
        return str_fmt(a, "%lld", (long long)c->i);
    case CELL_REAL:
        return isnan(c->f) ? STR("") : str_fmt(a, "%.4f", c->f);
    case CELL_TIME:
        return str_of(time_short(a, c->i));
    case CELL_BOOL:
        return c->i ? STR("yes") : STR("no");
    case CELL_JSON:
        return c->shown.p ? c->shown : STR("");
    }
    return STR("");
}

/* Characters, not bytes: what a terminal shows of UTF-8. */
static size_t width_of(str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

static void put_cell(buf *b, str s, size_t width, bool right, bool last)
{
    size_t n = width_of(s), fill = width > n ? width - n : 0;
    for (size_t i = 0; right && i < fill; i++)
        buf_putc(b, ' ');
    for (size_t i = 0; i < s.n; i++)
        buf_putc(b, (unsigned char)s.p[i] < ' ' ? ' ' : s.p[i]);
    for (size_t i = 0; !last && i < SPACE + (right ? 0 : fill); i++)
        buf_putc(b, ' ');
}

static bool in_table(const listing *l, size_t col)
{
    return !l->n || l->rows[0][col].type != CELL_JSON || l->rows[0][col].shown.p;
}

static void write_table(const listing *l, buf *b)
{
    size_t *width = arena_array(l->a, size_t, l->n_keys + 1), last = 0;
    for (size_t c = 0; c < l->n_keys; c++) {
        width[c] = strlen(l->keys[c]);
        if (in_table(l, c)) last = c;
        for (size_t r = 0; r < l->n; r++) {
            size_t n = width_of(shown(l->a, &l->rows[r][c]));
            if (n > width[c]) width[c] = n;
        }
    }
    for (size_t r = 0; r <= l->n; r++) {
        for (size_t c = 0; c < l->n_keys; c++) {
            if (!in_table(l, c)) continue;
            bool number =
                l->n && (l->rows[0][c].type == CELL_INT || l->rows[0][c].type == CELL_REAL);
            str s = r ? shown(l->a, &l->rows[r - 1][c]) : str_of(l->keys[c]);
            put_cell(b, s, width[c], number, c == last);
        }
        buf_putc(b, '\n');
    }
}

static void write_cell(jw *w, const char *key, const cell *c, arena *a)
{
    jw_key(w, c->type == CELL_TIME ? cstr_fmt(a, "%s_ms", key) : key);
    switch (c->type) {
    case CELL_TEXT:
        jw_str(w, c->s);
        break;
    case CELL_INT:
    case CELL_TIME:
        jw_i64(w, c->i);
        break;
    case CELL_REAL:
        jw_f64(w, c->f);
        break;
    case CELL_BOOL:
        jw_bool(w, c->i != 0);
        break;
    case CELL_JSON:
        if (c->s.n)
            jw_raw(w, c->s);
        else
            jw_null(w);
        break;
    }
}

static void write_json(const listing *l, buf *b)
{
    jw w;
    jw_init(&w, b, false);
    jw_obj(&w);
    jw_key(&w, l->name);
    jw_arr(&w);
    for (size_t r = 0; r < l->n; r++) {
        jw_obj(&w);
        for (size_t c = 0; c < l->n_keys; c++)
            write_cell(&w, l->keys[c], &l->rows[r][c], l->a);
        jw_obj_end(&w);
    }
    jw_arr_end(&w);
    jw_obj_end(&w);
    buf_putc(b, '\n');
}

void listing_print(const listing *l, bool json)
{
    buf b;
    buf_init(&b, OUTPUT_MAX);
    if (json)
        write_json(l, &b);
    else if (l->n)
        write_table(l, &b);
    else
        fprintf(stderr, "no %s\n", l->name);
    fwrite(buf_str(&b).p, 1, b.n, stdout);
    buf_done(&b);
}

void print_json(const buf *b)
{
    fwrite(buf_str(b).p, 1, b->n, stdout);
    putchar('\n');
}
