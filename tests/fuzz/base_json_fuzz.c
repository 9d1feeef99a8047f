/* Any bytes as JSON: what is accepted prints to something that is accepted and prints the same; any
 * bytes as a string survive the writer as valid JSON. */
#include <assert.h>
#include <stdint.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PRINTED_MAX = 16 << 20 };

static int levels(yyjson_val *v, int depth)
{
    assert(depth <= JSON_DEPTH_MAX);
    size_t i, max;
    yyjson_val *key, *value;
    int most = depth;
    if (yyjson_is_arr(v)) yyjson_arr_foreach(v, i, max, value) most = levels(value, depth + 1);
    if (yyjson_is_obj(v)) yyjson_obj_foreach(v, i, max, key, value) most = levels(value, depth + 1);
    return most;
}

static void ask_fields(yyjson_val *v)
{
    static const char *const keys[] = {"a", "name", NULL};
    str s;
    int64_t i;
    double f;
    bool b;
    if (json_get_str(v, "", "a", &s)) assert(err_message()[0]);
    if (json_opt_i64(v, "x", "a", &i)) assert(err_message()[0]);
    if (json_opt_f64(v, "x", "a", &f)) assert(err_message()[0]);
    if (json_opt_bool(v, "x", "a", &b)) assert(err_message()[0]);
    if (json_only(v, "x", keys)) assert(err_message()[0]);
}

static void print_again(arena *a, yyjson_val *v)
{
    buf b, c;
    buf_init(&b, PRINTED_MAX);
    buf_init(&c, PRINTED_MAX);
    json_write(&b, v);
    yyjson_val *again;
    err e = json_parse(a, buf_str(&b), "again", &again);
    assert(!e);
    json_write(&c, again);
    assert(str_eq(buf_str(&b), buf_str(&c)));
    buf_done(&c);
    buf_done(&b);
}

static void write_as_string(arena *a, str s)
{
    buf b;
    buf_init(&b, PRINTED_MAX);
    jw w;
    jw_init(&w, &b, true);
    jw_obj(&w);
    jw_kstr(&w, "s", s);
    jw_obj_end(&w);
    yyjson_val *v;
    err e = json_parse(a, buf_str(&b), "string", &v);
    assert(!e);
    str got;
    e = json_get_str(v, "", "s", &got);
    assert(!e);
    assert(str_eq(got, s) == str_utf8_ok(s));
    buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) a = arena_new(0);
    const str text = {(const char *)data, size};
    yyjson_val *v = NULL;
    err e = json_parse(a, text, "input", &v);
    assert(!e || e == ERR_FORMAT || e == ERR_LIMIT);
    if (!e) {
        assert(levels(v, 0) >= 0);
        ask_fields(v);
        print_again(a, v);
    }
    write_as_string(a, text);
    return 0;
}
