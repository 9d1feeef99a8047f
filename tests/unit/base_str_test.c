#include "base/str.h"

#include <limits.h>

#include "test.h"

TEST(comparing_is_bytewise_with_the_shorter_first)
{
    ck_assert_int_eq(str_cmp(STR("a"), STR("a")), 0);
    ck_assert_int_eq(str_cmp(STR("a"), STR("ab")), -1);
    ck_assert_int_eq(str_cmp(STR("b"), STR("ab")), 1);
    ck_assert_int_eq(str_cmp(STR(""), STR("")), 0);
    ck_assert_int_eq(str_cmp((str){NULL, 0}, STR("a")), -1);
    ck_assert_int_eq(str_cmp(STR("\x7F"), STR("\x80")), -1);
    ck_assert(str_eq((str){NULL, 0}, STR("")));
    ck_assert(str_is(STR("abc"), "abc"));
    ck_assert(!str_is(STR("abc"), "abcd"));
    ck_assert_uint_eq(str_of(NULL).n, 0);
}

TEST(case_is_ignored_for_ascii_only)
{
    ck_assert(str_eq_nocase(STR("Content-TYPE"), STR("content-type")));
    ck_assert(!str_eq_nocase(STR("a"), STR("ab")));
    ck_assert(!str_eq_nocase(STR("\xC3\x84"), STR("\xC3\xA4")));
    ck_assert(!str_eq_nocase(STR("["), STR("{")));
}

TEST(prefixes_and_suffixes)
{
    ck_assert(str_starts(STR("models:/fare"), "models:/"));
    ck_assert(str_starts(STR(""), ""));
    ck_assert(!str_starts(STR("mod"), "models"));
    ck_assert(str_ends(STR("a.parquet"), ".parquet"));
    ck_assert(!str_ends(STR("quet"), ".parquet"));
}

TEST(trim_takes_white_space_at_both_ends)
{
    ck_assert(str_is(str_trim(STR(" \t\r\n a b \v\f")), "a b"));
    ck_assert_uint_eq(str_trim(STR("  ")).n, 0);
    ck_assert_uint_eq(str_trim((str){NULL, 0}).n, 0);
}

TEST(cut_splits_at_the_first_separator)
{
    str h, t;
    ck_assert(str_cut(STR("a=b=c"), '=', &h, &t));
    ck_assert(str_is(h, "a"));
    ck_assert(str_is(t, "b=c"));
    ck_assert(!str_cut(STR("abc"), '=', &h, &t));
    ck_assert(str_is(h, "abc"));
    ck_assert_uint_eq(t.n, 0);
    ck_assert(str_cut(STR("="), '=', &h, &t));
    ck_assert_uint_eq(h.n + t.n, 0);
    str all = STR("x:y");
    ck_assert(str_cut(all, ':', &h, &all)); /* the tail may be the text itself */
    ck_assert(str_is(all, "y"));
    ck_assert(!str_cut((str){NULL, 0}, ':', &h, &t));
}

TEST(find_says_where)
{
    size_t at = 99;
    ck_assert(str_find(STR("abcabc"), STR("ca"), &at));
    ck_assert_uint_eq(at, 2);
    ck_assert(str_find(STR("abc"), STR(""), &at));
    ck_assert_uint_eq(at, 0);
    at = 99;
    ck_assert(!str_find(STR("abc"), STR("abcd"), &at));
    ck_assert(!str_find((str){NULL, 0}, STR("a"), &at));
    ck_assert_uint_eq(at, 99);
}

TEST(utf8_is_checked_strictly)
{
    ck_assert(str_utf8_ok(STR("")));
    ck_assert(str_utf8_ok(STR("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF")));
    ck_assert(!str_utf8_ok(STR("\xC0\x80")));         /* overlong */
    ck_assert(!str_utf8_ok(STR("\xE0\x80\x80")));     /* overlong */
    ck_assert(!str_utf8_ok(STR("\xF0\x80\x80\x80"))); /* overlong */
    ck_assert(!str_utf8_ok(STR("\xED\xA0\x80")));     /* surrogate */
    ck_assert(!str_utf8_ok(STR("\xF4\x90\x80\x80"))); /* above U+10FFFF */
    ck_assert(!str_utf8_ok(STR("\xE2\x82")));         /* cut off */
    ck_assert(!str_utf8_ok(STR("\x80")));
    ck_assert(!str_utf8_ok(STR("\xFF")));
}

TEST(copies_end_in_nul)
{
    AUTO(arena) a = arena_new(0);
    str s = str_dup(a, (str){"abcdef", 3});
    ck_assert_str_eq(s.p, "abc");
    ck_assert_uint_eq(s.n, 3);
    ck_assert_str_eq(str_c(a, (str){NULL, 0}), "");
    ck_assert_str_eq(cstr_fmt(a, "%s-%d", "x", 5), "x-5");
    str big = str_fmt(a, "%0500d", 7);
    ck_assert_uint_eq(big.n, 500);
    ck_assert_int_eq(big.p[499], '7');
    ck_assert_int_eq(big.p[500], '\0');
    ck_assert_uint_eq(str_fmt(a, "%127d", 1).n, 127);
    ck_assert_uint_eq(str_fmt(a, "%128d", 1).n, 128);
}

TEST(hashes_differ_in_their_low_bits)
{
    unsigned seen[64] = {0}, most = 0;
    for (int i = 0; i < 6400; i++) {
        AUTO(arena) a = arena_new(0);
        unsigned n = ++seen[str_hash(str_fmt(a, "column_%d", i)) & 63];
        if (n > most) most = n;
    }
    ck_assert_uint_lt(most, 160); /* 100 each, were chance even */
}

static const char *const commands[] = {"server", "apply", "validate", "jobs", "run", "id"};

TEST(the_nearest_word_is_found)
{
    ck_assert_str_eq(str_nearest(STR("vaildate"), commands, 6), "validate"); /* a swap */
    ck_assert_str_eq(str_nearest(STR("serve"), commands, 6), "server");
    ck_assert_str_eq(str_nearest(STR("jbos"), commands, 6), "jobs");
    ck_assert_str_eq(str_nearest(STR("applyy"), commands, 6), "apply");
}

TEST(far_words_have_no_neighbour)
{
    ck_assert_ptr_null(str_nearest(STR("monitoring"), commands, 6));
    ck_assert_ptr_null(str_nearest(STR(""), commands, 6));
    ck_assert_ptr_null(str_nearest(STR("x"), commands, 6)); /* of "id" nothing would be left */
    ck_assert_ptr_null(str_nearest(STR("a"), NULL, 0));
    char text[100];
    memset(text, 'x', sizeof text);
    ck_assert_ptr_null(str_nearest((str){text, sizeof text}, commands, 6));
}

TESTS("base/str", comparing_is_bytewise_with_the_shorter_first, case_is_ignored_for_ascii_only,
      prefixes_and_suffixes, trim_takes_white_space_at_both_ends, cut_splits_at_the_first_separator,
      find_says_where, utf8_is_checked_strictly, copies_end_in_nul, hashes_differ_in_their_low_bits,
      the_nearest_word_is_found, far_words_have_no_neighbour)
