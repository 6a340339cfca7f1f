#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "providers/classify.h"

struct row {
    int status;
    const char *body;
    enum failure class;
    int64_t retry_after_ms;
    const char *text;
};

#define NONE (-1)

/* DESIGN 8.1, and what each provider documents or is known to send. */
static const struct row rows[] = {
    { 400, "{}", FAILURE_bad_request, NONE, "HTTP 400: the provider gave no reason" },
    { 401, "{\"error\":{\"message\":\"bad key\",\"type\":\"invalid_request_error\",\"code\":\"invalid_api_key\"}}", FAILURE_auth, NONE,
      "HTTP 401: bad key" },
    { 402, "{\"error\":{\"code\":402,\"message\":\"Insufficient credits\"}}", FAILURE_billing, NONE, "HTTP 402: Insufficient credits" },
    { 403, "", FAILURE_auth, NONE, "HTTP 403: the provider gave no reason" },
    { 404, "{\"error\":{\"code\":404,\"message\":\"No endpoints found for x/y.\"}}", FAILURE_unknown_model, NONE,
      "HTTP 404: No endpoints found for x/y." },
    { 408, "slow", FAILURE_timeout, NONE, "HTTP 408: slow" },
    { 409, "", FAILURE_server, NONE, NULL },
    { 413, "<html><head><title> 413 Too Large </title></head></html>", FAILURE_context_overflow, NONE, "HTTP 413: 413 Too Large" },
    { 418, "", FAILURE_bad_request, NONE, NULL },
    { 422, "{\"detail\":\"field required\"}", FAILURE_bad_request, NONE, "HTTP 422: field required" },
    { 429, "{\"error\":{\"message\":\"Rate limit reached\",\"type\":\"requests\",\"code\":\"rate_limit_exceeded\"}}", FAILURE_rate_limit,
      NONE, "HTTP 429: Rate limit reached" },
    { 500, "mock error 401", FAILURE_server, NONE, "HTTP 500: mock error 401" }, /* digits in text decide nothing */
    { 502, "<html><body>Bad Gateway</body></html>", FAILURE_server, NONE, NULL },
    { 503, "", FAILURE_overloaded, NONE, NULL },
    { 504, "", FAILURE_server, NONE, NULL },
    { 529, "", FAILURE_overloaded, NONE, NULL },
    { 301, "", FAILURE_server, NONE, NULL },
    /* no credit, whatever the status says */
    { 400, "{\"error\":{\"message\":\"m\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}", FAILURE_billing, NONE, NULL },
    { 429, "{\"error\":{\"message\":\"m\",\"type\":\"insufficient_quota\",\"param\":null,\"code\":\"insufficient_quota\"}}",
      FAILURE_billing, NONE, NULL },
    { 400,
      "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your credit balance is too low to access the "
      "API.\"}}",
      FAILURE_billing, NONE, NULL },
    { 403, "{\"type\":\"error\",\"error\":{\"type\":\"billing_error\",\"message\":\"m\"}}", FAILURE_billing, NONE, NULL },
    { 429, "{\"error\":{\"code\":\"1113\",\"message\":\"Insufficient balance or no resource package.\"}}", FAILURE_billing, NONE, NULL },
    { 401, "{\"error\":{\"message\":\"insufficient credits\"}}", FAILURE_auth, NONE, NULL },
    /* the prompt does not fit */
    { 400, "{\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\",\"code\":\"context_length_exceeded\"}}",
      FAILURE_context_overflow, NONE, NULL },
    { 400,
      "{\"error\":{\"message\":\"This endpoint's maximum context length is 32768 tokens. However, you requested 40000\",\"code\":400}}",
      FAILURE_context_overflow, NONE, NULL },
    { 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 210000 tokens > 200000\"}}",
      FAILURE_context_overflow, NONE, NULL },
    { 400,
      "{\"error\":{\"code\":400,\"message\":\"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).\","
      "\"status\":\"INVALID_ARGUMENT\"}}",
      FAILURE_context_overflow, NONE, NULL },
    { 500, "{\"error\":{\"message\":\"the request exceeds the available context size\",\"type\":\"exceed_context_size_error\"}}",
      FAILURE_context_overflow, NONE, NULL },
    /* no such model */
    { 400, "{\"error\":{\"message\":\"x is not a valid model ID\",\"code\":400}}", FAILURE_unknown_model, NONE, NULL },
    { 422, "{\"error\":{\"message\":\"m\",\"code\":\"model_not_found\"}}", FAILURE_unknown_model, NONE, NULL },
    { 404, "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"model: x\"}}", FAILURE_unknown_model, NONE, NULL },
    { 404, "{\"error\":{\"code\":404,\"message\":\"models/x is not found\",\"status\":\"NOT_FOUND\"}}", FAILURE_unknown_model, NONE, NULL },
    /* Google */
    { 400,
      "{\"error\":{\"code\":400,\"message\":\"API key not valid. Please pass a valid API "
      "key.\",\"status\":\"INVALID_ARGUMENT\",\"details\":"
      "[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"API_KEY_INVALID\",\"domain\":\"googleapis.com\"}]}}",
      FAILURE_auth, NONE, "HTTP 400: API key not valid. Please pass a valid API key." },
    { 400, "{\"error\":{\"code\":400,\"message\":\"API key not valid.\",\"status\":\"INVALID_ARGUMENT\"}}", FAILURE_auth, NONE, NULL },
    { 403, "{\"error\":{\"code\":403,\"message\":\"m\",\"status\":\"PERMISSION_DENIED\"}}", FAILURE_auth, NONE, NULL },
    { 429,
      "[{\"error\":{\"code\":429,\"message\":\"You exceeded your current quota, please check your plan and billing details.\",\"status\":"
      "\"RESOURCE_EXHAUSTED\",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"7s\"}]}}]",
      FAILURE_rate_limit, 7000, NULL },
    { 503, "{\"error\":{\"code\":503,\"message\":\"m\",\"status\":\"UNAVAILABLE\"}}", FAILURE_overloaded, NONE, NULL },
    { 504, "{\"error\":{\"code\":504,\"message\":\"m\",\"status\":\"DEADLINE_EXCEEDED\"}}", FAILURE_server, NONE, NULL },
    /* Anthropic */
    { 529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}", FAILURE_overloaded, NONE, NULL },
    { 401, "{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"m\"}}", FAILURE_auth, NONE, NULL },
    { 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"messages: empty\"}}", FAILURE_bad_request, NONE,
      NULL },
    /* a gateway's error with the provider's inside */
    { 400,
      "{\"error\":{\"message\":\"Provider returned error\",\"code\":400,\"metadata\":{\"raw\":\"{\\\"error\\\":{\\\"message\\\":\\\"too "
      "big\\\",\\\"code\\\":\\\"context_length_exceeded\\\"}}\",\"provider_name\":\"P\"}}}",
      FAILURE_context_overflow, NONE, "HTTP 400: Provider returned error: too big" },
    { 429, "{\"error\":{\"message\":\"Provider returned error\",\"code\":429,\"metadata\":{\"raw\":\"try later\"}}}", FAILURE_rate_limit,
      NONE, "HTTP 429: Provider returned error: try later" },
    /* an error inside a 200: the code is the status, else the words are all there is */
    { 200, "{\"error\":{\"message\":\"gone\",\"code\":502}}", FAILURE_server, NONE, "gone" },
    { 200, "{\"error\":{\"message\":\"m\",\"code\":\"429\"}}", FAILURE_rate_limit, NONE, NULL },
    { 200, "{\"error\":{\"message\":\"m\",\"code\":400}}", FAILURE_bad_request, NONE, NULL },
    { 200, "{\"error\":{\"message\":\"m\",\"type\":\"server_error\"}}", FAILURE_server, NONE, NULL },
    { 200, "{\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\"}}", FAILURE_bad_request, NONE, NULL },
    { 200, "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"m\"}}", FAILURE_rate_limit, NONE, NULL },
    { 200, "{\"error\":\"model \\\"x\\\" crashed\"}", FAILURE_server, NONE, "model \"x\" crashed" },
};

