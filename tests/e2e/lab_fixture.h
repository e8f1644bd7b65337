#pragma once

#include <gtest/gtest.h>

#include <boost/json/value.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <string>

namespace antrea::e2e {

struct Output {
  int status = -1;
  std::string text;  ///< standard output and error
};

/// Runs a shell command with the programs of this build first in PATH; killed after a minute and a
/// half.
Output run(const std::string& command);

/// Repeats until it holds; false once the time is up.
bool eventually(const std::function<bool()>& condition,
                std::chrono::seconds patience = std::chrono::seconds(30));

/// A lab of two Nodes of its own, with the three Pods running in it; gone when the test ends.
class LabTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  Output lab(const std::string& arguments) {
    return run("antrea-lab " + arguments + " --name " + name_);
  }
  /// "antrea-lab VERB TARGET --name … -- COMMAND"
  Output in(const std::string& where, const std::string& command) {
    return run("antrea-lab " + where + " --name " + name_ + " -- " + command);
  }
  Output kubectl(const std::string& arguments);
  /// Who answers a TCP client, and what address he sees: "default/backend1 worker-01 10.10.0.1".
  std::string ask(const std::string& where, const std::string& address, const std::string& port);
  /// Whether the probes of examples/NAME all come out as the file says, now or within the patience.
  bool reaches(const std::string& expectation);
  /// A number in an agent's own report, by JSON pointer, e.g. "/openflow/messages". -1: no answer.
  std::int64_t agent(const std::string& node, const std::string& pointer);
  /// A number among an agent's metrics, e.g. "antrea_x_count{result=\"y\"}". -1: no such one.
  std::int64_t metric(const std::string& node, const std::string& series);
  /// Starts a Node's agent again, as the lab does but for the proxy: Services are kube-proxy's.
  void restart_without_proxy(const std::string& node);
  /// Ends that one as by a crash.
  void kill_agent(const std::string& node) { run("kill -9 " + agents_.at(node)); }
  /// The flows in a Node's switch, without counters, sorted.
  std::string flows(const std::string& node);
  std::string example(const std::string& file) const {
    return std::string(ANTREA_SOURCE_DIR "/examples/") + file;
  }
  void apply(const std::string& file) {
    const auto applied = lab("apply --wait -f " + example(file));
    ASSERT_EQ(applied.status, 0) << applied.text;
  }

  std::string name_;

 private:
  std::map<std::string, std::string> agents_;  // of those started here the process IDs, by Node
};

}  // namespace antrea::e2e
