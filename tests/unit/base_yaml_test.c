#include "base/yaml.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "test.h"

static const char *why(arena *a, const char *text, err want)
{
    yaml *y = NULL;
    err e = yaml_parse(a, str_of(text), "f.yaml", &y);
    ck_assert_msg(e == want, "%s: %s: %s", text, err_name(e), err_message());
    ck_assert_ptr_null(y);
    return err_message();
}

static yaml *parsed(arena *a, const char *text)
{
    yaml *y = NULL;
    ck_ok(yaml_parse(a, str_of(text), "f.yaml", &y));
    return y;
}

TEST(a_tree_remembers_where_its_nodes_stood)
{
    AUTO(arena) a = arena_new(0);
    yaml *y = parsed(a, "bundle:\n  name: taxi\njobs:\n  - a\n  - {b: \"1\"}\nempty:\n");
    ck_assert_int_eq(y->kind, YAML_MAP);
    ck_assert_uint_eq(y->n, 3);
    ck_assert(str_is(y->pairs[1].key, "jobs"));
    ck_assert_int_eq(y->pairs[1].key_line, 3);
    ck_assert_int_eq(y->pairs[1].key_col, 1);
    yaml *name = yaml_find(yaml_find(y, "bundle"), "name");
    ck_assert(str_is(name->text, "taxi"));
    ck_assert_int_eq(name->line, 2);
    ck_assert_int_eq(name->col, 9);
    ck_assert_str_eq(name->file, "f.yaml");
    yaml *jobs = yaml_find(y, "jobs");
    ck_assert_int_eq(jobs->kind, YAML_SEQ);
    ck_assert_uint_eq(jobs->n, 2);
    yaml *b = yaml_find(jobs->items[1], "b");
    ck_assert_int_eq(b->kind, YAML_STR);
    ck_assert(!b->plain);
    ck_assert_int_eq(b->line, 5);
    ck_assert_int_eq(b->col, 9);
    yaml *empty = yaml_find(y, "empty");
    ck_assert_int_eq(empty->kind, YAML_NULL);
    ck_assert_int_eq(empty->line, 6);
    ck_assert_ptr_null(yaml_find(y, "none"));
    ck_assert_ptr_null(yaml_find(jobs, "a"));
    ck_assert_ptr_null(yaml_find(NULL, "a"));
}

TEST(plain_scalars_have_the_types_of_the_core_schema)
{
    static const struct {
        const char *text;
        yaml_kind kind;
        double f;
    } want[] = {
        {"~", YAML_NULL, 0},
        {"null", YAML_NULL, 0},
        {"Null", YAML_NULL, 0},
        {"true", YAML_BOOL, 1},
        {"FALSE", YAML_BOOL, 0},
        {"yes", YAML_STR, 0},
        {"on", YAML_STR, 0},
        {"0", YAML_INT, 0},
        {"-12", YAML_INT, -12},
        {"+7", YAML_INT, 7},
        {"017", YAML_INT, 17},
        {"0o17", YAML_INT, 15},
        {"0xfF", YAML_INT, 255},
        {"0o8", YAML_STR, 0},
        {"0x", YAML_STR, 0},
        {"1_000", YAML_STR, 0},
        {"1.5", YAML_FLOAT, 1.5},
        {".5", YAML_FLOAT, 0.5},
        {"1.", YAML_FLOAT, 1},
        {"1e3", YAML_FLOAT, 1000},
        {"-1.5E-1", YAML_FLOAT, -0.15},
        {"1e", YAML_STR, 0},
        {".", YAML_STR, 0},
        {"1.2.3", YAML_STR, 0},
        {".e1", YAML_STR, 0},
        {"-.e1", YAML_STR, 0},
        {"nan", YAML_STR, 0},
        {"inf", YAML_STR, 0},
        {"2026-01-31", YAML_STR, 0},
        {"12:30", YAML_STR, 0},
        {"0 */6 * * *", YAML_STR, 0},
        {"99999999999999999999", YAML_FLOAT, 1e20},
        {"1e999", YAML_STR, 0},
    };
    AUTO(arena) a = arena_new(0);
    for (size_t i = 0; i < countof(want); i++) {
        yaml *v = yaml_find(parsed(a, cstr_fmt(a, "k: %s\n", want[i].text)), "k");
        ck_assert_msg(v->kind == want[i].kind, "%s: %s", want[i].text, yaml_kind_name(v->kind));
        ck_assert(str_is(v->text, want[i].text));
        if (v->kind == YAML_INT) ck_assert_int_eq(v->i, (int64_t)want[i].f);
        if (v->kind == YAML_INT || v->kind == YAML_FLOAT) ck_assert_double_eq(v->f, want[i].f);
        if (v->kind == YAML_BOOL) ck_assert_int_eq(v->b, want[i].f > 0);
    }
    yaml *y = parsed(a, "[.nan, .Inf, -.INF, +.inf]");
    ck_assert(isnan(y->items[0]->f));
    ck_assert(y->items[1]->f > 0 && isinf(y->items[1]->f));
    ck_assert(y->items[2]->f < 0 && isinf(y->items[2]->f));
    ck_assert(y->items[3]->f > 0 && isinf(y->items[3]->f));
}

