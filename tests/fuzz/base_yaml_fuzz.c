/* Any bytes as YAML: an error with words and a place, or a tree within the limits in which every
 * value has a place. */
#include <assert.h>
#include <stdint.h>

#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(const yaml *y, int depth)
{
    assert(depth <= YAML_DEPTH_MAX);
    assert(y->line >= 1);
    assert(y->col >= 1);
    assert(str_is(str_of(y->file), "fuzz.yaml"));
    size_t n = 1;
    for (size_t i = 0; i < y->n; i++) {
        if (y->kind == YAML_MAP) assert(yaml_find(y, "a") == NULL || y->n > 0);
        n += count(y->kind == YAML_MAP ? y->pairs[i].value : y->items[i], depth + 1);
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"bundle", "include", NULL};
    AUTO(arena) a = arena_new(0);
    yaml *y = NULL;
    err e = yaml_parse(a, (str){(const char *)data, size}, "fuzz.yaml", &y);
    assert(!e || e == ERR_FORMAT || e == ERR_LIMIT);
    if (e) {
        assert(str_starts(str_of(err_message()), "fuzz.yaml:"));
        return 0;
    }
    assert(count(y, 0) <= YAML_NODES_MAX);
    str s;
    if (yaml_only(y, "input", keys)) assert(str_starts(str_of(err_message()), "fuzz.yaml:"));
    if (y->kind == YAML_MAP && yaml_opt_str(y, "a", &s)) assert(err_message()[0]);
    return 0;
}
