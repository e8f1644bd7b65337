// Groups: one bucket an endpoint.
#include <algorithm>
#include <cstring>

#include "flow_parts.h"
#include "flows.h"

namespace antrea::proxy {

using namespace openflow;
using namespace api::pipeline;

namespace {

constexpr std::uint16_t kBucketWeight = 100;

struct Numbered {
  std::uint32_t id;
  std::uint32_t place;  // in the group's backends
  friend auto operator<=>(const Numbered&, const Numbered&) = default;
};

// Follows from the endpoint alone, the same in every process and on every machine: it is the
// bucket's number in the switch.
std::uint32_t first_choice(const Backend& backend) {
  std::uint64_t hash = backend.port * 0x9e3779b97f4a7c15U;
  const auto mix = [&hash](std::uint64_t word) {
    hash = (hash ^ word) * 0xff51afd7ed558ccdU;
    hash ^= hash >> 32;
  };
  std::uint64_t word = 0;
  unsigned count = 0;
  for (const std::uint8_t byte : backend.ip.bytes()) {
    word = word << 8 | byte;
    if (++count % 8 == 0 || count == 4) {
      mix(word);
      word = 0;
    }
  }
  mix(count);
  return static_cast<std::uint32_t>(hash >> 33);
}

// A bucket is numbered after its endpoint, so that the others keep theirs when one comes or goes.
std::vector<Numbered> number_buckets(const std::vector<Backend>& backends) {
  std::vector<Numbered> numbered;
  numbered.reserve(backends.size());
  for (const auto& backend : backends)
    numbered.push_back({first_choice(backend), static_cast<std::uint32_t>(numbered.size())});
  std::ranges::sort(numbered);
  for (std::size_t i = 1; i < numbered.size(); ++i)
    numbered[i].id = std::max(numbered[i].id, numbered[i - 1].id + 1);
  return numbered;
}

// A choice by these alone is the same on every Node and for every packet of a connection.
SelectionMethod by_connection(Family family, api::Protocol protocol) {
  const auto whole = [](FieldId id) {
    return SelectionMethod::HashField{id, FieldValue::ones(field_info(id).bits)};
  };
  SelectionMethod method;
  method.method = "hash";
  const bool v4 = family == Family::kIPv4;
  method.fields = {whole(v4 ? FieldId::kIpSrc : FieldId::kIpv6Src),
                   whole(v4 ? FieldId::kIpDst : FieldId::kIpv6Dst),
                   whole(source_port_field(protocol)), whole(port_field(protocol))};
  std::ranges::sort(method.fields, {}, &SelectionMethod::HashField::field);
  return method;
}

Table behind(const GroupSpec& spec) {
  if (spec.affinity) return Table::kServiceLb;
  return spec.dsr ? Table::kDsrServiceMark : Table::kEndpointDnat;
}

}  // namespace

Group to_group(GroupId id, const GroupSpec& spec, bool consistent) {
  Group group;
  group.id = id;
  group.type = GroupType::kSelect;
  if (spec.backends.empty()) {
    Bucket refuse;
    refuse.weight = kBucketWeight;
    refuse.actions = {load_reg(reg::kSvcNoEp, 1), resubmit(table_id(Table::kEndpointDnat))};
    group.buckets.push_back(std::move(refuse));
    return group;
  }
  if (consistent) group.selection = by_connection(spec.family, spec.protocol);
  const auto numbered = number_buckets(spec.backends);
  const auto next = table_id(behind(spec));
  group.buckets.reserve(numbered.size());
  for (const auto& [number, place] : numbered) {
    const Backend& backend = spec.backends[place];
    Bucket& bucket = group.buckets.emplace_back();
    bucket.id = number;
    bucket.weight = kBucketWeight;
    bucket.actions.reserve(spec.dsr ? 4 : 3);
    bucket.actions.emplace_back(set_field(endpoint_field(spec.family), backend.ip));
    bucket.actions.emplace_back(load_reg(reg::kEndpointPort, backend.port));
    if (spec.dsr) bucket.actions.emplace_back(load_reg(reg::kRemoteEndpoint, spec.away[place]));
    bucket.actions.emplace_back(resubmit(next));
  }
  return group;
}

}  // namespace antrea::proxy
