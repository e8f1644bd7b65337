#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rule_book.h"
#include "traffic_function.h"

namespace antrea::policy {

/// How a conversation came about, beside its packet: egress rules with `toServices` and DNS names
/// ask for that, and rules that are applied to NodePorts.
struct Circumstance {
  std::optional<api::controlplane::ServiceReference> service;
  std::vector<std::string> names;  ///< that the destination stands for, and none beside
  bool node_port = false;          ///< by a NodePort of the Service

  /// Whether a rule that is applied to Services comes to bear.
  bool is_at(const RuleBook::Rule& rule) const;
  /// Whether the destination is a peer of the rule by it, whatever its address.
  bool meets(const RuleBook::Rule& rule) const;
};

/// All that the rules of these sides could tell apart; the first one is "straight to the address".
struct Circumstances {
  explicit Circumstances(const std::vector<const RuleBook*>& sides);

  std::vector<Circumstance> all;
  /// Some combinations of DNS names are not among them, since there are too many.
  bool left_out_names = false;

 private:
  void add_names(const std::vector<std::string>& patterns);
};

/// The traffic that comes so to a Pod, or to something outside (null), at all sides. With a
/// Service: to the ports that lead to it.
TrafficFunction traffic_reaching(const api::ObjectKey* pod, const Circumstance& how,
                                 const std::vector<const RuleBook*>& sides);

}  // namespace antrea::policy
