/* Any bytes as an MLmodel; what parses is written again, and what was written must parse to the
 * same. */
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "model/package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(arena *a, const package *p)
{
    package_file *files = NULL;
    size_t n = 0;
    package q;
    if (package_write(a, p, STR("tree\n"), (matrix){0}, &files, &n)) return;
    str text = {"", 0};
    for (size_t i = 0; i < n; i++) {
        if (str_is(files[i].path, "MLmodel")) text = files[i].bytes;
    }
    if (package_parse(a, text, &q)) abort();
    if (q.sig.inputs.n != p->sig.inputs.n || q.sig.outputs.n != p->sig.outputs.n) abort();
    for (size_t i = 0; i < q.sig.inputs.n; i++) {
        if (!str_eq(q.sig.inputs.fields[i].name, p->sig.inputs.fields[i].name)) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arena *a = arena_new(0);
    package p;
    if (!package_parse(a, (str){(const char *)data, size}, &p)) again(a, &p);
    arena_free(a);
    return 0;
}
