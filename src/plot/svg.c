#include <assert.h>
#include <math.h>
#include <stdint.h>

#include "plot/svg_int.h"

enum { TITLE_MAX = 90, LABEL_MAX = 60 };

/* ---- text ---- */

/* Takes the code point at s->p off the front; what is not UTF-8 takes one byte and is U+FFFD. */
static uint32_t take_code(str *s)
{
    const unsigned char *p = (const unsigned char *)s->p;
    uint32_t c = *p, least = 0;
    size_t n = 1;
    if (c >= 0xF0 && c < 0xF8) {
        n = 4, c &= 0x07, least = 0x10000;
    } else if (c >= 0xE0 && c < 0xF0) {
        n = 3, c &= 0x0F, least = 0x800;
    } else if (c >= 0xC0 && c < 0xE0) {
        n = 2, c &= 0x1F, least = 0x80;
    } else if (c >= 0x80) {
        c = 0xFFFD;
    }
    bool ok = n <= s->n;
    for (size_t i = 1; i < n && ok; i++) {
        ok = (p[i] & 0xC0) == 0x80;
        c = c << 6 | (p[i] & 0x3F);
    }
    if (!ok || (n > 1 && c < least)) {
        n = 1;
        c = 0xFFFD;
    }
    s->p += n;
    s->n -= n;
    return c;
}

/* What XML 1.0 lets stand in a document. */
static bool xml_allows(uint32_t c)
{
    if (c < 0x20) return c == '\t' || c == '\n' || c == '\r';
    return c < 0xD800 || (c >= 0xE000 && c < 0xFFFE) || (c >= 0x10000 && c <= 0x10FFFF);
}

void svg_text(buf *b, str s, size_t max)
{
    for (size_t i = 0; s.n; i++) {
        if (i == max) {
            buf_puts(b, STR("\u2026"));
            return;
        }
        const char *from = s.p;
        uint32_t c = take_code(&s);
        if (c == '&')
            buf_puts(b, STR("&amp;"));
        else if (c == '<')
            buf_puts(b, STR("&lt;"));
        else if (c == '>')
            buf_puts(b, STR("&gt;"));
        else if (c == '"')
            buf_puts(b, STR("&quot;"));
        else if (c == '\'')
            buf_puts(b, STR("&#39;"));
        else if (c == 0xFFFD || !xml_allows(c))
            buf_puts(b, STR("\uFFFD"));
        else
            buf_put(b, from, (size_t)(s.p - from));
    }
}

size_t svg_text_width(str s, size_t max)
{
    size_t n = 0;
    for (; s.n && n <= max; n++)
        take_code(&s);
    return n * 13 / 2;
}

void svg_count(buf *b, size_t n)
{
    char digits[3 * sizeof n + 1];
    int len = snprintf(digits, sizeof digits, "%zu", n);
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0) buf_putc(b, ',');
        buf_putc(b, digits[i]);
    }
}

/* v with a fixed number of decimals and commas between the thousands. */
static void put_fixed(buf *b, double v, int decimals)
{
    char text[64];
    int n = snprintf(text, sizeof text, "%.*f", decimals, fabs(v));
    int whole = decimals ? n - decimals - 1 : n;
    if (v < 0) buf_puts(b, STR("\u2212"));
    for (int i = 0; i < n; i++) {
        if (i && i < whole && (whole - i) % 3 == 0) buf_putc(b, ',');
        buf_putc(b, text[i]);
    }
}

void svg_number(buf *b, double v)
{
    double most = fabs(v);
    if (most > 0 && (most >= 1e9 || most < 1e-4))
        buf_fmt(b, "%.3g", v);
    else if (most >= 1000 || v == trunc(v))
        put_fixed(b, v, 0);
    else
        put_fixed(b, v, most >= 100 ? 1 : most >= 10 ? 2 : most >= 1 ? 3 : 4);
}

/* A tick's value, with as many decimals as its step needs. */
static void put_tick(buf *b, double v, double step)
{
    int decimals = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
    if (v != 0 && (fabs(v) >= 1e7 || decimals > 5))
        buf_fmt(b, "%.4g", v);
    else
        put_fixed(b, v, decimals > 5 ? 0 : decimals);
}

/* ---- frame ---- */

