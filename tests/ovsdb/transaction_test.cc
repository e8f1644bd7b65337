#include "antrea/ovsdb/transaction.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace antrea::ovsdb {
namespace {
namespace json = boost::json;

Transaction add_port() {
  Transaction tx;
  auto interface = tx.insert("Interface", {{"name", "p1"}});
  auto port = tx.insert("Port", {{"name", "p1"}, {"interfaces", std::move(interface)}});
  tx.mutate("Bridge", {"name", "br-int"}, {{"ports", "insert", std::move(port)}});
  return tx;
}

TEST(Transaction, WritesNamedRowsAndConditions) {
  EXPECT_EQ(json::value(add_port().params("Db")),
            json::parse(
                R"(["Db",{"op":"insert","table":"Interface","uuid-name":"row0","row":{"name":"p1"}},
          {"op":"insert","table":"Port","uuid-name":"row1","row":{"name":"p1","interfaces":["named-uuid","row0"]}},
          {"op":"mutate","table":"Bridge","where":[["name","==","br-int"]],
           "mutations":[["ports","insert",["named-uuid","row1"]]]}])"));
}

TEST(Transaction, MergesAMapByDroppingItsKeysFirst) {
  Transaction tx;
  tx.merge_map("T", {}, "ids", {{"k", "v"}}, {"old"});
  tx.merge_map("T", {}, "ids", {}, {});
  EXPECT_EQ(json::value(tx.params("Db")),
            json::parse(R"(["Db",{"op":"mutate","table":"T","where":[],"mutations":[
              ["ids","delete",["set",["old","k"]]],["ids","insert",["map",[["k","v"]]]]]}])"));
}

struct Reply {
  std::string_view name, result;
  Errc code;
  std::string_view cause;
};
void PrintTo(const Reply& c, std::ostream* os) { *os << c.name; }
class TransactionCheck : public ::testing::TestWithParam<Reply> {};
TEST_P(TransactionCheck, NamesTheOperation) {
  auto tx = add_port();
  tx.wait("Port", {"name", "p1"}, {"name"}, "==", {});
  const auto checked = tx.check(json::parse(GetParam().result));
  ASSERT_TRUE(checked.has_error());
  EXPECT_EQ(checked.error().code, GetParam().code);
  EXPECT_EQ(checked.error().cause, GetParam().cause);
}
INSTANTIATE_TEST_SUITE_P(
    Replies, TransactionCheck,
    ::testing::Values(
        Reply{"FirstFails", R"([{"error":"constraint violation","details":"bad name"},null])",
              Errc::kRejected,
              "transact: operation 0 (insert Interface p1): constraint violation: bad name"},
        Reply{"WaitFails", R"([{},{},{"count":1},{"error":"timed out","details":"d"}])",
              Errc::kConflict, "transact: operation 3 (wait Port): timed out: d"},
        Reply{"CommitFails",
              R"([{},{},{"count":1},{},{"error":"referential integrity violation"}])",
              Errc::kRejected, "transact: commit: referential integrity violation"},
        Reply{"NotAllowed", R"([{"error":"not allowed","details":"read only"}])",
              Errc::kPermissionDenied,
              "transact: operation 0 (insert Interface p1): not allowed: read only"},
        Reply{"TooShort", "[{},{}]", Errc::kMalformed, "transact: 2 results for 4 operations"},
        Reply{"Null", "[{},null,{},{}]", Errc::kMalformed,
              "transact: no result for operation 1 (insert Port p1)"},
        Reply{"NoArray", "{}", Errc::kMalformed, "transact: the result is no array"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Transaction, ReadsCountsRowsAndUuids) {
  Transaction tx;
  tx.insert("T", {});
  tx.mutate("T", {}, {});
  tx.select("T", {}, {"a"});
  const auto done = tx.check(json::parse(
      R"([{"uuid":["uuid","11111111-1111-1111-1111-111111111111"]},{"count":3},{"rows":[{"a":1}]}])"));
  ASSERT_TRUE(done);
  EXPECT_EQ(done->uuid(0).to_string(), "11111111-1111-1111-1111-111111111111");
  EXPECT_EQ(done->count(1), 3);
  EXPECT_EQ(done->rows(2).size(), 1U);
  EXPECT_TRUE(done->uuid(1).is_zero());
  EXPECT_TRUE(done->rows(9).empty());
}

}  // namespace
}  // namespace antrea::ovsdb
