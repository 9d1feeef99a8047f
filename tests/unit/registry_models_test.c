#include "registry/models.h"
#include "registry/versions.h"

#include "store.h"

static const change_by by_ann = {STR("ann"), STR(""), 100};

static void open_store(store *s)
{
    const db_migration rooms[] = {tracking_migration, registry_migration};
    store_open(s, rooms, 2);
}

static registered_model make(store *s, const char *name, const key_value *tags, size_t n)
{
    registered_model m;
    model_spec o = {.name = str_of(name), .tags = tags, .n_tags = n};
    ck_ok(registry_model_create(s->d, s->a, &o, &by_ann, &m));
    return m;
}

static int64_t add(store *s, const char *name, int64_t now_ms)
{
    int64_t v;
    version_spec o = {.name = str_of(name),
                      .source = STR("runs:/abc/model"),
                      .run_id = STR("abc"),
                      .user = STR("ann"),
                      .now_ms = now_ms};
    ck_ok(registry_version_create(s->d, s->a, &o, &v));
    return v;
}

TEST(a_model_is_made_once_with_tags_and_description)
{
    store s;
    open_store(&s);
    const key_value tags[] = {
        {STR("team"), STR("x")}, {STR("area"), STR("taxi")}, {STR("team"), STR("y")}};
    model_spec o = {STR("fare"), STR("what a trip costs"), tags, 3};
    registered_model m;
    ck_ok(registry_model_create(s.d, s.a, &o, &by_ann, &m));
    ck_assert(str_is(m.description, "what a trip costs") && m.created_ms == 100);
    ck_assert(m.n_tags == 2 && str_is(m.tags[1].value, "y"));
    ck_err(registry_model_create(s.d, s.a, &o, &by_ann, &m), ERR_CONFLICT);
    ck_assert_str_eq(err_message(), "Registered Model (name=fare) already exists.");
    const key_value prompt = {STR("mlflow.prompt.is_prompt"), STR("true")};
    o = (model_spec){.name = STR("fare"), .tags = &prompt, .n_tags = 1};
    ck_err(registry_model_create(s.d, s.a, &o, &by_ann, &m), ERR_CONFLICT);
    ck_assert(strstr(err_message(), "Tried to create a prompt with name 'fare'"));
    const char *bad[] = {"", " ", "a/b", "a:b", "..", "."};
    for (size_t i = 0; i < countof(bad); i++) {
        o = (model_spec){.name = str_of(bad[i])};
        ck_err(registry_model_create(s.d, s.a, &o, &by_ann, &m), ERR_INVALID);
    }
    ck_assert(m.created_ms == 100);
    store_close(&s);
}
END_TEST

TEST(a_renamed_model_keeps_versions_aliases_and_its_old_name)
{
    store s;
    open_store(&s);
    make(&s, "fare", NULL, 0);
    make(&s, "other", NULL, 0);
    add(&s, "fare", 1);
    ck_ok(registry_alias_set(s.d, STR("fare"), STR("champion"), 1, 0, 5));
    registered_model m;
    ck_err(registry_model_rename(s.d, s.a, STR("fare"), STR("other"), &by_ann, &m), ERR_CONFLICT);
    ck_err(registry_model_rename(s.d, s.a, STR("fare"), STR("a/b"), &by_ann, &m), ERR_INVALID);
    ck_err(registry_model_rename(s.d, s.a, STR("nobody"), STR("b"), &by_ann, &m), ERR_MISSING);
    ck_ok(registry_model_rename(s.d, s.a, STR("fare"), STR("taxi"), &by_ann, &m));
    ck_assert(str_is(m.name, "taxi") && m.n_aliases == 1);
    model_version v;
    ck_ok(registry_alias_get(s.d, s.a, STR("taxi"), STR("champion"), &v));
    ck_assert(v.version == 1 && v.updated_ms == 100);
    ck_err(registry_version_get(s.d, s.a, STR("fare"), 1, &v), ERR_MISSING);
    str now;
    ck_ok(registry_name_now(s.d, s.a, STR("fare"), &now));
    ck_assert(str_is(now, "taxi"));
    ck_ok(registry_name_now(s.d, s.a, STR("taxi"), &now));
    ck_assert(str_is(now, "taxi"));
    make(&s, "fare", NULL, 0);
    ck_ok(registry_name_now(s.d, s.a, STR("fare"), &now));
    ck_assert(str_is(now, "fare"));
    ck_err(registry_name_now(s.d, s.a, STR("nobody"), &now), ERR_MISSING);
    store_close(&s);
}
END_TEST

