// Who hears of what happens, when, and which addresses it serves then.
#include "tests/egress/modelled_cluster.h"

#include <algorithm>
#include <boost/functional/hash.hpp>

namespace antrea::egress {

ModelledCluster::ModelledCluster(std::uint64_t seed, std::size_t nodes, std::size_t addresses,
                                 unsigned rare)
    : random_(seed),
      rare_(rare),
      objects_(nodes, addresses),
      everybody_(nodes),
      even_(nodes),
      majority_(objects_.everything(), objects_.names(), &objects_.history()),
      minority_(objects_.everything(), objects_.names(), &objects_.history()),
      nodes_(nodes),
      returning_(nodes),
      on_side_(kSides, Members(nodes)),
      calendar_(kHorizon),
      holders_(addresses) {
  everybody_.set();
  for (std::size_t i = 0; i < nodes; i += 2) even_.set(i);
  present_ = on_side_[0] = everybody_;
  for (std::size_t i = 0; i < nodes; ++i) hear_everything(i);
}

std::size_t ModelledCluster::HashView::operator()(const View& view) const {
  std::size_t seed = view.objects;
  boost::hash_combine(seed, view.alive);
  boost::hash_combine(seed, view.returning);
  return seed;
}

void ModelledCluster::schedule(Tick in, Due due) {
  calendar_[(now_ + std::max<Tick>(in, 1)) % kHorizon].push_back(due);
  ++due_;
}

std::size_t ModelledCluster::add_news(Members about) {
  for (; !news_.empty() && news_.front().first + kHorizon < now_; ++forgotten_news_)
    news_.pop_front();
  news_.emplace_back(now_, std::move(about));
  return forgotten_news_ + news_.size() - 1;
}

/// What is true of these members now is found out.
void ModelledCluster::notice(const Members& who) {
  Members returns(nodes_.size()), sides(kSides);
  for (auto i = who.find_first(); i != who.npos; i = who.find_next(i)) {
    Node& node = nodes_[i];
    returns.set(i, node.runs && must_return(i));
    if (!node.runs) returning_.reset(i);
    sides.set(node.told_side).set(node.side);
    on_side_[node.told_side].reset(i);
    on_side_[node.side].set(i);
    node.told_side = node.side;
    present_.set(i, node.runs);
  }
  // Of two sides that meet, the one that lacked a majority returns.
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    if (!node.runs || who.test(i) || !sides.test(node.told_side) || node.known->majority) continue;
    if (2 * (present_ & on_side_[node.told_side]).count() > nodes_.size()) returns.set(i);
  }
  if (returns.any()) {
    returning_ |= returns;
    for (auto i = returns.find_first(); i != returns.npos; i = returns.find_next(i))
      nodes_[i].returns_until = now_ + kReturn;
    schedule(kReturn, {Due::What::kHasReturned, 0, 0, add_news(returns)});
  }
  const auto all_even = add_news(even_), all_odd = add_news(~even_);
  for (auto i = who.find_first(); i != who.npos; i = who.find_next(i)) {
    Node& node = nodes_[i];
    if (!node.runs) continue;
    node.accused = false;
    if (std::exchange(node.came_back, false)) {
      hear_everything(i);
    } else {
      tell(i, all_even, false);
      tell(i, all_odd, false);
    }
  }
  publish(who | returns, sides);
}

/// Whether others may have acted without it.
bool ModelledCluster::must_return(std::size_t who) const {
  const Node& node = nodes_[who];
  if (node.came_back || !node.known->majority) return true;
  return std::ranges::any_of(views_, [&](const auto& entry) {
    return entry.second->held_by > 0 && !entry.first.alive.test(who) &&
           entry.first.alive.intersects(on_side_[node.side]);
  });
}

/// Those of them that have not begun to return anew.
void ModelledCluster::end_return(const Members& who) {
  Members about(nodes_.size()), sides(kSides);
  for (auto i = who.find_first(); i != who.npos; i = who.find_next(i)) {
    const Node& node = nodes_[i];
    if (!returning_.test(i) || node.returns_until != now_) continue;
    about.set(i);
    sides.set(node.told_side);
  }
  returning_ -= about;
  if (about.none()) return;
  if (about.count() <= kMany)  // each knows it before the others
    for (auto i = about.find_first(); i != about.npos; i = about.find_next(i))
      if (nodes_[i].runs) hear(i, about);
  publish(about, sides);
}

/// To all on these sides, one after the other; of many, about each half of them by itself.
void ModelledCluster::publish(const Members& about, const Members& sides) {
  std::vector<std::size_t> news;
  if (about.count() <= kMany)
    news = {add_news(about)};
  else
    news = {add_news(about & even_), add_news(about - even_)};
  for (const auto number : news) {
    const bool slowly = random_.below(16) == 0;
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (nodes_[i].runs && sides.test(nodes_[i].told_side))
        tell(i, number, slowly && random_.below(8) == 0);
  }
}