static const char style[] =
    "<style>"
    "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica "
    "Neue',Arial,sans-serif;font-size:12px;"
    "fill:#52606d}"
    ".title{font-size:15px;font-weight:600;fill:#1f2933}"
    ".label{fill:#3e4c59}"
    ".note,.none{font-size:11px;fill:#7b8794}"
    ".none{font-size:15px}"
    ".bg{fill:#fff}"
    ".grid{stroke:#e4e7eb}"
    ".axis{stroke:#9aa5b1}"
    ".dots{stroke:#1668b3;stroke-opacity:.4;stroke-width:4.5;stroke-linecap:round;fill:none}"
    ".bar{fill:#1668b3;fill-opacity:.85}"
    ".guide{stroke:#d64545;stroke-width:1.5;stroke-dasharray:6 4}"
    "@media(prefers-color-scheme:dark){"
    "text{fill:#9fb0c0}.title{fill:#f0f4f8}.label{fill:#bcccdc}.note,.none{fill:#829ab1}"
    ".bg{fill:#12181f}.grid{stroke:#243240}.axis{stroke:#486581}"
    ".dots{stroke:#62b0e8}.bar{fill:#4098d7}.guide{stroke:#f29b9b}}"
    "</style>";

void svg_open(buf *b, const plot_labels *l, const area *a, str facts)
{
    assert(l && l->title);
    const char *desc = l->desc ? l->desc : l->title;
    buf_fmt(b,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%.0f\" height=\"%.0f\" "
            "viewBox=\"0 0 %.0f %.0f\">\n<title>",
            a->width, a->height, a->width, a->height);
    svg_text(b, str_of(l->title), SIZE_MAX);
    buf_puts(b, STR("</title>\n<desc>"));
    svg_text(b, str_of(desc), SIZE_MAX);
    if (facts.n) {
        buf_putc(b, ' ');
        svg_text(b, facts, SIZE_MAX);
    }
    buf_puts(b, STR("</desc>\n"));
    buf_puts(b, str_of(style));
    buf_fmt(b,
            "\n<rect class=\"bg\" width=\"%.0f\" height=\"%.0f\"/>\n"
            "<text class=\"title\" x=\"20\" y=\"28\">",
            a->width, a->height);
    svg_text(b, str_of(l->title), TITLE_MAX);
    buf_puts(b, STR("</text>\n"));
}

void svg_close(buf *b)
{
    buf_puts(b, STR("</svg>\n"));
}

void svg_axis_x(buf *b, const area *a, const scale *x, const char *label, bool grid)
{
    double ticks[TICKS_MAX];
    size_t n = scale_ticks(x, ticks);
    buf_puts(b, STR("<g text-anchor=\"middle\">\n"));
    for (size_t i = 0; i < n; i++) {
        double at = scale_at(x, ticks[i]), top = grid ? a->top : a->bottom + 4;
        buf_fmt(b, "<path class=\"%s\" d=\"M%.1f %.1fV%.1f\"/><text x=\"%.1f\" y=\"%.1f\">",
                grid ? "grid" : "axis", at, top, a->bottom, at, a->bottom + 18);
        put_tick(b, ticks[i], x->step);
        buf_puts(b, STR("</text>\n"));
    }
    buf_fmt(b, "<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/>\n", a->left, a->bottom, a->right);
    if (label) {
        buf_fmt(b, "<text class=\"label\" x=\"%.1f\" y=\"%.1f\">", (a->left + a->right) / 2,
                a->bottom + 40);
        svg_text(b, str_of(label), LABEL_MAX);
        buf_puts(b, STR("</text>\n"));
    }
    buf_puts(b, STR("</g>\n"));
}

void svg_axis_y(buf *b, const area *a, const scale *y, const char *label)
{
    double ticks[TICKS_MAX];
    size_t n = scale_ticks(y, ticks);
    buf_puts(b, STR("<g text-anchor=\"end\">\n"));
    for (size_t i = 0; i < n; i++) {
        double at = scale_at(y, ticks[i]);
        buf_fmt(b, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/><text x=\"%.1f\" y=\"%.1f\">",
                a->left, at, a->right, a->left - 8, at + 4);
        put_tick(b, ticks[i], y->step);
        buf_puts(b, STR("</text>\n"));
    }
    buf_fmt(b, "<path class=\"axis\" d=\"M%.1f %.1fV%.1f\"/>\n</g>\n", a->left, a->top, a->bottom);
    if (label) {
        double middle = (a->top + a->bottom) / 2;
        buf_fmt(b,
                "<text class=\"label\" text-anchor=\"middle\" transform=\"translate(20 %.1f) "
                "rotate(-90)\">",
                middle);
        svg_text(b, str_of(label), LABEL_MAX);
        buf_puts(b, STR("</text>\n"));
    }
}

void svg_note(buf *b, const area *a, str note)
{
    buf_fmt(b, "<text class=\"note\" text-anchor=\"end\" x=\"%.0f\" y=\"%.0f\">", a->width - 16,
            28.0);
    svg_text(b, note, LABEL_MAX);
    buf_puts(b, STR("</text>\n"));
}

void svg_no_data(buf *b, const area *a)
{
    buf_fmt(b, "<text class=\"none\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">no data</text>\n",
            (a->left + a->right) / 2, (a->top + a->bottom) / 2);
}
