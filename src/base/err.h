/* base/err: how a function says that it failed.
 *
 * A function that can fail returns err: 0 is success, anything else is the kind of failure. The
 * words for people go into this thread's message: what, where, why and what to do. The function
 * that sees the failure sets them (err_set); callers may put context in front (err_add); one place
 * logs them. */
#ifndef TIDEMILL_BASE_ERR_H
#define TIDEMILL_BASE_ERR_H

#define MUST_CHECK __attribute__((warn_unused_result))

typedef enum err_kind {
    ERR_OK = 0,
    ERR_INVALID,   /* the caller's input is wrong:             HTTP 400, exit 1 */
    ERR_FORMAT,    /* bytes that do not parse:                 HTTP 400, exit 1 */
    ERR_DENIED,    /* not allowed:                             HTTP 403, exit 1 */
    ERR_MISSING,   /* no such thing:                           HTTP 404, exit 4 */
    ERR_CONFLICT,  /* exists already, or changed meanwhile:    HTTP 409, exit 5 */
    ERR_LIMIT,     /* a fixed limit is passed:                 HTTP 413, exit 1 */
    ERR_BUSY,      /* no room now, try again:                  HTTP 429, exit 1 */
    ERR_GATE,      /* a declared gate failed:                  HTTP 400, exit 3 */
    ERR_CANCELLED, /* somebody asked to stop:                  HTTP 499, exit 130 */
    ERR_IO,        /* disk, network, database, child process:  HTTP 503, exit 1 */
    ERR_INTERNAL,  /* ours:                                    HTTP 500, exit 1 */
    ERR_N
} err_kind;

typedef err_kind err;

/* err_set records the message of a failure on this thread (cut at 2,047 bytes) and returns e.
 * "who: what: value, want …, do …". */
__attribute__((format(printf, 2, 3))) err err_set(err e, const char *fmt, ...);

/* err_add puts "context: " in front of this thread's message and returns e unchanged; ERR_OK passes
 * through untouched. */
__attribute__((format(printf, 2, 3))) err err_add(err e, const char *fmt, ...);

/* err_sys is err_set with ": <strerror(errno)>" behind the words. ENOENT gives ERR_MISSING, EACCES
 * and EPERM ERR_DENIED, EEXIST ERR_CONFLICT, everything else e. */
__attribute__((format(printf, 2, 3))) err err_sys(err e, const char *fmt, ...);

/* What err_set and err_sys return is never ERR_OK. Said like this, the compiler and the analyzers
 * know it too, and that a ret_ argument was written wherever TRY went on. */
static inline err err_failed_(err e)
{
    if (e == ERR_OK) __builtin_unreachable();
    return e;
}
#define err_set(...) err_failed_((err_set)(__VA_ARGS__))
#define err_sys(...) err_failed_((err_sys)(__VA_ARGS__))

/* err_message is the last message set on this thread; never NULL. Borrowed until the next err_set
 * or err_add. */
const char *err_message(void);

/* err_name is the kind as a word ("invalid", "missing", …): static text. */
const char *err_name(err e);

/* err_http and err_exit map the kind to an HTTP status and to an exit code of the command; the one
 * place that does. */
int err_http(err e);
int err_exit(err e);

/* TRY(x) returns from the calling function when x fails. For functions with nothing to release. */
#define TRY(x)                                                                                     \
    do {                                                                                           \
        err try_e_ = (x);                                                                          \
        if (try_e_) return try_e_;                                                                 \
    } while (0)

#endif
