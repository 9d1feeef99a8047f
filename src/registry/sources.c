#include "registry/registry_int.h"

/* Where the bytes of a version are. The server gives nobody bytes of its own disk: a source is
 * a run's or a logged model's artifacts, another version, or an address of some other store, which
 * only clients read. */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One round of %xx; *ret_more: something was decoded. Owner: a. */
static str unquote(arena *a, str s, bool *ret_more)
{
    char *to = arena_alloc(a, s.n + 1, 1);
    size_t n = 0;
    *ret_more = false;
    for (size_t i = 0; i < s.n; i++) {
        int hi = s.p[i] == '%' && i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
        int lo = hi >= 0 ? hex_digit(s.p[i + 2]) : -1;
        to[n++] = lo >= 0 ? (char)(hi * 16 + lo) : s.p[i];
        if (lo < 0) continue;
        i += 2;
        *ret_more = true;
    }
    return (str){to, n};
}

static bool has_parent_level(str path)
{
    str rest = path, level;
    while (rest.n) {
        str_cut(rest, '/', &level, &rest);
        if (str_is(level, "..")) return true;
    }
    return false;
}

/* However often it is encoded, and whichever way its slashes lean. */
static err check_levels(arena *a, str source)
{
    str plain = source;
    for (bool more = true; more;)
        plain = unquote(a, plain, &more);
    bool bad = plain.n && memchr(plain.p, 0, plain.n);
    for (size_t i = 0; i < plain.n && !bad; i++)
        bad = plain.p[i] == '\\';
    if (!bad && !has_parent_level(plain)) return ERR_OK;
    return err_set(ERR_INVALID,
                   "Invalid model version source: '%.*s'. If supplying a source as an http, https, "
                   "local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path "
                   "must be provided without relative path references present. Please provide an "
                   "absolute path.",
                   STR_ARG(source));
}

/* "" when there is none; one letter is a drive. */
static str scheme_of(str source)
{
    size_t n = 0;
    for (; n < source.n && source.p[n] != ':'; n++) {
        char c = source.p[n];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!letter && !(n && other)) return STR("");
    }
    return n == source.n || n < 2 ? STR("") : (str){source.p, n};
}

static err not_of(str source, const char *param)
{
    return err_set(ERR_INVALID,
                   "Invalid model version source: '%.*s'. The %s request parameter must identify "
                   "the resource that contains the source.",
                   STR_ARG(source), param);
}

static err is_local(str source, const char *param, const char *what)
{
    return err_set(ERR_INVALID,
                   "Invalid model version source: '%.*s'. To use a local path as a model version "
                   "source, the %s request parameter has to be specified and the local path has to "
                   "be contained within the artifact directory of the %s specified by the %s.",
                   STR_ARG(source), param, what, param);
}

static bool is_within(str source, str root)
{
    return root.n && source.n >= root.n && !memcmp(source.p, root.p, root.n) &&
           (source.n == root.n || source.p[root.n] == '/');
}

/* --- runs:/<id>/<path> */
static err source_of_run(const version_spec *o, version_source *s)
{
    str rest = {s->source.p + 5, s->source.n - 5}, id, path;
    if (o->model_id.n) return not_of(s->source, "model_id");
    if (str_starts(rest, "//") || !str_starts(rest, "/")) return not_of(s->source, "run_id");
    str_cut((str){rest.p + 1, rest.n - 1}, '/', &id, &path);
    if (!id.n || !path.n || !str_eq(id, o->run_id)) return not_of(s->source, "run_id");
    s->storage = s->source;
    return ERR_OK;
}

/* --- models:/… */
static err source_of_logged(db *d, arena *a, const version_spec *o, str id, version_source *s)
{
    logged_model m;
    if (o->model_id.n && !str_eq(o->model_id, id)) return not_of(s->source, "model_id");
    TRY(tracking_model_get(d, a, id, &m));
    s->model_id = m.id;
    s->storage = m.artifact_uri;
    if (!s->run_id.n) s->run_id = m.source_run_id;
    return ERR_OK;
}

static err source_of_version(db *d, arena *a, const version_spec *o, version_source *s)
{
    model_version v;
    registered_model m;
    TRY(registry_resolve(d, a, s->source, &v));
    TRY(registry_model_get(d, a, v.name, &m));
    if (tags_say_prompt(m.tags, m.n_tags))
        return err_set(ERR_INVALID,
                       "Invalid model version source: '%.*s'. Prompt versions cannot be used as "
                       "model version sources.",
                       STR_ARG(s->source));
    if ((o->run_id.n && !str_eq(o->run_id, v.run_id)) ||
        (o->model_id.n && !str_eq(o->model_id, v.model_id)))
        return err_set(ERR_INVALID,
                       "Invalid model version source: '%.*s'. The run_id and model_id request "
                       "parameters must match the referenced model version.",
                       STR_ARG(s->source));
    s->run_id = v.run_id;
    s->model_id = v.model_id;
    s->source = str_fmt(a, "models:/%.*s/%lld", STR_ARG(v.name), (long long)v.version);
    return registry_download_uri(d, a, (version_ref){v.name, v.version}, &s->storage);
}

