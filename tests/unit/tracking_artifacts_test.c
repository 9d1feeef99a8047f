#include "tracking/tracking.h"

#include "store.h"

static str open_root(store *s)
{
    store_open(s, &tracking_migration, 1);
    str id;
    ck_ok(tracking_run_create(s->d, s->a, &(run_spec){.experiment_id = STR("0")}, &id));
    return str_fmt(s->a, "runs/%.*s", STR_ARG(id));
}

TEST(artifacts_are_written_listed_and_read)
{
    store s;
    str root = open_root(&s), got;
    artifact_item v[] = {{STR("plots/a.svg"), STR("<svg/>")},
                         {STR("plots/deep/b.txt"), STR("")},
                         {STR("checks.json"), STR("{}")}};
    ck_ok(artifact_put_all(s.d, s.b, root, v, 3));
    ck_ok(artifact_get(s.d, s.b, s.a, root, STR("plots/a.svg"), 100, &got));
    ck_assert(str_is(got, "<svg/>"));
    ck_ok(artifact_get(s.d, s.b, s.a, root, STR("plots/deep/b.txt"), 100, &got));
    ck_assert_uint_eq(got.n, 0);
    artifact *l;
    size_t n;
    ck_ok(artifact_list(s.d, s.a, root, STR(""), &l, &n));
    ck_assert_uint_eq(n, 2);
    ck_assert(str_is(l[0].path, "checks.json") && !l[0].is_dir && l[0].size == 2);
    ck_assert(str_is(l[1].path, "plots") && l[1].is_dir);
    ck_ok(artifact_list(s.d, s.a, root, STR("plots"), &l, &n));
    ck_assert_uint_eq(n, 2);
    ck_assert(str_is(l[0].path, "plots/a.svg") && l[0].sha256.n == 64);
    ck_assert(str_is(l[1].path, "plots/deep") && l[1].is_dir);
    ck_ok(artifact_list(s.d, s.a, root, STR("nothing"), &l, &n));
    ck_assert_uint_eq(n, 0);
    ck_ok(artifact_put(s.d, s.b, root, STR("plots/a.svg"), STR("new")));
    ck_ok(artifact_get(s.d, s.b, s.a, root, STR("plots/a.svg"), 100, &got));
    ck_assert(str_is(got, "new"));
    ck_err(artifact_get(s.d, s.b, s.a, root, STR("plots/a.svg"), 2, &got), ERR_LIMIT);
    store_close(&s);
}
END_TEST

TEST(what_is_not_there_is_missing)
{
    store s;
    str root = open_root(&s), got;
    artifact *l;
    size_t n;
    ck_err(artifact_get(s.d, s.b, s.a, root, STR("x"), 9, &got), ERR_MISSING);
    ck_err(artifact_get(s.d, s.b, s.a, STR("runs/abc"), STR("x"), 9, &got), ERR_MISSING);
    ck_assert_str_eq(err_message(), "Run with id=abc not found");
    ck_err(artifact_put(s.d, s.b, STR("models/m-1"), STR("x"), STR("y")), ERR_MISSING);
    ck_err(artifact_list(s.d, s.a, STR("runs/abc"), STR(""), &l, &n), ERR_MISSING);
    ck_err(artifact_get(s.d, s.b, s.a, STR("files/abc"), STR("x"), 9, &got), ERR_INVALID);
    ck_err(artifact_get(s.d, s.b, s.a, STR("runs"), STR("x"), 9, &got), ERR_INVALID);
    store_close(&s);
}
END_TEST

TEST(paths_that_leave_the_root_are_refused)
{
    store s;
    str root = open_root(&s);
    const char *bad[] = {"",   "/a",  "../a", "a/../b", "a/..", "a//b",
                         "a/", "./a", "a\\b", "C:/a",   "a\nb", "\xff"};
    for (size_t i = 0; i < countof(bad); i++)
        ck_err(artifact_put(s.d, s.b, root, str_of(bad[i]), STR("x")), ERR_INVALID);
    char long_path[1025];
    memset(long_path, 'p', sizeof long_path);
    ck_ok(artifact_put(s.d, s.b, root, (str){long_path, 1024}, STR("x")));
    ck_err(artifact_put(s.d, s.b, root, (str){long_path, 1025}, STR("x")), ERR_INVALID);
    store_close(&s);
}
END_TEST

