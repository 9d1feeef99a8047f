#include "registry/versions.h"

#include "store.h"

static void open_store(store *s)
{
    const db_migration rooms[] = {tracking_migration, registry_migration};
    store_open(s, rooms, 2);
    const key_value prompt = {STR("mlflow.prompt.is_prompt"), STR("true")};
    const char *names[] = {"Fare", "fare_2", "tip", "hello"};
    for (size_t i = 0; i < countof(names); i++) {
        registered_model m;
        model_spec o = {.name = str_of(names[i]), .tags = &prompt, .n_tags = i == 3};
        ck_ok(registry_model_create(s->d, s->a, &o, &(change_by){.now_ms = 100 - (int64_t)i}, &m));
        for (int64_t k = 0; k < 3; k++) {
            version_spec v = {.name = o.name,
                              .source = str_fmt(s->a, "s3://b/%zu/%lld", i, (long long)k),
                              .run_id = str_fmt(s->a, "r%lld", (long long)k),
                              .now_ms = 10 * k + (int64_t)i};
            int64_t version;
            ck_ok(registry_version_create(s->d, s->a, &v, &version));
        }
    }
    change_by by = {.now_ms = 200};
    model_version v;
    ck_ok(registry_model_tag_set(s->d, STR("tip"), STR("team"), STR("Blue"), &by));
    ck_ok(
        registry_version_tag_set(s->d, (version_ref){STR("tip"), 2}, STR("mae"), STR("1.5"), &by));
    ck_ok(registry_version_stage(s->d, s->a, (version_ref){STR("Fare"), 1}, STR("Archived"),
                                 STAGE_KEEP_OTHERS, &by, &v));
}

/* The names found, with a comma behind each; of versions "name/3,". */
static const char *models_found(store *s, const char *filter, const char *order)
{
    str by = str_of(order), token, text = STR("");
    registry_search q = {
        .filter = str_of(filter), .order_by = &by, .n_order_by = order ? 1 : 0, .max = 100};
    registered_model *v;
    size_t n;
    err e = registry_models_search(s->d, s->a, &q, &v, &n, &token);
    if (e) return err_name(e);
    for (size_t i = 0; i < n; i++)
        text = str_fmt(s->a, "%.*s%.*s,", STR_ARG(text), STR_ARG(v[i].name));
    return str_c(s->a, text);
}

static const char *versions_found(store *s, const char *filter, const char *order)
{
    str by = str_of(order), token, text = STR("");
    registry_search q = {
        .filter = str_of(filter), .order_by = &by, .n_order_by = order ? 1 : 0, .max = 100};
    model_version *v;
    size_t n;
    err e = registry_versions_search(s->d, s->a, &q, &v, &n, &token);
    if (e) return err_name(e);
    for (size_t i = 0; i < n; i++)
        text = str_fmt(s->a, "%.*s%.*s/%lld,", STR_ARG(text), STR_ARG(v[i].name),
                       (long long)v[i].version);
    return str_c(s->a, text);
}

TEST(models_are_found_by_name_and_tag_without_prompts)
{
    store s;
    open_store(&s);
    ck_assert_str_eq(models_found(&s, "", NULL), "Fare,fare_2,tip,");
    ck_assert_str_eq(models_found(&s, "name = 'tip'", NULL), "tip,");
    ck_assert_str_eq(models_found(&s, "name LIKE 'fare%'", NULL), "fare_2,");
    ck_assert_str_eq(models_found(&s, "name ILIKE 'fare%'", NULL), "Fare,fare_2,");
    ck_assert_str_eq(models_found(&s, "name IN ('tip', 'Fare')", NULL), "Fare,tip,");
    ck_assert_str_eq(models_found(&s, "tags.team = 'Blue'", NULL), "tip,");
    ck_assert_str_eq(models_found(&s, "tags.team != 'Blue'", NULL), "");
    ck_assert_str_eq(models_found(&s, "tag.team ILIKE 'b%' OR name = 'Fare'", NULL), "Fare,tip,");
    ck_assert_str_eq(models_found(&s, "tags.`mlflow.prompt.is_prompt` = 'true'", NULL), "hello,");
    ck_assert_str_eq(models_found(&s, "tags.`mlflow.prompt.is_prompt` = 'false'", NULL),
                     "Fare,fare_2,tip,");
    ck_assert_str_eq(models_found(&s, "", "creation_timestamp ASC"), "tip,fare_2,Fare,");
    ck_assert_str_eq(models_found(&s, "", "name DESC"), "tip,fare_2,Fare,");
    ck_assert_str_eq(models_found(&s, "", "timestamp"), "fare_2,tip,Fare,");
    ck_assert_str_eq(models_found(&s, "run_id = 'x'", NULL), "invalid");
    ck_assert_str_eq(models_found(&s, "name = ", NULL), "invalid");
    ck_assert_str_eq(models_found(&s, "", "tags.team"), "invalid");
    store_close(&s);
}
END_TEST

