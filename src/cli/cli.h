/* cli: the command line, thin: each command turns words into one call of a room and its answer into
 * a table or JSON. One table of commands (cli/commands.c) feeds dispatch, help and the
 * did-you-mean.
 *
 * Results go to stdout, logs and progress to stderr. Exit codes: 0 ok, 1 error, 2 usage, 3 gate
 * failed, 4 not found, 5 conflict, 130 interrupted. */
#ifndef TIDEMILL_CLI_CLI_H
#define TIDEMILL_CLI_CLI_H

/* cli_main is the whole program: returns the exit code. */
int cli_main(int argc, char **argv);

#endif
