#include "api/rows_int.h"

#include "test.h"

enum { A, B, C };
static field fields[] = {
    {{"a", 1}, FIELD_DOUBLE, true}, {{"b", 1}, FIELD_LONG, true}, {{"c", 1}, FIELD_INTEGER, false}};
static const uint32_t to_model[] = {2, 0, 1};

static rows_form form(arena *a)
{
    schema *s = arena_new_of(a, schema);
    *s = (schema){fields, 3, NULL};
    ck_ok(schema_make_index(a, s));
    return (rows_form){s, to_model, 3};
}

/* want: the three columns a, b, c of each row. */
static void ck_rows(const char *body, size_t rows, const double *want, bool fast)
{
    AUTO(arena) a = arena_new(0);
    rows_form f = form(a);
    matrix x, y;
    ck_assert_msg(rows_fast(a, &f, str_of(body), &x) == fast, "%s", body);
    ck_ok(rows_careful(a, &f, str_of(body), &y));
    ck_ok(rows_parse(a, &f, str_of(body), &x));
    ck_assert_uint_eq(x.rows, rows);
    ck_assert_uint_eq(x.cols, 3);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < 3; i++) {
            double got = x.v[r * x.stride + to_model[i]], w = want[r * 3 + i];
            ck_assert_msg(!memcmp(&got, &w, sizeof w) || (isnan(got) && isnan(w)),
                          "%.17g, want %.17g", got, w);
        }
    if (rows && fast) ck_assert(!memcmp(x.v, y.v, rows * 3 * sizeof(double)));
}

static void ck_refused(const char *body, err want, const char *words)
{
    AUTO(arena) a = arena_new(0);
    rows_form f = form(a);
    matrix x = {.rows = 77};
    ck_assert(!rows_fast(a, &f, str_of(body), &x));
    ck_err(rows_parse(a, &f, str_of(body), &x), want);
    ck_assert_msg(strstr(err_message(), words), "'%s', want '%s' in it", err_message(), words);
    ck_assert_uint_eq(x.rows, 77); /* untouched */
}

TEST(records_and_split_give_the_models_own_order)
{
    const double two[] = {1.5, 2, 3, -4, 5, -6};
    ck_rows("{\"dataframe_records\":[{\"a\":1.5,\"b\":2,\"c\":3},{\"c\":-6,\"a\":-4,\"b\":5}]}", 2,
            two, true);
    ck_rows(
        "{\"dataframe_split\":{\"columns\":[\"c\",\"a\",\"b\"],\"data\":[[3,1.5,2],[-6,-4,5]]}}", 2,
        two, true);
    ck_rows("{\"dataframe_split\":{\"index\":[0,1],\"columns\":[\"c\",\"a\",\"b\"],\"data\":"
            "[[3,1.5,2],[-6,-4,5]]}}",
            2, two, false);
    ck_rows(" { \"dataframe_records\" : [ { \"a\" : 1.5 , \"b\" : 2 , \"c\" : 3 } ,\n\t{\"c\":-6,"
            "\"a\":-4,\"b\":5}\r\n] } \n",
            2, two, true);
}
END_TEST

TEST(no_rows_are_fine)
{
    ck_rows("{\"dataframe_records\":[]}", 0, NULL, true);
    ck_rows("{\"dataframe_split\":{\"columns\":[\"a\",\"b\",\"c\"],\"data\":[]}}", 0, NULL, true);
}
END_TEST

TEST(a_missing_optional_column_and_null_are_nan)
{
    const double one[] = {1, 2, (double)NAN};
    ck_rows("{\"dataframe_records\":[{\"a\":1,\"b\":2}]}", 1, one, false);
    ck_rows("{\"dataframe_records\":[{\"a\":1,\"b\":2,\"c\":null}]}", 1, one, false);
    ck_rows("{\"dataframe_split\":{\"columns\":[\"a\",\"b\"],\"data\":[[1,2]]}}", 1, one, false);
}
END_TEST

TEST(names_may_be_written_with_escapes)
{
    const double one[] = {1, 2, 3};
    ck_rows("{\"dataframe_records\":[{\"\\u0061\":1,\"b\":2,\"c\":3}]}", 1, one, false);
}
END_TEST

TEST(numbers_are_read_to_the_last_bit)
{
    static const char *const texts[] = {"0.1",
                                        "-0.0",
                                        "9007199254740993.0",
                                        "0.30000000000000004",
                                        "1234567890.123456789012345",
                                        "2.2250738585072014e-308",
                                        "4.9e-324",
                                        "1.7976931348623157e308",
                                        "123456789012345678901234567890",
                                        "0.00000000000000000000000000000001"};
    for (size_t i = 0; i < countof(texts); i++) {
        AUTO(arena) a = arena_new(0);
        rows_form f = form(a);
        matrix x;
        double want;
        ck_ok(parse_f64(str_of(texts[i]), &want));
        str body = str_fmt(a, "{\"dataframe_records\":[{\"a\":%s,\"b\":0,\"c\":0}]}", texts[i]);
        ck_ok(rows_parse(a, &f, body, &x));
        ck_assert_msg(!memcmp(&x.v[to_model[A]], &want, sizeof want), "%s", texts[i]);
    }
}
END_TEST

