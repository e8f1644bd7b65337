// The README's program: three hosts keep one address, and a client asks for it while they fail.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "antrea/lab/netlink.h"
#include "antrea/lab/process.h"

namespace antrea::egress {
namespace {

using namespace std::chrono_literals;
using lab::NetNamespace;

std::string content(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A namespace on the common segment.
struct Host {
  NetNamespace net;
  std::optional<lab::Process> program;

  std::string run(std::vector<std::string> argv) const {
    argv[0] = lab::find_program(argv[0]).value();
    const auto out =
        lab::run_program({.argv = std::move(argv), .view = lab::HostView{.net = net.fd()}}, 5s);
    return out ? *out : std::string();
  }
  bool has(const std::string& address) const {
    return run({"ip", "-o", "address", "show"}).find(" " + address + "/32 ") != std::string::npos;
  }
};

class KeepAddress : public testing::Test {
 protected:
  static constexpr const char* kAddress = "10.9.0.100";

  void SetUp() override {
    auto bridge = NetNamespace::create();
    if (!bridge) GTEST_SKIP() << bridge.error().to_string();
    segment_.emplace(std::move(*bridge));
    auto link = lab::Netlink::open(*segment_).value();
    ASSERT_TRUE(link.add_bridge("segment").has_value());
    ASSERT_TRUE(link.set_up("segment").has_value());
    for (int i = 1; i <= 4; ++i) {
      hosts_.push_back({NetNamespace::create().value(), std::nullopt});
      const auto& host = hosts_.back();
      const auto port = "port" + std::to_string(i);
      ASSERT_TRUE(link.add_veth(port, "eth0", host.net).has_value());
      ASSERT_TRUE(link.set_master(port, "segment").has_value());
      ASSERT_TRUE(link.set_up(port).has_value());
      auto inside = lab::Netlink::open(host.net).value();
      ASSERT_TRUE(inside.add_address("eth0", IpAddress::v4(0x0a090000).plus(i), 24).has_value());
      ASSERT_TRUE(inside.set_up("eth0").has_value());
    }
  }
  void start(std::size_t i) {
    auto process = lab::Process::spawn(
        {.argv = {ANTREA_BIN_DIR "/keep_address", "host" + std::to_string(i + 1), "eth0", kAddress,
                  "host1=10.9.0.1", "host2=10.9.0.2", "host3=10.9.0.3"},
         .view = lab::HostView{.net = hosts_[i].net.fd()}});
    ASSERT_TRUE(process.has_value()) << process.error().to_string();
    hosts_[i].program.emplace(std::move(*process));
  }
  std::vector<std::size_t> owners() const {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < 3; ++i)
      if (hosts_[i].has(kAddress)) all.push_back(i);
    return all;
  }
  bool eventually(const std::function<bool()>& condition) {
    const auto until = std::chrono::steady_clock::now() + 40s;
    while (!condition())
      if (std::chrono::steady_clock::now() > until) return false;
    return true;
  }
  bool client_reaches_it() {
    hosts_[3].run({"ip", "neighbour", "flush", "all"});
    return hosts_[3].run({"ping", "-c1", "-W1", kAddress}).find("1 received") != std::string::npos;
  }
  /// The MAC that the client remembers for the address; it asks for none.
  std::string neighbour() {
    const auto text = hosts_[3].run({"ip", "neighbour", "show", kAddress});
    const auto at = text.find("lladdr ");
    return at == std::string::npos ? "" : text.substr(at + 7, 17);
  }
  void cut(std::size_t i) { link("down", i); }
  void mend(std::size_t i) { link("up", i); }
  void link(const char* what, std::size_t i) {
    auto link = lab::Netlink::open(*segment_).value();
    const auto port = "port" + std::to_string(i + 1);
    ASSERT_TRUE((std::string(what) == "up" ? link.set_up(port) : link.set_down(port)).has_value());
  }

  std::optional<NetNamespace> segment_;
  std::vector<Host> hosts_;
};

TEST_F(KeepAddress, AlwaysOneHostHasIt) {
  for (std::size_t i = 0; i < 3; ++i) start(i);
  ASSERT_TRUE(eventually([&] { return owners().size() == 1; }));
  EXPECT_TRUE(eventually([&] { return client_reaches_it(); }));
  const auto remembered = neighbour();
  ASSERT_NE(remembered, "");

  // Its link is cut: it gives the address up by itself, and another one has it.
  const auto first = owners().at(0);
  cut(first);
  ASSERT_TRUE(eventually([&] {
    const auto now = owners();
    return now.size() == 1 && now[0] != first;
  })) << "owners: "
      << owners().size();
  EXPECT_TRUE(eventually([&] { return neighbour() != remembered; }))
      << "the client has heard of it, though it asked nobody";
  EXPECT_TRUE(eventually([&] { return client_reaches_it(); }));

  // It comes back, and all three agree again; then the program of whoever has it ends for good.
  mend(first);
  ASSERT_TRUE(eventually([&] { return owners().size() == 1 && client_reaches_it(); }));
}

TEST_F(KeepAddress, TwoOfThreeGoOnWhenOneIsStopped) {
  for (std::size_t i = 0; i < 3; ++i) start(i);
  ASSERT_TRUE(eventually([&] { return owners().size() == 1; }));
  const auto first = owners().at(0);
  hosts_[first].program->signal(SIGSTOP);
  ASSERT_TRUE(eventually([&] { return owners().size() == 2; }))
      << "a stopped program withdraws nothing";
  hosts_[first].program->signal(SIGCONT);
  EXPECT_TRUE(eventually([&] { return owners().size() == 1; }));
}

TEST(Readme, ShowsTheProgramThatIsTested) {
  const auto program = content(ANTREA_SOURCE_DIR "/examples/keep_address.cc");
  const auto readme = content(ANTREA_SOURCE_DIR "/libantrea-egress/README.md");
  ASSERT_FALSE(program.empty());
  EXPECT_NE(readme.find(program), std::string::npos);
}

}  // namespace
}  // namespace antrea::egress
