// Groups: one bucket an endpoint.
#include <algorithm>
#include <bit>
#include <cstring>

#include "flow_parts.h"
#include "flows.h"

namespace antrea::proxy {

using namespace openflow;
using namespace api::pipeline;

namespace {

constexpr std::uint16_t kBucketWeight = 100;
constexpr std::uint32_t kEveningBucket = 0;  // nobody else has this number

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
    numbered.push_back({std::max(first_choice(backend), kEveningBucket + 1),
                        static_cast<std::uint32_t>(numbered.size())});
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
  const auto numbered = number_buckets(spec.backends);
  const auto next = table_id(behind(spec));
  group.buckets.reserve(numbered.size() + 1);
  const auto lead_to = [&](std::uint32_t place, std::uint32_t id, std::uint16_t weight) {
    const Backend& backend = spec.backends[place];
    Bucket& bucket = group.buckets.emplace_back();
    bucket.id = id;
    bucket.weight = weight;
    bucket.actions.reserve(spec.dsr ? 4 : 3);
    bucket.actions.emplace_back(set_field(endpoint_field(spec.family), backend.ip));
    bucket.actions.emplace_back(load_reg(reg::kEndpointPort, backend.port));
    if (spec.dsr) bucket.actions.emplace_back(load_reg(reg::kRemoteEndpoint, spec.away[place]));
    bucket.actions.emplace_back(resubmit(next));
  };
  if (consistent || numbered.size() > kMostMapped) {
    group.selection = by_connection(spec.family, spec.protocol);
  } else if (numbered.size() > 1) {
    group.selection = SelectionMethod{.method = "dp_hash", .param = kHashL4};
    // The last one, since what is left over goes to the first ones.
    if (const auto weight = evening_weight(numbered.size()); weight != 0)
      lead_to(numbered.back().place, kEveningBucket, weight);
  }
  for (const auto& [number, place] : numbered) lead_to(place, number, kBucketWeight);
  return group;
}

}  // namespace antrea::proxy