TEST(wrong_types_are_refused_with_the_fields_path)
{
    ck_refused("{\"dataframe_records\":[{\"a\":1,\"b\":2},{\"a\":\"x\",\"b\":2}]}", ERR_INVALID,
               "dataframe_records[1].a: want double, got string \"x\"");
    ck_refused("{\"dataframe_records\":[{\"a\":true,\"b\":2}]}", ERR_INVALID, "got true");
    ck_refused("{\"dataframe_records\":[{\"a\":1,\"b\":2.5}]}", ERR_INVALID,
               "dataframe_records[0].b: want long, got 2.5");
    ck_refused("{\"dataframe_records\":[{\"a\":1,\"b\":2.0}]}", ERR_INVALID, "want long, got 2.0");
    ck_refused("{\"dataframe_records\":[{\"a\":1,\"b\":[2]}]}", ERR_INVALID, "got an array");
    ck_refused("{\"dataframe_records\":[{\"a\":null,\"b\":2}]}", ERR_INVALID,
               "dataframe_records[0].a: is null");
    ck_refused("{\"dataframe_split\":{\"columns\":[\"a\",\"b\"],\"data\":[[1,\"y\"]]}}",
               ERR_INVALID, "dataframe_split.data[0][1]: want long, got string \"y\"");
}
END_TEST

TEST(whole_numbers_have_their_limits)
{
    const double most[] = {0, 9007199254740992, 2147483647},
                 least[] = {0, -9007199254740992, -2147483648.0};
    ck_rows("{\"dataframe_records\":[{\"a\":0,\"b\":9007199254740992,\"c\":2147483647}]}", 1, most,
            true);
    ck_rows("{\"dataframe_records\":[{\"a\":0,\"b\":-9007199254740992,\"c\":-2147483648}]}", 1,
            least, true);
    ck_refused("{\"dataframe_records\":[{\"a\":0,\"b\":9007199254740993}]}", ERR_INVALID, "2^53");
    ck_refused("{\"dataframe_records\":[{\"a\":0,\"b\":-9007199254740993}]}", ERR_INVALID, "2^53");
    ck_refused("{\"dataframe_records\":[{\"a\":0,\"b\":0,\"c\":2147483648}]}", ERR_INVALID,
               "want integer, got 2147483648");
    ck_refused("{\"dataframe_records\":[{\"a\":0,\"b\":0,\"c\":-2147483649}]}", ERR_INVALID,
               "want integer");
    ck_refused("{\"dataframe_records\":[{\"a\":1e999,\"b\":0,\"c\":0}]}", ERR_FORMAT, "line 1");
}
END_TEST

TEST(missing_and_unknown_columns_are_refused)
{
    ck_refused("{\"dataframe_records\":[{\"a\":1}]}", ERR_INVALID,
               "dataframe_records[0].b: is missing");
    ck_refused("{\"dataframe_records\":[{\"a\":1,\"b\":2,\"d\":3}]}", ERR_INVALID,
               "dataframe_records[0].d: the model has no input of that name");
    ck_refused("{\"dataframe_split\":{\"columns\":[\"a\"],\"data\":[]}}", ERR_INVALID,
               "dataframe_split.columns: b is missing");
    ck_refused("{\"dataframe_split\":{\"columns\":[\"a\",\"b\",\"x\"],\"data\":[]}}", ERR_INVALID,
               "dataframe_split.columns[2] \"x\"");
    ck_refused("{\"dataframe_split\":{\"columns\":[\"a\",\"b\",\"a\"],\"data\":[]}}", ERR_INVALID,
               "stands there twice");
}
END_TEST

TEST(the_body_has_one_of_two_shapes)
{
    ck_refused("", ERR_FORMAT, "empty");
    ck_refused("[1]", ERR_INVALID, "got an array");
    ck_refused("{}", ERR_INVALID, "got neither");
    ck_refused("{\"dataframe_records\":[],\"dataframe_split\":{}}", ERR_INVALID, "got both");
    ck_refused("{\"instances\":[]}", ERR_INVALID, "instances");
    ck_refused("{\"dataframe_records\":{}}", ERR_INVALID, "want an array of records");
    ck_refused("{\"dataframe_records\":[1]}", ERR_INVALID, "dataframe_records[0]: want an object");
    ck_refused("{\"dataframe_split\":[]}", ERR_INVALID, "dataframe_split: want an object");
    ck_refused("{\"dataframe_split\":{\"columns\":[\"a\",\"b\"],\"data\":[[1]]}}", ERR_INVALID,
               "dataframe_split.data[0]: want an array of 2 values");
    ck_refused("{\"dataframe_split\":{\"columns\":[1],\"data\":[]}}", ERR_INVALID,
               "dataframe_split.columns[0]: want the name of a column");
}
END_TEST

