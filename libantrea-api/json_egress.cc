#include <algorithm>

#include "antrea/api/egress_json.h"
#include "antrea/api/json.h"
#include "policy_fields.h"

// Egress and ExternalIPPool of crd.antrea.io.
namespace antrea::api {
namespace json = boost::json;
using detail::Document;
using detail::Field;
using detail::put;

namespace {

constexpr std::int32_t kMaxVlan = 4094;

// --- Egress ---

std::optional<IpAddress> read_optional_ip(Field json) {
  if (json.text().empty()) return std::nullopt;
  return json.parsed(IpAddress::parse);
}

void read_one_address(Field spec, crd::EgressSpec& egress) {
  egress.addresses.push_back({read_optional_ip(spec["egressIP"]), spec["externalIPPool"].text()});
  if (!egress.addresses[0].ip && egress.addresses[0].pool.empty())
    spec.invalid("found neither egressIP nor externalIPPool, expected one of them");
}

void read_several_addresses(Field spec, crd::EgressSpec& egress) {
  egress.several = true;
  const auto ips = spec["egressIPs"].list(read_optional_ip);
  const auto pools = spec["externalIPPools"].texts();
  if (!pools.empty() && ips.size() > pools.size())
    spec["egressIPs"].invalid("found " + std::to_string(ips.size()) +
                              " entries, expected at most " + std::to_string(pools.size()) +
                              ", as externalIPPools has");
  egress.addresses.resize(std::max(ips.size(), pools.size()));
  for (std::size_t i = 0; i < ips.size(); ++i) egress.addresses[i].ip = ips[i];
  for (std::size_t i = 0; i < pools.size(); ++i) egress.addresses[i].pool = pools[i];
  if (egress.addresses.empty())
    spec.invalid("found neither egressIPs nor externalIPPools, expected one of them");
  for (std::size_t i = 0; i < egress.addresses.size(); ++i) {
    const auto& [ip, pool] = egress.addresses[i];
    const std::string entry = "[" + std::to_string(i) + "]";
    if (!ip && pool.empty())
      spec.invalid("found neither egressIPs" + entry + " nor externalIPPools" + entry +
                   ", expected one of them");
    for (std::size_t j = 0; j < i && ip; ++j)
      if (egress.addresses[j].ip == ip)
        spec["egressIPs"].invalid("found " + ip->to_string() + " twice, expected each once");
  }
}

crd::EgressSpec read_egress_spec(Field spec) {
  crd::EgressSpec egress;
  const Field to = spec["appliedTo"];
  if (!to.present()) to.invalid("found nothing, expected podSelector or namespaceSelector");
  egress.pod_selector = to["podSelector"].optional(detail::read_checked_selector);
  egress.namespace_selector = to["namespaceSelector"].optional(detail::read_checked_selector);

  const bool one = spec["egressIP"].present() || spec["externalIPPool"].present();
  if (!spec["egressIPs"].present() && !spec["externalIPPools"].present())
    read_one_address(spec, egress);
  else if (!one)
    read_several_addresses(spec, egress);
  else
    spec.invalid(
        "found both forms of addresses, expected egressIP and externalIPPool, or egressIPs and "
        "externalIPPools");

  const Field bandwidth = spec["bandwidth"];
  for (const auto* key : {"rate", "burst"})
    if (bandwidth.present()) (void)bandwidth[key].required_text();
  egress.bandwidth = bandwidth.optional([](Field limits) {
    return crd::Bandwidth{limits["rate"].parsed(parse_quantity),
                          limits["burst"].parsed(parse_quantity)};
  });
  return egress;
}

json::object write_egress_spec(const crd::EgressSpec& egress) {
  json::object to;
  put(to, "podSelector", egress.pod_selector);
  put(to, "namespaceSelector", egress.namespace_selector);
  json::object spec{{"appliedTo", std::move(to)}};
  if (!egress.several) {
    for (const auto& [ip, pool] : egress.addresses) {
      if (ip) spec["egressIP"] = ip->to_string();
      put(spec, "externalIPPool", pool);
    }
  } else {
    json::array ips, pools;
    for (const auto& [ip, pool] : egress.addresses) {
      ips.emplace_back(ip ? ip->to_string() : "");
      pools.emplace_back(pool);
    }
    const bool some_ip = std::ranges::any_of(egress.addresses, [](auto& a) { return !!a.ip; });
    const bool some_pool =
        std::ranges::any_of(egress.addresses, [](auto& a) { return a.pool != ""; });
    if (some_ip) spec["egressIPs"] = std::move(ips);
    if (some_pool) spec["externalIPPools"] = std::move(pools);
  }
  if (egress.bandwidth)
    spec["bandwidth"] = json::object{{"rate", std::to_string(egress.bandwidth->rate)},
                                     {"burst", std::to_string(egress.bandwidth->burst)}};
  return spec;
}

// --- ExternalIPPool ---

crd::IpRange read_range(Field json) {
  const bool cidr = json["cidr"].present();
  if (cidr && (json["start"].present() || json["end"].present()))
    json.invalid("found cidr beside start and end, expected either");
  if (cidr) {
    const auto prefix = json["cidr"].parsed(IpPrefix::parse);
    return {prefix.address(), prefix.last(), prefix};
  }
  for (const auto* key : {"start", "end"}) (void)json[key].required_text();
  const crd::IpRange range{json["start"].parsed(IpAddress::parse),
                           json["end"].parsed(IpAddress::parse), std::nullopt};
  if (range.start.family() != range.end.family())
    json["end"].invalid("found " + range.end.to_string() + ", expected the family of start, " +
                        range.start.to_string());
  else if (range.end < range.start)
    json["end"].invalid("found " + range.end.to_string() + ", expected " + range.start.to_string() +
                        " or more");
  return range;
}

crd::SubnetInfo read_subnet_info(Field json) {
  crd::SubnetInfo info;
  (void)json["gateway"].required_text();
  info.gateway = json["gateway"].parsed(IpAddress::parse);
  const Field length = json["prefixLength"];
  const std::int32_t most = info.gateway.is_v4() ? 31 : 127;
  if (!length.present()) length.invalid("found nothing, expected 1 to " + std::to_string(most));
  info.prefix_length = static_cast<std::uint8_t>(length.int32(1, 1, most));
  info.vlan = static_cast<std::uint16_t>(json["vlan"].int32(0, 0, kMaxVlan));
  return info;
}

void check_ranges(Field spec, const crd::ExternalIPPool& pool) {
  for (std::size_t i = 0; i < pool.ranges.size(); ++i) {
    const auto& range = pool.ranges[i];
    const std::string name = "ipRanges[" + std::to_string(i) + "], " + range.to_string();
    if (pool.subnet_info) {
      const IpPrefix subnet = pool.subnet_info->subnet();
      if (!subnet.contains(range.start) || !subnet.contains(range.end))
        spec["ipRanges"].invalid("found " + name + ", expected it within the subnet " +
                                 subnet.to_string());
    }
    for (std::size_t j = 0; j < i; ++j)
      if (range.overlaps(pool.ranges[j]))
        spec["ipRanges"].invalid("found " + name + ", which overlaps with ipRanges[" +
                                 std::to_string(j) + "], " + pool.ranges[j].to_string());
  }
}

}  // namespace

Result<crd::Egress> decode_egress(const json::value& json) {
  Document document(json);
  const Field root(document), status = root["status"];
  crd::Egress egress;
  egress.metadata = detail::read_object_meta(root["metadata"]);
  egress.spec = read_egress_spec(root["spec"]);
  egress.status = {status["egressNode"].text(), status["egressIP"].text(),
                   detail::read_conditions(status["conditions"])};
  return std::move(document).finish(std::move(egress), "Egress");
}

Result<crd::ExternalIPPool> decode_external_ip_pool(const json::value& json) {
  Document document(json);
  const Field root(document), spec = root["spec"];
  crd::ExternalIPPool pool;
  pool.metadata = detail::read_object_meta(root["metadata"]);
  pool.ranges = spec["ipRanges"].list(read_range);
  if (pool.ranges.empty()) spec["ipRanges"].invalid("found nothing, expected a range of addresses");
  pool.subnet_info = spec["subnetInfo"].optional(read_subnet_info);
  if (!spec["nodeSelector"].present())
    spec["nodeSelector"].invalid("found nothing, expected a selector; {} selects every Node");
  pool.node_selector = detail::read_checked_selector(spec["nodeSelector"]);
  pool.usage = root["status"]["usage"].optional([](Field usage) {
    return crd::PoolUsage{usage["total"].int64(), usage["used"].int64()};
  });
  check_ranges(spec, pool);
  return std::move(document).finish(std::move(pool), "ExternalIPPool");
}

json::value encode(const crd::Egress& egress) {
  json::object status;
  put(status, "egressNode", egress.status.egress_node);
  put(status, "egressIP", egress.status.egress_ip);
  put(status, "conditions", detail::to_json(egress.status.conditions));
  json::object object{{"apiVersion", "crd.antrea.io/v1beta1"},
                      {"kind", "Egress"},
                      {"metadata", encode(egress.metadata)},
                      {"spec", write_egress_spec(egress.spec)}};
  put(object, "status", std::move(status));
  return object;
}

json::value encode(const crd::ExternalIPPool& pool) {
  json::object spec;
  spec["ipRanges"] = detail::to_array(pool.ranges, [](const crd::IpRange& range) {
    if (range.cidr) return json::object{{"cidr", range.cidr->to_string()}};
    return json::object{{"start", range.start.to_string()}, {"end", range.end.to_string()}};
  });
  if (pool.subnet_info) {
    json::object info{{"gateway", pool.subnet_info->gateway.to_string()},
                      {"prefixLength", int{pool.subnet_info->prefix_length}}};
    if (pool.subnet_info->vlan != 0) info["vlan"] = int{pool.subnet_info->vlan};
    spec["subnetInfo"] = std::move(info);
  }
  spec["nodeSelector"] = encode(pool.node_selector);
  json::object object{{"apiVersion", "crd.antrea.io/v1beta1"},
                      {"kind", "ExternalIPPool"},
                      {"metadata", encode(pool.metadata)},
                      {"spec", std::move(spec)}};
  if (pool.usage)
    object["status"] = json::object{
        {"usage", json::object{{"total", pool.usage->total}, {"used", pool.usage->used}}}};
  return object;
}

}  // namespace antrea::api