TEST(a_deleted_model_is_gone_with_its_versions)
{
    store s;
    open_store(&s);
    make(&s, "fare", NULL, 0);
    add(&s, "fare", 1);
    ck_ok(registry_model_delete(s.d, STR("fare"), &by_ann));
    ck_err(registry_model_delete(s.d, STR("fare"), &by_ann), ERR_MISSING);
    ck_assert_str_eq(err_message(), "Registered Model with name=fare not found");
    model_version *v;
    size_t n;
    ck_ok(registry_versions(s.d, s.a, STR(""), 10, 0, &v, &n));
    ck_assert_uint_eq(n, 0);
    make(&s, "fare", NULL, 0);
    store_close(&s);
}
END_TEST

TEST(descriptions_and_tags_change)
{
    store s;
    open_store(&s);
    make(&s, "fare", NULL, 0);
    add(&s, "fare", 1);
    registered_model m;
    model_version v;
    version_ref one = {STR("fare"), 1}, nine = {STR("fare"), 9};
    ck_ok(registry_model_update(s.d, s.a, STR("fare"), STR("new"), &by_ann, &m));
    ck_assert(str_is(m.description, "new"));
    ck_err(registry_model_update(s.d, s.a, STR("x"), STR("new"), &by_ann, &m), ERR_MISSING);
    ck_ok(registry_model_tag_set(s.d, STR("fare"), STR("k"), STR("1"), &by_ann));
    ck_ok(registry_model_tag_set(s.d, STR("fare"), STR("k"), STR(""), &by_ann));
    ck_ok(registry_model_get(s.d, s.a, STR("fare"), &m));
    ck_assert(m.n_tags == 1 && !m.tags[0].value.n);
    ck_ok(registry_model_tag_delete(s.d, STR("fare"), STR("k"), &by_ann));
    ck_ok(registry_model_tag_delete(s.d, STR("fare"), STR("k"), &by_ann));
    ck_ok(registry_model_get(s.d, s.a, STR("fare"), &m));
    ck_assert_uint_eq(m.n_tags, 0);
    ck_err(registry_model_tag_set(s.d, STR("fare"), STR("../k"), STR("1"), &by_ann), ERR_INVALID);
    ck_ok(registry_version_update(s.d, s.a, one, STR("first"), &by_ann, &v));
    ck_assert(str_is(v.description, "first") && v.updated_ms == 100);
    ck_err(registry_version_update(s.d, s.a, nine, STR("x"), &by_ann, &v), ERR_MISSING);
    ck_ok(registry_version_tag_set(s.d, one, STR("k"), STR("1"), &by_ann));
    ck_ok(registry_version_tag_delete(s.d, one, STR("k"), &by_ann));
    ck_err(registry_version_tag_delete(s.d, nine, STR("k"), &by_ann), ERR_MISSING);
    ck_ok(registry_version_get(s.d, s.a, STR("fare"), 1, &v));
    ck_assert_uint_eq(v.n_tags, 0);
    store_close(&s);
}
END_TEST

TEST(a_deleted_version_leaves_no_alias_and_its_number_is_never_given_again)
{
    store s;
    open_store(&s);
    make(&s, "fare", NULL, 0);
    add(&s, "fare", 1);
    add(&s, "fare", 2);
    ck_ok(registry_alias_set(s.d, STR("fare"), STR("champion"), 2, 0, 5));
    ck_ok(registry_version_delete(s.d, (version_ref){STR("fare"), 2}, &by_ann));
    ck_err(registry_version_delete(s.d, (version_ref){STR("fare"), 2}, &by_ann), ERR_MISSING);
    ck_assert_str_eq(err_message(), "Model Version (name=fare, version=2) not found");
    registered_model m;
    ck_ok(registry_model_get(s.d, s.a, STR("fare"), &m));
    ck_assert(m.n_aliases == 0 && m.latest_version == 1);
    ck_assert_int_eq(add(&s, "fare", 3), 3);
    store_close(&s);
}
END_TEST

TEST(stages_archive_the_others_only_where_mlflow_does)
{
    store s;
    open_store(&s);
    make(&s, "fare", NULL, 0);
    for (int i = 1; i <= 4; i++)
        add(&s, "fare", i);
    str name = STR("fare");
    model_version v, *all;
    size_t n;
    for (int64_t i = 1; i <= 2; i++)
        ck_ok(registry_version_stage(s.d, s.a, (version_ref){name, i}, STR("production"),
                                     STAGE_KEEP_OTHERS, &by_ann, &v));
    ck_assert(str_is(v.stage, "Production"));
    ck_ok(registry_version_stage(s.d, s.a, (version_ref){name, 3}, STR("PRODUCTION"),
                                 STAGE_ARCHIVE_OTHERS, &by_ann, &v));
    ck_ok(registry_latest_versions(s.d, s.a, name, NULL, 0, &all, &n));
    ck_assert(n == 3 && all[0].version == 2 && str_is(all[0].stage, "Archived"));
    ck_assert(all[1].version == 3 && all[2].version == 4 && str_is(all[2].stage, "None"));
    const str stages[] = {STR("production"), STR("Staging")};
    ck_ok(registry_latest_versions(s.d, s.a, name, stages, 2, &all, &n));
    ck_assert(n == 1 && all[0].version == 3);
    const str bad = STR("Live");
    ck_err(registry_latest_versions(s.d, s.a, name, &bad, 1, &all, &n), ERR_INVALID);
    ck_assert_str_eq(err_message(), "Invalid Model Version stage: Live. Value must be one of None, "
                                    "Staging, Production, Archived.");
    ck_err(registry_latest_versions(s.d, s.a, STR("x"), NULL, 0, &all, &n), ERR_MISSING);
    ck_err(registry_version_stage(s.d, s.a, (version_ref){name, 3}, STR("None"),
                                  STAGE_ARCHIVE_OTHERS, &by_ann, &v),
           ERR_INVALID);
    ck_ok(registry_resolve(s.d, s.a, STR("models:/fare/production"), &v));
    ck_assert_int_eq(v.version, 3);
    store_close(&s);
}
END_TEST

