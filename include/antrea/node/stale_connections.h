#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "antrea/base/asio.h"
#include "antrea/base/log.h"
#include "antrea/openflow/switch.h"
#include "antrea/proxy/service_types.h"

namespace antrea::node {

/// The message that makes the switch forget them, in the zone of their family.
ANTREA_API openflow::NxCtFlush to_ct_flush(const proxy::StaleConnections& stale);

/// Shell: has the switch forget connections once it has acknowledged the changes that made them
/// stale; sooner they would be tracked anew to where they went before. A switch older than 3.1
/// refuses, which is logged; its entries go by their own timeout.
class ANTREA_API StaleConnectionCleaner {
 public:
  /// `the_switch` must outlive it.
  StaleConnectionCleaner(boost::asio::any_io_executor executor, openflow::Switch& the_switch,
                         Logger logger = null_logger());

  /// To be called behind `Switch::prepare` of the changes.
  void add(std::vector<proxy::StaleConnections> stale);
  /// Works until cancelled.
  boost::asio::awaitable<void> run();

 private:
  openflow::Switch& switch_;
  Logger logger_;
  std::vector<proxy::StaleConnections> waiting_;
  Signal added_;
};

}  // namespace antrea::node
