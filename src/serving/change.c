#include <assert.h>

#include "serving/serving_int.h"

/* Every change: check, load, commit, swap. What can fail comes before the commit; the swap cannot
 * fail. So tables and view never disagree, and a change that fails has changed nothing. */

static serving_view *current(serving *s)
{
    return atomic_load_explicit(&s->view, memory_order_acquire); /* under change_lock it stays */
}

static void describe(const endpoint *e, endpoint_state *st)
{
    st->ready = e && e->ready;
    if (e && e->error.n) st->error = e->error;
    if (!e && !st->error.n) st->error = STR("not loaded yet");
}

static err state_of(serving *s, arena *a, str name, endpoint_state *ret)
{
    endpoint_state *v;
    size_t n;
    TRY(rows_read(s->d, a, name, &v, &n));
    if (!n) return err_set(ERR_MISSING, "endpoint %.*s: does not exist", STR_ARG(name));
    const serving_view *view = serving_hold(s);
    describe(view_find(view, name), &v[0]);
    v[0].error = str_dup(a, v[0].error);
    serving_drop(s, view);
    *ret = v[0];
    return ERR_OK;
}

/* A failed update leaves a word for those who look at the endpoint; the failure itself is what the
 * caller hears of. */
static err note_failure(serving *s, arena *a, str name, err e)
{
    const char *message = str_c(a, str_of(err_message()));
    err noted = rows_set_error(s->d, name, message);
    (void)noted; /* the first failure is the one to tell */
    return err_set(e, "%s", message);
}

static err create_locked(serving *s, arena *a, const endpoint_spec *o, int64_t now_ms)
{
    endpoint_state *v;
    size_t n;
    TRY(rows_read(s->d, a, o->name, &v, &n));
    if (n)
        return err_set(ERR_CONFLICT,
                       "endpoint %.*s: exists already; change its configuration instead",
                       STR_ARG(o->name));
    endpoint *e = NULL;
    TRY(endpoint_load(s->d, s->b, o, NULL, &e));
    err kind = rows_create(s->d, a, o, now_ms);
    if (!kind) view_swap(s, view_with(s, e, STR("")));
    endpoint_unref(e);
    return kind;
}

err serving_create(serving *s, arena *a, const endpoint_spec *o, int64_t now_ms,
                   endpoint_state *ret)
{
    assert(s && a && o && ret);
    endpoint_spec checked;
    TRY(spec_check(a, o, &checked));
    pthread_mutex_lock(&s->change_lock);
    err e = create_locked(s, a, &checked, now_ms);
    if (!e) e = state_of(s, a, checked.name, ret);
    pthread_mutex_unlock(&s->change_lock);
    return e;
}

static err update_locked(serving *s, arena *a, const endpoint_spec *o, int64_t now_ms)
{
    endpoint_state *v;
    size_t n;
    TRY(rows_read(s->d, a, o->name, &v, &n));
    if (!n) return err_set(ERR_MISSING, "endpoint %.*s: does not exist", STR_ARG(o->name));
    endpoint *e = NULL;
    err kind = endpoint_load(s->d, s->b, o, view_find(current(s), o->name), &e);
    if (!kind) kind = rows_update(s->d, a, o, now_ms);
    if (kind) {
        endpoint_unref(e);
        return note_failure(s, a, o->name, kind);
    }
    view_swap(s, view_with(s, e, STR("")));
    endpoint_unref(e);
    return ERR_OK;
}

err serving_update(serving *s, arena *a, const endpoint_spec *o, int64_t now_ms,
                   endpoint_state *ret)
{
    assert(s && a && o && ret);
    endpoint_spec checked;
    TRY(spec_check(a, o, &checked));
    pthread_mutex_lock(&s->change_lock);
    err e = update_locked(s, a, &checked, now_ms);
    if (!e) e = state_of(s, a, checked.name, ret);
    pthread_mutex_unlock(&s->change_lock);
    return e;
}

err serving_delete(serving *s, str name)
{
    assert(s);
    TRY(spec_check_name(name));
    AUTO(arena) a = arena_new(0);
    pthread_mutex_lock(&s->change_lock);
    err e = rows_delete(s->d, a, name);
    if (!e) view_swap(s, view_with(s, NULL, name));
    pthread_mutex_unlock(&s->change_lock);
    return e;
}

/* --- refresh */
/* The endpoint as it is served now, when its row has not changed since; else loaded anew, and not
 * ready when that fails. */
static endpoint *refreshed(serving *s, arena *a, const endpoint_state *st)
{
    endpoint *old = view_find(current(s), st->spec.name), *e = NULL;
    endpoint_spec o;
    err kind = spec_check(a, &st->spec, &o); /* who knows what wrote the row */
    if (!kind && old && old->ready && endpoint_is(old, &o)) return endpoint_ref(old);
    if (!kind) kind = endpoint_load(s->d, s->b, &o, old, &e);
    return kind ? endpoint_failed(st->spec.name, err_message()) : e;
}

static err refresh_locked(serving *s, arena *a)
{
    endpoint_state *v;
    size_t n;
    TRY(rows_read(s->d, a, STR(""), &v, &n));
    endpoint **all = arena_array(a, endpoint *, n ? n : 1);
    for (size_t i = 0; i < n; i++)
        all[i] = refreshed(s, a, &v[i]);
    view_swap(s, view_of(s, all, n));
    for (size_t i = 0; i < n; i++)
        endpoint_unref(all[i]);
    return ERR_OK;
}

err serving_refresh(serving *s)
{
    assert(s);
    AUTO(arena) a = arena_new(0);
    pthread_mutex_lock(&s->change_lock);
    err e = refresh_locked(s, a);
    pthread_mutex_unlock(&s->change_lock);
    return e;
}

/* --- looking */
err serving_get(serving *s, arena *a, str name, endpoint_state *ret)
{
    assert(s && a && ret);
    TRY(spec_check_name(name));
    return state_of(s, a, name, ret);
}

err serving_list(serving *s, arena *a, endpoint_state **ret, size_t *ret_n)
{
    assert(s && a && ret && ret_n);
    endpoint_state *v;
    size_t n;
    TRY(rows_read(s->d, a, STR(""), &v, &n));
    const serving_view *view = serving_hold(s);
    for (size_t i = 0; i < n; i++) {
        describe(view_find(view, v[i].spec.name), &v[i]);
        v[i].error = str_dup(a, v[i].error);
    }
    serving_drop(s, view);
    *ret = v;
    *ret_n = n;
    return ERR_OK;
}
