/* Fuzz target: the body of a scoring request. The first byte picks a signature; what the fast
 * reader takes, the careful one takes too, with the same doubles. */
#include <stdint.h>
#include <stdlib.h>

#include "api/rows_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static field fields[][4] = {
    {{{"a", 1}, FIELD_DOUBLE, true}},
    {{{"a", 1}, FIELD_DOUBLE, true}, {{"b", 1}, FIELD_LONG, true}, {{"c", 1}, FIELD_INTEGER, true}},
    {{{"a", 1}, FIELD_DOUBLE, false},
     {{"b", 1}, FIELD_FLOAT, false},
     {{"c", 1}, FIELD_BOOLEAN, true},
     {{"d", 1}, FIELD_LONG, false}},
    {{{"a", 1}, FIELD_DOUBLE, true},
     {{"a\nb", 3}, FIELD_DOUBLE, true},
     {{"\xc3\xa9", 2}, FIELD_DOUBLE, true}},
};
static const size_t n_fields[] = {1, 3, 4, 3};
static const uint32_t to_model[] = {2, 0, 1, 3}, only[] = {0};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) return 0;
    size_t k = data[0] % countof(n_fields);
    AUTO(arena) a = arena_new(0);
    schema s = {fields[k], n_fields[k], NULL};
    if (schema_make_index(a, &s)) abort();
    rows_form f = {&s, k ? to_model : only, s.n};
    str body = {(const char *)data + 1, size - 1};
    matrix fast, careful;
    bool taken = rows_fast(a, &f, body, &fast);
    err e = rows_careful(a, &f, body, &careful);
    if (!taken) return 0;
    if (e) abort();
    if (fast.rows != careful.rows || fast.cols != careful.cols) abort();
    size_t cells = fast.rows * fast.cols;
    if (cells && memcmp(fast.v, careful.v, cells * sizeof(double)) != 0) abort();
    return 0;
}
