#include "base/map.h"

#include "test.h"

TEST(an_empty_map_finds_nothing)
{
    AUTO(arena) a = arena_new(0);
    map *m = map_new(a);
    ck_assert_ptr_null(map_find(m, STR("a")));
    ck_assert_uint_eq(map_count(m), 0);
}

TEST(many_names_are_found_in_the_order_they_came)
{
    AUTO(arena) a = arena_new(0);
    map *m = map_new(a);
    static int values[5000];
    for (int i = 0; i < 5000; i++) {
        values[i] = i;
        map_put(m, str_fmt(a, "name_%d", i), &values[i]);
    }
    ck_assert_uint_eq(map_count(m), 5000);
    for (int i = 0; i < 5000; i++) {
        str key = str_fmt(a, "name_%d", i);
        ck_assert_ptr_eq(map_find(m, key), &values[i]);
        ck_assert(str_eq(map_at(m, (size_t)i)->key, key));
    }
    ck_assert_ptr_null(map_find(m, STR("name_5000")));
    ck_assert_ptr_null(map_find(m, STR("")));
}

TEST(putting_a_name_again_replaces_its_value)
{
    AUTO(arena) a = arena_new(0);
    map *m = map_new(a);
    int x, y;
    map_put(m, STR(""), &x);
    map_put(m, STR("b"), &x);
    map_put(m, STR(""), &y);
    ck_assert_uint_eq(map_count(m), 2);
    ck_assert_ptr_eq(map_find(m, STR("")), &y);
    ck_assert_ptr_eq(map_at(m, 0)->value, &y);
}

TESTS("base/map", an_empty_map_finds_nothing, many_names_are_found_in_the_order_they_came,
      putting_a_name_again_replaces_its_value)
