// What happens to a modelled cluster.
#include "tests/egress/modelled_cluster.h"

namespace antrea::egress {
namespace {

constexpr std::uint64_t kNoticedAfter = 15, kNoticedWithin = 35;  // ticks: by the fast path

}  // namespace

ModelledCluster::Members ModelledCluster::those(bool (*which)(const Node&)) const {
  Members all(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) all.set(i, which(nodes_[i]));
  return all;
}

/// One of them; npos if there is none.
std::size_t ModelledCluster::pick(const Members& of) {
  auto left = random_.below(of.count());
  auto one = of.find_first();
  for (; left > 0; --left) one = of.find_next(one);
  return one;
}

void ModelledCluster::find_out(const Members& who, Tick least, Tick most) {
  schedule(least + random_.below(most - least), {Due::What::kIsNoticed, 0, 0, add_news(who)});
}

void ModelledCluster::crash(const Members& who) {
  for (auto i = who.find_first(); i != who.npos; i = who.find_next(i)) {
    Node& node = nodes_[i];
    for (std::uint32_t each = 0; each < holders_.size(); ++each)
      if (node.known->owners[each] == i) release(i, each);
    --node.known->held_by;
    node = {.runs = false, .side = node.side, .told_side = node.told_side, .life = node.life + 1};
  }
  find_out(who, kNoticedAfter, kNoticedWithin);
}

/// They know nobody at first, and serve nothing.
void ModelledCluster::start(const Members& who) {
  for (auto i = who.find_first(); i != who.npos; i = who.find_next(i)) {
    nodes_[i].runs = nodes_[i].came_back = true;
    hear(i, Members(nodes_.size()));
  }
  find_out(who, 2, 7);
}

void ModelledCluster::move_to_side(const Members& who, unsigned side) {
  for (auto i = who.find_first(); i != who.npos; i = who.find_next(i)) nodes_[i].side = side;
  find_out(who, kNoticedAfter, kNoticedWithin);
}

/// Others are told that it is dead, though it is not.
void ModelledCluster::accuse(std::size_t who) {
  Node& node = nodes_[who];
  if (node.side != node.told_side || !present_.test(who)) return;
  node.accused = node.came_back = true;
  present_.reset(who);
  Members about(nodes_.size()), sides(kSides);
  about.set(who);
  publish(about, sides.set(node.told_side));
  find_out(about, 1, kInTime);
}

void ModelledCluster::disturb() {
  const auto running = those([](const Node& node) { return node.runs; });
  const auto down = ~running;
  const auto astray = those([](const Node& node) { return node.side != 0; });
  const auto count = nodes_.size();
  Members one(count);
  if (random_.below(rare_) == 0) return disturb_many();
  switch (random_.below(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
      if (down.count() >= count / 8) break;
      crash(one.set(pick(running)));
      if (random_.below(4) == 0) start(one);  // at once, before anybody has noticed
      break;
    case 4:
    case 5:
    case 6:
    case 7:
      if (down.any()) start(one.set(pick(down)));
      break;
    case 8:
      if (astray.count() < count / 8)
        move_to_side(one.set(random_.below(count)), 1 + static_cast<unsigned>(random_.below(2)));
      break;
    case 9:
    case 10:
      if (astray.any()) move_to_side(one.set(pick(astray)), 0);
      break;
    case 11:
      accuse(pick(running));
      break;
    case 12: {
      const auto& drained = objects_.drained();
      const bool ends = drained.count() > count / 16;
      objects_.drain(ends ? pick(drained) : random_.below(count), !ends);
      publish_objects();
      break;
    }
    default:
      objects_.change_egress(random_);
      publish_objects();
  }
}

/// Many at once.
void ModelledCluster::disturb_many() {
  const auto count = nodes_.size();
  Members some(count);
  switch (random_.below(6)) {
    case 0:  // a part of any size goes astray
      for (auto left = random_.below(count * 2 / 3); left > 0; --left)
        some.set(random_.below(count));
      return move_to_side(some, 1 + static_cast<unsigned>(random_.below(2)));
    case 1:
    case 2:
      return heal();
    case 3:  // a rack loses its power
      for (std::size_t i = 0; i < 8; ++i) some.set(random_.below(count));
      some &= those([](const Node& node) { return node.runs; });
      return crash(some);
    default:
      objects_.change_pools(random_);
      publish_objects();
  }
}

void ModelledCluster::heal() {
  move_to_side(those([](const Node& node) { return node.side != 0; }), 0);
  start(those([](const Node& node) { return !node.runs; }));
}

}  // namespace antrea::egress
