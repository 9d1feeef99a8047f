#include "base/digest.h"

#include "test.h"

/* FIPS 180-4's examples. */
TEST(sha256_of_known_texts)
{
    char hex[SHA256_HEX + 1];
    sha256_hex_of(STR(""), hex);
    ck_assert_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_hex_of(STR("abc"), hex);
    ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    AUTO(sha256) d = sha256_new();
    sha256_put(d, "abcdbcdecdefdefgefghfghighij", 28);
    sha256_put(d, NULL, 0);
    sha256_put(d, "hijkijkljklmklmnlmnomnopnopq", 28);
    sha256_hex(d, hex);
    ck_assert_str_eq(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    sha256_free(NULL);
}

TESTS("base/digest", sha256_of_known_texts)
