#include "antrea/kube/patch.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "antrea/kube/builtin_types.h"
#include "libantrea-kube/server/apply.h"

namespace antrea::kube {
namespace {
namespace json = boost::json;

struct PatchCase {
  std::string_view name, target, patch, want;  ///< empty `want`: it must fail and change nothing
  Errc code = Errc::kOk;
};
void PrintTo(const PatchCase& each, std::ostream* os) { *os << each.name; }
constexpr auto name_of = [](const auto& info) { return std::string(info.param.name); };

void check(const PatchCase& each, const Result<>& done, const json::value& target) {
  if (each.want.empty()) {
    ASSERT_FALSE(done) << json::serialize(target);
    EXPECT_EQ(done.error().code, each.code) << done.error().to_string();
    EXPECT_EQ(target, json::parse(each.target)) << "changed in spite of the failure";
  } else {
    ASSERT_TRUE(done) << done.error().to_string();
    EXPECT_EQ(target, json::parse(each.want)) << json::serialize(target);
  }
}

// The examples of RFC 7386, appendix A, that have an object as the patch.
class MergePatch : public testing::TestWithParam<PatchCase> {};
TEST_P(MergePatch, Applies) {
  json::value target = json::parse(GetParam().target);
  check(GetParam(), apply_merge_patch(target, json::parse(GetParam().patch)), target);
}
INSTANTIATE_TEST_SUITE_P(
    All, MergePatch,
    testing::ValuesIn(std::initializer_list<PatchCase>{
        {"Replaces", R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
        {"Adds", R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
        {"Removes", R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
        {"ReplacesLists", R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
        {"MergesDeep", R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
        {"ListsAreValues", R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
        {"KeepsNullOfTarget", R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
        {"ScalarBecomesObject", R"({"a":"foo"})", R"({"a":{"b":{"c":null}}})", R"({"a":{"b":{}}})"},
        {"WantsAnObject", R"({"a":1})", R"(["c"])", "", Errc::kMalformed},
    }),
    name_of);

class JsonPatch : public testing::TestWithParam<PatchCase> {};
TEST_P(JsonPatch, Applies) {
  json::value target = json::parse(GetParam().target);
  check(GetParam(), apply_json_patch(target, json::parse(GetParam().patch)), target);
}
INSTANTIATE_TEST_SUITE_P(
    All, JsonPatch,
    testing::ValuesIn(std::initializer_list<PatchCase>{
        {"AddsMember", R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])",
         R"({"foo":"bar","baz":"qux"})"},
        {"AddsElement", R"({"foo":["a","b"]})", R"([{"op":"add","path":"/foo/1","value":"x"}])",
         R"({"foo":["a","x","b"]})"},
        {"Appends", R"({"foo":["a"]})", R"([{"op":"add","path":"/foo/-","value":["x"]}])",
         R"({"foo":["a",["x"]]})"},
        {"RemovesMember", R"({"a":1,"b":2})", R"([{"op":"remove","path":"/a"}])", R"({"b":2})"},
        {"RemovesElement", R"({"a":[1,2,3]})", R"([{"op":"remove","path":"/a/1"}])",
         R"({"a":[1,3]})"},
        {"Replaces", R"({"a":1})", R"([{"op":"replace","path":"/a","value":{"b":2}}])",
         R"({"a":{"b":2}})"},
        {"Moves", R"({"a":{"b":1},"c":{}})", R"([{"op":"move","from":"/a/b","path":"/c/d"}])",
         R"({"a":{},"c":{"d":1}})"},
        {"MovesElements", R"({"a":[1,2,3]})", R"([{"op":"move","from":"/a/0","path":"/a/2"}])",
         R"({"a":[2,3,1]})"},
        {"Copies", R"({"a":{"b":1}})", R"([{"op":"copy","from":"/a","path":"/c"}])",
         R"({"a":{"b":1},"c":{"b":1}})"},
        {"Tests", R"({"a":[1,{"x":2}]})", R"([{"op":"test","path":"/a/1","value":{"x":2}}])",
         R"({"a":[1,{"x":2}]})"},
        {"Unescapes", R"({"a/b":1,"m~n":2})",
         R"([{"op":"remove","path":"/a~1b"},{"op":"replace","path":"/m~0n","value":3}])",
         R"({"m~n":3})"},
        {"UnescapesOnce", R"({"~1":1})", R"([{"op":"remove","path":"/~01"}])", R"({})"},
        {"Root", R"({"a":1})", R"([{"op":"replace","path":"","value":{"b":1}}])", R"({"b":1})"},
        {"TestFails", R"({"a":1})",
         R"([{"op":"add","path":"/b","value":1},{"op":"test","path":"/a","value":2}])", "",
         Errc::kRejected},
        {"NoSuchMember", R"({"a":1})", R"([{"op":"remove","path":"/b"}])", "", Errc::kRejected},
        {"NoSuchParent", R"({"a":1})", R"([{"op":"add","path":"/b/c","value":1}])", "",
         Errc::kRejected},
        {"IndexTooHigh", R"({"a":[1]})", R"([{"op":"add","path":"/a/2","value":1}])", "",
         Errc::kRejected},
        {"IndexWithZero", R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/01"}])", "",
         Errc::kRejected},
        {"IntoItself", R"({"a":{"b":1}})", R"([{"op":"move","from":"/a","path":"/a/b/c"}])", "",
         Errc::kRejected},
        {"NoList", R"({})", R"({"op":"add"})", "", Errc::kMalformed},
        {"NoPath", R"({})", R"([{"op":"add","value":1}])", "", Errc::kMalformed},
        {"NoValue", R"({})", R"([{"op":"add","path":"/a"}])", "", Errc::kMalformed},
        {"NoSlash", R"({})", R"([{"op":"add","path":"a","value":1}])", "", Errc::kMalformed},
        {"UnknownOperation", R"({})", R"([{"op":"spam","path":"/a"}])", "", Errc::kMalformed},
    }),
    name_of);

TEST(JsonPatchLimits, CopiesDoNotExplode) {
  json::value target = json::parse(R"({"a":["0123456789"]})");
  json::array patch;
  for (int i = 0; i < 40; ++i) patch.push_back({{"op", "copy"}, {"from", "/a"}, {"path", "/a/-"}});
  EXPECT_EQ(apply_json_patch(target, patch).error().code, Errc::kRejected);
}

class StrategicMerge : public testing::TestWithParam<PatchCase> {
 protected:
  const ResourceTypes types = make_builtin_types();
};
TEST_P(StrategicMerge, Applies) {
  const auto* pods = types.find("", "v1", "pods");
  ASSERT_NE(pods, nullptr);
  json::value target = json::parse(GetParam().target);
  const auto done = apply_strategic_merge_patch(
      target.get_object(), json::parse(GetParam().patch).get_object(), *pods->schema);
  check(GetParam(), done, target);
}
INSTANTIATE_TEST_SUITE_P(
    All, StrategicMerge,
    testing::ValuesIn(std::initializer_list<PatchCase>{
        {"MergesByKey",
         R"({"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"1"}]}})",
         R"({"spec":{"containers":[{"name":"b","image":"2"},{"name":"c","image":"3"}]}})",
         R"({"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"2"},{"name":"c","image":"3"}]}})"},
        {"DeletesByKey", R"({"spec":{"containers":[{"name":"a"},{"name":"b"}]}})",
         R"({"spec":{"containers":[{"name":"a","$patch":"delete"}]}})",
         R"({"spec":{"containers":[{"name":"b"}]}})"},
        {"ReplacesAList", R"({"spec":{"containers":[{"name":"a"},{"name":"b"}]}})",
         R"({"spec":{"containers":[{"name":"c"},{"$patch":"replace"}]}})",
         R"({"spec":{"containers":[{"name":"c"}]}})"},
        {"ReplacesAnObject", R"({"metadata":{"labels":{"a":"1","b":"2"}}})",
         R"({"metadata":{"labels":{"$patch":"replace","c":"3"}}})",
         R"({"metadata":{"labels":{"c":"3"}}})"},
        {"DeletesAnObject", R"({"metadata":{"labels":{"a":"1"}},"spec":{}})",
         R"({"metadata":{"labels":{"$patch":"delete"}}})",
         R"({"metadata":{"labels":{}},"spec":{}})"},
        {"NullDeletes", R"({"metadata":{"labels":{"a":"1","b":"2"}}})",
         R"({"metadata":{"labels":{"a":null}}})", R"({"metadata":{"labels":{"b":"2"}}})"},
        {"NullIsNotStored", R"({})", R"({"metadata":{"labels":{"a":null,"b":"1"}}})",
         R"({"metadata":{"labels":{"b":"1"}}})"},
        {"AtomicListsAreReplaced", R"({"spec":{"containers":[{"name":"a","command":["x","y"]}]}})",
         R"({"spec":{"containers":[{"name":"a","command":["z"]}]}})",
         R"({"spec":{"containers":[{"name":"a","command":["z"]}]}})"},
        {"PrimitivesMergeAsASet", R"({"metadata":{"finalizers":["a","b"]}})",
         R"({"metadata":{"finalizers":["b","c"]}})",
         R"({"metadata":{"finalizers":["a","b","c"]}})"},
        {"DeletesPrimitives", R"({"metadata":{"finalizers":["a","b","c"]}})",
         R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["a","c"]}})",
         R"({"metadata":{"finalizers":["b"]}})"},
        {"SetsTheOrder", R"({"spec":{"containers":[{"name":"a"},{"name":"b"},{"name":"c"}]}})",
         R"({"spec":{"$setElementOrder/containers":[{"name":"c"},{"name":"a"},{"name":"d"}],
             "containers":[{"name":"d"}]}})",
         R"({"spec":{"containers":[{"name":"b"},{"name":"c"},{"name":"a"},{"name":"d"}]}})"},
        {"RetainsOnlyNamedKeys", R"({"spec":{"volumes":[{"name":"v","emptyDir":{}}]}})",
         R"({"spec":{"volumes":[{"name":"v","hostPath":{"path":"/x"},"$retainKeys":["name","hostPath"]}]}})",
         R"({"spec":{"volumes":[{"name":"v","hostPath":{"path":"/x"}}]}})"},
        {"WantsTheMergeKey", R"({"spec":{"containers":[{"name":"a"}]}})",
         R"({"spec":{"containers":[{"image":"x"}]}})", "", Errc::kMalformed},
        {"UnknownDirective", R"({"spec":{}})", R"({"spec":{"$patch":"explode"}})", "",
         Errc::kMalformed},
    }),
    name_of);

