#include "antrea/ovsdb/replica.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace antrea::ovsdb {
namespace {
namespace json = boost::json;

constexpr std::string_view kSchema = R"({"name":"Db","version":"1.2.3","tables":{"T":{"columns":{
  "name":{"type":"string"},
  "n":{"type":"integer"},
  "real":{"type":"real"},
  "on":{"type":{"key":"boolean"}},
  "port":{"type":{"key":{"type":"integer","minInteger":1},"min":0,"max":1}},
  "names":{"type":{"key":"string","min":0,"max":"unlimited"}},
  "refs":{"type":{"key":{"type":"uuid","refTable":"T"},"min":0,"max":"unlimited"}},
  "one":{"type":{"key":{"type":"uuid","refTable":"T"},"min":1,"max":"unlimited"}},
  "ids":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}},
  "hidden":{"type":"string"}}}}})";

constexpr std::string_view kA = "11111111-1111-1111-1111-111111111111";
constexpr std::string_view kB = "22222222-2222-2222-2222-222222222222";

class ReplicaTest : public ::testing::Test {
 protected:
  ReplicaTest() {
    schema_ = *Schema::parse(json::parse(kSchema));
    select(replica_);
  }
  void select(Replica& replica) const {
    replica.select(
        schema_,
        {{"T",
          {"name", "n", "real", "on", "port", "names", "refs", "one", "ids", "of_a_newer_schema"}},
         {"TableOfANewerSchema", {"name"}}});
  }
  static json::value updates(std::string_view uuid, std::string_view row_update) {
    return json::parse(R"({"T":{")" + std::string(uuid) + "\":" + std::string(row_update) + "}}");
  }
  RowChanges apply2(std::string_view uuid, std::string_view row_update) {
    auto changes = replica_.apply(updates(uuid, row_update), UpdateFormat::kUpdate2);
    EXPECT_TRUE(changes) << row_update << (changes ? "" : changes.error().to_string());
    return changes ? *changes : RowChanges();
  }
  RowPtr row(std::string_view uuid) { return replica_.find("T", *Uuid::parse(uuid)); }

  Schema schema_;
  Replica replica_;
};

TEST_F(ReplicaTest, AsksForWhatTheServerHas) {
  EXPECT_EQ(json::serialize(replica_.monitor_requests()),
            R"({"T":[{"columns":["ids","n","name","names","on","one","port","real","refs"]}]})");
}

TEST_F(ReplicaTest, FillsDefaultsThatUpdate2LeavesOut) {
  const auto changes = apply2(kA, R"({"insert":{"name":"a"}})");
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].before, nullptr);
  const auto& a = *row(kA);
  EXPECT_EQ(a["name"].string(), "a");
  EXPECT_EQ(a["n"].integer(7), 0);
  EXPECT_EQ(a["real"].size(), 1U);
  EXPECT_FALSE(a["on"].boolean());
  EXPECT_FALSE(a["port"].optional_integer());
  EXPECT_TRUE(a["names"].empty());
  EXPECT_EQ(a["one"].uuids(), std::vector<Uuid>{Uuid{}});
  EXPECT_TRUE(a["hidden"].empty());
}

TEST_F(ReplicaTest, TakesASetOfOneBareOrWrapped) {
  apply2(
      kA,
      R"({"insert":{"names":"x","port":5,"refs":["uuid","22222222-2222-2222-2222-222222222222"]}})");
  apply2(kB, R"({"insert":{"names":["set",["x"]],"port":["set",[5]],
    "refs":["set",[["uuid","22222222-2222-2222-2222-222222222222"]]]}})");
  EXPECT_EQ(*row(kA), *row(kB));
  EXPECT_EQ((*row(kA))["port"].optional_integer(), 5);
  EXPECT_EQ((*row(kA))["refs"].uuid().to_string(), kB);
}

