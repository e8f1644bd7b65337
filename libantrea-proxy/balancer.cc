#include "antrea/proxy/balancer.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "antrea/base/hash.h"
#include "compile.h"
#include "stable_ids.h"

namespace antrea::proxy {

using openflow::Changes;
using openflow::GroupId;

namespace {

struct Hash {
  std::size_t operator()(const Frontend& f) const noexcept {
    return std::hash<IpAddress>{}(f.ip) * 31 +
           (std::size_t{f.port} << 8 | static_cast<std::size_t>(f.protocol));
  }
};

// Low numbers are left to groups with fixed ones.
constexpr std::uint32_t kFirstGroup = 0x10000;
constexpr std::uint32_t kGroupCount = 0xfffe0000 - kFirstGroup;

}  // namespace

struct Balancer::Impl {
  struct ServiceState {
    std::optional<ServiceInput> input;
    SliceInputs slices;
    CompiledService compiled;
  };
  struct GroupState {
    api::ObjectKey service;
    const GroupSpec* spec = nullptr;  // in the service's `compiled`
    GroupId shown;                    // as the switch has it
  };
  struct Claim {  // a Service that wants a frontend
    api::ObjectKey service;
    FrontendSpec spec;
    friend bool operator<(const Claim& a, const Claim& b) { return a.service < b.service; }
  };
  struct Shown {
    GroupId group;
    std::uint16_t affinity_timeout = 0;
    friend bool operator==(const Shown&, const Shown&) = default;
  };
  // Addresses with ports and protocols that groups lead to; a Frontend by shape.
  using EndpointKey = Frontend;

  explicit Impl(BalancerConfig c) : config(std::move(c)) {}

  BalancerConfig config;
  std::unordered_map<api::ObjectKey, ServiceState> services;
  std::unordered_map<api::ObjectKey, api::ObjectKey> slice_owners;  // slice -> Service
  StableIds ids{kFirstGroup, kGroupCount};
  std::unordered_map<std::string, GroupState> groups;  // by identity
  std::unordered_map<Frontend, std::set<Claim>, Hash> claims;
  std::unordered_map<Frontend, Shown, Hash> shown;
  std::unordered_map<EndpointKey, std::size_t, Hash> references;
  std::size_t service_count = 0;

  // What one call has touched.
  struct Touched {
    std::set<api::ObjectKey> services;
    std::set<std::string> groups;  // to be shown anew
    std::vector<GroupId> left;     // numbers that may have become free
    std::set<Frontend> frontends;
    std::unordered_map<EndpointKey, bool, Hash> endpoints;  // -> whether it was there before
  };

  void take_slice(const api::EndpointSlice& slice, Touched& touched) {
    const auto key = key_of(slice.metadata);
    const api::ObjectKey service{slice.metadata.namespace_, slice.service_name};
    if (const auto owner = slice_owners.find(key);
        owner != slice_owners.end() && owner->second != service)
      drop_slice(key, touched);
    if (slice.service_name.empty()) return;
    auto input = read_slice(slice, config);
    auto& slices = services[service].slices;
    if (const auto old = slices.find(slice.metadata.name);
        old != slices.end() && old->second == input)
      return;
    slices.insert_or_assign(slice.metadata.name, std::move(input));
    slice_owners.insert_or_assign(key, service);
    touched.services.insert(service);
  }

  void drop_slice(const api::ObjectKey& key, Touched& touched) {
    const auto owner = slice_owners.find(key);
    if (owner == slice_owners.end()) return;
    services.at(owner->second).slices.erase(key.name);
    touched.services.insert(owner->second);
    slice_owners.erase(owner);
  }

  void take_service(const api::ObjectKey& key, std::optional<ServiceInput> input,
                    Touched& touched) {
    const auto found = services.find(key);
    if (found == services.end() ? !input : found->second.input == input) return;
    services[key].input = std::move(input);
    touched.services.insert(key);
  }

  // Puts the new outcome for a Service in the place of the old one.
  void recompute(const api::ObjectKey& key, Touched& touched) {
    auto& state = services.at(key);
    auto old = std::move(state.compiled);
    state.compiled =
        state.input ? compile_service(key, *state.input, state.slices) : CompiledService{};
    service_count += state.compiled.frontends.empty() ? 0 : 1;
    service_count -= old.frontends.empty() ? 0 : 1;

    std::vector<std::string> renumbered;
    for (const auto& spec : old.groups) refer(spec, -1, touched);
    for (const auto& spec : state.compiled.groups) refer(spec, +1, touched);
    const auto& fresh = state.compiled.groups;
    for (auto o = old.groups.cbegin(), n = fresh.cbegin();
         o != old.groups.cend() || n != fresh.cend();) {
      if (n == fresh.end() || (o != old.groups.cend() && o->identity < n->identity)) {
        touched.left.push_back(groups.at(o->identity).shown);
        groups.erase(o->identity);
        ids.remove(o->identity, renumbered);
        ++o;
      } else if (o == old.groups.cend() || n->identity < o->identity) {
        groups.insert_or_assign(n->identity, GroupState{key, &*n, {}});
        ids.add(n->identity, renumbered);
        ++n;
      } else {
        groups.at(n->identity).spec = &*n;
        // A group that refuses looks the same whatever else its Service says.
        const bool both_refuse = o->backends.empty() && n->backends.empty();
        if (*o != *n && !both_refuse) touched.groups.insert(n->identity);
        ++o;
        ++n;
      }
    }
    for (const auto& identity : renumbered) renumber(identity, touched);

    for (const auto& spec : old.frontends) {
      auto& wanted = claims[spec.frontend];
      wanted.erase({key, spec});
      if (wanted.empty()) claims.erase(spec.frontend);
      touched.frontends.insert(spec.frontend);
    }
    for (const auto& spec : state.compiled.frontends) {
      claims[spec.frontend].insert({key, spec});
      touched.frontends.insert(spec.frontend);
    }
    if (!state.input && state.slices.empty()) services.erase(key);
  }

