#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "antrea/base/export.h"
#include "antrea/base/ip.h"
#include "antrea/lab/namespace.h"

namespace antrea::lab {

/// Lets hosts of the lab reach a TCP server that lives outside of it: what connects to
/// `listen_address:port` inside one namespace is passed on to 127.0.0.1:`port` where this process
/// is. Both ends see the same address, so one kubeconfig and one certificate serve everywhere.
/// Buffers are bounded; at most `kMaxConnections` at once.
class ANTREA_API Relay {
 public:
  static constexpr unsigned kMaxConnections = 256;
  static Result<std::unique_ptr<Relay>> start(boost::asio::io_context& io, const NetNamespace& ns,
                                              const IpAddress& listen_address, std::uint16_t port);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

 private:
  Relay() = default;
  std::function<void()> close_;
};

}  // namespace antrea::lab