TEST(quoted_and_block_scalars_are_strings)
{
    AUTO(arena) a = arena_new(0);
    yaml *y = parsed(
        a, "a: 'it''s'\nb: \"\\u00e9\\n\"\nc: |\n  x\n  y\nd: >-\n  x\n  y\ne: ''\nf: '1'\n");
    ck_assert(str_is(yaml_find(y, "a")->text, "it's"));
    ck_assert(str_is(yaml_find(y, "b")->text, "\xC3\xA9\n"));
    ck_assert(str_is(yaml_find(y, "c")->text, "x\ny\n"));
    ck_assert(str_is(yaml_find(y, "d")->text, "x y"));
    ck_assert_int_eq(yaml_find(y, "e")->kind, YAML_STR);
    ck_assert_int_eq(yaml_find(y, "f")->kind, YAML_STR);
}

TEST(an_empty_document_is_an_empty_mapping)
{
    static const char *const empty[] = {"",      "\n",         "# nothing\n",
                                        "---\n", "---\n...\n", "\xEF\xBB\xBF"};
    AUTO(arena) a = arena_new(0);
    for (size_t i = 0; i < countof(empty); i++) {
        yaml *y = parsed(a, empty[i]);
        ck_assert_int_eq(y->kind, YAML_MAP);
        ck_assert_uint_eq(y->n, 0);
        ck_assert_int_eq(y->line, 1);
    }
}

TEST(what_is_no_yaml_is_refused_with_its_place)
{
    AUTO(arena) a = arena_new(0);
    ck_assert_str_eq(why(a, "a: 1\na: 2\n", ERR_FORMAT),
                     "f.yaml:2:1: key \"a\" stands twice, first in line 1");
    ck_assert_str_eq(why(a, "a: 1\n---\nb: 2\n", ERR_FORMAT),
                     "f.yaml:2:1: a second document, want one a file");
    ck_assert(
        str_starts(str_of(why(a, "a: !!str 1\n", ERR_FORMAT)), "f.yaml:1:4: tags are not taken: "));
    ck_assert(
        str_starts(str_of(why(a, "a: !own x\n", ERR_FORMAT)), "f.yaml:1:4: tags are not taken: "));
    ck_assert_str_eq(why(a, "a: *b\n", ERR_FORMAT),
                     "f.yaml:1:5: no anchor of this name stands above: *b");
    ck_assert_str_eq(why(a, "a: &b [*b]\n", ERR_FORMAT),
                     "f.yaml:1:9: an alias inside its own anchor: *b");
    ck_assert_str_eq(why(a, "a: x\n? [b, c]\n: 2\n", ERR_FORMAT),
                     "f.yaml:2:3: a key must be a plain word or a string");
    ck_assert_str_eq(why(a, "a: 1\nb: \x01\n", ERR_FORMAT), "f.yaml:2:4: control byte 0x01");
    ck_assert_str_eq(why(a, "a: \xff\n", ERR_FORMAT), "f.yaml:1:4: byte 0xff is no UTF-8");
    static const char *const bad[] = {"a: [1, 2", "a: {b",       "a: 'x",     "a: b: c",
                                      "\ta: 1",   "a: 1\n b: 2", "- a\nb: c", "a: @x"};
    for (size_t i = 0; i < countof(bad); i++)
        ck_assert(str_starts(str_of(why(a, bad[i], ERR_FORMAT)), "f.yaml:"));
}

TEST(aliases_share_their_anchor)
{
    AUTO(arena) a = arena_new(0);
    yaml *y = parsed(a, "a: &x {k: 1}\nb: *x\nc: &x 2\nd: *x\n");
    ck_assert_ptr_eq(yaml_find(y, "a"), yaml_find(y, "b"));
    ck_assert_int_eq(yaml_find(y, "d")->i, 2);
}

TEST(a_bomb_of_aliases_is_refused_quickly)
{
    AUTO(arena) a = arena_new(0);
    buf b;
    buf_init(&b, 1 << 20);
    buf_fmt(&b, "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 30; i++) {
        buf_fmt(&b, "l%d: &l%d [", i, i);
        for (int k = 0; k < 10; k++)
            buf_fmt(&b, "*l%d, ", i - 1);
        buf_fmt(&b, "]\n");
    }
    yaml *y;
    int64_t before = mono_us();
    ck_err(yaml_parse(a, buf_str(&b), "f.yaml", &y), ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(err_message(), "more than 200000 values"));
    ck_assert_int_lt(mono_us() - before, 1000000);
    /* a chain of aliases is no deeper than nesting may be */
    buf_reset(&b);
    buf_fmt(&b, "l0: &l0 [x]\n");
    for (int i = 1; i < 100; i++)
        buf_fmt(&b, "l%d: &l%d [*l%d]\n", i, i, i - 1);
    ck_err(yaml_parse(a, buf_str(&b), "f.yaml", &y), ERR_LIMIT);
    buf_done(&b);
}

