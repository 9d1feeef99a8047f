#include "base/mem.h"
#include "model/runtime.h"

/* Every format that we read. To add one: write its runtime in a file of its own and name it here.
 */
const model_runtime *const model_formats[] = {
    &lightgbm_runtime,
};
const size_t model_formats_n = countof(model_formats);
