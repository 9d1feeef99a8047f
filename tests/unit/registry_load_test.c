#include "registry/registry.h"

#include <stdio.h>
#include <sys/stat.h>

#include "logged.h"

static void open_store(store *s)
{
    const db_migration rooms[] = {tracking_migration, registry_migration};
    store_open(s, rooms, 2);
}

static void expect_refused(const logged_options *o, err want, const char *words)
{
    store s;
    open_store(&s);
    package p;
    model *m = NULL;
    ck_err(registry_load(s.d, s.b, s.a, logged_model_put(&s, o), &p, &m), want);
    ck_assert_msg(strstr(err_message(), words), "%s", err_message());
    ck_assert(strstr(err_message(), "model m-"));
    ck_assert(!m);
    store_close(&s);
}

TEST(a_logged_model_is_loaded_and_answers_as_the_file)
{
    store s;
    open_store(&s);
    package p;
    AUTO(model) m = NULL;
    ck_ok(registry_load(s.d, s.b, s.a, logged_model_put(&s, &(logged_options){0}), &p, &m));
    str bytes;
    AUTO(model) golden = logged_golden(s.a, "lgb_taxi", &bytes);
    matrix x = logged_rows(s.a, model_get_facts(golden)->n_features);
    double want[LOGGED_ROWS], got[LOGGED_ROWS];
    model_predict(golden, x, want);
    model_predict(m, x, got);
    ck_assert(!memcmp(want, got, sizeof want));
    ck_assert(str_is(p.data_path, "model.lgb"));
    ck_assert_uint_eq(p.sig.inputs.n, model_get_facts(m)->n_features);
    store_close(&s);
}
END_TEST

TEST(a_signature_that_lacks_a_feature_is_refused)
{
    expect_refused(&(logged_options){.inputs_dropped = 1}, ERR_INVALID,
                   "which the signature's inputs lack");
}
END_TEST

TEST(a_signature_with_another_name_is_refused)
{
    expect_refused(&(logged_options){.last_input = "colour"}, ERR_INVALID,
                   "which the signature's inputs lack");
}
END_TEST

TEST(a_model_that_does_not_exist_is_missing)
{
    store s;
    open_store(&s);
    package p;
    model *m = NULL;
    ck_err(registry_load(s.d, s.b, s.a, STR("m-1"), &p, &m), ERR_MISSING);
    str id;
    ck_ok(tracking_model_create(
        s.d, s.a, &(logged_model_spec){.name = STR("empty"), .experiment_id = STR("0")}, &id));
    ck_err(registry_load(s.d, s.b, s.a, id, &p, &m), ERR_MISSING);
    ck_assert(strstr(err_message(), "MLmodel"));
    store_close(&s);
}
END_TEST

TEST(a_damaged_blob_is_named_with_its_model)
{
    store s;
    open_store(&s);
    str id = logged_model_put(&s, &(logged_options){0});
    artifact *v;
    size_t n;
    ck_ok(artifact_list(s.d, s.a, str_fmt(s.a, "models/%.*s", STR_ARG(id)), STR(""), &v, &n));
    const char *hex = NULL;
    for (size_t i = 0; i < n; i++)
        if (str_is(v[i].path, "model.lgb")) hex = str_c(s.a, v[i].sha256);
    ck_assert(hex != NULL);
    const char *path = blob_path(s.b, s.a, hex);
    ck_assert(!chmod(path, 0644));
    FILE *f = fopen(path, "r+");
    ck_assert(f != NULL);
    ck_assert(!fseek(f, 1000, SEEK_SET));
    ck_assert_int_eq(fputc('#', f), '#');
    ck_assert(!fclose(f));
    package p;
    model *m = NULL;
    ck_err(registry_load(s.d, s.b, s.a, id, &p, &m), ERR_IO);
    ck_assert_msg(strstr(err_message(), hex) && strstr(err_message(), "damaged") &&
                      strstr(err_message(), str_c(s.a, id)) && strstr(err_message(), "model.lgb"),
                  "%s", err_message());
    store_close(&s);
}
END_TEST

TEST(a_damaged_model_file_is_refused_by_name)
{
    store s;
    open_store(&s);
    str id = logged_model_put(&s, &(logged_options){0});
    str root = str_fmt(s.a, "models/%.*s", STR_ARG(id));
    package p;
    model *m = NULL;
    ck_ok(artifact_put(s.d, s.b, root, STR("model.lgb"), STR("tree\nversion=v4\n")));
    ck_err(registry_load(s.d, s.b, s.a, id, &p, &m), ERR_FORMAT);
    ck_assert_msg(strstr(err_message(), "model.lgb"), "%s", err_message());
    ck_ok(artifact_put(s.d, s.b, root, STR("MLmodel"), STR("flavors: [")));
    ck_err(registry_load(s.d, s.b, s.a, id, &p, &m), ERR_FORMAT);
    ck_assert_msg(strstr(err_message(), "MLmodel:"), "%s", err_message());
    store_close(&s);
}
END_TEST

TESTS("registry load", a_logged_model_is_loaded_and_answers_as_the_file,
      a_signature_that_lacks_a_feature_is_refused, a_signature_with_another_name_is_refused,
      a_model_that_does_not_exist_is_missing, a_damaged_blob_is_named_with_its_model,
      a_damaged_model_file_is_refused_by_name)