TEST(sources_that_leave_their_root_or_belong_to_another_are_refused)
{
    store s;
    open_store(&s);
    make(&s, "fare", NULL, 0);
    str run_id, id;
    ck_ok(tracking_run_create(s.d, s.a, &(run_spec){.experiment_id = STR("0")}, &run_id));
    ck_ok(tracking_model_create(
        s.d, s.a,
        &(logged_model_spec){.name = STR("m"), .experiment_id = STR("0"), .source_run_id = run_id},
        &id));
    const char *bad[] = {"/etc/passwd",
                         "file:///etc/passwd",
                         "FILE:x",
                         "x",
                         "./x",
                         "C:\\x",
                         "runs:/abc/../x",
                         "runs:/abc/%2e%2e/x",
                         "runs:/abc/%252e%252e/x",
                         "runs:/other/model",
                         "runs://host/abc/model",
                         "runs:/abc",
                         "runs:/",
                         "mlflow-artifacts:/0/zzz/artifacts/m",
                         "mlflow-artifacts:/..%5cx",
                         "http://h/api/2.0/mlflow-artifacts/artifacts/0/a",
                         "models://h/m-1",
                         "gopher://x",
                         "s3://b/a%00b",
                         "models:/"};
    int64_t version = 7;
    for (size_t i = 0; i < countof(bad); i++) {
        version_spec o = {.name = STR("fare"), .source = str_of(bad[i]), .run_id = STR("abc")};
        err e = registry_version_create(s.d, s.a, &o, &version);
        ck_assert_msg(e == ERR_INVALID, "%s: %s", bad[i], err_name(e));
    }
    ck_assert_int_eq(version, 7);
    version_spec o = {.name = STR("fare"), .source = str_fmt(s.a, "models:/%.*s", STR_ARG(id))};
    ck_ok(registry_version_create(s.d, s.a, &o, &version));
    model_version v;
    ck_ok(registry_version_get(s.d, s.a, STR("fare"), 1, &v));
    ck_assert(str_eq(v.model_id, id) && str_eq(v.run_id, run_id));
    str uri;
    ck_ok(registry_download_uri(s.d, s.a, (version_ref){STR("fare"), 1}, &uri));
    ck_assert(str_starts(uri, "mlflow-artifacts:/0/models/m-"));
    o = (version_spec){.name = STR("fare"), .source = STR("models:/fare/latest")};
    ck_ok(registry_version_create(s.d, s.a, &o, &version));
    ck_ok(registry_version_get(s.d, s.a, STR("fare"), 2, &v));
    ck_assert(str_is(v.source, "models:/fare/1") && str_eq(v.model_id, id));
    o = (version_spec){.name = STR("fare"),
                       .run_id = run_id,
                       .source =
                           str_fmt(s.a, "mlflow-artifacts:/0/%.*s/artifacts/m", STR_ARG(run_id))};
    ck_ok(registry_version_create(s.d, s.a, &o, &version));
    const key_value prompt = {STR("mlflow.prompt.is_prompt"), STR("true")};
    o = (version_spec){
        .name = STR("fare"), .source = STR("dummy-source"), .tags = &prompt, .n_tags = 1};
    ck_ok(registry_version_create(s.d, s.a, &o, &version));
    o.source = STR("/etc/passwd");
    ck_err(registry_version_create(s.d, s.a, &o, &version), ERR_INVALID);
    store_close(&s);
}
END_TEST

TESTS("registry models", a_model_is_made_once_with_tags_and_description,
      a_renamed_model_keeps_versions_aliases_and_its_old_name,
      a_deleted_model_is_gone_with_its_versions, descriptions_and_tags_change,
      a_deleted_version_leaves_no_alias_and_its_number_is_never_given_again,
      stages_archive_the_others_only_where_mlflow_does,
      sources_that_leave_their_root_or_belong_to_another_are_refused)
