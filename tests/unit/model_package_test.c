#include "model/package.h"

#include <math.h>

#include "base/file.h"
#include "base/json.h"
#include "base/yaml.h"
#include "test.h"

static str golden(arena *a, const char *name)
{
    str s;
    ck_ok(file_read(a, cstr_fmt(a, TIDEMILL_SOURCE_DIR "/tests/golden/mlflow_%s.MLmodel", name),
                    1 << 20, &s));
    return s;
}

TEST(what_mlflow_writes_is_read)
{
    arena *a = arena_new(0);
    package p = {0};
    ck_ok(package_parse(a, golden(a, "columns"), &p));
    ck_assert(str_is(p.flavor, "lightgbm") && str_is(p.data_path, "model.lgb"));
    ck_assert(str_is(p.flavor_version, "4.7.0") &&
              str_is(p.input_example_path, "input_example.json"));
    ck_assert_uint_eq(p.uuid.n, 32);
    ck_assert(p.model_id.n == 0 && p.run_id.n == 0);
    ck_assert_int_gt(p.created_ms, 1700000000000);
    ck_assert_uint_eq(p.sig.inputs.n, 6);
    ck_assert_int_eq(schema_find(&p.sig.inputs, STR("pickup_month"), 0), 3);
    ck_assert(p.sig.inputs.fields[0].type == FIELD_DOUBLE &&
              p.sig.inputs.fields[3].type == FIELD_LONG);
    ck_assert(p.sig.outputs.n == 1 && str_is(p.sig.outputs.fields[0].name, "fare_amount"));
    arena_free(a);
}
END_TEST

TEST(a_tensor_output_is_one_column_without_name_and_no_signature_is_none)
{
    arena *a = arena_new(0);
    package p = {0};
    ck_ok(package_parse(a, golden(a, "tensor"), &p));
    ck_assert(p.sig.inputs.n == 6 && p.sig.outputs.n == 1 && p.sig.outputs.fields[0].name.n == 0);
    ck_assert(p.sig.outputs.fields[0].type == FIELD_DOUBLE && p.input_example_path.n == 0);
    ck_ok(package_parse(a, golden(a, "bare"), &p));
    ck_assert(p.sig.inputs.n == 0 && p.sig.outputs.n == 0 && p.sig.inputs.index);
    ck_assert_int_eq(schema_find(&p.sig.inputs, STR("x"), 0), -1);
    arena_free(a);
}
END_TEST

TEST(a_model_of_python_objects_is_refused_by_its_class)
{
    arena *a = arena_new(0);
    package p = {.created_ms = 42};
    ck_err(package_parse(a, golden(a, "sklearn"), &p), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "lightgbm.sklearn.LGBMRegressor"));
    ck_assert_int_eq(p.created_ms, 42);
    arena_free(a);
}
END_TEST

TEST(what_cannot_be_loaded_is_refused_with_its_place)
{
#define FLAVOR "flavors:\n  lightgbm:\n    data: model.lgb\n"
    static const struct {
        const char *text;
        err want;
        const char *says;
    } bad[] = {
        {"", ERR_INVALID, "MLmodel:1:"},
        {"[1, 2]", ERR_INVALID, "want a mapping"},
        {"flavors: {", ERR_FORMAT, "MLmodel:2:1:"},
        {"flavors: 3", ERR_INVALID, "flavors"},
        {"flavors:\n  python_function: {}\n  sklearn: {}\n", ERR_INVALID,
         "python_function, sklearn"},
        {"flavors:\n  lightgbm: null\n", ERR_INVALID, "lightgbm"},
        {"flavors:\n  lightgbm:\n    lgb_version: 4.7.0\n", ERR_INVALID, "data"},
        {"flavors:\n  lightgbm:\n    data: ../../etc/passwd\n", ERR_INVALID, "MLmodel:3:"},
        {"flavors:\n  lightgbm:\n    data: /etc/passwd\n", ERR_INVALID, "no path inside"},
        {"flavors:\n  lightgbm:\n    data: a//b\n", ERR_INVALID, "no path inside"},
        {"flavors:\n  lightgbm:\n    data: a/./b\n", ERR_INVALID, "no path inside"},
        {"flavors:\n  lightgbm:\n    data: [a]\n", ERR_INVALID, "data"},
        {FLAVOR "signature: 3\n", ERR_INVALID, "MLmodel:4:"},
        {FLAVOR "signature:\n  inputs: '[{]'\n", ERR_FORMAT, "MLmodel:5:11: signature.inputs"},
        {FLAVOR "signature:\n  inputs: '[{\"type\": \"tensor\"}]'\n", ERR_INVALID, "tensor"},
        {FLAVOR "signature:\n  inputs: '[{\"type\": \"any\", \"name\": \"x\"}]'\n", ERR_INVALID,
         "any"},
        {FLAVOR "utc_time_created: yesterday\n", ERR_INVALID, "MLmodel:4:"},
        {FLAVOR "saved_input_example_info:\n  artifact_path: ../x\n", ERR_INVALID, "MLmodel:5:"},
    };
    arena *a = arena_new(0);
    package p = {.created_ms = 42};
    for (size_t i = 0; i < countof(bad); i++) {
        ck_err(package_parse(a, str_of(bad[i].text), &p), bad[i].want);
        ck_assert_msg(strstr(err_message(), bad[i].says), "%zu: %s", i, err_message());
        ck_assert_int_eq(p.created_ms, 42);
    }
    arena_free(a);
}
END_TEST

static field inputs[] = {{{"distance \xc3\xa9 'x' \"y\" \\ \n", 0}, FIELD_DOUBLE, false},
                         {{"hour", 4}, FIELD_LONG, true},
                         {{"weekend", 7}, FIELD_BOOLEAN, true}};
