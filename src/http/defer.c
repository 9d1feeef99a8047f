/* Requests that outlive the read buffer, and their way to the pool and back. */
#include <assert.h>
#include <string.h>

#include "http/conn_int.h"

http_kept *http_kept_new(http_loop *l, http_conn *c)
{
    http_kept *k = l->spare;
    if (k) {
        l->spare = k->next;
        l->n_spare--;
    } else {
        k = mem_new(1, sizeof *k);
        k->a = arena_new(0);
        buf_init(&k->bytes, l->s->limits.head_max + l->s->limits.body_max);
        k->l = l;
    }
    k->c = c;
    k->next = NULL;
    k->head_n = k->body_max = 0;
    k->left = 0;
    k->chunks = (h1_chunks){0};
    k->chunked = false;
    return k;
}

void http_kept_free(http_kept *k)
{
    buf_done(&k->bytes);
    arena_free(k->a);
    mem_free(k);
}

void http_kept_release(http_kept *k)
{
    http_loop *l = k->l;
    l->kept_bytes -= k->charged;
    k->charged = 0;
    k->c = NULL;
    if (l->n_spare == SPARE_MAX || k->bytes.cap > SPARE_BYTES_MAX ||
        arena_bytes(k->a) > SPARE_BYTES_MAX) {
        http_kept_free(k);
        return;
    }
    buf_reset(&k->bytes);
    arena_reset(k->a);
    k->next = l->spare;
    l->spare = k;
    l->n_spare++;
}

bool http_kept_put(http_kept *k, const char *p, size_t n)
{
    buf_put(&k->bytes, p, n);
    assert(!k->bytes.over); /* head and body were held against their limits */
    k->l->kept_bytes += k->bytes.cap - k->charged;
    k->charged = k->bytes.cap;
    return k->l->kept_bytes <= k->l->s->limits.kept_max / k->l->s->n_loops;
}

void http_kept_head(const http_kept *k, http_header *headers, h1_head *ret)
{
    const http_limits *m = &k->l->s->limits;
    size_t scanned = 0;
    *ret = (h1_head){.headers = headers, .headers_max = m->headers_max, .head_max = m->head_max};
    h1_result r = h1_head_read(k->bytes.p, k->head_n, &scanned, ret);
    assert(r == H1_READY); /* as it was when it came in */
    (void)r;
}

void http_kept_bind(http_kept *k)
{
    h1_head h;
    size_t n = k->l->s->limits.headers_max;
    http_kept_head(k, arena_alloc_raw(k->a, n, sizeof(http_header)), &h);
    k->r = (http_request){.method = h.method,
                          .path = h.path,
                          .query = h.query,
                          .headers = h.headers,
                          .n_headers = h.n_headers,
                          .body = {k->bytes.p + k->head_n, k->bytes.n - k->head_n},
                          .a = k->a,
                          .loop = k->l->id};
}

/* ---- on a thread of the pool */

static void work(void *kept)
{
    http_kept *k = kept;
    http_loop *l = k->l;
    l->s->app.on_work(l->s->app.ctx, &k->r, &k->w);
    http_kept *head = atomic_load_explicit(&l->done, memory_order_relaxed);
    do
        k->next = head;
    while (!atomic_compare_exchange_weak_explicit(&l->done, &head, k, memory_order_release,
                                                  memory_order_relaxed));
    if (!head) http_loop_wake(l); /* who finds others there knows that they woke the loop */
}

/* ---- on the loop */

bool http_defer(http_kept *k)
{
    http_loop *l = k->l;
    assert(l->s->pool && l->s->app.on_work);
    if (pool_run(l->s->pool, work, k)) return false;
    l->n_work++;
    count_add(&l->count.deferred, 1);
    return true;
}

void http_deferred(http_loop *l)
{
    http_kept *newest = atomic_exchange_explicit(&l->done, NULL, memory_order_acquire);
    http_kept *oldest = NULL;
    while (newest) {
        http_kept *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        http_kept *k = oldest;
        http_conn *c = k->c;
        oldest = k->next;
        l->n_work--;
        c->kept = NULL;
        if (c->state == CONN_DEAD)
            http_conn_bury(l, c);
        else
            c->proto->answer(l, c, k);
        http_kept_release(k); /* the answer is in the loop's buffer or the connection's */
        if (c->state != CONN_DEAD) http_conn_resume(l, c);
    }
}
