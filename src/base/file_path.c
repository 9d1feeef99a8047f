#include <assert.h>
#include <limits.h>

#include "base/file.h"

const char *path_join(arena *a, const char *dir, const char *name)
{
    assert(a);
    assert(dir);
    assert(name);
    if (name[0] == '/' || !dir[0]) return str_c(a, str_of(name));
    if (!name[0]) return str_c(a, str_of(dir));
    return cstr_fmt(a, "%s%s%s", dir, str_ends(str_of(dir), "/") ? "" : "/", name);
}

/* A path made canonical: "/a/b", "a/b", "" (here), or with ".." in front that nothing takes away.
 */
typedef struct canon {
    char p[PATH_MAX];
    size_t n;
} canon;

static bool push(canon *c, str part)
{
    bool glue = c->n > 0 && c->p[c->n - 1] != '/';
    if (part.n + glue >= sizeof c->p - c->n) return false;
    if (glue) c->p[c->n++] = '/';
    memcpy(c->p + c->n, part.p, part.n);
    c->n += part.n;
    return true;
}

/* pop takes the last part away; false when there is none or it is "..". */
static bool pop(canon *c)
{
    size_t n = c->n;
    while (n > 0 && c->p[n - 1] != '/')
        n--;
    str last = {c->p + n, c->n - n};
    if (!last.n) return c->n == 1; /* ".." of "/" is "/" */
    if (str_is(last, "..")) return false;
    c->n = n > 1 ? n - 1 : n;
    return true;
}

static bool canonical(const char *path, canon *c)
{
    c->n = 0;
    if (path[0] == '/') c->p[c->n++] = '/';
    for (str rest = str_of(path), part; rest.n;) {
        str_cut(rest, '/', &part, &rest);
        if (!part.n || str_is(part, ".")) continue;
        if (str_is(part, "..") && pop(c)) continue;
        if (!push(c, part)) return false;
    }
    return true;
}

bool path_inside(const char *root, const char *p)
{
    assert(root);
    assert(p);
    canon r, c;
    if (!canonical(root, &r) || !canonical(p, &c)) return false;
    if (c.n <= r.n || memcmp(c.p, r.p, r.n) != 0) return false;
    if (r.n && r.p[r.n - 1] == '/') return true;
    if (r.n) return c.p[r.n] == '/';
    /* root is this folder: anything relative that does not climb */
    return c.p[0] != '/' && !str_is((str){c.p, c.n < 3 ? c.n : (c.p[2] == '/' ? 2 : c.n)}, "..");
}
