#include "antrea/openflow/flow_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <sstream>

namespace antrea::openflow {
namespace {

using ::testing::ElementsAre;

/// Reads a text, and counts how often it was asked what ports and tables are called.
struct Reading {
  explicit Reading(const std::string& text, Result<Names> names = Names()) {
    const FlowFile::AskNames ask = [&]() -> boost::asio::awaitable<Result<Names>> {
      ++asked;
      co_return names;
    };
    std::istringstream in(text);
    boost::asio::io_context io(1);
    auto done = boost::asio::co_spawn(io, file.read(in, ask), boost::asio::use_future);
    io.run();
    result = done.get();
  }

  FlowFile file{"flows.txt"};
  Result<> result;
  int asked = 0;
};

std::vector<std::string> lines_of(const std::vector<Step<FlowRecordPtr>>& steps) {
  std::vector<std::string> out;
  for (const auto& step : steps)
    for (auto& line : diff_lines(step)) out.push_back(std::move(line));
  return out;
}

FlowRecordPtr record(std::string_view text) { return FlowRecord::make(parse_flow(text).value()); }

TEST(FlowFile, LeavesOutCommentsAndKeepsTheLastOfAKind) {
  const Reading got(
      "# all of it\n\n"
      "table=1,priority=5,ip actions=drop  # nobody\n"
      " \t\r\n"
      "actions=normal\r\n"
      "table=1,priority=5,ip actions=output:2\n");
  ASSERT_TRUE(got.result) << got.result.error().to_string();
  EXPECT_EQ(got.file.flow_count(), 2U);
  EXPECT_EQ(got.asked, 0);
}

TEST(FlowFile, TakesMoreFlowsThanItHoldsAtOnce) {
  std::string text;
  for (int i = 1; i <= 2500; ++i) text += "priority=" + std::to_string(i) + " actions=drop\n";
  const Reading got(text);
  ASSERT_TRUE(got.result);
  EXPECT_EQ(got.file.flow_count(), 2500U);
}

TEST(FlowFile, AsksForNamesOnceAndOnlyWhereItMust) {
  Names names;
  names.ports["eth0"] = PortNo{4};
  names.tables["Output"] = TableId{9};
  const Reading got(
      "in_port=1 actions=drop\nin_port=eth0 actions=drop\ntable=Output actions=drop\n", names);
  ASSERT_TRUE(got.result) << got.result.error().to_string();
  EXPECT_EQ(got.file.flow_count(), 3U);
  EXPECT_EQ(got.asked, 1);
}

TEST(FlowFile, SaysWhereItIsWrong) {
  const std::string text = "actions=drop\n\ntcp,nonsense=1 actions=drop\n";
  const Reading known(text);
  ASSERT_FALSE(known.result);
  EXPECT_EQ(known.result.error().code, Errc::kMalformed);
  EXPECT_EQ(known.result.error().object, "flows.txt:3:5");
  EXPECT_EQ(known.asked, 1) << "it may have been a name";
  const Reading unknown(text, make_error(Errc::kIo, "connect", "br-int"));
  ASSERT_FALSE(unknown.result);
  EXPECT_THAT(unknown.result.error().to_string(),
              ::testing::HasSubstr("names were not asked for: "));
}

TEST(DiffLines, StandByTableAndWhatMatchesFirst) {
  std::vector<Step<FlowRecordPtr>> steps;
  for (const char* text :
       {"table=2,priority=7 actions=drop", "table=1,priority=5,ip actions=drop",
        "table=1,priority=9,ip actions=drop", "table=1,priority=5,arp actions=drop"})
    steps.push_back({nullptr, record(text)});
  sort_flows(steps);
  EXPECT_THAT(
      lines_of(steps),
      ElementsAre("+table=1 priority=9,ip actions=drop", "+table=1 priority=5,ip actions=drop",
                  "+table=1 priority=5,arp actions=drop", "+table=2 priority=7 actions=drop"));
}

TEST(DiffLines, AreThoseOfOvsOfctl) {
  const auto old = record("table=3,priority=5,tcp,cookie=0x7,idle_timeout=9 actions=output:1");
  EXPECT_THAT(lines_of({{old, nullptr}}),
              ElementsAre("-table=3 priority=5,tcp cookie=0x7 idle_timeout=9 actions=output:1"));
  EXPECT_THAT(
      lines_of({{old, record("table=3,priority=5,tcp,hard_timeout=8,importance=2 actions=drop")}}),
      ElementsAre("-table=3 priority=5,tcp cookie=0x7 idle_timeout=9 actions=output:1",
                  "+table=3 priority=5,tcp hard_timeout=8 importance=2 actions=drop"));
  // A table of 0 and the priority that flows have by themselves go without saying, flags unless
  // they are the difference.
  EXPECT_THAT(
      lines_of({{nullptr, record("actions=drop")}, {nullptr, record("priority=5 actions=drop")}}),
      ElementsAre("+ actions=drop", "+priority=5 actions=drop"));
  EXPECT_THAT(lines_of({{record("ip actions=drop"), record("ip,send_flow_rem actions=drop")}}),
              ElementsAre("-ip flags=0x0 actions=drop", "+ip flags=0x1 actions=drop"));
}

}  // namespace
}  // namespace antrea::openflow
