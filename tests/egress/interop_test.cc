// Real members of other make: serf and Prometheus Alertmanager as Debian ships them, both on
// hashicorp/memberlist.
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>

#include "antrea/lab/process.h"
#include "tests/egress/gossip_peers.h"

namespace antrea::egress {
namespace {

using namespace std::chrono_literals;
using Kind = GossipEvent::Kind;
namespace fs = std::filesystem;

std::uint16_t free_port() {
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor acceptor(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  return acceptor.local_endpoint().port();
}
std::string local(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

constexpr std::string_view kKey = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

class Interop : public testing::Test {
 protected:
  Interop()
      : folder_(fs::temp_directory_path() / ("antrea-interop-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~Interop() override {
    processes_.clear();
    if (!HasFailure()) fs::remove_all(folder_);
  }

  lab::Process& start(std::vector<std::string> argv, const std::string& log) {
    auto path = lab::find_program(argv[0]);
    if (!path) {
      ADD_FAILURE() << path.error().to_string();
      return *processes_.emplace_back(std::make_unique<lab::Process>());
    }
    argv[0] = *path;
    auto process = lab::Process::spawn({.argv = std::move(argv), .log_path = folder_ / log});
    EXPECT_TRUE(process.has_value());
    return *processes_.emplace_back(std::make_unique<lab::Process>(std::move(*process)));
  }
  /// What a program writes. Our members go on meanwhile: the others would doubt who is silent.
  std::string output(std::vector<std::string> argv) {
    argv[0] = lab::find_program(argv[0]).value();
    auto ended = std::async(std::launch::async, [&argv] {
      const auto out = lab::run_program({.argv = std::move(argv)}, 10s);
      return out ? *out : std::string();
    });
    peers_.eventually([&] { return ended.wait_for(0s) == std::future_status::ready; });
    return ended.get();
  }

  GossipPeers peers_;
  fs::path folder_;
  std::vector<std::unique_ptr<lab::Process>> processes_;
};

struct SerfCase {
  std::string_view name;
  bool encrypted, compressed;
};
void PrintTo(const SerfCase& c, std::ostream* os) { *os << c.name; }

class SerfInterop : public Interop, public testing::WithParamInterface<SerfCase> {
 protected:
  struct Serf {
    lab::Process* process;
    GossipEndpoint endpoint;
    std::uint16_t rpc;
  };
  Serf serf(const std::string& name, const std::string& profile = "local") {
    const auto port = free_port(), rpc = free_port();
    std::vector<std::string> argv{"serf",
                                  "agent",
                                  "-node=" + name,
                                  "-bind=" + local(port),
                                  "-rpc-addr=" + local(rpc),
                                  "-profile=" + profile,
                                  "-log-level=debug"};
    if (GetParam().encrypted) argv.push_back("-encrypt=" + std::string(kKey));
    auto& process = start(argv, name);
    const Serf made{&process, {IpAddress::v4(0x7f000001), port}, rpc};
    EXPECT_TRUE(peers_.eventually([&] { return !members(made).empty(); }))
        << name << " does not start";
    return made;
  }
  std::string members(const Serf& s) {
    return output({"serf", "members", "-rpc-addr=" + local(s.rpc)});
  }
  /// Serf's own word for its members' states: "alive", "failed", "left".
  std::map<std::string, std::string> states(const Serf& s) {
    std::map<std::string, std::string> states;
    std::istringstream lines(members(s));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string who, address;
      words >> who >> address;
      words >> states[who];
    }
    return states;
  }
  std::string seen_by(const Serf& s, const std::string& name) { return states(s)[name]; }
  GossipPeers::Peer& ours(const std::string& name) {
    auto o = GossipPeers::options(name);
    // Serf tells the version of its own protocol, and joins only those who tell one, too.
    o.membership.versions = {1, 5, 2, 2, 5, 4};
    o.membership.compression = GetParam().compressed;
    if (GetParam().encrypted) o.keys = *Keyring::parse(kKey);
    return peers_.add(std::move(o));
  }
};

TEST_P(SerfInterop, OneCluster) {
  const auto serf1 = serf("serf1"), serf2 = serf("serf2");
  auto &a = ours("ours1"), &b = ours("ours2");
  // We join them, and they join us.
  const auto joined = peers_.join(a, serf1.endpoint);
  ASSERT_TRUE(joined.has_value()) << joined.error().to_string();
  ASSERT_TRUE(peers_.join(b, a.gossip->endpoint()).has_value());
  // The program that tells serf to join waits for our answer, so we must not wait for it.
  start({"serf", "join", "-rpc-addr=" + local(serf2.rpc), b.gossip->endpoint().to_string()},
        "join");
  const std::map<std::string, std::string> all{
      {"serf1", "alive"}, {"serf2", "alive"}, {"ours1", "alive"}, {"ours2", "alive"}};
  const auto complete = [&] {
    for (const auto& [name, state] : all)
      if (a.state(name) != MemberState::kAlive || b.state(name) != MemberState::kAlive)
        return false;
    return states(serf1) == all && states(serf2) == all;
  };
  ASSERT_TRUE(peers_.eventually(complete)) << members(serf1) << members(serf2);
  EXPECT_EQ(a.gossip->counters().refused, 0U);

  // Several rounds of probes in both directions, in which nobody may be given up.
  const auto until = std::chrono::steady_clock::now() + 4s;
  peers_.eventually([&] {
    EXPECT_TRUE(a.counts("serf1") && b.counts("serf2"));
    return std::chrono::steady_clock::now() > until;
  });
  EXPECT_TRUE(peers_.eventually(complete)) << members(serf1) << members(serf2);
  for (const auto& [name, state] : all)
    EXPECT_FALSE(a.saw(Kind::kFailed, name) || b.saw(Kind::kFailed, name)) << name;

  // Theirs killed, ours killed (it falls silent), theirs says good-bye, ours says good-bye.
  serf2.process->signal(SIGKILL);
  EXPECT_TRUE(peers_.eventually(
      [&] { return a.saw(Kind::kFailed, "serf2") && b.saw(Kind::kFailed, "serf2"); }, 30s));
  EXPECT_TRUE(peers_.eventually([&] { return seen_by(serf1, "serf2") == "failed"; }, 30s));
  b.gossip->stop();
  EXPECT_TRUE(peers_.eventually([&] { return seen_by(serf1, "ours2") == "failed"; }, 30s))
      << members(serf1);
  EXPECT_TRUE(peers_.eventually([&] { return a.saw(Kind::kFailed, "ours2"); }, 30s));

  const auto serf3 = serf("serf3");
  ASSERT_TRUE(peers_.join(a, serf3.endpoint).has_value());
  ASSERT_TRUE(peers_.eventually([&] { return seen_by(serf1, "serf3") == "alive"; }));
  start({"serf", "leave", "-rpc-addr=" + local(serf3.rpc)}, "leave");
  EXPECT_TRUE(peers_.eventually([&] { return a.saw(Kind::kLeft, "serf3"); }, 30s));
  EXPECT_FALSE(a.saw(Kind::kFailed, "serf3"));
  peers_.leave(a);
  EXPECT_TRUE(peers_.eventually(
      [&] {
        const auto state = seen_by(serf1, "ours1");
        return state == "failed" ||
               state == "left";  // serf wants to hear it in its own protocol, too
      },
      30s))
      << members(serf1);
}

INSTANTIATE_TEST_SUITE_P(Serf, SerfInterop,
                         testing::Values(SerfCase{"Plain", false, false},
                                         SerfCase{"Compressed", false, true},
                                         SerfCase{"Encrypted", true, false},
                                         SerfCase{"EncryptedAndCompressed", true, true}),
                         [](const auto& info) { return std::string(info.param.name); });

using AlertmanagerInterop = Interop;

TEST_F(AlertmanagerInterop, OneCluster) {
  std::ofstream(folder_ / "config.yml")
      << "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n";
  auto o = GossipPeers::options("ours");
  o.membership = MembershipOptions::lan();
  auto& ours = peers_.add(std::move(o));
  struct Theirs {
    lab::Process* process;
    std::uint16_t web, gossip;
  };
  std::vector<Theirs> theirs;
  for (const auto* name : {"am1", "am2"}) {
    const auto web = free_port(), gossip = free_port();
    auto& process =
        start({"prometheus-alertmanager", "--config.file=" + (folder_ / "config.yml").string(),
               "--storage.path=" + (folder_ / name).string(), "--web.listen-address=" + local(web),
               "--cluster.listen-address=" + local(gossip),
               "--cluster.advertise-address=" + local(gossip),
               "--cluster.peer=" + ours.gossip->endpoint().to_string(), "--log.level=debug"},
              std::string(name) + ".log");
    theirs.push_back({&process, web, gossip});
  }
  const auto peers_of = [&](const Theirs& t) {
    return output({"curl", "-s", "-m", "2", "http://" + local(t.web) + "/api/v2/status"});
  };
  const auto at = [](std::uint16_t port) {
    return [port](const Member& member) { return member.counts() && member.endpoint.port == port; };
  };
  ASSERT_TRUE(peers_.eventually(
      [&] {
        return std::ranges::any_of(ours.gossip->members(), at(theirs[0].gossip)) &&
               std::ranges::any_of(ours.gossip->members(), at(theirs[1].gossip)) &&
               peers_of(theirs[0]).find("\"ours\"") != std::string::npos &&
               peers_of(theirs[1]).find("\"ours\"") != std::string::npos;
      },
      40s))
      << peers_of(theirs[0]);
  EXPECT_EQ(ours.gossip->counters().refused, 0U);

  theirs[1].process->signal(SIGKILL);
  EXPECT_TRUE(peers_.eventually(
      [&] { return std::ranges::none_of(ours.gossip->members(), at(theirs[1].gossip)); }, 40s));
  theirs[0].process->signal(SIGTERM);
  EXPECT_TRUE(peers_.eventually(
      [&] {
        return std::ranges::any_of(ours.events, [&](const GossipEvent& event) {
          return event.kind == Kind::kLeft && event.member.endpoint.port == theirs[0].gossip;
        });
      },
      20s));
}

}  // namespace
}  // namespace antrea::egress
