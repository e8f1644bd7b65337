#include "antrea/base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace antrea {
namespace {

std::string_view type_name(MetricRegistry::Kind kind) {
  switch (kind) {
    case MetricRegistry::Kind::kCounter:
      return "counter";
    case MetricRegistry::Kind::kGauge:
      return "gauge";
    case MetricRegistry::Kind::kHistogram:
      return "histogram";
  }
  return "untyped";
}

std::string series(const std::string& name, const std::string& labels) {
  return labels.empty() ? name : fmt::format("{}{{{}}}", name, labels);
}

std::string histogram_text(const std::string& name, const std::string& labels,
                           const Histogram& histogram) {
  std::string text;
  const std::string before_le = labels.empty() ? labels : labels + ",";
  for (std::size_t i = 0; i < histogram.bounds().size(); ++i)
    text += fmt::format("{}_bucket{{{}le=\"{}\"}} {}\n", name, before_le, histogram.bounds()[i],
                        histogram.count_within(i));
  text += fmt::format("{}_bucket{{{}le=\"+Inf\"}} {}\n", name, before_le, histogram.count());
  text += fmt::format("{} {}\n", series(name + "_sum", labels), histogram.sum());
  text += fmt::format("{} {}\n", series(name + "_count", labels), histogram.count());
  return text;
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

void Histogram::observe(double value) {
  const auto range = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
  const std::lock_guard lock(mutex_);
  ++counts_[static_cast<std::size_t>(range)];
  sum_ += value;
}

std::uint64_t Histogram::count() const { return count_within(bounds_.size()); }

double Histogram::sum() const {
  const std::lock_guard lock(mutex_);
  return sum_;
}

std::uint64_t Histogram::count_within(std::size_t place) const {
  const std::lock_guard lock(mutex_);
  const auto end = counts_.begin() + static_cast<std::ptrdiff_t>(place) + 1;
  return std::accumulate(counts_.begin(), end, std::uint64_t{0});
}

Metric& MetricRegistry::get(Kind kind, const std::string& name, const std::string& help,
                            const std::string& labels) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.try_emplace(name, Entry{kind, help, {}, {}}).first->second;
  auto& slot = entry.by_labels[labels];
  if (!slot) slot = std::make_unique<Metric>();
  return *slot;
}

Histogram& MetricRegistry::histogram(const std::string& name, const std::string& help,
                                     std::vector<double> bounds, const std::string& labels) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.try_emplace(name, Entry{Kind::kHistogram, help, {}, {}}).first->second;
  auto& slot = entry.histograms[labels];
  if (!slot) slot = std::make_unique<Histogram>(std::move(bounds));
  return *slot;
}

std::string MetricRegistry::to_text() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [name, entry] : entries_) {
    text +=
        fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, entry.help, name, type_name(entry.kind));
    for (const auto& [labels, metric] : entry.by_labels)
      text += fmt::format("{} {}\n", series(name, labels), metric->value());
    for (const auto& [labels, histogram] : entry.histograms)
      text += histogram_text(name, labels, *histogram);
  }
  return text;
}

}  // namespace antrea
