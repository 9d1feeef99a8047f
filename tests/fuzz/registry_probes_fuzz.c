/* Any text as probes.json, against a model of one output and one of several: refused or compared,
 * never worse; what agrees once agrees again. */
#include <stdint.h>
#include <stdlib.h>

#include "base/file.h"
#include "registry/probes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static model *load(const char *file)
{
    AUTO(arena) a = arena_new(0);
    str text;
    model *m;
    const char *path =
        cstr_fmt(a, "%s/tests/fuzz/model_lightgbm/corpus/%s", TIDEMILL_SOURCE_DIR, file);
    if (file_read(a, path, 1 << 20, &text) || model_load(text, "lightgbm", file, &m)) abort();
    return m;
}

static void compare(str text, const model *m)
{
    size_t n = 0, again = 0;
    err e = probes_compare(text, m, &n);
    if (e != probes_compare(text, m, &again) || n != again) abort();
    if (e && !*err_message()) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static model *one, *several; /* as long as the process */
    if (!one) {
        one = load("tiny.txt");
        several = load("multiclass.txt");
    }
    compare((str){(const char *)data, size}, one);
    compare((str){(const char *)data, size}, several);
    return 0;
}
