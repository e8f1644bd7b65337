#include "antrea/base/remote.h"

#include <gtest/gtest.h>

namespace antrea {
namespace {

TEST(Remote, ReadsWhatOpenVSwitchWrites) {
  for (const auto* text :
       {"unix:/run/openvswitch/db.sock", "tcp:127.0.0.1:6640", "tcp:[::1]:6640",
        "tcp:db.example:6640", "ssl:10.0.0.1:6653", "ssl:[fe80::1%eth0]:1", "punix:/run/x.sock",
        "ptcp:6653", "pssl:6653:127.0.0.1", "ptcp:0:[::1]"}) {
    const auto remote = parse_remote(text);
    ASSERT_TRUE(remote) << text;
    EXPECT_EQ(remote->to_string(), text);
  }
  EXPECT_EQ(parse_remote("tcp:10.0.0.1", 6653)->port, 6653);
  EXPECT_EQ(parse_remote("pssl:", 6653)->to_string(), "pssl:6653");
  EXPECT_EQ(parse_remote("ptcp::[::1]", 6653)->to_string(), "ptcp:6653:[::1]");
  EXPECT_TRUE(parse_remote("ptcp:1")->passive);
  EXPECT_FALSE(parse_remote("ssl:h:1")->passive);
}

TEST(Remote, RefusesTheRest) {
  for (const auto* text : {"", "unix:", "tcp:", "tcp:h", "tcp:h:", "tcp:h:65536", "tcp:h:1x",
                           "tcp:[::1", "tcp:[::1]6640", "ssl:h", "/run/db.sock", "ptcp:x",
                           "ptcp:1:[::1", "pssl:1:h:2", "punix:"}) {
    const auto remote = parse_remote(text);
    ASSERT_TRUE(remote.has_error()) << text;
    EXPECT_EQ(remote.error().code, Errc::kInvalidArgument);
    EXPECT_EQ(remote.error().object, text);
  }
  EXPECT_TRUE(parse_remote("unix:/" + std::string(107, 'x')).has_error());
}

}  // namespace
}  // namespace antrea
