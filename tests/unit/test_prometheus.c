/* Figures as Prometheus reads them. */
#include <criterion/criterion.h>

#include "base/prometheus.h"

static void expect(struct buf *got, const char *want)
{
    cr_expect_str_eq(buf_cstr(got), want, "%s", buf_cstr(got));
    buf_free(got);
}

Test(prometheus, labels_are_escaped)
{
    struct buf out = { 0 };
    const struct prometheus_label labels[] = { { "a", STR("x\\y\"z\n") }, { "b", STR("") } };
    prometheus_family(&out, "turns", "counter", "Turns.");
    prometheus_int(&out, "turns", NULL, 0, 3);
    prometheus_int(&out, "turns", labels, 2, -4);
    prometheus_real(&out, "turns", labels, 1, 0.25);
    expect(&out,
           "# HELP turns Turns.\n# TYPE turns counter\nturns 3\nturns{a=\"x\\\\y\\\"z\\n\",b=\"\"} -4\nturns{a=\"x\\\\y\\\"z\\n\"} 0.25\n");
}

Test(prometheus, buckets_add_up_and_their_bounds_belong_to_them)
{
    static const int64_t seen[] = { -1, 0, 1, 2, 600000, 600001 };
    struct prometheus_histogram h = { 0 };
    struct buf out = { 0 };
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) prometheus_observe(&h, seen[i]);
    prometheus_histogram(&out, "wait_ms", NULL, 0, &h);
    cr_expect(strstr(buf_cstr(&out), "wait_ms_bucket{le=\"1\"} 2\nwait_ms_bucket{le=\"5\"} 3\n"), "%s", buf_cstr(&out));
    cr_expect(
        strstr(buf_cstr(&out), "wait_ms_bucket{le=\"600000\"} 4\nwait_ms_bucket{le=\"+Inf\"} 5\nwait_ms_sum 1200004\nwait_ms_count 5\n"),
        "%s", buf_cstr(&out));
    buf_free(&out);
}

Test(prometheus, a_histogram_has_seven_labels_of_its_own_at_the_most)
{
    struct prometheus_label labels[8];
    struct prometheus_histogram h = { 0 };
    struct buf out = { 0 };
    for (size_t i = 0; i < 8; i++) labels[i] = (struct prometheus_label){ "x", STR("y") };
    prometheus_histogram(&out, "h", labels, 7, &h);
    cr_expect_gt(out.n, 0);
    buf_free(&out);
    prometheus_histogram(&out, "h", labels, 8, &h);
    cr_expect_eq(out.n, 0);
}
