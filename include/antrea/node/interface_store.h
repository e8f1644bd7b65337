#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "antrea/api/meta.h"
#include "antrea/base/ip.h"

namespace antrea::node {

/// external_ids of a Port, as every version of Antrea reads them.
using ExternalIds = std::map<std::string, std::string>;

enum class InterfaceType : std::uint8_t { kContainer, kGateway, kTunnel, kUplink, kHost };
ANTREA_API std::string_view to_string(InterfaceType type);  ///< "container", "gateway", …

/// A port of the integration bridge and what it is for.
struct Interface {
  std::string name;
  InterfaceType type = InterfaceType::kContainer;
  std::uint32_t ofport = 0;  ///< 0: not made by the switch

  // Containers only.
  MacAddress mac;  ///< inside the Pod
  std::vector<IpAddress> ips;
  std::string container_id;
  api::ObjectKey pod;
  std::string if_dev = "eth0";  ///< inside the Pod
  std::string net_ns;           ///< path; empty when not recorded

  friend bool operator==(const Interface&, const Interface&) = default;
};

/// What is written to the Port row: antrea-type, and for containers attached-mac, ip-address,
/// container-id, pod-name, pod-namespace, if-dev (only when not eth0) and net-ns.
ANTREA_API ExternalIds external_ids_of(const Interface& interface);
/// The interface of a Port row. `kNotFound` when the port is not Antrea's (no antrea-type);
/// `kUnsupported` for a type of another version; `kMalformed` when an address of a container does
/// not parse.
ANTREA_API Result<Interface> interface_from(std::string name, std::uint32_t ofport,
                                            const ExternalIds& external_ids);

/// The Node's interfaces, found by name, container, Pod, port number or address. Pointers stay
/// valid until the interface is changed or removed.
class ANTREA_API InterfaceStore {
 public:
  /// Adds, or replaces the one of that name.
  void add(Interface interface);
  /// False when there was none.
  bool remove(std::string_view name);
  void clear();

  const Interface* find(std::string_view name) const;
  const Interface* find_container(std::string_view container_id,
                                  std::string_view if_dev = "eth0") const;
  const Interface* find_by_ofport(std::uint32_t ofport) const;
  /// With several holders (an address handed on while its last owner goes away) the one whose name
  /// sorts first.
  const Interface* find_by_ip(const IpAddress& ip) const;
  /// By name; a Pod has several while its sandbox is replaced.
  std::vector<const Interface*> find_by_pod(const api::ObjectKey& pod) const;
  /// All of a type, by name.
  std::vector<const Interface*> all(InterfaceType type) const;

  std::size_t size() const { return by_name_.size(); }
  auto begin() const { return by_name_.begin(); }
  auto end() const { return by_name_.end(); }

 private:
  void index(const Interface& interface);
  void unindex(const Interface& interface);

  using Names = std::set<std::string, std::less<>>;
  std::map<std::string, Interface, std::less<>> by_name_;
  std::unordered_map<std::string, std::string> by_container_;  // "c/ID/DEV" -> name
  std::unordered_map<std::uint32_t, Names> by_ofport_;
  std::unordered_map<IpAddress, Names> by_ip_;
  std::unordered_map<api::ObjectKey, Names> by_pod_;
};

}  // namespace antrea::node
