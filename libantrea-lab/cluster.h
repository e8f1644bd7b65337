#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <memory>
#include <string>
#include <vector>

#include "antrea/base/log.h"
#include "antrea/lab/lab_dir.h"
#include "antrea/lab/topology.h"

namespace antrea::lab {

/// The Kubernetes side of a lab: a kubelet for each Node, the placing of Pods, and the names of
/// Services. It has a thread of its own for what blocks (the CNI plugin); all methods may be called
/// from any thread.
class Cluster {
 public:
  virtual ~Cluster() = default;

  struct PodPlace {
    std::shared_ptr<const NetNamespace> net;
    std::string host_name;
    std::string resolv_conf;  ///< a file to show as /etc/resolv.conf
  };
  /// Error: kNotFound when no such Pod runs.
  virtual Result<PodPlace> find_pod(const std::string& pod_namespace, const std::string& name) = 0;
  /// For `status`: namespace, name, node, phase, address, ports.
  virtual boost::json::array pods() = 0;
  /// For `status`: namespace, name, address, ports; those with a cluster IP.
  virtual boost::json::array services() = 0;
  /// For the name server: Services by their cluster names.
  virtual std::vector<IpAddress> lookup(const std::string& name) = 0;
  /// All Nodes are registered and Ready.
  virtual bool ready() = 0;

  static constexpr const char* kDomain = "cluster.local";

  /// `pins` is a folder in which network namespaces may be pinned so that every Node sees them.
  static Result<std::unique_ptr<Cluster>> start(boost::asio::io_context& io, const LabDir& dir,
                                                Topology& topology, const std::string& pins,
                                                Logger log);
};

}  // namespace antrea::lab
