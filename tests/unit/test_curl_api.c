#include <criterion/criterion.h>

#include "actors/curl_api.h"
#include "base/err.h"

Test(curl_api, opens_twice_and_closes)
{
    struct curl_api a, b;
    struct buf why = { 0 };
    cr_assert_eq(curl_api_open(&a, CURL_API_FILE, &why), 0);
    cr_assert_eq(curl_api_open(&b, CURL_API_FILE, &why), 0);
    curl_api_close(&a);
    cr_assert_null(a.library);
    CURL *easy = b.easy_init();
    cr_assert_not_null(easy);
    b.easy_cleanup(easy);
    curl_api_close(&b);
    curl_api_close(&b);
    cr_assert_eq(why.n, 0);
    buf_free(&why);
}

Test(curl_api, tells_which_library_is_missing)
{
    struct curl_api a;
    struct buf why = { 0 };
    cr_assert_eq(curl_api_open(&a, "libcurl-of-nobody.so.4", &why), GW_ENOENT);
    cr_assert_null(a.library);
    cr_expect(str_find(buf_str(&why), STR("libcurl-of-nobody.so.4")) >= 0, "%s", buf_cstr(&why));
    cr_expect(str_find(buf_str(&why), STR("package libcurl4")) >= 0, "%s", buf_cstr(&why));
    buf_free(&why);
}

Test(curl_api, tells_which_function_a_library_lacks)
{
    struct curl_api a;
    struct buf why = { 0 };
    cr_assert_eq(curl_api_open(&a, "libm.so.6", &why), GW_ENOENT);
    cr_assert_null(a.library);
    cr_expect(str_find(buf_str(&why), STR("curl_global_init")) >= 0, "%s", buf_cstr(&why));
    buf_free(&why);
}
