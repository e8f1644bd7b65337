#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "antrea/base/ip.h"
#include "json.h"
#include "rules.h"

namespace antrea::kube {
namespace {

using boost::json::object;

constexpr int kAffinitySeconds = 10800;
constexpr int kMaxAffinitySeconds = 86400;

bool has_cluster_ip(std::string_view type) { return type != "ExternalName"; }
bool is_external(std::string_view type) { return type == "NodePort" || type == "LoadBalancer"; }

/// clusterIP and the first of clusterIPs are the same field, older and newer.
void unify_cluster_ips(object& spec) {
  const std::string single(text_at(spec, "clusterIP"));
  auto* list = spec.if_contains("clusterIPs");
  const bool has_list = list != nullptr && list->is_array() && !list->get_array().empty();
  if (!single.empty() && !has_list) {
    spec["clusterIPs"] = boost::json::array{single};
  } else if (single.empty() && has_list && list->get_array().front().is_string()) {
    const boost::json::value first = list->get_array().front();
    spec["clusterIP"] = first;
  }
}

bool has_health_check(const object& spec) {
  return text_at(spec, "type") == "LoadBalancer" &&
         text_at(spec, "externalTrafficPolicy") == "Local";
}

std::set<std::int64_t> node_ports_of(const object& spec) {
  std::set<std::int64_t> all;
  for_each_object(spec, "ports", [&](const object& port) {
    if (const auto number = integer_at(port, "nodePort"); number != 0) all.insert(number);
  });
  return all;
}

/// What a Service's new type has no use for goes, unless the update sets it anew, which is an error
/// then (kubernetes: pkg/registry/core/service/strategy.go, dropTypeDependentFields).
void drop_unused(object& spec, const object& old_spec) {
  const auto type = text_at(spec, "type"), old_type = text_at(old_spec, "type");
  const auto drop = [&](const char* key) {
    const auto *now = value_at(spec, key), *before = value_at(old_spec, key);
    if (now != nullptr && before != nullptr && *now == *before) spec.erase(key);
  };
  if (has_cluster_ip(old_type) && !has_cluster_ip(type))
    for (const auto* key : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"}) drop(key);
  if (is_external(old_type) && !is_external(type)) {
    if (std::ranges::includes(node_ports_of(old_spec), node_ports_of(spec)))
      for_each_object(spec, "ports", [](object& port) { port.erase("nodePort"); });
  }
  if (has_health_check(old_spec) && !has_health_check(spec)) drop("healthCheckNodePort");
  if (old_type == "LoadBalancer" && type != "LoadBalancer") drop("loadBalancerClass");
}

/// An update that leaves out what the server allocated keeps it, as long as the type still has it.
void keep_allocated(object& spec, const object& old_spec) {
  const auto type = text_at(spec, "type"), old_type = text_at(old_spec, "type");
  if (!has_cluster_ip(type) || !has_cluster_ip(old_type)) return;
  const auto keep = [&](const char* key) {
    if (const auto* before = value_at(old_spec, key))
      if (value_at(spec, key) == nullptr) spec[key] = *before;
  };
  if (text_at(spec, "clusterIP").empty() && array_at(spec, "clusterIPs") == nullptr) {
    keep("clusterIP");
    keep("clusterIPs");
  }
  keep("ipFamilies");
  keep("ipFamilyPolicy");
  if (has_health_check(spec) && has_health_check(old_spec)) keep("healthCheckNodePort");
  if (!is_external(type) || !is_external(old_type)) return;
  for_each_object(spec, "ports", [&](object& port) {
    if (integer_at(port, "nodePort") != 0) return;
    for_each_object(old_spec, "ports", [&](const object& before) {
      if (integer_at(before, "port") == integer_at(port, "port") &&
          text_at(before, "protocol") == text_at(port, "protocol") &&
          integer_at(before, "nodePort") != 0)
        port["nodePort"] = before.at("nodePort");
    });
  });
}

void default_families(object& spec) {
  auto& families = spec["ipFamilies"];
  if (!families.is_array() || families.get_array().empty()) {
    boost::json::array chosen;
    if (const auto* ips = array_at(spec, "clusterIPs")) {
      for (const auto& ip : *ips) {
        if (!ip.is_string()) continue;
        if (const auto address = IpAddress::parse(ip.get_string()))
          chosen.push_back(boost::json::value(address->is_v4() ? "IPv4" : "IPv6"));
      }
    }
    if (chosen.empty()) chosen.push_back("IPv4");
    spec["ipFamilies"] = std::move(chosen);
  }
  set_default(spec, "ipFamilyPolicy",
              spec["ipFamilies"].get_array().size() > 1 ? "RequireDualStack" : "SingleStack");
}

std::string go_strings(const boost::json::array& list) {
  std::string text = "[]string{";
  for (const auto& item : list) {
    if (text.back() != '{') text += ", ";
    text += item.is_string() ? quoted(item.get_string()) : "\"\"";
  }
  return text + "}";
}

void check_ports(const object& spec, std::string_view type, FieldErrors& errors) {
  const auto* ports = array_at(spec, "ports");
  const std::size_t count = ports == nullptr ? 0 : ports->size();
  if (count == 0 && type != "ExternalName" && text_at(spec, "clusterIP") != "None")
    errors.required("spec.ports");
  int index = 0;
  std::set<std::string_view> names;
  std::set<std::pair<std::int64_t, std::string_view>> numbers;
  for_each_object(spec, "ports", [&](const object& port) {
    const auto at = fmt::format("spec.ports[{}]", index++);
    const auto name = text_at(port, "name"), protocol = text_at(port, "protocol");
    if (name.empty()) {
      if (count > 1) errors.required(at + ".name");
    } else if (const auto problem = dns_label_problem(name); !problem.empty()) {
      errors.invalid(at + ".name", quoted(name), problem);
    } else if (!names.insert(name).second) {
      errors.duplicate(at + ".name", quoted(name));
    }
    const auto number = integer_at(port, "port");
    if (const auto problem = port_number_problem(number); !problem.empty())
      errors.invalid(at + ".port", fmt::to_string(number), problem);
    check_protocol(protocol, at + ".protocol", errors);
    if (const auto* target = value_at(port, "targetPort")) {
      if (target->is_string()) {
        const std::string_view text = target->get_string();
        for (const auto& problem : port_name_problems(text))
          errors.invalid(at + ".targetPort", quoted(text), problem);
      } else if (const auto problem = port_number_problem(integer_of(*target)); !problem.empty()) {
        errors.invalid(at + ".targetPort", fmt::to_string(integer_of(*target)), problem);
      }
    }
    if (integer_at(port, "nodePort") != 0 && !is_external(type))
      errors.forbidden(at + ".nodePort", fmt::format("may not be used when `type` is '{}'", type));
    if (!numbers.emplace(number, protocol).second)
      errors.duplicate(
          at, fmt::format("core.ServicePort{{Protocol:{}, Port:{}}}", quoted(protocol), number));
  });
}

void check_addresses(const object& spec, FieldErrors& errors) {
  std::size_t index = 0;
  if (const auto* ips = array_at(spec, "clusterIPs")) {
    for (const auto& ip : *ips) {
      const auto at = fmt::format("spec.clusterIPs[{}]", index++);
      const std::string_view text = ip.is_string() ? std::string_view(ip.get_string()) : "";
      if (text == "None") {
        if (ips->size() > 1)
          errors.invalid(at, quoted(text), "'None' must be the first and only value when used");
      } else if (!text.empty() && !IpAddress::parse(text)) {
        errors.invalid(at, quoted(text), "must be a valid IP address");
      }
    }
    const auto single = text_at(spec, "clusterIP");
    if (!ips->empty() && ips->front().is_string() && ips->front().get_string() != single)
      errors.invalid("spec.clusterIPs", go_strings(*ips), "first value must match `clusterIP`");
  }
  index = 0;
  if (const auto* ips = array_at(spec, "externalIPs")) {
    for (const auto& ip : *ips) {
      const std::string_view text = ip.is_string() ? std::string_view(ip.get_string()) : "";
      if (!IpAddress::parse(text))
        errors.invalid(fmt::format("spec.externalIPs[{}]", index), quoted(text),
                       "must be a valid IP address");
      ++index;
    }
  }
  index = 0;
  if (const auto* ranges = array_at(spec, "loadBalancerSourceRanges")) {
    for (const auto& range : *ranges) {
      const std::string_view text = range.is_string() ? std::string_view(range.get_string()) : "";
      if (!IpPrefix::parse(text))
        errors.invalid(fmt::format("spec.loadBalancerSourceRanges[{}]", index), quoted(text),
                       "must be a list of IP ranges. For example, 10.240.0.0/24,10.250.0.0/24");
      ++index;
    }
  }
}

void check_policy(const object& spec, std::string_view key, FieldErrors& errors) {
  const auto policy = text_at(spec, key);
  if (!policy.empty() && policy != "Cluster" && policy != "Local")
    errors.not_supported(fmt::format("spec.{}", key), policy, {"Cluster", "Local"});
}

}  // namespace

void default_service(object& object, const boost::json::object* old) {
  auto& spec = ensure_object(object, "spec");
  set_default(spec, "sessionAffinity", "None");
  if (text_at(spec, "sessionAffinity") == "None") spec.erase("sessionAffinityConfig");
  if (text_at(spec, "sessionAffinity") == "ClientIP") {
    auto& config = ensure_object(ensure_object(spec, "sessionAffinityConfig"), "clientIP");
    set_default(config, "timeoutSeconds", kAffinitySeconds);
  }
  set_default(spec, "type", "ClusterIP");
  for_each_object(spec, "ports", [](boost::json::object& port) {
    set_default(port, "protocol", "TCP");
    const auto* target = value_at(port, "targetPort");
    const bool unset = target == nullptr || (target->is_string() ? target->get_string().empty()
                                                                 : integer_of(*target) == 0);
    if (unset && port.contains("port")) port["targetPort"] = port["port"];
  });
  const std::string type(text_at(spec, "type"));
  if (old != nullptr) {
    if (const auto* old_spec = object_at(*old, "spec")) {
      drop_unused(spec, *old_spec);
      keep_allocated(spec, *old_spec);
    }
  }
  if (has_cluster_ip(type)) {
    set_default(spec, "internalTrafficPolicy", "Cluster");
    unify_cluster_ips(spec);
    default_families(spec);
  }
  if (is_external(type))
    set_default(spec, "externalTrafficPolicy", "Cluster");
  else
    spec.erase("externalTrafficPolicy");
  if (type == "LoadBalancer")
    set_default(spec, "allocateLoadBalancerNodePorts", true);
  else
    spec.erase("allocateLoadBalancerNodePorts");
  if (old == nullptr)
    object["status"] = boost::json::object{{"loadBalancer", boost::json::object{}}};
}

std::vector<FieldError> check_service(const object& object, const boost::json::object* old) {
  FieldErrors errors;
  check_metadata(object, dns_1035_problem, errors);
  const auto* spec = object_at(object, "spec");
  if (spec == nullptr) {
    errors.required("spec.ports");
    return errors.take();
  }
  const auto type = text_at(*spec, "type");
  if (type != "ClusterIP" && type != "NodePort" && type != "LoadBalancer" && type != "ExternalName")
    errors.not_supported("spec.type", type,
                         {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"});
  check_ports(*spec, type, errors);
  check_labels(object_at(*spec, "selector"), "spec.selector", errors);
  const auto affinity = text_at(*spec, "sessionAffinity");
  if (affinity != "None" && affinity != "ClientIP")
    errors.not_supported("spec.sessionAffinity", affinity, {"ClientIP", "None"});
  if (affinity == "ClientIP") {
    const auto seconds = integer_at(*spec, "sessionAffinityConfig.clientIP.timeoutSeconds");
    if (seconds <= 0 || seconds > kMaxAffinitySeconds)
      errors.invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", fmt::to_string(seconds),
                     fmt::format("must be greater than 0 and less than {}", kMaxAffinitySeconds));
  }
  if (type == "ExternalName") {
    const auto name = text_at(*spec, "externalName");
    if (name.empty())
      errors.required("spec.externalName");
    else if (const auto problem = dns_subdomain_problem(
                 name.ends_with('.') ? name.substr(0, name.size() - 1) : name);
             !problem.empty())
      errors.invalid("spec.externalName", quoted(name), problem);
    if (!text_at(*spec, "clusterIP").empty())
      errors.forbidden("spec.clusterIPs", "may not be set for ExternalName services");
  }
  check_addresses(*spec, errors);
  check_policy(*spec, "internalTrafficPolicy", errors);
  check_policy(*spec, "externalTrafficPolicy", errors);
  const auto old_type =
      old == nullptr ? std::string_view("ExternalName") : text_at(*old, "spec.type");
  if (has_cluster_ip(type) && has_cluster_ip(old_type)) {
    const auto before = text_at(*old, "spec.clusterIP"), now = text_at(*spec, "clusterIP");
    const auto* ips = array_at(*spec, "clusterIPs");
    if (!before.empty() && before != now && ips != nullptr)
      errors.invalid("spec.clusterIPs[0]", go_strings(*ips), "may not change once set");
  }
  return errors.take();
}

}  // namespace antrea::kube
