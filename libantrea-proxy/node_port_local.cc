#include "antrea/proxy/node_port_local.h"

#include <algorithm>
#include <boost/json.hpp>
#include <tuple>

namespace antrea::proxy {

namespace json = boost::json;

namespace {

constexpr std::string_view kEnabledAnnotation = "nodeportlocal.antrea.io/enabled";

// What is exposed of a Pod, whatever its address.
struct PodPort {
  api::ObjectKey pod;
  Family family = Family::kIPv4;
  api::Protocol protocol = api::Protocol::kTcp;
  std::uint16_t port = 0;
  friend auto operator<=>(const PodPort&, const PodPort&) = default;
};

struct TargetPort {
  api::IntOrString port;
  api::Protocol protocol = api::Protocol::kTcp;
  friend auto operator<=>(const TargetPort&, const TargetPort&) = default;
};

struct Opening {  // what a Service opens of whom
  api::Labels selector;
  std::set<TargetPort> targets;
  friend bool operator==(const Opening&, const Opening&) = default;
};

struct PodState {
  api::Labels labels;
  std::vector<IpAddress> ips;
  std::vector<api::ContainerPort> ports;
  std::vector<Exposure> recovered;  // of its annotation, when it was first told of
  std::vector<Exposure> exposures;
  bool same_input(const PodState& other) const {
    return labels == other.labels && ips == other.ips && ports == other.ports;
  }
};

std::optional<Opening> read_service(const api::Service& service) {
  const auto enabled = service.metadata.annotations.find(kEnabledAnnotation);
  if (enabled == service.metadata.annotations.end() || enabled->second != "true") return {};
  if (service.type != api::ServiceType::kClusterIP &&
      service.type != api::ServiceType::kLoadBalancer)
    return {};
  if (service.selector.empty()) return {};
  Opening opening{service.selector, {}};
  for (const auto& port : service.ports) {
    if (port.protocol == api::Protocol::kSctp) continue;
    api::IntOrString target = port.target_port;
    if (!target.is_name() && target.number == 0) target.number = port.port;  // as the API says
    opening.targets.insert({std::move(target), port.protocol});
  }
  return opening;
}

bool selects(const api::Labels& selector, const api::Labels& labels) {
  return std::ranges::all_of(selector, [&](const auto& wanted) {
    const auto found = labels.find(wanted.first);
    return found != labels.end() && found->second == wanted.second;
  });
}

std::string describe(const PodPort& port) {
  return port.pod.to_string() + ":" + std::to_string(port.port) + "/" +
         std::string(api::to_string(port.protocol));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace

std::string to_annotation(const std::vector<Exposure>& exposures) {
  if (exposures.empty()) return {};
  json::array list;
  for (const auto& each : exposures)
    list.push_back(json::object{{"podPort", each.pod_port},
                                {"nodeIP", each.node_ip.to_string()},
                                {"nodePort", each.node_port},
                                {"protocol", lower(api::to_string(each.protocol))},
                                {"ipFamily", to_string(each.node_ip.family())}});
  return json::serialize(list);
}

Result<std::vector<Exposure>> parse_annotation(std::string_view text) {
  const auto malformed = [&](std::string_view what) {
    return make_error(Errc::kMalformed, "read the annotation " + std::string(what),
                      std::string(kExposuresAnnotation));
  };
  boost::system::error_code code;
  const json::value parsed = json::parse(text, code);
  if (code || !parsed.is_array()) return malformed(": expected a JSON array");
  std::vector<Exposure> out;
  for (const json::value& each : parsed.get_array()) {
    const json::object* const object = each.if_object();
    if (object == nullptr) return malformed(": expected objects");
    const auto number = [&](std::string_view key) {
      const auto* const value = object->if_contains(key);
      const auto* const whole = value == nullptr ? nullptr : value->if_int64();
      return whole == nullptr || *whole < 1 || *whole > 0xffff ? std::uint16_t{0}
                                                               : static_cast<std::uint16_t>(*whole);
    };
    const auto word = [&](std::string_view key) {
      const auto* const value = object->if_contains(key);
      return value != nullptr && value->is_string() ? std::string(value->get_string())
                                                    : std::string();
    };
    Exposure exposure{number("podPort"), {}, number("nodePort"), api::Protocol::kTcp};
    const auto ip = IpAddress::parse(word("nodeIP"));
    if (exposure.pod_port == 0 || exposure.node_port == 0 || !ip)
      return malformed(": expected podPort, nodePort and nodeIP");
    exposure.node_ip = *ip;
    const std::string protocol = word("protocol");
    if (protocol == "udp") exposure.protocol = api::Protocol::kUdp;
    if (!protocol.empty() && protocol != "udp" && protocol != "tcp")
      return malformed(": expected protocol tcp or udp");
    out.push_back(exposure);
  }
  std::ranges::sort(out);
  return out;
}

struct NodePortLocal::Impl {
  explicit Impl(NodePortLocalConfig c) : config(std::move(c)) {}

  NodePortLocalConfig config;
  std::map<Family, IpAddress> node_ips;
  std::map<api::ObjectKey, Opening> services;
  std::map<api::ObjectKey, PodState> pods;
  std::map<PodPort, std::uint16_t> given;
  std::map<LocalPort, Backend> ports;  // translated
  std::set<LocalPort> refused;         // by somebody else; until the search comes round
  std::map<Family, std::uint16_t> last_given;
  std::set<api::ObjectKey> without;  // Pods for which no port was left

  std::set<std::pair<std::uint16_t, api::Protocol>> wanted_ports(const api::ObjectKey& key,
                                                                 const PodState& pod) const {
    std::set<std::pair<std::uint16_t, api::Protocol>> out;
    // Services of the Pod's Namespace stand together.
    for (auto at = services.lower_bound({key.namespace_, ""});
         at != services.end() && at->first.namespace_ == key.namespace_; ++at) {
      if (!selects(at->second.selector, pod.labels)) continue;
      for (const auto& [target, protocol] : at->second.targets)
        if (!target.is_name())
          out.emplace(static_cast<std::uint16_t>(target.number), protocol);
        else
          for (const auto& port : pod.ports)
            if (port.name == target.name && port.protocol == protocol)
              out.emplace(static_cast<std::uint16_t>(port.container_port), protocol);
    }
    return out;
  }

  std::uint16_t host_port(const PodState& pod, std::uint16_t number, api::Protocol protocol) const {
    for (const auto& port : pod.ports)
      if (port.container_port == number && port.protocol == protocol && port.host_port > 0)
        return static_cast<std::uint16_t>(port.host_port);
    return 0;
  }

  bool free(const LocalPort& port) const {
    return !ports.contains(port) && !refused.contains(port);
  }

  // 0: there is none.
  std::uint16_t choose(const PodPort& wanted, const PodState& pod) {
    const auto as_before = std::ranges::find_if(pod.recovered, [&](const Exposure& old) {
      return old.pod_port == wanted.port && old.protocol == wanted.protocol &&
             old.node_ip.family() == wanted.family && old.node_port >= config.first_port &&
             old.node_port <= config.last_port &&
             free({wanted.family, wanted.protocol, old.node_port});
    });
    if (as_before != pod.recovered.end()) return as_before->node_port;
    const auto [last, fresh] = last_given.try_emplace(wanted.family, config.last_port);
    const unsigned count = config.last_port - config.first_port + 1U;
    for (unsigned step = 1; step <= count; ++step) {
      const unsigned offset = (last->second - config.first_port + step) % count;
      const LocalPort candidate{wanted.family, wanted.protocol,
                                static_cast<std::uint16_t>(config.first_port + offset)};
      if (!free(candidate)) continue;
      if (candidate.port <= last->second) refused.clear();  // once round
      return last->second = candidate.port;
    }
    refused.clear();
    return 0;
  }

  void close(const PodPort& port, NodePortLocalOutcome& out) {
    const auto found = given.find(port);
    const LocalPort local{port.family, port.protocol, found->second};
    ports.erase(local);
    if (out.open.erase(local) == 0) out.close.push_back(local);
    given.erase(found);
  }

  void open(const PodPort& port, const Backend& backend, const PodState& pod,
            NodePortLocalOutcome& out) {
    auto at = given.find(port);
    if (at == given.end()) {
      const std::uint16_t number = choose(port, pod);
      if (number == 0) {
        without.insert(port.pod);
        return out.exhausted.push_back(describe(port));
      }
      at = given.emplace(port, number).first;
    }
    const LocalPort local{port.family, port.protocol, at->second};
    const auto [place, fresh] = ports.try_emplace(local, backend);
    if (!fresh && place->second == backend) return;
    if (!fresh && !out.open.contains(local)) out.close.push_back(local);  // the Pod's new address
    place->second = backend;
    out.open.insert_or_assign(local, backend);
  }

  // Brings what there is for a Pod in line; absent: it is gone.
  void settle(const api::ObjectKey& key, NodePortLocalOutcome& out) {
    const auto found = pods.find(key);
    std::set<PodPort> wanted;
    std::vector<Exposure> exposures;
    if (found != pods.end()) {
      const PodState& pod = found->second;
      for (const auto& [number, protocol] : wanted_ports(key, pod))
        for (const IpAddress& ip : pod.ips) {
          const auto node_ip = node_ips.find(ip.family());
          if (node_ip == node_ips.end()) continue;
          const PodPort port{key, ip.family(), protocol, number};
          if (const auto host = host_port(pod, number, protocol); host != 0) {
            exposures.push_back({number, node_ip->second, host, protocol});
            continue;
          }
          wanted.insert(port);
          open(port, {ip, number}, pod, out);
          if (const auto given_port = given.find(port); given_port != given.end())
            exposures.push_back({number, node_ip->second, given_port->second, protocol});
        }
    }
    for (auto at = given.lower_bound({key, Family::kIPv4, {}, 0});
         at != given.end() && at->first.pod == key;) {
      const PodPort port = (at++)->first;
      if (!wanted.contains(port)) close(port, out);
    }
    std::ranges::sort(exposures);
    if (found == pods.end()) return;
    PodState& pod = found->second;
    // What the annotation says already need not be said again.
    const auto& said = pod.exposures.empty() ? pod.recovered : pod.exposures;
    if (exposures != said) out.annotate.insert(key);
    pod.recovered.clear();
    pod.exposures = std::move(exposures);
  }

  // What has been closed goes to those who wait.
  NodePortLocalOutcome finish(NodePortLocalOutcome out) {
    if (out.close.empty()) return out;
    for (const auto& key : std::exchange(without, {})) settle(key, out);
    return out;
  }

  template <typename Condition>
  NodePortLocalOutcome settle_all(Condition concerned) {
    NodePortLocalOutcome out;
    for (const auto& [key, pod] : pods)
      if (concerned(key, pod)) settle(key, out);
    return finish(std::move(out));
  }

  // Whether anything is new about it.
  bool take(const api::Pod& pod) {
    const api::ObjectKey key = api::key_of(pod.metadata);
    if (pod.node_name != config.node_name || pod.host_network || pod.terminated())
      return pods.erase(key) != 0;
    PodState now{pod.metadata.labels, pod.pod_ips, {}, {}, {}};
    for (const auto& container : pod.containers)
      now.ports.insert(now.ports.end(), container.ports.begin(), container.ports.end());
    const auto [place, fresh] = pods.try_emplace(key);
    if (!fresh && place->second.same_input(now)) return false;
    if (!fresh) {
      now.exposures = std::move(place->second.exposures);
    } else if (const auto said = pod.metadata.annotations.find(kExposuresAnnotation);
               said != pod.metadata.annotations.end()) {
      if (auto recovered = parse_annotation(said->second)) now.recovered = *std::move(recovered);
    }
    place->second = std::move(now);
    return true;
  }

  NodePortLocalOutcome set_service(const api::ObjectKey& key, std::optional<Opening> now) {
    const auto found = services.find(key);
    std::optional<Opening> old;
    if (found != services.end()) old = found->second;
    if (old == now) return {};
    if (now)
      services.insert_or_assign(key, *now);
    else
      services.erase(found);
    return settle_all([&](const api::ObjectKey& pod, const PodState& state) {
      return pod.namespace_ == key.namespace_ && ((old && selects(old->selector, state.labels)) ||
                                                  (now && selects(now->selector, state.labels)));
    });
  }
};

NodePortLocal::NodePortLocal(NodePortLocalConfig config)
    : impl_(std::make_unique<Impl>(std::move(config))) {}
NodePortLocal::~NodePortLocal() = default;

NodePortLocalOutcome NodePortLocal::set_node_ips(const std::vector<IpAddress>& ips) {
  std::map<Family, IpAddress> now;
  for (const IpAddress& ip : ips) now.try_emplace(ip.family(), ip);
  if (now == impl_->node_ips) return {};
  impl_->node_ips = std::move(now);
  return impl_->settle_all([](const auto&, const auto&) { return true; });
}

NodePortLocalOutcome NodePortLocal::apply(const api::Service& service) {
  return impl_->set_service(api::key_of(service.metadata), read_service(service));
}
NodePortLocalOutcome NodePortLocal::remove_service(const api::ObjectKey& key) {
  return impl_->set_service(key, {});
}

NodePortLocalOutcome NodePortLocal::apply(std::span<const api::Pod> pods) {
  NodePortLocalOutcome out;
  // Those with a port from before first, or another could take it.
  std::set<api::ObjectKey> first, then;
  for (const auto& pod : pods) {
    const auto key = api::key_of(pod.metadata);
    const bool told = !exposures(key).empty();
    if (!impl_->take(pod)) continue;
    const auto found = impl_->pods.find(key);
    const bool ended = found == impl_->pods.end();
    if (ended && told) out.annotate.insert(key);
    (!ended && !found->second.recovered.empty() ? first : then).insert(key);
  }
  for (const auto& key : first) impl_->settle(key, out);
  for (const auto& key : then) impl_->settle(key, out);
  return impl_->finish(std::move(out));
}

NodePortLocalOutcome NodePortLocal::remove_pod(const api::ObjectKey& key) {
  NodePortLocalOutcome out;
  if (impl_->pods.erase(key) != 0) impl_->settle(key, out);
  return impl_->finish(std::move(out));
}

NodePortLocalOutcome NodePortLocal::refuse(const LocalPort& port) {
  NodePortLocalOutcome out;
  const auto owner = std::ranges::find_if(impl_->given, [&](const auto& each) {
    return LocalPort{each.first.family, each.first.protocol, each.second} == port;
  });
  if (owner == impl_->given.end()) return out;
  impl_->refused.insert(port);
  const api::ObjectKey pod = owner->first.pod;
  impl_->ports.erase(port);
  impl_->given.erase(owner);
  impl_->settle(pod, out);
  return impl_->finish(std::move(out));
}

NodePortLocalOutcome NodePortLocal::try_again() {
  NodePortLocalOutcome out;
  for (const auto& key : std::exchange(impl_->without, {})) impl_->settle(key, out);
  return out;
}

std::vector<Exposure> NodePortLocal::exposures(const api::ObjectKey& pod) const {
  const auto found = impl_->pods.find(pod);
  return found == impl_->pods.end() ? std::vector<Exposure>() : found->second.exposures;
}

const std::map<LocalPort, Backend>& NodePortLocal::ports() const { return impl_->ports; }

}  // namespace antrea::proxy
