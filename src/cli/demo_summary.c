#include <math.h>

#include "base/clock.h"
#include "cli/demo_int.h"

/* The numbers of the demo, all of them out of what the commands reported. */

double demo_seconds(const demo *d)
{
    return (double)(mono_us() - d->begin_us) / 1e6;
}

static str text(yyjson_val *o, const char *key)
{
    yyjson_val *v = yyjson_obj_get(o, key);
    return yyjson_is_str(v) ? json_str(v) : STR("");
}

static double number(yyjson_val *o, const char *key)
{
    yyjson_val *v = yyjson_obj_get(o, key);
    return yyjson_is_num(v) ? yyjson_get_num(v) : (double)NAN;
}

static long long whole(yyjson_val *o, const char *key)
{
    return yyjson_get_sint(yyjson_obj_get(o, key));
}

/* 9961 as "9,961". */
static str grouped(arena *a, long long v)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%lld", v < 0 ? -v : v);
    buf b;
    buf_init(&b, 64);
    if (v < 0) buf_putc(&b, '-');
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0) buf_putc(&b, ',');
        buf_putc(&b, digits[i]);
    }
    str s = str_dup(a, buf_str(&b));
    buf_done(&b);
    return s;
}

/* "5 by fare_is_positive, 34 by distance_is_positive": which expectation dropped how many rows. */
static str drops(arena *a, yyjson_val *train)
{
    yyjson_val *list = yyjson_obj_get(yyjson_obj_get(train, "checks"), "expectations"), *e;
    size_t i, n;
    buf b;
    buf_init(&b, 64 << 10);
    yyjson_arr_foreach(list, i, n, e)
    {
        if (whole(e, "dropped") > 0)
            buf_fmt(&b, "%s%lld by %.*s", b.n ? ", " : "", whole(e, "dropped"),
                    STR_ARG(text(e, "name")));
    }
    str s = str_dup(a, buf_str(&b));
    buf_done(&b);
    return s;
}

static str alerts(arena *a, yyjson_val *monitor)
{
    yyjson_val *list = yyjson_obj_get(monitor, "alert_lines"), *e;
    size_t i, n;
    buf b;
    buf_init(&b, 64 << 10);
    yyjson_arr_foreach(list, i, n, e)
    {
        str name = text(e, "column");
        buf_fmt(&b, "%s%.*s%s%.*s %.2f (more than %g)", i ? ", " : "", STR_ARG(text(e, "metric")),
                name.n ? " of " : "", STR_ARG(name), number(e, "value"), number(e, "threshold"));
    }
    if (!b.n) buf_fmt(&b, "no alert");
    str s = str_dup(a, buf_str(&b));
    buf_done(&b);
    return s;
}

static void print_day(const demo *d, const char *title, yyjson_val *batch, yyjson_val *monitor)
{
    str rows = grouped(d->a, whole(batch, "rows"));
    printf("  %-15s %.*s rows scored, mean prediction %.2f: %.*s: %.*s\n", title, STR_ARG(rows),
           number(batch, "mean_prediction"), STR_ARG(text(monitor, "verdict")),
           STR_ARG(alerts(d->a, monitor)));
}

err demo_summary(const demo *d)
{
    str rows = grouped(d->a, whole(d->train, "rows")),
        test = grouped(d->a, whole(d->train, "rows_test"));
    printf("\nSummary\n");
    printf("  %-15s %.*s read, %lld dropped: %.*s\n", "trips", STR_ARG(rows),
           whole(d->train, "dropped"), STR_ARG(drops(d->a, d->train)));
    printf("  %-15s %lld tried; the champion is version %lld\n", "candidates",
           whole(d->train, "candidates"), whole(d->deploy, "version"));
    printf("  %-15s %.4f on %.*s held-out rows; always saying the mean: %.4f\n", "MAE",
           number(d->validate, "mae"), STR_ARG(test), number(d->train, "mae_of_mean"));
    print_day(d, "calm day", d->calm_batch, d->calm);
    print_day(d, "shifted day", d->shifted_batch, d->shifted);
    printf("  %-15s %.*s\n", "endpoint", STR_ARG(text(d->deploy, "endpoint_url")));
    printf("  %-15s curl -s %.*s -H 'Content-Type: application/json' -d '%s'\n", "try it",
           STR_ARG(text(d->deploy, "endpoint_url")), demo_body);
    printf("  %-15s %.1f s\n", "time", demo_seconds(d));
    bool calm = str_is(text(d->calm, "verdict"), "ok");
    bool shifted = str_is(text(d->shifted, "verdict"), "alert") &&
                   yyjson_is_true(yyjson_obj_get(d->shifted, "should_retrain"));
    if (calm && shifted) return ERR_OK;
    return err_set(
        ERR_INVALID,
        "demo: the monitor said \"%.*s\" of the calm day and \"%.*s\" of the shifted one",
        STR_ARG(text(d->calm, "verdict")), STR_ARG(text(d->shifted, "verdict")));
}
