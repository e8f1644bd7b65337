#include "antrea/kube/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "antrea/kube/builtin_types.h"

namespace antrea::kube {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const ResourceTypes& types() {
  static const auto kTypes = make_builtin_types();
  return kTypes;
}

boost::json::object object(std::string_view text) { return boost::json::parse(text).as_object(); }

std::vector<std::string> problems(std::string_view kind, std::string_view text) {
  const auto* type = types().find_kind("", "v1", kind);
  std::vector<std::string> messages;
  for (const auto& problem : check_fields(*type->schema, object(text)))
    messages.push_back(problem.message);
  return messages;
}

struct BadTable {
  std::string_view name, text, object;
};
void PrintTo(const BadTable& c, std::ostream* os) { *os << c.name; }
constexpr BadTable kBadTables[] = {
    {"FieldOutsideAType", "package a\n  name string", "schema line 2"},
    {"FieldNotIndented", "package a\ntype T\nname string", "schema line 3"},
    {"UnknownMark", "package a\ntype T\n  name string shiny", "schema line 3"},
    {"FieldWithoutType", "package a\ntype T\n  name", "schema line 3"},
    {"DescribedTwice", "package a\ntype T\ntype T", "schema line 3"},
    {"NeverDescribed", "package a\ntype T\n  other Other", "a.Other"},
};
class SchemaTable : public testing::TestWithParam<BadTable> {};
TEST_P(SchemaTable, NamesWhatIsWrongAndAddsNothing) {
  SchemaSet set;
  const auto added = set.add(GetParam().text);
  ASSERT_TRUE(added.has_error());
  EXPECT_EQ(added.error().object, GetParam().object);
  EXPECT_THAT(set.definitions(), IsEmpty());
}
INSTANTIATE_TEST_SUITE_P(Malformed, SchemaTable, testing::ValuesIn(kBadTables),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(SchemaSet, ReadsTypesAndMarks) {
  SchemaSet set;
  const auto added = set.add(
      "# a comment\npackage a.b\n\nkind Thing g/v1 : A thing.\n"
      "  parts! []Part merge=name retainKeys keys=name,side : Its parts.\n"
      "  colors []string set\n  sizes map:int32\n  anything any\n"
      "type Part\n  name string enum=left|right\n  ...\n");
  ASSERT_TRUE(added) << added.error().to_string();
  const auto* thing = set.find(GroupVersionKind{"g", "v1", "Thing"});
  ASSERT_NE(thing, nullptr);
  EXPECT_EQ(thing->description, "A thing.");
  const auto* parts = thing->find("parts");
  ASSERT_NE(parts, nullptr);
  EXPECT_TRUE(parts->required);
  EXPECT_TRUE(parts->merges_list());
  EXPECT_TRUE(parts->retains_keys());
  EXPECT_EQ(parts->patch_merge_key, "name");
  EXPECT_THAT(parts->list_map_keys, ElementsAre("name", "side"));
  EXPECT_EQ(parts->schema->items, set.find("a.b.Part"));
  EXPECT_THAT(parts->schema->items->find("name")->schema->enumeration,
              ElementsAre("left", "right"));
  EXPECT_TRUE(parts->schema->items->preserves_unknown);
  EXPECT_EQ(thing->find("colors")->list_type, "set");
  EXPECT_EQ(thing->find("nothing"), nullptr);
}

TEST(SchemaSet, StaysGoodWhenMoved) {
  SchemaSet set;
  ASSERT_TRUE(set.add("package a\ntype T\n  names []string"));
  const auto* before = set.find("a.T");
  const SchemaSet moved = std::move(set);
  EXPECT_EQ(moved.find("a.T"), before);
  EXPECT_EQ(before->find("names")->schema->items->kind, SchemaKind::kString);
}

TEST(BuiltinSchemas, KnowTheMergeKeysOfStrategicPatches) {
  const auto* pod = types().schemas().find("io.k8s.api.core.v1.PodSpec");
  EXPECT_EQ(pod->find("containers")->patch_merge_key, "name");
  EXPECT_TRUE(pod->find("volumes")->retains_keys());
  EXPECT_FALSE(pod->find("tolerations")->merges_list());
  const auto* service = types().schemas().find("io.k8s.api.core.v1.ServiceSpec");
  EXPECT_EQ(service->find("ports")->patch_merge_key, "port");
  EXPECT_THAT(service->find("ports")->list_map_keys, ElementsAre("port", "protocol"));
  const auto* meta = types().schemas().find("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
  EXPECT_TRUE(meta->find("finalizers")->merges_list());
  EXPECT_EQ(meta->find("ownerReferences")->patch_merge_key, "uid");
}

TEST(CheckFields, NamesUnknownFieldsByPath) {
  EXPECT_THAT(
      problems("Pod", R"({"bogus":1,"spec":{"containers":[{"name":"a","imagee":"b"}]}})"),
      ElementsAre("unknown field \"bogus\"", "unknown field \"spec.containers[0].imagee\""));
}

TEST(CheckFields, WordsBadTypesAsTheServerDoes) {
  EXPECT_THAT(
      problems("Pod",
               R"({"spec":{"containers":[{"name":"a","ports":[{"containerPort":"http"}]}]}})"),
      ElementsAre("json: cannot unmarshal string into Go struct field "
                  "ContainerPort.spec.containers.ports.containerPort of type int32"));
  EXPECT_THAT(problems("Pod", R"({"spec":{"containers":{}}})"),
              ElementsAre("json: cannot unmarshal object into Go struct field "
                          "PodSpec.spec.containers of type []v1.Container"));
  EXPECT_THAT(problems("Service", R"({"spec":{"ports":[{"port":80.5}]}})").size(), 1U);
  EXPECT_THAT(problems("Service", R"({"spec":{"ports":[{"port":3000000000}]}})").size(), 1U);
  EXPECT_THAT(problems("Pod", R"({"metadata":{"labels":{"a":true}}})"),
              ElementsAre("json: cannot unmarshal bool into Go struct field "
                          "ObjectMeta.metadata.labels.a of type string"));
}

TEST(CheckFields, TakesWhatKubernetesTakes) {
  EXPECT_THAT(
      problems("Pod",
               R"({"metadata":{"creationTimestamp":null,"managedFields":[{"fieldsV1":{"f:x":{}}}]},
      "spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":1,"memory":"64Mi"}},
      "livenessProbe":{"httpGet":{"port":"http"}},"readinessProbe":{"tcpSocket":{"port":80}}}]}})"),
      IsEmpty());
}

TEST(CheckFields, StopsAtTheLimitAndAtTheDepth) {
  const auto* type = types().find_kind("", "v1", "Pod");
  boost::json::object many;
  for (int i = 0; i < 100; ++i) many["x" + std::to_string(i)] = 1;
  EXPECT_EQ(check_fields(*type->schema, many, 5).size(), 5U);
}

TEST(PruneFields, DropsUnknownAndNull) {
  auto pod = object(
      R"({"bogus":1,"metadata":{"name":"a","creationTimestamp":null},
          "spec":{"containers":[{"name":"a","imagee":"b"}],"nodeSelector":{"free":"key"}}})");
  prune_fields(*types().find_kind("", "v1", "Pod")->schema, pod);
  EXPECT_EQ(pod, object(R"({"metadata":{"name":"a"},
      "spec":{"containers":[{"name":"a"}],"nodeSelector":{"free":"key"}}})"));
}

}  // namespace
}  // namespace antrea::kube
