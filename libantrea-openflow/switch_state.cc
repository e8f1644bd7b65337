#include "antrea/openflow/switch_state.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

namespace antrea::openflow {
namespace {

/// Meters above it are the switch's own (slowpath, controller).
constexpr std::uint32_t kMaxMeter = 0xffff0000;

/// Then they are numbered from 1 again.
constexpr std::uint8_t kLastReadback = 127;

/// Beyond it the entry of a group in the switch's statistics would outgrow its 16-bit length.
constexpr std::size_t kMostBuckets = 4000;

/// The form in which the switch tells a group back: a select bucket has a weight, no other one
/// does.
Group canonical(Group group) {
  for (auto& bucket : group.buckets) {
    if (group.type == GroupType::kSelect)
      bucket.weight = bucket.weight.value_or(1);
    else
      bucket.weight.reset();
    if (bucket.watch_port == kPortAny) bucket.watch_port.reset();
    if (bucket.watch_group == kAnyGroup) bucket.watch_group.reset();
  }
  return group;
}

Meter canonical(Meter meter) {
  if ((meter.flags & meter_flags::kBurst) == 0)
    for (auto& band : meter.bands) band.burst = 0;
  return meter;
}

bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
}

bool same_instructions(const FlowBytes& a, const FlowBytes& b) {
  return a.only_actions == b.only_actions && same_bytes(a.instructions, b.instructions);
}

/// Equal in all that the switch keeps of a flow; both have one key.
bool same_flow(const FlowRecord& a, const FlowRecord& b) {
  return a.cookie() == b.cookie() && a.idle_timeout() == b.idle_timeout() &&
         a.hard_timeout() == b.hard_timeout() && a.importance() == b.importance() &&
         ((a.flags() ^ b.flags()) & flow_flags::kKept) == 0 &&
         same_instructions(a.bytes(), b.bytes());
}

bool same_flow(const FlowStatsView& a, const FlowBytes& bytes, const FlowRecord& b) {
  return a.cookie == b.cookie() && a.idle_timeout == b.idle_timeout() &&
         a.hard_timeout == b.hard_timeout() && a.importance == b.importance() &&
         ((a.flags ^ b.flags()) & flow_flags::kKept) == 0 && same_instructions(bytes, b.bytes());
}

template <typename Map, typename Pointer, typename Key>
void set_entry(Map& map, Key key, Pointer after, std::vector<Step<Pointer>>& steps) {
  const auto found = map.find(key);
  Pointer before = found == map.end() ? nullptr : found->second;
  if (before == nullptr && after == nullptr) return;
  if (before != nullptr && after != nullptr && *before == *after) return;
  if (after == nullptr)
    map.erase(found);
  else
    map[key] = after;
  steps.push_back({std::move(before), std::move(after)});
}

/// Joins the steps of one key into one, drops those without effect.
template <typename Steps, typename KeyOf, typename Same>
void compact(Steps& steps, KeyOf key_of, Same same) {
  using Key = decltype(key_of(steps.front().after));
  std::map<Key, std::size_t> first;
  Steps joined;
  for (auto& step : steps) {
    const auto key = key_of(step.after != nullptr ? step.after : step.before);
    const auto [at, fresh] = first.emplace(key, joined.size());
    if (fresh)
      joined.push_back(std::move(step));
    else
      joined[at->second].after = std::move(step.after);
  }
  std::erase_if(joined, [&](const auto& step) {
    if (step.before == nullptr || step.after == nullptr) return step.before == step.after;
    return same(*step.before, *step.after);
  });
  steps = std::move(joined);
}

void compact_all(Delta& delta) {
  const auto flow_key = [](const FlowRecordPtr& flow) {
    const auto fields = flow->fields();
    return std::tuple(
        flow->table(), flow->priority(),
        std::string_view(reinterpret_cast<const char*>(fields.data()), fields.size()));
  };
  const auto id = [](const auto& item) { return item->id; };
  const auto equal = [](const auto& a, const auto& b) { return a == b; };
  // The keys borrow from records, which must not go before the map does.
  const auto keep = delta.flows;
  compact(delta.flows, flow_key,
          [](const FlowRecord& a, const FlowRecord& b) { return same_flow(a, b); });
  compact(delta.groups, id, equal);
  compact(delta.meters, id, equal);
  compact(
      delta.tlv_maps, [](const auto& item) { return item->index; }, equal);
}

}  // namespace

