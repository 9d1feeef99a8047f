#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 2048 };

static _Thread_local char message[MESSAGE_SIZE]; /* NOLINT: as errno, one a thread */

static const struct {
    const char *name;
    int http, exit;
} kinds[] = {
    [ERR_OK] = {"ok", 200, 0},           [ERR_INVALID] = {"invalid", 400, 1},
    [ERR_FORMAT] = {"format", 400, 1},   [ERR_DENIED] = {"denied", 403, 1},
    [ERR_MISSING] = {"missing", 404, 4}, [ERR_CONFLICT] = {"conflict", 409, 5},
    [ERR_LIMIT] = {"limit", 413, 1},     [ERR_BUSY] = {"busy", 429, 1},
    [ERR_GATE] = {"gate", 400, 3},       [ERR_CANCELLED] = {"cancelled", 499, 130},
    [ERR_IO] = {"io", 503, 1},           [ERR_INTERNAL] = {"internal", 500, 1},
};
static_assert(sizeof kinds / sizeof *kinds == ERR_N, "one line for each kind");

/* cut_whole takes a character off the end that the cut at size split (UTF-8). */
static void cut_whole(char *s, size_t n)
{
    size_t at = n;
    while (at > 0 && n - at < 4 && ((unsigned char)s[at - 1] & 0xC0) == 0x80)
        at--;
    if (at == 0 || (unsigned char)s[at - 1] < 0xC0) return;
    unsigned char lead = (unsigned char)s[at - 1];
    size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (n - (at - 1) < want) s[at - 1] = '\0';
}

/* format prints into s and returns the length that stands there. */
__attribute__((format(printf, 3, 0))) static size_t format(char *s, size_t size, const char *fmt,
                                                           va_list ap)
{
    int n = vsnprintf(s, size, fmt, ap);
    if (n < 0) {
        s[0] = '\0';
        return 0;
    }
    if ((size_t)n < size) return (size_t)n;
    cut_whole(s, size - 1);
    return strlen(s);
}

/* The words are printed beside the message first: an argument may be err_message() itself. */
err(err_set)(err e, const char *fmt, ...)
{
    assert(e > ERR_OK);
    assert(e < ERR_N);
    char words[MESSAGE_SIZE];
    va_list ap;
    va_start(ap, fmt);
    size_t n = format(words, sizeof words, fmt, ap);
    va_end(ap);
    memcpy(message, words, n + 1);
    return e;
}

err err_add(err e, const char *fmt, ...)
{
    if (!e) return e;
    assert(e < ERR_N);
    char words[MESSAGE_SIZE];
    va_list ap;
    va_start(ap, fmt);
    size_t n = format(words, sizeof words, fmt, ap);
    va_end(ap);
    size_t room = sizeof words - 1 - n;
    size_t glue = room < 2 ? room : 2;
    memcpy(words + n, ": ", glue);
    n += glue;
    size_t old = strlen(message), keep = sizeof words - 1 - n;
    if (keep > old) keep = old;
    memcpy(words + n, message, keep);
    words[n + keep] = '\0';
    if (keep < old) cut_whole(words, n + keep);
    memcpy(message, words, sizeof words);
    return e;
}

static err kind_of_errno(int code, err other)
{
    switch (code) {
    case ENOENT:
        return ERR_MISSING;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    case EEXIST:
        return ERR_CONFLICT;
    default:
        return other;
    }
}

err(err_sys)(err e, const char *fmt, ...)
{
    int code = errno;
    const char *why = strerrordesc_np(code);
    if (!why) why = "unknown system error";
    char words[MESSAGE_SIZE - 128];
    va_list ap;
    va_start(ap, fmt);
    format(words, sizeof words, fmt, ap);
    va_end(ap);
    return err_set(kind_of_errno(code, e), "%s: %s", words, why);
}

const char *err_message(void)
{
    return message;
}

const char *err_name(err e)
{
    assert(e < ERR_N);
    return kinds[e].name;
}

int err_http(err e)
{
    assert(e < ERR_N);
    return kinds[e].http;
}

int err_exit(err e)
{
    assert(e < ERR_N);
    return kinds[e].exit;
}
