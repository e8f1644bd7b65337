// The cases of tests/policy/conformance that are told with real packets, in one lab.
#include <boost/json.hpp>
#include <cstdio>
#include <fstream>

#include "../policy/conformance.h"
#include "lab_fixture.h"

namespace antrea::e2e {
namespace {

namespace json = boost::json;
using namespace conformance;

class ConformanceLab : public LabTest {
 protected:
  void SetUp() override {
    LabTest::SetUp();
    folder_ = "/tmp/antrea-conformance-" + name_;
    ASSERT_EQ(run("mkdir -p " + folder_).status, 0);
    const auto pods =
        lab("apply --wait -f " ANTREA_SOURCE_DIR "/tests/policy/conformance/pods.yaml");
    ASSERT_EQ(pods.status, 0) << pods.text;
  }
  void TearDown() override {
    run("rm -rf " + folder_);
    LabTest::TearDown();
  }

  std::string write(const std::string& name, const json::value& value) {
    std::ofstream(folder_ + "/" + name) << json::serialize(value);
    return folder_ + "/" + name;
  }
  std::string address_of(const std::string& pod) {
    const auto slash = pod.find('/');
    const auto answer = kubectl("get pod -n " + pod.substr(0, slash) + " " + pod.substr(slash + 1) +
                                " -o jsonpath={.status.podIP}");
    return answer.text;
  }
  static json::object table(const Step& step) {
    json::array probes;
    for (const auto& from : kPods)
      for (const auto& to : kPods)
        for (const Traffic& traffic : kTraffic)
          if (from != to)
            probes.push_back({{"from", from},
                              {"to", to},
                              {"port", traffic.port},
                              {"protocol", traffic.protocol},
                              {"result", step.verdict(from, to, traffic)}});
    return {{"probes", std::move(probes)}};
  }
  bool comes_true(const std::string& expectation) {
    Output last;
    const bool held = eventually([&] {
      last = lab("reach --expect " + expectation);
      return last.status == 0;
    });
    if (!held) std::printf("%s\n", last.text.c_str());
    return held;
  }

  std::string folder_;
};

TEST_F(ConformanceLab, PacketsFareAsTheTablesSay) {
  std::size_t tried = 0;
  for (const char* file : {"kubernetes.yaml", "antrea.yaml"}) {
    const auto cases = read_cases(file, [&](const std::string& pod) { return address_of(pod); });
    ASSERT_TRUE(cases) << cases.error().to_string();
    for (const Case& each : *cases) {
      if (!each.packets) continue;
      SCOPED_TRACE(each.name);
      std::string applied;
      for (const Step& step : each.steps) {
        if (!step.objects.empty()) {
          const std::string manifest =
              write("objects.json",
                    json::object{{"apiVersion", "v1"}, {"kind", "List"}, {"items", step.objects}});
          const auto answer = kubectl("apply -f " + manifest);
          ASSERT_EQ(answer.status, 0) << answer.text;
          applied += " -f " + folder_ + "/" + std::to_string(++tried) + ".json";
          write(std::to_string(tried) + ".json",
                json::object{{"apiVersion", "v1"}, {"kind", "List"}, {"items", step.objects}});
        }
        for (const std::string& gone : step.gone) {
          const auto blank = gone.find(' '), slash = gone.find('/');
          ASSERT_EQ(
              kubectl("delete " + gone.substr(0, blank) + " -n " +
                      gone.substr(blank + 1, slash - blank - 1) + " " + gone.substr(slash + 1))
                  .status,
              0);
        }
        EXPECT_TRUE(comes_true(write("table.json", table(step))));
      }
      // What the live cluster's own policies foretell comes true as well.
      if (tried <= 2) {
        const auto foretold = run("antctl policy reach --lab " + name_ + " -o json 2>/dev/null >" +
                                  folder_ + "/foretold.json");
        ASSERT_EQ(foretold.status, 0) << foretold.text;
        EXPECT_TRUE(comes_true(folder_ + "/foretold.json"));
      }
      const auto deleted = kubectl("delete --ignore-not-found" + applied);
      ASSERT_EQ(deleted.status, 0) << deleted.text;
    }
  }
  EXPECT_GT(tried, 10U);
}

}  // namespace
}  // namespace antrea::e2e
