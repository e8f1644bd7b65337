#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <optional>
#include <vector>

#include "frontend_hash.h"
#include "host_image.h"
#include "service_state.h"

namespace antrea::proxy {

/// The frontends that Services want, who has each of them, and the flows that lead them to groups.
class FrontendImage {
 public:
  /// `node` outlives this.
  FrontendImage(bool proxy_all, const NodeFacts& node) : node_(node), host_(proxy_all) {}

  /// Room for so many more, where they are known to come.
  void reserve(std::size_t more);

  /// What a Service that has been compiled anew wants, in place of the old.
  void replace(ServiceState& service, const CompiledService& old);
  /// Endpoints of a Service's frontends of UDP, by place in `CompiledService::serving`, that are to
  /// be cut off.
  void cut_off(const ServiceState& service, std::uint32_t serving,
               const std::vector<Backend>& backends);
  /// The groups behind a Service's frontends have other numbers.
  void renumber(const ServiceState& service);

  /// What has come of it since the last time. The stale connections ascend, each once.
  void show(openflow::Changes& out, std::vector<StaleConnections>& stale);

  const ServiceState* holder(const Frontend& at) const;
  std::size_t cluster_ip_count(Family family) const {
    return family == Family::kIPv4 ? cluster_ips_v4_ : cluster_ips_v6_;
  }
  HostImage& host() { return host_; }
  const HostImage& host() const { return host_; }

 private:
  struct State {
    std::vector<ServiceState*> claims;  // who wants it
    ServiceState* holder = nullptr;     // who has it in the switch; null: nobody
    FrontendKind kind = FrontendKind::kClusterIp;
    FrontendFlows shown;  // groups by ID
    bool touched = false;
  };

  State& touch(const Frontend& at);
  void forget(const Frontend& at, std::optional<IpAddress> endpoint);
  void count(const Frontend& at, FrontendKind kind, int by);
  void show_one(const Frontend& at, openflow::Changes& out);

  const NodeFacts& node_;
  boost::unordered_flat_map<Frontend, State, FrontendHash> frontends_;
  std::vector<Frontend> touched_;
  std::vector<StaleConnections> stale_;
  HostImage host_;
  std::size_t cluster_ips_v4_ = 0, cluster_ips_v6_ = 0;
};

}  // namespace antrea::proxy
