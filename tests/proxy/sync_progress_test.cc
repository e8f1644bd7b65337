#include "antrea/proxy/sync_progress.h"

#include <gtest/gtest.h>

namespace antrea::proxy {
namespace {

using namespace std::chrono_literals;

TEST(SyncProgress, IsUnhealthyOnceAChangeHasWaitedTooLong) {
  ManualClock clock;
  SyncProgress progress;
  clock.advance(1h);
  EXPECT_TRUE(progress.healthy(clock.now())) << "nothing waits";
  progress.changed(clock.now());
  clock.advance(1min);
  progress.changed(clock.now());
  clock.advance(1min);
  EXPECT_TRUE(progress.healthy(clock.now()));
  clock.advance(1ns);
  EXPECT_FALSE(progress.healthy(clock.now())) << "the first one counts";
  progress.sent();
  EXPECT_FALSE(progress.healthy(clock.now())) << "the switch has not said yet that it has it";
  EXPECT_EQ(progress.acknowledged(clock.now()), 2min + 1ns);
  EXPECT_TRUE(progress.healthy(clock.now() + 1h));
}

TEST(SyncProgress, WhatComesWhileABatchIsUnderWayWaitsForTheNext) {
  ManualClock clock;
  SyncProgress progress;
  progress.changed(clock.now());
  EXPECT_TRUE(progress.waiting());
  progress.sent();
  EXPECT_FALSE(progress.waiting());
  clock.advance(1min);
  progress.changed(clock.now());
  EXPECT_TRUE(progress.waiting());
  clock.advance(30s);
  EXPECT_EQ(progress.acknowledged(clock.now()), 90s);
  clock.advance(90s);
  EXPECT_TRUE(progress.healthy(clock.now())) << "since it came, not since it could be sent";
  clock.advance(1ns);
  EXPECT_FALSE(progress.healthy(clock.now()));
}

TEST(SyncProgress, WhatIsLostHasWaitedAllTheTime) {
  ManualClock clock;
  SyncProgress progress;
  progress.changed(clock.now());
  progress.sent();
  clock.advance(1min);
  progress.changed(clock.now());
  clock.advance(1min);
  progress.lost();
  EXPECT_TRUE(progress.waiting());
  EXPECT_TRUE(progress.healthy(clock.now()));
  clock.advance(1ns);
  EXPECT_FALSE(progress.healthy(clock.now()));
  progress.sent();
  EXPECT_EQ(progress.acknowledged(clock.now()), 2min + 1ns);
  EXPECT_FALSE(progress.waiting());
}

}  // namespace
}  // namespace antrea::proxy
