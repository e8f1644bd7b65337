#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <utility>

#include "antrea/base/log.h"

namespace antrea::agent {

/// Starts what goes on by itself for as long as the agent does: should one of these end by an
/// exception, the agent ends.
class Tasks {
 public:
  Tasks(boost::asio::io_context& io, Logger logger) : io_(io), logger_(std::move(logger)) {}

  template <typename T>
  void spawn(boost::asio::awaitable<T> work) {
    boost::asio::co_spawn(io_, std::move(work), [this](const std::exception_ptr& failure, auto...) {
      if (!failure) return;
      logger_->critical("a part of the agent ended unexpectedly");
      io_.stop();
    });
  }
  boost::asio::io_context::executor_type executor() { return io_.get_executor(); }

 private:
  boost::asio::io_context& io_;
  Logger logger_;
};

}  // namespace antrea::agent
