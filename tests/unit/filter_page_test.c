#include "filter/page.h"

#include "test.h"

TEST(tokens_are_mlflows)
{
    AUTO(arena) a = arena_new(0);
    size_t offset = 7;
    ck_assert(str_is(page_token_make(a, 100), "eyJvZmZzZXQiOiAxMDB9"));
    ck_ok(page_token_read(STR("eyJvZmZzZXQiOiAxMDB9"), &offset));
    ck_assert_uint_eq(offset, 100);
    ck_ok(page_token_read(STR(""), &offset));
    ck_assert_uint_eq(offset, 0);
}
END_TEST

TEST(bad_tokens_are_refused_and_leave_the_result)
{
    AUTO(arena) a = arena_new(0);
    size_t offset = 7;
    ck_err(page_token_read(STR("x"), &offset), ERR_INVALID);
    ck_assert_str_eq(err_message(), "Invalid page token, could not base64-decode");
    ck_err(page_token_read(base64_write(a, STR("{")), &offset), ERR_INVALID);
    ck_assert_str_eq(err_message(), "Invalid page token, decoded value=b'{'");
    const char *bad[] = {"{\"offset\": 0}", "{\"offset\": -1}", "{}", "{\"offset\": 99999999999}",
                         "[1]"};
    for (size_t i = 0; i < countof(bad); i++)
        ck_err(page_token_read(base64_write(a, str_of(bad[i])), &offset), ERR_INVALID);
    ck_assert_uint_eq(offset, 7);
}
END_TEST

TEST(base64_of_every_length_comes_back)
{
    AUTO(arena) a = arena_new(0);
    char bytes[64];
    for (size_t n = 0; n <= sizeof bytes; n++) {
        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)(i * 37 + n);
        str back;
        ck_assert(base64_read(a, base64_write(a, (str){bytes, n}), &back));
        ck_assert(str_eq(back, (str){bytes, n}));
    }
    str out;
    const char *bad[] = {"=", "====", "a===", "ab=c", "=abc", "a b=", "abcde"};
    for (size_t i = 0; i < countof(bad); i++)
        ck_assert_msg(!base64_read(a, str_of(bad[i]), &out), "%s", bad[i]);
}
END_TEST

TESTS("filter page", tokens_are_mlflows, bad_tokens_are_refused_and_leave_the_result,
      base64_of_every_length_comes_back)
