#include "tests/egress/modelled_objects.h"

#include "tests/egress/objects.h"

namespace antrea::egress {
namespace {

std::string numbered(const std::string& what, std::size_t number) {
  const auto digits = std::to_string(number);
  return what + std::string(6 - digits.size(), '0') + digits;
}

std::string pool_name(int pool) { return pool == 0 ? "all" : "rack" + std::to_string(pool); }

}  // namespace

ModelledObjects::ModelledObjects(std::size_t nodes, std::size_t addresses)
    : pools_(pools()), drained_(nodes) {
  pools_[0].all = true;
  for (std::size_t i = 0; i < nodes; ++i)  // each rack has every 24th Node, in a large cluster
    racks_.push_back(i % 6 == 0 ? 1 + static_cast<int>(i / 6) % kRacks : 0);
  for (std::size_t i = 0; i < addresses; ++i)
    chosen_.push_back(i % 10 == 0 ? 1 + static_cast<int>(i / 10) % kRacks : 0);
}

api::Node ModelledObjects::node(std::size_t number) const {
  api::Labels labels, annotations;
  if (racks_[number] != 0) labels["pool"] = pool_name(racks_[number]);
  if (drained_.test(number)) annotations[std::string(kDrain)] = "true";
  return make_node(numbered("node", number), labels, annotations);
}

api::crd::Egress ModelledObjects::egress(std::size_t number) const {
  return make_egress(numbered("egress", number),
                     {IpAddress::v4(0x0a630000).plus(number).to_string()},
                     pool_name(chosen_[number]));
}

api::crd::ExternalIPPool ModelledObjects::pool(std::size_t number) const {
  return make_pool(pool_name(static_cast<int>(number)), pools_[number].all);
}

SchedulerInput ModelledObjects::everything() const {
  SchedulerInput all;
  for (std::size_t i = 0; i < racks_.size(); ++i) all.nodes.push_back(node(i));
  for (std::size_t i = 0; i < pools(); ++i)
    if (pools_[i].exists) all.pools.push_back(pool(i));
  for (std::size_t i = 0; i < chosen_.size(); ++i)
    if (chosen_[i] != kNone) all.egresses.push_back(egress(i));
  return all;
}

std::vector<std::string> ModelledObjects::names() const {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < racks_.size(); ++i) all.push_back(numbered("node", i));
  return all;
}

void ModelledObjects::change_egress(Random& random) {
  const auto number = random.below(chosen_.size());
  const auto tell = [&](SchedulerInput& input) {
    if (chosen_[number] != kNone)
      input.egresses = {egress(number)};
    else
      input.removed_egresses = {numbered("egress", number)};
  };
  ObjectHistory::Change change;
  tell(change.back);
  const bool there = chosen_[number] != kNone;
  const bool goes = there && random.below(2) == 0;
  const bool elsewhere = random.below(8) == 0;
  chosen_[number] = goes ? kNone : elsewhere ? static_cast<int>(1 + random.below(kRacks)) : 0;
  tell(change.forth);
  history_.add(std::move(change));
}

void ModelledObjects::drain(std::size_t number, bool yes) {
  ObjectHistory::Change change{.forth = {}, .back = {.nodes = {node(number)}}};
  drained_.set(number, yes);
  change.forth.nodes = {node(number)};
  history_.add(std::move(change));
}

void ModelledObjects::change_pools(Random& random) {
  ObjectHistory::Change change;
  const auto number = 1 + random.below(kRacks);
  if (random.below(2) == 0) {  // a Node moves
    const auto who = random.below(racks_.size());
    change.back.nodes = {node(who)};
    racks_[who] = racks_[who] == 0 ? static_cast<int>(number) : 0;
    change.forth.nodes = {node(who)};
  } else {
    const auto tell = [&](SchedulerInput& input) {
      if (pools_[number].exists)
        input.pools = {pool(number)};
      else
        input.removed_pools = {pool_name(static_cast<int>(number))};
    };
    tell(change.back);
    auto& changed = pools_[number];
    if (!changed.exists)
      changed.exists = true;
    else
      (random.below(2) == 0 ? changed.exists : changed.all) ^= true;
    tell(change.forth);
  }
  history_.add(std::move(change));
}

int ModelledObjects::pool_of(std::size_t address) const {
  const int pool = chosen_[address];
  return pool != kNone && pools_[static_cast<std::size_t>(pool)].exists ? pool : kNone;
}

boost::dynamic_bitset<> ModelledObjects::nodes_of(std::size_t pool) const {
  boost::dynamic_bitset<> nodes(racks_.size());
  for (std::size_t i = 0; i < racks_.size(); ++i)
    nodes.set(i, pools_[pool].all || racks_[i] == static_cast<int>(pool));
  return nodes;
}

}  // namespace antrea::egress
