#include "libantrea-ovsdb/message_reader.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace antrea::ovsdb {
namespace {

using boost::json::object;

TEST(MessageReader, FindsTheSameMessagesHoweverTheStreamIsCut) {
  const std::string stream = R"({"id":1,"result":[],"error":null}{"a":"}{\"","b":[{}]} )"
                             "\n\t {\"n\":9223372036854775807}";
  std::vector<object> whole;
  ASSERT_TRUE(MessageReader().feed(stream, whole));
  ASSERT_EQ(whole.size(), 3U);
  EXPECT_EQ(whole[2].at("n").as_int64(), 9223372036854775807);
  for (std::size_t step = 1; step < stream.size(); ++step) {
    MessageReader reader;
    std::vector<object> found;
    for (std::size_t at = 0; at < stream.size(); at += step)
      ASSERT_TRUE(reader.feed(std::string_view(stream).substr(at, step), found)) << step;
    EXPECT_EQ(found, whole) << step;
  }
}

struct BadStream {
  std::string_view name, text;
};
void PrintTo(const BadStream& c, std::ostream* os) { *os << c.name << ": " << c.text; }
class MessageReaderRefuses : public ::testing::TestWithParam<BadStream> {};
TEST_P(MessageReaderRefuses, WhatIsNoObject) {
  std::vector<object> found;
  const auto fed = MessageReader().feed(GetParam().text, found);
  ASSERT_TRUE(fed.has_error());
  EXPECT_EQ(fed.error().code, Errc::kMalformed);
}
INSTANTIATE_TEST_SUITE_P(Streams, MessageReaderRefuses,
                         ::testing::Values(BadStream{"Array", "[1]"}, BadStream{"Number", "17"},
                                           BadStream{"Comma", "{}, {}"},
                                           BadStream{"Unquoted", "{id:1}"},
                                           BadStream{"TrailingComma", "{\"a\":1,}"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(MessageReader, RefusesDepthAndSizeBeyondItsLimits) {
  std::vector<object> found;
  std::string deep = "{\"a\":";
  deep.append(100, '[');
  EXPECT_TRUE(MessageReader().feed(deep, found).has_error());
  MessageReader small(100);
  EXPECT_TRUE(small.feed("{\"a\":\"" + std::string(60, 'x'), found).has_value());
  EXPECT_TRUE(small.feed(std::string(60, 'x'), found).has_error());
}

}  // namespace
}  // namespace antrea::ovsdb
