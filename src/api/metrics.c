/* GET /metrics: Prometheus' text format 0.0.4. */
#include <dirent.h>
#include <math.h>
#include <unistd.h>

#include "api/api_int.h"
#include "base/clock.h"
#include "base/file.h"

enum { STATM_MAX = 256 };

static void head(buf *b, const char *name, const char *type, const char *help)
{
    buf_fmt(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(buf *b, const char *name, const char *type, const char *help, double v)
{
    char text[F64_PRINT_MAX];
    head(b, name, type, help);
    buf_fmt(b, "%s %.*s\n", name, (int)f64_print(v, text), text);
}

static void label(buf *b, const char *key, str v)
{
    buf_fmt(b, "%s=\"", key);
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        if (c == '\\' || c == '"') buf_putc(b, '\\');
        if (c == '\n')
            buf_puts(b, STR("\\n"));
        else
            buf_putc(b, c);
    }
    buf_putc(b, '"');
}

/* ---- this process */

static double resident_bytes(arena *a)
{
    str text, total, rest, resident;
    uint64_t pages = 0;
    if (file_read(a, "/proc/self/statm", STATM_MAX, &text)) return (double)NAN;
    str_cut(text, ' ', &total, &rest);
    str_cut(rest, ' ', &resident, &rest);
    if (parse_u64(resident, &pages)) return (double)NAN;
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double open_files(void)
{
    DIR *d = opendir("/proc/self/fd");
    if (!d) return (double)NAN;
    double n = -3; /* itself, . and .. */
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void process_metrics(call *c, buf *b)
{
    const api *a = c->api;
    head(b, "tidemill_info", "gauge", "Version of this program.");
    buf_puts(b, STR("tidemill_info{"));
    label(b, "version", str_of(a->o.version));
    buf_putc(b, ',');
    label(b, "build", str_of(a->o.build));
    buf_puts(b, STR("} 1\n"));
    one(b, "process_start_time_seconds", "gauge", "Start time since the Unix epoch in seconds.",
        (double)a->started_ms / 1000);
    one(b, "process_cpu_seconds_total", "counter", "Total user and system CPU time in seconds.",
        (double)cpu_us() / 1e6);
    one(b, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
        resident_bytes(c->a));
    one(b, "process_open_fds", "gauge", "Number of open file descriptors.", open_files());
    one(b, "tidemill_draining", "gauge", "1 while the server lets its last requests end.",
        atomic_load(&a->draining));
}

/* ---- HTTP */

static void http_metrics(call *c, buf *b)
{
    http_server *s = atomic_load(&c->api->server);
    http_counters n;
    if (!s) return;
    http_server_counters(s, &n);
    one(b, "tidemill_http_connections_total", "counter", "Connections accepted.",
        (double)n.accepted);
    one(b, "tidemill_http_connections_open", "gauge", "Connections open now.", (double)n.open);
    one(b, "tidemill_http_requests_total", "counter", "Requests handed to the application.",
        (double)n.requests);
    one(b, "tidemill_http_deferred_total", "counter", "Requests answered on the pool.",
        (double)n.deferred);
    one(b, "tidemill_http_refused_total", "counter",
        "Requests refused by the server itself: malformed, over a limit, busy.", (double)n.refused);
    one(b, "tidemill_http_received_bytes_total", "counter", "Bytes received.", (double)n.bytes_in);
    one(b, "tidemill_http_sent_bytes_total", "counter", "Bytes sent.", (double)n.bytes_out);
    head(b, "tidemill_http_responses_total", "counter", "Answers by class of status.");
    for (size_t i = 1; i < countof(n.status); i++)
        buf_fmt(b, "tidemill_http_responses_total{class=\"%zuxx\"} %llu\n", i,
                (unsigned long long)n.status[i]);
}

/* ---- endpoints */

static void entity_labels(buf *b, const served_stats *s)
{
    char version[I64_PRINT_MAX];
    label(b, "endpoint", s->endpoint);
    buf_putc(b, ',');
    label(b, "entity", s->name);
    buf_putc(b, ',');
    label(b, "model", s->entity_name);
    buf_putc(b, ',');
    label(b, "version", (str){version, i64_print(s->entity_version, version)});
}

static void entity_counter(buf *b, const char *name, const served_stats *s, uint64_t v)
{
    buf_fmt(b, "%s{", name);
    entity_labels(b, s);
    buf_fmt(b, "} %llu\n", (unsigned long long)v);
}

static void entity_histogram(buf *b, const served_stats *s)
{
    static const char name[] = "tidemill_endpoint_latency_seconds";
    for (size_t i = 0; i < countof(s->buckets); i++) {
        buf_fmt(b, "%s_bucket{", name);
        entity_labels(b, s);
        if (serving_latency_us_le[i] == INT64_MAX)
            buf_puts(b, STR(",le=\"+Inf\""));
        else
            buf_fmt(b, ",le=\"%g\"", (double)serving_latency_us_le[i] / 1e6);
        buf_fmt(b, "} %llu\n", (unsigned long long)s->buckets[i]);
    }
    buf_fmt(b, "%s_sum{", name);
    entity_labels(b, s);
    buf_fmt(b, "} %.6f\n", (double)s->latency_us_sum / 1e6);
    buf_fmt(b, "%s_count{", name);
    entity_labels(b, s);
    buf_fmt(b, "} %llu\n", (unsigned long long)s->requests);
}

static err endpoint_metrics(call *c, buf *b)
{
    served_stats *v;
    size_t n;
    TRY(serving_stats(c->api->o.serving, c->a, &v, &n));
    head(b, "tidemill_endpoint_requests_total", "counter", "Scoring requests.");
    for (size_t i = 0; i < n; i++)
        entity_counter(b, "tidemill_endpoint_requests_total", &v[i], v[i].requests);
    head(b, "tidemill_endpoint_errors_total", "counter", "Scoring requests refused or failed.");
    for (size_t i = 0; i < n; i++)
        entity_counter(b, "tidemill_endpoint_errors_total", &v[i], v[i].errors);
    head(b, "tidemill_endpoint_rows_total", "counter", "Rows predicted.");
    for (size_t i = 0; i < n; i++)
        entity_counter(b, "tidemill_endpoint_rows_total", &v[i], v[i].rows);
    head(b, "tidemill_endpoint_latency_seconds", "histogram",
         "From the arrival of a scoring request to its answer.");
    for (size_t i = 0; i < n; i++)
        entity_histogram(b, &v[i]);
    return ERR_OK;
}

err handle_metrics(call *c)
{
    call_json(c); /* its buffer; not JSON */
    process_metrics(c, c->out);
    http_metrics(c, c->out);
    TRY(endpoint_metrics(c, c->out));
    c->w->content_type = "text/plain; version=0.0.4; charset=utf-8";
    return ERR_OK;
}
