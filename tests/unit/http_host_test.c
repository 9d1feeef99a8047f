#include "http/h1_int.h"
#include "test.h"

TEST(names_of_this_machine_are_known)
{
    static const char *const ours[] = {
        "localhost",       "LocalHost",     "localhost:5000", "127.0.0.1", "127.0.0.1:1",
        "127.0.0.1:65535", "127.255.0.254", "[::1]",          "[::1]:80",  "[0:0::1]:80"};
    for (size_t i = 0; i < countof(ours); i++)
        ck_assert_msg(http_host_is_loopback(str_of(ours[i])), "%s", ours[i]);
}

TEST(every_other_name_is_foreign)
{
    static const char *const foreign[] = {"",
                                          "example.com",
                                          "localhost.example.com",
                                          "127.0.0.1.example.com",
                                          "127.0.0.1.",
                                          "127.0.0",
                                          "127.0.0.1.1",
                                          "127.0.0.256",
                                          "127.0.0.1e",
                                          "127.0.0.01",
                                          "127.1",
                                          "0x7f.0.0.1",
                                          "0177.0.0.1",
                                          "2130706433",
                                          "128.0.0.1",
                                          "0.0.0.0",
                                          "10.0.0.1",
                                          "localhost:",
                                          "localhost:0",
                                          "localhost:65536",
                                          "localhost:80a",
                                          "localhost:000080",
                                          "localhost:+1",
                                          "localhost@evil",
                                          "evil@localhost",
                                          "localhost/",
                                          "localhost:80:80",
                                          "::1",
                                          "[::1",
                                          "[]",
                                          "[::2]",
                                          "[::1]x",
                                          "[::ffff:127.0.0.1]",
                                          "[::1%lo]",
                                          " localhost",
                                          "localhost,example.com"};
    for (size_t i = 0; i < countof(foreign); i++)
        ck_assert_msg(!http_host_is_loopback(str_of(foreign[i])), "%s", foreign[i]);
    ck_assert(!http_host_is_loopback((str){"[::1\0]", 6}));
    ck_assert(!http_host_is_loopback((str){NULL, 0}));
}

TEST(only_web_origins_of_this_machine_are_ours)
{
    ck_assert(http_origin_is_loopback(STR("http://localhost:5000")));
    ck_assert(http_origin_is_loopback(STR("https://127.0.0.1")));
    static const char *const foreign[] = {"",
                                          "null",
                                          "http://",
                                          "localhost",
                                          "file://",
                                          "http://example.com",
                                          "ftp://localhost",
                                          "http://localhost/path",
                                          "http://localhost.evil.com",
                                          "http://evil@localhost"};
    for (size_t i = 0; i < countof(foreign); i++)
        ck_assert_msg(!http_origin_is_loopback(str_of(foreign[i])), "%s", foreign[i]);
}

TESTS("http/host", names_of_this_machine_are_known, every_other_name_is_foreign,
      only_web_origins_of_this_machine_are_ours)
