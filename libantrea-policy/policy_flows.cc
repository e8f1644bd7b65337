#include "policy_flows.h"

#include <algorithm>
#include <utility>

#include "release_memory.h"

namespace antrea::policy {

namespace pipeline = api::pipeline;

std::uint32_t PolicyFlows::at(const AskedFlow& asked) {
  if (const auto found = by_spec_.find(asked.spec); found != by_spec_.end()) {
    Record& record = records_[*found];
    if (record.users.empty() && record.program != asked.program) {
      // Another rule takes over the ID of one that went in this batch.
      if (record.existed) old_instructions_.emplace(*found, flow_of(record));
      record.program = asked.program;
    }
    return *found;
  }
  std::uint32_t flow = 0;
  if (free_.empty()) {
    flow = static_cast<std::uint32_t>(records_.size());
    records_.emplace_back();
  } else {
    flow = free_.back();
    free_.pop_back();
  }
  records_[flow] = {.spec = asked.spec, .program = asked.program};
  by_spec_.insert(flow);
  return flow;
}

void PolicyFlows::touch(std::uint32_t flow) {
  Record& record = records_[flow];
  if (record.touched) return;
  record.touched = true;
  touched_.push_back(flow);
  if (record.existed && record.shared()) old_instructions_.emplace(flow, flow_of(record));
}

void PolicyFlows::add_user(std::uint32_t flow, const FlowUser& user) {
  touch(flow);
  records_[flow].users.add(user);
}

void PolicyFlows::remove_user(std::uint32_t flow, const FlowUser& user) {
  touch(flow);
  records_[flow].users.remove(user);
}

/// Ascending by ID, so that equal sets make equal flows.
openflow::Actions PolicyFlows::conjunctions_of(const Record& record) const {
  const std::span<const FlowUser> all = record.users.all();
  std::vector<FlowUser> users(all.begin(), all.end());
  std::ranges::sort(users, {}, [&](const FlowUser& user) {
    return std::pair(rules_[user.rule].id, user.clause);
  });
  openflow::Actions actions;
  actions.reserve(users.size());
  for (const FlowUser& user : users) {
    const RuleRecord& rule = rules_[user.rule];
    actions.emplace_back(openflow::Conjunction{rule.id, static_cast<std::uint8_t>(user.clause - 1),
                                               rule.clause_count});
  }
  return actions;
}

bool PolicyFlows::is_logged(const Record& record) const {
  return std::ranges::any_of(record.users.all(), [&](const FlowUser& user) {
    return rules_[user.rule].identity->enable_logging;
  });
}

openflow::Flow PolicyFlows::flow_of(const Record& record) const {
  openflow::Flow flow;
  openflow::FlowKey key = record.spec.key();
  flow.table = key.table;
  flow.priority = key.priority;
  flow.match = std::move(key.match);
  flow.cookie = pipeline::cookie(pipeline::CookieCategory::kNetworkPolicy);
  Program program = record.program;
  if (program.kind == Program::Kind::kIsolate) program.log = is_logged(record);
  flow.apply_actions = program.kind == Program::Kind::kConjoin
                           ? conjunctions_of(record)
                           : actions_of(record.spec, program, options_, flow.goto_table);
  return flow;
}

openflow::Changes PolicyFlows::flush() {
  openflow::Changes changes;
  for (const std::uint32_t flow : touched_) {
    Record& record = records_[flow];
    record.touched = false;
    if (record.users.empty()) {
      if (record.existed) changes.remove_flows.push_back(record.spec.key());
      by_spec_.erase(flow);
      record = {};
      free_.push_back(flow);
    } else if (!record.existed) {
      record.existed = true;
      changes.flows.push_back(flow_of(record));
    } else if (const auto old = old_instructions_.find(flow); old != old_instructions_.end()) {
      openflow::Flow now = flow_of(record);
      if (static_cast<const openflow::Instructions&>(now) != old->second)
        changes.flows.push_back(std::move(now));
    }
  }
  release_memory(touched_);
  release_memory(old_instructions_);
  return changes;
}

std::vector<openflow::Flow> PolicyFlows::all() const {
  std::vector<openflow::Flow> flows;
  for (const Record& record : records_)
    if (record.existed) flows.push_back(flow_of(record));
  return flows;
}

}  // namespace antrea::policy
