#include "cluster.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <filesystem>
#include <map>
#include <mutex>

#include "antrea/api/json.h"
#include "kubelet.h"

namespace antrea::lab {
namespace {

namespace json = boost::json;

class KubeCluster final : public Cluster {
 public:
  KubeCluster(const LabDir& dir, Logger log)
      : kubeconfig_(dir.kubeconfig()), log_(std::move(log)) {}

  Result<> begin(boost::asio::io_context& io, const LabDir& dir, Topology& topology,
                 const std::string& pins) {
    const std::string files = dir.path() + "/pods";
    std::error_code ec;
    std::filesystem::create_directories(files, ec);
    if (ec) return errno_error(ec.value(), "create", files);
    ANTREA_TRY(api_, ApiClient::open(kubeconfig_));
    for (auto& node : topology.nodes()) {
      kubelets_.emplace(
          node->host.name,
          std::make_unique<Kubelet>(io, *node, Kubelet::Places{kubeconfig_, pins, files}, log_));
    }
    ANTREA_TRY(services_watch_,
               ApiWatch::start(kubeconfig_, "/api/v1/services",
                               [this](WatchEvent event, const json::value& object) {
                                 on_service(event, object);
                               }));
    ANTREA_TRY(pods_watch_, ApiWatch::start(kubeconfig_, "/api/v1/pods",
                                            [this](WatchEvent event, const json::value& object) {
                                              on_pod(event, object);
                                            }));
    return {};
  }

  ~KubeCluster() override {
    pods_watch_.reset();
    services_watch_.reset();
  }

  Result<PodPlace> find_pod(const std::string& pod_namespace, const std::string& name) override {
    const std::string key = pod_namespace + "/" + name;
    std::string failure;
    for (const auto& [node, kubelet] : kubelets_) {
      if (auto pod = kubelet->find(key)) return PodPlace{pod->net, name, pod->resolv_conf};
      for (const auto& pod : kubelet->pods()) {
        if (pod.spec.key() == key) failure = pod.failure;
      }
    }
    return make_error(
        Errc::kNotFound,
        failure.empty() ? "no such Pod runs in this lab" : "it does not run: " + failure, key,
        "antrea-lab status lists the Pods");
  }

  json::array pods() override {
    std::map<std::string, json::object> sorted;
    {
      std::lock_guard lock(mutex_);
      for (const auto& [key, pod] : pods_)
        sorted[key] = {{"namespace", pod.pod_namespace},
                       {"name", pod.name},
                       {"node", pod.node},
                       {"phase", "Pending"}};
    }
    for (const auto& [node, kubelet] : kubelets_) {
      for (const auto& pod : kubelet->pods()) {
        json::object entry{{"namespace", pod.spec.pod_namespace},
                           {"name", pod.spec.name},
                           {"node", node},
                           {"phase", pod.net ? "Running" : "Pending"},
                           {"ports", encode(pod.spec.ports)}};
        if (!pod.addresses.empty()) entry["address"] = pod.addresses[0].to_string();
        if (!pod.failure.empty()) entry["message"] = pod.failure;
        sorted[pod.spec.key()] = std::move(entry);
      }
    }
    json::array out;
    for (auto& [key, entry] : sorted) out.push_back(std::move(entry));
    return out;
  }

  json::array services() override {
    std::lock_guard lock(mutex_);
    json::array out;
    for (const auto& [key, service] : services_) {
      if (service.cluster_ips.empty()) continue;
      std::vector<ResponderPort> ports;
      for (const auto& port : service.ports) {
        if (auto protocol = parse_protocol(api::to_string(port.protocol)))
          ports.push_back({static_cast<std::uint16_t>(port.port), *protocol});
      }
      out.push_back(json::object{{"namespace", service.metadata.namespace_},
                                 {"name", service.metadata.name},
                                 {"address", service.cluster_ips[0].to_string()},
                                 {"ports", encode(ports)}});
    }
    return out;
  }

  std::vector<IpAddress> lookup(const std::string& name) override {
    constexpr std::string_view kSuffix = ".svc.cluster.local";
    if (!name.ends_with(kSuffix)) return {};
    const std::string stem = name.substr(0, name.size() - kSuffix.size());
    const auto dot = stem.find('.');
    if (dot == std::string::npos || stem.find('.', dot + 1) != std::string::npos) return {};
    std::lock_guard lock(mutex_);
    const auto found = services_.find(stem.substr(dot + 1) + "/" + stem.substr(0, dot));
    if (found == services_.end()) return {};
    return found->second.cluster_ips;
  }

