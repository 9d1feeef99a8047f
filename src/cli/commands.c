#include "cli/cli_int.h"

/* Every command. Adding one is a line here and a function in a cmd_ file. */

static const char *const outputs[] = {"table", "json", NULL};
static const char *const formats[] = {"text", "json", NULL};
static const char *const levels[] = {"debug", "info", "warn", "error", NULL};

#define HOME                                                                                       \
    {                                                                                              \
        "home", 0, OPTION_TEXT, "DIR", "the home (default: $TIDEMILL_HOME, else ./.tidemill)",     \
            NULL, 0, 0                                                                             \
    }
#define OUTPUT                                                                                     \
    {                                                                                              \
        "output", 'o', OPTION_WORD, "table|json", "how results are printed (table)", outputs, 0, 0 \
    }
#define BUNDLE                                                                                     \
    {"file", 'f', OPTION_TEXT, "FILE", "tidemill.yaml or its folder (.)", NULL, 0, 0},             \
        {"target", 't', OPTION_TEXT, "NAME", "target of the bundle (its default)", NULL, 0, 0},    \
    {                                                                                              \
        "var", 0, OPTION_LIST, "NAME=VALUE",                                                       \
            "value of a variable; several by commas or by repeating", NULL, 0, 0                   \
    }
#define MAX                                                                                        \
    {                                                                                              \
        "max", 'n', OPTION_INT, "N", "at most that many (100)", NULL, 1, CLI_ROWS_MAX              \
    }

static const option export_options[] = {HOME};
static const option list_options[] = {HOME, OUTPUT};
static const option rows_options[] = {HOME, OUTPUT, MAX};
static const option bundle_options[] = {HOME, OUTPUT, BUNDLE};
static const option no_options[1];

static const option server_options[] = {
    HOME,
    {"host", 0, OPTION_TEXT, "ADDRESS", "a loopback address (127.0.0.1)", NULL, 0, 0},
    {"port", 'p', OPTION_INT, "N", "TCP port; 0: any free one (5000)", NULL, 0, 65535},
    {"workers", 0, OPTION_INT, "N", "event loops (one a core)", NULL, 1, 256},
    {"log-format", 0, OPTION_WORD, "text|json", "of the log on stderr (text)", formats, 0, 0},
    {"log-level", 0, OPTION_WORD, "LEVEL", "debug, info, warn or error (info)", levels, 0, 0},
};
static const option run_options[] = {
    HOME,
    OUTPUT,
    BUNDLE,
    {"task", 0, OPTION_TEXT, "KEY", "only this task, with what earlier runs made", NULL, 0, 0},
    {"at", 0, OPTION_TIME, "TIME", "the run's time, as if it were then (now)", NULL, 0, 0},
    {"param", 0, OPTION_LIST, "TASK.KEY=VALUE", "overrides a parameter of a task", NULL, 0, 0},
};
static const option task_options[] = {
    HOME,
    {"run", 0, OPTION_INT, "N", "job run", NULL, 1, INT64_MAX},
    {"task", 0, OPTION_TEXT, "KEY", "its task", NULL, 0, 0},
};
static const option jobs_runs_options[] = {
    HOME, OUTPUT, MAX, {"job", 'j', OPTION_TEXT, "JOB", "only runs of this job", NULL, 0, 0}};
static const option runs_options[] = {
    HOME,
    OUTPUT,
    MAX,
    {"experiment", 'e', OPTION_TEXT, "NAME", "only runs of this experiment (name or id)", NULL, 0,
     0},
    {"parent", 0, OPTION_TEXT, "RUN", "the children of a run", NULL, 0, 0},
};
static const option query_options[] = {HOME,
                                       {"json", 'j', OPTION_TEXT, "BODY",
                                        "the request's body; @FILE or - reads it from there", NULL,
                                        0, 0}};
static const option monitors_options[] = {
    HOME, OUTPUT, MAX, {"name", 0, OPTION_TEXT, "NAME", "only this monitor", NULL, 0, 0}};
static const option tables_show_options[] = {
    HOME,
    OUTPUT,
    {"rows", 'n', OPTION_INT, "N", "print the first rows (0)", NULL, 0, CLI_ROWS_MAX}};