struct Difference {
  std::string_view name, before, modify, after;
};
void PrintTo(const Difference& c, std::ostream* os) { *os << c.name; }
class ReplicaModify : public ReplicaTest, public ::testing::WithParamInterface<Difference> {};
TEST_P(ReplicaModify, AppliesTheDifference) {
  const auto& c = GetParam();
  apply2(kA, "{\"insert\":" + std::string(c.before) + "}");
  apply2(kB, "{\"insert\":" + std::string(c.after) + "}");
  apply2(kA, "{\"modify\":" + std::string(c.modify) + "}");
  EXPECT_EQ(*row(kA), *row(kB));
}
INSTANTIATE_TEST_SUITE_P(
    Columns, ReplicaModify,
    ::testing::Values(
        Difference{"Scalar", R"({"n":1})", R"({"n":2})", R"({"n":2})"},
        Difference{"IntegerWrittenAsReal", R"({"n":1})", R"({"n":5.0})", R"({"n":5})"},
        Difference{"OptionalSet", "{}", R"({"port":2})", R"({"port":2})"},
        Difference{"OptionalChanged", R"({"port":1})", R"({"port":2})", R"({"port":2})"},
        Difference{"OptionalEmptied", R"({"port":1})", R"({"port":["set",[]]})", "{}"},
        Difference{"SetToggles", R"({"names":["set",["a","b"]]})", R"({"names":["set",["b","c"]]})",
                   R"({"names":["set",["c","a"]]})"},
        Difference{"SetTogglesOneBare", R"({"names":["set",["a","b"]]})", R"({"names":"b"})",
                   R"({"names":"a"})"},
        Difference{"SetEmptied", R"({"names":"a"})", R"({"names":"a"})", "{}"},
        Difference{"MapAddsAndRemoves", R"({"ids":["map",[["a","1"]]]})",
                   R"({"ids":["map",[["a","1"],["b","2"]]]})", R"({"ids":["map",[["b","2"]]]})"},
        Difference{"MapReplaces", R"({"ids":["map",[["a","1"],["b","2"]]]})",
                   R"({"ids":["map",[["a","9"]]]})", R"({"ids":["map",[["b","2"],["a","9"]]]})"},
        Difference{
            "SetOfOneAtLeast", "{}",
            R"({"one":["set",[["uuid","00000000-0000-0000-0000-000000000000"],["uuid","22222222-2222-2222-2222-222222222222"]]]})",
            R"({"one":["uuid","22222222-2222-2222-2222-222222222222"]})"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(ReplicaTest, FollowsTheOldUpdateForm) {
  const std::string full =
      R"("name":"a","real":0.5,"on":true,"port":3,"names":["set",[]],"refs":["set",[]],
      "one":["uuid","11111111-1111-1111-1111-111111111111"],"ids":["map",[]])";
  ASSERT_TRUE(
      replica_.replace(updates(kA, "{\"new\":{\"n\":1," + full + "}}"), UpdateFormat::kUpdate));
  EXPECT_EQ((*row(kA))["n"].integer(), 1);
  ASSERT_TRUE(replica_.apply(updates(kA, "{\"old\":{\"n\":1},\"new\":{\"n\":2," + full + "}}"),
                             UpdateFormat::kUpdate));
  EXPECT_EQ((*row(kA))["n"].integer(), 2);
  const auto gone =
      replica_.apply(updates(kA, "{\"old\":{\"n\":2," + full + "}}"), UpdateFormat::kUpdate);
  ASSERT_TRUE(gone);
  ASSERT_EQ(gone->size(), 1U);
  EXPECT_EQ((*gone)[0].after, nullptr);
  EXPECT_EQ(row(kA), nullptr);
}

TEST_F(ReplicaTest, TellsOnlyWhatDiffersAfterAReconnect) {
  apply2(kA, R"({"insert":{"name":"a","names":["set",["x","y"]]}})");
  apply2(kB, R"({"insert":{"name":"b"}})");
  select(replica_);  // a new session reads the schema again
  const auto same = json::parse(R"({"T":{"11111111-1111-1111-1111-111111111111":{"initial":
    {"name":"a","names":["set",["y","x"]]}},"22222222-2222-2222-2222-222222222222":{"initial":{"name":"b"}}}})");
  auto changes = replica_.replace(same, UpdateFormat::kUpdate2);
  ASSERT_TRUE(changes);
  EXPECT_TRUE(changes->empty());

  changes = replica_.replace(updates(kB, R"({"initial":{"name":"c"}})"), UpdateFormat::kUpdate2);
  ASSERT_TRUE(changes);
  ASSERT_EQ(changes->size(), 2U);
  EXPECT_EQ((*changes)[0].uuid.to_string(), kB);
  EXPECT_EQ((*(*changes)[0].before)["name"].string(), "b");
  EXPECT_EQ((*(*changes)[0].after)["name"].string(), "c");
  EXPECT_EQ((*changes)[1].uuid.to_string(), kA);
  EXPECT_EQ((*changes)[1].after, nullptr);
}

