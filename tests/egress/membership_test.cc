#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "antrea/egress/member_meta.h"
#include "antrea/egress/membership.h"
#include "tests/egress/gossip_vectors.h"
#include "tests/egress/virtual_cluster.h"

namespace antrea::egress {
namespace {

using namespace std::chrono_literals;
using Kind = MemberEvent::Kind;

/// One member by itself, and the messages that others send it.
class MembershipAlone : public testing::Test {
 protected:
  MembershipAlone() {
    options_.name = "me";
    options_.advertise = {IpAddress::v4(0x0a000001), 10351};
    options_.compression = false;
    member_.emplace(options_, 1);
    member_->start(now_);
    member_->take();
  }
  static GossipEndpoint endpoint(unsigned i) { return {IpAddress::v4(0x0a000001 + i), 10351}; }
  static gossip::Alive alive(const std::string& name, unsigned host,
                             std::uint32_t incarnation = 1) {
    return {incarnation, name, endpoint(host), {}, kOriginalVersions};
  }
  std::vector<Kind> tell(const gossip::Message& message) {
    member_->received(endpoint(9), gossip::encode(message), now_);
    return events();
  }
  std::vector<Kind> events() {
    std::vector<Kind> kinds;
    auto out = member_->take();
    for (const auto& event : out.events) kinds.push_back(event.kind);
    for (auto& packet : out.packets) sent_.push_back(std::move(packet));
    return kinds;
  }
  MemberState state(const std::string& name) { return member_->find(name)->state; }
  void pass(Duration time) {
    const auto until = now_ + time;
    while (member_->next_deadline() <= until) {
      now_ = std::max(now_, member_->next_deadline());
      member_->tick(now_);
    }
    now_ = until;
  }
  template <typename T>
  std::vector<T> sent() {
    std::vector<T> all;
    events();
    for (const auto& packet : std::exchange(sent_, {})) {
      const auto parts = gossip::unwrap_packet(packet.bytes);
      for (const auto& part : *parts) {
        auto message = gossip::decode(part);
        if (auto* wanted = std::get_if<T>(&*message)) all.push_back(std::move(*wanted));
      }
    }
    return all;
  }

