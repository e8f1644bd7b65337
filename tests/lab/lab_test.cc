#include "antrea/lab/lab.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>

#include "antrea/lab/fault.h"
#include "antrea/lab/process.h"
#include "antrea/lab/topology.h"
#include "tests/lab/isolated.h"

namespace antrea::lab {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

/// Labs below a folder of the test's own; whatever the test leaves up is taken down.
class Lab : public testing::Test {
 protected:
  void SetUp() override { setenv("ANTREA_LAB_DIR", dir_.path().c_str(), 1); }
  void TearDown() override {
    for (const auto& name : LabDir::list()) {
      auto lab = LabDir::locate(name);
      if (lab) {
        EXPECT_OK(down(*lab));
      }
    }
    unsetenv("ANTREA_LAB_DIR");
  }

  static Result<LabDir> bring_up(const std::string& name, unsigned nodes = 1) {
    ANTREA_TRY(LabDir dir, LabDir::locate(name));
    ANTREA_CHECK(up(dir, {.node_count = nodes, .hosts_only = true}));
    return dir;
  }

  /// What `antrea-lab node HOST -- CMD` does, in a process of its own: its exit code, and its
  /// standard output in `out`.
  static int run_on(const LabDir& dir, const std::string& host, const std::string& command,
                    std::string* out = nullptr) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      dup2(ends[1], STDOUT_FILENO);
      auto lab = LabClient::connect(dir);
      if (lab.has_error()) _exit(100);
      auto place = lab->place(host);
      if (place.has_error()) _exit(101);
      if (lab->join(LabClient::Purpose::kToRun).has_error()) _exit(102);
      auto code = run_in(*place, {"sh", "-c", command}, {});
      _exit(code ? *code : 103);
    }
    close(ends[1]);
    char chunk[4096];
    for (ssize_t size = 0; (size = read(ends[0], chunk, sizeof chunk)) > 0;) {
      if (out != nullptr) out->append(chunk, static_cast<std::size_t>(size));
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  /// How many processes mention the test's folder in their command lines: the daemons of its labs
  /// do.
  int processes() const {
    int count = 0;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
      Fd file(open((entry.path() / "cmdline").c_str(), O_RDONLY | O_CLOEXEC));
      char text[4096];
      const ssize_t size = file ? read(file.get(), text, sizeof text) : 0;
      if (size > 0 && std::string_view(text, static_cast<std::size_t>(size)).find(dir_.path()) !=
                          std::string_view::npos)
        ++count;
    }
    return count;
  }

  ScratchDir dir_;
};

TEST_F(Lab, RunsThingsOnItsHosts) {
  auto dir = bring_up("one", 2);
  ASSERT_OK(dir);
  std::string out;
  EXPECT_EQ(run_on(*dir, "worker-01", "hostname; ovs-vsctl list-br; exit 7", &out), 7);
  EXPECT_EQ(out, "worker-01\nbr-phy\n");
  out.clear();
  EXPECT_EQ(run_on(*dir, "outside", "hostname", &out), 0);
  EXPECT_EQ(out, "outside\n");
  EXPECT_EQ(run_on(*dir, "worker-02", "ping -n -c 1 -W 5 worker-01 >/dev/null"), 0)
      << "by its name";
  EXPECT_EQ(run_on(*dir, "worker-02", "kill -9 $$"), 137);
  EXPECT_EQ(run_on(*dir, "worker-03", "true"), 101) << "there is no such host";
}

TEST_F(Lab, AnswersAndResolvesOnItsHosts) {
  auto dir = bring_up("one", 1);
  ASSERT_OK(dir);
  std::string out;
  EXPECT_EQ(run_on(*dir, "worker-01", "curl -sS --noproxy '*' --max-time 5 http://outside/", &out),
            0);
  EXPECT_EQ(out, "outside outside 172.18.0.2\n");
  out.clear();
  EXPECT_EQ(
      run_on(*dir, "outside", "curl -sS --noproxy '*' --max-time 5 http://172.18.0.2:8080/", &out),
      0);
  EXPECT_EQ(out, "node/worker-01 worker-01 172.18.1.10\n");
}

class FaultyNode : public Lab, public testing::WithParamInterface<Fault> {};

