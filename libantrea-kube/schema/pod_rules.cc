#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "antrea/base/ip.h"
#include "json.h"
#include "rules.h"
#include "text.h"

namespace antrea::kube {
namespace {

using boost::json::object;

constexpr std::string_view kContainerLists[] = {"initContainers", "containers",
                                                "ephemeralContainers"};
constexpr int kFileMode = 0644;

void default_http_get(object* handler) {
  if (handler == nullptr) return;
  set_default(*handler, "path", "/");
  set_default(*handler, "scheme", "HTTP");
}

void default_probe(object* probe) {
  if (probe == nullptr) return;
  set_default(*probe, "timeoutSeconds", 1);
  set_default(*probe, "periodSeconds", 10);
  set_default(*probe, "successThreshold", 1);
  set_default(*probe, "failureThreshold", 3);
  default_http_get(object_if(*probe, "httpGet"));
  if (auto* grpc = object_if(*probe, "grpc"); grpc && !grpc->contains("service"))
    (*grpc)["service"] = "";
}

/// Images without a tag, or tagged "latest", may change: they are pulled each time.
const char* pull_policy(std::string_view image) {
  if (image.find('@') != std::string_view::npos) return "IfNotPresent";
  const auto tag =
      image.find(':', image.rfind('/') == std::string_view::npos ? 0 : image.rfind('/'));
  return tag == std::string_view::npos || image.substr(tag + 1) == "latest" ? "Always"
                                                                            : "IfNotPresent";
}

void default_field_ref(object& source) {
  if (auto* field = object_if(source, "fieldRef")) set_default(*field, "apiVersion", "v1");
}

void default_container(object& container, bool host_network) {
  set_default(container, "imagePullPolicy", pull_policy(text_at(container, "image")));
  set_default(container, "terminationMessagePath", "/dev/termination-log");
  set_default(container, "terminationMessagePolicy", "File");
  for_each_object(container, "ports", [&](object& port) {
    set_default(port, "protocol", "TCP");
    if (host_network && integer_at(port, "hostPort") == 0 && port.contains("containerPort"))
      port["hostPort"] = port["containerPort"];
  });
  for_each_object(container, "env", [](object& variable) {
    if (auto* source = object_if(variable, "valueFrom")) default_field_ref(*source);
  });
  for (const auto* probe : {"livenessProbe", "readinessProbe", "startupProbe"})
    default_probe(object_if(container, probe));
  if (auto* lifecycle = object_if(container, "lifecycle")) {
    for (const auto* moment : {"postStart", "preStop"}) {
      if (auto* handler = object_if(*lifecycle, moment))
        default_http_get(object_if(*handler, "httpGet"));
    }
  }
  auto& resources = ensure_object(container, "resources");
  if (const auto* limits = object_at(resources, "limits"); limits && !limits->empty()) {
    const auto copy = *limits;  // `requests` may move the storage of `limits`
    auto& requests = ensure_object(resources, "requests");
    for (const auto& [name, quantity] : copy) set_default(requests, name, quantity);
  }
}

void default_items(object& source) {
  for_each_object(source, "items", [](object& item) { default_field_ref(item); });
}

void default_volume(object& volume) {
  if (volume.size() <= 1) ensure_object(volume, "emptyDir");
  for (const auto* kind : {"secret", "configMap", "downwardAPI", "projected"}) {
    auto* source = object_if(volume, kind);
    if (source == nullptr) continue;
    set_default(*source, "defaultMode", kFileMode);
    default_items(*source);
    for_each_object(*source, "sources", [](object& projection) {
      if (auto* token = object_if(projection, "serviceAccountToken"))
        set_default(*token, "expirationSeconds", 3600);
      if (auto* facts = object_if(projection, "downwardAPI")) default_items(*facts);
    });
  }
  if (auto* path = object_if(volume, "hostPath"); path && !path->contains("type"))
    (*path)["type"] = "";
}

/// What admission adds to a new Pod: who it is, and that it bears a lost Node for five minutes.
void admit_new(object& spec) {
  set_default(spec, "serviceAccountName", "default");
  set_default(spec, "serviceAccount", spec["serviceAccountName"]);
  set_default(spec, "priority", 0);
  set_default(spec, "preemptionPolicy", "PreemptLowerPriority");
  auto& tolerations = spec["tolerations"];
  if (!tolerations.is_array()) tolerations.emplace_array();
  for (const auto* key : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    const bool borne = std::ranges::any_of(tolerations.get_array(), [&](const auto& each) {
      const auto* toleration = each.if_object();
      if (toleration == nullptr) return false;
      const auto own = text_at(*toleration, "key"), effect = text_at(*toleration, "effect");
      return (own.empty() || own == key) && (effect.empty() || effect == "NoExecute");
    });
    if (!borne) {
      tolerations.get_array().push_back({{"key", key},
                                         {"operator", "Exists"},
                                         {"effect", "NoExecute"},
                                         {"tolerationSeconds", 300}});
    }
  }
}

/// Guaranteed: cpu and memory limits everywhere, equal to the requests. BestEffort: neither
/// anywhere.
const char* qos_class(const object& spec) {
  bool any = false, guaranteed = true;
  for (const auto list : {"initContainers", "containers"}) {
    for_each_object(spec, list, [&](const object& container) {
      for (const auto resource : {"cpu", "memory"}) {
        const auto* limit = value_at(container, fmt::format("resources.limits.{}", resource));
        const auto* request = value_at(container, fmt::format("resources.requests.{}", resource));
        any = any || limit != nullptr || request != nullptr;
        guaranteed = guaranteed && limit != nullptr && request != nullptr && *limit == *request;
      }
    });
  }
  return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

class ContainerRules {
 public:
  explicit ContainerRules(FieldErrors& errors) : errors_(errors) {}

  void check(const object& spec, const std::string& list, const std::set<std::string>& volumes) {
    int index = 0;
    for_each_object(spec, list, [&](const object& container) {
      const auto at = fmt::format("spec.{}[{}]", list, index++);
      check_name(text_at(container, "name"), at);
      if (text_at(container, "image").empty()) errors_.required(at + ".image");
      check_ports(container, at);
      check_environment(container, at);
      int position = 0;
      std::set<std::string_view> paths;
      for_each_object(container, "volumeMounts", [&](const object& mount) {
        const auto place = fmt::format("{}.volumeMounts[{}]", at, position++);
        const auto name = text_at(mount, "name"), path = text_at(mount, "mountPath");
        if (name.empty())
          errors_.required(place + ".name");
        else if (!volumes.contains(std::string(name)))
          errors_.not_found(place + ".name", quoted(name));
        if (path.empty())
          errors_.required(place + ".mountPath");
        else if (!paths.insert(path).second)
          errors_.invalid(place + ".mountPath", quoted(path), "must be unique");
      });
      const auto policy = text_at(container, "imagePullPolicy");
      if (policy != "Always" && policy != "IfNotPresent" && policy != "Never")
        errors_.not_supported(at + ".imagePullPolicy", policy, {"Always", "IfNotPresent", "Never"});
    });
  }

 private:
  void check_name(std::string_view name, const std::string& at) {
    if (name.empty()) {
      errors_.required(at + ".name");
    } else if (const auto problem = dns_label_problem(name); !problem.empty()) {
      errors_.invalid(at + ".name", quoted(name), problem);
    } else if (!names_.insert(std::string(name)).second) {
      errors_.duplicate(at + ".name", quoted(name));
    }
  }

  void check_ports(const object& container, const std::string& at) {
    int index = 0;
    std::set<std::string_view> names;
    for_each_object(container, "ports", [&](const object& port) {
      const auto place = fmt::format("{}.ports[{}]", at, index++);
      if (const auto name = text_at(port, "name"); !name.empty()) {
        const auto problems = port_name_problems(name);
        for (const auto& problem : problems)
          errors_.invalid(place + ".name", quoted(name), problem);
        if (problems.empty() && !names.insert(name).second)
          errors_.duplicate(place + ".name", quoted(name));
      }
      const auto number = integer_at(port, "containerPort");
      if (number == 0) {
        errors_.required(place + ".containerPort");
      } else if (const auto problem = port_number_problem(number); !problem.empty()) {
        errors_.invalid(place + ".containerPort", fmt::to_string(number), problem);
      }
      if (const auto host_port = integer_at(port, "hostPort");
          host_port != 0 && !port_number_problem(host_port).empty())
        errors_.invalid(place + ".hostPort", fmt::to_string(host_port),
                        port_number_problem(host_port));
      check_protocol(text_at(port, "protocol"), place + ".protocol", errors_);
    });
  }

  void check_environment(const object& container, const std::string& at) {
    int index = 0;
    for_each_object(container, "env", [&](const object& variable) {
      const auto place = fmt::format("{}.env[{}]", at, index++);
      if (text_at(variable, "name").empty()) errors_.required(place + ".name");
      if (!text_at(variable, "value").empty() && object_at(variable, "valueFrom") != nullptr)
        errors_.invalid(place + ".valueFrom", "\"\"",
                        "may not be specified when `value` is not empty");
    });
  }

  FieldErrors& errors_;
  std::set<std::string> names_;  // over all containers of the Pod
};

std::set<std::string> check_volumes(const object& spec, FieldErrors& errors) {
  std::set<std::string> names;
  int index = 0;
  for_each_object(spec, "volumes", [&](const object& volume) {
    const auto at = fmt::format("spec.volumes[{}]", index++);
    const auto name = text_at(volume, "name");
    if (name.empty()) {
      errors.required(at + ".name");
    } else if (const auto problem = dns_label_problem(name); !problem.empty()) {
      errors.invalid(at + ".name", quoted(name), problem);
    } else if (!names.emplace(name).second) {
      errors.duplicate(at + ".name", quoted(name));
    }
    std::size_t sources = 0;
    for (const auto& [key, source] : volume) {
      if (key == "name" || source.is_null()) continue;
      if (++sources > 1)
        errors.forbidden(fmt::format("{}.{}", at, std::string_view(key)),
                         "may not specify more than 1 volume type");
    }
  });
  return names;
}

void check_one_of(const object& spec, std::string_view key,
                  std::initializer_list<std::string_view> values, FieldErrors& errors) {
  const auto value = text_at(spec, key);
  if (std::ranges::find(values, value) == values.end())
    errors.not_supported(fmt::format("spec.{}", key), value, values);
}

/// The spec without the fields that an update may change.
object frozen_part(object spec) {
  for (const auto list : kContainerLists) {
    for_each_object(spec, list, [](object& container) {
      container.erase("image");
      container.erase("imagePullPolicy");
    });
  }
  spec.erase("activeDeadlineSeconds");
  spec.erase("tolerations");
  spec.erase("terminationGracePeriodSeconds");
  spec.erase("ephemeralContainers");
  return spec;
}

void check_update(const object& object, const boost::json::object& old, FieldErrors& errors) {
  const auto* spec = object_at(object, "spec");
  const auto* old_spec = object_at(old, "spec");
  if (spec == nullptr || old_spec == nullptr) return;
  auto before = frozen_part(*old_spec), after = frozen_part(*spec);
  // A binding sets nodeName, once.
  if (text_at(before, "nodeName").empty()) {
    before.erase("nodeName");
    after.erase("nodeName");
  }
  if (before != after) {
    errors.forbidden(
        "spec",
        "pod updates may not change fields other than `spec.containers[*].image`, "
        "`spec.initContainers[*].image`, `spec.activeDeadlineSeconds`, `spec.tolerations` (only "
        "additions to existing tolerations) or `spec.terminationGracePeriodSeconds` (allow it to "
        "be "
        "set to 1 if it was previously negative)");
  }
  if (const auto* kept = array_at(*old_spec, "tolerations")) {
    const auto* now = array_at(*spec, "tolerations");
    for (const auto& toleration : *kept) {
      if (now != nullptr && std::ranges::find(*now, toleration) != now->end()) continue;
      errors.forbidden("spec.tolerations",
                       "existing toleration can not be modified except its tolerationSeconds");
      break;
    }
  }
}

}  // namespace

void default_pod(object& object, const boost::json::object* old) {
  auto& spec = ensure_object(object, "spec");
  const bool host_network = flag_at(spec, "hostNetwork");
  for_each_object(spec, "volumes", default_volume);
  for (const auto list : kContainerLists)
    for_each_object(spec, list,
                    [&](auto& container) { default_container(container, host_network); });
  set_default(spec, "restartPolicy", "Always");
  set_default(spec, "terminationGracePeriodSeconds", 30);
  set_default(spec, "dnsPolicy", "ClusterFirst");
  ensure_object(spec, "securityContext");
  set_default(spec, "schedulerName", "default-scheduler");
  set_default(spec, "enableServiceLinks", true);
  if (old == nullptr) {
    admit_new(spec);
    object["status"] = boost::json::object{{"phase", "Pending"}, {"qosClass", qos_class(spec)}};
  }
}

std::vector<FieldError> check_pod(const object& object, const boost::json::object* old) {
  FieldErrors errors;
  check_metadata(object, dns_subdomain_problem, errors);
  const auto* spec = object_at(object, "spec");
  if (spec == nullptr) {
    errors.required("spec.containers");
    return errors.take();
  }
  const auto volumes = check_volumes(*spec, errors);
  if (const auto* containers = array_at(*spec, "containers");
      containers == nullptr || containers->empty())
    errors.required("spec.containers");
  ContainerRules containers(errors);
  for (const auto list : {"containers", "initContainers"}) containers.check(*spec, list, volumes);
  check_one_of(*spec, "restartPolicy", {"Always", "OnFailure", "Never"}, errors);
  check_one_of(*spec, "dnsPolicy", {"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"},
               errors);
  check_labels(object_at(*spec, "nodeSelector"), "spec.nodeSelector", errors);
  for (const auto* key : {"hostname", "subdomain"}) {
    const auto value = text_at(*spec, key);
    if (value.empty()) continue;
    if (const auto problem = dns_label_problem(value); !problem.empty())
      errors.invalid(fmt::format("spec.{}", key), quoted(value), problem);
  }
  int index = 0;
  for_each_object(object, "status.podIPs", [&](const boost::json::object& entry) {
    const auto ip = text_at(entry, "ip");
    if (!IpAddress::parse(ip))
      errors.invalid(fmt::format("status.podIPs[{}]", index), quoted(ip),
                     "must be a valid IP address");
    ++index;
  });
  if (old != nullptr) check_update(object, *old, errors);
  return errors.take();
}

}  // namespace antrea::kube
