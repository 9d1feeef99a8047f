#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "api/api_int.h"

enum { MESSAGE_MAX = 4096 };

/* What MLflow calls a status (its databricks.proto, which Databricks' SDK knows too). */
static const char *code_of(int status)
{
    switch (status) {
    case 400:
    case 405:
    case 411:
    case 414:
    case 415:
    case 431:
        return "BAD_REQUEST";
    case 401:
        return "UNAUTHENTICATED";
    case 403:
        return "PERMISSION_DENIED";
    case 404:
        return "ENDPOINT_NOT_FOUND";
    case 408:
        return "DEADLINE_EXCEEDED";
    case 409:
        return "RESOURCE_CONFLICT";
    case 413:
        return "RESOURCE_LIMIT_EXCEEDED";
    case 429:
        return "RESOURCE_EXHAUSTED";
    case 499:
        return "CANCELLED";
    case 501:
        return "NOT_IMPLEMENTED";
    case 503:
        return "TEMPORARILY_UNAVAILABLE";
    default:
        return "INTERNAL_ERROR";
    }
}

void answer_error(arena *a, http_response *w, int status, const char *code, const char *message)
{
    assert(a && w && message);
    buf b;
    jw j;
    buf_init(&b, 8 * MESSAGE_MAX);
    jw_init(&j, &b, false);
    jw_obj(&j);
    jw_kcstr(&j, "error_code", code ? code : code_of(status));
    jw_kcstr(&j, "message", message);
    jw_obj_end(&j);
    w->status = status;
    w->content_type = "application/json";
    w->body = b.over ? STR("{\"error_code\":\"INTERNAL_ERROR\",\"message\":\"\"}")
                     : str_dup(a, buf_str(&b));
    buf_done(&b);
}

void answer_err(arena *a, http_response *w, err e, const char *bad_input)
{
    assert(e != ERR_OK);
    int status = err_http(e);
    const char *code = NULL;
    if (e == ERR_INVALID) code = bad_input;
    if (e == ERR_MISSING) code = "RESOURCE_DOES_NOT_EXIST";
    if (e == ERR_GATE) code = "INVALID_STATE";
    if (e == ERR_CONFLICT) { /* MLflow's clients and Databricks' SDK want 400 and go by the code */
        status = 400;
        code = "RESOURCE_ALREADY_EXISTS";
    }
    answer_error(a, w, status, code, err_message());
}

err call_refuse(call *c, int status, const char *code, const char *fmt, ...)
{
    char text[MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    answer_error(c->a, c->w, status, code, text);
    return ERR_OK;
}