void Delta::append(const Delta& later) {
  const bool alone = empty();
  flows.insert(flows.end(), later.flows.begin(), later.flows.end());
  groups.insert(groups.end(), later.groups.begin(), later.groups.end());
  meters.insert(meters.end(), later.meters.begin(), later.meters.end());
  tlv_maps.insert(tlv_maps.end(), later.tlv_maps.begin(), later.tlv_maps.end());
  if (!alone && !later.empty()) compact_all(*this);
}

SwitchState::KeyView::KeyView(TableId t, std::uint16_t p, std::span<const std::byte> f)
    : table(t), priority(p), hash(FlowRecord::hash_key(t, p, f)), fields(f) {}

bool SwitchState::KeyEqual::operator()(const KeyView& a, const FlowRecordPtr& b) const {
  return a.hash == b->hash_ && a.table == b->table() && a.priority == b->priority() &&
         same_bytes(a.fields, b->fields());
}

bool SwitchState::KeyEqual::operator()(const FlowRecordPtr& a, const FlowRecordPtr& b) const {
  return a->hash_ == b->hash_ && (*this)(KeyView(a), b);
}

void SwitchState::add_flow(FlowRecordPtr after, Delta& delta) {
  after->seen_ = 0;
  const auto [at, fresh] = flows_.insert(after);
  FlowRecordPtr before;
  if (!fresh) {
    before = *at;
    if (same_flow(*before, *after)) return;
    flows_.erase(at);
    flows_.insert(after);
  }
  delta.flows.push_back({std::move(before), std::move(after)});
}

void SwitchState::remove_flow(const KeyView& key, Delta& delta) {
  const auto found = flows_.find(key);
  if (found == flows_.end()) return;
  delta.flows.push_back({*found, nullptr});
  flows_.erase(found);
}

Result<Delta> SwitchState::apply(const Changes& changes) {
  std::vector<FlowRecordPtr> records;
  std::vector<std::byte> scratch;
  records.reserve(changes.flows.size());
  for (const auto& flow : changes.flows) {
    records.push_back(FlowRecord::make(flow, scratch));
    if (records.back() == nullptr)
      return make_error(Errc::kInvalidArgument, "add flow: it does not fit into a message",
                        "table " + std::to_string(flow.table.value) + ", priority " +
                            std::to_string(flow.priority));
  }
  for (const auto& group : changes.groups)
    if (group.buckets.size() > kMostBuckets)
      return make_error(Errc::kInvalidArgument,
                        "set group: " + std::to_string(group.buckets.size()) +
                            " buckets, expected at most " + std::to_string(kMostBuckets),
                        "group " + std::to_string(group.id.value));
  Delta delta;
  for (const auto& key : changes.remove_flows) {
    std::vector<std::byte> match;
    encode_match(key.match, match);
    remove_flow(KeyView(key.table, key.priority, FlowBytes::fields_of(match)), delta);
  }
  for (const auto id : changes.remove_groups) set_entry(groups_, id, GroupPtr(), delta.groups);
  for (const auto id : changes.remove_meters) set_entry(meters_, id, MeterPtr(), delta.meters);
  const bool removed = !delta.empty();
  const auto flow_steps = delta.flows.size();
  const auto old_size = flows_.size();
  flows_.reserve(old_size + records.size());
  delta.flows.reserve(flow_steps + records.size());
  for (auto& record : records) add_flow(std::move(record), delta);
  for (const auto& group : changes.groups)
    set_entry(groups_, group.id, GroupPtr(std::make_shared<const Group>(canonical(group))),
              delta.groups);
  for (const auto& meter : changes.meters)
    set_entry(meters_, meter.id, MeterPtr(std::make_shared<const Meter>(canonical(meter))),
              delta.meters);
  // A key may stand twice only if something was removed first, or replaced.
  const bool only_new = flows_.size() - old_size == delta.flows.size() - flow_steps;
  if (removed || !only_new || delta.groups.size() > 1 || delta.meters.size() > 1)
    compact_all(delta);
  return delta;
}

