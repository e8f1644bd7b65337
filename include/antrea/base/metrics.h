#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "antrea/base/export.h"

namespace antrea {

/// A number that is set or added to; safe from any thread.
class Metric {
 public:
  void add(std::int64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  void set(std::int64_t to) { value_.store(to, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// How often values fell into ranges; safe from any thread.
class ANTREA_API Histogram {
 public:
  /// Upper bounds of the ranges, ascending; what is above them all counts too.
  explicit Histogram(std::vector<double> bounds);

  void observe(double value);
  std::uint64_t count() const;
  double sum() const;
  const std::vector<double>& bounds() const { return bounds_; }
  /// How many values were at most `bounds()[place]`.
  std::uint64_t count_within(std::size_t place) const;

 private:
  std::vector<double> bounds_;
  mutable std::mutex mutex_;           // guards the rest
  std::vector<std::uint64_t> counts_;  // by range; the last one is above all bounds
  double sum_ = 0;
};

/// The metrics of one process, owned by its main and handed to the parts.
class ANTREA_API MetricRegistry {
 public:
  enum class Kind { kCounter, kGauge, kHistogram };

  /// The metric of that name and label set, made at first use; lives as long as the registry.
  /// `labels` is the inside of the braces of the text format, e.g. `table="Output"`, or empty.
  Metric& get(Kind kind, const std::string& name, const std::string& help,
              const std::string& labels = {});
  Metric& counter(const std::string& name, const std::string& help,
                  const std::string& labels = {}) {
    return get(Kind::kCounter, name, help, labels);
  }
  Metric& gauge(const std::string& name, const std::string& help, const std::string& labels = {}) {
    return get(Kind::kGauge, name, help, labels);
  }

  /// `bounds` count where the histogram is made.
  Histogram& histogram(const std::string& name, const std::string& help, std::vector<double> bounds,
                       const std::string& labels = {});

  /// Prometheus text exposition format 0.0.4, sorted by name.
  std::string to_text() const;

 private:
  struct Entry {
    Kind kind;
    std::string help;
    std::map<std::string, std::unique_ptr<Metric>> by_labels;
    std::map<std::string, std::unique_ptr<Histogram>> histograms;  // by labels
  };
  mutable std::mutex mutex_;  // guards entries_
  std::map<std::string, Entry> entries_;
};

}  // namespace antrea
