#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "antrea/node/egress_host.h"
#include "tests/node/lab.h"

namespace antrea::node {

/// Renews the lease of a namespace's Egress and load balancer addresses, as an agent does, for as
/// long as this lives.
class KeptLease {
 public:
  explicit KeptLease(const lab::Namespace& where)
      : thread_([&where](const std::stop_token& stop) { where.enter([&stop] { renew(stop); }); }) {}

 private:
  static void renew(const std::stop_token& stop) {
    auto host = EgressHost::open();
    ASSERT_TRUE(host) << host.error().to_string();
    std::mutex mutex;
    std::condition_variable_any interval;
    std::unique_lock lock(mutex);
    do {
      const auto renewed = host->renew_lease();
      EXPECT_TRUE(renewed) << renewed.error().to_string();
      interval.wait_for(lock, stop, kEgressLease / 5, [] { return false; });
    } while (!stop.stop_requested());
  }

  std::jthread thread_;
};

}  // namespace antrea::node
