#include "antrea/controlplane/object_files.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/api/generate.h"

namespace antrea::controlplane {
namespace {

using namespace api::controlplane;
namespace fs = std::filesystem;

class ObjectFilesTest : public testing::Test {
 protected:
  ObjectFilesTest() {
    std::string name = fs::temp_directory_path() / "antrea-files-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~ObjectFilesTest() override { fs::remove_all(folder_); }

  template <typename T>
  static std::shared_ptr<const T> named(const std::string& name, T object = {}) {
    object.metadata.name = object.metadata.uid = name;
    return std::make_shared<const T>(std::move(object));
  }
  std::set<std::string> files(const std::string& sub) const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_ / sub))
      names.insert(entry.path().filename().string());
    return names;
  }

  fs::path folder_;
};

TEST_F(ObjectFilesTest, KeepTheFullSetAndOnlyThat) {
  generate::Generator any(1);
  ObjectFiles kept(folder_, {});
  EXPECT_EQ(kept.load<NetworkPolicy>().error().code, Errc::kNotFound);
  const auto a = named("a", any.policy()), b = named("b", any.policy());
  ASSERT_TRUE(kept.replace<NetworkPolicy>({a, b}));
  EXPECT_EQ(files("network-policies"), (std::set<std::string>{"a", "b"}));
  struct stat info {};
  ASSERT_EQ(::stat((folder_ / "network-policies" / "a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);

  ASSERT_TRUE(kept.replace<NetworkPolicy>({b}));
  const auto loaded = ObjectFiles(folder_, {}).load<NetworkPolicy>().value();
  ASSERT_EQ(loaded.size(), 1U);
  EXPECT_EQ(*loaded[0], *b);
  // Received, and empty: that is not the same as never received.
  ASSERT_TRUE(kept.replace<AddressGroup>({}));
  EXPECT_TRUE(kept.load<AddressGroup>().value().empty());
}

TEST_F(ObjectFilesTest, FollowEvents) {
  ObjectFiles kept(folder_, {});
  AddressGroup group;
  group.members = {{.kind = MemberKind::kNode, .key = {{}, "n1"}},
                   {.kind = MemberKind::kNode, .key = {{}, "n2"}}};
  ASSERT_TRUE(kept.put(*named("g", group)));
  GroupPatch patch;
  patch.metadata.name = patch.metadata.uid = "g";
  patch.added = {{.kind = MemberKind::kNode, .key = {{}, "n3"}},
                 {.kind = MemberKind::kNode, .key = {{}, "n0"}}};
  patch.removed = {{.kind = MemberKind::kNode, .key = {{}, "n1"}}};
  ASSERT_TRUE(kept.patch<AddressGroup>(patch));
  EXPECT_EQ(kept.load<AddressGroup>()->at(0)->members,
            (std::vector<GroupMember>{{.kind = MemberKind::kNode, .key = {{}, "n0"}},
                                      {.kind = MemberKind::kNode, .key = {{}, "n2"}},
                                      {.kind = MemberKind::kNode, .key = {{}, "n3"}}}));
  EXPECT_EQ(kept.patch<AppliedToGroup>(patch).error().code, Errc::kNotFound);
  ASSERT_TRUE(kept.remove<AddressGroup>(patch.metadata));
  EXPECT_TRUE(kept.remove<AddressGroup>(patch.metadata));
  EXPECT_TRUE(files("address-groups").empty());
}

TEST_F(ObjectFilesTest, SkipWhatIsCorruptOrUnfinished) {
  generate::Generator any(2);
  ObjectFiles kept(folder_, {});
  ASSERT_TRUE(kept.replace<NetworkPolicy>({named("good", any.policy())}));
  std::ofstream(folder_ / "network-policies" / "bad") << "k8s";
  std::ofstream(folder_ / "network-policies" / "empty");
  fs::copy(folder_ / "network-policies" / "good", folder_ / "network-policies" / "x.part");
  fs::create_directory(folder_ / "network-policies" / "folder");
  const auto loaded = kept.load<NetworkPolicy>().value();
  ASSERT_EQ(loaded.size(), 1U);
  EXPECT_EQ(loaded[0]->metadata.name, "good");
}

TEST_F(ObjectFilesTest, StayInTheirFolder) {
  ObjectFiles kept(folder_, {});
  ASSERT_TRUE(kept.put(*named<AddressGroup>("../../outside")));
  ASSERT_TRUE(kept.put(*named<AddressGroup>("..")));
  EXPECT_EQ(files("").size(), 1U);
  EXPECT_EQ(files("address-groups").size(), 2U);
  EXPECT_EQ(kept.load<AddressGroup>()->size(), 2U);
}

TEST_F(ObjectFilesTest, SayWhenNothingCanBeWritten) {
  std::ofstream(folder_ / "file");
  ObjectFiles kept(folder_ / "file", {});
  EXPECT_TRUE(kept.put(*named<AddressGroup>("g")).has_error());
  EXPECT_TRUE(kept.replace<AddressGroup>({}).has_error());
}

}  // namespace
}  // namespace antrea::controlplane
