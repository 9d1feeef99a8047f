/* base/log: what the program tells its operator, on stderr, one line a record.
 *
 * Format text ("2026-01-31T12:00:00.123Z info  serving: endpoint ready name=fare version=3") or
 * json
 * ({"ts":…,"level":…,"room":…,"msg":"endpoint ready","name":"fare","version":"3"}). Values are
 * written key=value in the format string's tail; a value with spaces stands in double quotes
 * (key=\"%s\"). In json the trailing key=value words become fields of their own. The line is
 * sanitized (control bytes and bad UTF-8 escaped). Thread-safe; one write() a record, records over
 * 4 KiB are cut. Rooms below api, jobs and cli log at debug only. */
#ifndef TIDEMILL_BASE_LOG_H
#define TIDEMILL_BASE_LOG_H

typedef enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF } log_level;
typedef enum log_format { LOG_TEXT, LOG_JSON } log_format;

void log_setup(log_level least, log_format format); /* process wide; default info, text */
log_level log_least(void);
__attribute__((format(printf, 3, 4))) void log_at(log_level level, const char *room,
                                                  const char *fmt, ...);

#define log_debug(room, ...)                                                                       \
    do {                                                                                           \
        if (log_least() <= LOG_DEBUG) log_at(LOG_DEBUG, room, __VA_ARGS__);                        \
    } while (0)
#define log_info(room, ...)  log_at(LOG_INFO, room, __VA_ARGS__)
#define log_warn(room, ...)  log_at(LOG_WARN, room, __VA_ARGS__)
#define log_error(room, ...) log_at(LOG_ERROR, room, __VA_ARGS__)

#endif
