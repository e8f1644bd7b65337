// Groups: one bucket an endpoint, or a leaf of a tree of them.
#include <algorithm>
#include <bit>
#include <iterator>

#include "flow_parts.h"
#include "flows.h"

namespace antrea::proxy {

using namespace openflow;
using namespace api::pipeline;

namespace {

constexpr std::uint16_t kBucketWeight = 100;
constexpr std::uint32_t kEveningBucket = 0;  // nobody else has this number

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

// How Open vSwitch chooses (ofproto/ofproto-dpif.c, group_setup_dp_hash_table; dp-packet's hash):
//
// By the datapath's hash, for which packets need not come up, it maps as many hash values to the
// buckets as it takes to give each of them one, the next power of two and at least 16: of ten
// endpoints six get two values and four get one. With a bucket of little weight there are many
// values, and the difference of one hardly counts. Left to itself it takes a hash that knows no
// ports of UDP, so that all datagrams of a client go to one endpoint; hence the hash of layer 4.
//
// Of more endpoints the values would be too few: each connection is hashed by itself.
constexpr std::size_t kMostMapped = 16;
constexpr std::uint64_t kMostHashValues = 256;
constexpr std::uint64_t kHashL4 = std::uint64_t{0} << 32 | 0xdeadbeef;  // algorithm, basis

// The weight of a further bucket that makes shares even; 0: they are without.
std::uint16_t evening_weight(std::size_t endpoints) {
  if (std::has_single_bit(endpoints)) return 0;
  const auto values = std::min<std::uint64_t>(kMostHashValues, std::bit_ceil(16 * endpoints));
  // As little as leaves the total within so many of it.
  const std::uint64_t total = kBucketWeight * endpoints;
  return static_cast<std::uint16_t>(total / (values - 2) + 1);
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
    std::uint32_t last = kEveningBucket;
    for (const auto& each : placed) {
      last = std::max(each.number, last + 1);
      add(each, last, kBucketWeight);
    }
  }
  void add(const PlacedBackend& placed, std::uint32_t id, std::uint16_t weight) {
    Bucket& bucket = out_.emplace_back();
    bucket.id = id;
    bucket.weight = weight;
    bucket.actions.reserve(spec_.dsr ? 4 : 3);
    bucket.actions.emplace_back(set_field(endpoint_field(spec_.family), placed.backend.ip));
    bucket.actions.emplace_back(load_reg(reg::kEndpointPort, placed.backend.port));
    if (spec_.dsr) bucket.actions.emplace_back(load_reg(reg::kRemoteEndpoint, placed.away));
    bucket.actions.emplace_back(resubmit(next_));
  }

 private:
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

Group to_group(GroupId id, const GroupSpec& spec, bool consistent) {
  Group group = select_group(id);
  if (spec.backends.empty()) {
    Bucket refuse;
    refuse.weight = kBucketWeight;
    refuse.actions = {load_reg(reg::kSvcNoEp, 1), resubmit(table_id(Table::kEndpointDnat))};
    group.buckets.push_back(std::move(refuse));
    return group;
  }
  const auto placed = place_backends(spec);
  BucketWriter buckets(spec, placed.size() + 1, group.buckets);
  if (consistent || placed.size() > kMostMapped) {
    group.selection = by_connection(spec.family, spec.protocol);
  } else if (placed.size() > 1) {
    group.selection = SelectionMethod{.method = "dp_hash", .param = kHashL4};
    // The last one, since what is left over goes to the first ones.
    if (const auto weight = evening_weight(placed.size()); weight != 0)
      buckets.add(placed.back(), kEveningBucket, weight);
  }
  buckets.add(placed);
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