TEST(versions_are_found_by_what_mlflow_knows_and_by_stage)
{
    store s;
    open_store(&s);
    ck_assert_str_eq(versions_found(&s, "", NULL),
                     "Fare/1,tip/3,fare_2/3,Fare/3,tip/2,fare_2/2,Fare/2,tip/1,fare_2/1,");
    ck_assert_str_eq(versions_found(&s, "name='Fare' and current_stage='Archived'", NULL),
                     "Fare/1,");
    ck_assert_str_eq(versions_found(&s, "name='Fare' and current_stage != 'Archived'", NULL),
                     "Fare/3,Fare/2,");
    ck_assert_str_eq(versions_found(&s, "run_id = 'r1'", "name ASC"), "Fare/2,fare_2/2,tip/2,");
    ck_assert_str_eq(versions_found(&s, "run_id IN ('r0','r2') AND name = 'tip'", NULL),
                     "tip/3,tip/1,");
    ck_assert_str_eq(versions_found(&s, "source_path = 's3://b/1/0'", NULL), "fare_2/1,");
    ck_assert_str_eq(versions_found(&s, "version_number > 2", "name DESC"),
                     "tip/3,fare_2/3,Fare/3,");
    ck_assert_str_eq(versions_found(&s, "tags.mae = '1.5'", NULL), "tip/2,");
    ck_assert_str_eq(versions_found(&s, "name = 'tip'", "version_number ASC"),
                     "tip/1,tip/2,tip/3,");
    ck_assert_str_eq(
        versions_found(&s, "tags.`mlflow.prompt.is_prompt` = 'true'", "version_number"),
        "hello/1,hello/2,hello/3,");
    ck_assert_str_eq(versions_found(&s, "metrics.x > 1", NULL), "invalid");
    ck_assert_str_eq(versions_found(&s, "colour = 'x'", NULL), "invalid");
    store_close(&s);
}
END_TEST

TEST(pages_follow_each_other)
{
    store s;
    open_store(&s);
    registry_search q = {.max = 4};
    model_version *v;
    size_t n, sum = 0;
    str token = STR("");
    for (int page = 0; page < 3; page++) {
        q.page_token = token;
        ck_ok(registry_versions_search(s.d, s.a, &q, &v, &n, &token));
        sum += n;
        ck_assert_uint_eq(token.n > 0, page < 2);
    }
    ck_assert_uint_eq(sum, 9);
    q = (registry_search){.max = 0};
    ck_err(registry_versions_search(s.d, s.a, &q, &v, &n, &token), ERR_INVALID);
    q.max = 200001;
    ck_err(registry_versions_search(s.d, s.a, &q, &v, &n, &token), ERR_INVALID);
    registered_model *m;
    q.max = 1001;
    ck_err(registry_models_search(s.d, s.a, &q, &m, &n, &token), ERR_INVALID);
    q = (registry_search){.max = 1, .page_token = STR("?")};
    ck_err(registry_models_search(s.d, s.a, &q, &m, &n, &token), ERR_INVALID);
    store_close(&s);
}
END_TEST

TESTS("registry search", models_are_found_by_name_and_tag_without_prompts,
      versions_are_found_by_what_mlflow_knows_and_by_stage, pages_follow_each_other)
