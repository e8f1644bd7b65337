// What packets meet while policies are exchanged and Pods arrive: a real Open vSwitch between veth
// pairs, and datagrams on their way through it all the time.
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

#include "antrea/base/bytes.h"
#include "antrea/node/datapath.h"
#include "tests/addresses.h"
#include "tests/node/packets.h"
#include "tests/openflow_switch/switch_fixture.h"

namespace antrea::node {
namespace {

namespace asio = boost::asio;
namespace cp = api::controlplane;
using testing::in;
using testing::run;
using namespace std::chrono_literals;

// Ports that rules let through, and those that they do not.
constexpr std::uint16_t kOpen = 1001, kClosed = 1002;

/// ANTREA_SOAK asks for the whole of it.
bool soak() { return std::getenv("ANTREA_SOAK") != nullptr; }

/// The Pod's end of a veth pair whose other end is for the switch.
class Wire {
 public:
  explicit Wire(const std::string& device)
      : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(ETH_P_IP);
    at.sll_ifindex = static_cast<int>(::if_nametoindex(device.c_str()));
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0) << device;
    const int size = 8 << 20;
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  }
  ~Wire() { ::close(socket_); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void send(const std::vector<std::byte>& frame) const {
    EXPECT_EQ(::send(socket_, frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
  }
  struct Datagram {
    std::uint16_t source_port, port;
    friend bool operator==(const Datagram&, const Datagram&) = default;
  };
  /// The next datagram that the switch delivered here, if one comes in time.
  std::optional<Datagram> receive(int timeout_ms) const {
    for (;;) {
      pollfd wait{socket_, POLLIN, 0};
      if (::poll(&wait, 1, timeout_ms) != 1) return std::nullopt;
      std::array<std::byte, 2048> frame;
      sockaddr_ll from{};
      socklen_t size = sizeof from;
      const ssize_t n = ::recvfrom(socket_, frame.data(), frame.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &size);
      if (n < 42 || from.sll_pkttype == PACKET_OUTGOING) continue;
      ByteReader reader{std::span<const std::byte>(frame).subspan(34)};
      Datagram datagram{};
      datagram.source_port = reader.be16();
      datagram.port = reader.be16();
      return datagram;
    }
  }
  bool arrives(const Datagram& wanted, int timeout_ms = 5000) const {
    while (const auto datagram = receive(timeout_ms))
      if (*datagram == wanted) return true;
    return false;
  }

 private:
  int socket_;
};

struct TestPod {
  TestPod(int number, const std::string& role) : wire("p" + std::to_string(number)) {
    interface.name = "v" + std::to_string(number);
    interface.mac = MacAddress::from_bits(0x0a0000000000ULL + static_cast<unsigned>(number));
    interface.ips = {ip("10.10.1.0").plus(static_cast<unsigned>(number))};
    interface.pod = {"default", role + std::to_string(number)};
    interface.container_id = interface.pod.name;
  }
  cp::GroupMember member() const { return {cp::MemberKind::kPod, interface.pod, {}, {}}; }
  cp::GroupMember address() const {
    return {cp::MemberKind::kPod, interface.pod, interface.ips, {}};
  }
  void send(const TestPod& to, std::uint16_t source_port, std::uint16_t port) const {
    auto frame = frames::frame({.src = interface.ips.front(),
                                .dst = to.interface.ips.front(),
                                .payload = 8,
                                .eth_src = interface.mac,
                                .eth_dst = to.interface.mac,
                                .src_port = source_port,
                                .dst_port = port});
    std::uint32_t sum = 0;
    for (std::size_t i = 14; i < 34; i += 2)
      sum += std::to_integer<std::uint32_t>(frame[i]) * 256 +
             std::to_integer<std::uint32_t>(frame[i + 1]);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    frame[24] = static_cast<std::byte>(~sum >> 8 & 0xff);
    frame[25] = static_cast<std::byte>(~sum & 0xff);
    wire.send(frame);
  }
  Wire wire;
  Interface interface;
};

class PolicyAtomicity : public openflow::SwitchTest {
 protected:
  void SetUp() override {
    SwitchTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (testing::datapath_type() != "netdev")
      GTEST_SKIP() << "needs devices for Open vSwitch: /dev/net/tun cannot be opened";
    ovsdb::ClientOptions database;
    database.remote = ovs_.remote();
    database.monitor = ovsdb::VSwitch::monitored();
    database_.emplace(io_.get_executor(), database);
    asio::co_spawn(io_, database_->run(), [this](std::exception_ptr) { database_ended_ = true; });
    ASSERT_TRUE(run(io_, database_->wait_synced(in(20s))));
    vswitch_.emplace(*database_);

    agent_ = std::make_unique<openflow::Switch>(io_.get_executor(), options());
    agent_->on_refused([](const Error& error) { ADD_FAILURE() << error.to_string(); });
    ended_ = false;
    asio::co_spawn(io_, agent_->run(), [this](std::exception_ptr) { ended_ = true; });
    NodeConfig config;
    config.name = "node";
    config.node_ips = {ip("172.18.0.1")};
    config.pod_cidrs = {*IpPrefix::parse("10.10.0.0/16")};
    config.userspace_datapath = true;
    DatapathOptions options;
    options.bridge = "br0";
    options.policies.ipv6 = false;
    datapath_.emplace(io_.get_executor(), config, proxy::BalancerConfig{.node_name = "node"},
                      *agent_, *vswitch_, interfaces_, options);
    tell(policy::PoliciesReplaced{});
    datapath_->begin();
    wait_synced();
  }
  void TearDown() override {
    remove_wires();
    if (database_) {
      database_->stop();
      io_.restart();
      while (!database_ended_ && io_.run_one() > 0) {
      }
    }
    SwitchTest::TearDown();
  }

  void tell(const policy::RuleInput& input) { tell(std::vector{input}); }
  void tell(const std::vector<policy::RuleInput>& batch) {
    const auto told = datapath_->apply(batch);
    ASSERT_TRUE(told) << told.error().to_string();
  }
  void evaluated(const TestPod& pod) {
    evaluated_.push_back({pod.interface.pod, "uid"});
    datapath_->set_evaluated(evaluated_);
  }

  /// Veth pairs "vN" and "pN", up.
  void make_wires(int first, int count) {
    wires_.push_back({first, count});
    const auto batch = ovs_.dir() / "links";
    std::ofstream file(batch);
    for (int i = first; i < first + count; ++i)
      file << "link add v" << i << " type veth peer name p" << i << "\nlink set v" << i
           << " up\nlink set p" << i << " up\n";
    file.close();
    ASSERT_EQ(testing::run_command({"ip", "-batch", batch}), 0);
  }
  void remove_wires() {
    const auto batch = ovs_.dir() / "links";
    std::ofstream file(batch);
    for (const auto& [first, count] : wires_)
      for (int i = first; i < first + count; ++i) file << "link del v" << i << "\n";
    file.close();
    EXPECT_EQ(testing::run_command({"ip", "-batch", batch}), 0);
    wires_.clear();
  }
  void attach(TestPod& pod) {
    const auto port = run(io_, datapath_->attach(pod.interface));
    ASSERT_TRUE(port) << port.error().to_string();
    pod.interface.ofport = *port;
    interfaces_.add(pod.interface);
  }

  InterfaceStore interfaces_;
  std::optional<ovsdb::Client> database_;
  bool database_ended_ = false;
  std::optional<ovsdb::VSwitch> vswitch_;
  std::optional<Datapath> datapath_;
  std::vector<cp::EvaluatedPod> evaluated_;
  std::vector<std::pair<int, int>> wires_;
};

cp::NetworkPolicyRule rule(cp::Direction direction, cp::RuleAction action,
                           std::optional<std::uint16_t> port) {
  cp::NetworkPolicyRule rule;
  rule.direction = direction;
  rule.action = action;
  rule.priority = 0;
  rule.peers.ip_blocks = {{*IpPrefix::parse("0.0.0.0/0"), {}}};
  if (port) {
    rule.services.emplace_back();
    rule.services.back().protocol = cp::ServiceProtocol::kUdp;
    rule.services.back().port = api::IntOrString{*port, {}};
  }
  return rule;
}

/// A policy of its own for each step: what is closed is dropped, what is open allowed before all
/// else is dropped. Sets of different numbers share no rule and lie between one another.
policy::PoliciesReplaced policy_set(int number) {
  policy::PoliciesReplaced all;
  const auto add = [&](int step, cp::RuleAction action, std::optional<std::uint16_t> port) {
    auto policy = std::make_shared<cp::NetworkPolicy>();
    policy->metadata.name = "set-" + std::to_string(number) + "-" + std::to_string(step);
    policy->metadata.uid = policy->metadata.name;
    policy->source_ref = {cp::PolicyType::kAntreaClusterNetworkPolicy, "", policy->metadata.name,
                          policy->metadata.name};
    policy->tier_priority = 100;
    policy->priority = step + number % 7 * 0.1;
    for (const auto direction : {cp::Direction::kIn, cp::Direction::kOut})
      policy->rules.push_back(rule(direction, action, port));
    policy->applied_to_groups = {"targets"};
    all.objects.push_back(policy);
  };
  add(1, cp::RuleAction::kDrop, kClosed);
  add(2, cp::RuleAction::kAllow, std::nullopt);
  add(3, cp::RuleAction::kDrop, std::nullopt);
  return all;
}

TEST_F(PolicyAtomicity, NoPacketIsJudgedByAMixOfOldAndNewPolicies) {
  make_wires(1, 2);
  TestPod client(1, "client"), server(2, "server");
  cp::AppliedToGroup targets{{"targets", "targets", "", 0, false},
                             {client.member(), server.member()}};
  tell({std::make_shared<const cp::AppliedToGroup>(targets), policy_set(0)});
  for (TestPod* const pod : {&client, &server}) {
    evaluated(*pod);
    attach(*pod);
  }

  std::atomic<bool> exchanging = true;
  std::atomic<std::uint64_t> open = 0, lost = 0, leaked = 0;
  std::thread probes([&] {
    // A source port of its own makes each a first packet.
    for (std::uint16_t source = 2000; exchanging; source = source == 60000 ? 2000 : source + 1) {
      client.send(server, source, kClosed);
      client.send(server, source, kOpen);
      for (bool arrived = false; !arrived;) {
        const auto datagram = server.wire.receive(5000);
        if (!datagram) {
          ++lost;
          break;
        }
        leaked += datagram->port == kClosed;
        arrived = *datagram == Wire::Datagram{source, kOpen};
      }
      ++open;
    }
  });
  const int exchanges = soak() ? 20'000 : 300;
  std::uint64_t flows_before = agent_->statistics().messages;
  for (int i = 1; i <= exchanges; ++i) {
    const std::vector<policy::RuleInput> batch{policy_set(i)};
    const auto done = run(io_, datapath_->commit(batch));
    EXPECT_TRUE(done) << done.error().to_string();
  }
  exchanging = false;
  probes.join();
  while (const auto datagram = server.wire.receive(100)) leaked += datagram->port == kClosed;
  EXPECT_GT(agent_->statistics().messages, flows_before + static_cast<std::uint64_t>(exchanges))
      << "nothing was exchanged";
  EXPECT_GT(open, static_cast<std::uint64_t>(exchanges)) << "too few packets to tell";
  EXPECT_EQ(lost, 0U) << "of " << open;
  EXPECT_EQ(leaked, 0U) << "of " << open;
  RecordProperty("exchanges", exchanges);
  std::printf("%d exchanges of all policies, %lu packets each way\n", exchanges,
              static_cast<unsigned long>(open));
}

// New Pods may talk with "friend" and not with "secret", by policies of their own that the
// controller computes while they are plugged in. Half of them send all the while.
TEST_F(PolicyAtomicity, TheFirstPacketsOfNewPodsAreJudgedRight) {
  const int pods = soak() ? 1000 : 100, wave = 50;
  std::mt19937 random(7);
  make_wires(1, 2);
  TestPod friendly(1, "friend"), secret(2, "secret");
  for (TestPod* const pod : {&friendly, &secret}) {
    evaluated(*pod);
    attach(*pod);
  }
  auto allow_friend = std::make_shared<cp::NetworkPolicy>();
  allow_friend->metadata.name = allow_friend->metadata.uid = "new-pods";
  allow_friend->source_ref = {cp::PolicyType::kK8sNetworkPolicy, "default", "new-pods", "new-pods"};
  for (const auto direction : {cp::Direction::kIn, cp::Direction::kOut}) {
    cp::NetworkPolicyRule rule;
    rule.direction = direction;
    rule.action = cp::RuleAction::kAllow;
    rule.peers.address_groups = {"friends"};
    allow_friend->rules.push_back(rule);
  }
  allow_friend->applied_to_groups = {"new"};
  const cp::AddressGroup friends{{"friends", "friends", "", 0, false}, {friendly.address()}};
  tell({policy::PolicyUpserted(allow_friend), std::make_shared<const cp::AddressGroup>(friends),
        std::make_shared<const cp::AppliedToGroup>(
            cp::AppliedToGroup{{"new", "new", "", 0, false}, {}})});
  wait_synced();

  int right = 0, violations = 0, wrong_drops = 0;
  std::uint16_t source = 2000;
  for (int first = 3; first < 3 + pods; first += wave) {
    make_wires(first, wave);
    std::vector<std::unique_ptr<TestPod>> fresh;
    for (int i = 0; i < wave; ++i) fresh.push_back(std::make_unique<TestPod>(first + i, "new"));

    std::atomic<bool> arriving = true;
    std::thread eager([&] {
      for (std::uint16_t port = 10'000; arriving; port = port == 60'000 ? 10'000 : port + 1) {
        for (int i = 0; i < wave; i += 2) {
          fresh[static_cast<std::size_t>(i)]->send(secret, port, kClosed);
          secret.send(*fresh[static_cast<std::size_t>(i)], port, kClosed);
        }
        std::this_thread::yield();
      }
    });
    int attached = 0;
    for (const auto& pod : fresh)
      asio::co_spawn(io_, datapath_->attach(pod->interface),
                     [&, pod = pod.get()](std::exception_ptr, Result<std::uint32_t> port) {
                       ++attached;
                       ASSERT_TRUE(port) << port.error().to_string();
                       pod->interface.ofport = *port;
                       interfaces_.add(pod->interface);
                       if ((pod->interface.ips.front().bytes()[3] ^ first) % 2 == 0) return;
                       // The first it ever sends and gets.
                       pod->send(friendly, ++source, kOpen);
                       const bool out = friendly.wire.arrives({source, kOpen});
                       friendly.send(*pod, ++source, kOpen);
                       const bool back = pod->wire.arrives({source, kOpen});
                       wrong_drops += !out + !back;
                       right += out + back;
                       secret.send(*pod, source, kClosed);
                       pod->send(secret, source, kClosed);
                     });
    // The controller's word comes in any order and at any moment: the Pod's policies, or not before
    // them that it has been evaluated.
    std::vector<TestPod*> order;
    for (const auto& pod : fresh) order.push_back(pod.get());
    std::ranges::shuffle(order, random);
    for (TestPod* const pod : order) {
      for (auto steps = random() % 20; steps > 0; --steps) {
        io_.restart();
        io_.poll_one();
      }
      policy::AppliedToGroupPatched selected;
      selected.patch.metadata.name = "new";
      selected.patch.added = {pod->member()};
      tell(selected);
      evaluated(*pod);
    }
    io_.restart();
    while (attached < wave && io_.run_one() > 0) {
    }
    arriving = false;
    eager.join();
    while (const auto datagram = secret.wire.receive(100)) violations += datagram->port == kClosed;
    for (const auto& pod : fresh)
      while (const auto datagram = pod->wire.receive(0)) violations += datagram->port == kClosed;
    for (const auto& pod : fresh) {
      const auto gone = run(io_, datapath_->detach(pod->interface));
      ASSERT_TRUE(gone) << gone.error().to_string();
      interfaces_.remove(pod->interface.name);
    }
  }
  EXPECT_EQ(right, pods);
  EXPECT_EQ(wrong_drops, 0);
  EXPECT_EQ(violations, 0);
}

}  // namespace
}  // namespace antrea::node
