#include <fmt/format.h>
#include <boost/json.hpp>

#include "antrea/api/json.h"
#include "conformance.h"
#include "oracle.h"

namespace antrea::conformance {
namespace {

namespace json = boost::json;
using policy::testing::Cluster;
using policy::testing::oracle_k8s_verdict;
using policy::testing::Probe;

const std::vector<std::string> kDirections{"ingress", "egress"};

/// A rule in YAML's short form, which `peers` and `ports` are lists of; empty: left out.
std::string rule_of(const std::string& direction, const std::string& peers,
                    const std::string& ports) {
  std::string rule;
  if (!peers.empty()) rule = (direction == "ingress" ? "from: " : "to: ") + peers;
  if (!ports.empty()) rule += (rule.empty() ? "" : ", ") + ("ports: " + ports);
  return "{" + rule + "}";
}

/// The policy that is varied. It is about x/a and asks for port 80 in both directions.
struct Base {
  std::string ns = "x", selector = "{matchLabels: {pod: a}}";
  std::map<std::string, std::string> peers{
      {"ingress",
       "[{podSelector: {matchExpressions: [{key: pod, operator: In, values: [b, c]}]}, "
       "namespaceSelector: {matchExpressions: [{key: ns, operator: In, values: [x, w]}]}}]"},
      {"egress",
       "[{podSelector: {matchExpressions: [{key: pod, operator: In, values: [a, b]}]}, "
       "namespaceSelector: {matchExpressions: [{key: ns, operator: In, values: [w, z]}]}}]"}};
  std::map<std::string, std::string> ports{{"ingress", "[{port: 80}]"}, {"egress", "[{port: 80}]"}};
  std::map<std::string, std::string> rules{};  ///< instead of one of these

  std::string text() const {
    std::string all;
    for (const std::string& direction : kDirections) {
      const auto given = rules.find(direction);
      const std::string list =
          given != rules.end()
              ? given->second
              : "[" + rule_of(direction, peers.at(direction), ports.at(direction)) + "]";
      all += fmt::format(", {}: {}", direction, list);
    }
    return fmt::format(
        "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: base, "
        "namespace: {}}}, spec: {{podSelector: {}, policyTypes: [Ingress, Egress]{}}}}}",
        ns, selector, all);
  }
};

/// A policy about one Pod and one direction.
std::string about(const std::string& name, const std::string& pod, const std::string& direction,
                  const std::string& rules) {
  return fmt::format(
      "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: {}, namespace: "
      "{}}}, spec: {{podSelector: {{matchLabels: {{pod: {}}}}}, policyTypes: [{}], {}: {}}}}}",
      name, pod.substr(0, 1), pod.substr(2), direction == "ingress" ? "Ingress" : "Egress",
      direction, rules);
}

/// The cluster as the steps change it, and what the oracle says of it.
class Judge {
 public:
  explicit Judge(const AddressOf& address_of) {
    const auto objects = api::decode_manifest(read_text("pods.yaml"), "pods.yaml").value();
    for (const json::value& each : objects) {
      if (each.at("kind").as_string() == "Namespace") {
        auto ns = api::decode_namespace(each).value();
        cluster_.namespaces[ns.metadata.name] = std::move(ns);
      } else {
        auto pod = api::decode_pod(each).value();
        const api::ObjectKey key = api::key_of(pod.metadata);
        pod.pod_ips = {IpAddress::parse(address_of(key.to_string())).value()};
        cluster_.pods[key] = std::move(pod);
      }
    }
  }

  Step step(const std::vector<std::string>& objects, std::vector<std::string> gone = {},
            std::vector<std::string> relabelled = {}) {
    Step made;
    for (const std::string& text : objects) apply(text, made.objects);
    for (const std::string& name : gone) {
      const std::string key = name.substr(name.find(' ') + 1);
      cluster_.policies.erase({key.substr(0, 1), key.substr(2)});
    }
    for (const std::string& line : relabelled) {
      const auto blank = line.find(' '), equals = line.find('=');
      cluster_.pods.at({line.substr(0, 1), line.substr(2, blank - 2)})
          .metadata.labels[line.substr(blank + 1, equals - blank - 1)] = line.substr(equals + 1);
    }
    made.gone = std::move(gone);
    made.relabelled = std::move(relabelled);
    for (const std::string& from : kPods)
      for (const std::string& to : kPods)
        for (const Traffic& traffic : kTraffic)
          if (from != to && !allows(from, to, traffic))
            made.expected.push_back(
                {from, to, fmt::format("{}/{}", traffic.port, traffic.protocol), "dropped"});
    return made;
  }