  bool ready() override {
    for (const auto& [name, kubelet] : kubelets_) {
      if (!kubelet->ready()) return false;
    }
    return true;
  }

 private:
  static json::array encode(const std::vector<ResponderPort>& ports) {
    json::array out;
    for (const auto& port : ports)
      out.push_back(json::object{{"port", port.port}, {"protocol", to_string(port.protocol)}});
    return out;
  }

  void on_service(WatchEvent event, const json::value& object) {
    if (event == WatchEvent::kSynced) return;
    auto service = api::decode_service(object);
    if (service.has_error()) return log_->warn("Service: {}", service.error().to_string());
    const std::string key = service->metadata.namespace_ + "/" + service->metadata.name;
    std::lock_guard lock(mutex_);
    if (event == WatchEvent::kDeleted) {
      services_.erase(key);
    } else {
      services_[key] = std::move(*service);
    }
  }

  void on_pod(WatchEvent event, const json::value& object) {
    if (event == WatchEvent::kSynced) return;
    auto pod = decode_pod_spec(object);
    if (pod.has_error()) return log_->warn("Pod: {}", pod.error().to_string());
    {
      std::lock_guard lock(mutex_);
      if (event == WatchEvent::kDeleted) {
        pods_.erase(pod->key());
      } else {
        pods_[pod->key()] = *pod;
      }
    }
    const auto kubelet = kubelets_.find(pod->node);
    if (kubelet != kubelets_.end()) {
      if (event == WatchEvent::kDeleted) {
        kubelet->second->remove(pod->key(), pod->uid);
      } else {
        kubelet->second->update(std::move(*pod));
      }
    } else if (event == WatchEvent::kChanged && pod->node.empty()) {
      place(*pod);
    }
  }

  /// The scheduler: binds a Pod that names no Node.
  void place(const PodSpec& pod) {
    if (pod.deleting) {
      (void)api_->remove(pod.path(), 0).has_error();  // no kubelet will
      return;
    }
    std::map<std::string, std::size_t> load;
    for (const auto& [name, kubelet] : kubelets_) load[name] = 0;
    {
      std::lock_guard lock(mutex_);
      for (const auto& [key, other] : pods_) {
        if (const auto node = load.find(other.node); node != load.end()) ++node->second;
      }
    }
    const std::string node = choose_node(load);
    auto bound = api_->create(
        pod.path() + "/binding",
        json::object{{"apiVersion", "v1"},
                     {"kind", "Binding"},
                     {"metadata", {{"name", pod.name}, {"namespace", pod.pod_namespace}}},
                     {"target", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", node}}}});
    if (bound.has_error() && bound.error().code != Errc::kConflict &&
        bound.error().code != Errc::kNotFound)
      log_->warn("place Pod {} on {}: {}", pod.key(), node, bound.error().to_string());
    std::lock_guard lock(mutex_);
    if (const auto there = pods_.find(pod.key()); bound && there != pods_.end())
      there->second.node = node;  // before the watch tells, so that the next one goes elsewhere
  }

  std::string kubeconfig_;
  Logger log_;
  std::unique_ptr<ApiClient> api_;  // the Pod watch's thread's
  std::map<std::string, std::unique_ptr<Kubelet>> kubelets_;
  std::mutex mutex_;
  std::map<std::string, PodSpec> pods_;           // guarded by mutex_
  std::map<std::string, api::Service> services_;  // guarded by mutex_
  std::unique_ptr<ApiWatch> services_watch_;
  std::unique_ptr<ApiWatch> pods_watch_;
};

}  // namespace

Result<std::unique_ptr<Cluster>> Cluster::start(boost::asio::io_context& io, const LabDir& dir,
                                                Topology& topology, const std::string& pins,
                                                Logger log) {
  auto out = std::make_unique<KubeCluster>(dir, std::move(log));
  ANTREA_CHECK(out->begin(io, dir, topology, pins));
  return std::unique_ptr<Cluster>(std::move(out));
}

}  // namespace antrea::lab