Test(classify, gives_each_answer_its_class)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct model_failure f;
        struct buf text = { 0 };
        classify_failure(rows[i].status, str_of(rows[i].body), &f, &text);
        cr_expect(f.class == rows[i].class, "row %zu, %d %s: %s", i, rows[i].status, rows[i].body, failure_name(f.class));
        cr_expect(f.retry_after_ms == rows[i].retry_after_ms, "row %zu: retry %lld", i, (long long)f.retry_after_ms);
        cr_expect(f.http_status == rows[i].status);
        if (rows[i].text) cr_expect(strcmp(buf_cstr(&text), rows[i].text) == 0, "row %zu: %s", i, buf_cstr(&text));
        buf_free(&text);
    }
}

Test(classify, never_calls_an_error_none)
{
    for (int status = 100; status < 1000; status++) {
        struct model_failure f;
        struct buf text = { 0 };
        classify_failure(status, STR("\xFF\x00{[\""), &f, &text);
        cr_assert(f.class != FAILURE_none, "%d", status);
        buf_free(&text);
    }
}

Test(classify, reads_retry_after_in_each_form)
{
    const int64_t now = 784111777000; /* Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 */
    const int64_t most = (int64_t)CLASSIFY_RETRY_MAX_S * 1000;
    cr_expect(classify_retry_after(STR("0"), now) == 0);
    cr_expect(classify_retry_after(STR(" 120 "), now) == 120000);
    cr_expect(classify_retry_after(STR("1.25"), now) == 1250);
    cr_expect(classify_retry_after(STR("0.0009999999999999999999999"), now) == 0);
    cr_expect(classify_retry_after(STR("Sun, 06 Nov 1994 08:49:47 GMT"), now) == 10000);
    cr_expect(classify_retry_after(STR("Sunday, 06-Nov-94 08:49:47 GMT"), now) == 10000);
    cr_expect(classify_retry_after(STR("Sun Nov  6 08:49:47 1994"), now) == 10000);
    cr_expect(classify_retry_after(STR("Sun, 06 Nov 1994 08:49:00 GMT"), now) == 0);
    cr_expect(classify_retry_after(STR("604800"), now) == most);
    cr_expect(classify_retry_after(STR("604801"), now) == most);
    cr_expect(classify_retry_after(STR("99999999999999999999999999"), now) == most);
    cr_expect(classify_retry_after(STR("Fri, 31 Dec 2999 23:59:59 GMT"), now) == most);
    static const char *const nothing[] = { "", "soon", "-5", "1,5", "5s", "0x10", "1.2.3", "Sun, 06 Nov 1994" };
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        cr_expect(classify_retry_after(str_of(nothing[i]), now) == -1, "%s", nothing[i]);
}
