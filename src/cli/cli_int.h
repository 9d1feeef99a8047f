/* cli, inside: commands as data, their options, and what they print. One thread. */
#ifndef TIDEMILL_CLI_CLI_INT_H
#define TIDEMILL_CLI_CLI_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "home/home.h"
#include "jobs/bundle.h"
#include "jobs/jobs.h"

enum { CLI_OPTIONS_MAX = 16, CLI_ARGS_MAX = 64, CLI_VALUES_MAX = 256, CLI_ROWS_MAX = 10000 };

/* --- options */

typedef enum option_type {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_INT,  /* min..max */
    OPTION_TIME, /* RFC 3339, a date, or milliseconds */
    OPTION_WORD, /* one of words */
    OPTION_LIST, /* text; may be given several times */
} option_type;

typedef struct option {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    option_type type;
    const char *value, *doc; /* "DIR" */
    const char *const *words;
    int64_t min, max;
} option;

typedef struct cli cli;
typedef struct command {
    const char *name, *line; /* "server", "serves models over HTTP" */
    const char *args;        /* "JOB", "" */
    const char *examples;    /* lines without "tidemill ", separated by newlines */
    const char *more;        /* a paragraph for its help, or NULL */
    const option *options;
    size_t n_options;
    size_t args_min, args_max;
    err (*run)(cli *c);
    const struct command *subs; /* a group: then run is NULL */
    size_t n_subs;
    bool hidden;
} command;

extern const command cli_commands[];
extern const size_t n_cli_commands;

typedef struct option_value {
    bool given;
    const char *text;
    int64_t i;
    const char *const *list;
    size_t n;
} option_value;

/* What the parser made of the words behind the command. */
struct cli {
    arena *a;
    const command *command;
    const char *path;                     /* "jobs list" */
    option_value values[CLI_OPTIONS_MAX]; /* one for each option of the command */
    const char *args[CLI_ARGS_MAX];
    size_t n_args;
    bool help;
    int exit_code; /* of a command that succeeded in what it did but has more to say */
};

/* cli_parse reads words (behind the command's name) into c. ERR_INVALID says what is wrong: a usage
 * error. */
MUST_CHECK err cli_parse(cli *c, int n_words, char *const *words);
const option_value *cli_option(const cli *c, const char *name); /* the command must have it */
const char *cli_text(const cli *c, const char *name, const char *fallback);
int64_t cli_int(const cli *c, const char *name, int64_t fallback);
bool cli_flag(const cli *c, const char *name);
bool cli_json(const cli *c); /* -o json */

void cli_help_all(FILE *out);
void cli_help_of(const cli *c, FILE *out);

/* --- what commands share */

MUST_CHECK err cli_home(const cli *c, home_mode mode, bool must_exist,
                        home **ret); /* --home, with all migrations */
const char *cli_home_dir(const cli *c);
MUST_CHECK err cli_bundle(const cli *c, bundle **ret); /* --file --target --var */
MUST_CHECK err cli_id(const cli *c, size_t arg, int64_t *ret);

/* --- printing */

typedef enum cell_type {
    CELL_TEXT,
    CELL_INT,
    CELL_REAL,
    CELL_TIME,
    CELL_BOOL,
    CELL_JSON
} cell_type;
typedef struct cell {
    cell_type type;
    str s;     /* CELL_TEXT, CELL_JSON */
    str shown; /* CELL_JSON in a table; .p NULL: not there */
    int64_t i;
    double f;
} cell;
#define cell_text(v) ((cell){.type = CELL_TEXT, .s = (v)})
#define cell_int(v)  ((cell){.type = CELL_INT, .i = (v)})
#define cell_real(v) ((cell){.type = CELL_REAL, .f = (v)})
#define cell_time(v) ((cell){.type = CELL_TIME, .i = (v)}) /* 0: none */
#define cell_bool(v) ((cell){.type = CELL_BOOL, .i = (v)})
#define cell_json(v) ((cell){.type = CELL_JSON, .s = (v)})

/* A list of things of one kind: {"jobs": [{key: cell, …}, …]} or a table with the keys as its head.
 */
typedef struct listing listing;
listing *listing_new(arena *a, const char *name, const char *const *keys, size_t n_keys);
void listing_add(listing *l, const cell *cells); /* n_keys of them */
void listing_print(const listing *l, bool json);

void print_json(const buf *b);                  /* one line to stdout */
const char *time_short(arena *a, int64_t t_ms); /* "2026-01-31 12:00:00", "" for 0 */

/* --- commands, one file a group */
err cmd_server(cli *c);
err cmd_validate(cli *c);
err cmd_plan(cli *c);
err cmd_apply(cli *c);
err cmd_schema(cli *c);
err cmd_run(cli *c);
err cmd_task(cli *c);
err cmd_jobs_list(cli *c);
err cmd_jobs_runs(cli *c);
err cmd_jobs_get(cli *c);
err cmd_jobs_cancel(cli *c);
err cmd_experiments_list(cli *c);
err cmd_runs_list(cli *c);
err cmd_runs_get(cli *c);
err cmd_models_list(cli *c);
err cmd_models_get(cli *c);
err cmd_models_versions(cli *c);
err cmd_models_export(cli *c);
err cmd_endpoints_list(cli *c);
err cmd_endpoints_get(cli *c);
err cmd_endpoints_query(cli *c);
err cmd_monitors_list(cli *c);
err cmd_tables_list(cli *c);
err cmd_tables_show(cli *c);
err cmd_demo(cli *c);
err cmd_version(cli *c);
err cmd_help(cli *c);

#endif
