#include "api/assets.h"

#include <string.h>
#include <unistd.h>

#include "test.h"

TEST(paths_are_sorted_so_that_a_search_finds_them)
{
    for (size_t i = 1; i < n_assets; i++)
        ck_assert_int_lt(strcmp(assets[i - 1].path, assets[i].path), 0);
}

TEST(every_file_has_a_type_a_tag_and_its_bytes)
{
    for (size_t i = 0; i < n_assets; i++) {
        ck_assert_int_eq(assets[i].path[0], '/');
        ck_assert_ptr_nonnull(strchr(assets[i].mime, '/'));
        ck_assert_int_eq(assets[i].etag[0], '"');
        ck_assert_ptr_nonnull(assets[i].data);
    }
}

TEST(compressed_bytes_are_gzip_and_fewer)
{
    for (size_t i = 0; i < n_assets; i++) {
        if (!assets[i].gz) continue;
        ck_assert_uint_lt(assets[i].gz_size, assets[i].size);
        ck_assert_int_eq(memcmp(assets[i].gz, "\x1f\x8b", 2), 0);
    }
}

TEST(the_table_ends_with_an_empty_row)
{
    ck_assert_ptr_null(assets[n_assets].path);
}

TEST(the_page_is_in_the_program)
{
    if (access(TIDEMILL_SOURCE_DIR "/ui/package.json", R_OK)) return;
    size_t n = 0;
    for (size_t i = 0; i < n_assets; i++)
        n += !strcmp(assets[i].path, "/index.html");
    ck_assert_uint_eq(n, 1);
}

TESTS("api/assets", paths_are_sorted_so_that_a_search_finds_them,
      every_file_has_a_type_a_tag_and_its_bytes, compressed_bytes_are_gzip_and_fewer,
      the_table_ends_with_an_empty_row, the_page_is_in_the_program)
