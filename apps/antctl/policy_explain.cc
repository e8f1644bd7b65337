#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>

#include "antrea/openflow/text.h"
#include "antrea/policy/node_flows.h"
#include "antrea/policy/turn.h"
#include "policy.h"
#include "policy_sets.h"
#include "policy_targets.h"

namespace antrea::antctl {
namespace {

namespace cp = api::controlplane;
namespace json = boost::json;

std::string_view reason_of(policy::RuleStep::Match match) {
  constexpr std::array<std::string_view, 4> kReasons{"matches", "is about other peers",
                                                     "is about other ports", "isolates"};
  return kReasons[static_cast<std::size_t>(match)];
}

class Explanation {
 public:
  Explanation(const Objects& objects, const policy::Evaluator& evaluator)
      : objects_(objects), evaluator_(evaluator), flows_(objects), names_(objects, objects) {}

  /// Rows for people, and the same as data.
  json::object add(const policy::Conversation& c, Report& report) const {
    report_ = &report;
    data_ = json::object{{"from", name_of(c.from)},
                         {"to", name_of(c.to)},
                         {"address", c.to.ip.to_string()},
                         {"port", c.port},
                         {"protocol", to_string(c.protocol)}};
    const ReachVerdict verdict{evaluator_.explain(c, cp::Direction::kOut),
                               evaluator_.explain(c, cp::Direction::kIn)};
    add_rules("egress", verdict.egress);
    add_rules("ingress", verdict.ingress);
    report.rows.push_back({"both", "", "", "", std::string(verdict.result()), ""});
    data_["result"] = verdict.result();
    add_flows(c, verdict.egress.verdict == cp::RuleAction::kAllow);
    add_turn(c, verdict.result() == "allowed");
    return std::move(data_);
  }

  static std::string name_of(const policy::ConversationEnd& end) {
    return end.pod ? end.pod->to_string() : "outside/" + end.ip.to_string();
  }

 private:
  void line(std::string text) const { report_->rows.push_back({std::move(text)}); }

  void add_rules(std::string_view direction, const policy::DirectionVerdict& verdict) const {
    json::array steps;
    for (const policy::RuleStep& step : verdict.steps) {
      const std::string action(step.action ? to_string(*step.action) : "");
      report_->rows.push_back({std::string(direction), std::to_string(step.tier),
                               step.priority ? fmt::format("{}", *step.priority) : "",
                               antctl::name_of(step), action, std::string(reason_of(step.match))});
      json::object object = encode(step).as_object();
      object["tier"] = step.tier;
      if (step.priority) object["priority"] = *step.priority;
      if (!action.empty()) object["action"] = action;
      object["why"] = reason_of(step.match);
      steps.push_back(std::move(object));
    }
    report_->rows.push_back({std::string(direction), "", "",
                             verdict.decider ? antctl::name_of(verdict.decider) : "nobody objects",
                             std::string(to_string(verdict.verdict)), "decides"});
    data_[direction] = json::object{{"rules", std::move(steps)},
                                    {"verdict", to_string(verdict.verdict)},
                                    {"rule", encode(verdict.decider)}};
  }

  /// A packet that is denied at the source never comes to the destination.
  void add_flows(const policy::Conversation& c, bool arrives) const {
    json::array all;
    for (const auto direction : {cp::Direction::kOut, cp::Direction::kIn}) {
      if (direction == cp::Direction::kIn && !arrives) break;
      const policy::NodeFlows::Walk walk = flows_.walk(c, direction);
      if (walk.flows.empty()) continue;
      const std::string_view name = direction == cp::Direction::kIn ? "ingress" : "egress";
      line("");
      line(fmt::format("flows of {} on {}:", name, walk.node));
      json::array texts;
      for (const openflow::Flow& flow : walk.flows) {
        texts.emplace_back(openflow::to_string(flow));
        line("  " + openflow::to_string(flow));
      }
      all.push_back({{"node", walk.node}, {"direction", name}, {"flows", std::move(texts)}});
    }
    data_["flows"] = std::move(all);
  }

  void add_turn(const policy::Conversation& c, bool allowed) const {
    line("");
    const auto turn = policy::smallest_turn(objects_, c);
    if (!turn) {
      line(allowed ? "no change of one policy would deny it" : "no change found would allow it");
      return;
    }
    line(allowed ? "smallest change that would deny it:" : "smallest change that would allow it:");
    json::array edits, changes;
    for (const policy::PolicyEdit& edit : turn->edits) {
      line(fmt::format("  {}{}{}: {}", edit.policy.to_string(), edit.field.empty() ? "" : " ",
                       edit.field, edit.text));
      edits.push_back(
          {{"policy", edit.policy.to_string()}, {"field", edit.field}, {"text", edit.text}});
    }
    line("it would change:");
    constexpr std::size_t kShown = 5;
    for (const policy::ChangedConversations& change : turn->changes) {
      changes.push_back(encode(change));
      if (changes.size() <= kShown)
        line(fmt::format("  {} -> {}: {} to {}, {}", verdict_name(change.was),
                         verdict_name(change.becomes), names_.of(change.from), names_.of(change.to),
                         traffic_of(change)));
    }
    if (changes.size() > kShown) line(fmt::format("  and {} more", changes.size() - kShown));
    data_["turn"] = json::object{{"edits", std::move(edits)}, {"changes", std::move(changes)}};
  }

  const Objects& objects_;
  const policy::Evaluator& evaluator_;
  policy::NodeFlows flows_;
  SetNames names_;
  mutable Report* report_ = nullptr;
  mutable json::object data_;
};

}  // namespace

Result<Report> policy_explain(const PolicyArguments& arguments) {
  ANTREA_TRY(const auto protocol, parse_service_protocol(arguments.protocol));
  ANTREA_TRY(const auto objects, load_objects(arguments.files, arguments.sources));
  const policy::Evaluator evaluator(objects);
  ANTREA_TRY(const Targets targets, find_targets(objects, evaluator, arguments.from, arguments.to,
                                                 arguments.port, protocol));
  Explanation explanation(objects, evaluator);
  Report report{{"DIRECTION", "TIER", "PRIORITY", "RULE", "ACTION", "WHY"}, {}, json::object()};
  if (!targets.service) {
    report.data = explanation.add(targets.conversations.front(), report);
    return report;
  }
  json::array endpoints;
  for (const policy::Conversation& c : targets.conversations) {
    if (!endpoints.empty()) report.rows.push_back({""});
    report.rows.push_back({fmt::format("endpoint {} at {}, {}/{}:", Explanation::name_of(c.to),
                                       c.to.ip.to_string(), c.port, to_string(c.protocol))});
    endpoints.push_back(explanation.add(c, report));
  }
  report.data =
      json::object{{"service", targets.service->to_string()}, {"endpoints", std::move(endpoints)}};
  return report;
}

}  // namespace antrea::antctl
