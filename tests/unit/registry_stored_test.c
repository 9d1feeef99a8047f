#include "registry/stored.h"

#include <stdio.h>
#include <sys/stat.h>

#include "logged.h"

static void open_store(store *s)
{
    const db_migration rooms[] = {tracking_migration, registry_migration};
    store_open(s, rooms, 2);
    ck_ok(registry_model_ensure(s->d, STR("fare"), 1));
}

static err check(store *s, str id, stored_report *ret)
{
    return stored_check(s->d, s->b, s->a, str_fmt(s->a, "models/%.*s", STR_ARG(id)), STR(""), ret);
}

static err create(store *s, str id, int64_t *ret)
{
    version_spec o = {
        .name = STR("fare"), .source = str_fmt(s->a, "models:/%.*s", STR_ARG(id)), .now_ms = 5};
    return registry_version_create_checked(s->d, s->b, s->a, &o, ret);
}

static str tag(const model_version *v, const char *key)
{
    for (size_t i = 0; i < v->n_tags; i++)
        if (str_is(v->tags[i].key, key)) return v->tags[i].value;
    return STR("");
}

TEST(a_model_that_answers_as_logged_becomes_a_version_with_its_semantic_version)
{
    store s;
    open_store(&s);
    stored_report r;
    str id = logged_model_put(&s, &(logged_options){0});
    ck_ok(check(&s, id, &r));
    ck_assert(r.verdict == STORED_SAME && r.rows == LOGGED_ROWS && r.files >= 6 && !r.unread);
    ck_assert(r.error_max == 0 && !r.note.n);
    int64_t version = 0;
    model_version v;
    for (int64_t i = 1; i <= 2; i++) {
        ck_ok(create(&s, id, &version));
        ck_ok(registry_version_get(s.d, s.a, STR("fare"), i, &v));
        ck_assert(version == i && str_is(tag(&v, "tidemill.stored"), "same"));
        ck_assert(str_is(tag(&v, "tidemill.semver"), i == 1 ? "1.0.0" : "1.0.1"));
    }
    logged_model m;
    ck_ok(tracking_model_get(s.d, s.a, id, &m));
    ck_assert_uint_eq(m.n_tags, 1);
    ck_assert(str_is(m.tags[0].value,
                     "[{\"name\":\"fare\",\"version\":1},{\"name\":\"fare\",\"version\":2}]"));
    store_close(&s);
}
END_TEST

/* The right probes with one answer moved by 10^-digits. */
static const char *probes_off_by(store *s, const char *change)
{
    str bytes;
    AUTO(model) m = logged_golden(s->a, "lgb_taxi", &bytes);
    str text = logged_probes(s->a, m, logged_rows(s->a, model_get_facts(m)->n_features));
    size_t at;
    ck_assert(str_find(text, STR("\"predictions\":["), &at));
    size_t from = at + strlen("\"predictions\":["), end = from;
    while (text.p[end] != ',')
        end++;
    double v, by;
    ck_ok(parse_f64((str){text.p + from, end - from}, &v));
    ck_ok(parse_f64(str_of(change), &by));
    char number[F64_PRINT_MAX];
    size_t n = f64_print(v + by, number);
    return cstr_fmt(s->a, "%.*s%.*s%s", (int)from, text.p, (int)n, number, text.p + end);
}

TEST(a_difference_over_the_limit_refuses_the_version_and_shows_the_row)
{
    store s;
    open_store(&s);
    stored_report r = {.files = 99};
    int64_t version = 7;
    str id = logged_model_put(&s, &(logged_options){.probes = probes_off_by(&s, "0.001")});
    ck_err(check(&s, id, &r), ERR_GATE);
    ck_assert_msg(strstr(err_message(), "row 0: the stored model answers") &&
                      strstr(err_message(), "trip_distance: "),
                  "%s", err_message());
    ck_assert_uint_eq(r.files, 99);
    ck_err(create(&s, id, &version), ERR_GATE);
    ck_assert(strstr(err_message(), "new version of fare refused"));
    ck_assert_int_eq(version, 7);
    registered_model m;
    ck_ok(registry_model_get(s.d, s.a, STR("fare"), &m));
    ck_assert_int_eq(m.latest_version, 0);
    id = logged_model_put(&s, &(logged_options){.probes = probes_off_by(&s, "1e-8")});
    ck_ok(check(&s, id, &r));
    ck_assert(r.verdict == STORED_SAME && r.error_max > 0 && r.error_max <= 1e-6);
    store_close(&s);
}
END_TEST

TEST(a_damaged_blob_is_found_before_there_is_a_version)
{
    store s;
    open_store(&s);
    str id = logged_model_put(&s, &(logged_options){0});
    artifact *v;
    size_t n;
    ck_ok(artifact_list(s.d, s.a, str_fmt(s.a, "models/%.*s", STR_ARG(id)), STR(""), &v, &n));
    for (size_t i = 0; i < n; i++) {
        if (!str_is(v[i].path, "requirements.txt")) continue;
        const char *path = blob_path(s.b, s.a, str_c(s.a, v[i].sha256));
        ck_assert(!chmod(path, 0644));
        FILE *f = fopen(path, "r+");
        ck_assert(f && fputc('#', f) == '#' && !fclose(f));
    }
    int64_t version;
    ck_err(create(&s, id, &version), ERR_IO);
    ck_assert(strstr(err_message(), "requirements.txt"));
    store_close(&s);
}
END_TEST

TEST(what_we_do_not_load_is_read_back_all_the_same)
{
    store s;
    open_store(&s);
    stored_report r;
    ck_ok(check(&s, logged_model_put(&s, &(logged_options){.probes = ""}), &r));
    ck_assert(r.verdict == STORED_LOADED && r.note.n);
    str id, root;
    ck_ok(tracking_model_create(
        s.d, s.a, &(logged_model_spec){.name = STR("m"), .experiment_id = STR("0")}, &id));
    ck_ok(check(&s, id, &r));
    ck_assert(r.verdict == STORED_NOTHING && r.files == 0);
    root = str_fmt(s.a, "models/%.*s", STR_ARG(id));
    ck_ok(artifact_put(s.d, s.b, root, STR("data/model.pkl"), STR("bytes")));
    ck_ok(check(&s, id, &r));
    ck_assert(r.verdict == STORED_READABLE && r.files == 1 && str_is(r.note, "no MLmodel"));
    ck_ok(artifact_put(s.d, s.b, root, STR("MLmodel"),
                       STR("flavors:\n  sklearn:\n    pickled_model: model.pkl\n")));
    ck_ok(check(&s, id, &r));
    ck_assert(r.verdict == STORED_READABLE && r.note.n);
    int64_t version;
    ck_ok(create(&s, id, &version));
    ck_err(check(&s, STR("m-0"), &r), ERR_MISSING);
    store_close(&s);
}
END_TEST

TEST(a_truncated_model_file_is_refused)
{
    store s;
    open_store(&s);
    str id = logged_model_put(&s, &(logged_options){0});
    int64_t version;
    ck_ok(artifact_put(s.d, s.b, str_fmt(s.a, "models/%.*s", STR_ARG(id)), STR("model.lgb"),
                       STR("tree\nversion=v4\n")));
    ck_err(create(&s, id, &version), ERR_FORMAT);
    store_close(&s);
}
END_TEST

TESTS("registry stored", a_model_that_answers_as_logged_becomes_a_version_with_its_semantic_version,
      a_difference_over_the_limit_refuses_the_version_and_shows_the_row,
      a_damaged_blob_is_found_before_there_is_a_version,
      what_we_do_not_load_is_read_back_all_the_same, a_truncated_model_file_is_refused)
