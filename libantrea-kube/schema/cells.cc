#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "json.h"
#include "rules.h"
#include "time.h"

/// What `kubectl get` shows of each kind: the cells of a Table's row, as Kubernetes' printers make
/// them.
namespace antrea::kube {
namespace {

using boost::json::array;
using boost::json::object;

constexpr const char* kNone = "<none>";
constexpr const char* kUnknown = "<unknown>";
constexpr std::size_t kMaxListed = 3;

std::string or_none(std::string_view text) { return std::string(text.empty() ? kNone : text); }

std::string age_since(std::string_view timestamp, std::int64_t now) {
  const auto then = parse_time(timestamp);
  return then ? human_duration(now - *then) : kUnknown;
}

std::string age(const object& object, std::int64_t now) {
  return age_since(text_at(object, "metadata.creationTimestamp"), now);
}

std::string name(const object& object) { return std::string(text_at(object, "metadata.name")); }

/// An IPv6 address as it stands before a port.
std::string bracketed(std::string_view ip) {
  return ip.find(':') == std::string_view::npos ? std::string(ip) : fmt::format("[{}]", ip);
}

/// "a=b,c=d", by key.
std::string format_labels(const object* labels) {
  std::map<std::string_view, std::string_view> sorted;
  if (labels != nullptr) {
    for (const auto& [key, value] : *labels)
      sorted[key] = value.is_string() ? std::string_view(value.get_string()) : "";
  }
  std::string text;
  for (const auto& [key, value] : sorted)
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", key, value);
  return or_none(text);
}

std::string format_selector(const object* selector) {
  if (selector == nullptr) return kNone;
  std::string text;
  const auto add = [&](const std::string& term) { text += (text.empty() ? "" : ",") + term; };
  if (const auto* labels = object_at(*selector, "matchLabels"); labels && !labels->empty())
    add(format_labels(labels));
  for_each_object(*selector, "matchExpressions", [&](const object& expression) {
    const auto key = text_at(expression, "key"), op = text_at(expression, "operator");
    std::vector<std::string> values;
    if (const auto* list = array_at(expression, "values")) {
      for (const auto& value : *list)
        if (value.is_string()) values.emplace_back(value.get_string());
    }
    std::ranges::sort(values);
    if (op == "Exists")
      add(std::string(key));
    else if (op == "DoesNotExist")
      add(fmt::format("!{}", key));
    else
      add(fmt::format("{} {} ({})", key, op == "In" ? "in" : "notin", fmt::join(values, ",")));
  });
  return or_none(text);
}

/// The first few of a list, and how many follow.
std::string format_some(const std::vector<std::string>& items, const char* none) {
  if (items.empty()) return none;
  const auto shown = std::min(items.size(), kMaxListed);
  auto text = fmt::format(
      "{}", fmt::join(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(shown), ","));
  if (items.size() > shown) text += fmt::format(" + {} more...", items.size() - shown);
  return text;
}

std::int64_t count_at(const object& object, std::string_view key) {
  if (const auto* map = object_at(object, key)) return static_cast<std::int64_t>(map->size());
  const auto* list = array_at(object, key);
  return list == nullptr ? 0 : static_cast<std::int64_t>(list->size());
}

// --- Pods

struct ContainerSummary {
  std::int64_t ready = 0, restarts = 0;
  std::string last_restart;  // RFC 3339 texts of one zone order as their times do
  std::string reason;
  bool any_running = false;
};

std::string ended_reason(const object& terminated) {
  if (const auto reason = text_at(terminated, "reason"); !reason.empty())
    return std::string(reason);
  if (const auto signal = integer_at(terminated, "signal"); signal != 0)
    return fmt::format("Signal:{}", signal);
  return fmt::format("ExitCode:{}", integer_at(terminated, "exitCode"));
}

void count_restarts(const object& status, ContainerSummary& summary) {
  summary.restarts += integer_at(status, "restartCount");
  const auto finished = text_at(status, "lastState.terminated.finishedAt");
  if (finished > summary.last_restart) summary.last_restart = finished;
}

/// Reason of the first init container that is not through, else empty.
std::string init_reason(const object& pod, ContainerSummary& summary) {
  std::string reason;
  std::int64_t index = 0;
  for_each_object(pod, "status.initContainerStatuses", [&](const object& status) {
    const auto at = index++;
    if (!reason.empty()) return;
    count_restarts(status, summary);
    const auto* ended = object_at(status, "state.terminated");
    if (ended != nullptr && integer_at(*ended, "exitCode") == 0) return;
    const auto waiting = text_at(status, "state.waiting.reason");
    if (ended != nullptr)
      reason = "Init:" + ended_reason(*ended);
    else if (!waiting.empty() && waiting != "PodInitializing")
      reason = fmt::format("Init:{}", waiting);
    else
      reason = fmt::format("Init:{}/{}", at, count_at(*object_at(pod, "spec"), "initContainers"));
  });
  return reason;
}

ContainerSummary summarize_containers(const object& pod) {
  ContainerSummary summary;
  summary.reason = text_at(pod, "status.reason");
  if (summary.reason.empty()) summary.reason = text_at(pod, "status.phase");
  if (auto initial = init_reason(pod, summary); !initial.empty()) {
    summary.reason = std::move(initial);
    return summary;
  }
  summary.restarts = 0;
  summary.last_restart.clear();
  const auto* statuses = array_at(pod, "status.containerStatuses");
  if (statuses == nullptr) return summary;
  for (auto it = statuses->rbegin(); it != statuses->rend(); ++it) {
    const auto* status = it->if_object();
    if (status == nullptr) continue;
    count_restarts(*status, summary);
    if (const auto waiting = text_at(*status, "state.waiting.reason"); !waiting.empty()) {
      summary.reason = waiting;
    } else if (const auto* ended = object_at(*status, "state.terminated")) {
      summary.reason = ended_reason(*ended);
    } else if (flag_at(*status, "ready") && object_at(*status, "state.running") != nullptr) {
      summary.any_running = true;
      ++summary.ready;
    }
  }
  return summary;
}

bool is_condition_true(const object& object, std::string_view path, std::string_view type) {
  bool found = false;
  for_each_object(object, path, [&](const auto& condition) {
    if (text_at(condition, "type") == type) found = text_at(condition, "status") == "True";
  });
  return found;
}

}  // namespace

array pod_cells(const object& object, std::int64_t now) {
  auto summary = summarize_containers(object);
  // Some containers ended well while others run on.
  if (summary.reason == "Completed" && summary.any_running)
    summary.reason =
        is_condition_true(object, "status.conditions", "Ready") ? "Running" : "NotReady";
  if (!text_at(object, "metadata.deletionTimestamp").empty())
    summary.reason = text_at(object, "status.reason") == "NodeLost" ? "Unknown" : "Terminating";
  auto restarts = fmt::to_string(summary.restarts);
  if (summary.restarts > 0 && !summary.last_restart.empty())
    restarts += fmt::format(" ({} ago)", age_since(summary.last_restart, now));
  std::string gates = kNone;
  if (const auto* list = array_at(object, "spec.readinessGates"); list && !list->empty()) {
    std::size_t held = 0;
    for_each_object(object, "spec.readinessGates", [&](const auto& gate) {
      held += is_condition_true(object, "status.conditions", text_at(gate, "conditionType"));
    });
    gates = fmt::format("{}/{}", held, list->size());
  }
  auto ip = text_at(object, "status.podIP");
  const auto* spec = object_at(object, "spec");
  return {name(object),
          fmt::format("{}/{}", summary.ready, spec == nullptr ? 0 : count_at(*spec, "containers")),
          summary.reason,
          restarts,
          age(object, now),
          or_none(ip),
          or_none(text_at(object, "spec.nodeName")),
          or_none(text_at(object, "status.nominatedNodeName")),
          gates};
}

array namespace_cells(const object& object, std::int64_t now) {
  return {name(object), std::string(text_at(object, "status.phase")), age(object, now)};
}

array node_cells(const object& object, std::int64_t now) {
  std::string status = "Unknown";
  for_each_object(object, "status.conditions", [&](const auto& condition) {
    if (text_at(condition, "type") == "Ready")
      status = text_at(condition, "status") == "True" ? "Ready" : "NotReady";
  });
  if (flag_at(object, "spec.unschedulable")) status += ",SchedulingDisabled";
  std::vector<std::string> roles;
  if (const auto* labels = object_at(object, "metadata.labels")) {
    constexpr std::string_view kRole = "node-role.kubernetes.io/";
    for (const auto& [key, value] : *labels) {
      const std::string_view label = key;
      if (label.starts_with(kRole) && label.size() > kRole.size())
        roles.emplace_back(label.substr(kRole.size()));
      else if (label == "kubernetes.io/role" && value.is_string() && !value.get_string().empty())
        roles.emplace_back(value.get_string());
    }
    std::ranges::sort(roles);
  }
  std::string internal = kNone, external = kNone;
  for_each_object(object, "status.addresses", [&](const auto& address) {
    const auto type = text_at(address, "type");
    if (type == "InternalIP" && internal == kNone) internal = text_at(address, "address");
    if (type == "ExternalIP" && external == kNone) external = text_at(address, "address");
  });
  const auto info = [&](std::string_view field) {
    const auto text = text_at(object, fmt::format("status.nodeInfo.{}", field));
    return std::string(text.empty() ? kUnknown : text);
  };
  return {name(object),
          status,
          or_none(fmt::format("{}", fmt::join(roles, ","))),
          age(object, now),
          std::string(text_at(object, "status.nodeInfo.kubeletVersion")),
          internal,
          external,
          info("osImage"),
          info("kernelVersion"),
          info("containerRuntimeVersion")};
}

array service_cells(const object& object, std::int64_t now) {
  const auto type = text_at(object, "spec.type");
  std::vector<std::string> external;
  if (type == "LoadBalancer") {
    for_each_object(object, "status.loadBalancer.ingress", [&](const auto& ingress) {
      const auto ip = text_at(ingress, "ip");
      external.emplace_back(ip.empty() ? text_at(ingress, "hostname") : ip);
    });
  }
  if (const auto* ips = array_at(object, "spec.externalIPs")) {
    for (const auto& ip : *ips)
      if (ip.is_string()) external.emplace_back(ip.get_string());
  }
  std::string outside = type == "ExternalName" ? std::string(text_at(object, "spec.externalName"))
                                               : fmt::format("{}", fmt::join(external, ","));
  if (outside.empty()) outside = type == "LoadBalancer" ? "<pending>" : kNone;
  std::string ports;
  for_each_object(object, "spec.ports", [&](const auto& port) {
    if (!ports.empty()) ports += ",";
    ports += fmt::to_string(integer_at(port, "port"));
    if (const auto node_port = integer_at(port, "nodePort"); node_port != 0)
      ports += fmt::format(":{}", node_port);
    ports += fmt::format("/{}", text_at(port, "protocol"));
  });
  return {
      name(object),   std::string(type), or_none(text_at(object, "spec.clusterIP")),       outside,
      or_none(ports), age(object, now),  format_labels(object_at(object, "spec.selector"))};
}

array endpoints_cells(const object& object, std::int64_t now) {
  std::vector<std::string> items;
  for_each_object(object, "subsets", [&](const auto& subset) {
    const auto* ports = array_at(subset, "ports");
    for_each_object(subset, "addresses", [&](const auto& address) {
      const auto ip = text_at(address, "ip");
      if (ports == nullptr || ports->empty()) items.emplace_back(ip);
      for_each_object(subset, "ports", [&](const auto& port) {
        items.push_back(fmt::format("{}:{}", bracketed(ip), integer_at(port, "port")));
      });
    });
  });
  return {name(object), format_some(items, kNone), age(object, now)};
}

array endpoint_slice_cells(const object& object, std::int64_t now) {
  std::vector<std::string> ports, addresses;
  for_each_object(object, "ports", [&](const auto& port) {
    const auto* number = value_at(port, "port");
    ports.push_back(number == nullptr ? "*" : fmt::to_string(integer_of(*number)));
  });
  for_each_object(object, "endpoints", [&](const auto& endpoint) {
    if (const auto* list = array_at(endpoint, "addresses")) {
      for (const auto& address : *list)
        if (address.is_string()) addresses.emplace_back(address.get_string());
    }
  });
  return {name(object), std::string(text_at(object, "addressType")), format_some(ports, "<unset>"),
          format_some(addresses, "<unset>"), age(object, now)};
}

array config_map_cells(const object& object, std::int64_t now) {
  return {name(object), count_at(object, "data") + count_at(object, "binaryData"),
          age(object, now)};
}

array secret_cells(const object& object, std::int64_t now) {
  return {name(object), std::string(text_at(object, "type")), count_at(object, "data"),
          age(object, now)};
}

array service_account_cells(const object& object, std::int64_t now) {
  return {name(object), count_at(object, "secrets"), age(object, now)};
}

array event_cells(const object& object, std::int64_t now) {
  const auto event_time = text_at(object, "eventTime");
  auto first = text_at(object, "firstTimestamp"), last = text_at(object, "lastTimestamp");
  if (first.empty()) first = event_time;
  if (const auto observed = text_at(object, "series.lastObservedTime"); !observed.empty())
    last = observed;
  if (last.empty()) last = first;
  std::string kind(text_at(object, "involvedObject.kind"));
  std::ranges::transform(kind, kind.begin(), [](unsigned char c) { return std::tolower(c); });
  std::string source(text_at(object, "source.component"));
  if (source.empty()) source = text_at(object, "reportingComponent");
  if (const auto host = text_at(object, "source.host"); !host.empty())
    source += fmt::format(", {}", host);
  auto count = integer_at(object, "series.count", integer_at(object, "count"));
  return {age_since(last, now),
          std::string(text_at(object, "type")),
          std::string(text_at(object, "reason")),
          fmt::format("{}/{}", kind, text_at(object, "involvedObject.name")),
          std::string(text_at(object, "involvedObject.fieldPath")),
          source,
          std::string(text_at(object, "message")),
          age_since(first, now),
          std::max<std::int64_t>(count, 1),
          name(object)};
}

array network_policy_cells(const object& object, std::int64_t now) {
  return {name(object), format_selector(object_at(object, "spec.podSelector")), age(object, now)};
}

array lease_cells(const object& object, std::int64_t now) {
  return {name(object), std::string(text_at(object, "spec.holderIdentity")), age(object, now)};
}

}  // namespace antrea::kube
