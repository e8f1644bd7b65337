// The cases of tests/policy/conformance with real packets, all of them one after the other in one
// lab. ANTREA_SOAK tries every generated case, too, instead of one in twelve.
#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
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
    const auto pods = lab("apply --wait -f " + kPodsFile);
    ASSERT_EQ(pods.status, 0) << pods.text;
    for (const std::string& pod : kPods) addresses_[pod] = find_address(pod);
  }
  void TearDown() override {
    run("rm -rf " + folder_);
    LabTest::TearDown();
  }

  AddressOf address_of() const {
    return [this](const std::string& pod) { return addresses_.at(pod); };
  }

  void try_case(const Case& each, bool foretell = false) {
    SCOPED_TRACE(each.name);
    json::array applied, relabelled;
    json::object before = table({});
    for (std::size_t s = 0; s < each.steps.size(); ++s) {
      SCOPED_TRACE("step " + std::to_string(s + 1));
      const Step& step = each.steps[s];
      if (!step.objects.empty()) {
        must(lab("apply -f " + write("objects.json", list(step.objects))));
        applied.insert(applied.end(), step.objects.begin(), step.objects.end());
      }
      for (const std::string& gone : step.gone) {
        const auto blank = gone.find(' '), slash = gone.find('/');
        must(kubectl("delete " + gone.substr(0, blank) + " -n " +
                     gone.substr(blank + 1, slash - blank - 1) + " " + gone.substr(slash + 1)));
      }
      for (const std::string& line : step.relabelled) {
        relabel_pod(line.substr(0, line.find(' ')), line.substr(line.find(' ') + 1));
        relabelled.emplace_back(line.substr(0, line.find('=')));
      }
      json::object after = table(step);
      if (after == before) await_all();  // no packet tells whether it has arrived
      EXPECT_TRUE(comes_true(write("table.json", after)));
      before = std::move(after);
    }
    if (foretell) try_foretelling();
    forget(applied, relabelled);
  }

 private:
  /// What antctl foretells of the live cluster's policies comes true.
  void try_foretelling() {
    must(run("antctl policy reach --lab " + name_ + " -o json 2>/dev/null >" + folder_ +
             "/foretold.json"));
    EXPECT_TRUE(comes_true(folder_ + "/foretold.json"));
  }

  inline static const std::string kPodsFile =
      ANTREA_SOURCE_DIR "/tests/policy/conformance/pods.yaml";

  static void must(const Output& output) { ASSERT_EQ(output.status, 0) << output.text; }
  static json::object list(const json::array& items) {
    return {{"apiVersion", "v1"}, {"kind", "List"}, {"items", items}};
  }
  std::string write(const std::string& name, const json::value& value) {
    std::ofstream(folder_ + "/" + name) << json::serialize(value);
    return folder_ + "/" + name;
  }
  std::string find_address(const std::string& pod) {
    return kubectl("get pod -n " + pod.substr(0, 1) + " " + pod.substr(2) +
                   " -o jsonpath={.status.podIP}")
        .text;
  }
  void relabel_pod(const std::string& pod, const std::string& label) {
    must(kubectl("label --overwrite pod -n " + pod.substr(0, 1) + " " + pod.substr(2) + " " +
                 label));
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

  /// Until both Nodes have what was applied before: the last of it is a policy that reports so.
  void await_all() {
    json::object marker{{"apiVersion", "crd.antrea.io/v1beta1"},
                        {"kind", "ClusterNetworkPolicy"},
                        {"metadata", {{"name", "marker"}}},
                        {"spec", json::parse(R"({"priority": 9999, "tier": "baseline",
            "appliedTo": [{"podSelector": {}}],
            "egress": [{"action": "Allow", "ports": [{"port": 7}]}]})")}};
    const std::string file = write("marker.json", marker);
    must(lab("apply -f " + file));
    EXPECT_TRUE(eventually(
        [&] { return kubectl("get acnp marker -o jsonpath={.status.phase}").text == "Realized"; }));
    must(lab("delete -f " + file));
  }

  /// Everything is as it was, but for Pods, which are not made anew.
  void forget(const json::array& applied, const json::array& relabelled) {
    json::array objects;
    for (const json::value& each : applied)
      if (each.at("kind").as_string() != "Namespace") objects.push_back(each);
    if (!objects.empty()) must(lab("delete -f " + write("objects.json", list(objects))));
    for (const json::value& each : applied)
      if (each.at("kind").as_string() == "Namespace")
        must(kubectl("label namespace " + std::string(each.at("metadata").at("name").as_string()) +
                     " new-"));
    for (const auto& each : relabelled) {
      const std::string line(each.as_string());
      relabel_pod(line.substr(0, line.find(' ')), line.substr(line.find(' ') + 1) + "-");
    }
  }

  std::string folder_;
  std::map<std::string, std::string> addresses_;
};

/// All of them with ANTREA_SOAK, which takes minutes; else one in so many.
std::size_t stride(std::size_t otherwise) {
  return std::getenv("ANTREA_SOAK") != nullptr ? 1 : otherwise;  // NOLINT(concurrency-mt-unsafe)
}

TEST_F(ConformanceLab, PacketsFareAsTheTablesSay) {
  for (const char* file : {"kubernetes.yaml", "antrea.yaml"}) {
    const auto cases = read_cases(file, address_of());
    ASSERT_TRUE(cases) << cases.error().to_string();
    ASSERT_GT(cases->size(), 20U);
    for (std::size_t i = 0; i < cases->size(); i += stride(5)) {
      try_case((*cases)[i], i == 0);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(ConformanceLab, PacketsFareAsTheMatrixSays) {
  const auto cases = generate_cases(address_of());
  for (std::size_t i = 0; i < cases.size(); i += stride(24)) {
    try_case(cases[i]);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace antrea::e2e
