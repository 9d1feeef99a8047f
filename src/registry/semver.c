#include "registry/semver.h"

#include <assert.h>
#include <stdlib.h>

#include "registry/registry_int.h"

enum { PART_MAX = 1000000000 };

/* --- numbers */
static err bad_semver(str text)
{
    return err_set(ERR_INVALID,
                   "semantic version '%.*s': want major, major.minor or major.minor.patch, whole "
                   "numbers below 10^9",
                   STR_ARG(text));
}

err semver_parse(str text, semver *ret)
{
    int64_t v[3] = {-1, -1, -1};
    str rest = text, part;
    bool more = true;
    for (size_t i = 0; more; i++) {
        more = str_cut(rest, '.', &part, &rest);
        bool ok = i < 3 && part.n && part.n < 10 && (part.n == 1 || part.p[0] != '0');
        for (size_t k = 0; ok && k < part.n; k++)
            ok = part.p[k] >= '0' && part.p[k] <= '9';
        if (!ok || parse_i64(part, &v[i]) || v[i] >= PART_MAX) return bad_semver(text);
    }
    *ret = (semver){v[0], v[1], v[2]};
    return ERR_OK;
}

str semver_print(arena *a, semver v)
{
    return str_fmt(a, "%lld.%lld.%lld", (long long)v.major, (long long)v.minor, (long long)v.patch);
}

int semver_cmp(semver x, semver y)
{
    if (x.major != y.major) return x.major < y.major ? -1 : 1;
    if (x.minor != y.minor) return x.minor < y.minor ? -1 : 1;
    return (x.patch > y.patch) - (x.patch < y.patch);
}

bool semver_fits(semver v, semver pattern)
{
    return (pattern.major < 0 || v.major == pattern.major) &&
           (pattern.minor < 0 || v.minor == pattern.minor) &&
           (pattern.patch < 0 || v.patch == pattern.patch);
}

semver semver_bumped(semver v, semver_bump b)
{
    if (b == SEMVER_MAJOR) return (semver){v.major + 1, 0, 0};
    if (b == SEMVER_MINOR) return (semver){v.major, v.minor + 1, 0};
    return (semver){v.major, v.minor, v.patch + 1};
}

/* --- what a caller would notice */
typedef struct diff {
    arena *a;
    semver_bump bump;
    str why;
} diff;

static void differ(diff *d, semver_bump b, str what)
{
    if (b > d->bump) {
        d->bump = b;
        d->why = STR("");
    }
    if (b == d->bump)
        d->why = d->why.n ? str_fmt(d->a, "%.*s; %.*s", STR_ARG(d->why), STR_ARG(what)) : what;
}

static const field *find_field(const schema *s, str name)
{
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(s->fields[i].name, name)) return &s->fields[i];
    return NULL;
}

static void diff_fields(diff *d, const char *what, const schema *from, const schema *to,
                        bool inputs)
{
    for (size_t i = 0; i < from->n; i++) {
        const field *was = &from->fields[i], *is = find_field(to, was->name);
        if (!is)
            differ(d, SEMVER_MAJOR,
                   str_fmt(d->a, "%s '%.*s' (%s) is gone", what, STR_ARG(was->name),
                           field_type_name(was->type)));
        else if (is->type != was->type)
            differ(d, SEMVER_MAJOR,
                   str_fmt(d->a, "%s '%.*s' was %s, is %s", what, STR_ARG(was->name),
                           field_type_name(was->type), field_type_name(is->type)));
        else if (inputs && is->required != was->required)
            differ(d, is->required ? SEMVER_MAJOR : SEMVER_MINOR,
                   str_fmt(d->a, "%s '%.*s' is %s", what, STR_ARG(was->name),
                           is->required ? "required now" : "no longer required"));
    }
    for (size_t i = 0; i < to->n; i++) {
        const field *is = &to->fields[i];
        if (find_field(from, is->name)) continue;
        bool breaks = inputs && is->required;
        differ(d, breaks ? SEMVER_MAJOR : SEMVER_MINOR,
               str_fmt(d->a, "%s '%.*s' (%s%s) is new", what, STR_ARG(is->name),
                       field_type_name(is->type), breaks ? ", required" : ""));
    }
}

