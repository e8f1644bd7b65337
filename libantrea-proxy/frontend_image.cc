#include "frontend_image.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <tuple>

#include "antrea/base/sorted.h"
#include "flows.h"

namespace antrea::proxy {

using openflow::Changes;
using openflow::Flow;

namespace {

const FrontendSpec& spec_of(const ServiceState& service, const Frontend& at) {
  return *std::ranges::lower_bound(service.compiled.frontends, at, {}, &FrontendSpec::at);
}

FrontendFlows with_ids(const ServiceState& service, FrontendFlows flows) {
  for (auto* group : {&flows.group, &flows.local_clients_group, &flows.from_tunnel_group})
    if (*group != kNoGroup) *group = service.group_ids[*group].value;
  return flows;
}

// Who has a frontend that several may want.
ServiceState* choose_holder(const Frontend& at, const std::vector<ServiceState*>& claims) {
  if (claims.size() == 1) return claims.front();
  const auto best = std::ranges::min_element(claims, {}, [&](const ServiceState* service) {
    return std::tuple(spec_of(*service, at).kind, std::cref(service->key));
  });
  return best == claims.end() ? nullptr : *best;
}

// The difference between what a frontend had and has: null for nothing.
void show_flows(const Frontend& at, const FrontendFlows* had, const FrontendFlows* has,
                Changes& out) {
  if (had == nullptr) return append_frontend_flows(at, *has, out.flows);
  std::vector<Flow> before, after;
  append_frontend_flows(at, *had, before);
  if (has != nullptr) append_frontend_flows(at, *has, after);
  for (const auto& flow : before)
    if (std::ranges::find(after, flow.key(), &Flow::key) == after.end())
      out.remove_flows.push_back(flow.key());
  for (auto& flow : after)
    if (std::ranges::find(before, flow) == before.end()) out.flows.push_back(std::move(flow));
}

}  // namespace

void FrontendImage::reserve(std::size_t more) {
  frontends_.reserve(frontends_.size() + more);
  touched_.reserve(more);
}

FrontendImage::State& FrontendImage::touch(const Frontend& at) {
  State& state = frontends_[at];
  if (!std::exchange(state.touched, true)) touched_.push_back(at);
  return state;
}

void FrontendImage::replace(ServiceState& service, const CompiledService& old) {
  const auto& now = service.compiled;
  for (std::size_t o = 0, n = 0; o < old.frontends.size() || n < now.frontends.size();) {
    const bool gone = n == now.frontends.size() ||
                      (o < old.frontends.size() && old.frontends[o].at < now.frontends[n].at);
    const bool fresh =
        !gone && (o == old.frontends.size() || now.frontends[n].at < old.frontends[o].at);
    if (gone) {
      std::erase(touch(old.frontends[o].at).claims, &service);
      ++o;
    } else if (fresh) {
      touch(now.frontends[n].at).claims.push_back(&service);
      ++n;
    } else {
      const Frontend& at = now.frontends[n].at;
      if (touch(at).holder == &service && at.protocol == api::Protocol::kUdp) {
        std::vector<Backend> cut_off;
        std::ranges::set_difference(old.serving[old.frontends[o].serving],
                                    now.serving[now.frontends[n].serving],
                                    std::back_inserter(cut_off));
        // Those that go on unchanged say nothing of their endpoint.
        const bool dsr = old.frontends[o].flows.dsr || now.frontends[n].flows.dsr;
        if (dsr && !cut_off.empty()) forget(at, {});
        if (!dsr)
          for (const auto& backend : cut_off) forget(at, backend.ip);
      }
      ++o;
      ++n;
    }
  }
}

void FrontendImage::cut_off(const ServiceState& service, std::uint32_t serving,
                            const std::vector<Backend>& backends) {
  for (const auto& spec : service.compiled.frontends)
    if (spec.serving == serving && holder(spec.at) == &service)
      for (const auto& backend : backends) forget(spec.at, backend.ip);
}

void FrontendImage::renumber(const ServiceState& service) {
  for (const auto& spec : service.compiled.frontends) touch(spec.at);
}

const ServiceState* FrontendImage::holder(const Frontend& at) const {
  const auto found = frontends_.find(at);
  return found == frontends_.end() ? nullptr : found->second.holder;
}

// A node port is addressed by the Node's addresses as well.
void FrontendImage::forget(const Frontend& at, std::optional<IpAddress> endpoint) {
  if (at.protocol != api::Protocol::kUdp) return;
  stale_.push_back({at, endpoint});
  if (at.ip != node_port_ip(at.ip.family())) return;
  for (const auto& address : node_.node_port_addresses)
    if (address.family() == at.ip.family())
      stale_.push_back({{address, at.port, at.protocol}, endpoint});
}

void FrontendImage::count(const Frontend& at, FrontendKind kind, int by) {
  if (kind != FrontendKind::kClusterIp) return;
  (at.ip.is_v4() ? cluster_ips_v4_ : cluster_ips_v6_) += static_cast<std::size_t>(by);
}

void FrontendImage::show_one(const Frontend& at, Changes& out) {
  const auto found = frontends_.find(at);
  State& state = found->second;
  state.touched = false;
  ServiceState* const holder = choose_holder(at, state.claims);
  const FrontendSpec* const spec = holder == nullptr ? nullptr : &spec_of(*holder, at);
  std::optional<FrontendFlows> now;
  if (spec != nullptr) now = with_ids(*holder, spec->flows);
  const bool had = state.holder != nullptr;

  if (had != now.has_value() || (now && *now != state.shown))
    show_flows(at, had ? &state.shown : nullptr, now ? &*now : nullptr, out);
  if (had && (spec == nullptr || spec->kind != state.kind)) {
    host_.remove(at, state.kind);
    count(at, state.kind, -1);
  }
  if (spec != nullptr && (!had || spec->kind != state.kind)) {
    host_.add(at, spec->kind);
    count(at, spec->kind, +1);
  }
  if (had && holder != state.holder) forget(at, {});
  if (holder == nullptr) {
    frontends_.erase(found);
    return;
  }
  state.holder = holder;
  state.kind = spec->kind;
  state.shown = *std::move(now);
}

void FrontendImage::show(Changes& out, std::vector<StaleConnections>& stale) {
  for (const auto& at : touched_) show_one(at, out);
  touched_.clear();
  sort_unique(stale_);
  stale = std::exchange(stale_, {});
}

}  // namespace antrea::proxy
