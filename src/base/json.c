#include "base/json.h"

#include <assert.h>
#include <string.h>

enum { FEW_KEYS = 16 }; /* up to here pairs of keys are compared one by one */

/* yyjson takes its memory from the arena: a request that fits its arena's first block costs no
 * malloc. */
static void *alc_take(void *ctx, size_t size)
{
    return arena_alloc_raw(ctx, size, 1);
}

static void *alc_grow(void *ctx, void *p, size_t old_size, size_t size)
{
    if (size <= old_size) return p;
    void *q = arena_alloc_raw(ctx, size, 1);
    memcpy(q, p, old_size);
    return q;
}

static void alc_give(void *ctx, void *p)
{
    (void)ctx;
    (void)p;
}

static err err_at(err kind, const char *what, str text, size_t pos, const char *msg, str word)
{
    size_t line = 1, col = 1, chr = 0;
    if (text.n) yyjson_locate_pos(text.p, text.n, pos < text.n ? pos : text.n, &line, &col, &chr);
    return err_set(kind, "%s: line %zu, column %zu (byte %zu): %s%.*s%s", what, line, col, pos, msg,
                   STR_ARG(word), word.n ? "\"" : "");
}

static bool key_eq(yyjson_val *x, yyjson_val *y)
{
    size_t n = unsafe_yyjson_get_len(x);
    return n == unsafe_yyjson_get_len(y) &&
           !memcmp(unsafe_yyjson_get_str(x), unsafe_yyjson_get_str(y), n);
}

/* Shorter first: most different keys are told apart without looking at their bytes. */
static int key_cmp(yyjson_val *x, yyjson_val *y)
{
    size_t n = unsafe_yyjson_get_len(x), m = unsafe_yyjson_get_len(y);
    if (n != m) return n < m ? -1 : 1;
    return memcmp(unsafe_yyjson_get_str(x), unsafe_yyjson_get_str(y), n);
}

static void sift_down(yyjson_val **v, size_t i, size_t n)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && key_cmp(v[child], v[child + 1]) < 0) child++;
        if (key_cmp(v[i], v[child]) >= 0) return;
        yyjson_val *t = v[i];
        v[i] = v[child];
        v[child] = t;
    }
}

/* Heap sort: qsort would take memory from malloc, and no input makes this one quadratic. */
static void sort_keys(yyjson_val **v, size_t n)
{
    for (size_t i = n / 2; i > 0; i--)
        sift_down(v, i - 1, n);
    for (size_t i = n; i > 1; i--) {
        yyjson_val *t = v[0];
        v[0] = v[i - 1];
        v[i - 1] = t;
        sift_down(v, 0, i - 1);
    }
}

static yyjson_val *twice_among_few(yyjson_val *const *v, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (key_eq(v[i], v[j])) return v[i];
    return NULL;
}

/* Of two equal keys the later one in the text is meant. */
static yyjson_val *twice_among_many(yyjson_val **v, size_t n)
{
    sort_keys(v, n);
    for (size_t i = 1; i < n; i++)
        if (key_eq(v[i], v[i - 1])) return v[i] > v[i - 1] ? v[i] : v[i - 1];
    return NULL;
}

/* duplicate_key returns a key that stands twice in object o, or NULL. */
static yyjson_val *duplicate_key(arena *a, yyjson_val *o)
{
    size_t n = unsafe_yyjson_get_len(o);
    if (n < 2) return NULL;
    yyjson_val *few[FEW_KEYS];
    yyjson_val **keys = n <= FEW_KEYS ? few : arena_array(a, yyjson_val *, n);
    yyjson_val *key = unsafe_yyjson_get_first(o);
    for (size_t i = 0; i < n; i++, key = unsafe_yyjson_get_next(key + 1))
        keys[i] = key;
    return n <= FEW_KEYS ? twice_among_few(keys, n) : twice_among_many(keys, n);
}

/* check walks the values as they lie in memory, in text order; ends[] holds where each open
 * container ends, so hostile nesting costs no stack. Strings lie in a copy of the text, at their
 * own places (yyjson unescapes in place). */
static err check(arena *a, yyjson_doc *doc, str text, const char *what)
{
    yyjson_val *ends[JSON_DEPTH_MAX];
    size_t depth = 0;
    yyjson_val *end = doc->root + doc->val_read;
    for (yyjson_val *v = doc->root; v < end; v++) {
        while (depth && v == ends[depth - 1])
            depth--;
        if (!unsafe_yyjson_is_ctn(v)) continue;
        if (depth == JSON_DEPTH_MAX)
            return err_set(ERR_LIMIT, "%s: nested deeper than %d levels", what, JSON_DEPTH_MAX);
        if (unsafe_yyjson_is_obj(v)) {
            yyjson_val *twice = duplicate_key(a, v);
            if (twice) {
                const char *p = unsafe_yyjson_get_str(twice);
                str shown = {p, unsafe_yyjson_get_len(twice) > 100 ? 100
                                                                   : unsafe_yyjson_get_len(twice)};
                return err_at(ERR_FORMAT, what, text, (size_t)(p - doc->str_pool) - 1,
                              "duplicate key \"", shown);
            }
        }
        ends[depth++] = unsafe_yyjson_get_next(v);
    }
    return ERR_OK;
}

err json_parse(arena *a, str text, const char *what, yyjson_val **ret)
{
    assert(a);
    assert(what);
    assert(ret);
    if (text.n > JSON_SIZE_MAX)
        return err_set(ERR_LIMIT, "%s: %zu bytes, want at most %d", what, text.n, JSON_SIZE_MAX);
    if (!text.n)
        return err_set(ERR_FORMAT, "%s: line 1, column 1 (byte 0): empty, want JSON", what);
    const yyjson_alc alc = {alc_take, alc_grow, alc_give, a};
    yyjson_read_err why;
    /* Without YYJSON_READ_INSITU the text is copied and only read, whatever the parameter's type
     * says. */
    yyjson_doc *doc =
        yyjson_read_opts((char *)(uintptr_t)text.p, text.n, YYJSON_READ_NOFLAG, &alc, &why);
    if (!doc) return err_at(ERR_FORMAT, what, text, why.pos, why.msg, (str){"", 0});
    TRY(check(a, doc, text, what));
    *ret = yyjson_doc_get_root(doc);
    return ERR_OK;
}