  MembershipOptions options_;
  TimePoint now_{1h};
  std::optional<Membership> member_;
  std::vector<GossipPacket> sent_;
};

TEST_F(MembershipAlone, AliveJoinsOnceAndHigherIncarnationsCount) {
  EXPECT_EQ(tell(alive("a", 2)), std::vector{Kind::kJoined});
  EXPECT_EQ(tell(alive("a", 2)), std::vector<Kind>{});
  auto update = alive("a", 2, 2);
  update.meta = {std::byte{1}};
  EXPECT_EQ(tell(update), std::vector{Kind::kUpdated});
  EXPECT_EQ(member_->find("a")->incarnation, 2U);
}

TEST_F(MembershipAlone, TheFirstOfTwoWithOneNameStays) {
  tell(alive("a", 2));
  EXPECT_EQ(tell(alive("a", 3, 5)), std::vector<Kind>{});
  EXPECT_EQ(member_->find("a")->endpoint, endpoint(2));
  EXPECT_EQ(tell(gossip::Dead{1, "a", "b"}), std::vector{Kind::kFailed});
  now_ += 5ms;
  EXPECT_EQ(tell(alive("a", 3, 5)), std::vector<Kind>{}) << "before the time to reclaim";
  now_ += 10ms;
  EXPECT_EQ(tell(alive("a", 3, 5)), std::vector{Kind::kJoined});
  EXPECT_EQ(member_->find("a")->endpoint, endpoint(3));
}

TEST_F(MembershipAlone, WhoLeftMayComeBackElsewhereAtOnce) {
  tell(alive("a", 2));
  EXPECT_EQ(tell(gossip::Dead{1, "a", "a"}), std::vector{Kind::kLeft});
  EXPECT_EQ(state("a"), MemberState::kLeft);
  EXPECT_EQ(tell(alive("a", 3, 1)), std::vector{Kind::kJoined});
}

TEST_F(MembershipAlone, OldNewsAreNoNews) {
  tell(alive("a", 2, 7));
  EXPECT_EQ(tell(gossip::Suspect{6, "a", "b"}), std::vector<Kind>{});
  EXPECT_EQ(state("a"), MemberState::kAlive);
  EXPECT_EQ(tell(gossip::Dead{6, "a", "b"}), std::vector<Kind>{});
  EXPECT_EQ(tell(gossip::Suspect{1, "stranger", "b"}), std::vector<Kind>{});
  EXPECT_EQ(member_->find("stranger"), nullptr);
  tell(gossip::Dead{7, "a", "b"});
  EXPECT_EQ(tell(alive("a", 2, 7)), std::vector<Kind>{}) << "it must contradict with a higher one";
  EXPECT_EQ(tell(alive("a", 2, 8)), std::vector{Kind::kJoined});
}

TEST_F(MembershipAlone, TellsWhoSuspectsOneThatHasDied) {
  tell(alive("a", 2, 3));
  tell(alive("b", 3));
  tell(gossip::Dead{3, "a", "c"});
  const auto told_by = [&](const gossip::Suspect& suspicion) {
    sent<gossip::Dead>();
    tell(suspicion);
    std::vector<gossip::Dead> told;
    for (const auto& packet : sent_)
      if (const auto parts = gossip::unwrap_packet(packet.bytes); packet.to == endpoint(3))
        if (auto message = gossip::decode(parts->front());
            auto* const dead = std::get_if<gossip::Dead>(&*message))
          told.push_back(*dead);
    return told;
  };
  EXPECT_EQ(told_by({3, "a", "b"}), (std::vector<gossip::Dead>{{3, "a", "me"}}));
  EXPECT_EQ(told_by({2, "a", "b"}).size(), 1U) << "what it knows is even older";
  EXPECT_EQ(told_by({4, "a", "b"}).size(), 0U) << "it has contradicted since";
  EXPECT_EQ(told_by({3, "a", "stranger"}).size(), 0U);
}

TEST_F(MembershipAlone, TellsMembersOfItsMakeInBriefWhatItKnows) {
  auto ours = alive("a", 2), original = alive("b", 3);
  ours.meta = MemberMeta{.liveness = true}.encode();
  tell(ours);
  tell(original);
  const auto payload_for = [&](const std::string& name) {
    sent<gossip::Ack>();
    tell(gossip::Ping{.sequence = 7, .node = "me", .source_node = name});
    return sent<gossip::Ack>().at(0).payload;
  };
  EXPECT_EQ(payload_for("a").size(), 0U) << "while things change";
  now_ += 1s;
  EXPECT_EQ(payload_for("b").size(), 0U) << "the original may have another use for it";
  const auto before = payload_for("a");
  EXPECT_EQ(before.size(), 8U);
  tell(gossip::Suspect{1, "b", "a"});
  EXPECT_EQ(payload_for("a"), before) << "a suspect is still there";
  tell(gossip::Dead{1, "b", "a"});
  now_ += 1s;
  EXPECT_NE(payload_for("a"), before);
  tell(alive("b", 3, 2));
  now_ += 1s;
  EXPECT_NE(payload_for("a"), before) << "another incarnation, other metadata";
}

TEST_F(MembershipAlone, AsksWhoKnowsSomethingElseForAllOfIt) {
  auto ours = alive("a", 2);
  ours.meta = MemberMeta{.liveness = true}.encode();
  tell(ours);
  now_ += 1s;
  sent<gossip::Ack>();
  tell(gossip::Ping{.sequence = 7, .node = "me", .source_node = "a"});
  const auto same = sent<gossip::Ack>().at(0).payload;
  // Answers the next ping, and tells how many streams are opened for it.
  const auto streams_after = [&](const Bytes& payload) {
    member_->take();
    std::vector<gossip::Ping> pings;
    while (pings.empty()) {
      now_ = std::max(now_, member_->next_deadline());
      member_->tick(now_);
      pings = sent<gossip::Ping>();
    }
    member_->received(endpoint(2), gossip::encode(gossip::Ack{pings[0].sequence, payload}), now_);
    return member_->take().streams.size();
  };
  Bytes other = same;
  other[0] ^= std::byte{1};
  EXPECT_EQ(streams_after(same), 0U);
  EXPECT_EQ(streams_after({}), 0U);
  EXPECT_EQ(streams_after(other), 1U);
  EXPECT_EQ(streams_after(other), 0U) << "not more often than every 5 s";
}

TEST_F(MembershipAlone, ContradictsWhatIsSaidOfIt) {
  sent<gossip::Alive>();
  tell(alive("a", 2));
  EXPECT_EQ(tell(gossip::Suspect{4, "me", "a"}), std::vector<Kind>{});
  EXPECT_EQ(member_->find("me")->incarnation, 5U);
  EXPECT_EQ(member_->awareness(), 1U);
  EXPECT_EQ(tell(gossip::Dead{5, "me", "a"}), std::vector{Kind::kOutvoted});
  EXPECT_EQ(state("me"), MemberState::kAlive);
  pass(500ms);
  const auto told = sent<gossip::Alive>();
  ASSERT_FALSE(told.empty());
  EXPECT_TRUE(std::ranges::any_of(
      told, [](const auto& m) { return m.node == "me" && m.incarnation == 6; }));
}

TEST_F(MembershipAlone, WhatItSaysOfItselfIsHeardAtOnceAndMayBeSaidAgain) {
  tell(alive("a", 2));
  sent<gossip::Alive>();
  const auto meta = MemberMeta{.liveness = true, .returning = true}.encode();
  member_->set_meta(meta, now_);
  auto told = sent<gossip::Alive>();
  ASSERT_EQ(told.size(), 1U) << "without waiting for gossip";
  EXPECT_EQ(told[0].meta, meta);
  EXPECT_EQ(told[0].incarnation, 2U);
  member_->set_meta(meta, now_);
  EXPECT_TRUE(sent<gossip::Alive>().empty()) << "nothing new";
  member_->tell_again(now_);
  told = sent<gossip::Alive>();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].incarnation, 2U) << "who knows it already need not hear it again";
}