static const option demo_options[] = {
    {"home", 0, OPTION_TEXT, "DIR", "made anew each time (build/demo-home)", NULL, 0, 0},
    {"bundle", 'b', OPTION_TEXT, "DIR", "the bundle (examples/nyc_taxi)", NULL, 0, 0},
    {"port", 'p', OPTION_INT, "N", "port of the server, or a free one where it is busy (5000)",
     NULL, 0, 65535},
};
static const option version_options[] = {OUTPUT};

#define OPTIONS(o) o, countof(o)
#define NO_OPTIONS no_options, 0
#define LEAF(fn)   fn, NULL, 0, false
#define GROUP(g)   NULL, g, countof(g), false

static const command jobs_commands[] = {
    {"list", "what is applied and when it fires next", "", "jobs list\njobs list -o json", NULL,
     OPTIONS(list_options), 0, 0, LEAF(cmd_jobs_list)},
    {"runs", "runs of jobs, newest first", "", "jobs runs\njobs runs --job ml_monitoring -n 5",
     NULL, OPTIONS(jobs_runs_options), 0, 0, LEAF(cmd_jobs_runs)},
    {"get", "one run with its tasks and their values", "RUN", "jobs get 3\njobs get 3 -o json",
     NULL, OPTIONS(list_options), 1, 1, LEAF(cmd_jobs_get)},
    {"cancel", "asks a run to stop", "RUN", "jobs cancel 3", NULL, OPTIONS(list_options), 1, 1,
     LEAF(cmd_jobs_cancel)},
};
static const command experiments_commands[] = {
    {"list", "experiments, newest first", "", "experiments list", NULL, OPTIONS(rows_options), 0, 0,
     LEAF(cmd_experiments_list)},
};
static const command runs_commands[] = {
    {"list", "runs with their metrics, newest first", "",
     "runs list\nruns list --experiment /nyc_taxi/fare\nruns list --parent RUN_ID", NULL,
     OPTIONS(runs_options), 0, 0, LEAF(cmd_runs_list)},
    {"get", "one run: params, metrics, tags, artifacts", "RUN",
     "runs get 0123456789abcdef0123456789abcdef", NULL, OPTIONS(list_options), 1, 1,
     LEAF(cmd_runs_get)},
};
static const command models_commands[] = {
    {"list", "registered models and their aliases", "", "models list", NULL, OPTIONS(rows_options),
     0, 0, LEAF(cmd_models_list)},
    {"get", "one registered model", "NAME", "models get main.ml_serving.fare_predictor", NULL,
     OPTIONS(list_options), 1, 1, LEAF(cmd_models_get)},
    {"versions", "versions of a model, newest first", "[NAME]",
     "models versions main.ml_serving.fare_predictor", NULL, OPTIONS(rows_options), 0, 1,
     LEAF(cmd_models_versions)},
    {"export", "writes a version's model file", "MODEL FILE",
     "models export main.ml_serving.fare_predictor@champion model.lgb\nmodels export "
     "main.ml_serving.fare_predictor/3 model.lgb",
     NULL, OPTIONS(export_options), 2, 2, LEAF(cmd_models_export)},
};
static const command endpoints_commands[] = {
    {"list", "endpoints of the running server", "", "endpoints list", NULL, OPTIONS(list_options),
     0, 0, LEAF(cmd_endpoints_list)},
    {"get", "one endpoint", "NAME", "endpoints get ml_serving_fare_predictor_endpoint", NULL,
     OPTIONS(list_options), 1, 1, LEAF(cmd_endpoints_get)},
    {"query", "asks an endpoint for predictions", "NAME",
     "endpoints query NAME --json '{\"dataframe_records\": [{\"trip_distance\": 3.5}]}'\n"
     "endpoints query NAME --json @body.json",
     NULL, OPTIONS(query_options), 1, 1, LEAF(cmd_endpoints_query)},
};
static const command monitors_commands[] = {
    {"list", "results of monitors, newest first", "",
     "monitors list\nmonitors list --name fare_drift -n 1", NULL, OPTIONS(monitors_options), 0, 0,
     LEAF(cmd_monitors_list)},
};
static const command tables_commands[] = {
    {"list", "Delta tables of the home", "", "tables list", NULL, OPTIONS(list_options), 0, 0,
     LEAF(cmd_tables_list)},
    {"show", "version, files, rows and columns of a table", "NAME",
     "tables show main.ml_serving.predictions\ntables show main.ml_serving.predictions -n 10", NULL,
     OPTIONS(tables_show_options), 1, 1, LEAF(cmd_tables_show)},
};

