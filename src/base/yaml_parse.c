#include <assert.h>
#include <libfyaml.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/utf8_int.h"
#include "base/yaml_int.h"

/* libfyaml gives events; the tree is ours. An alias shares its anchor's node (trees are immutable),
 * but counts with all that hangs below it, so that nobody who walks the tree meets more than
 * YAML_NODES_MAX nodes or YAML_DEPTH_MAX levels. */
typedef struct node {
    yaml y;       /* first: a yaml * is a node * */
    size_t total; /* nodes below and with it, aliases expanded */
    int height;   /* levels below and with it */
    bool open;    /* still being read */
} node;

/* What stands on the stack while a collection is read: its children, and for a mapping the key in
 * front of each. */
typedef struct child {
    node *value; /* NULL: a key that waits for its value */
    str key;
    int line, col;
} child;

typedef struct level {
    node *at;
    size_t first; /* its first child on the stack */
} level;

typedef struct reader {
    arena *a;
    const char *file;
    struct fy_parser *fyp;
    struct fy_diag *diag;
    map *anchors;
    child *stack;
    size_t n, cap;
    level levels[YAML_DEPTH_MAX];
    int depth;
    size_t total; /* nodes so far, aliases expanded */
    node *root;
    int line, col; /* where the last token stood */
    buf text;      /* of one scalar; no escape is longer than three times its source */
} reader;

static err err_here(const reader *r, err kind, const char *msg, str word)
{
    return err_set(kind, "%s:%d:%d: %s%.*s", r->file, r->line, r->col, msg,
                   word.n > 100 ? 100 : (int)word.n, word.n ? word.p : "");
}

static void move_to(reader *r, struct fy_token *t)
{
    const struct fy_mark *m = t ? fy_token_start_mark(t) : NULL;
    if (!m) return;
    r->line = m->line + 1;
    r->col = m->column + 1;
}

static node *node_new(reader *r, yaml_kind kind)
{
    node *x = arena_new_of(r->a, node);
    x->y = (yaml){.kind = kind, .file = r->file, .line = r->line, .col = r->col, .text = STR("")};
    x->total = 1;
    x->height = 1;
    return x;
}

static err count(reader *r, size_t n)
{
    r->total += n;
    if (r->total > YAML_NODES_MAX)
        return err_set(ERR_LIMIT,
                       "%s:%d:%d: more than %d values (aliases count with all they repeat)",
                       r->file, r->line, r->col, YAML_NODES_MAX);
    return ERR_OK;
}

static void push(reader *r, child c)
{
    if (r->n == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 64;
        r->stack = mem_grow(r->stack, r->cap, sizeof *r->stack);
    }
    r->stack[r->n++] = c;
}

static bool wants_key(const reader *r)
{
    const level *l = &r->levels[r->depth - 1];
    if (l->at->y.kind != YAML_MAP) return false;
    return r->n == l->first || r->stack[r->n - 1].value;
}

/* A value that is not there ("a:") stands where its key does. */
static void move_to_key(reader *r)
{
    if (r->levels[r->depth - 1].at->y.kind != YAML_MAP) return;
    r->line = r->stack[r->n - 1].line;
    r->col = r->stack[r->n - 1].col;
}

/* add puts a finished or just opened value where it belongs. */
static err add(reader *r, node *x)
{
    if (!r->depth) {
        assert(!r->root);
        r->root = x;
        return ERR_OK;
    }
    if (wants_key(r)) {
        if (x->y.kind == YAML_SEQ || x->y.kind == YAML_MAP)
            return err_here(r, ERR_FORMAT, "a key must be a plain word or a string", STR(""));
        push(r, (child){.key = x->y.text, .line = r->line, .col = r->col});
        return ERR_OK;
    }
    if (r->levels[r->depth - 1].at->y.kind == YAML_MAP)
        r->stack[r->n - 1].value = x;
    else
        push(r, (child){.value = x});
    return ERR_OK;
}

/* token_text reads the token piece by piece: fy_token_get_text of 0.7.12 loses memory when a scalar
 * has many escapes (libfyaml issue 233). */
static str token_text(reader *r, struct fy_token *t)
{
    buf_reset(&r->text);
    struct fy_token_iter *it = t ? fy_token_iter_create(t) : NULL;
    const struct fy_iter_chunk *c = NULL;
    while (it && (c = fy_token_iter_chunk_next(it, c, NULL)))
        buf_put(&r->text, c->str, c->len);
    fy_token_iter_destroy(it);
    assert(!r->text.over);
    return str_dup(r->a, buf_str(&r->text));
}

