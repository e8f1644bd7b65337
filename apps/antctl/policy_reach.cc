#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>
#include <map>
#include <set>

#include "policy.h"
#include "policy_targets.h"

namespace antrea::antctl {
namespace {

namespace cp = api::controlplane;
namespace json = boost::json;

using Port = std::pair<std::uint16_t, cp::ServiceProtocol>;

/// "80/TCP"; without protocol TCP.
Result<Port> parse_port(std::string_view text) {
  const auto slash = text.find('/');
  const std::string_view number = text.substr(0, slash);
  Port port{0, cp::ServiceProtocol::kTcp};
  const auto [end, ec] = std::from_chars(number.data(), number.data() + number.size(), port.first);
  if (ec != std::errc() || end != number.data() + number.size() || port.first == 0)
    return make_error(Errc::kInvalidArgument,
                      fmt::format("port: found \"{}\", expected PORT/PROTOCOL", text));
  if (slash != std::string_view::npos) {
    ANTREA_TRY(port.second, parse_service_protocol(text.substr(slash + 1)));
  }
  return port;
}

/// What the containers of each Pod declare.
std::map<api::ObjectKey, std::set<Port>> declared_ports(
    const std::vector<policy::ObjectChange>& objects) {
  std::map<api::ObjectKey, std::set<Port>> ports;
  for (const policy::ObjectChange& object : objects) {
    const auto* pod = std::get_if<std::shared_ptr<const api::Pod>>(&object);
    if (pod == nullptr) continue;
    for (const api::Container& container : (*pod)->containers)
      for (const api::ContainerPort& port : container.ports)
        ports[api::key_of((*pod)->metadata)].emplace(
            static_cast<std::uint16_t>(port.container_port),
            cp::ServiceProtocol{static_cast<std::uint8_t>(port.protocol)});
  }
  return ports;
}

}  // namespace

Result<Report> policy_reach(const PolicyArguments& arguments) {
  ANTREA_TRY(const auto objects, load_objects(arguments.files, arguments.sources));
  std::set<Port> ports;
  for (const std::string& text : arguments.ports) {
    ANTREA_TRY(const Port port, parse_port(text));
    ports.insert(port);
  }
  const policy::Evaluator evaluator(objects);
  std::vector<policy::ConversationEnd> ends;
  for (const api::ObjectKey& pod : evaluator.pods())
    for (const IpAddress& ip : evaluator.addresses_of(pod)) ends.push_back({pod, ip});
  for (const std::string& text : arguments.externals) {
    ANTREA_TRY(const IpAddress ip, IpAddress::parse(text));
    ends.push_back(evaluator.end_of(ip));
  }
  const auto declared = declared_ports(objects);
  const auto ports_of = [&](const policy::ConversationEnd& end) {
    if (!ports.empty()) return ports;
    const auto found = end.pod ? declared.find(*end.pod) : declared.end();
    return found != declared.end() ? found->second
                                   : std::set<Port>{{80, cp::ServiceProtocol::kTcp}};
  };
  const auto name = [](const policy::ConversationEnd& end) {
    return end.pod ? end.pod->to_string() : "outside/" + end.ip.to_string();
  };

  Report report{{"FROM", "TO", "ADDRESS", "PORT", "RESULT", "EGRESS BY", "INGRESS BY"}, {}, {}};
  json::array probes;
  const auto probe = [&](const policy::Conversation& c) {
    const ReachVerdict verdict = judge(evaluator, c);
    const auto number = fmt::format("{}/{}", c.port, to_string(c.protocol));
    std::string to = name(c.to);
    if (c.by_node_port)
      to += fmt::format(" by a NodePort of {}/{}", c.service->namespace_, c.service->name);
    report.rows.push_back({name(c.from), std::move(to), c.to.ip.to_string(), number,
                           std::string(verdict.result()), name_of(verdict.egress.decider),
                           name_of(verdict.ingress.decider)});
    json::object object{{"from", name(c.from)},
                        {"to", name(c.to)},
                        {"address", c.to.ip.to_string()},
                        {"port", c.port},
                        {"protocol", to_string(c.protocol)},
                        {"result", verdict.result()},
                        {"rule",
                         {{"egress", encode(verdict.egress.decider)},
                          {"ingress", encode(verdict.ingress.decider)}}}};
    if (c.by_node_port) object["nodePortOf"] = c.service->namespace_ + "/" + c.service->name;
    probes.push_back(std::move(object));
  };
  for (const auto& from : ends) {
    for (const auto& to : ends) {
      if (from.ip.family() != to.ip.family() || (!from.pod && !to.pod)) continue;
      if (from.pod && from.pod == to.pod) continue;
      for (const auto& [port, protocol] : ports_of(to))
        probe({.from = from, .to = to, .protocol = protocol, .port = port});
    }
  }
  for (const cp::ServiceReference& service : evaluator.node_port_services())
    for (const auto& from : ends)
      for (const policy::Conversation& c :
           node_port_conversations(objects, evaluator, from, service))
        if (!from.pod || from.pod != c.to.pod) probe(c);
  report.data = json::object{{"probes", std::move(probes)}};
  return report;
}

}  // namespace antrea::antctl
