// The service with real interfaces in network namespaces of its own; only the switch behind it is
// played.
#include "antrea/node/cni_service.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "antrea/node/interface_name.h"
#include "antrea/node/netlink.h"

namespace antrea::node {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
namespace json = boost::json;

void write_file(const char* path, const std::string& text) { std::ofstream(path) << text; }

/// An ordinary user gets a namespace in which it may make network namespaces, before any thread
/// starts.
class Privileges final : public testing::Environment {
 public:
  void SetUp() override {
    const auto uid = ::geteuid();
    const auto gid = ::getegid();
    if (uid == 0 || ::unshare(CLONE_NEWUSER) != 0) return;
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1");
    write_file("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1");
  }
};
const auto* const kPrivileges = testing::AddGlobalTestEnvironment(new Privileges);

/// A process that does nothing but keep a network namespace alive.
class PodSandbox {
 public:
  PodSandbox() {
    int ready[2];
    if (::pipe(ready) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::unshare(CLONE_NEWNET) != 0) ::_exit(1);
      (void)!::write(ready[1], "x", 1);
      for (;;) ::pause();
    }
    char byte = 0;
    ::close(ready[1]);
    ok_ = ::read(ready[0], &byte, 1) == 1;
    ::close(ready[0]);
  }
  ~PodSandbox() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  PodSandbox(const PodSandbox&) = delete;
  PodSandbox& operator=(const PodSandbox&) = delete;
  bool ok() const { return ok_; }
  std::string path() const { return "/proc/" + std::to_string(pid_) + "/ns/net"; }
  Netlink netlink() const {
    const int fd = ::open(path().c_str(), O_RDONLY | O_CLOEXEC);
    auto opened = Netlink::open_in(fd);
    ::close(fd);
    return std::move(opened).value();
  }

 private:
  pid_t pid_;
  bool ok_ = false;
};

/// Numbers ports, and refuses where told to.
class PlayedNetwork final : public PodNetwork {
 public:
  asio::awaitable<Result<std::uint32_t>> attach(Interface interface) override {
    if (fail_attach) co_return make_error(Errc::kRejected, "the switch refuses");
    attached.insert(interface.name);
    co_return ++last_port;
  }
  asio::awaitable<Result<>> detach(Interface interface) override {
    if (fail_detach) co_return make_error(Errc::kUnavailable, "the switch is away");
    attached.erase(interface.name);
    co_return Result<>();
  }
  bool fail_attach = false, fail_detach = false;
  std::set<std::string> attached;
  std::uint32_t last_port = 0;
};

class CniServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "these tests need root, or a user namespace";
    ASSERT_TRUE(sandbox_.ok());
    char name[] = "/tmp/antrea-cni-XXXXXX";
    dir_ = ::mkdtemp(name);
    addresses_.emplace(ipam::HostLocalStore::open(dir_, "antrea").value());
    service_.emplace(
        io_.get_executor(),
        CniServiceOptions{
            .mtu = 1400, .tx_checksum = false, .ready_timeout = std::chrono::milliseconds(50)},
        interfaces_, *addresses_, network_, null_logger());
  }
  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(dir_, ignored);
  }

  void ready(const char* subnet = "10.10.1.0/24") {
    service_->set_ready(
        {ipam::RangeSet::make({ipam::make_range({subnet, "", "", ""}).value()}).value()});
  }
  template <typename Outcome>
  Outcome run(asio::awaitable<Outcome> work) {
    std::optional<Outcome> outcome;
    asio::co_spawn(io_, std::move(work), [&](std::exception_ptr failure, Outcome result) {
      if (failure) std::rethrow_exception(failure);
      outcome.emplace(std::move(result));
    });
    io_.restart();
    io_.run();
    return std::move(*outcome);
  }
  cni::Arguments arguments(std::string container = "c1", std::string pod = "web") const {
    return {std::move(container), sandbox_.path(), "eth0",
            "K8S_POD_NAMESPACE=default;K8S_POD_NAME=" + std::move(pod), "/opt/cni/bin"};
  }
  std::size_t veth_count() {
    std::size_t count = 0;
    for (const Link& link : Netlink::open()->links().value()) count += link.kind == "veth" ? 1 : 0;
    return count;
  }

  const std::string config_ =
      R"({"cniVersion":"1.0.0","name":"antrea","type":"antrea","ipam":{"type":"host-local"}})";
  PodSandbox sandbox_;
  fs::path dir_;
  asio::io_context io_;
  InterfaceStore interfaces_;
  std::optional<ipam::HostLocalStore> addresses_;
  PlayedNetwork network_;
  std::optional<CniService> service_;
};