/* name_it lets later aliases find x. */
static void name_it(reader *r, struct fy_token *anchor, node *x)
{
    if (anchor) map_put(r->anchors, token_text(r, anchor), x);
}

static err no_tag(reader *r, struct fy_token *tag)
{
    if (!tag) return ERR_OK;
    move_to(r, tag);
    return err_here(r, ERR_FORMAT, "tags are not taken: ", token_text(r, tag));
}

static err on_scalar(reader *r, const struct fy_event_scalar_data *d)
{
    TRY(no_tag(r, d->tag));
    if (!d->value && r->depth && !wants_key(r)) move_to_key(r);
    move_to(r, d->anchor);
    move_to(r, d->value);
    const enum fy_scalar_style style = d->value ? fy_token_scalar_style(d->value) : FYSS_PLAIN;
    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
        r->col--; /* the mark stands behind the quote */
    TRY(count(r, 1));
    node *x = node_new(r, YAML_STR);
    x->y.text = token_text(r, d->value);
    x->y.plain = style == FYSS_PLAIN;
    if (x->y.plain) yaml_type_plain(&x->y);
    name_it(r, d->anchor, x);
    return add(r, x);
}

static err on_alias(reader *r, struct fy_token *t)
{
    move_to(r, t);
    str name = token_text(r, t);
    node *x = map_find(r->anchors, name);
    if (!x) return err_here(r, ERR_FORMAT, "no anchor of this name stands above: *", name);
    if (x->open) return err_here(r, ERR_FORMAT, "an alias inside its own anchor: *", name);
    TRY(count(r, x->total));
    if (r->depth + x->height > YAML_DEPTH_MAX)
        return err_here(r, ERR_LIMIT, "nested too deep by alias *", name);
    return add(r, x);
}

static err on_start(reader *r, yaml_kind kind, struct fy_token *anchor, struct fy_token *tag,
                    struct fy_token *start)
{
    TRY(no_tag(r, tag));
    move_to(r, start);
    TRY(count(r, 1));
    if (r->depth == YAML_DEPTH_MAX)
        return err_set(ERR_LIMIT, "%s:%d:%d: nested deeper than %d levels", r->file, r->line,
                       r->col, YAML_DEPTH_MAX);
    node *x = node_new(r, kind);
    x->open = true;
    name_it(r, anchor, x);
    TRY(add(r, x));
    r->levels[r->depth++] = (level){x, r->n};
    return ERR_OK;
}

static int by_key(const void *x, const void *y)
{
    const yaml_pair *p = *(const yaml_pair *const *)x, *q = *(const yaml_pair *const *)y;
    int c = str_cmp(p->key, q->key);
    return c ? c : p < q ? -1 : p > q;
}

static err no_key_twice(const reader *r, const yaml *m)
{
    if (m->n < 2) return ERR_OK;
    const yaml_pair **v = mem_new(m->n, sizeof *v);
    for (size_t i = 0; i < m->n; i++)
        v[i] = &m->pairs[i];
    qsort(v, m->n, sizeof *v, by_key);
    err e = ERR_OK;
    for (size_t i = 1; i < m->n && !e; i++) {
        if (!str_eq(v[i]->key, v[i - 1]->key)) continue;
        e = err_set(ERR_FORMAT, "%s:%d:%d: key \"%.*s\" stands twice, first in line %d", r->file,
                    v[i]->key_line, v[i]->key_col, v[i]->key.n > 100 ? 100 : (int)v[i]->key.n,
                    v[i]->key.p, v[i - 1]->key_line);
    }
    mem_free(v);
    return e;
}

/* on_end moves the children from the stack into the node that they belong to. */
static err on_end(reader *r)
{
    assert(r->depth > 0);
    const level l = r->levels[--r->depth];
    node *x = l.at;
    yaml *y = &x->y;
    y->n = r->n - l.first;
    if (y->kind == YAML_MAP)
        y->pairs = arena_array(r->a, yaml_pair, y->n);
    else
        y->items = arena_array(r->a, yaml *, y->n);
    for (size_t i = 0; i < y->n; i++) {
        const child *c = &r->stack[l.first + i];
        assert(c->value);
        if (y->kind == YAML_MAP)
            y->pairs[i] = (yaml_pair){c->key, c->line, c->col, &c->value->y};
        else
            y->items[i] = &c->value->y;
        x->total += c->value->total + (y->kind == YAML_MAP);
        if (c->value->height + 1 > x->height) x->height = c->value->height + 1;
    }
    r->n = l.first;
    x->open = false;
    return y->kind == YAML_MAP ? no_key_twice(r, y) : ERR_OK;
}

