// Keys as a mounted Secret gives them, and members that follow them.
#include "antrea/egress/key_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/egress/gossip_peers.h"

namespace antrea::egress {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Kind = GossipEvent::Kind;

const std::string kOne = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const std::string kTwo = "AgICAgICAgICAgICAgICAg==";

/// A folder that the kubelet keeps: what is in it changes all at once, as a link does.
class MountedSecret {
 public:
  MountedSecret() : folder_(fs::path(testing::TempDir()) / pattern()) {
    fs::create_directories(folder_);
  }
  ~MountedSecret() { fs::remove_all(folder_); }
  MountedSecret(const MountedSecret&) = delete;
  MountedSecret& operator=(const MountedSecret&) = delete;

  void write(const std::string& keys) {
    const std::string version = "..version-" + std::to_string(++versions_);
    fs::create_directory(folder_ / version);
    std::ofstream(folder_ / version / "keys") << keys;
    fs::create_directory_symlink(version, folder_ / "..data_tmp");
    fs::rename(folder_ / "..data_tmp", folder_ / "..data");
    if (versions_ == 1) fs::create_symlink("..data/keys", folder_ / "keys");
  }
  std::string path() const { return folder_.string(); }
  const fs::path& folder() const { return folder_; }

 private:
  static std::string pattern() {
    static int count = 0;
    return "keys-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
  }
  fs::path folder_;
  int versions_ = 0;
};

TEST(KeyFolder, TellsWhatIsNewAndEachFaultOnce) {
  MountedSecret secret;
  KeyFolder folder(secret.path());
  auto keys = folder.poll();
  ASSERT_TRUE(keys.has_error());
  EXPECT_EQ(keys.error().code, Errc::kNotFound);
  EXPECT_EQ(folder.poll().value(), std::nullopt) << "said already";

  secret.write(kOne + "\n");
  EXPECT_EQ(folder.poll().value(), *Keyring::parse(kOne));
  EXPECT_EQ(folder.poll().value(), std::nullopt);
  secret.write(kTwo + "\n" + kOne);
  EXPECT_EQ(folder.poll().value(), *Keyring::parse(kTwo + "\n" + kOne));

  secret.write("no key");
  keys = folder.poll();
  ASSERT_TRUE(keys.has_error());
  EXPECT_NE(keys.error().to_string().find(secret.path()), std::string::npos);
  EXPECT_EQ(folder.poll().value(), std::nullopt);
  secret.write("\n");
  ASSERT_TRUE(folder.poll().has_error()) << "another fault: no key in it";
  fs::remove_all(secret.folder());
  ASSERT_TRUE(folder.poll().has_error());
  fs::create_directories(secret.folder());
  EXPECT_EQ(folder.poll().value(), std::nullopt) << "the same: no file";
}

TEST(KeyFolder, AFaultThatPassesIsNotForgotten) {
  MountedSecret secret;
  KeyFolder folder(secret.path());
  secret.write(kOne);
  ASSERT_TRUE(folder.poll().value());
  secret.write("no key");
  ASSERT_TRUE(folder.poll().has_error());
  secret.write(kOne);
  EXPECT_EQ(folder.poll().value(), std::nullopt) << "the keys that count are these";
  secret.write("no key");
  EXPECT_TRUE(folder.poll().has_error()) << "a fault anew";
}

/// Three members, each with its own mount, which the kubelets of their Nodes write at their own
/// pace.
class MembersWithFolders : public testing::Test {
 protected:
  struct Node {
    MountedSecret secret;
    KeyFolder folder{secret.path()};
    GossipPeers::Peer* peer = nullptr;
  };
  void start(const std::string& keys) {
    for (auto& node : nodes_) {
      node.secret.write(keys);
      auto options = GossipPeers::options("node" + std::to_string(&node - nodes_));
      options.keys = node.folder.poll().value().value();
      options.rejoin_interval = 200ms;
      node.peer = &peers_.add(std::move(options));
    }
    std::vector<GossipEndpoint> all;
    for (auto& node : nodes_) all.push_back(node.peer->gossip->endpoint());
    for (auto& node : nodes_) node.peer->gossip->keep_joining(all);
    ASSERT_TRUE(peers_.eventually([&] { return together(); }));
  }
  /// All hear each other by the fast path.
  bool together() {
    return std::ranges::all_of(nodes_, [](const Node& node) {
      const auto sessions = node.peer->gossip->sessions();
      return sessions.size() == 2 && std::ranges::all_of(sessions, &LivenessProbe::Session::up);
    });
  }
  void write(Node& node, const std::string& keys) {
    node.secret.write(keys);
    if (auto found = node.folder.poll(); found && *found)
      node.peer->gossip->set_keys(**std::move(found));
  }
  std::uint64_t refused() {
    std::uint64_t all = 0;
    for (auto& node : nodes_) all += node.peer->gossip->counters().refused;
    return all;
  }
  /// Until each has heard so many packets more.
  bool hear(std::uint64_t packets) {
    std::vector<std::uint64_t> before;
    for (auto& node : nodes_) before.push_back(node.peer->gossip->counters().packets_in);
    return peers_.eventually([&] {
      for (std::size_t i = 0; i < before.size(); ++i)
        if (nodes_[i].peer->gossip->counters().packets_in < before[i] + packets) return false;
      return true;
    });
  }

  GossipPeers peers_;
  Node nodes_[3];
};

TEST_F(MembersWithFolders, RotateTheirKeysUnderTrafficWithoutLosingAPacket) {
  ASSERT_NO_FATAL_FAILURE(start(kOne));
  const auto refused_before = refused();
  for (const auto& keys : {kOne + "\n" + kTwo, kTwo + "\n" + kOne, kTwo}) {
    for (auto& node : nodes_) {
      write(node, keys);
      ASSERT_TRUE(hear(20)) << "half of them have the new keys";
    }
  }
  EXPECT_EQ(refused(), refused_before);
  EXPECT_TRUE(peers_.eventually([&] { return together(); }));
}

// As the original rotates: with one key at a time. Members part, and meet again.
TEST_F(MembersWithFolders, WhoHasAnotherKeyIsAStrangerUntilAllHaveIt) {
  ASSERT_NO_FATAL_FAILURE(start(kOne));
  write(nodes_[0], kTwo);
  ASSERT_TRUE(peers_.eventually([&] {
    return nodes_[1].peer->saw(Kind::kFailed, "node0") &&
           nodes_[2].peer->saw(Kind::kFailed, "node0");
  }));
  EXPECT_TRUE(nodes_[1].peer->counts("node2"));
  EXPECT_GT(refused(), 0U);
  write(nodes_[1], kTwo);
  write(nodes_[2], kTwo);
  EXPECT_TRUE(peers_.eventually([&] { return together(); }));
}

}  // namespace
}  // namespace antrea::egress
