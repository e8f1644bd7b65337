#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "antrea/api/controlplane.h"
#include "antrea/api/pipeline.h"
#include "antrea/base/ip.h"
#include "antrea/openflow/flow.h"

namespace antrea::policy {

/// What a policy flow matches, in 24 bytes: there may be hundreds of thousands. `key()` spells it
/// out for the switch.
struct FlowSpec {
  enum class Kind : std::uint8_t {
    kAny,     ///< any packet of the family
    kSource,  ///< an address prefix
    kDestination,
    kOutPort,       ///< the Pod the packet goes to, by its port in reg1
    kService,       ///< protocol (in `detail`) and ports
    kServiceGroup,  ///< the Service that the packet was sent to, by its group's ID in reg7
    kNodePort,      ///< likewise, but only if it was sent to a NodePort of the Service
    kClient,        ///< an address prefix, of who opened the connection: before any translation
    kDnsAnswer,     ///< answers of DNS servers; `detail` is the IP protocol
    kConjunction,   ///< conj_id; `detail` is 0 or says how the connection is translated
    kAllowedNew,    ///< first packets that the rule allowed, by ct_label
    kAllowedRest,   ///< the others
    kDenied,        ///< what the rule denied, by reg3
  };
  static constexpr std::uint8_t kSourceKept = 1, kSourceTranslated = 2;

  api::pipeline::Table table{};
  Kind kind{};
  std::uint16_t priority = api::pipeline::kPriorityNormal;
  std::uint8_t family = 0;  ///< 4 or 6; 0: both
  std::uint8_t detail = 0;  ///< of an address: the length of the prefix
  std::uint64_t hi = 0, lo = 0;

  friend bool operator==(const FlowSpec&, const FlowSpec&) = default;
  std::size_t hash() const;
  openflow::FlowKey key() const;

  /// kSource, kDestination or kClient; kAny for the prefix that holds all addresses.
  static FlowSpec address(api::pipeline::Table table, std::uint16_t priority, Kind kind,
                          const IpPrefix& prefix);
  /// kOutPort, kServiceGroup or kNodePort.
  static FlowSpec number(api::pipeline::Table table, std::uint16_t priority, Kind kind,
                         std::uint32_t number);
  static FlowSpec by_id(api::pipeline::Table table, std::uint16_t priority, Kind kind,
                        std::optional<Family> family, std::uint32_t id);
};

/// A value and the bits of it that count.
struct PortMask {
  std::uint16_t value = 0;
  std::uint16_t mask = 0;
  friend bool operator==(const PortMask&, const PortMask&) = default;
};
/// The fewest masks that cover exactly the ports `first` to `last`.
std::vector<PortMask> port_masks(std::uint16_t first, std::uint16_t last);

/// The matches of a service in one family; none if it has no meaning there.
std::vector<FlowSpec> service_specs(api::pipeline::Table table, std::uint16_t priority,
                                    Family family, const api::controlplane::Service& service);

}  // namespace antrea::policy
