#pragma once

#include <optional>
#include <string>
#include <vector>

#include "antrea/policy/evaluator.h"
#include "policy_input.h"

namespace antrea::antctl {

/// What --from, --to, --port and --protocol of `explain` come to: one conversation, or one with
/// each endpoint of a Service, by its address or its NodePort.
struct Targets {
  std::optional<api::ObjectKey> service;
  std::vector<policy::Conversation> conversations;
};

/// Errors: kNotFound for a Pod, Service or port of one that is not there; kInvalidArgument for ends
/// without a family in common.
Result<Targets> find_targets(const Objects& objects, const policy::Evaluator& evaluator,
                             const std::string& from, const std::string& to, std::uint16_t port,
                             api::controlplane::ServiceProtocol protocol);

/// From `from` to each endpoint of each port of a Service, by its NodePorts.
std::vector<policy::Conversation> node_port_conversations(
    const Objects& objects, const policy::Evaluator& evaluator, const policy::ConversationEnd& from,
    const api::controlplane::ServiceReference& service);

}  // namespace antrea::antctl
