#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "antrea/base/log.h"
#include "antrea/base/metrics.h"
#include "antrea/kube/http_server.h"
#include "antrea/node/datapath.h"
#include "egress_agent.h"
#include "node_port_local_agent.h"

namespace antrea::agent {

/// What the agent shows of itself to antctl: JSON over HTTP on a Unix socket.
///
///   GET /podinterfaces                     [{"podName", "podNamespace", "interfaceName", "ips",
///                                          "mac", "ofPort", "containerID"}]
///   GET /memberlist                        [{"nodeName", "ip", "status"}]
///   GET /serviceexternalip?namespace=&name=  [{"namespace", "serviceName", "externalIPPool",
///                                          "externalIP", "assignedNode"}]
///   GET /ovsflows?table=T&pod=NS/NAME      [{"flow", "table", "packets", "bytes"}]
///   GET /agentinfo                         {"nodeName", "version", …}
///   GET /healthz, /metrics                 text
struct RestSources {
  std::string node_name;
  const node::InterfaceStore& interfaces;
  openflow::Switch& the_switch;
  const node::Datapath& datapath;
  const MetricRegistry& metrics;
  const EgressAgent* egress = nullptr;  ///< null: this agent has nothing to do with Egress
  const NodePortLocalAgent* node_port_local = nullptr;  ///< null: it is not wanted
};

/// Errors: those of HttpServer::start.
Result<std::unique_ptr<kube::HttpServer>> serve_rest(boost::asio::any_io_executor executor,
                                                     const std::string& socket, RestSources sources,
                                                     Logger logger);

}  // namespace antrea::agent