TEST(a_file_never_becomes_a_folder)
{
    store s;
    str root = open_root(&s), got;
    ck_ok(artifact_put(s.d, s.b, root, STR("a"), STR("x")));
    ck_err(artifact_put(s.d, s.b, root, STR("a/b"), STR("x")), ERR_CONFLICT);
    ck_ok(artifact_put(s.d, s.b, root, STR("d/b"), STR("x")));
    ck_err(artifact_put(s.d, s.b, root, STR("d"), STR("x")), ERR_CONFLICT);
    ck_err(artifact_get(s.d, s.b, s.a, root, STR("d"), 9, &got), ERR_INVALID);
    artifact_item both[] = {{STR("n"), STR("1")}, {STR("n/m"), STR("2")}};
    ck_err(artifact_put_all(s.d, s.b, root, both, 2), ERR_CONFLICT);
    artifact_item twice[] = {{STR("t"), STR("1")}, {STR("t"), STR("2")}};
    ck_err(artifact_put_all(s.d, s.b, root, twice, 2), ERR_INVALID);
    ck_err(artifact_get(s.d, s.b, s.a, root, STR("n"), 9, &got), ERR_MISSING);
    ck_ok(artifact_put_all(s.d, s.b, root, NULL, 0));
    store_close(&s);
}
END_TEST

TEST(many_artifacts_go_in_one_call)
{
    store s;
    str root = open_root(&s);
    artifact_item v[100];
    for (int i = 0; i < 100; i++)
        v[i] = (artifact_item){str_fmt(s.a, "d%d/f%d", i % 10, i), STR("same bytes")};
    ck_ok(artifact_put_all(s.d, s.b, root, v, 100));
    artifact *l;
    size_t n;
    ck_ok(artifact_list(s.d, s.a, root, STR(""), &l, &n));
    ck_assert_uint_eq(n, 10);
    ck_ok(artifact_list(s.d, s.a, root, STR("d3"), &l, &n));
    ck_assert_uint_eq(n, 10);
    store_close(&s);
}
END_TEST

TEST(a_logged_model_is_made_filled_and_finished)
{
    store s;
    str root = open_root(&s), run_id = {root.p + 5, root.n - 5}, id;
    key_value p = {STR("leaves"), STR("31")}, t = {STR("team"), STR("fares")};
    logged_model_spec o = {.name = STR("fare"),
                           .experiment_id = STR("0"),
                           .source_run_id = run_id,
                           .model_type = STR("lightgbm"),
                           .now_ms = 5,
                           .params = &p,
                           .n_params = 1,
                           .tags = &t,
                           .n_tags = 1};
    ck_ok(tracking_model_create(s.d, s.a, &o, &id));
    ck_assert(str_starts(id, "m-") && id.n == 34);
    logged_model m;
    ck_ok(tracking_model_get(s.d, s.a, id, &m));
    ck_assert(str_is(m.status, "PENDING"));
    ck_assert(str_eq(m.artifact_uri,
                     str_fmt(s.a, "mlflow-artifacts:/0/models/%.*s/artifacts", STR_ARG(id))));
    ck_assert(m.n_params == 1 && str_is(m.params[0].value, "31"));
    ck_assert(m.n_tags == 1 && str_eq(m.source_run_id, run_id));
    str model_root = str_fmt(s.a, "models/%.*s", STR_ARG(id)), got;
    ck_ok(artifact_put(s.d, s.b, model_root, STR("MLmodel"), STR("flavors:\n")));
    ck_ok(artifact_get(s.d, s.b, s.a, model_root, STR("MLmodel"), 99, &got));
    ck_err(artifact_get(s.d, s.b, s.a, root, STR("MLmodel"), 99, &got), ERR_MISSING);
    ck_ok(tracking_model_finish(s.d, id, "READY", 9));
    ck_ok(tracking_model_get(s.d, s.a, id, &m));
    ck_assert(str_is(m.status, "READY") && m.updated_ms == 9);
    ck_ok(tracking_model_finish(s.d, id, "LOGGED_MODEL_UPLOAD_FAILED", 10));
    ck_ok(tracking_model_get(s.d, s.a, id, &m));
    ck_assert(str_is(m.status, "UPLOAD_FAILED"));
    ck_err(tracking_model_finish(s.d, id, "FINE", 9), ERR_INVALID);
    ck_err(tracking_model_finish(s.d, STR("m-1"), "READY", 9), ERR_MISSING);
    o.source_run_id = STR("nobody");
    ck_err(tracking_model_create(s.d, s.a, &o, &id), ERR_MISSING);
    o.source_run_id = STR("");
    ck_ok(tracking_model_create(s.d, s.a, &o, &id));
    o.name = STR("a/b");
    ck_err(tracking_model_create(s.d, s.a, &o, &id), ERR_INVALID);
    o.name = STR("");
    ck_err(tracking_model_create(s.d, s.a, &o, &id), ERR_INVALID);
    o.name = STR("fare");
    o.experiment_id = STR("9");
    ck_err(tracking_model_create(s.d, s.a, &o, &id), ERR_MISSING);
    store_close(&s);
}
END_TEST

TESTS("tracking artifacts", artifacts_are_written_listed_and_read, what_is_not_there_is_missing,
      paths_that_leave_the_root_are_refused, a_file_never_becomes_a_folder,
      many_artifacts_go_in_one_call, a_logged_model_is_made_filled_and_finished)
