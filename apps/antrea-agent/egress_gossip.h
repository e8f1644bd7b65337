#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "antrea/base/log.h"
#include "antrea/egress/gossip.h"
#include "antrea/egress/key_folder.h"
#include "options.h"

namespace antrea::agent {

/// The agents' gossip about who is alive, and the keys that it may be encrypted with. Where there
/// are to be keys and is none, nothing is said, so that this Node owns nothing.
class EgressGossip {
 public:
  /// `address`: this Node's.
  EgressGossip(boost::asio::any_io_executor executor, const Options& options,
               const IpAddress& address, Logger logger);

  /// Binds the port, now or once there is a key; `on_begin` is told then. Error: that of
  /// `egress::Gossip::start`.
  Result<> start(std::function<void()> on_begin);
  /// All other Nodes that may be members.
  void keep_joining(const std::map<std::string, IpAddress>& nodes);

  egress::Gossip& gossip() { return gossip_; }
  const egress::Gossip& gossip() const { return gossip_; }

  /// Reads the keys whenever they change, until cancelled.
  boost::asio::awaitable<void> keep_keys();

 private:
  Result<> begin();
  bool read_keys();

  boost::asio::any_io_executor executor_;
  const Options& options_;
  Logger logger_;
  egress::Gossip gossip_;
  std::optional<egress::KeyFolder> key_folder_;  // absent: gossip is not encrypted
  std::function<void()> on_begin_;
  bool have_keys_ = false, begun_ = false;
};

}  // namespace antrea::agent
