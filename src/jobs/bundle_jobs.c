#include "jobs/bundle_int.h"

#include <assert.h>

#include "jobs/cron.h"

/* Jobs of a checked tree: the graph of tasks put into an order, schedules parsed once to see that
 * they are right. */

static const char *const kind_keys[TASK_N] = {[TASK_TRAIN] = "train",
                                              [TASK_VALIDATE] = "validate",
                                              [TASK_DEPLOY] = "deploy",
                                              [TASK_BATCH_PREDICT] = "batch_predict",
                                              [TASK_MONITOR_DRIFT] = "monitor_drift"};

/* --- order */

typedef struct graph {
    arena *a;
    const yaml *tasks;
    size_t n;
    size_t *order, n_order; /* positions in the file, dependencies first */
    char *mark;             /* per task: 0 unseen, 1 on the path, 2 done */
    size_t *path, n_path;
} graph;

static str key_of(const yaml *tasks, size_t i)
{
    return bundle_text(tasks->items[i], "task_key", "");
}

static err find_task(const graph *g, const yaml *at, str key, size_t *ret)
{
    const char **names = arena_array(g->a, const char *, g->n + 1);
    for (size_t i = 0; i < g->n; i++) {
        names[i] = str_c(g->a, key_of(g->tasks, i));
        if (!str_is(key, names[i])) continue;
        *ret = i;
        return ERR_OK;
    }
    const char *near = str_nearest(key, names, g->n);
    return yaml_err(at, "depends_on: the job has no task \"%.*s\"%s%s%s", STR_ARG(key),
                    near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static err cycle(const graph *g, const yaml *at, size_t task)
{
    buf list;
    buf_init(&list, 64 << 10);
    size_t from = 0;
    while (g->path[from] != task)
        from++;
    for (size_t i = from; i < g->n_path; i++)
        buf_fmt(&list, "%.*s -> ", STR_ARG(key_of(g->tasks, g->path[i])));
    buf_puts(&list, key_of(g->tasks, task));
    err e = yaml_err(at, "the tasks form a cycle: %.*s", STR_ARG(buf_str(&list)));
    buf_done(&list);
    return e;
}

static err visit(graph *g, size_t task)
{
    const yaml *y = g->tasks->items[task], *deps = yaml_find(y, "depends_on");
    if (g->mark[task] == 2) return ERR_OK;
    g->mark[task] = 1;
    g->path[g->n_path++] = task;
    for (size_t i = 0; deps && i < deps->n; i++) {
        size_t at;
        TRY(find_task(g, deps->items[i], bundle_text(deps->items[i], "task_key", ""), &at));
        if (g->mark[at] == 1) return cycle(g, deps->items[i], at);
        TRY(visit(g, at));
    }
    g->n_path--;
    g->mark[task] = 2;
    g->order[g->n_order++] = task;
    return ERR_OK;
}

static err order_tasks(arena *a, const yaml *tasks, const size_t **ret)
{
    if (tasks->n > BUNDLE_TASKS_MAX)
        return yaml_err(tasks, "tasks: %zu, want at most %d", tasks->n, BUNDLE_TASKS_MAX);
    graph g = {.a = a, .tasks = tasks, .n = tasks->n};
    g.order = arena_array(a, size_t, g.n + 1);
    g.mark = arena_array(a, char, g.n + 1);
    g.path = arena_array(a, size_t, g.n + 1);
    for (size_t i = 0; i < g.n; i++)
        for (size_t j = 0; j < i; j++)
            if (str_eq(key_of(tasks, i), key_of(tasks, j)))
                return yaml_err(tasks->items[i], "task_key \"%.*s\" is there twice",
                                STR_ARG(key_of(tasks, i)));
    for (size_t i = 0; i < g.n; i++)
        TRY(visit(&g, i));
    *ret = g.order;
    return ERR_OK;
}

/* --- tasks */

static const bundle_training *find_training(const bundle *b, str name)
{
    for (size_t i = 0; i < b->n_trainings; i++)
        if (str_eq(b->trainings[i].name, name)) return &b->trainings[i];
    return NULL;
}

static err make_task_gates(arena *a, const yaml *root, const yaml *list, bundle_task *t)
{
    t->n_gates = list ? list->n : 0;
    gate_spec *v = arena_array(a, gate_spec, t->n_gates + 1);
    for (size_t i = 0; i < t->n_gates; i++)
        TRY(bundle_make_gate(root, list->items[i]->text, &v[i]));
    t->gates = v;
    return ERR_OK;
}

static err make_what(arena *a, const yaml *root, const bundle *b, const yaml *y, bundle_task *t)
{
    const yaml *spec = NULL;
    for (int k = 0; k < TASK_N; k++)
        if (yaml_find(y, kind_keys[k])) {
            t->kind = (task_kind)k;
            spec = yaml_find(y, kind_keys[k]);
        }
    assert(spec);
    t->training = find_training(b, bundle_text(spec, "training", ""));
    str endpoint = bundle_text(spec, "endpoint", ""), batch = bundle_text(spec, "batch", "");
    str monitor = bundle_text(spec, "monitor", "");
    for (size_t i = 0; i < b->n_endpoints; i++)
        if (str_eq(b->endpoints[i].key, endpoint)) t->endpoint = &b->endpoints[i];
    for (size_t i = 0; i < b->n_batches; i++)
        if (str_eq(b->batches[i].name, batch)) t->batch = &b->batches[i];
    for (size_t i = 0; i < b->n_monitors; i++)
        if (str_eq(b->monitors[i].name, monitor)) t->monitor = &b->monitors[i];
    return make_task_gates(a, root, yaml_find(spec, "gates"), t);
}

static void make_limits(const yaml *y, bundle_task *t)
{
    t->timeout_ms = (int64_t)bundle_number(y, "timeout_seconds", 0) * 1000;
    t->max_retries = (int)bundle_number(y, "max_retries", 0);
    t->memory_max = 0;
    if (yaml_find(y, "memory_max") && parse_size(bundle_text(y, "memory_max", ""), &t->memory_max))
        t->memory_max = 0; /* cannot be: the check has parsed it */
}

/* What a task needs of those before it: validate takes what train made, deploy what validate said.
 */
static err check_inputs(const yaml *y, const bundle_task *tasks, const bundle_task *t)
{
    static const struct {
        task_kind of, from;
    } needs[] = {{TASK_VALIDATE, TASK_TRAIN}, {TASK_DEPLOY, TASK_VALIDATE}};
    for (size_t i = 0; i < countof(needs); i++) {
        if (t->kind != needs[i].of) continue;
        size_t found = 0;
        for (size_t j = 0; j < t->n_depends_on; j++)
            found += tasks[t->depends_on[j]].kind == needs[i].from;
        if (found != 1)
            return yaml_err(y,
                            "task %.*s: depends on %zu %s tasks, want exactly one: it works with "
                            "what that one made",
                            STR_ARG(t->key), found, kind_keys[needs[i].from]);
    }
    return ERR_OK;
}

static err make_tasks(arena *a, const yaml *root, const bundle *b, const yaml *list,
                      bundle_job *job)
{
    const size_t *order;
    TRY(order_tasks(a, list, &order));
    bundle_task *v = arena_array(a, bundle_task, list->n + 1);
    for (size_t i = 0; i < list->n; i++) {
        const yaml *y = list->items[order[i]], *deps = yaml_find(y, "depends_on");
        size_t *on = arena_array(a, size_t, deps ? deps->n + 1 : 1);
        v[i].key = bundle_text(y, "task_key", "");
        v[i].n_depends_on = deps ? deps->n : 0;
        for (size_t j = 0; j < v[i].n_depends_on; j++) {
            str key = bundle_text(deps->items[j], "task_key", "");
            while (!str_eq(v[on[j]].key, key))
                on[j]++;
        }
        v[i].depends_on = on;
        TRY(make_what(a, root, b, y, &v[i]));
        make_limits(y, &v[i]);
        TRY(check_inputs(y, v, &v[i]));
    }
    job->tasks = v;
    job->n_tasks = list->n;
    return ERR_OK;
}

/* --- schedule */

static err make_schedule(arena *a, const bundle *b, const yaml *y, bundle_job *job)
{
    job->cron = job->timezone = STR("");
    if (!y) return ERR_OK;
    bool quartz = yaml_find(y, "quartz_cron_expression") != NULL;
    const char *key = quartz ? "quartz_cron_expression" : "cron";
    job->cron = str_trim(bundle_text(y, key, ""));
    job->timezone = bundle_text(y, "timezone_id", "UTC");
    str pause = bundle_text(y, "pause_status", b->development ? "PAUSED" : "UNPAUSED");
    job->paused = str_is(pause, "PAUSED");
    cron *c;
    if (cron_parse(a, job->cron, job->timezone, &c))
        return yaml_err(y, "schedule: %s", str_c(a, str_of(err_message())));
    size_t fields = 1;
    for (size_t i = 1; i < job->cron.n; i++)
        fields += job->cron.p[i] != ' ' && job->cron.p[i - 1] == ' ';
    if (quartz != (fields > 5))
        return yaml_err(y, "schedule: %s has %zu fields: want %s", key, fields,
                        quartz ? "six or seven, or key cron"
                               : "five, or key quartz_cron_expression");
    return ERR_OK;
}

static err make_job(arena *a, const yaml *root, const bundle *b, const yaml_pair *p,
                    bundle_job *ret)
{
    ret->name = p->key;
    ret->description = bundle_text(p->value, "description", "");
    ret->max_concurrent_runs = (int)bundle_number(p->value, "max_concurrent_runs", 1);
    TRY(make_schedule(a, b, yaml_find(p->value, "schedule"), ret));
    return make_tasks(a, root, b, yaml_find(p->value, "tasks"), ret);
}

err bundle_make_jobs(arena *a, const yaml *root, bundle *b)
{
    const yaml *y = yaml_find(root, "jobs");
    b->n_jobs = y ? y->n : 0;
    if (b->n_jobs > BUNDLE_JOBS_MAX)
        return yaml_err(y, "jobs: %zu, want at most %d", b->n_jobs, BUNDLE_JOBS_MAX);
    bundle_job *v = arena_array(a, bundle_job, b->n_jobs + 1);
    for (size_t i = 0; i < b->n_jobs; i++)
        TRY(make_job(a, root, b, &y->pairs[i], &v[i]));
    b->jobs = v;
    return ERR_OK;
}
