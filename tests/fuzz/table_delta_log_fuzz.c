/* Bytes into the parser of a Delta log. They are a whole small log: commits cut at 0x1e (record
 * separator). What is accepted must also become SQL. */
#include "table/delta_int.h"

enum { COMMITS_MAX = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) a = arena_new(0);
    delta_log log;
    delta_snapshot *s;
    str rest = {(const char *)data, size}, commit, relation;
    int64_t version = 0;
    delta_log_init(&log, a);
    for (; rest.n && version < COMMITS_MAX; version++) {
        str_cut(rest, 0x1e, &commit, &rest);
        if (delta_log_commit(&log, "fuzz.json", commit)) return 0;
    }
    if (delta_log_end(&log, "/fuzz", version, &s)) return 0;
    if (!delta_relation(a, s, NULL, STR(""), &relation) && !str_utf8_ok(relation)) __builtin_trap();
    return 0;
}