void ModelledCluster::publish_objects() {
  const bool slowly = random_.below(16) == 0;
  const auto number = objects_.history().size();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    if (!node.runs) continue;
    ++node.unheard;
    Tick in = 1 + random_.below(kInTime);
    if (slowly && random_.below(8) == 0) in = kInTime + random_.below(300);
    if (in > kInTime) node.late_until = std::max(node.late_until, now_ + in);
    schedule(in, {Due::What::kSeesObjects, static_cast<std::uint32_t>(i), node.life, number});
  }
}

void ModelledCluster::tell(std::size_t who, std::size_t news, bool slowly) {
  Node& node = nodes_[who];
  ++node.unheard;
  const Tick in = slowly ? kInTime + random_.below(300) : 1 + random_.below(kInTime);
  if (slowly) node.late_until = std::max(node.late_until, now_ + in);
  schedule(in, {Due::What::kHears, static_cast<std::uint32_t>(who), node.life, news});
}

/// How these members are now, as far as has been found out; what was true when it was told may be
/// overtaken.
void ModelledCluster::hear(std::size_t who, const Members& about) {
  const Node& node = nodes_[who];
  View view = node.known != nullptr
                  ? node.known->view
                  : View{Members(nodes_.size()), Members(nodes_.size()), objects_.history().size()};
  const Members alive = present_ & on_side_[node.told_side] & about;
  (view.alive -= about) |= alive;
  (view.returning -= about) |= returning_ & alive;
  view.alive.set(who);
  take_view(who, view);
}

void ModelledCluster::hear_everything(std::size_t who) {
  hear(who, everybody_);
  View view = nodes_[who].known->view;
  view.objects = objects_.history().size();
  take_view(who, view);
}

void ModelledCluster::do_due(const Due& due) {
  Node& node = nodes_[due.who];
  const auto news = [&] { return news_[due.number - forgotten_news_].second; };
  if (due.what == Due::What::kIsNoticed) return notice(news());
  if (due.what == Due::What::kHasReturned) return end_return(news());
  if (due.life != node.life) return;
  --node.unheard;
  if (due.what == Due::What::kHears) {
    // Who has gone to another side meanwhile hears everything there.
    if (node.side == node.told_side) hear(due.who, news());
  } else if (due.number > node.known->view.objects) {
    View view = node.known->view;
    view.objects = due.number;
    take_view(due.who, view);
  }
}

void ModelledCluster::step() {
  ++now_;
  differences_.clear();
  auto& today = calendar_[now_ % kHorizon];
  random_.shuffle(today);
  for (const auto& due : std::exchange(today, {})) {
    --due_;
    do_due(due);
  }
  watch_overlaps();
  differences_.clear();
  if (now_ % 64 == 0) std::erase_if(views_, [](auto& each) { return each.second->held_by == 0; });
}

ModelledCluster::Known* ModelledCluster::known(const View& view) {
  auto& entry = views_[view];
  if (entry) return entry.get();
  ++counts_.views;
  const auto alive = view.alive.count();
  const bool majority =
      2 * alive > nodes_.size() || (2 * alive == nodes_.size() && view.alive.test(0));
  entry = std::make_unique<Known>(
      Known{view, (majority ? majority_ : minority_).owners(view), majority});
  return entry.get();
}

void ModelledCluster::take_view(std::size_t who, const View& view) { take(who, known(view)); }

const std::vector<ModelledCluster::Moved>& ModelledCluster::difference(Known* from, Known* to) {
  const auto [entry, added] = differences_.try_emplace({from, to});
  if (!added) return entry->second;
  for (std::uint32_t i = 0; i < holders_.size(); ++i) {
    const auto before = from != nullptr ? from->owners[i] : kNobody;
    if (before != to->owners[i]) entry->second.push_back({i, before, to->owners[i]});
  }
  return entry->second;
}

void ModelledCluster::take(std::size_t who, Known* next) {
  Node& node = nodes_[who];
  if (node.known == next) return;
  for (const auto& [address, from, to] : difference(node.known, next)) {
    if (from == who) release(who, address);
    if (to != who) continue;
    const bool planned =
        from != kNobody && next->view.alive.test(from) && !next->view.returning.test(from);
    hold(who, address, now_ + (planned ? kTakeover : 0));
  }
  if (node.known != nullptr) --node.known->held_by;
  node.known = next;
  ++next->held_by;
}

void ModelledCluster::release(std::size_t who, std::uint32_t address) {
  std::erase_if(holders_[address], [&](const Holder& each) { return each.who == who; });
}

void ModelledCluster::hold(std::size_t who, std::uint32_t address, Tick from) {
  auto& holders = holders_[address];
  holders.push_back({static_cast<std::uint32_t>(who), from});
  if (holders.size() > 1) contested_.try_emplace(address);
}

void ModelledCluster::run_for(Duration time) {
  for (const auto until = now_ + static_cast<Tick>(time / kTick); now_ < until;) step();
}

Duration ModelledCluster::settle() {
  const auto start = now_;
  while (due_ > 0) step();
  run_for(kTakeover * kTick);
  return (now_ - start) * kTick;
}

}  // namespace antrea::egress