static err on_event(reader *r, const struct fy_event *e)
{
    switch (e->type) {
    case FYET_DOCUMENT_START:
        move_to(r, e->document_start.document_start);
        if (r->root) return err_here(r, ERR_FORMAT, "a second document, want one a file", STR(""));
        return ERR_OK;
    case FYET_SCALAR:
        return on_scalar(r, &e->scalar);
    case FYET_ALIAS:
        return on_alias(r, e->alias.anchor);
    case FYET_SEQUENCE_START:
        return on_start(r, YAML_SEQ, e->sequence_start.anchor, e->sequence_start.tag,
                        e->sequence_start.sequence_start);
    case FYET_MAPPING_START:
        return on_start(r, YAML_MAP, e->mapping_start.anchor, e->mapping_start.tag,
                        e->mapping_start.mapping_start);
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        return on_end(r);
    case FYET_NONE:
    case FYET_STREAM_START:
    case FYET_STREAM_END:
    case FYET_DOCUMENT_END:
        return ERR_OK;
    default:
        return err_here(r, ERR_INTERNAL, "an event of libfyaml that we do not know", STR(""));
    }
}

/* library_err turns what libfyaml collected into our message. */
static err library_err(const reader *r)
{
    void *at = NULL;
    const struct fy_diag_error *d = fy_diag_errors_iterate(r->diag, &at);
    if (!d || !d->msg) return err_here(r, ERR_FORMAT, "no valid YAML from here on", STR(""));
    str msg = str_trim(str_of(d->msg));
    int line = d->line > 0 ? d->line : r->line, col = d->column > 0 ? d->column : r->col;
    return err_set(ERR_FORMAT, "%s:%d:%d: %.*s", r->file, line, col, STR_ARG(msg));
}

static err read_events(reader *r)
{
    for (bool more = true; more;) {
        struct fy_event *e = fy_parser_parse(r->fyp);
        if (!e) return library_err(r);
        more = e->type != FYET_STREAM_END;
        err failed = on_event(r, e);
        fy_parser_event_free(r->fyp, e);
        if (failed) return failed;
    }
    return ERR_OK;
}

/* check_bytes: only UTF-8 text without control bytes (specification 5.1) goes to the library. */
static err check_bytes(str text, const char *file)
{
    if (text.n > YAML_SIZE_MAX)
        return err_set(ERR_LIMIT, "%s: %zu bytes, want at most %d", file, text.n, YAML_SIZE_MAX);
    const unsigned char *p = (const unsigned char *)text.p;
    int line = 1, col = 1;
    for (size_t i = 0, n; i < text.n; i += n) {
        n = utf8_len(p + i, text.n - i);
        if (!n)
            return err_set(ERR_FORMAT, "%s:%d:%d: byte 0x%02x is no UTF-8", file, line, col, p[i]);
        bool control =
            (p[i] < 0x20 && p[i] != '\t' && p[i] != '\n' && p[i] != '\r') || p[i] == 0x7F;
        if (control)
            return err_set(ERR_FORMAT, "%s:%d:%d: control byte 0x%02x", file, line, col, p[i]);
        col++;
        if (p[i] == '\n') {
            line++;
            col = 1;
        }
    }
    return ERR_OK;
}

static bool is_empty(const reader *r)
{
    return !r->root || (r->root->y.kind == YAML_NULL && !r->root->y.text.n);
}

err yaml_parse(arena *a, str text, const char *file, yaml **ret)
{
    assert(a);
    assert(file);
    assert(ret);
    TRY(check_bytes(text, file));
    const struct fy_diag_cfg diag_cfg = {.level = FYET_ERROR, .module_mask = ~0U};
    reader r = {.a = a, .file = str_c(a, str_of(file)), .anchors = map_new(a), .line = 1, .col = 1};
    buf_init(&r.text, 3 * (size_t)YAML_SIZE_MAX);
    r.diag = fy_diag_create(&diag_cfg);
    const struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG |
                                              FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
                                     .diag = r.diag};
    if (r.diag) fy_diag_set_collect_errors(r.diag, true);
    r.fyp = r.diag ? fy_parser_create(&cfg) : NULL;
    err e = ERR_OK;
    if (!r.fyp || fy_parser_set_string(r.fyp, text.p, text.n))
        e = err_set(ERR_INTERNAL, "%s: libfyaml does not start", file);
    else if (text.n)
        e = read_events(&r);
    fy_parser_destroy(r.fyp);
    fy_diag_destroy(r.diag);
    mem_free(r.stack);
    buf_done(&r.text);
    if (e) return e;
    if (is_empty(&r)) {
        r.line = r.col = 1;
        r.root = node_new(&r, YAML_MAP);
    }
    *ret = &r.root->y;
    return ERR_OK;
}
