#pragma once

#include <string>
#include <vector>

#include "libantrea-egress/random.h"
#include "tests/egress/shared_placements.h"

namespace antrea::egress {

/// The objects of a ModelledCluster, as they are now, and how they came to be so. One pool has all
/// Nodes; each of a few others has those of one rack. Every address has an Egress of its own.
class ModelledObjects {
 public:
  static constexpr int kNone = -1;
  static constexpr int kRacks = 4;

  ModelledObjects(std::size_t nodes, std::size_t addresses);

  /// All of it at once.
  SchedulerInput everything() const;
  std::vector<std::string> names() const;  ///< of Nodes; ascending
  const ObjectHistory& history() const { return history_; }
  ObjectHistory& history() { return history_; }

  /// An Egress comes, goes, or gets its address from another pool.
  void change_egress(Random& random);
  void drain(std::size_t node, bool yes);
  /// A pool goes, comes back, or gets other Nodes; or a Node moves to another rack.
  void change_pools(Random& random);

  /// By address: its pool, or kNone if there is no Egress for it, or no such pool.
  int pool_of(std::size_t address) const;
  static constexpr std::size_t pools() { return 1 + kRacks; }
  boost::dynamic_bitset<> nodes_of(std::size_t pool) const;
  const boost::dynamic_bitset<>& drained() const { return drained_; }

 private:
  struct Pool {
    bool exists = true, all = false;
  };
  api::Node node(std::size_t number) const;
  api::crd::Egress egress(std::size_t number) const;
  api::crd::ExternalIPPool pool(std::size_t number) const;

  std::vector<int> racks_;   // of Nodes
  std::vector<int> chosen_;  // pools, by address; kNone: no Egress
  std::vector<Pool> pools_;
  boost::dynamic_bitset<> drained_;
  ObjectHistory history_;
};

}  // namespace antrea::egress
