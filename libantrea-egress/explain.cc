#include "antrea/egress/explain.h"

#include <algorithm>
#include <span>

#include "antrea/egress/choice.h"

namespace antrea::egress {
namespace {

Placement place(const api::crd::Egress& egress, const api::crd::EgressAddress& address,
                const Scheduler& scheduler) {
  if (!address.ip) return {address.pool, {}, {}, Unowned::kNo};
  if (address.pool.empty()) return {{}, egress.status.egress_node, {}, Unowned::kNo};
  return scheduler.placements().at({egress.metadata.name, *address.ip});
}

std::string why(const api::crd::Egress& egress, bool chosen,
                std::span<const api::crd::Egress* const> selecting) {
  if (selecting.size() == 1) return "no other one selects the Pod";
  const auto& oldest = *selecting.front();
  if (&egress == &oldest) return "the oldest one that selects the Pod";
  return chosen ? "the oldest one with an address of this family"
                : oldest.metadata.name + " is older";
}

}  // namespace

bool selects(const api::crd::EgressSpec& egress, const api::Pod& pod,
             const api::Labels& namespace_labels) {
  if (!egress.pod_selector && !egress.namespace_selector) return false;
  return (!egress.pod_selector || egress.pod_selector->matches(pod.metadata.labels)) &&
         (!egress.namespace_selector || egress.namespace_selector->matches(namespace_labels));
}

ExplainedPod explain(const api::Pod& pod, const api::Labels& namespace_labels,
                     const ExplainInput& input) {
  ExplainedPod explained;
  if (pod.host_network) explained.excluded = "it uses the network of its Node";
  if (pod.terminated()) explained.excluded = "it has ended";
  if (pod.node_name.empty()) explained.excluded = "it is on no Node";
  if (!explained.excluded.empty()) return explained;

  Scheduler scheduler;
  scheduler.apply({.egresses = input.egresses,
                   .pools = input.pools,
                   .nodes = input.nodes,
                   .alive = input.alive},
                  TimePoint());
  std::vector<const api::crd::Egress*> selecting;
  for (const auto& egress : input.egresses)
    if (selects(egress.spec, pod, namespace_labels)) selecting.push_back(&egress);
  std::ranges::sort(selecting, [](const auto* a, const auto* b) { return comes_before(*a, *b); });
  const PodChoice choice = choose(api::key_of(pod.metadata), selecting);
  for (const auto* egress : selecting) {
    ExplainedEgress each{egress->metadata.name, choice.waits_for == egress, {}, {}};
    for (const auto& address : egress->spec.addresses) {
      const bool used = std::ranges::any_of(choice.addresses, [&](const auto& chosen) {
        return chosen.egress == egress && chosen.ip == address.ip;
      });
      each.chosen = each.chosen || used;
      each.addresses.push_back({address, place(*egress, address, scheduler), used});
    }
    each.why = why(*egress, each.chosen, selecting);
    explained.egresses.push_back(std::move(each));
  }
  return explained;
}

}  // namespace antrea::egress
