#include <assert.h>

#include "expectations/expectations.h"

static const char *const names[EXPECT_N] = {
    [EXPECT_NOT_NULL] = "column_values_to_not_be_null",
    [EXPECT_FINITE] = "column_values_to_be_finite",
    [EXPECT_BETWEEN] = "column_values_to_be_between",
    [EXPECT_IN_SET] = "column_values_to_be_in_set",
    [EXPECT_UNIQUE] = "column_values_to_be_unique",
    [EXPECT_CONDITION] = "row_condition",
    [EXPECT_ROW_COUNT] = "table_row_count_to_be_between",
    [EXPECT_COLUMN] = "column_to_exist",
};

const char *expect_kind_name(expect_kind k)
{
    assert(k >= 0 && k < EXPECT_N);
    return names[k];
}

err expect_kind_parse(str name, expect_kind *ret)
{
    assert(ret);
    str word = str_starts(name, "expect_") ? (str){name.p + 7, name.n - 7} : name;
    for (int i = 0; i < EXPECT_N; i++)
        if (str_is(word, names[i])) {
            *ret = (expect_kind)i;
            return ERR_OK;
        }
    const char *near = str_nearest(word, names, EXPECT_N);
    return err_set(ERR_INVALID, "unknown expectation \"%.*s\"%s%s%s", STR_ARG(name),
                   near ? "; did you mean \"" : "", near ? near : "",
                   near ? "\"?" : "; see docs for the list");
}
