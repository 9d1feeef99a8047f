#include <unistd.h>

#include "base/file.h"
#include "cli/cli_int.h"
#include "http/client.h"

/* endpoints list|get|query: what the running server says; deploying is a job's business. */

enum { BODY_MAX = 16 << 20 };

/* The server's own words for its refusal. */
static err refused(const cli *c, const http_answer *answer)
{
    yyjson_val *v;
    str message = answer->body;
    if (!json_parse(c->a, answer->body, "answer", &v)) {
        str words;
        if (!json_get_str(v, "", "message", &words)) message = words;
    }
    err kind = answer->status == 404   ? ERR_MISSING
               : answer->status == 409 ? ERR_CONFLICT
               : answer->status < 500  ? ERR_INVALID
                                       : ERR_IO;
    return err_set(kind, "%s: HTTP %d: %.*s", c->path, answer->status,
                   (int)(message.n > 1000 ? 1000 : message.n), message.p);
}

static err call(const cli *c, const char *method, const char *path, str body, str *ret)
{
    AUTO(home) h = NULL;
    str url;
    http_answer answer;
    TRY(cli_home(c, HOME_ANY, true, &h));
    TRY(home_url(h, c->a, &url));
    const char *headers[] = {"Content-Type: application/json", NULL};
    http_call request = {.method = method,
                         .url = cstr_fmt(c->a, "%.*s%s", STR_ARG(url), path),
                         .headers = body.n ? headers : NULL,
                         .body = body};
    TRY(http_send(c->a, &request, &answer));
    if (answer.status != 200) return refused(c, &answer);
    *ret = answer.body;
    return ERR_OK;
}

static str text_of(yyjson_val *o, const char *key)
{
    yyjson_val *v = yyjson_obj_get(o, key);
    return yyjson_is_str(v) ? json_str(v) : STR("");
}

static void add_endpoint(const cli *c, listing *l, yyjson_val *e)
{
    yyjson_val *config = yyjson_obj_get(e, "config");
    yyjson_val *entities = yyjson_obj_get(config, "served_entities"), *v;
    size_t i, n;
    buf b;
    buf_init(&b, 1 << 20);
    yyjson_arr_foreach(entities, i, n, v)
    {
        buf_fmt(&b, "%s%.*s/%.*s", i ? " " : "", STR_ARG(text_of(v, "entity_name")),
                STR_ARG(text_of(v, "entity_version")));
    }
    listing_add(l,
                (cell[]){cell_text(text_of(e, "name")),
                         cell_text(text_of(yyjson_obj_get(e, "state"), "ready")),
                         cell_text(str_dup(c->a, buf_str(&b))),
                         cell_time(yyjson_get_sint(yyjson_obj_get(e, "last_updated_timestamp")))});
    buf_done(&b);
}

static const char *const keys[] = {"name", "ready", "serves", "last_updated"};

err cmd_endpoints_list(cli *c)
{
    str body;
    yyjson_val *v, *list, *e;
    size_t i, n;
    TRY(call(c, "GET", "/api/2.0/serving-endpoints", STR(""), &body));
    if (cli_json(c)) {
        printf("%.*s\n", STR_ARG(body));
        return ERR_OK;
    }
    TRY(json_parse(c->a, body, "answer", &v));
    list = yyjson_obj_get(v, "endpoints");
    listing *l = listing_new(c->a, "endpoints", keys, countof(keys));
    yyjson_arr_foreach(list, i, n, e)
    {
        add_endpoint(c, l, e);
    }
    listing_print(l, false);
    return ERR_OK;
}

/* An endpoint's name has no character that would need escaping in a URL. */
static err check_name(const cli *c, const char *name)
{
    for (const char *p = name; *p; p++) {
        bool ok = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                  (*p >= '0' && *p <= '9') || *p == '_' || *p == '-' || *p == '.';
        if (!ok) return err_set(ERR_INVALID, "%s: \"%s\" is no endpoint's name", c->path, name);
    }
    return name[0] ? ERR_OK : err_set(ERR_INVALID, "%s: the name is empty", c->path);
}

err cmd_endpoints_get(cli *c)
{
    str body;
    yyjson_val *v;
    TRY(check_name(c, c->args[0]));
    TRY(call(c, "GET", cstr_fmt(c->a, "/api/2.0/serving-endpoints/%s", c->args[0]), STR(""),
             &body));
    if (cli_json(c)) {
        printf("%.*s\n", STR_ARG(body));
        return ERR_OK;
    }
    TRY(json_parse(c->a, body, "answer", &v));
    listing *l = listing_new(c->a, "endpoints", keys, countof(keys));
    add_endpoint(c, l, v);
    listing_print(l, false);
    return ERR_OK;
}

static err read_stdin(const cli *c, str *ret)
{
    buf b;
    ssize_t n = 1;
    buf_init(&b, BODY_MAX);
    while (n > 0) {
        char *room = buf_room(&b, 64 << 10);
        if (!room) break;
        n = read(STDIN_FILENO, room, 64 << 10);
        if (n > 0) b.n += (size_t)n;
    }
    err e = n < 0 ? err_sys(ERR_IO, "standard input") : buf_err(&b, "standard input");
    *ret = str_dup(c->a, buf_str(&b));
    buf_done(&b);
    return e;
}

err cmd_endpoints_query(cli *c)
{
    const char *json = cli_text(c, "json", NULL);
    str body, answer;
    TRY(check_name(c, c->args[0]));
    if (!json)
        return err_set(ERR_INVALID,
                       "%s: want the request's body: --json '{\"dataframe_records\": [{…}]}'",
                       c->path);
    if (!strcmp(json, "-"))
        TRY(read_stdin(c, &body));
    else if (json[0] == '@')
        TRY(file_read(c->a, json + 1, BODY_MAX, &body));
    else
        body = str_of(json);
    if (!body.n) return err_set(ERR_INVALID, "%s: the request's body is empty", c->path);
    TRY(call(c, "POST", cstr_fmt(c->a, "/serving-endpoints/%s/invocations", c->args[0]), body,
             &answer));
    printf("%.*s\n", STR_ARG(answer));
    return ERR_OK;
}
