#include "antrea/ipam/host_local_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

namespace antrea::ipam {
namespace {

namespace fs = std::filesystem;

class HostLocal : public testing::Test {
 protected:
  HostLocal() {
    char name[] = "/tmp/antrea-ipam-XXXXXX";
    dir_ = mkdtemp(name);
  }
  ~HostLocal() override {
    std::error_code ignored;
    fs::remove_all(dir_, ignored);
  }

  HostLocalStore open() { return HostLocalStore::open(dir_, "antrea").value(); }
  fs::path folder() const { return dir_ / "antrea"; }
  std::string content(const std::string& name) const {
    std::ifstream in(folder() / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void put(const std::string& name, std::string_view text) const {
    fs::create_directories(folder());
    std::ofstream(folder() / name, std::ios::binary) << text;
  }
  static std::vector<RangeSet> sets(std::initializer_list<std::string> subnets) {
    std::vector<RangeSet> result;
    for (const auto& subnet : subnets)
      result.push_back(RangeSet::make({make_range({subnet, "", "", ""}).value()}).value());
    return result;
  }
  /// The addresses of one allocation as text, or the error.
  static std::string add(HostLocalStore& store, const Owner& owner,
                         const std::vector<RangeSet>& from, std::vector<IpAddress> wanted = {}) {
    const auto leases = store.allocate(owner, from, std::move(wanted));
    if (!leases) return leases.error().to_string();
    std::string text;
    for (const Lease& lease : *leases)
      text += (text.empty() ? "" : " ") + lease.address.to_string();
    return text;
  }

  fs::path dir_;
};

const Owner kFirst{"dummy", "eth0"};
const Owner kSecond{"other", "eth0"};

TEST_F(HostLocal, WritesTheLayoutOfThePlugin) {
  auto store = open();
  EXPECT_EQ(add(store, {" dummy\n ", "eth0"}, sets({"10.1.2.0/24", "2001:db8:1::/64"})),
            "10.1.2.2 2001:db8:1::2");
  EXPECT_EQ(content("10.1.2.2"), "dummy\r\neth0");
  EXPECT_EQ(content("last_reserved_ip.0"), "10.1.2.2");
  EXPECT_EQ(content("last_reserved_ip.1"), "2001:db8:1::2");
  struct stat info {};
  ASSERT_EQ(::stat((folder() / "10.1.2.2").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_TRUE(fs::exists(folder() / "lock"));
  ASSERT_TRUE(store.release({"dummy", "eth0"}));
  EXPECT_FALSE(fs::exists(folder() / "10.1.2.2"));
  EXPECT_FALSE(fs::exists(folder() / "2001:db8:1::2"));
  EXPECT_EQ(store.size(), 0U);
}

TEST_F(HostLocal, RepeatedAddIsHarmless) {
  auto store = open();
  const auto from = sets({"10.1.2.0/24"});
  EXPECT_EQ(add(store, kFirst, from), "10.1.2.2");
  EXPECT_EQ(add(store, kFirst, from), "10.1.2.2");
  EXPECT_EQ(add(store, kSecond, from), "10.1.2.3");
  EXPECT_EQ(store.size(), 2U);
}

TEST_F(HostLocal, DoesNotReuseAFreedAddressBeforeTheRangeWrapped) {
  auto store = open();
  const auto from = sets({"10.1.2.0/29"});
  EXPECT_EQ(add(store, kFirst, from), "10.1.2.2");
  ASSERT_TRUE(store.release(kFirst));
  EXPECT_EQ(add(store, kFirst, from), "10.1.2.3");
}

TEST_F(HostLocal, ReadsWhatIsThere) {
  put("10.1.2.2", "somebody\r\neth0");
  put("last_reserved_ip.0", "10.1.2.1");
  put("lock", "");
  put("notes.txt", "no address");
  auto store = open();
  EXPECT_EQ(store.size(), 1U);
  EXPECT_EQ(add(store, kFirst, sets({"10.1.2.0/24"})), "10.1.2.3");
}

TEST_F(HostLocal, ReleasesLegacyFiles) {
  put("10.1.2.2", "dummy");
  auto store = open();
  ASSERT_TRUE(store.release(kFirst));
  EXPECT_EQ(store.size(), 0U);
  ASSERT_TRUE(store.release({"unknown", "eth0"}));
}

TEST_F(HostLocal, KeepsOtherInterfacesOfTheContainer) {
  auto store = open();
  const auto from = sets({"10.1.2.0/24"});
  EXPECT_EQ(add(store, {"dummy", "eth0"}, from), "10.1.2.2");
  EXPECT_EQ(add(store, {"dummy", "eth1"}, from), "10.1.2.3");
  ASSERT_TRUE(store.release({"dummy", "eth0"}));
  EXPECT_EQ(store.find({"dummy", "eth1"}).size(), 1U);
}

TEST_F(HostLocal, ExhaustionNamesTheSet) {
  auto store = open();
  const auto from = sets({"10.1.2.0/29"});
  for (int i = 2; i <= 6; ++i)
    EXPECT_EQ(add(store, {std::to_string(i), "eth0"}, from), "10.1.2." + std::to_string(i));
  const auto full = store.allocate(kFirst, from);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Errc::kExhausted);
  EXPECT_NE(full.error().cause.find("no IP addresses available in range set: 10.1.2.1-10.1.2.6"),
            std::string::npos);
}

TEST_F(HostLocal, AFailedSetGivesBackTheOthers) {
  auto store = open();
  EXPECT_EQ(add(store, kFirst, sets({"10.1.3.0/30"})), "10.1.3.2");
  EXPECT_NE(add(store, kSecond, sets({"10.1.2.0/24", "10.1.3.0/30"})).find("range 1"),
            std::string::npos);
  EXPECT_FALSE(fs::exists(folder() / "10.1.2.2"));
  EXPECT_EQ(store.size(), 1U);
}

TEST_F(HostLocal, HandsOutRequestedAddresses) {
  auto store = open();
  const auto ip = [](const char* text) { return IpAddress::parse(text).value(); };
  const auto from = sets({"10.1.2.0/24", "10.1.3.0/24"});
  EXPECT_EQ(add(store, kFirst, from, {ip("10.1.3.77"), ip("10.1.2.88")}), "10.1.2.88 10.1.3.77");
  EXPECT_NE(add(store, kSecond, from, {ip("10.1.2.88")}).find("is not available in range set"),
            std::string::npos);
  EXPECT_NE(add(store, kSecond, from, {ip("10.1.2.1")}).find("is subnet's gateway"),
            std::string::npos);
  EXPECT_NE(add(store, kSecond, from, {ip("10.1.2.9"), ip("10.1.2.10")})
                .find("failed to allocate all requested IPs: 10.1.2."),
            std::string::npos);
  EXPECT_TRUE(store.find(kSecond).empty());
}

TEST_F(HostLocal, NoticesAnAddressTakenBehindItsBack) {
  auto store = open();
  put("10.1.2.2", "somebody\r\neth0");
  EXPECT_EQ(add(store, kFirst, sets({"10.1.2.0/24"})), "10.1.2.3");
}

TEST_F(HostLocal, CollectsWhatNobodyUses) {
  auto store = open();
  const auto from = sets({"10.1.2.0/24"});
  add(store, kFirst, from);
  add(store, kSecond, from);
  const auto stale = store.collect_garbage(
      [](const IpAddress& address) { return address.to_string() == "10.1.2.3"; });
  EXPECT_EQ(stale.size(), 1U);
  EXPECT_FALSE(fs::exists(folder() / "10.1.2.2"));
  EXPECT_TRUE(fs::exists(folder() / "10.1.2.3"));
}

TEST_F(HostLocal, AFolderThatCannotBeMadeIsNamed) {
  put("file", "");
  const auto store = HostLocalStore::open(folder() / "file", "antrea");
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().object.find("file/antrea"), std::string::npos);
}

// What a reader finds on disk is what the store says it holds, after any history and a reopening.
TEST_F(HostLocal, DiskAndMemoryAgree) {
  std::mt19937 random(11);
  auto store = open();
  const auto from = sets({"10.1.2.0/27"});
  for (int i = 0; i < 500; ++i) {
    const Owner owner{"c" + std::to_string(random() % 40), "eth0"};
    if (random() % 2 == 0)
      (void)store.allocate(owner, from);
    else
      ASSERT_TRUE(store.release(owner));
    if (i % 50 == 0) {
      const auto again = open();
      EXPECT_EQ(again.size(), store.size());
      for (int c = 0; c < 40; ++c) {
        const Owner each{"c" + std::to_string(c), "eth0"};
        EXPECT_EQ(again.find(each), store.find(each));
      }
    }
  }
}

}  // namespace
}  // namespace antrea::ipam
