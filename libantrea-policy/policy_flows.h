#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>
#include <vector>

#include "flow_actions.h"
#include "flow_users.h"
#include "rule_record.h"

namespace antrea::policy {

/// A flow that somebody asks for.
struct AskedFlow {
  FlowSpec spec;
  Program program{};
};

/// The flows that rules ask for, each once, with the rules that do; and how those at the end of a
/// batch differ from those before it. A flow goes with its last user.
class PolicyFlows {
 public:
  /// It looks into both whenever it makes a flow.
  PolicyFlows(const FlowCompiler::Options& options, const RuleRecords& rules)
      : options_(options), rules_(rules) {}
  PolicyFlows(const PolicyFlows&) = delete;
  PolicyFlows& operator=(const PolicyFlows&) = delete;

  /// The number of the flow, which may have no user yet.
  std::uint32_t at(const AskedFlow& asked);
  /// It must be there.
  std::uint32_t find(const FlowSpec& spec) const { return *by_spec_.find(spec); }
  AskedFlow what(std::uint32_t flow) const { return {records_[flow].spec, records_[flow].program}; }

  void add_user(std::uint32_t flow, const FlowUser& user);
  void remove_user(std::uint32_t flow, const FlowUser& user);
  /// What it does may change, as a rule that uses it does. To be called before.
  void touch(std::uint32_t flow);

  /// The difference, which ends the batch.
  openflow::Changes flush();
  std::vector<openflow::Flow> all() const;
  std::size_t size() const { return by_spec_.size(); }

 private:
  struct Record {
    FlowSpec spec;
    [[no_unique_address]] FlowUsers users;
    Program program{};
    bool touched : 1 = false;  // in this batch
    bool existed : 1 = false;  // before this batch; else it is new in it

    /// Whether what it does depends on who uses it.
    bool shared() const {
      return program.kind == Program::Kind::kConjoin || program.kind == Program::Kind::kIsolate;
    }
  };
  static_assert(sizeof(Record) == 40);

  struct SpecHash {
    using is_transparent = void;
    const std::deque<Record>* records;
    std::size_t operator()(std::uint32_t flow) const { return (*records)[flow].spec.hash(); }
    std::size_t operator()(const FlowSpec& spec) const { return spec.hash(); }
  };
  struct SpecEqual {
    using is_transparent = void;
    const std::deque<Record>* records;
    bool operator()(std::uint32_t a, std::uint32_t b) const { return a == b; }
    bool operator()(const FlowSpec& a, std::uint32_t b) const { return a == (*records)[b].spec; }
    bool operator()(std::uint32_t a, const FlowSpec& b) const { return (*this)(b, a); }
  };

  openflow::Flow flow_of(const Record& record) const;
  openflow::Actions conjunctions_of(const Record& record) const;
  bool is_logged(const Record& record) const;

  const FlowCompiler::Options& options_;
  const RuleRecords& rules_;
  std::deque<Record> records_;
  std::vector<std::uint32_t> free_;
  boost::unordered_flat_set<std::uint32_t, SpecHash, SpecEqual> by_spec_{0, SpecHash{&records_},
                                                                         SpecEqual{&records_}};
  // This batch: the flows touched, and what those did before that may do something else now.
  std::vector<std::uint32_t> touched_;
  std::unordered_map<std::uint32_t, openflow::Instructions> old_instructions_;
};

}  // namespace antrea::policy
