#pragma once

#include <boost/json/value.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "antrea/base/ip.h"
#include "antrea/base/log.h"
#include "antrea/lab/responder.h"
#include "antrea/lab/topology.h"
#include "api_client.h"

namespace antrea::lab {

/// What the kubelet reads of a Pod.
struct PodSpec {
  std::string pod_namespace, name, uid;
  std::string node;  ///< empty: not placed yet
  std::vector<ResponderPort> ports;
  std::vector<std::string> containers, images;
  bool host_network = false;
  bool deleting = false;
  std::string key() const { return pod_namespace + "/" + name; }
  std::string path() const { return "/api/v1/namespaces/" + pod_namespace + "/pods/" + name; }
};
/// What a responder answers on where the Pod declares nothing for a port: 80 (TCP and UDP) and
/// 8080.
Result<PodSpec> decode_pod_spec(const boost::json::value& pod);

/// The Node with the fewest Pods, the first by name among equals. Empty without Nodes.
std::string choose_node(const std::map<std::string, std::size_t>& pods_by_node);

/// A Pod as it runs.
struct RunningPod {
  PodSpec spec;
  std::string container_id;
  std::shared_ptr<const NetNamespace> net;
  std::string pin;          ///< the namespace's path
  std::string resolv_conf;  ///< a file
  std::vector<IpAddress> addresses;
  std::string failure;  ///< why it does not run yet
};

/// One Node's kubelet: keeps the Node object, and makes the Pods that are bound to the Node run.
/// Has a thread, as CNI calls block. What cannot be done now is tried again, less and less often.
class Kubelet {
 public:
  struct Places {
    std::string kubeconfig;
    std::string pins;   ///< folder for pins of namespaces
    std::string files;  ///< folder for the Pods' files
  };
  Kubelet(boost::asio::io_context& io, Node& node, Places places, Logger log);
  ~Kubelet();

  /// A Pod of this Node has appeared or changed; it is gone.
  void update(PodSpec pod);
  void remove(const std::string& key, const std::string& uid);

  std::optional<RunningPod> find(const std::string& key) const;
  std::vector<RunningPod> pods() const;
  bool ready() const;
  const std::string& name() const { return node_.host.name; }

 private:
  struct Work {
    PodSpec spec;
    bool gone = false;  ///< the object is deleted
    unsigned failures = 0;
    std::chrono::steady_clock::time_point due{};
  };

  void run();
  Result<> register_node();
  Result<> work_on(Work& work);
  Result<> start_pod(const PodSpec& spec);
  Result<> stop_pod(const std::string& key);
  Result<> call_cni(const std::string& command, const RunningPod& pod, std::string* out);
  Result<> report(const RunningPod& pod);
  Result<> start_responder(const RunningPod& pod);

  boost::asio::io_context& io_;
  Node& node_;
  Places places_;
  Logger log_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, Work> work_;        // by Pod; guarded by mutex_
  std::map<std::string, RunningPod> pods_;  // guarded by mutex_; changed by the thread only
  bool ready_ = false;                      // guarded by mutex_
  bool stopping_ = false;                   // guarded by mutex_

  std::unique_ptr<ApiClient> api_;                                // the thread's
  std::map<std::string, std::unique_ptr<Responder>> responders_;  // touched on io_ only
  std::thread thread_;
};

}  // namespace antrea::lab