static err source_of_models(db *d, arena *a, const version_spec *o, version_source *s)
{
    str rest = {s->source.p + 7, s->source.n - 7};
    if (!str_starts(rest, "/") || str_starts(rest, "//")) return not_of(s->source, "model_id");
    rest = (str){rest.p + 1, rest.n - 1};
    bool plain = !memchr(rest.p, '/', rest.n) && !memchr(rest.p, '@', rest.n);
    if (plain && rest.n) return source_of_logged(d, a, o, rest, s);
    return source_of_version(d, a, o, s);
}

/* --- mlflow-artifacts:/… */
static err source_of_artifacts(db *d, arena *a, const version_spec *o, version_source *s)
{
    if (o->model_id.n) {
        logged_model m;
        err e = tracking_model_get(d, a, o->model_id, &m);
        if (e && e != ERR_MISSING) return e;
        if (e || !is_within(s->source, m.artifact_uri)) return not_of(s->source, "model_id");
        s->model_id = m.id;
        if (!s->run_id.n) s->run_id = m.source_run_id;
    } else {
        run r;
        err e = o->run_id.n ? tracking_run_get(d, a, o->run_id, &r) : ERR_MISSING;
        if (e && e != ERR_MISSING) return e;
        if (e || !is_within(s->source, r.artifact_uri)) return not_of(s->source, "run_id");
    }
    s->storage = s->source;
    return ERR_OK;
}

/* --- addresses elsewhere */
static err source_elsewhere(db *d, arena *a, const version_spec *o, str scheme, version_source *s)
{
    static const char *const open[] = {"http",  "https", "s3",    "gs",   "wasb",
                                       "wasbs", "abfs",  "abfss", "dbfs", "r2"};
    bool known = false, proxied = false;
    size_t at;
    for (size_t i = 0; i < countof(open); i++)
        known |= str_eq_nocase(scheme, str_of(open[i]));
    if (!known)
        return err_set(ERR_INVALID,
                       "Invalid model version source: '%.*s'. Sources are runs:/, models:/, "
                       "mlflow-artifacts:/ or addresses in http, https, s3, gs, wasbs, abfss, dbfs "
                       "or r2.",
                       STR_ARG(s->source));
    if (str_starts(scheme, "http"))
        proxied = str_find(s->source, STR("/api/2.0/mlflow-artifacts/artifacts"), &at);
    if (proxied) return not_of(s->source, o->model_id.n ? "model_id" : "run_id");
    s->storage = s->source;
    if (!o->model_id.n || s->run_id.n) return ERR_OK;
    logged_model m;
    TRY(tracking_model_get(d, a, o->model_id, &m));
    s->run_id = m.source_run_id;
    return ERR_OK;
}

err source_check(db *d, arena *a, const version_spec *o, version_source *ret)
{
    version_source s = {.source = o->source, .run_id = o->run_id, .model_id = o->model_id};
    str scheme = scheme_of(o->source);
    if (tags_say_prompt(o->tags, o->n_tags)) {
        bool placeholder =
            str_is(o->source, "prompt-template") || str_is(o->source, "dummy-source");
        if (!placeholder)
            return err_set(ERR_INVALID,
                           "Invalid prompt source: '%.*s'. Prompt sources must use an MLflow "
                           "placeholder.",
                           STR_ARG(o->source));
        s.storage = s.source;
        *ret = s;
        return ERR_OK;
    }
    if (!scheme.n || str_eq_nocase(scheme, STR("file")))
        return o->model_id.n ? is_local(o->source, "model_id", "run")
                             : is_local(o->source, "run_id", "run");
    TRY(check_levels(a, o->source));
    if (str_is(scheme, "runs"))
        TRY(source_of_run(o, &s));
    else if (str_is(scheme, "models"))
        TRY(source_of_models(d, a, o, &s));
    else if (str_is(scheme, "mlflow-artifacts"))
        TRY(source_of_artifacts(d, a, o, &s));
    else
        TRY(source_elsewhere(d, a, o, scheme, &s));
    *ret = s;
    return ERR_OK;
}
