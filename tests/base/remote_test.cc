#include "antrea/base/remote.h"

#include <gtest/gtest.h>

namespace antrea {
namespace {

TEST(Remote, ReadsWhatOpenVSwitchWrites) {
  for (const auto* text : {"unix:/run/openvswitch/db.sock", "tcp:127.0.0.1:6640", "tcp:[::1]:6640",
                           "tcp:db.example:6640"}) {
    const auto remote = parse_remote(text);
    ASSERT_TRUE(remote) << text;
    EXPECT_EQ(remote->to_string(), text);
  }
  EXPECT_EQ(parse_remote("tcp:10.0.0.1", 6653)->port, 6653);
}

TEST(Remote, RefusesTheRest) {
  for (const auto* text : {"", "unix:", "tcp:", "tcp:h", "tcp:h:", "tcp:h:65536", "tcp:h:1x",
                           "tcp:[::1", "tcp:[::1]6640", "ssl:h:1", "/run/db.sock"}) {
    const auto remote = parse_remote(text);
    ASSERT_TRUE(remote.has_error()) << text;
    EXPECT_EQ(remote.error().code, Errc::kInvalidArgument);
    EXPECT_EQ(remote.error().object, text);
  }
  EXPECT_TRUE(parse_remote("unix:/" + std::string(107, 'x')).has_error());
}

}  // namespace
}  // namespace antrea