semver_bump semver_diff(arena *a, const signature *from, const signature *to, str *ret_why)
{
    assert(a && from && to && ret_why);
    diff d = {a, SEMVER_PATCH, STR("")};
    diff_fields(&d, "input", &from->inputs, &to->inputs, true);
    diff_fields(&d, "output", &from->outputs, &to->outputs, false);
    *ret_why = d.why;
    return d.bump;
}

/* --- versions that have one */
static bool tag_of(const key_value *v, size_t n, const char *key, str *ret)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(v[i].key, key)) {
            *ret = v[i].value;
            return true;
        }
    return false;
}

err semver_find(db *d, arena *a, str name, semver pattern, model_version *ret)
{
    assert(d && a && ret);
    model_version *v, *best = NULL;
    semver best_of = {0};
    size_t n;
    TRY(versions_of(d, a,
                    "SELECT v.id FROM model_version v JOIN registered_model m ON m.id = v.model"
                    " JOIN model_version_tag t ON t.version = v.id AND t.key = '" SEMVER_TAG "'"
                    " WHERE m.name = ? ORDER BY v.version",
                    DB_ARGS(db_text(name)), &v, &n));
    for (size_t i = 0; i < n; i++) {
        str text;
        semver is;
        if (!tag_of(v[i].tags, v[i].n_tags, SEMVER_TAG, &text) || semver_parse(text, &is)) continue;
        if (is.patch < 0 || !semver_fits(is, pattern)) continue;
        if (best && semver_cmp(is, best_of) < 0) continue;
        best = &v[i];
        best_of = is;
    }
    if (!best)
        return err_set(ERR_MISSING, "%.*s: no version has a fitting semantic version (tag %s)",
                       STR_ARG(name), SEMVER_TAG);
    *ret = *best;
    return ERR_OK;
}

/* --- a proposal */
static err signature_of(db *d, blobs *b, arena *a, str model_id, signature *ret)
{
    str text;
    package p;
    *ret = (signature){0};
    if (!model_id.n) return ERR_OK;
    err e = artifact_get(d, b, a, str_fmt(a, "models/%.*s", STR_ARG(model_id)), STR("MLmodel"),
                         1 << 20, &text);
    if (!e) e = package_parse(a, text, &p);
    if (!e) *ret = p.sig;
    return e == ERR_IO ? e : ERR_OK;
}

static bool better(const model_version *from, const version_spec *to, arena *a, str *ret_why)
{
    str was, is;
    double x = 0, y = 0;
    if (!tag_of(from->tags, from->n_tags, "validation.mae", &was) ||
        !tag_of(to->tags, to->n_tags, "validation.mae", &is) || parse_f64(was, &x) ||
        parse_f64(is, &y) || !(y < x))
        return false;
    *ret_why = str_fmt(a, "validation.mae was %.*s, is %.*s", STR_ARG(was), STR_ARG(is));
    return true;
}

err semver_propose(db *d, blobs *b, arena *a, str name, const version_spec *o, semver_proposal *ret)
{
    assert(d && b && a && o && ret);
    model_version last;
    signature from, to;
    semver_proposal p = {.version = {1, 0, 0}, .bump = SEMVER_MAJOR, .why = STR("the first")};
    str model_id = o->model_id, text;
    if (!model_id.n && str_starts(o->source, "models:/m-"))
        model_id = (str){o->source.p + 8, o->source.n - 8};
    err e = semver_find(d, a, name, (semver){-1, -1, -1}, &last);
    if (e == ERR_MISSING) {
        *ret = p;
        return ERR_OK;
    }
    TRY(e);
    if (tag_of(last.tags, last.n_tags, SEMVER_TAG, &text)) TRY(semver_parse(text, &p.previous));
    TRY(signature_of(d, b, a, last.model_id, &from));
    TRY(signature_of(d, b, a, model_id, &to));
    p.bump = semver_diff(a, &from, &to, &p.why);
    if (p.bump == SEMVER_PATCH && better(&last, o, a, &p.why)) p.bump = SEMVER_MINOR;
    p.version = semver_bumped(p.previous, p.bump);
    *ret = p;
    return ERR_OK;
}