// ---- server-side apply --------------------------------------------------------------------------

class ServerSideApply : public testing::Test {
 protected:
  json::object apply(std::string_view live, std::string_view config, const Applier& applier) {
    return apply(json::parse(live).get_object(), config, applier);
  }
  json::object apply(const json::object& live, std::string_view config, const Applier& applier) {
    auto merged = apply_configuration(*pods, live, json::parse(config).get_object(), applier);
    if (!merged) {
      ADD_FAILURE() << describe(merged.error());
      return live;
    }
    return *merged;
  }
  static json::object without_owners(json::object object) {
    object["metadata"].get_object().erase("managedFields");
    return object;
  }
  const ResourceTypes types = make_builtin_types();
  const ResourceType* pods = types.find("", "v1", "pods");
};

TEST_F(ServerSideApply, NamesWhatItOwns) {
  const auto made = apply(
      "{}",
      R"({"metadata":{"name":"x","labels":{"app":"web"}},"spec":{"containers":[{"name":"main","image":"i",
          "ports":[{"containerPort":80}]}]}})",
      {"rec", "t0"});
  EXPECT_EQ(made.at("metadata").at("managedFields"),
            json::parse(R"([{"manager":"rec","operation":"Apply",
    "apiVersion":"v1","time":"t0","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{"f:app":{}}},
    "f:spec":{"f:containers":{"k:{\"name\":\"main\"}":{".":{},"f:name":{},"f:image":{},
      "f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}}}}}}}])"))
      << json::serialize(made);
}

TEST_F(ServerSideApply, RemovesWhatItNoLongerApplies) {
  const auto first = apply(
      R"({"metadata":{"labels":{"own":"1"}}})",
      R"({"metadata":{"labels":{"a":"1","b":"1"}},"spec":{"containers":[{"name":"x"},{"name":"y"}]}})",
      {"rec", "t0"});
  const auto second =
      apply(first, R"({"metadata":{"labels":{"a":"2"}},"spec":{"containers":[{"name":"y"}]}})",
            {"rec", "t1"});
  EXPECT_EQ(
      without_owners(second),
      json::parse(
          R"({"metadata":{"labels":{"own":"1","a":"2"}},"spec":{"containers":[{"name":"y"}]}})"))
      << json::serialize(second);
}

TEST_F(ServerSideApply, KeepsWhatAnotherAppliesToo) {
  const auto first = apply("{}", R"({"metadata":{"labels":{"a":"1"}}})", {"one", "t0"});
  const auto second = apply(first, R"({"metadata":{"labels":{"a":"1"}}})", {"two", "t1"});
  const auto third = apply(second, R"({"metadata":{}})", {"one", "t2"});
  EXPECT_EQ(third.at("metadata").at("labels"), json::parse(R"({"a":"1"})"));
}

TEST_F(ServerSideApply, ConflictsAreNamedOrForced) {
  const auto live = apply("{}", R"({"metadata":{"labels":{"app":"web","x":"1"}}})", {"rec", "t0"});
  const json::object config = json::parse(R"({"metadata":{"labels":{"app":"zzz"}}})").get_object();
  const auto refused = apply_configuration(*pods, live, config, {"other", "t1"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(describe(refused.error()), "conflict with \"rec\": .metadata.labels.app");
  const auto forced = apply_configuration(*pods, live, config, {"other", "t1", true});
  ASSERT_TRUE(forced);
  EXPECT_EQ(forced->at("metadata").at("labels"), json::parse(R"({"app":"zzz","x":"1"})"));
  EXPECT_EQ(forced->at("metadata").at("managedFields").at(1).at("fieldsV1"),
            json::parse(R"({"f:metadata":{"f:labels":{"f:x":{}}}})"));
}

TEST_F(ServerSideApply, AgainChangesNothing) {
  const std::string_view config =
      R"({"metadata":{"labels":{"a":"1"}},"spec":{"containers":[{"name":"x","image":"i"}]}})";
  const auto first = apply("{}", config, {"rec", "t0"});
  EXPECT_EQ(apply(first, config, {"rec", "t1"}), first);
}

}  // namespace
}  // namespace antrea::kube
