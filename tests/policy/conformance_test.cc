// What every cluster must do, judged offline.
#include "conformance.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "antrea/api/json.h"
#include "antrea/policy/evaluator.h"
#include "antrea/policy/manifest.h"

namespace antrea::conformance {
namespace {

namespace cp = api::controlplane;
namespace json = boost::json;

api::ObjectKey key_of(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) return {{}, text};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

/// Objects by kind and name, as kubectl would leave them.
class Objects {
 public:
  void apply(const json::value& json) {
    const auto object = policy::decode_object(json);
    ASSERT_TRUE(object) << object.error().to_string();
    ASSERT_TRUE(*object) << json::serialize(json);
    const std::string kind(json.at("kind").as_string());
    const auto& meta = json.at("metadata").as_object();
    std::string name(meta.at("name").as_string());
    if (const auto* ns = meta.if_contains("namespace"))
      name = std::string(ns->as_string()) + "/" + name;
    objects_.insert_or_assign(kind + " " + name, **object);
  }
  void remove(const std::string& name) { EXPECT_EQ(objects_.erase(name), 1U) << name; }
  void relabel(const std::string& line) {
    const auto blank = line.find(' '), equals = line.find('=');
    auto& object = objects_.at("Pod " + line.substr(0, blank));
    auto pod = std::make_shared<api::Pod>(*std::get<std::shared_ptr<const api::Pod>>(object));
    pod->metadata.labels[line.substr(blank + 1, equals - blank - 1)] = line.substr(equals + 1);
    object = std::shared_ptr<const api::Pod>(std::move(pod));
  }
  std::vector<policy::ObjectChange> all() const {
    std::vector<policy::ObjectChange> objects;
    for (const auto& [name, object] : objects_) objects.push_back(object);
    return objects;
  }

 private:
  std::map<std::string, policy::ObjectChange> objects_;
};

Objects fixture() {
  Objects objects;
  for (const auto& each : api::decode_manifest(read_text("pods.yaml"), "pods.yaml").value())
    objects.apply(each);
  return objects;
}

std::string address_of(const std::string& pod) {
  auto objects = fixture().all();
  policy::complete(objects);
  return policy::Evaluator(objects).addresses_of(key_of(pod)).at(0).to_string();
}

std::string judge(const policy::Evaluator& evaluator, const std::string& from,
                  const std::string& to, const Traffic& traffic) {
  policy::Conversation c;
  const auto end = [&](const std::string& pod) {
    return policy::ConversationEnd{key_of(pod), evaluator.addresses_of(key_of(pod)).at(0)};
  };
  c.from = end(from);
  c.to = end(to);
  c.port = traffic.port;
  c.protocol = traffic.protocol == "UDP" ? cp::ServiceProtocol::kUdp : cp::ServiceProtocol::kTcp;
  for (const auto direction : {cp::Direction::kOut, cp::Direction::kIn}) {
    const auto verdict = evaluator.judge(c, direction).verdict;
    if (verdict != cp::RuleAction::kAllow)
      return verdict == cp::RuleAction::kReject ? "rejected" : "dropped";
  }
  return "allowed";
}

void expect_as_told(const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    Objects objects = fixture();
    for (std::size_t s = 0; s < each.steps.size(); ++s) {
      SCOPED_TRACE("step " + std::to_string(s + 1));
      const Step& step = each.steps[s];
      for (const auto& object : step.objects) objects.apply(object);
      for (const auto& name : step.gone) objects.remove(name);
      for (const auto& line : step.relabelled) objects.relabel(line);
      auto all = objects.all();
      policy::complete(all);
      const policy::Evaluator evaluator(all);
      for (const auto& from : kPods)
        for (const auto& to : kPods)
          for (const Traffic& traffic : kTraffic) {
            if (from == to) continue;
            EXPECT_EQ(judge(evaluator, from, to, traffic), step.verdict(from, to, traffic))
                << from << " to " << to << " " << traffic.port << "/" << traffic.protocol;
          }
    }
  }
}

class Conformance : public ::testing::TestWithParam<const char*> {};
TEST_P(Conformance, EveryPairIsJudgedAsTheTableSays) {
  const auto cases = read_cases(GetParam(), address_of);
  ASSERT_TRUE(cases) << cases.error().to_string();
  expect_as_told(*cases);
}
INSTANTIATE_TEST_SUITE_P(Cases, Conformance, ::testing::Values("kubernetes.yaml", "antrea.yaml"),
                         [](const auto& info) {
                           const std::string name = info.param;
                           return name.substr(0, name.find('.'));
                         });

TEST(ConformanceMatrix, EveryPairIsJudgedAsTheOracleSays) {
  const auto cases = generate_cases(address_of);
  EXPECT_EQ(cases.size(), 212U);
  expect_as_told(cases);
}

}  // namespace
}  // namespace antrea::conformance