TEST_F(CniServiceTest, AddGivesThePodAnInterface) {
  ready();
  const auto result = run(service_->add(arguments(), config_));
  ASSERT_TRUE(result) << result.error().error.to_string();
  const auto parsed = json::parse(*result);
  EXPECT_EQ(parsed.at("ips").at(0).at("address").as_string(), "10.10.1.2/24");
  EXPECT_EQ(parsed.at("interfaces").at(0).at("name").as_string(), host_interface_name("web", "c1"));
  EXPECT_EQ(parsed.at("interfaces").at(1).at("sandbox").as_string(), sandbox_.path());

  Netlink pod = sandbox_.netlink();
  const auto eth0 = pod.link("eth0");
  ASSERT_TRUE(eth0);
  EXPECT_TRUE(eth0->up);
  EXPECT_EQ(eth0->mtu, 1400U);
  EXPECT_EQ(eth0->mac.to_string(), parsed.at("interfaces").at(1).at("mac").as_string());
  const auto routes = pod.routes().value();
  EXPECT_TRUE(std::ranges::any_of(routes, [](const Route& route) {
    return route.destination.length() == 0 &&
           route.gateway == IpAddress::parse("10.10.1.1").value();
  }));
  EXPECT_EQ(network_.attached.size(), 1U);
  EXPECT_TRUE(run(service_->check(arguments(), config_)));
}

TEST_F(CniServiceTest, RepeatedAddAndDelAreHarmless) {
  ready();
  const auto first = run(service_->add(arguments(), config_));
  const auto second = run(service_->add(arguments(), config_));
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(network_.last_port, 1U) << "the second ADD touched nothing";
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(run(service_->del(arguments(), config_)));
  EXPECT_EQ(veth_count(), 0U);
  EXPECT_TRUE(network_.attached.empty());
  EXPECT_EQ(addresses_->size(), 0U);
  EXPECT_EQ(interfaces_.size(), 0U);
}

TEST_F(CniServiceTest, AFailedAddLeavesNothing) {
  ready();
  network_.fail_attach = true;
  const auto refused = run(service_->add(arguments(), config_));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, cni::Code::kConfigInterfaceFailure);
  EXPECT_NE(refused.error().error.to_string().find("Pod default/web"), std::string::npos);
  EXPECT_EQ(veth_count(), 0U);
  EXPECT_EQ(addresses_->size(), 0U);
  EXPECT_EQ(interfaces_.size(), 0U);
  network_.fail_attach = false;
  EXPECT_TRUE(run(service_->add(arguments(), config_)));
}

TEST_F(CniServiceTest, AMissingSandboxLeavesNothing) {
  ready();
  auto gone = arguments();
  gone.netns = "/proc/1/ns/nothing";
  const auto refused = run(service_->add(gone, config_));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().error.to_string().find("/proc/1/ns/nothing"), std::string::npos);
  EXPECT_EQ(addresses_->size(), 0U);
  EXPECT_TRUE(network_.attached.empty());
}

TEST_F(CniServiceTest, ATakenInterfaceNameLeavesNothing) {
  ready();
  VethSpec taken;
  taken.name = "eth0";
  taken.mac = MacAddress::from_bits(0x020000000001);
  taken.peer_name = "peer";
  taken.peer_mac = MacAddress::from_bits(0x020000000002);
  ASSERT_TRUE(sandbox_.netlink().add_veth(taken));
  const auto refused = run(service_->add(arguments(), config_));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, cni::Code::kConfigInterfaceFailure);
  EXPECT_EQ(veth_count(), 0U);
  EXPECT_EQ(addresses_->size(), 0U);
}

TEST_F(CniServiceTest, AFullSubnetSaysSo) {
  ready("10.10.1.0/30");
  ASSERT_TRUE(run(service_->add(arguments("c1"), config_)));
  const PodSandbox other;
  auto second = arguments("c2", "db");
  second.netns = other.path();
  const auto refused = run(service_->add(second, config_));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, cni::Code::kIpamFailure);
  EXPECT_NE(refused.error().error.cause.find("no IP addresses available"), std::string::npos);
  EXPECT_EQ(veth_count(), 1U);
}

TEST_F(CniServiceTest, AFailedDelKeepsTheAddressUntilItSucceeds) {
  ready();
  ASSERT_TRUE(run(service_->add(arguments(), config_)));
  network_.fail_detach = true;
  EXPECT_FALSE(run(service_->del(arguments(), config_)));
  EXPECT_EQ(addresses_->size(), 1U);
  network_.fail_detach = false;
  EXPECT_TRUE(run(service_->del(arguments(), config_)));
  EXPECT_EQ(addresses_->size(), 0U);
}

TEST_F(CniServiceTest, AddBeforeReadinessAsksToTryAgain) {
  const auto refused = run(service_->add(arguments(), config_));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, cni::Code::kTryAgainLater);
}

