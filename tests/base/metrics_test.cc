#include "antrea/base/metrics.h"

#include <gtest/gtest.h>

namespace antrea {
namespace {

TEST(MetricRegistry, PrintsTheTextFormat) {
  MetricRegistry registry;
  registry.counter("b_total", "Things.", "kind=\"x\"").add(2);
  registry.gauge("a", "Level.").set(-1);
  registry.counter("b_total", "Things.", "kind=\"x\"").add();
  EXPECT_EQ(registry.to_text(),
            "# HELP a Level.\n# TYPE a gauge\na -1\n"
            "# HELP b_total Things.\n# TYPE b_total counter\nb_total{kind=\"x\"} 3\n");
}

TEST(MetricRegistry, CountsHistogramsCumulatively) {
  MetricRegistry registry;
  auto& histogram = registry.histogram("h", "Times.", {0.5, 2}, "f=\"v4\"");
  EXPECT_EQ(&histogram, &registry.histogram("h", "Times.", {0.5, 2}, "f=\"v4\""));
  for (const double value : {0.25, 0.5, 1.0, 4.0}) histogram.observe(value);
  EXPECT_EQ(registry.to_text(),
            "# HELP h Times.\n# TYPE h histogram\n"
            "h_bucket{f=\"v4\",le=\"0.5\"} 2\nh_bucket{f=\"v4\",le=\"2\"} 3\n"
            "h_bucket{f=\"v4\",le=\"+Inf\"} 4\nh_sum{f=\"v4\"} 5.75\nh_count{f=\"v4\"} 4\n");
}

}  // namespace
}  // namespace antrea
