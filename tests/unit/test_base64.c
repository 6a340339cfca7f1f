#include <criterion/criterion.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/hex.h"

Test(base64, looks_at_the_alphabet_and_counts_the_bytes)
{
    cr_expect(base64_valid(STR("AQID")) && base64_size(STR("AQID")) == 3);
    cr_expect(base64_valid(STR("AQ==")) && base64_size(STR("AQ==")) == 1);
    cr_expect(base64_valid(STR("A+/z")));
    cr_expect_not(base64_valid(STR("")));
    cr_expect_not(base64_valid(STR("A")));
    cr_expect_not(base64_valid(STR("A-_z")));
    cr_expect_not(base64_valid(STR("AQ===")));
}

Test(base64, wants_whole_bytes_and_its_padding_at_the_end)
{
    unsigned char out[3];
    size_t n;
    cr_assert(base64_read(STR("AQID"), out, sizeof out, &n) == 0 && n == 3 && out[2] == 3);
    cr_assert(base64_read(STR("AQ=="), out, sizeof out, &n) == 0 && n == 1);
    cr_assert(base64_read(STR("AQ"), out, sizeof out, &n) == 0 && n == 1);
    cr_assert(base64_read(STR("A"), out, sizeof out, &n) == GW_EPARSE);
    cr_assert(base64_read(STR("AQ="), out, sizeof out, &n) == GW_EPARSE);
    cr_assert(base64_read(STR("A=QID"), out, sizeof out, &n) == GW_EPARSE);
    cr_assert(base64_read(STR("AQID===="), out, sizeof out, &n) == GW_EPARSE);
    cr_assert(base64_read(STR("AQIDBA"), out, sizeof out, &n) == GW_ELIMIT);
}

Test(base64, reads_back_every_length_that_it_wrote)
{
    unsigned char bytes[64], back[64];
    char text[88];
    size_t n;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(251 * i + 17);
    for (size_t length = 0; length <= sizeof bytes; length++) {
        base64url_write(bytes, length, text);
        cr_assert(base64_read(str_of(text), back, length, &n) == 0 && n == length);
        cr_assert(memcmp(bytes, back, length) == 0);
        cr_assert(strcspn(text, "+/=") == strlen(text));
    }
    base64url_write((const unsigned char *)"\xfb\xff", 2, text);
    cr_assert_str_eq(text, "-_8");
}

Test(hex, writes_two_digits_a_byte)
{
    char text[HEX_SHA256_SIZE];
    hex_write((const unsigned char *)"\x00\x9f\xff", 3, text);
    cr_assert_str_eq(text, "009fff");
    hex_sha256((struct str){ 0 }, text);
    cr_assert_str_eq(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