static field outputs[] = {{{"", 0}, FIELD_DOUBLE, true}};

static package sample(void)
{
    inputs[0].name.n = strlen(inputs[0].name.p);
    return (package){.flavor = STR("lightgbm"),
                     .flavor_version = STR("4.7.0"),
                     .sig = {{inputs, 3, NULL}, {outputs, 1, NULL}},
                     .model_id = STR("m-0123"),
                     .run_id = STR("00ff"),
                     .uuid = STR("7c11ec47bdbb406abbc0daefa1952a9d"),
                     .created_ms = 1763719864853};
}

static str find(const package_file *f, size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++) {
        if (str_is(f[i].path, path)) return f[i].bytes;
    }
    ck_abort_msg("%s is not among the files", path);
}

TEST(a_folder_that_was_written_reads_back_and_is_the_same_each_time)
{
    arena *a = arena_new(0);
    package p = sample(), q = {0};
    double x[] = {1.4, 21, 1, NAN, 3, 0};
    package_file *f = NULL, *g = NULL;
    size_t n = 0, again = 0;
    ck_ok(package_write(a, &p, STR("tree\n"), (matrix){x, 2, 3, 3}, &f, &n));
    ck_ok(package_write(a, &p, STR("tree\n"), (matrix){x, 2, 3, 3}, &g, &again));
    ck_assert(n == 7 && again == 7);
    for (size_t i = 0; i < n; i++)
        ck_assert(str_eq(f[i].path, g[i].path) && str_eq(f[i].bytes, g[i].bytes));
    ck_ok(package_parse(a, find(f, n, "MLmodel"), &q));
    ck_assert(str_eq(q.run_id, p.run_id) && str_eq(q.model_id, p.model_id) &&
              str_eq(q.uuid, p.uuid));
    ck_assert_int_eq(q.created_ms, p.created_ms);
    ck_assert(q.sig.inputs.n == 3 && str_eq(q.sig.inputs.fields[0].name, inputs[0].name));
    ck_assert(!q.sig.inputs.fields[0].required && q.sig.inputs.fields[1].type == FIELD_LONG);
    ck_assert(q.sig.outputs.n == 1 && q.sig.outputs.fields[0].name.n == 0);
    ck_assert(str_is(find(f, n, "model.lgb"), "tree\n"));
    size_t at = 0;
    ck_assert(str_find(find(f, n, "requirements.txt"), STR("lightgbm==4.7.0"), &at));
    arena_free(a);
}
END_TEST

TEST(the_input_example_keeps_types_and_missing_values)
{
    arena *a = arena_new(0);
    package p = sample();
    double x[] = {1.4, 21, 1, NAN, 3, 0};
    package_file *f = NULL;
    size_t n = 0;
    yyjson_val *v = NULL;
    ck_ok(package_write(a, &p, STR("tree\n"), (matrix){x, 2, 3, 3}, &f, &n));
    ck_ok(json_parse(a, find(f, n, "input_example.json"), "example", &v));
    yyjson_val *rows = yyjson_obj_get(v, "data"), *first = yyjson_arr_get(rows, 0);
    ck_assert(yyjson_arr_size(rows) == 2 && yyjson_arr_size(yyjson_obj_get(v, "columns")) == 3);
    ck_assert(yyjson_get_real(yyjson_arr_get(first, 0)) == 1.4);
    ck_assert(yyjson_is_int(yyjson_arr_get(first, 1)) && yyjson_is_true(yyjson_arr_get(first, 2)));
    ck_assert(yyjson_is_null(yyjson_arr_get(yyjson_arr_get(rows, 1), 0)));
    ck_ok(json_parse(a, find(f, n, "serving_input_example.json"), "serving", &v));
    ck_assert_ptr_nonnull(yyjson_obj_get(yyjson_obj_get(v, "dataframe_split"), "data"));
    ck_ok(package_write(a, &p, STR("tree\n"), (matrix){0}, &f, &n));
    ck_assert_uint_eq(n, 5);
    arena_free(a);
}
END_TEST

TEST(what_cannot_be_written_is_refused_and_nothing_is_made)
{
    arena *a = arena_new(0);
    double x[] = {1, 2, 3};
    package_file *f = NULL;
    size_t n = 42;
    package p = sample();
    p.flavor = STR("sklearn");
    ck_err(package_write(a, &p, STR(""), (matrix){0}, &f, &n), ERR_INVALID);
    p = sample();
    p.flavor_version = STR("4.7.0\nevil-package");
    ck_err(package_write(a, &p, STR(""), (matrix){0}, &f, &n), ERR_INVALID);
    p.flavor_version = STR("");
    ck_err(package_write(a, &p, STR(""), (matrix){0}, &f, &n), ERR_INVALID);
    p = sample();
    ck_err(package_write(a, &p, STR(""), (matrix){x, 1, 2, 2}, &f, &n), ERR_INVALID);
    inputs[1].type = FIELD_STRING;
    ck_err(package_write(a, &p, STR(""), (matrix){x, 1, 3, 3}, &f, &n), ERR_INVALID);
    inputs[1].type = FIELD_LONG;
    ck_assert(!f && n == 42);
    arena_free(a);
}
END_TEST

TESTS("model_package", what_mlflow_writes_is_read,
      a_tensor_output_is_one_column_without_name_and_no_signature_is_none,
      a_model_of_python_objects_is_refused_by_its_class,
      what_cannot_be_loaded_is_refused_with_its_place,
      a_folder_that_was_written_reads_back_and_is_the_same_each_time,
      the_input_example_keeps_types_and_missing_values,
      what_cannot_be_written_is_refused_and_nothing_is_made)
