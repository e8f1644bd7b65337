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

}  // namespace
}  // namespace antrea