struct BadUpdate {
  std::string_view name, row_update;
};
void PrintTo(const BadUpdate& c, std::ostream* os) { *os << c.name << ": " << c.row_update; }
class ReplicaRefuses : public ReplicaTest, public ::testing::WithParamInterface<BadUpdate> {};
TEST_P(ReplicaRefuses, AndStaysAsItWas) {
  apply2(kA, R"({"insert":{"name":"a","names":"x"}})");
  const auto before = row(kA);
  const auto both = json::parse(R"({"T":{"22222222-2222-2222-2222-222222222222":{"insert":{}},
    "11111111-1111-1111-1111-111111111111":)" +
                                std::string(GetParam().row_update) + "}}");
  const auto changes = replica_.apply(both, UpdateFormat::kUpdate2);
  ASSERT_TRUE(changes.has_error());
  EXPECT_EQ(changes.error().code, Errc::kMalformed);
  EXPECT_EQ(changes.error().object, "T");
  EXPECT_EQ(row(kA), before);
  EXPECT_EQ(row(kB), nullptr);
}
INSTANTIATE_TEST_SUITE_P(
    Updates, ReplicaRefuses,
    ::testing::Values(BadUpdate{"NoObject", "7"}, BadUpdate{"Empty", "{}"},
                      BadUpdate{"UnknownKind", R"({"replaced":{}})"},
                      BadUpdate{"WrongType", R"({"modify":{"n":"x"}})"},
                      BadUpdate{"Fraction", R"({"modify":{"n":5.5}})"},
                      BadUpdate{"NotAsked", R"({"modify":{"hidden":"x"}})"},
                      BadUpdate{"ScalarAsTwo", R"({"modify":{"n":["set",[1,2]]}})"},
                      BadUpdate{"DuplicateElement", R"({"modify":{"names":["set",["a","a"]]}})"},
                      BadUpdate{"DuplicateKey",
                                R"({"modify":{"ids":["map",[["a","1"],["a","2"]]]}})"},
                      BadUpdate{"BareMap", R"({"modify":{"ids":["a","1"]}})"},
                      BadUpdate{"BadUuid", R"({"modify":{"refs":["uuid","1234"]}})"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(ReplicaTest, RefusesADifferenceToARowItDoesNotHave) {
  EXPECT_TRUE(
      replica_.apply(updates(kA, R"({"modify":{"n":1}})"), UpdateFormat::kUpdate2).has_error());
  EXPECT_TRUE(replica_.apply(updates(kA, R"({"delete":null})"), UpdateFormat::kUpdate2)->empty());
}

TEST(Schema, NamesTheColumnAtFault) {
  const auto schema = Schema::parse(
      json::parse(R"({"tables":{"T":{"columns":{"c":{"type":{"key":"complex"}}}}}})"));
  ASSERT_TRUE(schema.has_error());
  EXPECT_EQ(schema.error().object, "T.c");
}

TEST(Uuid, SurvivesTextAndRefusesTheRest) {
  constexpr std::string_view kText = "0123abcd-4567-89ef-0123-456789abcdef";
  EXPECT_EQ(Uuid::parse(kText)->to_string(), kText);
  EXPECT_EQ(Uuid::parse("0123ABCD-4567-89EF-0123-456789ABCDEF")->to_string(), kText);
  for (const auto* bad :
       {"", "0123abcd-4567-89ef-0123-456789abcde", "0123abcd.4567-89ef-0123-456789abcdef",
        "0123abcg-4567-89ef-0123-456789abcdef", "0123abcd-4567-89ef-0123-456789abcdef0"})
    EXPECT_TRUE(Uuid::parse(bad).has_error()) << bad;
}

}  // namespace
}  // namespace antrea::ovsdb
