#include "antrea/base/metrics.h"

#include <fmt/format.h>

namespace antrea {

Metric& MetricRegistry::get(Kind kind, const std::string& name, const std::string& help,
                            const std::string& labels) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.try_emplace(name, Entry{kind, help, {}}).first->second;
  auto& slot = entry.by_labels[labels];
  if (!slot) slot = std::make_unique<Metric>();
  return *slot;
}

std::string MetricRegistry::to_text() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [name, entry] : entries_) {
    text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, entry.help, name,
                        entry.kind == Kind::kCounter ? "counter" : "gauge");
    for (const auto& [labels, metric] : entry.by_labels)
      text += labels.empty() ? fmt::format("{} {}\n", name, metric->value())
                             : fmt::format("{}{{{}}} {}\n", name, labels, metric->value());
  }
  return text;
}

}  // namespace antrea
