#include "cli/cli_int.h"

static void put_examples(const char *examples, FILE *out)
{
    str line, rest = str_of(examples);
    if (!rest.n) return;
    fprintf(out, "Examples:\n");
    while (rest.n) {
        str_cut(rest, '\n', &line, &rest);
        fprintf(out, "  tidemill %.*s\n", STR_ARG(line));
    }
    fputc('\n', out);
}

static void put_list(const command *list, size_t n, FILE *out)
{
    fprintf(out, "Commands:\n");
    for (size_t i = 0; i < n; i++)
        if (!list[i].hidden) fprintf(out, "  %-12s %s\n", list[i].name, list[i].line);
}

void cli_help_all(FILE *out)
{
    fputs("Tidemill: tabular models from raw data to served, monitored predictions.\n\n"
          "Examples:\n"
          "  tidemill demo\n"
          "  tidemill server\n"
          "  tidemill apply --var catalog=main,schema=ml,model_name=fare\n"
          "  tidemill run ml_training_pipeline --var catalog=main,schema=ml,model_name=fare\n\n",
          out);
    put_list(cli_commands, n_cli_commands, out);
    fputs("\n`tidemill COMMAND --help` says more. Exit codes: 0 ok, 1 error, 2 usage, 3 gate "
          "failed, 4 not "
          "found,\n5 conflict, 130 interrupted.\n",
          out);
}

static void put_option(const option *o, FILE *out)
{
    char head[64];
    snprintf(head, sizeof head, "%s%c%s--%s%s%s", o->letter ? "-" : " ",
             o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name, o->value ? " " : "",
             o->value ? o->value : "");
    fprintf(out, "  %-28s %s\n", head, o->doc);
}

void cli_help_of(const cli *c, FILE *out)
{
    const command *m = c->command;
    fprintf(out, "tidemill %s: %s\n\n", c->path, m->line);
    put_examples(m->examples, out);
    if (m->subs) {
        put_list(m->subs, m->n_subs, out);
        fprintf(out, "\n`tidemill %s COMMAND --help` says more.\n", c->path);
        return;
    }
    fprintf(out, "Usage: tidemill %s%s%s [options]\n", c->path, m->args[0] ? " " : "", m->args);
    if (m->more) fprintf(out, "\n%s\n", m->more);
    fprintf(out, "\nOptions:\n");
    for (size_t i = 0; i < m->n_options; i++)
        put_option(&m->options[i], out);
    put_option(&(option){"help", 'h', OPTION_FLAG, NULL, "this text", NULL, 0, 0}, out);
}