 private:
  void apply(const std::string& text, json::array& to) {
    const json::value object = api::decode_manifest(text, "a case").value().at(0);
    if (object.at("kind").as_string() == "Namespace") {
      auto ns = api::decode_namespace(object).value();
      cluster_.namespaces[ns.metadata.name] = std::move(ns);
    } else {
      auto policy = api::decode_network_policy(object).value();
      cluster_.policies[api::key_of(policy.metadata)] = std::move(policy);
    }
    to.push_back(object);
  }
  bool allows(const std::string& from, const std::string& to, const Traffic& traffic) const {
    Probe probe;
    probe.from = &cluster_.pods.at({from.substr(0, 1), from.substr(2)});
    probe.to = &cluster_.pods.at({to.substr(0, 1), to.substr(2)});
    probe.source = probe.from->pod_ips.front();
    probe.destination = probe.to->pod_ips.front();
    probe.protocol = traffic.protocol == "UDP" ? 17 : 6;
    probe.port = traffic.port;
    return oracle_k8s_verdict(cluster_, false, probe).value_or(true) &&
           oracle_k8s_verdict(cluster_, true, probe).value_or(true);
  }

  Cluster cluster_;
};

class Generator {
 public:
  explicit Generator(const AddressOf& address_of) : address_of_(address_of), start_(address_of) {}

  std::vector<Case> run() && {
    add_targets();
    add_rules();
    add_peers();
    add_ports();
    add_conflicts();
    add_changes();
    return std::move(cases_);
  }

 private:
  void add(std::string name, const std::vector<std::string>& objects) {
    cases_.push_back({std::move(name), {Judge(start_).step(objects)}});
  }
  template <typename Change>
  void vary(std::string name, Change change) {
    Base base;
    change(base);
    add(std::move(name), {base.text()});
  }

  void add_targets() {
    for (const char* const ns : {"x", "w", "z"})
      vary(fmt::format("target in {}", ns), [&](Base& base) { base.ns = ns; });
    for (const char* const selector :
         {"{}", "{matchLabels: {pod: a}}",
          "{matchExpressions: [{key: pod, operator: In, values: [a, b]}]}"})
      vary(fmt::format("target {}", selector), [&](Base& base) { base.selector = selector; });
  }

  void add_rules() {
    for (const std::string& direction : kDirections)
      for (const char* const rules : {"[]", "[{}]"})
        vary(fmt::format("{} {}", direction, rules),
             [&](Base& base) { base.rules[direction] = rules; });
  }

  /// Each combination of no, the empty and a selector of both kinds, and blocks around z/c.
  std::vector<std::string> peers() const {
    std::vector<std::string> all;
    for (const char* const ns :
         {"", "namespaceSelector: {}", "namespaceSelector: {matchLabels: {ns: x}}"})
      for (const char* const pods :
           {"", "podSelector: {}", "podSelector: {matchLabels: {pod: c}}"}) {
        const std::string both =
            std::string(ns) + (*ns != '\0' && *pods != '\0' ? ", " : "") + pods;
        if (!both.empty()) all.push_back("{" + both + "}");
      }
    const std::string address = address_of_("z/c");
    all.push_back(fmt::format("{{ipBlock: {{cidr: {}/24}}}}", address));
    all.push_back(fmt::format("{{ipBlock: {{cidr: {0}/24, except: [{0}/28]}}}}", address));
    return all;
  }
  void add_peers() {
    const auto all = peers();
    const auto add_list = [&](const std::string& direction, const std::string& list) {
      vary(fmt::format("{} peers {}", direction, list),
           [&](Base& base) { base.peers[direction] = list; });
    };
    for (const std::string& direction : kDirections) {
      add_list(direction, "");
      for (std::size_t i = 0; i < all.size(); ++i) {
        add_list(direction, "[" + all[i] + "]");
        for (std::size_t j = i + 1; j < all.size(); ++j)
          add_list(direction, "[" + all[i] + ", " + all[j] + "]");
      }
    }
  }

