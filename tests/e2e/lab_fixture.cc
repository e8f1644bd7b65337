#include "lab_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>
#include <thread>

namespace antrea::e2e {

Output run(const std::string& command) {
  const std::string line = "export PATH=" ANTREA_BIN_DIR
                           ":$PATH:/usr/sbin:/sbin; timeout --kill-after=5 90 sh -c '" +
                           command + "' </dev/null 2>&1";
  Output output;
  FILE* const pipe = ::popen(line.c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[4096];
  for (std::size_t size = 0; (size = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    output.text.append(buffer, size);
  const int status = ::pclose(pipe);
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return output;
}

bool eventually(const std::function<bool()>& condition, std::chrono::seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

void LabTest::SetUp() {
  static int count = 0;
  name_ = "e2e-" + std::to_string(::getpid() % 100000) + "-" + std::to_string(++count);
  const auto up = run("antrea-lab up --nodes 2 --name " + name_);
  ASSERT_EQ(up.status, 0) << up.text;
  apply("three-pods.yaml");
}

void LabTest::TearDown() {
  if (HasFailure()) {
    const auto log = run("tail -n 40 /tmp/antrea-lab-$(id -u)/" + name_ + "/log/*.log");
    std::printf("%s\n", log.text.c_str());
  }
  for (const auto& [node, process] : agents_) run("kill " + process);
  const auto down = run("antrea-lab down --name " + name_);
  EXPECT_EQ(down.status, 0) << down.text;
}

Output LabTest::kubectl(const std::string& arguments) {
  return run("kubectl --kubeconfig /tmp/antrea-lab-$(id -u)/" + name_ + "/kubeconfig " + arguments);
}

std::string LabTest::ask(const std::string& where, const std::string& address,
                         const std::string& port) {
  const auto answer = in(where, R"(timeout 3 bash -c "exec 3<>/dev/tcp/)" + address + "/" + port +
                                    R"( && echo >&3 && head -n 1 <&3")");
  return answer.text.substr(0, answer.text.find('\n'));
}

bool LabTest::reaches(const std::string& expectation) {
  Output last;
  const bool reached = eventually([&] {
    last = lab("reach --expect " + example(expectation));
    return last.status == 0;
  });
  if (!reached) std::printf("%s\n", last.text.c_str());
  return reached;
}

std::int64_t LabTest::agent(const std::string& node, const std::string& pointer) {
  const auto answer = run("antctl get agentinfo -o json --lab " + name_ + " --node " + node);
  boost::system::error_code code;
  const auto value = boost::json::parse(answer.text, code);
  if (code) return -1;
  const auto* const found = value.find_pointer(pointer, code);
  return found != nullptr && found->is_int64() ? found->get_int64() : -1;
}

std::int64_t LabTest::metric(const std::string& node, const std::string& series) {
  const auto answer = run("curl -s --unix-socket /tmp/antrea-lab-$(id -u)/" + name_ + "/hosts/" +
                          node + "/run/antrea/api.sock http://agent/metrics");
  const auto at = answer.text.find("\n" + series + " ");
  return at == std::string::npos ? -1 : std::stoll(answer.text.substr(at + series.size() + 2));
}

void LabTest::restart_without_proxy(const std::string& node) {
  auto command = run("xargs -0 < /proc/$(pgrep -f \"[a]ntrea-agent --node " + node +
                     " --kubeconfig .*/" + name_ + "/\")/cmdline")
                     .text;
  const auto at = command.find("--proxy-all");
  ASSERT_NE(at, std::string::npos) << command;
  command.replace(at, 11, "--no-proxy --service-cidr 10.96.0.0/12");
  command.pop_back();
  ASSERT_EQ(lab("daemon kill " + node + " antrea-agent").status, 0);
  const auto started =
      in("node " + node, "sh -c \"" + command + " >/run/antrea/no-proxy.log 2>&1 & echo \\$!\"");
  ASSERT_EQ(started.status, 0) << started.text;
  agents_[node] = started.text.substr(0, started.text.find('\n'));
}

std::string LabTest::flows(const std::string& node) {
  // Learned flows come and go by themselves.
  return in("node " + node,
            "ovs-ofctl -O OpenFlow15 dump-flows br-int --no-stats --no-names | grep -v "
            "hard_timeout= | sort")
      .text;
}

}  // namespace antrea::e2e