TEST(depth_size_and_number_are_limited)
{
    AUTO(arena) a = arena_new(0);
    buf b;
    buf_init(&b, 16 << 20);
    for (int i = 0; i < YAML_DEPTH_MAX; i++)
        buf_putc(&b, '[');
    for (int i = 0; i < YAML_DEPTH_MAX; i++)
        buf_putc(&b, ']');
    yaml *y;
    ck_ok(yaml_parse(a, buf_str(&b), "f.yaml", &y));
    buf_reset(&b);
    for (int i = 0; i <= YAML_DEPTH_MAX; i++)
        buf_putc(&b, '[');
    for (int i = 0; i <= YAML_DEPTH_MAX; i++)
        buf_putc(&b, ']');
    ck_err(yaml_parse(a, buf_str(&b), "f.yaml", &y), ERR_LIMIT);
    buf_reset(&b);
    for (int i = 0; i < 100000; i++)
        buf_putc(&b, '[');
    ck_err(yaml_parse(a, buf_str(&b), "f.yaml", &y), ERR_LIMIT);
    buf_reset(&b);
    for (int i = 0; i < YAML_DEPTH_MAX + 1; i++)
        buf_fmt(&b, "%*sk:\n", i, "");
    ck_err(yaml_parse(a, buf_str(&b), "f.yaml", &y), ERR_LIMIT);
    buf_reset(&b);
    for (int i = 0; i < YAML_NODES_MAX; i++)
        buf_fmt(&b, "- x\n");
    ck_err(yaml_parse(a, buf_str(&b), "f.yaml", &y), ERR_LIMIT);
    buf_reset(&b);
    memset(buf_room(&b, YAML_SIZE_MAX + 1), '#', YAML_SIZE_MAX + 1);
    b.n = YAML_SIZE_MAX + 1;
    ck_err(yaml_parse(a, buf_str(&b), "f.yaml", &y), ERR_LIMIT);
    buf_done(&b);
}

TEST(unknown_keys_are_refused_where_they_stand)
{
    static const char *const keys[] = {"name", "schedule", NULL};
    AUTO(arena) a = arena_new(0);
    ck_ok(yaml_only(parsed(a, "name: x\n"), "job", keys));
    ck_err(yaml_only(parsed(a, "name: x\n  # c\nshedule: y\n"), "job", keys), ERR_INVALID);
    ck_assert_str_eq(err_message(),
                     "f.yaml:3:1: job: unknown key \"shedule\", did you mean \"schedule\"?");
    ck_err(yaml_only(parsed(a, "- x\n"), "job", keys), ERR_INVALID);
    ck_assert_str_eq(err_message(), "f.yaml:1:1: job: is a list, want a mapping");
}

TEST(fields_are_read_by_type)
{
    AUTO(arena) a = arena_new(0);
    yaml *y = parsed(a, "s: x\ni: 3\nf: 2.5\nb: true\nn: ~\nl: [1]\n");
    str s = STR("old");
    int64_t i = 42;
    double f = 42;
    bool b = false;
    ck_ok(yaml_get_str(y, "i", &s));
    ck_assert(str_is(s, "3"));
    ck_ok(yaml_opt_str(y, "s", &s));
    ck_assert(str_is(s, "x"));
    ck_ok(yaml_opt_i64(y, "i", &i));
    ck_assert_int_eq(i, 3);
    ck_ok(yaml_opt_f64(y, "i", &f));
    ck_assert_double_eq(f, 3);
    ck_ok(yaml_opt_f64(y, "f", &f));
    ck_assert_double_eq(f, 2.5);
    ck_ok(yaml_opt_bool(y, "b", &b));
    ck_assert(b);
    ck_ok(yaml_opt_str(y, "none", &s));
    ck_ok(yaml_opt_i64(y, "none", &i));
    ck_ok(yaml_opt_f64(y, "none", &f));
    ck_ok(yaml_opt_bool(y, "none", &b));
    ck_err(yaml_get_str(y, "none", &s), ERR_INVALID);
    ck_assert_str_eq(err_message(), "f.yaml:1:1: none: missing, want a string");
    ck_err(yaml_get_str(y, "l", &s), ERR_INVALID);
    ck_assert_str_eq(err_message(), "f.yaml:6:4: l: is a list, want a string");
    ck_err(yaml_get_str(y, "n", &s), ERR_INVALID);
    ck_err(yaml_opt_i64(y, "f", &i), ERR_INVALID);
    ck_err(yaml_opt_f64(y, "s", &f), ERR_INVALID);
    ck_err(yaml_opt_bool(y, "i", &b), ERR_INVALID);
    ck_err(yaml_opt_str(parsed(a, "[1]"), "x", &s), ERR_INVALID);
    ck_assert(str_is(s, "x") && i == 3 && f == 2.5 && b);
}

TESTS("base/yaml", a_tree_remembers_where_its_nodes_stood,
      plain_scalars_have_the_types_of_the_core_schema, quoted_and_block_scalars_are_strings,
      an_empty_document_is_an_empty_mapping, what_is_no_yaml_is_refused_with_its_place,
      aliases_share_their_anchor, a_bomb_of_aliases_is_refused_quickly,
      depth_size_and_number_are_limited, unknown_keys_are_refused_where_they_stand,
      fields_are_read_by_type)