TEST_F(CniServiceTest, CheckFindsWhatChanged) {
  ready();
  const auto result = run(service_->add(arguments(), config_));
  ASSERT_TRUE(result);
  {
    Netlink pod = sandbox_.netlink();
    ASSERT_TRUE(
        pod.delete_address({pod.link("eth0")->index, IpAddress::parse("10.10.1.2").value(), 24}));
  }
  const auto checked = run(service_->check(arguments(), config_));
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, cni::Code::kCheckInterfaceFailure);
  EXPECT_NE(checked.error().error.cause.find("lacks address 10.10.1.2/24"), std::string::npos);
  EXPECT_EQ(run(service_->check(arguments("unknown"), config_)).error().code,
            cni::Code::kUnknownContainer);
}

TEST_F(CniServiceTest, AddRepairsAnInterfaceThatWasBroken) {
  ready();
  ASSERT_TRUE(run(service_->add(arguments(), config_)));
  ASSERT_TRUE(Netlink::open()->delete_link(host_interface_name("web", "c1")));
  ASSERT_TRUE(run(service_->add(arguments(), config_)));
  EXPECT_TRUE(run(service_->check(arguments(), config_)));
  EXPECT_EQ(veth_count(), 1U);
}

TEST_F(CniServiceTest, ManyAtOnceGetDifferentAddresses) {
  ready();
  std::vector<std::unique_ptr<PodSandbox>> sandboxes;
  std::set<std::string> seen;
  std::size_t done = 0;
  for (int i = 0; i < 8; ++i) {
    sandboxes.push_back(std::make_unique<PodSandbox>());
    auto each = arguments("c" + std::to_string(i), "pod-" + std::to_string(i));
    each.netns = sandboxes.back()->path();
    asio::co_spawn(
        io_, service_->add(each, config_),
        [&](std::exception_ptr, cni::Outcome<std::string> result) {
          ASSERT_TRUE(result) << result.error().error.to_string();
          seen.insert(std::string(json::parse(*result).at("ips").at(0).at("address").as_string()));
          ++done;
        });
  }
  io_.restart();
  io_.run();
  EXPECT_EQ(done, 8U);
  EXPECT_EQ(seen.size(), 8U);
}

/// What the plugin prints when run as a runtime runs it.
struct PluginRun {
  int status = -1;
  std::string output;
};
PluginRun run_plugin(const std::string& environment, const std::string& input,
                     const fs::path& dir) {
  std::ofstream(dir / "input") << input;
  const std::string command = environment + " " ANTREA_BIN_DIR "/antrea-cni < " +
                              (dir / "input").native() + " > " + (dir / "output").native();
  const int status = std::system(command.c_str());
  std::ifstream in(dir / "output");
  return {WEXITSTATUS(status), {std::istreambuf_iterator<char>(in), {}}};
}

TEST_F(CniServiceTest, ThePluginSpeaksToTheServer) {
  ready();
  const std::string socket = dir_ / "run" / "cni.sock";
  auto server = CniServer::start(io_.get_executor(), *service_, socket);
  ASSERT_TRUE(server) << server.error().to_string();
  const auto second = CniServer::start(io_.get_executor(), *service_, socket);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kAlreadyExists);

  auto guard = asio::make_work_guard(io_);
  // The service makes links in the namespace of the thread that works for it.
  std::thread daemon([&] { io_.run(); });
  const std::string environment =
      "ANTREA_CNI_SOCKET=" + socket +
      " CNI_CONTAINERID=c1 CNI_IFNAME=eth0 CNI_PATH=/opt/cni/bin CNI_NETNS=" + sandbox_.path() +
      " CNI_ARGS='K8S_POD_NAMESPACE=default;K8S_POD_NAME=web' CNI_COMMAND=";
  const auto added = run_plugin(environment + "ADD", config_, dir_);
  const auto checked = run_plugin(environment + "CHECK", config_, dir_);
  const auto bad = run_plugin(environment + "ADD", "{}", dir_);
  const auto deleted = run_plugin(environment + "DEL", config_, dir_);
  asio::post(io_, asio::use_future([&] { (*server)->stop(); })).get();
  const auto away = run_plugin(environment + "ADD", config_, dir_);
  guard.reset();
  io_.stop();
  daemon.join();

  EXPECT_EQ(added.status, 0) << added.output;
  EXPECT_NE(added.output.find("\"10.10.1.2/24\""), std::string::npos) << added.output;
  EXPECT_EQ(checked.status, 0) << checked.output;
  EXPECT_EQ(bad.status, 1);
  EXPECT_NE(bad.output.find("\"code\":1,"), std::string::npos) << bad.output;
  EXPECT_EQ(deleted.status, 0) << deleted.output;
  EXPECT_EQ(away.status, 1);
  EXPECT_NE(away.output.find("\"code\":11"), std::string::npos) << away.output;
  EXPECT_EQ(addresses_->size(), 0U);
}

}  // namespace
}  // namespace antrea::node
