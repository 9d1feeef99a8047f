/* The text of a tidemill.yaml without sources from files: whatever is taken must survive its own
 * snapshot. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "jobs/bundle_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static err make(arena *a, str text, bundle **ret)
{
    const bundle_var vars[] = {{STR("catalog"), STR("main")}, {STR("n"), STR("7")}};
    yaml *files, *root;
    bundle_scope scope;
    TRY(yaml_parse(a, text, "tidemill.yaml", &files));
    if (files->kind != YAML_MAP) return ERR_FORMAT;
    err e = bundle_resolve(a, files, STR(""), vars, countof(vars), &scope);
    if (e) TRY(bundle_resolve(a, files, STR(""), NULL, 0, &scope));
    TRY(bundle_substitute(a, files, &scope, &root));
    TRY(bundle_check(a, root, root, &bundle_root_keys));
    bundle *b = arena_new_of(a, bundle);
    b->name = scope.name;
    b->target = scope.target;
    b->dir = STR("/bundle");
    TRY(bundle_make(a, root, b));
    TRY(bundle_snapshot(a, root, b));
    *ret = b;
    return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) a = arena_new(0);
    bundle *b, *again;
    if (make(a, (str){(const char *)data, size}, &b)) return 0;
    err e = bundle_from_snapshot(a, b->snapshot, &again);
    assert(!e && again->n_jobs == b->n_jobs && again->n_trainings == b->n_trainings);
    return 0;
}
