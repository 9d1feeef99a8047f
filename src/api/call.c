#include <assert.h>

#include "api/api_int.h"

static void free_out(void *out)
{
    buf_done(out);
}

jw *call_json(call *c)
{
    assert(c && !c->out);
    c->out = arena_new_of(c->a, buf);
    buf_init(c->out, ANSWER_MAX);
    arena_on_free(c->a, free_out, c->out);
    jw_init(&c->json, c->out, false);
    return &c->json;
}

err call_body(call *c, yyjson_val **ret)
{
    if (!c->body) {
        str body = c->r->body.n ? c->r->body : STR("{}");
        TRY(json_parse(c->a, body, "request body", &c->body));
        if (!yyjson_is_obj(c->body)) {
            c->body = NULL;
            return err_set(ERR_INVALID, "request body: want a JSON object");
        }
    }
    *ret = c->body;
    return ERR_OK;
}

static bool by_query(const call *c)
{
    return str_is(c->r->method, "GET") || str_is(c->r->method, "HEAD");
}

err call_str(call *c, const char *key, str *ret)
{
    if (by_query(c)) {
        bool found;
        str value;
        TRY(http_query(c->a, c->r->query, key, &found, &value));
        if (found) *ret = value;
        return ERR_OK;
    }
    yyjson_val *body;
    TRY(call_body(c, &body));
    yyjson_val *v = yyjson_obj_get(body, key);
    if (yyjson_is_int(v)) { /* ids may come as numbers */
        *ret = yyjson_is_uint(v) ? str_fmt(c->a, "%llu", (unsigned long long)yyjson_get_uint(v))
                                 : str_fmt(c->a, "%lld", (long long)yyjson_get_sint(v));
        return ERR_OK;
    }
    return json_opt_str(body, "", key, ret);
}

err call_i64(call *c, const char *key, int64_t *ret)
{
    str text = {NULL, 0};
    TRY(call_str(c, key, &text));
    if (!text.p) return ERR_OK;
    if (parse_i64(text, ret))
        return err_set(ERR_INVALID,
                       "Invalid value '%.*s' for parameter '%s' supplied: want a whole number",
                       (int)(text.n < 100 ? text.n : 100), text.p, key);
    return ERR_OK;
}

err call_need(call *c, const char *key, str *ret)
{
    str v = STR("");
    TRY(call_str(c, key, &v));
    if (!v.n)
        return err_set(ERR_INVALID,
                       "Missing value for required parameter '%s'. See the API docs for more "
                       "information about request parameters.",
                       key);
    *ret = v;
    return ERR_OK;
}

void call_header(http_response *w, str name, str value)
{
    assert(w->n_extra < HTTP_EXTRA_MAX);
    w->extra[w->n_extra++] = (http_header){name, value};
}

err call_page(call *c, size_t preset, size_t most, page_of *ret)
{
    int64_t max = (int64_t)preset;
    str token = STR("");
    TRY(call_i64(c, "max_results", &max));
    TRY(call_str(c, "page_token", &token));
    if (max < 1 || (uint64_t)max > most)
        return err_set(ERR_INVALID,
                       "Invalid value %lld for parameter 'max_results' supplied: want 1 to %zu",
                       (long long)max, most);
    *ret = (page_of){0, (size_t)max};
    return token.n ? page_token_read(c->a, token, &ret->offset) : ERR_OK;
}

void call_next_page(call *c, jw *w, const page_of *p, bool more)
{
    if (more) jw_kstr(w, "next_page_token", page_token_make(c->a, p->offset + p->max));
}