TEST(MemberMeta, IsWords) {
  const auto read = [](std::string_view text) { return MemberMeta::decode(as_byte_span(text)); };
  EXPECT_EQ(read(""), MemberMeta{});
  EXPECT_EQ(read("returning"), (MemberMeta{.returning = true}));
  EXPECT_EQ(read("news antrea-liveness/1  returning "),
            (MemberMeta{.liveness = true, .returning = true}));
  EXPECT_EQ(read("antrea-liveness/12 returningx"), MemberMeta{});
  for (const bool liveness : {false, true})
    for (const bool returning : {false, true}) {
      const MemberMeta meta{liveness, returning};
      EXPECT_EQ(MemberMeta::decode(meta.encode()), meta);
    }
}

TEST_F(MembershipAlone, LearnsFromAnExchangeThatItWasDeclaredDead) {
  gossip::PushPull remote{.nodes = {{.name = "me",
                                     .endpoint = options_.advertise,
                                     .incarnation = 3,
                                     .state = MemberState::kSuspect,
                                     .versions = options_.versions}}};
  member_->stream_received(endpoint(2), gossip::encode(remote), now_);
  EXPECT_EQ(events(), std::vector<Kind>{}) << "a suspicion is no verdict";
  remote.nodes[0].incarnation = 4;
  remote.nodes[0].state = MemberState::kDead;
  member_->stream_received(endpoint(2), gossip::encode(remote), now_);
  EXPECT_EQ(events(), std::vector{Kind::kOutvoted});
  EXPECT_EQ(member_->find("me")->incarnation, 5U);
}

TEST_F(MembershipAlone, AnotherLifeOfItsNameIsContradicted) {
  EXPECT_EQ(tell(gossip::Alive{1, "me", options_.advertise, {}, options_.versions}),
            std::vector<Kind>{});
  EXPECT_EQ(member_->find("me")->incarnation, 1U) << "the very same";
  tell(gossip::Alive{9, "me", options_.advertise, {}, options_.versions});
  EXPECT_EQ(member_->find("me")->incarnation, 10U);
}

