#include "antrea/node/pipeline.h"

#include <map>
#include <unordered_map>

#include "pipeline_flows.h"

namespace antrea::node {

using openflow::Changes;
using openflow::Flow;
using openflow::FlowKey;

// Flows by who wants them. A flow that several want is there once, as the owner that sorts first
// has it.
class Pipeline::FlowSet {
 public:
  // What `owner` wants from now on.
  Changes set(std::string_view owner, std::vector<Flow> wanted) {
    std::map<FlowKey, std::optional<Flow>> before;
    auto& keys = keys_[std::string(owner)];
    for (const auto& key : keys) {
      before.emplace(key, shown(key));
      flows_[key].erase(std::string(owner));
    }
    keys.clear();
    for (auto& flow : wanted) {
      auto key = flow.key();
      if (!before.contains(key)) before.emplace(key, shown(key));
      keys.push_back(key);
      flows_[std::move(key)].insert_or_assign(std::string(owner), std::move(flow));
    }
    if (keys.empty()) keys_.erase(std::string(owner));

    Changes out;
    for (auto& [key, old] : before) {
      auto now = shown(key);
      if (!now) flows_.erase(key);
      if (now == old) continue;
      if (now)
        out.flows.push_back(std::move(*now));
      else
        out.remove_flows.push_back(key);
    }
    return out;
  }

  std::vector<Flow> all() const {
    std::vector<Flow> out;
    for (const auto& [key, owners] : flows_) out.push_back(owners.begin()->second);
    return out;
  }

 private:
  std::optional<Flow> shown(const FlowKey& key) const {
    const auto found = flows_.find(key);
    if (found == flows_.end() || found->second.empty()) return {};
    return found->second.begin()->second;
  }

  std::unordered_map<FlowKey, std::map<std::string, Flow>> flows_;
  std::map<std::string, std::vector<FlowKey>> keys_;
};

namespace {

// Owners: what is static comes before Pods, Pods before peers.
constexpr const char* kStaticOwner = "0";
std::string pod_owner(std::string_view name) { return "1/" + std::string(name); }
std::string peer_owner(std::string_view name) { return "2/" + std::string(name); }

}  // namespace

std::map<openflow::TableId, std::string> pipeline_table_names() {
  std::map<openflow::TableId, std::string> names;
  for (std::size_t id = 0; id < api::pipeline::kTableCount; ++id) {
    const auto table = static_cast<Table>(id);
    names.emplace(table_id(table), api::pipeline::name_of(table));
  }
  return names;
}

Pipeline::Pipeline(NodeConfig config)
    : config_(std::move(config)), flows_(std::make_unique<FlowSet>()) {}
Pipeline::~Pipeline() = default;

Changes Pipeline::start() { return flows_->set(kStaticOwner, static_flows(config_)); }
Changes Pipeline::add_pod(const PodInterface& pod) {
  return flows_->set(pod_owner(pod.name), pod_flows(config_, pod));
}
Changes Pipeline::remove_pod(std::string_view name) { return flows_->set(pod_owner(name), {}); }
Changes Pipeline::add_peer(const PeerNode& peer) {
  return flows_->set(peer_owner(peer.name), peer_flows(config_, peer));
}
Changes Pipeline::remove_peer(std::string_view name) { return flows_->set(peer_owner(name), {}); }
std::vector<Flow> Pipeline::flows() const { return flows_->all(); }

}  // namespace antrea::node