void SwitchState::revert(const Delta& delta) {
  Delta ignored;
  for (const auto& step : delta.flows) {
    if (step.before != nullptr)
      add_flow(step.before, ignored);
    else
      remove_flow(KeyView(step.after), ignored);
  }
  for (const auto& step : delta.groups)
    set_entry(groups_, (step.after != nullptr ? step.after : step.before)->id, step.before,
              ignored.groups);
  for (const auto& step : delta.meters)
    set_entry(meters_, (step.after != nullptr ? step.after : step.before)->id, step.before,
              ignored.meters);
}

void SwitchState::forget(const PlannedMessage& message) {
  Delta ignored;
  if (const auto* flow = std::get_if<FlowRecordPtr>(&message.what))
    remove_flow(KeyView(*flow), ignored);
  if (const auto* group = std::get_if<GroupPtr>(&message.what))
    set_entry(groups_, (*group)->id, GroupPtr(), ignored.groups);
  if (const auto* meter = std::get_if<MeterPtr>(&message.what))
    set_entry(meters_, (*meter)->id, MeterPtr(), ignored.meters);
  if (const auto* map = std::get_if<TlvMapPtr>(&message.what))
    set_entry(tlv_maps_, (*map)->index, TlvMapPtr(), ignored.tlv_maps);
}

void SwitchState::desire_tlv_maps(const std::vector<TlvMap>& maps) {
  tlv_maps_.clear();
  for (const auto& map : maps) tlv_maps_[map.index] = std::make_shared<const TlvMap>(map);
}

std::size_t SwitchState::flow_bytes() const {
  std::size_t total = flows_.bucket_count() * (sizeof(FlowRecordPtr) + 1);
  for (const auto& record : flows_) total += record->footprint();
  return total;
}

std::vector<Flow> SwitchState::flows() const {
  std::vector<Flow> all;
  all.reserve(flows_.size());
  for (const auto& record : flows_)
    if (auto decoded = record->decode()) all.push_back(*std::move(decoded));
  return all;
}

std::vector<Group> SwitchState::groups() const {
  std::vector<Group> all;
  for (const auto& [id, group] : groups_) all.push_back(*group);
  return all;
}

std::vector<Meter> SwitchState::meters() const {
  std::vector<Meter> all;
  for (const auto& [id, meter] : meters_) all.push_back(*meter);
  return all;
}

void SwitchState::begin_readback() {
  if (++readback_ > kLastReadback) {
    for (const auto& record : flows_) record->seen_ = 0;
    readback_ = 1;
  }
  seen_count_ = reencoded_ = 0;
  differences_ = {};
  seen_groups_.clear();
  seen_meters_.clear();
  seen_tlv_maps_.clear();
}

void SwitchState::see_flow(const FlowStatsView& view) {
  const FlowBytes bytes = FlowBytes::of(view.match, view.instructions);
  auto found = flows_.find(KeyView(view.table, view.priority, bytes.fields));
  const auto mark = [&](const FlowRecordPtr& record) {
    if (record->seen_ != readback_) ++seen_count_;
    record->seen_ = readback_;
  };
  if (found != flows_.end() && same_flow(view, bytes, **found)) return mark(*found);
  // The switch may write the same flow in other bytes than this library: compare the meaning.
  FlowRecordPtr actual;
  if (const auto decoded = view.decode()) actual = FlowRecord::make(decoded->flow);
  if (actual != nullptr && found == flows_.end()) found = flows_.find(actual);
  if (found != flows_.end()) {
    mark(*found);
    if (actual != nullptr && same_flow(*actual, **found)) {
      ++reencoded_;
      return;
    }
    differences_.flows.push_back({FlowRecord::make(view), *found});
    return;
  }
  const bool ours = ((view.cookie ^ ownership_.cookie) & ownership_.cookie_mask) == 0;
  const bool expires = view.idle_timeout != 0 || view.hard_timeout != 0;
  if (ours && !(expires && ownership_.keep_expiring))
    differences_.flows.push_back({FlowRecord::make(view), nullptr});
}