struct SuspicionCase {
  std::string_view name;
  unsigned others, confirmations;
  Duration want;
};
/// memberlist's formula: 3 x max(1, log10 n) x 1 s at least, 6 times that without confirmation.
TEST_F(MembershipAlone, SuspicionLastsAsLongAsTheOriginals) {
  const SuspicionCase cases[] = {{"TwoMembersDoNotWaitForVoices", 1, 0, 3s},
                                 {"FourUnconfirmed", 3, 0, 18s},
                                 {"FourConfirmed", 3, 1, 3s},
                                 {"HundredConfirmed", 99, 1, 6s}};
  for (const auto& c : cases) {
    member_.emplace(options_, 1);
    member_->start(now_);
    for (unsigned i = 1; i <= c.others; ++i) tell(alive("n" + std::to_string(i), i));
    const auto start = now_;
    tell(gossip::Suspect{1, "n1", "n2"});
    EXPECT_EQ(state("n1"), MemberState::kSuspect);
    tell(gossip::Suspect{1, "n1", "n2"});  // the same voice again
    if (c.confirmations > 0) tell(gossip::Suspect{1, "n1", "n3"});
    // Probes of this lonely member find nobody; only the suspicion's own end is looked at.
    TimePoint died{};
    while (died == TimePoint{}) {
      now_ = std::max(now_, member_->next_deadline());
      member_->tick(now_);
      if (!member_->find("n1")->counts()) died = now_;
      ASSERT_LT(now_ - start, 60s) << c.name;
    }
    EXPECT_GE(died - start, c.confirmations == 0 && c.others > 2 ? 3s : c.want) << c.name;
    EXPECT_LE(died - start, c.want) << c.name;
  }
}

TEST_F(MembershipAlone, AnswersPingsForItselfOnly) {
  tell(gossip::Ping{.sequence = 5, .node = "somebody else"});
  EXPECT_TRUE(sent<gossip::Ack>().empty());
  member_->received(
      endpoint(9),
      gossip::encode(gossip::Ping{
          .sequence = 6, .node = "me", .source_address = endpoint(3).address, .source_port = 77}),
      now_);
  const auto out = member_->take();
  ASSERT_EQ(out.packets.size(), 1U);
  EXPECT_EQ(out.packets[0].to, (GossipEndpoint{endpoint(3).address, 77}));
}

TEST_F(MembershipAlone, SaysWhenAnIndirectPingFails) {
  tell(gossip::IndirectPing{
      .sequence = 40, .target = endpoint(4).address, .port = 1, .node = "x", .nack = true});
  const auto pings = sent<gossip::Ping>();
  ASSERT_EQ(pings.size(), 1U);
  pass(200ms);
  const auto nacks = sent<gossip::Nack>();
  ASSERT_EQ(nacks.size(), 1U);
  EXPECT_EQ(nacks[0].sequence, 40U);
  tell(gossip::Ack{.sequence = pings[0].sequence});
  const auto acks = sent<gossip::Ack>();
  ASSERT_EQ(acks.size(), 1U) << "late is better than never";
  EXPECT_EQ(acks[0].sequence, 40U);
}

TEST_F(MembershipAlone, RefusesMembersOfAnotherLanguage) {
  gossip::PushPull remote{
      .nodes = {{.name = "old", .endpoint = endpoint(3), .versions = {1, 2, 3, 0, 0, 0}}}};
  member_->stream_received(endpoint(3), gossip::encode(remote), now_);
  EXPECT_EQ(member_->find("old"), nullptr);
  remote.nodes[0].versions = {1, 5, 2, 2, 5, 5};
  const auto id = member_->join(endpoint(3), now_);
  const auto joined = member_->stream_done(id, gossip::encode(remote), now_);
  ASSERT_TRUE(joined.has_error());
  EXPECT_EQ(joined.error().code, Errc::kUnsupported);
}

