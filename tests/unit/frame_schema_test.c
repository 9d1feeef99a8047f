#include "frame/schema.h"

#include "test.h"

static schema make(arena *a, const char *const *names, size_t n)
{
    schema s = {.fields = arena_array(a, field, n), .n = n};
    for (size_t i = 0; i < n; i++)
        s.fields[i] = (field){str_of(names[i]), FIELD_DOUBLE, true};
    return s;
}

static const char *const trip[] = {"trip_distance", "pickup_hour", "pickup_month", "is_weekend"};

TEST(a_column_is_found_at_its_hint_and_anywhere_else)
{
    arena *a = arena_new(0);
    schema s = make(a, trip, 4);
    ck_ok(schema_make_index(a, &s));
    ck_assert_int_eq(schema_find(&s, STR("pickup_month"), 2), 2);
    ck_assert_int_eq(schema_find(&s, STR("pickup_month"), 0), 2);
    ck_assert_int_eq(schema_find(&s, STR("pickup_month"), 4000), 2);
    ck_assert_int_eq(schema_find(&s, STR("pickup"), 0), -1);
    ck_assert_int_eq(schema_find(&s, STR(""), 0), -1);
    ck_assert_str_eq(schema_nearest(a, &s, STR("trip_distence")), "trip_distance");
    ck_assert_ptr_null(schema_nearest(a, &s, STR("colour of the driver's hat")));
    arena_free(a);
}
END_TEST

TEST(every_one_of_the_most_columns_allowed_is_found_and_one_more_is_refused)
{
    arena *a = arena_new(0);
    schema s = {.fields = arena_array(a, field, SCHEMA_FIELDS_MAX + 1), .n = SCHEMA_FIELDS_MAX};
    for (size_t i = 0; i <= SCHEMA_FIELDS_MAX; i++)
        s.fields[i].name = str_fmt(a, "column_%zu", i);
    ck_ok(schema_make_index(a, &s));
    for (size_t i = 0; i < SCHEMA_FIELDS_MAX; i++)
        ck_assert_int_eq(schema_find(&s, s.fields[i].name, i + 1), (int)i);
    s.n++;
    ck_err(schema_make_index(a, &s), ERR_LIMIT);
    arena_free(a);
}
END_TEST

TEST(nothing_is_found_in_an_empty_schema)
{
    arena *a = arena_new(0);
    schema s = {0};
    ck_assert_int_eq(schema_find(&s, STR("x"), 0), -1);
    ck_ok(schema_make_index(a, &s));
    ck_assert_int_eq(schema_find(&s, STR("x"), 0), -1);
    ck_assert_ptr_null(schema_nearest(a, &s, STR("x")));
    arena_free(a);
}
END_TEST

TEST(two_columns_of_one_name_are_refused_by_name)
{
    arena *a = arena_new(0);
    const char *const names[] = {"x", "y", "x"};
    schema s = make(a, names, 3);
    ck_err(schema_make_index(a, &s), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "\"x\""));
    ck_assert_ptr_null(s.index);
    arena_free(a);
}
END_TEST

static err parse(arena *a, const char *text, schema *ret)
{
    yyjson_val *v = NULL;
    ck_ok(json_parse(a, str_of(text), "signature.inputs", &v));
    return schema_from_json(a, v, "signature.inputs", ret);
}

TEST(mlflow_columns_are_read_and_written_back)
{
    static const char text[] =
        "[{\"type\":\"double\",\"name\":\"trip "
        "\\\"x\\\"\",\"required\":true},{\"type\":\"boolean\",\"name\":"
        "\"b\",\"required\":false},{\"type\":\"datetime\",\"name\":\"t\",\"required\":true}]";
    arena *a = arena_new(0);
    schema s = {0};
    ck_ok(parse(a, text, &s));
    ck_assert_uint_eq(s.n, 3);
    ck_assert(s.fields[1].type == FIELD_BOOLEAN && !s.fields[1].required);
    ck_assert_int_eq(schema_find(&s, STR("t"), 0), 2);
    buf b;
    jw w;
    buf_init(&b, 4096);
    jw_init(&w, &b, false);
    schema_to_json(&w, &s);
    ck_assert_msg(str_is(buf_str(&b), text), "%.*s", STR_ARG(buf_str(&b)));
    buf_done(&b);
    arena_free(a);
}
END_TEST

TEST(the_optional_of_old_mlflow_and_a_single_column_without_name_are_understood)
{
    arena *a = arena_new(0);
    schema s = {0};
    ck_ok(parse(a, "[{\"type\": \"long\", \"name\": \"x\", \"optional\": true}]", &s));
    ck_assert(!s.fields[0].required);
    ck_ok(parse(a, "[{\"type\": \"double\"}]", &s));
    ck_assert(s.n == 1 && s.fields[0].name.n == 0 && s.fields[0].required);
    ck_ok(parse(a, "[]", &s));
    ck_assert_uint_eq(s.n, 0);
    arena_free(a);
}
END_TEST

TEST(what_is_no_list_of_columns_is_refused_with_its_path)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"{}", "signature.inputs: want an array"},
        {"[3]", "signature.inputs[0]"},
        {"[{\"name\": \"x\"}]", "signature.inputs[0].type"},
        {"[{\"type\": \"decimal\", \"name\": \"x\"}]", "decimal"},
        {"[{\"type\": \"tensor\", \"tensor-spec\": {}}]", "tensor"},
        {"[{\"type\": \"double\", \"name\": 3}]", "signature.inputs[0].name"},
        {"[{\"type\": \"double\", \"name\": \"x\", \"required\": 1}]", "required"},
        {"[{\"type\": \"double\"}, {\"type\": \"double\", \"name\": \"x\"}]",
         "signature.inputs[0].name"},
        {"[{\"type\": \"double\", \"name\": \"x\"}, {\"type\": \"long\", \"name\": \"x\"}]",
         "twice"},
    };
    arena *a = arena_new(0);
    schema s = {.n = 42};
    for (size_t i = 0; i < countof(bad); i++) {
        ck_err(parse(a, bad[i].text, &s), ERR_INVALID);
        ck_assert_msg(strstr(err_message(), bad[i].says), "%s", err_message());
    }
    ck_assert_uint_eq(s.n, 42);
    arena_free(a);
}
END_TEST

TEST(every_type_is_known_by_its_name)
{
    for (int i = 0; i < FIELD_N; i++) {
        field_type t = FIELD_N;
        ck_ok(field_type_parse(str_of(field_type_name((field_type)i)), &t));
        ck_assert_int_eq((int)t, i);
    }
    field_type t = FIELD_LONG;
    ck_err(field_type_parse(STR("Double"), &t), ERR_INVALID);
    ck_assert(t == FIELD_LONG && field_type_numeric(t) && !field_type_numeric(FIELD_DATETIME));
}
END_TEST

TESTS("frame_schema", a_column_is_found_at_its_hint_and_anywhere_else,
      every_one_of_the_most_columns_allowed_is_found_and_one_more_is_refused,
      nothing_is_found_in_an_empty_schema, two_columns_of_one_name_are_refused_by_name,
      mlflow_columns_are_read_and_written_back,
      the_optional_of_old_mlflow_and_a_single_column_without_name_are_understood,
      what_is_no_list_of_columns_is_refused_with_its_path, every_type_is_known_by_its_name)
