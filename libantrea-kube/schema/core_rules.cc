#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/json/serialize.hpp>
#include <cctype>

#include "antrea/base/ip.h"
#include "json.h"
#include "rules.h"

/// Defaults and rules of Namespaces, Nodes, ConfigMaps, Secrets, ServiceAccounts, Events and
/// Endpoints.
namespace antrea::kube {
namespace {

using boost::json::object;

std::string to_base64(std::string_view bytes) {
  namespace base64 = boost::beast::detail::base64;
  std::string text(base64::encoded_size(bytes.size()), '\0');
  text.resize(base64::encode(text.data(), bytes.data(), bytes.size()));
  return text;
}

bool is_base64(std::string_view text) {
  const auto digits = text.substr(0, text.find_last_not_of('=') + 1);
  return text.size() % 4 == 0 && text.size() - digits.size() <= 2 &&
         std::ranges::all_of(
             digits, [](unsigned char c) { return std::isalnum(c) != 0 || c == '+' || c == '/'; });
}

/// Keys of a ConfigMap's or Secret's data, and that immutable data stays.
void check_data(const object& object, const boost::json::object* old,
                std::initializer_list<std::string_view> fields, FieldErrors& errors) {
  for (const auto field : fields) {
    const auto* data = object_at(object, field);
    if (data == nullptr) continue;
    for (const auto& [key, value] : *data) {
      const auto at = fmt::format("{}[{}]", field, std::string_view(key));
      if (const auto problem = config_key_problem(key); !problem.empty())
        errors.invalid(at, quoted(key), problem);
      const bool binary = field == "binaryData" || fields.size() == 1;
      if (binary && value.is_string() && !is_base64(value.get_string()))
        errors.invalid(at, "\"<secret contents redacted>\"", "illegal base64 data");
    }
  }
  if (old == nullptr || !flag_at(*old, "immutable")) return;
  if (!flag_at(object, "immutable"))
    errors.forbidden("immutable", "field is immutable when `immutable` is set");
  for (const auto field : fields) {
    const auto *now = object_at(object, field), *before = object_at(*old, field);
    if ((now == nullptr) != (before == nullptr) || (now != nullptr && *now != *before))
      errors.forbidden(field, "field is immutable when `immutable` is set");
  }
}

}  // namespace

void default_namespace(object& object, const boost::json::object* old) {
  auto& metadata = ensure_object(object, "metadata");
  const std::string name(text_at(metadata, "name"));
  ensure_object(metadata, "labels")["kubernetes.io/metadata.name"] = name;
  if (old != nullptr) return;
  ensure_object(object, "spec")["finalizers"] = boost::json::array{"kubernetes"};
  object["status"] = boost::json::object{{"phase", "Active"}};
}

std::vector<FieldError> check_namespace(const object& object, const boost::json::object*) {
  FieldErrors errors;
  check_metadata(object, dns_label_problem, errors);
  return errors.take();
}

void default_node(object& object, const boost::json::object*) {
  auto& spec = ensure_object(object, "spec");
  const std::string cidr(text_at(spec, "podCIDR"));
  const auto* cidrs = array_at(spec, "podCIDRs");
  if (!cidr.empty() && (cidrs == nullptr || cidrs->empty())) {
    spec["podCIDRs"] = boost::json::array{cidr};
  } else if (cidr.empty() && cidrs != nullptr && !cidrs->empty() && cidrs->front().is_string()) {
    const boost::json::value first = cidrs->front();
    spec["podCIDR"] = first;
  }
  auto& status = ensure_object(object, "status");
  auto& endpoint = ensure_object(ensure_object(status, "daemonEndpoints"), "kubeletEndpoint");
  set_default(endpoint, "Port", 0);
  auto& info = ensure_object(status, "nodeInfo");
  for (const auto* key :
       {"machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion",
        "kubeletVersion", "kubeProxyVersion", "operatingSystem", "architecture"})
    set_default(info, key, "");
}

std::vector<FieldError> check_node(const object& object, const boost::json::object* old) {
  FieldErrors errors;
  check_metadata(object, dns_subdomain_problem, errors);
  if (const auto* cidrs = array_at(object, "spec.podCIDRs")) {
    std::size_t index = 0;
    for (const auto& cidr : *cidrs) {
      const auto text = cidr.is_string() ? std::string_view(cidr.get_string()) : "";
      if (!IpPrefix::parse(text))
        errors.invalid(fmt::format("spec.podCIDRs[{}]", index), quoted(text),
                       "must be a valid CIDR block");
      ++index;
    }
    if (index > 2)
      errors.invalid("spec.podCIDRs", boost::json::serialize(*cidrs),
                     "may specify no more than one CIDR for each IP family");
  }
  int index = 0;
  for_each_object(object, "spec.taints", [&](const boost::json::object& taint) {
    const auto at = fmt::format("spec.taints[{}]", index++);
    const auto key = text_at(taint, "key"), effect = text_at(taint, "effect");
    for (const auto& problem : qualified_name_problems(key))
      errors.invalid(at + ".key", quoted(key), problem);
    if (effect.empty())
      errors.required(at + ".effect");
    else if (effect != "NoSchedule" && effect != "PreferNoSchedule" && effect != "NoExecute")
      errors.not_supported(at + ".effect", effect, {"NoSchedule", "PreferNoSchedule", "NoExecute"});
  });
  const auto* before = old == nullptr ? nullptr : array_at(*old, "spec.podCIDRs");
  if (before != nullptr && !before->empty()) {
    const auto* now = array_at(object, "spec.podCIDRs");
    if (now == nullptr || *now != *before)
      errors.forbidden("spec.podCIDRs",
                       "node updates may not change podCIDR except from \"\" to valid");
  }
  return errors.take();
}

void default_config_map(object&, const boost::json::object*) {}

std::vector<FieldError> check_config_map(const object& object, const boost::json::object* old) {
  FieldErrors errors;
  check_metadata(object, dns_subdomain_problem, errors);
  check_data(object, old, {"data", "binaryData"}, errors);
  return errors.take();
}

void default_secret(object& object, const boost::json::object*) {
  set_default(object, "type", "Opaque");
  const auto* given = object_at(object, "stringData");
  if (given == nullptr) return;
  const auto strings = *given;  // `data` may move it
  auto& data = ensure_object(object, "data");
  for (const auto& [key, value] : strings)
    if (value.is_string()) data[key] = to_base64(value.get_string());
  object.erase("stringData");
}

std::vector<FieldError> check_secret(const object& object, const boost::json::object* old) {
  FieldErrors errors;
  check_metadata(object, dns_subdomain_problem, errors);
  if (old != nullptr && text_at(*old, "type") != text_at(object, "type"))
    errors.invalid("type", quoted(text_at(object, "type")), "field is immutable");
  check_data(object, old, {"data"}, errors);
  return errors.take();
}

void default_service_account(object&, const boost::json::object*) {}

std::vector<FieldError> check_service_account(const object& object, const boost::json::object*) {
  FieldErrors errors;
  check_metadata(object, dns_subdomain_problem, errors);
  return errors.take();
}

void default_event(object& object, const boost::json::object*) {
  for (const auto* key : {"firstTimestamp", "lastTimestamp", "eventTime"})
    if (!object.contains(key)) object[key] = nullptr;
  for (const auto* key : {"reportingComponent", "reportingInstance"})
    if (!object.contains(key)) object[key] = "";
  ensure_object(object, "source");
}

std::vector<FieldError> check_event(const object& object, const boost::json::object*) {
  FieldErrors errors;
  check_metadata(object, dns_subdomain_problem, errors);
  const auto about = text_at(object, "involvedObject.namespace");
  const auto own = text_at(object, "metadata.namespace");
  if (own != about && !(about.empty() && own == "default"))
    errors.invalid("involvedObject.namespace", quoted(about), "does not match event.namespace");
  return errors.take();
}

void default_endpoints(object& object, const boost::json::object*) {
  for_each_object(object, "subsets", [](boost::json::object& subset) {
    for_each_object(subset, "ports",
                    [](boost::json::object& port) { set_default(port, "protocol", "TCP"); });
  });
}

std::vector<FieldError> check_endpoints(const object& object, const boost::json::object*) {
  FieldErrors errors;
  check_metadata(object, dns_subdomain_problem, errors);
  int index = 0;
  for_each_object(object, "subsets", [&](const boost::json::object& subset) {
    const auto at = fmt::format("subsets[{}]", index++);
    std::size_t count = 0;
    for (const auto* list : {"addresses", "notReadyAddresses"}) {
      int position = 0;
      for_each_object(subset, list, [&](const boost::json::object& address) {
        ++count;
        const auto place = fmt::format("{}.{}[{}].ip", at, list, position++);
        const auto text = text_at(address, "ip");
        const auto ip = IpAddress::parse(text);
        if (!ip) {
          errors.invalid(place, quoted(text), "must be a valid IP address");
        } else if (ip->is_loopback() || ip->is_link_local() || ip->is_unspecified() ||
                   ip->is_multicast()) {
          errors.invalid(place, quoted(text),
                         ip->is_loopback()
                             ? "may not be in the loopback range (127.0.0.0/8, ::1/128)"
                         : ip->is_link_local()
                             ? "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
                         : ip->is_multicast() ? "may not be in the multicast range"
                                              : "may not be unspecified");
        }
      });
    }
    if (count == 0) errors.required(at, "must specify `addresses` or `notReadyAddresses`");
    int position = 0;
    for_each_object(subset, "ports", [&](const boost::json::object& port) {
      const auto place = fmt::format("{}.ports[{}]", at, position++);
      const auto number = integer_at(port, "port");
      if (const auto problem = port_number_problem(number); !problem.empty())
        errors.invalid(place + ".port", fmt::to_string(number), problem);
      check_protocol(text_at(port, "protocol"), place + ".protocol", errors);
    });
  });
  return errors.take();
}

}  // namespace antrea::kube