TEST_P(FaultyNode, IsFeltUntilItIsHealed) {
  const Fault fault = GetParam();
  auto dir = bring_up("one", 1);
  ASSERT_OK(dir);
  const std::string ping = "ping -n -c 1 -W 1 172.18.0.2 >/dev/null";
  // Nobody listens: a RST (7), or silence (28).
  const std::string gossip = "curl -s --noproxy '*' --max-time 1 http://172.18.0.2:10351/";
  ASSERT_EQ(run_on(*dir, "beside", ping), 0);
  ASSERT_EQ(run_on(*dir, "beside", gossip), 7);

  auto lab = LabClient::connect(*dir);
  ASSERT_OK(lab);
  ASSERT_OK(lab->fail("worker-01", std::string(to_string(fault))));
  EXPECT_EQ(run_on(*dir, "beside", gossip), 28);
  EXPECT_EQ(run_on(*dir, "beside", ping), fault == Fault::kGossip ? 0 : 1);

  ASSERT_OK(lab->heal("worker-01"));
  // Another ARP request goes out a second later at the latest.
  EXPECT_EQ(run_on(*dir, "beside", "ping -n -c 5 -i 0.5 172.18.0.2 >/dev/null"), 0);
  EXPECT_EQ(run_on(*dir, "beside", gossip), 7);
}
INSTANTIATE_TEST_SUITE_P(Faults, FaultyNode,
                         testing::Values(Fault::kNode, Fault::kLink, Fault::kGossip, Fault::kOneway,
                                         Fault::kPause),
                         [](const auto& info) { return std::string(to_string(info.param)); });

TEST_F(Lab, LosesAThirdOfWhatANodeSends) {
  auto dir = bring_up("one", 1);
  ASSERT_OK(dir);
  auto lab = LabClient::connect(*dir);
  ASSERT_OK(lab);
  ASSERT_OK(lab->fail("worker-01", "loss"));
  std::string out;
  EXPECT_EQ(run_on(*dir, "beside",
                   "ping -n -q -i 0.002 -c 1000 -W 1 172.18.0.2 | "
                   "sed -n 's/.* \\([0-9]*\\) received.*/\\1/p'",
                   &out),
            0);
  EXPECT_GT(std::atoi(out.c_str()), 600);
  EXPECT_LT(std::atoi(out.c_str()), 800);
}

TEST_F(Lab, ALinkMayBeLateAndLossyAtOnce) {
  auto dir = bring_up("one", 2);
  ASSERT_OK(dir);
  auto lab = LabClient::connect(*dir);
  ASSERT_OK(lab);
  // Answers in 100 ms at most, 50 in the mean; some of those asked 2 ms later come earlier.
  const std::string ping =
      "ping -n -i 0.002 -c 500 -W 1 172.18.0.2 | sed -n 's/.*icmp_seq=\\([0-9]*\\) "
      ".*time=\\([0-9]*\\).*/"
      "\\1 \\2/p' | awk '{ n++; sum += $2; if ($1 < last) ++early; last = $1 } END { print n, sum "
      "/ n, "
      "early }'";
  const auto measure = [&] {
    std::string out;
    EXPECT_EQ(run_on(*dir, "beside", ping, &out), 0);
    std::istringstream words(out);
    std::array<double, 3> found{};  // answers, mean in ms, how many overtook
    for (double& each : found) words >> each;
    return found;
  };
  ASSERT_OK(lab->fail("worker-01", "jitter"));
  auto [answers, mean, early] = measure();
  EXPECT_GT(answers, 490);
  EXPECT_GT(mean, 40);
  EXPECT_LT(mean, 150);
  EXPECT_GT(early, 100);
  ASSERT_OK(lab->fail("worker-01", "loss"));
  EXPECT_EQ(run_on(*dir, "worker-02", "ping -n -c 1 -W 5 172.18.1.10 >/dev/null"), 0);
  std::tie(answers, mean, early) = std::tuple_cat(measure());
  EXPECT_GT(answers, 280);
  EXPECT_LT(answers, 420);
  EXPECT_GT(mean, 40);
  ASSERT_OK(lab->heal("worker-01"));
  std::tie(answers, mean, early) = std::tuple_cat(measure());
  EXPECT_GT(answers, 490);
  EXPECT_LT(mean, 30);
}

