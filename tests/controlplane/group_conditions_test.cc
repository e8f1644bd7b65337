#include "antrea/controlplane/group_conditions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace antrea::controlplane {
namespace {

using api::crd::Condition;
using testing::ElementsAre;
using testing::IsEmpty;

class ConditionsOfGroups : public testing::Test {
 protected:
  /// "NAME STATUS TIME" each.
  std::vector<std::string> texts(const std::vector<GroupConditions::Change>& changes) {
    std::vector<std::string> texts;
    for (const auto& [group, condition] : changes) {
      EXPECT_EQ(condition.type, "GroupMembersComputed");
      EXPECT_EQ(condition.status == "False", condition.reason == "ChildGroupsNestingExceeded");
      texts.push_back(group.to_string() + " " + condition.status + " " +
                      condition.last_transition_time);
      shown[group] = {condition};
    }
    return texts;
  }
  /// The object comes as it is shown.
  std::vector<std::string> set(const std::string& name, std::vector<std::string> children,
                               std::string_view now) {
    return texts(groups.set({"", name}, children, shown[{"", name}], now));
  }
  std::vector<std::string> remove(const std::string& name, std::string_view now) {
    return texts(groups.remove({"", name}, now));
  }
  GroupConditions groups;
  std::map<api::ObjectKey, std::vector<Condition>> shown;
};

TEST_F(ConditionsOfGroups, AreTrueOnceTheGroupIsKnown) {
  EXPECT_THAT(set("a", {}, "t1"), ElementsAre("a True t1"));
  EXPECT_THAT(set("a", {}, "t2"), IsEmpty());
  EXPECT_THAT(set("parent", {"a", "unknown"}, "t3"), ElementsAre("parent True t3"));
}

TEST_F(ConditionsOfGroups, AreFalseWhileAChildHasChildren) {
  set("parent", {"child"}, "t1");
  set("child", {}, "t1");
  EXPECT_THAT(set("child", {"grandchild"}, "t2"), ElementsAre("parent False t2"));
  EXPECT_EQ((shown[{"", "parent"}].front().message),
            "found child child with children itself, expected one level only");
  EXPECT_THAT(set("child", {}, "t3"), ElementsAre("parent True t3"));
  set("child", {"grandchild"}, "t4");
  EXPECT_THAT(remove("child", "t5"), ElementsAre("parent True t5"));
}

TEST_F(ConditionsOfGroups, OfACircleAreFalseAllAround) {
  set("a", {"b"}, "t1");
  EXPECT_THAT(set("b", {"a"}, "t2"), ElementsAre("b False t2", "a False t2"));
}

TEST_F(ConditionsOfGroups, AreOfOneNamespaceEach) {
  EXPECT_THAT(texts(groups.set({"ns", "parent"}, {"child"}, {}, "t1")),
              ElementsAre("ns/parent True t1"));
  EXPECT_THAT(set("child", {"x"}, "t2"), ElementsAre("child True t2"));
}

TEST_F(ConditionsOfGroups, KeepTheTimeOfAnEarlierLife) {
  shown[{"", "a"}] = {{"GroupMembersComputed", "True", {}, {}, "t0"}};
  EXPECT_THAT(set("a", {}, "t1"), IsEmpty());
  shown[{"", "b"}] = {{"GroupMembersComputed", "False", "ChildGroupsNestingExceeded", {}, "t0"}};
  EXPECT_THAT(set("b", {}, "t1"), ElementsAre("b True t1"));
}

}  // namespace
}  // namespace antrea::controlplane
