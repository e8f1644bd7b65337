#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <set>

#include "antrea/base/ip.h"
#include "json.h"
#include "rules.h"

/// Defaults and rules of NetworkPolicies, EndpointSlices and Leases.
namespace antrea::kube {
namespace {

using boost::json::object;

constexpr std::size_t kMaxEndpoints = 1000, kMaxAddresses = 100, kMaxPorts = 100;

void check_policy_port(const object& port, const std::string& at, FieldErrors& errors) {
  check_protocol(text_at(port, "protocol"), at + ".protocol", errors);
  const auto* number = value_at(port, "port");
  const auto* end = value_at(port, "endPort");
  if (number == nullptr) {
    if (end != nullptr)
      errors.invalid(at + ".endPort", fmt::to_string(integer_of(*end)),
                     "may not be specified when `port` is not specified");
    return;
  }
  if (number->is_string()) {
    const std::string_view name = number->get_string();
    for (const auto& problem : port_name_problems(name))
      errors.invalid(at + ".port", quoted(name), problem);
    if (end != nullptr)
      errors.invalid(at + ".endPort", fmt::to_string(integer_of(*end)),
                     "may not be specified when `port` is non-numeric");
    return;
  }
  const auto first = integer_of(*number);
  if (const auto problem = port_number_problem(first); !problem.empty())
    errors.invalid(at + ".port", fmt::to_string(first), problem);
  if (end == nullptr) return;
  const auto last = integer_of(*end);
  if (const auto problem = port_number_problem(last); !problem.empty())
    errors.invalid(at + ".endPort", fmt::to_string(last), problem);
  if (last < first)
    errors.invalid(at + ".endPort", fmt::to_string(last),
                   "must be greater than or equal to `port`");
}

/// A CIDR, whole: "10.0.0.1" without a length is none.
Result<IpPrefix> parse_cidr(std::string_view text) {
  if (text.find('/') == std::string_view::npos)
    return make_error(Errc::kMalformed, "no prefix length", std::string(text));
  return IpPrefix::parse(text);
}

void check_ip_block(const object& block, const std::string& at, FieldErrors& errors) {
  const auto text = text_at(block, "cidr");
  if (text.empty()) {
    errors.required(at + ".cidr");
    return;
  }
  const auto whole = parse_cidr(text);
  if (!whole) {
    errors.invalid(at + ".cidr", quoted(text), "not a valid CIDR");
    return;
  }
  const auto* holes = array_at(block, "except");
  if (holes == nullptr) return;
  int index = 0;
  for (const auto& hole : *holes) {
    const auto place = fmt::format("{}.except[{}]", at, index++);
    const std::string_view hole_text = hole.is_string() ? std::string_view(hole.get_string()) : "";
    const auto part = parse_cidr(hole_text);
    if (!part) {
      errors.invalid(place, quoted(hole_text), "not a valid CIDR");
    } else if (!whole->contains(*part) || part->length() <= whole->length()) {
      errors.invalid(place, quoted(hole_text), "must be a strict subset of `cidr`");
    }
  }
}

void check_peer(const object& peer, const std::string& at, FieldErrors& errors) {
  int selectors = 0;
  for (const auto* key : {"podSelector", "namespaceSelector"}) {
    if (const auto* selector = object_at(peer, key)) {
      ++selectors;
      check_label_selector(*selector, fmt::format("{}.{}", at, key), errors);
    }
  }
  if (const auto* block = object_at(peer, "ipBlock")) {
    check_ip_block(*block, at + ".ipBlock", errors);
    if (selectors > 0) errors.forbidden(at, "may not specify both ipBlock and another peer");
  } else if (selectors == 0) {
    errors.required(at, "must specify a peer");
  }
}

void check_rules(const object& spec, std::string_view direction, std::string_view peers,
                 FieldErrors& errors) {
  int index = 0;
  for_each_object(spec, direction, [&](const object& rule) {
    const auto at = fmt::format("spec.{}[{}]", direction, index++);
    int position = 0;
    for_each_object(rule, "ports", [&](const object& port) {
      check_policy_port(port, fmt::format("{}.ports[{}]", at, position++), errors);
    });
    position = 0;
    for_each_object(rule, peers, [&](const object& peer) {
      check_peer(peer, fmt::format("{}.{}[{}]", at, peers, position++), errors);
    });
  });
}

void check_endpoint_address(std::string_view type, std::string_view text, const std::string& at,
                            FieldErrors& errors) {
  if (type == "FQDN") {
    if (const auto problem = dns_subdomain_problem(text); !problem.empty())
      errors.invalid(at, quoted(text), problem);
    return;
  }
  const auto ip = IpAddress::parse(text);
  const bool fits = ip && to_string(ip->family()) == type;
  if (!fits) errors.invalid(at, quoted(text), fmt::format("must be a valid {} address", type));
  if (!ip) {
    errors.invalid(at, quoted(text), "must be a valid IP address");
  } else if (ip->is_unspecified()) {
    errors.invalid(at, quoted(text), fmt::format("may not be unspecified ({})", text));
  } else if (ip->is_loopback()) {
    errors.invalid(at, quoted(text), "may not be in the loopback range (127.0.0.0/8, ::1/128)");
  } else if (ip->is_link_local()) {
    errors.invalid(at, quoted(text),
                   "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  }
}

}  // namespace

void default_network_policy(object& object, const boost::json::object* old) {
  auto& spec = ensure_object(object, "spec");
  ensure_object(spec, "podSelector");
  for (const auto* direction : {"ingress", "egress"}) {
    for_each_object(spec, direction, [](boost::json::object& rule) {
      for_each_object(rule, "ports",
                      [](boost::json::object& port) { set_default(port, "protocol", "TCP"); });
    });
  }
  const auto* types = array_at(spec, "policyTypes");
  if (types == nullptr || types->empty()) {
    boost::json::array chosen{"Ingress"};
    if (const auto* egress = array_at(spec, "egress"); egress != nullptr && !egress->empty())
      chosen.push_back("Egress");
    spec["policyTypes"] = std::move(chosen);
  }
  if (old == nullptr) ensure_object(object, "status");
}

std::vector<FieldError> check_network_policy(const object& object, const boost::json::object*) {
  FieldErrors errors;
  check_metadata(object, dns_subdomain_problem, errors);
  const auto* spec = object_at(object, "spec");
  if (spec == nullptr) return errors.take();
  if (const auto* selector = object_at(*spec, "podSelector"))
    check_label_selector(*selector, "spec.podSelector", errors);
  check_rules(*spec, "ingress", "from", errors);
  check_rules(*spec, "egress", "to", errors);
  if (const auto* types = array_at(*spec, "policyTypes")) {
    if (types->size() > 2)
      errors.invalid("spec.policyTypes", boost::json::serialize(*types),
                     "may not specify more than two policyTypes");
    int index = 0;
    for (const auto& type : *types) {
      const auto at = fmt::format("spec.policyTypes[{}]", index++);
      const std::string_view text = type.is_string() ? std::string_view(type.get_string()) : "";
      if (text != "Ingress" && text != "Egress")
        errors.not_supported(at, text, {"Egress", "Ingress"});
    }
  }
  return errors.take();
}

void default_endpoint_slice(object& object, const boost::json::object*) {
  for_each_object(object, "ports", [](boost::json::object& port) {
    set_default(port, "protocol", "TCP");
    if (!port.contains("name")) port["name"] = "";
  });
  auto& endpoints = object["endpoints"];
  if (!endpoints.is_array()) endpoints = nullptr;
  for_each_object(object, "endpoints",
                  [](boost::json::object& endpoint) { ensure_object(endpoint, "conditions"); });
  auto& ports = object["ports"];
  if (!ports.is_array()) ports = nullptr;
}

std::vector<FieldError> check_endpoint_slice(const object& object, const boost::json::object* old) {
  FieldErrors errors;
  check_metadata(object, dns_subdomain_problem, errors);
  const auto type = text_at(object, "addressType");
  if (type.empty()) {
    errors.required("addressType");
  } else if (type != "IPv4" && type != "IPv6" && type != "FQDN") {
    errors.not_supported("addressType", type, {"FQDN", "IPv4", "IPv6"});
  } else if (old != nullptr && text_at(*old, "addressType") != type) {
    errors.invalid("addressType", quoted(type), "field is immutable");
  }
  std::size_t index = 0;
  for_each_object(object, "endpoints", [&](const boost::json::object& endpoint) {
    const auto at = fmt::format("endpoints[{}]", index++);
    const auto* addresses = array_at(endpoint, "addresses");
    const std::size_t count = addresses == nullptr ? 0 : addresses->size();
    if (count == 0) errors.required(at + ".addresses", "must contain at least 1 address");
    if (count > kMaxAddresses)
      errors.too_long(at + ".addresses", fmt::format("must have at most {} items", kMaxAddresses));
    for (std::size_t i = 0; i < std::min(count, kMaxAddresses); ++i) {
      const auto& value = (*addresses)[i];
      check_endpoint_address(type, value.is_string() ? std::string_view(value.get_string()) : "",
                             fmt::format("{}.addresses[{}]", at, i), errors);
    }
    if (const auto hostname = text_at(endpoint, "hostname"); !hostname.empty()) {
      if (const auto problem = dns_label_problem(hostname); !problem.empty())
        errors.invalid(at + ".hostname", quoted(hostname), problem);
    }
    if (const auto node = text_at(endpoint, "nodeName"); !node.empty()) {
      if (const auto problem = dns_subdomain_problem(node); !problem.empty())
        errors.invalid(at + ".nodeName", quoted(node), problem);
    }
  });
  if (index > kMaxEndpoints)
    errors.too_long("endpoints", fmt::format("must have at most {} items", kMaxEndpoints));
  index = 0;
  std::set<std::string_view> names;
  for_each_object(object, "ports", [&](const boost::json::object& port) {
    const auto at = fmt::format("ports[{}]", index++);
    const auto name = text_at(port, "name");
    if (!names.insert(name).second) {
      errors.duplicate(at + ".name", quoted(name));
    } else if (!name.empty()) {
      if (const auto problem = dns_label_problem(name); !problem.empty())
        errors.invalid(at + ".name", quoted(name), problem);
    }
    check_protocol(text_at(port, "protocol"), at + ".protocol", errors);
  });
  if (index > kMaxPorts)
    errors.too_long("ports", fmt::format("must have at most {} items", kMaxPorts));
  return errors.take();
}

void default_lease(object& object, const boost::json::object*) { ensure_object(object, "spec"); }

std::vector<FieldError> check_lease(const object& object, const boost::json::object*) {
  FieldErrors errors;
  check_metadata(object, dns_subdomain_problem, errors);
  if (const auto* seconds = value_at(object, "spec.leaseDurationSeconds");
      seconds != nullptr && integer_of(*seconds) <= 0)
    errors.invalid("spec.leaseDurationSeconds", fmt::to_string(integer_of(*seconds)),
                   "must be greater than 0");
  if (const auto* count = value_at(object, "spec.leaseTransitions");
      count != nullptr && integer_of(*count) < 0)
    errors.invalid("spec.leaseTransitions", fmt::to_string(integer_of(*count)),
                   "must be greater than or equal to 0");
  return errors.take();
}

}  // namespace antrea::kube
