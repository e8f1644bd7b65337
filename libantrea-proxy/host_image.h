#pragma once

#include <map>
#include <optional>
#include <utility>

#include "antrea/proxy/service_types.h"

namespace antrea::proxy {

/// Keeps what the host shall have in step with the frontends that are served.
class HostImage {
 public:
  explicit HostImage(bool enabled) : enabled_(enabled) {}

  const HostServices& services() const { return services_; }

  void add(const Frontend& frontend, FrontendKind kind) {
    if (!enabled_) return;
    const Family family = frontend.ip.family();
    if (kind == FrontendKind::kNodePort) {
      services_.node_ports.insert({family, frontend.protocol, frontend.port});
      changed_ = true;
    } else if (auto& ports = ports_of(kind)[frontend.ip]; ports++ == 0) {
      if (kind != FrontendKind::kClusterIp) services_.external_ips.insert(frontend.ip);
      cover(kind, family);
    }
  }

  void remove(const Frontend& frontend, FrontendKind kind) {
    if (!enabled_) return;
    const Family family = frontend.ip.family();
    if (kind == FrontendKind::kNodePort) {
      services_.node_ports.erase({family, frontend.protocol, frontend.port});
      changed_ = true;
    } else if (const auto found = ports_of(kind).find(frontend.ip); --found->second == 0) {
      ports_of(kind).erase(found);
      if (kind != FrontendKind::kClusterIp) services_.external_ips.erase(frontend.ip);
      cover(kind, family);
    }
  }

  void set_health_check(const api::ObjectKey& service, const std::optional<HealthCheck>& check) {
    const auto found = services_.health_checks.find(service);
    if (!check) {
      changed_ |= services_.health_checks.erase(service) != 0;
    } else if (found == services_.health_checks.end() || found->second != *check) {
      services_.health_checks.insert_or_assign(service, *check);
      changed_ = true;
    }
  }

  /// Whether anything has changed since the last time.
  bool take_changed() { return std::exchange(changed_, false); }

 private:
  using Ports = std::map<IpAddress, unsigned>;  // -> how many frontends

  // A load balancer's address may be an external IP too; for the host they are one.
  Ports& ports_of(FrontendKind kind) {
    return kind == FrontendKind::kClusterIp ? cluster_ips_ : external_ips_;
  }

  // The addresses are in order, so what the first and the last share they all share.
  void cover(FrontendKind kind, Family family) {
    if (kind != FrontendKind::kClusterIp) {
      changed_ = true;
      return;
    }
    const bool v4 = family == Family::kIPv4;
    const auto first_v6 = cluster_ips_.lower_bound(IpAddress::v6({}));
    const auto begin = v4 ? cluster_ips_.begin() : first_v6;
    const auto end = v4 ? first_v6 : cluster_ips_.end();
    auto& prefix = v4 ? services_.cluster_ips_v4 : services_.cluster_ips_v6;
    std::optional<IpPrefix> now;
    if (begin != end) {
      const IpAddress& last = std::prev(end)->first;
      unsigned length = last.width();
      if (prefix && prefix->contains(begin->first) && prefix->contains(last))
        length = prefix->length();
      while (!IpPrefix(begin->first, length).contains(last)) --length;
      while (length < last.width() && IpPrefix(begin->first, length + 1).contains(last)) ++length;
      now = IpPrefix(begin->first, length);
    }
    if (now == prefix) return;
    prefix = now;
    changed_ = true;
  }

  bool enabled_;
  bool changed_ = false;
  HostServices services_;
  Ports cluster_ips_, external_ips_;
};

}  // namespace antrea::proxy