  void renumber(const std::string& identity, Touched& touched) {
    const auto found = groups.find(identity);
    if (found == groups.end()) return;
    touched.groups.insert(identity);
    if (found->second.shown != GroupId{}) touched.left.push_back(found->second.shown);
    // Whoever leads to it must follow: a Service's frontends stand in its own outcome.
    found->second.shown = GroupId{ids.id_of(identity)};
    for (const auto& spec : services.at(found->second.service).compiled.frontends)
      if (spec.group == identity) touched.frontends.insert(spec.frontend);
  }

  void refer(const GroupSpec& spec, int by, Touched& touched) {
    for (const auto& backend : spec.backends) {
      const EndpointKey key{backend.ip, backend.port, spec.protocol};
      auto& count = references[key];
      touched.endpoints.try_emplace(key, count != 0);
      count += static_cast<std::size_t>(by);
    }
  }

  Changes show(Touched touched) {
    Changes out;
    for (const auto& key : touched.services) recompute(key, touched);

    std::unordered_set<GroupId> present;
    for (const auto& identity : touched.groups) {
      const auto found = groups.find(identity);
      if (found == groups.end()) continue;
      out.groups.push_back(to_group(found->second.shown, *found->second.spec));
      present.insert(found->second.shown);
    }
    for (const auto& id : touched.left)
      if (present.insert(id).second) out.remove_groups.push_back(id);

    for (const auto& frontend : touched.frontends) {
      std::optional<Shown> now;
      if (const auto wanted = claims.find(frontend); wanted != claims.end()) {
        const auto& spec = wanted->second.begin()->spec;
        now = Shown{groups.at(spec.group).shown, spec.affinity_timeout};
      }
      const auto before = shown.find(frontend);
      const std::optional<Shown> old =
          before == shown.end() ? std::nullopt : std::optional(before->second);
      if (now == old) continue;
      std::vector<openflow::Flow> wanted, had;
      if (now) wanted = frontend_flows(frontend, now->group, now->affinity_timeout);
      if (old) had = frontend_flows(frontend, old->group, old->affinity_timeout);
      for (const auto& flow : had)
        if (std::ranges::find(wanted, flow.key(), &openflow::Flow::key) == wanted.end())
          out.remove_flows.push_back(flow.key());
      for (auto& flow : wanted)
        if (std::ranges::find(had, flow) == had.end()) out.flows.push_back(std::move(flow));
      if (now)
        shown.insert_or_assign(frontend, *now);
      else
        shown.erase(frontend);
    }

    for (const auto& [key, was_there] : touched.endpoints) {
      const auto count = references.find(key);
      const bool is_there = count->second != 0;
      if (!is_there) references.erase(count);
      if (is_there && !was_there)
        out.flows.push_back(endpoint_flow({key.ip, key.port}, key.protocol));
      if (!is_there && was_there)
        out.remove_flows.push_back(endpoint_flow_key({key.ip, key.port}, key.protocol));
    }
    return out;
  }
};

Balancer::Balancer(BalancerConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {}
Balancer::~Balancer() = default;

Changes Balancer::start() const {
  Changes out;
  out.flows = common_flows();
  return out;
}

Changes Balancer::apply(ServiceChanges changes) {
  Impl::Touched touched;
  for (const auto& key : changes.removed_slices) impl_->drop_slice(key, touched);
  for (const auto& key : changes.removed_services) impl_->take_service(key, {}, touched);
  for (const auto& service : changes.services)
    impl_->take_service(key_of(service.metadata), read_service(service, impl_->config), touched);
  for (const auto& slice : changes.slices) impl_->take_slice(slice, touched);
  return impl_->show(std::move(touched));
}

Changes Balancer::apply(const api::Service& service) {
  Impl::Touched touched;
  impl_->take_service(key_of(service.metadata), read_service(service, impl_->config), touched);
  return impl_->show(std::move(touched));
}

Changes Balancer::apply(const api::EndpointSlice& slice) {
  Impl::Touched touched;
  impl_->take_slice(slice, touched);
  return impl_->show(std::move(touched));
}

Changes Balancer::remove_service(const api::ObjectKey& key) {
  return apply(ServiceChanges{{}, {key}, {}, {}});
}
Changes Balancer::remove_slice(const api::ObjectKey& key) {
  return apply(ServiceChanges{{}, {}, {}, {key}});
}

std::vector<ServedFrontend> Balancer::served(const api::ObjectKey& service) const {
  std::vector<ServedFrontend> out;
  const auto found = impl_->services.find(service);
  if (found == impl_->services.end()) return out;
  for (const auto& spec : found->second.compiled.frontends) {
    const auto& group = impl_->groups.at(spec.group);
    if (impl_->claims.at(spec.frontend).begin()->service != service) continue;
    out.push_back({spec.frontend, group.shown, spec.affinity_timeout, group.spec->backends});
  }
  return out;
}

std::size_t Balancer::service_count() const { return impl_->service_count; }
std::size_t Balancer::endpoint_count() const { return impl_->references.size(); }

}  // namespace antrea::proxy
