// Groups: one bucket an endpoint, or a leaf of a tree of them.
#include <algorithm>
#include <iterator>

#include "flow_parts.h"
#include "flows.h"

namespace antrea::proxy {

using namespace openflow;
using namespace api::pipeline;

namespace {

constexpr std::uint16_t kBucketWeight = 100;

// Each connection is hashed by itself, also where there is one endpoint: its first packet comes up
// from the datapath to the tables, so that a change that the switch has acknowledged holds for all
// connections that begin from then on. By the datapath's own hash (dp_hash), or without one,
// packets of many connections share a cached flow, which follows the tables only with the next
// revalidation.
//
// A choice by these alone is the same on every Node and for every packet of a connection, and stays
// while other endpoints come and go.
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

// Appends buckets that lead to endpoints of a group.
class BucketWriter {
 public:
  BucketWriter(const GroupSpec& spec, std::size_t count, std::vector<Bucket>& out)
      : spec_(spec), next_(table_id(behind(spec))), out_(out) {
    out_.reserve(count);
  }

  // A bucket is numbered after its endpoint, so that the others keep theirs when one comes or goes.
  void add(std::span<const PlacedBackend> placed) {
    std::uint32_t last = 0;
    for (const auto& each : placed) {
      last = std::max(each.number, last + 1);
      add(each, last);
    }
  }

 private:
  void add(const PlacedBackend& placed, std::uint32_t id) {
    Bucket& bucket = out_.emplace_back();
    bucket.id = id;
    bucket.weight = kBucketWeight;
    bucket.actions.reserve(spec_.dsr ? 4 : 3);
    bucket.actions.emplace_back(set_field(endpoint_field(spec_.family), placed.backend.ip));
    bucket.actions.emplace_back(load_reg(reg::kEndpointPort, placed.backend.port));
    if (spec_.dsr) bucket.actions.emplace_back(load_reg(reg::kRemoteEndpoint, placed.away));
    bucket.actions.emplace_back(resubmit(next_));
  }

  const GroupSpec& spec_;
  TableId next_;
  std::vector<Bucket>& out_;
};

Group select_group(GroupId id) {
  Group group;
  group.id = id;
  group.type = GroupType::kSelect;
  return group;
}

}  // namespace

Group to_group(GroupId id, const GroupSpec& spec) {
  Group group = select_group(id);
  if (spec.backends.empty()) {
    Bucket refuse;
    refuse.weight = kBucketWeight;
    refuse.actions = {load_reg(reg::kSvcNoEp, 1), resubmit(table_id(Table::kEndpointDnat))};
    group.buckets.push_back(std::move(refuse));
    return group;
  }
  group.selection = by_connection(spec.family, spec.protocol);
  const auto placed = place_backends(spec);
  BucketWriter(spec, placed.size(), group.buckets).add(placed);
  return group;
}

Group to_leaf_group(const GroupLeaf& leaf, const GroupSpec& spec,
                    std::span<const PlacedBackend> endpoints) {
  Group group = select_group(leaf.id);
  group.selection = by_connection(spec.family, spec.protocol);
  BucketWriter(spec, endpoints.size(), group.buckets).add(endpoints);
  return group;
}

// Which leaf a connection goes to says nothing about where in it: each bucket's score is a hash of
// its own number with that of the connection.
Group to_choice_group(GroupId id, const GroupSpec& spec, std::span<const GroupLeaf> leaves) {
  Group group = select_group(id);
  group.selection = by_connection(spec.family, spec.protocol);
  std::vector<std::uint32_t> sizes;
  std::ranges::transform(leaves, std::back_inserter(sizes), &GroupLeaf::size);
  const auto weights = weights_for(sizes);
  group.buckets.resize(leaves.size());
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    group.buckets[i].id = leaves[i].path;
    group.buckets[i].weight = weights[i];
    group.buckets[i].actions.emplace_back(GroupAction{leaves[i].id});
  }
  return group;
}

}  // namespace antrea::proxy