  void add_ports() {
    std::vector<std::string> all;
    for (const char* const protocol : {"TCP", "UDP", "SCTP"})
      for (const char* const port :
           {"", ", port: 80", ", port: 81", ", port: 79, endPort: 81", ", port: 81, endPort: 81",
            ", port: serve-80-tcp", ", port: serve-81-tcp", ", port: serve-80-udp", ", port: 7"})
        all.push_back(fmt::format("{{protocol: {}{}}}", protocol, port));
    const auto add_list = [&](const std::string& direction, const std::string& list) {
      vary(fmt::format("{} ports {}", direction, list),
           [&](Base& base) { base.ports[direction] = list; });
    };
    for (const std::string& direction : kDirections) {
      add_list(direction, "");
      for (std::size_t i = 0; i < all.size(); ++i) {
        add_list(direction, "[" + all[i] + "]");
        if (i % 4 == 0) add_list(direction, "[" + all[i] + ", " + all[(i + 10) % all.size()] + "]");
      }
    }
  }

  /// All or nobody by different words, at both ends of a conversation and at one.
  void add_conflicts() {
    const std::string all = "[{}]", none = "[]";
    const auto peers = [](const std::string& direction, const std::string& peer) {
      return "[" + rule_of(direction, "[" + peer + "]", "") + "]";
    };
    for (const std::string& direction : kDirections) {
      const std::string other = direction == "ingress" ? "egress" : "ingress";
      add("all " + direction + ", no " + other,
          {about("open", "w/c", direction, all), about("close", "x/b", other, none)});
      const auto by_pod = peers(direction, "{namespaceSelector: {}}");
      const auto by_block = peers(direction, "{ipBlock: {cidr: 0.0.0.0/0}}");
      const auto no_pod = peers(direction, "{namespaceSelector: {matchLabels: {never: happens}}}");
      const auto no_block = peers(direction, "{ipBlock: {cidr: 0.0.0.0/31}}");
      for (const auto& [closing, opening] :
           {std::pair(none, all), std::pair(none, by_pod), std::pair(none, by_block),
            std::pair(no_block, by_pod), std::pair(no_pod, by_block)})
        add(direction + " " + closing + " beside " + opening,
            {about("close", "x/b", direction, closing), about("open", "x/b", direction, opening)});
      for (const auto& closing : {no_pod, no_block})
        add(direction + " " + closing, {about("close", "x/b", direction, closing)});
    }
  }

  void add_changes() {
    const Base base;
    {
      Judge judge(start_);
      Case& made = cases_.emplace_back();
      made.name = "a policy comes and goes";
      made.steps.push_back(judge.step({base.text()}));
      made.steps.push_back(judge.step({}, {"NetworkPolicy x/base"}));
    }
    {
      Judge judge(start_);
      Case& made = cases_.emplace_back();
      made.name = "a policy changes";
      made.steps.push_back(judge.step({base.text()}));
      Base other;
      other.ports["ingress"] = "[{protocol: UDP, port: serve-80-udp}]";
      made.steps.push_back(judge.step({other.text()}));
    }
    {
      Judge judge(start_);
      Case& made = cases_.emplace_back();
      made.name = "a Namespace gets a label and loses it";
      Base by_label;
      by_label.peers["ingress"] = "[{namespaceSelector: {matchLabels: {new: label}}}]";
      made.steps.push_back(judge.step({by_label.text()}));
      const auto ns = [](const char* value) {
        return fmt::format(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: w, labels: {{ns: "
            "w, side: left, new: {}}}}}}}",
            value);
      };
      made.steps.push_back(judge.step({ns("label")}));
      made.steps.push_back(judge.step({ns("other")}));
    }
    {
      Judge judge(start_);
      Case& made = cases_.emplace_back();
      made.name = "a Pod gets a label and loses it";
      Base by_label;
      by_label.peers["ingress"] =
          "[{namespaceSelector: {}, podSelector: {matchLabels: {new: label}}}]";
      made.steps.push_back(judge.step({by_label.text()}));
      made.steps.push_back(judge.step({}, {}, {"w/b new=label"}));
      made.steps.push_back(judge.step({}, {}, {"w/b new=other"}));
    }
  }

  const AddressOf& address_of_;
  const Judge start_;
  std::vector<Case> cases_;
};

}  // namespace

std::vector<Case> generate_cases(const AddressOf& address_of) {
  return Generator(address_of).run();
}

}  // namespace antrea::conformance