const command cli_commands[] = {
    {"demo", "from raw taxi trips to a served, monitored model, step by step", "", "demo",
     "A fresh home each time. On a terminal the server stays until Ctrl-C.", OPTIONS(demo_options),
     0, 0, LEAF(cmd_demo)},
    {"server", "serves models, runs jobs and their schedules", "",
     "server\nserver --home /srv/tidemill --port 8080\nserver --port 0 --log-format json",
     "Only loopback addresses can be bound until authentication exists. SIGTERM and SIGINT drain; "
     "a second one "
     "ends at once.",
     OPTIONS(server_options), 0, 0, LEAF(cmd_server)},
    {"validate", "checks a bundle", "",
     "validate\nvalidate -f examples/nyc_taxi --var catalog=main,schema=ml,model_name=fare", NULL,
     OPTIONS(bundle_options), 0, 0, LEAF(cmd_validate)},
    {"plan", "what apply would change", "", "plan --var catalog=main,schema=ml,model_name=fare",
     NULL, OPTIONS(bundle_options), 0, 0, LEAF(cmd_plan)},
    {"apply", "makes the home as the bundle says: its jobs and schedules", "",
     "apply --var catalog=main,schema=ml,model_name=fare", "Repeated, it changes nothing.",
     OPTIONS(bundle_options), 0, 0, LEAF(cmd_apply)},
    {"run", "runs a job and follows its output", "JOB",
     "run ml_training_pipeline --var catalog=main,schema=ml,model_name=fare\n"
     "run ml_batch_inference --at 2026-01-31T12:00:00Z --param batch_predict.source=airport_trips\n"
     "run ml_training_pipeline --task validate",
     "Where a server owns the home, the job runs there. Ctrl-C cancels it. The exit code is the "
     "job's: 3 for a "
     "failed gate, 130 for a cancelled run.",
     OPTIONS(run_options), 1, 1, LEAF(cmd_run)},
    {"task", "one task of a run, as the server starts it", "",
     "task --home DIR --run 3 --task train", NULL, OPTIONS(task_options), 0, 0, cmd_task, NULL, 0,
     true},
    {"schema", "the JSON Schema of tidemill.yaml", "", "schema > docs/tidemill.schema.json", NULL,
     NO_OPTIONS, 0, 0, cmd_schema, NULL, 0, true},
    {"jobs", "jobs and their runs", "", "", NULL, NO_OPTIONS, 0, 0, GROUP(jobs_commands)},
    {"experiments", "experiments of training", "", "", NULL, NO_OPTIONS, 0, 0,
     GROUP(experiments_commands)},
    {"runs", "training runs: params, metrics, artifacts", "", "", NULL, NO_OPTIONS, 0, 0,
     GROUP(runs_commands)},
    {"models", "registered models and versions", "", "", NULL, NO_OPTIONS, 0, 0,
     GROUP(models_commands)},
    {"endpoints", "what is served", "", "", NULL, NO_OPTIONS, 0, 0, GROUP(endpoints_commands)},
    {"monitors", "drift and performance", "", "", NULL, NO_OPTIONS, 0, 0, GROUP(monitors_commands)},
    {"tables", "Delta tables of the home", "", "", NULL, NO_OPTIONS, 0, 0, GROUP(tables_commands)},
    {"version", "of this program", "", "version\nversion -o json", NULL, OPTIONS(version_options),
     0, 0, LEAF(cmd_version)},
    {"help", "this text, or a command's", "[COMMAND]", "help\nhelp run\nhelp jobs list", NULL,
     NO_OPTIONS, 0, 2, LEAF(cmd_help)},
};
const size_t n_cli_commands = countof(cli_commands);
