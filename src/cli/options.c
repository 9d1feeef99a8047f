#include <assert.h>

#include "base/clock.h"
#include "cli/cli_int.h"

/* Words to options: --name value, --name=value, -n value; anywhere among the arguments; -- ends
 * them. */

static const option help_option = {"help", 'h', OPTION_FLAG, NULL, "this text", NULL, 0, 0};

static const option *find_long(const command *c, str name, size_t *ret_at)
{
    for (size_t i = 0; i < c->n_options; i++) {
        if (!str_is(name, c->options[i].name)) continue;
        *ret_at = i;
        return &c->options[i];
    }
    return str_is(name, help_option.name) ? &help_option : NULL;
}

static const option *find_short(const command *c, char letter, size_t *ret_at)
{
    for (size_t i = 0; i < c->n_options; i++) {
        if (c->options[i].letter != letter) continue;
        *ret_at = i;
        return &c->options[i];
    }
    return letter == help_option.letter ? &help_option : NULL;
}

static err unknown(const cli *c, str name)
{
    const char *names[CLI_OPTIONS_MAX + 1];
    size_t n = 0;
    for (; n < c->command->n_options; n++)
        names[n] = c->command->options[n].name;
    names[n++] = help_option.name;
    const char *near = str_nearest(name, names, n);
    return err_set(ERR_INVALID, "%s: unknown option --%.*s%s%s%s", c->path, STR_ARG(name),
                   near ? ", did you mean --" : "", near ? near : "", near ? "?" : "");
}

static err check_word(const cli *c, const option *o, const char *text)
{
    size_t n = 0;
    for (; o->words[n]; n++)
        if (!strcmp(o->words[n], text)) return ERR_OK;
    const char *near = str_nearest(str_of(text), o->words, n);
    buf list;
    buf_init(&list, 1024);
    for (size_t i = 0; i < n; i++)
        buf_fmt(&list, "%s%s", i ? ", " : "", o->words[i]);
    err e = err_set(ERR_INVALID, "%s: --%s \"%s\": want one of %.*s%s%s%s", c->path, o->name, text,
                    STR_ARG(buf_str(&list)), near ? "; did you mean \"" : "", near ? near : "",
                    near ? "\"?" : "");
    buf_done(&list);
    return e;
}

static err add_to_list(cli *c, const option *o, option_value *v, const char *text)
{
    if (v->n == CLI_VALUES_MAX)
        return err_set(ERR_INVALID, "%s: --%s: more than %d of them", c->path, o->name,
                       CLI_VALUES_MAX);
    const char **list = arena_array(c->a, const char *, v->n + 1);
    if (v->n) memcpy(list, v->list, v->n * sizeof *list);
    list[v->n++] = text;
    v->list = list;
    return ERR_OK;
}

static err set_value(cli *c, const option *o, option_value *v, const char *text)
{
    v->given = true;
    v->text = text;
    switch (o->type) {
    case OPTION_FLAG:
    case OPTION_TEXT:
        return ERR_OK;
    case OPTION_INT:
        if (parse_i64(str_of(text), &v->i) || v->i < o->min || v->i > o->max)
            return err_set(ERR_INVALID, "%s: --%s \"%s\": want a whole number, %lld to %lld",
                           c->path, o->name, text, (long long)o->min, (long long)o->max);
        return ERR_OK;
    case OPTION_TIME:
        if (time_parse(str_of(text), &v->i))
            return err_set(
                ERR_INVALID,
                "%s: --%s \"%s\": want a time such as 2026-01-31T12:00:00Z or 2026-01-31", c->path,
                o->name, text);
        return ERR_OK;
    case OPTION_WORD:
        return check_word(c, o, text);
    case OPTION_LIST:
        return add_to_list(c, o, v, text);
    }
    return ERR_INTERNAL;
}

/* One option word; *at is its place and moves behind what was read. */
static err read_option(cli *c, int n_words, char *const *words, int *at)
{
    str word = str_of(words[*at]), name, value = {NULL, 0};
    size_t i = 0;
    const option *o;
    *at += 1;
    if (str_starts(word, "--")) {
        bool joined = str_cut((str){word.p + 2, word.n - 2}, '=', &name, &value);
        if (!joined) value.p = NULL;
        o = find_long(c->command, name, &i);
        if (!o) return unknown(c, name);
    } else {
        o = word.n == 2 ? find_short(c->command, word.p[1], &i) : NULL;
        if (!o) return err_set(ERR_INVALID, "%s: unknown option %s", c->path, word.p);
    }
    if (o == &help_option) {
        c->help = true;
        return ERR_OK;
    }
    if (o->type == OPTION_FLAG && value.p)
        return err_set(ERR_INVALID, "%s: --%s takes no value", c->path, o->name);
    if (o->type != OPTION_FLAG && !value.p) {
        if (*at == n_words)
            return err_set(ERR_INVALID, "%s: --%s: want %s behind it", c->path, o->name, o->value);
        value = str_of(words[(*at)++]);
    }
    if (c->values[i].given && o->type != OPTION_LIST)
        return err_set(ERR_INVALID, "%s: --%s is there twice", c->path, o->name);
    return set_value(c, o, &c->values[i], value.p ? value.p : "");
}

static err check_args(const cli *c)
{
    const command *m = c->command;
    if (c->n_args < m->args_min) return err_set(ERR_INVALID, "%s: want %s", c->path, m->args);
    if (c->n_args > m->args_max)
        return err_set(ERR_INVALID, "%s: \"%s\" is one argument too many: want %s", c->path,
                       c->args[m->args_max], m->args[0] ? m->args : "none");
    return ERR_OK;
}

err cli_parse(cli *c, int n_words, char *const *words)
{
    assert(c && c->command && c->command->n_options <= CLI_OPTIONS_MAX);
    bool options = true;
    for (int at = 0; at < n_words;) {
        const char *word = words[at];
        if (options && !strcmp(word, "--")) {
            options = false;
            at++;
        } else if (options && word[0] == '-' && word[1]) {
            TRY(read_option(c, n_words, words, &at));
        } else {
            if (c->n_args == CLI_ARGS_MAX)
                return err_set(ERR_INVALID, "%s: too many arguments", c->path);
            c->args[c->n_args++] = word;
            at++;
        }
    }
    return c->help ? ERR_OK : check_args(c);
}

const option_value *cli_option(const cli *c, const char *name)
{
    size_t at = 0;
    const option *o = find_long(c->command, str_of(name), &at);
    assert(o && o != &help_option);
    return &c->values[at];
}

const char *cli_text(const cli *c, const char *name, const char *fallback)
{
    const option_value *v = cli_option(c, name);
    return v->given ? v->text : fallback;
}

int64_t cli_int(const cli *c, const char *name, int64_t fallback)
{
    const option_value *v = cli_option(c, name);
    return v->given ? v->i : fallback;
}

bool cli_flag(const cli *c, const char *name)
{
    return cli_option(c, name)->given;
}

bool cli_json(const cli *c)
{
    return !strcmp(cli_text(c, "output", "table"), "json");
}
