#include "registry/registry_int.h"

#include <assert.h>

#include "registry/semver.h"

static err versions_by_stage(db *d, arena *a, str name, str what, model_version **ret, size_t *n)
{
    if (str_eq_nocase(what, STR("latest"))) return registry_versions(d, a, name, 1, 0, ret, n);
    return versions_of(d, a,
                       "SELECT v.id FROM model_version v JOIN registered_model m ON m.id = v.model"
                       " WHERE m.name = ? AND LOWER(v.stage) = LOWER(?)"
                       " ORDER BY v.version DESC LIMIT 1",
                       DB_ARGS(db_text(name), db_text(what)), ret, n);
}

/* An alias may look like "1" or "12": then it goes before a semantic version. */
static err resolve_at(db *d, arena *a, str name, str what, model_version *ret)
{
    semver pattern;
    err e = registry_alias_get(d, a, name, what, ret);
    if (e != ERR_MISSING || !memchr(what.p, '.', what.n)) return e;
    if (semver_parse(what, &pattern)) return registry_alias_get(d, a, name, what, ret);
    return semver_find(d, a, name, pattern, ret);
}

static err resolve_named(db *d, arena *a, str rest, str uri, model_version *ret)
{
    str name, what;
    if (str_cut(rest, '@', &name, &what)) return resolve_at(d, a, name, what, ret);
    if (!str_cut(rest, '/', &name, &what) || !name.n || !what.n)
        return err_set(ERR_INVALID,
                       "'%.*s': want models:/<name>/<version>, models:/<name>@<alias>, "
                       "models:/<name>@<major>.<minor>, models:/<name>/<stage>, "
                       "models:/<name>/latest or models:/<model id>",
                       STR_ARG(uri));
    int64_t version = 0;
    if (what.p[0] >= '0' && what.p[0] <= '9') {
        TRY(err_add(parse_i64(what, &version), "'%.*s'", STR_ARG(uri)));
        return registry_version_get(d, a, name, version, ret);
    }
    model_version *v;
    size_t n;
    TRY(versions_by_stage(d, a, name, what, &v, &n));
    if (!n)
        return err_set(ERR_MISSING, "'%.*s': no version of %.*s is there", STR_ARG(uri),
                       STR_ARG(name));
    *ret = v[0];
    return ERR_OK;
}

err registry_resolve(db *d, arena *a, str uri, model_version *ret)
{
    assert(d && a && ret);
    if (!str_starts(uri, "models:/"))
        return err_set(ERR_INVALID, "'%.*s': not a models:/ URI", STR_ARG(uri));
    str rest = {uri.p + 8, uri.n - 8};
    bool plain = !memchr(rest.p, '/', rest.n) && !memchr(rest.p, '@', rest.n);
    if (!plain || !str_starts(rest, "m-")) return resolve_named(d, a, rest, uri, ret);
    logged_model m;
    TRY(tracking_model_get(d, a, rest, &m));
    *ret = (model_version){
        .stage = STR("None"),
        .status = STR("READY"),
        .source = str_dup(a, uri),
        .run_id = m.source_run_id,
        .model_id = m.id,
        .created_ms = m.created_ms,
        .updated_ms = m.updated_ms,
    };
    return ERR_OK;
}