TEST_F(MembershipAlone, DropsWhatItCannotRead) {
  member_->received(endpoint(2), from_vector("0901"), now_);
  member_->received(endpoint(2), from_vector("ff"), now_);
  member_->received(endpoint(2), {}, now_);
  EXPECT_EQ(member_->malformed(), 3U);
}

TEST(MembershipCluster, JoinsAgreesAndForgets) {
  VirtualCluster cluster(1);
  for (int i = 0; i < 8; ++i) cluster.add({}, false);
  for (std::size_t i = 1; i < 8; ++i) cluster.join(i, 0);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agreed(); }, 5s));
  cluster.leave(3);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agreed(); }, 1s))
      << "good-bye is heard at once";
  for (const auto& seen : cluster.seen()) EXPECT_NE(seen.event.kind, Kind::kFailed);
  cluster.run_for(40s);
  EXPECT_EQ(cluster.nodes()[0].membership->find("node3"), nullptr);
  cluster.restart(3);
  cluster.join(3, 5);
  EXPECT_TRUE(cluster.run_until([&] { return cluster.agreed(); }, 2s));
}

TEST(MembershipCluster, NoticesACrashAsFastAsTheOriginal) {
  VirtualCluster cluster(2);
  cluster.add_acquainted(5, false);
  cluster.run_for(5s);
  const auto start = cluster.now();
  cluster.crash(4);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agreed(); }, 20s));
  EXPECT_GT(cluster.now() - start, 3s);
  EXPECT_LT(cluster.now() - start, 8s);
}

TEST(MembershipCluster, OneDeadLinkFailsNobody) {
  VirtualCluster cluster(3);
  cluster.add_acquainted(5, false);
  cluster.cut(0, 1);
  cluster.cut(1, 0);
  cluster.run_for(120s);
  for (const auto& seen : cluster.seen()) ADD_FAILURE() << to_string(seen.event.kind);
}

TEST(MembershipCluster, APartitionHeals) {
  VirtualCluster cluster(4);
  cluster.add_acquainted(6, false);
  for (std::size_t i = 0; i < 2; ++i) cluster.nodes()[i].side = 1;
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agreed(); }, 60s));
  for (auto& node : cluster.nodes()) node.side = 0;
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agreed(); }, 20s))
      << "the lost are tried again";
}

// antrea#4491: members of the original that had lost each other for so long that they forgot it
// stayed apart.
TEST(MembershipCluster, APartitionOfAnHourHealsWithinAMinute) {
  VirtualCluster cluster(7);
  cluster.add_acquainted(6, false);
  for (std::size_t i = 0; i < 3; ++i) cluster.nodes()[i].side = 1;
  cluster.run_for(1h);
  ASSERT_TRUE(cluster.agreed());
  ASSERT_EQ(cluster.nodes()[0].membership->find("node5"), nullptr) << "forgotten";
  for (auto& node : cluster.nodes()) node.side = 0;
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agreed(); }, 60s));
}

TEST(MembershipCluster, ARestartIsNoticedWhateverWasSaidBefore) {
  VirtualCluster cluster(5);
  cluster.add_acquainted(4, false);
  cluster.crash(2);
  cluster.run_for(2s);
  cluster.restart(2);
  cluster.join(2, 0);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.agreed(); }, 5s));
  cluster.run_for(60s);
  EXPECT_TRUE(cluster.agreed());
}

TEST(MembershipCluster, TheSameSeedGivesTheSameRun) {
  const auto run = [] {
    VirtualCluster cluster(6, {.loss = 0.1, .jitter = 20ms});
    cluster.add_acquainted(10);
    cluster.run_for(3s);
    cluster.crash(1);
    cluster.run_for(10s);
    std::vector<std::pair<TimePoint, std::size_t>> trace;
    for (const auto& seen : cluster.seen()) trace.emplace_back(seen.at, seen.by);
    return std::pair(trace, cluster.nodes()[0].sent.bytes);
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace antrea::egress