TEST(malformed_json_is_refused_with_its_position)
{
    ck_refused("{\"dataframe_records\":\n[{\"a\":1,\"b\":2,}]}", ERR_FORMAT, "line 2, column");
    ck_refused("{\"dataframe_records\":[{\"a\":01,\"b\":2,\"c\":3}]}", ERR_FORMAT,
               "line 1, column");
    ck_refused("{\"dataframe_records\":[{\"a\":1.,\"b\":2,\"c\":3}]}", ERR_FORMAT,
               "line 1, column");
    ck_refused("{\"dataframe_records\":[{\"a\":NaN,\"b\":2,\"c\":3}]}", ERR_FORMAT,
               "line 1, column");
    ck_refused("{\"dataframe_records\":[{\"a\":1,\"a\":1,\"b\":2}]}", ERR_FORMAT, "duplicate key");
    ck_refused("{\"dataframe_records\":[]} x", ERR_FORMAT, "line 1, column");
    ck_refused("{\"dataframe_records\":[", ERR_FORMAT, "line 1");
}
END_TEST

TEST(many_rows_keep_their_order)
{
    AUTO(arena) a = arena_new(0);
    rows_form f = form(a);
    buf b;
    buf_init(&b, 64 << 20);
    buf_puts(&b, STR("{\"dataframe_records\":["));
    enum { N = 20000 };
    for (int i = 0; i < N; i++) /* the first is the longest: the guess is too low and grows */
        buf_fmt(&b, "%s{\"a\":%d.25%s,\"b\":%d,\"c\":1}", i ? "," : "", i,
                i ? "" : "0000000000000000000000000000000000000000", i);
    buf_puts(&b, STR("]}"));
    matrix x, y;
    ck_assert(rows_fast(a, &f, buf_str(&b), &x));
    ck_ok(rows_careful(a, &f, buf_str(&b), &y));
    ck_assert(x.rows == N && y.rows == N);
    ck_assert(!memcmp(x.v, y.v, sizeof(double) * 3 * N));
    ck_assert(x.v[(N - 1) * 3 + to_model[A]] == N - 1 + 0.25);
    buf_done(&b);
}
END_TEST

TEST(too_many_rows_are_refused_and_the_limit_is_not)
{
    AUTO(arena) a = arena_new(0);
    schema one = {fields, 1, NULL};
    static const uint32_t straight[] = {0};
    ck_ok(schema_make_index(a, &one));
    rows_form f = {&one, straight, 1};
    buf b;
    buf_init(&b, 64 << 20);
    buf_puts(&b, STR("{\"dataframe_split\":{\"columns\":[\"a\"],\"data\":["));
    for (int i = 0; i < ROWS_MAX; i++)
        buf_puts(&b, i ? STR(",[7]") : STR("[7]"));
    size_t before = b.n;
    buf_puts(&b, STR("]}}"));
    matrix x;
    ck_ok(rows_parse(a, &f, buf_str(&b), &x));
    ck_assert_uint_eq(x.rows, ROWS_MAX);
    b.n = before;
    buf_puts(&b, STR(",[7]]}}"));
    ck_err(rows_parse(a, &f, buf_str(&b), &x), ERR_LIMIT);
    buf_done(&b);
}
END_TEST

TEST(a_model_that_wants_text_says_so)
{
    AUTO(arena) a = arena_new(0);
    field text[] = {{{"t", 1}, FIELD_STRING, true}};
    static const uint32_t straight[] = {0};
    schema s = {text, 1, NULL};
    ck_ok(schema_make_index(a, &s));
    rows_form f = {&s, straight, 1};
    matrix x;
    ck_err(rows_parse(a, &f, STR("{\"dataframe_records\":[{\"t\":\"x\"}]}"), &x), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_message(), "wants a string"));
}
END_TEST

TESTS("api/rows", records_and_split_give_the_models_own_order, no_rows_are_fine,
      a_missing_optional_column_and_null_are_nan, names_may_be_written_with_escapes,
      numbers_are_read_to_the_last_bit, wrong_types_are_refused_with_the_fields_path,
      whole_numbers_have_their_limits, missing_and_unknown_columns_are_refused,
      the_body_has_one_of_two_shapes, malformed_json_is_refused_with_its_position,
      many_rows_keep_their_order, too_many_rows_are_refused_and_the_limit_is_not,
      a_model_that_wants_text_says_so)
