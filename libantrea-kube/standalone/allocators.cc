#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "../schema/json.h"
#include "../schema/rules.h"
#include "antrea/base/hash.h"
#include "antrea/kube/standalone.h"

namespace antrea::kube {
namespace {

using boost::json::array;
using boost::json::object;

constexpr Duration kHold = std::chrono::minutes(1);

std::string key_of(const object& object) {
  return fmt::format("{}/{}", text_at(object, "metadata.namespace"),
                     text_at(object, "metadata.name"));
}

bool is_external(std::string_view type) { return type == "NodePort" || type == "LoadBalancer"; }

/// Addresses of a range, without the first two (the network's own and that of the Service
/// `kubernetes`) and IPv4's last.
struct Pool {
  IpPrefix range;

  std::uint64_t size() const {
    const auto all = range.address().distance_to(range.last());
    return all < 3 ? 0 : all - (range.family() == Family::kIPv4 ? 2 : 1);
  }
  IpAddress at(std::uint64_t index) const { return range.address().plus(2 + index); }
};

}  // namespace

/// Takes addresses and ports for one Service, and gives them back unless all went well.
class ServiceAllocator::Transaction {
 public:
  Transaction(ServiceAllocator& owner, std::string key) : owner_(owner), key_(std::move(key)) {}

  Holding taken;
  FieldErrors errors;

  void take_requested(const IpAddress& ip, const array& shown) {
    const auto refuse = [&](std::string_view why) {
      std::string list;
      for (const auto& each : shown)
        list += (list.empty() ? "" : ", ") + boost::json::serialize(each);
      errors.invalid("spec.clusterIPs", fmt::format("[]string{{{}}}", list),
                     fmt::format("failed to allocate IP {}: {}", ip.to_string(), why));
    };
    const auto range = std::ranges::find(owner_.options_.ranges, ip.family(), &IpPrefix::family);
    if (range == owner_.options_.ranges.end() || !range->contains(ip)) {
      refuse(fmt::format(
          "the provided IP ({}) is not in the valid range. The range of valid IPs is {}",
          ip.to_string(), range == owner_.options_.ranges.end() ? "" : range->to_string()));
    } else if (!is_free(ip)) {
      refuse("provided IP is already allocated");
    } else {
      taken.addresses.insert(ip);
    }
  }

  std::optional<IpAddress> take_any(Family family) {
    const auto range = std::ranges::find(owner_.options_.ranges, family, &IpPrefix::family);
    const Pool pool{range == owner_.options_.ranges.end() ? IpPrefix{} : *range};
    if (range == owner_.options_.ranges.end()) {
      errors.invalid("spec.ipFamilies", fmt::format("[{}]", quoted(to_string(family))),
                     "not configured on this cluster");
      return {};
    }
    const auto start = stable_hash(key_);
    // Twice as many probes as addresses may be in use reach all of a pool that is not huge.
    const auto probes = std::min<std::uint64_t>(pool.size(), owner_.addresses_.size() + 1);
    for (std::uint64_t i = 0; i < probes; ++i) {
      const auto ip = pool.at((start % pool.size() + i) % pool.size());
      if (!is_free(ip)) continue;
      taken.addresses.insert(ip);
      return ip;
    }
    errors.invalid("spec.clusterIPs", "[]string(nil)",
                   "failed to allocate a serviceIP: range is full");
    return {};
  }

  void take_port(std::int64_t port, const std::string& field) {
    const auto& options = owner_.options_;
    if (port < options.first_node_port || port > options.last_node_port) {
      errors.invalid(
          field, fmt::to_string(port),
          fmt::format("provided port is not in the valid range. The range of valid ports is {}-{}",
                      options.first_node_port, options.last_node_port));
    } else if (!is_free(static_cast<std::uint16_t>(port))) {
      errors.invalid(field, fmt::to_string(port), "provided port is already allocated");
    } else {
      taken.node_ports.insert(static_cast<std::uint16_t>(port));
    }
  }

  std::optional<std::uint16_t> take_any_port(const std::string& field, std::string_view salt) {
    const auto& options = owner_.options_;
    const std::uint64_t count = options.last_node_port - options.first_node_port + 1U;
    const auto start = stable_hash(fmt::format("{} {}", key_, salt)) % count;
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto port = static_cast<std::uint16_t>(options.first_node_port + (start + i) % count);
      if (!is_free(port) || taken.node_ports.contains(port)) continue;
      taken.node_ports.insert(port);
      return port;
    }
    errors.invalid(field, "0", "failed to allocate a nodePort: range is full");
    return {};
  }

