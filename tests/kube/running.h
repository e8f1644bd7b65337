#pragma once

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <exception>
#include <utility>

namespace antrea::kube {

/// Tests of something that runs until it is stopped, which each of them waits for in the end.
class Running : public testing::Test {
 protected:
  void run(boost::asio::awaitable<void> what) {
    ended_ = false;
    boost::asio::co_spawn(io, std::move(what),
                          boost::asio::bind_cancellation_slot(
                              cancel_.slot(), [this](std::exception_ptr) { ended_ = true; }));
  }

  /// Until the condition holds; fails after ten seconds.
  template <typename Condition>
  void run_until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition() && std::chrono::steady_clock::now() < deadline)
      if (io.run_one_for(std::chrono::milliseconds(10)) == 0 && io.stopped()) io.restart();
    EXPECT_TRUE(condition());
  }

  void stop() {
    boost::asio::post(io, [this] { cancel_.emit(boost::asio::cancellation_type::all); });
    run_until([this] { return ended_; });
  }
  void TearDown() override { stop(); }

  boost::asio::io_context io;

 private:
  boost::asio::cancellation_signal cancel_;
  bool ended_ = true;
};

}  // namespace antrea::kube
