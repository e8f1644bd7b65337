#include "antrea/api/json.h"
#include "antrea/api/policy_json.h"
#include "policy_fields.h"

// Tiers, groups and ExternalEntities of crd.antrea.io.
namespace antrea::api {
namespace json = boost::json;
using detail::Document;
using detail::Field;
using detail::put;

namespace {

constexpr std::int32_t kMaxTierPriority = 255;

crd::GroupSpec read_group_spec(Field spec, bool cluster) {
  crd::GroupSpec group;
  group.pod_selector = spec["podSelector"].optional(detail::read_checked_selector);
  group.namespace_selector = spec["namespaceSelector"].optional(detail::read_checked_selector);
  group.external_entity_selector =
      spec["externalEntitySelector"].optional(detail::read_checked_selector);
  group.node_selector = spec["nodeSelector"].optional(detail::read_checked_selector);
  group.ip_blocks = spec["ipBlocks"].list(detail::read_ip_block);
  group.service_reference = spec["serviceReference"].optional(detail::read_object_key);
  group.child_groups = spec["childGroups"].list([](Field name) { return name.required_text(); });
  if (!cluster) detail::refuse(spec, {"nodeSelector"}, "a Group");

  const int kinds = detail::count_of(
      {group.pod_selector || (group.namespace_selector && !group.external_entity_selector),
       group.external_entity_selector.has_value(), group.node_selector.has_value(),
       !group.ip_blocks.empty(), group.service_reference.has_value(), !group.child_groups.empty()});
  if (kinds > 1)
    spec.invalid(
        "found several kinds of members, expected only one of selectors, nodeSelector, "
        "ipBlocks, serviceReference and childGroups");
  bool unicast = false, multicast = false;
  for (const IpBlock& block : group.ip_blocks)
    (block.cidr.address().is_multicast() ? multicast : unicast) = true;
  if (unicast && multicast)
    spec["ipBlocks"].invalid("found multicast and unicast addresses, expected one kind of them");
  return group;
}

json::object write_group_spec(const crd::GroupSpec& group) {
  json::object spec;
  put(spec, "podSelector", group.pod_selector);
  put(spec, "namespaceSelector", group.namespace_selector);
  put(spec, "externalEntitySelector", group.external_entity_selector);
  put(spec, "nodeSelector", group.node_selector);
  put(spec, "ipBlocks", detail::to_array(group.ip_blocks, [](const IpBlock& block) {
        return detail::to_json(block);
      }));
  if (group.service_reference) spec["serviceReference"] = detail::to_json(*group.service_reference);
  put(spec, "childGroups", detail::to_json(group.child_groups));
  return spec;
}

template <typename Group>
Result<Group> decode_a_group(const json::value& json, std::string_view kind) {
  Document document(json);
  const Field root(document);
  Group group;
  group.metadata = detail::read_object_meta(root["metadata"]);
  group.spec = read_group_spec(root["spec"], kind == "ClusterGroup");
  group.conditions = detail::read_conditions(root["status"]["conditions"]);
  const auto& children = group.spec.child_groups;
  for (std::size_t i = 0; i < children.size(); ++i)
    if (children[i] == group.metadata.name)
      root["spec"]["childGroups"].invalid("found the group itself, expected other groups");
  return std::move(document).finish(std::move(group), kind);
}

json::object write_object(std::string_view version, std::string_view kind, const ObjectMeta& meta,
                          json::object spec) {
  return {{"apiVersion", "crd.antrea.io/" + std::string(version)},
          {"kind", kind},
          {"metadata", encode(meta)},
          {"spec", std::move(spec)}};
}

template <typename Group>
json::value write_group(const Group& group, std::string_view kind) {
  json::object object = write_object("v1beta1", kind, group.metadata, write_group_spec(group.spec));
  if (!group.conditions.empty())
    object["status"] = json::object{{"conditions", detail::to_json(group.conditions)}};
  return object;
}

}  // namespace

Result<crd::Tier> decode_tier(const json::value& json) {
  Document document(json);
  const Field root(document), priority = root["spec"]["priority"];
  crd::Tier tier;
  tier.metadata = detail::read_object_meta(root["metadata"]);
  if (!priority.present()) priority.invalid("found nothing, expected 0 to 255");
  tier.priority = priority.int32(0, 0, kMaxTierPriority);
  tier.description = root["spec"]["description"].text();
  return std::move(document).finish(std::move(tier), "Tier");
}

Result<crd::Group> decode_group(const json::value& json) {
  return decode_a_group<crd::Group>(json, "Group");
}
Result<crd::ClusterGroup> decode_cluster_group(const json::value& json) {
  return decode_a_group<crd::ClusterGroup>(json, "ClusterGroup");
}

Result<crd::ExternalEntity> decode_external_entity(const json::value& json) {
  Document document(json);
  const Field root(document), spec = root["spec"];
  crd::ExternalEntity entity;
  entity.metadata = detail::read_object_meta(root["metadata"]);
  entity.endpoints = spec["endpoints"].list([](Field each) {
    if (!each["ip"].present()) (void)each["ip"].required_text();
    return crd::ExternalEntity::Endpoint{each["ip"].parsed(IpAddress::parse), each["name"].text()};
  });
  entity.ports = spec["ports"].list([](Field each) {
    return controlplane::NamedPort{each["port"].int32(0, 1, detail::kMaxPort), each["name"].text(),
                                   detail::read_protocol(each["protocol"])};
  });
  entity.external_node = spec["externalNode"].text();
  return std::move(document).finish(std::move(entity), "ExternalEntity");
}

json::value encode(const crd::Tier& tier) {
  json::object spec{{"priority", tier.priority}};
  put(spec, "description", tier.description);
  return write_object("v1beta1", "Tier", tier.metadata, std::move(spec));
}
json::value encode(const crd::Group& group) { return write_group(group, "Group"); }
json::value encode(const crd::ClusterGroup& group) { return write_group(group, "ClusterGroup"); }

json::value encode(const crd::ExternalEntity& entity) {
  json::object spec;
  put(spec, "endpoints", detail::to_array(entity.endpoints, [](const auto& endpoint) {
        json::object object{{"ip", endpoint.ip.to_string()}};
        put(object, "name", endpoint.name);
        return object;
      }));
  put(spec, "ports", detail::to_array(entity.ports, [](const auto& port) {
        json::object object{{"protocol", to_string(port.protocol)}, {"port", port.port}};
        put(object, "name", port.name);
        return object;
      }));
  put(spec, "externalNode", entity.external_node);
  return write_object("v1alpha2", "ExternalEntity", entity.metadata, std::move(spec));
}

}  // namespace antrea::api