 private:
  bool is_free(const IpAddress& ip) const {
    const auto at = owner_.addresses_.find(ip);
    return at == owner_.addresses_.end() || at->second == key_;
  }
  bool is_free(std::uint16_t port) const {
    const auto at = owner_.node_ports_.find(port);
    return at == owner_.node_ports_.end() || at->second == key_;
  }

  ServiceAllocator& owner_;
  std::string key_;
};

ServiceAllocator::ServiceAllocator(Options options) : options_(std::move(options)) {}

std::vector<FieldError> ServiceAllocator::admit(object& service, const object* old, TimePoint now) {
  for (auto it = holdings_.begin(); it != holdings_.end();) {
    const auto expired = it->second.until && *it->second.until <= now;
    const auto key = (it++)->first;
    if (expired) release(key);
  }
  auto* spec = object_if(service, "spec");
  if (spec == nullptr) return {};
  const std::string type(text_at(*spec, "type"));
  if (type == "ExternalName") return {};
  const auto key = key_of(service);
  // What the stored Service holds stays its own until its new state is observed.
  Transaction transaction(*this, key);

  const bool headless = text_at(*spec, "clusterIP") == "None";
  const auto* ips = array_at(*spec, "clusterIPs");
  if (!headless && ips != nullptr && !ips->empty()) {
    for (const auto& ip : *ips) {
      if (const auto address = ip.is_string() ? IpAddress::parse(ip.get_string())
                                              : Result<IpAddress>(make_error(Errc::kMalformed, "")))
        transaction.take_requested(*address, *ips);
    }
  } else if (!headless) {
    auto* families = array_at(*spec, "ipFamilies");
    array wanted = families == nullptr ? array{} : *families;
    if (wanted.size() == 1 && options_.ranges.size() == 1)
      wanted = {boost::json::value(std::string(to_string(options_.ranges.front().family())))};
    const auto policy = text_at(*spec, "ipFamilyPolicy");
    if (wanted.size() == 1 && options_.ranges.size() == 2 && policy.ends_with("DualStack"))
      wanted.push_back(boost::json::value(wanted[0].as_string() == "IPv4" ? "IPv6" : "IPv4"));
    array given;
    for (const auto& family : wanted) {
      const bool v6 = family.is_string() && family.get_string() == "IPv6";
      if (const auto ip = transaction.take_any(v6 ? Family::kIPv6 : Family::kIPv4))
        given.push_back(boost::json::value(ip->to_string()));
    }
    if (!given.empty()) {
      const boost::json::value first = given[0];
      (*spec)["clusterIP"] = first;
      (*spec)["clusterIPs"] = std::move(given);
      (*spec)["ipFamilies"] = std::move(wanted);
    }
  }

  const bool wants_ports =
      type == "NodePort" ||
      (type == "LoadBalancer" && flag_at(*spec, "allocateLoadBalancerNodePorts", true));
  std::map<std::int64_t, std::uint16_t> of_port;  // TCP and UDP of one port share a node port
  int index = 0;
  for_each_object(*spec, "ports", [&](object& port) {
    const auto field = fmt::format("spec.ports[{}].nodePort", index++);
    const auto number = integer_at(port, "port");
    if (const auto requested = integer_at(port, "nodePort"); requested != 0) {
      if (is_external(type)) transaction.take_port(requested, field);
    } else if (wants_ports) {
      const auto shared = of_port.find(number);
      const auto chosen = shared != of_port.end()
                              ? std::optional(shared->second)
                              : transaction.take_any_port(field, fmt::to_string(number));
      if (chosen) {
        port["nodePort"] = *chosen;
        of_port.emplace(number, *chosen);
      }
    }
  });
  if (type == "LoadBalancer" && text_at(*spec, "externalTrafficPolicy") == "Local") {
    const std::string field = "spec.healthCheckNodePort";
    if (const auto requested = integer_at(*spec, "healthCheckNodePort"); requested != 0)
      transaction.take_port(requested, field);
    else if (const auto chosen = transaction.take_any_port(field, "health"))
      (*spec)["healthCheckNodePort"] = *chosen;
  }

  if (!transaction.errors.empty()) return transaction.errors.take();
  if (old != nullptr) {  // keep what is stored as well: the write may still fail
    if (const auto at = holdings_.find(key); at != holdings_.end()) {
      transaction.taken.addresses.insert(at->second.addresses.begin(), at->second.addresses.end());
      transaction.taken.node_ports.insert(at->second.node_ports.begin(),
                                          at->second.node_ports.end());
    }
  } else {
    transaction.taken.until = now + kHold;
  }
  release(key);
  hold(key, std::move(transaction.taken));
  return {};
}

