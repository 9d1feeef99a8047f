#include "cli/cli_int.h"

#include "base/clock.h"

/* validate, plan, apply, schema */

enum { SCHEMA_MAX = 1 << 20 };

err cmd_validate(cli *c)
{
    bundle *b;
    TRY(cli_bundle(c, &b));
    if (cli_json(c)) {
        printf("%.*s\n", STR_ARG(b->snapshot));
        return ERR_OK;
    }
    printf("bundle %.*s, target %.*s: valid\n", STR_ARG(b->name), STR_ARG(b->target));
    printf("  %zu sources, %zu feature tables, %zu trainings, %zu endpoints, %zu batches, %zu "
           "monitors\n",
           b->n_sources, b->n_features, b->n_trainings, b->n_endpoints, b->n_batches,
           b->n_monitors);
    for (size_t i = 0; i < b->n_jobs; i++) {
        const bundle_job *j = &b->jobs[i];
        printf("  job %.*s:", STR_ARG(j->name));
        for (size_t k = 0; k < j->n_tasks; k++)
            printf("%s%.*s", k ? ", " : " ", STR_ARG(j->tasks[k].key));
        if (j->cron.n)
            printf("; %s%.*s %.*s", j->paused ? "paused, " : "", STR_ARG(j->cron),
                   STR_ARG(j->timezone));
        putchar('\n');
    }
    return ERR_OK;
}

static void changes_json(const bundle_change *v, size_t n)
{
    static const char *const names[] = {[CHANGE_CREATE] = "create",
                                        [CHANGE_UPDATE] = "update",
                                        [CHANGE_DELETE] = "delete",
                                        [CHANGE_NONE] = "none"};
    buf b;
    jw w;
    buf_init(&b, 64 << 20);
    jw_init(&w, &b, false);
    jw_obj(&w);
    jw_key(&w, "changes");
    jw_arr(&w);
    for (size_t i = 0; i < n; i++) {
        jw_obj(&w);
        jw_kcstr(&w, "kind", names[v[i].kind]);
        jw_kstr(&w, "type", v[i].type);
        jw_kstr(&w, "name", v[i].name);
        jw_kstr(&w, "detail", v[i].detail);
        jw_obj_end(&w);
    }
    jw_arr_end(&w);
    jw_obj_end(&w);
    print_json(&b);
    buf_done(&b);
}

/* One line a change, then their sum: "done" after apply, "to do" after plan. */
static void print_changes(const bundle_change *v, size_t n, bool done)
{
    static const char signs[] = {
        [CHANGE_CREATE] = '+', [CHANGE_UPDATE] = '~', [CHANGE_DELETE] = '-', [CHANGE_NONE] = ' '};
    size_t count[CHANGE_NONE + 1] = {0};
    for (size_t i = 0; i < n; i++) {
        count[v[i].kind]++;
        if (v[i].kind == CHANGE_NONE) continue;
        printf("%c %.*s %.*s%s%.*s\n", signs[v[i].kind], STR_ARG(v[i].type), STR_ARG(v[i].name),
               v[i].detail.n ? ": " : "", STR_ARG(v[i].detail));
    }
    const char *to = done ? "" : "to ", *d = done ? "d" : "";
    printf("%zu %screate%s, %zu %supdate%s, %zu %sdelete%s, %zu unchanged\n", count[CHANGE_CREATE],
           to, d, count[CHANGE_UPDATE], to, d, count[CHANGE_DELETE], to, d, count[CHANGE_NONE]);
}

err cmd_plan(cli *c)
{
    bundle *b;
    bundle_change *v;
    size_t n;
    AUTO(home) h = NULL;
    TRY(cli_bundle(c, &b));
    err e = cli_home(c, HOME_ANY, true, &h);
    if (e && e != ERR_MISSING) return e;
    TRY(bundle_plan(e ? NULL : home_db(h), c->a, b, &v, &n)); /* no home yet: everything is new */
    if (cli_json(c))
        changes_json(v, n);
    else
        print_changes(v, n, false);
    return ERR_OK;
}

static void say_paused(const bundle *b)
{
    for (size_t i = 0; i < b->n_jobs; i++)
        if (b->jobs[i].paused)
            fprintf(stderr, "job %.*s: its schedule is paused\n", STR_ARG(b->jobs[i].name));
}

err cmd_apply(cli *c)
{
    bundle *b;
    bundle_change *v;
    size_t n;
    AUTO(home) h = NULL;
    TRY(cli_bundle(c, &b));
    TRY(cli_home(c, HOME_ANY, false, &h));
    TRY(bundle_apply(home_db(h), c->a, b, now_ms(), &v, &n));
    if (cli_json(c))
        changes_json(v, n);
    else
        print_changes(v, n, true);
    say_paused(b);
    return ERR_OK;
}

err cmd_schema(cli *c)
{
    (void)c;
    buf b;
    buf_init(&b, SCHEMA_MAX);
    bundle_schema(&b);
    fwrite(buf_str(&b).p, 1, b.n, stdout);
    buf_done(&b);
    return ERR_OK;
}