Result<> SwitchState::see_flows(std::span<const std::byte> wire) {
  FlowStatsReader reader(wire);
  while (const auto view = reader.next()) see_flow(*view);
  if (reader.error()) return reader.error()->to_error().within("read flows back");
  return {};
}

void SwitchState::see_groups(const std::vector<Group>& groups) {
  for (const auto& raw : groups) {
    auto actual = std::make_shared<const Group>(canonical(raw));
    seen_groups_.push_back(actual->id);
    const auto found = groups_.find(actual->id);
    if (found == groups_.end()) {
      if (ownership_.groups) differences_.groups.push_back({std::move(actual), nullptr});
    } else if (*found->second != *actual) {
      differences_.groups.push_back({std::move(actual), found->second});
    }
  }
}

void SwitchState::see_large_group(GroupId id, bool known) {
  seen_groups_.push_back(id);
  const auto desired = group(id);
  if (desired == nullptr && !ownership_.groups) return;
  if (desired != nullptr && known) return;
  auto actual = std::make_shared<Group>();
  actual->id = id;
  differences_.groups.push_back({std::move(actual), desired});
}

GroupPtr SwitchState::group(GroupId id) const {
  const auto found = groups_.find(id);
  return found == groups_.end() ? nullptr : found->second;
}

void SwitchState::see_meters(const std::vector<Meter>& meters) {
  for (const auto& raw : meters) {
    auto actual = std::make_shared<const Meter>(canonical(raw));
    if (actual->id.value > kMaxMeter) continue;
    seen_meters_.push_back(actual->id);
    const auto found = meters_.find(actual->id);
    if (found == meters_.end()) {
      if (ownership_.meters) differences_.meters.push_back({std::move(actual), nullptr});
    } else if (*found->second != *actual) {
      differences_.meters.push_back({std::move(actual), found->second});
    }
  }
}

void SwitchState::see_tlv_maps(const std::vector<TlvMap>& maps) {
  for (const auto& map : maps) {
    seen_tlv_maps_.push_back(map.index);
    const auto found = tlv_maps_.find(map.index);
    const bool desired = found != tlv_maps_.end();
    if (desired ? *found->second == map : !ownership_.tlv_maps) continue;
    differences_.tlv_maps.push_back(
        {std::make_shared<const TlvMap>(map), desired ? found->second : nullptr});
  }
}

Delta SwitchState::finish_readback() {
  if (seen_count_ < flows_.size()) {
    auto& steps = differences_.flows;
    const auto seen = static_cast<std::ptrdiff_t>(steps.size());
    steps.reserve(steps.size() + flows_.size() - seen_count_);
    for (const auto& record : flows_)
      if (record->seen_ != readback_) steps.push_back({nullptr, record});
    // The table's order is a random one; who walks through many records is faster along the memory,
    // which is about the order in which they were made.
    std::sort(steps.begin() + seen, steps.end(),
              [](const auto& a, const auto& b) { return a.after.get() < b.after.get(); });
  }
  const auto add_unseen = [](const auto& desired, auto& seen, auto& steps) {
    std::ranges::sort(seen);
    for (const auto& [key, item] : desired)
      if (!std::ranges::binary_search(seen, key)) steps.push_back({nullptr, item});
  };
  add_unseen(groups_, seen_groups_, differences_.groups);
  add_unseen(meters_, seen_meters_, differences_.meters);
  add_unseen(tlv_maps_, seen_tlv_maps_, differences_.tlv_maps);
  return std::exchange(differences_, {});
}

}  // namespace antrea::openflow
