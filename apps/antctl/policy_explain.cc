#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>

#include "policy.h"

namespace antrea::antctl {
namespace {

namespace cp = api::controlplane;
namespace json = boost::json;

Result<policy::ConversationEnd> find_end(const policy::Evaluator& evaluator,
                                         const std::string& text, Family family) {
  if (const auto ip = IpAddress::parse(text)) return evaluator.end_of(*ip);
  const auto slash = text.find('/');
  const api::ObjectKey key = slash == std::string::npos
                                 ? api::ObjectKey{"default", text}
                                 : api::ObjectKey{text.substr(0, slash), text.substr(slash + 1)};
  const auto addresses = evaluator.addresses_of(key);
  if (addresses.empty())
    return make_error(Errc::kNotFound, "no such Pod takes part in the Pod network", "Pod " + text);
  for (const IpAddress& ip : addresses)
    if (ip.family() == family) return policy::ConversationEnd{key, ip};
  return policy::ConversationEnd{key, addresses.front()};
}

std::string_view reason_of(policy::RuleStep::Match match) {
  constexpr std::array<std::string_view, 4> kReasons{"matches", "is about other peers",
                                                     "is about other ports", "isolates"};
  return kReasons[static_cast<std::size_t>(match)];
}

void add(Report& report, std::string_view direction, const policy::DirectionVerdict& verdict) {
  json::array steps;
  for (const policy::RuleStep& step : verdict.steps) {
    const std::string action(step.action ? to_string(*step.action) : "");
    report.rows.push_back({std::string(direction), std::to_string(step.tier),
                           step.priority ? fmt::format("{}", *step.priority) : "", name_of(step),
                           action, std::string(reason_of(step.match))});
    json::object object = encode(step).as_object();
    object["tier"] = step.tier;
    if (step.priority) object["priority"] = *step.priority;
    if (!action.empty()) object["action"] = action;
    object["why"] = reason_of(step.match);
    steps.push_back(std::move(object));
  }
  report.rows.push_back({std::string(direction), "", "",
                         verdict.decider ? name_of(verdict.decider) : "nobody objects",
                         std::string(to_string(verdict.verdict)), "decides"});
  report.data.as_object()[direction] = json::object{{"rules", std::move(steps)},
                                                    {"verdict", to_string(verdict.verdict)},
                                                    {"rule", encode(verdict.decider)}};
}

}  // namespace

Result<Report> policy_explain(const PolicyArguments& arguments) {
  ANTREA_TRY(const auto objects, load_objects(arguments.files, arguments.sources));
  const policy::Evaluator evaluator(objects);
  policy::Conversation conversation;
  ANTREA_TRY(conversation.protocol, parse_service_protocol(arguments.protocol));
  conversation.port = arguments.port;
  ANTREA_TRY(conversation.from, find_end(evaluator, arguments.from, Family::kIPv4));
  ANTREA_TRY(conversation.to, find_end(evaluator, arguments.to, conversation.from.ip.family()));
  if (conversation.from.ip.family() != conversation.to.ip.family()) {
    ANTREA_TRY(conversation.from, find_end(evaluator, arguments.from, conversation.to.ip.family()));
  }
  if (conversation.from.ip.family() != conversation.to.ip.family())
    return make_error(Errc::kInvalidArgument, "from and to have no address family in common",
                      arguments.from + " and " + arguments.to);
  const ReachVerdict verdict{evaluator.explain(conversation, cp::Direction::kOut),
                             evaluator.explain(conversation, cp::Direction::kIn)};
  Report report{{"DIRECTION", "TIER", "PRIORITY", "RULE", "ACTION", "WHY"}, {}, json::object()};
  add(report, "egress", verdict.egress);
  add(report, "ingress", verdict.ingress);
  report.rows.push_back({"both", "", "", "", std::string(verdict.result()), ""});
  report.data.as_object()["result"] = verdict.result();
  return report;
}

}  // namespace antrea::antctl