void ServiceAllocator::observe(const object& service, bool deleted) {
  const auto key = key_of(service);
  release(key);
  if (deleted) return;
  Holding holding;
  if (const auto* ips = array_at(service, "spec.clusterIPs")) {
    for (const auto& ip : *ips) {
      if (!ip.is_string()) continue;
      if (const auto address = IpAddress::parse(ip.get_string()))
        holding.addresses.insert(*address);
    }
  }
  for_each_object(service, "spec.ports", [&](const object& port) {
    if (const auto number = integer_at(port, "nodePort"); number > 0 && number <= 65535)
      holding.node_ports.insert(static_cast<std::uint16_t>(number));
  });
  if (const auto number = integer_at(service, "spec.healthCheckNodePort");
      number > 0 && number <= 65535)
    holding.node_ports.insert(static_cast<std::uint16_t>(number));
  hold(key, std::move(holding));
}

void ServiceAllocator::release(std::string_view key) {
  const auto at = holdings_.find(key);
  if (at == holdings_.end()) return;
  for (const auto& ip : at->second.addresses)
    if (const auto held = addresses_.find(ip); held != addresses_.end() && held->second == key)
      addresses_.erase(held);
  for (const auto port : at->second.node_ports)
    if (const auto held = node_ports_.find(port); held != node_ports_.end() && held->second == key)
      node_ports_.erase(held);
  holdings_.erase(at);
}

void ServiceAllocator::hold(const std::string& key, Holding holding) {
  for (const auto& ip : holding.addresses) addresses_.emplace(ip, key);
  for (const auto port : holding.node_ports) node_ports_.emplace(port, key);
  holdings_.insert_or_assign(key, std::move(holding));
}

bool NodeCidrAllocator::is_free(const IpPrefix& subnet) const {
  return std::ranges::none_of(holdings_, [&](const auto& holding) {
    return std::ranges::any_of(holding.second.subnets,
                               [&](const IpPrefix& held) { return held.overlaps(subnet); });
  });
}

std::vector<FieldError> NodeCidrAllocator::admit(object& node, TimePoint now) {
  std::erase_if(holdings_, [&](const auto& holding) {
    return holding.second.until && *holding.second.until <= now;
  });
  const std::string name(text_at(node, "metadata.name"));
  if (!text_at(node, "spec.podCIDR").empty()) return {};
  holdings_.erase(name);  // an attempt that came to nothing
  Holding holding;
  holding.until = now + kHold;
  for (const auto& range : ranges_) {
    const auto length = std::max(range.node_length, range.whole.length());
    bool found = false;
    // Subnets in use block at most one candidate each, or a run of them that is stepped over.
    for (IpPrefix subnet(range.whole.address(), length);;) {
      if (is_free(subnet)) {
        holding.subnets.push_back(subnet);
        found = true;
        break;
      }
      const auto next = subnet.last().plus(1);
      if (subnet.last() == range.whole.last() || !range.whole.contains(next)) break;
      subnet = IpPrefix(next, length);
    }
    if (!found) {
      FieldErrors errors;
      errors.invalid("spec.podCIDR", "\"\"",
                     fmt::format("no /{} is left in the cluster's Pod range {}", length,
                                 range.whole.to_string()));
      return errors.take();
    }
  }
  if (holding.subnets.empty()) return {};
  auto& spec = ensure_object(node, "spec");
  array cidrs;
  for (const auto& subnet : holding.subnets)
    cidrs.push_back(boost::json::value(subnet.to_string()));
  spec["podCIDR"] = holding.subnets.front().to_string();
  spec["podCIDRs"] = std::move(cidrs);
  holdings_.insert_or_assign(name, std::move(holding));
  return {};
}

void NodeCidrAllocator::observe(const object& node, bool deleted) {
  const std::string name(text_at(node, "metadata.name"));
  holdings_.erase(name);
  if (deleted) return;
  Holding holding;
  if (const auto* cidrs = array_at(node, "spec.podCIDRs")) {
    for (const auto& cidr : *cidrs) {
      if (!cidr.is_string()) continue;
      if (const auto prefix = IpPrefix::parse(cidr.get_string()))
        holding.subnets.push_back(*prefix);
    }
  }
  if (!holding.subnets.empty()) holdings_.insert_or_assign(name, std::move(holding));
}

}  // namespace antrea::kube
