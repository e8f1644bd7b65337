#include "policy_builder.h"

#include "antrea/base/hash.h"
#include "antrea/base/sorted.h"

namespace antrea::policy {
namespace {

/// Names policies from files that no API server has given a UID.
constexpr std::string_view kPolicyNameSpace = "0f3aa2b5-6d11-4c0e-9d53-7f5f5e0c9a41";

}  // namespace

PolicyBuilder::PolicyBuilder(const api::ObjectMeta& meta, api::controlplane::PolicyType type,
                             GroupIndex& groups)
    : groups_(groups), policy_(std::make_shared<api::controlplane::NetworkPolicy>()) {
  auto& source = policy_->source_ref;
  source.type = type;
  source.namespace_ = meta.namespace_;
  source.name = meta.name;
  source.uid = meta.uid;
  if (source.uid.empty()) source.uid = uuid_v5(kPolicyNameSpace, source.to_string());
  policy_->metadata.name = policy_->metadata.uid = source.uid;
}

ConvertedPolicy PolicyBuilder::finish() {
  auto& links = used_.links;
  sort_unique(links);
  return {std::move(policy_), std::move(used_)};
}

}  // namespace antrea::policy