TEST_F(Lab, FaultsOfNobodyAreRefused) {
  auto dir = bring_up("one", 1);
  ASSERT_OK(dir);
  auto lab = LabClient::connect(*dir);
  ASSERT_OK(lab);
  EXPECT_EQ(lab->fail("worker-09", "link").error().code, Errc::kNotFound);
  EXPECT_EQ(lab->fail("worker-01", "fire").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(lab->heal("worker-09").error().code, Errc::kNotFound);
}

TEST_F(Lab, ASecondOneOfTheSameNameIsRefused) {
  auto dir = bring_up("one");
  ASSERT_OK(dir);
  auto again = bring_up("one");
  ASSERT_TRUE(again.has_error());
  EXPECT_EQ(again.error().code, Errc::kAlreadyExists);
  EXPECT_EQ(run_on(*dir, "worker-01", "true"), 0) << "the first one is unharmed";
}

TEST_F(Lab, TwoDoNotDisturbEachOther) {
  auto one = bring_up("one");
  auto two = bring_up("two");
  ASSERT_OK(one);
  ASSERT_OK(two);
  ASSERT_EQ(run_on(*one, "worker-01", "ip link add mark type bridge"), 0);
  EXPECT_NE(run_on(*two, "worker-01", "ip link show mark"), 0);
  EXPECT_OK(down(*one));
  EXPECT_EQ(run_on(*two, "worker-01", "ping -n -c 1 -W 5 172.18.1.10 >/dev/null"), 0);
}

TEST_F(Lab, DownLeavesNothing) {
  auto dir = bring_up("one");
  ASSERT_OK(dir);
  EXPECT_GT(processes(), 0);
  auto ended = down(*dir);
  ASSERT_OK(ended);
  EXPECT_TRUE(*ended);
  EXPECT_EQ(processes(), 0);
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
  auto again = down(*dir);
  ASSERT_OK(again);
  EXPECT_FALSE(*again) << "there was none";
}

class LabKilled : public Lab, public testing::WithParamInterface<bool> {};

// The keeper, or process 1 above it: whichever dies, the kernel takes all the others.
TEST_P(LabKilled, LeavesNoProcessAndCanComeUpAgain) {
  auto dir = bring_up("one");
  ASSERT_OK(dir);
  pid_t victim = 0;
  {
    auto lab = LabClient::connect(*dir);
    ASSERT_OK(lab);
    victim = lab->keeper_pid();
  }
  if (GetParam()) {  // its parent
    std::string status;
    Fd file(open(("/proc/" + std::to_string(victim) + "/stat").c_str(), O_RDONLY));
    char text[512];
    const ssize_t size = read(file.get(), text, sizeof text);
    status.assign(text, static_cast<std::size_t>(std::max<ssize_t>(0, size)));
    victim = std::atoi(status.c_str() + status.rfind(')') + 4);
    ASSERT_GT(victim, 1);
  }
  ASSERT_EQ(kill(victim, SIGKILL), 0);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  // A process is not to be seen any longer some time before its sockets are closed.
  const auto gone = [&] { return processes() == 0 && !LabClient::connect(*dir); };
  while (!gone() && std::chrono::steady_clock::now() < deadline) usleep(10'000);
  EXPECT_EQ(processes(), 0);
  const auto connected = LabClient::connect(*dir);
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().code, Errc::kUnavailable);
  auto again = bring_up("one");
  ASSERT_OK(again);
  EXPECT_EQ(run_on(*again, "worker-01", "true"), 0);
}
INSTANTIATE_TEST_SUITE_P(Victim, LabKilled, testing::Bool(),
                         [](const auto& info) { return info.param ? "Init" : "Keeper"; });

TEST_F(Lab, DaemonsCanBeKilledAndStarted) {
  auto dir = bring_up("one");
  ASSERT_OK(dir);
  auto lab = LabClient::connect(*dir);
  ASSERT_OK(lab);
  auto state = [&] {
    auto status = lab->status();
    for (const auto& daemon : status->at("daemons").as_array()) {
      if (daemon.at("name") == "ovs-vswitchd") return std::string(daemon.at("state").as_string());
    }
    return std::string("missing");
  };
  EXPECT_EQ(state(), "running");
  ASSERT_OK(lab->daemon("worker-01", "ovs-vswitchd", "kill"));
  EXPECT_EQ(state(), "killed by signal 9");
  ASSERT_OK(lab->daemon("worker-01", "ovs-vswitchd", "start"));
  EXPECT_EQ(state(), "running");
  EXPECT_TRUE(lab->daemon("worker-01", "nothing", "kill").has_error());
  EXPECT_TRUE(lab->daemon("worker-01", "ovs-vswitchd", "tickle").has_error());
}

TEST_F(Lab, RefusesNamesAndFoldersThatCannotWork) {
  for (const char* name : {"", "Upper", "with/slash", "-dash", "far-too-long-for-a-socket"})
    EXPECT_EQ(LabDir::locate(name).error().code, Errc::kInvalidArgument) << name;
  setenv("ANTREA_LAB_DIR", "/run/lab", 1);
  EXPECT_TRUE(LabDir::locate("one").has_error());
  setenv("ANTREA_LAB_DIR", dir_.path().c_str(), 1);
}

TEST_F(Lab, NeedsOpenVSwitch) {
  const std::string path = getenv("PATH");
  setenv("PATH", "/nonexistent", 1);
  auto missing = find_program("ovs-nonexistent");
  setenv("PATH", path.c_str(), 1);
  ASSERT_TRUE(missing.has_error());
  EXPECT_THAT(missing.error().to_string(), HasSubstr("install Open vSwitch"));
}

}  // namespace
}  // namespace antrea::lab
