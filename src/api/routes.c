/* The HTTP surface: one line a route. The router, docs/http.md (routes_print; a test keeps it) and
 * the body limits come from here. */
#include <string.h>

#include "api/api_int.h"

#define MLFLOW "/api/2.0/mlflow"
#define OWN    "/api/tidemill"

/* clang-format off */
const route routes[] = {
    {"GET", "/", handle_page, ON_LOOP, 0, "The page; also every screen of it, such as /experiments/1"},
    {"GET", "/assets/{file...}", handle_page, ON_LOOP, 0, "Its files"},

    {"POST", "/serving-endpoints/{name}/invocations", handle_scoring, ON_LOOP, SCORING_BODY_MAX, "Predict: {\"dataframe_records\": […]} or {\"dataframe_split\": {…}}"},
    {"POST", "/api/2.0/serving-endpoints", handle_endpoint_create, ON_POOL, API_BODY_MAX, "Create an endpoint"},
    {"GET", "/api/2.0/serving-endpoints", handle_endpoint_list, ON_POOL, 0, "All endpoints"},
    {"GET", "/api/2.0/serving-endpoints/{name}", handle_endpoint_get, ON_POOL, 0, "One endpoint and its state"},
    {"PUT", "/api/2.0/serving-endpoints/{name}/config", handle_endpoint_update, ON_POOL, API_BODY_MAX, "Other versions or another split, without losing a request"},
    {"DELETE", "/api/2.0/serving-endpoints/{name}", handle_endpoint_delete, ON_POOL, 0, "Delete an endpoint"},
    {"GET", "/.well-known/databricks-config", handle_well_known, ON_LOOP, 0, "What Databricks' SDK asks every host first"},

    {"GET", "/health", handle_health, ON_LOOP, 0, "OK while the process lives (JSON by Accept)"},
    {"GET", "/ready", handle_ready, ON_LOOP, 0, "OK, or 503 while draining"},
    {"GET", "/version", handle_protocol_version, ON_LOOP, 0, "The MLflow version whose protocol is spoken, as text"},
    {"GET", "/api/version", handle_own_version, ON_LOOP, 0, "The version of this program"},
    {"GET", "/metrics", handle_metrics, ON_POOL, 0, "Prometheus metrics"},

    {"GET", OWN "/overview", handle_overview, ON_POOL, 0, "Counts, endpoints, champions, latest runs"},
    {"GET", OWN "/runs", handle_own_runs, ON_POOL, 0, "Runs: experiment_id, parent_run_id, max"},
    {"GET", OWN "/monitors", handle_own_monitors, ON_POOL, 0, "Results of monitors, newest first: name, max"},
    {"GET", OWN "/jobs", handle_own_jobs, ON_POOL, 0, "Jobs and when they fire next"},
    {"GET", OWN "/job-runs", handle_own_job_runs, ON_POOL, 0, "Job runs, newest first: job, max"},
    {"GET", OWN "/endpoints/{name}/signature", handle_own_signature, ON_POOL, 0, "An endpoint's inputs, with an example row"},

    {"GET", MLFLOW "/experiments/search", handle_experiments_search, ON_POOL, 0, "Experiments, newest first"},
    {"POST", MLFLOW "/experiments/search", handle_experiments_search, ON_POOL, API_BODY_MAX, "The same"},
    {"GET", MLFLOW "/experiments/get", handle_experiment_get, ON_POOL, 0, "experiment_id"},
    {"GET", MLFLOW "/experiments/get-by-name", handle_experiment_by_name, ON_POOL, 0, "experiment_name"},
    {"GET", MLFLOW "/runs/get", handle_run_get, ON_POOL, 0, "run_id"},
    {"POST", MLFLOW "/runs/search", handle_runs_search, ON_POOL, API_BODY_MAX, "experiment_ids, max_results, page_token"},
    {"GET", MLFLOW "/metrics/get-history", handle_metric_history, ON_POOL, 0, "run_id, metric_key, max_results, page_token"},
    {"GET", MLFLOW "/registered-models/get", handle_model_get, ON_POOL, 0, "name"},
    {"GET", MLFLOW "/registered-models/search", handle_models_search, ON_POOL, 0, "filter (name = '…'), max_results, page_token"},
    {"GET", MLFLOW "/registered-models/alias", handle_model_alias, ON_POOL, 0, "name, alias"},
    {"GET", MLFLOW "/model-versions/get", handle_version_get, ON_POOL, 0, "name, version"},
    {"GET", MLFLOW "/model-versions/search", handle_versions_search, ON_POOL, 0, "filter (name = '…'), max_results, page_token"},
    {"GET", MLFLOW "/artifacts/list", handle_artifacts_list, ON_POOL, 0, "run_id, path"},
    {"GET", "/get-artifact", handle_artifact_get, ON_POOL, 0, "The bytes of a run's artifact: run_id, path"},

    /* MLflow's other routes. */
    {"POST", MLFLOW "/experiments/{verb}", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"POST", MLFLOW "/runs/{verb}", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"GET", MLFLOW "/metrics/get-history-bulk-interval", handle_not_yet, ON_LOOP, 0, ""},
    {"GET", MLFLOW "/metrics/get-history-bulk", handle_not_yet, ON_LOOP, 0, ""},
    {"*", MLFLOW "/logged-models", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"*", MLFLOW "/logged-models/{rest...}", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"POST", MLFLOW "/registered-models/create", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"POST", MLFLOW "/registered-models/rename", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"PATCH", MLFLOW "/registered-models/update", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"DELETE", MLFLOW "/registered-models/delete", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"POST", MLFLOW "/registered-models/set-tag", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"DELETE", MLFLOW "/registered-models/delete-tag", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"POST", MLFLOW "/registered-models/alias", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"DELETE", MLFLOW "/registered-models/alias", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"*", MLFLOW "/registered-models/get-latest-versions", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"POST", MLFLOW "/model-versions/create", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"PATCH", MLFLOW "/model-versions/update", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"DELETE", MLFLOW "/model-versions/delete", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"POST", MLFLOW "/model-versions/set-tag", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"DELETE", MLFLOW "/model-versions/delete-tag", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"POST", MLFLOW "/model-versions/transition-stage", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"GET", MLFLOW "/model-versions/get-download-uri", handle_not_yet, ON_LOOP, 0, ""},
    {"POST", MLFLOW "/artifacts/{verb}", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"*", MLFLOW "/traces", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"*", MLFLOW "/traces/{rest...}", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"*", MLFLOW "/webhooks", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"*", MLFLOW "/webhooks/{rest...}", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"*", MLFLOW "-artifacts/{rest...}", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"*", "/api/3.0/mlflow/{rest...}", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
    {"POST", "/v1/traces", handle_not_yet, ON_LOOP, API_BODY_MAX, ""},
};
/* clang-format on */
const size_t n_routes = countof(routes);

static void print_line(buf *b, const route *r)
{
    buf_fmt(b, "| %s | `%s` | %s |\n", *r->method == '*' ? "any" : r->method, r->path, r->summary);
}

void routes_print(buf *b)
{
    buf_puts(b, STR("# HTTP\n\n"
                    "Made from the table in `src/api/routes.c`; `make unit T=api_routes` says when "
                    "it is old and, with TIDEMILL_WRITE_DOCS=1, makes it again.\n\n"
                    "Errors have MLflow's form: `{\"error_code\": \"…\", \"message\": \"…\"}`. "
                    "Paths below `/api/2.0/mlflow` are also there\n"
                    "below `/ajax-api/2.0/mlflow`.\n\n"
                    "| Method | Path | What, or its parameters |\n|---|---|---|\n"));
    for (size_t i = 0; i < n_routes; i++)
        if (*routes[i].summary) print_line(b, &routes[i]);
    buf_puts(b, STR("\n## Known and not supported yet\n\n"
                    "These of MLflow's routes answer 501 with `NOT_IMPLEMENTED`.\n\n"
                    "| Method | Path |\n|---|---|\n"));
    for (size_t i = 0; i < n_routes; i++)
        if (!*routes[i].summary)
            buf_fmt(b, "| %s | `%s` |\n", *routes[i].method == '*' ? "any" : routes[i].method,
                    routes[i].path);
}
